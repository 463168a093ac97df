//! Mail by a mail server.

use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tributary_runtime::mail::{Mail, MailError, Mailer};

/// How long the server may take for each step, and for all of them.
const STEP_LASTS: Duration = Duration::from_secs(10);
const ALL_LASTS: Duration = Duration::from_secs(15);

/// Sends by a mail server.
#[derive(Clone)]
pub struct SmtpMailer(AsyncSmtpTransport<Tokio1Executor>);

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpMailer(hidden)")
    }
}

impl SmtpMailer {
    /// The server of a URL: `smtps://user:password@host:port`, or `smtp://…?tls=required` for STARTTLS.
    ///
    /// # Errors
    /// A sentence without the URL, which holds a password.
    pub fn new(url: &str) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let builder = builder.map_err(|error| format!("the mail server's URL cannot be used: {error}"))?;
        Ok(Self(builder.timeout(Some(STEP_LASTS)).build()))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let address = |text: &str| Address::from_str(text).map_err(|error| MailError::Refused(format!("{text}: {error}")));
        let envelope = Envelope::new(Some(address(&mail.from)?), vec![address(&mail.to)?]);
        let envelope = envelope.map_err(|error| MailError::Refused(error.to_string()))?;
        // A server that takes its time over each step would outlast the function.
        let sent = tokio::time::timeout(ALL_LASTS, self.0.send_raw(&envelope, mail.raw.as_bytes())).await;
        match sent.map_err(|_| MailError::Unavailable("the mail server took too long".to_owned()))? {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Refused(error.to_string())),
            Err(error) => Err(MailError::Unavailable(error.to_string())),
        }
    }
}
