//! May what a run makes leave in clear? Decided in one place (`decide`), and checked once more on
//! the very commits that are pushed ([`crate::merge::push_check::clear`]).
//!
//! The attacker is a server, or a pusher, that shows an empty, rewound or plain repository to a
//! machine of an encrypted fleet. So a machine remembers that its fleet is encrypted: in the clone,
//! and in `config.json` for the next clone.

/// The mark of a clone that knows only that its fleet is encrypted, and not with which key.
pub(super) const SOME_KEY: &str = "unknown";

/// How what a run makes may leave the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Sealed by the fleet's key.
    Sealed,
    /// In clear: this fleet is not encrypted.
    Clear,
    /// Not at all: what the remote has is encrypted with the key of this mark, and that is not the
    /// one that is here.
    Locked(String),
    /// Not at all: this fleet is encrypted, the remote shows nothing of that, and the key is not
    /// here.
    Held,
}

/// What is known about how a fleet is encrypted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts<'a> {
    /// The mark of the key that is here.
    pub(crate) key: Option<&'a str>,
    /// The key of this mark replaced the one that is here, by the word of somebody who had that
    /// one.
    pub(crate) replaced: Option<&'a str>,
    /// What the clone remembers: the mark of the fleet's key.
    pub(crate) marked: Option<&'a str>,
    /// That key was replaced by the one that is here.
    pub(crate) marked_former: bool,
    /// `config.json` asks for encryption.
    pub(crate) asked: bool,
    /// The mark of the key that most of what the remote shows is sealed with; none where it shows
    /// nothing, or nothing sealed.
    pub(crate) shown: Option<&'a str>,
    /// That key was replaced by the one that is here.
    pub(crate) shown_former: bool,
}

/// How what a run makes may leave.
pub(crate) fn decide(facts: Facts<'_>) -> Leave {
    let is_marked = facts.marked.is_some();
    let Some(key) = facts.key else {
        return match facts.shown {
            Some(mark) => Leave::Locked(mark.to_owned()),
            None if is_marked || facts.asked => Leave::Held,
            None => Leave::Clear,
        };
    };
    if let Some(new) = facts.replaced {
        return Leave::Locked(new.to_owned());
    }
    // This clone belongs to a fleet with another key.
    if let Some(mark) = facts
        .marked
        .filter(|mark| *mark != key && *mark != SOME_KEY && !facts.marked_former)
    {
        return Leave::Locked(
            facts
                .shown
                .filter(|shown| *shown != key)
                .unwrap_or(mark)
                .to_owned(),
        );
    }
    match facts.shown {
        // Somebody without the key can replace everything by files that claim another one. A fleet
        // whose key changed has a statement of that.
        Some(mark) if mark != key && !facts.shown_former && !is_marked => {
            Leave::Locked(mark.to_owned())
        }
        Some(_) => Leave::Sealed,
        None if is_marked || facts.asked => Leave::Sealed,
        None => Leave::Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: Option<&str> = Some("key");

    #[test]
    fn nothing_leaves_in_clear_where_the_fleet_was_ever_encrypted() {
        let plain = Facts::default();
        assert_eq!(decide(plain), Leave::Clear);
        assert_eq!(
            decide(Facts { key: K, ..plain }),
            Leave::Clear,
            "a key for names alone"
        );
        for marked in [K, Some(SOME_KEY), Some("other")] {
            for (key, shown) in [
                (None, None),
                (None, K),
                (None, Some("other")),
                (K, None),
                (K, K),
                (K, Some("other")),
            ] {
                let leave = decide(Facts {
                    key,
                    marked,
                    shown,
                    ..plain
                });
                assert_ne!(leave, Leave::Clear, "{key:?} {shown:?} {marked:?}");
                assert_eq!(
                    leave == Leave::Sealed,
                    key.is_some() && marked != Some("other"),
                    "{key:?} {shown:?} {marked:?}"
                );
            }
        }
    }

    #[test]
    fn another_key_locks_out_newcomers_and_stops_nobody_who_belongs_to_the_fleet() {
        let facts = Facts {
            key: K,
            shown: Some("other"),
            ..Facts::default()
        };
        let locked = Leave::Locked("other".to_owned());
        assert_eq!(decide(facts), locked);
        assert_eq!(decide(Facts { marked: K, ..facts }), Leave::Sealed);
        assert_eq!(
            decide(Facts {
                marked: K,
                replaced: Some("other"),
                ..facts
            }),
            locked
        );
        assert_eq!(
            decide(Facts {
                shown: Some("old"),
                shown_former: true,
                ..facts
            }),
            Leave::Sealed
        );
        assert_eq!(
            decide(Facts {
                marked: Some("old"),
                marked_former: true,
                shown: None,
                ..facts
            }),
            Leave::Sealed
        );
    }
}
