//! The embedded DynamoDB engine in the test's own process, reached through the real SDK client.

use std::net::SocketAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tributary_store::dynamo::{DynamoTable, create_table};

/// An engine with its data in memory, served on a free loopback port until it is dropped.
pub struct Engine {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Engine {
    /// Starts an empty engine on the current runtime.
    pub async fn start() -> Self {
        let database = dynoxide::Database::memory().expect("the engine opens a database in memory");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        Self { address, server: tokio::spawn(dynoxide::server::serve_on(listener, database)) }
    }

    /// Where it listens, as `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new client of the engine.
    pub fn client(&self) -> Client {
        client(&self.endpoint())
    }

    /// The table `name`, made if it is not there.
    pub async fn table(&self, name: &str) -> DynamoTable {
        let client = self.client();
        create_table(&client, name).await.expect("the table is made");
        DynamoTable::new(client, name)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A client of the DynamoDB endpoint at a plain-http address, with credentials that mean nothing.
pub fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}
