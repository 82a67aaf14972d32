//! One window of a plan limit: its state, its pace, and when it will be full.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ids::MachineId;
use crate::base::join::Join as _;
use crate::base::time::Timestamp;
use crate::fleet::Fleet;
use crate::record::{PlanLimits, Point, Series, Used, Window};

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
/// Ends of one series that are nearer to each other, in ms, are those of one window.
const SAME: i64 = 5 * MINUTE;

/// What is known of plan limits: those of all machines, joined, and who stated them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The limits of all machines.
    pub(crate) limits: PlanLimits,
    /// The accounts whose limits a machine stated.
    accounts: BTreeMap<Option<MachineId>, BTreeSet<String>>,
}

impl Known {
    /// Adds what the fleet's machine files state.
    pub(crate) fn add_fleet(&mut self, fleet: &Fleet) {
        for machine in &fleet.machines {
            if let Some(file) = &machine.machine_file {
                self.add(Some(&machine.id), file.limits.clone());
            }
        }
    }

    /// Adds what is known from a machine; from this one before it has an id.
    pub(crate) fn add(&mut self, machine: Option<&MachineId>, limits: PlanLimits) {
        let accounts = limits.windows().map(|(series, ..)| series.account.clone());
        let known = self.accounts.entry(machine.cloned()).or_default();
        known.extend(accounts);
        self.limits = std::mem::take(&mut self.limits).join(limits);
    }

    /// Whether usage of a machine may be that of an account: records do not state the account. Only
    /// a machine that states limits of other accounts alone is known not to use this one.
    pub(super) fn may_use(&self, machine: &MachineId, account: &str) -> bool {
        let accounts = self.accounts.get(&Some(machine.clone()));
        accounts.is_none_or(|accounts| accounts.is_empty() || accounts.contains(account))
    }

    /// Whether several accounts are known.
    pub(crate) fn has_several(&self) -> bool {
        let names: BTreeSet<&String> = self.accounts.values().flatten().collect();
        names.len() > 1
    }

    /// The current window of each series, and the newest `past` windows that ended before it.
    pub(crate) fn at(&self, now: Timestamp, past: usize) -> Vec<Limit> {
        let mut out = Vec::new();
        for (series, windows) in self.limits.series() {
            out.extend(current(series, windows, now));
            out.extend(ended(series, windows, now).into_iter().take(past));
        }
        out
    }
}

/// A window of a limit, as it was stated last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Its account and name.
    pub(crate) series: Series,
    /// When it ends.
    pub(crate) ends: Timestamp,
    /// What was stated last.
    pub(crate) state: Point,
    /// It has not ended.
    pub(crate) is_current: bool,
    /// What was stated until then, in the order of times.
    pub(crate) course: Vec<Point>,
}

/// How fast a limit fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// As in the last hour.
    LastHour,
    /// As in the whole window.
    Whole,
}

/// When a limit will be full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// It is.
    Now,
    /// At this time.
    At(Timestamp),
    /// The window ends before.
    Never,
}

impl Limit {
    fn new(series: &Series, ends: Timestamp, window: &Window, now: Timestamp) -> Option<Self> {
        let state = window.state(now)?;
        let mut course = window.points();
        course.retain(|point| *point <= state);
        Some(Self {
            series: series.clone(),
            ends,
            state,
            is_current: ends > now,
            course,
        })
    }

    /// When it began, where its name states how long it lasts.
    pub(crate) fn starts(&self) -> Option<Timestamp> {
        let length = self.series.length()?;
        Timestamp::from_millis(self.ends.millis().saturating_sub(length))
    }

    /// How much of its time had passed when its state was stated.
    pub(crate) fn elapsed(&self) -> Option<Used> {
        let length = self.series.length()?;
        let passed = self.state.at.since(self.starts()?).clamp(0, length);
        let hundredths = passed.saturating_mul(10_000).checked_div(length)?;
        Used::new(u64::try_from(hundredths).ok()?)
    }

    /// What was used for each part of its time that had passed, in hundredths: 100 leads to all of
    /// it being used at its end. None in the first hundredth of its time.
    pub(crate) fn pace(&self) -> Option<u64> {
        let elapsed = u64::from(self.elapsed()?.hundredths());
        let used = u64::from(self.state.used.hundredths());
        (elapsed >= 100).then(|| (used * 100 + elapsed / 2) / elapsed)
    }

    /// When it will be full at a rate. None where the rate is not known.
    pub(crate) fn full(&self, rate: Rate) -> Option<Full> {
        if self.state.used == Used::ALL {
            return Some(Full::Now);
        }
        let (from, used) = match rate {
            Rate::LastHour => self.hour_ago()?,
            Rate::Whole => (self.starts()?, Used::default()),
        };
        let used = i64::from(self.state.used.hundredths()) - i64::from(used.hundredths());
        let passed = self.state.at.since(from);
        if passed < MINUTE {
            return None;
        }
        if used <= 0 {
            return Some(Full::Never);
        }
        let left = i64::from(Used::ALL.hundredths()) - i64::from(self.state.used.hundredths());
        let wait = left.saturating_mul(passed) / used;
        let at = self.state.at.millis().saturating_add(wait);
        let at = Timestamp::from_millis(at).filter(|at| *at < self.ends);
        Some(at.map_or(Full::Never, Full::At))
    }

    /// The newest point that is an hour old, or the oldest one. The beginning of the window where
    /// that was within the hour.
    fn hour_ago(&self) -> Option<(Timestamp, Used)> {
        let hour = |at: Timestamp| self.state.at.since(at) >= HOUR;
        if let Some(starts) = self.starts().filter(|starts| !hour(*starts)) {
            return Some((starts, Used::default()));
        }
        let old = self.course.iter().rev().find(|point| hour(point.at));
        old.or(self.course.first())
            .map(|point| (point.at, point.used))
    }
}

/// Of the windows of a series that have not ended, the one that was stated last.
fn current(
    series: &Series,
    windows: &BTreeMap<Timestamp, Window>,
    now: Timestamp,
) -> Option<Limit> {
    let can_be = |ends: &Timestamp| series.can_end_in(ends.since(now));
    let windows = windows.iter().filter(|(ends, _)| can_be(ends));
    let limits = windows.filter_map(|(ends, window)| Limit::new(series, *ends, window, now));
    limits.max_by_key(|limit| {
        let ahead = limit.state.at > now;
        (!ahead, limit.state.at, limit.ends)
    })
}

/// The windows of a series that have ended, the newest first.
fn ended(series: &Series, windows: &BTreeMap<Timestamp, Window>, now: Timestamp) -> Vec<Limit> {
    let mut out: Vec<Limit> = Vec::new();
    for (ends, window) in windows.iter().rev().filter(|(ends, _)| **ends <= now) {
        let Some(limit) = Limit::new(series, *ends, window, now) else {
            continue;
        };
        match out.last_mut() {
            Some(later) if later.ends.since(*ends) < SAME => {
                if limit.state > later.state {
                    *later = limit;
                }
            }
            _ => out.push(limit),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-28T{text}:00Z")).expect("a time")
    }

    fn point(at: &str, percent: u64) -> Point {
        let used = Used::new(percent * 100).expect("a share");
        Point { at: time(at), used }
    }

    fn known(points: &[(&str, &str, u64)]) -> Known {
        let series = Series::new("default", "five_hour").expect("a series");
        let mut limits = PlanLimits::default();
        for (ends, at, percent) in points {
            limits.add(series.clone(), time(ends), point(at, *percent));
        }
        let mut known = Known::default();
        let id = MachineId::canonical("a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b").expect("an id");
        known.add(Some(&id), limits);
        known
    }

    #[test]
    fn pace_and_rates_are_of_the_time_of_the_state() {
        let known = known(&[("15:00", "11:00", 20), ("15:00", "12:00", 30)]);
        let limits = known.at(time("12:30"), 9);
        let [limit] = limits.as_slice() else {
            panic!("one window: {limits:?}")
        };
        assert_eq!(limit.starts(), Some(time("10:00")));
        assert_eq!(limit.elapsed().map(Used::hundredths), Some(4000));
        assert_eq!(limit.pace(), Some(75));
        // 10% an hour for the 70% that are left; 15% an hour.
        assert_eq!(limit.full(Rate::LastHour), Some(Full::Never));
        assert_eq!(limit.full(Rate::Whole), Some(Full::Never));
    }

    #[test]
    fn a_limit_that_fills_before_its_end_is_forecast() {
        let known = known(&[("15:00", "11:00", 10), ("15:00", "12:00", 60)]);
        let limits = known.at(time("12:00"), 9);
        assert_eq!(
            limits[0].full(Rate::LastHour),
            Some(Full::At(time("12:48")))
        );
        assert_eq!(limits[0].full(Rate::Whole), Some(Full::At(time("13:20"))));
        assert_eq!(limits[0].pace(), Some(150));
    }

    #[test]
    fn the_window_that_was_stated_last_is_the_current_one() {
        let points = [
            ("15:00", "11:00", 90),
            ("16:00", "11:30", 5),
            ("10:00", "09:00", 40),
        ];
        let known = known(&points);
        let ends = |now: &str, past| -> Vec<Timestamp> {
            let limits = known.at(time(now), past);
            limits.iter().map(|limit| limit.ends).collect()
        };
        assert_eq!(ends("12:00", 0), [time("16:00")]);
        assert_eq!(ends("12:00", 9), [time("16:00"), time("10:00")]);
        assert_eq!(ends("17:00", 2), [time("16:00"), time("15:00")]);
        assert_eq!(ends("17:00", 0), []);
    }
}
