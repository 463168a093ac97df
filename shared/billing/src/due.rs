//! What is due now of all disputes, payments and invoices, in this order. One that fails keeps nobody waiting: it is looked at again later.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tributary_domain::id::{InvoiceId, PaymentId};
use tributary_store::table::Position;

use crate::{BillingError, Desk, collect, refunds};

/// How many are read at once.
const PAGE: usize = 100;
/// How many are looked at side by side: most of the time goes by waiting for a processor.
const PARALLEL: usize = 8;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Ran {
    /// Invoices that were looked at.
    pub invoices: usize,
    /// Payments that were looked at by themselves.
    pub payments: usize,
    /// Disputes whose answer is overdue.
    pub disputes: usize,
    /// What could not be looked at.
    pub failed: usize,
    /// There was no time for more.
    pub cut_short: bool,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    Well,
    Failed,
    NoTime,
}

impl Ran {
    fn count(&mut self, looked: Looked) {
        self.failed += usize::from(looked == Looked::Failed);
        self.cut_short |= looked == Looked::NoTime;
    }
}

/// Does what is due, until nothing is or `until` has come. Safe to repeat, to kill and to overlap.
///
/// # Errors
/// [`BillingError::Store`] when what is due cannot be listed.
pub async fn run(desk: &Desk, until: Timestamp) -> Result<Ran, BillingError> {
    let mut ran = Ran::default();
    // The few that only wait for an answer come before the many: money that goes back does not wait for all that is to come in.
    disputes(desk, until, &mut ran).await?;
    payments(desk, until, &mut ran).await?;
    invoices(desk, until, &mut ran).await?;
    Ok(ran)
}

async fn invoices(desk: &Desk, until: Timestamp, ran: &mut Ran) -> Result<(), BillingError> {
    let (mut seen, mut start): (BTreeSet<InvoiceId>, Option<Position>) = (BTreeSet::new(), None);
    loop {
        let (page, next) = desk.store().invoices_due(desk.now(), start, PAGE).await?;
        let page = page.into_iter().filter(|id| seen.insert(id.clone()));
        let looked = stream::iter(page).map(|id| invoice(desk, until, id)).buffer_unordered(PARALLEL).collect::<Vec<_>>().await;
        for looked in looked {
            ran.invoices += usize::from(looked != Looked::NoTime);
            ran.count(looked);
        }
        match next {
            Some(next) if !ran.cut_short => start = Some(next),
            _ => return Ok(()),
        }
    }
}

async fn invoice(desk: &Desk, until: Timestamp, id: InvoiceId) -> Looked {
    if desk.now() >= until {
        return Looked::NoTime;
    }
    let Err(error) = collect::collect(desk, &id).await else { return Looked::Well };
    tracing::error!(request_id = desk.run.as_str(), invoice_id = %id, %error, "an invoice could not be collected");
    // It does not stand before the others for ever.
    if let Ok(invoice) = desk.store().invoice(&id).await {
        let _ = desk.store().plan_invoice(&invoice, Some(desk.later())).await;
    }
    Looked::Failed
}

async fn payments(desk: &Desk, until: Timestamp, ran: &mut Ran) -> Result<(), BillingError> {
    let (mut seen, mut start): (BTreeSet<PaymentId>, Option<Position>) = (BTreeSet::new(), None);
    loop {
        let (page, next) = desk.store().payments_due(desk.now(), start, PAGE).await?;
        let page = page.into_iter().filter(|id| seen.insert(id.clone()));
        let looked = stream::iter(page).map(|id| by_itself(desk, until, id)).buffer_unordered(PARALLEL).collect::<Vec<_>>().await;
        for looked in looked {
            ran.payments += usize::from(looked != Looked::NoTime);
            ran.count(looked);
        }
        match next {
            Some(next) if !ran.cut_short => start = Some(next),
            _ => return Ok(()),
        }
    }
}

async fn by_itself(desk: &Desk, until: Timestamp, id: PaymentId) -> Looked {
    if desk.now() >= until {
        return Looked::NoTime;
    }
    let Err(error) = payment(desk, &id).await else { return Looked::Well };
    tracing::error!(request_id = desk.run.as_str(), payment_id = %id, %error, "a payment could not be looked at");
    Looked::Failed
}

/// One payment: what became of it, if it is for no invoice, and what of it goes back.
///
/// # Errors
/// [`BillingError`].
pub async fn payment(desk: &Desk, id: &PaymentId) -> Result<(), BillingError> {
    let payment = desk.store().payment(id).await?;
    if payment.due_at().is_none_or(|due| due > desk.now()) {
        return Ok(());
    }
    if payment.invoice_id().is_none() && payment.state.is_open() {
        collect::look_up(desk, id).await?;
    }
    refunds::settle(desk, id).await?;
    Ok(())
}

async fn disputes(desk: &Desk, until: Timestamp, ran: &mut Ran) -> Result<(), BillingError> {
    let mut start = None;
    loop {
        let (page, next) = desk.store().disputes_due(desk.now(), start, PAGE).await?;
        for id in page {
            if desk.now() >= until {
                ran.cut_short = true;
                return Ok(());
            }
            ran.disputes += 1;
            if let Err(error) = desk.store().tell_overdue(&id, &|| desk.act()).await {
                ran.failed += 1;
                tracing::error!(request_id = desk.run.as_str(), dispute_id = %id, %error, "a dispute could not be looked at");
            }
        }
        match next {
            Some(next) => start = Some(next),
            None => return Ok(()),
        }
    }
}
