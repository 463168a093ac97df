//! `/reseller/credits/auto-topup`: how an account tops itself up, and its runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::id::{AccountId, PackageId, TransferId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Allowance, Amount, Currency, Micros};
use tributary_domain::pricing::package::MAX_QUANTITY;
use tributary_domain::rights::Right;
use tributary_domain::topup::{Outcome, Reason, Refill, Run, Setting, Source};
use tributary_store::accounts::Authority;
use tributary_store::error::{Denied, StoreError};
use tributary_store::table::Position;
use tributary_store::topups::Topup;

/// The parent's credit as the source.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TopupFromParent))]
pub enum FromParent {
    /// The parent's credit.
    Parent,
}

/// The parent's credit as the source, bought with the account's default card.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TopupByCard))]
pub enum ByCard {
    /// The account's default card.
    Card,
}

/// A package of the parent's as the source.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TopupFromPackage))]
pub struct FromPackage {
    /// The package.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PackageId))]
    pub package: PackageId,
    /// How many of it, each time: 1 to 100; one unless said otherwise.
    #[serde(default = "one")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100, default = 1))]
    pub quantity: u32,
}

fn one() -> u32 {
    1
}

/// Where the credit comes from: `"parent"`, `"card"`, or a package of the parent's.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "must be \"parent\", \"card\", or an object such as {\"package\": \"pkg_…\", \"quantity\": 1}")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TopupSource))]
pub enum SourceView {
    /// The parent's credit.
    Parent(FromParent),
    /// The parent's credit, bought with the account's default card.
    Card(ByCard),
    /// A package.
    Package(FromPackage),
}

/// The request to let an account top itself up. From the parent or by card, either `amount` or `target` is given; of a package neither.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutAutoTopup {
    /// Which account; your own unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Credit is drawn when less than this is available.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Allowance))]
    pub threshold: Allowance,
    /// How much is drawn: this, as often at once as it takes to reach the threshold.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub amount: Option<Amount>,
    /// How much is drawn: what is missing to this balance, which is at least the threshold.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub target: Option<Amount>,
    /// Where it comes from.
    pub source: SourceView,
    /// The most in one day in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub daily_cap: Option<Amount>,
    /// The most in one calendar month in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub monthly_cap: Option<Amount>,
    /// In force.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is not in force.
    Off,
    /// Credit is drawn when there is too little.
    Ready,
    /// A cap left too little; it goes on with the next day or month.
    Capped,
    /// It failed, and is tried again.
    Waiting,
    /// It is tried no more.
    Stopped,
}

/// How an account tops itself up.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AutoTopup))]
pub struct TopupView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Credit is drawn when less than this is available.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub threshold: Micros,
    /// This much is drawn, as often at once as it takes.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub amount: Option<Amount>,
    /// What is missing to this is drawn.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub target: Option<Amount>,
    /// Where it comes from.
    pub source: SourceView,
    /// The most in one day in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub daily_cap: Option<Amount>,
    /// The most in one calendar month in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub monthly_cap: Option<Amount>,
    /// In force.
    pub enabled: bool,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TopupStatus))]
    pub status: Status,
    /// Drawn today.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub drawn_today: Micros,
    /// Drawn this month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub drawn_this_month: Micros,
    /// Failures in a row; the fifth stops it.
    pub failures: u32,
    /// Why the newest run drew nothing; null after one that did.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TopupReason>, required))]
    pub reason: Option<Reason>,
    /// When it is tried again.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub again_at: Option<Timestamp>,
    /// Since when it is tried no more. Setting it anew, or an enough balance, begins again.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub stopped_at: Option<Timestamp>,
    /// When it was set first.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was set last.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub updated_at: Timestamp,
}

/// One run: credit was drawn, or could not be.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AutoTopupRun))]
pub struct RunView {
    /// Its number, from 1.
    pub run: u64,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// What it came to.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TopupOutcome))]
    pub outcome: Outcome,
    /// How much was drawn, or would have been if that was known.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub amount: Option<Micros>,
    /// The available credit that it was decided on.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub available: Micros,
    /// The movement of credit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
    /// Why nothing was drawn.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TopupReason>, required))]
    pub reason: Option<Reason>,
    /// When it is tried again.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub again_at: Option<Timestamp>,
}

impl TopupView {
    fn of(topup: &Topup, currency: Currency, now: Timestamp) -> Self {
        let Topup { account_id, setting, state, created_at, updated_at, .. } = topup.clone();
        let (source, amount, target) = match setting.source {
            Source::Parent { refill: Refill::Amount(amount), .. } => (SourceView::Parent(FromParent::Parent), Some(amount), None),
            Source::Parent { refill: Refill::Target(target), .. } => (SourceView::Parent(FromParent::Parent), None, Some(target)),
            Source::Card { refill: Refill::Amount(amount), .. } => (SourceView::Card(ByCard::Card), Some(amount), None),
            Source::Card { refill: Refill::Target(target), .. } => (SourceView::Card(ByCard::Card), None, Some(target)),
            Source::Package { package_id, quantity } => (SourceView::Package(FromPackage { package: package_id, quantity }), None, None),
        };
        let status = match (setting.enabled, state.stopped_at, state.again_at, state.reason) {
            (false, ..) => Status::Off,
            (true, Some(_), ..) => Status::Stopped,
            (true, None, Some(_), Some(reason)) if reason.is_cap() => Status::Capped,
            (true, None, Some(_), _) => Status::Waiting,
            (true, None, None, _) => Status::Ready,
        };
        let (drawn_today, drawn_this_month) = state.drawn(now);
        Self {
            account_id,
            currency,
            threshold: setting.threshold,
            amount,
            target,
            source,
            daily_cap: setting.daily_cap,
            monthly_cap: setting.monthly_cap,
            enabled: setting.enabled,
            status,
            drawn_today,
            drawn_this_month,
            failures: state.failures,
            reason: state.reason,
            again_at: state.again_at,
            stopped_at: state.stopped_at,
            created_at,
            updated_at,
        }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let Run { number, at, outcome, amount, available, transfer_id, reason, again_at } = run;
        Self { run: number, at, outcome, amount, available, transfer_id, reason, again_at }
    }
}

/// How much is drawn, of the parent's credit.
fn refill(body: &PutAutoTopup) -> Result<Refill, Problem> {
    match (body.amount, body.target) {
        (Some(amount), None) => Ok(Refill::Amount(amount)),
        (None, Some(target)) if target.micros() < body.threshold.micros() => {
            Err(Problem::field("/target", "must be at least the threshold"))
        }
        (None, Some(target)) => Ok(Refill::Target(target)),
        (None, None) => Err(Problem::field("/amount", "is required, or target")),
        (Some(_), Some(_)) => Err(Problem::field("/target", "cannot be given with amount")),
    }
}

/// A card is charged in whole coins.
fn by_card(payer: AccountId, refill: Refill, currency: Option<Currency>) -> Result<Source, Problem> {
    let coin = currency.map_or(Micros::new(1), Currency::minor);
    let odd = |what: Amount| what.micros().get() % coin.get() != 0;
    let coin = Amount::new(coin).map_err(|error| Problem::field("/source", error.to_string()))?;
    match refill {
        Refill::Amount(amount) if odd(amount) => {
            Err(Problem::field("/amount", "must be in whole coins of the account's currency: a card is charged"))
        }
        Refill::Amount(_) | Refill::Target(_) => Ok(Source::Card { payer, refill, coin }),
    }
}

/// What is asked for, but for who pays it, and in which currency until that is known.
fn setting(body: &PutAutoTopup, payer: &AccountId, currency: Option<Currency>) -> Result<Setting, Problem> {
    let source = match (&body.source, body.amount, body.target) {
        (SourceView::Parent(_), ..) => Source::Parent { payer: payer.clone(), refill: refill(body)? },
        (SourceView::Card(_), ..) => by_card(payer.clone(), refill(body)?, currency)?,
        (SourceView::Package(_), Some(_), _) => {
            return Err(Problem::field("/amount", "is of the parent's credit; of a package, its quantity is given"));
        }
        (SourceView::Package(_), None, Some(_)) => {
            return Err(Problem::field("/target", "is of the parent's credit; of a package, its quantity is given"));
        }
        (SourceView::Package(FromPackage { package, quantity }), None, None) => match *quantity {
            quantity @ 1..=MAX_QUANTITY => Source::Package { package_id: package.clone(), quantity },
            _ => return Err(Problem::field("/source/quantity", format!("must be from 1 to {MAX_QUANTITY}"))),
        },
    };
    let threshold = body.threshold.micros();
    Ok(Setting { threshold, source, daily_cap: body.daily_cap, monthly_cap: body.monthly_cap, enabled: body.enabled })
}

/// Lets an account top itself up. Whoever opens the parent's credit must hold the right over the parent; what is bought, the
/// account's own right to buy suffices for.
///
/// # Errors
/// `validation_failed`, `precondition_failed`, `currency_mismatch`, `conflict` for the operator's account, `account_closed`,
/// `not_found` (also for a package that the parent does not have), `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let (caller, home, expected) = (call.caller()?, call.home()?, call.if_match()?);
    let body: PutAutoTopup = call.body()?;
    setting(&body, home, None)?;
    let id = body.account_id.clone().unwrap_or_else(|| home.clone());
    let (above, buys) = (caller.from_above(Right::CreditsAllocate), caller.over(Right::CreditsPurchase));
    let may = |target: &AccountId, lineage: &Lineage| match body.source {
        SourceView::Parent(_) => above(target, lineage),
        SourceView::Card(_) | SourceView::Package(_) => buys(target, lineage),
    };
    let authority = Authority { home, may: &may };
    let account = call.store().account_for(&id, authority).await?;
    let Some(parent) = account.lineage.parent() else { return Err(NO_PARENT.into()) };
    setting(&body, parent, Some(account.currency))?;
    check_source(&call, &body, &account, parent).await?;
    let wanted = |owner: &Account| {
        let payer = owner.lineage.parent().ok_or(NO_PARENT)?;
        // What is wrong with it was answered before.
        setting(&body, payer, Some(owner.currency)).map_err(|_| StoreError::Conflict("the setting is none"))
    };
    let topup = call.store().set_topup(&id, expected, authority, &call.act()?, wanted).await?;
    Ok(Reply::ok(&TopupView::of(&topup, account.currency, call.app.now()))?.etag(topup.version))
}

const NO_PARENT: StoreError = StoreError::Conflict("the operator's account has no parent to draw on");

/// Refuses a source that could never bring anything.
async fn check_source(call: &Call, body: &PutAutoTopup, account: &Account, parent: &AccountId) -> Result<(), Problem> {
    let parent = call.store().account(parent).await?;
    if parent.currency != account.currency {
        return Err(StoreError::ParentCurrency { parent: parent.currency, account: account.currency }.into());
    }
    if let SourceView::Package(FromPackage { package, .. }) = &body.source {
        let book = call.store().book(&parent.id).await?;
        book.packages.iter().find(|known| known.id == *package).ok_or(StoreError::Denied(Denied::Absent))?;
    }
    Ok(())
}

/// The account that a request names, if the caller has the right there.
async fn named(call: &Call, id: Option<AccountId>, right: Right) -> Result<Account, Problem> {
    let home = call.home()?;
    let may = call.caller()?.over(right);
    Ok(call.store().account_for(&id.unwrap_or_else(|| home.clone()), Authority { home, may: &may }).await?)
}

/// How an account tops itself up.
///
/// # Errors
/// `not_found` (also if it does not), `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = named(&call, id, Right::CreditsRead).await?;
    let topup = call.store().topup(&account.id).await?.ok_or_else(Problem::not_found)?;
    Ok(Reply::ok(&TopupView::of(&topup, account.currency, call.app.now()))?.etag(topup.version))
}

/// Removes how an account tops itself up. What was drawn still counts to the caps if it is set again.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    call.no_body()?;
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = named(&call, id, Right::CreditsAllocate).await?;
    let may = call.caller()?.over(Right::CreditsAllocate);
    let authority = Authority { home: call.home()?, may: &may };
    let topup = call.store().remove_topup(&account.id, expected, authority, &call.act()?).await?;
    Ok(Reply::ok(&TopupView::of(&topup, account.currency, call.app.now()))?.etag(topup.version))
}

/// The runs of an account, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn runs(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = named(&call, id, Right::CreditsRead).await?;
    let (runs, next) = call.store().topup_runs(&account.id, limit, start).await?;
    let data = runs.into_iter().map(RunView::from).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}
