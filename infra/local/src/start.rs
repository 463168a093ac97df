//! Starting a local run, and stopping it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary_api::hosts::Front;
use tributary_api::{App, AppParts, KeyMode, bootstrap};
use tributary_domain::id::RequestId;
use tributary_notifier::Senders;
use tributary_notifier::outbound::GuardedClient;
use tributary_runtime::blobs::{Blobs, MemoryBlobs};
use tributary_runtime::clock::{Clock, SystemClock};
use tributary_runtime::dns::ScriptedDns;
use tributary_runtime::ids::{IdSource, SystemIds};
use tributary_runtime::payments::stripe::StripeAt;
use tributary_runtime::queue::Queues;
use tributary_runtime::secrets::{Secrets, WeakPepper};
use tributary_store::table::Table;

use crate::blobs::{DiskBlobs, LinkedBlobs};
use crate::bus::LocalBus;
use crate::cards::Cards;
use crate::changes::{Changes, ChangesError};
use crate::control::Control;
use crate::engine::{self, Engine, EngineError};
use crate::functions;
use crate::gateway::Gateway;
use crate::lambda_env;
use crate::mail::Outbox;
use crate::options::{Options, Storage};
use crate::pages::Pages;
use crate::pump::Pump;
use crate::queue::{LocalQueues, Sender};
use crate::schedule::Scheduler;
use crate::seed::{Demo, Ground, SeedError, seed};
use crate::server::{self, Served};
use crate::state::{DemoState, ENGINE_FILE, Keeper, State, StateError, write_private};
use crate::stop::{self, Stop, Stopper};
use crate::stream::StreamMapping;
use crate::template::{self, Template, TemplateError};

/// The operator's name and currency.
const OPERATOR: (&str, &str) = ("Tributary Demo", "USD");
/// The queues that functions send to, by their names in the template.
const USAGE_QUEUE: &str = "UsageQueue";
const EXPORT_QUEUE: &str = "ExportQueue";
const EVENT_QUEUE: &str = "EventQueue";
const BULK_QUEUE: &str = "BulkQueue";
const BILLING_QUEUE: &str = "BillingQueue";
/// Where blobs and messages are, below the data directory.
const BLOBS_DIR: &str = "blobs";
const QUEUES_DIR: &str = "queues";
const MAIL_DIR: &str = "mail";
/// The address that mails are from.
const MAIL_FROM: &str = "no-reply@tributary.example";
/// How long requests in flight have to end when the run is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// A local run. It stops when this is dropped; [`Local::stop`] also waits for it.
pub struct Local {
    /// The address of the API, without a slash at the end.
    pub base_url: String,
    /// The key of the operator's owner.
    pub operator_key: String,
    /// The demo, if there is one.
    pub demo: Option<Demo>,
    /// The clock that every function reads, and that the test clock moves.
    pub clock: SystemClock,
    /// The address of the scripted payment processor.
    pub processor_url: String,
    serving: Running,
    cards: Running,
    engine: Option<Running>,
    /// Holds the lock of the data directory.
    _keeper: Arc<Keeper>,
    /// Removed when the run ends.
    _temporary: Option<TempDir>,
}

/// Why a local run did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens on the port.
    #[error("port {0} is taken: stop what listens there, or choose another with --port (0 takes any free one)")]
    PortTaken(u16),
    /// The port cannot be listened on.
    #[error("port {port} cannot be used: {error}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// The template cannot be run.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine's stream cannot be read.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The stored pepper is too short.
    #[error(transparent)]
    Pepper(#[from] WeakPepper),
    /// The operator could not be made.
    #[error("the operator's account could not be made: {0}")]
    Operator(String),
    /// What calls webhook endpoints did not start.
    #[error("webhook endpoints cannot be called: {0}")]
    Client(String),
    /// The payment processor did not start.
    #[error("the scripted payment processor did not start: {0}")]
    Processor(io::Error),
    /// The demo could not be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The ready file could not be written.
    #[error("{path}: {error}")]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Tasks, and the signal that ends them.
struct Running {
    stopper: Stopper,
    tasks: Vec<JoinHandle<()>>,
}

/// Where items are.
struct Tables {
    table: Arc<dyn Table>,
    /// What the engine's table went through; a table of the caller's tells nothing.
    changes: Option<Changes>,
    engine: Option<Running>,
    temporary: Option<TempDir>,
}

/// Starts a local run, and returns when requests are served.
///
/// # Errors
/// [`StartError`], whose text says what to do.
pub async fn start(options: Options) -> Result<Local, StartError> {
    let listener = listen(options.port).await?;
    let base_url = format!("http://{}", listener.local_addr().map_err(|error| StartError::Port { port: options.port, error })?);
    // The portal function serves the pages of errors: here, on this very address.
    let template = Template::embedded_with(&[("DocsUrl", &format!("{base_url}/docs"))])?;
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
    let keeper = Arc::new(open(&options, &*ids)?);
    if let Some(path) = &options.ready_file {
        // One of an earlier run would say that this one is ready.
        let _ = std::fs::remove_file(path);
    }
    let state = keeper.state();
    let clock = SystemClock::ahead_by(state.clock_offset_ms);
    let Tables { table, changes, engine, temporary } = table(&options.storage, &state, &template.docs_url).await?;
    let secrets = Arc::new(Secrets::from_pepper(state.pepper.as_bytes())?);
    let any_clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let blobs = LinkedBlobs::new(blobs(&options.storage), &base_url, secrets.clone(), any_clock.clone());
    let queues = queues(&options.storage, &template, &any_clock, &ids)?;
    let bus = LocalBus::new(&template.rules, queues.clone(), any_clock.clone(), ids.clone());
    let cards = Cards::open(&options.storage, options.port, any_clock.clone()).await.map_err(StartError::Processor)?;
    let processor = cards.processor.clone();
    let way = StripeAt::new(&cards.url).map_err(|error| StartError::Client(error.to_string()))?;
    let processor_url = cards.url.clone();
    let dns = ScriptedDns::default();
    let app = App::new(AppParts {
        table,
        blobs: Arc::new(blobs.clone()),
        queues: Queues {
            usage: Arc::new(sender(&queues, USAGE_QUEUE)?),
            exports: Arc::new(sender(&queues, EXPORT_QUEUE)?),
            bulk: Arc::new(sender(&queues, BULK_QUEUE)?),
            billing: Arc::new(sender(&queues, BILLING_QUEUE)?),
            events: Arc::new(sender(&queues, EVENT_QUEUE)?),
        },
        bus: Arc::new(bus.clone()),
        secrets,
        clock: any_clock.clone(),
        ids: ids.clone(),
        docs_url: template.docs_url.clone(),
        mode: KeyMode::Test,
        // Endpoints to try things out are on this machine.
        loopback_webhooks: true,
        plain_http: true,
        front: Front { pages_url: Some(base_url.clone()), edge_token: None },
    })
    .charging(Arc::new(way))
    .resolving(Arc::new(dns.clone()));
    let outbox = outbox(&options.storage, &any_clock)?;
    let senders = Senders {
        outbound: Arc::new(GuardedClient::new(true).map_err(StartError::Client)?),
        mailer: Arc::new(outbox.clone()),
        mail_from: Some(MAIL_FROM.to_owned()),
        api_url: base_url.clone(),
        pages_url: base_url.clone(),
    };
    let operator_key = operator(&app, &keeper).await?;
    let gateway = Arc::new(Gateway::new(&template, functions::all(&template, &app, &senders)?, any_clock.clone(), ids));
    let readers: Vec<&str> = template.streams.iter().map(|stream| stream.function.as_str()).collect();
    let mut streams = Vec::new();
    if let Some(changes) = &changes {
        let changes = changes.read_by(&readers).map_err(StartError::Changes)?;
        let mapping =
            |(stream, changes): (&template::Stream, _)| StreamMapping::new(stream.clone(), changes, gateway.clone(), queues.clone());
        streams.extend(template.streams.iter().zip(changes).map(mapping));
    }
    let pump = Arc::new(Pump::new(&template.sources, streams, queues.clone(), gateway.clone(), any_clock.clone()));
    let (stopper, stop) = stop::signal();
    let cards = Running::new(stopper, vec![cards.serve(stop)]);
    let ground = Ground { gateway: &gateway, pump: &pump, processor: &processor, base_url: &base_url, clock: &clock };
    let demo = demo(&ground, &keeper, &operator_key, &options).await?;
    let scheduler = Arc::new(Scheduler::new(&template.schedules, gateway.clone(), any_clock));
    let control = Control::new(clock.clone(), scheduler.clone(), pump.clone(), queues, bus, dns, keeper.clone(), &template.docs_url);
    let pages = Pages::new(options.pages.clone(), &template.page_headers);
    let served = Served { gateway, control: Arc::new(control), blobs, outbox, pages };
    let serving = serve(listener, served, scheduler, pump);
    if let Some(path) = &options.ready_file {
        write_ready_file(path, &base_url, &operator_key).map_err(|error| StartError::ReadyFile { path: path.clone(), error })?;
    }
    Ok(Local { base_url, processor_url, operator_key, demo, clock, serving, cards, engine, _keeper: keeper, _temporary: temporary })
}

impl Local {
    /// The time of the test clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Lets requests in flight end, and stops everything.
    pub async fn stop(self) {
        self.serving.stop().await;
        self.cards.stop().await;
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

impl Running {
    fn new(stopper: Stopper, tasks: Vec<JoinHandle<()>>) -> Self {
        Self { stopper, tasks }
    }

    async fn stop(self) {
        self.stopper.stop();
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout(GRACE, task).await.is_err() {
                abort.abort();
            }
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::PortTaken(port)),
        Err(error) => Err(StartError::Port { port, error }),
    }
}

fn open(options: &Options, ids: &dyn IdSource) -> Result<Keeper, StateError> {
    match &options.storage {
        Storage::Directory(dir) => Keeper::open(dir, options.seed, ids),
        Storage::Engine | Storage::Memory(_) => Keeper::in_memory(options.seed, ids),
    }
}

async fn table(storage: &Storage, state: &State, docs_url: &str) -> Result<Tables, StartError> {
    let (file, temporary) = match storage {
        Storage::Memory(table) => return Ok(Tables { table: table.clone(), changes: None, engine: None, temporary: None }),
        Storage::Engine => {
            let dir = tempfile::tempdir().map_err(|error| StateError::Io { path: std::env::temp_dir(), error })?;
            (dir.path().join(ENGINE_FILE), Some(dir))
        }
        Storage::Directory(dir) => (dir.join(ENGINE_FILE), None),
    };
    if state.operator_key.is_none() {
        forget(&file)?;
    }
    let (stopper, stop) = stop::signal();
    let Engine { table, changes, endpoint, task } = engine::start(&file, stop).await?;
    if let Storage::Directory(dir) = storage {
        lambda_env::write(dir, &endpoint, &state.pepper, docs_url)?;
    }
    Ok(Tables { table, changes: Some(changes), engine: Some(Running::new(stopper, vec![task])), temporary })
}

fn blobs(storage: &Storage) -> Arc<dyn Blobs> {
    match storage {
        Storage::Directory(dir) => Arc::new(DiskBlobs::new(dir.join(BLOBS_DIR))),
        Storage::Engine | Storage::Memory(_) => Arc::new(MemoryBlobs::default()),
    }
}

fn outbox(storage: &Storage, clock: &Arc<dyn Clock>) -> Result<Outbox, StateError> {
    let dir = match storage {
        Storage::Directory(dir) => Some(dir.join(MAIL_DIR)),
        Storage::Engine | Storage::Memory(_) => None,
    };
    Outbox::open(dir.as_deref(), clock.clone()).map_err(|error| StateError::Io { path: dir.unwrap_or_default(), error })
}

fn queues(storage: &Storage, template: &Template, clock: &Arc<dyn Clock>, ids: &Arc<dyn IdSource>) -> Result<LocalQueues, StateError> {
    let dir = match storage {
        Storage::Directory(dir) => Some(dir.join(QUEUES_DIR)),
        Storage::Engine | Storage::Memory(_) => None,
    };
    let fails = |error| StateError::Io { path: dir.clone().unwrap_or_default(), error };
    LocalQueues::open(&template.queues, dir.as_deref(), clock, ids).map_err(fails)
}

fn sender(queues: &LocalQueues, name: &str) -> Result<Sender, TemplateError> {
    let queue = queues.get(name).ok_or_else(|| TemplateError(format!("there is no queue {name}")))?;
    Ok(Sender(queue.clone()))
}

/// Removes the data of a first start that ended before the operator's key was kept: it holds nothing but an operator
/// whom nobody can be.
fn forget(file: &Path) -> Result<(), StateError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(StateError::Io { path: name.into(), error }),
            _ => {}
        }
    }
    Ok(())
}

/// The operator's key: the stored one, or that of a new operator.
async fn operator(app: &App, keeper: &Keeper) -> Result<String, StartError> {
    if let Some(key) = keeper.state().operator_key {
        return Ok(key);
    }
    let (name, currency) = OPERATOR;
    let made = bootstrap::operator(app, name, currency, &RequestId::from_uuid(app.uuid()))
        .await
        .map_err(|problem| StartError::Operator(problem.internal.unwrap_or(problem.detail)))?;
    let key = made.ok_or_else(|| StartError::Operator("the table has one already, whose key is not known here".to_owned()))?.secret;
    keeper.update(|state| state.operator_key = Some(key.clone()))?;
    Ok(key)
}

async fn demo(ground: &Ground<'_>, keeper: &Keeper, operator_key: &str, options: &Options) -> Result<Option<Demo>, StartError> {
    match keeper.state().demo {
        DemoState::Made(demo) => Ok(Some(demo)),
        DemoState::Pending if options.seed => {
            let demo = seed(ground, operator_key, &options.progress).await?;
            keeper.update(|state| state.demo = DemoState::Made(demo.clone()))?;
            Ok(Some(demo))
        }
        DemoState::Pending | DemoState::Unwanted => Ok(None),
    }
}

fn serve(listener: TcpListener, served: Served, scheduler: Arc<Scheduler>, pump: Arc<Pump>) -> Running {
    let (stopper, stop) = stop::signal();
    let server = tokio::spawn(http_server(listener, served, stop.clone()));
    let schedules = tokio::spawn(scheduler.keep_running(stop.clone()));
    let messages = tokio::spawn(pump.keep_running(stop));
    Running::new(stopper, vec![server, schedules, messages])
}

async fn http_server(listener: TcpListener, served: Served, stop: Stop) {
    let service = server::router(served).into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop.stopped()).await {
        tracing::error!("the server stopped: {error}");
    }
}

fn write_ready_file(path: &Path, base_url: &str, operator_key: &str) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir)?;
    }
    let text = json!({"base_url": base_url, "operator_key": operator_key}).to_string();
    write_private(path, text.as_bytes())
}
