//! HTTP to the API: sends a request, repeats it where that is safe, and tells answers from refusals.

use std::io::Read as _;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{self, Method};

use crate::connection::{ApiKey, BaseUrl, key_for};
use crate::failure::{Failure, Lost};
use crate::problem::Problem;

/// How often a request is sent that may be repeated.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// The longest pause, whatever the API asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The gateway gives a function 29 seconds.
const TIMEOUT: Duration = Duration::from_secs(35);
/// How long another server is waited for.
const ELSEWHERE_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows asked for at once: the most that the API gives.
const PAGE: usize = 200;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    /// The path, its ids encoded.
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    idempotency_key: Option<String>,
    public: bool,
    /// Whether sending it twice does no more than sending it once, though it is a POST without an idempotency key.
    harmless: bool,
}

impl Request {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            idempotency_key: None,
            public: false,
            harmless: false,
        }
    }

    /// Ends or stops something.
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// Sends a document.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    /// Puts a document in the place of what was there.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::PUT, body: Some(body), ..Self::get(path) }
    }

    /// The same with a parameter, if it has a value.
    pub fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// The same under an idempotency key.
    pub fn once_under(mut self, key: String) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// The same, which does no more when it is sent twice: it only computes, or what it sends is known again by its ids.
    pub fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// The same without a key.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Whether sending it twice does no more than sending it once.
    fn repeatable(&self) -> bool {
        self.method != Method::POST || self.idempotency_key.is_some() || self.harmless
    }

    fn target(&self, base: &BaseUrl) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}{}{mark}{}", self.path, query.join("&"))
    }
}

/// Encodes an id or a value for a path or a query (RFC 3986): all but unreserved characters.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
        out
    })
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The document.
    pub document: Value,
    /// Whether the request had been done before under the same idempotency key.
    pub replayed: bool,
}

impl Answer {
    /// The document's parts that a command shows.
    ///
    /// # Errors
    /// A document of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.document)
    }
}

/// Reads what a command shows of a document.
///
/// # Errors
/// A document of another shape.
pub fn read<T: DeserializeOwned>(document: &Value) -> Result<T, Failure> {
    T::deserialize(document).map_err(|error| Failure::Shape(error.to_string()))
}

/// What came back, before its status is looked at.
struct Received {
    status: u16,
    retry_after: Option<Duration>,
    replayed: bool,
    body: String,
}

/// An answer as it came, whatever it says.
#[derive(Debug)]
pub struct Probed {
    /// Its status.
    pub status: u16,
    /// The time from sending to the body's end.
    pub took: Duration,
    headers: http::HeaderMap,
    body: String,
}

impl Probed {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// The document; null if it is none.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// A connection to one API.
pub struct Client {
    agent: ureq::Agent,
    base: BaseUrl,
    key: Option<ApiKey>,
    first_pause: Duration,
}

impl Client {
    /// A client of the API at `base`, with the key that was given or the local run's.
    pub fn new(base: BaseUrl, key: Option<String>) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A key is sent where it was meant to go, and nowhere that an answer names.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("tributary-cli/", env!("CARGO_PKG_VERSION")));
        if base.is_loopback() {
            config = config.proxy(None);
        }
        let key = key_for(&base, key.as_deref());
        Self { agent: config.build().into(), base, key, first_pause: FIRST_PAUSE }
    }

    /// Where the API is.
    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let received = self.repeatedly(request)?;
        let foreign = || Failure::Foreign { url: self.base.to_string(), status: received.status, body: received.body.clone() };
        let document: Value = serde_json::from_str(&received.body).map_err(|_| foreign())?;
        if (200..300).contains(&received.status) {
            return Ok(Answer { document, replayed: received.replayed });
        }
        let problem = Problem::of(document).ok_or_else(foreign)?;
        let unsure = received.status >= 500;
        Err(Failure::Refused {
            hint: self.hint(received.status).or_else(|| request.idempotency_key.as_deref().filter(|_| unsure).map(repeat_with)),
            problem: Box::new(problem),
        })
    }

    /// Reads a path once, without a key.
    ///
    /// # Errors
    /// [`Failure::Lost`].
    pub fn probe(&self, path: &str) -> Result<Probed, Failure> {
        let request = Request::get(path).public();
        let lost = |error| Failure::Lost(self.lost(&request, &error));
        let begun = Instant::now();
        let mut response = self.agent.get(request.target(&self.base)).call().map_err(lost)?;
        let body = response.body_mut().read_to_string().map_err(lost)?;
        Ok(Probed { status: response.status().as_u16(), took: begun.elapsed(), headers: response.headers().clone(), body })
    }

    /// Puts bytes to an address that the API gave; no key is sent.
    ///
    /// # Errors
    /// [`Failure::Lost`], [`Failure::Foreign`].
    pub fn upload(&self, url: &str, content_type: &str, bytes: &[u8]) -> Result<(), Failure> {
        let lost = |error| Failure::Lost(self.lost(&Request::delete(""), &error));
        let mut response = self.agent.put(url).header("content-type", content_type).send(bytes).map_err(lost)?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let body = response.body_mut().read_to_string().unwrap_or_default();
        Err(Failure::Foreign { url: url.split('?').next().unwrap_or(url).to_owned(), status, body })
    }

    /// The status that an address elsewhere answers with, after its redirects; no key is sent.
    ///
    /// # Errors
    /// Why it does not answer.
    pub fn open(url: &str) -> Result<u16, String> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ELSEWHERE_TIMEOUT));
        let agent: ureq::Agent = config.build().into();
        agent.get(url).call().map(|response| response.status().as_u16()).map_err(|error| error.to_string())
    }

    /// Reads a list from the beginning, page by page, up to `most` rows.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn list(&self, request: &Request, most: Option<usize>) -> Result<Vec<Value>, Failure> {
        Ok(self.list_with_first(request, most)?.0)
    }

    /// The same, and the first page as it came: it may say more than its rows do.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn list_with_first(&self, request: &Request, most: Option<usize>) -> Result<(Vec<Value>, Value), Failure> {
        #[derive(serde::Deserialize)]
        struct Page {
            data: Vec<Value>,
            next_cursor: Option<String>,
        }
        let (mut rows, mut first, mut cursor) = (Vec::new(), None, None);
        loop {
            let wanted = most.map_or(PAGE, |most| PAGE.min(most.saturating_sub(rows.len())));
            if wanted == 0 {
                return Ok((rows, first.unwrap_or_default()));
            }
            let answer = self.send(&request.clone().with("limit", Some(wanted)).with("cursor", cursor))?;
            let page: Page = answer.read()?;
            first = first.or(Some(answer.document));
            rows.extend(page.data);
            cursor = match page.next_cursor {
                Some(next) => Some(next),
                None => return Ok((rows, first.unwrap_or_default())),
            };
        }
    }

    /// Reads a file from an address that the API named, which is its own credential: no key is sent. `take` gets what comes, piece by
    /// piece.
    ///
    /// # Errors
    /// [`Failure`], or what `take` says.
    pub fn download(&self, reference: &str, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let request = Request::get("").public();
        let mut agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_connect(Some(TIMEOUT)).timeout_recv_response(Some(TIMEOUT));
        if self.base.is_loopback() {
            agent = agent.proxy(None);
        }
        let agent: ureq::Agent = agent.build().into();
        let url = self.base.named(reference);
        let mut response = agent.get(&url).call().map_err(|error| Failure::Lost(self.lost(&request, &error)))?;
        let status = response.status().as_u16();
        if status != 200 {
            let body = response.body_mut().read_to_string().unwrap_or_default();
            let host = url.split('?').next().unwrap_or(&url).to_owned();
            return Err(Failure::Foreign { url: host, status, body });
        }
        let mut body = response.body_mut().as_reader();
        let mut piece = vec![0; 64 * 1024];
        loop {
            match body.read(&mut piece).map_err(|error| Failure::Lost(self.lost(&request, &ureq::Error::Io(error))))? {
                0 => return Ok(()),
                read => take(&piece[..read])?,
            }
        }
    }

    /// Waits before something is asked for once more: longer each time, up to five seconds.
    pub fn pause(&self, times: u32) {
        std::thread::sleep(self.first_pause.saturating_mul(times).min(LONGEST_PAUSE));
    }

    fn repeatedly(&self, request: &Request) -> Result<Received, Failure> {
        let mut pause = self.first_pause;
        let mut attempt = 1;
        loop {
            let tried = self.attempt(request);
            let again = match &tried {
                Ok(received) => matches!(received.status, 429 | 502 | 503 | 504),
                // Nobody listens: a pause would only delay the news, unless an earlier attempt was under way already.
                Err(Failure::Lost(lost)) => lost.maybe_done || attempt > 1,
                Err(_) => false,
            };
            if !again || attempt == ATTEMPTS || !request.repeatable() {
                return tried;
            }
            let asked = tried.ok().and_then(|received| received.retry_after).unwrap_or_default();
            std::thread::sleep(pause.max(asked).min(LONGEST_PAUSE));
            pause *= 2;
            attempt += 1;
        }
    }

    fn attempt(&self, request: &Request) -> Result<Received, Failure> {
        let mut builder =
            http::Request::builder().method(&request.method).uri(request.target(&self.base)).header("accept", "application/json");
        if !request.public {
            let key = self.key.as_ref().ok_or_else(|| Failure::NoKey { loopback: self.base.is_loopback() })?;
            builder = builder.header("authorization", format!("Bearer {}", key.secret));
        }
        if let Some(key) = &request.idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        let malformed = |error: http::Error| Failure::Malformed(error.to_string());
        let sent = match &request.body {
            Some(body) => self.agent.run(builder.header("content-type", "application/json").body(body.to_string()).map_err(malformed)?),
            None => self.agent.run(builder.body(()).map_err(malformed)?),
        };
        let lost = |error| Failure::Lost(self.lost(request, &error));
        let mut response = sent.map_err(lost)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let (status, replayed) = (response.status().as_u16(), header("idempotent-replayed").as_deref() == Some("true"));
        let body = response.body_mut().read_to_string().map_err(lost)?;
        Ok(Received { status, retry_after, replayed, body })
    }

    fn lost(&self, request: &Request, error: &ureq::Error) -> Lost {
        let never_sent = match error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Tls(_) | ureq::Error::Rustls(_) => true,
            ureq::Error::Io(io) => io.kind() == std::io::ErrorKind::ConnectionRefused,
            _ => false,
        };
        Lost {
            url: self.base.to_string(),
            loopback: self.base.is_loopback(),
            why: error.to_string(),
            maybe_done: !never_sent,
            changes: request.method != Method::GET,
            idempotency_key: request.idempotency_key.clone(),
        }
    }

    /// What helps with a refusal that has to do with the connection.
    fn hint(&self, status: u16) -> Option<String> {
        let file = self.key.as_ref()?.found_in.as_ref().filter(|_| status == 401)?;
        Some(format!(
            "The key was read from {}, which belongs to another run than the one at {}. Give this one's with --key or TRIBUTARY_KEY.",
            file.display(),
            self.base
        ))
    }
}

/// How a request whose end is not known is repeated.
pub fn repeat_with(key: &str) -> String {
    format!("Repeat the same command with --idempotency-key {key} : whatever happened, it is done at most once.")
}

/// A server for tests, which answers what it is told.
#[cfg(test)]
pub mod fake {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    /// Answers one connection after the other, each with the next of `answers` (an empty one hangs up), and returns what
    /// was asked.
    pub fn serve(answers: Vec<String>) -> (Client, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = std::thread::spawn(move || answers.iter().map(|answer| answer_one(&listener, answer)).collect());
        let mut client = Client::new(base.parse().expect("an address"), Some("rk_test_1".to_owned()));
        client.first_pause = Duration::from_millis(1);
        (client, asked)
    }

    fn answer_one(listener: &TcpListener, answer: &str) -> String {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            request.push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).expect("the body");
        request.push_str(&String::from_utf8(body).expect("text"));
        stream.write_all(answer.as_bytes()).expect("answered");
        request
    }

    pub fn http(status: &str, body: &Value) -> String {
        let body = body.to_string();
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    pub fn busy() -> String {
        http("503 Service Unavailable", &serde_json::json!({"type": "t", "title": "The data is busy", "status": 503, "code": "busy"}))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fake::{busy, http, serve};
    use super::*;

    fn credit() -> Request {
        Request::post("/reseller/credits/issue", json!({"amount": "1"}))
    }

    #[test]
    fn a_movement_is_sent_again_under_the_same_key_until_it_is_answered() {
        let (client, asked) = serve(vec![String::new(), busy(), http("201 Created", &json!({"id": "txf_1"}))]);
        let answer = client.send(&credit().once_under("k1".to_owned())).expect("answered in the end");
        assert_eq!(answer.document["id"], "txf_1");
        let asked = asked.join().expect("three requests");
        assert!(asked.iter().all(|request| *request == asked[0]), "{asked:?}");
        assert!(asked[0].contains("idempotency-key: k1") && asked[0].ends_with(r#"{"amount":"1"}"#), "{asked:?}");
    }

    #[test]
    fn a_busy_api_is_given_up_with_the_key_to_repeat_with() {
        let (client, asked) = serve(vec![busy(); 4]);
        let failure = client.send(&credit().once_under("k1".to_owned())).expect_err("given up");
        assert_eq!(asked.join().expect("four requests").len(), 4);
        assert!(matches!(failure, Failure::Refused { hint: Some(hint), .. } if hint.contains("--idempotency-key k1")));
    }

    #[test]
    fn what_could_happen_twice_is_sent_once() {
        let (client, asked) = serve(vec![String::new()]);
        let failure = client.send(&credit()).expect_err("no answer");
        assert!(matches!(failure, Failure::Lost(Lost { maybe_done: true, changes: true, .. })), "{failure:?}");
        assert_eq!(asked.join().expect("one request").len(), 1);
    }

    #[test]
    fn a_list_is_read_to_its_end_or_to_the_number_of_rows_asked_for() {
        let page = |rows: Value, next: Option<&str>| http("200 OK", &json!({"data": rows, "next_cursor": next}));
        let (client, asked) = serve(vec![page(json!([1, 2]), Some("c=1")), page(json!([3]), None)]);
        let rows = client.list(&Request::get("/list").with("subtree", Some(true)), None).expect("a list");
        assert_eq!(rows, [json!(1), json!(2), json!(3)]);
        let asked = asked.join().expect("two requests");
        assert!(asked[0].starts_with("GET /list?subtree=true&limit=200 "), "{asked:?}");
        assert!(asked[1].starts_with("GET /list?subtree=true&limit=200&cursor=c%3D1 "), "{asked:?}");

        let (client, asked) = serve(vec![page(json!([1, 2]), Some("c"))]);
        assert_eq!(client.list(&Request::get("/list"), Some(2)).expect("a list").len(), 2);
        assert!(asked.join().expect("one request")[0].starts_with("GET /list?limit=2 "));
    }

    #[test]
    fn a_redirect_is_not_followed_and_another_server_is_named() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
        let (client, _asked) = serve(vec![moved]);
        assert!(matches!(client.send(&Request::get("/")), Err(Failure::Foreign { status: 302, .. })));
        let (client, _asked) = serve(vec![http("403 Forbidden", &json!({"message": "Forbidden"}))]);
        assert!(matches!(client.send(&Request::get("/")), Err(Failure::Foreign { status: 403, .. })));
    }

    #[test]
    fn a_target_has_its_values_encoded_and_leaves_out_what_was_not_given() {
        let base: BaseUrl = "http://127.0.0.1:1/stage".parse().expect("an address");
        let request = Request::get(format!("/reseller/accounts/{}", encoded("a/../b?c")))
            .with("q", Some("é &="))
            .with("none", None::<String>)
            .with("limit", Some(3));
        assert_eq!(request.target(&base), "http://127.0.0.1:1/stage/reseller/accounts/a%2F..%2Fb%3Fc?q=%C3%A9%20%26%3D&limit=3");
    }

    #[test]
    fn only_what_cannot_happen_twice_is_repeated() {
        assert!(Request::get("/").repeatable());
        assert!(Request::delete("/").repeatable());
        assert!(!Request::post("/", json!({})).repeatable());
        assert!(Request::post("/", json!({})).once_under("k".to_owned()).repeatable());
        assert!(Request::post("/", json!({})).harmless().repeatable());
        assert!(Request::put("/", json!({})).repeatable());
    }
}
