//! Which rules set an account's price, and why no others.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::{AccountId, PromotionId};
use tributary_domain::money::Currency;
use tributary_domain::pricing::error::PricingError;
use tributary_domain::pricing::explain::explain_resolved;
use tributary_domain::pricing::meter::{MeterKey, PromotionCode};
use tributary_domain::pricing::model::Model;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Picos, Quantity, UnitPrice};
use tributary_domain::pricing::promotion::PromotionRule;
use tributary_domain::pricing::rate::list_prices;
use tributary_domain::pricing::resolve::{PreparedChain, PreparedPromotion, ResolvedLevel, RuleKind, Step, Verdict, resolve};
use tributary_domain::rights::Right;
use tributary_domain::text::Name;

use crate::levels::{LineView, RuleView, Sight};
use crate::markups::MarkupRuleView;
use crate::shelf;
use crate::tiers::TierView;
#[cfg(feature = "openapi")]
use crate::views::PriceModel;

/// A rule that was looked at.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsideredRule))]
pub struct ConsideredView {
    /// Its kind.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RuleKind))]
    pub rule: RuleKind,
    /// Its id; null if there is none, or it is further up than you see.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub id: Option<String>,
    /// Whose it is or would be; null further up than you see.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub of: Option<AccountId>,
    /// What came of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RuleVerdict))]
    pub verdict: Verdict,
}

/// The rule of one level.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ResolvedLevel))]
pub struct ResolvedLevelView {
    /// Who pays.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub payer_id: AccountId,
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The rule.
    pub rule: RuleView,
    /// The price of a card; null for others.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<PriceModel>, required))]
    pub model: Option<Model>,
    /// What a markup adds; null for others.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub markup: Option<MarkupRuleView>,
    /// It may sell under cost.
    pub allow_loss: bool,
    /// The tiers that the seller gives the payer; null for a customer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tiers: Option<Vec<TierView>>,
    /// What one more unit would cost now, with tiers and without promotions.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub next_unit: Picos,
    /// Every rule that was looked at, in order; the one that applies is the last.
    pub considered: Vec<ConsideredView>,
    /// The same in words.
    pub explanation: Vec<LineView>,
}

/// A promotion that the account may have.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PromotionInForce))]
pub struct PromotionInForceView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PromotionId))]
    pub id: PromotionId,
    /// Who gives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// What is taken off: a share of the price.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Percent>, required))]
    pub percent: Option<Percent>,
    /// What is taken off: so much for each unit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>, required))]
    pub fixed: Option<UnitPrice>,
    /// The code that was redeemed for it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PromotionCode>, required))]
    pub code: Option<PromotionCode>,
    /// Until when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub ends_at: Timestamp,
}

/// The rules of one meter for one account.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ResolvedPrice))]
pub struct ResolvedView {
    /// The using account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Each sale that you see: those of your own account and of accounts below it, the using account's purchase first.
    pub levels: Vec<ResolvedLevelView>,
    /// What your own account pays its seller for one more unit now; null for the operator, and for a meter of its own or from
    /// below it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>, required))]
    pub you_pay: Option<Picos>,
    /// The promotions in force that the account may have and you see: those of your own account and of accounts below it. Of those
    /// that fit an event the one that takes most off counts.
    pub promotions: Vec<PromotionInForceView>,
}

/// Says which rules set an account's price.
///
/// # Errors
/// `unknown_meter`, `no_price`, `not_a_buyer` for the operator's own account, `validation_failed`, `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let meter = params.parsed::<MeterKey>("meter")?;
    let at = params.time("at")?.unwrap_or_else(|| call.app.now());
    params.done()?;
    let account = shelf::account(&call, id, Right::PricingRead).await?;
    let meter = meter.ok_or_else(|| Problem::field("/query/meter", "is required"))?;
    let (chain, home) = (call.store().chain(&account).await?, call.home()?);
    let sight = Sight::of(&chain, home);
    let levels = resolve(&chain, &meter, at)?;
    let prepared = chain.prepare(&meter, at)?;
    let states = shelf::states(&call, &chain).await?;
    let period = Month::of(at);
    let prices = list_prices(&prepared, &states, period, Quantity::ONE, false).map_err(PricingError::from)?;
    let you_pay = levels.iter().zip(&prices).find(|(level, _)| &level.payer == home).map(|(_, price)| *price);
    let seen = levels.into_iter().zip(&prices).filter(|(level, _)| sight.sees(&level.seller));
    let levels = seen.map(|(level, price)| shown(&sight, level, *price)).collect();
    let promotions = promotions(&sight, &prepared);
    Reply::ok(&ResolvedView { account_id: account.id, meter, at, currency: account.currency, levels, you_pay, promotions })
}

fn shown(sight: &Sight<'_>, level: ResolvedLevel, next_unit: Picos) -> ResolvedLevelView {
    let mut told = level.clone();
    told.considered.retain(|step| sight.sees(&step.of));
    let explanation = sight.lines(explain_resolved(&told), &level.rule, None);
    let considered = level.considered.into_iter().map(|Step { rule, of, id, verdict }| {
        let seen = sight.sees(&of);
        ConsideredView { rule, id: id.filter(|_| seen), of: Some(of).filter(|_| seen), verdict }
    });
    let tier =
        |tier: &tributary_domain::pricing::tier::Tier| TierView { name: tier.name.to_string(), from: tier.from, discount: tier.discount };
    ResolvedLevelView {
        rule: sight.rule(&level.rule),
        payer_id: level.payer,
        seller_id: level.seller,
        model: level.model,
        markup: level.markup.map(MarkupRuleView::of),
        allow_loss: level.allow_loss,
        tiers: level.tiers.map(|table| table.tiers.iter().map(tier).collect()),
        next_unit,
        considered: considered.collect(),
        explanation,
    }
}

fn promotions(sight: &Sight<'_>, prepared: &PreparedChain<'_>) -> Vec<PromotionInForceView> {
    let shown = |PreparedPromotion { promotion, .. }: &PreparedPromotion<'_>| {
        let owner = sight.promotion_owner(&promotion.id)?;
        let (percent, fixed) = match promotion.rule {
            PromotionRule::Percent(percent) => (Some(percent), None),
            PromotionRule::Fixed(fixed) => (None, Some(fixed)),
        };
        Some(PromotionInForceView {
            id: promotion.id.clone(),
            seller_id: owner.clone(),
            name: promotion.name.clone(),
            percent,
            fixed,
            code: promotion.code.clone(),
            ends_at: promotion.end(),
        })
    };
    prepared.promotions.iter().filter_map(shown).collect()
}
