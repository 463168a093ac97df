//! What a past month would have brought a seller under another price. Nothing changes.
//!
//! Each sale of the seller that month is priced anew from its record: its place in the month, its cost and its tier stay as
//! they were, since none of them follows from the seller's own price; a promotion takes off what it took off, at most the
//! whole price. The draft is looked at where it would stand in the precedence: a sale that a rule before it priced stays.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::LedgerId;
use tributary_domain::money::{Currency, Overflow};
use tributary_domain::pricing::error::PricingError;
use tributary_domain::pricing::markup::MarkupRule;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::model::Model;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Picos, Quantity, UnitPrice, to_picos};
use tributary_domain::pricing::rate::{RatedEvent, RatedLevel};
use tributary_domain::pricing::resolve::RuleKind;
use tributary_domain::rights::Right;
use tributary_metering::record::{self, UsageRecord};
use tributary_store::account_lists::{ListFilter, Sort};

use crate::shelf;
#[cfg(feature = "openapi")]
use crate::views::PriceModel;

/// The most events that are priced anew in one request.
const MAX_EVENTS: usize = 100_000;
/// The most batches that are read in one request: each is a blob.
const MAX_BATCHES: usize = 5_000;
/// The most entries of ledgers that are looked at in one request.
const MAX_ENTRIES: usize = 50_000;
/// How many blobs are read at once.
const PARALLEL: usize = 32;
/// Entries of a page of a ledger.
const PAGE: usize = 1_000;

/// A card that is tried.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftCard {
    /// The one direct sub-account that it is for; all of them unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// The buyers' currency.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// How the month's quantity is priced.
    #[cfg_attr(feature = "openapi", schema(value_type = PriceModel))]
    pub model: Model,
}

/// A markup that is tried.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DraftMarkup {
    /// The one direct sub-account that it is for; all of them unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The one meter that it is for; all unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>))]
    pub meter: Option<MeterKey>,
    /// A share of the cost, -100 to 10000. One of `percent` and `fixed` is given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MarkupPercent>))]
    pub percent: Option<Percent>,
    /// So much for each unit, in the buyers' currency.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UnitPrice>))]
    pub fixed: Option<UnitPrice>,
}

/// The request: a month, and a card or a markup.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhatIf {
    /// Whose price; the caller's own account's unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
    /// The month: this one or one before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// The card that is tried.
    pub card: Option<DraftCard>,
    /// The markup that is tried.
    pub markup: Option<DraftMarkup>,
}

/// What a seller gets and pays.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Takings))]
pub struct TakingsView {
    /// What its direct sub-accounts pay it, exactly.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub revenue: Picos,
    /// What it pays itself for the same; nothing for its own meters.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub cost: Picos,
    /// `revenue` less `cost`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub margin: Picos,
}

/// A sum as it was and as it would have been.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Comparison))]
pub struct ComparisonView {
    /// How many events were sold.
    pub events: usize,
    /// As it was.
    pub before: TakingsView,
    /// As it would have been.
    pub after: TakingsView,
    /// How much more revenue, and so margin, that is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub difference: Picos,
    /// It would have been sold under cost, which is refused unless the price allows a loss.
    pub under_cost: bool,
}

/// The sum of one meter.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ComparedMeter))]
pub struct MeterSumView {
    /// The meter.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MeterKey))]
    pub meter: MeterKey,
    /// Its sum.
    #[serde(flatten)]
    pub sum: ComparisonView,
}

/// The sum of one direct sub-account.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ComparedAccount))]
pub struct AccountSumView {
    /// The direct sub-account, with all below it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its sum.
    #[serde(flatten)]
    pub sum: ComparisonView,
}

/// What the month would have brought.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WhatIfAnswer))]
pub struct WhatIfView {
    /// Whose price.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// How many of the events the draft would have priced; the others stay as they were.
    pub repriced: usize,
    /// All together.
    pub total: ComparisonView,
    /// By meter.
    pub meters: Vec<MeterSumView>,
    /// By direct sub-account.
    pub accounts: Vec<AccountSumView>,
}

/// The rule that is tried.
enum Draft {
    Card { account: Option<AccountId>, meter: MeterKey, model: Model },
    Markup { account: Option<AccountId>, meter: Option<MeterKey>, rule: MarkupRule },
}

impl Draft {
    /// Whether it would have priced a sale that another rule priced.
    fn applies(&self, meter: &MeterKey, level: &RatedLevel) -> bool {
        let (account, of, own) = match self {
            Draft::Card { account, meter, .. } => {
                (account, Some(meter), if account.is_some() { RuleKind::AccountCard } else { RuleKind::Card })
            }
            Draft::Markup { account, meter, .. } => {
                let kind = match (account, meter) {
                    (Some(_), Some(_)) => RuleKind::AccountMeterMarkup,
                    (Some(_), None) => RuleKind::AccountMarkup,
                    (None, Some(_)) => RuleKind::MeterMarkup,
                    (None, None) => RuleKind::Markup,
                };
                (account, meter.as_ref(), kind)
            }
        };
        let adds_to_nothing = matches!(self, Draft::Markup { .. }) && level.cost.is_none();
        account.as_ref().is_none_or(|account| account == &level.payer)
            && of.is_none_or(|of| of == meter)
            && own <= level.rule.kind
            && !adds_to_nothing
    }

    /// What the rule says for the event at this level, before tier and promotion.
    fn base(&self, rated: &RatedEvent, level: &RatedLevel) -> Result<Picos, Overflow> {
        let cost = level.cost.unwrap_or_default();
        match self {
            // What took an event back has its contribution's sign turned, and the place where it was counted.
            Draft::Card { model, .. } if rated.contribution.is_negative() => {
                model.charge(level.position, Quantity::ZERO.minus(rated.contribution)?)?.negated()
            }
            Draft::Card { model, .. } => model.charge(level.position, rated.contribution),
            Draft::Markup { rule: MarkupRule::Percent(percent), .. } => cost.plus(cost.share(*percent)?),
            Draft::Markup { rule: MarkupRule::Fixed(fixed), .. } => cost.plus(to_picos(fixed.times(rated.contribution))),
            Draft::Markup { rule: MarkupRule::End, .. } => Ok(cost),
        }
    }

    /// What the level would have paid.
    fn price(&self, rated: &RatedEvent, level: &RatedLevel) -> Result<Picos, Overflow> {
        let base = self.base(rated, level)?;
        let tier = level.tier.as_ref().map_or(Ok(Picos::ZERO), |tier| base.share(tier.discount))?;
        let price = base.minus(tier)?;
        let off = level.discount.as_ref().map(|discount| discount.amount).unwrap_or_default();
        let off = if price.is_negative() { off.max(price) } else { off.min(price) };
        price.minus(off)
    }
}

impl ComparisonView {
    fn add(&mut self, before: Picos, after: Picos, cost: Picos) -> Result<(), Overflow> {
        self.events += 1;
        for (takings, revenue) in [(&mut self.before, before), (&mut self.after, after)] {
            takings.revenue = takings.revenue.plus(revenue)?;
            takings.cost = takings.cost.plus(cost)?;
            takings.margin = takings.revenue.minus(takings.cost)?;
        }
        self.difference = self.after.revenue.minus(self.before.revenue)?;
        self.under_cost = self.after.margin.is_negative();
        Ok(())
    }
}

/// Prices a past month anew under a draft.
///
/// # Errors
/// `limit_reached` for a month of too many events, `unknown_meter`, `not_a_buyer`, `currency_mismatch`, `parent_is_customer`,
/// `validation_failed`, `not_found`, `forbidden`.
pub async fn what_if(call: Call) -> Result<Reply, Problem> {
    let request: WhatIf = call.body()?;
    if request.month > Month::of(call.app.now()) {
        return Err(Problem::field("/month", "must not be in the future"));
    }
    let seller = shelf::seller(&call, request.seller_id.clone(), Right::PricingRead).await?;
    let (draft, currency) = draft(&call, &seller, request.card, request.markup).await?;
    let records = sold(&call, &seller, request.month).await?;
    let view = compared(&seller.id, request.month, currency, &draft, &records).map_err(PricingError::from)?;
    Reply::ok(&view)
}

/// The draft of a request, and the currency of what it prices.
async fn draft(call: &Call, seller: &Account, card: Option<DraftCard>, markup: Option<DraftMarkup>) -> Result<(Draft, Currency), Problem> {
    let chain = call.store().chain(seller).await?;
    match (card, markup) {
        (Some(DraftCard { account_id, meter, currency, model }), None) => {
            let buyer = buyer(call, seller, account_id.clone(), "/card/account_id").await?;
            shelf::known(&chain, &meter)?;
            model.validate().map_err(|error| error.under("/card/model"))?;
            let currency = shelf::currency(currency, seller, buyer.as_ref())?;
            Ok((Draft::Card { account: account_id, meter, model }, currency))
        }
        (None, Some(DraftMarkup { account_id, meter, percent, fixed })) => {
            let buyer = buyer(call, seller, account_id.clone(), "/markup/account_id").await?;
            meter.as_ref().map_or(Ok(()), |meter| shelf::known(&chain, meter))?;
            let rule = match (percent, fixed) {
                (Some(percent), None) => MarkupRule::Percent(percent),
                (None, Some(fixed)) => MarkupRule::Fixed(fixed),
                (Some(_), Some(_)) | (None, None) => return Err(Problem::field("/markup", "names exactly one of percent and fixed")),
            };
            rule.validate().map_err(|error| error.under("/markup"))?;
            let currency = shelf::currency(None, seller, buyer.as_ref())?;
            Ok((Draft::Markup { account: account_id, meter, rule }, currency))
        }
        (Some(_), Some(_)) | (None, None) => Err(Problem::field("", "names exactly one of card and markup")),
    }
}

async fn buyer(call: &Call, seller: &Account, id: Option<AccountId>, pointer: &str) -> Result<Option<Account>, Problem> {
    let found = shelf::buyer(call, seller, id, Right::PricingRead).await;
    found.map_err(|mut problem| {
        problem.errors.iter_mut().for_each(|error| pointer.clone_into(&mut error.pointer));
        problem
    })
}

/// The records of a month's events that `seller` sold, each with the batch it was counted in.
async fn sold(call: &Call, seller: &Account, month: Month) -> Result<Vec<UsageRecord>, Problem> {
    let batches = batches(call, seller, month).await?;
    let read = |batch: TransferId| async move { record::read(call.app.blobs(), &batch).await.map_err(unreadable) };
    let mut blobs = stream::iter(batches).map(read).buffered(PARALLEL);
    let mut records = Vec::new();
    while let Some(batch) = blobs.try_next().await? {
        let sells = |record: &UsageRecord| record.rated.levels.iter().any(|level| level.seller == seller.id);
        records.extend(batch.into_iter().filter(|record| record.rated.period == month && sells(record)));
        if records.len() > MAX_EVENTS {
            return Err(too_many("events", MAX_EVENTS));
        }
    }
    Ok(records)
}

fn unreadable(error: record::RecordError) -> Problem {
    match error {
        record::RecordError::Blobs(error) => error.into(),
        error @ (record::RecordError::Missing(_) | record::RecordError::Malformed { .. }) => {
            let mut problem = Problem::new(Code::Internal, "The records of the month cannot be read.");
            problem.internal = Some(error.to_string());
            problem
        }
    }
}

fn too_many(what: &str, limit: usize) -> Problem {
    Problem::new(
        Code::LimitReached,
        format!("The month has more than {limit} {what}, which is too many for one request. Ask for one of the sub-accounts that resell."),
    )
    .with("limit", limit)
}

/// The batches since the month began in which the seller sold something. The operator has no entries of its own for usage:
/// its sub-accounts have them.
async fn batches(call: &Call, seller: &Account, month: Month) -> Result<Vec<TransferId>, Problem> {
    let ledgers = match seller.kind {
        Kind::Operator => children(call, &seller.id).await?,
        Kind::Reseller | Kind::Customer => vec![seller.id.clone()],
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for account in ledgers {
        let first = call.store().first_at_or_after(&LedgerId::Account(account.clone()), month.start()).await?;
        let mut above = first - 1;
        loop {
            let (entries, last) = call.store().usage_entries(&account, above, PAGE).await?;
            let Some(last) = last else { break };
            looked_at += usize::try_from(last - above).unwrap_or(PAGE);
            found.extend(entries.into_iter().filter_map(|usage| usage.entry.transfer_id));
            if looked_at > MAX_ENTRIES {
                return Err(too_many("entries in its ledger", MAX_ENTRIES));
            }
            if found.len() > MAX_BATCHES {
                return Err(too_many("batches of events", MAX_BATCHES));
            }
            above = last;
        }
    }
    Ok(found)
}

async fn children(call: &Call, parent: &AccountId) -> Result<Vec<AccountId>, Problem> {
    let filter = ListFilter { status: None, kind: None, q: None, sort: Sort::Created, descending: false, limit: PAGE };
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let (accounts, next) = call.store().children(parent, &filter, start).await?;
        all.extend(accounts.into_iter().map(|account| account.id));
        match next {
            Some(next) => start = Some(next),
            None => return Ok(all),
        }
    }
}

/// The month as it was and as it would have been.
fn compared(seller: &AccountId, month: Month, currency: Currency, draft: &Draft, records: &[UsageRecord]) -> Result<WhatIfView, Overflow> {
    let (mut total, mut repriced) = (ComparisonView::default(), 0);
    let mut meters: BTreeMap<&MeterKey, ComparisonView> = BTreeMap::new();
    let mut accounts: BTreeMap<&AccountId, ComparisonView> = BTreeMap::new();
    for record in records.iter().filter(|record| record.currency == currency) {
        let rated = &record.rated;
        let Some(level) = rated.levels.iter().find(|level| &level.seller == seller) else { continue };
        let applies = draft.applies(&rated.meter, level);
        repriced += usize::from(applies);
        let after = if applies { draft.price(rated, level)? } else { level.price };
        let cost = level.cost.unwrap_or_default();
        for sum in [&mut total, meters.entry(&rated.meter).or_default(), accounts.entry(&level.payer).or_default()] {
            sum.add(level.price, after, cost)?;
        }
    }
    Ok(WhatIfView {
        seller_id: seller.clone(),
        month,
        currency,
        repriced,
        total,
        meters: meters.into_iter().map(|(meter, sum)| MeterSumView { meter: meter.clone(), sum }).collect(),
        accounts: accounts.into_iter().map(|(account, sum)| AccountSumView { account_id: account.clone(), sum }).collect(),
    })
}
