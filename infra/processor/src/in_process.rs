//! The way to the processor of a client in the same process: no socket, no thread, the same answers and the same losses.

use async_trait::async_trait;
use tributary_runtime::payments::transport::{NoAnswer, Request, Response, Transport};

use crate::{Asked, Became, Processor};

/// The way.
#[derive(Debug, Clone)]
pub struct InProcess(Processor);

impl InProcess {
    pub(crate) fn new(processor: Processor) -> Self {
        Self(processor)
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: &Request) -> Result<Response, NoAnswer> {
        let header = |wanted: &str| request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let asked = Asked {
            method: request.method.to_owned(),
            path: path.to_owned(),
            form: if request.method == "GET" { query.as_bytes().to_vec() } else { request.body.as_bytes().to_vec() },
            authorization: header("authorization").unwrap_or_default(),
            key: header("idempotency-key"),
        };
        match self.0.answer(asked).await {
            Became::Answered { answer, replayed } => {
                Ok(Response { status: answer.status, replayed, body: answer.body.to_string().into_bytes(), ..Response::default() })
            }
            Became::Lost => Err(NoAnswer::Lost("the connection ended".to_owned())),
        }
    }
}
