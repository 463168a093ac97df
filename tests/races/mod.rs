//! Races, each by its name, on several processes at once. The simulation meets them all by chance; here each is certain.

mod usage_sums;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use jiff::Timestamp;
use tributary_domain::account::{Kind, StatusChange};
use tributary_domain::id::{AccountId, EventId, KeyId, PackageId, RequestId};
use tributary_domain::ledger::{CreditError, EntryKind, LedgerId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::rights::{BuiltInRole, RoleRef};
use tributary_domain::text::Name;
use tributary_domain::transfer::{Leg, Transfer};
use tributary_runtime::clock::{Clock as _, ManualClock};
use tributary_runtime::ids::{IdSource as _, SeededIds};
use tributary_store::Store;
use tributary_store::bootstrap::operator_account;
use tributary_store::commit::Patience;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::idempotency::Outcome;
use tributary_store::memory::MemoryTable;
use tributary_store::principals::ApiKey;
use tributary_tests::simulation::auditor::Audited;
use tributary_tests::simulation::op::{Answer, Ask, Op, Source, currency};
use uuid::Uuid;

struct World {
    table: Arc<Audited>,
    clock: ManualClock,
    ids: SeededIds,
    operator: AccountId,
    keys: AtomicUsize,
}

impl Source for World {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn uuid(&self) -> Uuid {
        self.ids.uuid(&self.clock)
    }
}

impl World {
    async fn new() -> Arc<Self> {
        let clock = ManualClock::at(Timestamp::from_second(1_790_000_000).expect("a time"));
        let ids = SeededIds::new(1);
        let operator = AccountId::from_uuid(ids.uuid(&clock));
        let world = World { table: Arc::new(Audited::new(MemoryTable::new())), clock, ids, operator, keys: AtomicUsize::new(0) };
        let (now, name) = (world.now(), Name::parse("Operator").expect("a name"));
        let account = operator_account(world.operator.clone(), name.clone(), currency().expect("USD"), now);
        let id = KeyId::from_uuid(world.uuid());
        let role = RoleRef::BuiltIn(BuiltInRole::Owner);
        let (denies, secrets) = (Vec::new(), Vec::new());
        let (account_id, created_at) = (world.operator.clone(), now);
        let key = ApiKey {
            id: id.clone(),
            account_id,
            at_operator: true,
            name,
            role,
            denies,
            secrets,
            created_at,
            expires_at: None,
            revoked_at: None,
            clock: None,
            version: 1,
        };
        let act = Act { event: EventId::from_uuid(world.uuid()), actor: id.into(), request: RequestId::from_uuid(Uuid::nil()), now };
        assert_eq!(world.process().make_operator(&account, &key, &act).await, Ok(true));
        Arc::new(world)
    }

    /// A process of its own, which remembers nothing yet.
    fn process(&self) -> Store {
        Store::new(self.table.clone(), Patience::default())
    }

    fn op(&self, home: &AccountId, ask: Ask) -> Op {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst));
        Op { ask, home: home.clone(), key, other_body: false, replay: false }
    }

    async fn account(&self, parent: &AccountId, credit: i64) -> AccountId {
        let create = self.op(&self.operator, Ask::Create { parent: parent.clone(), kind: Kind::Reseller, initial: None });
        let Answer::Account(outcome) = create.run(&self.process(), self).await else { panic!("an account is made") };
        let id = outcome.into_inner().id;
        if credit > 0 {
            let issue = self.op(&self.operator, Ask::Issue { account: id.clone(), amount: amount(credit) });
            assert!(matches!(issue.run(&self.process(), self).await, Answer::Transfer(Outcome::Done(_))));
        }
        id
    }

    fn pay(&self, home: &AccountId, from: &AccountId, to: &AccountId, micros: i64) -> Op {
        let leg = Leg { from: LedgerId::Account(from.clone()), to: LedgerId::Account(to.clone()), amount: amount(micros) };
        self.op(home, Ask::Move { kind: EntryKind::Transfer, legs: vec![leg] })
    }

    async fn available(&self, id: &AccountId) -> i64 {
        self.process().head(&LedgerId::Account(id.clone())).await.expect("a ledger").available.get()
    }

    fn nothing_is_broken(&self) {
        assert_eq!(self.table.picture().broken, Vec::<String>::new());
    }
}

fn amount(micros: i64) -> Amount {
    Amount::new(Micros::new(micros)).expect("positive")
}

fn transfer(answer: &Answer) -> Option<&Transfer> {
    match answer {
        Answer::Transfer(Outcome::Done(transfer) | Outcome::Replayed(transfer)) => Some(transfer),
        _ => None,
    }
}

fn insufficient(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(StoreError::Credit(CreditError::Insufficient { .. })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hot_account_pays_exactly_what_it_has() {
    let world = World::new().await;
    let (hot, to) = (world.account(&world.operator, 50).await, world.account(&world.operator, 0).await);
    let clients = (0..64).map(|n| {
        let (world, op) = (world.clone(), world.pay(&world.operator, &hot, &to, 1));
        // Four processes share the account.
        let store = world.process();
        tokio::spawn(async move { (n, op.run(&store, &*world).await) })
    });
    let answers: Vec<Answer> = join_all(clients).await.into_iter().map(|joined| joined.expect("no panic").1).collect();
    assert_eq!(answers.iter().filter(|answer| transfer(answer).is_some()).count(), 50);
    assert_eq!(answers.iter().filter(|answer| insufficient(answer)).count(), 14);
    assert_eq!((world.available(&hot).await, world.available(&to).await), (0, 50));
    world.nothing_is_broken();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_from_many_clients_at_once_is_one_effect_and_one_answer() {
    let world = World::new().await;
    let (from, to) = (world.account(&world.operator, 100).await, world.account(&world.operator, 0).await);
    let op = world.pay(&world.operator, &from, &to, 7);
    let clients = (0..32).map(|_| {
        let (world, op, store) = (world.clone(), op.clone(), world.process());
        tokio::spawn(async move { op.run(&store, &*world).await })
    });
    let answers: Vec<Answer> = join_all(clients).await.into_iter().map(|joined| joined.expect("no panic")).collect();
    let done = answers.iter().filter(|answer| matches!(answer, Answer::Transfer(Outcome::Done(_)))).count();
    assert_eq!(done, 1);
    let first = transfer(&answers[0]).expect("every client gets the answer");
    assert!(answers.iter().all(|answer| transfer(answer) == Some(first)), "{answers:?}");
    assert_eq!(world.available(&to).await, 7);
    world.nothing_is_broken();
}

#[tokio::test]
async fn a_replay_after_the_money_was_spent_and_eleven_minutes_later_gives_the_first_answer() {
    let world = World::new().await;
    let (from, to) = (world.account(&world.operator, 10).await, world.account(&world.operator, 0).await);
    let op = world.pay(&world.operator, &from, &to, 10);
    let first = op.run(&world.process(), &*world).await;
    assert!(transfer(&first).is_some() && insufficient(&world.pay(&world.operator, &from, &to, 1).run(&world.process(), &*world).await));
    // A TransactWriteItems token is forgotten after ten minutes; a record is not.
    world.clock.advance_ms(11 * 60_000);
    let again = op.run(&world.process(), &*world).await;
    assert!(matches!(again, Answer::Transfer(Outcome::Replayed(_))));
    assert_eq!(transfer(&again), transfer(&first));
    let other = Op { other_body: true, ..op };
    assert_eq!(other.run(&world.process(), &*world).await, Answer::Refused(StoreError::KeyReused));
    assert_eq!(world.available(&to).await, 10);
}

#[tokio::test]
async fn a_time_out_after_the_commit_is_found_out_by_asking_again() {
    let world = World::new().await;
    let (from, to) = (world.account(&world.operator, 10).await, world.account(&world.operator, 0).await);
    let op = world.pay(&world.operator, &from, &to, 4);
    let dying = Arc::new(Faulty::new(world.table.clone(), 1, Faults::none()));
    // Two reads of heads are served; the call after them is the transaction: it commits, and the process dies before it hears so.
    dying.kill_in(2, Moment::After);
    let store = Store::new(dying, Patience::eager(3));
    assert_eq!(op.run(&store, &*world).await, Answer::Open);
    assert_eq!(world.available(&to).await, 4, "it had happened");
    assert!(matches!(op.run(&world.process(), &*world).await, Answer::Transfer(Outcome::Replayed(_))));
    assert_eq!(world.available(&to).await, 4, "and did not happen again");
    world.nothing_is_broken();
}

#[tokio::test]
async fn a_storm_of_conflicts_ends_with_every_request_answered() {
    let world = World::new().await;
    let (from, to) = (world.account(&world.operator, 1_000).await, world.account(&world.operator, 0).await);
    let storm = Faults { conflict: 500, in_progress: 100, throttled: 100, ..Faults::none() };
    let store = Store::new(Arc::new(Faulty::new(world.table.clone(), 7, storm)), Patience::eager(40));
    let ops: Vec<Op> = (0..100).map(|_| world.pay(&world.operator, &from, &to, 1)).collect();
    let answers = join_all(ops.iter().map(|op| op.run(&store, &*world))).await;
    assert!(answers.iter().all(|answer| transfer(answer).is_some()), "{answers:?}");
    assert_eq!(world.available(&to).await, 100);
    world.nothing_is_broken();
}

/// Pays from four tasks until told that `event` was answered, then a little more; returns how many payments were begun
/// after the answer and yet succeeded.
async fn pay_around(
    world: &Arc<World>,
    home: &AccountId,
    from: &AccountId,
    to: &AccountId,
    event: impl Future<Output = Answer>,
) -> (usize, usize) {
    let (answered, before, after) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let payers: Vec<_> = (0..4)
        .map(|_| {
            let (world, home, from, to) = (world.clone(), home.clone(), from.clone(), to.clone());
            let (answered, before, after, store) = (answered.clone(), before.clone(), after.clone(), world.process());
            tokio::spawn(async move {
                let mut left = 20;
                while left > 0 {
                    let late = answered.load(Ordering::SeqCst);
                    left -= usize::from(late);
                    let paid = transfer(&world.pay(&home, &from, &to, 1).run(&store, &*world).await).is_some();
                    if paid {
                        if late { &after } else { &before }.fetch_add(1, Ordering::SeqCst);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    while before.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(event.await, Answer::Plain);
    answered.store(true, Ordering::SeqCst);
    join_all(payers).await.into_iter().for_each(|payer| payer.expect("no panic"));
    (before.load(Ordering::SeqCst), after.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_the_answer_of_a_suspension_nothing_below_spends() {
    let world = World::new().await;
    let top = world.account(&world.operator, 0).await;
    let middle = world.account(&top, 0).await;
    let (leaf, sibling) = (world.account(&middle, 1_000_000).await, world.account(&middle, 0).await);
    let suspend = world.op(&world.operator, Ask::Status { account: top.clone(), change: StatusChange::Suspend });
    let process = world.process();
    let (before, after) = pay_around(&world, &top, &leaf, &sibling, suspend.run(&process, &*world)).await;
    assert!(before >= 50);
    assert_eq!(after, 0);
    world.nothing_is_broken();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_the_answer_of_a_move_the_old_parent_moves_no_credit_below() {
    let world = World::new().await;
    let (old, new) = (world.account(&world.operator, 0).await, world.account(&world.operator, 0).await);
    let middle = world.account(&old, 0).await;
    let (leaf, sibling) = (world.account(&middle, 1_000_000).await, world.account(&middle, 0).await);
    let relocate = world.op(&world.operator, Ask::Relocate { account: middle.clone(), to: new.clone() });
    let process = world.process();
    let (before, after) = pay_around(&world, &old, &leaf, &sibling, relocate.run(&process, &*world)).await;
    assert!(before >= 50);
    assert_eq!(after, 0);
    let refused = world.pay(&old, &leaf, &sibling, 1).run(&world.process(), &*world).await;
    assert_eq!(refused, Answer::Refused(StoreError::Denied(Denied::Absent)));
    assert!(transfer(&world.pay(&new, &leaf, &sibling, 1).run(&world.process(), &*world).await).is_some());
    world.nothing_is_broken();
}

async fn offer(world: &World, seller: &AccountId, days: Option<u32>, max: Option<u32>) -> PackageId {
    let package = PackageId::from_uuid(world.uuid());
    let ask = Ask::Offer { seller: seller.clone(), package: package.clone(), credits: 9, days, max };
    assert_eq!(world.op(&world.operator, ask).run(&world.process(), world).await, Answer::Plain);
    package
}

fn buy(world: &World, account: &AccountId, package: &PackageId, quantity: u32) -> Op {
    world.op(account, Ask::Purchase { account: account.clone(), package: package.clone(), quantity })
}

async fn all_at_once(world: &Arc<World>, ops: Vec<Op>) -> Vec<Answer> {
    let clients = ops.into_iter().map(|op| {
        let (world, store) = (world.clone(), world.process());
        tokio::spawn(async move { op.run(&store, &*world).await })
    });
    join_all(clients).await.into_iter().map(|joined| joined.expect("no panic")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_of_a_limited_package_is_bought_once() {
    let world = World::new().await;
    let seller = world.account(&world.operator, 1_000_000_000).await;
    let buyer = world.account(&seller, 0).await;
    let package = offer(&world, &seller, None, Some(5)).await;
    let answers = all_at_once(&world, (0..16).map(|n| buy(&world, &buyer, &package, 1 + n % 2)).collect()).await;
    let bought: u32 = answers.iter().filter_map(transfer).filter_map(|done| done.purchase.as_ref()).map(|bought| bought.quantity).sum();
    assert!((4..=5).contains(&bought), "{bought}");
    let refused = |answer: &&Answer| matches!(answer, Answer::Refused(StoreError::Limit { limit: 5, .. }));
    assert_eq!(answers.iter().filter(refused).count(), answers.iter().filter(|answer| transfer(answer).is_none()).count());
    assert_eq!(world.available(&buyer).await, i64::from(bought) * 10_000_000);
    world.nothing_is_broken();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn from_the_answer_of_a_retirement_nobody_buys() {
    let world = World::new().await;
    let seller = world.account(&world.operator, 1_000_000_000).await;
    let buyer = world.account(&seller, 0).await;
    let package = offer(&world, &seller, None, None).await;
    let (retired, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let buyers = (0..4).map(|_| {
        let (world, buyer, package, store) = (world.clone(), buyer.clone(), package.clone(), world.process());
        let (retired, late) = (retired.clone(), late.clone());
        tokio::spawn(async move {
            let mut left = 10;
            while left > 0 {
                let after = retired.load(Ordering::SeqCst);
                left -= i32::from(after);
                let bought = transfer(&buy(&world, &buyer, &package, 1).run(&store, &*world).await).is_some();
                late.fetch_add(usize::from(after && bought), Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        })
    });
    let buyers: Vec<_> = buyers.collect();
    while world.available(&buyer).await < 50_000_000 {
        tokio::task::yield_now().await;
    }
    let retire = world.op(&world.operator, Ask::Retire { seller: seller.clone(), package: package.clone() });
    assert_eq!(retire.run(&world.process(), &*world).await, Answer::Plain);
    retired.store(true, Ordering::SeqCst);
    join_all(buyers).await.into_iter().for_each(|buyer| buyer.expect("no panic"));
    assert_eq!(late.load(Ordering::SeqCst), 0);
    world.nothing_is_broken();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn credit_that_expires_while_it_is_spent_is_gone_once() {
    let world = World::new().await;
    let seller = world.account(&world.operator, 1_000_000_000).await;
    let (buyer, to) = (world.account(&seller, 0).await, world.account(&seller, 0).await);
    let package = offer(&world, &seller, Some(1), None).await;
    let done = buy(&world, &buyer, &package, 1).run(&world.process(), &*world).await;
    let lot = transfer(&done).and_then(|done| done.purchase.clone()?.lot_id).expect("a lot");
    world.clock.advance_ms(24 * 3600 * 1000);
    let mut ops: Vec<Op> = (0..8).map(|_| world.pay(&world.operator, &buyer, &to, 1_000_000)).collect();
    ops.extend((0..3).map(|_| world.op(&world.operator, Ask::ExpireLot { lot: lot.clone() })));
    let answers = all_at_once(&world, ops).await;
    let paid = answers.iter().filter(|answer| transfer(answer).is_some()).count();
    let expired: i64 = world.table.picture().expiries.iter().map(|expiry| expiry.2).sum();
    assert_eq!(i64::try_from(paid).expect("few") * 1_000_000 + expired, 10_000_000, "{paid} payments");
    assert!(answers.iter().filter(|answer| transfer(answer).is_none()).all(|answer| insufficient(answer) || answer == &Answer::Plain));
    assert_eq!(world.available(&buyer).await, 0);
    world.nothing_is_broken();
}
