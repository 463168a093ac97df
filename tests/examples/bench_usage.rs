//! Events of usage per second: our ingestion over the embedded DynamoDB engine through the real SDK client, with blobs on disk;
//! our ingestion on a table in memory, which is its cost in processor time; and beside them, in the same run and from as many
//! clients, PostgreSQL that inserts the same events with `ON CONFLICT DO NOTHING` and adds them to a rollup, a batch a
//! transaction. `scripts/bench-usage.sh` starts all of it and prints the table. Figures only: nothing here passes or fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use futures::future::join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Statement};
use tributary_domain::account::{Funding, Kind};
use tributary_domain::id::{AccountId, RateCardId};
use tributary_domain::money::Micros;
use tributary_local::blobs::DiskBlobs;
use tributary_metering::plan::Verdict;
use tributary_runtime::blobs::{Blobs, MemoryBlobs};
use tributary_runtime::clock::{Clock as _, SystemClock};
use tributary_runtime::dynamo::loopback_client;
use tributary_runtime::ids::SystemIds;
use tributary_store::commit::Patience;
use tributary_store::counting::Counting;
use tributary_store::dynamo::{DynamoTable, create_table};
use tributary_store::memory::MemoryTable;
use tributary_store::table::Table;
use tributary_tests::usage::platform::{Ground, Opening, Platform};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures events of usage per second.
#[derive(Debug, Parser)]
struct Options {
    /// How many events, repetitions included.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Events of a batch.
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Master resellers; each batch holds events of one's customers.
    #[arg(long, default_value_t = 8)]
    masters: usize,
    /// Customers of each.
    #[arg(long, default_value_t = 8)]
    customers: usize,
    /// How many of a hundred events were sent before.
    #[arg(long, default_value_t = 10)]
    duplicates: u64,
    /// How many clients.
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// Where the engine and the blobs write.
    #[arg(long)]
    data: PathBuf,
    /// A PostgreSQL connection string.
    #[arg(long)]
    postgres: Option<String>,
}

/// One event: which customer of the batch's master, its number, which makes its id, and its quantity.
#[derive(Debug, Clone, Copy)]
struct Event {
    customer: usize,
    number: u64,
    quantity: i64,
}

/// The events of a batch: they follow from its number, so that every system gets the same.
fn events_of(options: &Options, batch: usize) -> (usize, Vec<Event>) {
    let mut random = SmallRng::seed_from_u64(0xbead ^ u64::try_from(batch).unwrap_or_default());
    let size = u64::try_from(options.batch).unwrap_or_default();
    let first = u64::try_from(batch).unwrap_or_default() * size;
    let round = u64::try_from(options.masters).unwrap_or(1) * size;
    let event = |n: u64| {
        // What is sent again is of the same master's batch before.
        let again = first >= round && random.random_range(0..100) < options.duplicates;
        let number = if again { first - round + n } else { first + n };
        let mut own = SmallRng::seed_from_u64(number);
        Event { customer: own.random_range(0..options.customers), number, quantity: own.random_range(1..100) }
    };
    (batch % options.masters, (0..size).map(event).collect())
}

#[derive(Debug, Default)]
struct Measured {
    latencies_us: Vec<u64>,
    counted: usize,
    failed: usize,
    took: Duration,
}

impl Measured {
    fn percentile_ms(&self, per_mille: usize) -> String {
        let at = (self.latencies_us.len() * per_mille / 1000).min(self.latencies_us.len().saturating_sub(1));
        let us = self.latencies_us.get(at).copied().unwrap_or_default();
        format!("{}.{}", us / 1000, us % 1000 / 100)
    }
}

/// Sends every batch once, `clients` at a time, and gathers what each took. `once` says how many events were new.
async fn measure<F, Fut>(options: &Options, once: F) -> Measured
where
    F: Fn(usize, usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<usize, Failure>> + Send,
{
    let (once, next, batches) = (Arc::new(once), Arc::new(AtomicUsize::new(0)), options.events / options.batch);
    let began = Instant::now();
    let workers = (0..options.clients).map(|client| {
        let (once, next) = (Arc::clone(&once), Arc::clone(&next));
        tokio::spawn(async move {
            let mut measured = Measured::default();
            loop {
                let batch = next.fetch_add(1, Ordering::Relaxed);
                if batch >= batches {
                    return measured;
                }
                let started = Instant::now();
                match once(client, batch).await {
                    Ok(counted) => {
                        measured.counted += counted;
                        measured.latencies_us.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
                    }
                    Err(_) => measured.failed += 1,
                }
            }
        })
    });
    let mut all = Measured::default();
    for measured in join_all(workers).await.into_iter().flatten() {
        all.latencies_us.extend(measured.latencies_us);
        all.counted += measured.counted;
        all.failed += measured.failed;
    }
    all.took = began.elapsed();
    all.latencies_us.sort_unstable();
    all
}

/// A platform with the masters' customers, all of them prepaid.
async fn prepare(options: &Options, table: Arc<dyn Table>, blobs: Arc<dyn Blobs>) -> Result<(Platform, Vec<Vec<AccountId>>), Failure> {
    let ground = Ground { table, blobs, clock: Arc::new(SystemClock::default()), ids: Arc::new(SystemIds::default()) };
    let platform = Platform::on(&ground, Patience::default()).await?;
    let at = "2026-01-01T00:00:00Z";
    let card = |price: &str| {
        let id = RateCardId::from_uuid(platform.app.uuid());
        json!([{ "id": id, "meter": "sms", "currency": "USD", "effective_from": at, "created_at": at,
            "model": { "type": "flat", "unit_price": price } }])
    };
    let meters = json!([{ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" }]);
    let book = serde_json::from_value(json!({ "meters": meters, "cards": card("0.0001") }))?;
    platform.set_book(&platform.operator, &book).await?;
    let mut tree = Vec::new();
    for master in 0..options.masters {
        let open = |parent: &AccountId, kind| Opening {
            parent: parent.clone(),
            kind,
            currency: None,
            funding: Funding::Prepaid,
            credit_limit: Micros::ZERO,
        };
        let top = platform.open(&open(&platform.operator, Kind::Reseller)).await?;
        platform.issue(&top, Micros::new(1_000_000_000_000), &format!("master-{master}")).await?;
        platform.set_book(&top, &serde_json::from_value(json!({ "cards": card("0.0002") }))?).await?;
        let mut customers = Vec::new();
        for customer in 0..options.customers {
            let id = platform.open(&open(&top, Kind::Customer)).await?;
            platform.issue(&id, Micros::new(1_000_000_000_000), &format!("customer-{master}-{customer}")).await?;
            customers.push(id);
        }
        tree.push(customers);
    }
    Ok((platform, tree))
}

async fn measure_ours(options: &Options, table: Arc<dyn Table>, blobs: Arc<dyn Blobs>) -> Result<Measured, Failure> {
    let (platform, tree) = prepare(options, table, blobs).await?;
    let (platform, tree) = (Arc::new(platform), Arc::new(tree));
    let at = SystemClock::default().now();
    let shared = Arc::new(Options { data: PathBuf::new(), postgres: None, ..*options });
    Ok(measure(options, move |_, batch| {
        let (platform, tree, options) = (Arc::clone(&platform), Arc::clone(&tree), Arc::clone(&shared));
        async move {
            let (master, events) = events_of(&options, batch);
            let event = |event: &Event| {
                json!({ "id": format!("event-{}", event.number), "account_id": tree[master][event.customer], "meter": "sms",
                    "quantity": event.quantity, "occurred_at": at })
            };
            let events: Vec<Value> = events.iter().map(event).collect();
            let answers = platform.ingest(&events).await?;
            let refused = answers.iter().filter(|answer| matches!(answer.verdict, Verdict::Rejected(_))).count();
            if refused > 0 {
                return Err(format!("{refused} refused").into());
            }
            Ok(answers.iter().filter(|answer| matches!(answer.verdict, Verdict::Accepted(_))).count())
        }
    })
    .await)
}

const SCHEMA: &str = "
    DROP TABLE IF EXISTS usage_events; DROP TABLE IF EXISTS rollup;
    CREATE TABLE usage_events (account int NOT NULL, id text NOT NULL, meter text NOT NULL, quantity bigint NOT NULL, hour bigint NOT NULL,
                               PRIMARY KEY (account, id));
    CREATE TABLE rollup (account int NOT NULL, hour bigint NOT NULL, meter text NOT NULL, quantity bigint NOT NULL, events bigint NOT NULL,
                         PRIMARY KEY (account, hour, meter));";

const INSERT: &str = "
    WITH new AS (
        INSERT INTO usage_events SELECT account, id, 'sms', quantity, $4::bigint
        FROM unnest($1::int[], $2::text[], $3::bigint[]) AS sent (account, id, quantity)
        ON CONFLICT DO NOTHING RETURNING account, hour, quantity),
    added AS (
        INSERT INTO rollup SELECT account, hour, 'sms', sum(quantity), count(*) FROM new GROUP BY account, hour ORDER BY account
        ON CONFLICT (account, hour, meter) DO UPDATE SET quantity = rollup.quantity + excluded.quantity, events = rollup.events + excluded.events)
    SELECT count(*) FROM new";

struct Postgres {
    client: Client,
    insert: Statement,
}

async fn measure_postgres(options: &Options, url: &str) -> Result<Measured, Failure> {
    let connect = async || -> Result<Client, Failure> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    };
    connect().await?.batch_execute(SCHEMA).await?;
    let mut connections = Vec::new();
    for _ in 0..options.clients {
        let client = connect().await?;
        connections.push(Postgres { insert: client.prepare(INSERT).await?, client });
    }
    let connections = Arc::new(connections);
    let shared = Arc::new(Options { data: PathBuf::new(), postgres: None, ..*options });
    Ok(measure(options, move |client, batch| {
        let (connections, options) = (Arc::clone(&connections), Arc::clone(&shared));
        async move {
            let (master, mut events) = events_of(&options, batch);
            events.sort_by_key(|event| (event.customer, event.number));
            let accounts: Vec<i32> =
                events.iter().map(|event| i32::try_from(master * options.customers + event.customer).unwrap_or_default()).collect();
            let ids: Vec<String> = events.iter().map(|event| format!("event-{}", event.number)).collect();
            let quantities: Vec<i64> = events.iter().map(|event| event.quantity).collect();
            let Postgres { client, insert } = &connections[client];
            let new: i64 = client.query_one(insert, &[&accounts, &ids, &quantities, &0_i64]).await?.get(0);
            Ok(usize::try_from(new)?)
        }
    })
    .await)
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
fn show(what: &str, options: &Options, measured: &Measured, write_units: Option<u64>) {
    let ms = u64::try_from(measured.took.as_millis()).unwrap_or(1).max(1);
    let sent = measured.latencies_us.len() * options.batch;
    let per_second = u64::try_from(sent).unwrap_or_default() * 1000 / ms;
    let units = write_units.map_or("-".to_owned(), |units| {
        let milli = units * 100_000 / u64::try_from(measured.counted.max(1)).unwrap_or(1);
        format!("0.{milli:05}")
    });
    let (p50, p99) = (measured.percentile_ms(500), measured.percentile_ms(990));
    println!("| {what} | {per_second} | {p50} | {p99} | {} | {} | {units} |", measured.counted, measured.failed);
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a benchmark's output")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    println!("| what | events/s | p50 ms a batch | p99 ms a batch | new events | batches failed | write units an event |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let memory = Arc::new(Counting::new(MemoryTable::new()));
    let measured = measure_ours(&options, Arc::new(Arc::clone(&memory)), Arc::new(MemoryBlobs::default())).await?;
    let counts = memory.counts();
    show("our ingestion, table and blobs in memory", &options, &measured, Some(counts.write_units + counts.index_write_units));
    drop((memory, measured));
    let database = dynoxide::Database::new(&options.data.join("engine.sqlite").to_string_lossy()).map_err(|error| format!("{error:?}"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
    let client = loopback_client(&endpoint);
    create_table(&client, "bench").await?;
    // Not counted: to know what a write replaces, counting would read each item over the socket.
    let blobs = Arc::new(DiskBlobs::new(options.data.join("blobs")));
    let measured = measure_ours(&options, Arc::new(DynamoTable::new(client, "bench")), blobs).await?;
    show("our ingestion, embedded engine and blobs on disk", &options, &measured, None);
    server.abort();
    if let Some(url) = &options.postgres {
        show("postgresql 15, insert and rollup", &options, &measure_postgres(&options, url).await?, None);
    }
    Ok(())
}
