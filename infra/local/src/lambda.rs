//! Functions, called as Lambda calls them: an event in, an answer or a failure out, within a timeout.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Uri;
use http::uri::PathAndQuery;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Adapter, Context, LambdaEvent, Request, RequestExt, Service};
use serde_json::Value;
use tower::ServiceExt;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// A function without its template: takes an event and the id of the call.
pub type Handler = Arc<dyn Fn(Value, Context) -> Answer + Send + Sync>;

/// A deployed function.
#[derive(Clone)]
pub struct Lambda {
    name: String,
    timeout: Duration,
    handler: Handler,
}

/// Why a function gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It took longer than the template gives it.
    #[error("{name} timed out after {timeout:?}")]
    TimedOut {
        /// The function.
        name: String,
        /// Its timeout.
        timeout: Duration,
    },
    /// It failed or panicked.
    #[error("{name} failed: {cause}")]
    Failed {
        /// The function.
        name: String,
        /// What it said.
        cause: String,
    },
}

impl Lambda {
    /// A function by its name, its timeout and what it does.
    pub fn new(name: &str, timeout: Duration, handler: Handler) -> Self {
        Self { name: name.to_owned(), timeout, handler }
    }

    /// Calls the function. The call goes on when this future is dropped, as it does on Lambda when a client goes away.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, event: Value, request_id: &str) -> Result<Value, CallError> {
        let mut context = Context::default();
        context.request_id = request_id.to_owned();
        context.invoked_function_arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{}", self.name);
        let (handler, timeout) = (self.handler.clone(), self.timeout);
        let call = async move { tokio::time::timeout(timeout, handler(event, context)).await };
        let failed = |cause: String| CallError::Failed { name: self.name.clone(), cause };
        match tokio::spawn(call).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(failure))) => Err(failed(failure.to_string())),
            Ok(Err(_)) => Err(CallError::TimedOut { name: self.name.clone(), timeout: self.timeout }),
            Err(panic) => Err(failed(panic.to_string())),
        }
    }
}

/// An HTTP function, behind the very adapter that `lambda_http::run` puts in front of it.
pub fn http(router: Router) -> Handler {
    Arc::new(move |event, context| match serde_json::from_value::<LambdaRequest>(event) {
        Ok(payload) => {
            let answer = Adapter::from(router.clone().map_request(without_stage)).call(LambdaEvent { payload, context });
            Box::pin(async move { Ok(serde_json::to_value(answer.await?)?) })
        }
        Err(error) => Box::pin(std::future::ready(Err(error.into()))),
    })
}

/// What `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`, which the template sets, does on Lambda; this process does not change its
/// own environment.
fn without_stage(mut request: Request) -> Request {
    let prefix = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => format!("/{}", context.stage.as_deref().unwrap_or_default()),
        _ => return request,
    };
    let path = request.uri().path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let stripped = path.strip_prefix(&prefix).filter(|rest| rest.starts_with('/'));
    if let Some(uri) = stripped.and_then(|rest| rest.parse::<Uri>().ok()) {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use serde_json::json;

    use super::*;

    fn function(router: Router) -> Lambda {
        Lambda::new("TestFunction", Duration::from_millis(200), http(router))
    }

    fn event(path: &str) -> Value {
        json!({"resource": path, "path": path, "httpMethod": "GET", "headers": {}, "requestContext": {"stage": "dev", "httpMethod": "GET"}})
    }

    #[tokio::test]
    async fn a_router_answers_an_event_under_the_path_without_its_stage() {
        let router = Router::new().route("/a/{id}", get(|uri: Uri| async move { uri.path().to_owned() }));
        let answer = function(router).call(event("/a/1"), "r").await.expect("an answer");
        assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("/a/1")));
    }

    #[tokio::test]
    async fn a_slow_function_and_one_that_panics_fail() {
        let router = Router::new()
            .route("/slow", get(std::future::pending::<String>))
            .route("/panic", get(|| async { if true { panic!("on purpose") } else { "never" } }));
        let function = function(router);
        assert!(matches!(function.call(event("/slow"), "r").await, Err(CallError::TimedOut { .. })));
        assert!(matches!(function.call(event("/panic"), "r").await, Err(CallError::Failed { .. })));
    }
}
