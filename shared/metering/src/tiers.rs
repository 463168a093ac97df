//! The volume tier that stands in a reseller's account. Usage writes it when it changes; a month without usage changes it too,
//! and then nothing but this does.

use tributary_api::App;
use tributary_domain::account::Kind;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::LedgerId;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::state::UsageState;
use tributary_domain::pricing::tier::{NO_TIER, TierTable};
use tributary_store::error::StoreError;

/// The name of the tier that the totals give in a month.
pub fn tier_name(table: &TierTable, state: Option<&UsageState>, month: Month) -> String {
    let volume = |month| state.map(|state| state.volume(month)).unwrap_or_default();
    table.tier_of(volume(month), volume(month.prev())).name().to_owned()
}

/// Brings the tier in an account up to date, and says whether it was another. Safe to repeat; an account that has usage at this
/// moment is left to it.
///
/// # Errors
/// Table errors.
pub async fn bring_up_to_date(app: &App, id: &AccountId) -> Result<bool, StoreError> {
    let account = app.store().account(id).await?;
    let head = app.store().head(&LedgerId::Account(id.clone())).await?;
    let states = app.store().usage_states([&head]).await?;
    let chain = app.store().chain_at(id, head.kind, &head.lineage, head.currency).await?;
    let table = chain.accounts().get(1).and_then(|seller| seller.book.tiers_given(seller.kind)).filter(|_| account.kind == Kind::Reseller);
    let name = table.map_or(NO_TIER.to_owned(), |table| tier_name(table, states.get(id).map(AsRef::as_ref), Month::of(app.now())));
    if name == account.tier {
        return Ok(false);
    }
    app.store().set_tier(id, &head, &account.tier, &name).await
}
