//! Clients of AWS's services, made once per process. Credentials come from the environment, as Lambda gives them; TLS is
//! rustls with ring, which starts cheaply (see `docs/adr/0005-lean-clients.md`).

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient, timeout::TimeoutConfig};
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use std::sync::Arc;
use std::time::Duration;

use crate::aws::Caller;
use crate::blobs::{Blobs, NoBlobs, S3Blobs};
use crate::bus::{Bus, EventBridge, NoBus};
use crate::config::{
    BILLING_QUEUE_URL, BUCKET_NAME, BULK_QUEUE_URL, Config, ConfigError, EVENT_BUS_NAME, EVENT_QUEUE_URL, EXPORT_QUEUE_URL, USAGE_QUEUE_URL,
};
use crate::mail::{Mailer, SesMailer};
use crate::queue::{Fifo, NoFifo, NoQueue, Queue, Queues, SqsFifo, SqsQueue};

/// How long one attempt at DynamoDB may take before it counts as unanswered.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection may take to be made: what the SDK gives it.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// The clients of a function, over one HTTP client: what that is made of, such as the machine's root certificates, is read
/// once.
#[derive(Debug)]
pub struct Clients {
    /// DynamoDB, at AWS or the configured endpoint.
    pub dynamodb: aws_sdk_dynamodb::Client,
    // Made into a client when it is asked for: that costs a tenth of a millisecond, and most schedules need no secret.
    secrets: aws_sdk_secretsmanager::Config,
    /// Blobs: in the bucket that the environment names, if it names one.
    pub blobs: Arc<dyn Blobs>,
    /// Queues: those that the environment names.
    pub queues: Queues,
    /// The bus that the environment names, if it names one.
    pub bus: Arc<dyn Bus>,
    /// Mail, by SES.
    pub ses: Arc<dyn Mailer>,
}

impl Clients {
    /// Makes the clients; nothing is called yet.
    ///
    /// # Errors
    /// [`ConfigError`] if the environment holds no credentials.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
        let credentials = credentials()?;
        let connector = if only_plain(config) { Connector::builder().connector_settings(settings()).build_http() } else { https() };
        let connector = SharedHttpConnector::new(connector);
        let caller = Caller::new(connector.clone(), credentials.clone(), &config.region);
        let http = http_client_fn(move |_, _| connector.clone());
        let dynamodb = build(&config.region, config.dynamodb_endpoint.as_deref(), credentials.clone(), http.clone());
        let mut settings = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .http_client(http);
        if let Some(url) = &config.secrets_endpoint {
            settings = settings.endpoint_url(url);
        }
        Ok(Self {
            dynamodb,
            secrets: settings.build(),
            blobs: blobs(&caller, config),
            queues: queues(&caller, config),
            bus: bus(&caller, config),
            ses: Arc::new(SesMailer::new(caller, config.ses_endpoint.as_deref())),
        })
    }

    /// Reads the text of the secret `id` from Secrets Manager; once in a process's life.
    ///
    /// # Errors
    /// A sentence that names the secret and says what went wrong.
    pub async fn secret(&self, id: &str) -> Result<String, String> {
        let client = aws_sdk_secretsmanager::Client::from_conf(self.secrets.clone());
        let answer = client.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| format!("secret {id} could not be read: {error:?}"))?;
        answer.secret_string().map(str::to_owned).ok_or_else(|| format!("secret {id} holds no text"))
    }
}

/// A DynamoDB client for an emulator on loopback, which takes any credentials.
pub fn loopback_client(endpoint: &str) -> aws_sdk_dynamodb::Client {
    build("us-east-1", Some(endpoint), Credentials::new("local", "local", None, None, "loopback"), Builder::new().build_http())
}

fn credentials() -> Result<Credentials, ConfigError> {
    let need = |name: &'static str| std::env::var(name).map_err(|_| ConfigError { name, problem: "is not set" });
    let token = std::env::var("AWS_SESSION_TOKEN").ok();
    Ok(Credentials::new(need("AWS_ACCESS_KEY_ID")?, need("AWS_SECRET_ACCESS_KEY")?, token, None, "environment"))
}

fn blobs(caller: &Caller, config: &Config) -> Arc<dyn Blobs> {
    match &config.bucket {
        Some(bucket) => Arc::new(S3Blobs::new(caller.clone(), bucket, config.s3_endpoint.as_deref())),
        None => Arc::new(NoBlobs(BUCKET_NAME)),
    }
}

fn queues(caller: &Caller, config: &Config) -> Queues {
    let queue = |url: &Option<String>, variable| -> Arc<dyn Queue> {
        match url {
            Some(url) => Arc::new(SqsQueue::new(caller.clone(), url, config.sqs_endpoint.as_deref())),
            None => Arc::new(NoQueue(variable)),
        }
    };
    let events: Arc<dyn Fifo> = match &config.event_queue_url {
        Some(url) => Arc::new(SqsFifo::new(caller.clone(), url, config.sqs_endpoint.as_deref())),
        None => Arc::new(NoFifo(EVENT_QUEUE_URL)),
    };
    Queues {
        usage: queue(&config.usage_queue_url, USAGE_QUEUE_URL),
        exports: queue(&config.export_queue_url, EXPORT_QUEUE_URL),
        bulk: queue(&config.bulk_queue_url, BULK_QUEUE_URL),
        billing: queue(&config.billing_queue_url, BILLING_QUEUE_URL),
        events,
    }
}

fn bus(caller: &Caller, config: &Config) -> Arc<dyn Bus> {
    match &config.event_bus {
        Some(name) => Arc::new(EventBridge::new(caller.clone(), name, config.events_endpoint.as_deref())),
        None => Arc::new(NoBus(EVENT_BUS_NAME)),
    }
}

/// Whether every service is at an endpoint of plain HTTP. Then no root certificates are read.
fn only_plain(config: &Config) -> bool {
    let plain = |endpoint: &Option<String>| endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let queues =
        [&config.usage_queue_url, &config.export_queue_url, &config.bulk_queue_url, &config.billing_queue_url, &config.event_queue_url];
    let queues = queues.iter().any(|url| url.is_some());
    plain(&config.dynamodb_endpoint)
        && plain(&config.secrets_endpoint)
        && (config.bucket.is_none() || plain(&config.s3_endpoint))
        && (!queues || plain(&config.sqs_endpoint))
        && (config.event_bus.is_none() || plain(&config.events_endpoint))
        && (config.mail_from.is_none() || plain(&config.ses_endpoint))
}

fn settings() -> HttpConnectorSettings {
    HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build()
}

/// A connector of plain and encrypted HTTP.
fn https() -> Connector {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    Connector::builder().connector_settings(settings()).tls_provider(ring).build()
}

fn build(region: &str, endpoint: Option<&str>, credentials: Credentials, http: SharedHttpClient) -> aws_sdk_dynamodb::Client {
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
