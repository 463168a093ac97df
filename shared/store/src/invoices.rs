//! Invoices: made once, numbered without gaps, and changed under their version.
//!
//! The invoices of up to [`MAX_ISSUED`] accounts of one seller are one transaction with the seller's counters. Whoever is killed before the billing of an
//! account goes on finds its invoice there, and keeps it.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Value as Json, json as detail};
use tributary_domain::billing::bill::Close;
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::billing::number::{NumberPrefix, Series};
use tributary_domain::event::{Record, RecordKind};
use tributary_domain::id::{AccountId, EventId, InvoiceId};
use tributary_domain::pricing::month::Month;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, packed, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::keys;
use crate::payments::Acts;
use crate::sellers::counters_write;
use crate::table::{Change, Cond, Index, Item, Key, MAX_BATCH_GET, Position, Query, SortRange, TableError, Value, Write, s};

/// The most invoices of one transaction: with the counters they stay well below the most items.
pub const MAX_ISSUED: usize = 90;

/// How invoices get their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuing {
    /// Who issues them.
    pub seller_id: AccountId,
    /// What the numbers begin with.
    pub prefix: NumberPrefix,
    /// When.
    pub now: Timestamp,
}

/// An invoice that is to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvoice {
    /// As it was built: a draft.
    pub draft: Invoice,
    /// Days until it is due; `None` leaves it a draft.
    pub terms_days: Option<u16>,
}

impl Store {
    /// Writes invoices of one seller, each once: two write units a kilobyte begun of each, and two for the numbers. What comes back is each as it is kept, in
    /// their order: one that was there before is left as it was, with its number.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Unknown`], [`StoreError::TooManyBranches`] for more than [`MAX_ISSUED`].
    pub async fn issue_invoices(&self, issuing: &Issuing, new: &[NewInvoice]) -> Result<Vec<Invoice>, StoreError> {
        if new.len() > MAX_ISSUED {
            return Err(StoreError::TooManyBranches);
        }
        for replan in 0..REPLANS {
            if replan > 2 {
                self.patience.pause((replan - 2).min(4)).await;
            }
            let kept = self.invoices_at(new.iter().map(|new| key_of(&new.draft))).await?;
            if kept.iter().all(Option::is_some) {
                return Ok(kept.into_iter().flatten().collect());
            }
            let read = self.counters(&issuing.seller_id).await?;
            let (mut taken, mut tx, mut all) = (read, Tx::default(), Vec::with_capacity(new.len()));
            for (new, kept) in new.iter().zip(kept) {
                if let Some(kept) = kept {
                    all.push(kept);
                    continue;
                }
                let mut invoice = new.draft.clone();
                if let Some(days) = new.terms_days {
                    let number = taken.take(Series::Invoice, &issuing.prefix);
                    invoice.finalize(number, issuing.now, days).map_err(|error| StoreError::Corrupt(error.to_string()))?;
                }
                let next = first_look(&invoice, issuing.now);
                tx.push(Part::Guard, Write::create(key_of(&invoice), encode(&invoice, next)?));
                all.push(invoice);
            }
            if taken != read {
                tx.push(Part::Counters, counters_write(&issuing.seller_id, read, taken));
            }
            if tx.commit(&*self.table, &self.patience).await?.is_ok() {
                return Ok(all);
            }
        }
        Err(StoreError::Busy)
    }

    async fn invoices_at(&self, wanted: impl Iterator<Item = Key>) -> Result<Vec<Option<Invoice>>, StoreError> {
        let (wanted, mut found): (Vec<_>, Vec<_>) = (wanted.collect(), Vec::new());
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            let items = patiently(&self.patience, || self.table.batch_get(chunk)).await?;
            for item in items {
                found.push(item.as_ref().map(decode).transpose()?);
            }
        }
        Ok(found)
    }

    /// The invoice of a period that is closed, if it was made.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn invoice_of(&self, account: &AccountId, close: &Close) -> Result<Option<Invoice>, StoreError> {
        let key = keys::invoice(account, close.period.label, close.part);
        Ok(self.invoices_at(std::iter::once(key)).await?.pop().flatten())
    }

    /// The invoices of periods that are closed, each if it was made, in their order: one read for up to a hundred.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn invoices_of(&self, closes: &[(&AccountId, &Close)]) -> Result<Vec<Option<Invoice>>, StoreError> {
        self.invoices_at(closes.iter().map(|(account, close)| keys::invoice(account, close.period.label, close.part))).await
    }

    /// The invoices of an account whose labels are in this range, the oldest first; at most some hundred, which are years.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn invoices_labelled(&self, account: &AccountId, from: Month, to: Month) -> Result<Vec<Invoice>, StoreError> {
        let range = SortRange::Between(from.to_string(), format!("{to}~"));
        let (mut all, mut start) = (Vec::new(), None);
        loop {
            let query = Query::table(keys::invoices_partition(account), range.clone()).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                all.push(decode(item)?);
            }
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// An invoice by its id, strongly consistent once the index has it.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors; [`StoreError::Corrupt`].
    pub async fn invoice(&self, id: &InvoiceId) -> Result<Invoice, StoreError> {
        let query = Query::index(Index::Gsi1, keys::invoice_index(id), SortRange::Every).limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let key = page.items.first().and_then(Key::of).ok_or(Denied::Absent)?;
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// The invoices of an account, newest first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn invoices(
        &self,
        account: &AccountId,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Invoice>, Option<Position>), StoreError> {
        self.invoice_page(Query::table(keys::invoices_partition(account), SortRange::Every), start, limit).await
    }

    /// The invoices that a seller made, newest first: from an index, which is shown only.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn sold(
        &self,
        seller: &AccountId,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Invoice>, Option<Position>), StoreError> {
        self.invoice_page(Query::index(Index::Gsi3, keys::sold_index(seller), SortRange::Every), start, limit).await
    }

    async fn invoice_page(
        &self,
        query: Query,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Invoice>, Option<Position>), StoreError> {
        let query = query.newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// Drafts that are finalized by themselves by `now`: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn drafts_due(
        &self,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<InvoiceId>, Option<Position>), StoreError> {
        self.due_in(keys::DRAFTS_DUE_INDEX, now, start, limit).await
    }

    /// Invoices with which something is done by `now`: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn invoices_due(
        &self,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<InvoiceId>, Option<Position>), StoreError> {
        self.due_in(keys::INVOICES_DUE_INDEX, now, start, limit).await
    }

    /// What an index lists by the time at which something is done with it: a page of ids.
    pub(crate) async fn due_in<T: FromStr>(
        &self,
        index: &str,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, index, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok((self.mine(&page.items).filter_map(id).collect(), page.next))
    }

    /// Changes an invoice, with an audit record if there is something to tell. `change` is given the invoice as read and says what is told and when it is looked
    /// at next; it is called again if another writer came first. A change that tells nothing may be made twice if no answer came: only what can be repeated
    /// is told to nobody.
    ///
    /// # Errors
    /// [`Denied::Absent`], what `change` refuses, [`StoreError::Busy`].
    pub async fn change_invoice(
        &self,
        id: &InvoiceId,
        act: &Act,
        change: impl Fn(&mut Invoice) -> Result<(Option<(RecordKind, Json)>, Option<Timestamp>), StoreError> + Send + Sync,
    ) -> Result<Invoice, StoreError> {
        for _ in 0..REPLANS {
            let old = self.invoice(id).await?;
            let mut new = old.clone();
            let (told, next) = change(&mut new)?;
            if new == old {
                return Ok(old);
            }
            let mut tx = Tx::default();
            if let Some((kind, detail)) = &told {
                push_event(&mut tx, Part::Guard, act, &new.account_id, *kind, detail)?;
            }
            push_invoice(&mut tx, &old, &mut new, next)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return self.invoice(id).await,
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }
}

/// Adds the write of an invoice, only as it was read.
pub(crate) fn push_invoice(tx: &mut Tx, old: &Invoice, new: &mut Invoice, next: Option<Timestamp>) -> Result<(), StoreError> {
    new.version = old.version + 1;
    let as_read = Cond::Eq("ver", Value::N(old.version));
    tx.push(Part::Invoice, Write { cond: Some(as_read), ..Write::put(key_of(new), encode(new, next)?) });
    Ok(())
}

/// What is told of an invoice that was drafted or issued.
pub(crate) fn told(invoice: &Invoice) -> Result<Json, StoreError> {
    let due = invoice.due().map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let (due_at, number) = (invoice.due_at.map(|at| format!("{at:.3}")), &invoice.number);
    Ok(detail!({
        "invoice_id": invoice.id, "account_id": invoice.account_id, "seller_id": invoice.seller_id, "number": number,
        "period": invoice.period.label, "total": invoice.total, "due": due, "currency": invoice.currency, "due_at": due_at,
    }))
}

/// What is told of an invoice that was just written: its insertion is the event, under an id that follows from the invoice's.
pub(crate) fn record_of(item: &Item) -> Result<Record, StoreError> {
    let invoice = decode(item)?;
    let kind = if invoice.state == InvoiceState::Draft { RecordKind::InvoiceDrafted } else { RecordKind::InvoiceFinalized };
    let at = invoice.issued_at.unwrap_or(invoice.closed_at);
    Ok(Record { id: EventId::from_number(invoice.id.as_u128()), kind, account_id: invoice.account_id.clone(), at, detail: told(&invoice)? })
}

/// When a new invoice is looked at first: at once if there is something to collect.
pub(crate) fn first_look(invoice: &Invoice, now: Timestamp) -> Option<Timestamp> {
    match invoice.state {
        InvoiceState::Draft => invoice.draft_until,
        InvoiceState::Paid | InvoiceState::Void => None,
        InvoiceState::Finalized | InvoiceState::PastDue | InvoiceState::Uncollectible => Some(now),
    }
}

fn key_of(invoice: &Invoice) -> Key {
    keys::invoice(&invoice.account_id, invoice.period.label, invoice.part)
}

fn encode(invoice: &Invoice, next: Option<Timestamp>) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", packed(invoice)?);
    put(&mut item, "ver", Value::N(invoice.version));
    put(&mut item, "st", s(invoice.state.word()));
    put(&mut item, "gsi1pk", s(keys::invoice_index(&invoice.id)));
    put(&mut item, "gsi1sk", s("-"));
    put(&mut item, "gsi3pk", s(keys::sold_index(&invoice.seller_id)));
    put(&mut item, "gsi3sk", s(due_position(invoice.closed_at, invoice.id.as_str())));
    if let Some(next) = next {
        let due = if invoice.state == InvoiceState::Draft { keys::DRAFTS_DUE_INDEX } else { keys::INVOICES_DUE_INDEX };
        put(&mut item, "gsi2pk", s(due));
        put(&mut item, "gsi2sk", s(due_position(next, invoice.id.as_str())));
    }
    Ok(item)
}

pub(crate) fn decode(item: &Item) -> Result<Invoice, StoreError> {
    Reader(item).packed("doc")
}

/// Adds the write of an invoice's money: as [`push_invoice`], and told if nothing of it is due any more. It is looked at again at once.
pub(crate) fn push_paid(tx: &mut Tx, old: &Invoice, new: &mut Invoice, acts: Acts<'_>) -> Result<(), StoreError> {
    let act = acts();
    push_invoice(tx, old, new, Some(act.now))?;
    if old.state != InvoiceState::Paid && new.state == InvoiceState::Paid {
        let said = serde_json::json!({
            "invoice_id": new.id, "number": new.number, "total": new.total, "paid": new.paid, "credited": new.credited, "currency": new.currency,
        });
        push_event(tx, Part::Plain, &act, &new.account_id, RecordKind::InvoicePaid, &said)?;
    }
    Ok(())
}

impl Store {
    /// Says when an invoice is looked at next, if it is still as it was read: one write unit. `false` if another came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn plan_invoice(&self, invoice: &Invoice, next: Option<Timestamp>) -> Result<bool, StoreError> {
        let changes = match next {
            Some(next) => {
                vec![Change::Set("gsi2pk", s(keys::INVOICES_DUE_INDEX)), Change::Set("gsi2sk", s(due_position(next, invoice.id.as_str())))]
            }
            None => vec![Change::Remove("gsi2pk"), Change::Remove("gsi2sk")],
        };
        let write = Write::update(key_of(invoice), changes, Cond::Eq("ver", Value::N(invoice.version)));
        match patiently(&self.patience, || self.table.write(&write)).await {
            Ok(_) => Ok(true),
            Err(StoreError::Table(TableError::Condition(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
