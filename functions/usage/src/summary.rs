//! `GET /reseller/usage/summary`: the figures of a dashboard's first view.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Picos, Quantity, div_half_even};
use tributary_domain::pricing::state::UsageState;
use tributary_domain::rights::Right;
use tributary_metering::aggregates::fold::Batches;
use tributary_metering::aggregates::read::{self, BySlot};
use tributary_metering::aggregates::sums::Sub;
use tributary_runtime::secrets::digest;
use tributary_store::aggregates::{Size, Slot};
use tributary_store::error::{Denied, StoreError};

use crate::figures::{MoneyView, Total, Units, View, too_large};
use crate::report::masters;

/// How many accounts and meters are named.
const TOP: usize = 10;
/// The most masters that the operator's summary adds up.
const MOST_MASTERS: usize = 2_000;

/// The sums of one time.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageTotals))]
pub struct TotalsView {
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub from: Timestamp,
    /// Until before when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub to: Timestamp,
    /// The money, by currency; more than one only for the operator.
    pub money: Vec<MoneyView>,
    /// How much of each meter.
    pub meters: Vec<MeterView>,
}

/// One meter's figures.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MeterUsage))]
pub struct MeterView {
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub meter: MeterKey,
    /// How much was used.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub quantity: Quantity,
    /// In which unit; null if the meter is gone.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unit: Option<String>,
    /// The money.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// A direct sub-account's figures.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TopAccount))]
pub struct TopAccountView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// What it paid you this month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// By how much less it may have been: not zero only where more than 200 sub-accounts had usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price_within: Micros,
}

/// By how much this month is above the same days of last month, in percent; null where there was nothing then.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageChange))]
pub struct ChangeView {
    /// Of what.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Events.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub events: Option<Percent>,
    /// What you pay.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub cost: Option<Percent>,
    /// What you are paid.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub price: Option<Percent>,
}

/// The next volume tier.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SummaryNextTier))]
pub struct NextTierView {
    /// Its name.
    pub name: String,
    /// From which volume of a month on.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub from: Quantity,
    /// Its discount in percent.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub discount: Percent,
    /// What is missing this month.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub missing: Quantity,
    /// What it would have saved this month.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub would_save: Picos,
}

/// Where a reseller stands in its seller's volume tiers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SummaryTier))]
pub struct TierView {
    /// The tier in force; `none` below the first.
    pub name: String,
    /// Its discount in percent.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub discount: Percent,
    /// It is in force only because of last month's volume.
    pub grace: bool,
    /// This month's volume so far.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub volume: Quantity,
    /// The next one; null at the top.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next: Option<NextTierView>,
}

/// A summary.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageSummary))]
pub struct SummaryView {
    /// Whose usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// With that of everything below it.
    pub subtree: bool,
    /// The month.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub period: String,
    /// Today; null unless the month is the running one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub today: Option<TotalsView>,
    /// The month, of the running one what there is of it.
    pub this_month: TotalsView,
    /// The month before.
    pub last_month: TotalsView,
    /// The month before up to the same day and hour; the whole of it for a month that is over.
    pub last_month_to_date: TotalsView,
    /// This month against the same days of last month.
    pub change: Vec<ChangeView>,
    /// The direct sub-accounts that paid you most this month, at most ten; none without `subtree`.
    pub top_accounts: Vec<TopAccountView>,
    /// The meters with the most money this month, at most ten.
    pub top_meters: Vec<MeterView>,
    /// The volume tier of the account, if it is a reseller, for itself and its seller; null for all others.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tier: Option<TierView>,
}

/// A time that is summed up.
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    slots: Vec<Slot>,
}

impl Stretch {
    fn new(from: Timestamp, to: Timestamp) -> Self {
        let slots = Slot::cover(from, to, Size::Month);
        Self { from, to: slots.last().map_or(to, |slot| slot.end()), slots }
    }
}

/// The times of a summary.
struct Times {
    today: Option<Stretch>,
    this: Stretch,
    last: Stretch,
    to_date: Stretch,
}

impl Times {
    fn of(month: Month, now: Timestamp) -> Self {
        let (last, running) = (month.prev(), month == Month::of(now));
        let so_far = now.duration_since(month.start());
        let same = last.start().checked_add(so_far).unwrap_or(now).min(last.end());
        Self {
            today: running.then(|| whole(Slot::of(Size::Day, now))),
            this: whole(Slot::of(Size::Month, month.start())),
            last: whole(Slot::of(Size::Month, last.start())),
            to_date: if running { Stretch::new(last.start(), same) } else { Stretch::new(last.start(), last.end()) },
        }
    }

    fn all(&self) -> Vec<Slot> {
        let each = [self.today.as_ref(), Some(&self.this), Some(&self.last), Some(&self.to_date)];
        let slots: BTreeSet<Slot> = each.into_iter().flatten().flat_map(|stretch| stretch.slots.iter().copied()).collect();
        slots.into_iter().collect()
    }
}

/// A slot as it is, however much of it is over.
fn whole(slot: Slot) -> Stretch {
    Stretch { from: slot.start(), to: slot.end(), slots: vec![slot] }
}

/// Every figure of a first view. Its `ETag` follows from the newest usage of the account's ledger: as long as that is the same,
/// `If-None-Match` is answered 304 after one read.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached` for an operator with too many masters.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let subtree = params.flag("subtree")?;
    let now = call.app.now();
    let month = params.parsed::<Month>("period")?.unwrap_or_else(|| Month::of(now));
    params.done()?;
    if month > Month::of(now) {
        return Err(Problem::field("/query/period", "must not be a month to come"));
    }
    let head = visible_head(&call, &id).await?;
    let tag = etag(home, &head, subtree, month, now);
    if tag.is_some() && call.header("if-none-match") == tag.as_deref() {
        return Ok(Reply::not_modified(tag.as_deref().unwrap_or_default()));
    }
    let account = Account { lineage: head.lineage.clone(), ..call.store().account(&id).await? };
    let view = View { caller: home, account: &account, subtree };
    let times = Times::of(month, now);
    let sums = sums(&call, &view, &times.all()).await?;
    let answer = Reply::ok(&summary(&call, &view, &head, month, &times, &sums).await?)?;
    Ok(match tag {
        Some(tag) => answer.header("etag", &tag),
        None => answer,
    })
}

/// The head of an account's ledger, if the caller may see its usage: one read.
async fn visible_head(call: &Call, id: &AccountId) -> Result<Head, Problem> {
    let may = call.caller()?.over(Right::UsageRead);
    let mut head = call.store().head(&LedgerId::Account(id.clone())).await?;
    match may(id, &head.lineage) {
        Ok(()) => Ok(head),
        Err(Denied::Absent) => {
            head.lineage = call.store().resolved_lineage(&head.lineage).await?;
            may(id, &head.lineage)?;
            Ok(head)
        }
        Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
    }
}

/// What the summary follows from; the operator's ledger carries no usage, so it has none.
fn etag(home: &AccountId, head: &Head, subtree: bool, month: Month, now: Timestamp) -> Option<String> {
    if head.kind == Kind::Operator {
        return None;
    }
    // The same days of last month grow with each hour.
    let hour = Slot::of(Size::Hour, now);
    let text = format!("{home}\n{}\n{}\n{}\n{subtree}\n{month}\n{hour}", head.ledger, head.usage_seq, head.lineage);
    Some(format!("\"{}\"", digest(text.as_bytes()).get(..32).unwrap_or_default()))
}

/// The sums that a summary is made of, each with the account whose they are: the account itself, or all masters.
async fn sums(call: &Call, view: &View<'_>, slots: &[Slot]) -> Result<Vec<(Account, BySlot)>, Problem> {
    match (view.account.kind, view.subtree) {
        (Kind::Operator, false) => Ok(Vec::new()),
        (Kind::Operator, true) => {
            let accounts = masters(call, &view.account.id, MOST_MASTERS).await?;
            if accounts.len() > MOST_MASTERS {
                let limit = i64::try_from(MOST_MASTERS).unwrap_or(i64::MAX);
                return Err(StoreError::Limit { what: "masters in one summary; ask for the report", limit }.into());
            }
            let ids: Vec<AccountId> = accounts.iter().map(|account| account.id.clone()).collect();
            let mut sums = read::of_accounts(&call.app, &Batches::default(), &ids.iter().cloned().collect(), &ids, slots).await?;
            Ok(accounts
                .into_iter()
                .filter_map(|account| Some((sums.remove(&account.id)?, account)))
                .map(|(sums, account)| (account, sums))
                .collect())
        }
        (Kind::Reseller | Kind::Customer, _) => {
            Ok(vec![(view.account.clone(), read::of_account(&call.app, &Batches::default(), &view.account.id, slots).await?)])
        }
    }
}

/// Sums of one time: by currency, and by meter and currency.
#[derive(Default)]
struct Added {
    by_currency: BTreeMap<&'static str, (Currency, Total)>,
    by_meter: BTreeMap<(MeterKey, &'static str), (Currency, AccountId, Total)>,
}

fn add(view: &View<'_>, sums: &[(Account, BySlot)], stretch: &Stretch) -> Result<Added, Problem> {
    let mut added = Added::default();
    let none = || Total::empty(view.resells());
    for (account, by_slot) in sums {
        let currency = account.currency;
        for sums in stretch.slots.iter().filter_map(|slot| by_slot.get(slot)) {
            for (key, cell) in sums.cells.iter().filter(|(key, _)| key.own || view.subtree) {
                if key.payers.level(view.caller).is_none() {
                    continue;
                }
                let (_, total) = added.by_currency.entry(currency.code()).or_insert_with(|| (currency, none()));
                total.add(view.caller, key, cell).map_err(too_large)?;
                let meter = added.by_meter.entry((key.meter.clone(), currency.code()));
                let (_, _, total) = meter.or_insert_with(|| (currency, key.payers.owner.clone(), none()));
                total.add(view.caller, key, cell).map_err(too_large)?;
            }
        }
    }
    let currency = view.account.currency;
    if added.by_currency.is_empty() {
        added.by_currency.insert(currency.code(), (currency, none()));
    }
    Ok(added)
}

impl Added {
    fn meters(&self, units: &Units) -> Result<Vec<MeterView>, Problem> {
        let view = |((meter, _), (currency, owner, total)): (&(MeterKey, &'static str), &(Currency, AccountId, Total))| {
            Ok(MeterView {
                meter: meter.clone(),
                quantity: total.raw_quantity(),
                unit: units.get(owner, meter).cloned(),
                money: total.money(*currency)?,
            })
        };
        self.by_meter.iter().map(view).collect()
    }

    fn shown(&self, stretch: &Stretch, units: &Units) -> Result<TotalsView, Problem> {
        let money = self.by_currency.values().map(|(currency, total)| total.money(*currency)).collect::<Result<_, _>>()?;
        Ok(TotalsView { from: stretch.from, to: stretch.to, money, meters: self.meters(units)? })
    }
}

async fn summary(
    call: &Call,
    view: &View<'_>,
    head: &Head,
    month: Month,
    times: &Times,
    sums: &[(Account, BySlot)],
) -> Result<SummaryView, Problem> {
    let today = times.today.as_ref().map(|stretch| Ok::<_, Problem>((stretch, add(view, sums, stretch)?))).transpose()?;
    let (this, last, to_date) = (add(view, sums, &times.this)?, add(view, sums, &times.last)?, add(view, sums, &times.to_date)?);
    let owners: BTreeSet<AccountId> =
        [&this, &last].into_iter().flat_map(|added| added.by_meter.values().map(|(_, owner, _)| owner.clone())).collect();
    let units = Units::of(&call.app, owners).await?;
    let mut top_meters = this.meters(&units)?;
    top_meters.sort_by_key(|meter| std::cmp::Reverse(meter.money.price.unwrap_or_default().max(meter.money.cost)));
    top_meters.truncate(TOP);
    Ok(SummaryView {
        account_id: view.account.id.clone(),
        subtree: view.subtree,
        period: month.to_string(),
        today: today.map(|(stretch, added)| added.shown(stretch, &units)).transpose()?,
        this_month: this.shown(&times.this, &units)?,
        last_month: last.shown(&times.last, &units)?,
        last_month_to_date: to_date.shown(&times.to_date, &units)?,
        change: changes(&this, &to_date),
        top_accounts: top_accounts(call, view, times, sums).await?,
        top_meters,
        tier: tier(call, view, head, month).await?,
    })
}

fn changes(this: &Added, then: &Added) -> Vec<ChangeView> {
    let none = Total::default();
    let change = |(code, (currency, now)): (&&'static str, &(Currency, Total))| {
        let then = then.by_currency.get(code).map_or(&none, |(_, total)| total);
        ChangeView {
            currency: *currency,
            events: percent(now.events, then.events),
            cost: percent(now.cost.get(), then.cost.get()),
            price: now.price.zip(then.price).and_then(|(now, then)| percent(now.get(), then.get())),
        }
    };
    this.by_currency.iter().map(change).collect()
}

/// By how much `now` is above `then`, in percent with two decimals, half to even; none without a `then`.
fn percent(now: i64, then: i64) -> Option<Percent> {
    if then <= 0 {
        return None;
    }
    let hundredths = div_half_even((i128::from(now) - i128::from(then)) * 10_000, i128::from(then));
    i64::try_from(hundredths).ok()?.checked_mul(100).map(Percent::from_parts)
}

/// The direct sub-accounts that paid most: they stand in the account's own sums of the month. Those of the caller's own account
/// only, since what they pay is no other level's to see; for the operator each master.
async fn top_accounts(call: &Call, view: &View<'_>, times: &Times, sums: &[(Account, BySlot)]) -> Result<Vec<TopAccountView>, Problem> {
    if !view.subtree || view.account.id != *view.caller {
        return Ok(Vec::new());
    }
    let mut top: Vec<(AccountId, Sub)> = Vec::new();
    for one @ (account, by_slot) in sums {
        if view.account.kind == Kind::Operator {
            let paid = add(view, std::slice::from_ref(one), &times.this)?;
            let paid = paid.by_currency.values().filter_map(|(_, total)| total.price).map(Micros::get).sum();
            top.push((account.id.clone(), Sub { paid, events: 0, over: 0 }));
        } else {
            let months = times.this.slots.iter().filter_map(|slot| by_slot.get(slot));
            top.extend(months.flat_map(|sums| sums.subs.iter().map(|(id, sub)| (id.clone(), *sub))));
        }
    }
    top.sort_by_key(|(_, sub)| std::cmp::Reverse(sub.paid));
    let may = call.caller()?.over(Right::UsageRead);
    let ids: Vec<AccountId> = top.iter().take(2 * TOP).map(|(id, _)| id.clone()).collect();
    let accounts: BTreeMap<AccountId, Account> =
        call.store().accounts(&ids).await?.into_iter().map(|account| (account.id.clone(), account)).collect();
    let shown = |(id, sub): (AccountId, Sub)| {
        // One that was moved away meanwhile, or is denied to the key, is not shown.
        let account = accounts.get(&id).filter(|account| may(&id, &account.lineage).is_ok())?;
        let (name, currency) = (account.name.to_string(), account.currency);
        Some(TopAccountView { account_id: id, name, price: Micros::new(sub.paid), currency, price_within: Micros::new(sub.over) })
    };
    Ok(top.into_iter().filter_map(shown).take(TOP).collect())
}

/// The tier of a reseller, which is between it and its seller: shown to these two alone.
async fn tier(call: &Call, view: &View<'_>, head: &Head, month: Month) -> Result<Option<TierView>, Problem> {
    let account = view.account;
    let Some(seller) =
        account.lineage.parent().filter(|seller| account.kind == Kind::Reseller && [*seller, &account.id].contains(&view.caller))
    else {
        return Ok(None);
    };
    if month != Month::of(call.app.now()) {
        return Ok(None);
    }
    let book = call.store().book(seller).await?;
    let kind = if account.lineage.depth() == 1 { Kind::Operator } else { Kind::Reseller };
    let Some(table) = book.tiers_given(kind) else { return Ok(None) };
    let state = call.store().usage_states([head]).await?.remove(&account.id).unwrap_or_default();
    let volumes = (state.volume(month), state.volume(month.prev()));
    let standing = table.tier_of(volumes.0, volumes.1);
    let next = table.next(volumes.0, volumes.1, spend(&state, month)).map_err(|_| too_large(tributary_domain::money::Overflow))?;
    Ok(Some(TierView {
        name: standing.name().to_owned(),
        discount: standing.discount(),
        grace: standing.grace,
        volume: volumes.0,
        next: next.map(|next| NextTierView {
            name: next.name.to_string(),
            from: next.from,
            discount: next.discount,
            missing: next.missing,
            would_save: next.would_save,
        }),
    }))
}

/// What the account paid this month.
fn spend(state: &UsageState, month: Month) -> Picos {
    let meters = state.months.get(&month).into_iter().flat_map(|month| month.meters.values());
    Picos::new(meters.fold(0, |sum, meter| sum.saturating_add(meter.paid.get())))
}
