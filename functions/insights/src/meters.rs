//! Figures by meter: of the kept sums of the account itself, in which its whole subtree is.

use std::collections::BTreeMap;

use tributary_api::{Call, Problem};
use tributary_domain::money::Micros;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_insights::figures::Total;
use tributary_store::aggregates::{Size, Slot};

use crate::scene::Scene;

/// What the caller's account is paid and pays by meter, in the months from one to another, both included; `None` is what it pays for its own
/// usage, which it sells to nobody. A query for each account whose sums these are, which for the operator is every one right below it.
///
/// # Errors
/// `limit_reached`; table errors; sums that do not read.
pub async fn by_meter(call: &Call, scene: &Scene, (from, to): (Month, Month)) -> Result<BTreeMap<Option<MeterKey>, Total>, Problem> {
    let (first, last) = (Slot::of(Size::Month, from.start()), Slot::of(Size::Month, to.start()));
    let mut meters = BTreeMap::<Option<MeterKey>, Total>::new();
    for (account, _, sums) in scene.sums(call, first, last).await? {
        for (key, cell) in &sums.cells {
            let Some(level) = key.payers.level(&scene.home) else { continue };
            let figures = cell.figures(key, level);
            let own = key.own && account == scene.home;
            let total = meters.entry((!own).then(|| key.meter.clone())).or_default();
            total.revenue += i128::from(figures.price.map_or(0, Micros::get));
            total.cost += i128::from(figures.cost.get());
        }
    }
    Ok(meters)
}
