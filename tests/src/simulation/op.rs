//! What clients ask for, and how one asks: with the same idempotency key again until it is known what happened.

use jiff::{SignedDuration, Timestamp};
use tributary_domain::account::{Account, Kind, StatusChange};
use tributary_domain::event::RecordKind;
use tributary_domain::hold::{Hold, HoldEnd, HoldRequest};
use tributary_domain::id::{AccountId, ActorId, EventId, HoldId, LotId, PackageId, RequestId, TransferId};
use tributary_domain::ledger::{Book, EntryKind, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Amount, Currency, Micros};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::package::{Package, append_package, retire_package};
use tributary_domain::text::Name;
use tributary_domain::transfer::{Leg, Transfer, TransferRequest};
use tributary_store::Store;
use tributary_store::account_states::Closing;
use tributary_store::accounts::{Authority, Edit, NewAccount};
use tributary_store::books::BookEdit;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::holds::{EndedBy, EndedHold};
use tributary_store::idempotency::{Outcome, Scope};
use tributary_store::purchases::{PurchaseRequest, Wanted};
use tributary_store::transfers::all_within;
use uuid::Uuid;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Legs of credit.
    Move { kind: EntryKind, legs: Vec<Leg> },
    /// Credit out of nothing.
    Issue { account: AccountId, amount: Amount },
    /// A transfer sent back.
    Reverse { original: TransferId },
    /// Credit set aside.
    Hold { account: AccountId, to: Option<AccountId>, amount: Amount },
    /// A hold ended.
    End { hold: HoldId, end: HoldEnd },
    /// A hold whose time is over.
    Expire { hold: HoldId },
    /// A sub-account.
    Create { parent: AccountId, kind: Kind, initial: Option<Amount> },
    /// A state.
    Status { account: AccountId, change: StatusChange },
    /// Another parent.
    Relocate { account: AccountId, to: AccountId },
    /// An end.
    Close { account: AccountId, sweep: bool },
    /// A credit limit.
    Limit { account: AccountId, limit: i64 },
    /// A package of credits with a bonus of one, offered to direct sub-accounts.
    Offer { seller: AccountId, package: PackageId, credits: i64, days: Option<u32>, max: Option<u32> },
    /// A package taken from sale.
    Retire { seller: AccountId, package: PackageId },
    /// Some of a package bought from the parent.
    Purchase { account: AccountId, package: PackageId, quantity: u32 },
    /// A lot whose time is over, or not.
    ExpireLot { lot: LotId },
}

/// A client's request.
#[derive(Debug, Clone)]
pub struct Op {
    /// What is asked for.
    pub ask: Ask,
    /// Whose rights it rests on.
    pub home: AccountId,
    /// The idempotency key; the body's digest follows from it, unless `other_body`.
    pub key: String,
    /// The key is sent with another body than the first time.
    pub other_body: bool,
    /// It was answered before and is asked again.
    pub replay: bool,
}

impl Ask {
    /// Whether the request has an idempotency record.
    pub fn keyed(&self) -> bool {
        !matches!(
            self,
            Ask::Status { .. }
                | Ask::Relocate { .. }
                | Ask::Limit { .. }
                | Ask::Expire { .. }
                | Ask::Offer { .. }
                | Ask::Retire { .. }
                | Ask::ExpireLot { .. }
        )
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A transfer.
    Transfer(Outcome<Transfer>),
    /// A hold made.
    Hold(Outcome<Hold>),
    /// A hold ended.
    Ended(Outcome<EndedHold>),
    /// An account made or closed.
    Account(Box<Outcome<Account>>),
    /// Done, with nothing to remember.
    Plain,
    /// Refused.
    Refused(StoreError),
    /// Not known.
    Open,
}

/// Where requests get their time and ids.
pub trait Source: Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// A fresh UUID.
    fn uuid(&self) -> Uuid;
}

/// How often one client asks again before it gives up for now.
const TRIES: u32 = 20;

impl Op {
    fn scope(&self) -> Scope {
        let body = if self.other_body { "another body" } else { "the body" };
        Scope {
            account: self.home.clone(),
            route: "simulated",
            key: self.key.clone(),
            body: body.to_owned(),
            actor: ActorId::platform(),
            request: RequestId::from_uuid(Uuid::nil()),
        }
    }

    /// Asks until it is known what happened, or patience ends.
    pub async fn run(&self, store: &Store, source: &dyn Source) -> Answer {
        for _ in 0..TRIES {
            match self.ask_once(store, source).await {
                Ok(answer) => return answer,
                Err(StoreError::Busy | StoreError::Unknown(_)) => {}
                Err(refusal) => return Answer::Refused(refusal),
            }
        }
        Answer::Open
    }

    async fn ask_once(&self, store: &Store, source: &dyn Source) -> Result<Answer, StoreError> {
        let home = &self.home;
        let act = Act {
            event: EventId::from_uuid(source.uuid()),
            actor: ActorId::platform(),
            request: RequestId::from_uuid(Uuid::nil()),
            now: source.now(),
        };
        let within = |id: &AccountId, lineage: &Lineage| if id == home || lineage.has(home) { Ok(()) } else { Err(Denied::Absent) };
        let below = |id: &AccountId, lineage: &Lineage| if id != home && lineage.has(home) { Ok(()) } else { Err(Denied::Absent) };
        let heads_within = |heads: &_| if all_within(heads, home) { Ok(()) } else { Err(Denied::Absent) };
        let (within, below) = (Authority { home, may: &within }, Authority { home, may: &below });
        match &self.ask {
            Ask::Move { kind, legs } => {
                let request = self.request(source, *kind, legs.clone());
                store.transfer(&request, &self.scope(), &act.event, &heads_within).await.map(Answer::Transfer)
            }
            Ask::Issue { account, amount } => {
                let to = LedgerId::Account(account.clone());
                let from = LedgerId::system(Book::Issued, store.head(&to).await?.currency, account);
                let request = self.request(source, EntryKind::Issue, vec![Leg { from, to, amount: *amount }]);
                store.transfer(&request, &self.scope(), &act.event, &heads_within).await.map(Answer::Transfer)
            }
            Ask::Reverse { original } => {
                let original = match store.find_transfer(original).await {
                    Ok((original, _)) => original,
                    // The index may lag; what was done once is known without it, as the endpoint does.
                    Err(absent @ StoreError::Denied(_)) => {
                        let first = store.first_answer(&self.scope()).await?;
                        return first.map(|first| Answer::Transfer(Outcome::Replayed(first))).ok_or(absent);
                    }
                    Err(error) => return Err(error),
                };
                let request = store.reversal_of(&original, self.request(source, EntryKind::Reversal, Vec::new()))?;
                store.transfer(&request, &self.scope(), &act.event, &heads_within).await.map(Answer::Transfer)
            }
            Ask::Hold { account, to, amount } => {
                let asked = self.hold(source, account, to.as_ref(), *amount)?;
                store.reserve(&asked, home, &self.scope(), &act.event, &heads_within).await.map(Answer::Hold)
            }
            Ask::End { hold, end } => {
                let (scope, id) = (self.scope(), TransferId::from_uuid(source.uuid()));
                store.end_hold(hold, |_| Ok(end.clone()), EndedBy::Caller(&scope), &id, home, &act, &heads_within).await.map(Answer::Ended)
            }
            Ask::Expire { hold } => {
                let (id, account) = (TransferId::from_uuid(source.uuid()), store.hold(hold).await?.account_id);
                store.end_hold(hold, |_| Ok(HoldEnd::Expire), EndedBy::Schedule, &id, &account, &act, &|_| Ok(())).await.map(Answer::Ended)
            }
            Ask::Create { parent, kind, initial } => {
                let new = self.account(source, parent, *kind, *initial)?;
                store.create_account(&new, within, within, &act, Some(&self.scope())).await.map(|made| Answer::Account(Box::new(made)))
            }
            Ask::Status { account, change } => store.set_status(account, *change, None, below, &act).await.map(|_| Answer::Plain),
            Ask::Relocate { account, to } => {
                store.move_account(account, to, below, within, &|_, _, _| Ok(()), None, &act).await.map(|_| Answer::Plain)
            }
            Ask::Close { account, sweep } => {
                let sweep = sweep.then(|| TransferId::from_uuid(source.uuid()));
                let closing = Closing { sweep, expected: None };
                store.close_account(account, &closing, below, &act, &self.scope()).await.map(|closed| Answer::Account(Box::new(closed)))
            }
            Ask::Offer { seller, package, credits, days, max } => {
                let package = offered(package, *credits, *days, *max, act.now)?;
                let offer = |book: &mut PricingBook, _: &Account| {
                    if book.packages.iter().all(|known| known.id != package.id) {
                        append_package(&mut book.packages, package.clone(), act.now)?;
                    }
                    Ok(BookEdit { answer: (), kind: RecordKind::PackageCreated, detail: serde_json::Value::Null })
                };
                store.edit_book(seller, None, within, &act, None, offer).await.map(|_| Answer::Plain)
            }
            Ask::Retire { seller, package } => {
                let retire = |book: &mut PricingBook, _: &Account| {
                    retire_package(&mut book.packages, package, act.now)?;
                    Ok(BookEdit { answer: (), kind: RecordKind::PackageRetired, detail: serde_json::Value::Null })
                };
                store.edit_book(seller, None, within, &act, None, retire).await.map(|_| Answer::Plain)
            }
            Ask::Purchase { account, package, quantity } => {
                let (id, lot) = (TransferId::from_uuid(source.uuid()), LotId::from_uuid(source.uuid()));
                let wanted = Wanted::Package(package.clone(), *quantity);
                let request = PurchaseRequest { id, lot, buyer: account.clone(), wanted, reference: None, now: act.now };
                store.purchase(&request, &self.scope(), &act.event, within).await.map(Answer::Transfer)
            }
            Ask::ExpireLot { lot } => store.expire_lot(lot, &TransferId::from_uuid(source.uuid()), &act).await.map(|_| Answer::Plain),
            Ask::Limit { account, limit } => {
                let edit = Edit { credit_limit: Some(Micros::new(*limit)), ..Edit::default() };
                store.edit_account(account, &edit, None, below, &act, None).await.map(|_| Answer::Plain)
            }
        }
    }

    fn request(&self, source: &dyn Source, kind: EntryKind, legs: Vec<Leg>) -> TransferRequest {
        let id = TransferId::from_uuid(source.uuid());
        TransferRequest { id, kind, legs, reference: None, reverses: None, purchase: None, authority: self.home.clone(), now: source.now() }
    }

    fn hold(&self, source: &dyn Source, account: &AccountId, to: Option<&AccountId>, amount: Amount) -> Result<HoldRequest, StoreError> {
        let now = source.now();
        let expires_at = now.checked_add(SignedDuration::from_mins(20)).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let id = HoldId::from_uuid(source.uuid());
        Ok(HoldRequest { id, account_id: account.clone(), to: to.cloned(), amount, reference: None, expires_at, now })
    }

    fn account(&self, source: &dyn Source, parent: &AccountId, kind: Kind, initial: Option<Amount>) -> Result<NewAccount, StoreError> {
        Ok(NewAccount {
            id: AccountId::from_uuid(source.uuid()),
            parent: parent.clone(),
            kind: Some(kind),
            name: Name::parse("Simulated").map_err(|error| StoreError::Corrupt(error.to_string()))?,
            external_id: None,
            email: None,
            tags: None,
            settings: None,
            currency: None,
            funding: None,
            credit_limit: None,
            initial_credits: initial.map(|amount| (amount, TransferId::from_uuid(source.uuid()))),
            clone_from: None,
        })
    }
}

fn offered(id: &PackageId, credits: i64, days: Option<u32>, max: Option<u32>, now: Timestamp) -> Result<Package, StoreError> {
    let text = serde_json::json!({
        "id": id, "name": "Simulated", "credits": format!("{credits}"), "bonus": "1", "price": "1", "currency": "USD",
        "valid_days": days, "max_per_account": max, "created_at": now,
    });
    serde_json::from_value(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The currency of the simulation.
///
/// # Errors
/// None.
pub fn currency() -> Result<Currency, StoreError> {
    "USD".parse().map_err(|_| StoreError::Corrupt("USD is no currency".to_owned()))
}
