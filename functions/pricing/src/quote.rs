//! What a quantity would cost an account.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::money::{Currency, Micros};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::chain::{Chain, ChainAccount};
use tributary_domain::pricing::error::PricingError;
use tributary_domain::pricing::meter::{Aggregation, MeterKey};
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Picos, Quantity};
use tributary_domain::pricing::rate::{EventToRate, MAX_LATE_DAYS, RateError, RatedEvent, rate_event};
use tributary_domain::pricing::state::UsageState;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;

use crate::levels::{LevelView, Sight};
use crate::shelf;

/// The most lines of one quote.
const MAX_LINES: usize = 100;
/// How far ahead prices are quoted, in days.
const MAX_AHEAD_DAYS: i64 = 366;

/// One line to be priced.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteLine {
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// How much: at most 1000000000. Of a `count` meter the number of events, of a `unique` one of new values.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventQuantity))]
    pub quantity: Quantity,
}

/// The request for a quote: `meter` and `quantity`, or `lines`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quote {
    /// Who would use it; the caller's own account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>))]
    pub meter: Option<MeterKey>,
    /// How much: at most 1000000000. Of a `count` meter the number of events, of a `unique` one of new values.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::EventQuantity>))]
    pub quantity: Option<Quantity>,
    /// When it would be used: at most 35 days ago, at most 366 ahead; now unless said otherwise.
    pub at: Option<Timestamp>,
    /// Up to 100 lines, each priced as if those before it had been used.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub lines: Option<Vec<QuoteLine>>,
}

/// A line with its price.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = QuotedLine))]
pub struct QuotedLineView {
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// How much was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub quantity: Quantity,
    /// What it would add to the month's quantity.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub contribution: Quantity,
    /// The month's quantity before it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub position: Quantity,
    /// What the account would pay, exactly; nothing for its own meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub price: Picos,
    /// What would move or accrue: how far its month total, rounded to millionths, rises.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// Each sale that you see: those of your own account and of accounts below it, the using account's purchase first.
    pub levels: Vec<LevelView>,
}

/// A quote.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Quoted))]
pub struct QuotedView {
    /// Who would use it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// The month that it would be added to.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub period: Month,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The lines.
    pub lines: Vec<QuotedLineView>,
    /// What the account would pay for all of them, exactly.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub price: Picos,
    /// What would move or accrue for all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
}

/// Prices a quantity from where the account stands. Nothing changes.
///
/// # Errors
/// `unknown_meter`, `no_price`, `under_cost`, `validation_failed`, `not_found`, `forbidden`.
pub async fn quote(call: Call) -> Result<Reply, Problem> {
    let request: Quote = call.body()?;
    let at = when(request.at, call.app.now())?;
    let lines = lines(request.lines, request.meter, request.quantity)?;
    let account = shelf::account(&call, request.account_id, Right::PricingRead).await?;
    let chain = by_quantity(&call.store().chain(&account).await?, &lines)?;
    let mut states = shelf::states(&call, &chain).await?;
    let sight = Sight::of(&chain, call.home()?);
    let period = tributary_domain::pricing::month::Month::of(at);
    let mut quoted = Vec::with_capacity(lines.len());
    for line in lines {
        quoted.push(priced(&chain, &sight, &mut states, line, at)?);
    }
    let sum = quoted.iter().try_fold((Picos::ZERO, Micros::ZERO), |(price, amount), line| {
        Ok::<_, tributary_domain::money::Overflow>((price.plus(line.price)?, amount.plus(line.amount)?))
    });
    let (price, amount) = sum.map_err(PricingError::from)?;
    Reply::ok(&QuotedView { account_id: account.id, at, period, currency: account.currency, lines: quoted, price, amount })
}

/// The time of a quote.
fn when(at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Problem> {
    let at = at.unwrap_or(now);
    let within = |from: i64, to: i64| {
        let days = |days: i64| now.saturating_add(SignedDuration::from_hours(24 * days));
        days(-from).is_ok_and(|earliest| earliest <= at) && days(to).is_ok_and(|latest| at <= latest)
    };
    match within(MAX_LATE_DAYS, MAX_AHEAD_DAYS) {
        true => Ok(at),
        false => Err(Problem::field("/at", format!("must be at most {MAX_LATE_DAYS} days ago and at most {MAX_AHEAD_DAYS} days ahead"))),
    }
}

/// The lines of a request, each with a quantity that one event may have.
fn lines(lines: Option<Vec<QuoteLine>>, meter: Option<MeterKey>, quantity: Option<Quantity>) -> Result<Vec<QuoteLine>, Problem> {
    match (lines, meter, quantity) {
        (None, Some(_), Some(quantity)) if quantity > Quantity::MAX_EVENT => Err(Problem::field("/quantity", TOO_MUCH)),
        (None, Some(meter), Some(quantity)) => Ok(vec![QuoteLine { meter, quantity }]),
        (Some(lines), None, None) if (1..=MAX_LINES).contains(&lines.len()) => match lines.iter().position(too_much) {
            Some(at) => Err(Problem::field(format!("/lines/{at}/quantity"), TOO_MUCH)),
            None => Ok(lines),
        },
        (Some(_), None, None) => Err(Problem::field("/lines", format!("must have 1 to {MAX_LINES} lines"))),
        (None, Some(_), None) => Err(Problem::field("/quantity", "is required")),
        (None, None, _) => Err(Problem::field("/meter", "is required")),
        (Some(_), _, _) => Err(Problem::field("/lines", "are given instead of meter and quantity, not with them")),
    }
}

const TOO_MUCH: &str = "must be at most 1000000000";

fn too_much(line: &QuoteLine) -> bool {
    line.quantity > Quantity::MAX_EVENT
}

/// The same chain, in which `count` and `unique` meters add up quantities: many events or new values are priced as one.
fn by_quantity(chain: &Chain, lines: &[QuoteLine]) -> Result<Chain, Problem> {
    let asked = |key: &MeterKey| lines.iter().any(|line| &line.meter == key);
    let as_sum = |account: &ChainAccount| {
        let mut book = PricingBook::clone(&account.book);
        for meter in book.meters.iter_mut().filter(|meter| asked(&meter.key)) {
            meter.aggregation = match meter.aggregation {
                Aggregation::Count | Aggregation::Unique => Aggregation::Sum,
                kept @ (Aggregation::Sum | Aggregation::Max) => kept,
            };
        }
        ChainAccount { book: Arc::new(book), ..account.clone() }
    };
    let needs = |account: &&ChainAccount| account.book.meters.iter().any(|meter| asked(&meter.key));
    let accounts = chain.accounts().iter().map(|account| if needs(&account) { as_sum(account) } else { account.clone() });
    Chain::new(accounts.collect(), chain.currency()).map_err(|error| StoreError::Corrupt(error.to_string()).into())
}

fn priced(
    chain: &Chain,
    sight: &Sight<'_>,
    states: &mut BTreeMap<AccountId, UsageState>,
    line: QuoteLine,
    at: Timestamp,
) -> Result<QuotedLineView, Problem> {
    let QuoteLine { meter, quantity } = line;
    let event = EventToRate { meter: meter.clone(), quantity, first_of_value: true, occurred_at: at };
    let rated: RatedEvent = rate_event(chain, states, &event).map_err(|error| refusal(error, sight))?;
    let own = rated.levels.first();
    Ok(QuotedLineView {
        meter,
        quantity,
        contribution: rated.contribution,
        position: own.map(|level| level.position).unwrap_or_default(),
        price: own.map(|level| level.price).unwrap_or_default(),
        amount: own.map(|level| level.amount).unwrap_or_default(),
        levels: sight.levels(&rated),
    })
}

/// Why there is no price, without what is further up than the caller sees.
fn refusal(error: RateError, sight: &Sight<'_>) -> Problem {
    match error {
        RateError::Resolve(error) => error.into(),
        RateError::UnderCost { seller, payer, price, cost } if sight.sees(&seller) => Problem::new(
            Code::UnderCost,
            format!("Account {seller} would sell to {payer} for {price} in total what costs it {cost} this month, and its price does not allow a loss."),
        )
        .with("seller_id", seller.as_str())
        .with("price", price.to_string())
        .with("cost", cost.to_string()),
        RateError::UnderCost { .. } => {
            Problem::new(Code::UnderCost, "A seller further up would sell this for less than it pays, and its price does not allow a loss.")
        }
        error @ (RateError::TooLate | RateError::TooEarly) => Problem::field("/at", error.to_string()),
        RateError::QuantityOutOfRange => Problem::field("", TOO_MUCH),
        RateError::Overflow => Problem::field("", "would make the month's totals too large to keep"),
    }
}
