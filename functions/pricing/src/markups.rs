//! Markups: what a seller adds to what it pays itself, each from a day on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, MarkupId};
use tributary_domain::money::Currency;
use tributary_domain::pricing::markup::{Markup, MarkupRule, append_markup};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::number::{Percent, UnitPrice};
use tributary_domain::rights::Right;
use tributary_store::books::BookEdit;
use tributary_store::idempotency::Outcome;

use crate::shelf;
use crate::validity::{Span, spans};

/// A markup as its seller sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Markup))]
pub struct MarkupView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MarkupId))]
    pub id: MarkupId,
    /// Who adds it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The one direct sub-account that it is for; null for all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub account_id: Option<AccountId>,
    /// The one meter that it is for; null for those without a markup of their own.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>, required))]
    pub meter: Option<MeterKey>,
    /// What is added.
    #[serde(flatten)]
    pub rule: MarkupRuleView,
    /// The currency of a fixed one; null for a percentage.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// When it is in force.
    #[serde(flatten)]
    pub span: Span,
    /// Sellers below that have neither card nor markup use it too.
    pub inherit: bool,
    /// It may sell under cost.
    pub allow_loss: bool,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// Which key or member made it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub created_by: Option<String>,
}

/// What is added: one of the three.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MarkupRule))]
pub struct MarkupRuleView {
    /// A share of the cost.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Percent>, required))]
    pub percent: Option<Percent>,
    /// So much for each unit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>, required))]
    pub fixed: Option<UnitPrice>,
    /// Nothing from here on: the next rule decides.
    pub end: bool,
}

impl MarkupRuleView {
    /// The rule as it is shown.
    pub fn of(rule: MarkupRule) -> Self {
        let none = Self { percent: None, fixed: None, end: false };
        match rule {
            MarkupRule::Percent(percent) => Self { percent: Some(percent), ..none },
            MarkupRule::Fixed(fixed) => Self { fixed: Some(fixed), ..none },
            MarkupRule::End => Self { end: true, ..none },
        }
    }
}

impl MarkupView {
    fn of(markup: &Markup, seller: &AccountId, span: Span) -> Self {
        let Markup { id, account_id, meter, currency, rule, inherit, allow_loss, created_at, created_by, .. } = markup.clone();
        let rule = MarkupRuleView::of(rule);
        Self { id, seller_id: seller.clone(), account_id, meter, rule, currency, span, inherit, allow_loss, created_at, created_by }
    }
}

/// The request to add something to the cost from a day on.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateMarkup {
    /// Who adds it; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
    /// The one direct sub-account that it is for; all of them unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The one meter that it is for; all that have none of their own unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>))]
    pub meter: Option<MeterKey>,
    /// A share of the cost, -100 to 10000. One of `percent`, `fixed` and `end` is given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MarkupPercent>))]
    pub percent: Option<Percent>,
    /// So much for each unit, in the buyers' currency.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>))]
    pub fixed: Option<UnitPrice>,
    /// Nothing is added from here on: the next rule decides.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub end: bool,
    /// The currency of a fixed one: the buyers'.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// From when on; now unless said otherwise. The first markup of its kind may begin up to 35 days ago.
    pub effective_from: Option<Timestamp>,
    /// Whether sellers below that have neither card nor markup use it too; not unless said otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub inherit: bool,
    /// Whether it may sell for less than it costs; not unless said otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub allow_loss: bool,
}

/// The one rule of a request.
fn rule(request: &CreateMarkup) -> Result<MarkupRule, Problem> {
    match (request.percent, request.fixed, request.end) {
        (Some(percent), None, false) => Ok(MarkupRule::Percent(percent)),
        (None, Some(fixed), false) => Ok(MarkupRule::Fixed(fixed)),
        (None, None, true) => Ok(MarkupRule::End),
        _ => Err(Problem::field("", "names exactly one of percent, fixed and end")),
    }
}

/// The markup that a request asks for.
///
/// # Errors
/// `validation_failed`, `currency_mismatch`.
pub fn drafted(call: &Call, seller: &Account, buyer: Option<&Account>, request: CreateMarkup) -> Result<Markup, Problem> {
    let rule = rule(&request)?;
    let currency = match rule {
        MarkupRule::Fixed(_) => Some(shelf::currency(request.currency, seller, buyer)?),
        MarkupRule::Percent(_) | MarkupRule::End if request.currency.is_some() => {
            return Err(Problem::field("/currency", "only a fixed markup has a currency"));
        }
        MarkupRule::Percent(_) | MarkupRule::End => None,
    };
    let now = call.app.now();
    Ok(Markup {
        id: MarkupId::from_uuid(call.app.uuid()),
        account_id: request.account_id,
        meter: request.meter,
        currency,
        effective_from: request.effective_from.unwrap_or(now),
        rule,
        inherit: request.inherit,
        allow_loss: request.allow_loss,
        created_at: now,
        created_by: Some(call.caller()?.actor.to_string()),
    })
}

/// Adds something to the cost.
///
/// # Errors
/// `unknown_meter`, `price_backdated`, `not_a_buyer`, `currency_mismatch`, `limit_reached`, `parent_is_customer`,
/// `account_closed`, `validation_failed`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreateMarkup = call.body()?;
    let seller = shelf::seller(&call, request.seller_id.clone(), Right::PricingManage).await?;
    let buyer = shelf::buyer(&call, &seller, request.account_id.clone(), Right::PricingManage).await?;
    let markup = drafted(&call, &seller, buyer.as_ref(), request)?;
    if let Some(meter) = &markup.meter {
        shelf::known(&call.store().chain(&seller).await?, meter)?;
    }
    let kept = buyer.as_ref().unwrap_or(&seller);
    let made = shelf::edit(&call, &kept.id, None, scope.as_ref(), |book, account| {
        let markups = match &buyer {
            Some(_) => &mut book.terms_for(shelf::still_buys(account, &seller.id)?).markups,
            None => &mut book.markups,
        };
        append_markup(markups, markup.clone(), markup.created_at)?;
        let detail = json!({ "markup_id": markup.id, "seller_id": seller.id, "meter": markup.meter });
        Ok(BookEdit { answer: markup.clone(), kind: RecordKind::MarkupCreated, detail })
    })
    .await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let markup = made.into_inner();
    let view = MarkupView::of(&markup, &seller.id, Span::of(markup.effective_from, None, markup.created_at));
    let one = markup.account_id.as_ref().map(|account| format!("&account_id={account}")).unwrap_or_default();
    Ok(Reply::created(&view)?.location(&format!("/reseller/pricing/markups?seller_id={}{one}", seller.id)).replayed(replayed))
}

/// Lists a seller's markups: those for all of its direct sub-accounts, or for the one that is named.
///
/// # Errors
/// `not_a_buyer`, `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (seller, account) = (params.parsed::<AccountId>("seller_id")?, params.parsed::<AccountId>("account_id")?);
    let (meter, at) = (params.parsed::<MeterKey>("meter")?, params.time("at")?);
    let (limit, cursor) = (params.limit()?, params.text("cursor"));
    params.done()?;
    let start: Option<(Option<MeterKey>, Timestamp, MarkupId)> = call.cursor_scope()?.open(&call.app, cursor)?;
    let seller = shelf::account(&call, seller, Right::PricingRead).await?;
    let buyer = shelf::buyer(&call, &seller, account, Right::PricingRead).await?;
    let book = call.store().book(&buyer.as_ref().unwrap_or(&seller).id).await?;
    let markups = match &buyer {
        Some(_) => book.terms_of(&seller.id).map(|terms| terms.markups.as_slice()).unwrap_or_default(),
        None => &book.markups,
    };
    let spans = spans(markups, Markup::same_line, |markup| markup.effective_from, call.app.now());
    let rows = markups.iter().zip(spans);
    let rows = rows.filter(|(markup, span)| {
        meter.as_ref().is_none_or(|meter| markup.meter.as_ref() == Some(meter)) && at.is_none_or(|at| span.holds(at))
    });
    let position = |markup: &Markup| (markup.meter.clone(), markup.effective_from, markup.id.clone());
    let rows = rows.map(|(markup, span)| (position(markup), MarkupView::of(markup, &seller.id, span))).collect();
    Reply::ok(&shelf::page(&call, rows, limit, start)?)
}
