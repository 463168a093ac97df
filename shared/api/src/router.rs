//! The router of a function: its endpoints, behind one place that authenticates, answers problems and logs.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use http::{Extensions, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use lambda_http::Context;
use metrics::{counter, histogram};
use serde_json::json;
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::code::Code;
use crate::endpoint::{Access, Endpoint};
use crate::hosts;
use crate::params::Params;
use crate::problem::Problem;
use crate::reply::Reply;

/// Builds a function's router.
pub fn router(app: App, endpoints: Vec<Endpoint>) -> Router {
    let mut by_path: BTreeMap<&'static str, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        by_path.entry(endpoint.path).or_default().push(endpoint);
    }
    let mut router = Router::new();
    for (path, endpoints) in by_path {
        router = router.route(path, methods(&app, endpoints));
    }
    let unknown = Problem::new(Code::RouteNotFound, "There is no such route. The API's documentation lists them all.");
    router.fallback(move |request: Request| answer_problem(app.clone(), unknown.clone(), None, request))
}

fn methods(app: &App, endpoints: Vec<Endpoint>) -> MethodRouter {
    let allowed: Vec<String> = endpoints.iter().map(|endpoint| endpoint.method.to_string()).collect();
    let mut router = MethodRouter::new();
    for endpoint in endpoints {
        let Ok(filter) = MethodFilter::try_from(endpoint.method.clone()) else { continue };
        let app = app.clone();
        // A path that is no UTF-8 names nothing: it has no ids, and is answered as an absent one.
        let serve = move |path: Result<Path<BTreeMap<String, String>>, PathRejection>, request: Request| {
            let path = path.map(|Path(path)| path).unwrap_or_default();
            serve(app.clone(), endpoint.clone(), path, request)
        };
        router = router.merge(on(filter, serve));
    }
    let (app, allow) = (app.clone(), allowed.join(", "));
    let refused = Problem::new(Code::MethodNotAllowed, format!("This route has {allow}."));
    router.fallback(move |request: Request| answer_problem(app.clone(), refused.clone(), Some(allow.clone()), request))
}

async fn answer_problem(app: App, problem: Problem, allow: Option<String>, request: Request) -> Response<Body> {
    let id = request_id(&app, request.extensions());
    let mut reply = Reply::problem(&problem, &hosts::docs_url(&app, request.headers()), id.as_str());
    if let Some(allow) = allow {
        reply = reply.header("allow", &allow);
    }
    write_line(&id, "", problem.code.status(), problem.code.word(), None, 0);
    reply.into_response(id.as_str())
}

/// The id of the invocation, which no client chooses and which is in the gateway's access log and in Lambda's own lines.
fn request_id(app: &App, extensions: &Extensions) -> RequestId {
    app.run_id(extensions.get::<Context>().map(|context| context.request_id.as_str()).unwrap_or_default())
}

/// The line of a request, beside what was measured. Always the same names, or another request's would stay.
fn write_line(request_id: &RequestId, route: &str, status: StatusCode, code: &str, caller: Option<&Caller>, latency_ms: i64) {
    measure(status, code, latency_ms);
    let (request_id, status) = (request_id.as_str(), status.as_u16());
    let account_id = caller.map(|caller| caller.account_id.as_str()).unwrap_or_default();
    let actor_id = caller.map(|caller| caller.actor.as_str()).unwrap_or_default();
    let line = [
        ("request_id", json!(request_id)),
        ("route", json!(route)),
        ("status", json!(status)),
        ("code", json!(code)),
        ("account_id", json!(account_id)),
        ("actor_id", json!(actor_id)),
    ];
    if !telemetry::flush(line) {
        tracing::info!(request_id, route, status, code, account_id, actor_id, latency_ms, "request");
    }
}

async fn serve(app: App, endpoint: Endpoint, path: BTreeMap<String, String>, request: Request) -> Response<Body> {
    let (request_id, began) = (request_id(&app, request.extensions()), app.now());
    let docs_url = hosts::docs_url(&app, request.headers());
    let (outcome, caller) = answer(&app, &endpoint, path, request, request_id.clone()).await;
    let (reply, code) = match &outcome {
        Ok(reply) => (reply.clone(), ""),
        Err(problem) => (Reply::problem(problem, &docs_url, request_id.as_str()), problem.code.word()),
    };
    let (route, status) = (endpoint.operation, reply.status());
    if status.is_server_error() {
        let internal = outcome.as_ref().err().and_then(|problem| problem.internal.as_deref()).unwrap_or_default();
        tracing::error!(request_id = request_id.as_str(), route, code, internal, "request failed");
    }
    let latency_ms = app.now().as_millisecond().saturating_sub(began.as_millisecond());
    write_line(&request_id, route, status, code, caller.as_ref(), latency_ms);
    reply.into_response(request_id.as_str())
}

/// The names are those of the dashboard and the alarms in `template.yaml`.
fn measure(status: StatusCode, code: &str, latency_ms: i64) {
    #[allow(clippy::cast_precision_loss)]
    histogram!("RequestMs").record(latency_ms as f64);
    if code == Code::Busy.word() {
        counter!("RequestsBusy").increment(1);
    } else if status.is_server_error() {
        counter!("RequestFailures").increment(1);
    } else if status.is_client_error() {
        counter!("RequestRefusals").increment(1);
    }
}

/// Credential first, then the body's size, then the handler: nothing of a request is looked at before it is known whose
/// it is.
async fn answer(
    app: &App,
    endpoint: &Endpoint,
    path: BTreeMap<String, String>,
    request: Request,
    request_id: RequestId,
) -> (Result<Reply, Problem>, Option<Caller>) {
    let (parts, body) = request.into_parts();
    let (caller, app) = match endpoint.access {
        Access::Public => (None, app.clone()),
        Access::Session | Access::Right(_) => match Caller::identify(app, &endpoint.method, &parts.headers).await {
            Ok((caller, app)) => (Some(caller), app),
            Err(problem) => return (Err(problem), None),
        },
    };
    if endpoint.access == Access::Session
        && let Some(Err(problem)) = caller.as_ref().map(Caller::signed_in)
    {
        return (Err(problem), caller);
    }
    let body = match read_body(body, endpoint.max_body).await {
        Ok(body) => body,
        Err(problem) => return (Err(problem), caller),
    };
    if endpoint.method != Method::GET
        && !endpoint.reads_query
        && let Err(problem) = Params::parse(parts.uri.query().unwrap_or_default()).and_then(Params::done)
    {
        return (Err(problem), caller);
    }
    let call = Call::new(app, endpoint, request_id, caller.clone(), path, parts, body);
    ((endpoint.handler)(call).await, caller)
}

async fn read_body(body: Body, max_body: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, max_body).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("A body may have at most {max_body} bytes here.")))
        }
        Err(_) => Err(Problem::new(Code::InvalidJson, "The body ended before it was complete.")),
    }
}
