//! Generated operations: every table gives the same answers to the same requests, and ends with the same items.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tributary_store::table::{Action, Change, Cond, Index, Item, Key, Position, Query, SortRange, Value, Write, s};

use super::bench::{Answer, Bench, Op, item};

/// Replays one seed instead of the usual ones.
const SEED: &str = "TRIBUTARY_CONFORMANCE_SEED";
const SEEDS: std::ops::Range<u64> = 0..12;
const STEPS: usize = 250;

const PARTITIONS: [&str; 3] = ["p", "p1", "q"];
const SORT_KEYS: [&str; 6] = ["a", "a#1", "a#10", "a#2", "b", "é"];
const NAMES: [&str; 7] = ["count", "status", "list", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"];

#[tokio::test]
async fn generated_operations_get_one_answer_everywhere() {
    let seeds = match std::env::var(SEED) {
        Ok(seed) => vec![seed.parse().expect("the seed is a number")],
        Err(_) => SEEDS.collect::<Vec<u64>>(),
    };
    for seed in seeds {
        let _told = Told(seed);
        run(seed).await;
    }
}

/// Tells the seed if the run it stands for panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with {SEED}={}", self.0);
        }
    }
}

async fn run(seed: u64) {
    let bench = Bench::new().await;
    let mut plan = Plan { rng: StdRng::seed_from_u64(seed), positions: Vec::new(), ties: bench.orders_ties() };
    for _ in 0..STEPS {
        let op = plan.op();
        if let Answer::Page(page) = bench.run(op).await {
            plan.positions.extend(page.next);
        }
    }
    for pk in PARTITIONS {
        bench.query(Query::table(pk, SortRange::Every)).await;
        for index in Index::ALL {
            bench.query(Query::index(index, pk, SortRange::Every)).await;
        }
    }
}

struct Plan {
    rng: StdRng,
    positions: Vec<Position>,
    ties: bool,
}

impl Plan {
    fn op(&mut self) -> Op {
        match self.rng.random_range(0..10) {
            0 => Op::Get(self.key(), self.rng.random()),
            1 => Op::BatchGet((0..self.rng.random_range(0..4)).map(|_| self.key()).collect()),
            2..4 => Op::Query(self.query()),
            4..7 => Op::Write(self.write()),
            _ => Op::Transact((0..self.rng.random_range(0..5)).map(|_| self.write()).collect()),
        }
    }

    fn one<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.rng).expect("there is something to choose from")
    }

    fn key(&mut self) -> Key {
        Key::new(self.one(&PARTITIONS), self.one(&SORT_KEYS))
    }

    fn query(&mut self) -> Query {
        let index = self.one(&[None, None, Some(Index::Gsi1), Some(Index::Gsi2)]);
        let range = match self.rng.random_range(0..3) {
            0 => SortRange::Every,
            1 => SortRange::BeginsWith(self.one(&["", "a", "a#", "b"]).to_owned()),
            _ => SortRange::Between(self.one(&SORT_KEYS).to_owned(), self.one(&SORT_KEYS).to_owned()),
        };
        let start = if self.rng.random_ratio(1, 2) { self.positions.choose(&mut self.rng).cloned() } else { None };
        Query {
            index,
            pk: self.one(&PARTITIONS).to_owned(),
            range,
            reverse: self.rng.random(),
            limit: self.rng.random_range(0..4),
            consistent: self.rng.random(),
            start,
        }
    }

    fn write(&mut self) -> Write {
        let key = self.key();
        let action = match self.rng.random_range(0..8) {
            0..3 => Action::Put(self.item(&key)),
            3..6 => Action::Update((0..self.rng.random_range(1..4)).map(|_| self.change(&key)).collect()),
            6 => Action::Delete,
            _ => Action::Check,
        };
        let cond = if self.rng.random_ratio(2, 3) { Some(self.cond(2)) } else { None };
        Write { key, action, cond }
    }

    fn item(&mut self, key: &Key) -> Item {
        let mut made = item([]);
        for _ in 0..self.rng.random_range(0..6) {
            let name = self.one(&NAMES);
            made.insert(name.to_owned(), self.value(name, key));
        }
        made
    }

    fn change(&mut self, key: &Key) -> Change {
        let name = self.one(&NAMES);
        match self.rng.random_range(0..4) {
            0 => Change::Remove(name),
            1 => Change::Add("count", self.rng.random_range(-5..5)),
            _ => Change::Set(name, self.value(name, key)),
        }
    }

    /// A value that mostly fits the attribute.
    fn value(&mut self, name: &str, key: &Key) -> Value {
        if self.rng.random_ratio(1, 40) {
            return if self.rng.random() { s("") } else { Value::N(7) };
        }
        match name {
            "count" => Value::N(self.rng.random_range(-3..8)),
            "status" => s(self.one(&["", "open", "closed"])),
            "list" => Value::L(vec![Value::Bool(self.rng.random()), Value::M(item([("k", Value::N(1))]))]),
            "gsi1sk" | "gsi2sk" if !self.ties => s(format!("{}{}{}", self.one(&SORT_KEYS), key.pk, key.sk)),
            "gsi1sk" | "gsi2sk" => s(self.one(&SORT_KEYS)),
            _ => s(self.one(&PARTITIONS)),
        }
    }

    fn cond(&mut self, depth: u32) -> Cond {
        let key = Key::new("p", "a");
        let name = self.one(&NAMES);
        match self.rng.random_range(0..if depth == 0 { 7 } else { 9 }) {
            0 => Cond::Exists,
            1 => Cond::NotExists,
            2 => Cond::Has(name),
            3 => Cond::Lacks(name),
            4 => Cond::Eq(name, self.value(name, &key)),
            5 => Cond::Ge(name, self.value(name, &key)),
            6 => Cond::Lt(name, self.value(name, &key)),
            7 => Cond::All((0..self.rng.random_range(0..3)).map(|_| self.cond(depth - 1)).collect()),
            _ => Cond::Any((0..self.rng.random_range(0..4)).map(|_| self.cond(depth - 1)).collect()),
        }
    }
}
