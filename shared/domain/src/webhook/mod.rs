//! Webhook endpoints: where an account has its events sent, which of them, and under which secrets they are signed.
//!
//! Source of the signatures: the Standard Webhooks specification 1.0.0.

mod address;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::id::WebhookId;

pub use address::is_public;

/// The most endpoints of one account.
pub const MAX_ENDPOINTS: usize = 20;
/// The most filters of one endpoint.
pub const MAX_FILTERS: usize = 50;
/// The longest address, bytes.
pub const MAX_URL_BYTES: usize = 2_000;
/// The longest overlap of a rotation, hours.
pub const MAX_OVERLAP_HOURS: i64 = 72;
/// The overlap of a rotation unless said otherwise, hours.
pub const DEFAULT_OVERLAP_HOURS: i64 = 24;
/// The most secrets that sign at once.
const MAX_SECRETS: usize = 3;

/// Where events are sent: an `https` address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointUrl(String);

/// Why an address cannot be an endpoint's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It does not parse, or is too long.
    #[error("must be an address such as https://example.com/hooks, of at most {MAX_URL_BYTES} bytes")]
    Malformed,
    /// Another scheme.
    #[error("must begin with https://")]
    NotHttps,
    /// `user:password@`.
    #[error("must not hold a user or a password: what is sent is signed instead")]
    Credentials,
    /// `#…`
    #[error("must not hold a fragment (#…), which is never sent")]
    Fragment,
    /// A well-known port of another service.
    #[error("must use port 443 or one from 1024 up")]
    Port,
    /// An address or a name of a network that is not public.
    #[error("must be an address of the public internet: private, local and reserved ones are never called")]
    NotPublic,
}

impl EndpointUrl {
    /// Reads an address. With `loopback`, one of this machine is taken too, with plain `http` as well: for the local run.
    ///
    /// Names are looked up each time that something is sent, and what they stand for is checked then.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str, loopback: bool) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        let host = url.host().ok_or(UrlError::Malformed)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if loopback && is_loopback(&host) {
            return Ok(Self(url.to_string()));
        }
        if url.scheme() != "https" {
            return Err(UrlError::NotHttps);
        }
        if url.port().is_some_and(|port| port < 1024) {
            return Err(UrlError::Port);
        }
        let public = match host {
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
            Host::Domain(name) => is_public_name(name),
        };
        if public { Ok(Self(url.to_string())) } else { Err(UrlError::NotPublic) }
    }

    /// The address, as it is called.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => *name == "localhost",
    }
}

/// Whether a name can stand for something on the public internet: it has a dot, and does not end like the names of
/// networks that are not. Source: RFC 6761, RFC 6762, RFC 8375, ICANN's reservation of `internal`.
fn is_public_name(name: &str) -> bool {
    const NOT_PUBLIC: [&str; 8] = ["localhost", "local", "internal", "home.arpa", "lan", "test", "invalid", "onion"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.contains('.') && !NOT_PUBLIC.iter().any(|end| name == *end || name.ends_with(&format!(".{end}")))
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EndpointUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EndpointUrl {
    /// Of what is kept: it was checked when it came in, and is again when it is called.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Which events: `*` for all, `credit.*` for those that begin so, `alert.fired` for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventFilter(String);

/// The text is no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an event's type such as \"alert.fired\", a group such as \"credit.*\", or \"*\"")]
pub struct FilterError;

impl EventFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let stem = text.strip_suffix(".*").unwrap_or(text);
        let good = text == "*" || (text.len() <= 100 && stem.split('.').all(word) && (stem.contains('.') || stem != text));
        if good { Ok(Self(text.to_owned())) } else { Err(FilterError) }
    }

    /// Whether it takes events of this type.
    pub fn takes(&self, event_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(stem) => event_type.starts_with(stem),
            None => self.0 == event_type,
        }
    }

    /// The filter on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for EventFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why an endpoint is sent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Nothing but failures for three days.
    Failing,
    /// It answered 410 Gone.
    Gone,
}

impl DisabledReason {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            DisabledReason::Failing => "failing",
            DisabledReason::Gone => "gone",
        }
    }
}

/// Since when, and why, an endpoint is sent nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why.
    pub reason: DisabledReason,
    /// Since when.
    pub at: Timestamp,
}

/// A secret under which is signed, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// What `runtime` sealed.
    pub sealed: String,
    /// Until when it signs, after a rotation; `None` for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecret(hidden, until {:?})", self.until)
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Where it is.
    pub url: EndpointUrl,
    /// Which events it is sent.
    pub events: Vec<EventFilter>,
    /// Those of every account below its own too.
    pub subtree: bool,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Set while it is sent nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// The secrets, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Raised by one with each change.
    pub version: i64,
}

impl Endpoint {
    /// Whether it is sent events of this type, of its own account or of one below it.
    pub fn takes(&self, event_type: &str, own: bool) -> bool {
        (own || self.subtree) && self.events.iter().any(|filter| filter.takes(event_type))
    }

    /// The secrets that sign at `now`, the newest first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |secret| secret.until.is_none_or(|until| now < until))
    }

    /// Takes a new secret; the present one signs too for so long, and earlier ones for as long as they were to.
    pub fn rotate(&mut self, sealed: String, overlap_hours: i64, now: Timestamp) {
        let until = now.checked_add(SignedDuration::from_hours(overlap_hours)).unwrap_or(now);
        for secret in &mut self.secrets {
            secret.until = Some(secret.until.map_or(until, |earlier| earlier.min(until)));
        }
        self.secrets.retain(|secret| secret.until.is_none_or(|until| now < until));
        self.secrets.insert(0, SigningSecret { sealed, until: None });
        self.secrets.truncate(MAX_SECRETS);
    }
}

/// The endpoints of one account: one document, read whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Endpoints {
    /// Raised by one with each change; 0 where there never was one.
    #[serde(skip)]
    pub version: i64,
    /// The endpoints, the oldest first.
    pub all: Vec<Endpoint>,
}

impl Endpoints {
    /// The endpoint of that id.
    pub fn get(&self, id: &WebhookId) -> Option<&Endpoint> {
        self.all.iter().find(|endpoint| &endpoint.id == id)
    }

    /// The endpoint of that id, to be changed.
    pub fn get_mut(&mut self, id: &WebhookId) -> Option<&mut Endpoint> {
        self.all.iter_mut().find(|endpoint| &endpoint.id == id)
    }
}

/// What is signed of a message: its id, when it is sent (seconds since 1970) and its body.
///
/// Source: Standard Webhooks 1.0.0, "Signature scheme".
pub fn signed_content(id: &str, timestamp_s: i64, body: &str) -> String {
    format!("{id}.{timestamp_s}.{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_public_internet_and_encrypted() {
        for good in [
            "https://example.com",
            "https://example.com:8443/a?b=c",
            "https://203.0.114.7/x",
            "https://[2606:4700::1111]/",
            "https://EXAMPLE.com/ü",
        ] {
            assert!(EndpointUrl::parse(good, false).is_ok(), "{good}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES));
        for (bad, why) in [
            ("", UrlError::Malformed),
            ("example.com", UrlError::Malformed),
            ("https://", UrlError::Malformed),
            ("https://exa mple.com", UrlError::Malformed),
            ("https://example.com/\nHost: x", UrlError::Malformed),
            (long.as_str(), UrlError::Malformed),
            ("http://example.com", UrlError::NotHttps),
            ("ftp://example.com", UrlError::NotHttps),
            ("gopher://example.com:70/x", UrlError::NotHttps),
            ("http://127.0.0.1/", UrlError::NotHttps),
            ("https://user@example.com", UrlError::Credentials),
            ("https://user:pw@example.com", UrlError::Credentials),
            ("https://example.com/#x", UrlError::Fragment),
            ("https://example.com:22/", UrlError::Port),
            ("https://example.com:25/", UrlError::Port),
            ("https://127.0.0.1/", UrlError::NotPublic),
            ("https://2130706433/", UrlError::NotPublic),
            ("https://0x7f.1/", UrlError::NotPublic),
            ("https://0177.0.0.1/", UrlError::NotPublic),
            ("https://169.254.169.254/latest/meta-data/", UrlError::NotPublic),
            ("https://[::1]/", UrlError::NotPublic),
            ("https://[::ffff:10.0.0.1]/", UrlError::NotPublic),
            ("https://[fd00:ec2::254]/", UrlError::NotPublic),
            ("https://localhost/", UrlError::NotPublic),
            ("https://a.localhost./", UrlError::NotPublic),
            ("https://intranet/", UrlError::NotPublic),
            ("https://db.internal/", UrlError::NotPublic),
            ("https://printer.local/", UrlError::NotPublic),
            ("https://①②⑦.0.0.1/", UrlError::NotPublic),
        ] {
            assert_eq!(EndpointUrl::parse(bad, false), Err(why), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_called_only_by_setting() {
        for local in ["http://127.0.0.1:9000/x", "http://localhost:9000/x", "http://[::1]:1/", "https://127.0.0.1:9000/"] {
            assert!(EndpointUrl::parse(local, true).is_ok(), "{local}");
            assert!(EndpointUrl::parse(local, false).is_err(), "{local}");
        }
        for other in ["http://10.0.0.1/", "http://example.com/", "https://192.168.1.1/", "http://localhost.evil.example/"] {
            assert!(EndpointUrl::parse(other, true).is_err(), "{other}");
        }
    }

    #[test]
    fn a_filter_takes_all_a_group_or_one() {
        let takes = |filter: &str, kind: &str| EventFilter::parse(filter).map(|filter| filter.takes(kind));
        assert_eq!(takes("*", "credit.usage"), Ok(true));
        assert_eq!(takes("credit.*", "credit.usage"), Ok(true));
        assert_eq!(takes("credit.*", "credits.usage"), Ok(false));
        assert_eq!(takes("alert.fired", "alert.fired"), Ok(true));
        assert_eq!(takes("alert.fired", "alert.fired2"), Ok(false));
        for bad in ["", "credit", "credit.", ".*", "*.credit", "credit.**", "Credit.*", "a b.c", "credit.*.x", "**"] {
            assert_eq!(EventFilter::parse(bad), Err(FilterError), "{bad}");
        }
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_until_the_overlap_is_over() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().expect("a time");
        let later = |hours| now.checked_add(SignedDuration::from_hours(hours)).expect("a time");
        let mut endpoint = Endpoint {
            id: WebhookId::from_uuid(uuid::Uuid::from_u128(1)),
            url: EndpointUrl::parse("https://example.com", false).expect("an address"),
            events: vec![EventFilter::parse("*").expect("a filter")],
            subtree: false,
            description: None,
            disabled: None,
            secrets: vec![SigningSecret { sealed: "one".into(), until: None }],
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let signing = |endpoint: &Endpoint, at| endpoint.signing(at).map(|s| s.sealed.clone()).collect::<Vec<_>>().join(" ");
        endpoint.rotate("two".into(), 24, now);
        assert_eq!(signing(&endpoint, later(23)), "two one");
        assert_eq!(signing(&endpoint, later(24)), "two");
        endpoint.rotate("three".into(), 72, later(1));
        assert_eq!(signing(&endpoint, later(2)), "three two one");
        assert_eq!(signing(&endpoint, later(24)), "three two");
        endpoint.rotate("four".into(), 0, later(2));
        assert_eq!(signing(&endpoint, later(2)), "four");
    }
}
