//! Configuration: read once from the environment, typed; a missing or wrong variable stops the start with its name.

use std::path::PathBuf;

/// What every function is told by its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// Where the pepper of API keys and cursors is.
    pub pepper: Pepper,
    /// `KEY_MODE`: which API keys are made and taken.
    pub key_mode: KeyMode,
    /// `DOCS_URL`: where the pages of errors are; the `type` of every problem begins with it.
    pub docs_url: String,
    /// `AWS_REGION`: set by Lambda itself.
    pub region: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`: another endpoint than AWS's, for emulators.
    pub dynamodb_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER` or `AWS_ENDPOINT_URL`: the same for Secrets Manager.
    pub secrets_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`: the same for S3.
    pub s3_endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL`: the same for SQS.
    pub sqs_endpoint: Option<String>,
    /// [`BUCKET_NAME`]: the S3 bucket of blobs. Only functions that keep or read some are told.
    pub bucket: Option<String>,
    /// [`USAGE_QUEUE_URL`]: the SQS queue of the usage worker. Only functions that send to it are told.
    pub usage_queue_url: Option<String>,
    /// [`EXPORT_QUEUE_URL`]: the SQS queue of the exporter. Only functions that send to it are told.
    pub export_queue_url: Option<String>,
    /// [`EVENT_QUEUE_URL`]: the SQS FIFO queue of events. Only functions that send to it are told.
    pub event_queue_url: Option<String>,
    /// [`EVENT_BUS_NAME`]: the bus of EventBridge. Only functions that put events on it are told.
    pub event_bus: Option<String>,
    /// `AWS_ENDPOINT_URL_EVENTBRIDGE` or `AWS_ENDPOINT_URL`: another endpoint than AWS's for EventBridge.
    pub events_endpoint: Option<String>,
    /// [`MAIL_FROM`]: the address that mails are from. Only the function that sends them is told; without it there is no mail.
    pub mail_from: Option<String>,
    /// [`SMTP_SECRET_ID`]: the secret with the URL of a mail server, to send mails by it instead of by SES.
    pub smtp_secret_id: Option<String>,
    /// [`API_URL`]: where the API is, without a slash at the end, for links in mails.
    pub api_url: Option<String>,
    /// [`PAGES_URL`]: where the pages for people are, without a slash at the end, for links in mails; the API's address unless set. Only the
    /// function that sends mails is told: what is behind the gateway cannot know the address of what is in front of it.
    pub pages_url: Option<String>,
    /// [`PAGES_HOST`]: the domain of the pages, if they have one.
    pub pages_host: Option<String>,
    /// [`EDGE_TOKEN`]: what the stack's own distribution says with each request.
    pub edge_token: Option<String>,
    /// [`PLAIN_HTTP`]: whether browsers reach the platform without encryption, so that cookies cannot ask for it. For the local run.
    pub plain_http: bool,
    /// [`WEBHOOKS_ALLOW_LOOPBACK`]: whether endpoints on this machine are called, with plain HTTP too. For the local run.
    pub webhooks_allow_loopback: bool,
    /// `AWS_ENDPOINT_URL_SESV2` or `AWS_ENDPOINT_URL`: another endpoint than AWS's for SES.
    pub ses_endpoint: Option<String>,
    /// [`BULK_QUEUE_URL`]: the SQS queue of the bulk worker. Only functions that send to it are told.
    pub bulk_queue_url: Option<String>,
    /// [`BILLING_QUEUE_URL`]: the SQS queue of the invoice worker. Only functions that send to it are told.
    pub billing_queue_url: Option<String>,
    /// [`PROCESSOR_URL`]: another address of the payment processor than Stripe's. For the local run.
    pub processor_url: Option<String>,
}

/// The variable with the bucket of blobs.
pub const BUCKET_NAME: &str = "BUCKET_NAME";
/// The variable with the URL of the usage worker's queue.
pub const USAGE_QUEUE_URL: &str = "USAGE_QUEUE_URL";
/// The variable with the URL of the exporter's queue.
pub const EXPORT_QUEUE_URL: &str = "EXPORT_QUEUE_URL";
/// The variable with the URL of the FIFO queue of events.
pub const EVENT_QUEUE_URL: &str = "EVENT_QUEUE_URL";
/// The variable with the name of the bus.
pub const EVENT_BUS_NAME: &str = "EVENT_BUS_NAME";

/// The variable with the address that mails are from.
pub const MAIL_FROM: &str = "MAIL_FROM";
/// The variable with the name of the secret that holds a mail server's URL.
pub const SMTP_SECRET_ID: &str = "SMTP_SECRET_ID";
/// The variable with the API's address.
pub const API_URL: &str = "API_URL";
/// The variable with the address of the pages.
pub const PAGES_URL: &str = "PAGES_URL";
/// The variable with the domain of the pages.
pub const PAGES_HOST: &str = "PAGES_HOST";
/// The variable with what the stack's own distribution says with each request.
pub const EDGE_TOKEN: &str = "EDGE_TOKEN";
/// The variable that says that the platform is served without encryption.
pub const PLAIN_HTTP: &str = "PLAIN_HTTP";
/// The variable that lets endpoints be on this machine.
pub const WEBHOOKS_ALLOW_LOOPBACK: &str = "WEBHOOKS_ALLOW_LOOPBACK";
/// The variable with the URL of the bulk worker's queue.
pub const BULK_QUEUE_URL: &str = "BULK_QUEUE_URL";
/// The variable with the URL of the invoice worker's queue.
pub const BILLING_QUEUE_URL: &str = "BILLING_QUEUE_URL";
/// The variable with the payment processor's address.
pub const PROCESSOR_URL: &str = "PROCESSOR_URL";

/// Where the pepper is: 32 random bytes or more, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pepper {
    /// `PEPPER_SECRET_ID`: in this secret of Secrets Manager.
    Secret(String),
    /// `PEPPER_FILE`: in this file, for functions that run on a developer's machine.
    File(PathBuf),
}

/// Which keys are made and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// `live`, unless set: `rk_live_…`
    Live,
    /// `test`: `rk_test_…`
    Test,
}

impl KeyMode {
    /// What every key of this mode begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            KeyMode::Live => "rk_live_",
            KeyMode::Test => "rk_test_",
        }
    }
}

/// A variable is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Config {
    /// Reads the configuration from the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the configuration through `lookup`.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that is missing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let some = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let need = |name: &'static str| some(name).ok_or(ConfigError { name, problem: "is not set" });
        let endpoint = |name: &str| some(name).or_else(|| some("AWS_ENDPOINT_URL"));
        let table_name = need("TABLE_NAME")?;
        let pepper = match some("PEPPER_FILE") {
            Some(file) => Pepper::File(file.into()),
            None => Pepper::Secret(need("PEPPER_SECRET_ID")?),
        };
        let key_mode = match some("KEY_MODE").as_deref() {
            None | Some("live") => KeyMode::Live,
            Some("test") => KeyMode::Test,
            Some(_) => return Err(ConfigError { name: "KEY_MODE", problem: "must be live or test" }),
        };
        let address = |name: &str| some(name).map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self {
            table_name,
            pepper,
            key_mode,
            docs_url: need("DOCS_URL")?,
            region: need("AWS_REGION")?,
            dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            secrets_endpoint: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            s3_endpoint: endpoint("AWS_ENDPOINT_URL_S3"),
            sqs_endpoint: endpoint("AWS_ENDPOINT_URL_SQS"),
            bucket: some(BUCKET_NAME),
            usage_queue_url: some(USAGE_QUEUE_URL),
            export_queue_url: some(EXPORT_QUEUE_URL),
            event_queue_url: some(EVENT_QUEUE_URL),
            event_bus: some(EVENT_BUS_NAME),
            events_endpoint: endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            mail_from: some(MAIL_FROM),
            smtp_secret_id: some(SMTP_SECRET_ID),
            api_url: address(API_URL),
            pages_url: address(PAGES_URL).or_else(|| address(API_URL)),
            pages_host: some(PAGES_HOST),
            edge_token: some(EDGE_TOKEN),
            plain_http: some(PLAIN_HTTP).as_deref() == Some("true"),
            webhooks_allow_loopback: some(WEBHOOKS_ALLOW_LOOPBACK).as_deref() == Some("true"),
            ses_endpoint: endpoint("AWS_ENDPOINT_URL_SESV2"),
            bulk_queue_url: some(BULK_QUEUE_URL),
            billing_queue_url: some(BILLING_QUEUE_URL),
            processor_url: some(PROCESSOR_URL),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let only = |have: &'static [&'static str]| move |name: &str| have.contains(&name).then(|| "x".to_owned());
        assert_eq!(Config::from_lookup(only(&[])).map_err(|e| e.name), Err("TABLE_NAME"));
        assert_eq!(Config::from_lookup(only(&["TABLE_NAME", "PEPPER_SECRET_ID", "AWS_REGION"])).map_err(|e| e.name), Err("DOCS_URL"));
        let all = Config::from_lookup(only(&["TABLE_NAME", "PEPPER_SECRET_ID", "AWS_REGION", "DOCS_URL", "AWS_ENDPOINT_URL"]));
        assert_eq!(all.map(|c| c.dynamodb_endpoint), Ok(Some("x".to_owned())));
        let all = ["TABLE_NAME", "PEPPER_SECRET_ID", "AWS_REGION", "DOCS_URL", "KEY_MODE"];
        let wrong = Config::from_lookup(move |name: &str| all.contains(&name).then(|| "x".to_owned()));
        assert_eq!(wrong.map_err(|e| e.name), Err("KEY_MODE"));
    }
}
