//! Sessions: one item each, in a partition of the key or member whose they are, so that all of them are found and ended with
//! strongly consistent reads. What is kept of the secret is its hash.

use jiff::Timestamp;
use serde_json::json as detail;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ActorId, SessionId};
use tributary_domain::session::{Session, Standing};

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::keys;
use crate::sign_in::taken;
use crate::table::{Action, Cond, Item, Position, Query, SortRange, TableError, Value, Write, s};

/// How many sessions are ended in one transaction: it holds their record too.
const ENDED_AT_ONCE: usize = 99;

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// The session.
    pub session: Session,
    /// The hash of its secret.
    pub hash: String,
}

/// By what somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The secret of an API key.
    Key,
    /// A link, by the hash of its token, which this uses up.
    Link(&'a str),
}

impl Store {
    /// Begins a session of a key or member of `account`, who must still be there. `false` if they are not, or the link was used or is old:
    /// of however many that come with one link, one gets a session.
    ///
    /// # Errors
    /// Table errors.
    pub async fn begin_session(&self, kept: &KeptSession, account: &AccountId, by: By<'_>, act: &Act) -> Result<bool, StoreError> {
        let session = &kept.session;
        let mut tx = Tx::default();
        let word = match by {
            By::Key => "api_key",
            By::Link(_) => "link",
        };
        let said = detail!({ "session_id": session.id, "by": word });
        push_event(&mut tx, Part::Guard, act, account, RecordKind::SessionCreated, &said)?;
        tx.push(Part::Plain, Write::create(keys::session(&session.actor, &session.id), item(kept)?));
        let (principal, there) = match &session.standing {
            Standing::Key(hash) => (keys::credential(hash), Cond::Exists),
            Standing::Member(account, member) => (keys::member(account, member), Cond::Exists),
        };
        tx.push(Part::Principal, Write::check(principal, there));
        if let By::Link(hash) = by {
            tx.push(Part::Cause, taken(hash, session.created_at));
        }
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(true),
            Err(refused) => Ok(refused.guard().is_some()),
        }
    }

    /// A session by whose it is and its id, strongly consistent: one read. `None` if there is none.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn session(&self, actor: &ActorId, id: &SessionId) -> Result<Option<KeptSession>, StoreError> {
        let key = keys::session(actor, id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.as_ref().map(decode).transpose()
    }

    /// Keeps when a session was last used: one write. `false` if it has ended.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_session_seen(&self, kept: &KeptSession) -> Result<bool, StoreError> {
        let key = keys::session(&kept.session.actor, &kept.session.id);
        let write = Write { key, action: Action::Put(item(kept)?), cond: Some(Cond::Exists) };
        let there = async || match self.table.write(&write).await {
            Ok(_) => Ok(true),
            Err(TableError::Condition(_)) => Ok(false),
            Err(error) => Err(error),
        };
        patiently(&self.patience, there).await
    }

    /// A page of the sessions of a key or member that are not over, the newest first: one query, strongly consistent.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn sessions(
        &self,
        actor: &ActorId,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Session>, Option<Position>), StoreError> {
        let (kept, next) = self.kept_sessions(actor, limit, start).await?;
        Ok((kept.into_iter().filter(|session| !session.is_over(now)).collect(), next))
    }

    async fn kept_sessions(
        &self,
        actor: &ActorId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Session>, Option<Position>), StoreError> {
        let query = Query::table(keys::sessions_partition(actor), SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let sessions = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?;
        Ok((sessions, page.next))
    }

    /// Ends sessions of a key or member of `account`, and says so in one record for each [`ENDED_AT_ONCE`]. Safe to repeat.
    ///
    /// # Errors
    /// Table errors.
    async fn end(&self, actor: &ActorId, ids: &[SessionId], account: &AccountId, act: &Act) -> Result<(), StoreError> {
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, act, account, RecordKind::SessionEnded, &detail!({ "session_ids": ids }))?;
        for id in ids {
            tx.push(Part::Plain, Write { key: keys::session(actor, id), action: Action::Delete, cond: None });
        }
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(()),
            Err(refused) if refused.guard().is_some() => Ok(()),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Ends one session.
    ///
    /// # Errors
    /// Table errors.
    pub async fn end_session(&self, session: &Session, account: &AccountId, act: &Act) -> Result<(), StoreError> {
        self.end(&session.actor, std::slice::from_ref(&session.id), account, act).await
    }

    /// Ends every session of a key or member, and says how many were not over: a query and a transaction for each [`ENDED_AT_ONCE`].
    /// Each record is of an act of its own.
    ///
    /// # Errors
    /// Table errors; safe to repeat.
    pub async fn end_sessions(
        &self,
        actor: &ActorId,
        account: &AccountId,
        now: Timestamp,
        act: impl Fn() -> Act + Send + Sync,
    ) -> Result<usize, StoreError> {
        let mut ended = 0;
        loop {
            let (sessions, _) = self.kept_sessions(actor, ENDED_AT_ONCE, None).await?;
            if sessions.is_empty() {
                return Ok(ended);
            }
            let ids: Vec<SessionId> = sessions.iter().map(|session| session.id.clone()).collect();
            self.end(actor, &ids, account, &act()).await?;
            ended += sessions.iter().filter(|session| !session.is_over(now)).count();
        }
    }
}

fn item(kept: &KeptSession) -> Result<Item, StoreError> {
    let until = kept.session.expires_at();
    let mut item = Item::new();
    put(&mut item, "doc", json(&kept.session)?);
    put(&mut item, "hash", s(&kept.hash));
    // To the second above: what is not over must not be swept.
    put(&mut item, "ttl", Value::N(until.as_second() + 1));
    Ok(item)
}

fn decode(item: &Item) -> Result<KeptSession, StoreError> {
    let reader = Reader(item);
    Ok(KeptSession { session: reader.json("doc")?, hash: reader.text("hash")?.to_owned() })
}
