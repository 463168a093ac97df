//! A billing run over many postpaid accounts of one seller, each with usage in the month, from the schedule's call to the completed run, and then each
//! invoice's PDF, asked for one after another, over the embedded DynamoDB engine through the real SDK client. `scripts/bench-billing.sh` starts it and prints the table. Figures only: nothing here passes or fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use clap::Parser;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tributary_api::{App, AppParts, KeyMode};
use tributary_domain::id::RunId;
use tributary_local::blobs::DiskBlobs;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::clock::ManualClock;
use tributary_runtime::dynamo::loopback_client;
use tributary_runtime::ids::SystemIds;
use tributary_runtime::queue::{MemoryFifo, MemoryQueue, Queues};
use tributary_runtime::secrets::Secrets;
use tributary_store::counting::Counting;
use tributary_store::dynamo::{DynamoTable, create_table};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures a billing run.
#[derive(Debug, Parser)]
struct Options {
    /// How many accounts.
    #[arg(long)]
    accounts: usize,
    /// How many workers at once.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Where the engine writes.
    #[arg(long)]
    data: PathBuf,
}

async fn call(router: &Router, path: &str, key: &str, idem: &str, body: Value) -> Result<Value, Failure> {
    let request = Request::builder().method(Method::POST).uri(path).header("authorization", format!("Bearer {key}"));
    let request = request.header("idempotency-key", idem).header("content-type", "application/json");
    answered(router, path, request.body(Body::from(body.to_string()))?).await
}

async fn get(router: &Router, path: &str, key: &str) -> Result<Value, Failure> {
    let request = Request::builder().uri(path).header("authorization", format!("Bearer {key}"));
    answered(router, path, request.body(Body::empty())?).await
}

async fn answered(router: &Router, path: &str, request: Request<Body>) -> Result<Value, Failure> {
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let answer: Value = serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?;
    if status.is_success() { Ok(answer) } else { Err(format!("{path}: {answer}").into()) }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_default().to_owned()
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
    let (queue, clock) = (MemoryQueue::default(), ManualClock::at("2026-11-02T08:00:00Z".parse()?));
    let app = App::new(AppParts {
        table: Arc::new(Arc::clone(&table)),
        blobs: Arc::new(DiskBlobs::new(options.data.join("blobs"))),
        queues: Queues {
            usage: Arc::new(MemoryQueue::default()),
            exports: Arc::new(MemoryQueue::default()),
            bulk: Arc::new(MemoryQueue::default()),
            billing: Arc::new(queue.clone()),
            events: Arc::new(MemoryFifo::default()),
        },
        bus: Arc::new(MemoryBus::default()),
        secrets: Arc::new(Secrets::from_pepper(&[7; 32])?),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SystemIds::default()),
        docs_url: "https://docs.example".to_owned(),
        mode: KeyMode::Test,
        loopback_webhooks: false,
        plain_http: false,
        front: tributary_api::hosts::Front::default(),
    });
    let made = tributary_api::bootstrap::operator(&app, "Op", "USD", &app.run_id("")).await.map_err(|problem| problem.detail)?;
    let key = made.ok_or("there is an operator")?.secret;
    let endpoints = [
        tributary_accounts::endpoints(),
        tributary_credits::endpoints(),
        tributary_pricing::endpoints(),
        tributary_usage::endpoints(),
        tributary_billing_api::endpoints(),
    ]
    .concat();
    let router = tributary_api::router::router(app.clone(), endpoints);
    let master = call(&router, "/reseller/accounts/create", &key, "m", json!({ "name": "M", "kind": "reseller" })).await?;
    let master = text(&master, "id");
    call(&router, "/reseller/credits/issue", &key, "i", json!({ "account_id": master, "amount": "100000000" })).await?;
    let meter = json!({ "key": "sms", "name": "Text messages", "unit": "message", "aggregation": "sum" });
    call(&router, "/reseller/pricing/meters", &key, "meter", meter).await?;
    let card = json!({ "meter": "sms", "currency": "USD", "model": { "type": "flat", "unit_price": "0.01" } });
    call(&router, "/reseller/pricing/rate-cards", &key, "card", card).await?;
    let (mut accounts, now) = (Vec::new(), "2026-11-02T08:00:00Z");
    for n in 0..options.accounts {
        let body = json!({ "name": format!("Customer {n}"), "parent_id": master, "funding": "postpaid" });
        accounts.push(text(&call(&router, "/reseller/accounts/create", &key, &format!("c{n}"), body).await?, "id"));
    }
    for (part, accounts) in accounts.chunks(20).enumerate() {
        let event = |(n, id): (usize, &String)| json!({ "id": format!("{part}-{n}"), "account_id": id, "meter": "sms", "quantity": "10", "occurred_at": now });
        let events: Vec<Value> = accounts.iter().enumerate().map(event).collect();
        call(&router, "/reseller/usage/events", &key, &format!("u{part}"), json!({ "events": events })).await?;
    }
    let ahead = "2026-12-01T00:05:00Z".parse::<jiff::Timestamp>()?.duration_since(app.now());
    clock.advance_ms(i64::try_from(ahead.as_millis())?);
    table.reset();
    let began = Instant::now();
    let summary = tributary_billing_run::handle(&app, json!({}), &app.run_id("")).await?;
    let messages = Arc::new(std::sync::Mutex::new(queue.take()));
    let workers = (0..options.workers).map(|_| {
        let (app, messages) = (app.clone(), Arc::clone(&messages));
        tokio::spawn(async move {
            loop {
                let next = messages.lock().map_err(|_| "a worker panicked")?.pop();
                let Some(body) = next else { return Ok::<(), Failure>(()) };
                let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": {} }] });
                let answer = tributary_invoice_worker::handle(&app, event, &app.run_id("")).await?;
                if answer != json!({ "batchItemFailures": [] }) {
                    return Err(answer.to_string().into());
                }
            }
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker??;
    }
    let (took, counts) = (began.elapsed(), table.reset());
    let run: RunId = text(&summary, "run_id").parse().map_err(|_| "no run")?;
    let run = app.store().run(&run).await?.run;
    if run.digest.is_none() || run.counts.failed > 0 || run.counts.accounts != options.accounts as u64 + 1 {
        return Err(format!("{run:?}").into());
    }
    let began = Instant::now();
    let (mut pdfs, mut path) = (0_u64, format!("/reseller/invoices?account_id={master}&side=sold&limit=100"));
    loop {
        let page = get(&router, &path, &key).await?;
        for invoice in page["data"].as_array().ok_or("no page")? {
            get(&router, &format!("/reseller/invoices/{}/pdf", text(invoice, "id")), &key).await?;
            pdfs += 1;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/reseller/invoices?account_id={master}&side=sold&limit=100&cursor={cursor}"),
            None => break,
        }
    }
    if pdfs != options.accounts as u64 {
        return Err(format!("{pdfs} PDFs").into());
    }
    let written = began.elapsed();
    let each = took.as_micros() / u128::from(run.counts.accounts);
    println!(
        "| {} | {}.{:03} | {each} | {} | {} | {} | {} | {} | {}.{:03} |",
        options.accounts,
        took.as_secs(),
        took.subsec_millis(),
        counts.queries,
        counts.calls(),
        counts.transacts,
        counts.read_half_units / 2,
        counts.write_units,
        written.as_secs(),
        written.subsec_millis()
    );
    server.abort();
    Ok(())
}
