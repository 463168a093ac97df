//! What belongs to an account's white-label portal: its logo, its short name in addresses, and a host of its own.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::{TextError, clean};

/// What an account shows where its customers come to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Portal {
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// Its name in addresses; nobody else has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// A host that it says is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Claim>,
}

impl Portal {
    /// Its host, if it proved that it is its own; nobody else has the same.
    pub fn verified_host(&self) -> Option<&HostName> {
        self.host.as_ref().filter(|claim| claim.status == HostStatus::Verified).map(|claim| &claim.host)
    }
}

/// A picture, as it is kept: PNG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// The name under which its bytes are.
    pub digest: LogoDigest,
    /// In pixels: 1 to 512.
    pub width: u32,
    /// In pixels: 1 to 256.
    pub height: u32,
}

impl Logo {
    /// Where it is, below where the platform is reached.
    pub fn url(&self, base: impl AsRef<str>) -> String {
        format!("{}/portal/logo/{}", base.as_ref(), self.digest.as_str())
    }
}

/// The SHA-256 of a logo's bytes, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct LogoDigest(String);

impl LogoDigest {
    /// Of the 32 bytes of a SHA-256.
    pub fn of(sha256: &[u8]) -> Self {
        Self(sha256.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Under which key its bytes are.
    pub fn blob_key(&self) -> String {
        format!("brand/logos/{}.png", self.0)
    }
}

impl std::str::FromStr for LogoDigest {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let good = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(TextError::Shape("must be 64 hexadecimal digits")) }
    }
}

impl<'de> Deserialize<'de> for LogoDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A portal's name in addresses: 3 to 40 lower-case letters, digits and hyphens, none at its ends, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

/// Words that are paths of the portal itself, or that a customer could take for the platform speaking.
const RESERVED: [&str; 42] = [
    "account",
    "accounts",
    "admin",
    "api",
    "app",
    "assets",
    "billing",
    "brand",
    "console",
    "dashboard",
    "docs",
    "errors",
    "health",
    "help",
    "home",
    "host",
    "index",
    "invoices",
    "login",
    "logo",
    "logout",
    "mail",
    "me",
    "null",
    "operator",
    "platform",
    "portal",
    "reseller",
    "root",
    "security",
    "session",
    "sessions",
    "settings",
    "sign-in",
    "sign-out",
    "signin",
    "signup",
    "static",
    "status",
    "support",
    "undefined",
    "www",
];

impl Slug {
    /// Reads one.
    ///
    /// # Errors
    /// [`TextError::Shape`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const SHAPE: TextError =
            TextError::Shape("must be 3 to 40 lower-case letters, digits and hyphens, with a letter first and no hyphen last");
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ends = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && !text.ends_with('-');
        if !(3..=40).contains(&text.len()) || !ends || !text.bytes().all(inside) {
            return Err(SHAPE);
        }
        if RESERVED.contains(&text) {
            return Err(TextError::Shape("is a word that no portal can be called by; take another"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The name of a host in DNS, in lower-case ASCII, without a dot at its end: at most 200 bytes, so that names below it still fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostName(String);

/// Names that are of no host on the internet (RFC 6761, RFC 8375, RFC 9476), but those that documentation uses.
const NOWHERE: [&str; 8] = ["localhost", "local", "internal", "invalid", "onion", "arpa", "alt", "lan"];

impl HostName {
    /// Reads a name; international ones become ASCII (UTS 46).
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const SHAPE: TextError =
            TextError::Shape("must be the name of a host alone, such as \"portal.example.com\": no scheme, port, path or IP address");
        let cleaned = clean(text, 200)?;
        let Ok(url::Host::Domain(name)) = url::Host::parse(cleaned.strip_suffix('.').unwrap_or(&cleaned)) else { return Err(SHAPE) };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let good = name.len() <= 200 && name.contains('.') && name.split('.').all(label) && last.bytes().any(|b| b.is_ascii_lowercase());
        if good { Ok(Self(name)) } else { Err(SHAPE) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other` or a name below it.
    pub fn is_within(&self, other: &str) -> bool {
        self.0 == other || self.0.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Whether an account may say that a host is its own: none of the platform's, which is reached at `own`, and none that every network has.
pub fn may_be_claimed(host: &HostName, own: &[&str]) -> bool {
    let providers = ["amazonaws.com", "amazonaws.com.cn", "cloudfront.net"];
    !own.iter().chain(&providers).chain(&NOWHERE).any(|name| host.is_within(name))
}

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostStatus {
    /// Nothing is proved; the host shows nothing.
    Pending,
    /// The host shows the account's brand.
    Verified,
}

/// An account's word that a host is its own. Any number of accounts may claim one host; one at most has it verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The host.
    pub host: HostName,
    /// How far it is.
    pub status: HostStatus,
    /// What nobody else knows; made anew with each claim.
    pub token: String,
    /// When the host's records were last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
}

impl Claim {
    /// A claim that nothing proves yet.
    pub fn pending(host: HostName, token: String) -> Self {
        Self { host, status: HostStatus::Pending, token, checked_at: None }
    }

    /// The name of the TXT record that proves it.
    pub fn txt_name(&self) -> String {
        format!("_tributary.{}", self.host)
    }

    /// What that record says.
    pub fn txt_value(&self) -> String {
        format!("tributary-verify={}", self.token)
    }

    /// The same after its records were looked at; `None` if they do not prove it.
    #[must_use]
    pub fn proved_by(&self, records: &[String], now: Timestamp) -> Option<Self> {
        let wanted = self.txt_value();
        let proved = records.iter().any(|record| record.trim() == wanted);
        proved.then(|| Self { status: HostStatus::Verified, checked_at: Some(now), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_what_stands_well_in_an_address() {
        for good in ["abc", "corner", "a-1", "shop-24", &"a".repeat(40)] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "ab", "Corner", "1shop", "-ab", "ab-", "a b", "a/b", "a.b", "a_b", "ä-b-c", "..", "session", "sign-in", &"a".repeat(41)]
        {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_name_in_dns_and_nothing_else() {
        for (given, name) in [
            ("portal.corner.example", "portal.corner.example"),
            ("Portal.Corner.Example.", "portal.corner.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(HostName::parse(given).as_ref().map(HostName::as_str), Ok(name));
        }
        let long = format!("{}.example", "a.".repeat(100));
        for bad in [
            "",
            "corner",
            "127.0.0.1",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "a.example:443",
            "https://a.example",
            "a.example/b",
            "a..example",
            "-a.example",
            "a-.example",
            "a_b.example",
            "a b.example",
            "a.example?x",
            "u@a.example",
            "*.example",
            "a.1",
            ".",
            &long,
        ] {
            assert!(HostName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nobody_claims_the_platform_or_what_every_network_has() {
        let host = |text: &str| HostName::parse(text).expect("a host");
        for taken in
            ["api.tributary.example", "x.api.tributary.example", "abc.execute-api.eu-central-1.amazonaws.com", "a.local", "b.internal"]
        {
            assert!(!may_be_claimed(&host(taken), &["api.tributary.example"]), "{taken}");
        }
        for free in ["tributary.example", "notapi.tributary.example", "portal.corner.example", "evilamazonaws.com"] {
            assert!(may_be_claimed(&host(free), &["api.tributary.example"]), "{free}");
        }
    }

    #[test]
    fn a_claim_is_proved_by_its_very_record() {
        let claim = Claim::pending(HostName::parse("portal.corner.example").expect("a host"), "abc".into());
        assert_eq!(claim.txt_name(), "_tributary.portal.corner.example");
        let records = |text: &str| vec!["v=spf1 -all".to_owned(), text.to_owned()];
        for wrong in ["tributary-verify=abd", "tributary-verify=abcd", "tributary-verify=", "TRIBUTARY-VERIFY=abc", ""] {
            assert_eq!(claim.proved_by(&records(wrong), Timestamp::UNIX_EPOCH), None, "{wrong}");
        }
        let proved = claim.proved_by(&records("tributary-verify=abc"), Timestamp::UNIX_EPOCH).expect("proved");
        assert_eq!((proved.status, proved.checked_at), (HostStatus::Verified, Some(Timestamp::UNIX_EPOCH)));
    }
}
