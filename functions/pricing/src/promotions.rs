//! Promotions: something off for a time, for the accounts below their owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, PromotionId};
use tributary_domain::money::{Amount, Currency, Micros};
use tributary_domain::pricing::chain::Chain;
use tributary_domain::pricing::error::{PricingError, Reason};
use tributary_domain::pricing::meter::{MeterKey, PromotionCode};
use tributary_domain::pricing::number::{Percent, UnitPrice};
use tributary_domain::pricing::promotion::{FundedBy, Promotion, PromotionRule, end_promotion};
use tributary_domain::rights::Right;
use tributary_domain::text::Name;
use tributary_store::books::BookEdit;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;

use crate::shelf;
use crate::validity::{Span, State};

/// A promotion as its owner sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Promotion))]
pub struct PromotionView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PromotionId))]
    pub id: PromotionId,
    /// Who gives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub starts_at: Timestamp,
    /// Until when, this moment left out.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub ends_at: Timestamp,
    /// When it was ended before its time; null if it was not.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
    /// Whether it is in force now.
    pub status: State,
    /// The meters it is for; none named is all.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::MeterKey>))]
    pub meters: Vec<MeterKey>,
    /// The account that it is for, with all below it; null for all below its owner.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub account_id: Option<AccountId>,
    /// What is taken off: a share of the price; null for a fixed one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Percent>, required))]
    pub percent: Option<Percent>,
    /// What is taken off: so much for each unit; null for a percentage.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>, required))]
    pub fixed: Option<UnitPrice>,
    /// The currency of `fixed` and `cap`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// The most that one using account gets from it, ever; null for no end.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub cap: Option<Micros>,
    /// Only accounts that redeemed this code, or stand below one that did; null for all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PromotionCode>, required))]
    pub code: Option<PromotionCode>,
    /// Who bears it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::FundedBy))]
    pub funded_by: FundedBy,
    /// Its funder may sell under cost with it.
    pub allow_loss: bool,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// Which key or member made it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub created_by: Option<String>,
}

fn split(rule: PromotionRule) -> (Option<Percent>, Option<UnitPrice>) {
    match rule {
        PromotionRule::Percent(percent) => (Some(percent), None),
        PromotionRule::Fixed(fixed) => (None, Some(fixed)),
    }
}

impl PromotionView {
    fn of(promotion: &Promotion, owner: &AccountId, now: Timestamp) -> Self {
        let (percent, fixed) = split(promotion.rule);
        let Promotion { id, name, starts_at, ends_at, ended_at, meters, account_id, currency, cap, code, .. } = promotion.clone();
        Self {
            id,
            seller_id: owner.clone(),
            name,
            starts_at,
            ends_at,
            ended_at,
            status: Span::of(starts_at, Some(promotion.end()), now).status,
            meters,
            account_id,
            percent,
            fixed,
            currency,
            cap,
            code,
            funded_by: promotion.funded_by,
            allow_loss: promotion.allow_loss,
            created_at: promotion.created_at,
            created_by: promotion.created_by.clone(),
        }
    }
}

/// The request to take something off for a time.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatePromotion {
    /// Who gives it; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// From when on; now unless said otherwise, and not before.
    pub starts_at: Option<Timestamp>,
    /// Until when, this moment left out; after `starts_at`.
    pub ends_at: Timestamp,
    /// The meters it is for, at most 50; all unless some are named.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::MeterKey>, max_items = 50, required = false))]
    pub meters: Vec<MeterKey>,
    /// Only this account, somewhere below the seller, and what is below it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// A share of the price, above 0, at most 100. One of `percent` and `fixed` is given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PositiveShare>))]
    pub percent: Option<Percent>,
    /// So much for each unit, above 0.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PositiveUnitPrice>))]
    pub fixed: Option<UnitPrice>,
    /// The currency of `fixed` and `cap`: the buyers'.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// The most that one using account gets from it, ever.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub cap: Option<Amount>,
    /// Only accounts that redeem this code, or stand below one that did.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PromotionCode>))]
    pub code: Option<PromotionCode>,
    /// Who bears it: `owner`, who gives it, unless said otherwise; or `seller`, the direct seller of the using account.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::FundedBy>))]
    pub funded_by: Option<FundedBy>,
    /// Whether its funder may sell under cost with it; not unless said otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub allow_loss: bool,
}

/// The request to end a promotion.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndPromotion {
    /// Whose promotion it is; the caller's own account's unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
}

/// The request to redeem a code.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedeemCode {
    /// Who redeems it, for itself and all below it; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The code.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PromotionCode))]
    pub code: PromotionCode,
}

/// What a redeemed code brings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Redemption))]
pub struct RedemptionView {
    /// Who redeemed it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// The code.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PromotionCode))]
    pub code: PromotionCode,
    /// The promotion's name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub starts_at: Timestamp,
    /// Until when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub ends_at: Timestamp,
    /// The meters it is for; none named is all.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::MeterKey>))]
    pub meters: Vec<MeterKey>,
    /// What is taken off: a share of the price; null for a fixed one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Percent>, required))]
    pub percent: Option<Percent>,
    /// What is taken off: so much for each unit; null for a percentage.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>, required))]
    pub fixed: Option<UnitPrice>,
    /// The currency of `fixed` and `cap`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// The most that one using account gets from it, ever; null for no end.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub cap: Option<Micros>,
}

fn drafted(call: &Call, owner: &Account, request: CreatePromotion) -> Result<Promotion, Problem> {
    let rule = match (request.percent, request.fixed) {
        (Some(percent), None) => PromotionRule::Percent(percent),
        (None, Some(fixed)) => PromotionRule::Fixed(fixed),
        (Some(_), Some(_)) | (None, None) => return Err(Problem::field("", "names exactly one of percent and fixed")),
    };
    let needs = request.cap.is_some() || matches!(rule, PromotionRule::Fixed(_)) || request.currency.is_some();
    let currency = if needs { Some(shelf::currency(request.currency, owner, None)?) } else { None };
    let now = call.app.now();
    Ok(Promotion {
        id: PromotionId::from_uuid(call.app.uuid()),
        name: request.name,
        starts_at: request.starts_at.unwrap_or(now),
        ends_at: request.ends_at,
        ended_at: None,
        meters: request.meters,
        account_id: request.account_id,
        rule,
        currency,
        cap: request.cap.map(Amount::micros),
        code: request.code,
        funded_by: request.funded_by.unwrap_or(FundedBy::Owner),
        allow_loss: request.allow_loss,
        created_at: now,
        created_by: Some(call.caller()?.actor.to_string()),
    })
}

/// Takes something off for a time.
///
/// # Errors
/// `unknown_meter`, `price_backdated`, `already_exists` for a code in use, `not_a_buyer`, `currency_mismatch`,
/// `limit_reached`, `parent_is_customer`, `account_closed`, `validation_failed`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreatePromotion = call.body()?;
    let owner = shelf::seller(&call, request.seller_id.clone(), Right::PricingManage).await?;
    if let Some(id) = &request.account_id {
        let account = shelf::account(&call, Some(id.clone()), Right::PricingManage).await?;
        if !account.lineage.has(&owner.id) {
            return Err(shelf::not_a_buyer("/account_id", "must be below the seller"));
        }
    }
    let promotion = drafted(&call, &owner, request)?;
    let chain = call.store().chain(&owner).await?;
    promotion.meters.iter().try_for_each(|meter| shelf::known(&chain, meter))?;
    let made = shelf::edit(&call, &owner.id, None, scope.as_ref(), |book, _| {
        book.append_promotion(promotion.clone(), promotion.created_at)?;
        let detail = json!({ "promotion_id": promotion.id, "name": promotion.name });
        Ok(BookEdit { answer: promotion.clone(), kind: RecordKind::PromotionCreated, detail })
    })
    .await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let promotion = made.into_inner();
    let view = PromotionView::of(&promotion, &owner.id, promotion.created_at);
    Ok(Reply::created(&view)?.location(&format!("/reseller/pricing/promotions?seller_id={}", owner.id)).replayed(replayed))
}

/// Lists the promotions that an account gives, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let owner = params.parsed::<AccountId>("seller_id")?;
    let status = params.word::<Wanted>("status")?;
    let (limit, cursor) = (params.limit()?, params.text("cursor"));
    params.done()?;
    let start: Option<std::cmp::Reverse<(Timestamp, PromotionId)>> = call.cursor_scope()?.open(&call.app, cursor)?;
    let owner = shelf::account(&call, owner, Right::PricingRead).await?;
    let (book, now) = (call.store().book(&owner.id).await?, call.app.now());
    let rows = book.promotions.iter().map(|promotion| {
        let position = std::cmp::Reverse((promotion.starts_at, promotion.id.clone()));
        (position, PromotionView::of(promotion, &owner.id, now))
    });
    let rows = rows.filter(|(_, view)| status.is_none_or(|wanted| wanted.state() == view.status)).collect();
    Reply::ok(&shelf::page(&call, rows, limit, start)?)
}

/// Which promotions a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PromotionStatus))]
pub enum Wanted {
    /// Those that begin later.
    Scheduled,
    /// Those in force.
    InForce,
    /// Those whose time is over.
    Past,
}

impl Wanted {
    fn state(self) -> State {
        match self {
            Wanted::Scheduled => State::Scheduled,
            Wanted::InForce => State::InForce,
            Wanted::Past => State::Past,
        }
    }
}

/// Ends a promotion now, before its time.
///
/// # Errors
/// `conflict` if it is over already, `account_closed`, `not_found`, `forbidden`.
pub async fn end(call: Call) -> Result<Reply, Problem> {
    let request: EndPromotion = call.body_or_default()?;
    let owner = shelf::account(&call, request.seller_id, Right::PricingManage).await?;
    let id: PromotionId = call.id("id")?;
    let now = call.app.now();
    let ended = shelf::edit(&call, &owner.id, None, None, |book, _| {
        let over = |promotion: &&Promotion| promotion.id == id && promotion.end() <= now;
        if book.promotions.iter().any(|promotion| over(&promotion)) {
            return Err(StoreError::Conflict("the promotion is over already"));
        }
        let promotion = end_promotion(&mut book.promotions, &id, now)?.clone();
        Ok(BookEdit { answer: promotion, kind: RecordKind::PromotionEnded, detail: json!({ "promotion_id": id }) })
    });
    let promotion = ended.await?.into_inner();
    Reply::ok(&PromotionView::of(&promotion, &owner.id, now))
}

/// The promotion of an account above that a code belongs to, if `account` may have it.
fn of_code<'a>(chain: &'a Chain, code: &PromotionCode, now: Timestamp) -> Option<(&'a AccountId, &'a Promotion)> {
    let within = |id: &AccountId| chain.accounts().iter().any(|account| &account.id == id);
    let fits = |promotion: &&Promotion| {
        promotion.code.as_ref() == Some(code) && promotion.end() > now && promotion.account_id.as_ref().is_none_or(within)
    };
    chain.accounts().iter().skip(1).find_map(|owner| Some((&owner.id, owner.book.promotions.iter().find(fits)?)))
}

/// Redeems the code of a promotion from above, for the account and all below it.
///
/// # Errors
/// `not_found` for a code of nothing, or of a promotion that is over or for others; `already_exists` if it was redeemed
/// before; `limit_reached`, `account_closed`, `forbidden`.
pub async fn redeem(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: RedeemCode = call.body()?;
    let account = shelf::account(&call, request.account_id, Right::PricingManage).await?;
    let (chain, now) = (call.store().chain(&account).await?, call.app.now());
    let code = request.code;
    let redeemed = shelf::edit(&call, &account.id, None, scope.as_ref(), |book, _| {
        let (owner, promotion) = of_code(&chain, &code, now).ok_or_else(|| PricingError::at("/code", Reason::NotFound))?;
        book.redeem(code.clone(), owner, promotion, now)?;
        let detail = json!({ "promotion_id": promotion.id, "code": code });
        Ok(BookEdit { answer: redemption(&account.id, &code, promotion), kind: RecordKind::PromotionRedeemed, detail })
    })
    .await?;
    let replayed = matches!(redeemed, Outcome::Replayed(_));
    Ok(Reply::ok(&redeemed.into_inner())?.replayed(replayed))
}

fn redemption(account: &AccountId, code: &PromotionCode, promotion: &Promotion) -> RedemptionView {
    let (percent, fixed) = split(promotion.rule);
    RedemptionView {
        account_id: account.clone(),
        code: code.clone(),
        name: promotion.name.clone(),
        starts_at: promotion.starts_at,
        ends_at: promotion.end(),
        meters: promotion.meters.clone(),
        percent,
        fixed,
        currency: promotion.currency,
        cap: promotion.cap,
    }
}
