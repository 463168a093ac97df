//! Packages of credit: offered, quoted, bought, looked at, sent back, expired.

use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::world::{Node, World, column};

const PACKAGES: &str = "/reseller/pricing/packages";
const PURCHASE: &str = "/reseller/credits/purchase";
const DAY: i64 = 24 * 3600;

/// A seller with 10,000 and a customer of it, which buys with a key of its own.
async fn shop() -> (World, Node, Node) {
    let w = World::new().await;
    let seller = w.reseller_of(&w.master.id).await;
    w.fund(&seller.id, "10000").await;
    let id = w.child_of(&seller.id).await;
    let buyer = Node { api: w.key_for(&id, "owner").await, id };
    (w, seller, buyer)
}

async fn offer(seller: &Api, credits: &str, bonus: &str, price: &str, more: Value) -> String {
    let mut body = json!({ "name": format!("{credits}+{bonus}"), "credits": credits, "bonus": bonus, "price": price });
    crate::support::world::merge(&mut body, more);
    seller.post(PACKAGES, body).send().await.is(201).id()
}

async fn buy(buyer: &Api, package: &str) -> Answer {
    buyer.pay(PURCHASE, json!({ "package_id": package })).send().await
}

async fn lots(api: &Api) -> Answer {
    api.get("/reseller/credits/lots").send().await.is(200)
}

/// Runs what the schedule runs.
async fn housekeeping(w: &World) -> Option<Value> {
    let inside = w.target.inside("lots that expire")?;
    let run = inside.app.run_id("");
    Some(tributary_housekeeping::handle(&inside.app, json!({}), &run).await.expect("a run"))
}

#[tokio::test]
async fn a_package_is_offered_bought_and_seen_on_both_sides() {
    let (w, seller, buyer) = shop().await;
    let more = json!({ "valid_days": 30, "max_per_account": 3 });
    let made =
        seller.api.post(PACKAGES, json!({ "name": "Starter", "credits": "100", "bonus": "5", "price": "90.10" })).send().await.is(201);
    assert_eq!(
        (made.word("credits"), made.word("price"), made.word("currency"), made.word("status")),
        ("100.000000", "90.100000", "USD", "on_sale")
    );
    assert_eq!((made.word("price_per_credit"), made["valid_days"].is_null()), ("0.858095", true));
    let package = offer(&seller.api, "200", "10", "170", more).await;
    let seen = buyer.api.get(&format!("{PACKAGES}?account_id={}", buyer.id)).send().await.is(200);
    let rows = seen["packages"].as_array().expect("packages").clone();
    assert_eq!(column(&rows, "name"), ["Starter", "200+10"]);
    assert_eq!(
        (rows[1]["remaining"].as_u64(), seen["bulk_discounts"].is_null(), seen.word("seller_id")),
        (Some(3), true, seller.id.as_str())
    );
    let body = json!({ "package_id": package, "quantity": 2, "reference": "PO 7" });
    let done = buyer.api.pay(PURCHASE, body).send().await.is(201);
    assert_eq!((done.word("kind"), done.word("amount"), done.word("to_balance")), ("purchase", "420.000000", "420.000000"));
    assert!(done["from_balance"].is_null(), "what the seller has left is not shown: {}", done.text);
    let bought = &done["purchase"];
    assert_eq!((bought["credits"].as_str(), bought["bonus"].as_str()), (Some("400.000000"), Some("20.000000")));
    assert_eq!((bought["price"].as_str(), bought["quantity"].as_u64()), (Some("340.000000"), Some(2)));
    assert_eq!(w.available(&seller.id).await, "9580.000000");
    let found = seller.api.get(done.header("location")).send().await.is(200);
    assert_eq!((found["purchase"]["price"].as_str(), found.word("from_balance")), (Some("340.000000"), "9580.000000"));
    let seen = buyer.api.get(&format!("{PACKAGES}?account_id={}", buyer.id)).send().await.is(200);
    assert_eq!(seen["packages"][1]["remaining"], 1);
    let lots = lots(&buyer.api).await;
    assert_eq!(
        (lots["lots"][0]["id"].clone(), lots.word("expiring"), lots.word("lasting")),
        (bought["lot_id"].clone(), "420.000000", "0.000000")
    );
    let history = buyer.api.get("/reseller/credits/history?kind=purchase").send().await.is(200);
    assert_eq!((history.column("amount"), history.column("reference")), (vec!["420.000000".to_owned()], vec!["PO 7".to_owned()]));
}

#[tokio::test]
async fn a_purchase_is_refused_for_what_stands_against_it_and_repeats_its_first_answer() {
    let (w, seller, buyer) = shop().await;
    let package = offer(&seller.api, "100", "0", "90", json!({ "max_per_account": 2 })).await;
    let ask = || buyer.api.post(PURCHASE, json!({ "package_id": package })).idem("once");
    let first = ask().send().await.is(201);
    let again = ask().send().await.is(201);
    assert_eq!((again.text.clone(), again.header("idempotent-replayed")), (first.text, "true"));
    let two = json!({ "package_id": package, "quantity": 2 });
    let refused = buyer.api.pay(PURCHASE, two).send().await.refused(422, "limit_reached");
    assert_eq!(refused["limit"], 2);
    buy(&buyer.api, &package).await.is(201);
    buy(&buyer.api, &package).await.refused(422, "limit_reached");
    let huge = offer(&seller.api, "20000", "0", "1", json!({})).await;
    let short = buy(&buyer.api, &huge).await.refused(422, "seller_out_of_credit");
    assert!(!short.text.contains("9800"), "what the seller has is not said: {}", short.text);
    let late = offer(&seller.api, "100", "0", "90", json!({ "available_from": w.target.time_in_s(600) })).await;
    buy(&buyer.api, &late).await.refused(422, "package_unavailable");
    let open = offer(&seller.api, "100", "0", "90", json!({})).await;
    seller.api.post(&format!("{PACKAGES}/{open}/retire"), json!({})).send().await.is(200);
    buy(&buyer.api, &open).await.refused(422, "package_unavailable");
    buyer.api.pay(PURCHASE, json!({ "credits": "10" })).send().await.refused(422, "package_unavailable");
    let foreign = w.reseller_of(&w.master.id).await;
    let theirs = offer(&foreign.api, "100", "0", "90", json!({})).await;
    buy(&buyer.api, &theirs).await.refused(404, "not_found");
    w.operator().pay(PURCHASE, json!({ "package_id": package })).send().await.refused(409, "conflict");
    w.suspend(&buyer.id).await;
    buy(&buyer.api, &huge).await.refused(422, "account_suspended");
    ask().send().await.is(201);
}

#[tokio::test]
async fn the_operator_sells_what_it_has_issued_to_itself_and_nothing_else() {
    let w = World::new().await;
    let own = w.operator().get("/reseller/credits/balance").send().await.is(200).word("account_id").to_owned();
    let package = offer(w.operator(), "1000000000", "1000000000", "1", json!({ "max_per_account": 1 })).await;
    buy(&w.master.api, &package).await.refused(422, "seller_out_of_credit");
    w.fund(&own, "2000000000").await;
    buy(&w.master.api, &package).await.is(201);
    let euro = w.other_master(json!({ "currency": "EUR" })).await;
    buy(&euro.api, &package).await.refused(422, "currency_mismatch");
    w.operator().post(&format!("{PACKAGES}/{package}/retire"), json!({})).send().await.is(200);
}

#[tokio::test]
async fn loose_credits_cost_par_less_the_discount_of_their_number() {
    let (_w, seller, buyer) = shop().await;
    let put = |bands: Value| seller.api.put("/reseller/pricing/bulk-discounts", json!({ "bands": bands }));
    let set = put(json!([{ "from": "100", "discount": "5" }, { "from": "1000", "discount": "12.5" }])).send().await.is(200);
    assert_eq!(set["bands"][1], json!({ "from": "1000.000000", "discount": "12.5" }));
    put(json!([])).if_match("\"99\"").send().await.refused(412, "precondition_failed");
    let price = async |credits: &str| {
        let done = buyer.api.pay(PURCHASE, json!({ "credits": credits })).send().await.is(201);
        done["purchase"]["price"].as_str().expect("a price").to_owned()
    };
    assert_eq!([price("99").await, price("100").await, price("1000").await], ["99.000000", "95.000000", "875.000000"]);
    assert_eq!(lots(&buyer.api).await.word("lasting"), "1199.000000");
    put(json!(null)).send().await.is(200);
    buyer.api.pay(PURCHASE, json!({ "credits": "1" })).send().await.refused(422, "package_unavailable");
}

#[tokio::test]
async fn the_cheapest_way_is_named_and_can_be_bought_as_it_says() {
    let (w, seller, buyer) = shop().await;
    offer(&seller.api, "100", "5", "100", json!({})).await;
    offer(&seller.api, "500", "50", "500", json!({})).await;
    offer(&seller.api, "1000", "200", "1000", json!({})).await;
    let ask = |credits: &str| buyer.api.post(&format!("{PACKAGES}/quote"), json!({ "credits": credits }));
    let quote = ask("1300").send().await.is(200);
    assert_eq!((quote.word("price"), quote.word("credits"), quote.word("bonus")), ("1100.000000", "1100.000000", "205.000000"));
    assert_eq!((quote.word("price_per_credit"), quote.word("saving")), ("0.842912", "205.000000"));
    assert_eq!(quote["alternatives"]["one_package"]["price"], "1300.000000", "thirteen of the smallest: {}", quote.text);
    assert!(quote["alternatives"]["loose"].is_null());
    seller.api.put("/reseller/pricing/bulk-discounts", json!({ "bands": [] })).send().await.is(200);
    let quote = ask("1230").send().await.is(200);
    assert_eq!((quote.word("price"), quote["parts"].as_array().map(Vec::len)), ("1030.000000", Some(2)));
    assert_eq!(quote["alternatives"]["loose"]["price"], "1230.000000");
    for part in quote["parts"].as_array().expect("parts") {
        let body = match part["package_id"].as_str() {
            Some(package) => json!({ "package_id": package, "quantity": part["quantity"] }),
            None => json!({ "credits": part["credits"] }),
        };
        let done = buyer.api.pay(PURCHASE, body).send().await.is(201);
        assert_eq!(done["purchase"]["price"], part["price"]);
    }
    assert_eq!(w.available(&buyer.id).await, "1230.000000");
    ask("1000000000").send().await.is(200);
    w.operator().post(&format!("{PACKAGES}/quote"), json!({ "credits": "1" })).send().await.refused(422, "not_a_buyer");
}

#[tokio::test]
async fn what_cannot_be_reached_is_said() {
    let (_w, seller, buyer) = shop().await;
    offer(&seller.api, "100", "0", "90", json!({ "max_per_account": 2 })).await;
    let ask = |credits: &str| buyer.api.post(&format!("{PACKAGES}/quote"), json!({ "credits": credits }));
    ask("200").send().await.is(200);
    ask("201").send().await.refused(422, "package_unavailable");
    offer(&seller.api, "999999937", "0", "1", json!({})).await;
    offer(&seller.api, "400000009", "0", "1", json!({})).await;
    ask("1000000000").send().await.refused(422, "limit_reached");
}

#[tokio::test]
async fn what_expires_first_is_spent_first_and_a_purchase_goes_back_whole_or_not_at_all() {
    let (w, seller, buyer) = shop().await;
    let (early, late) = (
        offer(&seller.api, "100", "0", "90", json!({ "valid_days": 10, "max_per_account": 5 })).await,
        offer(&seller.api, "200", "0", "90", json!({ "valid_days": 20, "max_per_account": 1 })).await,
    );
    w.fund(&buyer.id, "50").await;
    let second = buy(&buyer.api, &late).await.is(201);
    let first = buy(&buyer.api, &early).await.is(201);
    let left = async || {
        let lots = lots(&buyer.api).await;
        let rows = lots["lots"].as_array().expect("lots").clone();
        (column(&rows, "left"), lots.word("lasting").to_owned())
    };
    let seen = |left: &[&str], lasting: &str| (left.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(), lasting.to_owned());
    assert_eq!(left().await, seen(&["100.000000", "200.000000"], "50.000000"));
    let hold = buyer.api.pay("/reseller/credits/holds", json!({ "account_id": buyer.id, "amount": "30" })).send().await.is(201).id();
    assert_eq!(left().await, seen(&["100.000000", "200.000000"], "50.000000"));
    buyer.api.pay(&format!("/reseller/credits/holds/{hold}/capture"), json!({})).send().await.is(200);
    assert_eq!(left().await, seen(&["70.000000", "200.000000"], "50.000000"));
    let back = |id: &str| seller.api.pay(&format!("/reseller/credits/transfers/{id}/reverse"), json!({}));
    back(&first.id()).send().await.refused(409, "conflict");
    buyer.api.pay(&format!("/reseller/credits/transfers/{}/reverse", second.id()), json!({})).send().await.refused(404, "not_found");
    let reversed = back(&second.id()).send().await.is(201);
    assert_eq!(reversed["purchase"]["lot_id"], second["purchase"]["lot_id"]);
    assert_eq!(left().await, seen(&["70.000000"], "50.000000"), "its own lot, not the one that is spent first");
    back(&second.id()).send().await.refused(409, "already_reversed");
    buy(&buyer.api, &late).await.is(201);
    let to = w.child_of(&seller.id).await;
    seller.api.pay("/reseller/credits/transfer", json!({ "from": buyer.id, "to": to, "amount": "300" })).send().await.is(201);
    assert_eq!(left().await, seen(&[], "20.000000"));
}

#[tokio::test]
async fn a_lot_expires_when_its_time_is_over_but_for_what_is_held() {
    let (w, seller, buyer) = shop().await;
    let (early, late) = (
        offer(&seller.api, "100", "0", "90", json!({ "valid_days": 1 })).await,
        offer(&seller.api, "200", "0", "90", json!({ "valid_days": 5 })).await,
    );
    buy(&buyer.api, &early).await.is(201);
    buy(&buyer.api, &late).await.is(201);
    let ends = w.target.time_in_s(3 * DAY);
    let hold = json!({ "account_id": buyer.id, "amount": "30", "expires_at": ends });
    let hold = buyer.api.pay("/reseller/credits/holds", hold).send().await.is(201).id();
    let Some(run) = housekeeping(&w).await else { return };
    assert_eq!(run["lots_expired"], 0, "not before its time");
    assert!(w.target.advance_s(DAY, "lots that expire"));
    assert_eq!(housekeeping(&w).await.expect("a run")["lots_expired"], 1);
    assert_eq!(w.available(&buyer.id).await, "200.000000", "30 of the first lot are held");
    let again = housekeeping(&w).await.expect("a run");
    assert_eq!((&again["lots_expired"], &again["failed"]), (&json!(0), &json!(0)));
    let history = buyer.api.get("/reseller/credits/history?kind=lot_expired").send().await.is(200);
    assert_eq!(
        (history.column("amount"), history.column("counterparty")),
        (vec!["-70.000000".to_owned()], vec!["system.expired".to_owned()])
    );
    let transfer = &history.column("transfer_id")[0];
    buyer.api.get(&format!("/reseller/credits/transfers/{transfer}")).send().await.is(200);
    w.operator().pay(&format!("/reseller/credits/transfers/{transfer}/reverse"), json!({})).send().await.refused(409, "conflict");
    buyer.api.pay(&format!("/reseller/credits/holds/{hold}/release"), json!({})).send().await.is(200);
    assert!(w.target.advance_s(900, "lots that expire"));
    assert_eq!(housekeeping(&w).await.expect("a run")["lots_expired"], 1);
    assert_eq!(w.available(&buyer.id).await, "200.000000");
    seller.api.pay(&format!("/reseller/accounts/{}/close", buyer.id), json!({ "sweep_to_parent": true })).send().await.is(200);
    assert!(w.target.advance_s(5 * DAY, "lots that expire"));
    let last = housekeeping(&w).await.expect("a run");
    assert_eq!((&last["lots_expired"], &last["failed"]), (&json!(0), &json!(0)), "the sweep took it");
    assert_eq!(w.available(&seller.id).await, "9900.000000");
}

#[tokio::test]
async fn an_account_keeps_at_most_twenty_lots() {
    let (_w, seller, buyer) = shop().await;
    let package = offer(&seller.api, "1", "0", "1", json!({ "valid_days": 1 })).await;
    for _ in 0..20 {
        buy(&buyer.api, &package).await.is(201);
    }
    let refused = buy(&buyer.api, &package).await.refused(422, "limit_reached");
    assert_eq!(refused["limit"], 20);
    let lots = lots(&buyer.api).await;
    assert_eq!(lots["lots"].as_array().map(Vec::len), Some(20));
}
