//! Mail: a message that is made once, and the ways to send it. By SES on AWS, by a mail server where one is set, into a browsable outbox in
//! the local run, into memory in tests.

mod ses;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use ses::SesMailer;

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The same each time that the same mail is sent: letters, digits, `_` and `-`.
    pub id: String,
    /// The address that it is from.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// What it says, as a page.
    pub html: String,
    /// All of it as it is sent (RFC 5322), with CRLF.
    pub raw: String,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// There is no way to send it.
    #[error("mail is not to be had: the environment variable {0} is not set")]
    NotConfigured(&'static str),
    /// It was refused for good.
    #[error("the mail was refused: {0}")]
    Refused(String),
    /// It did not answer, or refused for now. The mail may have been sent.
    #[error("mail: {0}")]
    Unavailable(String),
}

/// A way to send mail.
#[async_trait]
pub trait Mailer: Send + Sync + Debug {
    /// Sends a mail. When this returns it is on its way.
    ///
    /// # Errors
    /// [`MailError`].
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Mail in memory, for tests. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct MemoryMailer {
    sent: Arc<Mutex<Vec<Mail>>>,
    failing: Arc<Mutex<Vec<MailError>>>,
}

impl MemoryMailer {
    /// Takes the mails that were sent, the oldest first.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next mails fail with these errors, the last one first.
    pub fn fail_with(&self, errors: Vec<MailError>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = errors;
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if let Some(error) = self.failing.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(error);
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
        Ok(())
    }
}
