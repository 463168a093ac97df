//! Disputes: opened, answered and resolved in one transaction each with the invoice that they hold, and chargebacks, which open them.

use serde_json::json as detail;
use tributary_domain::billing::credit_note::{CreditNote, GivenAs, Part as LinePart};
use tributary_domain::billing::dispute::{
    Dispute, DisputeError, DisputeReason, Message, NewDispute, Origin, Resolution, Statement, share_above, spread,
};
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::payment::{Chargeback, ChargebackState, Payment, RefundCause};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, DisputeId, InvoiceId, PaymentId};
use tributary_domain::money::{Micros, Overflow};
use tributary_domain::transfer::TransferPlan;

use jiff::Timestamp;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::credit_notes::NewNote;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::invoices::push_paid;
use crate::keys;
use crate::payments::{Acts, push_given_back, push_payment};
use crate::table::{Cond, Index, Item, Position, Query, SortRange, Value, Write, s};

/// How many of a seller's own invoices are looked through for the one that holds its share of a dispute.
const LOOKED_THROUGH: usize = 60;

/// Whose disputes are listed.
#[derive(Debug, Clone, Copy)]
pub enum DisputesOf<'a> {
    /// Of an account's invoices.
    Account(&'a AccountId),
    /// Of a seller's.
    Seller(&'a AccountId),
}

/// A dispute that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its id.
    pub id: DisputeId,
    /// The lines, and how much of each without taxes.
    pub asked: Vec<LinePart>,
    /// Why.
    pub reason: DisputeReason,
    /// Where it comes from.
    pub origin: Origin,
    /// The evidence; its time is that of the opening.
    pub evidence: Message,
}

/// How a dispute is brought to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub resolution: Resolution,
    /// The credit note, if something is credited.
    pub note: NewNote,
    /// The id of the seller's own dispute for its share, if that is wanted.
    pub pass_up: Option<DisputeId>,
}

/// A chargeback as its processor tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargedBack {
    /// The processor's name for it.
    pub processor_id: String,
    /// How much of the payment.
    pub amount: Micros,
    /// How far it is.
    pub state: ChargebackState,
    /// Why.
    pub reason: DisputeReason,
    /// The bank's words.
    pub words: Statement,
}

impl Store {
    /// A dispute: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors; [`StoreError::Corrupt`].
    pub async fn dispute(&self, id: &DisputeId) -> Result<Dispute, StoreError> {
        let key = keys::dispute(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// Disputes, newest first: from an index, which is shown only.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn disputes(
        &self,
        of: DisputesOf<'_>,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Dispute>, Option<Position>), StoreError> {
        let (index, pk) = match of {
            DisputesOf::Account(account) => (Index::Gsi1, keys::disputes_index(account)),
            DisputesOf::Seller(seller) => (Index::Gsi3, keys::disputes_sold_index(seller)),
        };
        let query = Query::index(index, pk, SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// Disputes whose answer is overdue at `now` and was not told so yet: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors.
    pub async fn disputes_due(
        &self,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<DisputeId>, Option<Position>), StoreError> {
        self.due_in(keys::DISPUTES_DUE_INDEX, now, start, limit).await
    }

    /// Opens a dispute of an invoice, once per idempotency key: what it is about is out of collection from then on.
    ///
    /// # Errors
    /// [`StoreError::Dispute`], [`StoreError::KeyReused`], [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn open_dispute(
        &self,
        invoice: &InvoiceId,
        opening: &Opening,
        scope: Option<&Scope>,
        acts: Acts<'_>,
    ) -> Result<Outcome<Dispute>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        for _ in 0..REPLANS {
            let (old, act, mut tx) = (self.invoice(invoice).await?, acts(), Tx::default());
            let mut new = old.clone();
            let dispute = match Dispute::open(&mut new, opened(opening, act.now)) {
                Ok(dispute) => dispute,
                Err(refusal) => return self.unless_done(scope, refusal.into()).await,
            };
            push_record(&mut tx, scope, &dispute, &act)?;
            tx.push(guard_without(scope), Write::create(keys::dispute(&dispute.id), encode(&dispute)?));
            push_opened(&mut tx, &act, &dispute)?;
            push_paid(&mut tx, &old, &mut new, acts)?;
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(dispute)),
                Err(refused) => refused,
            };
            if let Some(done) = if_done(scope, &refused, &act.event, self.dispute(&opening.id)).await? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    /// Changes a dispute alone. `change` says what is told of it.
    ///
    /// # Errors
    /// [`Denied::Absent`], what `change` refuses, [`StoreError::Busy`], [`StoreError::Unknown`].
    async fn edit_dispute(
        &self,
        id: &DisputeId,
        acts: Acts<'_>,
        change: impl Fn(&mut Dispute, Timestamp) -> Result<RecordKind, StoreError> + Sync,
    ) -> Result<Dispute, StoreError> {
        for _ in 0..REPLANS {
            let (old, act, mut tx) = (self.dispute(id).await?, acts(), Tx::default());
            let mut new = old.clone();
            let kind = change(&mut new, act.now)?;
            if new == old {
                return Ok(old);
            }
            let by = new.messages.last().map(|message| &message.account_id);
            let said = detail!({
                "dispute_id": new.id, "invoice_id": new.invoice_id, "respond_by": new.respond_by, "by": by,
            });
            push_event(&mut tx, Part::Guard, &act, &new.account_id, kind, &said)?;
            push_dispute(&mut tx, &old, &mut new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return self.dispute(id).await,
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// Adds a message or evidence to an open dispute, only as it was in `expected` if a version is named. The time of the message is that of its writing.
    ///
    /// # Errors
    /// [`StoreError::Dispute`], [`StoreError::Stale`]; as [`Store::dispute`].
    pub async fn say_in_dispute(
        &self,
        id: &DisputeId,
        message: &Message,
        expected: Option<i64>,
        acts: Acts<'_>,
    ) -> Result<Dispute, StoreError> {
        let say = |dispute: &mut Dispute, now| {
            fresh(dispute, expected)?;
            dispute.say(Message { at: now, ..message.clone() })?;
            Ok(RecordKind::DisputeAnswered)
        };
        self.edit_dispute(id, acts, say).await
    }

    /// A dispute's seller begins to look at it, only as it was in `expected` if a version is named. Nothing if it does already.
    ///
    /// # Errors
    /// [`StoreError::Dispute`] once it is at its end; as [`Store::dispute`].
    pub async fn take_up_dispute(&self, id: &DisputeId, expected: Option<i64>, acts: Acts<'_>) -> Result<Dispute, StoreError> {
        let take_up = |dispute: &mut Dispute, now| {
            fresh(dispute, expected)?;
            if dispute.state != tributary_domain::billing::dispute::DisputeState::UnderReview {
                dispute.take_up(now)?;
            }
            Ok(RecordKind::DisputeUnderReview)
        };
        self.edit_dispute(id, acts, take_up).await
    }

    /// Tells once that the time to answer a dispute is over.
    ///
    /// # Errors
    /// As [`Store::dispute`].
    pub async fn tell_overdue(&self, id: &DisputeId, acts: Acts<'_>) -> Result<Dispute, StoreError> {
        let tell = |dispute: &mut Dispute, now| {
            dispute.overdue_told |= dispute.is_overdue(now);
            Ok(RecordKind::DisputeOverdue)
        };
        self.edit_dispute(id, acts, tell).await
    }

    /// Brings a dispute to its end, once per idempotency key: the dispute, its invoice, the credit note with what it gives back, and, if it is passed up, the
    /// seller's own dispute for its share of the cost, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Dispute`]; as [`Store::issue_credit_note`].
    pub async fn resolve_dispute(
        &self,
        id: &DisputeId,
        ending: &Ending,
        scope: Option<&Scope>,
        acts: Acts<'_>,
    ) -> Result<Outcome<Dispute>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let (act, mut tx) = (acts(), Tx::default());
            let old = self.dispute(id).await?;
            let invoice = self.invoice(&old.invoice_id).await?;
            let (mut new, mut after) = (old.clone(), invoice.clone());
            let plan = match self.push_resolved(&mut tx, (&mut new, &mut after), ending, resolve, &act, acts).await {
                Ok(plan) => plan,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            push_dispute(&mut tx, &old, &mut new)?;
            push_paid(&mut tx, &invoice, &mut after, acts)?;
            push_ended(&mut tx, guard_without(scope), &act, &new)?;
            push_record(&mut tx, scope, &new, &act)?;
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.learn_movement(plan.as_ref());
                    return Ok(Outcome::Done(new));
                }
                Err(refused) => refused,
            };
            resolve |= self.forget_movement(plan.as_ref(), &refused);
            if let Some(done) = if_done(scope, &refused, &act.event, self.dispute(id)).await? {
                return Ok(done);
            }
        }
        Err(StoreError::Busy)
    }

    /// Resolves, with the credit note and what is passed up. The writes of dispute and invoice are the caller's.
    async fn push_resolved(
        &self,
        tx: &mut Tx,
        (dispute, invoice): (&mut Dispute, &mut Invoice),
        ending: &Ending,
        resolve: bool,
        act: &Act,
        acts: Acts<'_>,
    ) -> Result<Option<TransferPlan>, StoreError> {
        let accepted = dispute.resolve(invoice, ending.resolution.clone(), act.now)?;
        if accepted.is_empty() {
            return Ok(None);
        }
        let noted = self.push_note(tx, (Part::Plain, Some(&dispute.id)), invoice, &accepted, &ending.note, resolve, acts).await?;
        let CreditNote { id, total, .. } = noted.note;
        (dispute.credit_note_id, dispute.accepted) = (Some(id), total);
        if let Some(above) = &ending.pass_up {
            self.push_passed_up(tx, dispute, invoice, &accepted, above, acts).await?;
        }
        Ok(noted.plan)
    }

    /// The seller's own dispute for what it paid itself for the same usage, of its newest invoice that has it. Nothing where it paid nothing.
    async fn push_passed_up(
        &self,
        tx: &mut Tx,
        dispute: &mut Dispute,
        invoice: &Invoice,
        accepted: &[LinePart],
        above: &DisputeId,
        acts: Acts<'_>,
    ) -> Result<(), StoreError> {
        let (own, _) = self.invoices(&dispute.seller_id, None, LOOKED_THROUGH).await?;
        for old in own {
            let asked = shares(invoice, accepted, &old)?;
            let act = acts();
            let words = dispute.messages.first().map(|message| message.text.clone());
            let (false, Some(text)) = (asked.is_empty(), words) else { continue };
            let evidence = Message { account_id: dispute.seller_id.clone(), by: None, text, links: Vec::new(), at: act.now };
            let origin = Origin::PassedUp { dispute_id: dispute.id.clone() };
            let opening = Opening { id: above.clone(), asked, reason: dispute.reason, origin, evidence };
            let mut new = old.clone();
            let Ok(passed) = Dispute::open(&mut new, opened(&opening, act.now)) else { continue };
            tx.push(Part::Plain, Write::create(keys::dispute(&passed.id), encode(&passed)?));
            push_opened(tx, &act, &passed)?;
            push_paid(tx, &old, &mut new, acts)?;
            dispute.passed_up_as = Some(passed.id);
            return Ok(());
        }
        Ok(())
    }

    /// Takes in that the payer's bank asks about a payment, or took it back: what of it counted to the invoice is due again, and held by a dispute
    /// of its own. The same chargeback changes nothing the second time.
    ///
    /// # Errors
    /// [`Denied::Absent`]; [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn open_chargeback(
        &self,
        id: &PaymentId,
        seen: &ChargedBack,
        dispute: &DisputeId,
        acts: Acts<'_>,
    ) -> Result<Payment, StoreError> {
        let place = |payment: &Payment| payment.chargebacks.iter().position(|known| known.processor_id == seen.processor_id);
        let first = |state, amount| {
            let processor_id = seen.processor_id.clone();
            Chargeback { processor_id, dispute_id: None, amount, unpaid: Micros::ZERO, state }
        };
        if seen.state == ChargebackState::Won {
            // It was over before it was heard of: what is told late of it changes nothing.
            let note = |payment: &mut Payment, _: &mut Tx, _: &Act| {
                if place(payment).is_none() {
                    payment.chargebacks.push(first(ChargebackState::Won, Micros::ZERO));
                }
                Ok(())
            };
            return self.edit_payment(id, acts, note).await;
        }
        for _ in 0..REPLANS {
            let (old, act, mut tx) = (self.payment(id).await?, acts(), Tx::default());
            let known = place(&old);
            let taken = seen.state != ChargebackState::Inquiry;
            if known.is_some_and(|at| !taken || old.chargebacks[at].state != ChargebackState::Inquiry) {
                return Ok(old);
            }
            let (mut new, first) = (old.clone(), first(ChargebackState::Inquiry, seen.amount));
            let mut noted = known.map_or(first, |at| old.chargebacks[at].clone());
            let amount = seen.amount.min(new.left()?);
            if taken && amount.get() > 0 {
                push_given_back(&mut tx, Part::Plain, &acts(), RecordKind::PaymentRefunded, &new, amount)?;
            }
            if taken {
                (noted.state, noted.amount) = (ChargebackState::Taken, seen.amount);
            }
            if let Some(invoice) = new.invoice_id().cloned() {
                let old_invoice = self.invoice(&invoice).await?;
                let mut after = old_invoice.clone();
                if taken {
                    noted.unpaid = amount.min(new.applied).min(after.paid);
                    if noted.unpaid.get() > 0 {
                        after.unpay(noted.unpaid)?;
                        new.applied = new.applied.minus(noted.unpaid)?;
                    }
                }
                if noted.dispute_id.is_none() {
                    noted.dispute_id = push_charged_back(&mut tx, &mut after, &new.id, seen, dispute, &act)?;
                }
                push_paid(&mut tx, &old_invoice, &mut after, acts)?;
            }
            new.charge_back(noted, act.now)?;
            push_payment(&mut tx, &old, &mut new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return self.payment(id).await,
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// Takes in that a chargeback came to its end. Won, the money counts again, and what is more than is due by now goes back to the card; lost, what
    /// was disputed is credited. A dispute that its seller ended already stays as it is.
    ///
    /// # Errors
    /// [`Denied::Absent`]; as [`Store::resolve_dispute`].
    pub async fn close_chargeback(
        &self,
        id: &PaymentId,
        processor_id: &str,
        won: bool,
        note: &NewNote,
        acts: Acts<'_>,
    ) -> Result<Payment, StoreError> {
        for _ in 0..REPLANS {
            let (old, act, mut tx) = (self.payment(id).await?, acts(), Tx::default());
            let open = |known: &Chargeback| !matches!(known.state, ChargebackState::Won | ChargebackState::Lost);
            let Some(at) = old.chargebacks.iter().position(|known| known.processor_id == processor_id && open(known)) else {
                return Ok(old);
            };
            let mut new = old.clone();
            let known = old.chargebacks[at].clone();
            let state = if won { ChargebackState::Won } else { ChargebackState::Lost };
            new.charge_back(Chargeback { state, ..known.clone() }, act.now)?;
            let mut plan = None;
            if let Some(invoice) = new.invoice_id().cloned() {
                let old_invoice = self.invoice(&invoice).await?;
                let mut after = old_invoice.clone();
                if won && known.unpaid.get() > 0 {
                    let due = if after.state.is_open() { after.due()?.max(Micros::ZERO) } else { Micros::ZERO };
                    let counts = known.unpaid.min(due);
                    if counts.get() > 0 {
                        after.pay(counts)?;
                    }
                    new.applied = new.applied.plus(counts)?;
                    // Refunds may have been under way when the bank took it all: what they gave back is not given back again.
                    let over = known.unpaid.minus(counts)?.min(new.left()?);
                    if over.get() > 0 {
                        new.begin_refund(over, RefundCause::Overpaid, act.now)?;
                    }
                }
                if let Some(dispute) = &known.dispute_id {
                    let old_dispute = self.dispute(dispute).await?;
                    if old_dispute.state.is_open() {
                        let mut ended = old_dispute.clone();
                        let resolution = if won { Resolution::Reject } else { Resolution::AcceptAll };
                        let note = NewNote { given_as: GivenAs::Outside, ..note.clone() };
                        let ending = Ending { resolution, note, pass_up: None };
                        plan = self.push_resolved(&mut tx, (&mut ended, &mut after), &ending, false, &act, acts).await?;
                        push_dispute(&mut tx, &old_dispute, &mut ended)?;
                        push_ended(&mut tx, Part::Guard, &act, &ended)?;
                    }
                }
                push_paid(&mut tx, &old_invoice, &mut after, acts)?;
            }
            push_payment(&mut tx, &old, &mut new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.learn_movement(plan.as_ref());
                    return Ok(new);
                }
                Err(refused) if refused.guard().is_some() => return self.payment(id).await,
                Err(refused) => {
                    self.forget_movement(plan.as_ref(), &refused);
                }
            }
        }
        Err(StoreError::Busy)
    }
}

fn fresh(dispute: &Dispute, expected: Option<i64>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != dispute.version => Err(StoreError::Stale(dispute.version)),
        Some(_) | None => Ok(()),
    }
}

fn opened(opening: &Opening, now: Timestamp) -> NewDispute {
    NewDispute {
        id: opening.id.clone(),
        asked: opening.asked.clone(),
        reason: opening.reason,
        origin: opening.origin.clone(),
        evidence: Message { at: now, ..opening.evidence.clone() },
        now,
    }
}

/// Opens the dispute of a chargeback over what is left of the invoice's lines; none if nothing is.
fn push_charged_back(
    tx: &mut Tx,
    invoice: &mut Invoice,
    payment: &PaymentId,
    seen: &ChargedBack,
    id: &DisputeId,
    act: &Act,
) -> Result<Option<DisputeId>, StoreError> {
    let asked = spread(invoice, seen.amount)?;
    if asked.is_empty() {
        return Ok(None);
    }
    let opening = Opening {
        id: id.clone(),
        asked,
        reason: seen.reason,
        origin: Origin::Chargeback { payment_id: payment.clone(), processor_id: seen.processor_id.clone() },
        evidence: Message { account_id: invoice.account_id.clone(), by: None, text: seen.words.clone(), links: Vec::new(), at: act.now },
    };
    match Dispute::open(invoice, opened(&opening, act.now)) {
        Ok(dispute) => {
            tx.push(Part::Plain, Write::create(keys::dispute(&dispute.id), encode(&dispute)?));
            push_event_of_opening(tx, Part::Guard, act, &dispute)?;
            Ok(Some(dispute.id))
        }
        // The invoice is not one that can be disputed: only the money is taken back.
        Err(DisputeError::Part(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What of the accepted parts the seller paid itself, as parts of an invoice of its own.
fn shares(invoice: &Invoice, accepted: &[LinePart], above: &Invoice) -> Result<Vec<LinePart>, Overflow> {
    let mut found: Vec<LinePart> = Vec::new();
    for part in accepted {
        let Some(line) = invoice.line(&part.line) else { continue };
        if let Some(share) = share_above(line, part.amount, above)?
            && !found.iter().any(|other| other.line == share.line)
        {
            found.push(share);
        }
    }
    Ok(found)
}

fn push_opened(tx: &mut Tx, act: &Act, dispute: &Dispute) -> Result<(), StoreError> {
    push_event_of_opening(tx, Part::Plain, act, dispute)
}

fn push_event_of_opening(tx: &mut Tx, part: Part, act: &Act, dispute: &Dispute) -> Result<(), StoreError> {
    let said = detail!({
        "dispute_id": dispute.id, "invoice_id": dispute.invoice_id, "amount": dispute.amount, "currency": dispute.currency,
        "reason": dispute.reason, "origin": dispute.origin.word(), "respond_by": dispute.respond_by,
    });
    push_event(tx, part, act, &dispute.account_id, RecordKind::DisputeOpened, &said)
}

fn push_ended(tx: &mut Tx, part: Part, act: &Act, dispute: &Dispute) -> Result<(), StoreError> {
    let said = detail!({
        "dispute_id": dispute.id, "invoice_id": dispute.invoice_id, "outcome": dispute.state, "accepted": dispute.accepted,
        "currency": dispute.currency, "credit_note_id": dispute.credit_note_id,
    });
    push_event(tx, part, act, &dispute.account_id, RecordKind::DisputeResolved, &said)
}

fn push_dispute(tx: &mut Tx, old: &Dispute, new: &mut Dispute) -> Result<(), StoreError> {
    new.version = old.version + 1;
    let as_read = Cond::Eq("ver", Value::N(old.version));
    tx.push(Part::Dispute, Write { cond: Some(as_read), ..Write::put(keys::dispute(&new.id), encode(new)?) });
    Ok(())
}

fn encode(dispute: &Dispute) -> Result<Item, StoreError> {
    let (mut item, position) = (Item::new(), due_position(dispute.opened_at, dispute.id.as_str()));
    put(&mut item, "doc", json(dispute)?);
    put(&mut item, "ver", Value::N(dispute.version));
    put(&mut item, "gsi1pk", s(keys::disputes_index(&dispute.account_id)));
    put(&mut item, "gsi1sk", s(position.clone()));
    put(&mut item, "gsi3pk", s(keys::disputes_sold_index(&dispute.seller_id)));
    put(&mut item, "gsi3sk", s(position));
    if let Some(due) = dispute.respond_by.filter(|_| dispute.state.is_open() && !dispute.overdue_told) {
        put(&mut item, "gsi2pk", s(keys::DISPUTES_DUE_INDEX));
        put(&mut item, "gsi2sk", s(due_position(due, dispute.id.as_str())));
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Dispute, StoreError> {
    Reader(item).json("doc")
}
