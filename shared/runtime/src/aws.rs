//! One signed request to a service of AWS whose SDK would be much for the little that is asked of it: S3, SQS, EventBridge
//! and SES. It goes through the same HTTP client as the SDK's own, and is signed by the same code.

use std::io::Write as _;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::{sleep, timeout};

use crate::clock::{Clock as _, SystemClock};

/// How often a request is sent before its failure is believed.
const TRIES: u32 = 3;
/// The wait before the second try; before the third it is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// How much of a refusal is told.
const TOLD_CHARS: usize = 300;

/// A service, by the name under which requests to it are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    Sqs,
    Events,
    Ses,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Service::S3 => "s3",
            Service::Sqs => "sqs",
            Service::Events => "events",
            Service::Ses => "ses",
        }
    }
}

/// Sends signed requests.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    http: SharedHttpConnector,
    identity: Identity,
    region: String,
}

/// What is sent. `sha256` is the body's digest in hexadecimal.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub service: Service,
    pub method: &'static str,
    pub url: &'a str,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: Content<'a>,
    pub try_lasts: Duration,
}

/// A body: bytes, or a file of this many bytes and this SHA-256 in hexadecimal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    File { path: &'a std::path::Path, length: u64, sha256: &'a str },
}

/// An answer, which may be a refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What became of a fetch.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// So many bytes are in the file.
    Whole(u64),
    /// There are more than were wanted.
    TooLarge,
    /// Another answer than a good one.
    Said(Answer),
}

impl Answer {
    /// What it says, for a log.
    pub fn said(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.body).chars().take(TOLD_CHARS).collect();
        format!("status {}: {text}", self.status)
    }

    fn may_pass(&self) -> bool {
        self.status >= 500 || matches!(self.status, 408 | 429)
    }
}

impl Caller {
    pub fn new(http: SharedHttpConnector, credentials: Credentials, region: &str) -> Self {
        Self { http, identity: credentials.into(), region: region.to_owned() }
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Sends it, again if no answer comes or one that may pass, and gives the answer, whatever its status.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, String> {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let answer = match timeout(ask.try_lasts, self.once(ask)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer in {:?}", ask.try_lasts)),
            };
            if tries == TRIES || matches!(&answer, Ok(answer) if !answer.may_pass()) {
                return answer.map_err(|why| format!("{why} ({tries} tries)"));
            }
            sleep(wait).await;
            tries += 1;
            wait *= 4;
        }
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Answer, String> {
        let (status, body) = self.begin(ask).await?;
        let body = body.collect().await.map_err(|error| described(&error))?;
        Ok(Answer { status, body: body.into_bytes().to_vec() })
    }

    /// Sends it once: the answer's status, and its body still to be read.
    async fn begin(&self, ask: &Ask<'_>) -> Result<(u16, ByteStream), String> {
        let (body, signed) = match ask.body {
            Content::Bytes(bytes) => (SdkBody::from(bytes), SignableBody::Bytes(bytes)),
            Content::File { path, length, sha256 } => {
                let stream = ByteStream::read_from().path(path).length(aws_smithy_types::byte_stream::Length::Exact(length)).build().await;
                let stream = stream.map_err(|error| format!("{}: {error}", path.display()))?;
                (stream.into_inner(), SignableBody::Precomputed(sha256.to_owned()))
            }
        };
        let mut request = http::Request::builder().method(ask.method).uri(ask.url);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).map_err(|error| error.to_string())?;
        self.sign(&mut request, ask, SignatureLocation::Headers, signed, None)?;
        let request = HttpRequest::try_from(request).map_err(|error| error.to_string())?;
        let response = self.http.call(request).await.map_err(|error| described(&error))?;
        Ok((response.status().as_u16(), ByteStream::new(response.into_body())))
    }

    /// Sends it, again if no answer comes or one that may pass, and writes the body of a good answer to a file.
    pub async fn fetch(&self, ask: &Ask<'_>, path: &std::path::Path, most: u64) -> Result<Fetched, String> {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let fetched = match timeout(ask.try_lasts, self.fetch_once(ask, path, most)).await {
                Ok(fetched) => fetched,
                Err(_) => Err(format!("no answer in {:?}", ask.try_lasts)),
            };
            let settled = match &fetched {
                Ok(Fetched::Said(answer)) => !answer.may_pass(),
                Ok(Fetched::Whole(_) | Fetched::TooLarge) => true,
                Err(_) => false,
            };
            if tries == TRIES || settled {
                return fetched.map_err(|why| format!("{why} ({tries} tries)"));
            }
            sleep(wait).await;
            tries += 1;
            wait *= 4;
        }
    }

    async fn fetch_once(&self, ask: &Ask<'_>, path: &std::path::Path, most: u64) -> Result<Fetched, String> {
        let (status, mut body) = self.begin(ask).await?;
        if status != 200 {
            let body = body.collect().await.map_err(|error| described(&error))?.into_bytes().to_vec();
            return Ok(Fetched::Said(Answer { status, body }));
        }
        let file = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut written = std::io::BufWriter::new(std::fs::File::create(path).map_err(file)?);
        let mut length = 0_u64;
        while let Some(bytes) = body.try_next().await.map_err(|error| described(&error))? {
            length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if length > most {
                return Ok(Fetched::TooLarge);
            }
            written.write_all(&bytes).map_err(file)?;
        }
        written.flush().map_err(file)?;
        Ok(Fetched::Whole(length))
    }

    /// An address that asks for `url` in this caller's name, for so long.
    pub fn link(
        &self,
        service: Service,
        method: &'static str,
        url: &str,
        headers: &[(&'static str, &str)],
        expires_in: Duration,
    ) -> Result<String, String> {
        let ask = Ask { service, method, url, headers, body: Content::Bytes(&[]), try_lasts: Duration::ZERO };
        let mut request = http::Request::builder().method(method).uri(url).body(()).map_err(|error| error.to_string())?;
        self.sign(&mut request, &ask, SignatureLocation::QueryParams, SignableBody::UnsignedPayload, Some(expires_in))?;
        Ok(request.uri().to_string())
    }

    fn sign<B>(
        &self,
        request: &mut http::Request<B>,
        ask: &Ask<'_>,
        place: SignatureLocation,
        body: SignableBody<'_>,
        expires_in: Option<Duration>,
    ) -> Result<(), String> {
        let mut settings = SigningSettings::default();
        settings.signature_location = place;
        settings.expires_in = expires_in;
        if ask.service == Service::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(ask.service.name())
            // The machine's time, not the test clock's: the service looks at its own.
            .time(SystemClock::default().now().into())
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = ask.headers.iter().copied();
        let signable = SignableRequest::new(ask.method, ask.url, headers, body).map_err(|error| described(&error))?;
        let (instructions, _) = sign(signable, &params).map_err(|error| described(&error))?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

/// Where the service is: the given endpoint, or AWS's of the region.
pub(crate) fn host(service: Service, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let name = if service == Service::Ses { "email" } else { service.name() };
    format!("{name}.{region}.{suffix}")
}

/// An error with what led to it.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_http_client::Connector;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives these answers, one a connection, and keeps what it was asked.
    pub(crate) async fn server(answers: &'static [(u16, &'static str)]) -> (Caller, String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut read = Vec::new();
                while !is_whole(&read) {
                    let mut chunk = [0; 4096];
                    let count = stream.read(&mut chunk).await.expect("a request");
                    read.extend_from_slice(&chunk[..count]);
                }
                kept.lock().expect("no panic").push(String::from_utf8(read).expect("text"));
                let answer = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.expect("answered");
            }
        });
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("a token".to_owned()), None, "test");
        (Caller::new(SharedHttpConnector::new(Connector::builder().build_http()), credentials, "eu-central-1"), endpoint, asked)
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        body.len() >= length.unwrap_or(0)
    }
}
