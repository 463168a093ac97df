//! Whose time it is: a tree of accounts may be on a test clock of its own, ahead of everybody else's. See `docs/test-clocks.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_domain::id::AccountId;
use tributary_domain::test_clock::TestClock;
use tributary_runtime::config::KeyMode;
use tributary_store::error::{Denied, StoreError};
use tributary_store::whose::Whose;

use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;

/// The header by which the operator names the test clock that a request goes by.
pub const HEADER: &str = "tributary-test-clock";

/// The app at the time that counts for a request: one read where the caller is on a test clock or `named` one.
///
/// # Errors
/// `validation_failed`; store errors.
pub(crate) async fn time_of(app: &App, caller: &Caller, named: Option<&str>) -> Result<App, Problem> {
    if caller.clock.is_none() && named.is_none() {
        return Ok(app.clone());
    }
    let wrong = |why: &str| Problem::field(format!("/header/{HEADER}"), why);
    if app.mode() == KeyMode::Live {
        return match named {
            Some(_) => Err(wrong("cannot be given here: test clocks are for platforms with test keys")),
            None => Ok(app.clone()),
        };
    }
    let clocks = app.store().test_clocks().await?;
    let found = |id: &str| clocks.iter().find(|clock| clock.id.as_str() == id);
    let Some(named) = named else {
        // Of a clock that was removed, nothing is left but a closed tree.
        let own = caller.clock.as_ref().and_then(|id| found(id.as_str()));
        return Ok(own.map_or_else(|| app.clone(), |clock| app.at(clock.offset_ms)));
    };
    let theirs = caller.grants.home_is_operator || caller.clock.as_ref().is_some_and(|own| own.as_str() == named);
    match found(named).filter(|_| theirs) {
        Some(clock) => Ok(app.at(clock.offset_ms)),
        None => Err(wrong("names no test clock that is yours")),
    }
}

/// The test clocks of a platform, read once for a piece of work: one query, and none where keys are live.
#[derive(Debug, Clone)]
pub struct Clocks {
    app: App,
    all: Vec<TestClock>,
}

impl Clocks {
    /// Reads them.
    ///
    /// # Errors
    /// Table errors.
    pub async fn read(app: &App) -> Result<Self, StoreError> {
        let all = if app.mode() == KeyMode::Live { Vec::new() } else { app.store().test_clocks().await? };
        Ok(Self { app: app.clone(), all })
    }

    /// All of them.
    pub fn all(&self) -> &[TestClock] {
        &self.all
    }

    /// The app at the time of an account: one read more if there is any clock.
    ///
    /// # Errors
    /// Table errors.
    pub async fn time_of(&self, account: &AccountId) -> Result<App, StoreError> {
        if self.all.is_empty() {
            return Ok(self.app.clone());
        }
        let account = match self.app.store().account(account).await {
            Ok(account) => account,
            Err(StoreError::Denied(Denied::Absent)) => return Ok(self.app.clone()),
            Err(error) => return Err(error),
        };
        let top = account.lineage.top(&account.id);
        let clock = self.all.iter().find(|clock| Some(&clock.account_id) == top);
        Ok(clock.map_or_else(|| self.app.clone(), |clock| self.app.at(clock.offset_ms)))
    }

    /// The app at the platform's time, whose lists of what is due leave the trees on clocks out: each is looked after in its own time. A read and a query
    /// for each clock.
    ///
    /// # Errors
    /// Table errors.
    pub async fn aside(&self) -> Result<App, StoreError> {
        if self.all.is_empty() {
            return Ok(self.app.clone());
        }
        let mut others = BTreeSet::new();
        for clock in &self.all {
            others.extend(tree(&self.app, &clock.account_id).await?);
        }
        Ok(self.app.of(Whose::But(Arc::new(others))))
    }
}

/// The app at the platform's time, as [`Clocks::aside`]: what schedules work with.
///
/// # Errors
/// Table errors.
pub async fn aside(app: &App) -> Result<App, StoreError> {
    Clocks::read(app).await?.aside().await
}

/// The accounts of a tree, its root included: a read and a query.
///
/// # Errors
/// Table errors.
pub async fn tree(app: &App, root: &AccountId) -> Result<BTreeSet<AccountId>, StoreError> {
    let root = app.store().account(root).await?;
    let below = app.store().whole_subtree(&root.id, &root.lineage).await?;
    Ok(below.into_iter().map(|account| account.id).chain([root.id]).collect())
}
