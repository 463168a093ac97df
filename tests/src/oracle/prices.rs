//! What one event costs at each level of its chain: which rule sets the price, the volume tier, one promotion, and the
//! floor under which nobody sells unless he said so.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::Rejected;
use super::decimal::{percent_of, times, to_price};
use super::log::Kind;
use super::models::Model;
use super::rules::{self, Book, Markup, MarkupRule, Promotion, PromotionRule};

/// One account of the chain, as it stands before the event.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its book.
    pub book: &'a Book,
    /// What it and everybody below it used of the meter this month.
    pub used: Decimal,
    /// What counts to its tier this month.
    pub volume: Decimal,
    /// And last month.
    pub volume_last_month: Decimal,
    /// What it paid for the meter this month, exactly.
    pub paid: Decimal,
    /// What its seller paid for the same.
    pub seller_paid: Decimal,
}

/// What is priced.
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// The meter's key.
    pub meter: &'a str,
    /// The currency of the chain.
    pub currency: &'a str,
    /// When it occurred: these are the rules.
    pub at: Timestamp,
    /// How many units it adds.
    pub units: Decimal,
}

/// What one level pays.
#[derive(Debug, Clone)]
pub struct Level {
    /// Who pays.
    pub payer: String,
    /// Whom.
    pub seller: String,
    /// The rule, in a word.
    pub rule: &'static str,
    /// The id of the card or markup.
    pub rule_id: Option<String>,
    /// The payer's quantity before the event.
    pub position: Decimal,
    /// What it pays, exactly.
    pub price: Decimal,
    /// What the seller pays for the same; the owner of the meter pays nobody.
    pub cost: Option<Decimal>,
    /// By how much the payer's total of the month rises on the ledger.
    pub amount: Decimal,
    allow_loss: bool,
}

/// A promotion that is given: which, and how much it takes off what the using account pays.
#[derive(Debug, Clone)]
pub struct Given {
    /// Which.
    pub id: String,
    /// How much.
    pub off: Decimal,
    /// It counts towards the account's cap.
    pub capped: bool,
}

/// How a rule sets a price.
enum Price<'a> {
    Card(&'a Model),
    Markup(&'a MarkupRule),
    Cost,
}

struct Rule<'a> {
    word: &'static str,
    id: Option<&'a str>,
    price: Price<'a>,
    allow_loss: bool,
}

/// Prices `usage` along `chain`, the using account first; the account at `owner` owns the meter. `had` is what the using account had
/// from a promotion so far.
///
/// # Errors
/// [`Rejected::NoPrice`] or [`Rejected::UnderCost`].
pub fn levels(
    chain: &[Link<'_>],
    owner: usize,
    usage: Usage<'_>,
    had: impl Fn(&str) -> Decimal,
) -> Result<(Vec<Level>, Option<Given>), Rejected> {
    // From the top down, since what a seller pays itself is the price one level further up.
    let mut levels: Vec<Level> = Vec::new();
    for at in (0..owner).rev() {
        let (payer, seller) = (&chain[at], &chain[at + 1]);
        let cost = levels.last().map(|above| above.price);
        let rule = rule(chain, at, owner, usage).ok_or(Rejected::NoPrice)?;
        let base = match rule.price {
            Price::Card(model) => model.cost_of(payer.used + usage.units) - model.cost_of(payer.used),
            Price::Markup(MarkupRule::Percent(percent)) => {
                cost.unwrap_or_default() + to_price(percent_of(*percent, cost.unwrap_or_default()))
            }
            Price::Markup(MarkupRule::Fixed(each)) => cost.unwrap_or_default() + to_price(times(*each, usage.units)),
            Price::Markup(MarkupRule::End) => unreachable!("an ended markup is no rule"),
            Price::Cost => cost.unwrap_or_default(),
        };
        levels.push(Level {
            payer: payer.id.to_owned(),
            seller: seller.id.to_owned(),
            rule: rule.word,
            rule_id: rule.id.map(str::to_owned),
            position: payer.used,
            price: base - to_price(percent_of(tier_discount(payer, seller), base)),
            cost,
            amount: Decimal::ZERO,
            allow_loss: rule.allow_loss,
        });
    }
    levels.reverse();
    let given = promote(chain, owner, usage, &mut levels, had);
    for at in 0..levels.len() {
        levels[at].cost = levels.get(at + 1).map(|above| above.price);
        floor(&levels[at], &chain[at])?;
    }
    Ok((levels, given))
}

/// The first rule that there is for the level at which `chain[at]` pays `chain[at + 1]`.
fn rule<'a>(chain: &[Link<'a>], at: usize, owner: usize, usage: Usage<'_>) -> Option<Rule<'a>> {
    let Usage { meter, currency, at: when, .. } = usage;
    let (payer, seller) = (chain[at].book, chain[at + 1].book);
    let terms = payer.terms.as_ref().filter(|terms| terms.seller == chain[at + 1].id);
    let card = |word, cards: &'a [rules::Card]| {
        let card = rules::card(cards, meter, currency, when)?;
        Some(Rule { word, id: Some(&card.id), price: Price::Card(&card.model), allow_loss: card.allow_loss })
    };
    let adds = |word, markup: Option<&'a Markup>| {
        let markup = markup?;
        Some(Rule { word, id: Some(&markup.id), price: Price::Markup(&markup.rule), allow_loss: markup.allow_loss })
    };
    let own_card = terms.and_then(|terms| card("account_card", &terms.cards));
    if at + 1 == owner {
        // The owner of the meter has no cost that anything could be added to.
        return own_card.or_else(|| card("card", &seller.cards));
    }
    let own_markups: &[Markup] = terms.map_or(&[], |terms| &terms.markups);
    let find = |markups: &'a [Markup], of: Option<&str>| rules::markup(markups, of, currency, when);
    own_card
        .or_else(|| adds("account_meter_markup", find(own_markups, Some(meter))))
        .or_else(|| adds("account_markup", find(own_markups, None)))
        .or_else(|| card("card", &seller.cards))
        .or_else(|| adds("meter_markup", find(&seller.markups, Some(meter))))
        .or_else(|| adds("markup", find(&seller.markups, None)))
        .or_else(|| {
            let further_up = chain[at + 2..=owner].iter().map(|link| link.book);
            let inherited = |book: &'a Book, of| find(&book.markups, of).filter(|markup| markup.inherit);
            let mut nearest = further_up.filter_map(|book| inherited(book, Some(meter)).or_else(|| inherited(book, None)));
            adds("inherited_markup", nearest.next())
        })
        .or(Some(Rule { word: "cost", id: None, price: Price::Cost, allow_loss: false }))
}

/// Percent off by volume: a seller with tiers gives them to the resellers right below it.
fn tier_discount(payer: &Link<'_>, seller: &Link<'_>) -> Decimal {
    if payer.kind != Kind::Reseller {
        return Decimal::ZERO;
    }
    let of = |tiers: &rules::Tiers| tiers.discount(payer.volume, payer.volume_last_month);
    match (&seller.book.tiers, seller.kind) {
        (Some(tiers), _) => of(tiers),
        (None, Kind::Operator) => of(&rules::default_tiers()),
        (None, Kind::Reseller | Kind::Customer) => Decimal::ZERO,
    }
}

/// Takes the one promotion off that is worth most to the using account, and says which.
fn promote(chain: &[Link<'_>], owner: usize, usage: Usage<'_>, levels: &mut [Level], had: impl Fn(&str) -> Decimal) -> Option<Given> {
    let price = levels.first()?.price;
    let mut best: Option<(Decimal, usize, &Promotion)> = None;
    for giver in 1..=owner {
        for promotion in chain[giver].book.promotions.iter().filter(|promotion| is_for(promotion, chain, usage)) {
            let rule = match promotion.rule {
                PromotionRule::Percent(percent) => to_price(percent_of(percent, price)),
                PromotionRule::Fixed(each) => to_price(times(each, usage.units)),
            };
            let left = promotion.cap.map(|cap| cap - had(&promotion.id));
            let off = rule.min(price).min(left.unwrap_or(rule));
            let older = |other: &Promotion| (promotion.created_at, &promotion.id) < (other.created_at, &other.id);
            let better = best.is_none_or(|(most, _, other)| off > most || off == most && older(other));
            if off > Decimal::ZERO && better {
                best = Some((off, giver, promotion));
            }
        }
    }
    let (off, giver, promotion) = best?;
    // Who gives it bears it: the margins in between stay whole. Or the direct seller bears it.
    let (reduced, borne_at) = if promotion.funded_by == "owner" { (0..giver, giver - 1) } else { (0..1, 0) };
    for level in &mut levels[reduced] {
        level.price -= off;
    }
    levels[borne_at].allow_loss |= promotion.allow_loss;
    Some(Given { id: promotion.id.clone(), off, capped: promotion.cap.is_some() })
}

/// Whether the using account may have a promotion at all.
fn is_for(promotion: &Promotion, chain: &[Link<'_>], usage: Usage<'_>) -> bool {
    let redeemed = |link: &Link<'_>| link.book.redeemed.iter().any(|code| code.promotion_id == promotion.id);
    promotion.runs(usage.meter, usage.currency, usage.at)
        && promotion.account_id.as_ref().is_none_or(|only| chain.iter().any(|link| link.id == only))
        && (promotion.code.is_none() || chain.iter().any(redeemed))
}

/// Nobody sells under cost: not this event, if the month as a whole would be under cost too.
fn floor(level: &Level, payer: &Link<'_>) -> Result<(), Rejected> {
    let Some(cost) = level.cost else { return Ok(()) };
    let under = level.price < cost && payer.paid + level.price < payer.seller_paid + cost;
    if under && !level.allow_loss { Err(Rejected::UnderCost) } else { Ok(()) }
}
