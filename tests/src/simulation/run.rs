//! One run: a seed, rounds of concurrent requests, and the audit at the end.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tributary_domain::account::{Kind, Status, StatusChange};
use tributary_domain::hold::{HoldEnd, HoldStatus};
use tributary_domain::id::{AccountId, EventId, KeyId, PackageId, RequestId};
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::rights::{BuiltInRole, RoleRef};
use tributary_domain::text::Name;
use tributary_domain::transfer::Leg;
use tributary_runtime::clock::{Clock as _, ManualClock};
use tributary_runtime::ids::{IdSource as _, SeededIds};
use tributary_store::Store;
use tributary_store::bootstrap::operator_account;
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::faulty::{Faults, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::principals::ApiKey;
use uuid::Uuid;

use super::auditor::Audited;
use super::books::Books;
use super::op::{Answer, Ask, Op, Source, currency};
use super::process::Process;

/// What a run is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Everything follows from it.
    pub seed: u64,
    /// How many requests are made.
    pub ops: usize,
}

/// What a run found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Requests made, replays and repetitions included.
    pub ops: usize,
    /// Transactions committed.
    pub commits: u64,
    /// Entries written.
    pub entries: u64,
    /// Requests acknowledged.
    pub acknowledged: u64,
    /// Requests answered with an earlier answer.
    pub replayed: u64,
    /// Requests refused.
    pub refused: u64,
    /// Refusals by kind.
    pub refusals: BTreeMap<String, u64>,
    /// Faults that struck.
    pub faults: u64,
    /// Processes killed.
    pub kills: u64,
    /// Accounts at the end.
    pub accounts: usize,
    /// What was broken; empty in a good run.
    pub broken: Vec<String>,
}

struct World {
    clock: ManualClock,
    ids: SeededIds,
}

impl Source for World {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn uuid(&self) -> Uuid {
        self.ids.uuid(&self.clock)
    }
}

struct Simulation {
    world: World,
    random: SmallRng,
    audited: Arc<Audited>,
    processes: Vec<Process>,
    books: Books,
    operator: AccountId,
    open: Vec<Op>,
    keys: u64,
    kills: u64,
    made: usize,
}

/// How many processes work on the table.
const PROCESSES: usize = 3;
/// The most requests at once.
const AT_ONCE: usize = 6;
/// The most accounts; fewer accounts meet more often.
const MOST_ACCOUNTS: usize = 28;

/// What goes on beside the requests, on the same processes and with their faults.
pub trait Beside {
    /// Something in each round, at the same time as its requests.
    fn round<'a>(&'a mut self, store: Store, source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

    /// Something at the end, when the faults have stopped and everything ties.
    fn end<'a>(&'a mut self, store: Store, source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>>;
}

impl Beside for () {
    fn round<'a>(&'a mut self, _store: Store, _source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(std::future::ready(()))
    }

    fn end<'a>(&'a mut self, _store: Store, _source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(std::future::ready(()))
    }
}

/// Runs one seed on a thread of its own making.
///
/// # Errors
/// A sentence, if the simulation itself cannot run.
pub fn simulate(settings: Settings) -> Result<Report, String> {
    simulate_beside(settings, &mut ())
}

/// The same with something else going on.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_beside(settings: Settings, beside: &mut dyn Beside) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut simulation = Simulation::begin(settings).await.map_err(|error| error.to_string())?;
        while simulation.made < settings.ops {
            simulation.round(beside).await;
        }
        simulation.settle().await.map_err(|error| error.to_string())?;
        beside.end(simulation.processes[0].store(), &simulation.world).await;
        Ok(simulation.report(settings))
    })
}

impl Simulation {
    async fn begin(settings: Settings) -> Result<Self, StoreError> {
        let memory = MemoryTable::new();
        let audited = Arc::new(Audited::new(memory.clone()));
        let mut random = SmallRng::seed_from_u64(settings.seed);
        let faults = if random.random_bool(0.5) { Faults::drizzle() } else { Faults::storm() };
        let processes = (0..PROCESSES).map(|_| Process::new(&audited, &memory, random.random(), faults)).collect();
        let start = Timestamp::from_second(1_790_000_000).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let world = World { clock: ManualClock::at(start), ids: SeededIds::new(settings.seed) };
        let operator = AccountId::from_uuid(world.uuid());
        let mut simulation =
            Self { world, random, audited, processes, books: Books::default(), operator, open: Vec::new(), keys: 0, kills: 0, made: 0 };
        simulation.make_operator().await?;
        Ok(simulation)
    }

    async fn make_operator(&mut self) -> Result<(), StoreError> {
        let name = Name::parse("Operator").map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let now = self.world.now();
        let account = operator_account(self.operator.clone(), name.clone(), currency()?, now);
        let role = RoleRef::BuiltIn(BuiltInRole::Owner);
        let id = KeyId::from_uuid(self.world.uuid());
        let key = ApiKey {
            id: id.clone(),
            account_id: self.operator.clone(),
            at_operator: true,
            name,
            role,
            denies: Vec::new(),
            secrets: Vec::new(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            clock: None,
            version: 1,
        };
        let act = Act { event: EventId::from_uuid(self.world.uuid()), actor: id.into(), request: RequestId::from_uuid(Uuid::nil()), now };
        loop {
            match self.processes[0].store().make_operator(&account, &key, &act).await {
                Ok(_) => break,
                Err(StoreError::Busy | StoreError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.books.accounts.push(self.operator.clone());
        self.books.expected.entry(LedgerId::Account(self.operator.clone())).or_default();
        Ok(())
    }

    /// Some requests at once, on processes of which one may die.
    async fn round(&mut self, beside: &mut dyn Beside) {
        let minutes = match self.random.random_range(0..800) {
            0..20 => 11,
            // Lots last a day.
            20..23 => 13 * 60,
            _ => 0,
        };
        self.world.clock.advance_ms(self.random.random_range(0..2_000) + minutes * 60_000);
        if self.random.random_range(0..60) == 0 {
            let moment = if self.random.random_bool(0.5) { Moment::Before } else { Moment::After };
            let victim = self.random.random_range(0..PROCESSES);
            self.processes[victim].kill_in(self.random.random_range(1..12), moment);
            self.kills += 1;
        }
        let ops = self.ops();
        self.made += ops.len();
        let stores: Vec<Store> = ops.iter().map(|_| self.processes[self.random.random_range(0..PROCESSES)].store()).collect();
        let world = &self.world;
        let another = self.processes[self.made % PROCESSES].store();
        let requests = join_all(ops.iter().zip(&stores).map(|(op, store)| op.run(store, world)));
        let (answers, ()) = join(requests, beside.round(another, world)).await;
        for (op, answer) in ops.into_iter().zip(answers) {
            if !self.books.enter(&op, &answer) {
                self.open.push(op);
            }
        }
        for process in &self.processes {
            process.restart_if_killed();
        }
    }

    fn ops(&mut self) -> Vec<Op> {
        let count = self.random.random_range(1..=AT_ONCE);
        let mut ops: Vec<Op> = Vec::with_capacity(count + 3);
        while ops.len() < count {
            match self.random.random_range(0..100) {
                0..6 if !self.open.is_empty() => {
                    let at = self.random.random_range(0..self.open.len());
                    ops.push(self.open.swap_remove(at));
                }
                6..14 if !self.books.done.is_empty() => {
                    let at = self.random.random_range(0..self.books.done.len());
                    let other_body = self.random.random_range(0..4) == 0;
                    ops.push(Op { other_body, replay: true, ..self.books.done[at].clone() });
                }
                14..20 => {
                    let op = self.fresh();
                    let copies = self.random.random_range(2..5);
                    ops.extend(std::iter::repeat_n(op, copies));
                }
                _ => {
                    let op = self.fresh();
                    ops.push(op);
                }
            }
        }
        ops
    }

    fn fresh(&mut self) -> Op {
        self.keys += 1;
        let ask = self.ask();
        let home = if self.random.random_bool(0.8) { self.operator.clone() } else { self.any_account() };
        Op { ask, home, key: format!("key-{}", self.keys), other_body: false, replay: false }
    }

    fn any_account(&mut self) -> AccountId {
        // The first few are met far more often: hot accounts. Closed ones are met seldom.
        let all = self.books.accounts.len();
        let most = if self.random.random_bool(0.5) { all.min(4) } else { all };
        let account = self.books.accounts[self.random.random_range(0..most)].clone();
        if self.books.closed.contains(&account) && self.random.random_bool(0.9) { self.operator.clone() } else { account }
    }

    fn amount(&mut self) -> Amount {
        let micros = self.random.random_range(1..=2_000_000_i64);
        Amount::new(Micros::new(micros)).unwrap_or_else(|_| unreachable_amount())
    }

    fn large_amount(&mut self) -> Amount {
        let micros = self.random.random_range(1..=20_000_000_i64);
        Amount::new(Micros::new(micros)).unwrap_or_else(|_| unreachable_amount())
    }

    fn leg(&mut self) -> Leg {
        Leg { from: LedgerId::Account(self.any_account()), to: LedgerId::Account(self.any_account()), amount: self.amount() }
    }

    fn ask(&mut self) -> Ask {
        let few = self.books.accounts.len() < 6;
        match self.random.random_range(0..100) {
            _ if few => self.create(),
            0..3 if self.books.accounts.len() < MOST_ACCOUNTS => self.create(),
            3..15 => Ask::Issue { account: self.any_account(), amount: self.large_amount() },
            15..55 => {
                let kind = if self.random.random_bool(0.5) { EntryKind::Allocation } else { EntryKind::Transfer };
                Ask::Move { kind, legs: vec![self.leg()] }
            }
            55..60 => {
                let legs = self.random.random_range(2..=8);
                Ask::Move { kind: EntryKind::Transfer, legs: (0..legs).map(|_| self.leg()).collect() }
            }
            60..66 if !self.books.transfers.is_empty() => {
                Ask::Reverse { original: self.books.transfers[self.random.random_range(0..self.books.transfers.len())].clone() }
            }
            67..76 => {
                let to = if self.random.random_bool(0.5) { Some(self.any_account()) } else { None };
                let account = self.any_account();
                Ask::Hold { to: to.filter(|to| to != &account), account, amount: self.amount() }
            }
            76..88 if !self.books.holds.is_empty() => self.end(),
            88..93 => {
                let change = if self.random.random_bool(0.25) { StatusChange::Suspend } else { StatusChange::Reactivate };
                Ask::Status { account: self.any_account(), change }
            }
            93..96 => Ask::Relocate { account: self.any_account(), to: self.any_account() },
            96 => Ask::Close { account: self.any_account(), sweep: self.random.random_bool(0.5) },
            97 => self.lots(),
            98.. if !self.books.packages.is_empty() => self.purchase(),
            66 => Ask::Limit { account: self.any_account(), limit: self.random.random_range(0..1_000_000) },
            _ => Ask::Move { kind: EntryKind::Transfer, legs: vec![self.leg()] },
        }
    }

    /// Mostly by a sub-account of the seller; ids and accounts are as clients know them, the tree is as it was committed.
    fn purchase(&mut self) -> Ask {
        let (seller, package) = self.books.packages[self.random.random_range(0..self.books.packages.len())].clone();
        let any = self.any_account();
        let picture = self.audited.picture();
        let below: Vec<&AccountId> =
            self.books.accounts.iter().filter(|account| picture.ancestors(account).first() == Some(&seller)).collect();
        let chosen = if below.is_empty() { None } else { Some(below[self.random.random_range(0..below.len())].clone()) };
        drop(picture);
        Ask::Purchase { account: chosen.unwrap_or(any), package, quantity: self.random.random_range(1..3) }
    }

    /// Packages on and off sale, and lots taken out or not yet.
    fn lots(&mut self) -> Ask {
        let packages = self.books.packages.len();
        match self.random.random_range(0..10) {
            0..5 if !self.books.lots.is_empty() => {
                Ask::ExpireLot { lot: self.books.lots[self.random.random_range(0..self.books.lots.len())].clone() }
            }
            5 if packages > 8 => {
                let (seller, package) = self.books.packages[self.random.random_range(0..packages)].clone();
                Ask::Retire { seller, package }
            }
            _ if packages > 20 => Ask::Issue { account: self.operator.clone(), amount: self.large_amount() },
            _ => {
                let seller = if self.random.random_bool(0.7) { self.operator.clone() } else { self.any_account() };
                let days = if self.random.random_bool(0.8) { Some(1) } else { None };
                let max = if self.random.random_bool(0.3) { Some(self.random.random_range(1..4)) } else { None };
                Ask::Offer { seller, package: PackageId::from_uuid(self.world.uuid()), credits: self.random.random_range(1..4), days, max }
            }
        }
    }

    fn create(&mut self) -> Ask {
        let kind = if self.random.random_range(0..5) == 0 { Kind::Customer } else { Kind::Reseller };
        let initial = if self.random.random_bool(0.3) { Some(self.amount()) } else { None };
        Ask::Create { parent: self.any_account(), kind, initial }
    }

    fn end(&mut self) -> Ask {
        let at = self.random.random_range(0..self.books.holds.len());
        let Some((id, hold)) = self.books.holds.iter().nth(at).map(|(id, hold)| (id.clone(), hold.clone())) else {
            return self.create();
        };
        match self.random.random_range(0..4) {
            0 => Ask::End { hold: id, end: HoldEnd::Release },
            1 if self.world.now() >= hold.expires_at => Ask::Expire { hold: id },
            2 => Ask::End { hold: id, end: HoldEnd::Capture(self.amount()) },
            _ => Ask::End { hold: id, end: Amount::new(hold.amount).map_or(HoldEnd::Release, HoldEnd::Capture) },
        }
    }

    /// Faults stop; everything open must now be answered, and everything must tie.
    async fn settle(&mut self) -> Result<(), StoreError> {
        for process in &self.processes {
            process.restart();
            process.calm();
        }
        let store = self.processes[0].store();
        for op in std::mem::take(&mut self.open) {
            let answer = op.run(&store, &self.world).await;
            if !self.books.enter(&op, &answer) {
                self.books.broken.push(format!("{op:?} found no answer after the faults had stopped"));
            }
        }
        self.world.clock.advance_ms(SignedDuration::from_hours(2).as_millis().try_into().unwrap_or(i64::MAX));
        self.end_open_holds(&store).await?;
        self.world.clock.advance_ms(SignedDuration::from_hours(26).as_millis().try_into().unwrap_or(i64::MAX));
        self.end_lots(&store).await?;
        while let Some(id) = store.open_relocations(self.world.now(), 1).await?.into_iter().next() {
            store.finish_relocation(&id).await?;
        }
        self.audit(&store).await
    }

    /// Holds ended by an unanswered schedule are noted; the rest is ended by the schedule now.
    async fn end_open_holds(&mut self, store: &Store) -> Result<(), StoreError> {
        let open: Vec<_> = self.books.holds.values().filter(|hold| hold.status == HoldStatus::Open).map(|hold| hold.id.clone()).collect();
        for id in open {
            self.keys += 1;
            let now = store.hold(&id).await?;
            let op = Op {
                ask: Ask::Expire { hold: id },
                home: self.operator.clone(),
                key: format!("schedule-{}", self.keys),
                other_body: false,
                replay: false,
            };
            let answer = match now.status {
                HoldStatus::Open => op.run(store, &self.world).await,
                HoldStatus::Expired => Answer::Ended(tributary_store::idempotency::Outcome::Done(tributary_store::holds::EndedHold {
                    hold: now,
                    transfer_id: None,
                })),
                HoldStatus::Captured | HoldStatus::Released => {
                    self.books.broken.push(format!("hold {} ended without an acknowledged request", now.id));
                    continue;
                }
            };
            self.books.enter(&op, &answer);
        }
        let (due, _) = store.holds_due(self.world.now(), 100, None).await?;
        if !due.is_empty() {
            self.books.broken.push(format!("holds are still due: {due:?}"));
        }
        Ok(())
    }

    /// Every lot's time is over and nothing is held: the schedule leaves none.
    async fn end_lots(&mut self, store: &Store) -> Result<(), StoreError> {
        loop {
            let (due, _) = store.lots_due(self.world.now(), 100, None).await?;
            if due.is_empty() {
                break;
            }
            for lot in due {
                self.keys += 1;
                let (home, key) = (self.operator.clone(), format!("schedule-{}", self.keys));
                let op = Op { ask: Ask::ExpireLot { lot }, home, key, other_body: false, replay: false };
                let answer = op.run(store, &self.world).await;
                self.books.enter(&op, &answer);
            }
        }
        let left: Vec<_> =
            self.audited.picture().heads.values().filter(|head| !head.lots.is_empty()).map(|head| head.ledger.clone()).collect();
        if !left.is_empty() {
            self.books.broken.push(format!("lots outlived their time in {left:?}"));
        }
        Ok(())
    }

    async fn audit(&mut self, store: &Store) -> Result<(), StoreError> {
        let expiries = std::mem::take(&mut self.audited.picture().expiries);
        for (from, to, amount) in expiries {
            self.books.add(&from, -amount, 0);
            self.books.add(&to, amount, 0);
        }
        let sweeps: Vec<_> = self.audited.picture().sweeps.values().cloned().collect();
        for (from, to, amount) in sweeps {
            self.books.add(&from, -amount, 0);
            self.books.add(&to, amount, 0);
        }
        let heads = self.audited.picture().heads.clone();
        let mut sum: i128 = 0;
        let mut children: BTreeMap<AccountId, i64> = BTreeMap::new();
        for (ledger, head) in &heads {
            sum += i128::from(head.available.get()) + i128::from(head.held.get());
            let expected = self.books.expected.get(ledger).copied().unwrap_or_default();
            if (head.available.get(), head.held.get()) != expected {
                self.books
                    .broken
                    .push(format!("{ledger} stands at {} and {}, but {expected:?} was acknowledged", head.available, head.held));
            }
            if head.held.get() != 0 {
                self.books.broken.push(format!("{ledger} holds {} without an open hold", head.held));
            }
            if let (Some(parent), true) = (head.lineage.parent(), head.status != Status::Closed) {
                *children.entry(parent.clone()).or_default() += 1;
            }
        }
        if sum != 0 {
            self.books.broken.push(format!("all balances together are {sum} micro-units, not 0"));
        }
        self.audit_accounts(store, &children).await?;
        self.audit_records();
        Ok(())
    }

    async fn audit_accounts(&mut self, store: &Store, children: &BTreeMap<AccountId, i64>) -> Result<(), StoreError> {
        let ids: Vec<AccountId> = self.audited.picture().heads.keys().filter_map(|ledger| ledger.account().cloned()).collect();
        for id in ids {
            let (account, head) = (store.account(&id).await?, store.head(&LedgerId::Account(id.clone())).await?);
            let mut ancestors = self.audited.picture().ancestors(&id);
            ancestors.reverse();
            let same_place = account.lineage.ids().eq(ancestors.iter()) && head.lineage.ids().eq(ancestors.iter());
            if !same_place {
                self.books.broken.push(format!("{id} is kept at {} and {}, but stands below {ancestors:?}", account.lineage, head.lineage));
            }
            if account.status != head.status || account.credit_limit != head.credit_limit || account.generation != head.generation {
                self.books.broken.push(format!("{id}'s item and its ledger tell different states"));
            }
            let open = children.get(&id).copied().unwrap_or(0);
            if account.open_children != open {
                self.books.broken.push(format!("{id} counts {} open children and has {open}", account.open_children));
            }
        }
        Ok(())
    }

    /// Every record belongs to an acknowledged request: what was refused left nothing.
    fn audit_records(&mut self) {
        let known: std::collections::BTreeSet<&str> = self.books.known_keys().map(String::as_str).collect();
        let orphans: Vec<String> = self
            .audited
            .picture()
            .records
            .keys()
            .filter(|key| !key.rsplit('#').next().is_some_and(|key| known.contains(key)))
            .cloned()
            .collect();
        if !orphans.is_empty() {
            self.books.broken.push(format!("records without an acknowledged request: {orphans:?}"));
        }
    }

    fn report(mut self, settings: Settings) -> Report {
        let picture = self.audited.picture();
        let mut broken = picture.broken.clone();
        broken.append(&mut self.books.broken);
        Report {
            seed: settings.seed,
            ops: self.made,
            commits: picture.commits,
            entries: picture.entries,
            acknowledged: self.books.acknowledged,
            replayed: self.books.replayed,
            refused: self.books.refused,
            refusals: std::mem::take(&mut self.books.refusals),
            faults: self.processes.iter().map(Process::injected).sum(),
            kills: self.kills,
            accounts: self.books.accounts.len(),
            broken,
        }
    }
}

/// The amounts above are always positive.
fn unreachable_amount() -> Amount {
    unreachable!("a positive number of micro-units is an amount")
}
