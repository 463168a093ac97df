//! What is kept in the name of one API key: objects, answers under idempotency keys, and events. Every change is a line of the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;

/// How long an answer is kept under its key, in seconds. Stripe: at least 24 hours.
const KEPT_S: i64 = 24 * 3_600;

/// An answer that is kept under an idempotency key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// In which second.
    pub at_s: i64,
    pub request: String,
    pub status: u16,
    pub body: Value,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Called with each event; none is called without one, but they can be [taken](crate::Processor::deliveries).
    pub url: Option<String>,
    /// They are signed with it.
    pub secret: String,
    /// Whether events wait until they are called for.
    #[serde(default)]
    pub held: bool,
}

/// One line of the journal: something as it is from now on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub book: String,
    /// How many ids were made.
    pub made: u64,
    #[serde(flatten)]
    pub now: Now,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Now {
    Object(Value),
    Kept {
        key: String,
        kept: Kept,
    },
    Hook(Hook),
    /// An event, and whether its delivery is over.
    Told {
        event: String,
        over: bool,
    },
    /// An object that is no more.
    Gone(String),
}

/// The book.
#[derive(Debug)]
pub struct Book {
    pub name: String,
    seed: u64,
    made: u64,
    objects: BTreeMap<String, Value>,
    /// Ids by type and whose they are, the oldest first.
    order: BTreeMap<(String, String), Vec<String>>,
    pub kept: BTreeMap<String, Kept>,
    /// Keys of requests that are being carried out.
    pub busy: BTreeSet<String>,
    pub hook: Option<Hook>,
    /// Events, the oldest first.
    pub told: Vec<String>,
    /// Those that are still to be delivered, the oldest first.
    pub waiting: Vec<String>,
    /// The present second.
    pub now_s: i64,
    /// Where pages are.
    pub base: String,
    lines: Vec<String>,
}

impl Book {
    pub fn new(name: &str, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            made: 0,
            objects: BTreeMap::new(),
            order: BTreeMap::new(),
            kept: BTreeMap::new(),
            busy: BTreeSet::new(),
            hook: None,
            told: Vec::new(),
            waiting: Vec::new(),
            now_s: 0,
            base: String::new(),
            lines: Vec::new(),
        }
    }

    /// An id that follows from the seed, the book and how many there were.
    pub fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        let start = self.name.bytes().fold(self.seed ^ self.made.rotate_left(32), |sum, byte| mixed(sum ^ u64::from(byte)));
        let (mut state, mut id) = (start, format!("{prefix}_"));
        for _ in 0..24 {
            state = mixed(state);
            let digit = u32::try_from(state % 36).unwrap_or(0);
            id.push(char::from_digit(digit, 36).unwrap_or('0'));
        }
        id
    }

    /// A fresh object: `object`, `id`, `created` and `livemode` beside what is given.
    pub fn make(&mut self, prefix: &str, object: &str, mut fields: Value) -> Value {
        fields["id"] = self.id(prefix).into();
        fields["object"] = object.into();
        fields["created"] = self.now_s.into();
        fields["livemode"] = false.into();
        self.put(fields.clone());
        fields
    }

    pub fn put(&mut self, object: Value) {
        self.lines.push(self.line(Now::Object(object.clone())));
        self.insert(object);
    }

    fn insert(&mut self, object: Value) {
        let (id, kind) = (text(&object, "id"), text(&object, "object"));
        if !self.objects.contains_key(&id) {
            let owners = ["customer", "payment_intent"].map(|name| object[name].as_str().unwrap_or_default());
            let mut owners: Vec<&str> = owners.into_iter().filter(|owner| !owner.is_empty()).collect();
            owners.push("");
            for owner in owners {
                self.order.entry((kind.clone(), owner.to_owned())).or_default().push(id.clone());
            }
        }
        self.objects.insert(id, object);
    }

    pub fn get(&self, kind: &str, id: &str) -> Option<Value> {
        self.objects.get(id).filter(|object| object["object"] == kind).cloned()
    }

    pub fn need(&self, kind: &str, id: &str) -> Result<Value, Answer> {
        self.get(kind, id).ok_or_else(|| Answer::absent(kind, id))
    }

    /// Objects of a type, the newest first: all, or those made for somebody.
    pub fn list(&self, kind: &str, owner: &str) -> Vec<Value> {
        let ids = self.order.get(&(kind.to_owned(), owner.to_owned())).map(Vec::as_slice).unwrap_or_default();
        ids.iter().rev().filter_map(|id| self.objects.get(id).cloned()).collect()
    }

    pub fn keep(&mut self, key: &str, kept: Kept) {
        self.lines.push(self.line(Now::Kept { key: key.to_owned(), kept: kept.clone() }));
        self.kept.insert(key.to_owned(), kept);
    }

    pub fn set_hook(&mut self, hook: Hook) {
        self.lines.push(self.line(Now::Hook(hook.clone())));
        self.hook = Some(hook);
    }

    /// Tells of an object as it is now, and what of it was otherwise before.
    pub fn tell(&mut self, kind: &str, object: &Value, before: Option<Value>) {
        let mut data = json!({ "object": crate::answer::shown(object) });
        if let Some(before) = before {
            data["previous_attributes"] = before;
        }
        let version = tributary_runtime::payments::stripe::API_VERSION;
        let event = self.make("evt", "event", json!({ "api_version": version, "type": kind, "data": data, "pending_webhooks": 1 }));
        self.told_of(&text(&event, "id"), false);
    }

    /// Notes an event, or that its delivery is over.
    pub fn told_of(&mut self, event: &str, over: bool) {
        self.lines.push(self.line(Now::Told { event: event.to_owned(), over }));
        self.note(event, over);
    }

    fn note(&mut self, event: &str, over: bool) {
        if over {
            self.waiting.retain(|waiting| waiting != event);
        } else {
            self.told.push(event.to_owned());
            self.waiting.push(event.to_owned());
        }
    }

    /// The answer under a key, if it is not too old.
    pub fn kept_under(&self, key: &str) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| self.now_s - kept.at_s < KEPT_S)
    }

    /// Lets go what nobody asks for any more: events that were delivered, and answers whose keys are too old.
    pub fn forget(&mut self) {
        let waiting: BTreeSet<&String> = self.waiting.iter().collect();
        let (kept, gone): (Vec<String>, Vec<String>) =
            std::mem::take(&mut self.told).into_iter().partition(|event| waiting.contains(event));
        self.told = kept;
        let now_s = self.now_s;
        self.kept.retain(|_, kept| now_s - kept.at_s < KEPT_S);
        for event in &gone {
            self.objects.remove(event);
            self.lines.push(self.line(Now::Gone(event.clone())));
        }
        let (order, objects) = (&mut self.order, &self.objects);
        order.iter_mut().filter(|((kind, _), _)| kind == "event").for_each(|(_, ids)| ids.retain(|id| objects.contains_key(id)));
    }

    fn line(&self, now: Now) -> String {
        serde_json::to_string(&Line { book: self.name.clone(), made: self.made, now }).unwrap_or_default()
    }

    /// What was changed since this was last asked.
    pub fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Everything, as lines.
    pub fn all_lines(&self) -> Vec<String> {
        // In the order in which they were made: lists go by it.
        let mut ids: Vec<&String> = self.order.iter().filter(|((_, owner), _)| owner.is_empty()).flat_map(|(_, ids)| ids).collect();
        ids.dedup();
        let objects = ids.into_iter().filter_map(|id| self.objects.get(id)).map(|object| Now::Object(object.clone()));
        let kept = self.kept.iter().map(|(key, kept)| Now::Kept { key: key.clone(), kept: kept.clone() });
        let told = self.told.iter().map(|event| Now::Told { event: event.clone(), over: false });
        let given =
            self.told.iter().filter(|event| !self.waiting.contains(event)).map(|event| Now::Told { event: event.clone(), over: true });
        let told = told.chain(given);
        objects.chain(kept).chain(self.hook.clone().map(Now::Hook)).chain(told).map(|now| self.line(now)).collect()
    }

    /// Takes a line of the journal up again.
    pub fn take_up(&mut self, made: u64, now: Now) {
        self.made = self.made.max(made);
        match now {
            Now::Object(object) => self.insert(object),
            Now::Kept { key, kept } => {
                self.kept.insert(key, kept);
            }
            Now::Hook(hook) => self.hook = Some(hook),
            Now::Told { event, over } => self.note(&event, over),
            Now::Gone(id) => {
                self.objects.remove(&id);
                self.told.retain(|told| *told != id);
            }
        }
    }

    /// Everything, to look at.
    pub fn state(&self) -> Value {
        let mut by_kind: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for object in self.objects.values() {
            by_kind.entry(object["object"].as_str().unwrap_or_default()).or_default().push(object);
        }
        json!({ "objects": by_kind, "kept": self.kept, "hook": self.hook, "told": self.told, "waiting": self.waiting })
    }
}

/// A member that is a text.
pub fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub fn mixed(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
