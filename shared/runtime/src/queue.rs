//! Queues: messages that another function is called with, at least once each; in no order, or with [`Fifo`] in the order of
//! each group. In SQS on AWS, in files in the local run, in memory in tests.

mod fifo;
mod sqs;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

pub use fifo::{Fifo, Grouped, MemoryFifo, NoFifo, SqsFifo, in_order};
pub use sqs::SqsQueue;

/// The most bytes of a message.
///
/// Source: "Amazon SQS message quotas", AWS: 1 MiB since 2025; 256 KiB before, which every emulator takes.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Why a message could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// This function was given no such queue.
    #[error("the queue is not to be had: the environment variable {0} is not set")]
    NotConfigured(&'static str),
    /// The body has more bytes than a message can.
    #[error("a message of {0} bytes is larger than {MAX_MESSAGE_BYTES}")]
    TooLarge(usize),
    /// It did not answer, or refused, however often it was asked. The message may have been sent.
    #[error("the queue: {0}")]
    Unavailable(String),
}

/// A queue to send to.
#[async_trait]
pub trait Queue: Send + Sync + Debug {
    /// Sends a message. When this returns it is kept, and its function is called with it at least once.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn send(&self, body: &str) -> Result<(), QueueError>;
}

/// The queues of the platform.
#[derive(Debug, Clone)]
pub struct Queues {
    /// Batches of usage events that were taken without an answer: to the usage worker.
    pub usage: Arc<dyn Queue>,
    /// Exports to make: to the exporter.
    pub exports: Arc<dyn Queue>,
    /// Events, each account's in order: to the notifier.
    pub events: Arc<dyn Fifo>,
    /// Bulk jobs to go on with: to the bulk worker.
    pub bulk: Arc<dyn Queue>,
    /// Accounts to bill: to the invoice worker.
    pub billing: Arc<dyn Queue>,
}

/// The queue of a function that has none: a call names the variable that is missing.
#[derive(Debug, Clone, Copy)]
pub struct NoQueue(pub &'static str);

#[async_trait]
impl Queue for NoQueue {
    async fn send(&self, _body: &str) -> Result<(), QueueError> {
        Err(QueueError::NotConfigured(self.0))
    }
}

/// A queue in memory, for tests, which call the function themselves. A clone is the same queue.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    sent: Arc<Mutex<Vec<String>>>,
}

impl MemoryQueue {
    /// Another queue with the same messages.
    pub fn fork(&self) -> Self {
        Self { sent: Arc::new(Mutex::new(self.bodies())) }
    }

    /// The bodies of the messages that wait, the oldest first.
    pub fn bodies(&self) -> Vec<String> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes them all.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, body: &str) -> Result<(), QueueError> {
        fits(body)?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_owned());
        Ok(())
    }
}

/// Whether a body is one of a message.
///
/// # Errors
/// [`QueueError::TooLarge`].
pub fn fits(body: &str) -> Result<(), QueueError> {
    if body.len() > MAX_MESSAGE_BYTES { Err(QueueError::TooLarge(body.len())) } else { Ok(()) }
}
