//! The processor on a port of this machine. Connections can be ended at once, as they are when an answer is lost.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::serve::{IncomingStream, Listener};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::hooks::Sender;
use crate::{Asked, Became, Processor, control, pages};

/// The most bytes of a body.
const MAX_BODY_BYTES: usize = 256 * 1024;

impl Processor {
    /// Serves on a listener of loopback until `end`, and sends events meanwhile.
    ///
    /// # Errors
    /// When the listener is of another address, or fails.
    pub async fn serve(&self, listener: TcpListener, end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the scripted processor is of this machine alone: bind it to 127.0.0.1",
            ));
        }
        self.set_base(&format!("http://{address}"));
        let sending = tokio::spawn(Sender::new().map_err(io::Error::other)?.run(self.clone()));
        let service = router(self.clone()).into_make_service_with_connect_info::<Line>();
        let served = axum::serve(Cuttable(listener), service).with_graceful_shutdown(end).await;
        sending.abort();
        served
    }
}

fn router(processor: Processor) -> Router {
    Router::new()
        .route("/v1/{*path}", any(call))
        .route("/3ds/{id}", get(pages::bank).post(pages::bank_answered))
        .route("/setup/{id}", get(pages::setup).post(pages::setup_answered))
        .route("/_scripted/state", get(control::state))
        .route("/_scripted/cards", get(control::cards))
        .route("/_scripted/{*act}", post(control::act))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(processor)
}

async fn call(
    State(processor): State<Processor>,
    ConnectInfo(line): ConnectInfo<Line>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let form = if method == Method::GET { uri.query().unwrap_or_default().as_bytes().to_vec() } else { body.to_vec() };
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        form,
        authorization: header(AUTHORIZATION.as_str()).unwrap_or_default(),
        key: header("idempotency-key"),
    };
    // A client that goes away does not take back what it asked for.
    match tokio::spawn(async move { processor.answer(asked).await }).await {
        Ok(Became::Answered { answer, replayed }) => {
            let mut response = json(answer.status, &answer.body);
            if replayed {
                response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
            }
            response
        }
        Ok(Became::Lost) | Err(_) => {
            line.cut();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// JSON of a status.
pub fn json(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether a request comes from this machine's own names and from no page of elsewhere: one that has its own name point here still sends that name.
pub fn from_here(headers: &HeaderMap, base: &str) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
        && header("origin").is_none_or(|origin| origin == base || origin == format!("http://{host}"))
}

/// A connection's switch.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<AtomicBool>);

impl Line {
    /// Nothing more is written.
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Line {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.io().line.clone()
    }
}

/// A listener whose connections can be cut.
struct Cuttable(TcpListener);

impl Listener for Cuttable {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        (Stream { stream, line: Line::default() }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that can be cut.
#[derive(Debug)]
struct Stream {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
