//! Collecting one invoice: what [`next_step`] says, until there is nothing to do before a later time.
//!
//! Credit comes first, then the card. An attempt is written down before the processor is asked; while its outcome is not known nothing else is tried, and
//! before another attempt the one before is given up at the processor, so that nobody pays twice.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tributary_domain::billing::bill::ProcessorCustomer;
use tributary_domain::billing::dunning::{Means, Policy, Step, next_step};
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::billing::payment::{DeclineKind, Effect, Payment, PaymentState, Received, Signal};
use tributary_domain::billing::profile::Collection;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, InvoiceId, PaymentId};
use tributary_domain::money::Micros;
use tributary_runtime::payments::{
    Action, Decline, DeclineKind as Told, Metadata, NewPayment, Outcome, Payment as AtProcessor, PaymentError, Session, SoughtPayment,
};
use tributary_store::error::StoreError;
use tributary_store::idempotency::Scope;
use tributary_store::payments::{Heard, Settled};

use crate::processors::Counter;
use crate::{BillingError, Desk, micros, money};

/// The most steps of one look: more only if something does not end.
const MAX_STEPS: usize = 100;
/// For how long a request is repeated under its key, in hours: a processor keeps keys for a day.
const KEYS_LAST_H: i64 = 23;
/// How long an attempt or a refund is looked for where its processor was taken away, or is another account's, in days: then it is given up.
pub(crate) const SOUGHT_D: i64 = 7;
/// By how much the clocks may differ, in minutes.
const CLOCKS_DIFFER_MIN: i64 = 5;
/// Why another attempt is not begun while the one before is at its processor as if it had not been declined.
const BEING_PAID: &str = "an earlier charge for the invoice is being processed; its outcome is waited for";
/// Kept with a payment at the processor.
pub(crate) const INVOICE_ID: &str = "invoice_id";

/// What a look at an invoice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// Where the invoice stands.
    pub state: InvoiceState,
    /// What is still chased.
    pub left: Micros,
    /// When it is looked at next.
    pub next: Option<Timestamp>,
}

/// How an invoice is paid by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// From credit.
    Credit,
    /// From the default card, whatever the schedule says.
    Card,
}

/// What a step came to.
enum Did {
    /// There may be another.
    Again,
    /// Nothing more before this time.
    Later(Timestamp),
}

/// How an account pays a seller.
struct Ways {
    policy: Policy,
    collection: Collection,
    customer: Option<ProcessorCustomer>,
}

/// Does what there is to do with an invoice now, and says when it is looked at next. Safe to repeat, to kill and to overlap.
///
/// # Errors
/// [`BillingError::Store`]. What a processor cannot do is tried later.
pub async fn collect(desk: &Desk, id: &InvoiceId) -> Result<Collected, BillingError> {
    for _ in 0..MAX_STEPS {
        let invoice = desk.store().invoice(id).await?;
        if invoice.state == InvoiceState::Draft {
            // It is listed among the drafts.
            return Ok(Collected { state: invoice.state, left: invoice.in_collection()?, next: None });
        }
        let (ways, attempts) = (ways(desk, &invoice).await?, by_card(desk, &invoice).await?);
        let method = ways.customer.as_ref().and_then(|customer| customer.method.as_deref());
        let means = Means { collection: ways.collection, method };
        let next = match next_step(&ways.policy, &invoice, means, &attempts, desk.now())? {
            Step::Nothing => None,
            Step::Wait(until) => Some(until),
            step => match take(desk, &invoice, &ways, &attempts, step).await? {
                Did::Again => continue,
                Did::Later(at) => {
                    // What was put off may have changed it. It is looked at again, whatever else happened to it meanwhile.
                    let now = desk.store().invoice(id).await?;
                    if desk.store().plan_invoice(&now, Some(at)).await? {
                        return Ok(Collected { state: now.state, left: now.in_collection()?, next: Some(at) });
                    }
                    continue;
                }
            },
        };
        // Only of the invoice as it was looked at: what changed since may want something.
        if desk.store().plan_invoice(&invoice, next).await? {
            return Ok(Collected { state: invoice.state, left: invoice.in_collection()?, next });
        }
    }
    Err(StoreError::Busy.into())
}

/// Pays an invoice because somebody asks for it, without regard to the schedule, and looks at what is left to do. `None` if there was nothing to pay it from.
///
/// # Errors
/// [`StoreError::Conflict`] while an attempt is under way; [`StoreError::Dispute`] of an invoice that is not open; [`BillingError::NoCards`].
pub async fn pay_now(desk: &Desk, id: &InvoiceId, by: By) -> Result<Option<Payment>, BillingError> {
    pay_asked(desk, id, by, None).await
}

/// The same, once per idempotency key.
///
/// # Errors
/// As [`pay_now`]; [`StoreError::KeyReused`].
pub async fn pay_asked(desk: &Desk, id: &InvoiceId, by: By, scope: Option<&Scope>) -> Result<Option<Payment>, BillingError> {
    let invoice = desk.store().invoice(id).await?;
    let paid = match by {
        By::Credit => desk.store().pay_from_credit(id, &desk.transfer(), scope, &|| desk.act()).await?.map(|(_, payment)| payment),
        By::Card => {
            if !invoice.state.is_open() {
                return Err(StoreError::from(tributary_domain::billing::invoice::InvoiceError::State(invoice.state)).into());
            }
            let (ways, attempts) = (ways(desk, &invoice).await?, by_card(desk, &invoice).await?);
            if attempts.iter().any(|attempt| attempt.state.is_open()) {
                return Err(StoreError::Conflict("a card is being charged for the invoice; its outcome is waited for").into());
            }
            match ways.customer.as_ref().and_then(|customer| Some((customer, customer.method.as_deref()?))) {
                Some((customer, method)) => {
                    let counter = desk.counter(&invoice.seller_id).await?;
                    charge(desk, &counter, &invoice, (&customer.customer, method), &attempts, (invoice.chase.tried, scope)).await?
                }
                None => None,
            }
        }
    };
    match paid {
        Some(paid) => {
            collect(desk, id).await?;
            Ok(Some(desk.store().payment(&paid.id).await?))
        }
        None => Ok(None),
    }
}

/// Writes down that so much of an invoice was paid outside, once per idempotency key, and looks at what is left to do.
///
/// # Errors
/// As [`tributary_store::Store::pay_outside`].
pub async fn pay_outside(desk: &Desk, id: &InvoiceId, amount: Micros, received: &Received, scope: &Scope) -> Result<Payment, BillingError> {
    let (_, payment) = desk.store().pay_outside(id, amount, Some(received), Some(scope), &|| desk.act()).await?;
    if let Err(error) = collect(desk, id).await {
        tracing::warn!(request_id = desk.run.as_str(), invoice_id = %id, %error, "what follows from a payment is done later");
    }
    Ok(payment)
}

/// Whether an account's card is charged by itself for what it owes a seller.
pub(crate) async fn by_itself(desk: &Desk, account: &AccountId, seller: &AccountId) -> Result<bool, BillingError> {
    let own = desk.store().billing(account).await?.and_then(|billing| billing.profile.collection);
    let collection = match own {
        Some(collection) => collection,
        None => desk.store().seller(seller).await?.settings.collection,
    };
    Ok(collection == Collection::Automatic)
}

async fn ways(desk: &Desk, invoice: &Invoice) -> Result<Ways, BillingError> {
    let settings = desk.store().seller(&invoice.seller_id).await?.settings;
    let billing = desk.store().billing(&invoice.account_id).await?;
    let profile = billing.as_ref().map(|billing| &billing.profile);
    Ok(Ways {
        collection: profile.and_then(|profile| profile.collection).unwrap_or(settings.collection),
        // After a move the card is known to another seller's processor.
        customer: billing.and_then(|billing| billing.processor).filter(|customer| customer.seller_id == invoice.seller_id),
        policy: settings.dunning,
    })
}

async fn by_card(desk: &Desk, invoice: &Invoice) -> Result<Vec<Payment>, BillingError> {
    let mut payments = desk.store().payments_of(invoice).await?;
    payments.retain(Payment::is_by_card);
    Ok(payments)
}

async fn take(desk: &Desk, invoice: &Invoice, ways: &Ways, attempts: &[Payment], step: Step) -> Result<Did, BillingError> {
    let (store, id) = (desk.store(), &invoice.id);
    let acts = || desk.act();
    match step {
        Step::Nothing | Step::Wait(_) => {}
        Step::Collect { card, tried } => return collect_once(desk, invoice, ways, attempts, card, tried).await,
        Step::LookUp(payment) => look_up(desk, &payment).await?,
        Step::Cancel(payment) => {
            let payment = store.payment(&payment).await?;
            let given_up = match desk.counter(&payment.seller_id).await {
                Ok(counter) => give_up(desk, &counter, &payment).await,
                Err(error) => Err(error),
            };
            match given_up {
                Ok(_) => {}
                Err(error) if is_out_of_reach(&error) && is_old(desk, payment.created_at) => end(desk, &payment).await.map(|_| ())?,
                Err(error) => return put_off(desk, &payment, error),
            }
        }
        Step::FallDue => {
            told(desk, id, |invoice, now| {
                let due = invoice.state == InvoiceState::Finalized && invoice.due_at.is_some_and(|due| due <= now);
                Ok(if due { invoice.fall_due().map(|()| Some(RecordKind::InvoicePastDue))? } else { None })
            })
            .await?
        }
        Step::Remind { reminded } => {
            told(desk, id, |invoice, _| {
                let news = invoice.chase.reminded < reminded;
                invoice.chase.reminded = invoice.chase.reminded.max(reminded);
                Ok(news.then_some(RecordKind::InvoiceReminded))
            })
            .await?
        }
        Step::GiveUp => {
            told(desk, id, |invoice, _| {
                let over = invoice.state == InvoiceState::PastDue;
                Ok(if over { invoice.give_up().map(|()| Some(RecordKind::InvoiceUncollectible))? } else { None })
            })
            .await?
        }
        Step::Suspend => {
            store.suspend_for(id, &acts).await?;
        }
        Step::Lift => {
            store.lift_for(id, &acts).await?;
        }
    }
    Ok(Did::Again)
}

/// Changes the invoice alone, and tells of it.
async fn told(
    desk: &Desk,
    id: &InvoiceId,
    change: impl Fn(&mut Invoice, Timestamp) -> Result<Option<RecordKind>, StoreError> + Send + Sync,
) -> Result<(), BillingError> {
    let act = desk.act();
    let change = |invoice: &mut Invoice| {
        let kind = change(invoice, act.now)?;
        let said = json!({
            "invoice_id": invoice.id, "number": invoice.number, "due": invoice.in_collection()?, "currency": invoice.currency,
            "due_at": invoice.due_at, "reminder": invoice.chase.reminded,
        });
        Ok((kind.map(|kind| (kind, said)), Some(act.now)))
    };
    desk.store().change_invoice(id, &act, change).await?;
    Ok(())
}

/// From credit first; what is left from the card.
async fn collect_once(
    desk: &Desk,
    invoice: &Invoice,
    ways: &Ways,
    attempts: &[Payment],
    card: bool,
    tried: u32,
) -> Result<Did, BillingError> {
    match desk.store().pay_from_credit(&invoice.id, &desk.transfer(), None, &|| desk.act()).await {
        Ok(Some(_)) => return Ok(Did::Again),
        // Nothing to pay from, or from an account or to a seller that is closed.
        Ok(None) | Err(StoreError::Credit(_)) => {}
        // Somebody else was faster.
        Err(StoreError::Conflict(_) | StoreError::Dispute(_)) => return Ok(Did::Again),
        Err(error) => return Err(error.into()),
    }
    let method = ways.customer.as_ref().and_then(|customer| Some((customer.customer.as_str(), customer.method.as_deref()?)));
    if let (true, Some(method)) = (card, method)
        && let Some(counter) = desk.processors.of(&invoice.seller_id).await?
    {
        match charge(desk, &counter, invoice, method, attempts, (tried, None)).await {
            Ok(Some(_)) => return Ok(Did::Again),
            Ok(None) => {}
            Err(error @ (BillingError::Payment(_) | BillingError::Store(StoreError::Conflict(BEING_PAID)))) => {
                tracing::warn!(request_id = desk.run.as_str(), invoice_id = %invoice.id, %error, "an invoice's card is charged later");
                return Ok(Did::Later(desk.later()));
            }
            Err(error) => return Err(error),
        }
    }
    let act = desk.act();
    let count = |invoice: &mut Invoice| {
        invoice.chase.tried = invoice.chase.tried.max(tried);
        Ok((None, Some(act.now)))
    };
    desk.store().change_invoice(&invoice.id, &act, count).await?;
    Ok(Did::Again)
}

/// Charges a card for what is chased of an invoice: the attempt, or `None` if nothing of it can be charged.
async fn charge(
    desk: &Desk,
    counter: &Counter,
    invoice: &Invoice,
    (customer, method): (&str, &str),
    attempts: &[Payment],
    (tried, scope): (u32, Option<&Scope>),
) -> Result<Option<Payment>, BillingError> {
    for old in attempts.iter().filter(|old| old.state == PaymentState::Declined && !old.closed && old.processor_id.is_some()) {
        let given_up = match give_up(desk, counter, old).await {
            // The seller has another account at its processor by now: nobody there knows of it.
            Err(BillingError::Payment(error)) if error.is_absent() => end(desk, old).await?.payment,
            given_up => given_up?.payment,
        };
        if given_up.state == PaymentState::Succeeded {
            // It was paid by whoever had its link.
            return Ok(Some(given_up));
        }
        if !given_up.closed {
            // Whoever had its link is paying it just now.
            return Err(StoreError::Conflict(BEING_PAID).into());
        }
    }
    let amount = micros(counter.processor.chargeable(money(invoice.in_collection()?, invoice.currency)))?;
    if amount.get() <= 0 {
        return Ok(None);
    }
    let now = desk.now();
    let mut attempt = Payment { customer: Some(customer.to_owned()), ..Payment::of_invoice(invoice, amount, method, now) };
    attempt.hear(Signal::Send, now);
    attempt.version = 1;
    if desk.store().begin_payment(invoice, &attempt, tried, scope, &desk.act()).await? {
        send(desk, counter, &attempt).await?;
    }
    Ok(Some(attempt))
}

/// Asks the processor for an attempt, or again under its key, and keeps what it says.
pub(crate) async fn send(desk: &Desk, counter: &Counter, attempt: &Payment) -> Result<(), BillingError> {
    let mut metadata = Metadata::from([("account_id".to_owned(), attempt.account_id.to_string())]);
    if let Some(invoice) = attempt.invoice_id() {
        metadata.insert(INVOICE_ID.to_owned(), invoice.to_string());
    }
    let (payment_id, key) = (attempt.id.to_string(), attempt.idempotency_key());
    let new = NewPayment {
        amount: money(attempt.amount, attempt.currency),
        customer: attempt.customer.as_deref().unwrap_or_default(),
        payment_method: &attempt.method,
        session: Session::Off,
        return_url: desk.return_url.as_deref(),
        description: None,
        payment_id: &payment_id,
        metadata: &metadata,
        idempotency_key: &key,
    };
    let heard = match counter.processor.create_payment_intent(&new).await {
        Ok(made) => of_state(&made),
        Err(PaymentError::Declined(decline)) => Some(declined(&decline)),
        Err(PaymentError::ActionRequired(action)) => Some(to_confirm(&action)),
        Err(PaymentError::Unknown(_) | PaymentError::KeyReused) => None,
        // The card or its customer is gone, or the amount is none that is taken: the same would be refused again.
        Err(error @ PaymentError::Invalid(_)) => {
            tracing::warn!(request_id = desk.run.as_str(), payment_id, %error, "a payment was refused");
            let decline = if error.is_absent() { DeclineKind::Incorrect } else { DeclineKind::Other };
            Some(Heard { decline: Some(decline), closed: true, ..Heard::of(Signal::Declined) })
        }
        Err(error @ (PaymentError::Unavailable(_) | PaymentError::RateLimited | PaymentError::Unauthorized(_))) => {
            tracing::warn!(request_id = desk.run.as_str(), payment_id, %error, "a processor could not be asked");
            None
        }
    };
    hear(desk, &attempt.id, heard.unwrap_or_else(|| Heard::of(Signal::NoAnswer))).await?;
    Ok(())
}

/// Asks the processor what became of an attempt, and asks for it again if it never arrived.
pub(crate) async fn look_up(desk: &Desk, id: &PaymentId) -> Result<(), BillingError> {
    let attempt = desk.store().payment(id).await?;
    let found = match desk.counter(&attempt.seller_id).await {
        Ok(counter) => at_processor(desk, &counter, &attempt).await.map(|found| (counter, found)),
        Err(error) => Err(error),
    };
    let (counter, found) = match found {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(request_id = desk.run.as_str(), payment_id = %id, %error, "what became of a payment is asked later");
            if is_out_of_reach(&error) && is_old(desk, attempt.created_at) {
                end(desk, &attempt).await?;
            } else {
                hear(desk, id, Heard::of(Signal::NoAnswer)).await?;
            }
            return Ok(());
        }
    };
    match found {
        Some(found) => match of_state(&found) {
            Some(heard) => {
                hear(desk, id, Heard { processor_id: Some(found.id), ..heard }).await?;
            }
            // Made, and never confirmed: it is given up.
            None => {
                let named = Payment { processor_id: Some(found.id), ..attempt };
                if let Err(error) = give_up(desk, &counter, &named).await {
                    tracing::warn!(request_id = desk.run.as_str(), payment_id = %id, %error, "a payment is given up later");
                    hear(desk, id, Heard::of(Signal::NoAnswer)).await?;
                }
            }
        },
        None => {
            let lasts = attempt.created_at.checked_add(SignedDuration::from_hours(KEYS_LAST_H)).unwrap_or(Timestamp::MAX);
            if desk.now() < lasts {
                send(desk, &counter, &attempt).await?;
            } else {
                end(desk, &attempt).await?;
            }
        }
    }
    Ok(())
}

/// Nobody charges for the seller any more, or in the name of another account: what was asked for cannot be asked about.
fn is_out_of_reach(error: &BillingError) -> bool {
    match error {
        BillingError::NoCards | BillingError::Credentials(_) => true,
        BillingError::Payment(error) => error.is_absent(),
        BillingError::Store(_) | BillingError::Webhook(_) => false,
    }
}

/// Whether what was begun then has been looked for long enough.
pub(crate) fn is_old(desk: &Desk, begun: Timestamp) -> bool {
    begun.checked_add(SignedDuration::from_hours(24 * SOUGHT_D)).is_ok_and(|over| over <= desk.now())
}

/// Nothing more is waited for of an attempt. If it turns out to have been paid, that counts all the same.
async fn end(desk: &Desk, attempt: &Payment) -> Result<Settled, BillingError> {
    hear(desk, &attempt.id, Heard { closed: true, ..Heard::of(Signal::Cancelled) }).await
}

async fn at_processor(desk: &Desk, counter: &Counter, attempt: &Payment) -> Result<Option<AtProcessor>, BillingError> {
    let found = match (&attempt.processor_id, &attempt.customer) {
        (Some(processor_id), _) => Some(counter.processor.get_payment_intent(processor_id).await?),
        (None, Some(customer)) => {
            let created_at = desk.app.outside(attempt.created_at);
            let since = created_at.checked_sub(SignedDuration::from_mins(CLOCKS_DIFFER_MIN)).unwrap_or(created_at);
            let sought = SoughtPayment { customer, payment_id: attempt.id.as_str(), since };
            counter.processor.find_payment_intent(&sought).await?
        }
        (None, None) => None,
    };
    Ok(found)
}

/// Gives an attempt up at the processor, so that nobody can pay it any more; where it was paid already, it counts.
///
/// # Errors
/// [`BillingError::Payment`]: it is not known to be given up.
pub(crate) async fn give_up(desk: &Desk, counter: &Counter, attempt: &Payment) -> Result<Settled, BillingError> {
    let Some(processor_id) = &attempt.processor_id else {
        return end(desk, attempt).await;
    };
    // Giving up twice is the same as once: the key need not be the same another time, when an error may be kept under it.
    let key = format!("{}-cancel-{}", attempt.idempotency_key(), desk.now().as_second());
    let now = match counter.processor.cancel(processor_id, &key).await {
        Ok(cancelled) => cancelled,
        Err(refused) => {
            let now = counter.processor.get_payment_intent(processor_id).await?;
            match now.outcome() {
                Outcome::Paid | Outcome::Canceled | Outcome::Processing => now,
                Outcome::ActionRequired(_) | Outcome::Declined(_) | Outcome::Open => return Err(refused.into()),
            }
        }
    };
    let heard = of_state(&now).unwrap_or_else(|| Heard::of(Signal::Cancelled));
    hear(desk, &attempt.id, Heard { processor_id: Some(processor_id.clone()), ..heard }).await
}

fn put_off(desk: &Desk, payment: &Payment, error: BillingError) -> Result<Did, BillingError> {
    match error {
        error @ (BillingError::Payment(_) | BillingError::NoCards | BillingError::Credentials(_)) => {
            tracing::warn!(request_id = desk.run.as_str(), payment_id = %payment.id, %error, "a payment is given up later");
            Ok(Did::Later(desk.later()))
        }
        error => Err(error),
    }
}

/// Keeps what was learned of an attempt.
pub(crate) async fn hear(desk: &Desk, id: &PaymentId, heard: Heard) -> Result<Settled, BillingError> {
    let tried_again = heard.signal == Signal::Declined && !heard.for_good;
    let again_at = if tried_again { next_try(desk, id, heard.decline).await? } else { None };
    let settled = desk.store().hear_payment(id, &Heard { again_at, ..heard }, &desk.transfer(), &|| desk.act()).await?;
    if settled.effect != Effect::Nothing {
        let (state, decline) = (settled.payment.state.word(), settled.payment.decline.map(DeclineKind::word));
        tracing::info!(request_id = desk.run.as_str(), payment_id = %id, state, decline, "a payment came to something");
    }
    Ok(settled)
}

/// When a card is tried again after a decline, to be told to its holder.
async fn next_try(desk: &Desk, id: &PaymentId, decline: Option<DeclineKind>) -> Result<Option<Timestamp>, BillingError> {
    let payment = desk.store().payment(id).await?;
    let Some(invoice) = payment.invoice_id().filter(|_| !decline.is_some_and(DeclineKind::is_hard)) else { return Ok(None) };
    let invoice = desk.store().invoice(invoice).await?;
    let (policy, now) = (ways(desk, &invoice).await?.policy, desk.now());
    let days =
        policy.retry_days.iter().filter_map(|day| invoice.due_at?.checked_add(SignedDuration::from_hours(24 * i64::from(*day))).ok());
    Ok(days.filter(|at| *at > now).min())
}

/// What the state of a payment at the processor says; `None` if it was never confirmed.
pub(crate) fn of_state(payment: &AtProcessor) -> Option<Heard> {
    let heard = match payment.outcome() {
        Outcome::Paid => Heard::of(Signal::Succeeded),
        Outcome::Processing => Heard::of(Signal::Processing),
        Outcome::ActionRequired(action) => to_confirm(&action),
        Outcome::Declined(decline) => declined(&decline),
        Outcome::Canceled => Heard { closed: true, ..Heard::of(Signal::Cancelled) },
        Outcome::Open => return None,
    };
    Some(Heard { processor_id: Some(payment.id.clone()), ..heard })
}

fn declined(decline: &Decline) -> Heard {
    let kind = match decline.kind {
        Told::InsufficientFunds => DeclineKind::InsufficientFunds,
        Told::ExpiredCard => DeclineKind::ExpiredCard,
        Told::LostOrStolen => DeclineKind::LostOrStolen,
        Told::Incorrect => DeclineKind::Incorrect,
        Told::DoNotHonor => DeclineKind::DoNotHonor,
        Told::AuthenticationRequired => DeclineKind::AuthenticationRequired,
        Told::Processing => DeclineKind::Processing,
        Told::Other => DeclineKind::Other,
    };
    // One that only its holder can confirm is tried on its days: each time the holder has another link.
    let for_good = !decline.retryable && kind != DeclineKind::AuthenticationRequired;
    Heard { processor_id: decline.payment.clone(), decline: Some(kind), for_good, ..Heard::of(Signal::Declined) }
}

fn to_confirm(action: &Action) -> Heard {
    Heard { processor_id: Some(action.payment.clone()), action_url: action.url.clone(), ..Heard::of(Signal::ActionRequired) }
}
