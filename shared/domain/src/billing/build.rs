//! What an invoice says, from snapshots: the usage state at the end, what was billed before, the terms, the charges that wait.
//!
//! Purely, and the same from the same: nothing of it is the time at which it is made. Each amount is rounded once, in its line
//! ([`to_minor`]); all sums are sums of lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Funding;
use crate::billing::charge::{Charge, ChargeKind};
use crate::billing::cycle::Period;
use crate::billing::dunning::Chase;
use crate::billing::invoice::{Invoice, InvoiceState, LedgerRange, Line, LineKind, PartyShown, invoice_id};
use crate::billing::profile::Terms;
use crate::id::{AccountId, ChargeId, PromotionId};
use crate::money::{Currency, Micros, Overflow};
use crate::pricing::meter::MeterKey;
use crate::pricing::month::Month;
use crate::pricing::number::{Picos, Quantity, div_half_even, to_minor};
use crate::pricing::state::{
    MAX_MONTHS, MeterState, Returned, ReturnedOf, StoredReturned, UsageState, fold_returned, read_returned, store_returned,
};
use crate::text::Reference;

/// The line by which an invoice below zero is brought to nothing.
pub const CARRIED_LINE: &str = "carried_forward";

/// How the ids of lines begin that show what a former seller paid back.
pub const RETURNED: &str = "returned:";

/// What was billed of a meter in a month, of what the usage state adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BilledMeter {
    /// The quantity.
    pub quantity: Quantity,
    /// What the account pays for it, exactly.
    pub paid: Picos,
    /// What its seller pays for the same, exactly.
    pub cost: Picos,
}

/// All that was billed, as far as the usage state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Billed {
    /// By month and meter.
    pub months: BTreeMap<Month, BTreeMap<MeterKey, BilledMeter>>,
    /// What was billed of months that are not kept any more.
    pub older: Picos,
    /// What their sellers paid for the same.
    pub older_cost: Picos,
    /// What was shown of promotions with a cap.
    pub promos: BTreeMap<PromotionId, Picos>,
    /// What was shown of what former sellers paid back.
    pub returned: BTreeMap<ReturnedOf, Returned>,
}

/// The stored form: raw integers in short texts, as the usage state has them.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "m", default)]
    months: BTreeMap<Month, BTreeMap<MeterKey, (i64, String, String)>>,
    #[serde(rename = "o", default)]
    older: String,
    #[serde(rename = "oc", default, skip_serializing_if = "String::is_empty")]
    older_cost: String,
    #[serde(rename = "p", default, skip_serializing_if = "BTreeMap::is_empty")]
    promos: BTreeMap<PromotionId, Picos>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    returned: Vec<StoredReturned>,
}

impl From<Billed> for Stored {
    fn from(billed: Billed) -> Self {
        let meter = |(key, meter): (MeterKey, BilledMeter)| {
            (key, (meter.quantity.get(), meter.paid.get().to_string(), meter.cost.get().to_string()))
        };
        let months = billed.months.into_iter().map(|(month, meters)| (month, meters.into_iter().map(meter).collect())).collect();
        let older_cost = if billed.older_cost.is_zero() { String::new() } else { billed.older_cost.get().to_string() };
        let returned = store_returned(&billed.returned);
        Self { months, older: billed.older.get().to_string(), older_cost, promos: billed.promos, returned }
    }
}

impl From<Stored> for Billed {
    fn from(stored: Stored) -> Self {
        // Only this file writes these texts.
        let number = |text: &str| Picos::new(text.parse().unwrap_or(0));
        let meter = |(key, (quantity, paid, cost)): (MeterKey, (i64, String, String))| {
            (key, BilledMeter { quantity: Quantity::new(quantity), paid: number(&paid), cost: number(&cost) })
        };
        let months = stored.months.into_iter().map(|(month, meters)| (month, meters.into_iter().map(meter).collect())).collect();
        let returned = read_returned(stored.returned).unwrap_or_default();
        Self { months, older: number(&stored.older), older_cost: number(&stored.older_cost), promos: stored.promos, returned }
    }
}

impl Billed {
    /// As if all of a state were billed: where billing begins for an account that had usage before.
    pub fn all_of(state: &UsageState) -> Self {
        let meter = |(key, meter): (&MeterKey, &MeterState)| (key.clone(), billed(meter));
        let months = state.months.iter().map(|(month, of)| (*month, of.meters.iter().map(meter).collect())).collect();
        let mut promos = BTreeMap::new();
        for (id, used) in state.months.values().flat_map(|month| &month.promos) {
            let sum: &mut Picos = promos.entry(id.clone()).or_default();
            *sum = Picos::new(sum.get().saturating_add(used.get()));
        }
        Self { months, older: state.older, older_cost: state.older_cost, promos, returned: state.returned.clone() }
    }
}

impl BilledMeter {
    /// With what a former seller paid back, which is a line of its own.
    fn with(self, back: Returned) -> Result<Self, Overflow> {
        Ok(Self { quantity: self.quantity.plus(back.quantity)?, paid: self.paid.plus(back.paid)?, cost: self.cost.plus(back.cost)? })
    }
}

fn billed(meter: &MeterState) -> BilledMeter {
    BilledMeter { quantity: meter.quantity, paid: meter.paid, cost: meter.cost }
}

/// How a meter is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterShown {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
}

/// What an invoice is made from.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Who is billed.
    pub account_id: &'a AccountId,
    /// By whom.
    pub seller_id: &'a AccountId,
    /// The account's currency.
    pub currency: Currency,
    /// How it paid for usage in all of the period.
    pub funding: Funding,
    /// The period.
    pub period: Period,
    /// The whole period of the cycle that it is, or is a part of.
    pub whole: Period,
    /// 1, or more where the period was cut.
    pub part: u32,
    /// An earlier part of the same period was billed by the same seller.
    pub continues: bool,
    /// It ends with a cut: what waits for its seller's invoice may have no other.
    pub cut: bool,
    /// The entries that it holds.
    pub ledger: LedgerRange,
    /// The newest month of which usage is taken; none: all.
    pub through: Option<Month>,
    /// The usage state after the last of these entries.
    pub state: &'a UsageState,
    /// What was billed before.
    pub billed: &'a Billed,
    /// How meters are shown; one that is not there by its key.
    pub meters: &'a BTreeMap<MeterKey, MeterShown>,
    /// The names of promotions.
    pub promotions: &'a BTreeMap<PromotionId, String>,
    /// What is in force.
    pub terms: &'a Terms,
    /// What waits; taken is what is the seller's and from before the end of the period, all of it where that is a cut.
    pub charges: &'a [Charge],
    /// The seller, as it is shown.
    pub seller: PartyShown,
    /// The buyer, as it is shown.
    pub buyer: PartyShown,
    /// When the period was closed, with what was waited for late usage.
    pub closed_at: Timestamp,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The invoice, a draft; none if nothing is on it.
    pub invoice: Option<Invoice>,
    /// What is billed with it.
    pub billed: Billed,
}

/// Makes the invoice of a period.
///
/// # Errors
/// [`Overflow`] if an amount leaves its range.
pub fn build(input: &Input<'_>) -> Result<Built, Overflow> {
    let mut lines = Vec::new();
    let billed = usage_lines(input, &mut lines)?;
    promotion_lines(input, &billed, &mut lines)?;
    fee_lines(input, &mut lines)?;
    minimum_line(input, &mut lines)?;
    charge_lines(input, &mut lines)?;
    tax_lines(input, &mut lines)?;
    carry(input, &mut lines)?;
    let invoice = if lines.is_empty() { None } else { Some(invoice(input, lines)?) };
    Ok(Built { invoice, billed })
}

fn plain(id: impl Into<String>, kind: LineKind, text: impl Into<String>, exact: Picos, currency: Currency) -> Result<Line, Overflow> {
    Ok(Line {
        id: id.into(),
        kind,
        meter: None,
        month: None,
        promotion_id: None,
        text: text.into(),
        quantity: None,
        unit: None,
        exact,
        amount: to_minor(exact, currency)?,
        settled: false,
        taxable: false,
        tax_rate: None,
        of: Vec::new(),
        saved: None,
        cost: None,
    })
}

/// A line for each month and meter in which the state differs from what was billed, and one for what is no longer kept by month.
fn usage_lines(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<Billed, Overflow> {
    let (state, before) = (input.state, input.billed);
    let taken = |month: Month| input.through.is_none_or(|through| month <= through);
    let mut after = before.clone();
    let returned = returned(input, &mut after)?;
    let back = |of: &dyn Fn(&ReturnedOf) -> bool| {
        returned.iter().filter(|(key, _)| of(key)).try_fold(Returned::default(), |sum, (_, back)| sum.plus(*back))
    };
    // A month that is gone was dropped, when there is no room; else all of its usage was taken back.
    let oldest = state.months.first_key_value().map(|(month, _)| *month);
    let dropped = |month: &Month| {
        let gone = oldest.is_some_and(|oldest| *month < oldest);
        let other = (state.older, state.older_cost) != (before.older, before.older_cost);
        gone && (other || state.months.len() >= MAX_MONTHS)
    };
    let (mut older, mut older_cost) = (before.older, before.older_cost);
    for meter in before.months.iter().filter(|(month, _)| dropped(month)).flat_map(|(_, meters)| meters.values()) {
        (older, older_cost) = (older.plus(meter.paid)?, older_cost.plus(meter.cost)?);
    }
    after.months.retain(|month, _| !dropped(month));
    let months: BTreeSet<Month> = state.months.keys().chain(after.months.keys()).copied().filter(|month| taken(*month)).collect();
    let apart = back(&|key| key.of.as_ref().is_none_or(|(month, _)| !months.contains(month)))?;
    let (late, cost) = (state.older.minus(older)?.plus(apart.paid)?, state.older_cost.minus(older_cost)?.plus(apart.cost)?);
    if !late.is_zero() || !cost.is_zero() {
        let line = plain("usage:older", LineKind::Usage, "Usage of earlier months", late, input.currency)?;
        lines.push(as_used(input, Line { cost: (!cost.is_zero()).then_some(cost), ..line }));
    }
    (after.older, after.older_cost) = (state.older, state.older_cost);
    // What a promotion gave in months that are not taken yet waits with them.
    after.promos = Billed::all_of(&UsageState {
        months: state.months.iter().filter(|(month, _)| taken(**month)).map(|(month, of)| (*month, of.clone())).collect(),
        ..UsageState::default()
    })
    .promos;

    let none = BTreeMap::new();
    for month in months {
        let was = after.months.get(&month).cloned().unwrap_or_default();
        let is = state.months.get(&month).map_or(&none, |month| &month.meters);
        let apart = returned.keys().filter_map(|key| key.of.as_ref()).filter(|(at, _)| *at == month).map(|(_, meter)| meter);
        let keys: BTreeSet<&MeterKey> = is.keys().chain(was.keys()).chain(apart).collect();
        for key in keys {
            let apart = back(&|of| of.of.as_ref().is_some_and(|(at, meter)| *at == month && meter == key))?;
            let now = is.get(key).map(billed).unwrap_or_default().with(apart)?;
            let then = was.get(key).copied().unwrap_or_default();
            if let Some(line) = meter_line(input, month, key, now, then)? {
                lines.push(line);
            }
        }
        let left: BTreeMap<_, _> = is.iter().map(|(key, meter)| (key.clone(), billed(meter))).collect();
        if left.is_empty() {
            after.months.remove(&month)
        } else {
            after.months.insert(month, left)
        };
    }
    for (of, back) in &returned {
        lines.push(returned_line(input, of, *back)?);
    }
    Ok(after)
}

/// What former sellers paid back since the last invoice, and notes it as shown.
fn returned(input: &Input<'_>, after: &mut Billed) -> Result<BTreeMap<ReturnedOf, Returned>, Overflow> {
    let state = &input.state.returned;
    // Months that are no longer kept are not told apart any more.
    fold_returned(&mut after.returned, |of| state.contains_key(of))?;
    let taken = |of: &ReturnedOf| of.of.as_ref().is_none_or(|(month, _)| input.through.is_none_or(|through| *month <= through));
    let mut new = BTreeMap::new();
    for (of, sum) in state.iter().filter(|(of, _)| taken(of)) {
        let back = sum.minus(after.returned.insert(of.clone(), *sum).unwrap_or_default())?;
        if back != Returned::default() {
            new.insert(of.clone(), back);
        }
    }
    Ok(new)
}

/// It was paid back in credit by who had sold it: it is shown, and the invoice's seller has no part in it, nor sees what it cost.
fn returned_line(input: &Input<'_>, of: &ReturnedOf, back: Returned) -> Result<Line, Overflow> {
    let (shown, id) = match &of.of {
        Some((month, key)) => (input.meters.get(key), format!("{RETURNED}{month}:{key}:{}", of.seller)),
        None => (None, format!("{RETURNED}older:{}", of.seller)),
    };
    let (month, meter) = of.of.clone().unzip();
    let name = shown.map(|shown| shown.name.clone()).or(meter.as_ref().map(ToString::to_string));
    let text = name.map_or_else(|| "Paid back by the former seller".to_owned(), |name| format!("{name}, paid back by the former seller"));
    let line = plain(id, LineKind::Usage, text, back.paid.negated()?, input.currency)?;
    let quantity = meter.is_some().then(|| Quantity::ZERO.minus(back.quantity)).transpose()?;
    Ok(Line { meter, month, quantity, unit: shown.map(|shown| shown.unit.clone()), settled: true, ..line })
}

fn meter_line(input: &Input<'_>, month: Month, key: &MeterKey, now: BilledMeter, then: BilledMeter) -> Result<Option<Line>, Overflow> {
    let (quantity, paid, cost) = (now.quantity.minus(then.quantity)?, now.paid.minus(then.paid)?, now.cost.minus(then.cost)?);
    // Usage and its taking back may leave nothing but what the seller paid for them at different tiers: it is the seller's to see.
    if quantity.is_zero() && paid.is_zero() && cost.is_zero() {
        return Ok(None);
    }
    let shown = input.meters.get(key);
    let name = shown.map_or(key.as_str(), |shown| &shown.name);
    let line = plain(format!("usage:{month}:{key}"), LineKind::Usage, name, paid, input.currency)?;
    Ok(Some(as_used(
        input,
        Line {
            meter: Some(key.clone()),
            month: Some(month),
            quantity: Some(quantity),
            unit: shown.map(|shown| shown.unit.clone()),
            cost: (!cost.is_zero()).then_some(cost),
            ..line
        },
    )))
}

/// Prepaid usage was paid with credit, which was taxed when it was bought.
fn as_used(input: &Input<'_>, line: Line) -> Line {
    let settled = input.funding == Funding::Prepaid;
    Line { settled, taxable: !settled, ..line }
}

/// What promotions with a cap took off since the last invoice. It is in the prices, so the lines come to nothing.
fn promotion_lines(input: &Input<'_>, billed: &Billed, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    let ids: BTreeSet<&PromotionId> = billed.promos.keys().chain(input.billed.promos.keys()).collect();
    for id in ids {
        let of = |billed: &Billed| billed.promos.get(id).copied().unwrap_or_default();
        let saved = of(billed).minus(of(input.billed))?;
        if saved.is_zero() {
            continue;
        }
        let name = input.promotions.get(id).map_or_else(|| id.to_string(), Clone::clone);
        let line = plain(format!("promotion:{id}"), LineKind::Promotion, name, Picos::ZERO, input.currency)?;
        lines.push(Line { promotion_id: Some(id.clone()), saved: Some(saved), ..line });
    }
    Ok(())
}

/// As much of `amount` as the period is of the whole one, rounded half to even to 10⁻¹².
fn share(input: &Input<'_>, amount: Micros) -> Result<Picos, Overflow> {
    let (part, whole) = (input.period.length().as_millis(), input.whole.length().as_millis());
    let exact = Picos::from(amount);
    if part == whole || whole <= 0 {
        return Ok(exact);
    }
    exact.get().checked_mul(part).map(|product| Picos::new(div_half_even(product, whole))).ok_or(Overflow)
}

fn fee_lines(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    for fee in &input.terms.fees {
        let exact = match fee.prorate {
            true => share(input, fee.amount)?,
            false if input.continues => continue,
            false => Picos::from(fee.amount),
        };
        let line = plain(format!("fee:{}", fee.id), LineKind::Fee, fee.name.as_str(), exact, input.currency)?;
        if !line.amount.is_zero() {
            lines.push(Line { taxable: true, ..line });
        }
    }
    Ok(())
}

/// What usage and fees lack to the least that the period comes to.
fn minimum_line(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    if input.terms.minimum.is_zero() {
        return Ok(());
    }
    let least = to_minor(share(input, input.terms.minimum)?, input.currency)?;
    // What a former seller paid back is none of this one's.
    let mut own = lines.iter().filter(|line| !line.id.starts_with(RETURNED));
    let sum = own.try_fold(Micros::ZERO, |sum, line| sum.plus(line.amount))?;
    let missing = least.minus(sum.max(Micros::ZERO))?;
    if missing.get() > 0 {
        let line = plain("minimum", LineKind::Minimum, "Minimum", Picos::from(missing), input.currency)?;
        lines.push(Line { taxable: true, ..line });
    }
    Ok(())
}

fn is_taken(input: &Input<'_>, charge: &Charge) -> bool {
    charge.seller_id == *input.seller_id && (input.cut || charge.at < input.period.end)
}

fn charge_lines(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    for charge in input.charges.iter().filter(|charge| is_taken(input, charge)) {
        let exact = Picos::from(charge.amount);
        let line = plain(charge.id.as_str(), charge.kind.into(), charge.text.as_str(), exact, input.currency)?;
        let quantity = (charge.count > 1).then(|| Quantity::new(i64::from(charge.count) * Quantity::ONE.get()));
        lines.push(Line { taxable: charge.taxable, quantity, ..line });
    }
    Ok(())
}

/// Each rate on the sum of the rounded lines that it is on.
fn tax_lines(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    let of: Vec<&Line> = lines.iter().filter(|line| line.taxable && !line.settled && !line.amount.is_zero()).collect();
    let base = of.iter().try_fold(Micros::ZERO, |sum, line| sum.plus(line.amount))?;
    let of: Vec<String> = of.into_iter().map(|line| line.id.clone()).collect();
    if of.is_empty() {
        return Ok(());
    }
    for rate in &input.terms.taxes {
        let exact = Picos::from(base).share(rate.percent)?;
        let line = plain(format!("tax:{}", rate.id), LineKind::Tax, rate.name.as_str(), exact, input.currency)?;
        lines.push(Line { tax_rate: Some(rate.percent), of: of.clone(), ..line });
    }
    Ok(())
}

/// Brings what is due to nothing where it is below: the rest waits for the next invoice.
fn carry(input: &Input<'_>, lines: &mut Vec<Line>) -> Result<(), Overflow> {
    let due = lines.iter().filter(|line| !line.settled).try_fold(Micros::ZERO, |sum, line| sum.plus(line.amount))?;
    if due.is_negative() {
        let exact = Picos::from(due.negated()?);
        lines.push(plain(CARRIED_LINE, LineKind::CarriedForward, "Carried forward to the next invoice", exact, input.currency)?);
    }
    Ok(())
}

/// The last moment of a period.
pub(super) fn before(end: Timestamp) -> Timestamp {
    end.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(end)
}

/// The charge that an invoice leaves for the next one of its seller, if it came to less than nothing.
pub fn carried(invoice: &Invoice) -> Option<Charge> {
    let line = invoice.line(CARRIED_LINE)?;
    Some(Charge {
        id: ChargeId::from_number(invoice.id.as_u128()),
        seller_id: invoice.seller_id.clone(),
        kind: ChargeKind::CarriedForward,
        text: Reference::parse(&format!("Carried forward from {}", invoice.period.label)).ok()?,
        amount: line.amount.negated().ok()?,
        taxable: false,
        count: 1,
        transfer_id: None,
        at: before(invoice.period.end),
        created_by: None,
    })
}

fn invoice(input: &Input<'_>, lines: Vec<Line>) -> Result<Invoice, Overflow> {
    let sum =
        |wanted: &dyn Fn(&Line) -> bool| lines.iter().filter(|line| wanted(line)).try_fold(Micros::ZERO, |sum, line| sum.plus(line.amount));
    let subtotal = sum(&|line| line.kind != LineKind::Tax)?;
    let tax = sum(&|line| line.kind == LineKind::Tax)?;
    let total = sum(&|_| true)?;
    let paid_from_credit = sum(&|line| line.settled)?;
    let hours = jiff::SignedDuration::from_hours(i64::from(input.terms.draft_hours));
    Ok(Invoice {
        id: invoice_id(input.account_id, input.period.label, input.part, input.closed_at),
        account_id: input.account_id.clone(),
        seller_id: input.seller_id.clone(),
        number: None,
        state: InvoiceState::Draft,
        currency: input.currency,
        period: input.period,
        part: input.part,
        ledger: input.ledger,
        lines,
        subtotal,
        tax,
        total,
        paid_from_credit,
        credited: Micros::ZERO,
        paid: Micros::ZERO,
        returned: Micros::ZERO,
        disputed: Micros::ZERO,
        credited_lines: BTreeMap::new(),
        disputed_lines: BTreeMap::new(),
        closed_at: input.closed_at,
        issued_at: None,
        due_at: None,
        draft_until: Some(input.closed_at.checked_add(hours).unwrap_or(Timestamp::MAX)),
        seller: input.seller.clone(),
        buyer: input.buyer.clone(),
        chase: Chase::default(),
        version: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::charge::tests::charge;
    use crate::billing::testing::{at, buyer, drafted, fee, micros, november, party, seller, state, tax, terms, usd};
    use proptest::prelude::*;

    const UNIT: i128 = 1_000_000_000_000;

    fn november_of(paid: i128) -> UsageState {
        state(&[("2026-11", "sms", 10, paid, paid / 2)])
    }

    fn lines(invoice: &Invoice) -> Vec<(String, String)> {
        invoice.lines.iter().map(|line| (line.id.clone(), line.amount.to_string())).collect()
    }

    fn owned(found: &[(&str, &str)]) -> Vec<(String, String)> {
        found.iter().map(|(id, amount)| ((*id).to_owned(), (*amount).to_owned())).collect()
    }

    #[test]
    fn a_line_is_rounded_once_and_sums_are_of_lines() {
        // 0.125 and 0.135 each go to the even cent; their sum does not.
        let used = state(&[("2026-11", "calls", 1, UNIT / 8, 0), ("2026-11", "sms", 1, UNIT * 135 / 1000, 0)]);
        let terms = Terms { taxes: vec![tax("10")], ..terms() };
        let invoice = drafted(Funding::Postpaid, &used, &terms, &[]).expect("an invoice");
        let wanted = [("usage:2026-11:calls", "0.120000"), ("usage:2026-11:sms", "0.140000"), ("tax:vat", "0.030000")];
        assert_eq!(lines(&invoice), owned(&wanted));
        assert_eq!((invoice.total, invoice.tax), (micros("0.29"), micros("0.03")));
        assert_eq!(invoice.lines[0].exact, Picos::new(UNIT / 8));
    }

    #[test]
    fn currencies_have_their_own_smallest_coin() {
        for (code, wanted) in [("USD", "1234.570000"), ("JPY", "1235.000000"), ("KWD", "1234.568000"), ("CLF", "1234.567800")] {
            let rounded = to_minor(Picos::new(1_234_567_800_000_000), code.parse().expect("a currency")).expect("in range");
            assert_eq!(rounded.to_string(), wanted, "{code}");
        }
    }

    #[test]
    fn prepaid_usage_is_shown_and_neither_due_nor_taxed() {
        let terms = Terms { fees: vec![fee("30", true)], taxes: vec![tax("20")], ..terms() };
        let invoice = drafted(Funding::Prepaid, &november_of(100 * UNIT), &terms, &[]).expect("an invoice");
        assert_eq!((invoice.total, invoice.paid_from_credit, invoice.tax), (micros("136"), micros("100"), micros("6")));
        assert_eq!(invoice.lines.last().expect("a tax").of, ["fee:base1"]);
        let mut invoice = invoice;
        invoice.finalize("INV-000001".to_owned(), november().end, 0).expect("a draft");
        assert_eq!(invoice.due(), Ok(micros("36")));
    }

    #[test]
    fn a_minimum_fills_up_what_usage_and_fees_lack() {
        let least = |used: i128, fees: Vec<_>| {
            let terms = Terms { minimum: micros("50"), fees, ..terms() };
            let invoice = drafted(Funding::Postpaid, &november_of(used), &terms, &[]).expect("an invoice");
            invoice.line("minimum").map(|line| line.amount)
        };
        assert_eq!(least(20 * UNIT, vec![]), Some(micros("30")));
        assert_eq!(least(20 * UNIT, vec![fee("30", false)]), None);
        assert_eq!(least(-20 * UNIT, vec![]), Some(micros("50")), "what is taken back lowers no minimum");
    }

    #[test]
    fn a_part_of_a_period_costs_a_part_or_all_once() {
        let (state, billed, none, names) = (UsageState::default(), Billed::default(), BTreeMap::new(), BTreeMap::new());
        let terms = Terms { fees: vec![fee("30", true), fee("7", false)], ..terms() };
        let (account_id, seller_id) = (buyer(), seller());
        let whole = november();
        let input = Input {
            account_id: &account_id,
            seller_id: &seller_id,
            currency: usd(),
            funding: Funding::Postpaid,
            period: whole.part(at("2026-11-21T00:00:00Z"), whole.end),
            whole,
            part: 2,
            continues: true,
            cut: false,
            ledger: LedgerRange { from_seq: 1, to_seq: 1 },
            through: None,
            state: &state,
            billed: &billed,
            meters: &none,
            promotions: &names,
            terms: &terms,
            charges: &[],
            seller: party("Seller"),
            buyer: party("Buyer"),
            closed_at: whole.end,
        };
        let built = build(&input).expect("in range").invoice.expect("an invoice");
        assert_eq!(lines(&built), owned(&[("fee:base1", "10.000000")]));
        let first = build(&Input { continues: false, ..input.clone() }).expect("in range").invoice.expect("an invoice");
        assert_eq!(lines(&first), owned(&[("fee:base1", "10.000000"), ("fee:base0", "7.000000")]));
        assert_eq!(build(&input).expect("in range").invoice.map(|again| again.content()), Some(built.content()));
    }

    #[test]
    fn nothing_is_no_invoice_and_less_than_nothing_waits() {
        assert_eq!(drafted(Funding::Postpaid, &UsageState::default(), &terms(), &[]), None);
        let waiting = [charge(1, ChargeKind::Adjustment, -12_000_000), charge(2, ChargeKind::Purchase, 2_000_000)];
        let terms = Terms { taxes: vec![tax("20")], ..terms() };
        let invoice = drafted(Funding::Postpaid, &UsageState::default(), &terms, &waiting).expect("an invoice");
        assert_eq!((invoice.total, invoice.tax), (Micros::ZERO, micros("-2")));
        let carried = carried(&invoice).expect("it waits");
        assert_eq!((carried.amount, carried.taxable), (micros("-12"), false));
        let next = drafted(Funding::Postpaid, &november_of(20 * UNIT), &terms, &[carried]).expect("an invoice");
        assert_eq!(next.total, micros("12"), "taxed once");
    }

    #[test]
    fn only_the_sellers_charges_from_before_the_end_are_taken() {
        let later = Charge { at: november().end, ..charge(1, ChargeKind::Purchase, 1_000_000) };
        let others = Charge { seller_id: AccountId::from_number(2), ..charge(2, ChargeKind::Purchase, 1_000_000) };
        assert_eq!(drafted(Funding::Postpaid, &UsageState::default(), &terms(), &[later, others]), None);
    }

    #[test]
    fn what_a_promotion_took_off_is_told_and_changes_nothing() {
        let mut used = november_of(10 * UNIT);
        let id = PromotionId::from_number(7);
        used.months.values_mut().next().expect("a month").promos.insert(id.clone(), Picos::new(3 * UNIT));
        let invoice = drafted(Funding::Postpaid, &used, &terms(), &[]).expect("an invoice");
        let line = invoice.line(&format!("promotion:{id}")).expect("it is told");
        assert_eq!((line.amount, line.saved, invoice.total), (Micros::ZERO, Some(Picos::new(3 * UNIT)), micros("10")));
    }

    #[test]
    fn what_is_billed_reads_back() {
        let mut used = state(&[("2026-10", "sms", 1, -5, 3), ("2026-11", "calls", 2, i128::MAX, i128::MIN)]);
        (used.older, used.older_cost) = (Picos::new(-7), Picos::new(-6));
        let of = ReturnedOf { seller: seller(), of: Some(("2026-11".parse().expect("a month"), "calls".parse().expect("a key"))) };
        used.returned.insert(of, Returned { quantity: Quantity::ONE, paid: Picos::new(4), cost: Picos::new(-3) });
        used.returned.insert(ReturnedOf { seller: seller(), of: None }, Returned { paid: Picos::new(i128::MIN), ..Returned::default() });
        assert_eq!(UsageState::decode(&used.encode()).expect("reads"), used);
        let billed = Billed::all_of(&used);
        let text = serde_json::to_string(&billed).expect("writes");
        assert_eq!(serde_json::from_str::<Billed>(&text).expect("reads"), billed);
        assert_eq!(serde_json::from_str::<Billed>("{}").expect("reads"), Billed::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is used, charged and taxed: totals are the sums of lines, and nothing due is below zero.
        #[test]
        fn totals_are_the_sums_of_lines(
            used in proptest::collection::vec((0..3_usize, 0..3_usize, -1_000_000_i64..1_000_000_000, any::<i64>()), 0..9),
            charges in proptest::collection::vec(-50_000_000_i64..50_000_000, 0..6),
            fees in proptest::collection::vec((1..90_000_000_i64, any::<bool>()), 0..2),
            minimum in 0..100_000_000_i64,
            rates in proptest::collection::vec(0..300_000_i64, 0..3),
            prepaid in any::<bool>(),
        ) {
            let months = ["2026-09", "2026-10", "2026-11"];
            let keys = ["calls", "data", "sms"];
            let used: Vec<_> = used.iter().map(|(m, k, quantity, paid)| (months[*m], keys[*k], quantity % 1_000_000, i128::from(*paid), 0)).collect();
            let mut all = terms();
            all.minimum = Micros::new(minimum);
            for (at, (amount, prorate)) in fees.iter().enumerate() {
                let fee = fee(&Micros::new(*amount).to_string(), *prorate);
                all.fees.push(crate::billing::profile::Fee { id: format!("fee{at}").parse().expect("a key"), ..fee });
            }
            for (at, parts) in rates.iter().enumerate() {
                let percent = crate::pricing::number::Percent::from_parts(*parts);
                all.taxes.push(crate::billing::tax::TaxRate { id: format!("t{at}").parse().expect("a key"), percent, ..tax("0") });
            }
            let waiting: Vec<Charge> = charges
                .iter()
                .enumerate()
                .filter(|(_, amount)| **amount != 0)
                .map(|(at, amount)| charge(at as u128, ChargeKind::Adjustment, *amount))
                .collect();
            let funding = if prepaid { Funding::Prepaid } else { Funding::Postpaid };
            let state = state(&used);
            let Some(mut invoice) = drafted(funding, &state, &all, &waiting) else { return Ok(()) };
            prop_assert_eq!(drafted(funding, &state, &all, &waiting).expect("again").content(), invoice.content());
            let sum: i64 = invoice.lines.iter().map(|line| line.amount.get()).sum();
            prop_assert_eq!((invoice.total.get(), invoice.subtotal.get() + invoice.tax.get()), (sum, sum));
            prop_assert!(invoice.lines.iter().all(|line| line.amount.get() % 10_000 == 0));
            let ids: BTreeSet<&String> = invoice.lines.iter().map(|line| &line.id).collect();
            prop_assert_eq!(ids.len(), invoice.lines.len());
            invoice.finalize("INV-000001".to_owned(), november().end, 14).expect("a draft");
            prop_assert!(!invoice.due().expect("in range").is_negative());
        }
    }
}
