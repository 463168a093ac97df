//! What reading usage costs as the tree grows: calls, read units and milliseconds of reports and summaries of subtrees of ten, a
//! thousand and a hundred thousand accounts, all on one table; then as the events behind them, the entries that are not folded
//! yet and the operator's masters grow. Each request goes through the function's routes with a key, without a socket of HTTP;
//! the tables are one in memory and the embedded DynamoDB engine with its data on disk, through the real SDK client.
//! `scripts/bench-usage.sh` runs it. Figures only: nothing here passes or fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use clap::Parser;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tributary_api::bootstrap;
use tributary_domain::account::{Funding, Kind};
use tributary_domain::id::{AccountId, RateCardId};
use tributary_domain::money::Micros;
use tributary_local::blobs::DiskBlobs;
use tributary_metering::aggregates::fold::{Batches, fold};
use tributary_metering::plan::Verdict;
use tributary_runtime::blobs::{Blobs, MemoryBlobs};
use tributary_runtime::clock::ManualClock;
use tributary_runtime::dynamo::loopback_client;
use tributary_runtime::ids::SystemIds;
use tributary_store::commit::Patience;
use tributary_store::counting::{Counting, Counts};
use tributary_store::dynamo::{DynamoTable, create_table};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Action, Item, Key, MAX_TRANSACT, PK, SK, Table, Value as Stored, Write};
use tributary_tests::usage::platform::{Ground, Opening, Platform};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// When it is: in the last third of a month, so that a report by days has many.
const NOW: &str = "2026-11-22T13:30:00Z";
/// Direct sub-accounts of each reseller.
const FAN: usize = 99;

/// Measures what reading usage costs.
#[derive(Debug, Parser)]
struct Options {
    /// Accounts below each master: a reseller to every 99 customers.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 1_000, 100_000])]
    accounts: Vec<usize>,
    /// Events behind one master of fifty customers.
    #[arg(long, value_delimiter = ',', default_values_t = [50, 10_000, 1_000_000])]
    events: Vec<usize>,
    /// Masters of the operator.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1_000])]
    masters: Vec<usize>,
    /// How often each is asked.
    #[arg(long, default_value_t = 40)]
    times: usize,
    /// Where the engine writes; without it only the table in memory is measured.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// A table that counts, the platform on it and its routes.
struct World {
    table: Arc<Counting<Arc<dyn Table>>>,
    platform: Platform,
    routes: Router,
    operator_key: String,
}

/// What is the same for a table in memory and the engine that gets a copy of it.
#[derive(Clone)]
struct Beside {
    blobs: Arc<dyn Blobs>,
    clock: ManualClock,
}

impl Beside {
    fn new(data: Option<&PathBuf>, name: &str) -> Result<Self, Failure> {
        let blobs: Arc<dyn Blobs> = match data {
            Some(data) => Arc::new(DiskBlobs::new(data.join(format!("blobs-{name}")))),
            None => Arc::new(MemoryBlobs::default()),
        };
        Ok(Self { blobs, clock: ManualClock::at(NOW.parse()?) })
    }

    fn ground(&self, table: Arc<dyn Table>) -> Ground {
        Ground { table, blobs: Arc::clone(&self.blobs), clock: Arc::new(self.clock.clone()), ids: Arc::new(SystemIds::default()) }
    }
}

impl World {
    /// A platform with its operator, who sells one meter.
    async fn new(memory: &MemoryTable, beside: &Beside) -> Result<Self, Failure> {
        let table: Arc<Counting<Arc<dyn Table>>> = Arc::new(Counting::new(Arc::new(memory.clone())));
        let app = beside.ground(Arc::new(Arc::clone(&table))).app(Patience::default())?;
        let made = bootstrap::operator(&app, "Operator", "USD", &app.run_id("")).await.map_err(|problem| problem.detail)?;
        let operator_key = made.ok_or("an operator is there")?.secret;
        let operator = app.store().operator().await?.ok_or("no operator")?;
        let routes = tributary_api::router::router(app.clone(), [tributary_accounts::endpoints(), tributary_usage::endpoints()].concat());
        let world = Self { table, platform: Platform { app, operator }, routes, operator_key };
        let meters = json!([{ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" }]);
        let book = serde_json::from_value(json!({ "meters": meters, "cards": world.card("0.0001") }))?;
        world.platform.set_book(&world.platform.operator, &book).await?;
        Ok(world)
    }

    /// The same platform on another table with the same contents, seen by a process that remembers nothing.
    fn on(&self, table: Arc<dyn Table>, beside: &Beside) -> Result<Self, Failure> {
        let table = Arc::new(Counting::new(table));
        let app = beside.ground(Arc::new(Arc::clone(&table))).app(Patience::default())?;
        let routes = tributary_api::router::router(app.clone(), tributary_usage::endpoints());
        Ok(Self { table, platform: self.platform.through(app), routes, operator_key: self.operator_key.clone() })
    }

    fn card(&self, price: &str) -> Value {
        let id = RateCardId::from_uuid(self.platform.app.uuid());
        let at = "2026-01-01T00:00:00Z";
        json!([{ "id": id, "meter": "sms", "currency": "USD", "effective_from": at, "created_at": at,
            "model": { "type": "flat", "unit_price": price } }])
    }

    async fn open(&self, parent: &AccountId, kind: Kind) -> Result<AccountId, Failure> {
        let credit_limit = Micros::new(1_000_000_000_000);
        let opening = Opening { parent: parent.clone(), kind, currency: None, funding: Funding::Postpaid, credit_limit };
        Ok(self.platform.open(&opening).await?)
    }

    async fn master(&self) -> Result<AccountId, Failure> {
        let master = self.open(&self.platform.operator, Kind::Reseller).await?;
        self.platform.set_book(&master, &serde_json::from_value(json!({ "cards": self.card("0.0002") }))?).await?;
        Ok(master)
    }

    /// Counts `events` events, in turn of each account, in batches of a thousand.
    async fn use_up(&self, accounts: &[AccountId], first: usize, events: usize) -> Result<(), Failure> {
        let at = self.platform.now();
        for from in (first..first + events).step_by(1_000) {
            let event = |n: usize| {
                json!({ "id": format!("event-{n}"), "account_id": accounts[n % accounts.len()], "meter": "sms", "quantity": 1 + n % 9,
                    "occurred_at": at })
            };
            let batch: Vec<Value> = (from..(first + events).min(from + 1_000)).map(event).collect();
            let answers = self.platform.ingest(&batch).await?;
            if let Some(bad) = answers.iter().find(|answer| !matches!(answer.verdict, Verdict::Accepted(_))) {
                return Err(format!("{bad:?}").into());
            }
        }
        Ok(())
    }

    async fn fold(&self, master: &AccountId) -> Result<(), Failure> {
        fold(&self.platform.app, &Batches::default(), master.clone(), usize::MAX).await?;
        Ok(())
    }

    async fn ask(&self, method: &str, path: &str, key: &str, etag: &str, body: Body) -> Result<(u16, String, Value), Failure> {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/json").header("if-none-match", etag).body(body)?;
        let response = self.routes.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let etag = parts.headers.get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        Ok((parts.status.as_u16(), etag, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    async fn key_of(&self, account: &AccountId) -> Result<String, Failure> {
        let body = Body::from(json!({ "name": "Key", "role": "owner" }).to_string());
        let (status, _, made) = self.ask("POST", &format!("/reseller/accounts/{account}/keys"), &self.operator_key, "", body).await?;
        match made["secret"].as_str() {
            Some(secret) => Ok(secret.to_owned()),
            None => Err(format!("{status} {made}").into()),
        }
    }

    /// Asks `times` times and gathers what it cost: of the last time the counts, of all the milliseconds.
    async fn cost(&self, path: &str, key: &str, etag: &str, times: usize) -> Result<Cost, Failure> {
        let mut took = Vec::new();
        let mut cost = Cost::default();
        // The first two warm the process.
        for turn in 0..times + 2 {
            self.table.reset();
            let began = Instant::now();
            let (status, _, answer) = self.ask("GET", path, key, etag, Body::empty()).await?;
            if turn >= 2 {
                took.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            if status != 200 && status != 304 {
                return Err(format!("{path}: {status} {answer}").into());
            }
            cost.rows = answer["data"].as_array().map_or(0, Vec::len);
            cost.counts = self.table.reset();
        }
        took.sort_by(f64::total_cmp);
        cost.p50 = took.get(took.len() / 2).copied().unwrap_or_default();
        cost.most = took.last().copied().unwrap_or_default();
        Ok(cost)
    }
}

#[derive(Debug, Default)]
struct Cost {
    counts: Counts,
    rows: usize,
    p50: f64,
    most: f64,
}

/// The lines of a table, and for each thing that was asked its median by size.
struct Shown {
    name: &'static str,
    of: &'static str,
    points: BTreeMap<String, Vec<(f64, f64)>>,
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
impl Shown {
    fn new(name: &'static str, of: &'static str) -> Self {
        println!("\n| {name}: what | {of} | calls | read units | p50 ms | most ms |\n| --- | ---: | ---: | ---: | ---: | ---: |");
        Self { name, of, points: BTreeMap::new() }
    }

    fn add(&mut self, what: &str, size: usize, cost: &Cost) {
        let Cost { counts, p50, most, .. } = cost;
        let (calls, units) = (counts.calls(), format!("{}.{}", counts.read_half_units / 2, counts.read_half_units % 2 * 5));
        println!("| {what} | {size} | {calls} | {units} | {p50:.2} | {most:.2} |");
        self.points.entry(what.to_owned()).or_default().push((f64::from(u32::try_from(size).unwrap_or(u32::MAX)), *p50));
    }

    /// Milliseconds for each thousand more, from the smallest size to the largest; and the exponent of the best power law.
    fn slopes(&self) {
        println!("\n| {}: slope | ms a thousand {} more | log-log exponent |\n| --- | ---: | ---: |", self.name, self.of);
        for (what, points) in &self.points {
            let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
            if points.len() < 2 {
                continue;
            }
            let slope = (last.1 - first.1) / (last.0 - first.0) * 1_000.0;
            let count = points.iter().fold(0.0, |count, _| count + 1.0);
            let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
            let (x, y) = (mean(&|point| point.0.ln()), mean(&|point| point.1.ln()));
            let above = mean(&|point| (point.0.ln() - x) * (point.1.ln() - y));
            let below = mean(&|point| (point.0.ln() - x).powi(2));
            println!("| {what} | {slope:.4} | {:.2} |", above / below);
        }
    }
}

/// The embedded engine with its data on disk, with a copy of every item.
async fn engine_with(memory: &MemoryTable, data: &std::path::Path, name: &str) -> Result<Arc<dyn Table>, Failure> {
    let file = data.join(format!("{name}.sqlite"));
    let database = dynoxide::Database::new(&file.to_string_lossy()).map_err(|error| format!("{error:?}"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let client = loopback_client(&format!("http://{}", listener.local_addr()?));
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    create_table(&client, "bench").await?;
    let table = DynamoTable::new(client, "bench");
    let write = |item: &Item| match (item.get(PK), item.get(SK)) {
        (Some(Stored::S(pk)), Some(Stored::S(sk))) => {
            let key = Key { pk: pk.clone(), sk: sk.clone() };
            let rest = item.iter().filter(|(name, _)| *name != PK && *name != SK).map(|(name, value)| (name.clone(), value.clone()));
            Ok(Write { key, action: Action::Put(rest.collect()), cond: None })
        }
        _ => Err("an item without a key"),
    };
    let writes = memory.snapshot().iter().map(write).collect::<Result<Vec<_>, _>>()?;
    let put = async |writes: &[Write]| table.transact(writes).await;
    stream::iter(writes.chunks(MAX_TRANSACT).map(put)).buffer_unordered(2).try_collect::<Vec<()>>().await?;
    Ok(Arc::new(table))
}

const TABLES: [&str; 2] = ["table in memory", "embedded engine"];

/// The worlds to measure: the one in memory, and its copy on the engine if there is one.
async fn copies(world: World, memory: &MemoryTable, beside: &Beside, options: &Options, name: &str) -> Result<Vec<World>, Failure> {
    let mut worlds = vec![world];
    if let Some(data) = &options.data {
        worlds.push(worlds[0].on(engine_with(memory, data, name).await?, beside)?);
    }
    Ok(worlds)
}

/// The accounts that one master has below it, and its key.
struct Tree {
    accounts: usize,
    master: AccountId,
    key: String,
}

async fn grow(world: &World, accounts: usize) -> Result<Tree, Failure> {
    let master = world.master().await?;
    let (mut all, mut reseller) = (Vec::with_capacity(accounts), master.clone());
    for n in 0..accounts {
        if n % (FAN + 1) == 0 {
            reseller = world.open(&master, Kind::Reseller).await?;
            all.push(reseller.clone());
        } else {
            all.push(world.open(&reseller, Kind::Customer).await?);
        }
    }
    world.use_up(&all, 0, accounts).await?;
    Ok(Tree { accounts, key: world.key_of(&master).await?, master })
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
async fn by_accounts(options: &Options) -> Result<(), Failure> {
    let (memory, beside) = (MemoryTable::new(), Beside::new(options.data.as_ref(), "accounts")?);
    let world = World::new(&memory, &beside).await?;
    let mut trees = Vec::new();
    println!("| accounts, each with an event | opened and counted in s | folded in s | calls of the fold | its write units an account |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for accounts in &options.accounts {
        let began = Instant::now();
        let tree = grow(&world, *accounts).await?;
        let (opened, began) = (began.elapsed().as_secs_f64(), Instant::now());
        world.table.reset();
        world.fold(&tree.master).await?;
        let counts = world.table.reset();
        let units = counts.write_units * 10 / u64::try_from(*accounts)?;
        let (units, folded) = (format!("{}.{}", units / 10, units % 10), began.elapsed().as_secs_f64());
        println!("| {accounts} | {opened:.1} | {folded:.2} | {} | {units} |", counts.calls());
        trees.push(tree);
    }
    println!("\n{} items", memory.len());
    for (world, name) in copies(world, &memory, &beside, options, "accounts").await?.iter().zip(TABLES) {
        let mut shown = Shown::new(name, "accounts");
        for Tree { accounts, key, .. } in &trees {
            let report = "/reseller/usage/report?subtree=true";
            let page = format!("{report}&granularity=month&group_by=account&limit=50");
            let mut asks = vec![
                ("report by month", format!("{report}&granularity=month"), String::new()),
                ("report by day", report.to_owned(), String::new()),
                ("page of 50 accounts", page.clone(), String::new()),
            ];
            let (_, _, first) = world.ask("GET", &page, key, "", Body::empty()).await?;
            if let Some(cursor) = first["next_cursor"].as_str() {
                asks.push(("its next page", format!("{page}&cursor={cursor}"), String::new()));
            }
            let summary = "/reseller/usage/summary?subtree=true".to_owned();
            let (_, etag, _) = world.ask("GET", &summary, key, "", Body::empty()).await?;
            asks.push(("summary", summary.clone(), String::new()));
            asks.push(("summary that has not changed", summary, etag));
            // Of more it is refused: every account has to be read.
            if *accounts < 20_000 {
                asks.push(("report by a tag", format!("{report}&granularity=month&group_by=tag:plan"), String::new()));
            }
            for (what, path, etag) in asks {
                shown.add(what, *accounts, &world.cost(&path, key, &etag, options.times).await?);
            }
        }
        shown.slopes();
    }
    Ok(())
}

/// One master with fifty customers, and more and more events behind it.
#[expect(clippy::print_stdout, reason = "a benchmark's output")]
async fn by_events(options: &Options) -> Result<(), Failure> {
    let (memory, beside) = (MemoryTable::new(), Beside::new(None, "events")?);
    let world = World::new(&memory, &beside).await?;
    let master = world.master().await?;
    let key = world.key_of(&master).await?;
    let mut customers = Vec::new();
    for _ in 0..50 {
        customers.push(world.open(&master, Kind::Customer).await?);
    }
    let (mut sent, mut shown, mut folds) = (0, Shown::new("in memory, folded", "events"), Vec::new());
    for events in &options.events {
        world.use_up(&customers, sent, events - sent).await?;
        let (more, began) = (*events - sent, Instant::now());
        world.fold(&master).await?;
        folds.push(format!("{more} events in {:.2} s", began.elapsed().as_secs_f64()));
        sent = *events;
        for (what, path) in READS {
            shown.add(what, sent, &world.cost(path, &key, "", options.times).await?);
        }
    }
    shown.slopes();
    println!("\nfolded, all at once: {}", folds.join(", "));
    let mut shown = Shown::new("in memory, not folded yet", "batches of 100 events");
    // A batch of one account is one entry of the master's; from 500 on a read folds before it answers.
    for (batches, more) in [(0, 0), (1, 1), (50, 49), (499, 449)] {
        for _ in 0..more {
            world.use_up(&customers[..1], sent, 100).await?;
            sent += 100;
        }
        for (what, path) in READS {
            shown.add(what, batches, &world.cost(path, &key, "", options.times).await?);
        }
    }
    Ok(())
}

const READS: [(&str, &str); 3] = [
    ("summary", "/reseller/usage/summary?subtree=true"),
    ("report by month", "/reseller/usage/report?subtree=true&granularity=month"),
    ("page of 50 accounts", "/reseller/usage/report?subtree=true&granularity=month&group_by=account&limit=50"),
];

/// The operator's whole platform, whose ledger carries no usage: its masters are added up.
async fn by_masters(options: &Options) -> Result<(), Failure> {
    let mut shown = Shown::new("in memory, the operator's", "masters");
    for count in &options.masters {
        let (memory, beside) = (MemoryTable::new(), Beside::new(None, "masters")?);
        let world = World::new(&memory, &beside).await?;
        for n in 0..*count {
            let master = world.master().await?;
            let customer = world.open(&master, Kind::Customer).await?;
            world.use_up(&[customer], n, 1).await?;
            world.fold(&master).await?;
        }
        for (what, path) in READS {
            shown.add(what, *count, &world.cost(path, &world.operator_key, "", options.times).await?);
        }
    }
    shown.slopes();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    by_accounts(&options).await?;
    by_events(&options).await?;
    by_masters(&options).await
}
