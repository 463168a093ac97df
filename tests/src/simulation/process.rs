//! Processes: each a store with a memory of its own on the shared table, through a layer that fails by seed and yields by
//! seed, so that requests of one process and of several interleave.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tributary_store::Store;
use tributary_store::commit::Patience;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Item, Key, Page, Query, Table, TableError, Write};

use super::auditor::Audited;

/// A table that lets others go first, by seed.
#[derive(Debug)]
struct Yielding<T> {
    inner: T,
    random: Mutex<SmallRng>,
}

impl<T> Yielding<T> {
    async fn turn(&self) {
        let turns = self.random.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..3_u8);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl<T: Table> Table for Yielding<T> {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.turn().await;
        self.inner.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.turn().await;
        self.inner.batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.turn().await;
        self.inner.query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        self.turn().await;
        self.inner.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.turn().await;
        let outcome = self.inner.transact(writes).await;
        self.turn().await;
        outcome
    }
}

/// One process.
#[derive(Debug)]
pub struct Process {
    faulty: Arc<Faulty<Arc<Audited>>>,
    table: Arc<dyn Table>,
    store: Mutex<Store>,
}

impl Process {
    /// A process that fails by `seed`.
    pub fn new(audited: &Arc<Audited>, memory: &MemoryTable, seed: u64, faults: Faults) -> Self {
        let faulty = Arc::new(Faulty::new(Arc::clone(audited), seed, faults).lagging_behind(memory.clone()));
        let random = Mutex::new(SmallRng::seed_from_u64(seed ^ 0x5eed));
        let table: Arc<dyn Table> = Arc::new(Yielding { inner: Arc::clone(&faulty), random });
        let store = Mutex::new(Store::new(Arc::clone(&table), Patience::eager(6)));
        Self { faulty, table, store }
    }

    /// Its store.
    pub fn store(&self) -> Store {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Dies at the `calls`-th call from now.
    pub fn kill_in(&self, calls: u64, moment: Moment) {
        self.faulty.kill_in(calls, moment);
    }

    /// Starts again, remembering nothing, if it was killed.
    pub fn restart_if_killed(&self) {
        if self.faulty.is_killed() {
            self.restart();
        }
    }

    /// Starts again, remembering nothing.
    pub fn restart(&self) {
        self.faulty.revive();
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Store::new(Arc::clone(&self.table), Patience::eager(6));
    }

    /// Its table, with the faults.
    pub fn table(&self) -> Arc<dyn Table> {
        Arc::clone(&self.table)
    }

    /// From now on it fails like this.
    pub fn fail(&self, faults: Faults) {
        self.faulty.set_faults(faults);
    }

    /// Whether it is dead.
    pub fn is_killed(&self) -> bool {
        self.faulty.is_killed()
    }

    /// Ends all faults.
    pub fn calm(&self) {
        self.faulty.calm();
    }

    /// How many faults struck.
    pub fn injected(&self) -> u64 {
        self.faulty.injected()
    }
}
