//! What people change of an account's billing: its profile, and the charges that wait.

use tributary_domain::account::{Account, Status};
use tributary_domain::billing::bill::Billing;
use tributary_domain::billing::charge::{Charge, ChargeKind};
use tributary_domain::billing::profile::{Profile, SellerSettings};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ChargeId};

use crate::Store;
use crate::accounts::Authority;
use crate::beside::Edit;
use crate::billing::{decode, replace};
use crate::error::{Denied, StoreError};
use crate::events::Act;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::Item;

use serde_json::json as detail;

const NOT_BEGUN: StoreError = StoreError::Conflict("the account is billed by nobody");

impl Store {
    /// Sets what differs for an account. `change` is given what was set before and the account.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`] if its billing is of another version than `expected`, [`StoreError::Conflict`] for the
    /// operator's account, [`StoreError::AccountState`] of a closed one, what `change` refuses.
    pub async fn set_profile(
        &self,
        account: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        change: impl Fn(&Profile, &Account) -> Result<Profile, StoreError> + Send + Sync,
    ) -> Result<Billing, StoreError> {
        let seller = self.seller_to_bill(account, authority).await?;
        let edit = |item: Option<&Item>, owner: &Account| {
            let old = read(item)?;
            if expected.is_some_and(|expected| expected != old.version) {
                return Err(StoreError::Stale(old.version));
            }
            let profile = change(&old.profile, owner)?;
            let terms = profile.terms(&seller, owner);
            let mut new = old.clone();
            new.set_profile(profile, &terms.cycle, act.now);
            let detail = detail!({ "seller_id": new.newest_seller(), "version": new.version });
            let write = replace(&new, old.version, terms.grace_hours)?;
            Ok(Edit { answer: new, kind: RecordKind::BillingChanged, detail, write })
        };
        Ok(self.edit_beside((account, keys::billing(account)), authority, act, None, edit).await?.into_inner())
    }

    /// Puts a charge to those that wait for an account's next invoice. `make` is given its billing and the account.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Conflict`] for the operator's account, [`StoreError::AccountState`] of a closed one,
    /// [`StoreError::Pricing`] of too many charges, [`StoreError::KeyReused`], what `make` refuses.
    pub async fn add_charge(
        &self,
        account: &AccountId,
        authority: Authority<'_>,
        act: &Act,
        scope: &Scope,
        make: impl Fn(&Billing, &Account) -> Result<Charge, StoreError> + Send + Sync,
    ) -> Result<Outcome<Charge>, StoreError> {
        let seller = match self.seller_to_bill(account, authority).await {
            Ok(seller) => seller,
            Err(refusal) => return self.unless_done(scope, refusal).await,
        };
        let edit = |item: Option<&Item>, owner: &Account| {
            let old = read(item)?;
            let charge = make(&old, owner)?;
            let mut new = old.clone();
            new.charge(charge.clone())?;
            let detail = detail!({ "charge_id": charge.id, "amount": charge.amount, "text": charge.text });
            let write = replace(&new, old.version, new.profile.terms(&seller, owner).grace_hours)?;
            Ok(Edit { answer: charge, kind: RecordKind::ChargeAdded, detail, write })
        };
        self.edit_beside((account, keys::billing(account)), authority, act, Some(scope), edit).await
    }

    /// Takes a charge back that an account's seller added, and that is on no invoice yet; of a closed account, what its last invoice came to below zero.
    ///
    /// # Errors
    /// [`StoreError::Denied`], also [`Denied::Absent`] for a charge that waits no more or is another seller's; [`StoreError::Conflict`] for one that
    /// is not the seller's to take back.
    pub async fn remove_charge(
        &self,
        account: &AccountId,
        id: &ChargeId,
        authority: Authority<'_>,
        act: &Act,
    ) -> Result<Charge, StoreError> {
        let seller = self.seller_to_bill(account, authority).await?;
        let edit = |item: Option<&Item>, owner: &Account| {
            let old = read(item)?;
            let of_now = |charge: &&Charge| charge.id == *id && Some(&charge.seller_id) == owner.lineage.parent();
            let charge = old.charges.iter().find(of_now).cloned().ok_or(Denied::Absent)?;
            match charge.kind {
                ChargeKind::Adjustment if owner.status != Status::Closed => {}
                ChargeKind::Adjustment => return Err(StoreError::AccountState("closed")),
                ChargeKind::Purchase => return Err(StoreError::Conflict("what was bought is taken back by reversing the purchase")),
                // Of a closed account there is no other invoice: its seller gave it back outside.
                ChargeKind::CarriedForward if old.ended => {}
                ChargeKind::CarriedForward => return Err(StoreError::Conflict("what an invoice carried forward stays")),
            }
            let mut new = old.clone();
            new.charges.retain(|charge| charge.id != *id);
            new.version = old.version.saturating_add(1);
            let write = replace(&new, old.version, new.profile.terms(&seller, owner).grace_hours)?;
            Ok(Edit { answer: charge, kind: RecordKind::ChargeRemoved, detail: detail!({ "charge_id": id }), write })
        };
        Ok(self.edit_beside_any((account, keys::billing(account)), authority, act, None, true, edit).await?.into_inner())
    }

    /// How the seller of an account bills, once the account's billing has begun.
    async fn seller_to_bill(&self, account: &AccountId, authority: Authority<'_>) -> Result<SellerSettings, StoreError> {
        let owner = self.account_for(account, authority).await?;
        let billing = self.begin_billing(&owner).await?;
        Ok(self.seller(&billing.seller_id).await?.settings)
    }
}

fn read(item: Option<&Item>) -> Result<Billing, StoreError> {
    item.map_or(Err(NOT_BEGUN), decode)
}
