//! What a data directory keeps beside the table: `local.json`, readable by its owner only, and a lock that keeps a second
//! process out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tributary_domain::version::DATA_LAYOUT;
use tributary_runtime::ids::IdSource;

use crate::seed::Demo;

const STATE_FILE: &str = "local.json";
const LOCK_FILE: &str = "lock";
/// The engine's file in a data directory.
pub const ENGINE_FILE: &str = "tributary.sqlite";

/// What outlives a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The layout of the stored items.
    pub layout: i64,
    /// The secret under which keys are hashed and cursors are sealed.
    pub pepper: String,
    /// The key of the operator's owner; absent while the first start is not through.
    pub operator_key: Option<String>,
    /// How far the test clock runs ahead.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// The demo.
    #[serde(default)]
    pub demo: DemoState,
}

/// How far the demo is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DemoState {
    /// It was not wanted at the first start.
    #[default]
    Unwanted,
    /// It is to be made, or was being made.
    Pending,
    /// It is there.
    Made(Demo),
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process is at work in it.
    #[error("another process uses the data in {0}: stop it, or choose another directory with --data")]
    InUse(PathBuf),
    /// A newer version wrote it.
    #[error(
        "the data in {dir} was written by a newer version (layout {found}, this version knows up to {DATA_LAYOUT}): update, or choose another directory with --data"
    )]
    Newer {
        /// The directory.
        dir: PathBuf,
        /// The layout that was found.
        found: i64,
    },
    /// The state file cannot be read, or is missing beside data.
    #[error("{file} {problem}; without it the data in its directory cannot be read: restore it, or delete the directory to start afresh")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file system failed.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// How.
        error: io::Error,
    },
    /// The system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] tributary_runtime::ids::NoRandomness),
}

/// Keeps the state, in a directory or in memory.
#[derive(Debug)]
pub struct Keeper {
    place: Option<Place>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Place {
    dir: PathBuf,
    /// Held as long as the process uses the directory.
    _lock: File,
}

impl Keeper {
    /// A fresh state that lives as long as this value.
    ///
    /// # Errors
    /// [`StateError::NoRandomness`].
    pub fn in_memory(seed: bool, ids: &dyn IdSource) -> Result<Self, StateError> {
        Ok(Self { place: None, state: Mutex::new(State::fresh(seed, ids)?) })
    }

    /// The state of a directory, which is made if it is missing, and locked until the value is dropped.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(dir: &Path, seed: bool, ids: &dyn IdSource) -> Result<Self, StateError> {
        let fails = |error| StateError::Io { path: dir.to_owned(), error };
        make_private_dir(dir).map_err(fails)?;
        let lock = OpenOptions::new().create(true).append(true).open(dir.join(LOCK_FILE)).map_err(fails)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(fails(error)),
        }
        let stored = read(dir)?;
        let (state, first) = match stored {
            Some(state) => (state, false),
            None => (State::fresh(seed, ids)?, true),
        };
        let keeper = Self { place: Some(Place { dir: dir.to_owned(), _lock: lock }), state: Mutex::new(state) };
        if first {
            keeper.update(|_| ())?;
        }
        Ok(keeper)
    }

    /// The state as it is now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Changes the state; it is on disk when this returns.
    ///
    /// # Errors
    /// [`StateError::Io`]; the state is unchanged then.
    pub fn update(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        let mut state = self.lock();
        let mut changed = state.clone();
        change(&mut changed);
        if let Some(place) = &self.place {
            let path = place.dir.join(STATE_FILE);
            let text = serde_json::to_vec_pretty(&changed).unwrap_or_default();
            write_private(&path, &text).map_err(|error| StateError::Io { path, error })?;
        }
        *state = changed;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fresh(seed: bool, ids: &dyn IdSource) -> Result<Self, StateError> {
        let mut pepper = [0_u8; 32];
        ids.fill(&mut pepper)?;
        let pepper = pepper.iter().map(|byte| format!("{byte:02x}")).collect();
        let demo = if seed { DemoState::Pending } else { DemoState::Unwanted };
        Ok(Self { layout: DATA_LAYOUT, pepper, operator_key: None, clock_offset_ms: 0, demo })
    }
}

/// The stored state; `None` in a directory that holds no data yet.
fn read(dir: &Path) -> Result<Option<State>, StateError> {
    let file = dir.join(STATE_FILE);
    let damaged = |problem: String| StateError::Damaged { file: file.clone(), problem };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.join(ENGINE_FILE).exists() => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("is missing".to_owned())),
        Err(error) => return Err(StateError::Io { path: file, error }),
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| damaged(format!("is not JSON ({error})")))?;
    // The layout comes first: of a newer one nothing else can be relied on.
    match value["layout"].as_i64() {
        Some(found) if found > DATA_LAYOUT => return Err(StateError::Newer { dir: dir.to_owned(), found }),
        Some(_) => {}
        None => return Err(damaged("names no layout".to_owned())),
    }
    serde_json::from_value(value).map(Some).map_err(|error| damaged(format!("cannot be read ({error})")))
}

/// Makes a directory that only its owner may look into, with those above it.
///
/// # Errors
/// What the file system says.
pub fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// What the file system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, bytes, true)
}

/// The same, for what a killed process must not lose, but a machine without power may.
///
/// # Errors
/// What the file system says.
pub fn write_lightly(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, bytes, false)
}

fn write_whole(path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let unfinished = path.with_file_name(name);
    // A leftover of a killed process may have other permissions.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    if synced {
        file.sync_all()?;
    }
    std::fs::rename(&unfinished, path)
}

/// Makes sure that the names of a directory's files outlive the machine.
///
/// # Errors
/// What the file system says.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    // Only Unix opens directories; elsewhere the file's own sync has to do.
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tributary_runtime::ids::SystemIds;

    use super::*;

    fn open(dir: &Path) -> Result<Keeper, StateError> {
        Keeper::open(dir, true, &SystemIds::default())
    }

    #[test]
    fn the_state_outlives_the_process_and_belongs_to_its_owner() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = open(dir.path()).expect("a fresh directory");
        first.update(|state| state.operator_key = Some("rk_test_1".to_owned())).expect("written");
        let written = first.state();
        drop(first);
        assert_eq!(open(dir.path()).expect("the same directory").state(), written);
        #[cfg(unix)]
        {
            let metadata = std::fs::metadata(dir.path().join(STATE_FILE)).expect("a file");
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
        }
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let _first = open(dir.path()).expect("a fresh directory");
        assert!(matches!(open(dir.path()), Err(StateError::InUse(_))));
    }

    #[test]
    fn data_of_a_newer_version_and_data_without_its_state_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let newer = format!(r#"{{"layout": {}, "anything": "else"}}"#, DATA_LAYOUT + 1);
        std::fs::write(dir.path().join(STATE_FILE), newer).expect("written");
        assert!(matches!(open(dir.path()), Err(StateError::Newer { .. })));
        std::fs::write(dir.path().join(STATE_FILE), "{").expect("written");
        assert!(matches!(open(dir.path()), Err(StateError::Damaged { .. })));
        std::fs::remove_file(dir.path().join(STATE_FILE)).expect("removed");
        std::fs::write(dir.path().join(ENGINE_FILE), "").expect("written");
        assert!(matches!(open(dir.path()), Err(StateError::Damaged { .. })));
    }
}
