//! Requests to addresses that strangers chose.
//!
//! A name is looked up when the connection is made, every address it stands for is checked, and the connection goes to one of those that were
//! checked: a name that stands for something else a moment later gains nothing. No redirect is followed, no proxy asked, no certificate taken on
//! trust; a request has ten seconds and an answer 64 KiB.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tributary_domain::delivery::KEPT_ANSWER_CHARS;
use tributary_domain::webhook::{EndpointUrl, is_public};
use url::{Host, Url};

/// How long one request may take, the connection included.
pub const LASTS: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// The beginning of what it says.
    pub text: String,
}

/// Nothing was answered, or not in time; why, in words for the endpoint's owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// A way to endpoints.
#[async_trait]
pub trait Outbound: Send + Sync + Debug {
    /// Posts JSON.
    ///
    /// # Errors
    /// [`NoAnswer`].
    async fn post(&self, url: &EndpointUrl, headers: &[(&'static str, String)], body: &str) -> Result<Answered, NoAnswer>;
}

/// What names stand for.
#[async_trait]
pub trait Lookup: Send + Sync + Debug {
    /// The addresses of a name.
    ///
    /// # Errors
    /// When there are none.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's names.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Which addresses are called.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    loopback: bool,
}

impl Allowed {
    fn takes(self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.is_loopback())
    }
}

/// Looks names up, and refuses those that stand for anything but public addresses.
#[derive(Debug, Clone)]
struct PublicOnly {
    allowed: Allowed,
    lookup: Arc<dyn Lookup>,
}

const NOT_PUBLIC: &str = "the address is not one of the public internet";

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lookup.addresses(name.as_str()).await?;
            // One that is not public among several is refused with them: which is taken would be chance.
            if found.is_empty() || !found.iter().all(|address| this.allowed.takes(*address)) {
                return Err(NOT_PUBLIC.into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Calls endpoints of the public internet, and nothing else.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    http: reqwest::Client,
    allowed: Allowed,
}

impl GuardedClient {
    /// A client; with `loopback`, of this machine too.
    ///
    /// # Errors
    /// When the system has no root certificates that can be read.
    pub fn new(loopback: bool) -> Result<Self, String> {
        Self::with(loopback, Arc::new(SystemLookup), LASTS)
    }

    /// The same with another way to look names up, and other patience.
    ///
    /// # Errors
    /// As [`GuardedClient::new`].
    pub fn with(loopback: bool, lookup: Arc<dyn Lookup>, lasts: Duration) -> Result<Self, String> {
        let allowed = Allowed { loopback };
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(PublicOnly { allowed, lookup }))
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!loopback)
            .referer(false)
            .timeout(lasts)
            // A connection that is kept would be to an address that was checked some time ago.
            .pool_max_idle_per_host(0)
            .user_agent("Tributary-Webhooks/1.0")
            .build()
            .map_err(|error| described(&error))?;
        Ok(Self { http, allowed })
    }

    /// An address that is written out is never looked up, so it is checked here.
    fn checked(&self, url: &EndpointUrl) -> Result<Url, NoAnswer> {
        let refused = || NoAnswer(NOT_PUBLIC.to_owned());
        let parsed = Url::parse(url.as_str()).map_err(|_| refused())?;
        let address = match parsed.host().ok_or_else(refused)? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        if address.is_some_and(|address: IpAddr| !self.allowed.takes(address)) { Err(refused()) } else { Ok(parsed) }
    }
}

#[async_trait]
impl Outbound for GuardedClient {
    async fn post(&self, url: &EndpointUrl, headers: &[(&'static str, String)], body: &str) -> Result<Answered, NoAnswer> {
        let failed = |error: reqwest::Error| {
            let words = if error.is_timeout() { "no answer in time".to_owned() } else { described(&error.without_url()) };
            NoAnswer(words)
        };
        let mut request = self.http.post(self.checked(url)?).header("content-type", "application/json").body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = request.send().await.map_err(failed)?;
        let (status, mut read) = (response.status().as_u16(), Vec::new());
        while read.len() < MAX_ANSWER_BYTES
            && let Some(chunk) = response.chunk().await.map_err(failed)?
        {
            read.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&read).chars().filter(|c| !c.is_control() || *c == '\n').take(KEPT_ANSWER_CHARS).collect();
        Ok(Answered { status, text })
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
