//! Credit notes: issued in one transaction with the invoice, the seller's numbers, and what gives back what was paid.

use std::collections::BTreeMap;

use serde_json::json as detail;
use tributary_domain::billing::credit_note::{CreditNote, GivenAs, NewCreditNote, Part as LinePart, issue};
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::number::Series;
use tributary_domain::billing::payment::{PaymentState, RefundCause};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, LedgerId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::text::Reference;
use tributary_domain::transfer::TransferPlan;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::push_event;
use crate::holds::due_position;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::invoices::push_paid;
use crate::keys;
use crate::movements::{Movement, sellers_ledger};
use crate::payments::{Acts, push_payment};
use crate::sellers::counters_write;
use crate::table::{Index, Item, Key, Position, Query, SortRange, Write, s};

/// A credit note that is to be issued, beside its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// Its id.
    pub id: CreditNoteId,
    /// The id of the movement of credit, if what was paid is given back as credit.
    pub transfer: TransferId,
    /// How what was paid is given back.
    pub given_as: GivenAs,
    /// Why.
    pub reason: Reference,
    /// Only this payment is refunded, by all that the note comes to: nothing of the invoice may be due.
    pub refund_of: Option<PaymentId>,
}

/// Whose credit notes are listed.
#[derive(Debug, Clone, Copy)]
pub enum NotesOf<'a> {
    /// Of an invoice.
    Invoice(&'a InvoiceId),
    /// To an account.
    Account(&'a AccountId),
    /// Of a seller.
    Seller(&'a AccountId),
}

/// A credit note within a transaction.
pub(crate) struct Noted {
    pub note: CreditNote,
    pub plan: Option<TransferPlan>,
}

impl Store {
    /// A credit note: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors; [`StoreError::Corrupt`].
    pub async fn credit_note(&self, id: &CreditNoteId) -> Result<CreditNote, StoreError> {
        let key = keys::credit_note(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// Credit notes, newest first: from an index, which is shown only.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn credit_notes(
        &self,
        of: NotesOf<'_>,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<CreditNote>, Option<Position>), StoreError> {
        let (index, pk) = match of {
            NotesOf::Invoice(invoice) => (Index::Gsi2, keys::credit_notes_of_index(invoice)),
            NotesOf::Account(account) => (Index::Gsi1, keys::credit_notes_index(account)),
            NotesOf::Seller(seller) => (Index::Gsi3, keys::credit_notes_sold_index(seller)),
        };
        let query = Query::index(index, pk, SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?, page.next))
    }

    /// Issues a credit note over parts of an invoice's lines, once per idempotency key. It lessens what is due; what was paid already is given back as
    /// credit by the seller, to the cards it was paid with, or outside.
    ///
    /// # Errors
    /// [`StoreError::Dispute`] for lines that have less left, [`StoreError::SellerShort`], [`StoreError::Conflict`] if less than that was paid by card,
    /// [`StoreError::KeyReused`], [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn issue_credit_note(
        &self,
        invoice: &InvoiceId,
        parts: &[LinePart],
        new: &NewNote,
        scope: Option<&Scope>,
        acts: Acts<'_>,
    ) -> Result<Outcome<CreditNote>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let old = self.invoice(invoice).await?;
            let (mut after, mut tx, act) = (old.clone(), Tx::default(), acts());
            let part = (guard_without(scope), None);
            let noted = match self.push_note(&mut tx, part, &mut after, parts, new, resolve, acts).await {
                Ok(noted) => noted,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            push_paid(&mut tx, &old, &mut after, acts)?;
            push_record(&mut tx, scope, &noted.note, &act)?;
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.learn_movement(noted.plan.as_ref());
                    return Ok(Outcome::Done(noted.note));
                }
                Err(refused) => refused,
            };
            resolve |= self.forget_movement(noted.plan.as_ref(), &refused);
            // Without a key the note's own item is in the way: an attempt of this very call that went unanswered.
            if let Some(done) = if_done(scope, &refused, &act.event, self.credit_note(&new.id)).await? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    /// Adds a credit note to a transaction: the note as `part`, the seller's numbers, and what is given back. The invoice's own write is the caller's.
    pub(crate) async fn push_note(
        &self,
        tx: &mut Tx,
        (part, dispute): (Part, Option<&DisputeId>),
        invoice: &mut Invoice,
        parts: &[LinePart],
        new: &NewNote,
        resolve: bool,
        acts: Acts<'_>,
    ) -> Result<Noted, StoreError> {
        let (seller, read, act) = (self.seller(&invoice.seller_id).await?, self.counters(&invoice.seller_id).await?, acts());
        let mut taken = read;
        let made = NewCreditNote {
            id: new.id.clone(),
            number: taken.take(Series::CreditNote, &seller.settings.number_prefix),
            given_as: new.given_as,
            dispute_id: dispute.cloned(),
            reason: new.reason.clone(),
            now: act.now,
        };
        let mut note = issue(invoice, parts, &BTreeMap::new(), made)?;
        if new.refund_of.is_some() && note.reduces.get() > 0 {
            return Err(StoreError::Conflict("something of the invoice is still due; a credit note lessens that first"));
        }
        let mut plan = None;
        if note.given_back.get() > 0 {
            match new.given_as {
                GivenAs::Credit => plan = Some(self.push_credited(tx, &mut note, &new.transfer, resolve).await?),
                GivenAs::Refund => self.push_refunds(tx, invoice, &mut note, new.refund_of.as_ref()).await?,
                GivenAs::Outside => {}
            }
        }
        tx.push(Part::Counters, counters_write(&invoice.seller_id, read, taken));
        tx.push(part, Write::create(keys::credit_note(&note.id), encode(&note)?));
        let said = detail!({
            "credit_note_id": note.id, "invoice_id": note.invoice_id, "number": note.number, "total": note.total, "currency": note.currency,
            "given_as": note.given_as,
        });
        push_event(tx, Part::Plain, &act, &note.account_id, RecordKind::CreditNoteIssued, &said)?;
        Ok(Noted { note, plan })
    }

    async fn push_credited(
        &self,
        tx: &mut Tx,
        note: &mut CreditNote,
        transfer: &TransferId,
        resolve: bool,
    ) -> Result<TransferPlan, StoreError> {
        let buyer = self.head(&LedgerId::Account(note.account_id.clone())).await?;
        let movement = Movement {
            id: transfer,
            kind: EntryKind::CreditNote,
            from: sellers_ledger(&buyer, &note.seller_id, note.currency)?,
            to: buyer.ledger.clone(),
            amount: Amount::new(note.given_back).map_err(|_| CreditError::Overflow)?,
            reference: Reference::parse(&note.number).ok(),
            purchase: None,
            now: note.issued_at,
        };
        let plan = match self.plan_movement(&movement, resolve).await? {
            Ok(plan) => plan,
            Err(CreditError::Insufficient { .. }) => return Err(StoreError::SellerShort),
            Err(error) => return Err(error.into()),
        };
        note.transfer_id = Some(transfer.clone());
        self.push_movement(tx, Key::new(keys::credit_note(&note.id).pk, transfer.as_str()), &plan, &note.seller_id)?;
        Ok(plan)
    }

    /// Writes down what goes back to the cards, the newest payment first.
    async fn push_refunds(
        &self,
        tx: &mut Tx,
        invoice: &Invoice,
        note: &mut CreditNote,
        only: Option<&PaymentId>,
    ) -> Result<(), StoreError> {
        let mut rest = note.given_back;
        for old in self.payments_of(invoice).await?.into_iter().rev().filter(|old| only.is_none_or(|only| *only == old.id)) {
            let left = if old.is_by_card() && old.state == PaymentState::Succeeded { old.left()? } else { Micros::ZERO };
            let part = left.min(rest);
            if part.get() <= 0 {
                continue;
            }
            let mut new = old.clone();
            new.begin_refund(part, RefundCause::CreditNote(note.id.clone()), note.issued_at)?;
            rest = rest.minus(part)?;
            note.payment_id.get_or_insert_with(|| new.id.clone());
            push_payment(tx, &old, &mut new)?;
        }
        if rest.get() > 0 {
            return Err(StoreError::Conflict("less than that was paid by card; it can be given as credit, or outside"));
        }
        Ok(())
    }
}

fn encode(note: &CreditNote) -> Result<Item, StoreError> {
    let (mut item, position) = (Item::new(), due_position(note.issued_at, note.id.as_str()));
    put(&mut item, "doc", json(note)?);
    for (pk, sk, partition) in [
        ("gsi1pk", "gsi1sk", keys::credit_notes_index(&note.account_id)),
        ("gsi2pk", "gsi2sk", keys::credit_notes_of_index(&note.invoice_id)),
        ("gsi3pk", "gsi3sk", keys::credit_notes_sold_index(&note.seller_id)),
    ] {
        put(&mut item, pk, s(partition));
        put(&mut item, sk, s(position.clone()));
    }
    Ok(item)
}
