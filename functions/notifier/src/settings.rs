//! What the environment says of how the notifier sends.

use std::error::Error;
use std::sync::Arc;

use tributary_runtime::config::Config;
use tributary_runtime::dynamo::Clients;
use tributary_runtime::mail::Mailer;

use crate::Senders;
use crate::outbound::GuardedClient;
use crate::smtp::SmtpMailer;

/// The senders that the environment names.
///
/// # Errors
/// A sentence that says what is missing.
pub async fn from_env() -> Result<Senders, Box<dyn Error + Send + Sync>> {
    let config = Config::from_env()?;
    let clients = Clients::new(&config)?;
    let mailer: Arc<dyn Mailer> = match &config.smtp_secret_id {
        Some(id) => Arc::new(SmtpMailer::new(clients.secret(id).await?.trim())?),
        None => Arc::clone(&clients.ses),
    };
    Ok(Senders {
        outbound: Arc::new(GuardedClient::new(config.webhooks_allow_loopback)?),
        mailer,
        mail_from: config.mail_from,
        api_url: config.api_url.unwrap_or_default(),
        pages_url: config.pages_url.unwrap_or_default(),
    })
}
