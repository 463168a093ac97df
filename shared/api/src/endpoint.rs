//! Endpoints: each route declared once, with what is needed to reach it. `template.yaml` and `docs/openapi.json` are held
//! equal to these declarations by a test.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use tributary_domain::rights::Right;

use crate::call::Call;
use crate::json::{MAX_PICTURE_BODY, MAX_ROWS_BODY};
use crate::problem::Problem;
use crate::reply::Reply;

/// What an endpoint does with a request.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// What an endpoint does with an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// It reads, or is by nature the same when repeated.
    Unused,
    /// It creates; the key is taken if given.
    Accepted,
    /// It moves money or credit; the key must be given.
    Required,
}

/// Who reaches an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Whoever is signed in: a session's cookie, and no API key.
    Session,
    /// A caller with this right over the target.
    Right(Right),
}

/// One route.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its method.
    pub method: Method,
    /// Its path, with `{name}` for ids.
    pub path: &'static str,
    /// Its name in the OpenAPI document, and its idempotency scope.
    pub operation: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Who reaches it.
    pub access: Access,
    /// What it does with an `Idempotency-Key`.
    pub idempotency: Idempotency,
    /// The most bytes of its body.
    pub max_body: usize,
    /// It reads its query though it is no `GET`; of others every parameter is refused.
    pub reads_query: bool,
    /// What it does.
    pub handler: Handler,
}

impl Endpoint {
    /// The same, reading its query.
    #[must_use]
    pub fn with_query(mut self) -> Self {
        self.reads_query = true;
        self
    }

    /// The same with room for a small picture in its body.
    #[must_use]
    pub fn with_picture(mut self) -> Self {
        self.max_body = MAX_PICTURE_BODY;
        self
    }

    /// The same with room for rows in its body.
    #[must_use]
    pub fn with_rows(mut self) -> Self {
        self.max_body = MAX_ROWS_BODY;
        self
    }
}

/// Declares an endpoint: `endpoint!(GET "/path", operation, Right::X, Unused, handler, "summary")`.
#[macro_export]
macro_rules! endpoint {
    ($method:ident $path:literal, $operation:literal, $access:expr, $idempotency:ident, $handler:path, $summary:literal) => {
        $crate::Endpoint {
            method: http::Method::$method,
            path: $path,
            operation: $operation,
            summary: $summary,
            access: $access,
            idempotency: $crate::Idempotency::$idempotency,
            max_body: $crate::json::MAX_BODY,
            reads_query: false,
            handler: |call| Box::pin($handler(call)),
        }
    };
}
