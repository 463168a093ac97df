//! Audit records, which are the outbox's events too: one per effect, in the effect's own transaction.
//!
//! A movement of credit is told by its entries; everything else by an event (see `docs/events.md`).

use jiff::Timestamp;
use serde_json::Value as Json;
use tributary_domain::event::{Record, RecordKind};
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId};

use crate::codec::{Reader, json, put, time};
use crate::commit::{Part, Tx};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Write, s};

/// Who does something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The id of the record it leaves; made once per request, so that a repeated attempt is recognised.
    pub event: EventId,
    /// Who does it.
    pub actor: ActorId,
    /// The request or scheduled run that does it.
    pub request: RequestId,
    /// Now.
    pub now: Timestamp,
}

/// Adds the audit record of `kind` on `account`. As [`Part::Guard`] it also tells whether an unanswered attempt happened.
///
/// # Errors
/// None for our own details.
pub fn push_event(tx: &mut Tx, part: Part, act: &Act, account: &AccountId, kind: RecordKind, detail: &Json) -> Result<(), StoreError> {
    let mut item = Item::new();
    put(&mut item, "kind", s(kind.word()));
    put(&mut item, "acc", s(account.as_str()));
    put(&mut item, "actor", s(act.actor.as_str()));
    put(&mut item, "req", s(act.request.as_str()));
    put(&mut item, "at", time(act.now));
    put(&mut item, "detail", json(detail)?);
    put(&mut item, "gsi1pk", s(keys::audit_index(account)));
    put(&mut item, "gsi1sk", s(act.event.as_str()));
    if let RecordKind::OperatorCreated | RecordKind::AccountCreated = kind {
        put(&mut item, "gsi3pk", s(keys::EVERY_ACCOUNT_INDEX));
        put(&mut item, "gsi3sk", s(account.as_str()));
    }
    tx.push(part, Write::create(keys::event(&act.event), item));
    Ok(())
}

/// Reads an audit record.
///
/// # Errors
/// [`StoreError::Corrupt`], also for a kind that this program does not know.
pub fn decode(item: &Item) -> Result<Record, StoreError> {
    let r = Reader(item);
    Ok(Record {
        id: r.parsed("gsi1sk")?,
        kind: r.parsed("kind")?,
        account_id: r.parsed("acc")?,
        at: r.time("at")?,
        detail: r.json("detail")?,
    })
}
