//! The functions' release binaries as AWS runs them: their environment, the services they call, and AWS's runtime interface
//! emulator around each process.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary_api::{App, AppParts, KeyMode, bootstrap};
use tributary_local::event::{Arrival, rest};
use tributary_local::routes::{Found, Routes};
use tributary_local::template::Template;
use tributary_runtime::blobs::MemoryBlobs;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::clock::{Clock as _, SystemClock};
use tributary_runtime::dynamo::loopback_client;
use tributary_runtime::ids::SystemIds;
use tributary_runtime::queue::{MemoryFifo, MemoryQueue, Queues};
use tributary_runtime::secrets::Secrets;
use tributary_store::dynamo::{DynamoTable, create_table};

const TABLE: &str = "tributary";
const PEPPER: &str = "a pepper that only the tests of the release binaries know";
/// How long a process has to listen, and a call to be answered.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest body of a call between the functions and their services.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A moment of a function's call to a service; the text is its `X-Amz-Target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// It was asked, and nothing has happened yet.
    Asked(&'a str),
    /// It has happened, and nobody was told yet.
    Done(&'a str),
}

/// What looks at every call of a function to its services. A call of which it says `false` goes no further.
pub type Watch = Arc<dyn Fn(Moment<'_>) -> bool + Send + Sync>;

/// The table, on an engine in this process, and an operator with an owner key. It outlives whatever is killed.
pub struct Platform {
    engine: String,
    routes: Routes,
    stage: String,
    /// The operator's key.
    pub key: String,
    server: JoinHandle<()>,
}

impl Platform {
    /// A platform whose data is in `file`.
    pub async fn start(file: &Path) -> Self {
        let database = dynoxide::Database::new(&file.to_string_lossy()).expect("the engine opens its file");
        let (listener, engine) = listen().await;
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
        let client = loopback_client(&engine);
        create_table(&client, TABLE).await.expect("the table is made");
        let app = App::new(AppParts {
            table: Arc::new(DynamoTable::new(client, TABLE)),
            blobs: Arc::new(MemoryBlobs::default()),
            queues: Queues {
                usage: Arc::new(MemoryQueue::default()),
                exports: Arc::new(MemoryQueue::default()),
                bulk: Arc::new(MemoryQueue::default()),
                billing: Arc::new(MemoryQueue::default()),
                events: Arc::new(MemoryFifo::default()),
            },
            bus: Arc::new(MemoryBus::default()),
            secrets: Arc::new(Secrets::from_pepper(PEPPER.as_bytes()).expect("long enough")),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds::default()),
            docs_url: "https://docs.example".to_owned(),
            mode: KeyMode::Live,
            loopback_webhooks: false,
            plain_http: false,
            front: tributary_api::hosts::Front::default(),
        });
        let made = bootstrap::operator(&app, "Operator", "USD", &app.run_id("")).await.expect("the operator is made");
        let key = made.expect("for the first time").secret;
        let template = Template::embedded().expect("template.yaml");
        Self { engine, routes: Routes::new(template.routes), stage: template.stage, key, server }
    }

    /// The services as one function's processes find them, each call seen by `watch`.
    pub async fn services(&self, watch: Watch) -> Services {
        let (listener, address) = listen().await;
        let way = Arc::new(Way { engine: self.engine.clone(), client: reqwest::Client::new(), watch });
        let router = Router::new().fallback(pass).with_state(way);
        Services { address, server: tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") }) }
    }

    /// The event of a REST request under the operator's key.
    pub fn event(&self, method: &str, path: &str, idempotency_key: Option<&str>, body: &Value) -> Value {
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.key));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let (parts, body) = request.body(body).expect("a request").into_parts();
        let found = self.routes.find(&parts.method, parts.uri.path());
        let Found::Route(route, parameters) = found else { panic!("no route {method} {path}") };
        let arrival = Arrival {
            resource: &route.path,
            path_parameters: &parameters,
            stage: &self.stage,
            request_id: "00000000-0000-4000-8000-000000000000",
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            at: SystemClock::default().now(),
        };
        rest(&parts, &body.into(), &arrival)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// DynamoDB and Secrets Manager at one loopback address.
pub struct Services {
    address: String,
    server: JoinHandle<()>,
}

impl Services {
    /// The environment that the template and Lambda give a function.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let fixed = [
            ("TABLE_NAME", TABLE),
            ("PEPPER_SECRET_ID", "pepper"),
            ("DOCS_URL", "https://docs.example"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_LAMBDA_FUNCTION_NAME", "function"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true"),
            ("RUST_LOG", "error"),
        ];
        let endpoints = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER"].map(|name| (name, self.address.clone()));
        fixed.map(|(name, value)| (name, value.to_owned())).into_iter().chain(endpoints).collect()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Way {
    engine: String,
    client: reqwest::Client,
    watch: Watch,
}

/// One call of a function to a service.
async fn pass(State(way): State<Arc<Way>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let gone = || Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).expect("a response");
    if !(way.watch)(Moment::Asked(target)) {
        return gone();
    }
    let answer = if target == "secretsmanager.GetSecretValue" {
        let secret = json!({ "Name": "pepper", "SecretString": PEPPER }).to_string();
        Response::builder().header("content-type", "application/x-amz-json-1.1").body(Body::from(secret)).expect("a response")
    } else {
        let asked = way.client.post(&way.engine).headers(parts.headers.clone()).body(body).send().await;
        let Ok(answer) = asked else { return gone() };
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        response.body(Body::from(answer.bytes().await.unwrap_or_default())).expect("a response")
    };
    if (way.watch)(Moment::Done(target)) { answer } else { gone() }
}

/// A free loopback port, listened on, and its address.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    (listener, address)
}

/// AWS's emulator with one function in it. Everything it started is killed when it is dropped.
pub struct Emulator {
    child: Child,
    url: String,
}

impl Emulator {
    /// Starts `program`, which is AWS's emulator, for the function `bootstrap`. What both say goes to `log`. The function's
    /// process starts with the first call.
    pub async fn start(program: &Path, bootstrap: &Path, services: &Services, log: &Path) -> Self {
        let [front, back] = two_free_ports().await;
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let mut command = Command::new(program);
        command.args(["--runtime-interface-emulator-address", &front.to_string(), "--runtime-api-address", &back.to_string()]);
        command.arg(bootstrap).env_clear().envs(services.environment()).env("AWS_LAMBDA_FUNCTION_TIMEOUT", "29");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log).process_group(0);
        let emulator = Self {
            child: command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display())),
            url: format!("http://{front}/2015-03-31/functions/function/invocations"),
        };
        let began = Instant::now();
        while tokio::net::TcpStream::connect(front).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "the emulator does not listen on {front}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        emulator
    }

    /// Where its calls go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether its process has ended.
    pub fn is_gone(&self) -> bool {
        // The process stays known until this is dropped, so that its number is not given to another.
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).is_ok_and(|stat| stat.contains(") Z "))
    }

    /// The emulator's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let mut all = children(self.pid());
        all.push(self.pid());
        kill(&all);
        let _ = self.child.wait();
    }
}

/// SIGKILL to processes; those that are gone already are left alone.
pub fn kill(pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let pids = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let _ = Command::new("sh").args(["-c", &format!("kill -KILL {pids}")]).stderr(Stdio::null()).status();
}

/// The processes that `parent` started and that still run.
pub fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name may hold anything; after its last bracket come the state and the parent.
        let mut after = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let (state, its_parent) = (after.next(), after.next());
        if state != Some("Z") && its_parent == Some(parent.to_string().as_str()) {
            found.push(pid);
        }
    }
    found
}

async fn two_free_ports() -> [SocketAddr; 2] {
    // Both are held at once, so that they differ.
    let (one, other) = (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
    [one, other].map(|listener| listener.expect("a free port").local_addr().expect("an address"))
}

/// What the environment variable `name`, which `scripts/lambda.sh` sets, says.
pub fn given(name: &str) -> PathBuf {
    PathBuf::from(std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/lambda.sh")))
}
