//! Who charges cards for which seller: its own account at the processor, by the credentials that it gave, sealed; nobody for the others, whose invoices are
//! paid from credit or outside.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tributary_api::App;
use tributary_domain::billing::profile::Processor;
use tributary_domain::id::AccountId;
use tributary_domain::pricing::meter::BillingKey;
use tributary_runtime::payments::PaymentProcessor;
use tributary_runtime::payments::stripe::Credentials;

use crate::BillingError;

/// The one kind of processor.
pub const STRIPE: &str = "stripe";

/// A processor in the name of one seller.
#[derive(Clone)]
pub struct Counter {
    /// The processor.
    pub processor: Arc<dyn PaymentProcessor>,
    /// What its webhooks are signed with.
    pub webhook_secret: String,
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").field("processor", &self.processor).finish_non_exhaustive()
    }
}

/// Who charges cards for whom.
#[async_trait]
pub trait Processors: Send + Sync + fmt::Debug {
    /// Who charges cards for a seller; `None`: nobody.
    ///
    /// # Errors
    /// [`BillingError::Credentials`]; table errors.
    async fn of(&self, seller: &AccountId) -> Result<Option<Counter>, BillingError>;
}

/// Every seller's by the credentials that it gave, sealed, with its settings.
#[derive(Debug)]
pub struct Configured(pub App);

#[async_trait]
impl Processors for Configured {
    async fn of(&self, seller: &AccountId) -> Result<Option<Counter>, BillingError> {
        let Some(way) = self.0.processor() else { return Ok(None) };
        let Some(processor) = self.0.store().seller(seller).await?.settings.processor else { return Ok(None) };
        let Credentials { api_key, webhook_secret } = open(&self.0, seller, &processor)?;
        let processor = way.connect(&api_key).map_err(BillingError::Credentials)?;
        Ok(Some(Counter { processor, webhook_secret }))
    }
}

fn bound(seller: &AccountId, what: &str) -> Vec<u8> {
    format!("processor {what} of {seller}").into_bytes()
}

/// Seals a seller's credentials, so that they can be kept with its settings.
///
/// # Errors
/// [`BillingError::Credentials`] without random bytes.
pub fn seal(app: &App, seller: &AccountId, credentials: &Credentials, publishable_key: Option<String>) -> Result<Processor, BillingError> {
    let sealed = |plain: &str, what: &str| {
        app.secrets().seal(plain.as_bytes(), &bound(seller, what), app.ids()).map_err(|error| BillingError::Credentials(error.to_string()))
    };
    Ok(Processor {
        kind: STRIPE.parse::<BillingKey>().map_err(|error| BillingError::Credentials(error.to_string()))?,
        sealed_key: sealed(&credentials.api_key, "key")?,
        sealed_webhook_secret: sealed(&credentials.webhook_secret, "webhook secret")?,
        publishable_key,
    })
}

fn open(app: &App, seller: &AccountId, processor: &Processor) -> Result<Credentials, BillingError> {
    let opened = |sealed: &str, what: &str| {
        let bytes = app.secrets().open(sealed, &bound(seller, what)).map_err(|error| BillingError::Credentials(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| BillingError::Credentials(error.to_string()))
    };
    Ok(Credentials {
        api_key: opened(&processor.sealed_key, "key")?,
        webhook_secret: opened(&processor.sealed_webhook_secret, "webhook secret")?,
    })
}
