//! What a decision may do.
//!
//! Decisions stand in machine files, and of an encrypted fleet only files that may be read get here
//! ([`crate::git::admit`]): what a pusher without the key decides is void. What is asked here
//! prevents slips: a tombstone with a typing error in its day, and one that a person took
//! back.

use super::decisions::FORGOTTEN;
use crate::base::json::Extra;
use crate::base::time::{Day, Timestamp};

/// The member with the time at which a tombstone was made.
pub(crate) const MADE: &str = "made";
/// The member that takes a tombstone back.
pub(crate) const UNDONE: &str = "undone";

/// What a decision does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// What it decides.
    Holds,
    /// Nothing: it takes back others about the same subject.
    Undone,
    /// Nothing: it is about days after the one on which it was made, so that it would forget what
    /// nobody has used yet.
    Ahead,
}

/// What a decision does. `written`: when the file in which it stands was written last.
///
/// No clock is asked: all machines must agree, now and in a year.
pub(crate) fn effect(kind: &str, subject: &str, members: &Extra, written: Timestamp) -> Effect {
    if kind != FORGOTTEN {
        return Effect::Holds;
    }
    if members.get(UNDONE).is_some_and(|value| value == true) {
        return Effect::Undone;
    }
    match subject.split_once(':') {
        Some(("before", day))
            if Day::parse(day).is_some_and(|day| day > latest(members, written)) =>
        {
            Effect::Ahead
        }
        _ => Effect::Holds,
    }
}

/// When a tombstone was made, where it states that.
pub(crate) fn made(members: &Extra) -> Option<Timestamp> {
    Timestamp::parse(members.get(MADE)?.as_str()?)
}

/// The last day that a tombstone may name. One of an earlier version does not state when it was
/// made: at the latest when its file was written, and such a version let the next day pass.
fn latest(members: &Extra, written: Timestamp) -> Day {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let next = Timestamp::from_millis(written.millis().saturating_add(DAY)).unwrap_or(written);
    made(members).map_or(next.day(), Timestamp::day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_for_days_to_come_does_nothing_whenever_it_is_read() {
        let time = |text: &str| Timestamp::parse(text).expect("a time");
        let members =
            |made: Option<&str>| Extra::from_iter(made.map(|made| (MADE.to_owned(), made.into())));
        let of = |day: &str, made: Option<&str>, written: &str| {
            effect(
                FORGOTTEN,
                &format!("before:{day}"),
                &members(made),
                time(written),
            )
        };
        let (noon, later) = ("2026-03-10T12:00:00Z", "2206-03-10T12:00:00Z");
        assert_eq!(of("2026-03-10", Some(noon), noon), Effect::Holds);
        for written in [noon, later] {
            assert_eq!(of("2206-01-01", Some(noon), written), Effect::Ahead);
            assert_eq!(of("2026-03-11", Some(noon), written), Effect::Ahead);
        }
        assert_eq!(of("2026-03-11", None, noon), Effect::Holds);
        assert_eq!(of("2026-03-12", None, noon), Effect::Ahead);
        let undone = Extra::from([(UNDONE.to_owned(), true.into())]);
        assert_eq!(
            effect(FORGOTTEN, "session:x", &undone, time(noon)),
            Effect::Undone
        );
        assert_eq!(effect("label", "x", &undone, time(noon)), Effect::Holds);
    }
}
