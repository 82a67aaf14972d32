//! The pace of automatic runs, and the result of the last one: `auto.json` in the state folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::AutoError;
use crate::base::time::Timestamp;
use crate::store::durable::{self, WriteError};
use crate::store::private;

/// The last automatic run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// Its trigger: `hook`, `timer` or `hand`.
    pub(crate) trigger: String,
    /// When it began (RFC 3339).
    pub(crate) began: String,
    /// When it ended (RFC 3339); `None` while it runs, and if it was killed.
    pub(crate) ended: Option<String>,
    /// Its exit code.
    pub(crate) code: Option<u8>,
    /// The error, if it failed.
    pub(crate) error: Option<String>,
}

impl LastRun {
    /// When it began; `None` if the text is not a time.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.began)
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("auto.json")
}

/// The last automatic run; `None` if there was none, or its file cannot be read.
pub(crate) fn last(state: &Path) -> Option<LastRun> {
    serde_json::from_slice(&std::fs::read(path(state)).ok()?).ok()
}

/// Stores the last automatic run.
pub(crate) fn remember(state: &Path, last: &LastRun) -> Result<(), AutoError> {
    let text = serde_json::to_string_pretty(last).unwrap_or_default();
    Ok(durable::write(&path(state), text.as_bytes())?)
}

/// Whether `interval` seconds have passed since the last run began. A time in the future came from
/// a wrong clock, and is ignored.
pub(crate) fn is_due(last: Option<&LastRun>, now: Timestamp, interval: u64) -> bool {
    let Some(began) = last.and_then(LastRun::began).filter(|began| *began <= now) else {
        return true;
    };
    u64::try_from(now.since(began) / 1000).unwrap_or(0) >= interval
}

/// Locks automatic runs: only one runs at a time. `None` if another has the lock. Dropping the
/// file, or the end of the process, unlocks it.
pub(crate) fn take_turn(state: &Path) -> Result<Option<File>, AutoError> {
    let path = state.join("auto.lock");
    let fail = |source| {
        AutoError::Write(WriteError {
            path: path.clone(),
            source,
        })
    };
    private::make_folder(state).map_err(fail)?;
    let file = private::open_file(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(fail(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_due_after_the_interval_or_if_the_clock_went_back() {
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let last = LastRun {
            trigger: "hook".into(),
            began: "2026-03-10T12:00:00.000Z".into(),
            ended: None,
            code: None,
            error: None,
        };
        assert!(is_due(None, at("2026-03-10T12:00:00Z"), 300));
        assert!(!is_due(Some(&last), at("2026-03-10T12:04:59Z"), 300));
        assert!(is_due(Some(&last), at("2026-03-10T12:05:00Z"), 300));
        assert!(
            is_due(Some(&last), at("2016-03-10T12:00:00Z"), 300),
            "the clock went back"
        );
        assert!(is_due(
            Some(&LastRun {
                began: "long ago".into(),
                ..last
            }),
            at("2026-03-10T12:00:00Z"),
            300
        ));
    }

    #[test]
    fn only_one_run_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let turn = take_turn(folder.path()).expect("works");
        assert!(turn.is_some() && take_turn(folder.path()).expect("works").is_none());
        drop(turn);
        assert!(take_turn(folder.path()).expect("works").is_some());
    }
}
