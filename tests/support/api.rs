//! The API as a client meets it: the same calls in this process or over HTTP.
//!
//! With `TRIBUTARY_TEST_URL` (and `TRIBUTARY_TEST_KEY`, an owner key of the operator) in the environment the calls go to
//! that platform; otherwise to the functions' own routes over a table in memory and a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use tributary_api::hosts::Front;
use tributary_api::{App, AppParts, Endpoint, KeyMode};
use tributary_processor::{Options, Processor};
use tributary_runtime::blobs::MemoryBlobs;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::clock::{Clock, ManualClock};
use tributary_runtime::dns::ScriptedDns;
use tributary_runtime::ids::{IdSource, SystemIds};
use tributary_runtime::payments::stripe::StripeAt;
use tributary_runtime::queue::{MemoryFifo, MemoryQueue, Queues};
use tributary_runtime::secrets::Secrets;
use tributary_store::commit::Patience;
use tributary_store::memory::MemoryTable;
use tributary_store::table::Table;

/// Where the clock of a platform in this process stands at first.
pub const START: &str = "2026-11-02T08:00:00Z";

/// Every endpoint of the HTTP functions.
pub fn endpoints() -> Vec<Endpoint> {
    [
        tributary_accounts::endpoints(),
        tributary_credits::endpoints(),
        tributary_pricing::endpoints(),
        tributary_alerts::endpoints(),
        tributary_insights_api::endpoints(),
        tributary_billing_api::endpoints(),
        tributary_usage::endpoints(),
        tributary_webhooks::endpoints(),
        tributary_bulk_api::endpoints(),
        tributary_portal::endpoints(),
    ]
    .concat()
}

/// What answers.
#[derive(Clone)]
enum Wire {
    InProcess(Router),
    Http { client: reqwest::Client, base: String },
}

/// A browser's session, as it is given out.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The cookie, `name=value`.
    pub cookie: String,
    /// What unsafe requests carry beside it.
    pub csrf: String,
}

/// The API, and the key or session that calls carry unless another is given.
#[derive(Clone)]
pub struct Api {
    wire: Wire,
    key: Option<String>,
    session: Option<Signed>,
    count: Arc<AtomicU64>,
    run: Arc<str>,
}

/// The parts of a platform in this process that no client sees.
pub struct Inside {
    /// The app behind every function.
    pub app: App,
    /// The clock, which moves only when it is told to.
    pub clock: ManualClock,
    /// The table's contents.
    pub memory: MemoryTable,
    /// What is kept beside the table.
    pub outside: Outside,
    /// How far what was written is told: see [`crate::support::events`].
    pub told: AtomicUsize,
    /// How far rosters have heard of what changed.
    pub heard: AtomicUsize,
    /// The payment processor. A fork of the platform has the same.
    pub processor: Processor,
}

impl Inside {
    /// Another process of the platform, on `table`; it remembers nothing yet.
    pub fn process(&self, table: Arc<dyn Table>) -> App {
        app(table, &self.outside, self.clock.clone(), Arc::new(SystemIds::default()), &self.processor)
    }
}

/// Blobs, queues and the bus in memory.
#[derive(Clone, Default)]
pub struct Outside {
    /// The blobs.
    pub blobs: MemoryBlobs,
    /// What waits for the usage worker.
    pub usage: MemoryQueue,
    /// What waits for the exporter.
    pub exports: MemoryQueue,
    /// What waits for the notifier.
    pub events: MemoryFifo,
    /// What was told to everybody.
    pub bus: MemoryBus,
    /// What waits for the bulk worker.
    pub bulk: MemoryQueue,
    /// What waits for the invoice worker.
    pub billing: MemoryQueue,
    /// What names have as records.
    pub dns: ScriptedDns,
}

impl Outside {
    fn queues(&self) -> Queues {
        Queues {
            usage: Arc::new(self.usage.clone()),
            exports: Arc::new(self.exports.clone()),
            bulk: Arc::new(self.bulk.clone()),
            billing: Arc::new(self.billing.clone()),
            events: Arc::new(self.events.clone()),
        }
    }

    fn fork(&self) -> Self {
        Self {
            blobs: self.blobs.fork(),
            usage: self.usage.fork(),
            exports: self.exports.fork(),
            bulk: self.bulk.fork(),
            billing: self.billing.fork(),
            events: self.events.fork(),
            bus: self.bus.fork(),
            dns: self.dns.fork(),
        }
    }
}

/// For how long, and how often, a platform that is not in this process is asked whether it is done.
const ENDS_WITHIN_S: u64 = 60;
const ASKED_EVERY_MS: u64 = 200;

/// A platform with its operator.
pub struct Target {
    /// The API with no key.
    pub nobody: Api,
    /// The API with an owner key of the operator.
    pub operator: Api,
    inside: Option<Inside>,
}

impl Target {
    /// The platform that the environment names, or a fresh one in this process.
    pub async fn start() -> Self {
        match std::env::var("TRIBUTARY_TEST_URL") {
            Ok(base) => Self::remote(&base),
            Err(_) => Self::in_process().await,
        }
    }

    fn remote(base: &str) -> Self {
        let key = std::env::var("TRIBUTARY_TEST_KEY").expect("TRIBUTARY_TEST_KEY holds an owner key of the operator");
        let wire = Wire::Http { client: reqwest::Client::new(), base: base.trim_end_matches('/').to_owned() };
        let nobody = Api::new(wire, &format!("{:016x}", rand::random::<u64>()));
        Self { operator: nobody.with(&key), nobody, inside: None }
    }

    /// A fresh platform in this process.
    pub async fn in_process() -> Self {
        let memory = MemoryTable::with_stream();
        Self::over(Arc::new(memory.clone()), memory, Arc::new(SystemIds::default())).await
    }

    /// A platform in this process that has no operator yet; `operator` has a key that is none.
    pub async fn empty() -> Self {
        let memory = MemoryTable::with_stream();
        let clock = ManualClock::at(START.parse().expect("a time"));
        let outside = Outside::default();
        let processor = processor(&clock);
        let app = app(Arc::new(memory.clone()), &outside, clock.clone(), Arc::new(SystemIds::default()), &processor);
        Self::around(
            Inside { app, clock, memory, outside, told: AtomicUsize::default(), heard: AtomicUsize::default(), processor },
            "rk_test_none",
        )
    }

    /// A fresh platform in this process on `table`, whose contents `memory` holds, with ids from `ids`.
    pub async fn over(table: Arc<dyn Table>, memory: MemoryTable, ids: Arc<dyn IdSource>) -> Self {
        let clock = ManualClock::at(START.parse().expect("a time"));
        let outside = Outside::default();
        let processor = processor(&clock);
        let app = app(table, &outside, clock.clone(), ids, &processor);
        let made = tributary_api::bootstrap::operator(&app, "Op", "USD", &app.run_id("")).await.expect("the operator is made");
        Self::around(
            Inside { app, clock, memory, outside, told: AtomicUsize::default(), heard: AtomicUsize::default(), processor },
            &made.expect("for the first time").secret,
        )
    }

    fn around(inside: Inside, key: &str) -> Self {
        let nobody = Api::new(Wire::InProcess(tributary_api::router::router(inside.app.clone(), endpoints())), "run");
        Self { operator: nobody.with(key), nobody, inside: Some(inside) }
    }

    /// The same platform once more, in a process that remembers nothing: what is done to it leaves this one as it is.
    pub fn fork(&self) -> Self {
        let Inside { clock, memory, outside, told, heard, processor, .. } = self.inside.as_ref().expect("a platform in this process");
        let (clock, memory, outside) = (ManualClock::at(clock.now()), memory.fork(), outside.fork());
        let processor = processor.clone();
        let app = app(Arc::new(memory.clone()), &outside, clock.clone(), Arc::new(SystemIds::default()), &processor);
        let wire = Wire::InProcess(tributary_api::router::router(app.clone(), endpoints()));
        // The names given out so far stay taken.
        let nobody = Api { wire, ..self.nobody.clone() };
        let told = AtomicUsize::new(told.load(Ordering::Relaxed));
        let heard = AtomicUsize::new(heard.load(Ordering::Relaxed));
        Self {
            operator: nobody.with(self.operator.secret()),
            nobody,
            inside: Some(Inside { app, clock, memory, outside, told, heard, processor }),
        }
    }

    /// A worker on `table` of this platform, in a process of its own that gives up soon.
    pub fn worker(&self, table: Arc<dyn Table>) -> App {
        let Inside { clock, outside, processor, .. } = self.inside.as_ref().expect("a platform in this process");
        let parts = parts(table, outside, clock.clone(), Arc::new(SystemIds::default()));
        App::with_patience(parts, Patience::eager(5)).charging(Arc::new(StripeAt::over(Arc::new(processor.in_process()))))
    }

    /// A process of this platform as a stack has it, with these addresses.
    pub fn stack(&self, docs_url: &str, front: Front) -> App {
        let Inside { memory, clock, outside, processor, .. } = self.inside.as_ref().expect("a platform in this process");
        let parts = parts(Arc::new(memory.clone()), outside, clock.clone(), Arc::new(SystemIds::default()));
        let parts = AppParts { docs_url: docs_url.to_owned(), front, ..parts };
        let app = App::with_patience(parts, Patience::eager(12));
        app.charging(Arc::new(StripeAt::over(Arc::new(processor.in_process())))).resolving(Arc::new(outside.dns.clone()))
    }

    /// The parts no client sees; `None`, said loudly, where the platform is not in this process.
    pub fn inside(&self, for_what: &str) -> Option<&Inside> {
        if self.inside.is_none() {
            eprintln!("SKIPPED, because the platform is not in this process: {for_what}");
        }
        self.inside.as_ref()
    }

    /// Moves the clock forward; `false`, said loudly, where it cannot be moved.
    pub fn advance_s(&self, seconds: i64, for_what: &str) -> bool {
        let Some(inside) = self.inside(for_what) else { return false };
        inside.clock.advance_ms(seconds * 1000);
        true
    }

    /// The answer at `path` once its status is none of `on_the_way`.
    pub async fn ended(&self, api: &Api, path: &str, on_the_way: &[&str]) -> Answer {
        self.until(api, path, |answer| !on_the_way.contains(&answer.word("status"))).await
    }

    /// The answer at `path` once it is `done`. Where the platform is not in this process its queues deliver by themselves, and the answer is
    /// asked for until they have; in this process it is the first.
    pub async fn until(&self, api: &Api, path: &str, done: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..ENDS_WITHIN_S * 1000 / ASKED_EVERY_MS {
            let answer = api.get(path).send().await.is(200);
            if self.inside.is_some() || done(&answer) {
                assert!(done(&answer), "{path}: {answer:?}");
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(ASKED_EVERY_MS)).await;
        }
        panic!("{path} is not as it should be within {ENDS_WITHIN_S} seconds");
    }

    /// The platform's time plus `seconds`, in RFC 3339. Where the platform is not in this process, the machine's.
    pub fn time_in_s(&self, seconds: i64) -> String {
        let now = match &self.inside {
            Some(inside) => inside.clock.now(),
            None => tributary_runtime::clock::SystemClock::default().now(),
        };
        now.checked_add(jiff::SignedDuration::from_secs(seconds)).expect("in range").to_string()
    }
}

fn processor(clock: &ManualClock) -> Processor {
    Processor::open(Options { seed: 1, file: None, clock: Arc::new(clock.clone()) }).expect("a processor in memory")
}

fn app(table: Arc<dyn Table>, outside: &Outside, clock: ManualClock, ids: Arc<dyn IdSource>, processor: &Processor) -> App {
    // Nothing is ever busy in memory, so there is nothing to wait for.
    let app = App::with_patience(parts(table, outside, clock, ids), Patience::eager(12));
    app.charging(Arc::new(StripeAt::over(Arc::new(processor.in_process())))).resolving(Arc::new(outside.dns.clone()))
}

fn parts(table: Arc<dyn Table>, outside: &Outside, clock: ManualClock, ids: Arc<dyn IdSource>) -> AppParts {
    AppParts {
        table,
        blobs: Arc::new(outside.blobs.clone()),
        queues: outside.queues(),
        bus: Arc::new(outside.bus.clone()),
        secrets: Arc::new(Secrets::from_pepper(&[7; 32]).expect("long enough")),
        clock: Arc::new(clock),
        ids,
        docs_url: "https://docs.example".to_owned(),
        mode: KeyMode::Test,
        loopback_webhooks: true,
        plain_http: false,
        front: Front::default(),
    }
}

impl Api {
    fn new(wire: Wire, run: &str) -> Self {
        Self { wire, key: None, session: None, count: Arc::default(), run: run.into() }
    }

    /// The same API with another key.
    pub fn with(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), session: None, ..self.clone() }
    }

    /// The same API in a browser that has just signed in.
    #[track_caller]
    pub fn signed_in(&self, begun: &Answer) -> Self {
        let (cookie, _) = begun.header("set-cookie").split_once(';').expect("a cookie with attributes");
        let session = Signed { cookie: cookie.to_owned(), csrf: begun.word("csrf_token").to_owned() };
        Self { key: None, session: Some(session), ..self.clone() }
    }

    /// The same API answered by another process of a platform in this one.
    pub fn at(&self, app: App) -> Self {
        Self { wire: Wire::InProcess(tributary_api::router::router(app, endpoints())), ..self.clone() }
    }

    /// The session that calls carry.
    pub fn session(&self) -> &Signed {
        self.session.as_ref().expect("an API with a session")
    }

    /// The same API with what `other` carries.
    pub fn as_who(&self, other: &Self) -> Self {
        Self { key: other.key.clone(), session: other.session.clone(), ..self.clone() }
    }

    /// The key that calls carry.
    pub fn secret(&self) -> &str {
        self.key.as_deref().expect("an API with a key")
    }

    /// A text that nothing on the platform has been called yet.
    pub fn unique(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.run, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A call without a body.
    pub fn call(&self, method: Method, path: &str) -> Ask {
        let ask = Ask { api: self.clone(), method, path: path.to_owned(), headers: HeaderMap::new(), body: Vec::new() };
        match (&self.key, &self.session) {
            (Some(key), _) => ask.key(key),
            (None, Some(Signed { cookie, csrf })) => {
                let ask = ask.header("cookie", cookie.as_bytes());
                if matches!(ask.method, Method::GET | Method::HEAD) { ask } else { ask.header("x-csrf-token", csrf.as_bytes()) }
            }
            (None, None) => ask,
        }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Ask {
        self.call(Method::GET, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Ask {
        self.call(Method::DELETE, path)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Ask {
        self.call(Method::POST, path).json(&body)
    }

    /// `PUT` with a JSON body.
    pub fn put(&self, path: &str, body: Value) -> Ask {
        self.call(Method::PUT, path).json(&body)
    }

    /// `POST` with a JSON body and a fresh `Idempotency-Key`.
    pub fn pay(&self, path: &str, body: Value) -> Ask {
        self.post(path, body).idem(&self.unique("idem"))
    }

    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: Vec<u8>) -> Answer {
        match &self.wire {
            Wire::InProcess(router) => {
                let mut request = Request::new(Body::from(body));
                *request.method_mut() = method;
                *request.uri_mut() = path.parse().expect("a path that HTTP can carry");
                *request.headers_mut() = headers;
                let response = router.clone().oneshot(request).await.expect("the router always answers");
                let (parts, body) = response.into_parts();
                let bytes = body.collect().await.expect("a body in memory").to_bytes();
                Answer::new(parts.status.as_u16(), parts.headers, &bytes)
            }
            Wire::Http { client, base } => {
                let request = client.request(method, format!("{base}{path}")).headers(headers).body(body);
                let response = request.send().await.expect("the platform answers");
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                Answer::new(status, headers, &response.bytes().await.expect("a whole body"))
            }
        }
    }
}

/// A request being put together.
pub struct Ask {
    api: Api,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Ask {
    /// The same with this API key.
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}").as_bytes())
    }

    /// The same with this `Idempotency-Key`.
    pub fn idem(self, key: &str) -> Self {
        self.header("idempotency-key", key.as_bytes())
    }

    /// The same with this `If-Match`.
    pub fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag.as_bytes())
    }

    /// The same with a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string().as_bytes()).header("content-type", b"application/json")
    }

    /// The same with these bytes as the body.
    pub fn raw(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// The same with a header, instead of one of that name.
    pub fn header(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.insert(name, HeaderValue::from_bytes(value).expect("bytes that a header can hold"));
        self
    }

    /// The same without a header.
    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let name = format!("{} {}", self.method, self.path);
        Answer { name, ..self.api.send(self.method, &self.path, self.headers, self.body).await }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked, for messages.
    pub name: String,
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
    /// Its body as JSON; null if it is none.
    pub json: Value,
}

impl std::ops::Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.json[name]
    }
}

impl Answer {
    fn new(status: u16, headers: HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body).into_owned();
        let json = serde_json::from_slice(body).unwrap_or_default();
        Self { name: String::new(), status, headers, text, json }
    }

    /// The same answer, if it has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.name, self.text);
        self
    }

    /// The same answer, if it is the problem of this status and code, with every member that a problem has.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self["code"].as_str()), (status, Some(code)), "{}\n{}", self.name, self.text);
        self.problem()
    }

    /// The same answer, if it is a whole problem.
    #[track_caller]
    pub fn problem(self) -> Self {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}\n{}", self.name, self.text);
        for member in ["type", "title", "detail", "code", "request_id"] {
            assert!(self[member].as_str().is_some_and(|text| !text.is_empty()), "{}: {member}\n{}", self.name, self.text);
        }
        assert_eq!(self["status"], self.status, "{}\n{}", self.name, self.text);
        assert!(self.word("type").ends_with(&format!("/errors/{}", self.word("code"))), "{}\n{}", self.name, self.text);
        assert_eq!(self.word("request_id"), self.header("x-request-id"), "{}\n{}", self.name, self.text);
        self
    }

    /// A header's text, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A member that is a text.
    #[track_caller]
    pub fn word(&self, name: &str) -> &str {
        self[name].as_str().unwrap_or_else(|| panic!("{}: {name} is no text in {}", self.name, self.text))
    }

    /// The answer's `id`.
    #[track_caller]
    pub fn id(&self) -> String {
        self.word("id").to_owned()
    }

    /// The rows of a page.
    #[track_caller]
    pub fn rows(&self) -> &[Value] {
        self["data"].as_array().unwrap_or_else(|| panic!("{}: no page: {}", self.name, self.text))
    }

    /// One member of every row of a page.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<String> {
        self.rows().iter().map(|row| row[name].as_str().unwrap_or_default().to_owned()).collect()
    }
}
