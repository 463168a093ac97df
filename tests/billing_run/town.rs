//! A platform that lives: resellers up to four deep, customers below each, and what all of them do.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tributary_api::App;
use tributary_billing::collect::{By, pay_now};
use tributary_billing::disputes::{Resolving, resolve};
use tributary_billing::{Desk, cards, due, processor_events};
use tributary_domain::billing::credit_note::{GivenAs, Part};
use tributary_domain::billing::dispute::{DisputeReason, Message, Origin, Resolution, Statement};
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::id::{CreditNoteId, DisputeId, TransferId};
use tributary_domain::money::Micros;
use tributary_domain::text::Reference;
use tributary_processor::faults::Chaos;
use tributary_processor::hooks::{Deliver, Order};
use tributary_processor::{Options, Processor};
use tributary_runtime::ids::SeededIds;
use tributary_store::credit_notes::NewNote;
use tributary_store::disputes::{DisputesOf, Opening};
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::Table;

use super::{Bills, EVENTS, fire, id};
use crate::billing::scene::{RETURN_URL, Scripted};
use crate::support::api::{Api, Inside, Target};
use crate::support::world::Node;

const ZONES: [&str; 6] = ["UTC", "Europe/Berlin", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "America/Santiago"];
const CARDS: [&str; 8] = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_authenticationRequired",
    "pm_card_scripted_processing",
    "pm_card_createDispute",
    "pm_card_pendingRefund",
];
/// The most events of one request.
const MOST_EVENTS: usize = 100;
/// How many events are remembered, to be taken back.
const REMEMBERED: usize = 2_000;
/// How many accounts share a reseller.
const PER_RESELLER: usize = 12;
/// Resellers below the master: three below one another, so that customers are five deep.
const DEEP: usize = 3;

/// Who sells to how deep below the operator, which decides its prices.
pub struct Seller {
    pub id: String,
    pub level: i64,
    /// Its API key at the processor.
    pub key: String,
}

/// What happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub events: usize,
    pub voids: usize,
    pub moves: usize,
    pub disputes: usize,
    pub notes: usize,
    pub deaths: u32,
}

pub struct Town {
    pub b: Bills,
    pub rng: SmallRng,
    pub operator: String,
    pub sellers: Vec<Seller>,
    pub customers: Vec<String>,
    pub desk: Desk,
    pub processor: Processor,
    pub tally: Tally,
    size: usize,
    meters: Vec<String>,
    events: Vec<(String, String)>,
}

impl Town {
    /// A platform of about so many accounts.
    pub async fn new(seed: u64, size: usize) -> Self {
        let memory = MemoryTable::new();
        let table: Arc<dyn Table> = Arc::new(memory.clone());
        let b = Bills::on(Target::over(table, memory, Arc::new(SeededIds::new(seed))).await).await;
        let mut rng = SmallRng::seed_from_u64(seed);
        let tiered = b.w.unique("t").to_lowercase();
        let meter = json!({ "key": tiered, "name": "Data", "unit": "GB", "aggregation": "sum" });
        b.w.operator().post("/reseller/pricing/meters", meter).send().await.is(201);
        let meters = vec![b.meter.clone(), tiered];
        let master = Seller { id: b.w.master.id.clone(), level: 2, key: "sk_test_1".to_owned() };
        prices(&mut rng, &meters, b.w.operator(), 1).await;
        prices(&mut rng, &meters, &b.w.master.api, 2).await;
        let mut sellers = vec![master];
        for number in 0..DEEP.max(size / PER_RESELLER) {
            let above = match number {
                0..DEEP => sellers.last(),
                _ => sellers.iter().filter(|seller| seller.level < 5).collect::<Vec<_>>().choose(&mut rng).copied(),
            };
            let (parent, level) = above.map(|above| (above.id.clone(), above.level + 1)).expect("a seller");
            let kind = json!({ "kind": "reseller", "funding": if rng.random_bool(0.5) { "postpaid" } else { "prepaid" } });
            let id = b.w.create(&parent, kind).await.id();
            b.w.fund(&id, "1000000").await;
            let node = Node { api: b.w.key_for(&id, "owner").await, id };
            prices(&mut rng, &meters, &node.api, level).await;
            sellers.push(Seller { id: node.id, level, key: format!("sk_test_{level}_{number}") });
        }
        let inside = b.inside();
        let operator = inside.app.store().operator().await.expect("it reads").expect("an operator");
        let clock = Arc::new(inside.clock.clone());
        let processor = Processor::open(Options { seed, file: None, clock }).expect("a processor in memory");
        let mut keys: BTreeMap<_, _> = sellers.iter().map(|seller| (id(&seller.id), seller.key.clone())).collect();
        keys.insert(operator.clone(), "sk_test_operator".to_owned());
        let scripted = Arc::new(Scripted { processor: processor.clone(), keys });
        let desk = Desk::new(inside.app.clone(), scripted, Some(RETURN_URL.to_owned()), inside.app.run_id("town"));
        let (events, tally) = (Vec::new(), Tally::default());
        let operator = operator.to_string();
        let mut town =
            Self { b, rng, operator: operator.clone(), sellers, customers: Vec::new(), desk, processor, tally, size, meters, events };
        town.terms(&operator).await;
        for at in 0..town.sellers.len() {
            let seller = town.sellers[at].id.clone();
            town.terms(&seller).await;
            town.card(&seller).await;
            for _ in 0..2 {
                town.customer(&seller).await;
            }
        }
        while town.sellers.len() + town.customers.len() < size {
            let seller = town.seller();
            town.customer(&seller).await;
        }
        town.trouble(true);
        town
    }

    pub fn inside(&self) -> &Inside {
        self.b.inside()
    }

    pub fn app(&self) -> &App {
        self.b.app()
    }

    pub fn now(&self) -> Timestamp {
        self.app().now()
    }

    pub fn accounts(&self) -> Vec<String> {
        self.sellers.iter().map(|seller| seller.id.clone()).chain(self.customers.iter().cloned()).collect()
    }

    /// The keys at the processor, with whose they are.
    pub fn keys(&self) -> Vec<(String, String)> {
        let operator = (self.operator.clone(), "sk_test_operator".to_owned());
        self.sellers.iter().map(|seller| (seller.id.clone(), seller.key.clone())).chain([operator]).collect()
    }

    /// Whether the processor's trouble is on.
    pub fn trouble(&mut self, on: bool) {
        let seed = self.rng.random();
        let chaos = Chaos { seed, lose_request: 40, lose_answer: 60, fail_before: 25, fail_after: 30, fail_kept: 10, rate_limit: 25 };
        self.processor.chaos(on.then_some(chaos));
    }

    async fn customer(&mut self, seller: &str) {
        let postpaid = self.rng.random_bool(0.7);
        let customer = self.b.w.create(seller, json!({ "funding": if postpaid { "postpaid" } else { "prepaid" } })).await.id();
        let credit = if postpaid { ["0", "30", "5000"].choose(&mut self.rng) } else { ["300", "5000"].choose(&mut self.rng) };
        if let Some(credit) = credit.filter(|credit| **credit != "0") {
            self.b.w.fund(&customer, credit).await;
        }
        if self.rng.random_bool(0.5) {
            let zone = ZONES[self.rng.random_range(0..ZONES.len())];
            self.b.profile(&customer, json!({ "anchor_day": self.rng.random_range(1..=31), "time_zone": zone })).await;
        }
        if self.rng.random_bool(0.7) {
            self.card(&customer).await;
        }
        self.customers.push(customer);
    }

    /// A card at the processor of the account's seller, of some kind.
    async fn card(&mut self, account: &str) {
        let name = *CARDS.choose(&mut self.rng).expect("one");
        let Ok((counter, customer)) = cards::customer(&self.desk, &id(account)).await else { return };
        let key = self.desk.app.uuid().to_string();
        if let Ok(card) = counter.processor.attach_payment_method(name, &customer.customer, &key).await {
            let _ = cards::set_default(&self.desk, &id(account), &card.id).await;
        }
    }

    async fn terms(&mut self, seller: &str) {
        let (grace_hours, draft_hours) = ([0, 0, 24, 168][self.rng.random_range(0..4)], [0, 0, 48][self.rng.random_range(0..3)]);
        let terms_days = [0, 7, 14][self.rng.random_range(0..3)];
        let mut all =
            json!({ "grace_hours": grace_hours, "draft_hours": draft_hours, "terms_days": terms_days, "collection": "automatic" });
        if self.rng.random_bool(0.4) {
            all["fees"] = json!([{ "id": "base", "name": "Base", "amount": "12.34", "prorate": self.rng.random_bool(0.5) }]);
        }
        if self.rng.random_bool(0.3) {
            all["minimum"] = json!("20");
        }
        if self.rng.random_bool(0.5) {
            all["tax_rates"] = json!([{ "id": "vat", "name": "VAT", "percent": "7.7" }]);
        }
        self.b.sells(seller, all).await;
    }

    fn seller(&mut self) -> String {
        self.sellers.choose(&mut self.rng).expect("one").id.clone()
    }

    fn anyone(&mut self) -> String {
        let all = self.accounts();
        all.choose(&mut self.rng).expect("one").clone()
    }

    fn buyer(&mut self) -> String {
        self.customers.choose(&mut self.rng).expect("one").clone()
    }

    /// Some accounts use something.
    async fn use_some(&mut self) {
        let many = self.rng.random_range(1..=(self.size / 3).clamp(1, MOST_EVENTS));
        let (mut sent, mut events) = (Vec::new(), Vec::new());
        for _ in 0..many {
            let event = self.b.w.unique("event");
            let (account, meter) = (self.buyer(), self.meters[self.rng.random_range(0..2)].clone());
            // Most usage is sent at once, some is weeks late.
            let ago = if self.rng.random_bool(0.8) { 0 } else { self.rng.random_range(0..25 * 24 * 3_600) };
            let (when, quantity) =
                (self.b.w.target.time_in_s(-ago), format!("{}.{}", self.rng.random_range(0..60), self.rng.random_range(1..9)));
            events.push(json!({ "id": event, "account_id": account, "meter": meter, "quantity": quantity, "occurred_at": when }));
            sent.push((event, account));
        }
        let answer = self.b.w.operator().post(EVENTS, json!({ "events": events })).send().await.is(200);
        let results = answer["results"].as_array().expect("a result for each").iter();
        let taken: Vec<_> = sent.into_iter().zip(results).filter(|(_, result)| result["status"] == "accepted").collect();
        self.tally.events += taken.len();
        for (event, _) in taken {
            match self.events.len() {
                0..REMEMBERED => self.events.push(event),
                _ => {
                    let at = self.rng.random_range(0..REMEMBERED);
                    self.events[at] = event;
                }
            }
        }
    }

    /// Something happens.
    pub async fn deed(&mut self) {
        match self.rng.random_range(0..100) {
            0..70 => self.use_some().await,
            70..80 if !self.events.is_empty() => {
                let at = self.rng.random_range(0..self.events.len());
                let (event, account) = self.events.swap_remove(at);
                let path = format!("/reseller/usage/events/{event}/void");
                let voided = self.b.w.operator().pay(&path, json!({ "account_id": account })).send().await;
                self.tally.voids += usize::from(voided.status < 300);
            }
            80..85 => self.moves().await,
            85..89 => {
                let (account, postpaid) = (self.anyone(), self.rng.random_bool(0.5));
                let body = json!({ "funding": if postpaid { "postpaid" } else { "prepaid" } });
                self.b.w.operator().put(&format!("/reseller/accounts/{account}"), body).send().await;
            }
            89..92 => {
                let seller = self.seller();
                self.terms(&seller).await;
            }
            92..96 => {
                let account = self.anyone();
                let amount = ["10", "300"].choose(&mut self.rng).expect("one");
                let body = json!({ "account_id": account, "amount": amount });
                self.b.w.operator().pay("/reseller/credits/issue", body).send().await;
            }
            96..98 => {
                let account = self.anyone();
                self.card(&account).await;
            }
            _ => {
                let seller = self.seller();
                if self.sellers.len() + self.customers.len() < self.size + self.size / 4 {
                    self.customer(&seller).await;
                }
            }
        }
    }

    /// A customer moves anywhere, a reseller below one that sells for less.
    async fn moves(&mut self) {
        let (account, to) = match self.rng.random_range(0..4) {
            0 => {
                let seller = self.sellers.choose(&mut self.rng).expect("one");
                let (id, level) = (seller.id.clone(), seller.level);
                let below: Vec<&Seller> = self.sellers.iter().filter(|to| to.level < level).collect();
                let Some(to) = below.choose(&mut self.rng).map(|to| to.id.clone()) else { return };
                (id, to)
            }
            _ => (self.buyer(), self.seller()),
        };
        let path = format!("/reseller/accounts/{account}/move");
        let moved = self.b.w.operator().post(&path, json!({ "parent_id": to })).send().await;
        self.tally.moves += usize::from(moved.status == 200);
    }

    /// An app on a table that fails, and may be killed.
    fn worker(&mut self) -> (App, Arc<Faulty<MemoryTable>>) {
        let seed = self.rng.random();
        let faults = if self.rng.random_bool(0.5) { Faults::drizzle() } else { Faults::storm() };
        let memory = self.inside().memory.clone();
        let table = Arc::new(Faulty::new(memory.clone(), seed, faults).lagging_behind(memory));
        if self.rng.random_bool(0.4) {
            let moment = if self.rng.random_bool(0.5) { Moment::Before } else { Moment::After };
            table.kill_in(self.rng.random_range(0..150), moment);
        }
        (self.b.w.target.worker(Arc::clone(&table) as Arc<dyn Table>), table)
    }

    /// The schedule fires, some of it in processes that fail or die.
    pub async fn bill(&mut self, calm: bool) -> Value {
        if !calm && self.rng.random_bool(0.4) {
            let (app, table) = self.worker();
            let fired = fire(&app, &self.inside().outside.billing).await;
            self.tally.deaths += u32::from(table.is_killed());
            return fired.unwrap_or_default();
        }
        fire(self.app(), &self.inside().outside.billing).await.expect("a run")
    }

    /// Somebody collects, pays, corrects or disputes; what fails, fails.
    pub async fn collect(&mut self) {
        let (app, table) = self.worker();
        let desk = Desk { app, ..self.desk.clone() };
        match self.rng.random_range(0..12) {
            0..4 => drop(due::run(&desk, Timestamp::MAX).await),
            4..7 => self.hooks(&desk).await,
            7 => self.bank(),
            8 => {
                let by = if self.rng.random_bool(0.5) { By::Card } else { By::Credit };
                if let Some(invoice) = self.invoice().await {
                    drop(pay_now(&desk, &invoice.id, by).await);
                }
            }
            9 => self.note(&desk).await,
            10 => self.dispute(&desk).await,
            _ => self.resolve(&desk).await,
        }
        self.tally.deaths += u32::from(table.is_killed());
    }

    /// One of the newest invoices of an account.
    async fn invoice(&mut self) -> Option<Invoice> {
        let account = self.anyone();
        let newest = self.app().store().invoices(&id(&account), None, 6).await.expect("they read").0;
        newest.choose(&mut self.rng).filter(|invoice| invoice.state != InvoiceState::Draft).cloned()
    }

    async fn note(&mut self, desk: &Desk) {
        let Some(invoice) = self.invoice().await else { return };
        let Some(part) = self.part(&invoice) else { return };
        let given_as = *[GivenAs::Credit, GivenAs::Refund, GivenAs::Outside].choose(&mut self.rng).expect("one");
        let note = NewNote {
            id: CreditNoteId::from_uuid(desk.app.uuid()),
            transfer: TransferId::from_uuid(desk.app.uuid()),
            given_as,
            reason: Reference::parse("It was down").expect("a text"),
            refund_of: None,
        };
        let issued = desk.store().issue_credit_note(&invoice.id, &[part], &note, None, &|| desk.act()).await;
        self.tally.notes += usize::from(issued.is_ok());
    }

    fn part(&mut self, invoice: &Invoice) -> Option<Part> {
        let lines: Vec<_> = invoice.lines.iter().filter(|line| !line.settled && line.amount > Micros::ZERO).collect();
        let line = lines.choose(&mut self.rng)?;
        let cents = self.rng.random_range(1..=line.amount.get() / 10_000);
        Some(Part { line: line.id.clone(), amount: Micros::new(cents * 10_000) })
    }

    async fn dispute(&mut self, desk: &Desk) {
        let Some(invoice) = self.invoice().await else { return };
        let Some(part) = self.part(&invoice) else { return };
        let evidence = Message {
            account_id: invoice.account_id.clone(),
            by: None,
            text: Statement::parse("No.").expect("a text"),
            links: Vec::new(),
            at: desk.now(),
        };
        let (dispute, reason, origin) = (DisputeId::from_uuid(desk.app.uuid()), DisputeReason::Other, Origin::Customer);
        let opening = Opening { id: dispute, asked: vec![part], reason, origin, evidence };
        let opened = desk.store().open_dispute(&invoice.id, &opening, None, &|| desk.act()).await;
        self.tally.disputes += usize::from(opened.is_ok());
    }

    async fn resolve(&mut self, desk: &Desk) {
        let seller = id(&self.seller());
        let listed = self.app().store().disputes(DisputesOf::Seller(&seller), None, 50).await.expect("they read").0;
        let open: Vec<_> =
            listed.into_iter().filter(|dispute| dispute.state.is_open() && matches!(dispute.origin, Origin::Customer)).collect();
        let Some(dispute) = open.choose(&mut self.rng) else { return };
        let resolution = [Resolution::AcceptAll, Resolution::Reject, Resolution::Withdraw].choose(&mut self.rng).cloned().expect("one");
        let given_as = *[GivenAs::Credit, GivenAs::Refund, GivenAs::Outside].choose(&mut self.rng).expect("one");
        let reason = Reference::parse("Agreed").expect("a text");
        let resolving = Resolving { resolution, given_as, reason, pass_up: self.rng.random_bool(0.5) };
        drop(resolve(desk, &dispute.id, &resolving, None, &|_| true).await);
    }

    /// What happened at the processor comes, or some of it, in some order; what is not taken comes again at the end.
    async fn hooks(&mut self, desk: &Desk) {
        for (seller, key) in self.keys() {
            if self.rng.random_bool(0.5) {
                continue;
            }
            let (copies, again) = (self.rng.random_range(1..3), self.rng.random_bool(0.02));
            let how = Deliver { order: Order::Shuffled(self.rng.random()), copies, again, ..Deliver::default() };
            for event in self.processor.deliveries(&key, &how) {
                if self.rng.random_bool(0.8) {
                    drop(processor_events::take(desk, &id(&seller), event.body.as_bytes(), &event.signature).await);
                }
            }
        }
    }

    /// Something happens at the bank of somebody's customers.
    fn bank(&mut self) {
        let keys = self.keys();
        let (_, key) = keys.choose(&mut self.rng).expect("one");
        for intent in self.processor.objects(key, "payment_intent") {
            let id = intent["id"].as_str().unwrap_or_default();
            match intent["status"].as_str() {
                Some("requires_action") if self.rng.random_bool(0.5) => {
                    drop(self.processor.authenticate(id, self.rng.random_bool(0.8)));
                }
                Some("processing") if self.rng.random_bool(0.5) => {
                    drop(self.processor.settle_payment(id, self.rng.random_bool(0.3).then_some("insufficient_funds")));
                }
                Some("succeeded") if self.rng.random_bool(0.01) => {
                    drop(self.processor.dispute(id, None, "fraudulent", self.rng.random_bool(0.2)));
                }
                _ => {}
            }
        }
        for dispute in self.processor.objects(key, "dispute") {
            if self.rng.random_bool(0.3) {
                let inquiry = dispute["status"].as_str().is_some_and(|status| status.starts_with("warning"));
                let end =
                    if inquiry { "warning_closed" } else { ["won", "lost", "under_review"].choose(&mut self.rng).copied().expect("one") };
                drop(self.processor.change_dispute(dispute["id"].as_str().unwrap_or_default(), end));
            }
        }
    }

    /// Nobody is charged by itself any more, nothing goes wrong, and everything is told, worked off and brought to its end.
    pub async fn come_to_rest(&mut self) {
        self.trouble(false);
        let sellers: Vec<String> = self.keys().into_iter().map(|(seller, _)| seller).collect();
        for seller in sellers {
            self.b.sells(&seller, json!({})).await;
        }
        for round in 0..80 {
            for (seller, key) in self.keys() {
                for intent in self.processor.objects(&key, "payment_intent").iter().filter(|intent| intent["status"] == "processing") {
                    drop(self.processor.settle_payment(intent["id"].as_str().unwrap_or_default(), None));
                }
                for refund in self.processor.objects(&key, "refund").iter().filter(|refund| refund["status"] == "pending") {
                    drop(self.processor.settle_refund(refund["id"].as_str().unwrap_or_default(), true));
                }
                for event in self.processor.deliveries(&key, &Deliver { again: round == 1, ..Deliver::default() }) {
                    let taken = processor_events::take(&self.desk, &id(&seller), event.body.as_bytes(), &event.signature).await;
                    taken.unwrap_or_else(|error| panic!("{}: {error}", event.kind));
                }
            }
            // The last rounds only end what was begun.
            if round < 76 {
                self.inside().clock.advance_ms(24 * 3_600_000);
                self.bill(true).await;
            }
            let ran = due::run(&self.desk, Timestamp::MAX).await.expect("it runs");
            assert_eq!(ran.failed, 0, "{ran:?}");
        }
        for _ in 0..60 {
            let summary = self.bill(true).await;
            if summary["accounts"] == 0 && summary["open"] == 0 {
                return;
            }
            self.inside().clock.advance_ms(300_000);
        }
        panic!("billing does not come to an end");
    }
}

async fn prices(rng: &mut SmallRng, meters: &[String], api: &Api, level: i64) {
    let cents = rng.random_range(10..99);
    let tiers = json!({ "type": "graduated", "tiers": [
        { "up_to": rng.random_range(20..80).to_string(), "unit_price": format!("0.{level}{cents}7") },
        { "unit_price": format!("0.{level}{cents}") },
    ] });
    // Finer than a ledger counts.
    let flat = json!({ "type": "flat", "unit_price": format!("0.{level}{cents}3333") });
    for (meter, model) in [(&meters[0], flat), (&meters[1], tiers)] {
        // The first meter has prices at the top of the tree already.
        api.post("/reseller/pricing/rate-cards", json!({ "meter": meter, "currency": "USD", "model": model })).send().await;
    }
}
