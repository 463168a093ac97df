//! Figures by meter: of the kept sums of the account itself, in which its whole subtree is.

use std::collections::BTreeMap;

use tributary_api::{Call, Problem};
use tributary_domain::money::Micros;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_insights::figures::Total;
use tributary_metering::aggregates::sums::Sums;
use tributary_store::aggregates::{Size, Slot};

use crate::scene::{Scene, corrupt};

/// What the caller's account is paid and pays by meter, in the months from one to another, both included: a query for each account whose sums
/// these are, which for the operator is every one right below it.
///
/// # Errors
/// Table errors; sums that do not read.
pub async fn by_meter(call: &Call, scene: &Scene, (from, to): (Month, Month)) -> Result<BTreeMap<MeterKey, Total>, Problem> {
    let (first, last) = (Slot::of(Size::Month, from.start()), Slot::of(Size::Month, to.start()));
    let mut meters = BTreeMap::<MeterKey, Total>::new();
    for account in scene.ledgers() {
        for stored in call.store().sums_between(&account, first, last).await?.values() {
            let sums = Sums::decode(&stored.doc).map_err(|why| corrupt(format!("the sums of {account}: {why}")))?;
            for (key, cell) in &sums.cells {
                let Some(level) = key.payers.level(&scene.home) else { continue };
                let figures = cell.figures(key, level);
                let total = meters.entry(key.meter.clone()).or_default();
                total.revenue += i128::from(figures.price.map_or(0, Micros::get));
                total.cost += i128::from(figures.cost.get());
            }
        }
    }
    Ok(meters)
}
