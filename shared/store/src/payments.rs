//! Payments: each attempt written down before anybody is asked for money, and settled with its invoice in one transaction.
//!
//! The ids of an invoice's payments follow from their number, which the invoice counts: two workers cannot both begin the next one, and all of them are read
//! without an index. Every change holds to the version that was read.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json as detail};
use tributary_domain::billing::credit_note::CreditNote;
use tributary_domain::billing::dunning::ANSWER_S;
use tributary_domain::billing::invoice::{Invoice, InvoiceError};
use tributary_domain::billing::payment::{
    DeclineKind, Effect, FROM_CREDIT, OUTSIDE, Payment, PaymentState, Purpose, Received, RefundCause, RefundState, Signal, payment_id,
};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, InvoiceId, PaymentId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, LedgerId};
use tributary_domain::money::{Amount, Currency, Micros};
use tributary_domain::text::Reference;
use tributary_domain::transfer::TransferPlan;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::idempotency::{Scope, push_record};
use crate::invoices::{push_invoice, push_paid};
use crate::keys;
use crate::movements::{Movement, is_stopped, sellers_ledger};
use crate::purchases::push_purchase;
use crate::table::{Cond, Index, Item, Key, MAX_BATCH_GET, Position, Query, SortRange, Value, Write, s};

/// Makes an act for each event of a transaction, with an id of its own.
pub type Acts<'a> = &'a (dyn Fn() -> Act + Sync);

/// What was learned of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How it is.
    pub signal: Signal,
    /// The processor's name for it.
    pub processor_id: Option<String>,
    /// Why it was declined.
    pub decline: Option<DeclineKind>,
    /// The bank says not to try the card again.
    pub for_good: bool,
    /// Where its payer confirms it.
    pub action_url: Option<String>,
    /// Nobody can pay it at the processor any more.
    pub closed: bool,
    /// When the next one is tried, to be told.
    pub again_at: Option<Timestamp>,
}

impl Heard {
    /// That alone.
    pub fn of(signal: Signal) -> Self {
        Self { signal, processor_id: None, decline: None, for_good: false, action_url: None, closed: false, again_at: None }
    }
}

/// A payment, and what was to be done because of what was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The payment as it is now.
    pub payment: Payment,
    /// What was done with it, once however often it is heard.
    pub effect: Effect,
}

impl Store {
    /// A payment: one read, strongly consistent.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors; [`StoreError::Corrupt`].
    pub async fn payment(&self, id: &PaymentId) -> Result<Payment, StoreError> {
        let key = keys::payment(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// The payments of an invoice as it was read, oldest first, strongly consistent.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn payments_of(&self, invoice: &Invoice) -> Result<Vec<Payment>, StoreError> {
        let wanted: Vec<Key> = (1..=invoice.chase.attempts).map(|attempt| keys::payment(&payment_id(&invoice.id, attempt))).collect();
        let mut found = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            for item in patiently(&self.patience, || self.table.batch_get(chunk)).await?.into_iter().flatten() {
                found.push(decode(&item)?);
            }
        }
        Ok(found)
    }

    /// The payments of an account, newest first: from an index, which is shown only.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn payments(
        &self,
        account: &AccountId,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Payment>, Option<Position>), StoreError> {
        let query = Query::index(Index::Gsi3, keys::payments_index(account), SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// The payment to a seller that its processor calls so, once the index has it.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn payment_named(&self, seller: &AccountId, processor_id: &str) -> Result<Payment, StoreError> {
        let query = Query::index(Index::Gsi1, keys::payment_index(seller, processor_id), SortRange::Every).limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let found = decode(page.items.first().ok_or(Denied::Absent)?)?;
        self.payment(&found.id).await
    }

    /// Payments with which something is done by `now`, beside those of invoices: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors.
    pub async fn payments_due(
        &self,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<PaymentId>, Option<Position>), StoreError> {
        self.due_in(keys::PAYMENTS_DUE_INDEX, now, start, limit).await
    }

    /// Begins a payment of an invoice, as the invoice was read: both or none, and once per idempotency key if there is one. `tried` is how many of the
    /// times to collect are behind it. `false` if another came first.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Unknown`]: then it may have begun.
    pub async fn begin_payment(
        &self,
        invoice: &Invoice,
        payment: &Payment,
        tried: u32,
        scope: Option<&Scope>,
        act: &Act,
    ) -> Result<bool, StoreError> {
        let now = act.now;
        let mut new = invoice.clone();
        new.chase.attempts = payment.attempt;
        new.chase.tried = new.chase.tried.max(tried);
        // Whoever asks the processor may be killed before the answer: then it is looked up.
        let next = now.checked_add(SignedDuration::from_secs(ANSWER_S)).unwrap_or(now);
        let mut tx = Tx::default();
        tx.push(Part::Guard, Write::create(keys::payment(&payment.id), encode(payment)?));
        push_record(&mut tx, scope, &payment.id, act)?;
        push_invoice(&mut tx, invoice, &mut new, Some(next))?;
        Ok(tx.commit(&*self.table, &self.patience).await?.is_ok())
    }

    /// Begins a payment that is for no invoice, once, and once per idempotency key if there is one: what comes back is as it is kept.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn begin_loose_payment(&self, payment: &Payment, scope: Option<&Scope>, act: &Act) -> Result<Payment, StoreError> {
        let mut tx = Tx::default();
        push_record(&mut tx, scope, &payment.id, act)?;
        tx.push(Part::Guard, Write::create(keys::payment(&payment.id), encode(payment)?));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(payment.clone()),
            Err(refused) if refused.guard().is_some() => self.made(payment, scope).await,
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Takes in what was learned of a payment, from an answer, a look-up or a webhook alike. Money that was taken counts to its invoice, or brings
    /// the credit that it is for, in the same transaction: once exactly. What is more than was due, or cannot be given, goes back to the card.
    /// `transfer` is the id of the movement of credit, if there is one.
    ///
    /// # Errors
    /// [`Denied::Absent`]; [`StoreError::Busy`], [`StoreError::Unknown`]: then it is to be heard again.
    pub async fn hear_payment(&self, id: &PaymentId, heard: &Heard, transfer: &TransferId, acts: Acts<'_>) -> Result<Settled, StoreError> {
        let (mut resolve, mut never) = (false, false);
        for replan in 0..REPLANS {
            if replan > 2 {
                self.patience.pause((replan - 2).min(4)).await;
            }
            let (old, act) = (self.payment(id).await?, acts());
            let mut new = old.clone();
            let effect = note(&mut new, heard, act.now);
            let mut tx = Tx::default();
            let mut plan = None;
            match effect {
                Effect::Nothing if new.state == old.state && new.closed == old.closed && new.processor_id == old.processor_id => {
                    // Only that it was looked at: whoever else looked may say so.
                    new.version = old.version + 1;
                    let _ = self.table.write(&as_read(&old, &new)?).await;
                    return Ok(Settled { payment: new, effect });
                }
                Effect::Nothing => {}
                Effect::Fail => push_told(&mut tx, Part::Guard, &act, RecordKind::PaymentFailed, &new, heard.again_at)?,
                Effect::AskPayer => push_told(&mut tx, Part::Guard, &act, RecordKind::PaymentActionRequired, &new, None)?,
                Effect::Count => {
                    match new.purpose.clone() {
                        Purpose::Invoice(invoice) => self.push_counted(&mut tx, &mut new, &invoice, acts).await?,
                        // Whoever is above cannot spend now, or the account has as many of the package as it may: the payer's money does
                        // not wait for that to end.
                        Purpose::Credit(_) | Purpose::Package(_) if never => back(&mut new, RefundCause::NoCredit, act.now)?,
                        Purpose::Credit(_) | Purpose::Package(_) => {
                            plan = self.push_bought(&mut tx, &mut new, transfer, resolve, act.now).await?;
                        }
                    }
                    push_told(&mut tx, Part::Guard, &act, RecordKind::PaymentSucceeded, &new, None)?;
                }
            }
            push_payment(&mut tx, &old, &mut new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.learn_movement(plan.as_ref());
                    return Ok(Settled { payment: new, effect });
                }
                Err(refused) => {
                    never = is_stopped(plan.as_ref(), &refused) || refused.of(&Part::Bought).is_some();
                    resolve |= self.forget_movement(plan.as_ref(), &refused);
                    if refused.guard().is_some() {
                        return Ok(Settled { payment: self.payment(id).await?, effect });
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Money that was taken counts to its invoice, as much of it as is due; the rest goes back.
    async fn push_counted(&self, tx: &mut Tx, payment: &mut Payment, invoice: &InvoiceId, acts: Acts<'_>) -> Result<(), StoreError> {
        let old = self.invoice(invoice).await?;
        let mut new = old.clone();
        let due = if old.state.is_open() { old.due()?.max(Micros::ZERO) } else { Micros::ZERO };
        payment.applied = payment.amount.min(due);
        if !payment.applied.is_zero() {
            new.pay(payment.applied)?;
        }
        push_paid(tx, &old, &mut new, acts)?;
        let over = payment.amount.minus(payment.applied)?;
        if over.get() > 0 {
            payment.begin_refund(over, RefundCause::Overpaid, acts().now)?;
        }
        Ok(())
    }

    /// The credit that was paid for comes from the seller; where it cannot, the money goes back.
    async fn push_bought(
        &self,
        tx: &mut Tx,
        payment: &mut Payment,
        transfer: &TransferId,
        resolve: bool,
        now: Timestamp,
    ) -> Result<Option<TransferPlan>, StoreError> {
        let amount = Amount::new(payment.purpose.credit()?.unwrap_or_default()).map_err(|_| CreditError::Overflow)?;
        let purchase = match &payment.purpose {
            Purpose::Package(bought) => Some((**bought).clone()),
            Purpose::Credit(_) | Purpose::Invoice(_) => None,
        };
        let movement = Movement {
            id: transfer,
            kind: EntryKind::CardTopup,
            from: LedgerId::Account(payment.seller_id.clone()),
            to: LedgerId::Account(payment.account_id.clone()),
            amount,
            reference: Reference::parse(payment.id.as_str()).ok(),
            purchase,
            now,
        };
        match self.plan_movement(&movement, resolve).await? {
            Ok(plan) => {
                self.push_movement(tx, record_key(&payment.id, transfer), &plan, &payment.seller_id)?;
                push_purchase(tx, &plan.transfer)?;
                (payment.applied, payment.transfer_id) = (payment.amount, Some(transfer.clone()));
                Ok(Some(plan))
            }
            Err(_) => {
                back(payment, RefundCause::NoCredit, now)?;
                Ok(None)
            }
        }
    }

    /// Pays an invoice from the buyer's credit, as much of what is chased as is there: entries of both, the invoice and the payment in one transaction.
    /// A debt within the credit limit pays nothing: it would only be owed elsewhere. `None` if there is nothing to pay or nothing to pay it from.
    ///
    /// It is no spending: an account that was suspended because of an invoice may pay it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while a card is being charged for it; [`StoreError::Dispute`] if it is not open; [`StoreError::Credit`],
    /// [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn pay_from_credit(
        &self,
        id: &InvoiceId,
        transfer: &TransferId,
        scope: Option<&Scope>,
        acts: Acts<'_>,
    ) -> Result<Option<(Invoice, Payment)>, StoreError> {
        let mut resolve = false;
        for replan in 0..REPLANS {
            if replan > 2 {
                self.patience.pause((replan - 2).min(4)).await;
            }
            let old = self.invoice(id).await?;
            self.payable(&old).await?;
            let buyer = self.head(&LedgerId::Account(old.account_id.clone())).await?;
            let there = buyer.available.min(buyer.spendable()?);
            let amount = whole_coins(there.min(old.in_collection()?), old.currency);
            let Ok(amount) = Amount::new(amount) else { return Ok(None) };
            let act = acts();
            let movement = Movement {
                id: transfer,
                kind: EntryKind::InvoicePayment,
                from: buyer.ledger.clone(),
                to: sellers_ledger(&buyer, &old.seller_id, old.currency)?,
                amount,
                reference: old.number.as_deref().and_then(|number| Reference::parse(number).ok()),
                purchase: None,
                now: act.now,
            };
            let plan = match self.plan_movement(&movement, resolve).await? {
                Ok(plan) => plan,
                // It was spent meanwhile.
                Err(CreditError::Insufficient { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut payment = paid(&old, amount.micros(), FROM_CREDIT, act.now);
            payment.transfer_id = Some(transfer.clone());
            let mut tx = Tx::default();
            self.push_movement(&mut tx, record_key(&payment.id, transfer), &plan, &old.account_id)?;
            let new = self.push_made(&mut tx, &old, &payment, scope, &act, acts)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.learn_movement(Some(&plan));
                    return Ok(Some((new, payment)));
                }
                Err(refused) => {
                    resolve |= self.forget_movement(Some(&plan), &refused);
                    if refused.guard().is_some() {
                        return Ok(Some((self.invoice(id).await?, self.made(&payment, scope).await?)));
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Writes down that so much of an invoice was paid outside, once per idempotency key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while a card is being charged for it; [`StoreError::Dispute`] for more than is due, or one that is not open;
    /// [`StoreError::KeyReused`].
    pub async fn pay_outside(
        &self,
        id: &InvoiceId,
        amount: Micros,
        received: Option<&Received>,
        scope: Option<&Scope>,
        acts: Acts<'_>,
    ) -> Result<(Invoice, Payment), StoreError> {
        for _ in 0..REPLANS {
            let old = self.invoice(id).await?;
            self.payable(&old).await?;
            let act = acts();
            let payment = Payment { received: received.cloned(), ..paid(&old, amount, OUTSIDE, act.now) };
            let mut tx = Tx::default();
            let new = self.push_made(&mut tx, &old, &payment, scope, &act, acts)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok((new, payment)),
                Err(refused) if refused.guard().is_some() => return Ok((self.invoice(id).await?, self.made(&payment, scope).await?)),
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// The payment that stands where another was to be made: that of the idempotency key, else the very one.
    async fn made(&self, payment: &Payment, scope: Option<&Scope>) -> Result<Payment, StoreError> {
        match scope {
            Some(scope) => match self.first_answer::<PaymentId>(scope).await? {
                Some(first) => self.payment(&first).await,
                None => self.payment(&payment.id).await,
            },
            None => self.payment(&payment.id).await,
        }
    }

    /// The payment that was made first under an idempotency key, as it is now.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn payment_asked(&self, scope: &Scope) -> Result<Option<Payment>, StoreError> {
        match self.first_answer::<PaymentId>(scope).await? {
            Some(first) => self.payment(&first).await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses an invoice that is not open, or for which a card is being charged.
    async fn payable(&self, invoice: &Invoice) -> Result<(), StoreError> {
        if !invoice.state.is_open() {
            return Err(InvoiceError::State(invoice.state).into());
        }
        let open = self.payments_of(invoice).await?.iter().any(|payment| payment.state.is_open());
        if open { Err(StoreError::Conflict("a card is being charged for the invoice; its outcome is waited for")) } else { Ok(()) }
    }

    /// Adds a payment that is made with its own transaction.
    fn push_made(
        &self,
        tx: &mut Tx,
        old: &Invoice,
        payment: &Payment,
        scope: Option<&Scope>,
        act: &Act,
        acts: Acts<'_>,
    ) -> Result<Invoice, StoreError> {
        push_record(tx, scope, &payment.id, act)?;
        let mut new = old.clone();
        new.pay(payment.amount)?;
        new.chase.attempts = payment.attempt;
        push_told(tx, Part::Guard, act, RecordKind::PaymentSucceeded, payment, None)?;
        tx.push(Part::Payment, Write::create(keys::payment(&payment.id), encode(payment)?));
        push_paid(tx, old, &mut new, acts)?;
        Ok(new)
    }

    /// Writes down that a refund that failed is asked for again, once per idempotency key if there is one; `note` is what is answered then.
    ///
    /// # Errors
    /// [`Denied::Absent`]; [`StoreError::Conflict`] of one that did not fail, or was asked for again; [`StoreError::Refund`] if less is left;
    /// [`StoreError::KeyReused`], [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn repeat_refund(
        &self,
        id: &PaymentId,
        refund: &str,
        asked: Option<(&Scope, &CreditNote)>,
        acts: Acts<'_>,
    ) -> Result<Payment, StoreError> {
        let repeat = |payment: &mut Payment, tx: &mut Tx, act: &Act| {
            if !payment.repeat_refund(refund, act.now)? {
                return Err(StoreError::Conflict("the refund did not fail, or was asked for again"));
            }
            asked.map_or(Ok(()), |(scope, note)| push_record(tx, Some(scope), note, act))
        };
        self.edit_payment(id, acts, repeat).await
    }

    /// Changes a payment alone, as it was read, with what `change` adds to the transaction. One that `change` leaves as it is is not written.
    ///
    /// # Errors
    /// [`Denied::Absent`], what `change` refuses, [`StoreError::Busy`], [`StoreError::Unknown`].
    pub(crate) async fn edit_payment(
        &self,
        id: &PaymentId,
        acts: Acts<'_>,
        change: impl Fn(&mut Payment, &mut Tx, &Act) -> Result<(), StoreError> + Sync,
    ) -> Result<Payment, StoreError> {
        for _ in 0..REPLANS {
            let (old, act, mut tx) = (self.payment(id).await?, acts(), Tx::default());
            let mut new = old.clone();
            change(&mut new, &mut tx, &act)?;
            if new == old {
                return Ok(old);
            }
            push_payment(&mut tx, &old, &mut new)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return self.payment(id).await,
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// Takes in how far a refund of a payment is; told once when it has arrived, or failed.
    ///
    /// # Errors
    /// [`Denied::Absent`]; [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn hear_refund(
        &self,
        id: &PaymentId,
        refund: &str,
        heard: RefundState,
        processor_id: Option<&str>,
        acts: Acts<'_>,
    ) -> Result<Payment, StoreError> {
        let hear = |payment: &mut Payment, tx: &mut Tx, act: &Act| {
            let news = payment.hear_refund(refund, heard, processor_id, act.now)?;
            let told = payment.refunds.iter().find(|one| one.id == refund).and_then(|one| match one.state {
                RefundState::Succeeded => Some((RecordKind::PaymentRefunded, one.amount)),
                RefundState::Failed => Some((RecordKind::RefundFailed, one.amount)),
                RefundState::Sent | RefundState::Pending => None,
            });
            match told.filter(|_| news) {
                Some((kind, amount)) => push_given_back(tx, Part::Guard, act, kind, payment, amount),
                None => Ok(()),
            }
        };
        self.edit_payment(id, acts, hear).await
    }
}

/// Takes what was heard into the payment.
fn note(payment: &mut Payment, heard: &Heard, now: Timestamp) -> Effect {
    let before = payment.state;
    let effect = payment.hear(heard.signal, now);
    if payment.processor_id.is_none() {
        payment.processor_id.clone_from(&heard.processor_id);
    }
    if payment.state == PaymentState::Declined && before != PaymentState::Declined {
        payment.decline = heard.decline.or(Some(DeclineKind::Other));
        payment.for_good = heard.for_good;
    }
    match payment.state {
        PaymentState::ActionRequired if heard.action_url.is_some() => payment.action_url.clone_from(&heard.action_url),
        PaymentState::ActionRequired => {}
        _ => payment.action_url = None,
    }
    payment.closed |= heard.closed && !payment.state.is_open() && payment.state != PaymentState::Succeeded;
    effect
}

/// All of a payment goes back.
fn back(payment: &mut Payment, cause: RefundCause, now: Timestamp) -> Result<(), StoreError> {
    let left = payment.left()?;
    if left.get() > 0 {
        payment.begin_refund(left, cause, now)?;
    }
    Ok(())
}

/// A payment that is made at once.
fn paid(invoice: &Invoice, amount: Micros, method: &str, now: Timestamp) -> Payment {
    Payment { state: PaymentState::Succeeded, applied: amount, ..Payment::of_invoice(invoice, amount, method, now) }
}

/// An amount without what is less than a coin; zero if it is below zero.
pub fn whole_coins(amount: Micros, currency: Currency) -> Micros {
    let coin = currency.minor().get();
    Micros::new(amount.get().max(0) / coin * coin)
}

/// Where the record of a payment's movement of credit is kept.
fn record_key(payment: &PaymentId, transfer: &TransferId) -> Key {
    Key::new(keys::payment(payment).pk, transfer.as_str())
}

fn push_told(
    tx: &mut Tx,
    part: Part,
    act: &Act,
    kind: RecordKind,
    payment: &Payment,
    again_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let mut said = detail!({
        "payment_id": payment.id, "invoice_id": payment.invoice_id(), "amount": payment.amount, "currency": payment.currency,
        "method": payment.method,
    });
    if let Json::Object(said) = &mut said {
        if kind == RecordKind::PaymentFailed {
            said.insert("decline".to_owned(), detail!(payment.decline));
            said.insert("again_at".to_owned(), detail!(again_at));
        }
        if kind == RecordKind::PaymentActionRequired {
            said.insert("url".to_owned(), detail!(payment.action_url));
        }
    }
    push_event(tx, part, act, &payment.account_id, kind, &said)
}

/// Tells that some of a payment went back to its payer, or did not.
pub(crate) fn push_given_back(
    tx: &mut Tx,
    part: Part,
    act: &Act,
    kind: RecordKind,
    payment: &Payment,
    amount: Micros,
) -> Result<(), StoreError> {
    let said = detail!({ "payment_id": payment.id, "invoice_id": payment.invoice_id(), "amount": amount, "currency": payment.currency });
    push_event(tx, part, act, &payment.account_id, kind, &said)
}

fn as_read(old: &Payment, new: &Payment) -> Result<Write, StoreError> {
    Ok(Write { cond: Some(Cond::Eq("ver", Value::N(old.version))), ..Write::put(keys::payment(&new.id), encode(new)?) })
}

/// Adds the write of a payment, only as it was read.
pub(crate) fn push_payment(tx: &mut Tx, old: &Payment, new: &mut Payment) -> Result<(), StoreError> {
    new.version = old.version + 1;
    tx.push(Part::Payment, as_read(old, new)?);
    Ok(())
}

fn encode(payment: &Payment) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(payment)?);
    put(&mut item, "ver", Value::N(payment.version));
    put(&mut item, "gsi3pk", s(keys::payments_index(&payment.account_id)));
    put(&mut item, "gsi3sk", s(due_position(payment.created_at, payment.id.as_str())));
    if let Some(processor_id) = &payment.processor_id {
        put(&mut item, "gsi1pk", s(keys::payment_index(&payment.seller_id, processor_id)));
        put(&mut item, "gsi1sk", s("-"));
    }
    if let Some(due) = payment.due_at() {
        put(&mut item, "gsi2pk", s(keys::PAYMENTS_DUE_INDEX));
        put(&mut item, "gsi2sk", s(due_position(due, payment.id.as_str())));
    }
    Ok(item)
}

fn decode(item: &Item) -> Result<Payment, StoreError> {
    Reader(item).json("doc")
}

impl Store {
    /// Tells what became of an account's card, once for ever, however often it is heard.
    ///
    /// # Errors
    /// Table errors.
    pub async fn tell_of_card(
        &self,
        account: &AccountId,
        method: &str,
        kind: RecordKind,
        said: &Json,
        act: &Act,
    ) -> Result<(), StoreError> {
        let mut tx = Tx::default();
        tx.push(Part::Guard, Write::create(keys::card_told(account, kind.word(), method), Item::new()));
        push_event(&mut tx, Part::Plain, act, account, kind, said)?;
        // Refused, it was told before.
        let _told_before = tx.commit(&*self.table, &self.patience).await?;
        Ok(())
    }
}
