//! Transfers per second: over HTTP on the local run, spread over many accounts and on one hot account; and beside it, in
//! the same run and from the same number of clients, PostgreSQL doing the same double-entry transfer with
//! `SELECT … FOR UPDATE`. `scripts/bench.sh` starts both and prints the table. Figures only: nothing here passes or fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use futures::future::join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls, Statement};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures transfers per second.
#[derive(Debug, Parser)]
struct Options {
    /// Address of a local run.
    #[arg(long)]
    url: String,
    /// The operator's key.
    #[arg(long)]
    key: String,
    /// A PostgreSQL connection string.
    #[arg(long)]
    postgres: Option<String>,
    /// How many clients, each in turn.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    clients: Vec<usize>,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many accounts the spread load has.
    #[arg(long, default_value_t = 200)]
    accounts: usize,
    /// The seed of the choice of accounts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which accounts are chosen.
#[derive(Debug, Clone, Copy)]
enum Load {
    /// Any two.
    Spread,
    /// Always from the first.
    Hot,
}

impl Load {
    fn name(self) -> &'static str {
        match self {
            Load::Spread => "spread",
            Load::Hot => "one hot account",
        }
    }

    fn pick(self, random: &mut SmallRng, accounts: usize) -> (usize, usize) {
        let from = match self {
            Load::Spread => random.random_range(0..accounts),
            Load::Hot => 0,
        };
        (from, (from + random.random_range(1..accounts)) % accounts)
    }
}

#[derive(Debug, Default)]
struct Measured {
    latencies_us: Vec<u64>,
    failed: usize,
    took: Duration,
}

impl Measured {
    fn percentile_ms(&self, per_mille: usize) -> String {
        let at = (self.latencies_us.len() * per_mille / 1000).min(self.latencies_us.len().saturating_sub(1));
        let us = self.latencies_us.get(at).copied().unwrap_or_default();
        format!("{}.{:02}", us / 1000, us % 1000 / 10)
    }

    fn per_second(&self) -> u64 {
        let ms = u64::try_from(self.took.as_millis()).unwrap_or(1).max(1);
        u64::try_from(self.latencies_us.len()).unwrap_or_default() * 1000 / ms
    }
}

/// Runs `clients` loops of `once` for `seconds`, and gathers what each took.
async fn measure<F, Fut>(clients: usize, seconds: u64, once: F) -> Measured
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send,
{
    let (once, began) = (Arc::new(once), Instant::now());
    let until = began + Duration::from_secs(seconds);
    let workers = (0..clients).map(|client| {
        let once = once.clone();
        tokio::spawn(async move {
            let (mut latencies, mut failed, mut n) = (Vec::new(), 0, 0);
            while Instant::now() < until {
                let started = Instant::now();
                match once(client, n).await {
                    Ok(()) => latencies.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)),
                    Err(_) => failed += 1,
                }
                n += 1;
            }
            (latencies, failed)
        })
    });
    let mut measured = Measured::default();
    for (latencies, failed) in join_all(workers).await.into_iter().flatten() {
        measured.latencies_us.extend(latencies);
        measured.failed += failed;
    }
    measured.took = began.elapsed();
    measured.latencies_us.sort_unstable();
    measured
}

fn random_of(seed: u64, client: usize, n: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed ^ (u64::try_from(client).unwrap_or_default() << 40) ^ n)
}

#[derive(Debug, Clone)]
struct Platform {
    http: reqwest::Client,
    url: String,
    key: String,
    accounts: Arc<Vec<String>>,
    run: String,
}

impl Platform {
    async fn post(&self, path: &str, idem: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key).header("idempotency-key", idem).json(body);
        let response = request.send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        if status.is_success() { Ok(body) } else { Err(format!("{status}: {body}").into()) }
    }

    async fn prepare(options: &Options) -> Result<Self, Failure> {
        let run = format!("{:x}", Instant::now().elapsed().as_nanos() ^ u128::from(std::process::id()));
        let mut platform = Self {
            http: reqwest::Client::builder().pool_max_idle_per_host(256).build()?,
            url: options.url.trim_end_matches('/').to_owned(),
            key: options.key.clone(),
            accounts: Arc::default(),
            run,
        };
        let mut accounts = Vec::with_capacity(options.accounts);
        for n in 0..options.accounts {
            let idem = format!("bench-{}-create-{n}", platform.run);
            let account =
                platform.post("/reseller/accounts/create", &idem, &json!({ "name": format!("Bench {n}"), "kind": "reseller" })).await?;
            let id = account["id"].as_str().ok_or("an account has an id")?.to_owned();
            platform
                .post("/reseller/credits/issue", &format!("{idem}-issue"), &json!({ "account_id": id, "amount": "1000000000" }))
                .await?;
            accounts.push(id);
        }
        platform.accounts = Arc::new(accounts);
        Ok(platform)
    }

    async fn measure(&self, options: &Options, load: Load, clients: usize) -> Measured {
        let (platform, seed) = (self.clone(), options.seed);
        measure(clients, options.seconds, move |client, n| {
            let platform = platform.clone();
            async move {
                let (from, to) = load.pick(&mut random_of(seed, client, n), platform.accounts.len());
                let body = json!({ "from": platform.accounts[from], "to": platform.accounts[to], "amount": "0.010000" });
                let idem = format!("bench-{}-{}-{clients}-{client}-{n}", platform.run, load.name().len());
                platform.post("/reseller/credits/transfer", &idem, &body).await.map(|_| ())
            }
        })
        .await
    }
}

const SCHEMA: &str = "
    DROP TABLE IF EXISTS ledger; DROP TABLE IF EXISTS accounts;
    CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0), version bigint NOT NULL DEFAULT 0);
    CREATE TABLE ledger (idem text PRIMARY KEY, from_id int NOT NULL, to_id int NOT NULL, amount bigint NOT NULL,
                         from_balance bigint NOT NULL, to_balance bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON ledger (from_id, created_at); CREATE INDEX ON ledger (to_id, created_at);";

/// A connection with its statements prepared once.
struct Postgres {
    client: Client,
    select: Statement,
    update: Statement,
    insert: Statement,
}

impl Postgres {
    async fn connect(url: &str) -> Result<Self, Failure> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let select = client.prepare("SELECT id, balance FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE").await?;
        let update = client.prepare("UPDATE accounts SET balance = $2, version = version + 1 WHERE id = $1").await?;
        let columns = "idem, from_id, to_id, amount, from_balance, to_balance";
        let insert = client.prepare(&format!("INSERT INTO ledger ({columns}) VALUES ($1, $2, $3, $4, $5, $6)")).await?;
        Ok(Self { client, select, update, insert })
    }

    /// The same transfer: both rows locked in order, the debit checked, both balances and one ledger row written.
    async fn transfer(&mut self, idem: &str, from: i32, to: i32) -> Result<(), Failure> {
        let transaction = self.client.transaction().await?;
        let rows = transaction.query(&self.select, &[&from, &to]).await?;
        let balance = |id: i32| rows.iter().find(|row| row.get::<_, i32>(0) == id).map(|row| row.get::<_, i64>(1)).unwrap_or_default();
        let (amount, from_balance, to_balance) = (10_000_i64, balance(from) - 10_000, balance(to) + 10_000);
        if from_balance < 0 {
            return Err("insufficient".into());
        }
        transaction.execute(&self.update, &[&from, &from_balance]).await?;
        transaction.execute(&self.update, &[&to, &to_balance]).await?;
        transaction.execute(&self.insert, &[&idem, &from, &to, &amount, &from_balance, &to_balance]).await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn prepare_postgres(url: &str, accounts: usize) -> Result<(), Failure> {
    let postgres = {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
    };
    postgres.batch_execute(SCHEMA).await?;
    let accounts = i32::try_from(accounts)?;
    postgres
        .execute("INSERT INTO accounts (id, balance) SELECT n, 1000000000000000 FROM generate_series(0, $1::int - 1) n", &[&accounts])
        .await?;
    Ok(())
}

async fn measure_postgres(options: &Options, url: &str, load: Load, clients: usize) -> Result<Measured, Failure> {
    let mut connections = Vec::with_capacity(clients);
    for _ in 0..clients {
        connections.push(tokio::sync::Mutex::new(Postgres::connect(url).await?));
    }
    let (connections, seed, accounts) = (Arc::new(connections), options.seed, options.accounts);
    Ok(measure(clients, options.seconds, move |client, n| {
        let connections = connections.clone();
        async move {
            let (from, to) = load.pick(&mut random_of(seed, client, n), accounts);
            let idem = format!("bench-{}-{clients}-{client}-{n}", load.name().len());
            connections[client].lock().await.transfer(&idem, i32::try_from(from)?, i32::try_from(to)?).await
        }
    })
    .await)
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
fn show(what: &str, load: Load, clients: usize, measured: &Measured) {
    let (p50, p99) = (measured.percentile_ms(500), measured.percentile_ms(990));
    println!("{what:<22} {:<16} {clients:>7} {:>11} {p50:>9} {p99:>9} {:>7}", load.name(), measured.per_second(), measured.failed);
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a benchmark's output")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let platform = Platform::prepare(&options).await?;
    if let Some(url) = &options.postgres {
        prepare_postgres(url, options.accounts).await?;
    }
    println!("{:<22} {:<16} {:>7} {:>11} {:>9} {:>9} {:>7}", "what", "load", "clients", "transfers/s", "p50 ms", "p99 ms", "failed");
    for load in [Load::Spread, Load::Hot] {
        for clients in &options.clients {
            show("tributary, HTTP", load, *clients, &platform.measure(&options, load, *clients).await);
            if let Some(url) = &options.postgres {
                show("postgresql 15, SQL", load, *clients, &measure_postgres(&options, url, load, *clients).await?);
            }
        }
    }
    Ok(())
}
