//! The sample events of `events/`: every route, schedule, queue, stream and direct call has one, it is what the function gets, and the
//! function answers it.
//!
//! The HTTP events are generated: requests of one world made from a seed, so that they can be sent into that world as they
//! are, but for the key, which stands in none of them. `UPDATE_GOLDEN=1 cargo test -p tributary-tests events` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tributary_api::endpoint::Access;
use tributary_api::{Endpoint, Idempotency};
use tributary_local::event::{Arrival, rest};
use tributary_local::lambda::{Handler, Lambda, http};
use tributary_local::template::Template;
use tributary_runtime::ids::SeededIds;
use tributary_runtime::mail::MemoryMailer;
use tributary_store::memory::MemoryTable;
use tributary_store::stream;
use tributary_store::table::{Item, Value as Stored};

use super::generated::{functions, root};
use super::infrastructure::rights;
use super::openapi::{document, operation_at, resolved};
use crate::golden::{Scene, path, scene, valid};
use crate::support::api::{START, Signed, Target, endpoints};
use crate::support::asked::Asked;
use crate::support::before::Before;
use crate::support::events::of_stream;
use crate::support::world::World;

/// What stands where a key belongs.
const KEY: &str = "rk_test_REPLACE_ME";
/// The cookie of a session, and its token.
const COOKIE: &str =
    "__Host-tributary=key_01hx3v9k2mfd8bq5r7w1z4n6ty.ses_01hx3v9k2mfd8bq5r7w1z4n6ty.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const CSRF: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
/// The world that the events are of.
const SEED: u64 = 11;

/// The events of a folder by their names.
fn events(folder: &str) -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(root().join("events").join(folder)).expect("a folder of events");
    let event = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (name, event)
    };
    files.map(event).collect()
}

/// The world of the events, always the same, and what its table is asked from then on.
pub async fn seeded() -> (World, Scene, Arc<Before<Asked, MemoryTable>>) {
    let memory = MemoryTable::with_stream();
    let table = Arc::new(Before { step: Asked::default(), table: memory.clone() });
    let target = Target::over(table.clone(), memory, Arc::new(SeededIds::new(SEED))).await;
    let w = World::on(target).await;
    let scene = scene(&w).await;
    table.step.take();
    (w, scene, table)
}

/// Fails if the program `binary` asked the table for more than its role lets it. No emulator holds roles to anything.
fn within_rights(binary: &str, event: &str, asked: &BTreeSet<String>) {
    let rights = &rights()[binary];
    let missing: Vec<_> = asked.difference(rights).collect();
    assert!(missing.is_empty(), "{event}: the role of {binary} lacks {missing:?}");
}

/// What is asked of lists and balances.
fn query(s: &Scene, operation: &str) -> String {
    match operation {
        "list_accounts" => "?subtree=true&status=active&limit=50".to_owned(),
        "get_permissions" => "?explain=true".to_owned(),
        "get_balance" => format!("?account_id={}&subtree=true", s.id),
        "get_history" => format!("?account_id={}&from=2026-11-01T00:00:00Z&limit=100", s.child),
        "list_auto_topup_runs" => format!("?account_id={}&limit=20", s.child),
        "list_holds" => format!("?account_id={}", s.child),
        "get_tiers" | "list_meters" => format!("?account_id={}", s.id),
        "list_rate_cards" | "list_markups" => "?at=2026-11-02T08:00:00Z&limit=100".to_owned(),
        "report_usage" => "?subtree=true&granularity=day&group_by=account,meter&from=2026-11-01T00:00:00Z&limit=50".to_owned(),
        "summarise_usage" => "?subtree=true".to_owned(),
        "forecast_usage" => "?horizon_days=30".to_owned(),
        "list_promotions" => "?status=in_force".to_owned(),
        _ => String::new(),
    }
}

/// The request of an endpoint as the gateway hands it on.
fn http_event(s: &Scene, endpoint: &Endpoint) -> Value {
    let path = path(s, endpoint);
    let mut request = http::Request::builder()
        .method(endpoint.method.clone())
        .uri(format!("{path}{}", query(s, endpoint.operation)))
        .header("host", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com")
        .header("user-agent", "acme-billing/2.4.1")
        // As a browser asks for a picture.
        .header("accept", if endpoint.operation == "portal_logo" { "image/avif,image/webp,*/*;q=0.8" } else { "application/json" });
    if valid(s, endpoint.operation).is_some() {
        request = request.header("authorization", format!("Bearer {KEY}"));
    }
    if endpoint.idempotency == Idempotency::Required {
        request = request.header("idempotency-key", format!("sample-{}", endpoint.operation));
    }
    let mut body = valid(s, endpoint.operation).filter(|body| !body.is_null()).map(|body| body.to_string()).unwrap_or_default();
    if endpoint.operation == "take_processor_event" {
        let at: jiff::Timestamp = START.parse().expect("a time");
        let told = json!({ "id": "evt_1", "type": "customer.created", "created": at.as_second(), "data": { "object": { "id": "cus_1" } } });
        body = told.to_string();
        request = request.header("stripe-signature", tributary_runtime::payments::webhook::sign(body.as_bytes(), "whsec_scripted", at));
    }
    match endpoint.operation {
        "ask_sign_in_link" => body = json!({ "email": "ada@corner.example" }).to_string(),
        "begin_session" => body = json!({ "api_key": KEY }).to_string(),
        _ => {}
    }
    if endpoint.access == Access::Session {
        request = request.header("cookie", COOKIE);
        if endpoint.method != http::Method::GET {
            request = request.header("x-csrf-token", CSRF);
        }
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let names = endpoint.path.split('/').zip(path.split('/')).filter_map(|(name, value)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let arrival = Arrival {
        resource: endpoint.path,
        path_parameters: &names.collect(),
        stage: "prod",
        request_id: "9c1f6a52-3d8e-4b07-9f64-2a7d1e5b8c30",
        source_ip: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 27)),
        at: START.parse().expect("a time"),
    };
    rest(&parts, &Bytes::from(body), &arrival)
}

#[tokio::test]
async fn every_route_has_its_event_and_every_event_a_route() {
    let (_, s, _) = seeded().await;
    let folder = root().join("events/http");
    let mut wanted = BTreeMap::new();
    for endpoint in endpoints() {
        wanted.insert(endpoint.operation.to_owned(), http_event(&s, &endpoint));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::remove_dir_all(&folder).expect("the old events");
        std::fs::create_dir(&folder).expect("a folder");
        for (name, event) in &wanted {
            let text = serde_json::to_string_pretty(event).expect("JSON") + "\n";
            std::fs::write(folder.join(format!("{name}.json")), text).expect("written");
        }
    }
    assert_eq!(events("http"), wanted, "UPDATE_GOLDEN=1 writes them anew");
}

/// What a function answers to an event, through the adapter that Lambda uses.
async fn answered(handler: Handler, event: Value) -> Value {
    let lambda = Lambda::new("Function", std::time::Duration::from_secs(5), handler);
    lambda.call(event, "9c1f6a52-3d8e-4b07-9f64-2a7d1e5b8c30").await.expect("an answer")
}

#[tokio::test]
async fn every_http_event_is_answered_by_its_function() {
    for (name, event) in events("http") {
        let (w, s, table) = seeded().await;
        let app = w.target.inside("the functions").expect("in this process").app.clone();
        let endpoint = endpoints().into_iter().find(|endpoint| endpoint.operation == name).expect("an operation");
        let key = if name == "issue_credits" { w.operator().secret().to_owned() } else { s.owner.secret().to_owned() };
        let begun = w.target.nobody.post("/portal/session", json!({ "api_key": key })).send().await.is(201);
        let Signed { cookie, csrf } = w.target.nobody.signed_in(&begun).session().clone();
        table.step.take();
        let event = event.to_string().replace(KEY, &key).replace(COOKIE, &cookie).replace(CSRF, &csrf);
        let event = serde_json::from_str(&event).expect("JSON");
        let answer = answered(http(tributary_api::router::router(app, vec![endpoint])), event).await;
        // Only the operator's keys reach test clocks.
        let good = |status| (200..300).contains(&status) || (name.contains("test_clock") && status == 403);
        assert!(answer["statusCode"].as_u64().is_some_and(good), "{name}: {answer}");
        let id = &answer["headers"]["x-request-id"];
        let id = if id.is_null() { &answer["multiValueHeaders"]["x-request-id"][0] } else { id };
        assert_eq!(id, "9c1f6a52-3d8e-4b07-9f64-2a7d1e5b8c30", "{name}: the gateway's id is the request's");
        let function = functions().into_iter().find(|function| function.endpoints.iter().any(|endpoint| endpoint.operation == name));
        within_rights(function.expect("a function").binary, &name, &table.step.take());
    }
}

#[tokio::test]
async fn every_scheduled_event_is_answered_by_its_function() {
    let (w, _, table) = seeded().await;
    assert!(w.target.advance_s(8 * 24 * 3600, "the end of holds"));
    let app = &w.target.inside("the functions").expect("in this process").app;
    for (name, event) in events("eventbridge") {
        let run = app.run_id("");
        let summary = match name.as_str() {
            "housekeeping" => tributary_housekeeping::handle(app, event, &run).await,
            "reconcile" => tributary_reconcile::handle(app, event, &run, 3_600).await,
            "billing_run" => tributary_billing_run::handle(app, event, &run).await,
            "collector" => tributary_collector::handle(app, event, &run).await,
            "usage_worker" => tributary_usage_worker::handle(app, event, &run).await,
            "watcher" => tributary_watcher::handle(app, event, &run).await,
            "roster" => tributary_roster::handle(app, event, &run).await,
            "forecast" => tributary_forecasts::handle(app, event, &run).await,
            "notifier" => tributary_notifier::handle(app, &nowhere(), event, &run).await,
            other => panic!("say here what runs {other}"),
        };
        assert_eq!(summary.unwrap_or_else(|error| panic!("{name}: {error}"))["failed"], 0, "{name}");
        within_rights(&name, &name, &table.step.take());
    }
}

#[tokio::test]
async fn every_event_of_a_queue_is_answered_by_its_function_with_messages_of_the_event() {
    let (w, _, table) = seeded().await;
    let app = &w.target.inside("the functions").expect("in this process").app;
    for (name, event) in events("sqs") {
        let run = app.run_id("");
        let records = event["Records"].as_array().expect("messages").clone();
        let answer = match name.as_str() {
            "usage_worker" => tributary_usage_worker::handle(app, event, &run).await,
            "exporter" => tributary_exporter::handle(app, event, &run).await,
            "watcher" => tributary_watcher::handle(app, event, &run).await,
            "notifier" => tributary_notifier::handle(app, &nowhere(), event, &run).await,
            "bulk_worker" => tributary_bulk_worker::handle(app, event, &run).await,
            "invoice_worker" => tributary_invoice_worker::handle(app, event, &run).await,
            other => panic!("say here what takes {other}"),
        };
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        for failure in answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("{name}: {answer}")) {
            let known = |record: &Value| record["messageId"] == failure["itemIdentifier"];
            assert!(records.iter().any(known), "{name}: {failure} is none of the event's messages");
        }
        within_rights(&name, &name, &table.step.take());
    }
}

/// A notifier that sends nowhere.
fn nowhere() -> tributary_notifier::Senders {
    crate::webhooks::senders(Arc::new(crate::support::receiver::MemoryOutbound::default()), &MemoryMailer::default())
}

/// The first change of a ledger, the first audit record, and what the outbox does not tell.
fn stream_event(w: &World) -> Value {
    let inside = w.target.inside("the stream").expect("in this process");
    let inserted = inside.memory.inserted_since(0);
    let begins = |item: &&Item, prefix: &str| matches!(item.get("pk"), Some(Stored::S(pk)) if pk.starts_with(prefix));
    let of = |prefix: &str| inserted.iter().filter(|item| begins(item, prefix)).take(3).cloned().collect::<Vec<_>>();
    of_stream(&[of("LED#acc_"), of("EVT#"), of("INV#")].concat(), 8_273_645)
}

#[tokio::test]
async fn the_event_of_the_stream_is_answered_by_the_outbox() {
    let (w, _, table) = seeded().await;
    let (inside, file) = (w.target.inside("the stream").expect("in this process"), root().join("events/stream/outbox.json"));
    let wanted = stream_event(&w);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&wanted).expect("JSON") + "\n").expect("written");
    }
    let events = events("stream");
    assert_eq!(events["outbox"], wanted, "UPDATE_GOLDEN=1 writes it anew");
    let answer = tributary_outbox::handle(&inside.app, events["outbox"].clone(), &inside.app.run_id("")).await;
    assert_eq!(answer.expect("an answer"), json!({ "batchItemFailures": [] }));
    assert!(!inside.outside.bus.take().is_empty() && !inside.outside.events.take().is_empty());
    within_rights("outbox", "events/stream/outbox.json", &table.step.take());

    let template = Template::embedded().expect("template.yaml");
    let filters = &template.streams.iter().find(|stream| stream.function == "OutboxFunction").expect("the outbox's").filters;
    for change in wanted["Records"].as_array().expect("changes") {
        assert!(
            filters.iter().any(|filter| filter.takes(change)),
            "the template's filter keeps {} from the outbox",
            change["dynamodb"]["Keys"]
        );
    }
    let told = stream::PREFIXES.map(|prefix| json!({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": format!("{prefix}x")}}}}));
    assert!(told.iter().all(|change| filters.iter().any(|filter| filter.takes(change))));
    let other = json!({"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": "LED#sys_issued_USD_01"}}}});
    assert!(!filters.iter().any(|filter| filter.takes(&other)));
}

#[tokio::test]
async fn the_event_of_the_stream_is_answered_by_the_rosters() {
    let (w, _, table) = seeded().await;
    let (inside, file) = (w.target.inside("the stream").expect("in this process"), root().join("events/stream/roster.json"));
    let changes = crate::support::rosters::of_changes(&inside.memory.changed_since(0), 8_273_645);
    let begins = |change: &&Value, prefix: &str| change["dynamodb"]["Keys"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with(prefix));
    let of = |prefix: &str| changes.iter().filter(|change| begins(change, prefix)).take(2).cloned().collect::<Vec<_>>();
    let records = [of("ACC#"), of("LED#acc_"), of("AGG#"), of("INV#")].concat();
    let wanted = json!({ "Records": records });
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&wanted).expect("JSON") + "\n").expect("written");
    }
    let events = events("stream");
    assert_eq!(events["roster"], wanted, "UPDATE_GOLDEN=1 writes it anew");
    let answer = tributary_roster::handle(&inside.app, events["roster"].clone(), &inside.app.run_id("")).await;
    assert_eq!(answer.expect("an answer"), json!({ "batchItemFailures": [] }));
    within_rights("roster", "events/stream/roster.json", &table.step.take());
}

#[test]
fn every_queue_that_a_function_is_called_for_has_its_event() {
    let (template, events) = (Template::embedded().expect("template.yaml"), events("sqs"));
    let wanted: BTreeSet<&String> = template.sources.iter().map(|source| &template.functions[&source.function].binary).collect();
    assert_eq!(events.keys().collect::<BTreeSet<_>>(), wanted);
    for (name, event) in &events {
        for record in event["Records"].as_array().expect("messages") {
            assert_eq!(record["eventSource"], "aws:sqs", "events/sqs/{name}.json");
        }
    }
}

#[tokio::test]
async fn every_direct_call_is_answered_by_the_admin_function() {
    for (name, event) in events("direct") {
        let target = Target::empty().await;
        let app = &target.inside("the admin function").expect("in this process").app;
        if name != "make_operator" {
            let made = json!({ "action": "make_operator", "name": "Op", "currency": "USD" });
            tributary_admin::handle(app, made, &app.run_id("")).await.expect("an operator");
        }
        assert_eq!(event["action"], name.as_str());
        let made = tributary_admin::handle(app, event, &app.run_id("")).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(made["key"]["role"], "owner", "{name}");
    }
}

#[test]
fn every_function_has_an_event() {
    let template = Template::embedded().expect("template.yaml");
    let names = |folder: &str| events(folder).into_keys().collect::<BTreeSet<_>>();
    let (scheduled, direct) = (names("eventbridge"), names("direct"));
    for (name, function) in &template.functions {
        let routed = template.routes.iter().any(|route| route.function == *name);
        let of_schedule = template.schedules.iter().any(|schedule| schedule.function == *name);
        assert!(!of_schedule || scheduled.contains(&function.binary), "events/eventbridge has nothing for {}", function.binary);
        // A function that nothing invokes is called by people.
        let of_queue = template.sources.iter().any(|source| source.function == *name);
        let of_stream = template.streams.iter().any(|stream| stream.function == *name);
        assert!(!of_stream || names("stream").contains(&function.binary), "events/stream has nothing for {}", function.binary);
        assert!(routed || of_schedule || of_queue || of_stream || !direct.is_empty(), "events/direct has nothing for {}", function.binary);
    }
}

fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event[member].as_str().unwrap_or_default()
}

#[test]
fn every_http_event_is_a_request_that_the_document_describes() {
    let document = document();
    for (name, event) in events("http") {
        let (method, path) = (text(&event, "httpMethod").to_lowercase(), text(&event, "resource"));
        let operation =
            operation_at(&document, &method, path).unwrap_or_else(|| panic!("events/http/{name}: no operation {method} {path}"));
        for given in event["queryStringParameters"].as_object().into_iter().flatten().map(|(given, _)| given) {
            let known = |parameter: &Value| resolved(&document, parameter)["name"] == given.as_str();
            assert!(
                operation["parameters"].as_array().is_some_and(|all| all.iter().any(known)),
                "events/http/{name}: no parameter {given}"
            );
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = event["body"].as_str().map(|body| serde_json::from_str::<Value>(body).expect("a JSON body"));
        let said = body.as_ref().is_some_and(|body| *body != json!({}));
        assert!(!said || !schema.is_null(), "events/http/{name}: a body where the document has none");
        let required = operation["requestBody"]["required"] == true;
        assert!(body.is_some() || !required, "events/http/{name}: no body where the document wants one");
        let Some(body) = body.filter(|_| !schema.is_null()) else { continue };
        let schema = resolved(&document, schema);
        let given = body.as_object().expect("an object");
        assert!(
            given.keys().all(|field| schema["properties"].get(field).is_some()),
            "events/http/{name}: a field that the request does not have"
        );
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        assert!(required.into_iter().all(|field| given.contains_key(field)), "events/http/{name}: a required field is missing");
    }
}

#[test]
fn every_schedule_has_a_sample_event() {
    let (template, events) = (Template::embedded().expect("template.yaml"), events("eventbridge"));
    for schedule in &template.schedules {
        let function = template.functions.get(&schedule.function).expect("a function of the template");
        let event = events.get(&function.binary).unwrap_or_else(|| panic!("events/eventbridge has nothing for {}", function.binary));
        assert_eq!(text(event, "source"), "aws.scheduler", "events/eventbridge/{}.json", function.binary);
    }
    for name in events.keys() {
        let known = template.schedules.iter().filter_map(|schedule| template.functions.get(&schedule.function));
        assert!(known.into_iter().any(|function| function.binary == *name), "events/eventbridge/{name}.json is for no schedule");
    }
}
