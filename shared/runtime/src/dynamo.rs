//! Clients of AWS's services, made once per process. Credentials come from the environment, as Lambda gives them; TLS is
//! rustls with ring, which starts cheaply (see `docs/adr/0005-lean-clients.md`).

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_smithy_http_client::{Builder, tls};
use std::time::Duration;

use crate::config::{Config, ConfigError};

fn credentials() -> Result<Credentials, ConfigError> {
    let need = |name: &'static str| std::env::var(name).map_err(|_| ConfigError { name, problem: "is not set" });
    let token = std::env::var("AWS_SESSION_TOKEN").ok();
    Ok(Credentials::new(need("AWS_ACCESS_KEY_ID")?, need("AWS_SECRET_ACCESS_KEY")?, token, None, "environment"))
}

/// How long one attempt at DynamoDB may take before it counts as unanswered.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// A DynamoDB client for AWS or the configured endpoint.
///
/// # Errors
/// [`ConfigError`] if the environment holds no credentials.
pub fn client(config: &Config) -> Result<aws_sdk_dynamodb::Client, ConfigError> {
    Ok(build(&config.region, config.dynamodb_endpoint.as_deref(), credentials()?))
}

/// A DynamoDB client for an emulator on loopback, which takes any credentials.
pub fn loopback_client(endpoint: &str) -> aws_sdk_dynamodb::Client {
    build("us-east-1", Some(endpoint), Credentials::new("local", "local", None, None, "loopback"))
}

fn build(region: &str, endpoint: Option<&str>, credentials: Credentials) -> aws_sdk_dynamodb::Client {
    let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    let builder = Builder::new();
    let http = if plain {
        builder.build_http()
    } else {
        builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
    };
    let mut settings = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
        .http_client(http);
    if let Some(url) = endpoint {
        settings = settings.endpoint_url(url);
    }
    aws_sdk_dynamodb::Client::from_conf(settings.build())
}

/// Reads a secret's text from Secrets Manager.
///
/// # Errors
/// A sentence that names the secret and says what went wrong.
pub async fn secret(config: &Config, id: &str) -> Result<String, String> {
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
    let credentials = credentials().map_err(|error| error.to_string())?;
    let plain = config.secrets_endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let builder = Builder::new();
    let http = if plain {
        builder.build_http()
    } else {
        builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
    };
    let mut settings = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials)
        .http_client(http);
    if let Some(url) = &config.secrets_endpoint {
        settings = settings.endpoint_url(url);
    }
    let client = aws_sdk_secretsmanager::Client::from_conf(settings.build());
    let answer =
        client.get_secret_value().secret_id(id).send().await.map_err(|error| format!("secret {id} could not be read: {error:?}"))?;
    answer.secret_string().map(str::to_owned).ok_or_else(|| format!("secret {id} holds no text"))
}
