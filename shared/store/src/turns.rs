//! Turns: requests of one process on the same ledgers go one after another. Between processes the table decides; inside
//! one, waiting is cheaper than being refused.
//!
//! A request waits for all its ledgers at once and holds none while it waits, so a crowd on one hot account delays
//! nobody elsewhere. Who came first goes first.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The turns of one process. Names are shared out over small numbers; two names with one number only wait needlessly.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    busy: BTreeSet<u8>,
    waiting: VecDeque<(BTreeSet<u8>, oneshot::Sender<Turn>)>,
}

/// A turn; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    numbers: BTreeSet<u8>,
}

impl Turns {
    /// Waits until none of `numbers` is in use or asked for by somebody earlier. Dropping the wait gives up the place.
    pub async fn wait(self: &Arc<Self>, numbers: BTreeSet<u8>) -> Option<Turn> {
        let told = {
            let mut state = self.lock();
            if state.is_free(&numbers) {
                state.busy.extend(&numbers);
                return Some(Turn { turns: Arc::clone(self), numbers });
            }
            let (tell, told) = oneshot::channel();
            state.waiting.push_back((numbers, tell));
            told
        };
        // The queue never drops who waits; if it did, going on without a turn is safe, only dearer.
        told.await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(self: &Arc<Self>, numbers: &BTreeSet<u8>) {
        let next = self.lock().end(numbers);
        for (numbers, tell) in next {
            // Who gave up meanwhile does not take the turn: it is dropped here, and so ends.
            let _ = tell.send(Turn { turns: Arc::clone(self), numbers });
        }
    }
}

impl State {
    fn is_free(&self, numbers: &BTreeSet<u8>) -> bool {
        self.busy.is_disjoint(numbers) && self.waiting.iter().all(|(earlier, _)| earlier.is_disjoint(numbers))
    }

    /// Frees `numbers` and takes out of the queue, in order, everyone whose turn it now is.
    fn end(&mut self, numbers: &BTreeSet<u8>) -> Vec<(BTreeSet<u8>, oneshot::Sender<Turn>)> {
        self.busy.retain(|number| !numbers.contains(number));
        let (mut next, mut still, mut asked) = (Vec::new(), VecDeque::new(), BTreeSet::new());
        for (numbers, tell) in std::mem::take(&mut self.waiting) {
            if self.busy.is_disjoint(&numbers) && asked.is_disjoint(&numbers) {
                self.busy.extend(&numbers);
                next.push((numbers, tell));
            } else {
                asked.extend(&numbers);
                still.push_back((numbers, tell));
            }
        }
        self.waiting = still;
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(&self.numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn wait(turns: &Arc<Turns>, numbers: &[u8]) -> impl Future<Output = Option<Turn>> + Unpin + use<> {
        let (turns, numbers) = (Arc::clone(turns), numbers.iter().copied().collect());
        Box::pin(async move { turns.wait(numbers).await })
    }

    #[test]
    fn who_waits_for_one_ledger_holds_no_other() {
        let turns = Arc::new(Turns::default());
        let hot = wait(&turns, &[1]).now_or_never().flatten().expect("free");
        let mut both = wait(&turns, &[1, 2]);
        assert!((&mut both).now_or_never().is_none());
        let mut later = wait(&turns, &[2]);
        assert!((&mut later).now_or_never().is_none(), "who came first goes first");
        assert!(wait(&turns, &[3]).now_or_never().flatten().is_some(), "nobody else waits");
        drop(hot);
        let turn = both.now_or_never().flatten().expect("its turn");
        assert!((&mut later).now_or_never().is_none());
        drop(turn);
        assert!(later.now_or_never().flatten().is_some());
    }

    #[test]
    fn who_gives_up_leaves_no_trace() {
        let turns = Arc::new(Turns::default());
        let first = wait(&turns, &[1]).now_or_never().flatten().expect("free");
        let mut impatient = wait(&turns, &[1]);
        assert!((&mut impatient).now_or_never().is_none());
        let mut patient = wait(&turns, &[1]);
        assert!((&mut patient).now_or_never().is_none());
        drop(impatient);
        drop(first);
        assert!(patient.now_or_never().flatten().is_some());
        assert!(wait(&turns, &[1]).now_or_never().flatten().is_some());
    }
}
