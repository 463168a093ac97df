//! SQS, as far as the platform uses it: standard and FIFO queues with a visibility timeout and a queue for dead letters, each
//! message in a file of its own. A message is there from before `send` answers until it is deleted, whatever kills the process.
//!
//! Source: "Amazon SQS visibility timeout", "Using dead-letter queues" and "FIFO queue delivery logic", AWS SQS developer guide.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tributary_runtime::clock::Clock;
use tributary_runtime::ids::IdSource;
use tributary_runtime::queue::{Fifo, Grouped, Queue, QueueError, fits, in_order};

use crate::state::{make_private_dir, sync_dir, write_lightly, write_private};
use crate::template;

/// AWS: for how long a FIFO queue knows what it was sent.
const DEDUPLICATED: SignedDuration = SignedDuration::from_mins(5);

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// When.
    pub sent_at: Timestamp,
    /// When it was received for the first time.
    pub first_received_at: Option<Timestamp>,
    /// How often it was received.
    pub receives: u32,
    /// The how manieth of its queue it is.
    #[serde(default)]
    pub number: u64,
    /// Of a FIFO queue: whose order it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Of a FIFO queue: what makes another the same message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication: Option<String>,
}

/// A message, and since when or from when on it may be received.
#[derive(Debug, Clone)]
struct Kept {
    message: Message,
    visible_at: Timestamp,
}

/// A queue.
#[derive(Debug)]
pub struct LocalQueue {
    name: String,
    settings: template::Queue,
    dir: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    kept: Mutex<Contents>,
    /// Told when a message comes.
    pub arrived: Notify,
}

/// What is in a queue.
#[derive(Debug, Default)]
struct Contents {
    /// In the order in which they were sent.
    messages: BTreeMap<Place, Kept>,
    /// How many messages there were.
    count: u64,
    /// What a FIFO queue was sent lately, and when.
    sent: BTreeMap<String, Timestamp>,
}

/// Where a message is in its queue: its number, and its id for what an older version of this program numbered 0.
type Place = (u64, String);

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Messages that may be received now.
    pub ready: usize,
    /// Messages that were received and neither deleted nor given up yet.
    pub in_flight: usize,
    /// Since when the oldest that may be received was sent.
    pub oldest: Option<Timestamp>,
}

impl LocalQueue {
    /// A queue in a directory, which is made if it is missing, or in memory. Whoever had received a message in an earlier
    /// process is gone, so every message may be received at once.
    ///
    /// # Errors
    /// What the file system says, or that a file is none of a message.
    pub fn open(
        name: &str,
        settings: template::Queue,
        dir: Option<PathBuf>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> io::Result<Self> {
        let mut kept = Contents::default();
        if let Some(dir) = &dir {
            make_private_dir(dir)?;
            for entry in std::fs::read_dir(dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|ending| ending == "json") {
                    let message: Message = serde_json::from_slice(&std::fs::read(&path)?)?;
                    kept.count = kept.count.max(message.number);
                    if let Some(deduplication) = &message.deduplication {
                        kept.sent.insert(deduplication.clone(), message.sent_at);
                    }
                    kept.messages.insert(place(&message), Kept { visible_at: message.sent_at, message });
                }
            }
        }
        Ok(Self { name: name.to_owned(), settings, dir, clock, ids, kept: Mutex::new(kept), arrived: Notify::new() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a message in. It is on disk when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put(&self, body: &str) -> io::Result<()> {
        self.put_in(None, None, body, true)
    }

    /// The same for an event, of which there are many: it outlives the process when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_event(&self, body: &str) -> io::Result<()> {
        self.put_in(None, None, body, false)
    }

    /// Puts a message into a group, unless it was sent within five minutes. It outlives the process when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_grouped(&self, message: &Grouped) -> io::Result<()> {
        self.put_in(Some(&message.group), Some(&message.deduplication), &message.body, false)
    }

    fn put_in(&self, group: Option<&str>, deduplication: Option<&str>, body: &str, synced: bool) -> io::Result<()> {
        let sent_at = self.clock.now();
        // Held all the while: a number is a place, and nothing of a group may be kept before what was sent before it.
        let mut kept = self.kept();
        kept.sent.retain(|_, at| sent_at.duration_since(*at) < DEDUPLICATED);
        if deduplication.is_some_and(|deduplication| kept.sent.contains_key(deduplication)) {
            return Ok(());
        }
        let message = Message {
            id: self.ids.uuid(&*self.clock).to_string(),
            body: body.to_owned(),
            sent_at,
            first_received_at: None,
            receives: 0,
            number: kept.count + 1,
            group: group.map(str::to_owned),
            deduplication: deduplication.map(str::to_owned),
        };
        self.write(&message, synced)?;
        kept.count += 1;
        if let Some(deduplication) = deduplication {
            kept.sent.insert(deduplication.to_owned(), sent_at);
        }
        kept.messages.insert(place(&message), Kept { message, visible_at: sent_at });
        drop(kept);
        self.arrived.notify_one();
        Ok(())
    }

    /// How many messages may be received now, up to `most`, and when the first of them came to that.
    pub fn due(&self, most: usize) -> (usize, Option<Timestamp>) {
        let now = self.clock.now();
        let (kept, mut count, mut first) = (self.kept(), 0, None);
        for one in kept.ready(now).take(most) {
            count += 1;
            first = Some(first.map_or(one.visible_at, |first: Timestamp| first.min(one.visible_at)));
        }
        (count, first)
    }

    /// Receives up to `most` messages, which nobody else receives until the visibility timeout is over; of a group nothing while
    /// an earlier one is received and not deleted. One that was received too often is put into `dead` instead; one that is too
    /// old is gone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn receive(&self, most: usize, dead: Option<&LocalQueue>) -> io::Result<Vec<Message>> {
        let now = self.clock.now();
        let (mut kept, mut received) = (self.kept(), Vec::new());
        let ready: Vec<_> = kept.ready(now).map(|one| place(&one.message)).collect();
        for place in ready {
            if received.len() == most {
                break;
            }
            let Some(one) = kept.messages.get_mut(&place) else { continue };
            if now.duration_since(one.message.sent_at) >= self.settings.retention {
                self.remove(&one.message.id)?;
                kept.messages.remove(&place);
                continue;
            }
            let worn = self.settings.redrive.as_ref().is_some_and(|redrive| one.message.receives >= redrive.max_receives);
            if let Some(dead) = dead.filter(|_| worn) {
                dead.adopt(self, &one.message)?;
                kept.messages.remove(&place);
                continue;
            }
            let mut message = one.message.clone();
            message.receives += 1;
            message.first_received_at.get_or_insert(now);
            // Without power a count may be lost, and a message is given once more.
            self.write(&message, false)?;
            *one = Kept { message: message.clone(), visible_at: after(now, self.settings.visibility) };
            received.push(message);
        }
        Ok(received)
    }

    /// Deletes a message that was received.
    ///
    /// # Errors
    /// What the file system says.
    pub fn delete(&self, message: &Message) -> io::Result<()> {
        self.remove(&message.id)?;
        self.kept().messages.remove(&place(message));
        // Of its group the next may be due now.
        self.arrived.notify_one();
        Ok(())
    }

    /// Sends every message on to `to` as a new one, and says how many there were.
    ///
    /// # Errors
    /// What the file system says; messages may then be in both.
    pub fn move_all(&self, to: &LocalQueue) -> io::Result<usize> {
        let messages: Vec<Message> = self.kept().messages.values().map(|one| one.message.clone()).collect();
        for message in &messages {
            // Sent on by hand it is another message, however often it was sent before.
            to.kept().sent.remove(message.deduplication.as_deref().unwrap_or_default());
            to.put_in(message.group.as_deref(), message.deduplication.as_deref(), &message.body, true)?;
            self.delete(message)?;
        }
        Ok(messages.len())
    }

    /// How full it is.
    pub fn depth(&self) -> Depth {
        let (now, kept) = (self.clock.now(), self.kept());
        let mut ready = kept.messages.values().filter(|one| one.visible_at <= now).peekable();
        let oldest = ready.peek().map(|one| one.message.sent_at);
        let ready = ready.count();
        Depth { ready, in_flight: kept.messages.len() - ready, oldest }
    }

    /// Takes a message over from another queue: it is in one of them at any moment.
    fn adopt(&self, from: &LocalQueue, message: &Message) -> io::Result<()> {
        if let (Some(there), Some(here)) = (from.file(&message.id), self.file(&message.id)) {
            std::fs::rename(&there, &here)?;
            for dir in [&self.dir, &from.dir].into_iter().flatten() {
                sync_dir(dir)?;
            }
        }
        let kept = Kept { message: message.clone(), visible_at: self.clock.now() };
        self.kept().messages.insert(place(message), kept);
        Ok(())
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(format!("{id}.json")))
    }

    fn write(&self, message: &Message, synced: bool) -> io::Result<()> {
        let (Some(file), Some(dir)) = (self.file(&message.id), &self.dir) else { return Ok(()) };
        let bytes = serde_json::to_vec(message)?;
        if !synced {
            return write_lightly(&file, &bytes);
        }
        write_private(&file, &bytes)?;
        sync_dir(dir)
    }

    fn remove(&self, id: &str) -> io::Result<()> {
        match self.file(id).map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Contents> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// The messages that may be received, in the order in which they were sent.
    fn ready(&self, now: Timestamp) -> impl Iterator<Item = &Kept> {
        let mut waiting: BTreeSet<&str> = BTreeSet::new();
        self.messages.values().filter(move |one| {
            let group = one.message.group.as_deref();
            let ready = one.visible_at <= now && group.is_none_or(|group| !waiting.contains(group));
            if let (false, Some(group)) = (ready, group) {
                waiting.insert(group);
            }
            ready
        })
    }
}

fn place(message: &Message) -> Place {
    (message.number, message.id.clone())
}

fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The end of a queue that functions send to.
#[derive(Debug, Clone)]
pub struct Sender(pub Arc<LocalQueue>);

#[async_trait]
impl Queue for Sender {
    async fn send(&self, body: &str) -> Result<(), QueueError> {
        fits(body)?;
        let (queue, body) = (Arc::clone(&self.0), body.to_owned());
        let put = tokio::task::spawn_blocking(move || queue.put(&body)).await;
        put.map_err(|error| QueueError::Unavailable(error.to_string()))?.map_err(|error| QueueError::Unavailable(error.to_string()))
    }
}

#[async_trait]
impl Fifo for Sender {
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>> {
        in_order(messages, |call| async move {
            let (queue, call): (_, Vec<Grouped>) = (Arc::clone(&self.0), call.iter().map(|at| messages[*at].clone()).collect());
            let count = call.len();
            let unavailable = |error: &dyn std::error::Error| QueueError::Unavailable(error.to_string());
            let put = tokio::task::spawn_blocking(move || call.iter().map(|message| queue.put_grouped(message)).collect::<Vec<_>>()).await;
            match put {
                Ok(results) => results.into_iter().map(|result| result.map_err(|error| unavailable(&error))).collect(),
                Err(error) => vec![Err(unavailable(&error)); count],
            }
        })
        .await
    }
}

/// Every queue of the template, by its logical name.
#[derive(Debug, Clone)]
pub struct LocalQueues(BTreeMap<String, Arc<LocalQueue>>);

impl LocalQueues {
    /// Opens them, each in a directory of its name below `dir`, or in memory.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(
        settings: &BTreeMap<String, template::Queue>,
        dir: Option<&Path>,
        clock: &Arc<dyn Clock>,
        ids: &Arc<dyn IdSource>,
    ) -> io::Result<Self> {
        let open = |(name, settings): (&String, &template::Queue)| {
            let queue = LocalQueue::open(name, settings.clone(), dir.map(|dir| dir.join(name)), clock.clone(), ids.clone())?;
            Ok((name.clone(), Arc::new(queue)))
        };
        settings.iter().map(open).collect::<io::Result<_>>().map(Self)
    }

    /// A queue.
    pub fn get(&self, name: &str) -> Option<&Arc<LocalQueue>> {
        self.0.get(name)
    }

    /// Each of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<LocalQueue>> {
        self.0.values()
    }

    /// Where a queue puts what was received too often.
    pub fn dead_letters_of(&self, queue: &LocalQueue) -> Option<&Arc<LocalQueue>> {
        self.get(&queue.settings.redrive.as_ref()?.dead_letters)
    }

    /// The queue whose dead letters are in this one.
    pub fn source_of(&self, dead: &LocalQueue) -> Option<&Arc<LocalQueue>> {
        self.all().find(|queue| queue.settings.redrive.as_ref().is_some_and(|redrive| redrive.dead_letters == dead.name))
    }
}

#[cfg(test)]
mod tests {
    use tributary_runtime::clock::ManualClock;
    use tributary_runtime::ids::SystemIds;

    use super::*;
    use crate::template::Redrive;

    fn settings() -> BTreeMap<String, template::Queue> {
        let queue = |redrive, fifo| template::Queue {
            visibility: SignedDuration::from_secs(30),
            retention: SignedDuration::from_hours(96),
            redrive,
            fifo,
        };
        let redrive = Redrive { dead_letters: "Dead".into(), max_receives: 2 };
        let fifo = Redrive { dead_letters: "Fifo.dead".into(), ..redrive.clone() };
        let all = [("Work", Some(redrive), false), ("Dead", None, false), ("Fifo", Some(fifo), true), ("Fifo.dead", None, true)];
        all.into_iter().map(|(name, redrive, fifo)| (name.to_owned(), queue(redrive, fifo))).collect()
    }

    fn open(dir: &Path, clock: &ManualClock) -> LocalQueues {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) = (Arc::new(clock.clone()), Arc::new(SystemIds::default()));
        LocalQueues::open(&settings(), Some(dir), &clock, &ids).expect("the queues open")
    }

    fn bodies(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.body.as_str()).collect()
    }

    #[test]
    fn a_message_is_given_again_after_its_timeout_and_a_restart_keeps_it_until_it_is_deleted() {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time")));
        let queues = open(dir.path(), &clock);
        let work = queues.get("Work").expect("a queue");
        for body in ["a", "b"] {
            work.put(body).expect("put");
            clock.advance_ms(1);
        }
        let first = work.receive(10, None).expect("received");
        assert_eq!(bodies(&first), ["a", "b"]);
        assert!(work.receive(10, None).expect("received").is_empty());
        clock.advance_ms(30_000);
        assert_eq!(work.receive(1, None).expect("received")[0].receives, 2);
        work.delete(&first[1]).expect("deleted");

        // In flight when the process ends; the next one gives it again, and knows how often it was given.
        let again = open(dir.path(), &clock);
        let received = again.get("Work").expect("a queue").receive(10, None).expect("received");
        assert_eq!(bodies(&received), ["a"]);
        assert_eq!((received[0].receives, &received[0].id), (3, &first[0].id));
    }

    #[test]
    fn a_message_that_was_given_too_often_goes_to_the_dead_letters_and_comes_back_as_a_new_one() {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time")));
        let queues = open(dir.path(), &clock);
        let work = queues.get("Work").expect("a queue");
        let dead = queues.dead_letters_of(work).expect("a queue");
        work.put("poison").expect("put");
        for given in [1, 1, 0] {
            assert_eq!(work.receive(10, Some(dead)).expect("received").len(), given);
            clock.advance_ms(30_000);
        }
        assert_eq!((work.depth().ready, dead.depth().ready), (0, 1));

        let again = open(dir.path(), &clock);
        let (work, dead) = (again.get("Work").expect("a queue"), again.get("Dead").expect("a queue"));
        assert_eq!((work.depth().ready, dead.depth().ready), (0, 1), "after a restart");
        let back = again.source_of(dead).expect("the queue it came from");
        assert_eq!(dead.move_all(back).expect("moved"), 1);
        assert_eq!(work.receive(10, None).expect("received")[0].receives, 1);
        assert_eq!(open(dir.path(), &clock).get("Dead").expect("a queue").depth().ready, 0);
    }

    fn grouped(group: &str, n: usize) -> Grouped {
        Grouped { group: group.to_owned(), deduplication: format!("{group}{n}"), body: format!("{group}{n}") }
    }

    #[test]
    fn of_a_group_nothing_is_given_while_an_earlier_message_is_out() {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time")));
        let queues = open(dir.path(), &clock);
        let fifo = queues.get("Fifo").expect("a queue");
        for message in [grouped("a", 1), grouped("a", 2), grouped("b", 1), grouped("a", 3)] {
            fifo.put_grouped(&message).expect("put");
        }
        let first = fifo.receive(2, None).expect("received");
        assert_eq!(bodies(&first), ["a1", "a2"], "in one call as many of a group as there are");
        assert_eq!(bodies(&fifo.receive(10, None).expect("received")), ["b1"], "a3 waits for a1 and a2");
        fifo.delete(&first[1]).expect("deleted");
        assert!(fifo.receive(10, None).expect("received").is_empty(), "a1 is still out");
        clock.advance_ms(30_000);
        let again = fifo.receive(10, None).expect("received");
        assert_eq!(bodies(&again), ["a1", "b1", "a3"], "a1 comes back before a3");

        // After a restart the order is the same, and a dead letter lets its group go on.
        let dead = |queues: &LocalQueues| queues.dead_letters_of(queues.get("Fifo").expect("a queue")).expect("a queue").clone();
        let queues = open(dir.path(), &clock);
        let (fifo, dead) = (queues.get("Fifo").expect("a queue"), dead(&queues));
        let received = fifo.receive(10, Some(&dead)).expect("received");
        assert_eq!((bodies(&received), dead.depth().ready), (vec!["a3"], 2), "a1 and b1 were given twice");
    }

    #[test]
    fn what_is_sent_again_within_five_minutes_is_dropped() {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time")));
        let queues = open(dir.path(), &clock);
        let fifo = queues.get("Fifo").expect("a queue");
        for (advance_ms, given) in [(0, 1), (299_999, 0), (1, 1)] {
            clock.advance_ms(advance_ms);
            fifo.put_grouped(&grouped("a", 1)).expect("put");
            let received = fifo.receive(10, None).expect("received");
            assert_eq!(received.len(), given, "{}", clock.now());
            received.iter().for_each(|message| fifo.delete(message).expect("deleted"));
        }
    }

    #[test]
    fn a_message_is_gone_when_its_time_is_over() {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time")));
        let queues = open(dir.path(), &clock);
        let work = queues.get("Work").expect("a queue");
        work.put("old").expect("put");
        clock.advance_ms(96 * 3_600_000);
        assert!(work.receive(10, None).expect("received").is_empty());
        assert_eq!(open(dir.path(), &clock).get("Work").expect("a queue").depth().ready, 0);
    }
}
