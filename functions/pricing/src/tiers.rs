//! Volume tiers: what a seller takes off for its direct resellers, by what their subtrees use.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::money::{Currency, Overflow};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::error::PricingError;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Picos, Quantity};
use tributary_domain::pricing::state::UsageState;
use tributary_domain::pricing::tier::{NextTier, Tier, TierTable};
use tributary_domain::rights::Right;
use tributary_store::books::BookEdit;

use crate::shelf;

/// One tier.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Tier))]
pub struct TierView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub name: String,
    /// The month's volume from which on it is in force.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub from: Quantity,
    /// Percent off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Percent))]
    pub discount: Percent,
}

/// Where a table comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TierSource))]
pub enum Source {
    /// The seller set it.
    Own,
    /// The operator set none: the one that comes with the platform.
    Default,
    /// There is none, and so no discount.
    None,
}

/// A table of tiers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TierTable))]
pub struct TableView {
    /// Where it comes from.
    pub source: Source,
    /// The tiers, lowest first.
    pub tiers: Vec<TierView>,
}

/// What decides the tier in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TierDecision))]
pub enum DecidedBy {
    /// This month's volume.
    ThisMonth,
    /// Last month's volume: a tier is kept for a month.
    PreviousMonth,
    /// Neither month reached a tier.
    Neither,
}

/// Where an account stands in its seller's table.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TierStanding))]
pub struct StandingView {
    /// The seller's table.
    pub table: TableView,
    /// The month, in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// The subtree's volume in it so far.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub volume: Quantity,
    /// The subtree's volume in the month before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub previous_volume: Quantity,
    /// The tier in force; `none` below the first.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub tier: String,
    /// Percent off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Percent))]
    pub discount: Percent,
    /// Which month's volume gives it.
    pub decided_by: DecidedBy,
    /// What the account paid its seller in the month so far.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub spend: Picos,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The tier above; null at the top.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next: Option<NextTierView>,
}

/// The tier above the one in force.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NextTier))]
pub struct NextTierView {
    /// It.
    #[serde(flatten)]
    pub tier: TierView,
    /// What is missing this month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub missing: Quantity,
    /// What its discount would have saved on the month's spend so far.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub would_save: Picos,
}

/// The tiers that concern an account.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Tiers))]
pub struct TiersView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What it takes off for its direct resellers; null for a customer, which sells nothing.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub as_seller: Option<TableView>,
    /// Where it stands with its own seller; null for the operator and for customers.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub as_buyer: Option<StandingView>,
}

/// One tier to be set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutTier {
    /// Its name; not `none`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::NewTierName))]
    pub name: tributary_domain::pricing::meter::TierName,
    /// The month's volume from which on it is in force: above 0, and above the one before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PositiveQuantity))]
    pub from: Quantity,
    /// Percent off, 0 to 100, above the one before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Share))]
    pub discount: Percent,
}

/// The request to set tiers.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutTiers {
    /// Whose tiers; the caller's own account's unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The tiers, lowest first, at most 20; none for no discount. `null` takes the seller's own table away.
    #[serde(deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(required, max_items = 20))]
    pub tiers: Option<Vec<PutTier>>,
}

/// Takes a list or null, but not nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<PutTier>>, D::Error> {
    Option::deserialize(deserializer)
}

fn tier(tier: &Tier) -> TierView {
    TierView { name: tier.name.to_string(), from: tier.from, discount: tier.discount }
}

/// The table that an account gives its direct resellers.
fn table(book: &PricingBook, kind: Kind) -> TableView {
    let given = book.tiers_given(kind);
    let source = match (&book.tiers, given) {
        (Some(_), _) => Source::Own,
        (None, Some(_)) => Source::Default,
        (None, None) => Source::None,
    };
    TableView { source, tiers: given.into_iter().flat_map(|table| &table.tiers).map(tier).collect() }
}

fn standing(seller: (&PricingBook, Kind), account: &Account, state: &UsageState, now: Timestamp) -> Result<StandingView, Overflow> {
    let month = Month::of(now);
    let tiers = seller.0.tiers_given(seller.1).cloned().unwrap_or_default();
    let (volume, previous_volume) = (state.volume(month), state.volume(month.prev()));
    let in_force = tiers.tier_of(volume, previous_volume);
    let meters = state.months.get(&month).into_iter().flat_map(|month| month.meters.values());
    let spend = meters.map(|meter| meter.paid).try_fold(Picos::ZERO, Picos::plus)?;
    let next = tiers.next(volume, previous_volume, spend)?;
    Ok(StandingView {
        table: table(seller.0, seller.1),
        month,
        volume,
        previous_volume,
        tier: in_force.name().to_owned(),
        discount: in_force.discount(),
        decided_by: match (in_force.tier, in_force.grace) {
            (None, _) => DecidedBy::Neither,
            (Some(_), true) => DecidedBy::PreviousMonth,
            (Some(_), false) => DecidedBy::ThisMonth,
        },
        spend,
        currency: account.currency,
        next: next.map(|NextTier { name, from, discount, missing, would_save }| {
            let tier = TierView { name: name.to_string(), from, discount };
            NextTierView { tier, missing, would_save }
        }),
    })
}

async fn seen(call: &Call, account: &Account) -> Result<Reply, Problem> {
    let chain = call.store().chain(account).await?;
    let own = chain.account();
    let as_seller = (own.kind != Kind::Customer).then(|| table(&own.book, own.kind));
    let as_buyer = match (own.kind, chain.accounts().get(1)) {
        (Kind::Reseller, Some(seller)) => {
            let state = shelf::states(call, &chain).await?.remove(&account.id).unwrap_or_default();
            let standing = standing((&seller.book, seller.kind), account, &state, call.app.now());
            Some(standing.map_err(PricingError::from)?)
        }
        (Kind::Operator | Kind::Reseller | Kind::Customer, _) => None,
    };
    Ok(Reply::ok(&TiersView { account_id: account.id.clone(), as_seller, as_buyer })?.etag(own.book.version))
}

/// The tiers that an account gives, and where it stands with its own seller.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    params.done()?;
    let account = shelf::account(&call, id, Right::PricingRead).await?;
    seen(&call, &account).await
}

/// Sets the tiers that an account gives its direct resellers.
///
/// # Errors
/// `validation_failed`, `precondition_failed`, `parent_is_customer`, `account_closed`, `not_found`, `forbidden`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let request: PutTiers = call.body()?;
    let seller = shelf::seller(&call, request.account_id, Right::PricingManage).await?;
    let table = request.tiers.map(|tiers| {
        let tier = |PutTier { name, from, discount }: PutTier| Tier { name, from, discount };
        TierTable { tiers: tiers.into_iter().map(tier).collect() }
    });
    table.as_ref().map_or(Ok(()), TierTable::validate)?;
    let edited = shelf::edit(&call, &seller.id, call.if_match()?, None, |book, _| {
        book.tiers.clone_from(&table);
        Ok(BookEdit { answer: (), kind: RecordKind::TiersChanged, detail: json!({ "tiers": table }) })
    });
    edited.await?;
    seen(&call, &seller).await
}
