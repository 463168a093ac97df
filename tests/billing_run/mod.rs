//! Billing that runs by itself: the schedule fires, messages are worked off, and every account is billed once.
//!
//! `TRIBUTARY_SEED=17 cargo test -p tributary-tests --test all -- billing_run::simulation::one_life --ignored --nocapture` runs one seed.

mod diagrams;
mod flows;
mod killed;
mod promises;
mod simulation;
mod town;

use jiff::Timestamp;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::profile::{Profile, SellerSettings};
use tributary_domain::billing::run::Asked;
use tributary_domain::id::{AccountId, ActorId, EventId, RunId};
use tributary_domain::lineage::Lineage;
use tributary_runtime::queue::MemoryQueue;
use tributary_store::accounts::Authority;
use tributary_store::error::Denied;
use tributary_store::events::Act;
use tributary_store::idempotency::Scope;
use tributary_store::runs::RunKept;

use crate::support::api::{Inside, Target};
use crate::support::events::of_queue;
use crate::support::world::{Node, World};

const EVENTS: &str = "/reseller/usage/events";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn id(text: &str) -> AccountId {
    text.parse().expect("an id")
}

fn anyone(_: &AccountId, _: &Lineage) -> Result<(), Denied> {
    Ok(())
}

pub(crate) fn act(app: &App) -> Act {
    Act { event: EventId::from_uuid(app.uuid()), actor: ActorId::platform(), request: app.run_id(""), now: app.now() }
}

/// A platform that sells a meter at 0.10 each to the master, 0.20 to whom the master sells, 0.30 one level below.
pub(crate) struct Bills {
    pub(crate) w: World,
    pub(crate) meter: String,
}

impl Bills {
    async fn new() -> Self {
        Self::on(Target::in_process().await).await
    }

    pub(crate) async fn on(target: Target) -> Self {
        let w = World::on(target).await;
        let meter = w.unique("u").to_lowercase();
        w.operator()
            .post("/reseller/pricing/meters", json!({ "key": meter, "name": "Text messages", "unit": "message", "aggregation": "sum" }))
            .send()
            .await
            .is(201);
        let bills = Self { w, meter };
        bills.card(bills.w.operator(), "0.10").await;
        bills.card(&bills.w.master.api, "0.20").await;
        bills.w.fund(&bills.w.master.id, "100000").await;
        bills
    }

    async fn card(&self, seller: &crate::support::api::Api, price: &str) {
        let card = json!({ "meter": self.meter, "currency": "USD", "model": { "type": "flat", "unit_price": price } });
        seller.post("/reseller/pricing/rate-cards", card).send().await.is(201);
    }

    pub(crate) fn inside(&self) -> &Inside {
        self.w.target.inside("billing").expect("in this process")
    }

    pub(crate) fn app(&self) -> &App {
        &self.inside().app
    }

    /// A postpaid customer of a seller.
    pub(crate) async fn postpaid(&self, parent: &str) -> String {
        self.w.create(parent, json!({ "funding": "postpaid" })).await.id()
    }

    /// A reseller below another, which sells at 0.30 and has credit.
    async fn reseller(&self, parent: &str) -> Node {
        let node = self.w.reseller_of(parent).await;
        self.card(&node.api, "0.30").await;
        self.w.fund(&node.id, "10000").await;
        node
    }

    pub(crate) async fn sells(&self, seller: &str, settings: Value) {
        let settings: SellerSettings = serde_json::from_value(settings).expect("settings");
        settings.validate().expect("good settings");
        let (app, home) = (self.app(), id(seller));
        let authority = Authority { home: &home, may: &anyone };
        app.store().set_seller(&id(seller), None, authority, &act(app), |_| Ok(settings.clone())).await.expect("they are set");
    }

    async fn profile(&self, account: &str, profile: Value) {
        let profile: Profile = serde_json::from_value(profile).expect("a profile");
        let account = self.app().store().account(&id(account)).await.expect("it is there");
        let mut billing = self.app().store().billing(&account.id).await.expect("it reads").expect("it is billed");
        let cycle = profile.cycle(&account);
        billing.set_profile(profile, &cycle, self.app().now());
        assert_eq!(self.app().store().save_billing(&billing, 0).await, Ok(true));
    }

    /// Uses so many messages now.
    pub(crate) async fn uses(&self, account: &str, quantity: &str) -> String {
        self.used_at(account, quantity, 0).await
    }

    /// Uses so many messages, `ago` seconds before now.
    async fn used_at(&self, account: &str, quantity: &str, ago: i64) -> String {
        let event = self.w.unique("event");
        let when = self.w.target.time_in_s(-ago);
        let body =
            json!({ "events": [{ "id": event, "account_id": account, "meter": self.meter, "quantity": quantity, "occurred_at": when }] });
        let answer = self.w.operator().post(EVENTS, body).send().await.is(200);
        assert_eq!(answer["accepted"], 1, "{}", answer.text);
        event
    }

    pub(crate) fn until(&self, time: &str) {
        let clock = &self.inside().clock;
        let ahead = at(time).duration_since(self.app().now());
        assert!(!ahead.is_negative(), "it is {} already", self.app().now());
        clock.advance_ms(i64::try_from(ahead.as_millis()).expect("in range"));
    }

    /// The schedule fires once, and all messages are worked off.
    pub(crate) async fn run(&self) -> Value {
        fire(self.app(), &self.inside().outside.billing).await.expect("a run")
    }

    /// The invoices of an account, the oldest first.
    pub(crate) async fn invoices(&self, account: &str) -> Vec<Invoice> {
        invoices(self.app(), account).await
    }

    /// A run that is asked for, worked off.
    async fn ask(&self, by: &str, account: &str, month: &str, dry_run: bool) -> RunKept {
        let app = self.app();
        let asked = Asked { by: id(by), account_id: id(account), month: month.parse().expect("a month"), dry_run };
        let run = tributary_billing::run::asked(app, asked);
        let (key, by) = (self.w.unique("run"), id(by));
        let scope = Scope { account: by, route: "run", key, body: String::new(), actor: ActorId::platform(), request: app.run_id("") };
        app.store().ask_run(&run, &act(app), &scope).await.expect("it is noted");
        tributary_billing::run::begin_asked(app, &run).await.expect("it is told");
        assert!(work(app, &self.inside().outside.billing).await, "nothing fails");
        app.store().run(&run.id).await.expect("it is there")
    }

    async fn kept(&self, run: &Value) -> RunKept {
        let run: RunId = run["run_id"].as_str().expect("a run").parse().expect("an id");
        self.app().store().run(&run).await.expect("it is there")
    }
}

pub(crate) async fn invoices(app: &App, account: &str) -> Vec<Invoice> {
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let (page, next) = app.store().invoices(&id(account), start, 500).await.expect("they read");
        all.extend(page);
        match next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    all.reverse();
    all
}

/// Fires the schedule once and works its messages off.
pub(crate) async fn fire(app: &App, queue: &MemoryQueue) -> Result<Value, String> {
    let summary = tributary_billing_run::handle(app, json!({}), &app.run_id("")).await.map_err(|error| error.to_string());
    work(app, queue).await;
    summary
}

/// Works messages off until none waits; those that fail are given again, and put aside after five times. Whether none was.
pub(crate) async fn work(app: &App, queue: &MemoryQueue) -> bool {
    let mut good = true;
    loop {
        let bodies = queue.take();
        if bodies.is_empty() {
            return good;
        }
        for body in bodies {
            let mut done = false;
            for times in 1..=5 {
                let mut event = of_queue([body.as_str()]);
                event["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!(times.to_string());
                let answer = tributary_invoice_worker::handle(app, event, &app.run_id("")).await;
                if answer.is_ok_and(|answer| answer == json!({"batchItemFailures": []})) {
                    done = true;
                    break;
                }
            }
            good &= done;
        }
    }
}
