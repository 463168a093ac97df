//! Requests that are wrong: each is answered with the right problem, names the wrong field, and changes nothing.

mod billing;
mod branding;
mod bulk;
mod insights;
mod pricing;
mod sessions;
mod test_clocks;
mod usage;
mod usage_reports;
mod watching;

use http::Method;
use serde_json::{Value, json};

use crate::support::api::{Answer, Ask};
use crate::support::world::World;

/// One wrong request and what it is answered with.
struct Row {
    what: &'static str,
    ask: Ask,
    status: u16,
    code: &'static str,
    pointers: Vec<&'static str>,
}

fn row(what: &'static str, ask: Ask, status: u16, code: &'static str) -> Row {
    Row { what, ask, status, code, pointers: vec![] }
}

impl Row {
    fn at(mut self, pointer: &'static str) -> Self {
        self.pointers.push(pointer);
        self
    }
}

/// A wrong field.
fn field(what: &'static str, ask: Ask, pointer: &'static str) -> Row {
    row(what, ask, 400, "validation_failed").at(pointer)
}

fn pointers(answer: &Answer) -> Vec<&str> {
    answer["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

/// Sends every row; each must be refused as it says and leave every item of the table as it was.
async fn refuses_all(w: &World, rows: Vec<Row>) {
    let memory = &w.target.inside("wrong requests").expect("in this process").memory;
    let mut wrong = Vec::new();
    for Row { what, ask, status, code, pointers: wanted } in rows {
        let before = memory.snapshot();
        let answer = ask.send().await;
        let got = (answer.status, answer["code"].as_str().unwrap_or_default(), pointers(&answer));
        if got != (status, code, wanted.clone()) {
            wrong.push(format!("{what}: wanted {:?}\n  {}\n  {} {}", (status, code, wanted), answer.name, answer.status, answer.text));
        } else {
            answer.problem();
        }
        if memory.snapshot() != before {
            wrong.push(format!("{what}: the table changed"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

const CREATE: &str = "/reseller/accounts/create";
const TRANSFER: &str = "/reseller/credits/transfer";
const ABSENT: &str = "acc_01hx3v9k2mfd8bq5r7w1z4n6ty";

/// A master with 100, two children, and an account in another currency.
struct Scene {
    w: World,
    a: String,
    b: String,
    euro: String,
}

async fn scene() -> Scene {
    let w = World::in_process().await;
    let (a, b) = (w.funded_child_of(&w.master.id, "100").await, w.child_of(&w.master.id).await);
    let euro = w.other_master(json!({ "currency": "EUR" })).await.id;
    Scene { w, a, b, euro }
}

impl Scene {
    fn pay(&self, amount: Value) -> Ask {
        self.w.master.api.pay(TRANSFER, json!({ "from": self.a, "to": self.b, "amount": amount }))
    }

    fn create(&self, body: Value) -> Ask {
        self.w.master.api.pay(CREATE, body)
    }

    fn raw(&self, body: &str) -> Ask {
        self.w.master.api.pay(TRANSFER, json!({})).raw(body.as_bytes())
    }
}

#[tokio::test]
async fn a_wrong_amount_is_refused_by_name_wherever_it_stands() {
    let s = scene().await;
    let amounts = || {
        [
            json!("-5"),
            json!("0"),
            json!("0.000000"),
            json!("-0"),
            json!("1e30"),
            json!("1E3"),
            json!("1.0000001"),
            json!("NaN"),
            json!("Infinity"),
            json!(""),
            json!(" 1"),
            json!("+1"),
            json!("1,5"),
            json!(".5"),
            json!("1."),
            json!("0x10"),
            json!("१"),
            json!("1000000000000.000001"),
            json!("99999999999999999999999"),
            json!(5),
            json!(1.5),
            json!(-1),
            json!(1e30),
            json!(null),
            json!(true),
            json!(["1"]),
            json!({ "value": "1" }),
        ]
    };
    let (w, mut rows) = (&s.w, Vec::new());
    for amount in amounts() {
        let (operator, master) = (w.operator(), &w.master.api);
        rows.push(field("transfer", s.pay(amount.clone()), "/amount"));
        rows.push(field("issue", operator.pay("/reseller/credits/issue", json!({ "account_id": s.a, "amount": amount })), "/amount"));
        rows.push(field("allocate", master.pay("/reseller/credits/allocate", json!({ "account_id": s.a, "amount": amount })), "/amount"));
        rows.push(field("hold", master.pay("/reseller/credits/holds", json!({ "account_id": s.a, "amount": amount })), "/amount"));
        let legs = json!({ "legs": [{ "from": s.a, "to": s.b, "amount": "1" }, { "from": s.a, "to": s.b, "amount": amount }] });
        rows.push(field("second leg", master.pay("/reseller/credits/transfers", legs), "/legs/1/amount"));
        if !amount.is_null() {
            rows.push(field("initial", s.create(json!({ "name": "X", "initial_credits": amount })), "/initial_credits"));
        }
    }
    for limit in [json!("-1"), json!("1.0000001"), json!(1), json!("1e3")] {
        rows.push(field("limit", s.create(json!({ "name": "X", "credit_limit": limit })), "/credit_limit"));
        rows.push(field(
            "limit",
            w.operator().put(&format!("/reseller/accounts/{}", s.a), json!({ "credit_limit": limit })),
            "/credit_limit",
        ));
    }
    refuses_all(w, rows).await;
}

#[tokio::test]
async fn credit_goes_nowhere_it_cannot_go() {
    let s = scene().await;
    let api = &s.w.master.api;
    let to = |from: &str, to: &str| json!({ "from": from, "to": to, "amount": "1" });
    let rows = vec![
        row("to itself", api.pay(TRANSFER, to(&s.a, &s.a)), 422, "same_account"),
        row(
            "allocate to itself",
            api.pay("/reseller/credits/allocate", json!({ "account_id": s.w.master.id, "amount": "1" })),
            422,
            "same_account",
        ),
        row("another currency", s.w.operator().pay(TRANSFER, to(&s.a, &s.euro)), 422, "currency_mismatch"),
        row("foreign payee", api.pay(TRANSFER, to(&s.a, &s.euro)), 404, "not_found"),
        row("absent payee", api.pay(TRANSFER, to(&s.a, ABSENT)), 404, "not_found"),
        row("too much", api.pay(TRANSFER, json!({ "from": s.b, "to": s.a, "amount": "1000000000000" })), 422, "insufficient_credits"),
        field("a list for a transfer", api.pay(TRANSFER, json!([s.a, s.b, "1"])), ""),
        field("a list for a leg", api.pay("/reseller/credits/transfers", json!({ "legs": [[s.a, s.b, "1"]] })), "/legs/0"),
    ];
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn wrong_text_is_refused_by_name() {
    let s = scene().await;
    let mut rows = Vec::new();
    let long = "x".repeat(10_000);
    for (what, name) in [
        ("empty", ""),
        ("blank", " \t "),
        ("10 kB", long.as_str()),
        ("201 bytes", &"é".repeat(101)),
        ("bidi override", "abc\u{202E}cba"),
        ("bidi isolate", "a\u{2066}b"),
        ("zero width", "a\u{200B}b"),
        ("NUL", "a\u{0}b"),
        ("newline", "a\nb"),
        ("escape", "a\u{1b}[31mb"),
        ("byte-order mark", "\u{FEFF}ab"),
        ("tag characters", "a\u{E0041}b"),
    ] {
        let put = |path: &str, body: Value| s.w.master.api.put(path, body);
        rows.push(field(what, s.create(json!({ "name": name })), "/name"));
        rows.push(field(what, put(&format!("/reseller/accounts/{}", s.a), json!({ "name": name })), "/name"));
        rows.push(field(what, s.create(json!({ "name": "X", "tags": { "a": name } })), "/tags/a"));
        let key = json!({ "name": name, "role": "viewer" });
        rows.push(field(what, s.w.master.api.post(&format!("/reseller/accounts/{}/keys", s.a), key), "/name"));
        let reference = json!({ "from": s.a, "to": s.b, "amount": "1", "reference": name });
        rows.push(field(what, s.w.master.api.pay(TRANSFER, reference), "/reference"));
    }
    for (what, body, pointer) in [
        ("no name", json!({}), "/name"),
        ("null name", json!({ "name": null }), "/name"),
        ("number as name", json!({ "name": 7 }), "/name"),
        ("operator as kind", json!({ "name": "X", "kind": "operator" }), "/kind"),
        ("capital kind", json!({ "name": "X", "kind": "Reseller" }), "/kind"),
        ("external id with space", json!({ "name": "X", "external_id": "a b" }), "/external_id"),
        ("long external id", json!({ "name": "X", "external_id": "x".repeat(129) }), "/external_id"),
        ("address without host", json!({ "name": "X", "email": "ada" }), "/email"),
        ("address with newline", json!({ "name": "X", "email": "ada@x.example\nBcc: all@x.example" }), "/email"),
        ("no such currency", json!({ "name": "X", "currency": "ZZZ" }), "/currency"),
        ("small currency", json!({ "name": "X", "currency": "usd" }), "/currency"),
        ("no such time zone", json!({ "name": "X", "settings": { "time_zone": "Mars/Olympus" } }), "/settings/time_zone"),
        ("path as time zone", json!({ "name": "X", "settings": { "time_zone": "../../etc/passwd" } }), "/settings/time_zone"),
        ("bad locale", json!({ "name": "X", "settings": { "locale": "english please" } }), "/settings/locale"),
        ("tags as list", json!({ "name": "X", "tags": ["a"] }), "/tags"),
        ("settings as list", json!({ "name": "X", "settings": ["Europe/Berlin", "de"] }), "/settings"),
        ("account as list", json!(["X"]), ""),
        (
            "21 tags",
            json!({ "name": "X", "tags": (0..21).map(|n| (format!("t{n}"), json!("v"))).collect::<serde_json::Map<_, _>>() }),
            "/tags",
        ),
    ] {
        rows.push(field(what, s.create(body), pointer));
    }
    for (what, rights) in [("no rights", json!([])), ("no list", json!("accounts.read"))] {
        let role = json!({ "name": "ops", "rights": rights });
        rows.push(field(what, s.w.master.api.post(&format!("/reseller/accounts/{}/roles", s.w.master.id), role), "/rights"));
    }
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn fields_that_a_request_does_not_have_are_named() {
    let s = scene().await;
    let (api, unknown) = (&s.w.master.api, |what, ask| row(what, ask, 400, "unknown_field"));
    let account = format!("/reseller/accounts/{}", s.a);
    let nested = json!({ "legs": [{ "from": s.a, "to": s.b, "amount": "1", "fee": "0" }] });
    let rows = vec![
        unknown("two", s.create(json!({ "name": "X", "role": "owner", "balance": "9" }))).at("/balance").at("/role"),
        unknown("tier", s.create(json!({ "name": "X", "tier": "gold" }))).at("/tier"),
        unknown("status", api.put(&account, json!({ "status": "active" }))).at("/status"),
        unknown("parent", api.put(&account, json!({ "name": "X", "parent_id": s.b }))).at("/parent_id"),
        unknown("currency", api.put(&account, json!({ "name": "X", "currency": "EUR" }))).at("/currency"),
        unknown("kind", api.pay(TRANSFER, json!({ "from": s.a, "to": s.b, "amount": "1", "kind": "issue" }))).at("/kind"),
        unknown("in a leg", api.pay("/reseller/credits/transfers", nested)).at("/legs/0/fee"),
        unknown("escaped", s.create(json!({ "name": "X", "a/b~c": 1 }))).at("/a~1b~0c"),
        unknown("in a body that says nothing", api.delete(&account).json(&json!({ "force": true }))).at("/force"),
        unknown("denies of a key", api.post(&format!("{account}/keys"), json!({ "name": "K", "role": "viewer", "denies": [] })))
            .at("/denies"),
    ];
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_malformed_id_is_a_wrong_field_in_a_body_and_absent_in_a_path() {
    let s = scene().await;
    let api = &s.w.master.api;
    let mut rows = Vec::new();
    for id in [
        "",
        "acc_",
        "acc",
        "x",
        "ACC_01HX3V9K2MFD8BQ5R7W1Z4N6TY",
        "txf_01hx3v9k2mfd8bq5r7w1z4n6ty",
        "acc_01hx3v9k2mfd8bq5r7w1z4n6t!",
        "acc_../../../x",
    ] {
        rows.push(field("from", api.pay(TRANSFER, json!({ "from": id, "to": s.b, "amount": "1" })), "/from"));
        rows.push(field("to", api.pay(TRANSFER, json!({ "from": s.a, "to": id, "amount": "1" })), "/to"));
        rows.push(field("parent", s.create(json!({ "name": "X", "parent_id": id })), "/parent_id"));
        let move_to = json!({ "parent_id": id });
        rows.push(field("move", api.post(&format!("/reseller/accounts/{}/move", s.a), move_to), "/parent_id"));
        let query = id.replace('!', "%21");
        rows.push(field("balance", api.get(&format!("/reseller/credits/balance?account_id={query}")), "/query/account_id"));
        rows.push(field("list", api.get(&format!("/reseller/accounts?parent_id={query}")), "/query/parent_id"));
    }
    for id in ["x", "acc_", "acc_1", "ACC_01HX3V9K2MFD8BQ5R7W1Z4N6TY", "%00", "..%2f..", "txf_01hx3v9k2mfd8bq5r7w1z4n6ty", "%F0%9F%92%A9"] {
        rows.push(row("account", api.get(&format!("/reseller/accounts/{id}")), 404, "not_found"));
        rows.push(row("suspend", api.delete(&format!("/reseller/accounts/{id}")), 404, "not_found"));
        rows.push(row("hold", api.get(&format!("/reseller/credits/holds/{id}")), 404, "not_found"));
        rows.push(row("key", api.delete(&format!("/reseller/accounts/{}/keys/{id}", s.a)), 404, "not_found"));
    }
    for (what, id) in [("transfer", "acc_01hx3v9k2mfd8bq5r7w1z4n6ty"), ("transfer", "txf_x")] {
        rows.push(row(what, api.get(&format!("/reseller/credits/transfers/{id}")), 404, "not_found"));
    }
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_wrong_idempotency_key_is_refused() {
    let s = scene().await;
    s.w.master.api.post(TRANSFER, json!({ "from": s.a, "to": s.b, "amount": "1" })).idem("used").send().await.is(201);
    let mut rows = vec![
        row("missing", s.pay(json!("1")).without("idempotency-key"), 400, "idempotency_key_missing"),
        row("reused", s.pay(json!("2")).idem("used"), 422, "idempotency_key_reused"),
    ];
    let long = "k".repeat(256);
    for key in ["", "a b", "a\tb", &long] {
        rows.push(row("malformed", s.pay(json!("1")).idem(key), 400, "idempotency_key_invalid"));
    }
    rows.push(row("not ASCII", s.pay(json!("1")).header("idempotency-key", &[b'a', 0xC3, 0xA9]), 400, "idempotency_key_invalid"));
    for path in ["/reseller/credits/issue", "/reseller/credits/allocate", "/reseller/credits/transfers", "/reseller/credits/holds"] {
        let body = json!({ "account_id": s.a, "amount": "1", "legs": [] });
        rows.push(row("missing", s.w.operator().post(path, body), 400, "idempotency_key_missing"));
    }
    refuses_all(&s.w, rows).await;
    s.pay(json!("1")).idem(&"k".repeat(255)).send().await.is(201);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let s = scene().await;
    let json_error = |what, body: &str| row(what, s.raw(body), 400, "invalid_json");
    let whole = json!({ "from": s.a, "to": s.b, "amount": "1" }).to_string();
    let mut rows = vec![
        json_error("nothing", ""),
        json_error("white space", "  \n"),
        json_error("half", &whole[..whole.len() / 2]),
        json_error("without its end", &whole[..whole.len() - 1]),
        json_error("something after it", &format!("{whole} {whole}")),
        json_error("NaN", "{\"amount\": NaN}"),
        json_error("single quotes", "{'amount': '1'}"),
        json_error("a comment", &format!("{whole} // x")),
        json_error("a trailing comma", "{\"amount\": \"1\",}"),
        json_error("deep", &format!("{}{}", "{\"x\":".repeat(20_000), "}".repeat(20_000))),
        json_error("deep lists", &format!("{{\"x\":{}", "[".repeat(100_000))),
        row("not UTF-8", s.w.master.api.pay(TRANSFER, json!({})).raw(b"{\"amount\": \"\xFF\"}"), 400, "invalid_json"),
        row("half a surrogate", s.raw("{\"amount\": \"\\ud800\"}"), 400, "invalid_json"),
        row("form", s.raw("from=a&to=b").header("content-type", b"application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
        row("plain", s.raw(&whole).header("content-type", b"text/plain"), 415, "unsupported_media_type"),
        row("no type", s.raw(&whole).without("content-type"), 415, "unsupported_media_type"),
        row("nearly JSON", s.raw(&whole).header("content-type", b"application/jsonp"), 415, "unsupported_media_type"),
    ];
    for body in ["[]", "null", "1", "\"x\"", "true"] {
        rows.push(field("no object", s.raw(body), ""));
    }
    for (what, bytes) in [("one byte too many", 256 * 1024 + 1), ("much too many", 5 * 1024 * 1024)] {
        rows.push(row(what, s.raw(&format!("{whole}{}", " ".repeat(bytes - whole.len()))), 413, "body_too_large"));
    }
    let size = |bytes: usize| s.raw(&format!("{{\"x\":\"{}\"}}", "y".repeat(bytes - 8)));
    rows.push(row("too large to look at", size(256 * 1024 + 1), 413, "body_too_large"));
    refuses_all(&s.w, rows).await;
    let padded = format!("{whole}{}", " ".repeat(256 * 1024 - whole.len()));
    s.raw(&padded).header("content-type", b"Application/JSON; charset=utf-8").send().await.is(201);
}

#[tokio::test]
async fn a_field_given_twice_is_refused() {
    let s = scene().await;
    let twice = format!("{{\"from\":\"{}\",\"to\":\"{}\",\"amount\":\"1\",\"amount\":\"2\"}}", s.a, s.b);
    let before = s.w.available(&s.a).await;
    s.raw(&twice).send().await.refused(400, "validation_failed");
    assert_eq!(s.w.available(&s.a).await, before);
}

#[tokio::test]
async fn a_wrong_query_is_refused_by_name() {
    let s = scene().await;
    let get = |path: &str| s.w.master.api.get(path);
    let (mut rows, account) = (Vec::new(), format!("/reseller/accounts/{}", s.a));
    let lists = ["/reseller/accounts", "/reseller/credits/history", "/reseller/credits/holds"].map(str::to_owned);
    let more = [format!("{account}/keys"), format!("{account}/members"), format!("{account}/roles"), format!("{account}/relationships")];
    for list in lists.iter().chain(&more) {
        for limit in ["0", "201", "-1", "1.5", "many", "", "99999999999999999999"] {
            rows.push(field("limit", get(&format!("{list}?limit={limit}")), "/query/limit"));
        }
        rows.push(field("twice", get(&format!("{list}?limit=1&limit=2")), "/query/limit"));
        rows.push(row("unknown", get(&format!("{list}?offset=3")), 400, "unknown_field").at("/query/offset"));
        for cursor in ["", "x", "AAAA", "%00", "../../x", &"A".repeat(400)] {
            rows.push(row("cursor", get(&format!("{list}?cursor={cursor}")), 400, "invalid_cursor"));
        }
    }
    for (path, pointer) in [
        ("/reseller/accounts?sort=age", "/query/sort"),
        ("/reseller/accounts?status=dead", "/query/status"),
        ("/reseller/accounts?kind=friend", "/query/kind"),
        ("/reseller/accounts?subtree=maybe", "/query/subtree"),
        ("/reseller/accounts?q=", "/query/q"),
        ("/reseller/accounts?q=%E2%80%AEx", "/query/q"),
        ("/reseller/credits/balance?subtree=1", "/query/subtree"),
        ("/reseller/credits/history?from=yesterday", "/query/from"),
        ("/reseller/credits/history?to=2026-13-01T00:00:00Z", "/query/to"),
        ("/reseller/credits/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/query/to"),
        ("/reseller/credits/history?kind=opened", "/query/kind"),
        ("/reseller/credits/history?kind=theft", "/query/kind"),
        ("/reseller/credits/holds?status=shut", "/query/status"),
    ] {
        rows.push(field("value", get(path), pointer));
    }
    for path in [account.clone(), "/reseller/credits/balance".to_owned(), format!("{account}/permissions")] {
        rows.push(row("unknown", get(&format!("{path}?verbose=1&a=2")), 400, "unknown_field").at("/query/a").at("/query/verbose"));
    }
    rows.push(field("key", get(&format!("{account}/permissions?key_id=x")), "/query/key_id"));
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_told_apart() {
    let s = scene().await;
    let (api, account) = (&s.w.master.api, format!("/reseller/accounts/{}", s.a));
    let call = |method: Method, path: &str| api.call(method, path);
    let mut rows = Vec::new();
    for path in [
        "/nothing",
        "/reseller",
        "/reseller/",
        "/reseller/accounts/",
        "//reseller/accounts",
        "/RESELLER/accounts",
        "/reseller/accounts/create/x",
        "/reseller/credits",
        "/%2e%2e/health",
        &format!("{account}/"),
        &format!("{account}/secrets"),
    ] {
        rows.push(row("no route", call(Method::GET, path), 404, "route_not_found"));
        rows.push(row("no route, no key", s.w.target.nobody.get(path), 404, "route_not_found"));
    }
    let wrong = [
        (Method::PATCH, account.clone(), "GET, PUT, DELETE"),
        (Method::POST, account.clone(), "GET, PUT, DELETE"),
        (Method::POST, "/reseller/accounts".to_owned(), "GET"),
        (Method::DELETE, "/reseller/credits/transfer".to_owned(), "POST"),
        (Method::GET, "/reseller/credits/transfer".to_owned(), "POST"),
        (Method::PUT, "/reseller/credits/holds".to_owned(), "POST, GET"),
        (Method::POST, "/health".to_owned(), "GET"),
    ];
    for (method, path, allowed) in wrong {
        rows.push(row("no method", call(method.clone(), &path), 405, "method_not_allowed"));
        let answer = call(method, &path).send().await.is(405);
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_wrong_credential_is_refused_alike_whatever_is_wrong_with_it() {
    let s = scene().await;
    let (nobody, good) = (&s.w.target.nobody, s.w.master.api.secret().to_owned());
    let path = "/reseller/credits/balance";
    let other = World::in_process().await;
    let mut swapped = good.clone();
    swapped.replace_range(20..21, if &good[20..21] == "A" { "B" } else { "A" });
    let mut details = std::collections::BTreeSet::new();
    let mut rows = vec![row("none", nobody.get(path), 401, "unauthorized")];
    for header in [
        String::new(),
        good.clone(),
        format!("Basic {good}"),
        format!("Token {good}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {good}x"),
        format!("Bearer {}", &good[..good.len() - 1]),
        format!("Bearer {swapped}"),
        format!("Bearer {}", good.to_uppercase()),
        format!("Bearer {}", good.replacen("rk_test_", "rk_live_", 1)),
        format!("Bearer \"{good}\""),
        format!("Bearer {good} {good}"),
        format!("Bearer {good},Bearer {good}"),
        format!("Bearer {}", other.master.api.secret()),
        format!("Bearer {}", "A".repeat(7000)),
        "Bearer ../../../etc/passwd".to_owned(),
    ] {
        // Two platforms with one pepper and one table each: the other's key is well-formed and unknown here.
        let answer = nobody.get(path).header("authorization", header.as_bytes()).send().await.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        details.insert(answer.text.replace(answer.word("request_id"), ""));
        rows.push(row("header", nobody.get(path).header("authorization", header.as_bytes()), 401, "unauthorized"));
    }
    assert_eq!(details.len(), 1, "{details:?}");
    rows.push(row("not ASCII", nobody.get(path).header("authorization", b"Bearer \xC3\xA9"), 401, "unauthorized"));
    rows.push(row("in the query", nobody.get(&format!("{path}?api_key={good}")), 401, "unauthorized"));
    // Who has no key is not told what else is wrong.
    rows.push(row("wrong body", nobody.pay(TRANSFER, json!({})).raw(b"{"), 401, "unauthorized"));
    rows.push(row("large body", nobody.pay(TRANSFER, json!({})).raw(&vec![b' '; 300 * 1024]), 401, "unauthorized"));
    refuses_all(&s.w, rows).await;
    nobody.get(path).header("authorization", format!("bearer {good}").as_bytes()).send().await.is(200);
}

#[tokio::test]
async fn what_cannot_be_sold_or_bought_is_refused_by_name() {
    let s = scene().await;
    let api = &s.w.master.api;
    let package = |change: Value| {
        let mut body = json!({ "name": "P", "credits": "100", "price": "90" });
        crate::support::world::merge(&mut body, change);
        api.post("/reseller/pricing/packages", body)
    };
    let bulk = |bands: Value| api.put("/reseller/pricing/bulk-discounts", json!({ "bands": bands }));
    let buy = |body: Value| api.pay("/reseller/credits/purchase", body);
    let quote = |credits: Value| api.post("/reseller/pricing/packages/quote", json!({ "account_id": s.a, "credits": credits }));
    let pkg = "pkg_01hx3v9k2mfd8bq5r7w1z4n6ty";
    let mut rows = vec![
        field("half a credit", package(json!({ "credits": "0.5" })), "/credits"),
        field("too many credits", package(json!({ "credits": "1000000001" })), "/credits"),
        field("half a bonus", package(json!({ "bonus": "0.000001" })), "/bonus"),
        field("a negative bonus", package(json!({ "bonus": "-1" })), "/bonus"),
        field("a negative price", package(json!({ "price": "-1" })), "/price"),
        field("a number as price", package(json!({ "price": 90 })), "/price"),
        field("free for ever", package(json!({ "price": "0" })), "/max_per_account"),
        field("valid for no day", package(json!({ "valid_days": 0 })), "/valid_days"),
        field("valid too long", package(json!({ "valid_days": 3651 })), "/valid_days"),
        field("valid for half a day", package(json!({ "valid_days": 0.5 })), "/valid_days"),
        field("none for an account", package(json!({ "max_per_account": 0 })), "/max_per_account"),
        field("before any year", package(json!({ "available_from": "-000001-12-31T00:00:00Z" })), "/available_from"),
        field("over already", package(json!({ "available_until": "2026-11-02T08:00:00Z" })), "/available_until"),
        field(
            "over before it begins",
            package(json!({ "available_from": "2027-01-02T00:00:00Z", "available_until": "2027-01-01T00:00:00Z" })),
            "/available_until",
        ),
        row("another currency", package(json!({ "currency": "EUR" })), 422, "currency_mismatch").at("/currency"),
        row("an unknown field", package(json!({ "discount": "5" })), 400, "unknown_field").at("/discount"),
        row("sold by a customer", package(json!({ "seller_id": s.a })), 422, "parent_is_customer"),
        row("sold by a stranger", package(json!({ "seller_id": s.euro })), 404, "not_found"),
        row("retired, absent", api.post(&format!("/reseller/pricing/packages/{pkg}/retire"), json!({})), 404, "not_found"),
        row(
            "both catalogues",
            api.get(&format!("/reseller/pricing/packages?seller_id={0}&account_id={0}", s.w.master.id)),
            400,
            "validation_failed",
        )
        .at("/query/account_id"),
        field("bands that fall", bulk(json!([{ "from": "10", "discount": "5" }, { "from": "9", "discount": "6" }])), "/bands/1/from"),
        field(
            "discounts that fall",
            bulk(json!([{ "from": "10", "discount": "5" }, { "from": "20", "discount": "5" }])),
            "/bands/1/discount",
        ),
        field("all of it off", bulk(json!([{ "from": "10", "discount": "100" }])), "/bands/0/discount"),
        field("from half a credit", bulk(json!([{ "from": "1.5", "discount": "1" }])), "/bands/0/from"),
        field("nothing to buy", buy(json!({ "account_id": s.a })), "/package_id"),
        field("both to buy", buy(json!({ "account_id": s.a, "package_id": pkg, "credits": "1" })), "/credits"),
        field("none of a package", buy(json!({ "account_id": s.a, "package_id": pkg, "quantity": 0 })), "/quantity"),
        field("101 of a package", buy(json!({ "account_id": s.a, "package_id": pkg, "quantity": 101 })), "/quantity"),
        field("some of loose credits", buy(json!({ "account_id": s.a, "credits": "5", "quantity": 2 })), "/quantity"),
        field("half a loose credit", buy(json!({ "account_id": s.a, "credits": "0.5" })), "/credits"),
        row("an absent package", buy(json!({ "account_id": s.a, "package_id": pkg })), 404, "not_found"),
        row("for a stranger", buy(json!({ "account_id": s.euro, "package_id": pkg })), 404, "not_found"),
        row("loose where none are sold", buy(json!({ "account_id": s.a, "credits": "5" })), 422, "package_unavailable"),
        row("without a key", buy(json!({ "credits": "5" })).without("idempotency-key"), 400, "idempotency_key_missing"),
        row(
            "a quote for a stranger",
            api.post("/reseller/pricing/packages/quote", json!({ "account_id": s.euro, "credits": "1" })),
            404,
            "not_found",
        ),
        row("a quote where nothing is sold", quote(json!("1")), 422, "package_unavailable"),
    ];
    for credits in [json!("0"), json!("1.5"), json!("-1"), json!("1000000001"), json!(5), json!(null)] {
        rows.push(field("a quote", quote(credits), "/credits"));
    }
    refuses_all(&s.w, rows).await;
}
