//! Forecasts as they are kept between two days, and how far the day's run is. They follow from the sums of usage: what is lost
//! is made again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_domain::id::AccountId;

use crate::Store;
use crate::aggregates::Kept;
use crate::codec::{Reader, json, put};
use crate::commit::patiently;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Action, Cond, Item, MAX_BATCH_GET, TableError, Value, Write};

impl Store {
    /// An account's forecasts of these names, in their order; none where there is none, or none that this program can read. One
    /// read for up to a hundred.
    ///
    /// # Errors
    /// Table errors.
    pub async fn forecasts<T: DeserializeOwned>(&self, account: &AccountId, names: &[String]) -> Result<Vec<Option<T>>, StoreError> {
        let mut found = Vec::with_capacity(names.len());
        for chunk in names.chunks(MAX_BATCH_GET) {
            let keys: Vec<_> = chunk.iter().map(|name| keys::forecast(account, name)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&keys)).await?;
            // One in an older form is as good as none: it is made again.
            found.extend(items.into_iter().map(|item| item.and_then(|item| Reader(&item).json("doc").ok())));
        }
        Ok(found)
    }

    /// Keeps a forecast in the place of the one before.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_forecast<T: Serialize>(&self, account: &AccountId, name: &str, forecast: &T) -> Result<(), StoreError> {
        let mut item = Item::new();
        put(&mut item, "doc", json(forecast)?);
        let write = Write { key: keys::forecast(account, name), action: Action::Put(item), cond: None };
        patiently(&self.patience, || self.table.write(&write)).await?;
        Ok(())
    }

    /// When the usage of each account was last summed up; an account that never had any is left out, and one of which that does
    /// not read counts as summed up at the end of time: whoever goes on with it meets what is wrong. One read for up to a hundred.
    ///
    /// # Errors
    /// Table errors.
    pub async fn summed_up_at(&self, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Timestamp>, StoreError> {
        let mut found = BTreeMap::new();
        for chunk in accounts.chunks(MAX_BATCH_GET) {
            let keys: Vec<_> = chunk.iter().map(keys::summed_up_to).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&keys)).await?;
            for (account, item) in chunk.iter().zip(items) {
                if let Some(item) = item {
                    found.insert(account.clone(), Reader(&item).time("at").unwrap_or(Timestamp::MAX));
                }
            }
        }
        Ok(found)
    }

    /// How far the run over all accounts is, if that reads, with its version; 0 before the first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn forecast_pass<T: DeserializeOwned>(&self) -> Result<(i64, Option<T>), StoreError> {
        let key = keys::forecast_pass();
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok((0, None)) };
        Ok((Reader(&item).number("ver")?, Reader(&item).json("doc").ok()))
    }

    /// Keeps how far it is, if nobody else did since `version`.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_forecast_pass<T: Serialize>(&self, version: i64, pass: &T) -> Result<Kept, StoreError> {
        let mut item = Item::new();
        put(&mut item, "ver", Value::N(version + 1));
        put(&mut item, "doc", json(pass)?);
        let as_read = if version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(version)) };
        let write = Write { key: keys::forecast_pass(), action: Action::Put(item), cond: Some(as_read) };
        let keep = async || match self.table.write(&write).await {
            Ok(_) => Ok(Kept::Yes),
            Err(TableError::Condition(_)) => Ok(Kept::Raced),
            Err(error) => Err(error),
        };
        patiently(&self.patience, keep).await
    }
}
