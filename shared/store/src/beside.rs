//! A document beside an account, changed in one transaction with its audit record: how it tops itself up, its alerts.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tributary_domain::account::{Account, Status};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::commit::{Part, Tx, patiently};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::table::{Item, Key, Write};

/// A change of a document beside an account.
pub(crate) struct Edit<T> {
    /// The answer.
    pub answer: T,
    /// The record's kind.
    pub kind: RecordKind,
    /// The record's detail.
    pub detail: Json,
    /// The document's write, only as it was read.
    pub write: Write,
}

impl Store {
    /// Changes a document beside an account, with its audit record and the record of an idempotency key if there is one.
    /// `change` is given the document's item and says what becomes of it; it is called again if another writer came first.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::AccountState`] of a closed account, [`StoreError::KeyReused`], what `change` refuses.
    pub(crate) async fn edit_beside<T: Serialize + DeserializeOwned>(
        &self,
        (account, key): (&AccountId, Key),
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        change: impl Fn(Option<&Item>, &Account) -> Result<Edit<T>, StoreError> + Send + Sync,
    ) -> Result<Outcome<T>, StoreError> {
        self.edit_beside_any((account, key), authority, act, scope, false, change).await
    }

    /// The same, also beside a closed account if `closed` says so.
    pub(crate) async fn edit_beside_any<T: Serialize + DeserializeOwned>(
        &self,
        (account, key): (&AccountId, Key),
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        closed: bool,
        change: impl Fn(Option<&Item>, &Account) -> Result<Edit<T>, StoreError> + Send + Sync,
    ) -> Result<Outcome<T>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let owner = match self.account_to_change(account, authority, resolve).await {
                Ok(owner) => owner,
                // To a key that lacks the right, only what the same key did is answered again.
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            if let Some(first) = self.replayed(scope).await? {
                return Ok(first);
            }
            if owner.status == Status::Closed && !closed {
                return Err(StoreError::AccountState("closed"));
            }
            let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
            let edit = match change(item.as_ref(), &owner) {
                Ok(edit) => edit,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            let mut tx = Tx::default();
            push_record(&mut tx, scope, &edit.answer, act)?;
            push_event(&mut tx, guard_without(scope), act, account, edit.kind, &edit.detail)?;
            tx.push(Part::Setting, edit.write);
            let checks = place_checks_of_own(&owner, authority.home);
            gates::push_checks(&mut tx, &checks, account.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(edit.answer)),
                Err(refused) => refused,
            };
            if let Some(done) = if_done(scope, &refused, &act.event, async { Ok(edit.answer) }).await? {
                return Ok(done);
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }
}
