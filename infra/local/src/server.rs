//! The one port: the gateway, and beside it `/_local/*` for the test clock, the queues, the last events, and links to blobs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, StatusCode};

use crate::blobs::{Download, Link, LinkError, LinkedBlobs, PATH, UploadLink};
use crate::control::Control;
use crate::gateway::{Answer, Gateway, MAX_BODY_BYTES};
use crate::mail::{Outbox, Shown};
use crate::pages::Pages;

/// What the port serves.
#[derive(Clone)]
pub struct Served {
    /// The platform.
    pub gateway: Arc<Gateway>,
    /// The run itself.
    pub control: Arc<Control>,
    /// What links lead to.
    pub blobs: LinkedBlobs,
    /// The mails that were sent.
    pub outbox: Outbox,
    /// The pages.
    pub pages: Pages,
}

/// Everything on the port.
pub fn router(served: Served) -> Router {
    Router::new()
        .route("/_local/clock", get(clock).fallback(no_control))
        .route("/_local/clock/advance", post(advance).fallback(no_control))
        .route("/_local/queues", get(queues).fallback(no_control))
        .route("/_local/queues/{name}/redrive", post(redrive).fallback(no_control))
        .route("/_local/dns", post(dns).fallback(no_control))
        .route("/_local/mail", get(mails).fallback(no_control))
        .route("/_local/mail/{id}", get(mail).fallback(no_control))
        .route("/_local/events", get(events).fallback(no_control))
        .route(&format!("{PATH}/{{*key}}"), get(download).put(upload).fallback(no_control).layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES)))
        .route("/_local/{*rest}", any(no_control))
        .fallback(platform)
        .with_state(served)
}

async fn platform(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let path = request.uri().path();
    if Pages::take(path) && (path == "/" || !served.gateway.knows(path)) {
        return served.pages.answer(request).await;
    }
    let (parts, body) = request.into_parts();
    let answer = match collect(body).await {
        Ok(Some(body)) => served.gateway.answer(Request::from_parts(parts, body), peer.ip()).await,
        Ok(None) => served.gateway.too_large(),
        Err(error) => served.control.problem(StatusCode::BAD_REQUEST, "The request is malformed", &error.to_string(), "bad_request"),
    };
    answer.map(Body::from)
}

async fn clock(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    match refused(&served.control, peer, &request) {
        Some(refusal) => refusal.map(Body::from),
        None => served.control.clock().map(Body::from),
    }
}

async fn advance(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    if let Some(refusal) = refused(&served.control, peer, &request) {
        return refusal.map(Body::from);
    }
    let body = collect(request.into_body()).await.ok().flatten().unwrap_or_default();
    served.control.advance(&body).await.map(Body::from)
}

async fn dns(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    if let Some(refusal) = refused(&served.control, peer, &request) {
        return refusal.map(Body::from);
    }
    let body = collect(request.into_body()).await.ok().flatten().unwrap_or_default();
    served.control.dns(&body).map(Body::from)
}

async fn queues(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    refused(&served.control, peer, &request).unwrap_or_else(|| served.control.queues()).map(Body::from)
}

async fn events(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    refused(&served.control, peer, &request).unwrap_or_else(|| served.control.events()).map(Body::from)
}

/// To a browser a page, to everything else JSON.
async fn mails(State(served): State<Served>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let browser = request.headers().get(ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    let shown = || if browser { served.outbox.page() } else { served.outbox.list() };
    refused(&served.control, peer, &request).unwrap_or_else(shown).map(Body::from)
}

async fn mail(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let shown = if request.uri().query() == Some("raw") { Shown::Raw } else { Shown::Html };
    let found = || served.outbox.get(&id, shown);
    let absent = || served.control.problem(StatusCode::NOT_FOUND, "There is no such resource", "No mail of this id was sent.", "not_found");
    refused(&served.control, peer, &request).unwrap_or_else(|| found().unwrap_or_else(absent)).map(Body::from)
}

async fn redrive(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    refused(&served.control, peer, &request).unwrap_or_else(|| served.control.redrive(&name)).map(Body::from)
}

/// A link is its own credential, as one of S3 is.
async fn download(State(served): State<Served>, Path(key): Path<String>, link: Result<Query<Link>, QueryRejection>) -> Response {
    let found = match &link {
        Ok(Query(link)) => served.blobs.follow(&key, link).await,
        Err(_) => Err(LinkError::Tampered),
    };
    match found {
        Ok(Download { bytes, content_type, disposition }) => {
            let headers = [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition.as_str()), (CACHE_CONTROL, "no-store")];
            (headers, bytes).into_response()
        }
        Err(error) => link_refused(&served.control, &error),
    }
}

/// The most bytes of an upload, as of S3's links.
const MAX_UPLOAD_BYTES: usize = 64 * 1024 * 1024;

/// A link for an upload is its own credential, too.
async fn upload(
    State(served): State<Served>,
    Path(key): Path<String>,
    link: Result<Query<UploadLink>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let taken = match &link {
        Ok(Query(link)) => served.blobs.take(&key, link, content_type, body.to_vec()).await,
        Err(_) => Err(LinkError::Tampered),
    };
    match taken {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => link_refused(&served.control, &error),
    }
}

fn link_refused(control: &Control, error: &LinkError) -> Response {
    let (status, title, code) = match error {
        LinkError::Tampered | LinkError::Expired(_) | LinkError::Other { .. } => {
            (StatusCode::FORBIDDEN, "The link is not valid", "forbidden")
        }
        LinkError::Absent => (StatusCode::NOT_FOUND, "There is no such resource", "not_found"),
        LinkError::Unreadable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side", "internal_error"),
    };
    control.problem(status, title, &error.to_string(), code).map(Body::from)
}

async fn no_control(State(served): State<Served>) -> Response {
    let detail = "Known are GET /_local/clock, POST /_local/clock/advance, GET /_local/queues, POST /_local/queues/{name}/redrive, GET /_local/events, POST /_local/dns, GET /_local/mail and links to blobs.";
    served.control.problem(StatusCode::NOT_FOUND, "There is no such route", detail, "route_not_found").map(Body::from)
}

/// Only this machine may control the run, and no page that a browser shows from elsewhere: one that has its own name
/// point here still sends that name.
fn refused(control: &Control, peer: SocketAddr, request: &Request) -> Option<Answer> {
    let authority: Option<Authority> = request.headers().get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    let local_name = authority.is_some_and(|authority| matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]"));
    let from_a_page = request.headers().contains_key("origin");
    if peer.ip().is_loopback() && local_name && !from_a_page {
        return None;
    }
    Some(control.problem(
        StatusCode::FORBIDDEN,
        "This is for the local machine only",
        "Call it on 127.0.0.1 from a command line.",
        "forbidden",
    ))
}

/// The whole body, or `None` if it is larger than the gateway takes. It is read to its end in both cases, because a
/// client that is still sending would not see the answer.
async fn collect(body: Body) -> Result<Option<Bytes>, axum::Error> {
    let mut chunks = body.into_data_stream();
    let (mut collected, mut length) = (BytesMut::new(), 0_usize);
    while let Some(chunk) = chunks.try_next().await? {
        length = length.saturating_add(chunk.len());
        if length <= MAX_BODY_BYTES {
            collected.extend_from_slice(&chunk);
        }
    }
    Ok((length <= MAX_BODY_BYTES).then(|| collected.freeze()))
}
