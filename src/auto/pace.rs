//! How often automatic runs happen, and how the last one went: `auto.json` in the state folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::AutoError;
use crate::base::time::Timestamp;
use crate::store::durable::{self, WriteError};
use crate::store::private;

/// The last automatic run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// What started it: `hook`, `timer` or `hand`.
    pub trigger: String,
    /// When it began.
    pub began: String,
    /// When it ended; none while it is going on, or where it was cut off.
    pub ended: Option<String>,
    /// Its exit code.
    pub code: Option<u8>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Last {
    /// When it began.
    pub fn began(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.began)
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("auto.json")
}

/// The last automatic run; none where there was none, or nobody knows.
pub fn last(state: &Path) -> Option<Last> {
    serde_json::from_slice(&std::fs::read(path(state)).ok()?).ok()
}

/// Writes it down.
pub fn remember(state: &Path, last: &Last) -> Result<(), AutoError> {
    let text = serde_json::to_string_pretty(last).unwrap_or_default();
    Ok(durable::write(&path(state), text.as_bytes())?)
}

/// Whether so many seconds have passed since the last run began. A run in the future was noted by a wrong clock.
pub fn is_due(last: Option<&Last>, now: Timestamp, interval: u64) -> bool {
    let Some(began) = last.and_then(Last::began).filter(|began| *began <= now) else {
        return true;
    };
    u64::try_from(now.since(began) / 1000).unwrap_or(0) >= interval
}

/// Holds the place of the one automatic run; none where another has it. It is free again when the value is dropped, or its process ends.
pub fn take_turn(state: &Path) -> Result<Option<File>, AutoError> {
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
    fn runs_keep_their_distance_whatever_the_clock_says() {
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let last = Last {
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
            Some(&Last {
                began: "long ago".into(),
                ..last
            }),
            at("2026-03-10T12:00:00Z"),
            300
        ));
    }

    #[test]
    fn one_has_its_turn_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let turn = take_turn(folder.path()).expect("works");
        assert!(turn.is_some() && take_turn(folder.path()).expect("works").is_none());
        drop(turn);
        assert!(take_turn(folder.path()).expect("works").is_some());
    }
}
