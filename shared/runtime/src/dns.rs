//! The TXT records of a name: by the resolver that the machine uses on AWS, as they are told in the local run and in tests.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

/// How long one server is waited for, and how often one is asked: well inside the gateway's 29 seconds.
const TRY_LASTS: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// More records of one name than anybody has are not looked at.
const MOST_RECORDS: usize = 100;

/// No server answered, or what it said cannot be read. That a name has no records is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the TXT records of {name} could not be looked up: {why}")]
pub struct DnsError {
    /// The name.
    pub name: String,
    /// What went wrong.
    pub why: String,
}

/// A look at DNS.
#[async_trait]
pub trait Dns: Send + Sync + Debug {
    /// The TXT records of a name, each with its strings joined (RFC 7208, section 3.3); none where the name or its records do not exist.
    ///
    /// # Errors
    /// [`DnsError`].
    async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError>;
}

/// The resolver that the machine is set to use. Nothing is remembered: who has just made a record does not wait for an older answer's end.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDns;

#[async_trait]
impl Dns for SystemDns {
    async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let failed = |why: String| DnsError { name: name.to_owned(), why };
        let mut builder = TokioResolver::builder_tokio().map_err(|error| failed(error.to_string()))?;
        let options = builder.options_mut();
        (options.timeout, options.attempts, options.cache_size) = (TRY_LASTS, TRIES, 0);
        let resolver = builder.build().map_err(|error| failed(error.to_string()))?;
        // With a dot at its end the name is whole, and no search domain of the machine is put behind it.
        match resolver.txt_lookup(format!("{name}.")).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| text(&record.data)).take(MOST_RECORDS).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn text(data: &RData) -> Option<String> {
    match data {
        RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
        _ => None,
    }
}

/// The look at DNS of a function that takes none.
#[derive(Debug, Clone, Copy)]
pub struct NoDns;

#[async_trait]
impl Dns for NoDns {
    async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        Err(DnsError { name: name.to_owned(), why: "this function looks nothing up".to_owned() })
    }
}

/// What a [`ScriptedDns`] knows: the records of names, or that nobody answers for them.
type Script = BTreeMap<String, Option<Vec<String>>>;

/// Records as they are told, for the local run and tests. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct ScriptedDns(Arc<Mutex<Script>>);

impl ScriptedDns {
    /// From now on `name` has these TXT records.
    pub fn set(&self, name: &str, txt: Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase(), Some(txt));
    }

    /// From now on nobody answers for `name`.
    pub fn fail(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase(), None);
    }

    /// The same records, apart from what this one is told later.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())))
    }
}

#[async_trait]
impl Dns for ScriptedDns {
    async fn txt(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name.to_ascii_lowercase()).cloned();
        known.unwrap_or_else(|| Some(Vec::new())).ok_or_else(|| DnsError { name: name.to_owned(), why: "no server answered".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::TXT;

    use super::*;

    #[test]
    fn strings_of_one_record_are_one_text() {
        let record = RData::TXT(TXT::new(vec!["tributary-".to_owned(), "verify=abc".to_owned()]));
        assert_eq!(text(&record).as_deref(), Some("tributary-verify=abc"));
    }

    #[tokio::test]
    async fn a_script_says_what_it_was_told() {
        let dns = ScriptedDns::default();
        assert_eq!(dns.txt("a.example").await, Ok(vec![]), "of what was not told there are no records");
        dns.set("A.example", vec!["one".into(), "two".into()]);
        assert_eq!(dns.txt("a.example").await, Ok(vec!["one".to_owned(), "two".to_owned()]));
        let other = dns.fork();
        dns.fail("a.example");
        assert!(dns.txt("a.example").await.is_err() && other.txt("a.example").await.is_ok());
    }
}
