//! Answers: a status, headers, a JSON document or a page.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::code::Code;
use crate::problem::Problem;

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A page of a list, as it is answered.
#[derive(Debug, Clone, Serialize)]
pub struct PageView<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where to go on.
    pub next_cursor: Option<String>,
}

impl Reply {
    /// A JSON document with a status.
    ///
    /// # Errors
    /// `internal_error` if it does not serialise, which none of ours does.
    pub fn json(status: StatusCode, document: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(document).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        Ok(Self { status, content_type: "application/json", body, headers: Vec::new() })
    }

    /// 200 with a document.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn ok(document: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, document)
    }

    /// 201 with a document.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn created(document: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::CREATED, document)
    }

    /// 304: what the caller has is what would be answered.
    pub fn not_modified(etag: &str) -> Self {
        let reply = Self { status: StatusCode::NOT_MODIFIED, content_type: "application/json", body: Vec::new(), headers: Vec::new() };
        reply.header("etag", etag)
    }

    /// An HTML page.
    pub fn html(page: &str) -> Self {
        Self { status: StatusCode::OK, content_type: "text/html; charset=utf-8", body: page.as_bytes().to_vec(), headers: Vec::new() }
    }

    /// Bytes of another type.
    pub fn bytes(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content_type, body, headers: Vec::new() }
    }

    /// 302: what was asked for is there for a while.
    pub fn found(address: &str) -> Self {
        let reply = Self { status: StatusCode::FOUND, content_type: "text/plain", body: Vec::new(), headers: Vec::new() };
        reply.location(address)
    }

    /// A problem.
    pub fn problem(problem: &Problem, docs_url: &str, request_id: &str) -> Self {
        let body = serde_json::to_vec(&problem.document(docs_url, request_id)).unwrap_or_default();
        let mut reply = Self { status: problem.code.status(), content_type: "application/problem+json", body, headers: Vec::new() };
        match problem.code {
            Code::Busy | Code::OutcomeUnknown => reply = reply.header("retry-after", "1"),
            Code::Unauthorized => reply = reply.header("www-authenticate", "Bearer"),
            Code::TooManyRequests => {
                let seconds = problem.members.get("retry_after_s").and_then(serde_json::Value::as_i64).unwrap_or(1);
                reply = reply.header("retry-after", &seconds.to_string());
            }
            _ => {}
        }
        reply
    }

    /// The same with a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The same with a `Location`.
    pub fn location(self, path: &str) -> Self {
        self.header("location", path)
    }

    /// The same with the `ETag` of a version.
    pub fn etag(self, version: i64) -> Self {
        self.header("etag", &format!("\"{version}\""))
    }

    /// The same, marked as a replay if it is one.
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed { self.header("idempotent-replayed", "true") } else { self }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As an HTTP response.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", id);
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
