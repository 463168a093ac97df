//! Webhook endpoints: one document for each account, read whole and written under its version.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use tributary_domain::account::{Account, Kind, Status};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, WebhookId};
use tributary_domain::webhook::{Disabled, DisabledReason, Endpoint, Endpoints};

use crate::Store;
use crate::account_items;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::codec::{Reader, json as json_value, put, time};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::keys;
use crate::table::{Action, Cond, Item, Key, TableError, Value, Write};

/// What an edit of endpoints is recorded as, and the answer to the request.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointsEdit<T> {
    /// The answer.
    pub answer: T,
    /// What the event says.
    pub kind: RecordKind,
    /// The event's detail.
    pub detail: Json,
}

/// Everybody whose endpoints hear of what happens to an account.
#[derive(Debug, Clone)]
pub struct Listeners {
    /// The accounts from the root down to the account itself, which is the last.
    pub path: Vec<Account>,
    /// The endpoints of each of them that has some.
    pub endpoints: BTreeMap<AccountId, Endpoints>,
}

impl Listeners {
    /// The account itself.
    pub fn account(&self) -> Option<&Account> {
        self.path.last()
    }

    /// The endpoints that are sent events of this type, with whose they are. With `operator_only`, none but the operator's.
    pub fn of(&self, event_type: &str, operator_only: bool) -> Vec<(&AccountId, &Endpoint)> {
        let own = self.account().map(|account| &account.id);
        let heard = |account: &&Account| !operator_only || account.kind == Kind::Operator;
        let of = |account: &Account| self.endpoints.get_key_value(&account.id).map(|(id, all)| (id, &all.all));
        let all = self.path.iter().filter(heard).filter_map(of);
        all.flat_map(|(id, all)| all.iter().filter(move |one| one.takes(event_type, Some(id) == own)).map(move |one| (id, one))).collect()
    }
}

impl Store {
    /// An account's endpoints, strongly consistent: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn endpoints(&self, account: &AccountId) -> Result<Endpoints, StoreError> {
        let key = keys::endpoints(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map_or_else(|| Ok(Endpoints::default()), decode)
    }

    /// Who hears of what happens to an account, where it stands now: two reads, more while an ancestor is being moved. `None` if there is no such
    /// account.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn listeners(&self, id: &AccountId) -> Result<Option<Listeners>, StoreError> {
        let account = match self.account(id).await {
            Ok(account) => account,
            Err(StoreError::Denied(Denied::Absent)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = self.listeners_above(account.clone()).await?;
        let own_place =
            |(step, stored): (&tributary_domain::lineage::Step, &Account)| step.id == stored.id && step.generation == stored.generation;
        // What happens to an account is told to nobody whom it was moved away from.
        if found.path.len() == account.lineage.depth() + 1 && account.lineage.steps().iter().zip(&found.path).all(own_place) {
            return Ok(Some(found));
        }
        let lineage = self.resolved_lineage(&account.lineage).await?;
        self.listeners_above(Account { lineage, ..account }).await.map(Some)
    }

    async fn listeners_above(&self, account: Account) -> Result<Listeners, StoreError> {
        let above: Vec<AccountId> = account.lineage.ids().cloned().collect();
        let mut wanted: Vec<Key> = above.iter().map(keys::account).collect();
        wanted.extend(above.iter().chain([&account.id]).map(keys::endpoints));
        let mut items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
        let documents = items.split_off(above.len());
        let mut path = items.iter().flatten().map(account_items::decode).collect::<Result<Vec<_>, _>>()?;
        let mut endpoints = BTreeMap::new();
        for (id, item) in above.iter().chain([&account.id]).zip(documents) {
            if let Some(item) = item {
                endpoints.insert(id.clone(), decode(&item)?);
            }
        }
        path.push(account);
        Ok(Listeners { path, endpoints })
    }

    /// Changes an account's endpoints in one transaction with its event, and the record of an idempotency key if there is one. `change` is called
    /// with the endpoints as read, and again if another writer came first.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::AccountState`] of a closed account, [`StoreError::KeyReused`]; what `change` refuses.
    pub async fn edit_endpoints<T: Serialize + DeserializeOwned + Clone>(
        &self,
        account: &AccountId,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        mut change: impl FnMut(&mut Endpoints) -> Result<EndpointsEdit<T>, StoreError>,
    ) -> Result<Outcome<T>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let owner = self.account_to_change(account, authority, resolve).await?;
            if owner.status == Status::Closed {
                return Err(StoreError::AccountState("closed"));
            }
            let mut endpoints = self.endpoints(account).await?;
            let edit = match change(&mut endpoints) {
                Ok(edit) => edit,
                // What is in the way may be what this very request did the first time.
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            let mut tx = Tx::default();
            push_record(&mut tx, scope, &edit.answer, act)?;
            push_event(&mut tx, guard_without(scope), act, account, edit.kind, &edit.detail)?;
            tx.push(Part::Plain, write(account, &endpoints)?);
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

    /// Records something about an endpoint that changes nothing of it, such as that a test was asked for.
    ///
    /// # Errors
    /// Table errors.
    pub async fn note_endpoint(&self, account: &AccountId, kind: RecordKind, detail: &Json, act: &Act) -> Result<(), StoreError> {
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, account, kind, detail)?;
        // A refused guard is this very record, made by an attempt that was not answered.
        tx.commit(&*self.table, &self.patience).await?.or(Ok(()))
    }

    /// Switches an endpoint off, with its event, once; `false` if it is gone, off, or was changed since `seen`.
    ///
    /// # Errors
    /// Table errors.
    pub async fn disable_endpoint(
        &self,
        account: &AccountId,
        seen: &Endpoint,
        reason: DisabledReason,
        act: &Act,
    ) -> Result<bool, StoreError> {
        for _ in 0..REPLANS {
            let mut endpoints = self.endpoints(account).await?;
            let Some(endpoint) = endpoints.get_mut(&seen.id).filter(|now| now.disabled.is_none() && now.version == seen.version) else {
                return Ok(false);
            };
            endpoint.disabled = Some(Disabled { reason, at: act.now });
            (endpoint.version, endpoint.updated_at) = (endpoint.version + 1, act.now);
            let detail = json!({ "webhook_id": endpoint.id, "url": endpoint.url, "reason": reason });
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account, RecordKind::WebhookDisabled, &detail)?;
            tx.push(Part::Plain, write(account, &endpoints)?);
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(true),
                Err(refused) if refused.guard().is_some() => return Ok(true),
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// Since when each of these endpoints has only failed; those that have not are left out. One read for up to a hundred.
    ///
    /// # Errors
    /// Table errors.
    pub async fn failing<'a>(&self, ids: impl IntoIterator<Item = &'a WebhookId>) -> Result<BTreeMap<WebhookId, Timestamp>, StoreError> {
        let ids: Vec<&WebhookId> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut failing = BTreeMap::new();
        for chunk in ids.chunks(crate::table::MAX_BATCH_GET) {
            let wanted: Vec<Key> = chunk.iter().map(|id| keys::failing(id)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
            for (id, item) in chunk.iter().zip(items) {
                if let Some(item) = item {
                    failing.insert((*id).clone(), Reader(&item).time("since")?);
                }
            }
        }
        Ok(failing)
    }

    /// Notes that an endpoint failed at `at`, if it had not failed before. Returns since when it has only failed.
    ///
    /// # Errors
    /// Table errors.
    pub async fn note_failure(&self, id: &WebhookId, at: Timestamp) -> Result<Timestamp, StoreError> {
        let mut item = Item::new();
        put(&mut item, "since", time(at));
        let write = Write::create(keys::failing(id), item);
        let noted = patiently(&self.patience, async || match self.table.write(&write).await {
            Ok(_) => Ok(None),
            Err(TableError::Condition(earlier)) => Ok(earlier),
            Err(error) => Err(error),
        });
        noted.await?.map_or(Ok(at), |earlier| Reader(&earlier).time("since"))
    }

    /// Notes that an endpoint took something.
    ///
    /// # Errors
    /// Table errors.
    pub async fn note_success(&self, id: &WebhookId) -> Result<(), StoreError> {
        let write = Write { key: keys::failing(id), action: Action::Delete, cond: None };
        patiently(&self.patience, || self.table.write(&write)).await?;
        Ok(())
    }
}

fn decode(item: &Item) -> Result<Endpoints, StoreError> {
    let reader = Reader(item);
    Ok(Endpoints { version: reader.number("ver")?, ..reader.json("doc")? })
}

/// The write of endpoints that were read under their version.
fn write(account: &AccountId, endpoints: &Endpoints) -> Result<Write, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json_value(endpoints)?);
    put(&mut item, "ver", Value::N(endpoints.version + 1));
    let as_read = if endpoints.version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(endpoints.version)) };
    Ok(Write { key: keys::endpoints(account), action: Action::Put(item), cond: Some(as_read) })
}
