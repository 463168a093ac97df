//! What every request finds: the store and the ports, made once per process.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use jiff::{SignedDuration, Timestamp};
use tributary_domain::id::RequestId;
use tributary_domain::version::DATA_LAYOUT;
use tributary_runtime::blobs::Blobs;
use tributary_runtime::bus::Bus;
use tributary_runtime::clock::{Ahead, Clock, SystemClock};
use tributary_runtime::config::{Config, KeyMode, Pepper};
use tributary_runtime::dns::{Dns, NoDns};
use tributary_runtime::dynamo::Clients;
use tributary_runtime::ids::{IdSource, SystemIds};
use tributary_runtime::payments::Connect;
use tributary_runtime::payments::stripe::{STRIPE_URL, StripeAt};
use tributary_runtime::queue::Queues;
use tributary_runtime::secrets::{MIN_PEPPER_BYTES, Secrets};
use tributary_store::Store;
use tributary_store::commit::Patience;
use tributary_store::dynamo::DynamoTable;
use tributary_store::error::StoreError;
use tributary_store::table::Table;
use tributary_store::whose::Whose;
use uuid::Uuid;

use crate::hosts::Front;
use crate::memos::Memos;

/// How long a start waits for the table: Lambda gives a start ten seconds.
const TOUCH_TIMEOUT: Duration = Duration::from_secs(3);

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct AppParts {
    /// The table.
    pub table: Arc<dyn Table>,
    /// Where blobs are kept.
    pub blobs: Arc<dyn Blobs>,
    /// Where messages are sent.
    pub queues: Queues,
    /// Where events are told to everybody.
    pub bus: Arc<dyn Bus>,
    /// The keys made of the pepper.
    pub secrets: Arc<Secrets>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The id source.
    pub ids: Arc<dyn IdSource>,
    /// Where the pages of errors are, without a slash at the end.
    pub docs_url: String,
    /// Which keys are made and taken.
    pub mode: KeyMode,
    /// Webhook endpoints may be on this machine: for the local run and tests.
    pub loopback_webhooks: bool,
    /// Browsers reach the platform over plain HTTP, which carries no `Secure` cookie: for the local run.
    pub plain_http: bool,
    /// What stands in front of the gateway.
    pub front: Front,
}

/// What every request finds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    parts: Arc<AppParts>,
    store: Store,
    memos: Arc<Memos>,
    /// The way to the payment processor, in a process that charges cards.
    processor: Option<Arc<dyn Connect>>,
    /// The look at DNS, in a process that takes one.
    dns: Arc<dyn Dns>,
    /// How far its time is ahead of the platform's: that of a test clock.
    ahead_ms: i64,
}

impl App {
    /// An app with the store's usual patience.
    pub fn new(parts: AppParts) -> Self {
        Self::with_patience(parts, Patience::default())
    }

    /// An app whose store waits as `patience` says.
    pub fn with_patience(parts: AppParts, patience: Patience) -> Self {
        let store = Store::new(Arc::clone(&parts.table), patience);
        Self { parts: Arc::new(parts), store, memos: Arc::default(), processor: None, dns: Arc::new(NoDns), ahead_ms: 0 }
    }

    /// The app of a Lambda function, from its environment. Reads the pepper and touches the table once, both at the same
    /// time, so that the first request finds warm connections (see `docs/adr/0008-start.md`).
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub async fn from_env() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::start(true).await
    }

    /// The app of a function that takes no API key and seals no cursor: what runs on a schedule. It may not
    /// read the pepper, and does not.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub async fn without_keys() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::start(false).await
    }

    async fn start(keys: bool) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (config, ids) = (Config::from_env()?, SystemIds::default());
        let clients = Clients::new(&config)?;
        let table: Arc<dyn Table> = Arc::new(DynamoTable::new(clients.dynamodb.clone(), config.table_name.clone()));
        let touching = Store::new(Arc::clone(&table), Patience::default());
        let layout = tokio::time::timeout(TOUCH_TIMEOUT, touching.layout());
        let (pepper, layout) = join(pepper(&clients, keys.then_some(&config.pepper), &ids), layout).await;
        match layout {
            Ok(Ok(Some(layout))) if layout > DATA_LAYOUT => {
                return Err(format!("the table's layout is {layout}, and this program knows {DATA_LAYOUT}: deploy a newer one").into());
            }
            Ok(Ok(_)) => {}
            Ok(Err(error @ StoreError::Corrupt(_))) => return Err(error.into()),
            // Requests will tell: a table that is away for a moment must not keep functions from starting.
            Ok(Err(error)) => tracing::warn!(error = %error, "the table did not answer while starting"),
            Err(_) => tracing::warn!("the table did not answer in time while starting"),
        }
        Ok(App::new(AppParts {
            table,
            blobs: Arc::clone(&clients.blobs),
            queues: clients.queues.clone(),
            bus: Arc::clone(&clients.bus),
            secrets: Arc::new(Secrets::from_pepper(&pepper?)?),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(ids),
            docs_url: config.docs_url.trim_end_matches('/').to_owned(),
            mode: config.key_mode,
            loopback_webhooks: config.webhooks_allow_loopback,
            plain_http: config.plain_http,
            front: Front { pages_url: config.pages_host.map(|host| format!("https://{host}")), edge_token: config.edge_token },
        }))
    }

    /// The same in a process that charges cards.
    #[must_use]
    pub fn charging(self, processor: Arc<dyn Connect>) -> Self {
        Self { processor: Some(processor), ..self }
    }

    /// The same with the processor that the environment names; Stripe unless it names one.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the address.
    pub fn charging_from_env(self) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let url = Config::from_env()?.processor_url;
        Ok(self.charging(Arc::new(StripeAt::new(url.as_deref().unwrap_or(STRIPE_URL))?)))
    }

    /// The same in a process that looks names up.
    #[must_use]
    pub fn resolving(self, dns: Arc<dyn Dns>) -> Self {
        Self { dns, ..self }
    }

    /// The look at DNS.
    pub fn dns(&self) -> &dyn Dns {
        &*self.dns
    }

    /// Where the platform is reached, without a slash at the end, as its pages of errors tell: an address, or only the path below its host, which
    /// may be empty.
    pub fn base(&self) -> &str {
        let url = self.docs_url();
        // Pages of errors that are elsewhere tell nothing.
        url.strip_suffix("/docs").unwrap_or_default()
    }

    /// The host at which the platform is reached, if it is known.
    pub fn own_host(&self) -> Option<&str> {
        host_of(self.base())
    }

    /// The path below its host at which the platform is reached, such as a stage; mostly empty.
    pub(crate) fn base_path(&self) -> &str {
        let base = self.base();
        base.split_once("://").map_or(base, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]))
    }

    /// Where the pages for people are, without a slash at the end, if it is known.
    pub fn pages_url(&self) -> Option<&str> {
        self.parts.front.pages_url.as_deref()
    }

    /// The host of the pages, if it is known.
    pub fn pages_host(&self) -> Option<&str> {
        host_of(self.pages_url()?)
    }

    /// What the stack's own distribution says with each request, if there is one.
    pub(crate) fn edge_token(&self) -> Option<&str> {
        self.parts.front.edge_token.as_deref()
    }

    /// The way to the payment processor; `None` in a process that charges no cards.
    pub fn processor(&self) -> Option<&dyn Connect> {
        self.processor.as_deref()
    }

    /// Where a payer's browser goes after its bank asked something: a page that says so, or whatever is known to be the platform's. `None` where
    /// no address is known, only paths.
    pub fn return_url(&self) -> Option<String> {
        let page = self.pages_url().map(|pages| format!("{pages}/app/card-confirmed"));
        page.or_else(|| [self.base(), self.docs_url()].into_iter().find(|url| url.contains("://")).map(|url| format!("{url}/")))
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where blobs are kept.
    pub fn blobs(&self) -> &dyn Blobs {
        &*self.parts.blobs
    }

    /// What this process remembers of what it made out of blobs.
    pub fn memos(&self) -> &Memos {
        &self.memos
    }

    /// Where messages are sent.
    pub fn queues(&self) -> &Queues {
        &self.parts.queues
    }

    /// Where events are told to everybody.
    pub fn bus(&self) -> &dyn Bus {
        &*self.parts.bus
    }

    /// The keys made of the pepper.
    pub fn secrets(&self) -> &Secrets {
        &self.parts.secrets
    }

    /// The id source.
    pub fn ids(&self) -> &dyn IdSource {
        &*self.parts.ids
    }

    /// The same at the time of a test clock that is so many milliseconds ahead of the platform's.
    #[must_use]
    pub fn at(&self, ahead_ms: i64) -> Self {
        Self { ahead_ms, ..self.clone() }
    }

    /// The same, whose lists of what is due show what is `whose`.
    #[must_use]
    pub fn of(&self, whose: Whose) -> Self {
        Self { store: self.store.of(whose), ..self.clone() }
    }

    fn clock(&self) -> Ahead<'_> {
        Ahead { clock: &*self.parts.clock, ms: self.ahead_ms }
    }

    /// Now; of a tree on a test clock, by that.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Now, whatever a test clock says.
    pub fn platform_now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The latest time on clocks outside the platform at which something can have happened that it has as of `at`. A test clock is only ever further ahead.
    pub fn outside(&self, at: Timestamp) -> Timestamp {
        at.checked_sub(SignedDuration::from_millis(self.ahead_ms)).unwrap_or(at)
    }

    /// A fresh UUIDv7 for an id.
    pub fn uuid(&self) -> Uuid {
        self.parts.ids.uuid(&self.clock())
    }

    /// The id of a run that no HTTP request asked for: its invocation's, if that reads as one.
    pub fn run_id(&self, invocation: &str) -> RequestId {
        invocation.parse().unwrap_or_else(|_| RequestId::from_uuid(self.uuid()))
    }

    /// Where the pages of errors are.
    pub fn docs_url(&self) -> &str {
        &self.parts.docs_url
    }

    /// Whether webhook endpoints may be on this machine.
    pub fn loopback_webhooks(&self) -> bool {
        self.parts.loopback_webhooks
    }

    /// Whether browsers reach the platform over plain HTTP.
    pub fn plain_http(&self) -> bool {
        self.parts.plain_http
    }

    /// Which keys are made and taken.
    pub fn mode(&self) -> KeyMode {
        self.parts.mode
    }
}

/// The pepper; random bytes for a function that must not know it.
async fn pepper(clients: &Clients, pepper: Option<&Pepper>, ids: &SystemIds) -> Result<Vec<u8>, String> {
    let text = match pepper {
        Some(Pepper::Secret(id)) => clients.secret(id).await?,
        Some(Pepper::File(path)) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => {
            let mut random = vec![0; MIN_PEPPER_BYTES];
            ids.fill(&mut random).map_err(|error| error.to_string())?;
            return Ok(random);
        }
    };
    // A new line at the end, as editors and pipes leave one, is not meant.
    Ok(text.trim().as_bytes().to_vec())
}

/// The host of an address, without its port.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host))
}
