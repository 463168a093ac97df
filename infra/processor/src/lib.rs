//! A payment processor that does what it is told: it speaks the shapes of Stripe's HTTP interface on loopback, for the local run and for tests.
//!
//! Every API key that begins with `sk_test_` or `rk_test_` has a book of its own. Cards decline, ask for authentication and charge back by their
//! [number](cards); requests and answers are [lost, refused and held](faults) when that is called for, or by a seed; webhooks are signed, and go out at
//! once, or held back, twice, in another order, late or forged. Ids follow from the seed. Everything can be looked at, and stands in a file.
//!
//! Over HTTP: [`Processor::serve`]. Without a socket, for simulations: [`Processor::in_process`].

mod answer;
mod api;
mod book;
pub mod cards;
mod control;
pub mod faults;
pub mod hooks;
mod in_process;
mod journal;
mod pages;
mod params;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tributary_runtime::clock::Clock;

pub use crate::answer::Answer;
pub use crate::book::Hook;
use crate::book::{Book, Kept, mixed};
use crate::faults::{Chaos, Fault, Faults, Wrong};
use crate::hooks::{Deliver, Order, Signed};
pub use crate::in_process::InProcess;
use crate::journal::Journal;
use crate::params::Params;

/// How it begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// What ids follow from.
    pub seed: u64,
    /// Where everything stands; in memory without one.
    pub file: Option<PathBuf>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// The processor. A clone is the same.
#[derive(Debug, Clone)]
pub struct Processor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seed: u64,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// How many releases there were.
    released: watch::Sender<u64>,
    /// How many requests and answers are held.
    held: watch::Sender<usize>,
    /// Something is to be sent.
    told: Notify,
}

#[derive(Debug)]
struct State {
    books: BTreeMap<String, Book>,
    faults: Faults,
    base: String,
    journal: Option<Journal>,
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `GET` or `POST`.
    pub method: String,
    /// From the slash on, without the query.
    pub path: String,
    /// The query of a `GET`, the body of a `POST`.
    pub form: Vec<u8>,
    /// The header `Authorization`.
    pub authorization: String,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Became {
    /// It is answered; `replayed` if as an earlier one under the same key.
    Answered { answer: Answer, replayed: bool },
    /// The connection ends.
    Lost,
}

impl Processor {
    /// Opens it, with what stands in its file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(options: Options) -> io::Result<Self> {
        let (journal, books) = match &options.file {
            Some(path) => Journal::open(path, options.seed).map(|(journal, books)| (Some(journal), books))?,
            None => (None, BTreeMap::new()),
        };
        let base = "http://processor.invalid".to_owned();
        let state = Mutex::new(State { books, faults: Faults::default(), base, journal });
        let (released, held) = (watch::Sender::new(0), watch::Sender::new(0));
        Ok(Self(Arc::new(Inner { seed: options.seed, clock: options.clock, state, released, held, told: Notify::new() })))
    }

    /// The same without a socket, for a client in this process.
    pub fn in_process(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    /// Carries a request out, as its faults have it.
    pub async fn answer(&self, asked: Asked) -> Became {
        let key = asked.authorization.strip_prefix("Bearer ").unwrap_or_default().to_owned();
        let wrong = self.state().faults.next(&asked.method, &asked.path);
        match wrong {
            Some(Wrong::LoseRequest) => return Became::Lost,
            Some(Wrong::FailBefore) => return plainly(Answer::failed(503)),
            Some(Wrong::RateLimit) => return plainly(Answer::rate_limited()),
            _ => {}
        }
        if !(key.starts_with("sk_test_") || key.starts_with("rk_test_")) || key.ends_with("_revoked") {
            return plainly(Answer::unauthorized());
        }
        let request = format!("{} {}?{}", asked.method, asked.path, String::from_utf8_lossy(&asked.form));
        let under = asked.key.clone().filter(|_| asked.method == "POST");
        if let Some(under) = &under
            && let Some(became) = self.within(&key, |book| kept(book, under, &request))
        {
            return if wrong == Some(Wrong::LoseAnswer) { Became::Lost } else { became };
        }
        if wrong == Some(Wrong::HoldRequest) {
            self.hold().await;
        }
        let mut answer = self.within(&key, |book| carried_out(book, &asked));
        if wrong == Some(Wrong::FailKept) {
            answer = Answer::failed(500);
        }
        if wrong == Some(Wrong::HoldAnswer) {
            self.hold().await;
        }
        if let Some(under) = under {
            // What was not begun is not kept: wrong requests can be sent again.
            let begun = matches!(answer.status, 200 | 402 | 500);
            self.within(&key, |book| {
                book.busy.remove(&under);
                if begun {
                    book.keep(&under, Kept { at_s: book.now_s, request, status: answer.status, body: answer.body.clone() });
                }
            });
        }
        match wrong {
            Some(Wrong::LoseAnswer) => Became::Lost,
            Some(Wrong::FailAfter) => plainly(Answer::failed(503)),
            _ => plainly(answer),
        }
    }

    /// What shall go wrong next.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.called_for.push(fault);
    }

    /// How often things go wrong; `None` ends it.
    pub fn chaos(&self, chaos: Option<Chaos>) {
        self.state().faults.chaos = chaos;
    }

    /// Lets everything go on that is held.
    pub fn release(&self) {
        self.0.released.send_modify(|count| *count += 1);
    }

    /// Waits until so many requests and answers are held.
    pub async fn until_held(&self, many: usize) {
        // The sender lives as long as `self`.
        let _ = self.0.held.subscribe().wait_for(|held| *held >= many).await;
    }

    async fn hold(&self) {
        let mut released = self.0.released.subscribe();
        released.mark_unchanged();
        self.0.held.send_modify(|held| *held += 1);
        let _ = released.changed().await;
        self.0.held.send_modify(|held| *held -= 1);
    }

    /// Where the events of an API key go.
    pub fn hook(&self, api_key: &str, hook: Hook) {
        self.within(api_key, |book| book.set_hook(hook));
    }

    /// Takes events out, signed under the secret of their [`Hook`] (`whsec_scripted` without one), as they would have come. They count as given.
    pub fn deliveries(&self, api_key: &str, how: &Deliver) -> Vec<Signed> {
        let now = self.0.clock.now();
        self.within(api_key, |book| {
            let mut ids = if how.again { book.told.clone() } else { book.waiting.clone() };
            match how.order {
                Order::AsHappened => {}
                Order::Reversed => ids.reverse(),
                Order::Shuffled(seed) => {
                    ids.sort_by_cached_key(|id| id.bytes().fold(mixed(seed), |sum, byte| mixed(sum ^ u64::from(byte))))
                }
            }
            let secret = book.hook.as_ref().map_or("whsec_scripted", |hook| hook.secret.as_str()).to_owned();
            let secret = if how.forged { format!("{secret}_forged") } else { secret };
            let at = Timestamp::from_second(now.as_second() + how.signed_in_s).unwrap_or(now);
            let mut signed = Vec::new();
            for id in ids {
                let Some(event) = book.get("event", &id) else { continue };
                if how.only.as_ref().is_some_and(|only| event["type"] != *only) {
                    continue;
                }
                signed.extend(std::iter::repeat_n(Signed::new(&event, &secret, at), how.copies.try_into().unwrap_or(1)));
                // A forged one does not count: the true one is still to come.
                if !how.forged {
                    book.told_of(&id, true);
                }
            }
            signed
        })
    }

    /// The next event that goes by itself, when there is one.
    async fn next_to_send(&self) -> (String, Signed) {
        loop {
            let told = self.0.told.notified();
            let now = self.0.clock.now();
            let next = self.state().books.values().find_map(|book| {
                let hook = book.hook.as_ref().filter(|hook| !hook.held)?;
                let event = book.get("event", book.waiting.first()?)?;
                Some((hook.url.clone()?, Signed::new(&event, &hook.secret, now)))
            });
            match next {
                Some(next) => return next,
                None => told.await,
            }
        }
    }

    fn sent(&self, event: &str) {
        let names: Vec<String> = self.state().books.keys().cloned().collect();
        for name in names {
            self.within(&name, |book| {
                if book.get("event", event).is_some() {
                    book.told_of(event, true);
                }
            });
        }
    }

    /// What the holder says on the page of the bank, of a payment or a setup.
    ///
    /// # Errors
    /// An answer in Stripe's shape.
    pub fn authenticate(&self, id: &str, passed: bool) -> Result<Value, Answer> {
        self.of(id, |book| match id.starts_with("seti_") {
            true => api::setups::authenticated(book, id, passed),
            false => api::payments::authenticated(book, id, passed),
        })
    }

    /// Ends a payment that is being processed: paid, or declined for this.
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn settle_payment(&self, id: &str, decline: Option<&str>) -> Result<Value, Answer> {
        self.of(id, |book| api::payments::settle(book, id, decline))
    }

    /// A refund that is on its way arrives, or one comes back.
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn settle_refund(&self, id: &str, arrives: bool) -> Result<Value, Answer> {
        self.of(id, |book| api::refunds::settle(book, id, arrives))
    }

    /// The bank takes a payment back, so many of the processor's units of it or all, for a reason: `fraudulent`; `inquiry`: it only asks.
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn dispute(&self, payment: &str, amount: Option<i64>, reason: &str, inquiry: bool) -> Result<Value, Answer> {
        let status = if inquiry { "warning_needs_response" } else { "needs_response" };
        self.of(payment, |book| {
            let payment = book.need("payment_intent", payment)?;
            api::disputes::open(book, &payment, amount, reason, status)
        })
    }

    /// Brings a chargeback into another state: `under_review`, `won`, `lost`, `warning_closed`.
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn change_dispute(&self, id: &str, status: &str) -> Result<Value, Answer> {
        self.of(id, |book| api::disputes::change(book, id, status))
    }

    /// From now on a card does as another of the [cards](cards::CARDS).
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn behave(&self, payment_method: &str, as_card: &str) -> Result<Value, Answer> {
        self.of(payment_method, |book| api::methods::behave(book, payment_method, as_card))
    }

    /// A customer adds a card on the page of `checkout.session`s, by its name.
    ///
    /// # Errors
    /// As [`Processor::authenticate`].
    pub fn add_on_page(&self, page: &str, card: &str) -> Result<Value, Answer> {
        self.of(page, |book| api::setups::on_page(book, page, card))
    }

    /// An object of any book, by its type and id.
    pub fn object(&self, kind: &str, id: &str) -> Option<Value> {
        self.state().books.values().find_map(|book| book.get(kind, id))
    }

    /// The objects of a type under an API key, the newest first: `charge`, `refund`, `dispute`.
    pub fn objects(&self, api_key: &str, kind: &str) -> Vec<Value> {
        self.within(api_key, |book| book.list(kind, ""))
    }

    /// Lets go what nobody asks for any more: events that were delivered, and answers under keys older than a day. For long simulations.
    pub fn forget(&self) {
        let names: Vec<String> = self.state().books.keys().cloned().collect();
        for name in names {
            self.within(&name, Book::forget);
        }
    }

    /// Everything, by API key.
    pub fn state_of_all(&self) -> Value {
        let state = self.state();
        let books: BTreeMap<&String, Value> = state.books.iter().map(|(name, book)| (name, book.state())).collect();
        json!({ "books": books, "faults": state.faults.called_for, "chaos": state.faults.chaos, "held": *self.0.held.borrow() })
    }

    fn set_base(&self, base: &str) {
        base.clone_into(&mut self.state().base);
    }

    fn base(&self) -> String {
        self.state().base.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the book of an API key, and writes down what it changed.
    fn within<T>(&self, api_key: &str, act: impl FnOnce(&mut Book) -> T) -> T {
        let mut state = self.state();
        let State { books, base, journal, .. } = &mut *state;
        let book = books.entry(api_key.to_owned()).or_insert_with(|| Book::new(api_key, self.0.seed));
        book.now_s = self.0.clock.now().as_second();
        base.clone_into(&mut book.base);
        let done = act(book);
        let lines = book.lines();
        if let Some(journal) = journal
            && !lines.is_empty()
            && let Err(error) = journal.add(&lines)
        {
            tracing::error!(%error, "the scripted processor cannot write its file");
        }
        drop(state);
        if !lines.is_empty() {
            self.0.told.notify_one();
        }
        done
    }

    /// The same in the book that has an object.
    fn of(&self, id: &str, act: impl FnOnce(&mut Book) -> Result<Value, Answer>) -> Result<Value, Answer> {
        let has = |book: &Book| {
            ["payment_intent", "setup_intent", "refund", "dispute", "payment_method", "checkout.session"]
                .iter()
                .any(|kind| book.get(kind, id).is_some())
        };
        let name = self.state().books.iter().find(|(_, book)| has(book)).map(|(name, _)| name.clone());
        let name = name.ok_or_else(|| Answer::absent("object", id))?;
        self.within(&name, act).map(|object| answer::shown(&object))
    }
}

fn plainly(answer: Answer) -> Became {
    Became::Answered { answer, replayed: false }
}

/// What is known of an idempotency key. If nothing is, it is taken.
fn kept(book: &mut Book, key: &str, request: &str) -> Option<Became> {
    if let Some(kept) = book.kept_under(key) {
        let answer = if kept.request == request {
            Answer { status: kept.status, body: kept.body.clone() }
        } else {
            return Some(plainly(Answer::key_reused()));
        };
        return Some(Became::Answered { answer, replayed: true });
    }
    if !book.busy.insert(key.to_owned()) {
        return Some(plainly(Answer::key_in_use()));
    }
    None
}

fn carried_out(book: &mut Book, asked: &Asked) -> Answer {
    let path = asked.path.strip_prefix("/v1/").unwrap_or(&asked.path);
    let done = api::call(book, &asked.method, path, Params::read(&asked.form));
    let answer = done.map_or_else(|answer| answer, |object| Answer::good(&object));
    Answer { status: answer.status, body: answer::shown(&answer.body) }
}
