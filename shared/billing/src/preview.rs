//! What an account's next invoices would be if its period ended now. Nothing is written.

use tributary_api::App;
use tributary_domain::account::Account;
use tributary_domain::billing::bill::{Billing, Close};
use tributary_domain::billing::invoice::Invoice;
use tributary_store::error::StoreError;

use crate::chunk::upto;
use crate::making::{Sellers, cycle};

/// The most periods that are looked at: more are never waiting.
const MOST: usize = 240;

/// A period and what it comes to so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previewed {
    /// The period, as it will be closed.
    pub close: Close,
    /// The newest entry of the account's ledger that it takes.
    pub to_seq: i64,
    /// What the invoice would be; none if there is nothing to bill.
    pub invoice: Option<Invoice>,
}

/// The periods of an account that are not billed yet, the running one last; none for an account that is not billed any more.
///
/// # Errors
/// Table errors.
pub async fn preview(app: &App, account: &Account, mut billing: Billing) -> Result<Vec<Previewed>, StoreError> {
    let (mut sellers, mut all) = (Sellers::default(), Vec::new());
    let now = app.now();
    while all.len() < MOST {
        let selling = sellers.of(app, &billing.seller_id).await?;
        let cycle = cycle(account, &billing);
        let Some(close) = billing.running(&cycle, selling.terms(account, &billing).grace_hours) else { break };
        let newest = app.store().watermark(&account.id, &close).await?;
        let (to_seq, state) = upto(app, &billing, &close, newest).await?;
        let built = selling.make(account, &billing, &close, (to_seq, &state))?;
        billing = billing.advance(&close, &cycle, to_seq, built.billed, built.invoice.as_ref())?;
        let running = close.period.end > now;
        all.push(Previewed { close, to_seq, invoice: built.invoice });
        if running {
            break;
        }
    }
    Ok(all)
}
