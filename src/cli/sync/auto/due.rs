//! Whether an automatic run is due: how far runs stay apart grows with the number of machines that
//! sync.

use super::trigger::Trigger;
use crate::auto::pace::{self, LastRun};
use crate::base::time::Timestamp;
use crate::store::Places;
use crate::store::auto_sync::Auto;
use crate::sync;

/// Timers start a run every hour.
const HOUR: u64 = 60 * 60;

/// By so many seconds a timer may be early.
const EARLY: u64 = 300;

/// How far runs stay apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The machines that synced in the last seven days; none where that is not known.
    pub(super) machines: Option<u64>,
    /// In seconds.
    pub(super) interval: u64,
    /// It is longer than in a small fleet.
    pub(super) is_slow: bool,
}

impl Pace {
    /// The pace of this fleet.
    pub(super) fn of(places: &Places, auto: &Auto, now: Timestamp) -> Self {
        let machines = sync::active_machines(places, now);
        let interval = auto.interval_for(machines.unwrap_or(1));
        Self {
            machines,
            interval,
            is_slow: interval > auto.interval,
        }
    }
}

/// Whether a run is due. `ends_session`: a session ended, so that the machine may go to sleep next.
/// That is asked only where it matters.
///
/// A timer comes every hour and waits for nothing, unless the interval is longer than that.
pub(super) fn is_due(
    places: &Places,
    auto: &Auto,
    trigger: Trigger,
    ends_session: impl FnOnce() -> bool,
    now: Timestamp,
) -> bool {
    let last = pace::last(&places.state);
    let passed = |seconds| pace::is_due(last.as_ref(), now, seconds);
    match trigger {
        Trigger::Hand => true,
        Trigger::Hook if !passed(auto.interval) => false,
        Trigger::Hook => {
            passed(Pace::of(places, auto, now).interval)
                || auto.after_each_session && ends_session()
        }
        Trigger::Timer if is_long_ago(last.as_ref(), now, auto) => true,
        Trigger::Timer => {
            let interval = Pace::of(places, auto, now).interval;
            interval <= HOUR || passed(interval.saturating_sub(EARLY))
        }
    }
}

/// Whether the longest interval has passed, so that nobody need ask for the fleet's.
fn is_long_ago(last: Option<&LastRun>, now: Timestamp, auto: &Auto) -> bool {
    let most = auto.most.max(auto.interval);
    most <= HOUR || pace::is_due(last, now, most)
}
