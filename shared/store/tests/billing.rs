//! What the store promises of billing, on the table in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tributary_domain::account::{Account, Funding, Kind};
use tributary_domain::billing::bill::{Billing, Close, CutKind};
use tributary_domain::billing::build::{Built, Input, build};
use tributary_domain::billing::invoice::{Invoice, InvoiceState, LedgerRange, PartyShown};
use tributary_domain::billing::number::NumberPrefix;
use tributary_domain::billing::profile::{Profile, SellerSettings};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, EventId, KeyId, RequestId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;
use tributary_domain::rights::{BuiltInRole, RoleRef};
use tributary_domain::text::Name;
use tributary_store::Store;
use tributary_store::accounts::{Authority, Edit, NewAccount};
use tributary_store::bootstrap::operator_account;
use tributary_store::commit::Patience;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::invoices::{Issuing, NewInvoice};
use tributary_store::memory::MemoryTable;
use tributary_store::principals::ApiKey;
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn anyone(_: &AccountId, _: &Lineage) -> Result<(), Denied> {
    Ok(())
}

struct World {
    table: Arc<MemoryTable>,
    operator: AccountId,
    next: AtomicU64,
}

impl World {
    async fn new() -> Self {
        let world = Self { table: Arc::new(MemoryTable::new()), operator: AccountId::from_number(1), next: AtomicU64::new(100) };
        let now = at("2026-10-01T00:00:00Z");
        let account = operator_account(world.operator.clone(), name("Operator"), "USD".parse().expect("a currency"), now);
        let key = ApiKey {
            id: KeyId::from_number(1),
            account_id: world.operator.clone(),
            at_operator: true,
            name: name("Key"),
            role: RoleRef::BuiltIn(BuiltInRole::Owner),
            denies: Vec::new(),
            secrets: Vec::new(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            clock: None,
            version: 1,
        };
        assert_eq!(world.store().make_operator(&account, &key, &world.act(now)).await, Ok(true));
        world
    }

    /// A process of its own, which remembers nothing.
    fn store(&self) -> Store {
        Store::new(self.table.clone(), Patience::eager(20))
    }

    fn number(&self) -> u128 {
        u128::from(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn act(&self, now: Timestamp) -> Act {
        let event = EventId::from_number(self.number());
        Act { event, actor: KeyId::from_number(1).into(), request: RequestId::from_uuid(Uuid::nil()), now }
    }

    fn authority(&self) -> Authority<'_> {
        Authority { home: &self.operator, may: &anyone }
    }

    async fn account(&self, parent: &AccountId, kind: Kind, now: Timestamp) -> Account {
        let new = NewAccount {
            id: AccountId::from_number(self.number()),
            parent: parent.clone(),
            kind: Some(kind),
            name: name("Account"),
            external_id: None,
            email: None,
            tags: None,
            settings: None,
            currency: None,
            credit_limit: None,
            funding: Some(Funding::Postpaid),
            initial_credits: None,
            clone_from: None,
        };
        let made = self.store().create_account(&new, self.authority(), self.authority(), &self.act(now), None).await;
        made.expect("it is made").into_inner()
    }

    async fn billing(&self, account: &AccountId) -> Billing {
        self.store().billing(account).await.expect("it reads").expect("it was made")
    }
}

fn settings() -> SellerSettings {
    serde_json::from_value(serde_json::json!({"fees": [{"id": "base", "name": "Base", "amount": "10.000000"}]})).expect("settings")
}

async fn built(store: &Store, account: &Account, billing: &Billing, close: &Close) -> (i64, Built) {
    let (to_seq, state) = store.watermark(&account.id, close).await.expect("it reads");
    let terms = Profile::default().terms(&settings(), account);
    let (meters, promotions) = (BTreeMap::new(), BTreeMap::new());
    let party = || PartyShown {
        name: name("Party"),
        address: None,
        tax_id: None,
        email: None,
        brand: None,
        color: None,
        logo: None,
        footer: None,
        po_number: None,
    };
    let input = Input {
        account_id: &account.id,
        seller_id: &close.seller_id,
        currency: account.currency,
        funding: close.funding,
        period: close.period,
        whole: close.whole,
        part: close.part,
        continues: close.continues,
        cut: close.cut.is_some(),
        ledger: LedgerRange { from_seq: billing.watermark, to_seq },
        through: close.through,
        state: &state,
        billed: &billing.billed,
        meters: &meters,
        promotions: &promotions,
        terms: &terms,
        charges: &billing.charges,
        seller: party(),
        buyer: party(),
        closed_at: close.closed_at,
    };
    (to_seq, build(&input).expect("in range"))
}

async fn draft(world: &World, account: &Account, now: Timestamp) -> Invoice {
    let store = world.store();
    let billing = world.billing(&account.id).await;
    let close = billing.next(&Profile::default().cycle(account), 0, now).expect("it is due");
    built(&store, account, &billing, &close).await.1.invoice.expect("there is a fee")
}

fn issuing(seller: &AccountId) -> Issuing {
    Issuing { seller_id: seller.clone(), prefix: NumberPrefix::default(), now: at("2026-12-01T00:05:00Z") }
}

fn all(drafts: &[Invoice]) -> Vec<NewInvoice> {
    drafts.iter().map(|draft| NewInvoice { draft: draft.clone(), terms_days: Some(14) }).collect()
}

#[tokio::test]
async fn billing_begins_with_the_account_and_is_due_when_its_period_ends() {
    let world = World::new().await;
    let store = world.store();
    let reseller = world.account(&world.operator, Kind::Reseller, at("2026-11-10T00:00:00Z")).await;
    let billing = world.billing(&reseller.id).await;
    assert_eq!((&billing.seller_id, billing.next_close, billing.watermark), (&world.operator, at("2026-12-01T00:00:00Z"), 1));
    let due = |now| {
        let store = store.clone();
        async move { store.billing_due(at(now), None, 10).await.expect("it reads").0 }
    };
    assert_eq!(due("2026-11-30T23:59:59Z").await, []);
    assert_eq!(due("2026-12-01T00:00:00Z").await, [(reseller.id.clone(), world.operator.clone())]);
    assert_eq!(store.billing(&world.operator).await, Ok(None));
    assert_eq!(store.begin_billing(&reseller).await, Ok(billing));
}

#[tokio::test]
async fn a_move_another_funding_and_the_close_cut_and_are_due_at_once() {
    let world = World::new().await;
    let store = world.store();
    let now = at("2026-11-10T00:00:00Z");
    let one = world.account(&world.operator, Kind::Reseller, now).await;
    let two = world.account(&world.operator, Kind::Reseller, now).await;
    let customer = world.account(&one.id, Kind::Customer, now).await;
    let keeps = |_: &AccountId, _: &Lineage, _: &Lineage| Ok(());
    let moved = at("2026-11-12T00:00:00Z");
    let move_to = store.move_account(&customer.id, &two.id, world.authority(), world.authority(), &keeps, None, &world.act(moved)).await;
    move_to.expect("it is moved");
    let edit = Edit { funding: Some(Funding::Prepaid), ..Edit::default() };
    let later = at("2026-11-14T00:00:00Z");
    store.edit_account(&customer.id, &edit, None, world.authority(), &world.act(later), None).await.expect("it is set");
    let billing = world.billing(&customer.id).await;
    let cuts: Vec<_> = billing.cuts.iter().map(|cut| (cut.kind, cut.seq, cut.seller_id.clone(), cut.funding)).collect();
    let wanted = [(CutKind::Moved, 2, two.id.clone(), Funding::Postpaid), (CutKind::Funding, 3, two.id.clone(), Funding::Prepaid)];
    assert_eq!(cuts, wanted);
    assert_eq!((&billing.seller_id, billing.due_at(0)), (&one.id, Some(moved)));
    assert_eq!(store.billing_due(moved, None, 10).await.expect("it reads").0, [(customer.id.clone(), one.id.clone())]);
}

#[tokio::test]
async fn invoices_are_written_once_and_numbered_without_gaps_whoever_writes() {
    let world = World::new().await;
    let (begin, now) = (at("2026-11-01T00:00:00Z"), at("2026-12-01T00:05:00Z"));
    let mut drafts = Vec::new();
    for _ in 0..6 {
        let account = world.account(&world.operator, Kind::Reseller, begin).await;
        drafts.push(draft(&world, &account, now).await);
    }
    let (issuing, world) = (issuing(&world.operator), &world);
    let issue = |drafts: &[Invoice]| {
        let (new, issuing) = (all(drafts), issuing.clone());
        async move { world.store().issue_invoices(&issuing, &new).await.expect("they are written") }
    };
    // Shards that overlap, at once.
    let (a, b, c) = tokio::join!(issue(&drafts[..4]), issue(&drafts[2..]), issue(&drafts[1..5]));
    let mut numbers: BTreeMap<_, _> = BTreeMap::new();
    for invoice in a.iter().chain(&b).chain(&c) {
        let number = numbers.entry(invoice.id.clone()).or_insert_with(|| invoice.number.clone());
        assert_eq!(*number, invoice.number, "one invoice, one number");
    }
    let mut found: Vec<_> = numbers.into_values().flatten().collect();
    found.sort();
    assert_eq!(found, (1..=6).map(|n| format!("INV-{n:06}")).collect::<Vec<_>>());
    assert_eq!(issue(&drafts[..4]).await, a, "again is the same");
    let (due, _) = world.store().invoices_due(now, None, 10).await.expect("it reads");
    assert_eq!(due.len(), 6);
    let one = world.store().invoice(&a[0].id).await.expect("it is found");
    assert_eq!((one.state, one.content()), (InvoiceState::Finalized, drafts[0].content()));
    let (sold, _) = world.store().sold(&world.operator, None, 10).await.expect("it reads");
    assert_eq!(sold.len(), 6);
}

#[tokio::test]
async fn killed_between_invoice_and_billing_the_next_run_keeps_the_invoice_and_goes_on() {
    let world = World::new().await;
    let store = world.store();
    let account = world.account(&world.operator, Kind::Reseller, at("2026-11-01T00:00:00Z")).await;
    let (cycle, now) = (Profile::default().cycle(&account), at("2026-12-01T00:05:00Z"));
    let mut kept = Vec::new();
    for killed in [true, false] {
        let billing = world.billing(&account.id).await;
        let close = billing.next(&cycle, 0, now).expect("it is due");
        let (to_seq, built) = built(&store, &account, &billing, &close).await;
        let draft = built.invoice.expect("there is a fee");
        let issued = store.issue_invoices(&issuing(&world.operator), &all(&[draft])).await.expect("it is written");
        if !killed {
            let after = billing.advance(&close, &cycle, to_seq, built.billed, issued.first()).expect("in range");
            assert_eq!(store.save_billing(&after, 0).await, Ok(true));
            assert_eq!(store.save_billing(&after, 0).await, Ok(false), "only over the version before");
        }
        kept.extend(issued);
    }
    assert_eq!(kept[0], kept[1]);
    assert_eq!(world.billing(&account.id).await.next(&cycle, 0, now), None);
    assert_eq!(store.counters(&world.operator).await.map(|counters| counters.invoices), Ok(1));
}

#[tokio::test]
async fn an_invoice_is_changed_only_as_it_was_read_and_its_change_is_told_once() {
    let world = World::new().await;
    let store = world.store();
    let account = world.account(&world.operator, Kind::Reseller, at("2026-11-01T00:00:00Z")).await;
    let draft = draft(&world, &account, at("2026-12-01T00:05:00Z")).await;
    let issued = store.issue_invoices(&issuing(&world.operator), &all(&[draft])).await.expect("it is written");
    let act = world.act(at("2026-12-02T00:00:00Z"));
    let pay = |invoice: &mut Invoice| {
        invoice.pay(Micros::new(10_000_000)).map_err(|_| StoreError::Conflict("cannot be paid"))?;
        Ok((Some((RecordKind::InvoicePaid, serde_json::json!({"invoice_id": invoice.id}))), None))
    };
    let paid = store.change_invoice(&issued[0].id, &act, pay).await.expect("it is due");
    assert_eq!((paid.state, store.invoice(&paid.id).await), (InvoiceState::Paid, Ok(paid.clone())));
    assert_eq!(store.change_invoice(&paid.id, &act, pay).await, Err(StoreError::Conflict("cannot be paid")));
    assert_eq!(store.invoices_due(at("2027-12-01T00:00:00Z"), None, 10).await.expect("it reads").0, []);
}

#[tokio::test]
async fn settings_of_a_seller_are_set_under_their_version() {
    let world = World::new().await;
    let store = world.store();
    let set = async |expected| {
        let act = world.act(at("2026-11-01T00:00:00Z"));
        store.set_seller(&world.operator, expected, world.authority(), &act, |_| Ok(settings())).await
    };
    assert_eq!(set(Some(0)).await.map(|seller| seller.version), Ok(1));
    assert_eq!(set(Some(0)).await, Err(StoreError::Stale(1)));
    assert_eq!(store.seller(&world.operator).await.map(|seller| seller.settings), Ok(settings()));
}
