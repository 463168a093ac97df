//! A reseller with a customer, both billed, in one process with the scripted processor.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tributary_billing::collect::{Collected, collect};
use tributary_billing::processors::{Counter, Processors};
use tributary_billing::{BillingError, Desk, cards, due, processor_events};
use tributary_domain::account::{Funding, Kind};
use tributary_domain::billing::build::{Billed, Input, build};
use tributary_domain::billing::cycle::{AnchorDay, Cycle};
use tributary_domain::billing::invoice::{Invoice, InvoiceState, LedgerRange, PartyShown};
use tributary_domain::billing::number::NumberPrefix;
use tributary_domain::billing::payment::Payment;
use tributary_domain::billing::profile::{Collection, SellerSettings, Terms};
use tributary_domain::id::{AccountId, InvoiceId, RequestId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;
use tributary_domain::pricing::number::{Picos, Quantity};
use tributary_domain::pricing::state::{MeterState, UsageState};
use tributary_domain::text::Name;
use tributary_processor::faults::{Fault, Wrong};
use tributary_processor::hooks::Deliver;
use tributary_processor::{Options, Processor};
use tributary_runtime::blobs::MemoryBlobs;
use tributary_runtime::clock::{Clock as _, ManualClock};
use tributary_runtime::ids::SeededIds;
use tributary_runtime::payments::PaymentProcessor;
use tributary_runtime::payments::stripe::{Retries, Stripe};
use tributary_store::accounts::Authority;
use tributary_store::commit::Patience;
use tributary_store::entries;
use tributary_store::error::{Denied, StoreError};
use tributary_store::invoices::{Issuing, NewInvoice};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Table, Value as Attribute};
use tributary_tests::usage::platform::{Ground, Opening, Platform};
use uuid::Uuid;

pub const SECRET: &str = "whsec_scripted";
pub const RETURN_URL: &str = "https://example.com/paid";
const HOUR_MS: i64 = 3_600_000;

/// The scripted processor for every seller that takes cards, under an API key of its own each.
#[derive(Debug)]
pub struct Scripted {
    pub processor: Processor,
    /// The API key by seller.
    pub keys: BTreeMap<AccountId, String>,
}

#[async_trait]
impl Processors for Scripted {
    async fn of(&self, seller: &AccountId) -> Result<Option<Counter>, BillingError> {
        let counter = |key: &String| {
            let stripe = Stripe::over(Arc::new(self.processor.in_process()), key, Retries::at_once(3));
            Counter { processor: Arc::new(stripe) as Arc<dyn PaymentProcessor>, webhook_secret: SECRET.to_owned() }
        };
        Ok(self.keys.get(seller).map(counter))
    }
}

/// The platform, and who bills whom.
pub struct Scene {
    pub memory: MemoryTable,
    pub ground: Ground,
    pub platform: Platform,
    pub clock: ManualClock,
    pub processor: Processor,
    pub desk: Desk,
    pub reseller: AccountId,
    pub customer: AccountId,
}

fn anyone(_: &AccountId, _: &Lineage) -> Result<(), Denied> {
    Ok(())
}

pub fn micros(text: &str) -> Micros {
    serde_json::from_value(text.into()).expect("money")
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

impl Scene {
    /// On the first of December: a reseller that takes cards by itself, and its customer without credit.
    pub async fn new() -> Self {
        Self::seeded(7).await
    }

    pub async fn seeded(seed: u64) -> Self {
        let (memory, clock) = (MemoryTable::new(), ManualClock::at(at("2026-12-01T00:00:00Z")));
        let table: Arc<dyn Table> = Arc::new(memory.clone());
        let ids = Arc::new(SeededIds::new(seed));
        let ground = Ground { table, blobs: Arc::new(MemoryBlobs::default()), clock: Arc::new(clock.clone()), ids };
        let platform = Platform::on(&ground, Patience::eager(20)).await.expect("a platform");
        let processor = Processor::open(Options { seed, file: None, clock: Arc::new(clock.clone()) }).expect("a processor in memory");
        let open = |parent: &AccountId, kind| Opening {
            parent: parent.clone(),
            kind,
            currency: None,
            funding: Funding::Postpaid,
            credit_limit: Micros::ZERO,
        };
        let reseller = platform.open(&open(&platform.operator, Kind::Reseller)).await.expect("a reseller");
        let customer = platform.open(&open(&reseller, Kind::Customer)).await.expect("a customer");
        let keys = [(&platform.operator, "sk_test_operator"), (&reseller, "sk_test_reseller")];
        let keys = keys.into_iter().map(|(seller, key)| (seller.clone(), key.to_owned())).collect();
        let scripted = Arc::new(Scripted { processor: processor.clone(), keys });
        let desk = Desk::new(platform.app.clone(), scripted, Some(RETURN_URL.to_owned()), RequestId::from_uuid(Uuid::nil()));
        let scene = Self { memory, ground, platform, clock, processor, desk, reseller, customer };
        for seller in [scene.platform.operator.clone(), scene.reseller.clone()] {
            scene.settings(&seller, |settings| settings.collection = Collection::Automatic).await;
        }
        scene
    }

    /// From now on the reseller's cards are charged under this API key, by nobody without one.
    pub fn charge_under(&mut self, key: Option<&str>) {
        let keys = key.map(|key| (self.reseller.clone(), key.to_owned())).into_iter().collect();
        self.desk.processors = Arc::new(Scripted { processor: self.processor.clone(), keys });
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Another customer of the reseller.
    pub async fn another(&self) -> AccountId {
        let opening = Opening {
            parent: self.reseller.clone(),
            kind: Kind::Customer,
            currency: None,
            funding: Funding::Postpaid,
            credit_limit: Micros::ZERO,
        };
        self.platform.open(&opening).await.expect("a customer")
    }

    /// Changes how a seller bills.
    pub async fn settings(&self, seller: &AccountId, change: impl Fn(&mut SellerSettings) + Send + Sync) {
        let authority = Authority { home: &self.platform.operator, may: &anyone };
        let change = |old: &SellerSettings| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        };
        self.desk.store().set_seller(seller, None, authority, &self.desk.act(), change).await.expect("it is set");
    }

    /// Changes how far an account is billed, as a hand in the table would.
    pub async fn change_billing(&self, account: &AccountId, change: impl Fn(&mut tributary_domain::billing::bill::Billing)) {
        let mut billing = self.desk.store().billing(account).await.expect("read").expect("there");
        change(&mut billing);
        billing.version += 1;
        assert!(self.desk.store().save_billing(&billing, 0).await.expect("written"));
    }

    /// Gives an account credit.
    pub async fn fund(&self, account: &AccountId, amount: &str) {
        let key = self.desk.app.uuid().to_string();
        self.platform.issue(account, micros(amount), &key).await.expect("issued");
    }

    /// What an account has.
    pub async fn credit(&self, account: &AccountId) -> String {
        self.platform.head(account).await.expect("a head").available.to_string()
    }

    /// Adds a card to an account and makes it the default: the card's name at the processor.
    pub async fn card(&self, account: &AccountId, name: &str) -> String {
        let (counter, customer) = cards::customer(&self.desk, account).await.expect("a customer");
        let key = self.desk.app.uuid().to_string();
        let card = counter.processor.attach_payment_method(name, &customer.customer, &key).await.expect("attached");
        cards::set_default(&self.desk, account, &card.id).await.expect("the default");
        card.id
    }

    /// Issues November's invoice of an account now, due in 14 days: 100.00 for SMS, 20.00 for calls and a fee of 30.00, with 20 % tax: 180.00.
    pub async fn invoice(&self, account: &AccountId) -> InvoiceId {
        self.invoice_over(account, "100").await
    }

    /// The same with another amount for SMS.
    pub async fn invoice_over(&self, account: &AccountId, sms: &str) -> InvoiceId {
        let invoice = self.draft(account, sms).await;
        let issuing = Issuing { seller_id: invoice.seller_id.clone(), prefix: NumberPrefix::default(), now: self.now() };
        let new = NewInvoice { draft: invoice, terms_days: Some(14) };
        let issued = self.desk.store().issue_invoices(&issuing, &[new]).await.expect("issued");
        issued[0].id.clone()
    }

    pub async fn draft(&self, account: &AccountId, sms: &str) -> Invoice {
        let owner = self.desk.store().account(account).await.expect("an account");
        let seller_id = owner.lineage.parent().cloned().expect("a parent");
        let period = Cycle::new(AnchorDay::FIRST, None).period_of(at("2026-11-10T00:00:00Z"));
        let mut state = UsageState::default();
        let mut used = |meter: &str, quantity: i64, paid: Micros| {
            let picos = i128::from(paid.get()) * 1_000_000;
            let meters = &mut state.months.entry("2026-11".parse().expect("a month")).or_default().meters;
            let used = MeterState {
                quantity: Quantity::new(quantity * 1_000_000),
                paid: Picos::new(picos),
                cost: Picos::new(picos / 10 * 7),
                ..MeterState::default()
            };
            meters.insert(meter.parse().expect("a key"), used);
        };
        used("sms", 10, micros(sms));
        used("calls", 2, micros("20"));
        let fees = vec![serde_json::from_value(json!({"id": "base", "name": "Base", "amount": "30"})).expect("a fee")];
        let taxes = vec![serde_json::from_value(json!({"id": "vat", "name": "VAT", "percent": "20"})).expect("a rate")];
        let terms = Terms {
            cycle: Cycle::new(AnchorDay::FIRST, None),
            grace_hours: 0,
            draft_hours: 0,
            terms_days: 14,
            fees,
            minimum: Micros::ZERO,
            taxes,
            collection: Collection::Automatic,
            dunning: tributary_domain::billing::dunning::Policy::default(),
        };
        let party = || PartyShown {
            name: Name::parse("Party").expect("a name"),
            address: None,
            tax_id: None,
            email: None,
            brand: None,
            color: None,
            logo: None,
            footer: None,
            po_number: None,
        };
        let (billed, meters, promotions) = (Billed::default(), BTreeMap::new(), BTreeMap::new());
        let input = Input {
            account_id: account,
            seller_id: &seller_id,
            currency: owner.currency,
            funding: Funding::Postpaid,
            period,
            whole: period,
            part: 1,
            continues: false,
            cut: false,
            ledger: LedgerRange { from_seq: 1, to_seq: 9 },
            through: None,
            state: &state,
            billed: &billed,
            meters: &meters,
            promotions: &promotions,
            terms: &terms,
            charges: &[],
            seller: party(),
            buyer: party(),
            closed_at: period.end,
        };
        build(&input).expect("in range").invoice.expect("an invoice")
    }

    pub async fn get(&self, id: &InvoiceId) -> Invoice {
        self.desk.store().invoice(id).await.expect("an invoice")
    }

    pub async fn collect(&self, id: &InvoiceId) -> Collected {
        collect(&self.desk, id).await.expect("it is looked at")
    }

    /// What an invoice is: its state, what was paid, what is due.
    pub async fn stands(&self, id: &InvoiceId) -> (InvoiceState, String, String) {
        let invoice = self.get(id).await;
        (invoice.state, invoice.paid.to_string(), invoice.due().expect("in range").to_string())
    }

    pub async fn payments(&self, id: &InvoiceId) -> Vec<Payment> {
        self.desk.store().payments_of(&self.get(id).await).await.expect("they read")
    }

    /// Time goes by in steps of six hours, and what is due is done.
    pub async fn pass(&self, days: i64) {
        for _ in 0..days * 4 {
            self.clock.advance_ms(6 * HOUR_MS);
            self.run().await;
        }
    }

    pub async fn minutes(&self, minutes: i64) {
        self.clock.advance_ms(minutes * 60_000);
        self.run().await;
    }

    pub async fn run(&self) {
        let ran = due::run(&self.desk, Timestamp::MAX).await.expect("it runs");
        assert_eq!(ran.failed, 0, "{ran:?}");
    }

    /// What happens at the processor of a seller comes as webhooks.
    pub async fn deliver(&self, key: &str, how: &Deliver) -> usize {
        let seller = if key == "sk_test_operator" { &self.platform.operator } else { &self.reseller };
        let signed = self.processor.deliveries(key, how);
        for event in &signed {
            let taken = processor_events::take(&self.desk, seller, event.body.as_bytes(), &event.signature).await;
            taken.unwrap_or_else(|error| panic!("{}: {error}", event.kind));
        }
        signed.len()
    }

    pub async fn hooks(&self) -> usize {
        self.deliver("sk_test_reseller", &Deliver::default()).await
    }

    /// The next request of that kind goes wrong.
    pub fn fault(&self, wrong: Wrong, method: &str, path: &str, times: u32) {
        self.processor.fault(Fault { times, ..Fault::of(wrong, method, path) });
    }

    /// What the processor took less what it gave back, in cents.
    pub fn captured(&self) -> i64 {
        captured(&self.processor)
    }

    /// How often each payment was charged.
    pub fn charges(&self) -> BTreeMap<String, usize> {
        let mut charges = BTreeMap::new();
        for charge in self.processor.objects("sk_test_reseller", "charge").iter().filter(|charge| charge["paid"] == true) {
            *charges.entry(charge["metadata"]["payment_id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        charges
    }

    /// How often each kind of event was told of an account.
    pub fn told(&self, account: &AccountId) -> BTreeMap<String, usize> {
        told(&self.memory, account)
    }

    pub fn told_of(&self, account: &AccountId, kind: &str) -> usize {
        self.told(account).get(kind).copied().unwrap_or(0)
    }

    /// Credit comes from nowhere and goes nowhere.
    pub fn assert_ledgers_sum_to_zero(&self) {
        assert_eq!(ledgers(&self.memory), 0, "the sum of all ledgers");
    }

    pub async fn suspended(&self, account: &AccountId) -> bool {
        let account = self.desk.store().account(account).await.expect("an account");
        account.status == tributary_domain::account::Status::Suspended
    }
}

/// The sum of the newest entries of all ledgers.
pub fn ledgers(memory: &MemoryTable) -> i64 {
    let mut heads = BTreeMap::new();
    for item in memory.snapshot() {
        let Some(Attribute::S(pk)) = item.get("pk") else { continue };
        if !pk.starts_with("LED#") {
            continue;
        }
        let entry = entries::decode(&item).expect("an entry");
        let newest = heads.entry(entry.after.ledger.clone()).or_insert_with(|| entry.after.clone());
        if newest.seq < entry.after.seq {
            *newest = entry.after;
        }
    }
    heads.values().map(|head| head.available.get() + head.held.get()).sum()
}

pub fn told(memory: &MemoryTable, account: &AccountId) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for item in memory.snapshot() {
        let word = |name: &str| match item.get(name) {
            Some(Attribute::S(text)) => text.clone(),
            _ => String::new(),
        };
        if word("pk").starts_with("EVT#") && word("acc") == account.as_str() {
            *told.entry(word("kind")).or_default() += 1;
        }
    }
    told
}

/// What the processor took less what it gave back, of all its books, in cents. What banks took back counts as given; a bank may take back all of a charge of
/// which a part was refunded before, and what it takes too much is between the seller and the bank.
pub fn captured(processor: &Processor) -> i64 {
    let number = |object: &Value, name: &str| object[name].as_i64().unwrap_or(0);
    let mut sum = 0;
    for key in ["sk_test_operator", "sk_test_reseller"] {
        let disputes = processor.objects(key, "dispute");
        for charge in processor.objects(key, "charge").iter().filter(|charge| charge["paid"] == true) {
            let taken = |dispute: &&Value| {
                let open = matches!(dispute["status"].as_str(), Some("needs_response" | "under_review" | "lost"));
                open && dispute["charge"] == charge["id"]
            };
            let back: i64 = disputes.iter().filter(taken).map(|dispute| number(dispute, "amount")).sum();
            sum += (number(charge, "amount") - number(charge, "amount_refunded") - back).max(0);
        }
    }
    sum
}

/// Refused because the invoice, its lines or its dispute do not allow it.
pub fn is_refused<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Dispute(_)))
}
