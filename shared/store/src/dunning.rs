//! What chasing an invoice does beside the invoice: its draft gets a number, its account is suspended, and the suspension lifted.

use serde_json::json as detail;
use tributary_domain::account::{Account, Status};
use tributary_domain::billing::bill::Billing;
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::billing::number::{NumberPrefix, Series};
use tributary_domain::event::RecordKind;
use tributary_domain::id::InvoiceId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::money::Micros;

use crate::Store;
use crate::account_states::{push_status, with_status};
use crate::accounts::REPLANS;
use crate::billing::push_billing;
use crate::commit::{Part, Tx};
use crate::entries::push_entry;
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::invoices::{push_invoice, push_paid, told};
use crate::payments::Acts;
use crate::sellers::counters_write;

/// How many invoices are read at once when others that suspended the account are looked for.
const PAGE: usize = 50;

impl Store {
    /// Issues a draft, with the seller's next number; only as it was in `expected`, if a version is named. Nothing if it is no draft any more.
    ///
    /// # Errors
    /// [`crate::error::Denied::Absent`], [`StoreError::Stale`]; [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn finalize_draft(
        &self,
        id: &InvoiceId,
        expected: Option<i64>,
        prefix: &NumberPrefix,
        terms_days: u16,
        acts: Acts<'_>,
    ) -> Result<Invoice, StoreError> {
        for _ in 0..REPLANS {
            let old = self.invoice(id).await?;
            if old.state != InvoiceState::Draft {
                return Ok(old);
            }
            if expected.is_some_and(|expected| expected != old.version) {
                return Err(StoreError::Stale(old.version));
            }
            let (read, act, mut tx) = (self.counters(&old.seller_id).await?, acts(), Tx::default());
            let (mut taken, mut new) = (read, old.clone());
            new.finalize(taken.take(Series::Invoice, prefix), act.now, terms_days)?;
            push_event(&mut tx, Part::Guard, &act, &new.account_id, RecordKind::InvoiceFinalized, &told(&new)?)?;
            tx.push(Part::Counters, counters_write(&old.seller_id, read, taken));
            push_paid(&mut tx, &old, &mut new, acts)?;
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return self.invoice(id).await,
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }

    /// Suspends the account of an invoice that was not paid in time. One that is suspended already stays so, and is not lifted by this invoice.
    ///
    /// # Errors
    /// [`crate::error::Denied::Absent`]; [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn suspend_for(&self, id: &InvoiceId, acts: Acts<'_>) -> Result<Invoice, StoreError> {
        for _ in 0..REPLANS {
            let old = self.invoice(id).await?;
            if old.chase.suspended || old.state != InvoiceState::PastDue || old.in_collection()?.is_zero() {
                return Ok(old);
            }
            // Each invoice that suspends, or no longer does, holds to the billing's version, read before all else: else two see each other as they were.
            let (billing, account, act) = (self.billing(&old.account_id).await?, self.account(&old.account_id).await?, acts());
            let (mut new, mut tx) = (old.clone(), Tx::default());
            new.chase.suspended = true;
            push_invoice(&mut tx, &old, &mut new, Some(act.now))?;
            if let Some(billing) = billing {
                let suspends = account.status == Status::Active;
                push_suspended_by(&mut tx, &billing, if suspends { Some(id) } else { billing.suspended_by.as_ref() })?;
                if suspends {
                    self.push_standing(&mut tx, &account, Status::Suspended, &act, acts).await?;
                    let said =
                        detail!({ "invoice_id": new.id, "number": new.number, "due": new.in_collection()?, "currency": new.currency });
                    push_event(&mut tx, Part::Guard, &act, &old.account_id, RecordKind::DunningSuspended, &said)?;
                }
            }
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) => self.read_chased(&refused, &old),
            }
        }
        Err(StoreError::Busy)
    }

    /// Lifts the suspension because of an invoice that is not chased any more, unless another invoice of the account suspends it too. What somebody
    /// else suspended, or froze, stays so.
    ///
    /// # Errors
    /// [`crate::error::Denied::Absent`]; [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn lift_for(&self, id: &InvoiceId, acts: Acts<'_>) -> Result<Invoice, StoreError> {
        for _ in 0..REPLANS {
            let old = self.invoice(id).await?;
            if !old.chase.suspended || suspends(&old) {
                return Ok(old);
            }
            let (billing, account, act) = (self.billing(&old.account_id).await?, self.account(&old.account_id).await?, acts());
            let (mut new, mut tx) = (old.clone(), Tx::default());
            new.chase.suspended = false;
            push_invoice(&mut tx, &old, &mut new, Some(act.now))?;
            let own = |billing: &Billing| billing.suspended_by.as_ref() == Some(id);
            if let Some(billing) = billing.as_ref().filter(|billing| !own(billing)) {
                push_suspended_by(&mut tx, billing, billing.suspended_by.as_ref())?;
            }
            if let Some(billing) = billing.filter(own) {
                let other = self.other_that_suspends(&old).await?;
                push_suspended_by(&mut tx, &billing, other.as_ref())?;
                if other.is_none() && account.status == Status::Suspended && account.frozen_at.is_none() {
                    self.push_standing(&mut tx, &account, Status::Active, &act, acts).await?;
                    let said = detail!({ "invoice_id": new.id, "number": new.number });
                    push_event(&mut tx, Part::Guard, &act, &old.account_id, RecordKind::DunningLifted, &said)?;
                }
            }
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) => self.read_chased(&refused, &old),
            }
        }
        Err(StoreError::Busy)
    }

    /// The ledger may have gone on, or another have changed the account: all is read again.
    fn read_chased(&self, refused: &crate::commit::Refused, invoice: &Invoice) {
        if refused.has_entry() {
            self.memory.forget(&LedgerId::Account(invoice.account_id.clone()));
        }
    }

    async fn other_that_suspends(&self, invoice: &Invoice) -> Result<Option<InvoiceId>, StoreError> {
        let mut start = None;
        loop {
            let (page, next) = self.invoices(&invoice.account_id, start, PAGE).await?;
            if let Some(other) = page.iter().find(|other| other.id != invoice.id && other.chase.suspended && suspends(other)) {
                return Ok(Some(other.id.clone()));
            }
            match next {
                Some(next) => start = Some(next),
                None => return Ok(None),
            }
        }
    }

    async fn push_standing(&self, tx: &mut Tx, old: &Account, status: Status, act: &Act, acts: Acts<'_>) -> Result<(), StoreError> {
        let (kind, told) = match status {
            Status::Active => (EntryKind::Reactivated, RecordKind::AccountReactivated),
            Status::Suspended | Status::Closed => (EntryKind::Suspended, RecordKind::AccountSuspended),
        };
        let new = with_status(old, status, act);
        let entry = self.head(&LedgerId::Account(old.id.clone())).await?.state_entry(kind, act.now, |after| after.status = status)?;
        push_event(tx, Part::Plain, &acts(), &old.id, told, &detail!({ "version": new.version }))?;
        push_status(tx, old, &new);
        push_entry(tx, &entry);
        gates::push_state(tx, &old.id, old.generation, status);
        Ok(())
    }
}

/// Says which invoice an account is suspended for, if for one.
pub(crate) fn push_suspended_by(tx: &mut Tx, old: &Billing, by: Option<&InvoiceId>) -> Result<(), StoreError> {
    push_billing(tx, old, &Billing { suspended_by: by.cloned(), ..old.clone() })
}

/// Something of it is still owed and not disputed.
fn suspends(invoice: &Invoice) -> bool {
    invoice.state.is_open() && invoice.in_collection().is_ok_and(|owed| owed > Micros::ZERO)
}
