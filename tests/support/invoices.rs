//! Invoices as a billing run makes them, of a month that is over.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tributary_api::App;
use tributary_domain::account::Funding;
use tributary_domain::billing::build::{Billed, Input, MeterShown, build};
use tributary_domain::billing::cycle::{AnchorDay, Cycle};
use tributary_domain::billing::invoice::{Invoice, LedgerRange, PartyShown};
use tributary_domain::billing::profile::Profile;
use tributary_domain::id::{AccountId, PromotionId};
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Picos, Quantity};
use tributary_domain::pricing::state::{MeterState, UsageState};
use tributary_store::invoices::{Issuing, NewInvoice};

/// What 1,234.5 units of `sms` cost the seller; its buyer pays 61.725.
pub const COST: &str = "37.035000";

/// Makes the invoice of an account and month, over usage of 61.72 and whatever its seller's and its own terms add, and returns its id. It is a draft, or
/// issued on the first of the next month.
pub async fn invoice(app: &App, account: &str, month: &str, draft: bool) -> String {
    let (account, month): (AccountId, Month) = (account.parse().expect("an id"), month.parse().expect("a month"));
    let store = app.store();
    let account = store.account(&account).await.expect("it is there");
    let seller = store.account(account.lineage.parent().expect("it is billed")).await.expect("it is there");
    let settings = store.seller(&seller.id).await.expect("read").settings;
    let profile = store.billing(&account.id).await.expect("read").map_or_else(Profile::default, |billing| billing.profile);
    let terms = profile.terms(&settings, &account);
    let usage = MeterState {
        quantity: Quantity::new(1_234_500_000),
        paid: Picos::new(61_725_000_000_000),
        cost: Picos::new(37_035_000_000_000),
        ..MeterState::default()
    };
    let mut state = UsageState::default();
    let kept = state.months.entry(month).or_default();
    kept.meters.insert("sms".parse().expect("a key"), usage);
    let promotion = PromotionId::from_number(7);
    kept.promos.insert(promotion.clone(), Picos::new(5_000_000_000_000));
    let period = Cycle::new(AnchorDay::FIRST, None).period_of(month.start());
    let party = |name, profile: Option<&Profile>| PartyShown {
        name,
        address: profile.map_or_else(|| settings.address.clone(), |profile| profile.address.clone()),
        tax_id: profile.map_or_else(|| settings.tax_id.clone(), |profile| profile.tax_id.clone()),
        email: None,
        brand: None,
        color: None,
        logo: None,
        footer: None,
        po_number: profile.and_then(|profile| profile.po_number.clone()),
    };
    let built = build(&Input {
        account_id: &account.id,
        seller_id: &seller.id,
        currency: account.currency,
        funding: Funding::Postpaid,
        period,
        whole: period,
        part: 1,
        continues: false,
        cut: false,
        ledger: LedgerRange { from_seq: 0, to_seq: 1 },
        through: Some(month),
        state: &state,
        billed: &Billed::default(),
        meters: &BTreeMap::from([("sms".parse().expect("a key"), MeterShown { name: "SMS".to_owned(), unit: "message".to_owned() })]),
        promotions: &BTreeMap::from([(promotion, "Promotion".to_owned())]),
        terms: &terms,
        charges: &[],
        seller: party(seller.name.clone(), None),
        buyer: party(account.name.clone(), Some(&profile)),
        closed_at: period.end,
    });
    let made = built.expect("in range").invoice.expect("there is usage");
    let held = made.closed_at.checked_add(SignedDuration::from_hours(72)).ok().filter(|_| draft);
    let made = Invoice { draft_until: held.or(made.draft_until), ..made };
    let issuing = Issuing { seller_id: seller.id, prefix: settings.number_prefix, now: period.end };
    let new = [NewInvoice { draft: made, terms_days: (!draft).then_some(terms.terms_days) }];
    let issued = store.issue_invoices(&issuing, &new).await.expect("issued");
    issued[0].id.to_string()
}
