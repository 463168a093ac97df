//! `GET /reseller/insights/overview`: a dashboard's first view.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Funding, Kind, Status};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::month::Month;
use tributary_insights::figures::{Figures, Total, at_level, day_number, day_start, month_number, shown};
use tributary_insights::sums::Slots;
use tributary_insights::view::Row;
use tributary_store::aggregates::{Size, Slot};

use crate::scene::{Scene, head_of, in_month, sums_of, unless_known};
use crate::views::{AboutView, AmountView, BalanceView, CountedView};

/// How many accounts are named.
const TOP: usize = 5;
/// An account has little credit below this part of what it brought in in the last fourteen days.
const LOW_CREDIT_PART: i64 = 7;

/// A time.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsPeriod))]
pub struct PeriodView {
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub from: Timestamp,
    /// Until before when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub to: Timestamp,
}

/// How many accounts there are below.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAccountCounts))]
pub struct CountsView {
    /// Not closed.
    pub total: usize,
    /// Active, and nothing above them suspended.
    pub active: usize,
    /// Suspended, themselves or from above.
    pub suspended: usize,
    /// Made in the period.
    pub new: usize,
    /// Closed in the period.
    pub closed: usize,
}

/// A day, in UTC.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsDay))]
pub struct DayView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22"))]
    pub date: String,
    /// What your account was paid; absent for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit, required = false))]
    pub revenue: Option<String>,
    /// What it paid itself; absent for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit, required = false))]
    pub cost: Option<String>,
    /// What it kept; absent for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit, required = false))]
    pub margin: Option<String>,
    /// Of a customer: what it spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit, required = false))]
    pub spend: Option<String>,
}

/// A direct sub-account of those that bring in most.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsTopAccount))]
pub struct TopView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// What your account is paid for it and all below it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue: String,
    /// What is kept of that.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub margin: String,
}

/// What is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAttentionKind))]
pub enum AttentionKind {
    /// Suspended accounts that have credit.
    SuspendedWithCredit,
    /// Active prepaid accounts that have less credit than they bring in in two days, by the last fourteen.
    LowCredit,
    /// Accounts with invoices that are past due.
    PastDue,
    /// Accounts whose revenue fell by half or more.
    AtRisk,
    /// Accounts that cost more than they bring in this month.
    Loss,
}

/// How many accounts are worth a look, and why.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAttention))]
pub struct AttentionView {
    /// Why.
    pub kind: AttentionKind,
    /// How many; never none.
    pub count: usize,
}

/// How many accounts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsCount))]
pub struct CountView {
    /// How many.
    pub count: usize,
}

/// What only who has sub-accounts sees.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsReselling))]
pub struct ResellingView {
    /// How many accounts there are below.
    pub accounts: CountsView,
    /// Credit of the account and all below it.
    pub subtree_balance: BalanceView,
    /// What your account is paid.
    pub revenue: AmountView,
    /// What it pays itself, for its own usage too.
    pub cost: AmountView,
    /// What it keeps.
    pub margin: AmountView,
    /// The direct sub-accounts that bring in most in the period.
    pub top: Vec<TopView>,
    /// Invoices that your account sold and that are not paid, to accounts that were moved away too.
    pub open_invoices: CountedView,
    /// Those of them whose time to be paid is over.
    pub past_due: CountedView,
    /// Accounts whose revenue fell by half or more.
    pub at_risk: CountView,
    /// What is worth a look.
    pub attention: Vec<AttentionView>,
}

/// An overview.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsOverview))]
pub struct OverviewView {
    /// Whose, in which currency, as of when.
    #[serde(flatten)]
    pub about: AboutView,
    /// The month.
    pub period: PeriodView,
    /// The account's own credit.
    pub balance: BalanceView,
    /// Of an account that can have sub-accounts; absent of a customer.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub reselling: Option<ResellingView>,
    /// Of a customer: what it spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<AmountView>,
    /// The period and the month before it, day by day; days without usage are left out.
    pub usage_by_day: Vec<DayView>,
}

/// Everything at a glance. Two reads of the table, whatever the number of accounts; for another account than the caller's own, or another
/// month than the running one, one more. Answered 304 to who has its `ETag`.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (focus, period) = (params.parsed::<AccountId>("account_id")?, params.text("period"));
    params.done()?;
    let (home, now) = (call.home()?.clone(), call.app.now());
    let focus = focus.unwrap_or_else(|| home.clone());
    let month = match period.as_deref() {
        None | Some("month") => Month::of(now),
        Some(text) => text.parse().map_err(|_| Problem::field("/query/period", "must be `month` or a month such as 2026-11"))?,
    };
    if month > Month::of(now) {
        return Err(Problem::field("/query/period", "must not be a month to come"));
    }
    let head = head_of(&call, &focus).await?;
    if head.kind == Kind::Customer && focus == home {
        return own(&call, &head, month).await;
    }
    let scene = Scene::with(&call, home, focus, head).await?;
    let tag = scene.tag(&call, &month.to_string());
    if call.header("if-none-match") == Some(&tag) {
        return Ok(Reply::not_modified(&tag));
    }
    let kept = if month == scene.view().month() { None } else { Some(scene.roster.months(&call.app).await?) };
    let days = days(&call, &scene, month).await?;
    unless_known(&call, &tag, || Reply::ok(&overview(&scene, month, kept.as_deref(), days, now)))
}

fn period(month: Month) -> PeriodView {
    PeriodView { from: month.start(), to: month.end() }
}

/// What a customer sees: its credit and what it spent.
async fn own(call: &Call, head: &tributary_domain::ledger::Head, month: Month) -> Result<Reply, Problem> {
    let Some(id) = head.ledger.account() else { return Err(Problem::not_found()) };
    let by_day = by_day(call, vec![id.clone()], id, month).await?;
    let sum = |month: Month| {
        let within = |day: &&(i32, Total)| (month.start()..month.end()).contains(&day_start(day.0));
        by_day.iter().filter(within).map(|(_, total)| total.cost).sum::<i128>()
    };
    let view = OverviewView {
        about: AboutView { account_id: id.clone(), currency: head.currency, as_of: call.app.now() },
        period: period(month),
        balance: BalanceView { available: head.available.to_string(), held: head.held.to_string() },
        reselling: None,
        spend: Some(AmountView::of(sum(month), sum(month.prev()))),
        usage_by_day: by_day
            .iter()
            .map(|(day, total)| DayView { date: date(*day), revenue: None, cost: None, margin: None, spend: Some(shown(total.cost)) })
            .collect(),
    };
    Reply::ok(&view)
}

fn date(day: i32) -> String {
    day_start(day).strftime("%Y-%m-%d").to_string()
}

/// The days of a month and the one before it: of the caller's own account and the running month they stand beside the roster.
async fn days(call: &Call, scene: &Scene, month: Month) -> Result<Vec<(i32, Total)>, Problem> {
    if scene.focus == scene.home && month == Month::of(call.app.now()) {
        let total = |(day, revenue, cost): &(i32, i64, i64)| (*day, Total { revenue: (*revenue).into(), cost: (*cost).into() });
        let first = day_number(month.prev().start());
        return Ok(scene.roster.by_day.iter().filter(|(day, ..)| *day >= first).map(total).collect());
    }
    by_day(call, scene.ledgers()?, &scene.home, month).await
}

/// The days of a month and the one before it, of some accounts' sums at a level: a query each.
async fn by_day(call: &Call, accounts: Vec<AccountId>, level_of: &AccountId, month: Month) -> Result<Vec<(i32, Total)>, Problem> {
    let first = Slot::of(Size::Day, month.prev().start());
    let last = Slot::of(Size::Day, month.end().checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(month.end()));
    let mut days = std::collections::BTreeMap::<i32, Total>::new();
    for (_, slot, sums) in sums_of(call, accounts, first, last).await? {
        if let Some(figures) = at_level(&sums, level_of) {
            days.entry(day_number(slot.start())).or_default().add(figures);
        }
    }
    Ok(days.into_iter().collect())
}

fn overview(scene: &Scene, month: Month, kept: Option<&Slots>, days: Vec<(i32, Total)>, now: Timestamp) -> OverviewView {
    let number = month_number(month);
    let this = |row: &Row<'_>| kept.map_or_else(|| row.this(), |months| in_month(months, row, number));
    let last = |row: &Row<'_>| kept.map_or_else(|| row.last(), |months| in_month(months, row, number - 1));
    let below = scene.below();
    let (now_total, last_total) = (scene.figures(this), scene.figures(last));
    let reselling = ResellingView {
        accounts: counts(&below, month),
        subtree_balance: subtree_balance(scene, &below),
        revenue: AmountView::of(now_total.revenue, last_total.revenue),
        cost: AmountView::of(now_total.cost, last_total.cost),
        margin: AmountView::of(now_total.margin(), last_total.margin()),
        top: top(scene, &below, this),
        open_invoices: bills(scene, &below, None),
        past_due: bills(scene, &below, Some(now)),
        at_risk: CountView { count: below.iter().filter(|row| row.is_at_risk()).count() },
        attention: attention(scene, &below, now),
    };
    let day = |(day, total): (i32, Total)| DayView {
        date: date(day),
        revenue: Some(shown(total.revenue)),
        cost: Some(shown(total.cost)),
        margin: Some(shown(total.margin())),
        spend: None,
    };
    OverviewView {
        about: AboutView { account_id: scene.focus.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        period: period(month),
        balance: BalanceView { available: scene.head.available.to_string(), held: scene.head.held.to_string() },
        reselling: Some(reselling),
        spend: None,
        usage_by_day: days.into_iter().map(day).collect(),
    }
}

fn counts(below: &[Row<'_>], month: Month) -> CountsView {
    let within = |at: Option<Timestamp>| at.is_some_and(|at| (month.start()..month.end()).contains(&at));
    let count = |of: &dyn Fn(&Row<'_>) -> bool| below.iter().filter(|row| of(row)).count();
    CountsView {
        total: count(&|row| row.status() != Status::Closed),
        active: count(&|row| row.effective_status() == Status::Active),
        suspended: count(&|row| row.effective_status() == Status::Suspended),
        new: count(&|row| within(row.created())),
        closed: count(&|row| row.status() == Status::Closed && within(row.placed())),
    }
}

fn subtree_balance(scene: &Scene, below: &[Row<'_>]) -> BalanceView {
    let rows = || below.iter().filter(|row| scene.counts(row));
    let available = rows().map(|row| i128::from(row.available())).sum::<i128>() + i128::from(scene.head.available.get());
    let held = rows().map(|row| i128::from(row.held())).sum::<i128>() + i128::from(scene.head.held.get());
    BalanceView { available: shown(available), held: shown(held) }
}

fn top(scene: &Scene, below: &[Row<'_>], this: impl Fn(&Row<'_>) -> Figures) -> Vec<TopView> {
    let mut rows: Vec<(Figures, &Row<'_>)> = below
        .iter()
        .filter(|row| row.is_child_of(&scene.focus) && scene.counts(row))
        .map(|row| (this(row), row))
        .filter(|(figures, _)| figures.revenue > 0)
        .collect();
    rows.sort_by_key(|(figures, row)| (std::cmp::Reverse(figures.revenue), row.at));
    let shown = |(figures, row): (Figures, &Row<'_>)| TopView {
        account_id: row.id(),
        name: row.name().to_owned(),
        revenue: shown(figures.revenue.into()),
        margin: shown(figures.margin()),
    };
    rows.into_iter().take(TOP).map(shown).collect()
}

/// Open invoices to the focus and accounts below it; with a time, those that were to be paid before it. What an account that was moved away owes
/// it owes still: that is in the caller's own overview, as nobody else is shown it.
fn bills(scene: &Scene, below: &[Row<'_>], due_before: Option<Timestamp>) -> CountedView {
    let there: std::collections::HashSet<usize> = below.iter().map(|row| row.at).collect();
    let (mut count, mut amount) = (0, 0_i128);
    for (id, buyer, bill) in scene.view().bills() {
        let late = due_before.is_none_or(|before| bill.due_ms < before.as_millisecond());
        let counts = match buyer {
            Some(buyer) => (there.contains(&buyer.at) || buyer.is(&scene.focus)) && scene.counts(&buyer),
            None => scene.focus == scene.home && !scene.hidden.contains(&id),
        };
        if late && counts {
            count += 1;
            amount += i128::from(bill.due);
        }
    }
    CountedView { count, amount: shown(amount) }
}

fn attention(scene: &Scene, below: &[Row<'_>], now: Timestamp) -> Vec<AttentionView> {
    let late: std::collections::HashSet<usize> =
        scene.view().bills().filter(|(.., bill)| bill.due_ms < now.as_millisecond()).filter_map(|(_, buyer, _)| Some(buyer?.at)).collect();
    let low = |row: &Row<'_>| {
        let recent = row.decay().0;
        row.effective_status() == Status::Active
            && row.funding() == Funding::Prepaid
            && recent > 0
            && row.available() < recent / LOW_CREDIT_PART
    };
    let count =
        |kind: AttentionKind, of: &dyn Fn(&Row<'_>) -> bool| AttentionView { kind, count: below.iter().filter(|row| of(row)).count() };
    let all = [
        count(AttentionKind::SuspendedWithCredit, &|row| row.effective_status() == Status::Suspended && row.available() > 0),
        count(AttentionKind::LowCredit, &low),
        count(AttentionKind::PastDue, &|row| late.contains(&row.at)),
        count(AttentionKind::AtRisk, &|row| row.is_at_risk()),
        count(AttentionKind::Loss, &|row| row.this().margin() < 0),
    ];
    all.into_iter().filter(|one| one.count > 0).collect()
}
