//! Events on their way: signed, and sent as called for. What goes by itself goes in order, each until it is taken.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_runtime::payments::webhook::sign;

use crate::Processor;

/// How often an event is sent by itself.
const TRIES: u32 = 5;
/// The wait before the second time; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a receiver may take.
const LASTS: Duration = Duration::from_secs(20);

/// In which order events are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they happened.
    #[default]
    AsHappened,
    /// The newest first.
    Reversed,
    /// By a seed.
    Shuffled(u64),
}

/// Which events are given, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deliver {
    pub order: Order,
    /// How often each, one after another.
    pub copies: u32,
    /// Those that were given before, too.
    pub again: bool,
    /// Only those of this type.
    pub only: Option<String>,
    /// Signed under another secret.
    pub forged: bool,
    /// Signed so many seconds from now, below zero in the past.
    pub signed_in_s: i64,
}

impl Default for Deliver {
    fn default() -> Self {
        Self { order: Order::AsHappened, copies: 1, again: false, only: None, forged: false, signed_in_s: 0 }
    }
}

/// An event as it goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// Its id.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// The bytes that are signed.
    pub body: String,
    /// The header `Stripe-Signature`.
    pub signature: String,
}

impl Signed {
    pub fn new(event: &serde_json::Value, secret: &str, at: Timestamp) -> Self {
        let (body, text) = (event.to_string(), |name: &str| event[name].as_str().unwrap_or_default().to_owned());
        Self { event: text("id"), kind: text("type"), signature: sign(body.as_bytes(), secret, at), body }
    }
}

/// Where events go over the network.
#[derive(Debug, Clone)]
pub struct Sender {
    http: reqwest::Client,
}

impl Sender {
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { http: reqwest::Client::builder().no_proxy().timeout(LASTS).build()? })
    }

    /// Sends one; the status that was answered.
    pub async fn send(&self, url: &str, signed: &Signed) -> Option<u16> {
        let request = self.http.post(url).header("content-type", "application/json; charset=utf-8");
        let sent = request.header("stripe-signature", &signed.signature).body(signed.body.clone()).send().await;
        sent.ok().map(|answer| answer.status().as_u16())
    }

    /// Sends what happens, until it is dropped.
    pub async fn run(self, processor: Processor) {
        loop {
            let (url, signed) = processor.next_to_send().await;
            let (mut wait, mut tries) = (FIRST_WAIT, 1);
            while !self.send(&url, &signed).await.is_some_and(|status| (200..300).contains(&status)) && tries < TRIES {
                tokio::time::sleep(wait).await;
                (wait, tries) = (wait * 2, tries + 1);
            }
            processor.sent(&signed.event);
        }
    }
}
