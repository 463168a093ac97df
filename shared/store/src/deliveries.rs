//! Deliveries: one item for each event and target, made once, with the lease of whoever tries it.

use jiff::Timestamp;
use tributary_domain::delivery::{Delivery, DeliveryState, KEPT_DAYS, Target};
use tributary_domain::event::Record;
use tributary_domain::id::{AccountId, EventId, WebhookId};

use crate::Store;
use crate::codec::{Reader, json, put, time};
use crate::commit::patiently;
use crate::error::StoreError;
use crate::events;
use crate::holds::due_position;
use crate::keys;
use crate::table::{Action, Cond, Index, Item, Key, Position, Query, SortRange, TableError, Value, Write, s};

/// A delivery as it is kept: with the event that is sent, as JSON, and the mark of the last lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// How far it is.
    pub delivery: Delivery,
    /// What is sent.
    pub body: String,
    /// Who has, or had, the lease; empty if nobody ever.
    pub lease: String,
}

/// Whether a delivery was new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It was made now.
    Now(Kept),
    /// It was there.
    Before(Kept),
}

impl Store {
    /// Makes a delivery, if it was not made before. A repetition of an attempt that was not answered is told by its lease.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn open_delivery(&self, kept: Kept) -> Result<Opened, StoreError> {
        let write = Write::create(key(&kept.delivery), encode(&kept)?);
        let opened = patiently(&self.patience, async || match self.table.write(&write).await {
            Ok(_) => Ok(None),
            Err(TableError::Condition(Some(item))) => Ok(Some(item)),
            Err(error) => Err(error),
        });
        match opened.await? {
            None => Ok(Opened::Now(kept)),
            Some(item) => {
                let before = decode(&item)?;
                let own = !kept.lease.is_empty() && before.lease == kept.lease;
                Ok(if own { Opened::Now(kept) } else { Opened::Before(before) })
            }
        }
    }

    /// Keeps `new` in place of `old`, if that is still what is kept; `None` if somebody else came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_delivery(&self, old: &Kept, new: Kept) -> Result<Option<Kept>, StoreError> {
        let due = old.delivery.due.map_or(Cond::Lacks("due"), |due| Cond::Eq("due", time(due)));
        let as_read = Cond::All(vec![Cond::Eq("lease", s(&old.lease)), Cond::Eq("tries", Value::N(old.delivery.tries.into())), due]);
        let item = encode(&new)?;
        let write = Write { key: key(&new.delivery), action: Action::Put(item.clone()), cond: Some(as_read) };
        let mine = |stored: &Item| item.iter().all(|(name, value)| stored.get(name) == Some(value));
        let kept = patiently(&self.patience, async || match self.table.write(&write).await {
            Ok(_) => Ok(true),
            // An attempt that was not answered may have been the one that came first.
            Err(TableError::Condition(stored)) => Ok(stored.is_some_and(|stored| mine(&stored))),
            Err(error) => Err(error),
        });
        Ok(kept.await?.then_some(new))
    }

    /// A delivery; `None` if there is none.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn delivery(&self, target: &Target, event: &EventId) -> Result<Option<Kept>, StoreError> {
        let key = keys::delivery(target, event);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map(decode).transpose()
    }

    /// What is due at `now`, the longest due first, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn deliveries_due(
        &self,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Kept>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::DELIVERIES_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        // One that does not read must not keep the others from being tried.
        Ok((page.items.iter().filter_map(|item| decode(item).ok()).collect(), page.next))
    }

    /// An endpoint's deliveries of the events of a time, the newest first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn endpoint_deliveries(
        &self,
        webhook: &WebhookId,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Kept>, Option<Position>), StoreError> {
        let first = from.map_or_else(|| EventId::PREFIX.to_owned(), |from| first_event_at(from).to_string());
        let last = to.map_or_else(|| format!("{}~", EventId::PREFIX), |to| first_event_at(to).to_string());
        let query = Query::table(keys::deliveries(webhook), SortRange::Between(first, last)).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// The audit record of an event; `None` if it has none: a movement of credit.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn record(&self, id: &EventId) -> Result<Option<Record>, StoreError> {
        let key = keys::event(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map(events::decode).transpose()
    }

    /// Notes that an address wants no more mail under an account's brand.
    ///
    /// # Errors
    /// Table errors.
    pub async fn unsubscribe(&self, brand: &AccountId, digest: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut item = Item::new();
        put(&mut item, "at", time(at));
        let write = Write::put(keys::unsubscribed(brand, digest), item);
        patiently(&self.patience, || self.table.write(&write)).await?;
        Ok(())
    }

    /// Whether an address wants no more mail under an account's brand: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn is_unsubscribed(&self, brand: &AccountId, digest: &str) -> Result<bool, StoreError> {
        let key = keys::unsubscribed(brand, digest);
        Ok(patiently(&self.patience, || self.table.get(&key, true)).await?.is_some())
    }
}

/// The smallest id of an event at a time.
fn first_event_at(at: Timestamp) -> EventId {
    let ms = u128::try_from(at.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
    EventId::from_number(ms << 80)
}

fn key(delivery: &Delivery) -> Key {
    keys::delivery(&delivery.target, &delivery.event_id)
}

fn encode(kept: &Kept) -> Result<Item, StoreError> {
    let delivery = &kept.delivery;
    let mut item = Item::new();
    put(&mut item, "doc", json(delivery)?);
    put(&mut item, "body", s(&kept.body));
    put(&mut item, "lease", s(&kept.lease));
    put(&mut item, "tries", Value::N(delivery.tries.into()));
    put(&mut item, "st", s(delivery.state.word()));
    put(&mut item, "ttl", Value::N(delivery.created_at.as_second() + KEPT_DAYS * 86_400));
    if let Some(due) = delivery.due.filter(|_| delivery.state == DeliveryState::Pending) {
        let Key { pk, sk } = key(delivery);
        put(&mut item, "due", time(due));
        put(&mut item, "gsi2pk", s(keys::DELIVERIES_DUE_INDEX));
        put(&mut item, "gsi2sk", s(due_position(due, &format!("{pk}#{sk}"))));
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Kept, StoreError> {
    let reader = Reader(item);
    Ok(Kept { delivery: reader.json("doc")?, body: reader.text("body")?.to_owned(), lease: reader.text("lease")?.to_owned() })
}
