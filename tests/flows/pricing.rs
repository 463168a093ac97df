//! Prices: meters, rate cards, markups, promotions, tiers, quotes, and why a price is what it is.

use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::world::{Node, World, column, every_row};

const METERS: &str = "/reseller/pricing/meters";
const CARDS: &str = "/reseller/pricing/rate-cards";
const MARKUPS: &str = "/reseller/pricing/markups";
const PROMOTIONS: &str = "/reseller/pricing/promotions";
const TIERS: &str = "/reseller/pricing/tiers";
const QUOTE: &str = "/reseller/pricing/quote";
const RESOLVE: &str = "/reseller/pricing/resolve";

/// A master, a reseller below it and a customer below that, and a meter of the operator that costs 0.04 a message.
struct Scene {
    w: World,
    meter: String,
    reseller: Node,
    customer: String,
}

fn flat(price: &str) -> Value {
    json!({ "type": "flat", "unit_price": price })
}

/// The answer's first error's pointer.
fn pointer(answer: &Answer) -> &str {
    answer["errors"][0]["pointer"].as_str().unwrap_or_default()
}

impl Scene {
    async fn new() -> Self {
        let w = World::new().await;
        let meter = meter(&w, w.operator(), json!({})).await;
        let reseller = w.reseller_of(&w.master.id).await;
        let customer = w.child_of(&reseller.id).await;
        card(w.operator(), json!({ "meter": meter, "currency": "USD", "model": flat("0.04") })).await;
        Self { w, meter, reseller, customer }
    }

    async fn quote(&self, api: &Api, account: &str, quantity: &str) -> Answer {
        api.post(QUOTE, json!({ "account_id": account, "meter": self.meter, "quantity": quantity })).send().await
    }

    async fn price(&self, quantity: &str) -> String {
        self.quote(self.w.operator(), &self.customer, quantity).await.is(200).word("price").to_owned()
    }
}

async fn meter(w: &World, api: &Api, more: Value) -> String {
    let key = w.unique("m").to_lowercase();
    let mut body = json!({ "key": key, "name": "Messages", "unit": "message", "aggregation": "sum" });
    crate::support::world::merge(&mut body, more);
    api.post(METERS, body).send().await.is(201);
    key
}

async fn card(api: &Api, body: Value) -> Answer {
    api.post(CARDS, body).send().await.is(201)
}

#[tokio::test]
async fn a_meter_is_used_by_all_below_its_owner_and_its_key_is_unique_along_a_lineage() {
    let s = Scene::new().await;
    let own =
        meter(&s.w, &s.w.master.api, json!({ "aggregation": "unique", "dimensions": ["user", "country"], "unique_by": "user" })).await;
    let rows = every_row(&s.reseller.api, METERS, 2).await;
    let find = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key} in {rows:?}"));
    assert_eq!((&find(&s.meter)["inherited"], &find(&own)["inherited"]), (&json!(true), &json!(true)));
    assert_eq!((&find(&own)["unique_by"], &find(&own)["counts_to_tier"]), (&json!("user"), &json!(true)));
    let mine = every_row(&s.w.master.api, METERS, 50).await;
    assert!(mine.iter().any(|row| row["key"] == own.as_str() && row["inherited"] == false));
    // What is further up is not told apart, nor whose it is.
    let taken = json!({ "key": own, "name": "Mine", "unit": "x", "aggregation": "sum" });
    let refused = s.reseller.api.post(METERS, taken).send().await.refused(409, "already_exists");
    assert_eq!(pointer(&refused), "/key");
    assert!(!refused.text.contains(&s.w.master.id), "{}", refused.text);
    let other = s.w.other_master(json!({})).await;
    let elsewhere = json!({ "key": own, "name": "Another tree's", "unit": "x", "aggregation": "count" });
    other.api.post(METERS, elsewhere).send().await.is(201);
    assert!(!column(&every_row(&s.reseller.api, METERS, 50).await, "name").contains(&"Another tree's".to_owned()));
}

#[tokio::test]
async fn a_meter_is_edited_under_its_books_version_but_not_in_what_its_totals_rest_on() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let key = meter(&s.w, api, json!({})).await;
    let path = format!("{METERS}/{key}");
    let version = api.get(METERS).send().await.is(200).header("etag").to_owned();
    let edited = api.put(&path, json!({ "name": "Texts", "counts_to_tier": false })).if_match(&version).send().await.is(200);
    assert_eq!((edited.word("name"), &edited["counts_to_tier"], edited.word("unit")), ("Texts", &json!(false), "message"));
    api.put(&path, json!({ "name": "Again" })).if_match(&version).send().await.refused(412, "precondition_failed");
    api.put(&path, json!({ "name": "Again" })).if_match(edited.header("etag")).send().await.is(200);
    api.put(&path, json!({ "aggregation": "max" })).send().await.refused(400, "unknown_field");
    api.put(&path, json!({})).send().await.refused(400, "validation_failed");
    // A meter of somebody further up is none of one's own.
    api.put(&format!("{METERS}/{}", s.meter), json!({ "name": "Mine" })).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn prices_pass_down_the_tree_with_what_each_seller_adds() {
    let s = Scene::new().await;
    assert_eq!(s.price("100").await, "4.000000", "without anything between it is the operator's card");
    let markup = |percent: &str| json!({ "percent": percent });
    s.w.master.api.post(MARKUPS, markup("25")).send().await.is(201);
    s.reseller.api.post(MARKUPS, json!({ "meter": s.meter, "fixed": "0.01" })).send().await.is(201);
    assert_eq!(s.price("100").await, "6.000000", "0.04 + 25 % + 0.01");
    card(&s.reseller.api, json!({ "meter": s.meter, "model": flat("0.09") })).await;
    assert_eq!(s.price("100").await, "9.000000", "a card goes before a markup");
    let only = json!({ "account_id": s.customer, "meter": s.meter, "model": flat("0.07") });
    card(&s.reseller.api, only).await;
    assert_eq!(s.price("100").await, "7.000000", "a card for the very account goes before one for all");
    let beside = s.w.child_of(&s.reseller.id).await;
    assert_eq!(s.quote(&s.reseller.api, &beside, "100").await.is(200).word("price"), "9.000000");
}

#[tokio::test]
async fn a_quote_shows_each_sale_below_the_caller_and_of_its_own_purchase_the_price_alone() {
    let s = Scene::new().await;
    s.w.master.api.post(MARKUPS, json!({ "percent": "25", "inherit": true })).send().await.is(201);
    let shown = s.quote(&s.reseller.api, &s.customer, "1000").await.is(200);
    assert_eq!((shown.word("price"), shown.word("amount"), shown.word("currency")), ("62.500000", "62.500000", "USD"));
    let levels = shown["lines"][0]["levels"].as_array().expect("levels").clone();
    assert_eq!(levels.len(), 1, "the reseller's own sale: {levels:?}");
    assert_eq!((&levels[0]["payer_id"], &levels[0]["seller_id"]), (&json!(s.customer), &json!(s.reseller.id)));
    assert_eq!((&levels[0]["cost"], &levels[0]["margin"]), (&json!("50.000000"), &json!("12.500000")));
    assert_eq!((&levels[0]["rule"]["kind"], &levels[0]["rule"]["id"]), (&json!("inherited_markup"), &Value::Null));
    assert!(!shown.text.contains(&s.w.master.id) && !shown.text.contains("mkp_"), "{}", shown.text);
    let whole = s.quote(s.w.operator(), &s.customer, "1000").await.is(200);
    let rules: Vec<&Value> = whole["lines"][0]["levels"].as_array().expect("levels").iter().map(|level| &level["rule"]["kind"]).collect();
    assert_eq!(rules, ["inherited_markup", "markup", "card"], "the operator sees all of it");
    let bought = s.quote(&s.reseller.api, &s.reseller.id, "1000").await.is(200);
    assert_eq!((bought.word("price"), &bought["lines"][0]["levels"]), ("50.000000", &json!([])));
}

#[tokio::test]
async fn lines_of_a_quote_are_priced_one_after_another_and_change_nothing() {
    let s = Scene::new().await;
    let bands = json!([{ "from": "0", "to": "1000", "unit_price": "0.05" }, { "from": "1000", "to": null, "unit_price": "0.04" }]);
    let model = json!({ "type": "graduated", "bands": bands });
    card(&s.w.master.api, json!({ "meter": s.meter, "model": model })).await;
    let line = |quantity: Value| json!({ "meter": s.meter, "quantity": quantity });
    for _ in 0..2 {
        let body = json!({ "account_id": s.customer, "lines": [line(json!("900")), line(json!(200)), line(json!(0.5))] });
        let quoted = s.w.operator().post(QUOTE, body).send().await.is(200);
        let lines = quoted["lines"].as_array().expect("lines").clone();
        let prices: Vec<&Value> = lines.iter().map(|line| &line["price"]).collect();
        assert_eq!(prices, ["45.000000", "9.000000", "0.020000"]);
        assert_eq!((&lines[1]["position"], quoted.word("price")), (&json!("900.000000"), "54.020000"));
        let words = lines[1]["levels"][1]["explanation"][0]["detail"].as_str().expect("words").to_owned();
        assert!(words.contains("graduated") && words.contains("rcd_"), "{words}");
    }
    // A count meter's quantity is the number of events.
    let count = meter(&s.w, s.w.operator(), json!({ "aggregation": "count" })).await;
    card(s.w.operator(), json!({ "meter": count, "currency": "USD", "model": flat("2") })).await;
    let body = json!({ "account_id": s.customer, "meter": count, "quantity": "3" });
    assert_eq!(s.w.operator().post(QUOTE, body).send().await.is(200).word("price"), "6.000000");
}

#[tokio::test]
async fn a_price_takes_over_on_its_day_and_is_withdrawn_only_before_that() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let first = card(api, json!({ "meter": s.meter, "model": flat("0.05"), "effective_from": s.w.target.time_in_s(-30 * 86_400) })).await;
    assert_eq!((first.word("status"), &first["effective_until"]), ("in_force", &Value::Null));
    let takes_over = s.w.target.time_in_s(3600);
    let next = card(api, json!({ "meter": s.meter, "model": flat("0.06"), "effective_from": takes_over })).await;
    assert_eq!(next.word("status"), "scheduled");
    let rows = every_row(api, &format!("{CARDS}?meter={}", s.meter), 1).await;
    assert_eq!((column(&rows, "id"), column(&rows, "status")), (vec![first.id(), next.id()], vec!["in_force".into(), "scheduled".into()]));
    assert_eq!(rows[0]["effective_until"], next["effective_from"]);
    let ahead = json!({ "account_id": s.customer, "meter": s.meter, "quantity": "1", "at": s.w.target.time_in_s(7200) });
    assert_eq!(api.post(QUOTE, ahead).send().await.is(200).word("price"), "0.060000");

    for at in [s.w.target.time_in_s(-3600), s.w.target.time_in_s(60), takes_over] {
        let late = json!({ "meter": s.meter, "model": flat("0.06"), "effective_from": at });
        let refused = api.post(CARDS, late).send().await.refused(422, "price_backdated");
        assert_eq!(pointer(&refused), "/effective_from", "{at}");
    }
    let other = meter(&s.w, api, json!({})).await;
    let too_far = json!({ "meter": other, "model": flat("1"), "effective_from": s.w.target.time_in_s(-36 * 86_400) });
    api.post(CARDS, too_far).send().await.refused(422, "price_backdated");

    api.delete(&format!("{CARDS}/{}", first.id())).send().await.refused(409, "price_in_force");
    assert_eq!(api.delete(&format!("{CARDS}/{}", next.id())).send().await.is(200).word("status"), "withdrawn");
    api.delete(&format!("{CARDS}/{}", next.id())).send().await.refused(404, "not_found");
    assert_eq!(every_row(api, &format!("{CARDS}?meter={}", s.meter), 50).await.len(), 1);
}

#[tokio::test]
async fn a_price_under_cost_is_refused_unless_the_loss_is_wanted() {
    let s = Scene::new().await;
    let body = |price: &str, more: Value| {
        let mut body = json!({ "meter": s.meter, "model": flat(price) });
        crate::support::world::merge(&mut body, more);
        body
    };
    let refused = s.w.master.api.post(CARDS, body("0.03", json!({}))).send().await.refused(422, "under_cost");
    assert_eq!((pointer(&refused), refused.word("price"), refused.word("cost")), ("/model", "0.030000", "0.040000"));
    let last_band = json!([{ "from": "0", "to": "10", "unit_price": "1" }, { "from": "10", "to": null, "unit_price": "0.01" }]);
    let model = json!({ "meter": s.meter, "model": { "type": "graduated", "bands": last_band } });
    s.w.master.api.post(CARDS, model).send().await.refused(422, "under_cost");
    let negative = s.w.master.api.post(MARKUPS, json!({ "percent": "-10" })).send().await.refused(400, "validation_failed");
    assert_eq!(pointer(&negative), "/percent");
    card(&s.w.master.api, body("0.03", json!({ "allow_loss": true }))).await;
    assert_eq!(s.price("10").await, "0.300000");
    // The owner of a meter has no cost.
    let own = meter(&s.w, &s.w.master.api, json!({})).await;
    card(&s.w.master.api, json!({ "meter": own, "model": flat("0") })).await;
}

#[tokio::test]
async fn a_price_for_one_account_needs_a_direct_sub_account_and_ends_with_a_move() {
    let s = Scene::new().await;
    let body = |account: &str| json!({ "account_id": account, "meter": s.meter, "model": flat("0.09") });
    let refused = s.w.master.api.post(CARDS, body(&s.customer)).send().await.refused(422, "not_a_buyer");
    assert_eq!(pointer(&refused), "/account_id");
    let other = s.w.other_master(json!({})).await;
    s.w.master.api.post(CARDS, body(&other.id)).send().await.refused(404, "not_found");
    let for_reseller = s.w.master.api.post(CARDS, body(&s.reseller.id)).send().await.is(201);
    // Whoever buys does not see what it was given, and cannot set it.
    let path = format!("{CARDS}?account_id={}", s.reseller.id);
    assert_eq!(s.w.master.api.get(&path).send().await.is(200).column("id"), [for_reseller.id()]);
    s.reseller.api.get(&path).send().await.refused(422, "not_a_buyer");
    s.reseller.api.get(&format!("{path}&seller_id={}", s.w.master.id)).send().await.refused(404, "not_found");
    s.reseller.api.post(CARDS, body(&s.reseller.id)).send().await.refused(422, "not_a_buyer");
    assert!(s.reseller.api.get(CARDS).send().await.is(200).rows().is_empty());

    let customer = s.w.child_of(&s.w.master.id).await;
    s.w.master.api.post(CARDS, body(&customer)).send().await.is(201);
    let quoted = async || s.quote(s.w.operator(), &customer, "100").await.is(200).word("price").to_owned();
    assert_eq!(quoted().await, "9.000000");
    let to = s.w.reseller_of(&s.w.master.id).await;
    s.w.operator().post(&format!("/reseller/accounts/{customer}/move"), json!({ "parent_id": to.id })).send().await.is(200);
    assert_eq!(quoted().await, "4.000000", "terms of a former seller are void");
}

#[tokio::test]
async fn below_the_operator_prices_are_in_the_trees_currency() {
    let s = Scene::new().await;
    let eur = s.w.other_master(json!({ "currency": "EUR" })).await;
    let refused = s.w.master.api.post(CARDS, json!({ "meter": s.meter, "currency": "EUR", "model": flat("1") })).send().await;
    assert_eq!(pointer(&refused.clone().refused(422, "currency_mismatch")), "/currency");
    assert_eq!(refused["buyers_currency"], "USD");
    let unpriced = json!({ "meter": s.meter, "quantity": "1" });
    eur.api.post(QUOTE, unpriced.clone()).send().await.refused(422, "no_price");
    card(s.w.operator(), json!({ "meter": s.meter, "currency": "EUR", "model": flat("0.035") })).await;
    let quoted = eur.api.post(QUOTE, unpriced).send().await.is(200);
    assert_eq!((quoted.word("price"), quoted.word("currency")), ("0.035000", "EUR"));
    let wrong = json!({ "account_id": eur.id, "currency": "USD", "meter": s.meter, "model": flat("1") });
    s.w.operator().post(CARDS, wrong).send().await.refused(422, "currency_mismatch");
}

#[tokio::test]
async fn an_idempotency_key_makes_a_price_once() {
    let s = Scene::new().await;
    let body = json!({ "meter": s.meter, "model": flat("0.05") });
    let idem = s.w.unique("idem");
    let post = |body: &Value| s.w.master.api.post(CARDS, body.clone()).idem(&idem);
    let (first, again) = (post(&body).send().await.is(201), post(&body).send().await.is(201));
    assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (first.text.as_str(), "true"));
    post(&json!({ "meter": s.meter, "model": flat("0.06") })).send().await.refused(422, "idempotency_key_reused");
    assert_eq!(every_row(&s.w.master.api, CARDS, 50).await.len(), 1);
}

#[tokio::test]
async fn the_rules_of_a_price_are_told_with_those_that_did_not_apply() {
    let s = Scene::new().await;
    let markup = s.w.master.api.post(MARKUPS, json!({ "percent": "25", "inherit": true })).send().await.is(201);
    let later = json!({ "meter": s.meter, "model": flat("0.09"), "effective_from": s.w.target.time_in_s(3600) });
    let later = card(&s.reseller.api, later).await;
    let path = format!("{RESOLVE}?account_id={}&meter={}", s.customer, s.meter);
    let told = s.reseller.api.get(&path).send().await.is(200);
    assert_eq!(told.word("you_pay"), "0.050000");
    let levels = told["levels"].as_array().expect("levels").clone();
    assert_eq!((levels.len(), &levels[0]["rule"]["kind"], &levels[0]["next_unit"]), (1, &json!("inherited_markup"), &json!("0.062500")));
    let considered = levels[0]["considered"].as_array().expect("rules").clone();
    let card = considered.iter().find(|step| step["rule"] == "card").expect("the card was looked at");
    assert_eq!((&card["verdict"], &card["id"], &card["of"]), (&json!("not_yet_in_force"), &json!(later.id()), &json!(s.reseller.id)));
    assert!(!told.text.contains(&s.w.master.id) && !told.text.contains(&markup.id()), "{}", told.text);
    let whole = s.w.operator().get(&path).send().await.is(200);
    assert!(whole.text.contains(&markup.id()) && whole["you_pay"].is_null());
    assert_eq!(whole["levels"].as_array().map(Vec::len), Some(3));
    let own = s.reseller.api.get(&format!("{RESOLVE}?meter={}", s.meter)).send().await.is(200);
    assert_eq!((own.word("you_pay"), &own["levels"]), ("0.050000", &json!([])));
    s.reseller.api.get(&format!("{RESOLVE}?meter=nothing")).send().await.refused(422, "unknown_meter");
    assert_eq!(pointer(&s.reseller.api.get(RESOLVE).send().await.refused(400, "validation_failed")), "/query/meter");
    // Later the card decides.
    let then = s.reseller.api.get(&format!("{path}&at={}", s.w.target.time_in_s(7200))).send().await.is(200);
    assert_eq!(then["levels"][0]["rule"]["kind"], "card");
}

#[tokio::test]
async fn a_promotion_is_borne_by_whom_it_says_and_ends_when_told() {
    let s = Scene::new().await;
    s.w.master.api.post(MARKUPS, json!({ "percent": "100", "inherit": true })).send().await.is(201);
    assert_eq!(s.price("100").await, "16.000000");
    let ends_at = s.w.target.time_in_s(86_400);
    let body = json!({ "name": "Spring", "ends_at": ends_at, "percent": "10", "meters": [s.meter] });
    let spring = s.w.master.api.post(PROMOTIONS, body).send().await.is(201);
    assert_eq!((spring.word("status"), spring.word("funded_by")), ("in_force", "owner"));
    let whole = s.quote(s.w.operator(), &s.customer, "100").await.is(200);
    let of = |level: usize, member: &str| whole["lines"][0]["levels"][level][member].clone();
    assert_eq!((of(0, "price"), of(1, "price"), of(2, "price")), (json!("14.400000"), json!("6.400000"), json!("4.000000")));
    assert_eq!((of(0, "margin"), of(1, "margin")), (json!("8.000000"), json!("2.400000")), "the master bears it");
    // The reseller sees that there is one, but not which.
    let seen = s.quote(&s.reseller.api, &s.customer, "100").await.is(200);
    assert_eq!(seen["lines"][0]["levels"][0]["promotion"]["id"], Value::Null);
    assert!(!seen.text.contains(&spring.id()) && !seen.text.contains("Spring"), "{}", seen.text);

    let more = json!({ "name": "Mine", "ends_at": ends_at, "percent": "25", "funded_by": "seller", "account_id": s.customer });
    let more = s.reseller.api.post(PROMOTIONS, more).send().await.is(201);
    assert_eq!(s.price("100").await, "12.000000", "the one that takes most off, and only that");
    let path = format!("{PROMOTIONS}/{}/end", more.id());
    assert_eq!(s.reseller.api.post(&path, json!({})).send().await.is(200).word("status"), "past");
    s.reseller.api.post(&path, json!({})).send().await.refused(409, "conflict");
    assert_eq!(s.price("100").await, "14.400000");
    let list = every_row(&s.reseller.api, &format!("{PROMOTIONS}?status=in_force"), 50).await;
    assert!(list.is_empty(), "{list:?}");
    assert_eq!(column(&every_row(&s.reseller.api, PROMOTIONS, 1).await, "id"), [more.id()]);
}

#[tokio::test]
async fn a_code_brings_its_promotion_to_whom_redeems_it_and_all_below() {
    let s = Scene::new().await;
    let code = s.w.unique("code");
    let body =
        json!({ "name": "Codes", "ends_at": s.w.target.time_in_s(86_400), "percent": "50", "code": code, "cap": "3", "allow_loss": true });
    s.w.master.api.post(PROMOTIONS, body.clone()).send().await.is(201);
    let again = s.w.master.api.post(PROMOTIONS, body).send().await.refused(409, "already_exists");
    assert_eq!(pointer(&again), "/code");
    assert_eq!(s.price("100").await, "4.000000");
    let redeem = |code: &str| s.reseller.api.post("/reseller/pricing/promotions/redeem", json!({ "code": code }));
    redeem("nothing").send().await.refused(404, "not_found");
    let brought = redeem(&code).send().await.is(200);
    assert_eq!((brought.word("percent"), brought.word("cap"), brought.word("account_id")), ("50", "3.000000", s.reseller.id.as_str()));
    assert_eq!(pointer(&redeem(&code).send().await.refused(409, "already_exists")), "/code");
    assert_eq!(s.price("100").await, "2.000000");
    assert_eq!(s.price("200").await, "5.000000", "no more than its cap");
    let beside = s.w.child_of(&s.w.master.id).await;
    assert_eq!(s.quote(s.w.operator(), &beside, "100").await.is(200).word("price"), "4.000000");
}

#[tokio::test]
async fn tiers_show_where_a_reseller_stands_and_are_set_under_the_books_version() {
    let s = Scene::new().await;
    let mine = s.w.master.api.get(TIERS).send().await.is(200);
    assert_eq!((&mine["as_seller"]["source"], &mine["as_seller"]["tiers"]), (&json!("none"), &json!([])));
    let standing = &mine["as_buyer"];
    assert_eq!((&standing["tier"], &standing["discount"], &standing["decided_by"]), (&json!("none"), &json!("0"), &json!("neither")));
    assert_eq!((&standing["next"]["name"], &standing["next"]["missing"]), (&json!("bronze"), &json!("1000.000000")));
    assert_eq!(standing["next"]["would_save"], "0.000000");
    let table =
        json!({ "tiers": [{ "name": "small", "from": "10", "discount": "5" }, { "name": "large", "from": 100, "discount": "12.5" }] });
    let set = s.w.master.api.put(TIERS, table.clone()).if_match(mine.header("etag")).send().await.is(200);
    assert_eq!(set["as_seller"]["tiers"][1], json!({ "name": "large", "from": "100.000000", "discount": "12.5" }));
    s.w.master.api.put(TIERS, table).if_match(mine.header("etag")).send().await.refused(412, "precondition_failed");
    let seen = s.reseller.api.get(TIERS).send().await.is(200);
    assert_eq!((&seen["as_buyer"]["table"]["source"], &seen["as_buyer"]["next"]["name"]), (&json!("own"), &json!("small")));
    let customer = s.w.operator().get(&format!("{TIERS}?account_id={}", s.customer)).send().await.is(200);
    assert_eq!((&customer["as_seller"], &customer["as_buyer"]), (&Value::Null, &Value::Null));
    assert_eq!(s.w.master.api.put(TIERS, json!({ "tiers": null })).send().await.is(200)["as_seller"]["source"], "none");
    let falling = json!({ "tiers": [{ "name": "a", "from": "10", "discount": "5" }, { "name": "b", "from": "20", "discount": "5" }] });
    let refused = s.w.master.api.put(TIERS, falling).send().await.refused(400, "validation_failed");
    assert_eq!(pointer(&refused), "/tiers/1/discount");
    assert_eq!(pointer(&s.w.master.api.put(TIERS, json!({})).send().await.refused(400, "validation_failed")), "/tiers");
}

#[tokio::test]
async fn a_customer_sells_nothing() {
    let s = Scene::new().await;
    let ends_at = s.w.target.time_in_s(60);
    for (path, body) in [
        (METERS, json!({ "account_id": s.customer, "key": "x", "name": "X", "unit": "x", "aggregation": "sum" })),
        (CARDS, json!({ "seller_id": s.customer, "meter": s.meter, "model": flat("1") })),
        (MARKUPS, json!({ "seller_id": s.customer, "percent": "1" })),
        (PROMOTIONS, json!({ "seller_id": s.customer, "name": "X", "ends_at": ends_at, "percent": "1" })),
    ] {
        s.reseller.api.post(path, body).send().await.refused(422, "parent_is_customer");
    }
}

#[tokio::test]
async fn an_ended_markup_gives_way_to_the_next_rule() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    api.post(MARKUPS, json!({ "percent": "50" })).send().await.is(201);
    if !s.w.target.advance_s(60, "a markup's end") {
        return;
    }
    assert_eq!(s.price("100").await, "6.000000");
    api.post(MARKUPS, json!({ "end": true })).send().await.is(201);
    assert_eq!(s.price("100").await, "4.000000");
    let list = every_row(api, MARKUPS, 1).await;
    assert_eq!((column(&list, "status"), &list[1]["end"]), (vec!["past".to_owned(), "in_force".to_owned()], &json!(true)));
}

#[tokio::test]
async fn a_past_month_is_priced_anew_under_a_draft_and_nothing_changes() {
    let s = Scene::new().await;
    let Some(inside) = s.w.target.inside("a snapshot of the table") else { return };
    s.w.master.api.post(MARKUPS, json!({ "percent": "50" })).send().await.is(201);
    let beside = s.w.child_of(&s.w.master.id).await;
    card(&s.w.master.api, json!({ "account_id": beside, "meter": s.meter, "model": flat("0.10") })).await;
    for account in [&s.w.master.id, &s.reseller.id, &s.customer, &beside] {
        s.w.fund(account, "1000").await;
    }
    let event = |id: &str, account: &str, quantity: &str| json!({ "id": id, "account_id": account, "meter": s.meter, "quantity": quantity, "occurred_at": s.w.target.time_in_s(0) });
    let events = json!({ "events": [event("a", &s.customer, "900"), event("b", &s.customer, "200"), event("c", &beside, "100")] });
    let sent = s.w.operator().post("/reseller/usage/events", events).send().await.is(200);
    assert_eq!(sent["accepted"], 3, "{}", sent.text);
    let before = inside.memory.snapshot();
    let bands = json!([{ "from": "0", "to": "1000", "unit_price": "0.09" }, { "from": "1000", "to": null, "unit_price": "0.05" }]);
    let month = "2026-11";
    let draft = json!({ "meter": s.meter, "model": { "type": "graduated", "bands": bands } });
    let what_if = |body: Value| s.w.master.api.post("/reseller/pricing/what-if", body);
    let compared = what_if(json!({ "month": month, "card": draft })).send().await.is(200);
    // The card for one account goes before the draft; the reseller's 1,100 are 900 and then 100 + 100 over the band's end.
    assert_eq!((&compared["repriced"], &compared["total"]["events"]), (&json!(2), &json!(3)));
    let of = |account: &str| {
        compared["accounts"].as_array().and_then(|all| all.iter().find(|one| one["account_id"] == account).cloned()).expect("a row")
    };
    let reseller = of(&s.reseller.id);
    assert_eq!((&reseller["before"]["revenue"], &reseller["after"]["revenue"]), (&json!("66.000000"), &json!("95.000000")));
    assert_eq!((&reseller["before"]["cost"], &reseller["after"]["margin"]), (&json!("44.000000"), &json!("51.000000")));
    assert_eq!((&of(&beside)["difference"], &of(&beside)["before"]["revenue"]), (&json!("0.000000"), &json!("10.000000")));
    assert_eq!((&compared["total"]["difference"], &compared["meters"][0]["sum"]), (&json!("29.000000"), &Value::Null));
    assert_eq!(compared["meters"][0]["after"]["revenue"], "105.000000");
    let lower = what_if(json!({ "month": month, "markup": { "account_id": s.reseller.id, "fixed": "-0.01" } })).send().await.is(200);
    assert_eq!((&lower["repriced"], &lower["total"]["difference"]), (&json!(2), &json!("-33.000000")));
    assert!(
        lower["accounts"]
            .as_array()
            .expect("rows")
            .iter()
            .any(|one| one["account_id"] == s.reseller.id.as_str() && one["under_cost"] == true)
    );
    // The operator sells to masters only; the last 100 were sold in its bronze tier, 5 % off, which stays.
    let own = json!({ "month": month, "card": { "meter": s.meter, "currency": "USD", "model": flat("0.05") } });
    let own = s.w.operator().post("/reseller/pricing/what-if", own).send().await.is(200);
    let master =
        own["accounts"].as_array().expect("rows").iter().find(|one| one["account_id"] == s.w.master.id.as_str()).expect("a row").clone();
    assert_eq!((&master["before"]["revenue"], &master["after"]["revenue"]), (&json!("47.800000"), &json!("59.750000")));
    assert_eq!(what_if(json!({ "month": "2026-10", "card": draft })).send().await.is(200)["total"]["events"], 0);
    assert_eq!(inside.memory.snapshot(), before);
}
