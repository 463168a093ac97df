//! What must hold at the end of every life, whatever happened in it. Nothing is left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use tributary_domain::billing::build::RETURNED;
use tributary_domain::billing::invoice::{Invoice, InvoiceState, Line, LineKind};
use tributary_domain::billing::payment::PaymentState;
use tributary_domain::id::TransferId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::money::Micros;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::Picos;
use tributary_domain::pricing::state::UsageState;
use tributary_domain::reconcile::contribution;
use tributary_metering::record;
use tributary_reconcile::{Source, run};
use tributary_store::credit_notes::NotesOf;
use tributary_store::entries;
use tributary_store::table::Value as Attribute;
use uuid::Uuid;

use super::town::Town;
use super::{id, invoices};
use crate::reconcile::scene::WHOLE;

const MICRO: i128 = 1_000_000;
/// A payment that nobody ends is given up within so many days.
const OPEN_DAYS: i64 = 35;

/// What the ledgers say.
#[derive(Default)]
struct Books {
    /// The newest number and balance of each.
    heads: BTreeMap<LedgerId, (i64, i128)>,
    /// Of each account, what usage moved of its credit, micro-units, and how many entries were voids or corrections.
    usage: BTreeMap<String, (i128, i128)>,
    /// The batches of usage that were committed.
    batches: BTreeSet<TransferId>,
}

/// What the events say, as they were priced: what each account bought, exactly, by month and meter.
type Bought = BTreeMap<String, BTreeMap<(Month, MeterKey), i128>>;

struct Of<'a>(&'a Town);

impl Source for Of<'_> {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    fn uuid(&self) -> Uuid {
        self.0.app().uuid()
    }
}

/// What was there to be promised anything of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub invoices: usize,
    /// Lines of usage that late events or voids brought to a later invoice than their month's.
    pub late_lines: usize,
    /// Lines of what former sellers paid back.
    pub returned_lines: usize,
    /// Lines of months that ledgers do not keep any more.
    pub older_lines: usize,
    pub drafts: usize,
    pub past_due: usize,
    pub uncollectible: usize,
    pub credit_notes: usize,
    /// What processors took in the end, in cents, and in how many payments.
    pub by_card: (i64, usize),
    /// The entries of usage in the ledgers.
    pub batches: usize,
}

impl Kept {
    fn of(all: &[Invoice], books: &Books) -> Self {
        let lines = |which: &dyn Fn(&Invoice, &Line) -> bool| {
            all.iter()
                .flat_map(|invoice| usage(std::slice::from_ref(invoice)).map(move |line| (invoice, line)))
                .filter(|(i, l)| which(i, l))
                .count()
        };
        let state = |state| all.iter().filter(|invoice| invoice.state == state).count();
        Self {
            invoices: all.len(),
            late_lines: lines(&|invoice, line| line.month.is_some_and(|month| month < Month::of(invoice.period.start))),
            returned_lines: lines(&|_, line| line.id.starts_with(RETURNED)),
            older_lines: lines(&|_, line| line.month.is_none()),
            drafts: state(InvoiceState::Draft),
            past_due: state(InvoiceState::PastDue),
            uncollectible: state(InvoiceState::Uncollectible),
            batches: books.batches.len(),
            ..Self::default()
        }
    }
}

/// All promises.
pub async fn hold(town: &Town, seed: u64) -> Kept {
    let what = format!("seed {seed}");
    let books = books(town);
    assert_eq!(books.heads.values().map(|(_, balance)| balance).sum::<i128>(), 0, "{what}: credit from nowhere");
    let bought = bought(town, &books).await;
    let (mut all, mut states): (Vec<Invoice>, BTreeMap<String, UsageState>) = (Vec::new(), BTreeMap::new());
    for account in town.accounts() {
        let own = invoices(town.app(), &account).await;
        let head = town.app().store().head(&LedgerId::Account(id(&account))).await.expect("a head");
        let state = town.app().store().usage_states([&head]).await.expect("a state").remove(&id(&account)).unwrap_or_default();
        of_account(town, &what, &account, &own, &bought).await;
        states.insert(account, state.as_ref().clone());
        all.extend(own);
    }
    numbers(&what, &all);
    chain(town, &what, &all, &states);
    ledgers(town, &what, &all, &books);
    let mut kept = Kept::of(&all, &books);
    money(town, &what, &all, &mut kept).await;
    // Nobody who looks at the books afterwards finds anything.
    for _ in 0..3 {
        let summary = run(town.app().store(), &Of(town), &WHOLE).await.expect("it runs");
        assert!(summary.pass_complete && summary.failed == 0 && summary.drift + summary.frozen == 0, "{what}: {summary:?}");
        assert_eq!(summary.accounts, town.accounts().len() + 1, "{what}: every account is looked at, the operator's too");
    }
    kept
}

fn books(town: &Town) -> Books {
    let mut books = Books::default();
    for item in town.inside().memory.snapshot() {
        if !matches!(item.get("pk"), Some(Attribute::S(pk)) if pk.starts_with("LED#")) {
            continue;
        }
        let entry = entries::decode(&item).expect("an entry");
        let head = books.heads.entry(entry.after.ledger.clone()).or_default();
        if head.0 < entry.after.seq {
            *head = (entry.after.seq, i128::from(entry.after.available.get()) + i128::from(entry.after.held.get()));
        }
        if let EntryKind::Usage | EntryKind::UsageAdjustment = entry.kind {
            books.batches.extend(entry.transfer_id.clone());
            if let Some(account) = entry.after.ledger.account() {
                let sum = books.usage.entry(account.to_string()).or_default();
                sum.0 += contribution(&entry);
                sum.1 += i128::from(entry.kind == EntryKind::UsageAdjustment);
            }
        }
    }
    books
}

async fn bought(town: &Town, books: &Books) -> Bought {
    let mut bought = Bought::new();
    for batch in &books.batches {
        for record in record::read(&town.inside().outside.blobs, batch).await.expect("it reads") {
            for level in &record.rated.levels {
                let of = bought.entry(level.payer.to_string()).or_default();
                *of.entry((record.rated.period, record.rated.meter.clone())).or_default() += level.price.get();
            }
        }
    }
    bought
}

/// Each event is billed once, at its price, and the periods follow one another.
async fn of_account(town: &Town, what: &str, account: &str, own: &[Invoice], bought: &Bought) {
    let none = BTreeMap::new();
    let bought = bought.get(account).unwrap_or(&none);
    let (mut billed, mut apart) = (BTreeMap::new(), false);
    for line in usage(own) {
        match (line.month, line.meter.clone()) {
            (Some(month), Some(meter)) => *billed.entry((month, meter)).or_insert(0) += line.exact.get(),
            _ => apart = true,
        }
    }
    let sum = usage(own).map(|line| line.exact.get()).sum::<i128>();
    assert_eq!(Picos::new(sum), Picos::new(bought.values().sum()), "{what}: {account} was not billed what it bought");
    if !apart {
        let some = |all: &BTreeMap<(Month, MeterKey), i128>| all.clone().into_iter().filter(|(_, sum)| *sum != 0).collect::<Vec<_>>();
        assert_eq!(some(&billed), some(bought), "{what}: {account}, by month and meter");
    }
    for pair in own.windows(2) {
        let follow = pair[0].period.end <= pair[1].period.start && pair[0].ledger.to_seq <= pair[1].ledger.from_seq;
        assert!(follow, "{what}: {account} is billed twice: {:?} {:?}", pair[0], pair[1]);
    }
    let billing = town.app().store().billing(&id(account)).await.expect("it reads").expect("it is billed");
    let now = town.now() - SignedDuration::from_hours(169);
    assert!(billing.next_close > now && billing.cuts.is_empty(), "{what}: {account} was skipped: {billing:?}");
}

/// Sums of lines are right, and a seller's numbers have no gaps.
fn numbers(what: &str, all: &[Invoice]) {
    let mut numbers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for invoice in all {
        let sum: i64 = invoice.lines.iter().map(|line| line.amount.get()).sum();
        assert_eq!((invoice.total.get(), invoice.subtotal.get() + invoice.tax.get()), (sum, sum), "{what}: {invoice:?}");
        match &invoice.number {
            Some(number) => {
                let new = numbers.entry(invoice.seller_id.as_str()).or_default().insert(number.clone());
                assert!(new, "{what}: {number} is there twice");
            }
            None => assert_eq!(invoice.state, InvoiceState::Draft, "{what}: {invoice:?}"),
        }
    }
    for (seller, numbers) in numbers {
        let wanted: BTreeSet<String> = (1..=numbers.len()).map(|number| format!("INV-{number:06}")).collect();
        assert_eq!(numbers, wanted, "{what}: the numbers of {seller}");
    }
}

/// What whoever is below a seller cost it is what it was billed itself, to the last digit; what it paid back to those that left it is
/// part of it.
fn chain(town: &Town, what: &str, all: &[Invoice], states: &BTreeMap<String, UsageState>) {
    let (mut costs, mut paid): (BTreeMap<&str, i128>, BTreeMap<&str, i128>) = (BTreeMap::new(), BTreeMap::new());
    for invoice in all {
        for line in usage(std::slice::from_ref(invoice)) {
            *costs.entry(invoice.seller_id.as_str()).or_default() += line.cost.unwrap_or_default().get();
            *paid.entry(invoice.account_id.as_str()).or_default() += line.exact.get();
        }
    }
    for (of, back) in states.values().flat_map(|state| &state.returned) {
        *costs.entry(of.seller.as_str()).or_default() -= back.cost.get();
    }
    for seller in town.sellers.iter().map(|seller| seller.id.as_str()).chain([town.operator.as_str()]) {
        let of = |all: &BTreeMap<&str, i128>| Picos::new(all.get(seller).copied().unwrap_or_default());
        assert_eq!(of(&costs), of(&paid), "{what}: the chain at {seller}");
    }
}

/// Who sold what a line is for: the invoice's seller, but of what a former one paid back.
fn sold_by<'a>(invoice: &'a Invoice, line: &'a Line) -> &'a str {
    let former = line.id.strip_prefix(RETURNED).and_then(|rest| rest.rsplit(':').next());
    former.unwrap_or(invoice.seller_id.as_str())
}

/// What invoices say was paid from credit with the usage is what usage moved in the ledgers, as payer and as seller, to the micro-unit
/// that a ledger rounds to where a line begins or ends and with each void. Usage that was not paid from credit moved none.
fn ledgers(town: &Town, what: &str, all: &[Invoice], books: &Books) {
    // What it earned less what it paid, 10⁻¹², and how many ends may be rounded.
    let mut moved: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for invoice in all {
        for line in usage(std::slice::from_ref(invoice)).filter(|line| line.settled) {
            let mut add = |account, amount: i128| {
                let sum = moved.entry(account).or_default();
                *sum = (sum.0 + amount, sum.1 + 1);
            };
            add(invoice.account_id.as_str(), -line.exact.get());
            add(sold_by(invoice, line), line.exact.get());
        }
    }
    for account in town.accounts() {
        let (entries, voids) = books.usage.get(&account).copied().unwrap_or_default();
        let (wanted, ends) = moved.get(account.as_str()).copied().unwrap_or_default();
        let off = (entries * MICRO - wanted).abs();
        assert!(
            off <= (ends + voids) * MICRO,
            "{what}: {account}: usage moved {entries}, invoices say {wanted}: off by {off}, {ends} ends"
        );
    }
}

/// What is due, what was paid, what was credited and what the processor took agree.
async fn money(town: &Town, what: &str, all: &[Invoice], kept: &mut Kept) {
    let mut written_down: BTreeMap<&str, i64> = BTreeMap::new();
    for invoice in all {
        let what = format!("{what}: {invoice:?}");
        let open =
            invoice.total.get() - invoice.paid_from_credit.get() - invoice.credited.get() - invoice.paid.get() + invoice.returned.get();
        let due = invoice.due().expect("in range");
        match invoice.state {
            InvoiceState::Draft | InvoiceState::Void => assert_eq!(due, Micros::ZERO, "{what}"),
            InvoiceState::Paid => assert_eq!((due.get(), open), (0, 0), "{what}"),
            InvoiceState::Finalized | InvoiceState::PastDue | InvoiceState::Uncollectible => {
                assert!(due.get() == open && open > 0, "{what}");
            }
        }
        let (notes, more) = town.app().store().credit_notes(NotesOf::Invoice(&invoice.id), None, 500).await.expect("they read");
        assert_eq!(more, None);
        kept.credit_notes += notes.len();
        let sum = |of: &dyn Fn(&tributary_domain::billing::credit_note::CreditNote) -> Micros| {
            notes.iter().map(|note| of(note).get()).sum::<i64>()
        };
        assert_eq!(invoice.credited.get(), sum(&|note| note.total), "{what}: {notes:?}");
        assert_eq!(invoice.returned.get(), sum(&|note| note.given_back), "{what}: {notes:?}");
        let payments = town.app().store().payments_of(invoice).await.expect("they read");
        let mut paid = 0;
        for payment in &payments {
            let what = format!("{what}: {payment:?}");
            if payment.state != PaymentState::Succeeded {
                assert_eq!((payment.applied, payment.refunded), (Micros::ZERO, Micros::ZERO), "{what}");
                let old = payment.created_at < town.now() - SignedDuration::from_hours(24 * OPEN_DAYS);
                assert!(!old || !payment.state.is_open(), "open: {what}");
                continue;
            }
            paid += payment.applied.get();
            assert!(payment.refunds_due_at().is_none(), "a refund on its way: {what}");
            if payment.is_by_card() {
                kept.by_card.1 += 1;
                *written_down.entry(invoice.seller_id.as_str()).or_default() += (payment.amount.get() - payment.refunded.get()) / 10_000;
            }
        }
        assert_eq!(invoice.paid.get(), paid, "{what}: {payments:?}");
    }
    for (seller, key) in town.keys() {
        let (captured, twice) = captured(town, &key);
        kept.by_card.0 += captured;
        assert_eq!(captured, written_down.get(seller.as_str()).copied().unwrap_or_default(), "{what}: what {seller}'s processor took");
        assert_eq!(twice, Vec::<String>::new(), "{what}: charged twice by {seller}");
    }
}

/// What a processor took less what it gave back, in cents, and the payments that it charged more than once. What banks took back counts
/// as given.
fn captured(town: &Town, key: &str) -> (i64, Vec<String>) {
    let number = |object: &serde_json::Value, name: &str| object[name].as_i64().unwrap_or(0);
    let mut back: BTreeMap<String, i64> = BTreeMap::new();
    for dispute in town.processor.objects(key, "dispute") {
        if let Some("needs_response" | "under_review" | "lost") = dispute["status"].as_str() {
            *back.entry(dispute["charge"].to_string()).or_default() += number(&dispute, "amount");
        }
    }
    let (mut sum, mut times): (i64, BTreeMap<String, usize>) = (0, BTreeMap::new());
    for charge in town.processor.objects(key, "charge").iter().filter(|charge| charge["paid"] == true) {
        let back = back.get(&charge["id"].to_string()).copied().unwrap_or_default();
        sum += (number(charge, "amount") - number(charge, "amount_refunded") - back).max(0);
        *times.entry(charge["metadata"]["payment_id"].to_string()).or_default() += 1;
    }
    (sum, times.into_iter().filter(|(_, times)| *times > 1).map(|(payment, _)| payment).collect())
}

fn usage(invoices: &[Invoice]) -> impl Iterator<Item = &Line> {
    invoices.iter().flat_map(|invoice| &invoice.lines).filter(|line| line.kind == LineKind::Usage)
}
