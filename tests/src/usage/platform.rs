//! A platform in this process: an app with its operator, and what is done to it without HTTP in between.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tributary_api::{App, AppParts, KeyMode};
use tributary_domain::account::{Funding, Kind, StatusChange};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId, TransferId};
use tributary_domain::ledger::{Book, EntryKind, Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Amount, Micros};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::rate::RatedEvent;
use tributary_domain::text::Name;
use tributary_domain::transfer::{Leg, TransferRequest};
use tributary_metering::adjust::{AdjustError, Adjustment, adjust};
use tributary_metering::ingest::{Answer, ingest};
use tributary_runtime::blobs::Blobs;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::clock::Clock;
use tributary_runtime::ids::IdSource;
use tributary_runtime::queue::{MemoryFifo, MemoryQueue, Queues};
use tributary_runtime::secrets::Secrets;
use tributary_store::Store;
use tributary_store::accounts::{Authority, NewAccount};
use tributary_store::books::BookEdit;
use tributary_store::commit::Patience;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::heads::Heads;
use tributary_store::idempotency::{Outcome, Scope};
use tributary_store::table::Table;
use uuid::Uuid;

/// An app and its operator.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The app.
    pub app: App,
    /// The operator's account.
    pub operator: AccountId,
}

/// What an app is made of, but for what every test has the same.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The blobs.
    pub blobs: Arc<dyn Blobs>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The ids.
    pub ids: Arc<dyn IdSource>,
}

/// What came of an adjustment: the event as it is counted now, if it is.
pub type Adjusted = Result<Option<RatedEvent>, AdjustError>;

/// A new account.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its parent.
    pub parent: AccountId,
    /// What it is.
    pub kind: Kind,
    /// Its currency, if it is another than its parent's.
    pub currency: Option<&'static str>,
    /// How it pays.
    pub funding: Funding,
    /// Its credit limit.
    pub credit_limit: Micros,
}

impl Ground {
    /// A process on it: an app that remembers nothing yet.
    pub fn app(&self, patience: Patience) -> Result<App, StoreError> {
        let secrets = Secrets::from_pepper(&[7; 32]).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let parts = AppParts {
            table: Arc::clone(&self.table),
            blobs: Arc::clone(&self.blobs),
            queues: Queues {
                usage: Arc::new(MemoryQueue::default()),
                exports: Arc::new(MemoryQueue::default()),
                bulk: Arc::new(MemoryQueue::default()),
                billing: Arc::new(MemoryQueue::default()),
                events: Arc::new(MemoryFifo::default()),
            },
            bus: Arc::new(MemoryBus::default()),
            secrets: Arc::new(secrets),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            docs_url: "https://docs.example".to_owned(),
            mode: KeyMode::Test,
            loopback_webhooks: true,
            plain_http: false,
            front: tributary_api::hosts::Front::default(),
        };
        Ok(App::with_patience(parts, patience))
    }
}

impl Platform {
    /// A platform with its operator on an empty table.
    ///
    /// # Errors
    /// Of the store.
    pub async fn on(ground: &Ground, patience: Patience) -> Result<Self, StoreError> {
        let app = ground.app(patience)?;
        let made = tributary_api::bootstrap::operator(&app, "Operator", "USD", &app.run_id("")).await;
        made.map_err(|problem| StoreError::Corrupt(problem.detail))?;
        let operator = app.store().operator().await?.ok_or(Denied::Absent)?;
        Ok(Self { app, operator })
    }

    /// The same platform seen by another process.
    pub fn through(&self, app: App) -> Self {
        Self { app, operator: self.operator.clone() }
    }

    fn store(&self) -> &Store {
        self.app.store()
    }

    fn act(&self) -> Act {
        Act {
            event: EventId::from_uuid(self.app.uuid()),
            actor: ActorId::platform(),
            request: RequestId::from_uuid(Uuid::nil()),
            now: self.app.now(),
        }
    }

    fn scope(&self, key: &str) -> Scope {
        Scope {
            account: self.operator.clone(),
            route: "simulated",
            key: key.to_owned(),
            body: "the body".to_owned(),
            actor: ActorId::platform(),
            request: RequestId::from_uuid(Uuid::nil()),
        }
    }

    fn everywhere(&self) -> Authority<'_> {
        Authority { home: &self.operator, may: &|_, _| Ok(()) }
    }

    /// Opens an account.
    ///
    /// # Errors
    /// As [`Store::create_account`].
    pub async fn open(&self, opening: &Opening) -> Result<AccountId, StoreError> {
        let currency = opening.currency.map(str::parse).transpose().map_err(|_| StoreError::Corrupt("no currency".to_owned()))?;
        let new = NewAccount {
            id: AccountId::from_uuid(self.app.uuid()),
            parent: opening.parent.clone(),
            kind: Some(opening.kind),
            name: Name::parse("Townsman").map_err(|error| StoreError::Corrupt(error.to_string()))?,
            external_id: None,
            email: None,
            tags: None,
            settings: None,
            currency,
            funding: Some(opening.funding),
            credit_limit: Some(opening.credit_limit),
            initial_credits: None,
            clone_from: None,
        };
        let scope = self.scope(&format!("open-{}", new.id));
        self.store().create_account(&new, self.everywhere(), self.everywhere(), &self.act(), Some(&scope)).await?;
        Ok(new.id)
    }

    /// Gives an account credit out of nothing; once for a key.
    ///
    /// # Errors
    /// As [`Store::transfer`].
    pub async fn issue(&self, account: &AccountId, amount: Micros, key: &str) -> Result<(), StoreError> {
        let to = LedgerId::Account(account.clone());
        let from = LedgerId::system(Book::Issued, self.store().head(&to).await?.currency, account);
        self.transfer(EntryKind::Issue, from, to, amount, key).await
    }

    /// Moves credit between two accounts; once for a key.
    ///
    /// # Errors
    /// As [`Store::transfer`].
    pub async fn pay(&self, from: &AccountId, to: &AccountId, amount: Micros, key: &str) -> Result<(), StoreError> {
        self.transfer(EntryKind::Transfer, LedgerId::Account(from.clone()), LedgerId::Account(to.clone()), amount, key).await
    }

    async fn transfer(&self, kind: EntryKind, from: LedgerId, to: LedgerId, amount: Micros, key: &str) -> Result<(), StoreError> {
        let amount = Amount::new(amount).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let request = TransferRequest {
            id: TransferId::from_uuid(self.app.uuid()),
            kind,
            legs: vec![Leg { from, to, amount }],
            reference: None,
            reverses: None,
            purchase: None,
            authority: self.operator.clone(),
            now: self.app.now(),
        };
        let may = |_: &Heads| Ok(());
        self.store().transfer(&request, &self.scope(key), &self.act().event, &may).await.map(drop)
    }

    /// Puts a pricing book in the place of an account's.
    ///
    /// # Errors
    /// As [`Store::edit_book`].
    pub async fn set_book(&self, account: &AccountId, book: &PricingBook) -> Result<(), StoreError> {
        let edit = |now: &mut PricingBook, _: &_| {
            *now = book.clone();
            Ok(BookEdit { answer: Value::Null, kind: RecordKind::TiersChanged, detail: Value::Null })
        };
        self.store().edit_book(account, None, self.everywhere(), &self.act(), None, edit).await.map(drop)
    }

    /// Moves an account under another parent.
    ///
    /// # Errors
    /// As [`Store::move_account`].
    pub async fn relocate(&self, account: &AccountId, to: &AccountId) -> Result<(), StoreError> {
        let keeps = |_: &AccountId, _: &Lineage, _: &Lineage| Ok(());
        self.store().move_account(account, to, self.everywhere(), self.everywhere(), &keeps, None, &self.act()).await.map(drop)
    }

    /// Suspends or reactivates an account.
    ///
    /// # Errors
    /// As [`Store::set_status`].
    pub async fn set_suspended(&self, account: &AccountId, suspended: bool) -> Result<(), StoreError> {
        let change = if suspended { StatusChange::Suspend } else { StatusChange::Reactivate };
        self.store().set_status(account, change, None, self.everywhere(), &self.act()).await.map(drop)
    }

    /// Takes events, with the rights of the operator's owner.
    ///
    /// # Errors
    /// What keeps all of them from being looked at, in words.
    pub async fn ingest(&self, events: &[Value]) -> Result<Vec<Answer>, String> {
        ingest(&self.app, &|_, _| Ok(()), events).await.map_err(|problem| format!("{} {}", problem.code.word(), problem.detail))
    }

    /// Takes an event back or corrects it; once for a key.
    pub async fn adjust(&self, asked: &Adjustment, key: &str) -> Adjusted {
        match adjust(&self.app, &|_, _| Ok(()), asked, &self.scope(key), &self.act().event).await {
            Ok(Outcome::Done(done) | Outcome::Replayed(done)) => Ok(done.counted),
            Err(error) => Err(error),
        }
    }

    /// The newest state of an account's ledger, read fresh.
    ///
    /// # Errors
    /// Table errors.
    pub async fn head(&self, account: &AccountId) -> Result<Head, StoreError> {
        self.store().head(&LedgerId::Account(account.clone())).await
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.app.now()
    }
}
