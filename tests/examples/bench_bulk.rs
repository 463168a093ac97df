//! Credit for many accounts: as one bulk job, and beside it in the same run the same rows sent one by one, from as many clients as
//! are asked for, both over the embedded DynamoDB engine through the real SDK client with blobs on disk. It tells the peak
//! memory of the process while the job was done, the engine's included. `scripts/bench-bulk.sh` starts it and prints the table.
//! Figures only: nothing here passes or fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use clap::Parser;
use futures::future::join_all;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tributary_api::{App, AppParts, KeyMode};
use tributary_local::blobs::DiskBlobs;
use tributary_runtime::blobs::Blobs as _;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::clock::SystemClock;
use tributary_runtime::dynamo::loopback_client;
use tributary_runtime::ids::SystemIds;
use tributary_runtime::queue::{MemoryFifo, MemoryQueue, Queues};
use tributary_runtime::secrets::Secrets;
use tributary_store::counting::Counting;
use tributary_store::dynamo::{DynamoTable, create_table};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures credit for many accounts.
#[derive(Debug, Parser)]
struct Options {
    /// How many rows.
    #[arg(long, default_value_t = 1_000)]
    rows: usize,
    /// How many accounts they are for.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// How many of the rows are sent one by one, too.
    #[arg(long, default_value_t = 1_000)]
    singly: usize,
    /// How many clients send them.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Where the engine and the blobs write.
    #[arg(long)]
    data: PathBuf,
}

struct Platform {
    app: App,
    router: Router,
    queue: MemoryQueue,
    blobs: DiskBlobs,
}

impl Platform {
    async fn call(&self, method: Method, path: &str, key: &str, idem: &str, body: Value) -> Result<Value, Failure> {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let request = request.header("idempotency-key", idem).header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body)?).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        let answer: Value = serde_json::from_slice(&bytes)?;
        if status.is_success() { Ok(answer) } else { Err(format!("{path}: {answer}").into()) }
    }

    async fn work(&self) -> Result<(), Failure> {
        loop {
            let waiting = self.queue.take();
            if waiting.is_empty() {
                return Ok(());
            }
            for body in waiting {
                let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": {} }] });
                let answer = tributary_bulk_worker::handle(&self.app, event, &self.app.run_id("")).await?;
                if answer != json!({ "batchItemFailures": [] }) {
                    return Err(answer.to_string().into());
                }
            }
        }
    }
}

/// A figure of this process, in KiB.
fn figure(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_default().to_owned()
}

fn per_second(count: usize, took: Duration) -> u128 {
    u128::try_from(count).unwrap_or_default() * 1_000 / took.as_millis().max(1)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a benchmark's output")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let database = dynoxide::Database::new(&options.data.join("engine.sqlite").to_string_lossy()).map_err(|error| format!("{error:?}"))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
    let client = loopback_client(&endpoint);
    create_table(&client, "bench").await?;
    let table = Arc::new(Counting::new(DynamoTable::new(client, "bench")));
    let (queue, blobs) = (MemoryQueue::default(), DiskBlobs::new(options.data.join("blobs")));
    let app = App::new(AppParts {
        table: Arc::new(Arc::clone(&table)),
        blobs: Arc::new(blobs.clone()),
        queues: Queues {
            usage: Arc::new(MemoryQueue::default()),
            exports: Arc::new(MemoryQueue::default()),
            bulk: Arc::new(queue.clone()),
            billing: Arc::new(MemoryQueue::default()),
            events: Arc::new(MemoryFifo::default()),
        },
        bus: Arc::new(MemoryBus::default()),
        secrets: Arc::new(Secrets::from_pepper(&[7; 32])?),
        clock: Arc::new(SystemClock::default()),
        ids: Arc::new(SystemIds::default()),
        docs_url: "https://docs.example".to_owned(),
        mode: KeyMode::Test,
        loopback_webhooks: false,
        plain_http: false,
        front: tributary_api::hosts::Front::default(),
    });
    let made = tributary_api::bootstrap::operator(&app, "Op", "USD", &app.run_id("")).await.map_err(|problem| problem.detail)?;
    let operator = made.ok_or("there is an operator")?.secret;
    let endpoints = [tributary_accounts::endpoints(), tributary_credits::endpoints(), tributary_bulk_api::endpoints()].concat();
    let platform = Platform { router: tributary_api::router::router(app.clone(), endpoints), app, queue, blobs };
    let master =
        platform.call(Method::POST, "/reseller/accounts/create", &operator, "m", json!({ "name": "M", "kind": "reseller" })).await?;
    let master = text(&master, "id");
    let key = json!({ "name": "K", "role": "owner" });
    let key = text(&platform.call(Method::POST, &format!("/reseller/accounts/{master}/keys"), &operator, "k", key).await?, "secret");
    let credit = json!({ "account_id": master, "amount": "1000000000" });
    platform.call(Method::POST, "/reseller/credits/issue", &operator, "i", credit).await?;
    let rows: Vec<Value> = (0..options.accounts).map(|n| json!({ "name": format!("Customer {n}") })).collect();
    let job = platform.call(Method::POST, "/reseller/bulk/accounts", &key, "a", json!({ "rows": rows })).await?;
    platform.work().await?;
    let mut accounts = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/reseller/bulk/{}/rows?limit=200{cursor}", text(&job, "id"));
        let page = platform.call(Method::GET, &path, &key, "-", Value::Null).await?;
        accounts.extend(page["data"].as_array().into_iter().flatten().map(|row| text(row, "made")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    println!("| what | rows | seconds | rows/s | transactions | calls | peak memory, MiB | before, MiB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut file = "account_id,amount,reference\n".to_owned();
    (0..options.rows).for_each(|n| file.push_str(&format!("{},0.01,row {n}\n", accounts[n % accounts.len()])));
    let asked = json!({ "format": "csv", "bytes": file.len() });
    let upload = platform.call(Method::POST, "/reseller/bulk/uploads", &key, "u", asked).await?;
    let upload_id = text(&upload, "upload_id");
    platform.blobs.put(&format!("bulk/uploads/{master}/{upload_id}.csv"), file.into_bytes(), "text/csv").await?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    table.reset();
    let before = figure("VmRSS:");
    let began = Instant::now();
    let job = platform.call(Method::POST, "/reseller/bulk/credits", &key, "b", json!({ "upload_id": upload_id })).await?;
    platform.work().await?;
    let (took, peak, counts) = (began.elapsed(), figure("VmHWM:"), table.reset());
    let done = platform.call(Method::GET, &format!("/reseller/bulk/{}", text(&job, "id")), &key, "-", Value::Null).await?;
    if done["done"] != json!(options.rows) {
        return Err(done.to_string().into());
    }
    let (seconds, tenths) = (took.as_secs(), took.subsec_millis() / 100);
    let rate = per_second(options.rows, took);
    println!(
        "| one bulk job | {} | {seconds}.{tenths} | {rate} | {} | {} | {} | {} |",
        options.rows,
        counts.transacts,
        counts.calls(),
        peak / 1024,
        before / 1024
    );
    let (platform, next, accounts, key) = (Arc::new(platform), Arc::new(AtomicUsize::new(0)), Arc::new(accounts), Arc::new(key));
    let began = Instant::now();
    let clients = (0..options.clients).map(|_| {
        let (platform, next, accounts, key) = (platform.clone(), next.clone(), accounts.clone(), key.clone());
        let most = options.singly;
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= most {
                    return Ok::<(), Failure>(());
                }
                let body = json!({ "account_id": accounts[n % accounts.len()], "amount": "0.01", "reference": format!("row {n}") });
                platform.call(Method::POST, "/reseller/credits/allocate", &key, &format!("s-{n}"), body).await?;
            }
        })
    });
    for client in join_all(clients).await {
        client??;
    }
    let (took, counts) = (began.elapsed(), table.reset());
    let (seconds, tenths) = (took.as_secs(), took.subsec_millis() / 100);
    if options.singly > 0 {
        println!(
            "| one by one, {} clients | {} | {seconds}.{tenths} | {} | {} | {} | | |",
            options.clients,
            options.singly,
            per_second(options.singly, took),
            counts.transacts,
            counts.calls()
        );
    }
    server.abort();
    Ok(())
}
