//! `GET /reseller/usage/report`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::money::Currency;
use tributary_domain::pricing::meter::{MeterKey, PropertyName};
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::Quantity;
use tributary_domain::rights::Right;
use tributary_domain::text::TagName;
use tributary_metering::aggregates::fold::Batches;
use tributary_metering::aggregates::read::{self, BySlot};
use tributary_metering::aggregates::sums::{CellKey, Values};
use tributary_store::account_lists::{ListFilter, Sort};
use tributary_store::accounts::Authority;
use tributary_store::aggregates::{Size, Slot, place_in_tree};
use tributary_store::table::Position;

use crate::figures::{MoneyView, Total, Units, View, too_large};

/// The longest report by hours, in days.
const MAX_HOURS_DAYS: i64 = 31;
/// The longest report by days, in days.
const MAX_DAYS: i64 = 400;
/// The longest report by months, in months.
const MAX_MONTHS: usize = 60;
/// The most sums read for one page; its cursor goes on.
const MOST_READ: usize = 5_000;
/// The most accounts looked at for one page.
const MOST_ACCOUNTS: usize = 1_000;
/// The most sums read for a report by tag, or of the operator's whole platform, which are not paged by account.
const MOST_AT_ONCE: usize = 20_000;
/// What usage with too many different values of a dimension is shown under.
const OTHER: &str = "other";

/// How long the rows' periods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// Hours; at most 31 days of them.
    Hour,
    /// Days in UTC; at most 400.
    Day,
    /// Calendar months in UTC; at most 60.
    Month,
}

impl Granularity {
    fn size(self) -> Size {
        match self {
            Granularity::Hour => Size::Hour,
            Granularity::Day => Size::Day,
            Granularity::Month => Size::Month,
        }
    }
}

/// A row.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageRow))]
pub struct RowView {
    /// When its period begins.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub period_start: Timestamp,
    /// The account, if grouped by it: its own usage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The meter, if grouped by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub meter: Option<MeterKey>,
    /// The value of the accounts' tag, if grouped by one; null for accounts without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub tag: Option<Option<String>>,
    /// The value of the dimension, if grouped by one; null for events without it, `other` where there were too many to keep apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub dimension: Option<Option<String>>,
    /// How much was used; null where meters of several units are added up.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub quantity: Option<Quantity>,
    /// The meter's unit; null where there are several.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unit: Option<String>,
    /// The money.
    #[serde(flatten)]
    pub money: MoneyView,
}

/// A report, or a page of it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageReport))]
pub struct ReportView {
    /// The rows.
    pub data: Vec<RowView>,
    /// Where to go on; null on the last page.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<String>,
    /// Whose usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// With that of everything below it.
    pub subtree: bool,
    /// From when on: what was asked for, or the whole hour before it.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub from: Timestamp,
    /// Until before when: what was asked for, or the whole hour after it.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub to: Timestamp,
    /// How long the rows' periods are.
    pub granularity: Granularity,
    /// The sums of the whole report, one for each currency; null but on the first page.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub totals: Option<Vec<MoneyView>>,
}

/// What rows are kept apart by.
#[derive(Debug, Clone, Default)]
struct Grouping {
    account: bool,
    meter: bool,
    tag: Option<TagName>,
    dimension: Option<PropertyName>,
}

/// What a row is found by, in the order of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct RowKey {
    period: i64,
    meter: Option<MeterKey>,
    tag: Option<Option<String>>,
    dimension: Option<Option<String>>,
    currency: String,
}

type Rows = BTreeMap<RowKey, Total>;

/// Where a page ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Place {
    /// Behind this account of the subtree; the first is the subtree's root itself.
    after: Option<Position>,
    /// The root was passed.
    begun: bool,
    /// Behind this row of the next account, or of the report.
    row: Option<RowKey>,
}

/// A report that is asked for.
struct Asked<'a> {
    view: View<'a>,
    slots: Vec<Slot>,
    size: Size,
    by: Grouping,
    limit: usize,
    batches: Batches,
}

/// A report of usage.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`, `limit_reached` for a subtree too large to group by a tag.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let subtree = params.flag("subtree")?;
    let granularity = params.word::<Granularity>("granularity")?.unwrap_or(Granularity::Day);
    let now = call.app.now();
    let (from, to) = (params.time("from")?, params.time("to")?);
    let to = to.unwrap_or(now);
    // The month that `to` ends or stands in.
    let month = Month::of(to.checked_sub(SignedDuration::from_millis(1)).unwrap_or(to));
    let (from, to) = period(from.unwrap_or_else(|| month.start()), to, granularity)?;
    let by = params.text("group_by").map(|text| grouping(&text)).transpose()?.unwrap_or_default();
    let limit = params.limit()?;
    let (scope, cursor) = (call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let place: Option<Place> = scope.open(&call.app, cursor)?;
    let may = caller.over(Right::UsageRead);
    let account = call.store().account_for(&id, Authority { home, may: &may }).await?;
    let size = granularity.size();
    // Of what is not over yet there is nothing more: whole slots hold no more than parts of them, and are fewer.
    let last = to.checked_sub(SignedDuration::from_millis(1)).unwrap_or(to);
    let covered_to = if to >= now { Slot::of(size, last).end() } else { to };
    let slots = Slot::cover(from, covered_to, size);
    let asked = Asked { view: View { caller: home, account: &account, subtree }, slots, size, by, limit, batches: Batches::default() };
    let first = place.is_none();
    let (rows, next) = match subtree && asked.by.account {
        true => by_account(&call, &asked, place.unwrap_or_default()).await?,
        false => whole(&call, &asked, place.unwrap_or_default()).await?,
    };
    let totals = if first { Some(totals(&call, &asked).await?) } else { None };
    let data = shown(&call, &rows).await?;
    let next_cursor = scope.seal(&call.app, next.as_ref())?;
    Reply::ok(&ReportView { data, next_cursor, account_id: id, subtree, from, to, granularity, totals })
}

/// The period in whole hours, if it is not too long.
fn period(from: Timestamp, to: Timestamp, granularity: Granularity) -> Result<(Timestamp, Timestamp), Problem> {
    if from >= to {
        return Err(Problem::field("/query/to", "must be after from"));
    }
    let (first, last) = (Slot::of(Size::Hour, from), Slot::of(Size::Hour, to));
    let to = if last.start() == to { to } else { last.end() };
    let from = first.start();
    let days = to.duration_since(from).as_hours().saturating_add(23) / 24;
    let too_long = |what: String| Err(Problem::field("/query/from", format!("is too long before to: {what}")));
    match granularity {
        Granularity::Hour if days > MAX_HOURS_DAYS => {
            too_long(format!("a report by hours has at most {MAX_HOURS_DAYS} days; ask for days or months"))
        }
        Granularity::Day if days > MAX_DAYS => too_long(format!("a report by days has at most {MAX_DAYS}; ask for months")),
        Granularity::Month if days > 31 * 61 || months(from, to) > MAX_MONTHS => {
            too_long(format!("a report by months has at most {MAX_MONTHS}"))
        }
        Granularity::Hour | Granularity::Day | Granularity::Month => Ok((from, to)),
    }
}

/// The calendar months that a time touches.
fn months(from: Timestamp, to: Timestamp) -> usize {
    let (mut month, mut count) = (Month::of(from), 0);
    while month.start() < to {
        month = month.next();
        count += 1;
    }
    count
}

fn grouping(text: &str) -> Result<Grouping, Problem> {
    let wrong = |detail: String| Problem::field("/query/group_by", detail);
    let mut by = Grouping::default();
    for part in text.split(',') {
        let twice = match part.split_once(':') {
            None if part == "account" => std::mem::replace(&mut by.account, true),
            None if part == "meter" => std::mem::replace(&mut by.meter, true),
            Some(("tag", name)) => by.tag.replace(TagName::parse(name).map_err(|error| wrong(format!("tag:{name}: {error}")))?).is_some(),
            Some(("dimension", name)) => {
                let name: PropertyName = name.parse().map_err(|error| wrong(format!("dimension:{name}: {error}")))?;
                by.dimension.replace(name).is_some()
            }
            None | Some(_) => return Err(wrong(format!("{part:?} is none of account, meter, tag:NAME and dimension:NAME"))),
        };
        if twice {
            return Err(wrong("names account, meter, one tag and one dimension at most once each".to_owned()));
        }
    }
    Ok(by)
}

impl Asked<'_> {
    fn row_key(&self, slot: Slot, key: &CellKey, account: &Account) -> RowKey {
        let dimension = |name: &PropertyName| match &key.values {
            Values::Of(values) => values.get(name).cloned(),
            Values::Other => Some(OTHER.to_owned()),
        };
        RowKey {
            period: Slot::of(self.size, slot.start()).start().as_millisecond(),
            meter: self.by.meter.then(|| key.meter.clone()),
            tag: self.by.tag.as_ref().map(|tag| account.tags.get(tag).map(ToString::to_string)),
            dimension: self.by.dimension.as_ref().map(dimension),
            currency: account.currency.code().to_owned(),
        }
    }

    /// Adds the sums of an account: only its own usage, or its whole subtree's.
    fn add(&self, rows: &mut Rows, account: &Account, sums: &BySlot, own_only: bool) -> Result<(), Problem> {
        let view = View { caller: self.view.caller, account, subtree: !own_only };
        for (slot, sums) in sums {
            for (key, cell) in sums.cells.iter().filter(|(key, _)| key.own || !own_only) {
                if key.payers.level(self.view.caller).is_none() {
                    continue;
                }
                let row = rows.entry(self.row_key(*slot, key, account)).or_insert_with(|| Total::empty(view.resells()));
                row.add(self.view.caller, key, cell).map_err(too_large)?;
            }
        }
        Ok(())
    }
}

type Page = (Vec<(Option<AccountId>, RowKey, Total)>, Option<Place>);

/// A report that is not paged by account: all of its rows are made, and one page of them is shown.
async fn whole(call: &Call, asked: &Asked<'_>, place: Place) -> Result<Page, Problem> {
    let (mut rows, account) = (Rows::new(), asked.view.account);
    for (account, sums, own_only) in sums_of(call, asked, asked.by.tag.is_some()).await? {
        asked.add(&mut rows, &account, &sums, own_only)?;
    }
    let shown = asked.by.account.then(|| account.id.clone());
    let passed = |key: &RowKey| place.row.as_ref().is_some_and(|last| key <= last);
    let mut page: Vec<_> =
        rows.into_iter().filter(|(key, _)| !passed(key)).take(asked.limit + 1).map(|(key, row)| (shown.clone(), key, row)).collect();
    let more = page.len() > asked.limit;
    page.truncate(asked.limit);
    let next = page.last().filter(|_| more).map(|(_, key, _)| Place { row: Some(key.clone()), ..Place::default() });
    Ok((page, next))
}

/// The sums that a whole report is made of, each with its account and whether only the account's own usage counts.
async fn sums_of(call: &Call, asked: &Asked<'_>, each: bool) -> Result<Vec<(Account, BySlot, bool)>, Problem> {
    let (app, account) = (&call.app, asked.view.account);
    let operator = account.kind == Kind::Operator;
    let accounts = match (asked.view.subtree, each, operator) {
        (false, _, true) => return Ok(Vec::new()),
        (true, true, _) => every_account(call, asked).await?,
        (true, false, true) => direct_accounts(call, asked).await?,
        (false, _, false) | (true, false, false) => {
            let sums = read::of_account(app, &asked.batches, &account.id, &asked.slots).await?;
            return Ok(vec![(account.clone(), sums, !asked.view.subtree)]);
        }
    };
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id.clone()).collect();
    let mut sums = read::of_accounts(app, &asked.batches, &roots(account, &accounts), &ids, &asked.slots).await?;
    Ok(accounts
        .into_iter()
        .filter_map(|account| Some((sums.remove(&account.id)?, account)))
        .map(|(sums, account)| (account, sums, each))
        .collect())
}

/// The ledgers in which usage of these accounts stands that is not folded: that of the report's own account, or of the masters
/// if that is the operator.
fn roots(account: &Account, accounts: &[Account]) -> BTreeSet<AccountId> {
    match account.kind {
        Kind::Operator => {
            let master = |account: &Account| account.lineage.ids().nth(1).unwrap_or(&account.id).clone();
            accounts.iter().filter(|account| account.kind != Kind::Operator).map(master).collect()
        }
        Kind::Reseller | Kind::Customer => BTreeSet::from([account.id.clone()]),
    }
}

fn filter(limit: usize) -> ListFilter {
    ListFilter { status: None, kind: None, q: None, sort: Sort::Created, descending: false, limit }
}

fn too_many(accounts: usize, slots: usize) -> Result<(), Problem> {
    match accounts.saturating_mul(slots) > MOST_AT_ONCE {
        false => Ok(()),
        true => Err(tributary_store::error::StoreError::Limit {
            what: "sums (accounts times periods) in one report that is not grouped by account; ask for a shorter time, a coarser granularity or a smaller subtree",
            limit: i64::try_from(MOST_AT_ONCE).unwrap_or(i64::MAX),
        }
        .into()),
    }
}

/// The account and everything below it that the caller may see.
async fn every_account(call: &Call, asked: &Asked<'_>) -> Result<Vec<Account>, Problem> {
    let (root, may) = (asked.view.account, call.caller()?.over(Right::UsageRead));
    let below = call.store().whole_subtree(&root.id, &root.lineage).await?;
    let mut seen = vec![root.clone()];
    seen.extend(below.into_iter().filter(|account| may(&account.id, &account.lineage).is_ok()));
    too_many(seen.len(), asked.slots.len())?;
    Ok(seen)
}

/// The direct sub-accounts: of the operator, whose own ledger carries no usage.
pub(crate) async fn masters(call: &Call, operator: &AccountId, most: usize) -> Result<Vec<Account>, Problem> {
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let (accounts, next) = call.store().children(operator, &filter(500), start).await?;
        all.extend(accounts);
        start = next;
        if start.is_none() || all.len() > most {
            return Ok(all);
        }
    }
}

async fn direct_accounts(call: &Call, asked: &Asked<'_>) -> Result<Vec<Account>, Problem> {
    let all = masters(call, &asked.view.account.id, MOST_AT_ONCE).await?;
    too_many(all.len(), asked.slots.len())?;
    Ok(all)
}

/// A report with a row for each account of a subtree: pages over the accounts in the order of the tree.
async fn by_account(call: &Call, asked: &Asked<'_>, place: Place) -> Result<Page, Problem> {
    let (root, may) = (asked.view.account, call.caller()?.over(Right::UsageRead));
    let (mut place, mut page, mut looked) = (place, Vec::new(), 0);
    let at_once = (MOST_READ / asked.slots.len().max(1)).clamp(1, asked.limit);
    let most = (MOST_READ / asked.slots.len().max(1)).clamp(1, MOST_ACCOUNTS);
    loop {
        let (mut accounts, next) = call.store().subtree(&root.id, &root.lineage, &filter(at_once), place.after.clone()).await?;
        let last = next.is_none();
        if !place.begun {
            accounts.insert(0, root.clone());
        }
        looked += accounts.len();
        let seen: Vec<AccountId> = accounts
            .iter()
            .filter(|account| account.kind != Kind::Operator && may(&account.id, &account.lineage).is_ok())
            .map(|account| account.id.clone())
            .collect();
        let sums = read::of_accounts(&call.app, &asked.batches, &roots(root, &accounts), &seen, &asked.slots).await?;
        for account in &accounts {
            let mut rows = Rows::new();
            if let Some(sums) = sums.get(&account.id) {
                asked.add(&mut rows, account, sums, true)?;
            }
            for (key, row) in rows {
                if place.row.as_ref().is_some_and(|last| key <= *last) {
                    continue;
                }
                if page.len() == asked.limit {
                    return Ok((page, Some(place)));
                }
                place.row = Some(key.clone());
                page.push((Some(account.id.clone()), key, row));
            }
            place = match place.begun {
                false => Place { begun: true, ..Place::default() },
                true => Place { begun: true, after: Some(place_in_tree(account)), row: None },
            };
        }
        if last {
            return Ok((page, None));
        }
        if looked >= most || page.len() == asked.limit {
            return Ok((page, Some(place)));
        }
    }
}

/// The sums of the whole report: from the account's own sums, whatever the rows are kept apart by.
async fn totals(call: &Call, asked: &Asked<'_>) -> Result<Vec<MoneyView>, Problem> {
    let mut by_currency: BTreeMap<&'static str, (Currency, Total)> = BTreeMap::new();
    for (account, sums, own_only) in sums_of(call, asked, false).await? {
        for sums in sums.values() {
            for (key, cell) in sums.cells.iter().filter(|(key, _)| key.own || !own_only) {
                let none = || (account.currency, Total::empty(asked.view.resells()));
                let (_, total) = by_currency.entry(account.currency.code()).or_insert_with(none);
                total.add(asked.view.caller, key, cell).map_err(too_large)?;
            }
        }
    }
    if by_currency.is_empty() {
        let currency = asked.view.account.currency;
        by_currency.insert(currency.code(), (currency, Total::empty(asked.view.resells())));
    }
    by_currency.into_values().map(|(currency, total)| total.money(currency)).collect()
}

async fn shown(call: &Call, rows: &[(Option<AccountId>, RowKey, Total)]) -> Result<Vec<RowView>, Problem> {
    let units = Units::of(&call.app, rows.iter().flat_map(|(_, _, row)| row.owners().cloned()).collect()).await?;
    let row = |(account_id, key, row): &(Option<AccountId>, RowKey, Total)| {
        let currency = key.currency.parse().map_err(|_| Problem::new(Code::InvalidCursor, "The cursor names no currency."))?;
        let (quantity, unit) = row.quantity(&units);
        Ok(RowView {
            period_start: Timestamp::from_millisecond(key.period).unwrap_or(Timestamp::UNIX_EPOCH),
            account_id: account_id.clone(),
            meter: key.meter.clone(),
            tag: key.tag.clone(),
            dimension: key.dimension.clone(),
            quantity,
            unit,
            money: row.money(currency)?,
        })
    };
    rows.iter().map(row).collect()
}
