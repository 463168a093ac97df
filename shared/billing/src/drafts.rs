//! Drafts are issued when their time is over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tributary_api::App;
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::id::{AccountId, ActorId, EventId, InvoiceId, RequestId};
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::payments::Acts;

const PAGE: usize = 500;

/// How many drafts were issued, and how many could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Issued {
    /// Drafts that are issued.
    pub issued: usize,
    /// Drafts that could not be; the next time tries again.
    pub failed: usize,
}

/// Issues the drafts whose time is over, until `until`. Of those of one seller the oldest has the lowest number. Safe to repeat, to overlap and to kill.
///
/// # Errors
/// When the drafts cannot be listed.
pub async fn finalize_due(app: &App, request: &RequestId, until: Timestamp) -> Result<Issued, StoreError> {
    let (mut done, mut start) = (Issued::default(), None);
    let mut all: BTreeMap<InvoiceId, ()> = BTreeMap::new();
    loop {
        let (page, next) = app.store().drafts_due(app.now(), start, PAGE).await?;
        all.extend(page.into_iter().map(|id| (id, ())));
        match next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    for id in all.into_keys() {
        if app.now() >= until {
            break;
        }
        match finalize(app, &id, None, &|| act(app, request)).await {
            Ok(_) => done.issued += 1,
            Err(error) => {
                done.failed += 1;
                tracing::error!(request_id = request.as_str(), invoice_id = %id, error = %error, "a draft could not be issued");
            }
        }
    }
    Ok(done)
}

pub(crate) fn act(app: &App, request: &RequestId) -> Act {
    Act { event: EventId::from_uuid(app.uuid()), actor: ActorId::platform(), request: request.clone(), now: app.now() }
}

/// Issues a draft now, under its seller's prefix and terms; only as it was in `expected`, if a version is named. One that is no draft any more is given
/// as it is.
///
/// # Errors
/// Table errors; [`tributary_store::error::Denied::Absent`], [`StoreError::Stale`].
pub async fn finalize(app: &App, id: &InvoiceId, expected: Option<i64>, acts: Acts<'_>) -> Result<Invoice, StoreError> {
    let invoice = app.store().invoice(id).await?;
    if invoice.state != InvoiceState::Draft {
        return Ok(invoice);
    }
    let settings = app.store().seller(&invoice.seller_id).await?.settings;
    let terms_days = terms_days(app, &invoice.account_id, settings.terms_days).await?;
    app.store().finalize_draft(id, expected, &settings.number_prefix, terms_days, acts).await
}

async fn terms_days(app: &App, account: &AccountId, sellers: Option<u16>) -> Result<u16, StoreError> {
    let own = app.store().billing(account).await?.and_then(|billing| billing.profile.terms_days);
    Ok(own.or(sellers).unwrap_or(tributary_domain::billing::profile::TERMS_DAYS))
}
