//! What a caller sees of the levels of a chain: those whose seller is its own account or stands below it. Of its own seller it
//! sees only the price that it pays, which is the cost of the level below; of anything further up nothing, not even an id.

use std::collections::BTreeSet;

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::id::AccountId;
use tributary_domain::money::Micros;
use tributary_domain::pricing::chain::Chain;
use tributary_domain::pricing::explain::{Line, explain_level};
use tributary_domain::pricing::number::{Percent, Picos, Quantity};
use tributary_domain::pricing::promotion::FundedBy;
use tributary_domain::pricing::rate::{AppliedPromotion, AppliedTier, RatedEvent, RatedLevel};
use tributary_domain::pricing::resolve::{RuleKind, RuleRef};

/// The accounts of a chain that a caller sees: from the using one up to the caller's own.
#[derive(Debug, Clone)]
pub struct Sight<'a> {
    chain: &'a Chain,
    seen: BTreeSet<&'a AccountId>,
}

impl<'a> Sight<'a> {
    /// What `home` sees of a chain; nothing if it does not stand in it.
    pub fn of(chain: &'a Chain, home: &AccountId) -> Self {
        let ids = || chain.accounts().iter().map(|account| &account.id);
        let upto = ids().position(|id| id == home).map_or(0, |at| at + 1);
        Self { chain, seen: ids().take(upto).collect() }
    }

    /// Whether an account is seen.
    pub fn sees(&self, account: &AccountId) -> bool {
        self.seen.contains(account)
    }

    /// Whose promotion it is, if that is seen.
    pub fn promotion_owner(&self, id: &tributary_domain::id::PromotionId) -> Option<&'a AccountId> {
        let gives = |account: &&'a tributary_domain::pricing::chain::ChainAccount| account.book.promotions.iter().any(|one| one.id == *id);
        self.chain.accounts().iter().find(gives).map(|account| &account.id).filter(|owner| self.sees(owner))
    }

    /// A rule as it may be seen: of one inherited from further up, only that it is.
    pub fn rule(&self, rule: &RuleRef) -> RuleView {
        let hidden = rule.from.as_ref().is_some_and(|from| !self.sees(from));
        RuleView { kind: rule.kind, id: rule.id.clone().filter(|_| !hidden), from: rule.from.clone().filter(|_| !hidden) }
    }

    /// Lines of an explanation without what is further up.
    pub fn lines(&self, lines: Vec<Line>, rule: &RuleRef, promotion: Option<&AppliedPromotion>) -> Vec<LineView> {
        let hides_rule = rule.from.as_ref().is_some_and(|from| !self.sees(from));
        let hides_promotion = promotion.is_some_and(|applied| self.promotion_owner(&applied.promotion).is_none());
        let shown = |Line { rule, detail, amount }: Line| {
            let detail = match rule.as_str() {
                "inherited_markup" if hides_rule => "a markup of a seller further up, which it lets be inherited".to_owned(),
                "promotion" if hides_promotion => "a promotion of a seller further up".to_owned(),
                _ => detail,
            };
            LineView { rule, detail, amount }
        };
        lines.into_iter().map(shown).collect()
    }

    /// The levels of a rated event that are seen, the using account's first.
    pub fn levels(&self, rated: &RatedEvent) -> Vec<LevelView> {
        rated.levels.iter().filter(|level| self.sees(&level.seller)).map(|level| self.level(rated, level)).collect()
    }

    fn level(&self, rated: &RatedEvent, level: &RatedLevel) -> LevelView {
        let margin = level.cost.and_then(|cost| level.price.minus(cost).ok());
        LevelView {
            payer_id: level.payer.clone(),
            seller_id: level.seller.clone(),
            rule: self.rule(&level.rule),
            position: level.position,
            base: level.base,
            tier: level.tier.as_ref().map(TierAppliedView::of),
            promotion: level.discount.as_ref().map(|applied| PromotionAppliedView {
                id: self.promotion_owner(&applied.promotion).map(|_| applied.promotion.to_string()),
                funded_by: applied.funded_by,
                amount: applied.amount,
            }),
            price: level.price,
            cost: level.cost,
            margin,
            amount: level.amount,
            explanation: self.lines(explain_level(self.chain, rated, level), &level.rule, level.discount.as_ref()),
        }
    }
}

/// The rule that set a price.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PriceRule))]
pub struct RuleView {
    /// Its kind.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RuleKind))]
    pub kind: RuleKind,
    /// The id of the card or markup; null for `cost`, and for what is inherited from further up than you see.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub id: Option<String>,
    /// Whose it is, if it is inherited from an account that you see.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub from: Option<AccountId>,
}

/// A tier that changed a price.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AppliedTier))]
pub struct TierAppliedView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub name: String,
    /// Percent off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Percent))]
    pub discount: Percent,
    /// What it took off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub amount: Picos,
    /// It is in force only because of last month's volume.
    pub grace: bool,
}

impl TierAppliedView {
    fn of(tier: &AppliedTier) -> Self {
        Self { name: tier.name.to_string(), discount: tier.discount, amount: tier.amount, grace: tier.grace }
    }
}

/// A promotion that changed a price.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AppliedPromotion))]
pub struct PromotionAppliedView {
    /// Its id; null if it is given from further up than you see.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PromotionId>, required))]
    pub id: Option<String>,
    /// Who bears it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::FundedBy))]
    pub funded_by: FundedBy,
    /// What it took off this level.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub amount: Picos,
}

/// One line of an explanation.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ExplanationLine))]
pub struct LineView {
    /// The kind of rule, or `tier`, `promotion`, `amount`, `margin`.
    pub rule: String,
    /// In words.
    pub detail: String,
    /// In money, exactly; null where the line has none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>, required))]
    pub amount: Option<Picos>,
}

/// What one level pays.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PricedLevel))]
pub struct LevelView {
    /// Who pays.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub payer_id: AccountId,
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The rule that sets the price.
    pub rule: RuleView,
    /// The payer's quantity of the meter in the period before this, its whole subtree's.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub position: Quantity,
    /// What the rule says, before tier and promotion.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub base: Picos,
    /// The volume tier; null without one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tier: Option<TierAppliedView>,
    /// The promotion; null without one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub promotion: Option<PromotionAppliedView>,
    /// What the level pays, exactly.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub price: Picos,
    /// What the seller pays itself for the same; null for the owner of the meter.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>, required))]
    pub cost: Option<Picos>,
    /// `price` less `cost`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>, required))]
    pub margin: Option<Picos>,
    /// What would move or accrue: how far the payer's month total, rounded to millionths, rises.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// How the price came about.
    pub explanation: Vec<LineView>,
}
