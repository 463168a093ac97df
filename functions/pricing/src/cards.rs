//! Rate cards: a seller's prices of a meter, each from a day on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, RateCardId};
use tributary_domain::money::Currency;
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::card::{RateCard, append_card, withdraw_card};
use tributary_domain::pricing::guard::check_card;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::model::Model;
use tributary_domain::pricing::resolve::ResolveError;
use tributary_domain::rights::Right;
use tributary_store::books::BookEdit;
use tributary_store::idempotency::Outcome;

use crate::shelf;
use crate::validity::{Span, spans};
#[cfg(feature = "openapi")]
use crate::views::PriceModel;

/// A rate card as its seller sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RateCard))]
pub struct RateCardView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RateCardId))]
    pub id: RateCardId,
    /// Whose price it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The one direct sub-account that it is for; null for all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub account_id: Option<AccountId>,
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// When it is in force.
    #[serde(flatten)]
    pub span: Span,
    /// How a month's quantity is priced.
    #[cfg_attr(feature = "openapi", schema(value_type = PriceModel))]
    pub model: Model,
    /// It may sell under cost.
    pub allow_loss: bool,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// Which key or member made it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub created_by: Option<String>,
}

impl RateCardView {
    fn of(card: &RateCard, seller: &AccountId, span: Span) -> Self {
        let RateCard { id, meter, currency, account_id, model, allow_loss, created_at, created_by, .. } = card.clone();
        Self { id, seller_id: seller.clone(), account_id, meter, currency, span, model, allow_loss, created_at, created_by }
    }
}

/// The request to set a price from a day on.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRateCard {
    /// Whose price it is; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
    /// The one direct sub-account that it is for; all of them unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The meter: the seller's own or one from above it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// The buyers' currency; the operator, whose buyers may have several, has a card for each.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// From when on; now unless said otherwise. The first card of a meter may begin up to 35 days ago.
    pub effective_from: Option<Timestamp>,
    /// How a month's quantity is priced.
    #[cfg_attr(feature = "openapi", schema(value_type = PriceModel))]
    pub model: Model,
    /// Whether it may sell for less than it costs; not unless said otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub allow_loss: bool,
}

/// Sets a price.
///
/// # Errors
/// `unknown_meter`, `price_backdated`, `under_cost`, `not_a_buyer`, `currency_mismatch`, `limit_reached`, `parent_is_customer`,
/// `account_closed`, `validation_failed`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreateRateCard = call.body()?;
    let seller = shelf::seller(&call, request.seller_id.clone(), Right::PricingManage).await?;
    let buyer = shelf::buyer(&call, &seller, request.account_id.clone(), Right::PricingManage).await?;
    let card = drafted(&call, &seller, buyer.as_ref(), request)?;
    if let Some(scope) = &scope
        && let Some(first) = call.store().first_answer::<RateCard>(scope).await?
    {
        return created(&first, &seller.id, true);
    }
    refuse_under_cost(&call, &seller, &card).await?;
    let kept = buyer.as_ref().unwrap_or(&seller);
    let made = shelf::edit(&call, &kept.id, None, scope.as_ref(), |book, account| {
        let cards = match &buyer {
            Some(_) => &mut book.terms_for(shelf::still_buys(account, &seller.id)?).cards,
            None => &mut book.cards,
        };
        append_card(cards, card.clone(), card.created_at)?;
        let detail = json!({ "rate_card_id": card.id, "seller_id": seller.id, "meter": card.meter });
        Ok(BookEdit { answer: card.clone(), kind: RecordKind::RateCardCreated, detail })
    })
    .await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    created(&made.into_inner(), &seller.id, replayed)
}

fn created(card: &RateCard, seller: &AccountId, replayed: bool) -> Result<Reply, Problem> {
    let view = RateCardView::of(card, seller, Span::of(card.effective_from, None, card.created_at));
    let one = card.account_id.as_ref().map(|account| format!("&account_id={account}")).unwrap_or_default();
    let location = format!("/reseller/pricing/rate-cards?seller_id={seller}{one}&meter={}", card.meter);
    Ok(Reply::created(&view)?.location(&location).replayed(replayed))
}

/// The card that a request asks for, not looked at beyond its currency.
///
/// # Errors
/// `currency_mismatch`.
pub fn drafted(call: &Call, seller: &Account, buyer: Option<&Account>, request: CreateRateCard) -> Result<RateCard, Problem> {
    // One moment for all: a card that begins when it is made is not of the past a millisecond later.
    let now = call.app.now();
    Ok(RateCard {
        id: RateCardId::from_uuid(call.app.uuid()),
        meter: request.meter,
        currency: shelf::currency(request.currency, seller, buyer)?,
        account_id: request.account_id,
        effective_from: request.effective_from.unwrap_or(now),
        model: request.model,
        allow_loss: request.allow_loss,
        created_at: now,
        created_by: Some(call.caller()?.actor.to_string()),
    })
}

/// Refuses a card that would sell under what the seller pays itself. Without a price for the seller there is nothing to
/// compare with.
async fn refuse_under_cost(call: &Call, seller: &Account, card: &RateCard) -> Result<(), Problem> {
    card.model.validate().map_err(|error| error.under("/model"))?;
    let chain = call.store().chain(seller).await?;
    shelf::known(&chain, &card.meter)?;
    if card.allow_loss {
        return Ok(());
    }
    let now = call.app.now();
    let prepared = match chain.prepare(&card.meter, now) {
        Ok(prepared) => prepared,
        Err(ResolveError::NoPrice { .. } | ResolveError::OnOperator) => return Ok(()),
        Err(unknown @ ResolveError::UnknownMeter(_)) => return Err(unknown.into()),
    };
    let states = shelf::states(call, &chain).await?;
    Ok(check_card(&card.model, card.allow_loss, &prepared, &states, now)?)
}

/// The cards of `seller` in a book: its own, or those for the book's account.
fn cards<'a>(book: &'a PricingBook, seller: &AccountId, for_one: bool) -> &'a [RateCard] {
    match for_one {
        true => book.terms_of(seller).map(|terms| terms.cards.as_slice()).unwrap_or_default(),
        false => &book.cards,
    }
}

/// Lists a seller's cards: those for all of its direct sub-accounts, or for the one that is named.
///
/// # Errors
/// `not_a_buyer`, `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (seller, account) = (params.parsed::<AccountId>("seller_id")?, params.parsed::<AccountId>("account_id")?);
    let (meter, at) = (params.parsed::<MeterKey>("meter")?, params.time("at")?);
    let (limit, cursor) = (params.limit()?, params.text("cursor"));
    params.done()?;
    let start: Option<(String, String, Timestamp, RateCardId)> = call.cursor_scope()?.open(&call.app, cursor)?;
    let seller = shelf::account(&call, seller, Right::PricingRead).await?;
    let buyer = shelf::buyer(&call, &seller, account, Right::PricingRead).await?;
    let book = call.store().book(&buyer.as_ref().unwrap_or(&seller).id).await?;
    let cards = cards(&book, &seller.id, buyer.is_some());
    let spans = spans(cards, RateCard::same_line, |card| card.effective_from, call.app.now());
    let rows = cards.iter().zip(spans);
    let rows = rows.filter(|(card, span)| meter.as_ref().is_none_or(|meter| &card.meter == meter) && at.is_none_or(|at| span.holds(at)));
    let position = |card: &RateCard| (card.meter.to_string(), card.currency.to_string(), card.effective_from, card.id.clone());
    let rows = rows.map(|(card, span)| (position(card), RateCardView::of(card, &seller.id, span))).collect();
    Reply::ok(&shelf::page(&call, rows, limit, start)?)
}

/// Takes back a card that is not in force yet.
///
/// # Errors
/// `price_in_force`, `not_a_buyer`, `account_closed`, `not_found`, `forbidden`.
pub async fn withdraw(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let mut params = call.params()?;
    let (seller, account) = (params.parsed::<AccountId>("seller_id")?, params.parsed::<AccountId>("account_id")?);
    params.done()?;
    let seller = shelf::account(&call, seller, Right::PricingManage).await?;
    let buyer = shelf::buyer(&call, &seller, account, Right::PricingManage).await?;
    let id: RateCardId = call.id("id")?;
    let (kept, now) = (buyer.as_ref().unwrap_or(&seller), call.app.now());
    let withdrawn = shelf::edit(&call, &kept.id, None, None, |book, account| {
        let cards = match &buyer {
            Some(_) => &mut book.terms_for(shelf::still_buys(account, &seller.id)?).cards,
            None => &mut book.cards,
        };
        let card = withdraw_card(cards, &id, now)?;
        let detail = json!({ "rate_card_id": card.id, "seller_id": seller.id, "meter": card.meter });
        Ok(BookEdit { answer: card, kind: RecordKind::RateCardWithdrawn, detail })
    });
    let card = withdrawn.await?.into_inner();
    Reply::ok(&RateCardView::of(&card, &seller.id, Span::withdrawn(card.effective_from)))
}
