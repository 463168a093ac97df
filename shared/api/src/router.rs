//! The router of a function: its endpoints, behind one place that authenticates, answers problems and logs.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tributary_domain::id::RequestId;

use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::code::Code;
use crate::endpoint::{Access, Endpoint};
use crate::json::MAX_BODY;
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
    router.fallback(move || answer_problem(app.clone(), unknown.clone(), None))
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
    router.fallback(move || answer_problem(app.clone(), refused.clone(), Some(allow.clone())))
}

async fn answer_problem(app: App, problem: Problem, allow: Option<String>) -> Response<Body> {
    let id = RequestId::from_uuid(app.uuid());
    let mut reply = Reply::problem(&problem, app.docs_url(), id.as_str());
    if let Some(allow) = allow {
        reply = reply.header("allow", &allow);
    }
    reply.into_response(id.as_str())
}

async fn serve(app: App, endpoint: Endpoint, path: BTreeMap<String, String>, request: Request) -> Response<Body> {
    let (request_id, began) = (RequestId::from_uuid(app.uuid()), app.now());
    let (outcome, account) = answer(&app, &endpoint, path, request, request_id.clone()).await;
    let (reply, code) = match &outcome {
        Ok(reply) => (reply.clone(), ""),
        Err(problem) => (Reply::problem(problem, app.docs_url(), request_id.as_str()), problem.code.word()),
    };
    let latency_ms = app.now().as_millisecond().saturating_sub(began.as_millisecond());
    let internal = outcome.as_ref().err().and_then(|problem| problem.internal.clone()).unwrap_or_default();
    let status = reply.status().as_u16();
    let (route, request_id) = (endpoint.operation, request_id.as_str());
    if reply.status().is_server_error() {
        tracing::error!(
            request.id = request_id,
            http.route = route,
            http.status = status,
            code,
            account.id = account,
            latency_ms,
            internal,
            "request failed"
        );
    } else {
        tracing::info!(
            request.id = request_id,
            http.route = route,
            http.status = status,
            code,
            account.id = account,
            latency_ms,
            "request"
        );
    }
    reply.into_response(request_id)
}

/// Credential first, then the body's size, then the handler: nothing of a request is looked at before it is known whose
/// it is.
async fn answer(
    app: &App,
    endpoint: &Endpoint,
    path: BTreeMap<String, String>,
    request: Request,
    request_id: RequestId,
) -> (Result<Reply, Problem>, String) {
    let (parts, body) = request.into_parts();
    let caller = match endpoint.access {
        Access::Public => None,
        Access::Right(_) => match Caller::identify(app, &parts.headers).await {
            Ok(caller) => Some(caller),
            Err(problem) => return (Err(problem), String::new()),
        },
    };
    let account = caller.as_ref().map(|caller| caller.account_id.to_string()).unwrap_or_default();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(problem) => return (Err(problem), account),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    if endpoint.method != Method::GET
        && let Err(problem) = Params::parse(&query).and_then(Params::done)
    {
        return (Err(problem), account);
    }
    let call = Call::new(app.clone(), endpoint, request_id, caller, path, query, parts.headers, body);
    ((endpoint.handler)(call).await, account)
}

async fn read_body(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("A body may have at most {MAX_BODY} bytes.")))
        }
        Err(_) => Err(Problem::new(Code::InvalidJson, "The body ended before it was complete.")),
    }
}
