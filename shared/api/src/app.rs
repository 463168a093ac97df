//! What every request finds: the store and the ports, made once per process.

use std::sync::Arc;

use futures::future::join;
use jiff::Timestamp;
use tributary_runtime::clock::{Clock, SystemClock};
use tributary_runtime::config::Config;
use tributary_runtime::dynamo::Clients;
use tributary_runtime::ids::{IdSource, SystemIds};
use tributary_runtime::secrets::Secrets;
use tributary_store::Store;
use tributary_store::commit::Patience;
use tributary_store::dynamo::DynamoTable;
use tributary_store::table::Table;
use uuid::Uuid;

/// Which keys are made and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// `rk_live_…`
    Live,
    /// `rk_test_…`
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

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct AppParts {
    /// The table.
    pub table: Arc<dyn Table>,
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
}

/// What every request finds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    parts: Arc<AppParts>,
    store: Store,
}

impl App {
    /// An app with the store's usual patience.
    pub fn new(parts: AppParts) -> Self {
        Self::with_patience(parts, Patience::default())
    }

    /// An app whose store waits as `patience` says.
    pub fn with_patience(parts: AppParts, patience: Patience) -> Self {
        let store = Store::new(Arc::clone(&parts.table), patience);
        Self { parts: Arc::new(parts), store }
    }

    /// The app of a Lambda function, from its environment. Reads the pepper and touches the table once, both at the same
    /// time, so that the first request finds warm connections (see `docs/adr/0008-start.md`).
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub async fn from_env() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let config = Config::from_env()?;
        let clients = Clients::new(&config)?;
        let table: Arc<dyn Table> = Arc::new(DynamoTable::new(clients.dynamodb.clone(), config.table_name.clone()));
        let touching = Store::new(Arc::clone(&table), Patience::default());
        let (pepper, touched) = join(clients.secret(&config.pepper_secret_id), touching.operator()).await;
        if let Err(error) = touched {
            tracing::warn!(error = %error, "the table did not answer while starting");
        }
        Ok(App::new(AppParts {
            table,
            secrets: Arc::new(Secrets::from_pepper(pepper?.as_bytes())?),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds::default()),
            docs_url: config.docs_url.trim_end_matches('/').to_owned(),
            mode: KeyMode::Live,
        }))
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The keys made of the pepper.
    pub fn secrets(&self) -> &Secrets {
        &self.parts.secrets
    }

    /// The id source.
    pub fn ids(&self) -> &dyn IdSource {
        &*self.parts.ids
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// A fresh UUIDv7 for an id.
    pub fn uuid(&self) -> Uuid {
        self.parts.ids.uuid(&*self.parts.clock)
    }

    /// Where the pages of errors are.
    pub fn docs_url(&self) -> &str {
        &self.parts.docs_url
    }

    /// Which keys are made and taken.
    pub fn mode(&self) -> KeyMode {
        self.parts.mode
    }
}
