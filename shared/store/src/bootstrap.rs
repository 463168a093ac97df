//! The first account of all: the operator's, made once, with its first key.

use jiff::Timestamp;
use tributary_domain::account::{Account, Kind, Settings, Status, Tags};
use tributary_domain::brand::Portal;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::EntryKind;
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Currency, Micros};
use tributary_domain::text::Name;
use tributary_domain::version::DATA_LAYOUT;

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
use crate::table::{Change, Cond, Item, Value, Write, s};

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
        tier_version: 0,
        funding: tributary_domain::account::Funding::default(),
        credit_limit: Micros::ZERO,
        tags: Tags::new(),
        settings: Settings::default(),
        open_children: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        frozen_at: None,
        accepted: None,
        portal: Portal::default(),
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

    /// The layout of the table's data, once there is an operator. A program that knows only older ones must not touch it.
    ///
    /// # Errors
    /// Table errors.
    pub async fn layout(&self) -> Result<Option<i64>, StoreError> {
        let key = keys::operator();
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        // Data of the first layout says nothing of it.
        item.map(|item| Ok(Reader(&item).maybe_number("layout")?.unwrap_or(1))).transpose()
    }

    /// Makes the operator's account with its first key; `false` if there is one already.
    ///
    /// # Errors
    /// Table errors.
    pub async fn make_operator(&self, account: &Account, key: &ApiKey, act: &Act) -> Result<bool, StoreError> {
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, &account.id, RecordKind::OperatorCreated, &serde_json::json!({ "name": account.name }))?;
        let mut marker = Item::new();
        put(&mut marker, "acc", s(account.id.as_str()));
        put(&mut marker, "layout", Value::N(DATA_LAYOUT));
        tx.push(Part::Unique, Write::create(keys::operator(), marker));
        let mut item = encode(account)?;
        put(&mut item, "keys", Value::N(1));
        tx.push(Part::Account, Write::create(keys::account(&account.id), item));
        push_entry(&mut tx, &opening_head(account).state_entry(EntryKind::Opened, act.now, |_| {})?);
        push_key(&mut tx, key)?;
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(true),
            Err(refused) => Ok(refused.guard().is_some()),
        }
    }

    /// Stores another key of the operator's account, which no other key grants: for whoever may reach the table's own
    /// administration, when every key was lost. The limit of keys does not hold here, or twenty lost keys would lock the
    /// operator out.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Conflict`] if the account is not there.
    pub async fn add_operator_key(&self, key: &ApiKey, act: &Act) -> Result<(), StoreError> {
        let mut tx = Tx::default();
        push_event(
            &mut tx,
            Part::Guard,
            act,
            &key.account_id,
            RecordKind::KeyRecovered,
            &serde_json::json!({ "key_id": key.id, "name": key.name }),
        )?;
        let counted = Write::update(keys::account(&key.account_id), vec![Change::Add("keys", 1)], Cond::Exists);
        tx.push(Part::Account, counted);
        push_key(&mut tx, key)?;
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(()),
            Err(refused) if refused.guard().is_some() => Ok(()),
            Err(_) => Err(StoreError::Conflict("the operator's account is not there")),
        }
    }
}

fn push_key(tx: &mut Tx, key: &ApiKey) -> Result<(), StoreError> {
    let mut document = Item::new();
    put(&mut document, "doc", json(key)?);
    put(&mut document, "ver", Value::N(key.version));
    for secret in &key.secrets {
        tx.push(Part::Plain, Write::create(keys::credential(&secret.hash), document.clone()));
    }
    tx.push(Part::Principal, Write::create(keys::api_key(&key.account_id, &key.id), document));
    Ok(())
}
