//! What Claude Code stated of plan limits on this machine: `limits.json` in the state folder.
//!
//! The status line writes it, at most once a minute and account. It takes no lock: of two writers
//! at once one is lost, and Claude Code states the same again a moment later.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::config::Config;
use super::durable::{self, WriteError};
use crate::base::join::Join as _;
use crate::base::json::{self, Doc, Fields, Object};
use crate::base::time::Timestamp;
use crate::format::plan;
use crate::record::{PlanLimits, Point, Series, Used};

/// The largest file that is read, in bytes. Ours have a few thousand.
const MOST_BYTES: u64 = 4 << 20;
/// How far apart writes for one account are, in ms.
const PAUSE: i64 = 60 * 1000;

/// What Claude Code states of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stated {
    /// The window's name.
    pub(crate) window: String,
    /// How much of it was used.
    pub(crate) used: Used,
    /// When it ends, if that is stated.
    pub(crate) ends: Option<Timestamp>,
}

/// The file's content.
#[derive(Debug, Clone, Default)]
struct Stored {
    limits: PlanLimits,
    /// When an account was written last.
    written: BTreeMap<String, Timestamp>,
}

fn place(state: &Path) -> PathBuf {
    state.join("limits.json")
}

/// The plan limits that are known from this machine. None where the file cannot be read: Claude
/// Code states them again.
pub(crate) fn read(state: &Path) -> PlanLimits {
    read_stored(state).unwrap_or_default().limits
}

/// The plan limits that leave this machine.
pub(crate) fn to_sync(state: &Path, config: &Config, summary_only: bool) -> PlanLimits {
    // Their times are times of day.
    if config.keep_limits || summary_only {
        return PlanLimits::default();
    }
    let mut limits = read(state);
    if config.exclude_project_names || config.hash_project_names {
        // The name of a folder may be that of a project; what the user wrote is meant to be seen.
        limits.keep_accounts(|name| config.accounts.is_named(name));
    }
    limits
}

/// Keeps what Claude Code states for an account, unless that was done a moment ago.
pub(crate) fn note(
    state: &Path,
    account: &str,
    stated: &[Stated],
    now: Timestamp,
) -> Result<(), WriteError> {
    let mut new = PlanLimits::default();
    for one in stated {
        add(&mut new, account, one, now);
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut stored = read_stored(state).unwrap_or_default();
    let last = stored.written.get(account);
    if last.is_some_and(|last| (0..PAUSE).contains(&now.since(*last))) {
        return Ok(());
    }
    stored.limits = stored.limits.join(new);
    let is_known = |name: &String| {
        stored
            .limits
            .series()
            .any(|(series, _)| series.account == *name)
    };
    stored.written.insert(account.to_owned(), now);
    stored.written.retain(|name, _| is_known(name));
    durable::write(&place(state), stored.write().as_bytes())
}

/// Adds what is stated of a window now, if the window can be: one that has ended, or ends too late,
/// was stated long ago or meets a wrong clock.
fn add(limits: &mut PlanLimits, account: &str, stated: &Stated, now: Timestamp) {
    let Some(ends) = stated.ends else { return };
    let point = Point::new(now.millis().div_euclid(1000), stated.used);
    let series = Series::new(account, &stated.window);
    let can_be = |series: &Series| series.can_end_in(ends.since(now));
    if let Some((series, point)) = series.filter(can_be).zip(point) {
        limits.add(series, ends, point);
    }
}

fn read_stored(state: &Path) -> Option<Stored> {
    let mut bytes = Vec::new();
    let file = File::open(place(state)).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    let mut fields = Fields::of(serde_json::from_slice(&bytes).ok()?)?;
    let limits = fields.take("limits").map(plan::read).unwrap_or_default();
    let written = fields.object("written").ok()?.map(Fields::rest);
    let time = |value: Value| Timestamp::parse(value.as_str()?);
    let written = written.unwrap_or_default().into_iter();
    Some(Stored {
        limits,
        written: written
            .filter_map(|(name, value)| Some((name, time(value)?)))
            .collect(),
    })
}

impl Stored {
    fn write(&self) -> String {
        let written = self.written.iter();
        let written = written.map(|(name, time)| (name.clone().into(), Doc::from(*time)));
        let out = Object::new()
            .spec("version", 1)
            .spec("written", Doc::Block(written.collect()))
            .spec_opt("limits", plan::doc(&self.limits));
        json::file(&out.block())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::accounts::DEFAULT;
    use crate::store::config;

    const NOW: &str = "2026-11-28T12:00:00Z";

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn stated(window: &str, used: u64, ends: &str) -> Stated {
        Stated {
            window: window.to_owned(),
            used: Used::new(used).expect("a share"),
            ends: Some(time(ends)),
        }
    }

    #[test]
    fn a_moment_later_nothing_is_written_for_the_same_account() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = |account: &str, used, now: &str| {
            let stated = stated("five_hour", used, "2026-11-28T15:00:00Z");
            note(folder.path(), account, &[stated], time(now)).expect("written");
        };
        let state = |account: &str| {
            let limits = read(folder.path());
            let mut windows = limits
                .windows()
                .filter(|(series, ..)| series.account == account);
            let point = windows
                .next()
                .and_then(|(.., window)| window.state(time(NOW)));
            point.map(|point| point.used.hundredths())
        };
        note("default", 1000, NOW);
        note("default", 1100, "2026-11-28T12:00:59Z");
        note("work", 7000, "2026-11-28T12:00:59Z");
        assert_eq!((state("default"), state("work")), (Some(1000), Some(7000)));
        note("default", 1200, "2026-11-28T12:01:00Z");
        assert_eq!(state("default"), Some(1200));
        // The clock was set back.
        note("default", 1300, "2026-11-28T11:00:00Z");
        assert_eq!(
            read(folder.path())
                .windows()
                .map(|(.., w)| w.points().len())
                .max(),
            Some(2)
        );
    }

    #[test]
    fn windows_that_cannot_be_are_not_kept() {
        for (ends, kept) in [
            ("2026-11-28T11:59:59Z", false),
            ("2026-11-28T12:00:00Z", false),
            ("2026-11-28T12:01:00Z", true),
            ("2026-11-29T17:00:00Z", true),
            ("2026-11-29T17:01:00Z", false),
            ("9999-11-29T17:01:00Z", false),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let stated = [stated("five_hour", 1000, ends)];
            note(folder.path(), DEFAULT, &stated, time(NOW)).expect("no error");
            assert_eq!(!read(folder.path()).is_empty(), kept, "{ends}");
        }
    }

    #[test]
    fn a_broken_file_is_written_anew() {
        for broken in ["", "{", "[]", "{\"limits\":7}", "{\"written\":[]}"] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(place(folder.path()), broken).expect("written");
            assert!(read(folder.path()).is_empty());
            let stated = [stated("seven_day", 1000, "2026-11-30T12:00:00Z")];
            note(folder.path(), DEFAULT, &stated, time(NOW)).expect("written");
            assert!(!read(folder.path()).is_empty(), "{broken}");
        }
    }

    #[test]
    fn only_named_accounts_leave_where_project_names_are_hidden() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, r#"{"accounts":{"~/.claude-b":"b"}}"#).expect("written");
        let mut config = config::read(&path).expect("valid");
        for account in ["default", "b", "claude-secret"] {
            let stated = [stated("five_hour", 1000, "2026-11-28T15:00:00Z")];
            note(folder.path(), account, &stated, time(NOW)).expect("written");
        }
        let accounts = |config: &Config, summary_only| {
            let limits = to_sync(folder.path(), config, summary_only);
            let accounts = limits.windows().map(|(series, ..)| series.account.clone());
            accounts.collect::<Vec<_>>()
        };
        assert_eq!(accounts(&config, false), ["b", "claude-secret", "default"]);
        assert!(accounts(&config, true).is_empty(), "times of day");
        config.exclude_project_names = true;
        assert_eq!(accounts(&config, false), ["b", "default"]);
        config.keep_limits = true;
        assert!(accounts(&config, false).is_empty());
    }
}
