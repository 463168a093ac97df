//! How requests get to a processor: over HTTPS, or into one that lives in this process.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::redirect::Policy;

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A request. Its body, if it has one, is a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query, from the slash on.
    pub path: String,
    /// Credentials, version, key.
    pub headers: Vec<(&'static str, String)>,
    /// The form; empty of `GET`.
    pub body: String,
}

impl Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

/// An answer, of whatever status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Idempotent-Replayed`: it is the answer to an earlier request under the same key.
    pub replayed: bool,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads one header by its name in small letters; of others nothing is taken.
    pub fn take_header(&mut self, name: &str, value: &str) {
        match name {
            "retry-after" => self.retry_after_s = value.trim().parse().ok(),
            "stripe-should-retry" => self.should_retry = value.trim().parse().ok(),
            "idempotent-replayed" => self.replayed = value.trim() == "true",
            _ => {}
        }
    }
}

/// There is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No connection was made, so nothing was sent.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It was sent, or some of it, and nothing whole came back.
    #[error("no answer: {0}")]
    Lost(String),
}

/// A way to a processor.
#[async_trait]
pub trait Transport: Send + Sync + Debug {
    /// Sends it once.
    ///
    /// # Errors
    /// [`NoAnswer`].
    async fn send(&self, request: &Request) -> Result<Response, NoAnswer>;
}

/// How long is waited for a connection, and for a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// For the answer, from the beginning, the connection included.
    pub answer: Duration,
}

impl Default for Timeouts {
    /// 5 and 25 seconds: charging a card takes some, and a function's own time must hold several tries.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(25) }
    }
}

/// The address of a processor cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is not a URL.
    #[error("the processor's address must be a URL without query, such as https://api.stripe.com")]
    NotAUrl,
    /// It is neither HTTPS nor of this machine.
    #[error("the processor's address must begin with https:// (http:// only of 127.0.0.1, [::1] and localhost)")]
    NotEncrypted,
    /// The system has no root certificates that can be read.
    #[error("no TLS: {0}")]
    NoTls(String),
}

/// Over the network: TLS with the system's roots, no redirects, no proxy.
#[derive(Debug, Clone)]
pub struct Https {
    http: reqwest::Client,
    base: String,
}

impl Https {
    /// To `base`, such as `https://api.stripe.com`.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn to(base: &str, timeouts: Timeouts) -> Result<Self, AddressError> {
        let url = Url::parse(base).map_err(|_| AddressError::NotAUrl)?;
        if !url.has_host() || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::NotAUrl);
        }
        let own = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        match url.scheme() {
            "https" => {}
            "http" if own => {}
            _ => return Err(AddressError::NotEncrypted),
        }
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(url.scheme() == "https")
            .referer(false)
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.answer)
            .user_agent("Tributary/1.0")
            .build()
            .map_err(|error| AddressError::NoTls(described(&error)))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }
}

#[async_trait]
impl Transport for Https {
    async fn send(&self, request: &Request) -> Result<Response, NoAnswer> {
        let url = format!("{}{}", self.base, request.path);
        let mut sent = match request.method {
            "GET" => self.http.get(url),
            _ => self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(request.body.clone()),
        };
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        let lost = |error: reqwest::Error| NoAnswer::Lost(described(&error.without_url()));
        let mut answer = sent.send().await.map_err(|error| match error.is_connect() || error.is_builder() {
            true => NoAnswer::NotSent(described(&error.without_url())),
            false => lost(error),
        })?;
        let mut response = Response { status: answer.status().as_u16(), ..Response::default() };
        for (name, value) in answer.headers() {
            response.take_header(name.as_str(), value.to_str().unwrap_or_default());
        }
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if response.body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(NoAnswer::Lost(format!("the answer has more than {MAX_ANSWER_BYTES} bytes")));
            }
            response.body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// An error with what led to it.
fn described(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_without_tls() {
        let to = |base: &str| Https::to(base, Timeouts::default()).map(|https| https.base);
        assert_eq!(to("https://api.stripe.com/"), Ok("https://api.stripe.com".to_owned()));
        assert_eq!(to("http://127.0.0.1:9"), Ok("http://127.0.0.1:9".to_owned()));
        assert!(to("http://localhost:9").is_ok() && to("http://[::1]:9").is_ok());
        for base in ["http://api.stripe.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "http://10.0.0.1"] {
            assert_eq!(to(base), Err(AddressError::NotEncrypted), "{base}");
        }
        for base in ["", "api.stripe.com", "https://api.stripe.com/?x", "https://user:word@api.stripe.com"] {
            assert_eq!(to(base), Err(AddressError::NotAUrl), "{base}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_was_not_sent() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let request = Request { method: "POST", path: "/v1/x".into(), headers: vec![], body: "a=1".into() };
        let sent = Https::to(&base, Timeouts::default()).expect("a client").send(&request).await;
        assert!(matches!(sent, Err(NoAnswer::NotSent(_))), "{sent:?}");
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_answer_lost_it() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            use tokio::io::AsyncReadExt as _;
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 4096]).await;
        });
        let request = Request { method: "POST", path: "/v1/x".into(), headers: vec![], body: "a=1".into() };
        let sent = Https::to(&base, Timeouts::default()).expect("a client").send(&request).await;
        assert!(matches!(sent, Err(NoAnswer::Lost(_))), "{sent:?}");
    }
}
