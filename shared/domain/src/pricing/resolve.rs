//! Which rule prices a meter at each level of a chain, at one moment, and why not the others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::id::AccountId;
use crate::pricing::card::RateCard;
use crate::pricing::chain::Chain;
use crate::pricing::markup::{Markup, MarkupRule};
use crate::pricing::meter::{Meter, MeterKey};
use crate::pricing::model::Model;
use crate::pricing::promotion::Promotion;
use crate::pricing::tier::TierTable;

/// The kinds of rules, in the order of their precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// A card of the seller for this very account.
    AccountCard,
    /// The seller's markup for this very account and the meter.
    AccountMeterMarkup,
    /// The seller's markup for this very account.
    AccountMarkup,
    /// The seller's card of the meter.
    Card,
    /// The seller's markup for the meter.
    MeterMarkup,
    /// The seller's default markup.
    Markup,
    /// The markup of the nearest seller further up that lets it be inherited.
    InheritedMarkup,
    /// What the seller pays itself.
    Cost,
}

impl RuleKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            RuleKind::AccountCard => "account_card",
            RuleKind::AccountMeterMarkup => "account_meter_markup",
            RuleKind::AccountMarkup => "account_markup",
            RuleKind::Card => "card",
            RuleKind::MeterMarkup => "meter_markup",
            RuleKind::Markup => "markup",
            RuleKind::InheritedMarkup => "inherited_markup",
            RuleKind::Cost => "cost",
        }
    }
}

/// The rule that set a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// Its kind.
    pub kind: RuleKind,
    /// The id of the card or markup; none for `cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whose it is, if it is inherited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AccountId>,
}

/// What came of looking at a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It sets the price.
    Applies,
    /// There is none.
    Absent,
    /// There is one, but it begins later.
    NotYetInForce,
    /// There was one, and it was ended.
    Ended,
    /// There is one in another currency.
    OtherCurrency,
    /// There is one that is not to be inherited.
    NotInherited,
    /// There is one of a seller that the account had before it was moved.
    FormerSeller,
    /// The owner of the meter has no cost to add to.
    NothingToAddTo,
}

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its kind.
    pub rule: RuleKind,
    /// Whose it is or would be.
    pub of: AccountId,
    /// Its id, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
}

/// The rule of one level, with everything that was looked at before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedLevel {
    /// Who pays.
    pub payer: AccountId,
    /// Whom.
    pub seller: AccountId,
    /// The rule.
    pub rule: RuleRef,
    /// The price of a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// What a markup adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<MarkupRule>,
    /// It may sell under cost.
    pub allow_loss: bool,
    /// The tiers that the seller gives the payer; none to a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<TierTable>,
    /// Every rule that was looked at, in order, this one last.
    pub considered: Vec<Step>,
}

/// There is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Neither the account nor an account above it has the meter.
    #[error("there is no meter {0} here")]
    UnknownMeter(MeterKey),
    /// The operator uses nothing.
    #[error("usage is never on the operator's account")]
    OnOperator,
    /// The owner of the meter has no card for it.
    #[error("there is no price: account {seller} has no card of meter {meter} in {currency} in force for {payer}")]
    NoPrice {
        /// The meter.
        meter: MeterKey,
        /// Who would pay.
        payer: AccountId,
        /// The owner of the meter.
        seller: AccountId,
        /// In which currency.
        currency: crate::money::Currency,
    },
}

/// What a rule prices with.
#[derive(Debug, Clone, Copy)]
pub enum Price<'a> {
    /// A card.
    Card(&'a RateCard),
    /// A markup on the cost.
    Markup(&'a Markup),
    /// The cost.
    Cost,
}

/// One level, its rule found.
#[derive(Debug, Clone)]
pub struct PreparedLevel<'a> {
    /// Who pays.
    pub payer: &'a AccountId,
    /// What the payer is.
    pub payer_kind: Kind,
    /// Whom.
    pub seller: &'a AccountId,
    /// The rule's name.
    pub rule: RuleRef,
    /// The rule.
    pub price: Price<'a>,
    /// The tiers that the seller gives the payer.
    pub tiers: Option<&'a TierTable>,
}

/// A promotion that the using account may have.
#[derive(Debug, Clone, Copy)]
pub struct PreparedPromotion<'a> {
    /// The promotion.
    pub promotion: &'a Promotion,
    /// The level whose seller is its owner.
    pub level: usize,
}

/// The rules of one chain and meter for a stretch of time in which they stay the same: made once, used for many events.
#[derive(Debug, Clone)]
pub struct PreparedChain<'a> {
    /// The accounts.
    pub chain: &'a Chain,
    /// The meter.
    pub meter: &'a Meter,
    /// Where in the chain the meter's owner stands: also the number of levels.
    pub owner: usize,
    /// The levels: that of the using account first. Empty if the using account owns the meter.
    pub levels: Vec<PreparedLevel<'a>>,
    /// The promotions in force, oldest first.
    pub promotions: Vec<PreparedPromotion<'a>>,
    /// From when on these are the rules.
    pub from: Timestamp,
    /// Until when, this moment left out.
    pub until: Timestamp,
}

impl Chain {
    /// Finds the rules of `meter` at `at`, without a trace.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn prepare(&self, meter: &MeterKey, at: Timestamp) -> Result<PreparedChain<'_>, ResolveError> {
        todo!("{meter} {at}")
    }
}

impl PreparedChain<'_> {
    /// Whether its rules are those of `at`.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// The rule of each level, the using account's first, with every rule that was looked at.
///
/// # Errors
/// [`ResolveError`].
pub fn resolve(chain: &Chain, meter: &MeterKey, at: Timestamp) -> Result<Vec<ResolvedLevel>, ResolveError> {
    todo!("{chain:?} {meter} {at}")
}
