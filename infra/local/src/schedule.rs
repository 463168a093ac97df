//! EventBridge Scheduler: runs functions at the template's rates, by the test clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::Mutex;
use tributary_runtime::clock::Clock;

use crate::event;
use crate::gateway::Gateway;
use crate::stop::Stop;
use crate::template::Schedule;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Every schedule, with the time of its next run.
pub struct Scheduler {
    gateway: Arc<Gateway>,
    clock: Arc<dyn Clock>,
    planned: Mutex<Vec<(Schedule, Timestamp)>>,
}

/// A run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The function.
    pub function: String,
    /// When it was due.
    pub scheduled_at: Timestamp,
    /// Whether it succeeded.
    pub ok: bool,
}

impl Scheduler {
    /// Plans the first run of each schedule one period from now.
    pub fn new(schedules: &[Schedule], gateway: Arc<Gateway>, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let planned = schedules.iter().map(|schedule| (schedule.clone(), after(now, schedule.every))).collect();
        Self { gateway, clock, planned: Mutex::new(planned) }
    }

    /// Runs, once each and one after the other, the schedules that are due. One that has missed several runs, because
    /// the clock was moved, runs for the last of them: every scheduled function catches up by itself.
    pub async fn run_due(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for (schedule, next) in self.planned.lock().await.iter_mut() {
            let now = self.clock.now();
            if *next > now {
                continue;
            }
            let scheduled_at = last_due(*next, schedule.every, now);
            *next = after(scheduled_at, schedule.every);
            let ok = self.run(schedule, scheduled_at).await;
            runs.push(Run { function: schedule.function.clone(), scheduled_at, ok });
        }
        runs
    }

    async fn run(&self, schedule: &Schedule, scheduled_at: Timestamp) -> bool {
        let Some(function) = self.gateway.function(&schedule.function) else {
            tracing::error!(schedule.function, "the schedule's function is missing");
            return false;
        };
        let id = self.gateway.request_id();
        match function.call(event::scheduled(&schedule.name, &id, scheduled_at), &id).await {
            Ok(answer) => {
                tracing::debug!(schedule.function, %answer, "scheduled run");
                true
            }
            Err(error) => {
                tracing::error!(request_id = id, "{error}");
                false
            }
        }
    }

    /// Runs what is due, again and again, until `stop`.
    pub async fn keep_running(self: Arc<Self>, stop: Stop) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stopped = std::pin::pin!(stop.stopped());
        loop {
            tokio::select! {
                () = &mut stopped => return,
                _ = ticks.tick() => drop(self.run_due().await),
            }
        }
    }
}

fn after(at: Timestamp, period: SignedDuration) -> Timestamp {
    at.checked_add(period).unwrap_or(Timestamp::MAX)
}

/// The last of `first`, `first + period`, … that is not after `now`.
fn last_due(first: Timestamp, period: SignedDuration, now: Timestamp) -> Timestamp {
    let (late_ms, period_ms) = (now.duration_since(first).as_millis(), period.as_millis().max(1));
    let whole_ms = i64::try_from(late_ms - late_ms.rem_euclid(period_ms)).unwrap_or(0);
    after(first, SignedDuration::from_millis(whole_ms))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use tributary_runtime::clock::ManualClock;
    use tributary_runtime::ids::SystemIds;

    use super::*;
    use crate::lambda::Lambda;
    use crate::template::Template;

    #[tokio::test]
    async fn a_schedule_runs_when_it_is_due_and_once_for_all_runs_it_missed() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let handler = Arc::new(move |event: serde_json::Value, _| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            assert_eq!(event["source"], "aws.scheduler");
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(json!({})) })
        });
        let start: Timestamp = "2026-11-22T00:00:00Z".parse().expect("a time");
        let clock = ManualClock::at(start);
        let template = Template::embedded().expect("a template");
        let functions =
            BTreeMap::from([("HousekeepingFunction".to_owned(), Lambda::new("HousekeepingFunction", Duration::from_secs(1), handler))]);
        let gateway = Gateway::new(&template, functions, Arc::new(clock.clone()), Arc::new(SystemIds::default()));
        let scheduler = Scheduler::new(&template.schedules, Arc::new(gateway), Arc::new(clock.clone()));

        for (advance_ms, runs) in [(59_999, 0), (1, 1), (0, 1), (59_000, 1), (3_600_000, 2), (1_000, 3)] {
            clock.advance_ms(advance_ms);
            let _ = scheduler.run_due().await;
            assert_eq!(calls.load(Ordering::SeqCst), runs, "at {}", clock.now());
        }
    }

    #[test]
    fn the_last_due_run_is_a_whole_number_of_periods_later() {
        let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
        let (first, minute) = (at("2026-11-22T00:01:00Z"), SignedDuration::from_secs(60));
        assert_eq!(last_due(first, minute, first), first);
        assert_eq!(last_due(first, minute, at("2026-11-22T00:01:59.999Z")), first);
        assert_eq!(last_due(first, minute, at("2026-11-23T00:01:30Z")), at("2026-11-23T00:01:00Z"));
    }
}
