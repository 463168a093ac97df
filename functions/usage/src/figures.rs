//! Figures at the caller's level: what the caller's account pays for usage, and what its direct sub-accounts pay it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{App, Code, Problem};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::money::{Currency, Micros, Overflow};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::number::Quantity;
use tributary_metering::aggregates::sums::{Cell, CellKey, Figures};

/// Whose level is shown, and of whose usage.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The caller's account.
    pub caller: &'a AccountId,
    /// The account asked for.
    pub account: &'a Account,
    /// With everything below it.
    pub subtree: bool,
}

impl View<'_> {
    /// Whether the caller sells any of it. Of its own usage it has no price, and customers sell nothing.
    pub fn resells(&self) -> bool {
        self.account.id != *self.caller || (self.subtree && self.account.kind != Kind::Customer)
    }
}

/// Sums of the same period, account, meter and so on, as far as they are kept apart.
#[derive(Debug, Clone, Default)]
pub struct Total {
    quantity: Quantity,
    /// Events.
    pub events: i64,
    /// What the caller pays.
    pub cost: Micros,
    /// What the caller is paid; `None` where it sells nothing.
    pub price: Option<Micros>,
    meters: BTreeSet<(AccountId, MeterKey)>,
}

impl Total {
    /// Nothing yet; with `resells` the price is zero rather than none.
    pub fn empty(resells: bool) -> Self {
        Self { price: resells.then_some(Micros::ZERO), ..Self::default() }
    }

    /// Adds a cell; nothing if the caller does not stand on the way of its money.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add(&mut self, caller: &AccountId, key: &CellKey, cell: &Cell) -> Result<(), Overflow> {
        let Some(level) = key.payers.level(caller) else { return Ok(()) };
        let Figures { cost, price } = cell.figures(key, level);
        self.quantity = self.quantity.plus(cell.quantity).map_err(|_| Overflow)?;
        self.events = self.events.checked_add(cell.events).ok_or(Overflow)?;
        self.cost = self.cost.plus(cost)?;
        if let Some(price) = price {
            self.price = Some(self.price.unwrap_or_default().plus(price)?);
        }
        self.meters.insert((key.payers.owner.clone(), key.meter.clone()));
        Ok(())
    }

    /// The owners of the meters that were added.
    pub fn owners(&self) -> impl Iterator<Item = &AccountId> {
        self.meters.iter().map(|(owner, _)| owner)
    }

    /// The quantity, whatever its meters.
    pub fn raw_quantity(&self) -> Quantity {
        self.quantity
    }

    /// Price less cost.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn margin(&self) -> Result<Option<Micros>, Overflow> {
        self.price.map(|price| price.minus(self.cost)).transpose()
    }

    /// The quantity with its unit; none if meters of several units were added up.
    pub fn quantity(&self, units: &Units) -> (Option<Quantity>, Option<String>) {
        let found: BTreeSet<Option<&String>> = self.meters.iter().map(|meter| units.0.get(meter)).collect();
        match (found.len(), found.first()) {
            (0, _) => (Some(Quantity::ZERO), None),
            (1, Some(unit)) => (Some(self.quantity), unit.cloned()),
            _ => (None, None),
        }
    }

    /// The money, as it is shown.
    ///
    /// # Errors
    /// `balance_out_of_range`.
    pub fn money(&self, currency: Currency) -> Result<MoneyView, Problem> {
        Ok(MoneyView { currency, events: self.events, cost: self.cost, price: self.price, margin: self.margin().map_err(too_large)? })
    }
}

/// Sums that leave their range.
pub fn too_large(_: Overflow) -> Problem {
    Problem::new(Code::BalanceOutOfRange, "The sums are too large to show; ask for a shorter time or a smaller subtree.")
}

/// What the caller pays and is paid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageMoney))]
pub struct MoneyView {
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// How many events; a void takes one away.
    pub events: i64,
    /// What your account pays for it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub cost: Micros,
    /// What your direct sub-accounts pay you for it; null for your own usage.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub price: Option<Micros>,
    /// Price less cost.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub margin: Option<Micros>,
}

/// The units of meters, by owner and key.
#[derive(Debug, Clone, Default)]
pub struct Units(BTreeMap<(AccountId, MeterKey), String>);

impl Units {
    /// Those of the meters of some owners: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn of(app: &App, owners: BTreeSet<AccountId>) -> Result<Self, Problem> {
        if owners.is_empty() {
            return Ok(Self::default());
        }
        let mut units = BTreeMap::new();
        for (owner, book) in app.store().books(&owners).await? {
            units.extend(book.meters.iter().map(|meter| ((owner.clone(), meter.key.clone()), meter.unit.to_string())));
        }
        Ok(Self(units))
    }

    /// The unit of a meter; none if its owner has it no more.
    pub fn get(&self, owner: &AccountId, meter: &MeterKey) -> Option<&String> {
        self.0.get(&(owner.clone(), meter.clone()))
    }
}
