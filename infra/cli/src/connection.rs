//! Which API is talked to, and with which key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ureq::http::Uri;

/// The address of an API, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    loopback: bool,
}

/// A key, and where it came from if it was not given.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The secret.
    pub secret: String,
    /// The file it was found in.
    pub found_in: Option<PathBuf>,
}

// Secrets do not belong in debug output.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("found_in", &self.found_in).finish_non_exhaustive()
    }
}

impl BaseUrl {
    /// An address that an answer of the API names, which may be relative to the API's host.
    pub fn named(&self, reference: &str) -> String {
        let host_ends = self.text.match_indices('/').nth(2).map_or(self.text.len(), |(at, _)| at);
        if reference.starts_with('/') { format!("{}{reference}", &self.text[..host_ends]) } else { reference.to_owned() }
    }

    /// Whether the API is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl Default for BaseUrl {
    /// Where `cargo dev` listens unless told otherwise.
    fn default() -> Self {
        Self { text: "http://127.0.0.1:8787".to_owned(), loopback: true }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "must be an address such as https://api.example.com or http://127.0.0.1:8787";
        let uri: Uri = text.parse().map_err(|_| SHAPE)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.query().is_some() || text.contains(['#', '@']) {
            return Err(SHAPE);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        Ok(Self { text: text.trim_end_matches('/').to_owned(), loopback })
    }
}

/// The key that was given, or the local run's where the API is on this machine.
pub fn key_for(url: &BaseUrl, given: Option<&str>) -> Option<ApiKey> {
    match given.map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => Some(ApiKey { secret: key.to_owned(), found_in: None }),
        None if url.is_loopback() => local_key(),
        None => None,
    }
}

/// The key of the local run whose data is in `TRIBUTARY_DATA`, or in `.local` here or in a directory above.
fn local_key() -> Option<ApiKey> {
    match std::env::var_os("TRIBUTARY_DATA") {
        Some(dir) => operator_key(Path::new(&dir)),
        None => std::env::current_dir().ok()?.ancestors().find_map(|dir| operator_key(&dir.join(".local"))),
    }
}

/// The operator's key of the local run that keeps its data in `dir`.
fn operator_key(dir: &Path) -> Option<ApiKey> {
    let file = dir.join("local.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
    let secret = state["operator_key"].as_str()?.to_owned();
    Some(ApiKey { secret, found_in: Some(file) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BaseUrl {
        text.parse().expect("an address")
    }

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for here in ["http://127.0.0.1:8787", "http://127.8.9.1", "http://localhost:1/", "http://[::1]:8787"] {
            assert!(url(here).is_loopback(), "{here}");
        }
        for elsewhere in ["https://api.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1", "http://localhost.example.com"] {
            assert!(!url(elsewhere).is_loopback(), "{elsewhere}");
        }
        for wrong in
            ["", "example.com", "ftp://example.com", "/reseller", "http://", "https://a.example?b=c", "http://127.0.0.1@evil.example"]
        {
            assert!(wrong.parse::<BaseUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_an_address_the_local_run_is_meant() {
        assert_eq!(BaseUrl::default(), url("http://127.0.0.1:8787"));
    }

    #[test]
    fn a_stage_stays_and_the_last_slash_goes() {
        assert_eq!(url("https://api.example.com/prod/").to_string(), "https://api.example.com/prod");
    }

    #[test]
    fn what_an_answer_names_is_relative_to_the_host() {
        let named = |reference: &str| url("https://api.example.com/prod").named(reference);
        assert_eq!(named("/prod/docs/errors/busy"), "https://api.example.com/prod/docs/errors/busy");
        assert_eq!(named("https://docs.example.com/errors/busy"), "https://docs.example.com/errors/busy");
        assert_eq!(url("http://127.0.0.1:8787").named("/docs"), "http://127.0.0.1:8787/docs");
    }

    #[test]
    fn a_key_that_was_given_is_used_and_the_local_one_never_leaves_this_machine() {
        let given = key_for(&url("https://api.example.com"), Some(" rk_live_1\n")).expect("a key");
        assert_eq!((given.secret.as_str(), given.found_in), ("rk_live_1", None));
        assert_eq!(key_for(&url("https://api.example.com"), None), None);
        assert_eq!(key_for(&url("https://api.example.com"), Some("")), None);
    }

    #[test]
    fn the_local_runs_key_is_read_from_its_data() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(operator_key(dir.path()), None);
        std::fs::write(dir.path().join("local.json"), r#"{"layout": 1, "pepper": "p", "operator_key": null}"#).expect("written");
        assert_eq!(operator_key(dir.path()), None);
        std::fs::write(dir.path().join("local.json"), r#"{"layout": 1, "pepper": "p", "operator_key": "rk_test_1"}"#).expect("written");
        assert_eq!(operator_key(dir.path()).map(|key| key.secret).as_deref(), Some("rk_test_1"));
    }

    #[test]
    fn a_key_is_not_shown_when_debugged() {
        let key = ApiKey { secret: "rk_live_secret".to_owned(), found_in: None };
        assert!(!format!("{key:?}").contains("secret\""));
        assert!(!format!("{key:?}").contains("rk_live"));
    }
}
