//! Idempotency records: for each (account, route, key) the first answer, for ever, made in the transaction of the effect
//! itself, as its guard.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId};

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::Act;
use crate::keys;
use crate::table::{Item, Key, TableError, Write, s};

/// Whose key it is, for which route and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The caller's account.
    pub account: AccountId,
    /// The route, as `operation_id`.
    pub route: &'static str,
    /// The `Idempotency-Key`.
    pub key: String,
    /// Digest of the request's body and path.
    pub body: String,
    /// Who asked.
    pub actor: ActorId,
    /// The request that asked.
    pub request: RequestId,
}

/// An answer, and whether it is the first one again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done now.
    Done(T),
    /// It had been done before: this is the first answer.
    Replayed(T),
}

impl<T> Outcome<T> {
    /// The answer.
    pub fn into_inner(self) -> T {
        match self {
            Outcome::Done(value) | Outcome::Replayed(value) => value,
        }
    }

    /// The same with the answer changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Done(value) => Outcome::Done(change(value)),
            Outcome::Replayed(value) => Outcome::Replayed(change(value)),
        }
    }
}

/// What became of a request that was to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenUp<T, W> {
    /// It will never be done: why, as it was said first.
    Never(W),
    /// It had been done before: this is the first answer.
    Done(T),
}

impl Scope {
    pub(crate) fn key(&self) -> Key {
        keys::idempotency(&self.account, self.route, &self.key)
    }

    /// The record that holds `answer`; `attempt` names the request that makes it.
    pub(crate) fn record(&self, answer: &impl Serialize, attempt: &EventId) -> Result<Item, StoreError> {
        let mut item = Item::new();
        put(&mut item, "evt", s(attempt.as_str()));
        put(&mut item, "body", s(&self.body));
        put(&mut item, "actor", s(self.actor.as_str()));
        put(&mut item, "req", s(self.request.as_str()));
        put(&mut item, "answer", json(answer)?);
        Ok(item)
    }

    /// The first answer in a record that refused this request's own: done by this request's unanswered attempt, if
    /// the record is `own`'s; a replay otherwise.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] if it is of another request.
    pub fn outcome<T: DeserializeOwned>(&self, record: Option<&Item>, own: &EventId) -> Result<Outcome<T>, StoreError> {
        let record = record.ok_or_else(|| StoreError::Corrupt("a refused record was not shown".to_owned()))?;
        let first = self.answer(record)?;
        let done_now = Reader(record).maybe_text("evt")? == Some(own.as_str());
        Ok(if done_now { Outcome::Done(first) } else { Outcome::Replayed(first) })
    }

    /// The first answer in a record, if the record is of the same request.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] if it is of another; [`StoreError::Conflict`] if the request was given up.
    pub(crate) fn answer<T: DeserializeOwned>(&self, record: &Item) -> Result<T, StoreError> {
        let reader = Reader(record);
        if reader.text("body")? != self.body {
            return Err(StoreError::KeyReused);
        }
        if record.contains_key("void") {
            return Err(GIVEN_UP);
        }
        reader.json("answer")
    }
}

/// What the write is that stands for a whole transaction: its guard, unless the record of an idempotency key is that.
pub(crate) fn guard_without(scope: Option<&Scope>) -> Part {
    if scope.is_some() { Part::Plain } else { Part::Guard }
}

/// Adds the record of the idempotency key with its answer, the transaction's guard, if there is a key.
pub(crate) fn push_record(tx: &mut Tx, scope: Option<&Scope>, answer: &impl Serialize, act: &Act) -> Result<(), StoreError> {
    if let Some(scope) = scope {
        tx.push(Part::Guard, Write::create(scope.key(), scope.record(answer, &act.event)?));
    }
    Ok(())
}

/// The answer of a refused transaction that had happened: the first one under its idempotency key, or without a key `there`. `None` if its guard was not
/// in the way, so that it is to be planned anew.
///
/// # Errors
/// [`StoreError::KeyReused`] of a key that another request used; as `there`.
pub(crate) async fn if_done<T: DeserializeOwned>(
    scope: Option<&Scope>,
    refused: &Refused,
    own: &EventId,
    there: impl Future<Output = Result<T, StoreError>>,
) -> Result<Option<Outcome<T>>, StoreError> {
    match (refused.guard(), scope) {
        (Some(record), Some(scope)) => scope.outcome(record, own).map(Some),
        (Some(_), None) => there.await.map(|there| Some(Outcome::Done(there))),
        (None, _) => Ok(None),
    }
}

/// The refusal of a request that was given up before.
pub(crate) const GIVEN_UP: StoreError = StoreError::Conflict("it was given up");

impl Store {
    /// Gives a request up for ever, unless it was done: its record is made without an answer, so that an attempt that is still
    /// under way is refused. One write.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn give_up<T: DeserializeOwned, W: Serialize + DeserializeOwned>(
        &self,
        scope: &Scope,
        attempt: &EventId,
        why: W,
    ) -> Result<GivenUp<T, W>, StoreError> {
        let mut item = scope.record(&(), attempt)?;
        put(&mut item, "void", json(&why)?);
        let write = Write::create(scope.key(), item);
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(None),
            Err(TableError::Condition(Some(there))) => Ok(Some(there)),
            Err(error) => Err(error),
        };
        match patiently(&self.patience, kept).await? {
            None => Ok(GivenUp::Never(why)),
            Some(there) if there.contains_key("void") => Ok(GivenUp::Never(Reader(&there).json("void")?)),
            Some(there) => scope.answer(&there).map(GivenUp::Done),
        }
    }

    /// The first answer to this request, if there was one.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn first_answer<T: DeserializeOwned>(&self, scope: &Scope) -> Result<Option<T>, StoreError> {
        let key = scope.key();
        let record = patiently(&self.patience, || self.table.get(&key, true)).await?;
        record.map(|item| scope.answer(&item)).transpose()
    }

    /// The first answer to this request as its outcome, if it has an idempotency key and was done before.
    ///
    /// # Errors
    /// As [`Store::first_answer`].
    pub(crate) async fn replayed<T: DeserializeOwned>(&self, scope: Option<&Scope>) -> Result<Option<Outcome<T>>, StoreError> {
        match scope {
            Some(scope) => Ok(self.first_answer(scope).await?.map(Outcome::Replayed)),
            None => Ok(None),
        }
    }

    /// The first answer to this request, if there was one, and whether the same key or member asked for it: to another one that
    /// lacks the right it is not given again.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn first_answer_and_whose<T: DeserializeOwned>(&self, scope: &Scope) -> Result<Option<(T, bool)>, StoreError> {
        let key = scope.key();
        let Some(record) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(None) };
        let own = Reader(&record).text("actor")? == scope.actor.as_str();
        Ok(Some((scope.answer(&record)?, own)))
    }

    /// Gives `refusal`, unless the same request was done before: then its first answer outranks it. To be called after
    /// the state that led to the refusal was read. To a caller who lacks the right, only what the same key or member did is
    /// answered again.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn unless_done<'a, T: DeserializeOwned>(
        &self,
        scope: impl Into<Option<&'a Scope>>,
        refusal: StoreError,
    ) -> Result<Outcome<T>, StoreError> {
        let Some(scope) = scope.into() else { return Err(refusal) };
        let key = scope.key();
        let Some(record) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Err(refusal) };
        let own = Reader(&record).text("actor")? == scope.actor.as_str();
        match refusal {
            StoreError::Denied(Denied::Lacks(_)) if !own => Err(refusal),
            _ => scope.answer(&record).map(Outcome::Replayed),
        }
    }
}
