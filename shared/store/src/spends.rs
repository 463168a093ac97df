//! Money that an account spent on being found, by month and channel. Nothing of it is ever changed: what is removed is countered
//! by a record of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, SpendId};
use tributary_domain::money::{Amount, Currency};
use tributary_domain::pricing::month::Month;
use tributary_domain::text::TagValue;

use crate::Store;
use crate::accounts::Authority;
use crate::beside::Edit;
use crate::codec::{Reader, json, put};
use crate::commit::patiently;
use crate::error::{Denied, StoreError};
use crate::events::Act;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Index, Item, Key, Position, Query, SK, SortRange, Write, s};

/// What the sort key of a counter-record has behind that of what it counters.
const REMOVED: &str = "#removed";
/// The most records that are added up at once.
pub const MOST_SPENDS: usize = 10_000;

/// Money that was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Its id.
    pub id: SpendId,
    /// Where it was spent, as the tag `channel` of accounts says.
    pub channel: TagValue,
    /// On what, as the tag `campaign` of accounts says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<TagValue>,
    /// In which month.
    pub month: Month,
    /// How much.
    pub amount: Amount,
    /// In which currency: the account's.
    pub currency: Currency,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it was removed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl Store {
    /// Writes spending down, with its audit record and that of an idempotency key if there is one. `new` is given the account's currency.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::AccountState`] of a closed account, [`StoreError::KeyReused`].
    pub async fn record_spend(
        &self,
        account: &AccountId,
        (authority, act, scope): (Authority<'_>, &Act, Option<&Scope>),
        id: &SpendId,
        new: impl Fn(Currency) -> Spend + Send + Sync,
    ) -> Result<Outcome<Spend>, StoreError> {
        let edit = |_: Option<&Item>, owner: &tributary_domain::account::Account| {
            let spend = new(owner.currency);
            let write = Write::create(keys::spend(account, id), item_of(account, &spend, "")?);
            Ok(Edit { answer: spend, kind: RecordKind::SpendRecorded, detail: detail!({ "spend_id": id }), write })
        };
        self.edit_beside((account, keys::spend(account, id)), authority, act, scope, edit).await
    }

    /// Counters what was written down, once.
    ///
    /// # Errors
    /// [`Denied::Absent`]; [`StoreError::Conflict`] if it was removed before; those of [`Store::record_spend`].
    pub async fn remove_spend(
        &self,
        account: &AccountId,
        (authority, act): (Authority<'_>, &Act),
        id: &SpendId,
    ) -> Result<Spend, StoreError> {
        let key = keys::spend(account, id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        let spend: Spend = Reader(&item.ok_or(Denied::Absent)?).json("doc")?;
        let counter = Key::new(key.pk, format!("{}{REMOVED}", key.sk));
        let edit = |there: Option<&Item>, _: &tributary_domain::account::Account| {
            if there.is_some() {
                return Err(StoreError::Conflict("the spending was removed before"));
            }
            let removed = Spend { removed_at: Some(act.now), ..spend.clone() };
            let write = Write::create(counter.clone(), item_of(account, &removed, REMOVED)?);
            Ok(Edit { answer: removed, kind: RecordKind::SpendRemoved, detail: detail!({ "spend_id": id }), write })
        };
        Ok(self.edit_beside((account, counter.clone()), authority, act, None, edit).await?.into_inner())
    }

    /// What an account spent in the months from one to another, both included, the earliest month first; through an index, which only shows.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn spends(
        &self,
        account: &AccountId,
        (from, to): (Month, Month),
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Spend>, Option<Position>), StoreError> {
        let range = SortRange::Between(from.to_string(), format!("{to}~"));
        let mut query = Query::index(Index::Gsi1, keys::spend_index(account), range).limit(2 * limit + 1).after(start);
        let (mut found, mut last): (Vec<Spend>, Option<Position>) = (Vec::new(), None);
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                let spend: Spend = Reader(item).json("doc")?;
                // A counter-record stands right behind what it counters.
                if Reader(item).text(SK)?.ends_with(REMOVED) {
                    found.last_mut().filter(|own| own.id == spend.id).into_iter().for_each(|own| own.removed_at = spend.removed_at);
                } else if found.len() == limit {
                    return Ok((found, last));
                } else {
                    found.push(spend);
                }
                last = Position::of(item, Some(Index::Gsi1));
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok((found, None)),
            }
        }
    }

    /// The same in whole, without what was removed.
    ///
    /// # Errors
    /// [`StoreError::Limit`] over [`MOST_SPENDS`]; those of [`Store::spends`].
    pub async fn every_spend(&self, account: &AccountId, months: (Month, Month)) -> Result<Vec<Spend>, StoreError> {
        let (spends, more) = self.spends(account, months, None, MOST_SPENDS).await?;
        if more.is_some() {
            return Err(StoreError::Limit { what: "records of spending at once", limit: i64::try_from(MOST_SPENDS).unwrap_or(i64::MAX) });
        }
        Ok(spends.into_iter().filter(|spend| spend.removed_at.is_none()).collect())
    }
}

fn item_of(account: &AccountId, spend: &Spend, behind: &str) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(spend)?);
    put(&mut item, "gsi1pk", s(keys::spend_index(account)));
    put(&mut item, "gsi1sk", s(format!("{}#{}{behind}", spend.month, spend.id)));
    Ok(item)
}
