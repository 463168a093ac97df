//! The rows of an export: what each record is at the asker's level, under our names and those of FOCUS.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tributary_api::App;
use tributary_domain::account::Account;
use tributary_domain::id::AccountId;
use tributary_domain::money::{Micros, Overflow};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::number::Quantity;
use tributary_metering::record::{RecordKind, UsageRecord};
use tributary_store::aggregates::{Size, Slot};
use tributary_store::error::StoreError;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A text.
    Text,
    /// A number with six decimals.
    Decimal,
    /// A time, to the millisecond.
    Time,
    /// A JSON object of texts.
    Json,
}

/// The columns in their order; ours first, then those of FOCUS 1.2 that we can fill honestly (`docs/usage.md` maps them).
pub const COLUMNS: [(&str, Holds); 36] = [
    ("event_id", Holds::Text),
    ("account_id", Holds::Text),
    ("account_name", Holds::Text),
    ("external_id", Holds::Text),
    ("meter", Holds::Text),
    ("unit", Holds::Text),
    ("quantity", Holds::Decimal),
    ("event_quantity", Holds::Decimal),
    ("occurred_at", Holds::Time),
    ("received_at", Holds::Time),
    ("kind", Holds::Text),
    ("reason", Holds::Text),
    ("period", Holds::Text),
    ("currency", Holds::Text),
    ("cost", Holds::Decimal),
    ("price", Holds::Decimal),
    ("margin", Holds::Decimal),
    ("properties", Holds::Json),
    ("BilledCost", Holds::Decimal),
    ("EffectiveCost", Holds::Decimal),
    ("BillingAccountId", Holds::Text),
    ("BillingCurrency", Holds::Text),
    ("BillingPeriodStart", Holds::Time),
    ("BillingPeriodEnd", Holds::Time),
    ("ChargePeriodStart", Holds::Time),
    ("ChargePeriodEnd", Holds::Time),
    ("ChargeCategory", Holds::Text),
    ("ChargeFrequency", Holds::Text),
    ("ChargeDescription", Holds::Text),
    ("ConsumedQuantity", Holds::Decimal),
    ("ConsumedUnit", Holds::Text),
    ("ServiceName", Holds::Text),
    ("SkuId", Holds::Text),
    ("SubAccountId", Holds::Text),
    ("SubAccountName", Holds::Text),
    ("Tags", Holds::Json),
];

/// A value; what is not there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    None,
    /// A text.
    Text(String),
    /// Millionths.
    Decimal(i64),
    /// A time.
    Time(Timestamp),
    /// A JSON object.
    Json(BTreeMap<String, String>),
}

/// A row: a cell for each of [`COLUMNS`].
pub type Row = Vec<Cell>;

/// What one account pays and is paid for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Figures {
    cost: Micros,
    price: Option<Micros>,
}

/// The asker's figures; `None` if it does not stand on the way of the record's money.
fn figures(record: &UsageRecord, asker: &AccountId) -> Option<Figures> {
    let levels = &record.rated.levels;
    let at = match levels.iter().position(|level| level.payer == *asker) {
        Some(at) => at,
        None if record.rated.owner == *asker => levels.len(),
        None => return None,
    };
    let amount = |at: usize| levels.get(at).map(|level| level.amount);
    Some(Figures { cost: amount(at).unwrap_or_default(), price: at.checked_sub(1).and_then(amount) })
}

/// What rows say beside their record, each read once.
#[derive(Debug, Default)]
pub struct Names {
    accounts: HashMap<AccountId, Account>,
    books: HashMap<AccountId, Arc<PricingBook>>,
}

impl Names {
    /// Reads what some records need.
    ///
    /// # Errors
    /// Table errors.
    pub async fn learn(&mut self, app: &App, records: &[&UsageRecord]) -> Result<(), StoreError> {
        let unknown: BTreeSet<&AccountId> =
            records.iter().map(|record| &record.rated.account).filter(|id| !self.accounts.contains_key(id)).collect();
        let unknown: Vec<AccountId> = unknown.into_iter().cloned().collect();
        self.accounts.extend(app.store().accounts(&unknown).await?.into_iter().map(|account| (account.id.clone(), account)));
        let owners: BTreeSet<AccountId> =
            records.iter().map(|record| &record.rated.owner).filter(|id| !self.books.contains_key(id)).cloned().collect();
        if !owners.is_empty() {
            self.books.extend(app.store().books(&owners).await?);
        }
        Ok(())
    }

    /// The row of a record; `None` if the asker does not stand on the way of its money.
    ///
    /// # Errors
    /// [`Overflow`] of the margin.
    pub fn row(&self, record: &UsageRecord, asker: &AccountId) -> Result<Option<Row>, Overflow> {
        let Some(Figures { cost, price }) = figures(record, asker) else { return Ok(None) };
        let margin = price.map(|price| price.minus(cost)).transpose()?;
        let (rated, event) = (&record.rated, &record.event);
        let account = self.accounts.get(&rated.account);
        let meter = self.books.get(&rated.owner).and_then(|book| book.meter(&rated.meter));
        let text = |text: &dyn ToString| Cell::Text(text.to_string());
        let maybe = |value: Option<String>| value.map_or(Cell::None, Cell::Text);
        let money = |amount: Option<Micros>| amount.map_or(Cell::None, |amount| Cell::Decimal(amount.get()));
        let quantity = |quantity: Quantity| Cell::Decimal(quantity.get());
        let hour = Slot::of(Size::Hour, event.occurred_at);
        let (name, unit) = (account.map(|account| account.name.to_string()), meter.map(|meter| meter.unit.to_string()));
        let service = meter.map_or_else(|| rated.meter.to_string(), |meter| meter.name.to_string());
        let tags = account.map(|account| account.tags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        Ok(Some(vec![
            text(&event.id),
            text(&rated.account),
            maybe(name.clone()),
            maybe(account.and_then(|account| account.external_id.as_ref().map(ToString::to_string))),
            text(&rated.meter),
            maybe(unit.clone()),
            quantity(rated.contribution),
            quantity(event.quantity),
            Cell::Time(event.occurred_at),
            Cell::Time(record.received_at),
            text(&kind(record.kind)),
            maybe(record.reason.clone()),
            text(&rated.period),
            text(&record.currency),
            money(Some(cost)),
            money(price),
            money(margin),
            Cell::Json(event.properties.clone()),
            money(Some(cost)),
            money(Some(cost)),
            text(asker),
            text(&record.currency),
            Cell::Time(rated.period.start()),
            Cell::Time(rated.period.end()),
            Cell::Time(hour.start()),
            Cell::Time(hour.end()),
            text(&"Usage"),
            text(&"Usage-Based"),
            Cell::Text(format!("{service}, {}", kind(record.kind))),
            quantity(rated.contribution),
            maybe(unit),
            Cell::Text(service),
            text(&rated.meter),
            text(&rated.account),
            maybe(name),
            Cell::Json(tags.unwrap_or_default()),
        ]))
    }
}

fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Usage => "usage",
        RecordKind::Void => "void",
        RecordKind::Correction => "correction",
    }
}
