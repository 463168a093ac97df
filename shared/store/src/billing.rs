//! How far accounts are billed: one item each, made with the account, and read and written whole under its version.
//!
//! What bills an account otherwise from a moment on (a move, another funding, the close) is a *cut*, written by the transaction that does it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde_json::json as detail;
use tributary_domain::account::Account;
use tributary_domain::billing::bill::{Billing, Close, Cut, CutKind};
use tributary_domain::billing::build::Billed;
use tributary_domain::billing::charge::{Charge, ChargeKind, MAX_CHARGES};
use tributary_domain::billing::profile::Profile;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ChargeId, TransferId};
use tributary_domain::ledger::{CreditError, Entry, EntryKind, Head, LedgerId};
use tributary_domain::money::Amount;
use tributary_domain::pricing::state::UsageState;
use tributary_domain::text::Reference;
use tributary_domain::transfer::Transfer;

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::entries;
use crate::error::StoreError;
use crate::events::push_event;
use crate::holds::due_position;
use crate::keys;
use crate::movements::{Movement, sellers_ledger};
use crate::payments::Acts;
use crate::table::{Cond, Index, Item, Key, MAX_BATCH_GET, Position, Query, SortRange, TableError, Value, Write, s};

/// How many ledgers are read at once.
const PARALLEL: usize = 16;

/// Accounts of which something is to be billed, each with its seller, and where to go on.
pub type DueAccounts = (Vec<(AccountId, AccountId)>, Option<Position>);

impl Store {
    /// How far an account is billed; `None` for the operator, and for an account from before billing. One read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn billing(&self, account: &AccountId) -> Result<Option<Billing>, StoreError> {
        let key = keys::billing(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map(decode).transpose()
    }

    /// How far accounts are billed, in that order; those without billing are left out.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn billings(&self, accounts: &[AccountId]) -> Result<Vec<Billing>, StoreError> {
        let mut found = Vec::with_capacity(accounts.len());
        for chunk in accounts.chunks(MAX_BATCH_GET) {
            let wanted: Vec<_> = chunk.iter().map(keys::billing).collect();
            for item in patiently(&self.patience, || self.table.batch_get(&wanted)).await?.into_iter().flatten() {
                found.push(decode(&item)?);
            }
        }
        Ok(found)
    }

    /// Accounts of which something is to be billed by `now`: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors.
    pub async fn billing_due(&self, now: Timestamp, start: Option<Position>, limit: usize) -> Result<DueAccounts, StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::BILLING_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let one = |item: &Item| {
            let mut parts = Reader(item).text("gsi2sk").ok()?.splitn(3, '#').skip(1);
            let (seller, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some((account, seller))
        };
        Ok((self.mine(&page.items).filter_map(one).collect(), page.next))
    }

    /// Writes how far an account is billed, only over the version before: one write unit. `false` if another came first. `grace_hours` is what its
    /// seller waits for late usage.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Unknown`] if no answer came.
    pub async fn save_billing(&self, billing: &Billing, grace_hours: u16) -> Result<bool, StoreError> {
        let write = replace(billing, billing.version.saturating_sub(1), grace_hours)?;
        let mut unanswered = false;
        for attempt in 0..self.patience.attempts {
            if attempt > 0 {
                self.patience.pause(attempt).await;
            }
            match self.table.write(&write).await {
                Ok(_) => return Ok(true),
                // After an attempt without an answer it may be our own.
                Err(TableError::Condition(_)) => {
                    return Ok(unanswered && self.billing(&billing.account_id).await?.as_ref() == Some(billing));
                }
                Err(TableError::Busy(_)) => {}
                Err(TableError::Unknown(_)) => unanswered = true,
                Err(error) => return Err(error.into()),
            }
        }
        Err(if unanswered { TableError::Unknown("the billing was not answered".to_owned()).into() } else { StoreError::Busy })
    }

    /// Begins the billing of an account that was there before billing was: with what it used from now on. Nothing if it has begun.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for the operator's account; table errors.
    pub async fn begin_billing(&self, account: &Account) -> Result<Billing, StoreError> {
        if let Some(billing) = self.billing(&account.id).await? {
            return Ok(billing);
        }
        let head = self.head(&LedgerId::Account(account.id.clone())).await?;
        let state = self.state_at(&head).await?;
        let begun = Billing { billed: Billed::all_of(&state), ..opened(account, head.at, head.seq)? };
        match self.table.write(&Write::create(keys::billing(&account.id), encode(&begun, 0)?)).await {
            Ok(_) => Ok(begun),
            Err(TableError::Condition(_) | TableError::Unknown(_) | TableError::Busy(_)) => {
                self.billing(&account.id).await?.ok_or(StoreError::Busy)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The last entry that a period holds, and the account's usage after it: one query where it is the newest, else some ten reads more.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn watermark(&self, account: &AccountId, close: &Close) -> Result<(i64, Arc<UsageState>), StoreError> {
        let newest = self.head(&LedgerId::Account(account.clone())).await?;
        self.watermark_below(newest, close).await
    }

    /// The same of many accounts, each with its own error: one query an account, and one read for up to a hundred.
    pub async fn watermarks(&self, wanted: &[(&AccountId, &Close)]) -> Vec<Result<(i64, Arc<UsageState>), StoreError>> {
        let ledgers: Vec<LedgerId> = wanted.iter().map(|(account, _)| LedgerId::Account((*account).clone())).collect();
        let newest: Vec<_> = ledgers.iter().map(|ledger| self.head(ledger)).collect();
        let newest: Vec<_> = stream::iter(newest).buffered(PARALLEL).collect().await;
        let whole: Vec<&Head> =
            newest.iter().zip(wanted).filter_map(|(head, (_, close))| head.as_ref().ok().filter(|head| holds(head, close))).collect();
        // They are remembered then. What cannot be read is said of its own account below.
        let _ = self.usage_states(whole).await;
        let mut each = Vec::with_capacity(wanted.len());
        for (head, (_, close)) in newest.into_iter().zip(wanted) {
            each.push(async move { self.watermark_below(head?, close).await });
        }
        stream::iter(each).buffered(PARALLEL).collect().await
    }

    async fn watermark_below(&self, newest: Head, close: &Close) -> Result<(i64, Arc<UsageState>), StoreError> {
        let ledger = newest.ledger.clone();
        if holds(&newest, close) {
            return Ok((newest.seq, self.state_at(&newest).await?));
        }
        let before = if newest.at < close.before { newest.seq } else { self.first_at_or_after(&ledger, close.before).await? - 1 };
        let seq = before.min(close.at_most.unwrap_or(i64::MAX));
        if seq < 1 {
            return Ok((0, Arc::default()));
        }
        let key = keys::entry(&ledger, seq);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        let entry = item.as_ref().map(entries::decode).transpose()?;
        let head = entry.ok_or_else(|| StoreError::Corrupt(format!("ledger {ledger} lacks entry {seq}")))?.after;
        Ok((seq, self.state_at(&head).await?))
    }

    async fn state_at(&self, head: &Head) -> Result<Arc<UsageState>, StoreError> {
        let mut states = self.usage_states([head]).await?;
        let account = head.ledger.account();
        Ok(account.and_then(|account| states.remove(account)).unwrap_or_default())
    }

    /// Adds a cut to the transaction that makes it. An account without billing has none.
    pub(crate) async fn push_cut(&self, tx: &mut Tx, account: &AccountId, cut: Cut) -> Result<(), StoreError> {
        let Some(old) = self.billing(account).await? else { return Ok(()) };
        let mut new = old.clone();
        new.cut(cut);
        if new != old {
            tx.push(Part::Billing, replace(&new, old.version, 0)?);
        }
        Ok(())
    }

    /// Gives back, as credit from them, what waits below zero of sellers that bill the account no more: the credit and that it waits no more are one
    /// transaction each. What cannot be given, because the seller has too little or the account is closed, still waits.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Unknown`]; table errors.
    pub async fn give_back_stranded(
        &self,
        account: &AccountId,
        transfer: &(dyn Fn() -> TransferId + Sync),
        acts: Acts<'_>,
    ) -> Result<(), StoreError> {
        let (mut passed, mut resolve) = (BTreeSet::new(), false);
        for _ in 0..4 * MAX_CHARGES {
            let Some(old) = self.billing(account).await? else { return Ok(()) };
            let Some(charge) = old.stranded().find(|charge| !passed.contains(&charge.id)).cloned() else { return Ok(()) };
            let (id, act, buyer) = (transfer(), acts(), self.head(&LedgerId::Account(account.clone())).await?);
            let movement = Movement {
                id: &id,
                kind: EntryKind::CreditNote,
                from: sellers_ledger(&buyer, &charge.seller_id, buyer.currency)?,
                to: buyer.ledger.clone(),
                amount: Amount::new(charge.amount.negated()?).map_err(|_| CreditError::Overflow)?,
                reference: Some(charge.text.clone()),
                purchase: None,
                now: act.now,
            };
            let Ok(plan) = self.plan_movement(&movement, resolve).await? else {
                passed.insert(charge.id);
                continue;
            };
            let (mut new, mut tx) = (old.clone(), Tx::default());
            new.charges.retain(|waits| waits.id != charge.id);
            push_event(&mut tx, Part::Guard, &act, account, RecordKind::ChargeRemoved, &detail!({ "charge_id": charge.id }))?;
            self.push_movement(&mut tx, Key::new(keys::billing(account).pk, id.as_str()), &plan, &charge.seller_id)?;
            push_billing(&mut tx, &old, &new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => self.learn_movement(Some(&plan)),
                Err(refused) => resolve |= self.forget_movement(Some(&plan), &refused),
            }
        }
        Err(StoreError::Busy)
    }

    /// Adds what the edit of an account changes in how it is billed: how it pays from now on, and where its periods end.
    pub(crate) async fn push_edited(
        &self,
        tx: &mut Tx,
        (old, new): (&Account, &Account),
        cut: Option<Cut>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let zone = old.settings.time_zone != new.settings.time_zone;
        if cut.is_none() && !zone {
            return Ok(());
        }
        let Some(before) = self.billing(&new.id).await? else { return Ok(()) };
        let mut after = before.clone();
        if let Some(cut) = cut {
            after.cut(cut);
        }
        if zone && after.profile.time_zone.is_none() {
            let cycle = after.profile.cycle(new);
            after.set_cycle(&cycle, now);
        }
        if after != before {
            push_billing(tx, &before, &after)?;
        }
        Ok(())
    }

    /// Adds what a purchase costs, or its way back gives back, to what waits for the buyer's next invoice.
    pub(crate) async fn push_purchase_charge(&self, tx: &mut Tx, transfer: &Transfer) -> Result<(), StoreError> {
        let (Some(bought), Some(leg)) = (&transfer.purchase, transfer.legs.first()) else { return Ok(()) };
        let (seller, buyer, amount) = match transfer.kind {
            EntryKind::Purchase => (leg.from.account(), leg.to.account(), bought.price),
            EntryKind::Reversal => (leg.to.account(), leg.from.account(), bought.price.negated()?),
            _ => return Ok(()),
        };
        let (Some(seller), Some(buyer)) = (seller, buyer) else { return Ok(()) };
        if amount.is_zero() {
            return Ok(());
        }
        let Some(old) = self.billing(buyer).await? else { return Ok(()) };
        let name = bought.name.as_ref().map_or("Credit", |name| name.as_str());
        let text = Reference::parse(name).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let mut new = old.clone();
        new.charge(Charge {
            id: ChargeId::from_number(transfer.id.as_u128()),
            seller_id: seller.clone(),
            kind: ChargeKind::Purchase,
            text,
            amount,
            taxable: true,
            count: 1,
            transfer_id: Some(transfer.id.clone()),
            at: transfer.created_at,
            created_by: None,
        })?;
        tx.push(Part::Billing, replace(&new, old.version, 0)?);
        Ok(())
    }
}

/// Whether a period holds all of a ledger, this being its newest entry.
fn holds(newest: &Head, close: &Close) -> bool {
    newest.at < close.before && newest.seq <= close.at_most.unwrap_or(i64::MAX)
}

/// The billing of an account whose ledger's entry `seq` is the last that is not billed.
fn opened(account: &Account, at: Timestamp, seq: i64) -> Result<Billing, StoreError> {
    let seller = account.lineage.parent().cloned().ok_or(StoreError::Conflict("the operator's account is billed by nobody"))?;
    let cycle = Profile::default().cycle(account);
    Ok(Billing::begin(account.id.clone(), seller, account.funding, &cycle, at, seq))
}

/// Adds the billing of an account that is being made.
pub(crate) fn push_opened(tx: &mut Tx, account: &Account, at: Timestamp) -> Result<(), StoreError> {
    let billing = opened(account, at, 1)?;
    tx.push(Part::Plain, Write::create(keys::billing(&account.id), encode(&billing, 0)?));
    Ok(())
}

/// The cut that an entry makes.
pub(crate) fn cut_of(entry: &Entry, kind: CutKind, seller: &AccountId) -> Cut {
    Cut { seq: entry.after.seq, at: entry.after.at, kind, seller_id: seller.clone(), funding: entry.after.funding }
}

pub(crate) fn replace(new: &Billing, over: i64, grace_hours: u16) -> Result<Write, StoreError> {
    let as_read = Cond::Eq("ver", Value::N(over));
    Ok(Write { cond: Some(as_read), ..Write::put(keys::billing(&new.account_id), encode(new, grace_hours)?) })
}

fn encode(billing: &Billing, grace_hours: u16) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(billing)?);
    put(&mut item, "ver", Value::N(billing.version));
    if let Some(due) = billing.due_at(grace_hours) {
        put(&mut item, "gsi2pk", s(keys::BILLING_DUE_INDEX));
        // By seller, so that a page holds many accounts of one.
        put(&mut item, "gsi2sk", s(due_position(due, &format!("{}#{}", billing.seller_id, billing.account_id))));
    }
    Ok(item)
}

pub(crate) fn decode(item: &Item) -> Result<Billing, StoreError> {
    Reader(item).json("doc")
}

/// Adds the write of how far an account is billed, only as it was read. What its seller waits for late usage is not known here, so it is listed without:
/// a run that finds it early lists it where it belongs.
pub(crate) fn push_billing(tx: &mut Tx, old: &Billing, new: &Billing) -> Result<(), StoreError> {
    let new = Billing { version: old.version.saturating_add(1), ..new.clone() };
    tx.push(Part::Billing, replace(&new, old.version, 0)?);
    Ok(())
}
