//! History from elsewhere: sums that other tools made of a day, kept as summary lines of sessions that never were.
//!
//! The session's id says where a sum comes from: `import+ccusage:+01:00` by its days' distance from UTC, `import+stats-cache:2026-01-05`
//! by the day it was computed for. No transcript's session can be called so: ids from there have no `+`. Such a line has no requests,
//! since nobody counted them, and `first_usage` and `last_usage` are the beginning and the end of its day there.

use super::line::{Summary, SummaryKey};
use crate::base::ids::SessionId;
use crate::base::time::{Day, Timestamp};

/// Who made the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// ccusage's report by day.
    Ccusage,
    /// Claude Code's `stats-cache.json`.
    StatsCache,
}

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The longest time that a line may be about: a day there lies within three days of UTC.
pub const LONGEST: i64 = 3 * DAY;

/// Tools tell differently when a request was, by the rows that they look at. So records count as told by a line if they are so near.
pub const NEAR: i64 = 60 * 60 * 1000;

impl Origin {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ccusage => "ccusage",
            Self::StatsCache => "stats-cache",
        }
    }

    /// The session of sums that differ from others of the same source by `mark`.
    pub fn session(self, mark: &str) -> SessionId {
        SessionId::new(format!("import+{}:{mark}", self.as_str()).into())
    }

    /// Where a session's lines come from; none for a session that was.
    pub fn of(session: &SessionId) -> Option<Self> {
        let (word, _) = session.as_str().strip_prefix("import+")?.split_once(':')?;
        [Self::Ccusage, Self::StatsCache].into_iter().find(|origin| origin.as_str() == word)
    }

    /// Where a line comes from; none for a line of withheld records.
    pub fn of_line(key: &SummaryKey, summary: &Summary) -> Option<Self> {
        Self::of(&key.session).filter(|_| summary.totals.requests == 0)
    }
}

/// The time that a line is about, in milliseconds, without its end. Where the line does not say so, it may be any part of the days around.
pub fn window(key: &SummaryKey, summary: &Summary) -> (i64, i64) {
    let around = around(key.day);
    let from = summary.first.millis().max(around.0);
    let to = summary.last.millis().saturating_add(1).min(around.1);
    if summary.first < summary.last && from < to { (from, to) } else { around }
}

/// The day before, the day, and the day after, in milliseconds, without the end.
pub fn around(day: Day) -> (i64, i64) {
    let start = day.start().millis();
    (start.saturating_sub(DAY), start.saturating_add(2 * DAY))
}

/// Records from when to when may decide what a line of this day counts.
pub fn reach(day: Day) -> (i64, i64) {
    let (from, to) = around(day);
    // Of the time of a record that was shortened only the day is known.
    (from.saturating_sub(DAY + NEAR), to.saturating_add(NEAR))
}

/// The whole of a UTC day, in milliseconds, without the end.
pub fn whole(day: Day) -> (i64, i64) {
    let start = day.start().millis();
    (start, start.saturating_add(DAY))
}

/// A time within it: noon of most days, so that it is the same date in most zones.
pub fn middle((from, to): (i64, i64)) -> Timestamp {
    Timestamp::from_millis(from + to.saturating_sub(from) / 2).unwrap_or(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_say_where_they_come_from() {
        assert_eq!(Origin::of(&Origin::Ccusage.session("-05:00")), Some(Origin::Ccusage));
        assert_eq!(Origin::of(&Origin::StatsCache.session("2026-01-05")), Some(Origin::StatsCache));
        for other in ["import+ccusage", "import-ccusage:+01:00", "import+elsewhere:x", "s1"] {
            assert_eq!(Origin::of(&SessionId::new(other.into())), None, "{other}");
        }
        assert!(crate::base::ids::token("import+ccusage:+01:00", "session", 128).starts_with("session-"), "transcripts cannot say so");
    }
}
