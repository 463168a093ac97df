//! The first account of all: the operator's, made once, with its first key.

use jiff::Timestamp;
use tributary_domain::account::{Account, Kind, Settings, Status, Tags};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::EntryKind;
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Currency, Micros};
use tributary_domain::text::Name;

use crate::Store;
use crate::account_items::encode;
use crate::accounts::opening_head;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::entries::push_entry;
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::keys;
use crate::principals::ApiKey;
use crate::table::{Item, Value, Write, s};

/// The operator's account as it will be made.
pub fn operator_account(id: AccountId, name: Name, currency: Currency, now: Timestamp) -> Account {
    Account {
        id,
        lineage: Lineage::root(),
        generation: 0,
        kind: Kind::Operator,
        name,
        external_id: None,
        email: None,
        status: Status::Active,
        currency,
        tier: "none".to_owned(),
        credit_limit: Micros::ZERO,
        tags: Tags::new(),
        settings: Settings::default(),
        open_children: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        frozen_at: None,
        accepted: None,
    }
}

impl Store {
    /// The operator's account, if it was made.
    ///
    /// # Errors
    /// Table errors.
    pub async fn operator(&self) -> Result<Option<AccountId>, StoreError> {
        let key = keys::operator();
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.map(|item| Reader(&item).parsed("acc")).transpose()
    }

    /// Makes the operator's account with its first key; `false` if there is one already.
    ///
    /// # Errors
    /// Table errors.
    pub async fn make_operator(&self, account: &Account, key: &ApiKey, act: &Act) -> Result<bool, StoreError> {
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, &account.id, "operator.created", &serde_json::json!({ "name": account.name }))?;
        let mut marker = Item::new();
        put(&mut marker, "acc", s(account.id.as_str()));
        tx.push(Part::Unique, Write::create(keys::operator(), marker));
        let mut item = encode(account)?;
        put(&mut item, "keys", Value::N(1));
        tx.push(Part::Account, Write::create(keys::account(&account.id), item));
        push_entry(&mut tx, &opening_head(account).state_entry(EntryKind::Opened, act.now, |_| {})?);
        let mut document = Item::new();
        put(&mut document, "doc", json(key)?);
        put(&mut document, "ver", Value::N(key.version));
        for secret in &key.secrets {
            tx.push(Part::Plain, Write::create(keys::credential(&secret.hash), document.clone()));
        }
        tx.push(Part::Principal, Write::create(keys::api_key(&account.id, &key.id), document));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(true),
            Err(refused) => Ok(refused.guard().is_some()),
        }
    }
}
