//! The embedded DynamoDB engine, served on loopback so that the real SDK client is what talks to it.

use std::path::Path;
use std::sync::Arc;

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary_runtime::dynamo::loopback_client;
use tributary_store::dynamo::{DynamoTable, create_table};
use tributary_store::table::{Table, TableError};

use crate::changes::{Changes, ChangesError};
use crate::stop::Stop;

/// The name of the local table.
pub const TABLE_NAME: &str = "tributary-local";

/// The engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Its file could not be opened.
    #[error("the embedded database could not be opened: {0}")]
    Open(String),
    /// No port on loopback.
    #[error("the embedded database found no port on 127.0.0.1: {0}")]
    Bind(#[from] std::io::Error),
    /// Its stream could not be opened.
    #[error(transparent)]
    Stream(#[from] ChangesError),
    /// The table could not be made.
    #[error("the table could not be made: {0}")]
    Table(#[from] TableError),
}

/// A running engine.
pub struct Engine {
    /// The table.
    pub table: Arc<dyn Table>,
    /// Its stream.
    pub changes: Changes,
    /// Where it is reached.
    pub endpoint: String,
    /// What serves it.
    pub task: JoinHandle<()>,
}

/// Starts the engine on a file, until `stop`. The table is made if it is missing.
///
/// # Errors
/// [`EngineError`].
pub async fn start(file: &Path, stop: Stop) -> Result<Engine, EngineError> {
    let database = Database::new(&file.to_string_lossy()).map_err(|error| EngineError::Open(format!("{error:?}")))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let served = database.clone();
    let task = tokio::spawn(async move {
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, served, stop.stopped()).await {
            tracing::error!("the embedded database stopped: {error}");
        }
    });
    let client = loopback_client(&endpoint);
    create_table(&client, TABLE_NAME).await?;
    let changes = Changes::open(database, file, TABLE_NAME)?;
    Ok(Engine { table: Arc::new(DynamoTable::new(client, TABLE_NAME)), changes, endpoint, task })
}
