//! How accounts bill their sub-accounts, and how far their numbers are.

use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::account::{Account, Kind};
use tributary_domain::billing::number::Counters;
use tributary_domain::billing::profile::SellerSettings;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;

use crate::Store;
use crate::accounts::Authority;
use crate::beside::Edit;
use crate::codec::{Reader, json, put};
use crate::commit::patiently;
use crate::error::StoreError;
use crate::events::Act;
use crate::keys;
use crate::table::{Action, Cond, Item, Value, Write};

/// How an account bills, with the version of what was set; 0 if nothing was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seller {
    /// What was set.
    pub settings: SellerSettings,
    /// Raised by one each time.
    pub version: i64,
}

impl Store {
    /// How an account bills: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn seller(&self, account: &AccountId) -> Result<Seller, StoreError> {
        let key = keys::seller(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map_or_else(|| Ok(Seller::default()), |item| Reader(item).json("doc"))
    }

    /// Sets how an account bills. `change` is given what was set before.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`] if it is of another version than `expected`, [`StoreError::Conflict`] for a customer, what
    /// `change` refuses.
    pub async fn set_seller(
        &self,
        account: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        change: impl Fn(&SellerSettings) -> Result<SellerSettings, StoreError> + Send + Sync,
    ) -> Result<Seller, StoreError> {
        let edit = |item: Option<&Item>, owner: &Account| {
            if owner.kind == Kind::Customer {
                return Err(StoreError::Conflict("a customer has no sub-accounts to bill"));
            }
            let old: Seller = item.map_or_else(|| Ok(Seller::default()), |item| Reader(item).json("doc"))?;
            if expected.is_some_and(|expected| expected != old.version) {
                return Err(StoreError::Stale(old.version));
            }
            let new = Seller { settings: change(&old.settings)?, version: old.version + 1 };
            let mut item = Item::new();
            put(&mut item, "doc", json(&new)?);
            put(&mut item, "ver", Value::N(new.version));
            let write = Write { key: keys::seller(account), action: Action::Put(item), cond: Some(as_read(old.version)) };
            let detail = detail!({ "seller_id": account, "version": new.version });
            Ok(Edit { answer: new, kind: RecordKind::BillingChanged, detail, write })
        };
        Ok(self.edit_beside((account, keys::seller(account)), authority, act, None, edit).await?.into_inner())
    }

    /// How far a seller's numbers are: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn counters(&self, seller: &AccountId) -> Result<Counters, StoreError> {
        let key = keys::counters(seller);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        let Some(item) = item else { return Ok(Counters::default()) };
        let number = |name: &str| Reader(&item).number(name).map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Counters { invoices: number("inv")?, credit_notes: number("crn")? })
    }
}

fn as_read(version: i64) -> Cond {
    if version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(version)) }
}

/// Takes numbers: the counters only as they were read.
pub(crate) fn counters_write(seller: &AccountId, read: Counters, taken: Counters) -> Write {
    let number = |number: u64| Value::N(i64::try_from(number).unwrap_or(i64::MAX));
    let mut item = Item::new();
    put(&mut item, "inv", number(taken.invoices));
    put(&mut item, "crn", number(taken.credit_notes));
    let fresh = Cond::NotExists;
    let same = Cond::All(vec![Cond::Eq("inv", number(read.invoices)), Cond::Eq("crn", number(read.credit_notes))]);
    let cond = if read == Counters::default() { fresh } else { same };
    Write { key: keys::counters(seller), action: Action::Put(item), cond: Some(cond) }
}
