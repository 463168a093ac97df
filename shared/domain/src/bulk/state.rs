//! The states of a job, and what leads from one to another.

use serde::{Deserialize, Serialize};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for the worker.
    Queued,
    /// The worker is at it.
    Running,
    /// It was stopped, and goes on when it is told to.
    Paused,
    /// It was ended by hand; what was done stays done.
    Cancelled,
    /// It is at its end, and every row is done. A dry run: every row was looked at.
    Completed,
    /// It is at its end, and some rows could not be done.
    CompletedWithErrors,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its rows are looked at.
    Planning,
    /// Every row has its verdict; nothing is done yet.
    Planned,
    /// Its rows are done.
    Applying,
    /// What is left goes back to the payer, and the result is written.
    Finishing,
    /// Its done rows are taken back.
    Undoing,
    /// Nothing is left to do.
    Done,
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The worker takes it up.
    Start,
    /// Every row has its verdict. A dry run rests here.
    Planned {
        /// It is a dry run.
        dry_run: bool,
    },
    /// The input cannot be planned at all.
    Unusable,
    /// A dry run is to be done.
    Apply,
    /// What it needs is set aside.
    Funded,
    /// No row is left to do, or to undo.
    Drained,
    /// What was left is back, and the result is there.
    Finished {
        /// Some rows could not be done.
        failed: bool,
        /// It was cancelled.
        cancelled: bool,
    },
    /// It is stopped.
    Pause,
    /// It goes on.
    Resume,
    /// It is ended.
    Cancel,
    /// Its failed rows are tried again.
    Retry,
    /// Its done rows are taken back.
    Undo,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] =
        [State::Queued, State::Running, State::Paused, State::Cancelled, State::Completed, State::CompletedWithErrors];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Paused => "paused",
            State::Cancelled => "cancelled",
            State::Completed => "completed",
            State::CompletedWithErrors => "completed_with_errors",
        }
    }
}

impl Phase {
    /// Every phase.
    pub const ALL: [Phase; 6] = [Phase::Planning, Phase::Planned, Phase::Applying, Phase::Finishing, Phase::Undoing, Phase::Done];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Planning => "planning",
            Phase::Planned => "planned",
            Phase::Applying => "applying",
            Phase::Finishing => "finishing",
            Phase::Undoing => "undoing",
            Phase::Done => "done",
        }
    }

    fn can_stop(self) -> bool {
        matches!(self, Phase::Planning | Phase::Planned | Phase::Applying | Phase::Undoing)
    }
}

/// Where `step` leads from here; `None` if it is not allowed. The whole machine.
pub fn after(state: State, phase: Phase, step: Step) -> Option<(State, Phase)> {
    use Phase::{Applying, Done, Finishing, Planned, Planning, Undoing};
    use State::{Cancelled, Completed, CompletedWithErrors, Paused, Queued, Running};
    match (step, state, phase) {
        (Step::Start, Queued | Running, phase) if phase != Done => Some((Running, phase)),
        (Step::Planned { dry_run: true }, Running, Planning) => Some((Completed, Planned)),
        (Step::Planned { dry_run: false }, Running, Planning) => Some((Running, Planned)),
        (Step::Unusable, Running, Planning) => Some((CompletedWithErrors, Done)),
        (Step::Apply, Completed, Planned) => Some((Queued, Planned)),
        (Step::Funded, Running, Planned) => Some((Running, Applying)),
        (Step::Drained, Running, Applying | Undoing) => Some((Running, Finishing)),
        (Step::Finished { cancelled: true, .. }, Running | Cancelled, Finishing) => Some((Cancelled, Done)),
        (Step::Finished { failed: true, .. }, Running, Finishing) => Some((CompletedWithErrors, Done)),
        (Step::Finished { failed: false, .. }, Running, Finishing) => Some((Completed, Done)),
        (Step::Pause, Queued | Running, phase) if phase.can_stop() => Some((Paused, phase)),
        (Step::Resume, Paused, phase) => Some((Queued, phase)),
        (Step::Cancel, Queued | Running | Paused, phase) if phase.can_stop() => Some((Cancelled, Finishing)),
        (Step::Retry, CompletedWithErrors, Done) => Some((Queued, Planning)),
        (Step::Undo, Completed | CompletedWithErrors | Cancelled, Done) => Some((Queued, Undoing)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state that a job can be brought to, and every step from it.
    #[test]
    fn the_state_machine_of_a_job() {
        let finished = |failed, cancelled| Step::Finished { failed, cancelled };
        let steps = [
            Step::Start,
            Step::Planned { dry_run: true },
            Step::Planned { dry_run: false },
            Step::Unusable,
            Step::Apply,
            Step::Funded,
            Step::Drained,
            finished(false, false),
            finished(true, false),
            finished(false, true),
            Step::Pause,
            Step::Resume,
            Step::Cancel,
            Step::Retry,
            Step::Undo,
        ];
        let (mut seen, mut next, mut table) = (Vec::new(), vec![(State::Queued, Phase::Planning)], String::new());
        while let Some(at) = next.pop() {
            if seen.contains(&at) {
                continue;
            }
            seen.push(at);
            next.extend(steps.iter().filter_map(|step| after(at.0, at.1, *step)));
        }
        seen.sort();
        for (state, phase) in seen {
            for step in steps {
                if let Some((to, at)) = after(state, phase, step) {
                    let words = format!("{} {}", state.word(), phase.word());
                    table.push_str(&format!("{words:<28} {:<38} {} {}\n", format!("{step:?}"), to.word(), at.word()));
                }
            }
        }
        let kept = include_str!("states.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bulk/states.txt"), &table).expect("written");
        } else {
            assert_eq!(table, kept);
        }
    }

    #[test]
    fn every_unfinished_job_can_still_come_to_its_end() {
        let ends = [(State::Completed, Phase::Done), (State::CompletedWithErrors, Phase::Done), (State::Cancelled, Phase::Done)];
        for state in [State::Queued, State::Running, State::Paused] {
            for phase in [Phase::Planning, Phase::Planned, Phase::Applying, Phase::Undoing] {
                let cancelled = after(state, phase, Step::Cancel).expect("an unfinished job can be cancelled");
                let end = after(cancelled.0, cancelled.1, Step::Finished { failed: false, cancelled: true });
                assert!(end.is_some_and(|end| ends.contains(&end)));
            }
        }
    }
}
