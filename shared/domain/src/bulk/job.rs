//! A job as it is kept, and its rows in chunks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::notice::Notice;
use super::rows::{Kind, RowError};
use super::state::{Phase, State, Step, after};
use crate::id::{AccountId, ActorId, JobId};
use crate::money::{Currency, Micros};
use crate::text::Reference;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header, in UTF-8.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl Format {
    /// The word on the wire, which is the file's extension too.
    pub fn word(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv",
            Format::Jsonl => "application/x-ndjson",
        }
    }
}

/// Why a job stopped, or could not be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// How far a job is. These numbers are counted by the transactions that do the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Rows looked at.
    pub rows: i64,
    /// Rows done and not undone.
    pub done: i64,
    /// Rows that could not be done.
    pub failed: i64,
    /// Rows taken back.
    pub undone: i64,
    /// Credit of the payer that is not handed out yet, micro-units.
    pub escrow: i64,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The account whose key asked.
    pub account_id: AccountId,
    /// What its rows do.
    pub kind: Kind,
    /// How it stands.
    pub state: State,
    /// What it is at.
    pub phase: Phase,
    /// It is only to be planned, until it is told to apply.
    pub dry_run: bool,
    /// Rows that say exactly the same are all done.
    #[serde(default)]
    pub allow_duplicates: bool,
    /// Where its input is kept.
    pub input: String,
    /// How the input is written.
    pub format: Format,
    /// Who pays for the rows of a credit job.
    #[serde(default)]
    pub payer: Option<AccountId>,
    /// The payer's currency.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// The note of rows that have none.
    #[serde(default)]
    pub reference: Option<Reference>,
    /// What notifications say.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// The key or member that asked, or that resumed it last.
    pub actor: ActorId,
    /// What that is found by: its rights are asked at each run.
    pub credential: String,
    /// How often failed rows were planned: 1 for the first time.
    pub round: u32,
    /// How often it was undone.
    #[serde(default)]
    pub undos: u32,
    /// How many chunks it has; 0 until all are planned, and those that are there by then count for nothing.
    #[serde(default)]
    pub chunks: u32,
    /// What the rows to be done need, micro-units of the currency.
    #[serde(default)]
    pub required: Option<Micros>,
    /// What the payer could spend when it was planned.
    #[serde(default)]
    pub spendable: Option<Micros>,
    /// Why it stopped.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// It was cancelled.
    #[serde(default)]
    pub cancelled: bool,
    /// The result file, if there is one.
    #[serde(default)]
    pub result: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its newest end was.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Raised by one with each change of what is said here.
    pub version: i64,
    /// How far it is.
    #[serde(skip)]
    pub progress: Progress,
}

impl Job {
    /// The job after `step`; `None` if it is not allowed.
    pub fn after(&self, step: Step) -> Option<Job> {
        let (state, phase) = after(self.state, self.phase, step)?;
        Some(Job { state, phase, ..self.clone() })
    }

    /// Whether there is nothing left to do for the worker.
    pub fn rests(&self) -> bool {
        match self.state {
            State::Queued | State::Running => self.phase == Phase::Done,
            State::Paused | State::Completed | State::CompletedWithErrors => true,
            State::Cancelled => self.phase == Phase::Done,
        }
    }
}

/// How one row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// It is to be done.
    Pending,
    /// It is done.
    Done,
    /// It could not be done; it can be tried again.
    Failed,
    /// It says nothing that could be done.
    Malformed,
    /// It was done and taken back.
    Undone,
}

impl Mark {
    /// The letter by which it is kept.
    pub fn letter(self) -> char {
        match self {
            Mark::Pending => 'p',
            Mark::Done => 'd',
            Mark::Failed => 'f',
            Mark::Malformed => 'x',
            Mark::Undone => 'u',
        }
    }

    /// The mark of a letter.
    pub fn of(letter: char) -> Option<Self> {
        [Mark::Pending, Mark::Done, Mark::Failed, Mark::Malformed, Mark::Undone].into_iter().find(|mark| mark.letter() == letter)
    }
}

/// Some rows of a job that follow one another, with how each stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// Its number, from 1.
    pub number: u32,
    /// The number of its first row, from 1.
    pub first: u64,
    /// How each row stands.
    pub marks: Vec<Mark>,
    /// What is wrong with rows, by their place in the chunk.
    pub errors: BTreeMap<usize, RowError>,
    /// What rows made, by their place in the chunk.
    pub made: BTreeMap<usize, AccountId>,
    /// Where what the rows say is kept.
    pub blob: String,
    /// What its pending rows need, micro-units.
    pub sum: i64,
    /// The round it was planned in.
    pub round: u32,
    /// A worker has begun its rows: they are brought to their end, whatever comes.
    pub taken: bool,
    /// The undo it was gone over in.
    pub undo: u32,
    /// Raised by one with each change.
    pub version: i64,
}

impl Chunk {
    /// The places of the rows that stand so.
    pub fn places(&self, mark: Mark) -> Vec<usize> {
        self.marks.iter().enumerate().filter(|(_, own)| **own == mark).map(|(place, _)| place).collect()
    }

    /// How many rows stand so.
    pub fn count(&self, mark: Mark) -> i64 {
        self.marks.iter().filter(|own| **own == mark).count().try_into().unwrap_or(i64::MAX)
    }

    /// The row at `place` could not be done.
    pub fn fail(&mut self, place: usize, error: RowError) {
        self.set(place, Mark::Failed);
        self.errors.insert(place, error);
    }

    /// The row at `place` stands so, with nothing wrong.
    pub fn set(&mut self, place: usize, mark: Mark) {
        if let Some(own) = self.marks.get_mut(place) {
            *own = mark;
        }
        self.errors.remove(&place);
    }
}
