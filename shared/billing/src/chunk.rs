//! Some accounts billed together: read in batches, closed period by period, issued in one transaction for each seller.
//!
//! What an account lacks keeps nobody else waiting. Whoever is killed leaves each account at the end of a period, or with an invoice that the next
//! attempt finds and keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tributary_api::App;
use tributary_domain::account::Account;
use tributary_domain::billing::bill::{Billing, Close};
use tributary_domain::billing::build::Built;
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::billing::run::{Counts, Failed, Run, RunMark};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::pricing::state::UsageState;
use tributary_store::error::StoreError;
use tributary_store::invoices::{Issuing, NewInvoice};

use crate::making::{Sellers, cycle};

/// How many accounts are read or written one by one at the same time.
const PARALLEL: usize = 16;
/// How often an account is read anew because others change it meanwhile.
const AGAIN: u32 = 8;

/// An account on its way.
#[derive(Debug)]
pub struct Going {
    /// The account.
    pub account: Account,
    /// How far it is billed.
    pub billing: Billing,
    /// What this attempt closed.
    pub made: Vec<Invoice>,
    /// Periods that it closed without anything to bill.
    pub empty: u64,
    /// Another attempt of this run closed something too.
    helped: bool,
    moved_on: bool,
    again: u32,
    error: Option<String>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The accounts that could be read.
    pub accounts: BTreeMap<AccountId, Going>,
    /// Of each account the invoices of what this run closed, also if another attempt did.
    pub invoices: BTreeMap<AccountId, Vec<Invoice>>,
    /// What failed.
    pub failed: Vec<Failed>,
    /// Time was short: there is more to do.
    pub later: bool,
}

impl Outcome {
    /// What is counted of it.
    pub fn counts(&self, accounts: usize) -> Counts {
        Counts {
            accounts: accounts as u64,
            invoices: self.invoices.values().map(|invoices| invoices.len() as u64).sum(),
            empty: self.accounts.values().map(|going| going.empty).sum(),
            failed: self.failed.len() as u64,
        }
    }
}

/// A period of one account that is being closed.
struct Step {
    id: AccountId,
    close: Close,
    /// What comes of it, once it is known.
    built: Option<(i64, Built)>,
    /// The invoice as it is kept.
    kept: Option<Invoice>,
}

/// Bills accounts up to the run's moment.
///
/// # Errors
/// Only when the table does not answer for all of them: what one account lacks is said in [`Outcome::failed`].
pub async fn bill(app: &App, run: &Run, ids: &[AccountId], until: Timestamp) -> Result<Outcome, StoreError> {
    let mut work = Work { app, run, sellers: Sellers::default(), going: BTreeMap::new(), failed: Vec::new() };
    work.read(ids).await?;
    let mut later = false;
    loop {
        if app.now() >= until {
            later = true;
            break;
        }
        let mut steps = work.next().await;
        if steps.is_empty() {
            break;
        }
        work.build(&mut steps).await;
        work.issue(&mut steps).await;
        work.advance(steps).await;
    }
    if !run.is_dry() {
        work.give_back().await;
    }
    work.end(later).await
}

/// The last entry of a period with the usage after it; what was billed once stays billed, also where a period now ends before what was waited for.
pub(crate) async fn upto(
    app: &App,
    billing: &Billing,
    close: &Close,
    (to_seq, state): (i64, Arc<UsageState>),
) -> Result<(i64, Arc<UsageState>), StoreError> {
    if to_seq >= billing.watermark {
        return Ok((to_seq, state));
    }
    let billed = Close { before: Timestamp::MAX, at_most: Some(billing.watermark), ..close.clone() };
    app.store().watermark(&billing.account_id, &billed).await
}

struct Work<'a> {
    app: &'a App,
    run: &'a Run,
    sellers: Sellers,
    going: BTreeMap<AccountId, Going>,
    failed: Vec<Failed>,
}

impl Work<'_> {
    fn fail(&mut self, id: &AccountId, error: impl std::fmt::Display) {
        match self.going.get_mut(id) {
            Some(going) => going.error = Some(error.to_string()),
            None => self.failed.push(Failed { account_id: id.clone(), why: error.to_string() }),
        }
    }

    /// Two reads for up to a hundred accounts; one by one only where something in them cannot be read.
    async fn read(&mut self, ids: &[AccountId]) -> Result<(), StoreError> {
        let store = self.app.store();
        let (accounts, billings) = match (store.accounts(ids).await, store.billings(ids).await) {
            (Ok(accounts), Ok(billings)) => (accounts, billings),
            (Err(StoreError::Corrupt(_)), _) | (_, Err(StoreError::Corrupt(_))) => self.read_singly(ids).await,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let mut billings: BTreeMap<AccountId, Billing> =
            billings.into_iter().map(|billing| (billing.account_id.clone(), billing)).collect();
        for account in accounts {
            let billing = match billings.remove(&account.id) {
                Some(billing) => billing,
                None if self.run.is_dry() => continue,
                // It was there before billing was.
                None => match store.begin_billing(&account).await {
                    Ok(billing) => billing,
                    Err(error) => {
                        self.fail(&account.id, error);
                        continue;
                    }
                },
            };
            let helped = billing.run.as_ref().is_some_and(|mark| mark.run_id == self.run.id);
            let going = Going { billing, made: Vec::new(), empty: 0, helped, moved_on: false, again: 0, error: None, account };
            self.going.insert(going.account.id.clone(), going);
        }
        let absent: Vec<&AccountId> = ids.iter().filter(|id| !self.going.contains_key(id)).collect();
        for id in absent {
            if !self.run.is_dry() && !self.failed.iter().any(|failed| failed.account_id == *id) {
                self.failed.push(Failed { account_id: id.clone(), why: "there is no such account".to_owned() });
            }
        }
        Ok(())
    }

    async fn read_singly(&mut self, ids: &[AccountId]) -> (Vec<Account>, Vec<Billing>) {
        let store = self.app.store();
        let mut one = Vec::with_capacity(ids.len());
        for id in ids {
            one.push(async move {
                let read = async { Ok::<_, StoreError>((store.account(id).await?, store.billing(id).await?)) };
                read.await.map_err(|error| Failed { account_id: id.clone(), why: error.to_string() })
            });
        }
        let read: Vec<_> = stream::iter(one).buffered(PARALLEL).collect().await;
        let (mut accounts, mut billings) = (Vec::new(), Vec::new());
        for one in read {
            match one {
                Ok((account, billing)) => {
                    accounts.push(account);
                    billings.extend(billing);
                }
                Err(failed) => self.failed.push(failed),
            }
        }
        (accounts, billings)
    }

    /// The next period of each account that can be closed.
    async fn next(&mut self) -> Vec<Step> {
        let ids: Vec<AccountId> = self.going.values().filter(|going| going.error.is_none()).map(|going| going.account.id.clone()).collect();
        let mut steps = Vec::new();
        for id in ids {
            let Some(going) = self.going.get(&id) else { continue };
            let selling = match self.sellers.of(self.app, &going.billing.seller_id).await {
                Ok(selling) => selling,
                Err(error) => {
                    self.fail(&id, error);
                    continue;
                }
            };
            let grace_hours = selling.terms(&going.account, &going.billing).grace_hours;
            let close = going.billing.next(&cycle(&going.account, &going.billing), grace_hours, self.run.as_of);
            let meant = |close: &Close| self.run.asked.as_ref().is_none_or(|asked| close.period.label <= asked.month);
            match close.filter(meant) {
                Some(close) => steps.push(Step { id, close, built: None, kept: None }),
                None => self.move_on(&id, grace_hours).await,
            }
        }
        steps
    }

    /// An account that was listed as due and is not: it is listed where it belongs.
    async fn move_on(&mut self, id: &AccountId, grace_hours: u16) {
        let Some(going) = self.going.get_mut(id) else { return };
        let idle = going.made.is_empty() && going.empty == 0 && !going.helped && !going.moved_on;
        let early = going.billing.due_at(grace_hours).is_some_and(|due| due > self.run.as_of);
        if self.run.asked.is_some() || !idle || !early {
            return;
        }
        going.moved_on = true;
        let billing = Billing { version: going.billing.version + 1, ..going.billing.clone() };
        if let Err(error) = self.app.store().save_billing(&billing, grace_hours).await {
            self.fail(id, error);
        }
    }

    /// What each period comes to: one query an account.
    async fn build(&mut self, steps: &mut Vec<Step>) {
        let wanted: Vec<(&AccountId, &Close)> = steps.iter().map(|step| (&step.id, &step.close)).collect();
        let marks = self.app.store().watermarks(&wanted).await;
        let mut built = Vec::with_capacity(steps.len());
        for (mut step, mark) in std::mem::take(steps).into_iter().zip(marks) {
            let Some(going) = self.going.get(&step.id) else { continue };
            let made = async {
                let (to_seq, state) = upto(self.app, &going.billing, &step.close, mark?).await?;
                let selling = self.sellers.of(self.app, &step.close.seller_id).await?;
                Ok::<_, StoreError>((to_seq, selling.make(&going.account, &going.billing, &step.close, (to_seq, &state))?))
            };
            match made.await {
                Ok(done) => {
                    step.built = Some(done);
                    built.push(step);
                }
                Err(error) => self.fail(&step.id, error),
            }
        }
        *steps = built;
    }

    /// Writes the invoices: those of each seller together, and alone where that fails.
    async fn issue(&mut self, steps: &mut [Step]) {
        if self.run.is_dry() {
            for step in steps {
                step.kept = step.built.as_ref().and_then(|(_, built)| built.invoice.clone());
            }
            return;
        }
        let (mut by_seller, mut without) = (BTreeMap::<AccountId, Vec<usize>>::new(), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            let has = step.built.as_ref().is_some_and(|(_, built)| built.invoice.is_some());
            if has { by_seller.entry(step.close.seller_id.clone()).or_default().push(at) } else { without.push(at) }
        }
        self.look_for_kept(steps, &without).await;
        for (seller, at) in by_seller {
            match self.issue_of(&seller, steps, &at).await {
                Ok(kept) => at.iter().zip(kept).for_each(|(at, kept)| steps[*at].kept = Some(kept)),
                Err(error @ (StoreError::Busy | StoreError::Unknown(_))) => at.iter().for_each(|at| self.fail(&steps[*at].id, &error)),
                Err(_) => {
                    for at in at {
                        match self.issue_of(&seller, steps, &[at]).await {
                            Ok(mut kept) => steps[at].kept = kept.pop(),
                            Err(error) => self.fail(&steps[at].id, error),
                        }
                    }
                }
            }
        }
    }

    /// An attempt that was killed may have made an invoice where there would be none now, because the terms are others.
    async fn look_for_kept(&mut self, steps: &mut [Step], without: &[usize]) {
        let wanted: Vec<(&AccountId, &Close)> = without.iter().map(|at| (&steps[*at].id, &steps[*at].close)).collect();
        match self.app.store().invoices_of(&wanted).await {
            Ok(found) => without.iter().zip(found).for_each(|(at, kept)| steps[*at].kept = kept),
            Err(_) => {
                for at in without {
                    match self.app.store().invoice_of(&steps[*at].id, &steps[*at].close).await {
                        Ok(kept) => steps[*at].kept = kept,
                        Err(error) => self.fail(&steps[*at].id, error),
                    }
                }
            }
        }
    }

    async fn issue_of(&mut self, seller: &AccountId, steps: &[Step], at: &[usize]) -> Result<Vec<Invoice>, StoreError> {
        let selling = self.sellers.of(self.app, seller).await?;
        let issuing = Issuing { seller_id: seller.clone(), prefix: selling.settings.number_prefix.clone(), now: self.app.now() };
        let mut new = Vec::with_capacity(at.len());
        for at in at {
            let step = &steps[*at];
            let draft = step.built.as_ref().and_then(|(_, built)| built.invoice.clone());
            if let (Some(draft), Some(going)) = (draft, self.going.get(&step.id)) {
                let terms = selling.terms(&going.account, &going.billing);
                let stays = terms.draft_hours > 0 && draft.draft_until.is_some_and(|until| until > issuing.now);
                new.push(NewInvoice { draft, terms_days: (!stays).then_some(terms.terms_days) });
            }
        }
        self.app.store().issue_invoices(&issuing, &new).await
    }

    /// Writes how far each account is billed: one write unit for each.
    async fn advance(&mut self, steps: Vec<Step>) {
        let mut saving = Vec::new();
        for step in steps {
            match self.after(&step).await {
                Ok(Some((billing, grace_hours))) => saving.push((step, billing, grace_hours)),
                Ok(None) => {}
                Err(error) => self.fail(&step.id, error),
            }
        }
        let (app, dry) = (self.app, self.run.is_dry());
        let mut saves = Vec::with_capacity(saving.len());
        for (step, billing, grace_hours) in saving {
            saves.push(async move {
                let saved = if dry { Ok(true) } else { app.store().save_billing(&billing, grace_hours).await };
                let saved = match saved {
                    Ok(true) => Ok(Some(billing)),
                    // Another came first: a charge was added, or the same run is at work twice.
                    Ok(false) => Ok(None),
                    Err(error) => Err(error),
                };
                let reread = if matches!(saved, Ok(None)) { app.store().billing(&step.id).await } else { Ok(None) };
                (step, saved, reread)
            });
        }
        let saved: Vec<_> = stream::iter(saves).buffered(PARALLEL).collect().await;
        for (step, saved, reread) in saved {
            let Some(going) = self.going.get_mut(&step.id) else { continue };
            match (saved, reread) {
                (Ok(Some(billing)), _) => {
                    going.billing = billing;
                    match step.kept {
                        Some(invoice) => going.made.push(invoice),
                        None => going.empty += 1,
                    }
                }
                (Ok(None), Ok(Some(billing))) if going.again < AGAIN => {
                    going.again += 1;
                    going.helped |= billing.run.as_ref().is_some_and(|mark| mark.run_id == self.run.id);
                    going.billing = billing;
                }
                (Ok(None), Ok(_)) => going.error = Some("others change it all the time".to_owned()),
                (Err(error), _) | (_, Err(error)) => going.error = Some(error.to_string()),
            }
        }
    }

    async fn after(&mut self, step: &Step) -> Result<Option<(Billing, u16)>, StoreError> {
        let Some(going) = self.going.get(&step.id).filter(|going| going.error.is_none()) else { return Ok(None) };
        let Some((mut to_seq, mut built)) = step.built.clone() else { return Ok(None) };
        let selling = self.sellers.of(self.app, &step.close.seller_id).await?;
        if let Some(kept) = &step.kept
            && built.invoice.as_ref().map(Invoice::content) != Some(kept.content())
        {
            built = selling.made_before(self.app, &going.account, &going.billing, &step.close, kept).await?;
            to_seq = kept.ledger.to_seq;
        }
        let cycle = cycle(&going.account, &going.billing);
        let mut after = going.billing.advance(&step.close, &cycle, to_seq, built.billed, step.kept.as_ref())?;
        let here = RunMark { run_id: self.run.id.clone(), label: step.close.period.label, part: step.close.part };
        after.run = Some(going.billing.run.clone().filter(|mark| mark.run_id == self.run.id).unwrap_or(here));
        let next = if after.seller_id == step.close.seller_id { selling } else { self.sellers.of(self.app, &after.seller_id).await? };
        let grace_hours = next.terms(&going.account, &after).grace_hours;
        Ok(Some((after, grace_hours)))
    }

    /// What the last invoice of a seller came to below zero goes back. What cannot be given now is tried when the account is billed next.
    async fn give_back(&self) {
        let (app, request) = (self.app, self.app.run_id(self.run.id.as_str()));
        let acts = || crate::drafts::act(app, &request);
        let transfer = || TransferId::from_uuid(app.uuid());
        for (id, _) in self.going.iter().filter(|(_, going)| going.error.is_none() && going.billing.stranded().next().is_some()) {
            if let Err(error) = app.store().give_back_stranded(id, &transfer, &acts).await {
                tracing::warn!(account_id = %id, %error, "what a former seller owes is given back later");
            }
        }
    }

    async fn end(mut self, later: bool) -> Result<Outcome, StoreError> {
        let mut invoices = BTreeMap::new();
        for (id, going) in &mut self.going {
            let all = match (&going.billing.run, &going.billing.last) {
                (Some(mark), Some(last)) if going.helped && mark.run_id == self.run.id => {
                    let mut all = self.app.store().invoices_labelled(id, mark.label, last.label).await?;
                    let (first, last) = ((mark.label, mark.part), (last.label, last.part));
                    all.retain(|invoice| (first..=last).contains(&(invoice.period.label, invoice.part)));
                    all
                }
                _ => going.made.clone(),
            };
            invoices.insert(id.clone(), all);
            if let Some(why) = going.error.take() {
                self.failed.push(Failed { account_id: id.clone(), why });
            }
        }
        self.failed.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        Ok(Outcome { accounts: self.going, invoices, failed: self.failed, later })
    }
}
