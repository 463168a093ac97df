//! The functions' release binaries in AWS's runtime emulator, killed under load and asked again, as clients do.
//!
//! The table is on an engine in this process and survives; every process of a function, its emulator too, is killed at
//! moments drawn from a seed: before one of its calls to a service takes place, after it took place but before it was told,
//! and at any moment of another's answer. `TRIBUTARY_SEED` repeats a run's draws.

mod book;
mod fleet;

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use self::book::{Book, Op, What};
use self::fleet::{Answer, Fleet, Kill, TRANSACTION, Victim, When};
use crate::support::lambda::{Platform, given};

/// Processes of the credits function at work at once, and as many clients.
const PROCESSES: usize = 4;
const ROUNDS: usize = 4;
const OPERATIONS: usize = 50;
/// Kills of one round, spread over its answers.
const KILLS: usize = 15;
/// Accounts of the ring; the first index is their parent.
const RING: usize = 5;
/// What each account has at first, in credits.
const ENDOWMENT: i64 = 100_000;

/// The accounts, and the fleet that serves them.
struct Scene {
    fleet: Fleet,
    /// The parent, then the ring.
    accounts: Vec<String>,
    _data: tempfile::TempDir,
}

impl Scene {
    /// Accounts made by the accounts function and endowed by the credits function, with nothing killed yet.
    async fn new() -> (Self, Book) {
        let data = tempfile::tempdir().expect("a directory");
        let (binaries, program) = (given("TRIBUTARY_BINARIES"), given("TRIBUTARY_EMULATOR"));
        let platform = Arc::new(Platform::start(&data.path().join("engine.db")).await);
        let log = data.path().join("functions.log");
        let makers = Fleet::start(&platform, &program, &binaries.join("accounts/bootstrap"), &log, 1).await;
        let mut accounts: Vec<String> = Vec::new();
        for n in 0..=RING {
            let mut body = json!({ "name": format!("Account {n}"), "kind": "reseller" });
            if let Some(parent) = accounts.first() {
                body["parent_id"] = json!(parent);
            }
            let made = makers.ask(0, "/reseller/accounts/create", &format!("create-{n}"), &body).await.expect("nobody was killed");
            assert_eq!(made.status, 201, "{}", made.body);
            accounts.push(made.json()["id"].as_str().expect("an id").to_owned());
        }
        let fleet = Fleet::start(&platform, &program, &binaries.join("credits/bootstrap"), &log, PROCESSES).await;
        let scene = Self { fleet, accounts, _data: data };
        let mut book = Book::new(&scene.accounts);
        for n in 0..=RING {
            let mut op = scene.op(&format!("endow-{n}"), What::Issue { to: n, micros: ENDOWMENT * 1_000_000 });
            let answer = scene.fleet.ask(0, &op.path, &op.key, &op.body).await.expect("nobody was killed");
            op.answered(&answer);
            book.add(op);
        }
        (scene, book)
    }

    fn op(&self, key: &str, what: What) -> Op {
        Op::new(key, what, &self.accounts)
    }
}

fn seed() -> u64 {
    let seed = std::env::var("TRIBUTARY_SEED").ok().map(|seed| seed.parse().expect("TRIBUTARY_SEED is a number"));
    let seed = seed.unwrap_or_else(rand::random);
    eprintln!("TRIBUTARY_SEED={seed}");
    seed
}

/// What a client does next; a hold that it made and that is open may be ended.
fn draw(random: &mut StdRng, open: &mut Vec<(String, i64)>) -> What {
    let micros = random.random_range(1..2_000_000);
    let n = random.random_range(1..=RING);
    match random.random_range(0..100) {
        0..45 => What::Transfer { from: n, to: n % RING + 1, micros },
        45..60 => What::Allocate { to: n, micros },
        60..70 => What::Issue { to: n, micros },
        70..85 => What::Hold { of: n, micros },
        drawn => match open.pop() {
            None => What::Hold { of: n, micros },
            Some((hold, _)) if drawn < 90 => What::Release { hold },
            Some((hold, held)) => What::Capture { hold, micros: random.random_range(1..=held) },
        },
    }
}

/// One client's round: it asks again under the same key until it knows, or leaves it for later.
async fn work(scene: Arc<Scene>, client: usize, round: usize, seed: u64) -> Vec<Op> {
    let mut random = StdRng::seed_from_u64(seed ^ ((round * PROCESSES + client) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let (mut done, mut open): (Vec<Op>, Vec<(String, i64)>) = (Vec::new(), Vec::new());
    for n in 0..OPERATIONS {
        let mut op = scene.op(&format!("op-{round}-{client}-{n}"), draw(&mut random, &mut open));
        let (patient, loses) = (random.random_bool(0.75), random.random_bool(0.05));
        let mut lost: Option<Answer> = None;
        let mut at = client;
        loop {
            let answer = scene.fleet.ask(at, &op.path, &op.key, &op.body).await;
            match answer.filter(Answer::is_final) {
                Some(answer) if loses && lost.is_none() => lost = Some(answer),
                Some(answer) => {
                    if let Some(lost) = lost {
                        assert!(answer.replayed, "{}: its first answer was lost, and it was done again", op.key);
                        assert_eq!(answer.body, lost.body, "{}", op.key);
                    }
                    op.answered(&answer);
                    break;
                }
                None if patient || lost.is_some() => at = random.random_range(0..PROCESSES),
                None => break,
            }
        }
        if let (What::Hold { micros, .. }, Some(answer)) = (&op.what, &op.answer) {
            let hold: Value = serde_json::from_str(answer).expect("JSON");
            if random.random_bool(0.8) {
                open.push((hold["id"].as_str().expect("an id").to_owned(), *micros));
            }
        }
        done.push(op);
    }
    done
}

/// The kills of a round, by how many answers were given before.
fn kills(random: &mut StdRng) -> Vec<(usize, Kill)> {
    let span = PROCESSES * OPERATIONS * 4 / 5 / KILLS;
    let mut kills = Vec::new();
    for n in 0..KILLS {
        let when = match random.random_range(0..10) {
            0..2 => When::Now,
            2..4 => When::Before { call: random.random_range(1..=4), only: None },
            4..6 => When::After { call: random.random_range(1..=4), only: None },
            6..7 => When::Before { call: 1, only: Some(TRANSACTION) },
            _ => When::After { call: 1, only: Some(TRANSACTION) },
        };
        let victim = if random.random_bool(0.7) { Victim::Function } else { Victim::Emulator };
        kills.push((n * span + random.random_range(0..span), Kill { process: random.random_range(0..PROCESSES), when, victim }));
    }
    kills
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the release binaries and AWS's runtime emulator: scripts/lambda.sh"]
async fn killed_at_any_moment_the_release_binaries_lose_and_double_nothing() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (scene, mut book) = Scene::new().await;
    let scene = Arc::new(scene);
    for round in 0..ROUNDS {
        scene.fleet.plan(kills(&mut random));
        let clients: Vec<_> = (0..PROCESSES).map(|client| tokio::spawn(work(Arc::clone(&scene), client, round, seed))).collect();
        let mut ops = Vec::new();
        for client in clients {
            ops.extend(client.await.expect("a client ends"));
        }
        let killed = scene.fleet.peace();
        let unknown = ops.iter().filter(|op| op.answer.is_none()).count();
        eprintln!("round {round}: {} operations, {killed} kills, {unknown} left unknown", ops.len());
        assert!(killed >= KILLS * 2 / 3, "of {KILLS} kills only {killed} took place");
        book.settle(&scene.fleet, ops).await;
        book.audit(&scene.fleet).await.unwrap_or_else(|wrong| panic!("after round {round} of seed {seed}: {wrong}"));
    }
}

/// The check of the check: the same kill, and a client that asks again under another key.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the release binaries and AWS's runtime emulator: scripts/lambda.sh"]
async fn a_retry_under_a_fresh_key_is_done_twice_and_the_audit_sees_it() {
    let (scene, mut book) = Scene::new().await;
    let what = || What::Transfer { from: 1, to: 2, micros: 1_000_000 };
    for (key, again, good) in [("kept", "kept", true), ("fresh", "fresh-again", false)] {
        let mut op = scene.op(key, what());
        let when = When::After { call: 1, only: Some(TRANSACTION) };
        scene.fleet.plan(vec![(0, Kill { process: 0, when, victim: Victim::Function })]);
        assert!(scene.fleet.ask(0, &op.path, key, &op.body).await.is_none(), "it was killed after the transaction");
        assert_eq!(scene.fleet.peace(), 1);
        let answer = scene.fleet.ask(0, &op.path, again, &op.body).await.expect("nobody was killed");
        assert_eq!(answer.replayed, good);
        op.key = again.to_owned();
        op.answered(&answer);
        book.add(op);
        assert_eq!(book.audit(&scene.fleet).await.is_ok(), good, "{key}");
    }
}
