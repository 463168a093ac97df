//! Processes of one function, each in an emulator of its own, and what kills them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::lambda::{Emulator, Moment, Platform, Services, children, kill};

/// The call that commits a movement.
pub const TRANSACTION: &str = "DynamoDB_20120810.TransactWriteItems";

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// At once, whatever it is doing.
    Now,
    /// At its `call`th call from now, which does not take place; of these calls only, if any are named.
    Before { call: u32, only: Option<&'static str> },
    /// At its `call`th call from now, which takes place and is not told.
    After { call: u32, only: Option<&'static str> },
}

/// What is killed.
#[derive(Debug, Clone, Copy)]
pub enum Victim {
    /// The function's process, as when it runs out of memory.
    Function,
    /// The emulator too, as when the machine is lost.
    Emulator,
}

/// One kill.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    /// Whose.
    pub process: usize,
    /// When.
    pub when: When,
    /// Of what.
    pub victim: Victim,
}

/// A function's answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u64,
    /// Whether it is marked as given before.
    pub replayed: bool,
    /// The body, byte for byte.
    pub body: String,
}

impl Answer {
    /// Whether a client need not ask again.
    pub fn is_final(&self) -> bool {
        self.status != 503
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A process and its emulator, started again when it is gone.
struct Slot {
    services: Services,
    /// Serves one call at a time.
    emulator: tokio::sync::Mutex<Option<Emulator>>,
    shared: Arc<Shared>,
}

/// What the watch over a process's calls and the killer share.
#[derive(Default)]
struct Shared {
    /// The emulator's process; 0 before the first.
    pid: AtomicU32,
    armed: Mutex<Option<(When, Victim)>>,
    kills: Arc<AtomicUsize>,
}

impl Shared {
    fn kill(&self, victim: Victim) {
        let pid = self.pid.load(Ordering::SeqCst);
        let mut victims = if pid == 0 { Vec::new() } else { children(pid) };
        if matches!(victim, Victim::Emulator) && pid != 0 {
            victims.push(pid);
        }
        if !victims.is_empty() {
            self.kills.fetch_add(1, Ordering::SeqCst);
            kill(&victims);
        }
    }

    /// Whether a call goes on; kills where that is due.
    fn goes_on(&self, moment: Moment<'_>) -> bool {
        let victim = {
            let mut armed = self.armed.lock().expect("unpoisoned");
            let Some((when, victim)) = armed.as_mut() else { return true };
            let (call, only, target) = match (when, moment) {
                (When::Before { call, only }, Moment::Asked(target)) | (When::After { call, only }, Moment::Done(target)) => {
                    (call, only, target)
                }
                (When::Now | When::Before { .. } | When::After { .. }, _) => return true,
            };
            if only.is_some_and(|only| only != target) {
                return true;
            }
            *call -= 1;
            if *call > 0 {
                return true;
            }
            let victim = *victim;
            *armed = None;
            victim
        };
        self.kill(victim);
        false
    }
}

/// Processes of one function.
pub struct Fleet {
    platform: Arc<Platform>,
    program: PathBuf,
    bootstrap: PathBuf,
    log: PathBuf,
    slots: Vec<Slot>,
    client: reqwest::Client,
    kills: Arc<AtomicUsize>,
    /// The kills to come, by the number of answers before them; and the answers so far.
    plan: Mutex<(VecDeque<(usize, Kill)>, usize)>,
}

impl Fleet {
    /// `processes` of the function `bootstrap`, each with a way of its own to the services, which is watched.
    pub async fn start(platform: &Arc<Platform>, program: &Path, bootstrap: &Path, log: &Path, processes: usize) -> Self {
        let kills = Arc::new(AtomicUsize::new(0));
        let mut slots = Vec::new();
        for _ in 0..processes {
            let shared = Arc::new(Shared { kills: Arc::clone(&kills), ..Shared::default() });
            let watched = Arc::clone(&shared);
            let services = platform.services(Arc::new(move |moment| watched.goes_on(moment))).await;
            slots.push(Slot { services, emulator: tokio::sync::Mutex::new(None), shared });
        }
        Self {
            platform: Arc::clone(platform),
            program: program.to_owned(),
            bootstrap: bootstrap.to_owned(),
            log: log.to_owned(),
            slots,
            client: reqwest::Client::new(),
            kills,
            plan: Mutex::default(),
        }
    }

    /// Plans kills, each after so many answers from now.
    pub fn plan(&self, kills: Vec<(usize, Kill)>) {
        *self.plan.lock().expect("unpoisoned") = (kills.into(), 0);
        self.due(0);
    }

    /// Ends the killing, and returns how many times something was killed since the last peace.
    pub fn peace(&self) -> usize {
        self.plan.lock().expect("unpoisoned").0.clear();
        for slot in &self.slots {
            *slot.shared.armed.lock().expect("unpoisoned") = None;
        }
        self.kills.swap(0, Ordering::SeqCst)
    }

    /// Carries out the kills that are due after `more` answers.
    fn due(&self, more: usize) {
        let due: Vec<Kill> = {
            let (kills, answers) = &mut *self.plan.lock().expect("unpoisoned");
            *answers += more;
            let count = kills.iter().take_while(|(after, _)| after <= answers).count();
            kills.drain(..count).map(|(_, kill)| kill).collect()
        };
        for Kill { process, when, victim } in due {
            let shared = &self.slots[process].shared;
            match when {
                When::Now => shared.kill(victim),
                When::Before { .. } | When::After { .. } => *shared.armed.lock().expect("unpoisoned") = Some((when, victim)),
            }
        }
    }

    /// Sends a request to one process; `None` if it was gone before it answered.
    pub async fn ask(&self, process: usize, path: &str, key: &str, body: &Value) -> Option<Answer> {
        self.call(process, &self.platform.event("POST", path, Some(key), body)).await
    }

    /// Reads through one process, which nobody may kill meanwhile.
    pub async fn read(&self, process: usize, path: &str) -> Value {
        let answer = self.call(process, &self.platform.event("GET", path, None, &Value::Null)).await.expect("nobody was killed");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    async fn call(&self, process: usize, event: &Value) -> Option<Answer> {
        let slot = &self.slots[process];
        let mut emulator = slot.emulator.lock().await;
        if emulator.as_ref().is_none_or(Emulator::is_gone) {
            slot.shared.pid.store(0, Ordering::SeqCst);
            let started = Emulator::start(&self.program, &self.bootstrap, &slot.services, &self.log).await;
            slot.shared.pid.store(started.pid(), Ordering::SeqCst);
            *emulator = Some(started);
        }
        let url = emulator.as_ref().map(Emulator::url).unwrap_or_default();
        let told = match self.client.post(url).body(event.to_string()).send().await {
            Ok(response) => response.json::<Value>().await.ok(),
            Err(_) => None,
        }?;
        drop(emulator);
        let answer = Answer {
            status: told["statusCode"].as_u64()?,
            replayed: replayed(&told),
            body: told["body"].as_str().unwrap_or_default().to_owned(),
        };
        self.due(1);
        Some(answer)
    }
}

fn replayed(told: &Value) -> bool {
    told["headers"]["idempotent-replayed"] == "true" || told["multiValueHeaders"]["idempotent-replayed"][0] == "true"
}
