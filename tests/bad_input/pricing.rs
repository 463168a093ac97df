//! Wrong prices: gaps, overlaps, numbers out of range, times that run backwards, other people's accounts.

use serde_json::{Value, json};

use super::{ABSENT, Row, field, refuses_all, row};
use crate::support::world::World;

/// A master with a meter and a price of its own from an hour ago, a customer below it, and an account in another currency.
struct Scene {
    w: World,
    customer: String,
    deep: String,
    euro: String,
}

async fn scene() -> Scene {
    let w = World::in_process().await;
    let customer = w.child_of(&w.master.id).await;
    let reseller = w.reseller_of(&w.master.id).await.id;
    let deep = w.child_of(&reseller).await;
    let euro = w.other_master(json!({ "currency": "EUR" })).await.id;
    let meter = json!({ "key": "calls", "name": "Calls", "unit": "call", "aggregation": "sum" });
    w.master.api.post("/reseller/pricing/meters", meter).send().await.is(201);
    let card = json!({ "meter": "calls", "model": flat(json!("0.05")), "effective_from": w.target.time_in_s(-3600) });
    w.master.api.post("/reseller/pricing/rate-cards", card).send().await.is(201);
    w.master.api.post("/reseller/pricing/markups", json!({ "percent": "5" })).send().await.is(201);
    Scene { w, customer, deep, euro }
}

fn flat(price: Value) -> Value {
    json!({ "type": "flat", "unit_price": price })
}

fn band(from: &str, to: Value, price: &str) -> Value {
    json!({ "from": from, "to": to, "unit_price": price })
}

/// A body with one member set.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn a_wrong_meter_is_refused_by_name() {
    let s = scene().await;
    let api = &s.w.master.api;
    let good = json!({ "key": "new", "name": "New", "unit": "x", "aggregation": "sum" });
    let post = |body: Value| api.post("/reseller/pricing/meters", body);
    let mut rows = Vec::new();
    for key in [json!(""), json!("Calls"), json!("1x"), json!("a b"), json!("x".repeat(41)), json!("ä"), json!(7), json!(null)] {
        rows.push(field("key", post(with(good.clone(), "key", key)), "/key"));
    }
    for aggregation in [json!("avg"), json!(""), json!(1)] {
        rows.push(field("aggregation", post(with(good.clone(), "aggregation", aggregation)), "/aggregation"));
    }
    rows.push(field("six", post(with(good.clone(), "dimensions", json!(["a", "b", "c", "d", "e", "f"]))), "/dimensions"));
    rows.push(field("twice", post(with(good.clone(), "dimensions", json!(["a", "a"]))), "/dimensions/1"));
    rows.push(field("slug", post(with(good.clone(), "dimensions", json!(["a", "B"]))), "/dimensions/1"));
    rows.push(field("unique without", post(with(good.clone(), "aggregation", json!("unique"))), "/unique_by"));
    rows.push(field(
        "unique by what is not kept",
        post(with(with(good.clone(), "aggregation", json!("unique")), "unique_by", json!("a"))),
        "/unique_by",
    ));
    rows.push(field("unique of a sum", post(with(with(good.clone(), "dimensions", json!(["a"])), "unique_by", json!("a"))), "/unique_by"));
    rows.push(row("there", post(with(good.clone(), "key", json!("calls"))), 409, "already_exists").at("/key"));
    rows.push(row("foreign", post(with(good.clone(), "account_id", json!(s.euro))), 404, "not_found"));
    rows.push(row("unknown", post(with(good, "price", json!("1"))), 400, "unknown_field").at("/price"));
    rows.push(row("no such meter", api.put("/reseller/pricing/meters/none", json!({ "name": "X" })), 404, "not_found"));
    rows.push(row("no key", api.put("/reseller/pricing/meters/NONE", json!({ "name": "X" })), 404, "not_found"));
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_wrong_price_model_is_refused_by_the_pointer_of_its_part() {
    let s = scene().await;
    let post = |model: Value| s.w.master.api.post("/reseller/pricing/rate-cards", json!({ "meter": "calls", "model": model }));
    let bands = |bands: Value| post(json!({ "type": "graduated", "bands": bands }));
    let end = Value::Null;
    let mut rows = Vec::new();
    for price in ["-0.01", "1e3", "", "1000000.1", "0.0000000000001", "NaN", "1,5"] {
        rows.push(field("price", post(flat(json!(price))), "/model/unit_price"));
    }
    rows.push(field("a number", post(flat(json!(0.05))), "/model/unit_price"));
    for model in
        [json!({ "type": "flat" }), json!({ "type": "flat", "unit_price": "1", "size": "5" }), json!({ "type": "minimum", "minimum": "1" })]
    {
        rows.push(field("members", post(model), "/model"));
    }
    rows.push(field("type", post(json!({ "type": "free" })), "/model/type"));
    rows.push(field("none", bands(json!([])), "/model/bands"));
    rows.push(field("gap", bands(json!([band("0", json!("10"), "1"), band("11", end.clone(), "1")])), "/model/bands/1/from"));
    rows.push(field("overlap", bands(json!([band("0", json!("10"), "1"), band("9", end.clone(), "1")])), "/model/bands/1/from"));
    rows.push(field("not from zero", bands(json!([band("1", end.clone(), "1")])), "/model/bands/0/from"));
    rows.push(field("backwards", bands(json!([band("0", json!("0"), "1"), band("0", end.clone(), "1")])), "/model/bands/0/to"));
    rows.push(field("no end", bands(json!([band("0", json!("10"), "1")])), "/model/bands/0/to"));
    rows.push(field("an end too early", bands(json!([band("0", end.clone(), "1"), band("10", end.clone(), "1")])), "/model/bands/0/to"));
    rows.push(field("negative", bands(json!([band("0", end.clone(), "-1")])), "/model/bands/0/unit_price"));
    let many: Vec<Value> =
        (0..51).map(|n| band(&n.to_string(), if n == 50 { end.clone() } else { json!((n + 1).to_string()) }, "1")).collect();
    rows.push(field("many", bands(json!(many)), "/model/bands"));
    rows.push(field("size", post(json!({ "type": "package", "size": "0", "price": "1" })), "/model/size"));
    rows.push(field("price", post(json!({ "type": "package", "size": "1", "price": "-1" })), "/model/price"));
    let nested = json!({ "type": "minimum", "minimum": "1", "model": { "type": "minimum", "minimum": "1", "model": flat(json!("1")) } });
    rows.push(field("nested", post(nested), "/model/model/type"));
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_price_that_does_not_fit_its_place_or_time_is_refused() {
    let s = scene().await;
    let api = &s.w.master.api;
    let (cards, markups) = ("/reseller/pricing/rate-cards", "/reseller/pricing/markups");
    let good = json!({ "meter": "calls", "model": flat(json!("1")) });
    let card = |name: &str, value: Value| api.post(cards, with(good.clone(), name, value));
    let past = json!(s.w.target.time_in_s(-60));
    let mut rows: Vec<Row> = vec![
        row("backdated", card("effective_from", past.clone()), 422, "price_backdated").at("/effective_from"),
        row("before the newest", card("effective_from", json!(s.w.target.time_in_s(-7200))), 422, "price_backdated").at("/effective_from"),
        field("no time", card("effective_from", json!("tomorrow")), "/effective_from"),
        row("currency", card("currency", json!("EUR")), 422, "currency_mismatch").at("/currency"),
        field("no currency", card("currency", json!("XXX")), "/currency"),
        row("no meter", card("meter", json!("none")), 422, "unknown_meter"),
        row("too deep", card("account_id", json!(s.deep)), 422, "not_a_buyer").at("/account_id"),
        row("itself", card("account_id", json!(s.w.master.id)), 422, "not_a_buyer").at("/account_id"),
        row("foreign", card("account_id", json!(s.euro)), 404, "not_found"),
        row("absent", card("account_id", json!(ABSENT)), 404, "not_found"),
        row("foreign seller", card("seller_id", json!(s.euro)), 404, "not_found"),
        row("a customer's", card("seller_id", json!(s.customer)), 422, "parent_is_customer"),
        row("in force", api.get(&format!("{cards}?account_id={}", s.deep)), 422, "not_a_buyer").at("/account_id"),
        row("no card", api.delete(&format!("{cards}/rcd_01hx3v9k2mfd8bq5r7w1z4n6ty")), 404, "not_found"),
        row("no id", api.delete(&format!("{cards}/x")), 404, "not_found"),
        row("backdated", api.post(markups, json!({ "percent": "1", "effective_from": past })), 422, "price_backdated")
            .at("/effective_from"),
        field("both", api.post(markups, json!({ "percent": "1", "fixed": "1" })), ""),
        field("neither", api.post(markups, json!({})), ""),
        field("too much", api.post(markups, json!({ "percent": "10000.0001" })), "/percent"),
        field("too little", api.post(markups, json!({ "percent": "-100.1", "allow_loss": true })), "/percent"),
        field("a loss", api.post(markups, json!({ "percent": "-1" })), "/percent"),
        field("a loss", api.post(markups, json!({ "fixed": "-1" })), "/fixed"),
        field("too precise", api.post(markups, json!({ "percent": "1.00001" })), "/percent"),
        field("currency of a percentage", api.post(markups, json!({ "percent": "1", "currency": "USD" })), "/currency"),
        row("currency", api.post(markups, json!({ "fixed": "1", "currency": "EUR" })), 422, "currency_mismatch").at("/currency"),
        field("inherited by one", api.post(markups, json!({ "percent": "1", "inherit": true, "account_id": s.customer })), "/inherit"),
        row("no meter", api.post(markups, json!({ "percent": "1", "meter": "none" })), 422, "unknown_meter"),
    ];
    let tiers = |tiers: Value| api.put("/reseller/pricing/tiers", json!({ "tiers": tiers }));
    let tier = |name: &str, from: &str, discount: &str| json!({ "name": name, "from": from, "discount": discount });
    rows.extend([
        field("falling", tiers(json!([tier("a", "10", "5"), tier("b", "9", "6")])), "/tiers/1/from"),
        field("no more", tiers(json!([tier("a", "10", "5"), tier("b", "11", "5")])), "/tiers/1/discount"),
        field("twice", tiers(json!([tier("a", "10", "5"), tier("a", "11", "6")])), "/tiers/1/name"),
        field("none", tiers(json!([tier("none", "10", "5")])), "/tiers/0/name"),
        field("zero", tiers(json!([tier("a", "0", "5")])), "/tiers/0/from"),
        field("more than all", tiers(json!([tier("a", "1", "100.5")])), "/tiers/0/discount"),
        field("negative", tiers(json!([tier("a", "1", "-1")])), "/tiers/0/discount"),
        field("many", tiers((0..21).map(|n| tier(&format!("t{n}"), &(n + 1).to_string(), &n.to_string())).collect()), "/tiers"),
        row("stale", tiers(json!([])).if_match("\"99\""), 412, "precondition_failed"),
    ]);
    refuses_all(&s.w, rows).await;
}

#[tokio::test]
async fn a_wrong_promotion_quote_or_what_if_is_refused() {
    let s = scene().await;
    let api = &s.w.master.api;
    let at = |seconds: i64| json!(s.w.target.time_in_s(seconds));
    let good = json!({ "name": "P", "ends_at": at(86_400), "percent": "10" });
    let post = |name: &str, value: Value| api.post("/reseller/pricing/promotions", with(good.clone(), name, value));
    let quote = |body: Value| api.post("/reseller/pricing/quote", body);
    let what_if = |body: Value| api.post("/reseller/pricing/what-if", body);
    let line = json!({ "meter": "calls", "quantity": "1" });
    let draft = json!({ "meter": "calls", "model": flat(json!("1")) });
    let mut rows = vec![
        field("ends before it starts", post("ends_at", at(-1)), "/ends_at"),
        field("ends when it starts", post("starts_at", at(86_400)), "/ends_at"),
        row("in the past", post("starts_at", at(-60)), 422, "price_backdated").at("/starts_at"),
        field("nothing off", post("percent", json!("0")), "/percent"),
        field("more than all", post("percent", json!("100.0001")), "/percent"),
        field("both", post("fixed", json!("1")), ""),
        field("cap", post("cap", json!("0")), "/cap"),
        field("code", post("code", json!("Spring 27")), "/code"),
        field("funder", post("funded_by", json!("nobody")), "/funded_by"),
        row("meter", post("meters", json!(["calls", "none"])), 422, "unknown_meter"),
        row("not below", post("account_id", json!(s.w.master.id)), 422, "not_a_buyer").at("/account_id"),
        row("foreign", post("account_id", json!(s.euro)), 404, "not_found"),
        row("currency", post("currency", json!("EUR")), 422, "currency_mismatch").at("/currency"),
        row("no promotion", api.post("/reseller/pricing/promotions/prm_01hx3v9k2mfd8bq5r7w1z4n6ty/end", json!({})), 404, "not_found"),
        row("no code", api.post("/reseller/pricing/promotions/redeem", json!({ "code": "none" })), 404, "not_found"),
        field("nothing", quote(json!({})), "/meter"),
        field("half", quote(json!({ "meter": "calls" })), "/quantity"),
        field("both", quote(with(line.clone(), "lines", json!([line]))), "/lines"),
        field("no lines", quote(json!({ "lines": [] })), "/lines"),
        field("many lines", quote(json!({ "lines": vec![line.clone(); 101] })), "/lines"),
        field("long ago", quote(with(line.clone(), "at", at(-36 * 86_400))), "/at"),
        field("far ahead", quote(with(line.clone(), "at", at(367 * 86_400))), "/at"),
        row("no meter", quote(with(line.clone(), "meter", json!("none"))), 422, "unknown_meter"),
        row("foreign", quote(with(line.clone(), "account_id", json!(s.euro))), 404, "not_found"),
        field("too much", what_if(json!({ "month": "2026-11", "markup": { "percent": "10000.1" } })), "/markup/percent"),
        field("tomorrow", what_if(json!({ "month": "2026-12", "card": draft })), "/month"),
        field("no month", what_if(json!({ "month": "2026-13", "card": draft })), "/month"),
        field("neither", what_if(json!({ "month": "2026-11" })), ""),
        field("both", what_if(json!({ "month": "2026-11", "card": draft, "markup": { "percent": "1" } })), ""),
        field("no rule", what_if(json!({ "month": "2026-11", "markup": {} })), "/markup"),
        field(
            "model",
            what_if(json!({ "month": "2026-11", "card": with(draft.clone(), "model", flat(json!("-1"))) })),
            "/card/model/unit_price",
        ),
        row(
            "too deep",
            what_if(json!({ "month": "2026-11", "card": with(draft.clone(), "account_id", json!(s.deep)) })),
            422,
            "not_a_buyer",
        )
        .at("/card/account_id"),
        row("the operator", s.w.operator().get("/reseller/pricing/resolve?meter=calls"), 422, "not_a_buyer"),
        field("no meter", api.get("/reseller/pricing/resolve"), "/query/meter"),
        field("no time", api.get("/reseller/pricing/resolve?meter=calls&at=now"), "/query/at"),
        field("status", api.get("/reseller/pricing/promotions?status=over"), "/query/status"),
    ];
    for quantity in [json!("-1"), json!("1.0000001"), json!("1e3"), json!(null), json!("1000000000.000001"), json!(1e30), json!("")] {
        let pointer = if quantity.is_null() { "/quantity" } else { "/lines/0/quantity" };
        let body = if quantity.is_null() {
            with(line.clone(), "quantity", quantity)
        } else {
            json!({ "lines": [with(line.clone(), "quantity", quantity)] })
        };
        rows.push(field("quantity", quote(body), pointer));
    }
    for list in ["meters", "rate-cards", "markups", "promotions"] {
        let list = format!("/reseller/pricing/{list}");
        rows.push(field("limit", api.get(&format!("{list}?limit=0")), "/query/limit"));
        rows.push(row("cursor", api.get(&format!("{list}?cursor=x")), 400, "invalid_cursor"));
        rows.push(row("unknown", api.get(&format!("{list}?offset=3")), 400, "unknown_field").at("/query/offset"));
    }
    refuses_all(&s.w, rows).await;
}
