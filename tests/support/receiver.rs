//! Somebody's server on this machine, which takes webhooks well or badly, and what reached it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tributary_domain::webhook::EndpointUrl;
use tributary_notifier::outbound::{Answered, NoAnswer, Outbound};

/// How it answers.
#[derive(Debug, Clone)]
pub enum Answers {
    /// With this status.
    Status(u16),
    /// With a redirect to there.
    Redirect(String),
    /// Never.
    Never,
    /// With 200 and a body without end.
    Endless,
}

/// What reached it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: String,
}

impl Received {
    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Shared {
    answers: VecDeque<Answers>,
    received: Vec<Received>,
}

/// A server. It stops when this is dropped.
pub struct Receiver {
    /// Where it is.
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    serving: AbortHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// A server that gives these answers, one after the other, and then 200.
    pub async fn start(answers: &[Answers]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared { answers: answers.iter().cloned().collect(), received: Vec::new() }));
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") }).abort_handle();
        Self { address, shared, serving }
    }

    /// Its address for webhooks.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Takes what reached it.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.lock().expect("no panic").received)
    }
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let answers = {
        let mut shared = shared.lock().expect("no panic");
        shared.received.push(Received { headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() });
        shared.answers.pop_front().unwrap_or(Answers::Status(200))
    };
    let mut response = Response::new(Body::from("said"));
    match answers {
        Answers::Status(status) => *response.status_mut() = StatusCode::from_u16(status).expect("a status"),
        Answers::Redirect(to) => {
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            response.headers_mut().insert("location", to.parse().expect("an address"));
        }
        Answers::Never => std::future::pending::<()>().await,
        Answers::Endless => {
            let more = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096])));
            *response.body_mut() = Body::from_stream(more);
        }
    }
    response
}

/// A way to endpoints that goes nowhere: it keeps what would have been sent, and answers by the address.
#[derive(Debug, Clone, Default)]
pub struct MemoryOutbound {
    /// Where, which event, and the body.
    posted: Arc<Mutex<Vec<(String, String, String)>>>,
    /// Statuses by address; 200 otherwise, and no answer for 0.
    statuses: Arc<Mutex<Vec<(String, u16)>>>,
}

impl MemoryOutbound {
    /// From now on the address answers so.
    pub fn answers(&self, url: &str, status: u16) {
        let mut statuses = self.statuses.lock().expect("no panic");
        statuses.retain(|(other, _)| other != url);
        statuses.push((url.to_owned(), status));
    }

    /// Takes what was posted: the address, the event's id and the body.
    pub fn take(&self) -> Vec<(String, String, String)> {
        std::mem::take(&mut self.posted.lock().expect("no panic"))
    }
}

#[async_trait]
impl Outbound for MemoryOutbound {
    async fn post(&self, url: &EndpointUrl, headers: &[(&'static str, String)], body: &str) -> Result<Answered, NoAnswer> {
        let id = headers.iter().find(|(name, _)| *name == "webhook-id").map(|(_, id)| id.clone()).unwrap_or_default();
        self.posted.lock().expect("no panic").push((url.to_string(), id, body.to_owned()));
        let statuses = self.statuses.lock().expect("no panic");
        match statuses.iter().find(|(known, _)| known == url.as_str()).map_or(200, |(_, status)| *status) {
            0 => Err(NoAnswer("no answer in time".to_owned())),
            status => Ok(Answered { status, text: "said".to_owned() }),
        }
    }
}

/// So long a test waits for a slow answer.
pub const SHORT: Duration = Duration::from_millis(300);
