//! One request, authenticated, on its way through a handler.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use lambda_http::request::RequestContext;
use serde::de::DeserializeOwned;
use tributary_domain::id::{AccountId, EventId, RequestId};
use tributary_runtime::secrets::digest;
use tributary_store::Store;
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::idempotency::Scope;

use crate::app::App;
use crate::caller::Caller;
use crate::code::Code;
use crate::cursor::CursorScope;
use crate::endpoint::{Endpoint, Idempotency};
use crate::hosts::{self, Asked};
use crate::json;
use crate::params::Params;
use crate::problem::Problem;

/// The longest `Idempotency-Key`.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// What every request finds.
    pub app: App,
    /// The route.
    pub operation: &'static str,
    /// The request's id.
    pub request_id: RequestId,
    caller: Option<Caller>,
    source: Option<IpAddr>,
    idempotency: Idempotency,
    path: BTreeMap<String, String>,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// A call of an endpoint.
    pub(crate) fn new(
        app: App,
        endpoint: &Endpoint,
        request_id: RequestId,
        caller: Option<Caller>,
        path: BTreeMap<String, String>,
        parts: Parts,
        body: Bytes,
    ) -> Self {
        let (operation, idempotency) = (endpoint.operation, endpoint.idempotency);
        let (source, query) = (source_of(&app, &parts), parts.uri.query().unwrap_or_default().to_owned());
        Self { app, operation, request_id, caller, source, idempotency, path, query, headers: parts.headers, body }
    }

    /// The caller.
    ///
    /// # Errors
    /// `unauthorized` on a public route, which has none.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| Problem::new(Code::Unauthorized, "Send a valid API key."))
    }

    /// The address that the request came from, if the gateway said.
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.app.store()
    }

    /// An id of the path. A malformed one is answered like an absent one.
    ///
    /// # Errors
    /// `not_found`.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path.get(name).and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// The query's parameters.
    ///
    /// # Errors
    /// A repeated parameter.
    pub fn params(&self) -> Result<Params, Problem> {
        Params::parse(&self.query)
    }

    /// The body.
    ///
    /// # Errors
    /// `unsupported_media_type`, `body_too_large`, `invalid_json`, `validation_failed`, `unknown_field`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.check_media_type()?;
        json::read(&self.body)
    }

    /// The body, where every field is optional: nothing sent is nothing given.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub fn body_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) { Ok(T::default()) } else { self.body() }
    }

    /// Refuses a body that says something.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub fn no_body(&self) -> Result<(), Problem> {
        if !self.body.is_empty() {
            self.check_media_type()?;
        }
        json::read_nothing(&self.body)
    }

    fn check_media_type(&self) -> Result<(), Problem> {
        self.raw(&["application/json"]).map(|_| ())
    }

    /// The body's bytes and which of these media types they are.
    ///
    /// # Errors
    /// `unsupported_media_type`.
    pub fn raw(&self, types: &[&'static str]) -> Result<(&'static str, &Bytes), Problem> {
        let given = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        let found = types.iter().find(|known| essence.eq_ignore_ascii_case(known));
        found.map(|found| (*found, &self.body)).ok_or_else(|| {
            let wanted = types.join("` or `");
            Problem::new(Code::UnsupportedMediaType, format!("Send the body with `Content-Type: {wanted}`, not `{essence}`."))
        })
    }

    /// Under which host it came.
    pub fn asked(&self) -> Asked {
        hosts::asked(&self.app, &self.headers)
    }

    /// A path of the platform as a browser finds it under that host.
    pub fn path(&self, path: &str) -> String {
        hosts::path(&self.app, &self.headers, path)
    }

    /// A header's text, if it is given.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The version that `If-Match` names, if it is given; `*` names any.
    ///
    /// # Errors
    /// `precondition_failed` for a tag that is none of ours.
    pub fn if_match(&self) -> Result<Option<i64>, Problem> {
        let Some(header) = self.headers.get(IF_MATCH) else { return Ok(None) };
        // What cannot be read names no version: it is not as if nothing had been asked.
        let tag = header.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return Ok(None);
        }
        let version = tag.trim_start_matches("W/").trim_matches('"').parse();
        version.map(Some).map_err(|_| {
            Problem::new(Code::PreconditionFailed, "The If-Match names no version of this resource; send the ETag that you were given.")
        })
    }

    /// Refuses a resource of another version than `If-Match` names.
    ///
    /// # Errors
    /// `precondition_failed`.
    pub fn refuse_stale(&self, version: i64) -> Result<(), Problem> {
        match self.if_match()? {
            Some(expected) if expected != version => Err(StoreError::Stale(version).into()),
            Some(_) | None => Ok(()),
        }
    }

    /// The idempotency scope, if a key was given.
    ///
    /// # Errors
    /// `idempotency_key_missing` where one is needed, `idempotency_key_invalid`.
    pub fn scope(&self) -> Result<Option<Scope>, Problem> {
        let caller = self.caller()?;
        let Some(header) = self.headers.get("idempotency-key") else {
            return match self.idempotency {
                Idempotency::Required => Err(key_missing()),
                Idempotency::Accepted | Idempotency::Unused => Ok(None),
            };
        };
        let invalid = || {
            Problem::new(
                Code::IdempotencyKeyInvalid,
                format!("The Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters; a UUID does well."),
            )
        };
        let key = header.to_str().map_err(|_| invalid())?;
        if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid());
        }
        Ok(Some(Scope {
            account: caller.account_id.clone(),
            route: self.operation,
            key: key.to_owned(),
            body: self.request_digest(),
            actor: caller.actor.clone(),
            request: self.request_id.clone(),
        }))
    }

    /// The idempotency scope where a key must be given.
    ///
    /// # Errors
    /// As [`Call::scope`].
    pub fn required_scope(&self) -> Result<Scope, Problem> {
        self.scope()?.ok_or_else(key_missing)
    }

    /// A digest of what is asked: the ids of the path and the body's meaning, so that white space and the order of fields
    /// make no other request.
    fn request_digest(&self) -> String {
        let meaning = serde_json::from_slice::<serde_json::Value>(&self.body).map(|value| value.to_string());
        let body = meaning.map_or_else(|_| self.body.to_vec(), String::into_bytes);
        digest(&[format!("{:?}\n", self.path).as_bytes(), &body].concat())
    }

    /// What a cursor of this list is bound to.
    ///
    /// # Errors
    /// None on routes with a caller.
    pub fn cursor_scope(&self) -> Result<CursorScope, Problem> {
        let caller = self.caller()?;
        let mut query: Vec<_> =
            form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| name != "limit" && name != "cursor").collect();
        query.sort();
        Ok(CursorScope(format!("{}\n{}\n{:?}\n{query:?}", caller.account_id, self.operation, self.path)))
    }

    /// What a cursor of a list is bound to that is not the account's but the key's or member's own.
    ///
    /// # Errors
    /// None on routes with a caller.
    pub fn own_cursor_scope(&self) -> Result<CursorScope, Problem> {
        let CursorScope(bound) = self.cursor_scope()?;
        Ok(CursorScope(format!("{bound}\n{}", self.caller()?.actor)))
    }

    /// Who does it, and when, for the audit record.
    ///
    /// # Errors
    /// None on routes with a caller.
    pub fn act(&self) -> Result<Act, Problem> {
        Ok(Act {
            event: EventId::from_uuid(self.app.uuid()),
            actor: self.caller()?.actor.clone(),
            request: self.request_id.clone(),
            now: self.app.now(),
        })
    }

    /// The caller's account.
    ///
    /// # Errors
    /// None on routes with a caller.
    pub fn home(&self) -> Result<&AccountId, Problem> {
        Ok(&self.caller()?.account_id)
    }
}

/// Whose address the request came from: the one that the gateway saw, or, where that is the stack's own distribution, the one that it saw. Whoever
/// says so without the stack's token is not believed.
fn source_of(app: &App, parts: &Parts) -> Option<IpAddr> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if app.edge_token().is_some()
        && header("x-tributary-edge") == app.edge_token()
        && let Some(viewer) = header("x-viewer-address").and_then(|address| address.parse().ok())
    {
        return Some(viewer);
    }
    let address = match parts.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref(),
        _ => None,
    };
    address?.parse().ok()
}

fn key_missing() -> Problem {
    Problem::new(
        Code::IdempotencyKeyMissing,
        "This request moves credit. Send an Idempotency-Key header, such as a UUID, and the same one when you retry.",
    )
}
