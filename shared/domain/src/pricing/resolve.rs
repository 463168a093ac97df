//! Which rule prices a meter at each level of a chain, at one moment, and why not the others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::id::AccountId;
use crate::money::Currency;
use crate::pricing::card::{self, RateCard};
use crate::pricing::chain::Chain;
use crate::pricing::markup::{self, Markup, MarkupRule};
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
        currency: Currency,
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

impl Price<'_> {
    /// It may sell under cost.
    pub fn allow_loss(&self) -> bool {
        match self {
            Price::Card(card) => card.allow_loss,
            Price::Markup(markup) => markup.allow_loss,
            Price::Cost => false,
        }
    }
}

impl PreparedChain<'_> {
    /// Whether its rules are those of `at`.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

impl Chain {
    /// Finds the rules of `meter` at `at`, without a trace.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn prepare(&self, meter: &MeterKey, at: Timestamp) -> Result<PreparedChain<'_>, ResolveError> {
        let (meter, owner) = self.sold(meter)?;
        let mut levels = Vec::with_capacity(owner);
        for level in 0..owner {
            levels.push(Search { chain: self, meter: &meter.key, owner, level, at }.prepared(None)?);
        }
        let (from, until) = stretch(self, owner, at);
        Ok(PreparedChain { chain: self, meter, owner, levels, promotions: promotions(self, meter, owner, at), from, until })
    }

    fn sold(&self, key: &MeterKey) -> Result<(&Meter, usize), ResolveError> {
        if self.account().kind == Kind::Operator {
            return Err(ResolveError::OnOperator);
        }
        self.meter(key).ok_or_else(|| ResolveError::UnknownMeter(key.clone()))
    }
}

/// The rule of each level, the using account's first, with every rule that was looked at.
///
/// # Errors
/// [`ResolveError`].
pub fn resolve(chain: &Chain, meter: &MeterKey, at: Timestamp) -> Result<Vec<ResolvedLevel>, ResolveError> {
    let (meter, owner) = chain.sold(meter)?;
    let resolved = |level| {
        let mut considered = Vec::new();
        let found = Search { chain, meter: &meter.key, owner, level, at }.prepared(Some(&mut considered))?;
        Ok(ResolvedLevel {
            payer: found.payer.clone(),
            seller: found.seller.clone(),
            allow_loss: found.price.allow_loss(),
            model: match found.price {
                Price::Card(card) => Some(card.model.clone()),
                Price::Markup(_) | Price::Cost => None,
            },
            markup: match found.price {
                Price::Markup(markup) => Some(markup.rule),
                Price::Card(_) | Price::Cost => None,
            },
            tiers: found.tiers.cloned(),
            rule: found.rule,
            considered,
        })
    };
    (0..owner).map(resolved).collect()
}

/// The search for the rule of one level.
struct Search<'a> {
    chain: &'a Chain,
    meter: &'a MeterKey,
    /// Where the meter's owner stands.
    owner: usize,
    /// Where the payer stands; its seller stands one further.
    level: usize,
    at: Timestamp,
}

/// A rule that applies.
struct Found<'a> {
    kind: RuleKind,
    price: Price<'a>,
    from: Option<&'a AccountId>,
}

/// Where the steps of a search are noted, if anybody asked.
type Trace<'t> = Option<&'t mut Vec<Step>>;

impl<'a> Search<'a> {
    fn prepared(&self, trace: Trace<'_>) -> Result<PreparedLevel<'a>, ResolveError> {
        let (payer, seller) = (&self.chain.accounts()[self.level], &self.chain.accounts()[self.level + 1]);
        let found = self.find(trace).ok_or_else(|| ResolveError::NoPrice {
            meter: self.meter.clone(),
            payer: payer.id.clone(),
            seller: seller.id.clone(),
            currency: self.chain.currency(),
        })?;
        let id = match found.price {
            Price::Card(card) => Some(card.id.as_str().to_owned()),
            Price::Markup(markup) => Some(markup.id.as_str().to_owned()),
            Price::Cost => None,
        };
        let tiers = match payer.kind {
            Kind::Customer | Kind::Operator => None,
            Kind::Reseller => seller.book.tiers_given(seller.kind),
        };
        let rule = RuleRef { kind: found.kind, id, from: found.from.cloned() };
        Ok(PreparedLevel { payer: &payer.id, payer_kind: payer.kind, seller: &seller.id, rule, price: found.price, tiers })
    }

    /// The rules in the order of their precedence; the first that applies is it.
    fn find(&self, mut trace: Trace<'_>) -> Option<Found<'a>> {
        let chain = self.chain;
        let (payer, seller) = (&chain.accounts()[self.level], &chain.accounts()[self.level + 1]);
        let top = self.level + 1 == self.owner;
        let terms = payer.book.terms_of(&seller.id);
        let (own_cards, own_markups) = terms.map_or((&[][..], &[][..]), |terms| (&terms.cards[..], &terms.markups[..]));
        let former = match (&payer.book.terms, terms) {
            (Some(former), None) => (&former.cards[..], &former.markups[..]),
            (Some(_) | None, _) => (&[][..], &[][..]),
        };
        let own = Some(&payer.id);

        if let Some(found) = self.card(RuleKind::AccountCard, &seller.id, own_cards, former.0, own, &mut trace) {
            return Some(found);
        }
        if !top {
            for (kind, meter) in [(RuleKind::AccountMeterMarkup, Some(self.meter)), (RuleKind::AccountMarkup, None)] {
                let place = Place { kind, of: &seller.id, account: own, meter, inherited: false };
                if let Some(found) = self.markup(&place, own_markups, former.1, &mut trace) {
                    return Some(found);
                }
            }
        }
        if let Some(found) = self.card(RuleKind::Card, &seller.id, &seller.book.cards, &[], None, &mut trace) {
            return Some(found);
        }
        if top {
            // What is left adds to a cost, and the owner of the meter has none.
            note(&mut trace, RuleKind::Cost, &seller.id, None, Verdict::NothingToAddTo);
            return None;
        }
        for (kind, meter) in [(RuleKind::MeterMarkup, Some(self.meter)), (RuleKind::Markup, None)] {
            let place = Place { kind, of: &seller.id, account: None, meter, inherited: false };
            if let Some(found) = self.markup(&place, &seller.book.markups, &[], &mut trace) {
                return Some(found);
            }
        }
        // Upwards only, through a chain without repetition: this ends at the meter's owner.
        for above in &chain.accounts()[self.level + 2..=self.owner] {
            for meter in [Some(self.meter), None] {
                let place = Place { kind: RuleKind::InheritedMarkup, of: &above.id, account: None, meter, inherited: true };
                if let Some(found) = self.markup(&place, &above.book.markups, &[], &mut trace) {
                    return Some(found);
                }
            }
        }
        note(&mut trace, RuleKind::Cost, &seller.id, None, Verdict::Applies);
        Some(Found { kind: RuleKind::Cost, price: Price::Cost, from: None })
    }

    fn card(
        &self,
        kind: RuleKind,
        of: &AccountId,
        cards: &'a [RateCard],
        former: &[RateCard],
        account: Option<&AccountId>,
        trace: &mut Trace<'_>,
    ) -> Option<Found<'a>> {
        let found = card::in_force(cards, self.meter, self.chain.currency(), account, self.at);
        if trace.is_some() {
            let mine = |card: &&RateCard| card.meter == *self.meter && card.account_id.as_ref() == account;
            let (other, verdict) = if found.is_some() {
                (found, Verdict::Applies)
            } else if let Some(later) = cards.iter().filter(mine).find(|card| card.currency == self.chain.currency()) {
                (Some(later), Verdict::NotYetInForce)
            } else if let Some(foreign) = cards.iter().find(mine) {
                (Some(foreign), Verdict::OtherCurrency)
            } else if let Some(void) = former.iter().find(mine) {
                (Some(void), Verdict::FormerSeller)
            } else {
                (None, Verdict::Absent)
            };
            note(trace, kind, of, other.map(|card| card.id.as_str()), verdict);
        }
        found.map(|card| Found { kind, price: Price::Card(card), from: None })
    }

    fn markup(&self, place: &Place<'a>, markups: &'a [Markup], former: &[Markup], trace: &mut Trace<'_>) -> Option<Found<'a>> {
        let found = markup::in_force(markups, place.account, place.meter, self.at);
        let verdict = found.map(|markup| self.judge(markup, place.inherited));
        if trace.is_some() {
            let mine = |markup: &&Markup| markup.account_id.as_ref() == place.account && markup.meter.as_ref() == place.meter;
            let (other, verdict) = if let (Some(found), Some(verdict)) = (found, verdict) {
                (Some(found), verdict)
            } else if let Some(later) = markups.iter().find(mine) {
                (Some(later), Verdict::NotYetInForce)
            } else if let Some(void) = former.iter().find(mine) {
                (Some(void), Verdict::FormerSeller)
            } else {
                (None, Verdict::Absent)
            };
            note(trace, place.kind, place.of, other.map(|markup| markup.id.as_str()), verdict);
        }
        let applies = verdict == Some(Verdict::Applies);
        let from = place.inherited.then_some(place.of);
        found.filter(|_| applies).map(|markup| Found { kind: place.kind, price: Price::Markup(markup), from })
    }

    /// Whether a markup in force applies.
    fn judge(&self, markup: &Markup, inherited: bool) -> Verdict {
        match markup.rule {
            MarkupRule::End => Verdict::Ended,
            MarkupRule::Percent(_) | MarkupRule::Fixed(_) if inherited && !markup.inherit => Verdict::NotInherited,
            MarkupRule::Fixed(_) if markup.currency.is_some_and(|currency| currency != self.chain.currency()) => Verdict::OtherCurrency,
            MarkupRule::Percent(_) | MarkupRule::Fixed(_) => Verdict::Applies,
        }
    }
}

/// Where a markup is looked for.
struct Place<'a> {
    kind: RuleKind,
    of: &'a AccountId,
    account: Option<&'a AccountId>,
    meter: Option<&'a MeterKey>,
    inherited: bool,
}

fn note(trace: &mut Trace<'_>, rule: RuleKind, of: &AccountId, id: Option<&str>, verdict: Verdict) {
    if let Some(steps) = trace {
        steps.push(Step { rule, of: of.clone(), id: id.map(str::to_owned), verdict });
    }
}

/// The promotions that the using account may have at `at`, oldest first: those of its sellers up to the meter's owner.
fn promotions<'a>(chain: &'a Chain, meter: &Meter, owner: usize, at: Timestamp) -> Vec<PreparedPromotion<'a>> {
    let mut found = Vec::new();
    for seller in 1..=owner {
        let below = &chain.accounts()[..seller];
        let meant = |promotion: &&Promotion| {
            promotion.in_force(at)
                && (promotion.meters.is_empty() || promotion.meters.contains(&meter.key))
                && promotion.currency.is_none_or(|currency| currency == chain.currency())
                && promotion.account_id.as_ref().is_none_or(|only| below.iter().any(|account| account.id == *only))
                && (promotion.code.is_none() || below.iter().any(|account| account.book.has_redeemed(&promotion.id)))
        };
        let mine = chain.accounts()[seller].book.promotions.iter().filter(meant);
        found.extend(mine.map(|promotion| PreparedPromotion { promotion, level: seller - 1 }));
    }
    found.sort_by(|a, b| (a.promotion.created_at, &a.promotion.id).cmp(&(b.promotion.created_at, &b.promotion.id)));
    found
}

/// The stretch of time around `at` in which no card, markup or promotion of the chain begins or ends.
fn stretch(chain: &Chain, owner: usize, at: Timestamp) -> (Timestamp, Timestamp) {
    let (mut from, mut until) = (Timestamp::MIN, Timestamp::MAX);
    let mut bend = |time: Timestamp| {
        if time <= at {
            from = from.max(time);
        } else {
            until = until.min(time);
        }
    };
    for account in &chain.accounts()[..=owner] {
        let book = &account.book;
        let terms = book.terms.iter();
        let cards = book.cards.iter().chain(terms.clone().flat_map(|terms| &terms.cards));
        cards.for_each(|card| bend(card.effective_from));
        let markups = book.markups.iter().chain(terms.flat_map(|terms| &terms.markups));
        markups.for_each(|markup| bend(markup.effective_from));
        for promotion in &book.promotions {
            bend(promotion.starts_at);
            bend(promotion.end());
        }
    }
    (from, until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::number::Percent;
    use crate::pricing::promotion::PromotionRule;
    use crate::pricing::testing::*;

    /// Every rule there is, for the customer and its reseller.
    fn full() -> Tree {
        let mut tree = Tree::new();
        let of = |n: usize, account: Option<usize>, meter: Option<MeterKey>, inherit: bool| Markup {
            account_id: account.map(id),
            meter,
            inherit,
            ..markup(n, MarkupRule::Percent(percent("10")))
        };
        tree.book(OPERATOR).cards.push(card("0.05"));
        let terms = tree.book(CUSTOMER).terms_for(&id(RESELLER));
        terms.cards.push(RateCard { account_id: Some(id(CUSTOMER)), ..card_of(2, flat("0.07")) });
        terms.markups.push(of(3, Some(CUSTOMER), Some(key()), false));
        terms.markups.push(of(4, Some(CUSTOMER), None, false));
        tree.book(RESELLER).cards.push(card_of(5, flat("0.08")));
        tree.book(RESELLER).markups.push(of(6, None, Some(key()), false));
        tree.book(RESELLER).markups.push(of(7, None, None, false));
        tree.book(MASTER).markups.push(of(8, None, Some(key()), true));
        tree.book(MASTER).markups.push(of(9, None, None, true));
        tree
    }

    fn rule(tree: &Tree) -> (RuleKind, usize) {
        let chain = tree.chain();
        let resolved = resolve(&chain, &key(), noon()).expect("a price");
        let prepared = chain.prepare(&key(), noon()).expect("a price");
        for (one, other) in resolved.iter().zip(&prepared.levels) {
            assert_eq!(one.rule, other.rule, "with and without a trace the rule is the same");
        }
        let last = resolved[0].considered.last().expect("a step");
        assert_eq!((last.rule, last.verdict), (resolved[0].rule.kind, Verdict::Applies));
        (resolved[0].rule.kind, resolved[0].considered.len())
    }

    #[test]
    fn rules_are_taken_in_their_order_of_precedence() {
        let mut tree = full();
        assert_eq!(rule(&tree), (RuleKind::AccountCard, 1));
        tree.book(CUSTOMER).terms_for(&id(RESELLER)).cards.clear();
        assert_eq!(rule(&tree), (RuleKind::AccountMeterMarkup, 2));
        tree.book(CUSTOMER).terms_for(&id(RESELLER)).markups.remove(0);
        assert_eq!(rule(&tree), (RuleKind::AccountMarkup, 3));
        tree.book(CUSTOMER).terms = None;
        assert_eq!(rule(&tree), (RuleKind::Card, 4));
        tree.book(RESELLER).cards.clear();
        assert_eq!(rule(&tree), (RuleKind::MeterMarkup, 5));
        tree.book(RESELLER).markups.remove(0);
        assert_eq!(rule(&tree), (RuleKind::Markup, 6));
        tree.book(RESELLER).markups.clear();
        assert_eq!(rule(&tree), (RuleKind::InheritedMarkup, 7));
        tree.book(MASTER).markups.remove(0);
        assert_eq!(rule(&tree), (RuleKind::InheritedMarkup, 8));
        tree.book(MASTER).markups[0].inherit = false;
        assert_eq!(rule(&tree), (RuleKind::Cost, 11));
    }

    #[test]
    fn what_does_not_apply_says_why() {
        let mut tree = full();
        tree.book(CUSTOMER).terms.as_mut().expect("terms").seller = id(MASTER);
        tree.book(RESELLER).cards[0].currency = "EUR".parse().expect("a currency");
        tree.book(RESELLER).markups[0].rule = MarkupRule::End;
        tree.book(RESELLER).markups[1].effective_from = at("2026-12-01T00:00:00Z");
        tree.book(MASTER).markups[0].inherit = false;
        tree.book(MASTER).markups[1].rule = MarkupRule::Fixed(unit_price("1"));
        tree.book(MASTER).markups[1].currency = Some("EUR".parse().expect("a currency"));
        let resolved = resolve(&tree.chain(), &key(), noon()).expect("a price");
        let verdicts: Vec<_> = resolved[0].considered.iter().map(|step| (step.rule, step.verdict, step.id.is_some())).collect();
        assert_eq!(
            verdicts,
            [
                (RuleKind::AccountCard, Verdict::FormerSeller, true),
                (RuleKind::AccountMeterMarkup, Verdict::FormerSeller, true),
                (RuleKind::AccountMarkup, Verdict::FormerSeller, true),
                (RuleKind::Card, Verdict::OtherCurrency, true),
                (RuleKind::MeterMarkup, Verdict::Ended, true),
                (RuleKind::Markup, Verdict::NotYetInForce, true),
                (RuleKind::InheritedMarkup, Verdict::NotInherited, true),
                (RuleKind::InheritedMarkup, Verdict::OtherCurrency, true),
                (RuleKind::InheritedMarkup, Verdict::Absent, false),
                (RuleKind::InheritedMarkup, Verdict::Absent, false),
                (RuleKind::Cost, Verdict::Applies, false),
            ]
        );
    }

    #[test]
    fn at_the_top_only_a_card_gives_a_price() {
        let mut tree = Tree::new();
        tree.book(OPERATOR).markups.push(markup(1, MarkupRule::Percent(percent("10"))));
        tree.book(MASTER)
            .terms_for(&id(OPERATOR))
            .markups
            .push(Markup { account_id: Some(id(MASTER)), ..markup(2, MarkupRule::Percent(percent("10"))) });
        let no_price = ResolveError::NoPrice { meter: key(), payer: id(MASTER), seller: id(OPERATOR), currency: usd() };
        assert_eq!(resolve(&tree.chain(), &key(), noon()), Err(no_price));
        tree.book(MASTER).terms_for(&id(OPERATOR)).cards.push(RateCard { account_id: Some(id(MASTER)), ..card("0.05") });
        let resolved = resolve(&tree.chain(), &key(), noon()).expect("a price");
        assert_eq!(resolved[2].rule.kind, RuleKind::AccountCard);
    }

    #[test]
    fn a_meter_belongs_to_the_subtree_of_its_owner() {
        let mut tree = Tree::new();
        tree.books.remove(&OPERATOR);
        assert_eq!(resolve(&tree.chain(), &key(), noon()), Err(ResolveError::UnknownMeter(key())));
        tree.book(MASTER).meters.push(meter(crate::pricing::meter::Aggregation::Sum));
        tree.book(MASTER).cards.push(card("0.05"));
        tree.book(OPERATOR).markups.push(Markup { inherit: true, ..markup(1, MarkupRule::Percent(percent("10"))) });
        let resolved = resolve(&tree.chain(), &key(), noon()).expect("a price");
        let kinds: Vec<_> = resolved.iter().map(|level| level.rule.kind).collect();
        // The operator stands above the meter's owner: its markup is not inherited.
        assert_eq!(kinds, [RuleKind::Cost, RuleKind::Card]);
        assert_eq!(resolve(&tree.chain_from(MASTER), &key(), noon()), Ok(Vec::new()), "the owner pays nobody");
        assert_eq!(resolve(&tree.chain_from(OPERATOR), &key(), noon()), Err(ResolveError::OnOperator));
    }

    #[test]
    fn only_resellers_have_tiers_and_the_operator_has_a_default_table() {
        let mut tree = full();
        tree.book(OPERATOR).tiers = None;
        let chain = tree.chain();
        let prepared = chain.prepare(&key(), noon()).expect("a price");
        let tiers: Vec<_> = prepared.levels.iter().map(|level| level.tiers.map(|table| table.tiers.len())).collect();
        assert_eq!(tiers, [None, None, Some(4)]);
    }

    #[test]
    fn rules_hold_until_the_next_of_them_begins() {
        let mut tree = full();
        tree.book(RESELLER).cards.push(RateCard { effective_from: at("2026-11-25T00:00:00Z"), ..card_of(10, flat("0.09")) });
        tree.book(OPERATOR).promotions.push(promotion(1, PromotionRule::Percent(Percent::HUNDRED)));
        let chain = tree.chain();
        let prepared = chain.prepare(&key(), noon()).expect("a price");
        assert_eq!((prepared.from, prepared.until), (made(), at("2026-11-25T00:00:00Z")));
        assert!(prepared.covers(made()) && !prepared.covers(prepared.until));
        let later = chain.prepare(&key(), prepared.until).expect("a price");
        assert_eq!((later.from, later.until), (prepared.until, at("2026-12-01T00:00:00Z")));
    }

    #[test]
    fn a_promotion_reaches_the_accounts_it_names() {
        let mut tree = full();
        let count = |tree: &Tree| tree.chain().prepare(&key(), noon()).expect("a price").promotions.len();
        tree.book(MASTER).promotions.push(promotion(1, PromotionRule::Percent(percent("10"))));
        let with = |change: fn(&mut Promotion)| {
            let mut tree = tree.clone();
            change(&mut tree.book(MASTER).promotions[0]);
            tree
        };
        assert_eq!(count(&tree), 1);
        assert_eq!(count(&with(|promotion| promotion.account_id = Some(id(RESELLER)))), 1);
        assert_eq!(count(&with(|promotion| promotion.account_id = Some(id(MASTER)))), 0, "the owner is not below itself");
        assert_eq!(count(&with(|promotion| promotion.meters = vec!["other".parse().expect("a key")])), 0);
        assert_eq!(count(&with(|promotion| promotion.currency = "EUR".parse().ok())), 0);
        assert_eq!(count(&with(|promotion| promotion.ended_at = Some(made()))), 0);
        let mut coded = with(|promotion| promotion.code = "autumn".parse().ok());
        assert_eq!(count(&coded), 0);
        let given = coded.book(MASTER).promotions[0].clone();
        coded.book(RESELLER).redeem("autumn".parse().expect("a code"), &id(MASTER), &given, made()).expect("redeemed");
        assert_eq!(count(&coded), 1, "redeemed by an account above the using one");
    }
}
