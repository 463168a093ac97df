//! The gateway: API Gateway's REST API as `template.yaml` describes it, in front of the functions.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_runtime::clock::Clock;
use tributary_runtime::ids::IdSource;

use crate::event::{self, Arrival};
use crate::lambda::{CallError, Lambda};
use crate::routes::{Found, Routes};
use crate::template::{GatewayResponse, Template};

/// The largest body that the gateway takes. Source: "Amazon API Gateway quotas", REST API payload size.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// The largest event and answer of a synchronous call. Source: "Lambda quotas", invocation payload.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
/// How long the gateway waits for a function. Source: "Amazon API Gateway quotas", integration timeout.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);
/// The header in which the gateway tells the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// An answer with its whole body.
pub type Answer = Response<Bytes>;

/// The gateway and the functions behind it.
pub struct Gateway {
    routes: Routes,
    stage: String,
    docs_url: String,
    refusals: BTreeMap<String, GatewayResponse>,
    functions: BTreeMap<String, Lambda>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    timeout: Duration,
}

/// Why the gateway answered by itself.
#[derive(Debug)]
enum Refusal {
    /// A case that the template answers, by AWS's name.
    Case(&'static str),
    /// The path has other methods.
    OtherMethod(String),
}

impl Gateway {
    /// The gateway of a template in front of `functions`, which are named as in the template.
    pub fn new(template: &Template, functions: BTreeMap<String, Lambda>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            routes: Routes::new(template.routes.clone()),
            stage: template.stage.clone(),
            docs_url: template.docs_url.clone(),
            refusals: template.gateway_responses.clone(),
            functions,
            clock,
            ids,
            timeout: INTEGRATION_TIMEOUT,
        }
    }

    /// A function by its name in the template.
    pub fn function(&self, name: &str) -> Option<&Lambda> {
        self.functions.get(name)
    }

    /// An id for a call.
    pub fn request_id(&self) -> String {
        self.ids.uuid(&*self.clock).to_string()
    }

    /// Whether some route has this path.
    pub fn knows(&self, path: &str) -> bool {
        self.routes.find(&Method::GET, path) != Found::Nothing
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Bytes>, source_ip: IpAddr) -> Answer {
        let request_id = self.request_id();
        let (parts, body) = request.into_parts();
        let mut answer = match self.call(&parts, &body, source_ip, &request_id).await {
            Ok(answer) => answer,
            Err(refusal) => self.refuse(&refusal, &request_id),
        };
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert(REQUEST_ID, value);
        }
        answer
    }

    /// Answers a request whose body is larger than [`MAX_BODY_BYTES`].
    pub fn too_large(&self) -> Answer {
        self.refuse(&Refusal::Case("REQUEST_TOO_LARGE"), &self.request_id())
    }

    async fn call(&self, parts: &Parts, body: &Bytes, source_ip: IpAddr, request_id: &str) -> Result<Answer, Refusal> {
        let (route, path_parameters) = match self.routes.find(&parts.method, parts.uri.path()) {
            Found::Route(route, parameters) => (route, parameters),
            Found::OtherMethods(methods) => return Err(Refusal::OtherMethod(allow(&methods))),
            Found::Nothing => return Err(Refusal::Case("MISSING_AUTHENTICATION_TOKEN")),
        };
        if body.len() > MAX_BODY_BYTES {
            return Err(Refusal::Case("REQUEST_TOO_LARGE"));
        }
        let function = self.functions.get(&route.function).ok_or(Refusal::Case("DEFAULT_5XX"))?;
        let arrival = Arrival {
            resource: &route.path,
            path_parameters: &path_parameters,
            stage: &self.stage,
            request_id,
            source_ip,
            at: self.clock.now(),
        };
        let event = event::rest(parts, body, &arrival);
        if event.to_string().len() > MAX_PAYLOAD_BYTES {
            return Err(Refusal::Case("REQUEST_TOO_LARGE"));
        }
        match tokio::time::timeout(self.timeout, function.call(event, request_id)).await {
            Ok(Ok(answer)) => read(answer).ok_or_else(|| broken(request_id, "the answer is not one of a proxy integration")),
            Ok(Err(error @ (CallError::TimedOut { .. } | CallError::Failed { .. }))) => Err(broken(request_id, &error.to_string())),
            Err(_) => Err(Refusal::Case("INTEGRATION_TIMEOUT")),
        }
    }

    fn refuse(&self, refusal: &Refusal, request_id: &str) -> Answer {
        match refusal {
            Refusal::Case(case) => match self.refusals.get(*case) {
                Some(response) => from_template(response, request_id),
                None => problem(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong on our side",
                    case,
                    "internal_error",
                    &self.docs_url,
                    request_id,
                ),
            },
            Refusal::OtherMethod(allow) => {
                let (status, detail) = (StatusCode::METHOD_NOT_ALLOWED, format!("This route has {allow}."));
                let mut answer =
                    problem(status, "The route does not have this method", &detail, "method_not_allowed", &self.docs_url, request_id);
                if let Ok(value) = HeaderValue::from_str(allow) {
                    answer.headers_mut().insert(ALLOW, value);
                }
                answer
            }
        }
    }
}

fn broken(request_id: &str, cause: &str) -> Refusal {
    tracing::error!(request_id, "{cause}");
    Refusal::Case("INTEGRATION_FAILURE")
}

fn allow(methods: &[&Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    names.sort_unstable();
    names.join(", ")
}

fn from_template(response: &GatewayResponse, request_id: &str) -> Answer {
    let mut answer = Response::new(Bytes::from(response.body.replace("$context.requestId", request_id)));
    *answer.status_mut() = response.status;
    for (name, value) in &response.headers {
        let value = value.replace("context.requestId", request_id);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// A problem that the template has no answer for.
pub fn problem(status: StatusCode, title: &str, detail: &str, code: &str, docs_url: &str, request_id: &str) -> Answer {
    let body = json!({
        "type": format!("{docs_url}/errors/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
        "request_id": request_id,
    });
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", value);
    }
    answer
}

/// What a function answers to a proxy integration. Source: "Output format of a Lambda function for proxy integration".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyAnswer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

fn read(answer: Value) -> Option<Answer> {
    let answer: ProxyAnswer = serde_json::from_value(answer).ok()?;
    let body = answer.body.unwrap_or_default();
    if body.len() > MAX_PAYLOAD_BYTES {
        return None;
    }
    let body = if answer.is_base64_encoded { STANDARD.decode(body).ok()? } else { body.into_bytes() };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let single = answer.headers.unwrap_or_default().into_iter().map(|(name, value)| (name, vec![value]));
    for (name, values) in single.chain(answer.multi_value_headers.unwrap_or_default()) {
        append(response.headers_mut(), &name, &values)?;
    }
    Some(response)
}

fn append(headers: &mut HeaderMap, name: &str, values: &[String]) -> Option<()> {
    let name = HeaderName::try_from(name).ok()?;
    for value in values {
        headers.append(&name, HeaderValue::try_from(value).ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::Router;
    use axum::routing::get;
    use tributary_runtime::clock::SystemClock;
    use tributary_runtime::ids::SystemIds;

    use super::*;
    use crate::lambda::http;

    fn gateway(router: &Router) -> Gateway {
        let template = Template::embedded().expect("a template");
        let lambda = |name: &String| (name.clone(), Lambda::new(name, Duration::from_secs(5), http(router.clone())));
        let functions = template.functions.keys().map(lambda).collect();
        Gateway::new(&template, functions, Arc::new(SystemClock::default()), Arc::new(SystemIds::default()))
    }

    async fn ask(gateway: &Gateway, method: &str, uri: &str, body: Vec<u8>) -> (StatusCode, HeaderMap, Value) {
        let request = Request::builder().method(method).uri(uri).body(Bytes::from(body)).expect("a request");
        let (parts, body) = gateway.answer(request, Ipv4Addr::LOCALHOST.into()).await.into_parts();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    #[tokio::test]
    async fn a_function_answers_its_route() {
        let router = Router::new().route("/reseller/accounts", get(|| async { ([("x-a", "1")], r#"{"data":[]}"#) }));
        let (status, headers, body) = ask(&gateway(&router), "GET", "/reseller/accounts?limit=1", vec![]).await;
        assert_eq!((status, body), (StatusCode::OK, json!({"data": []})));
        assert_eq!(headers["x-a"], "1");
        assert!(headers.contains_key("x-amzn-requestid"));
    }

    #[tokio::test]
    async fn what_the_gateway_answers_by_itself_is_a_problem_with_the_requests_id() {
        let (gateway, large) = (gateway(&Router::new()), vec![b' '; MAX_BODY_BYTES + 1]);
        let table = [
            ("GET", "/nowhere", vec![], 404, "route_not_found"),
            ("PATCH", "/reseller/accounts", vec![], 405, "method_not_allowed"),
            ("POST", "/reseller/accounts/create", large, 413, "body_too_large"),
            ("POST", "/reseller/accounts/create", vec![b'"'; MAX_PAYLOAD_BYTES], 413, "body_too_large"),
        ];
        for (method, uri, body, status, code) in table {
            let (answered, headers, problem) = ask(&gateway, method, uri, body).await;
            assert_eq!((answered.as_u16(), problem["code"].as_str()), (status, Some(code)), "{method} {uri}");
            assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{method} {uri}");
            assert_eq!(headers["x-request-id"], headers["x-amzn-requestid"], "{method} {uri}");
            assert_eq!(problem["request_id"].as_str(), headers["x-amzn-requestid"].to_str().ok(), "{method} {uri}");
        }
        let (_, headers, _) = ask(&gateway, "PATCH", "/reseller/accounts", vec![]).await;
        assert_eq!(headers[ALLOW], "GET");
    }

    #[tokio::test]
    async fn a_function_that_fails_is_a_502_and_one_that_is_late_a_504() {
        let router = Router::new()
            .route("/health", get(|| async { if true { panic!("on purpose") } else { "never" } }))
            .route("/", get(std::future::pending::<String>));
        let mut gateway = gateway(&router);
        gateway.timeout = Duration::from_millis(50);
        let (status, _, body) = ask(&gateway, "GET", "/health", vec![]).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_GATEWAY, &json!("outcome_unknown")));
        let (status, _, body) = ask(&gateway, "GET", "/", vec![]).await;
        assert_eq!((status, &body["code"]), (StatusCode::GATEWAY_TIMEOUT, &json!("outcome_unknown")));
    }
}
