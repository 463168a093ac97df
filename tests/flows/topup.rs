//! Accounts that top themselves up: set by a client, drawn by whoever hears of the debit.

use serde_json::{Value, json};
use tributary_domain::event::Event;

use crate::support::api::{Answer, Api, Inside};
use crate::support::events::{tell, watch};
use crate::support::world::{Node, World, every_row, merge};

const TOPUP: &str = "/reseller/credits/auto-topup";
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3600;

/// A reseller with 1,000, a customer of it with 20, and that customer's own key.
struct Purse {
    w: World,
    seller: Node,
    buyer: Node,
}

impl Purse {
    async fn new() -> Self {
        let w = World::in_process().await;
        let seller = w.reseller_of(&w.master.id).await;
        w.fund(&seller.id, "1000").await;
        let id = w.funded_child_of(&seller.id, "20").await;
        let purse = Self { buyer: Node { api: w.key_for(&id, "owner").await, id }, seller, w };
        purse.tell().await;
        purse
    }

    fn inside(&self) -> &Inside {
        self.w.target.inside("the watcher").expect("in this process")
    }

    async fn tell(&self) -> Vec<Event> {
        tell(self.inside()).await
    }

    /// Sets how the buyer tops itself up: below 10, from its parent.
    async fn set(&self, more: Value) -> Answer {
        set(&self.seller.api, &self.buyer.id, more).await.is(200)
    }

    /// The buyer spends.
    async fn spend(&self, amount: &str) {
        spend(&self.w, &self.buyer.id, amount).await;
    }

    async fn available(&self) -> String {
        self.w.available(&self.buyer.id).await
    }

    async fn state(&self) -> Answer {
        self.seller.api.get(&format!("{TOPUP}?account_id={}", self.buyer.id)).send().await.is(200)
    }

    async fn outcomes(&self) -> Vec<String> {
        let runs = every_row(&self.seller.api, &format!("{TOPUP}/runs?account_id={}", self.buyer.id), 2).await;
        runs.iter().rev().map(|run| run["outcome"].as_str().expect("a word").to_owned()).collect()
    }

    /// Moves the clock and runs what the schedule runs.
    async fn later(&self, seconds: i64) -> Value {
        assert!(self.w.target.advance_s(seconds, "the clock"));
        let inside = self.inside();
        let summary = tributary_watcher::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
        self.tell().await;
        summary
    }
}

async fn set(api: &Api, account: &str, more: Value) -> Answer {
    let mut body = json!({ "account_id": account, "threshold": "10", "source": "parent" });
    merge(&mut body, more);
    api.put(TOPUP, body).send().await
}

async fn spend(w: &World, account: &str, amount: &str) {
    let hold = w.operator().pay("/reseller/credits/holds", json!({ "account_id": account, "amount": amount })).send().await.is(201).id();
    w.operator().pay(&format!("/reseller/credits/holds/{hold}/capture"), json!({})).send().await.is(200);
}

fn words(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.kind.word()).collect()
}

#[tokio::test]
async fn a_debit_draws_once_whatever_is_told_again() {
    let p = Purse::new().await;
    let set = p.set(json!({ "amount": "25" })).await;
    assert_eq!((set.word("status"), set.word("amount"), set["target"].is_null()), ("ready", "25.000000", true));
    assert_eq!(words(&p.tell().await), ["auto_topup.set"], "there is enough");
    p.spend("15").await;
    let told = p.tell().await;
    assert_eq!(words(&told).iter().filter(|word| *word == "credit.auto_topup").count(), 2, "{told:?}");
    assert_eq!((p.available().await.as_str(), p.w.available(&p.seller.id).await.as_str()), ("30.000000", "975.000000"));
    for _ in 0..10 {
        watch(p.inside(), &told).await;
    }
    assert_eq!(p.tell().await, [], "a bell that rings again finds nothing to do");
    assert_eq!(p.outcomes().await, ["done"]);
    p.spend("28").await;
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.outcomes().await.len()), ("27.000000", 2), "the next fall is the next draw");
    let history = p.buyer.api.get("/reseller/credits/history?kind=auto_topup").send().await.is(200);
    assert_eq!(history.column("amount"), ["25.000000", "25.000000"]);
    let runs = p.buyer.api.get(&format!("{TOPUP}/runs")).send().await.is(200);
    assert_eq!(runs.column("transfer_id"), history.column("transfer_id"));
    assert_eq!(runs.column("available"), ["2.000000", "5.000000"]);
    assert_eq!(p.state().await.word("drawn_today"), "50.000000");
}

#[tokio::test]
async fn a_target_is_filled_up_and_an_amount_as_often_as_it_takes() {
    let p = Purse::new().await;
    p.set(json!({ "target": "100" })).await;
    p.spend("13").await;
    p.tell().await;
    assert_eq!(p.available().await, "100.000000");
    p.set(json!({ "amount": "4" })).await;
    p.spend("99").await;
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.outcomes().await.len()), ("13.000000", 2), "three times four in one run");
}

#[tokio::test]
async fn setting_it_below_the_threshold_draws_at_once_and_removing_it_ends_it() {
    let p = Purse::new().await;
    p.spend("15").await;
    let first = p.set(json!({ "amount": "25", "daily_cap": "60" })).await;
    p.tell().await;
    assert_eq!(p.available().await, "30.000000");
    let path = format!("{TOPUP}?account_id={}", p.buyer.id);
    p.seller.api.delete(&path).if_match("\"9\"").send().await.refused(412, "precondition_failed");
    p.seller.api.delete(&path).if_match(first.header("etag")).send().await.is(200);
    p.seller.api.get(&path).send().await.refused(404, "not_found");
    p.seller.api.delete(&path).send().await.refused(404, "not_found");
    p.spend("25").await;
    p.tell().await;
    assert_eq!(p.available().await, "5.000000");
    let again = p.set(json!({ "amount": "25", "daily_cap": "30" })).await;
    assert_eq!(again.word("drawn_today"), "25.000000", "removing it does not begin the caps anew");
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.state().await.word("reason")), ("5.000000", "daily_cap"));
    let off = p.set(json!({ "amount": "25", "enabled": false })).await;
    assert_eq!(off.word("status"), "off");
    p.tell().await;
    assert_eq!(p.available().await, "5.000000");
}

#[tokio::test]
async fn caps_hold_by_day_and_month_and_a_new_day_goes_on() {
    let p = Purse::new().await;
    p.set(json!({ "target": "20", "daily_cap": "30", "monthly_cap": "50" })).await;
    for (spent, left) in [("15", "20.000000"), ("18", "17.000000"), ("15", "2.000000")] {
        p.spend(spent).await;
        p.tell().await;
        assert_eq!(p.available().await, left, "after {spent}");
    }
    let state = p.state().await;
    assert_eq!((state.word("status"), state.word("reason"), state.word("drawn_today")), ("capped", "daily_cap", "30.000000"));
    assert_eq!(state.word("again_at"), "2026-11-03T00:00:00.000Z");
    assert_eq!(p.outcomes().await, ["done", "done", "capped"], "told once, however many debits follow");
    p.later(12 * 3600).await;
    assert_eq!(p.available().await, "2.000000");
    p.later(5 * 3600).await;
    assert_eq!((p.available().await.as_str(), p.state().await.word("drawn_this_month")), ("20.000000", "48.000000"));
    p.spend("15").await;
    p.tell().await;
    assert_eq!(p.available().await, "7.000000", "what the month leaves");
    assert_eq!((p.state().await.word("reason"), p.state().await.word("again_at")), ("monthly_cap", "2026-12-01T00:00:00.000Z"));
    p.later(29 * DAY).await;
    assert_eq!((p.available().await.as_str(), p.state().await.word("status")), ("20.000000", "ready"));
}

#[tokio::test]
async fn a_short_parent_is_waited_for_longer_each_time_and_the_fifth_failure_stops() {
    let p = Purse::new().await;
    let (seller, w) = (&p.seller, &p.w);
    w.operator().pay("/reseller/credits/transfer", json!({ "from": seller.id, "to": w.master.id, "amount": "990" })).send().await.is(201);
    p.set(json!({ "amount": "25" })).await;
    p.spend("15").await;
    assert!(words(&p.tell().await).contains(&"auto_topup.failed".to_owned()));
    let state = p.state().await;
    assert_eq!((state.word("status"), state.word("reason"), state["failures"].as_u64()), ("waiting", "parent_short", Some(1)));
    p.spend("1").await;
    p.tell().await;
    assert_eq!(p.outcomes().await, ["failed"], "it is not tried again before its time");
    for (wait, before) in [(5, 4), (15, 14), (60, 59), (6 * 60, 6 * 60 - 1)] {
        assert_eq!(p.later(before * MINUTE).await["short"], 0);
        assert_eq!(p.later((wait - before) * MINUTE).await["short"], 1, "after {wait} minutes");
    }
    let state = p.state().await;
    assert_eq!((state.word("status"), state["failures"].as_u64(), state["again_at"].is_null()), ("stopped", Some(5), true));
    assert_eq!(p.outcomes().await, ["failed", "failed", "failed", "failed", "stopped"]);
    w.fund(&seller.id, "500").await;
    p.later(DAY).await;
    assert_eq!(p.available().await, "4.000000", "stopped is stopped");
    p.set(json!({ "amount": "25" })).await;
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.state().await["failures"].as_u64()), ("29.000000", Some(0)));
}

#[tokio::test]
async fn an_enough_balance_forgets_what_failed() {
    let p = Purse::new().await;
    p.set(json!({ "amount": "2000" })).await;
    p.spend("15").await;
    p.tell().await;
    assert_eq!(p.state().await.word("status"), "waiting");
    p.w.fund(&p.buyer.id, "50").await;
    p.tell().await;
    let state = p.state().await;
    assert_eq!((state.word("status"), state["failures"].as_u64(), state["reason"].is_null()), ("ready", Some(0), true));
}

#[tokio::test]
async fn three_levels_draw_upward_each_within_its_own_caps() {
    let w = World::in_process().await;
    let top = w.reseller_of(&w.master.id).await;
    let middle = w.reseller_of(&top.id).await;
    let low = w.funded_child_of(&middle.id, "20").await;
    w.fund(&w.master.id, "10000").await;
    let inside = w.target.inside("the watcher").expect("in this process");
    for (api, id, amount, cap) in
        [(&w.master.api, &top.id, "500", "1000"), (&top.api, &middle.id, "100", "250"), (&middle.api, &low, "60", "500")]
    {
        set(api, id, json!({ "threshold": "0", "amount": amount, "daily_cap": cap })).await.is(200);
    }
    // Only the lowest is below its threshold; those above have nothing at all, which is not below zero.
    set(&middle.api, &low, json!({ "amount": "60", "daily_cap": "500" })).await.is(200);
    spend(&w, &low, "15").await;
    tell(inside).await;
    let left = [w.available(&low).await, w.available(&middle.id).await, w.available(&top.id).await, w.available(&w.master.id).await];
    assert_eq!(left, ["65.000000", "40.000000", "400.000000", "9500.000000"]);
    for _ in 0..3 {
        spend(&w, &low, "60").await;
        tell(inside).await;
    }
    let state = w.master.api.get(&format!("{TOPUP}?account_id={low}")).send().await.is(200);
    assert_eq!((state.word("status"), state.word("reason")), ("waiting", "parent_short"), "the middle's cap of 250 is its own");
    let state = w.master.api.get(&format!("{TOPUP}?account_id={}", middle.id)).send().await.is(200);
    assert_eq!((state.word("status"), state.word("drawn_today")), ("capped", "200.000000"));
}

#[tokio::test]
async fn nobody_opens_the_purse_above_their_own_account() {
    let p = Purse::new().await;
    set(&p.buyer.api, &p.buyer.id, json!({ "amount": "25" })).await.refused(403, "forbidden");
    set(&p.seller.api, &p.seller.id, json!({ "amount": "25" })).await.refused(403, "forbidden");
    let billing = p.w.key_for(&p.seller.id, "billing").await;
    set(&billing, &p.buyer.id, json!({ "amount": "25" })).await.is(200);
    let support = p.w.key_for(&p.seller.id, "support").await;
    set(&support, &p.buyer.id, json!({ "amount": "25" })).await.refused(403, "forbidden");
    let operator = p.w.operator();
    let root = p.w.master.api.get(&format!("/reseller/accounts/{}", p.w.master.id)).send().await.is(200).word("parent_id").to_owned();
    set(operator, &root, json!({ "amount": "25" })).await.refused(403, "forbidden");
    let euro = p.w.other_master(json!({ "currency": "EUR" })).await;
    set(operator, &euro.id, json!({ "amount": "25" })).await.refused(422, "currency_mismatch");
}

#[tokio::test]
async fn who_is_moved_draws_on_nobody_who_did_not_allow_it() {
    let p = Purse::new().await;
    let other = p.w.reseller_of(&p.w.master.id).await;
    p.w.fund(&other.id, "1000").await;
    p.set(json!({ "amount": "25" })).await;
    let body = json!({ "parent_id": other.id });
    p.w.operator().post(&format!("/reseller/accounts/{}/move", p.buyer.id), body).send().await.is(200);
    p.spend("15").await;
    assert!(words(&p.tell().await).contains(&"auto_topup.stopped".to_owned()));
    assert_eq!((p.available().await.as_str(), p.w.available(&other.id).await.as_str()), ("5.000000", "1000.000000"));
    let state = other.api.get(&format!("{TOPUP}?account_id={}", p.buyer.id)).send().await.is(200);
    assert_eq!((state.word("status"), state.word("reason")), ("stopped", "moved"));
    set(&other.api, &p.buyer.id, json!({ "amount": "25" })).await.is(200);
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.w.available(&other.id).await.as_str()), ("30.000000", "975.000000"));
}

#[tokio::test]
async fn a_suspended_account_draws_when_it_is_back_and_a_suspended_parent_is_waited_for() {
    let p = Purse::new().await;
    p.set(json!({ "amount": "25" })).await;
    p.spend("15").await;
    p.w.suspend(&p.buyer.id).await;
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.outcomes().await.len()), ("5.000000", 0));
    p.w.operator().post(&format!("/reseller/accounts/{}/reactivate", p.buyer.id), json!({})).send().await.is(200);
    p.tell().await;
    assert_eq!(p.available().await, "30.000000");
    p.spend("25").await;
    p.w.suspend(&p.seller.id).await;
    p.tell().await;
    assert_eq!(p.available().await, "5.000000");
    let state = p.w.master.api.get(&format!("{TOPUP}?account_id={}", p.buyer.id)).send().await.is(200);
    assert_eq!((state.word("status"), state.word("reason")), ("waiting", "parent_suspended"));
    p.w.operator().post(&format!("/reseller/accounts/{}/reactivate", p.seller.id), json!({})).send().await.is(200);
    p.later(5 * MINUTE).await;
    assert_eq!(p.available().await, "30.000000");
    // One that is suspended while it waits is waited for no more: else it would be looked at each minute for ever.
    p.spend("25").await;
    p.w.suspend(&p.seller.id).await;
    p.tell().await;
    assert_eq!(p.state().await.word("status"), "waiting");
    p.w.suspend(&p.buyer.id).await;
    p.later(5 * MINUTE).await;
    assert!(due(&p).await.is_empty());
}

/// Who is tried again, as far as the index says.
async fn due(p: &Purse) -> Vec<String> {
    let app = &p.inside().app;
    let far = app.now().checked_add(jiff::SignedDuration::from_hours(24 * 365)).expect("in range");
    let (due, _) = app.store().topups_due(far, 100, None).await.expect("a list");
    due.into_iter().map(|account| account.to_string()).collect()
}

#[tokio::test]
async fn packages_are_bought_as_often_as_it_takes_within_the_caps() {
    let p = Purse::new().await;
    let offered = json!({ "name": "Ten", "credits": "10", "bonus": "1", "price": "9", "valid_days": 30 });
    let package = p.seller.api.post("/reseller/pricing/packages", offered).send().await.is(201).id();
    let body = |more: Value| {
        let mut body = json!({ "threshold": "30", "source": { "package": package, "quantity": 2 } });
        merge(&mut body, more);
        body
    };
    let set = p.buyer.api.put(TOPUP, body(json!({ "daily_cap": "50" }))).send().await.is(200);
    assert_eq!((set["source"]["quantity"].as_u64(), set["amount"].is_null()), (Some(2), true));
    p.tell().await;
    assert_eq!((p.available().await.as_str(), p.state().await.word("drawn_today")), ("42.000000", "22.000000"));
    let bought = p.buyer.api.get("/reseller/credits/history?kind=purchase").send().await.is(200);
    assert_eq!(bought.column("amount"), ["22.000000"]);
    p.spend("40").await;
    p.tell().await;
    assert_eq!(p.available().await, "24.000000", "two pairs would be 44, and the cap leaves 28: one pair");
    assert_eq!(p.state().await.word("reason"), "daily_cap");
    let gone = json!({ "source": { "package": "pkg_01hx3v9k2mfd8bq5r7w1z4n6ty" } });
    p.buyer.api.put(TOPUP, body(gone)).send().await.refused(404, "not_found");
}
