//! `auto_sync` in `config.json`: runs that nobody asks for.

use crate::base::json::{FieldError, Fields};

/// The longest interval that may be set, in seconds: seven days.
const MOST: u64 = 7 * 24 * 60 * 60;

/// The settings that there are.
pub(super) const KEYS: [&str; 4] = [
    "minimum_interval_seconds",
    "maximum_interval_seconds",
    "seconds_per_machine",
    "after_each_session",
];

/// `auto_sync`: how far automatic runs stay apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Auto {
    /// `minimum_interval_seconds`: so long they stay apart in a small fleet.
    pub(crate) interval: u64,
    /// `maximum_interval_seconds`: so long they stay apart at most in a large one.
    pub(crate) most: u64,
    /// `seconds_per_machine`: the interval grows by so much with each machine that syncs.
    pub(crate) per_machine: u64,
    /// `after_each_session`: the end of a session waits for the minimum interval only.
    pub(crate) after_each_session: bool,
}

impl Default for Auto {
    fn default() -> Self {
        Self {
            interval: 300,
            most: 3600,
            per_machine: 12,
            after_each_session: true,
        }
    }
}

impl Auto {
    /// How far runs stay apart, in seconds, where so many machines sync.
    pub(crate) fn interval_for(&self, machines: u64) -> u64 {
        let most = self.most.max(self.interval);
        self.per_machine
            .saturating_mul(machines)
            .clamp(self.interval, most)
    }
}

/// Takes the settings out of their object.
pub(super) fn take(fields: &mut Fields) -> Result<Auto, FieldError> {
    let mut out = Auto::default();
    for (key, value) in [
        ("minimum_interval_seconds", &mut out.interval),
        ("maximum_interval_seconds", &mut out.most),
        ("seconds_per_machine", &mut out.per_machine),
    ] {
        if let Some(given) = fields.take(key) {
            let seconds = given.as_u64().filter(|seconds| *seconds <= MOST);
            *value = seconds.ok_or_else(|| FieldError {
                key: key.to_owned(),
                want: "a whole number of seconds, at most 7 days",
            })?;
        }
    }
    // Not `flag`: without the setting, the end of a session is one.
    if let Some(value) = fields.take("after_each_session") {
        out.after_each_session = value.as_bool().ok_or_else(|| FieldError {
            key: "after_each_session".to_owned(),
            want: "true or false",
        })?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_grows_with_the_fleet_within_its_bounds() {
        let auto = Auto::default();
        let apart = [0, 1, 25, 26, 60, 300, 500, u64::MAX].map(|n| auto.interval_for(n));
        assert_eq!(apart, [300, 300, 300, 312, 720, 3600, 3600, 3600]);
        let constant = Auto {
            per_machine: 0,
            ..Auto::default()
        };
        assert_eq!(constant.interval_for(500), 300);
        let contradicting = Auto {
            interval: 7200,
            ..Auto::default()
        };
        assert_eq!(contradicting.interval_for(500), 7200);
    }
}
