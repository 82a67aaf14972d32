//! Plan limits: how much of a subscription's limit windows was used, as Claude Code states it.
//!
//! A *window* is one stretch of time in which a limit holds: it has an account, a name such as
//! `five_hour`, and an end. A *point* is what Claude Code stated at a time. Only percentages and
//! times are kept.

use std::collections::BTreeMap;

use crate::base::join::{Join, greater};
use crate::base::json::{Extra, join_extra};
use crate::base::time::{Day, Timestamp};

/// The most series: accounts times names of windows. More than anybody has.
const MOST_SERIES: usize = 32;
/// The newest windows of a series that are kept: 64 weeks, or about two weeks of five hours.
const MOST_WINDOWS: usize = 64;
/// The newest windows of a series that keep their course; older ones keep their last point.
const MOST_COURSES: usize = 4;
/// The most points of a course. A week that is used in each of its hours has 188.
const MOST_POINTS: usize = 256;
/// The longest name of an account or a window, in bytes.
const LONGEST_NAME: usize = 64;
/// A point this far ahead of the clock, in ms, was made by a clock that is wrong.
const AHEAD: i64 = 5 * 60 * 1000;
/// An hour, in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
/// A step of use: 5%, in hundredths of a percent.
const STEP: u16 = 500;

/// A share of a limit, in hundredths of a percent: 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Used(u16);

impl Used {
    /// All of it.
    pub(crate) const ALL: Self = Self(10_000);

    /// From hundredths of a percent.
    pub(crate) fn new(hundredths: u64) -> Option<Self> {
        let hundredths = u16::try_from(hundredths).ok()?;
        (hundredths <= Self::ALL.0).then_some(Self(hundredths))
    }

    /// From a percentage. More than 100 counts as 100; what is no share at all is none.
    pub(crate) fn percent(percent: f64) -> Option<Self> {
        let valid = (0.0..=1000.0).contains(&percent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number from 0 to 10,000"
        )]
        let hundredths = (percent.min(100.0) * 100.0).round() as u16;
        valid.then_some(Self(hundredths))
    }

    /// Hundredths of a percent.
    pub(crate) fn hundredths(self) -> u16 {
        self.0
    }
}

/// What Claude Code stated at a time, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Point {
    /// When.
    pub(crate) at: Timestamp,
    /// How much of the window was used.
    pub(crate) used: Used,
}

impl Point {
    /// A point from seconds since 1970.
    pub(crate) fn new(seconds: i64, used: Used) -> Option<Self> {
        let millis = seconds.checked_mul(1000).filter(|millis| *millis >= 0)?;
        Timestamp::from_millis(millis).map(|at| Self { at, used })
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> i64 {
        self.at.millis().div_euclid(1000)
    }

    /// The hour and the step of use that it stands for.
    fn slot(self) -> (i64, u16) {
        (self.at.millis().div_euclid(HOUR), self.used.0 / STEP)
    }
}

/// The points of one window, and members that this version does not know.
///
/// A course is sparse: of all points of one hour and one step of 5% it keeps the newest, and of
/// these the newest 256. Both are maxima by a total order, so that [`Join`] commutes, associates
/// and is idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Window {
    slots: BTreeMap<(i64, u16), Point>,
    /// Unknown members.
    pub(crate) extra: Extra,
}

impl Window {
    /// Adds a point.
    pub(crate) fn add(&mut self, point: Point) {
        let newest = self.slots.entry(point.slot()).or_insert(point);
        *newest = greater(*newest, point);
    }

    /// Its points, in the order of their times.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self.slots.values().copied().collect();
        points.sort_unstable();
        points
    }

    /// The newest point. One that is ahead of the clock is not newer than one that is not.
    pub(crate) fn state(&self, now: Timestamp) -> Option<Point> {
        let is_sound = |point: &Point| point.at.since(now) <= AHEAD;
        self.slots
            .values()
            .copied()
            .max_by_key(|point| (is_sound(point), *point))
    }

    /// Keeps the newest points, `most` of them.
    fn keep_newest(&mut self, most: usize) {
        if self.slots.len() <= most {
            return;
        }
        let points = self.points();
        let first = points.len().saturating_sub(most);
        self.slots = points[first..]
            .iter()
            .map(|point| (point.slot(), *point))
            .collect();
    }
}

impl Join for Window {
    fn join(mut self, other: Self) -> Self {
        other.slots.into_values().for_each(|point| self.add(point));
        self.extra = join_extra(&self.extra, &other.extra);
        self
    }
}

/// Windows of one kind: those of an account that have one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    /// The user's name for the subscription account.
    pub(crate) account: String,
    /// The window's name, such as `five_hour`.
    pub(crate) window: String,
}

impl Series {
    /// A series. None where a name is empty, long, or of other characters than those of
    /// [`is_name`].
    pub(crate) fn new(account: &str, window: &str) -> Option<Self> {
        (is_name(account) && is_name(window)).then(|| Self {
            account: account.to_owned(),
            window: window.to_owned(),
        })
    }
}

impl Series {
    /// How long one of its windows lasts, in ms: `five_hour` and `seven_day`, with or without a
    /// model behind it. None where the name does not state it.
    pub(crate) fn length(&self) -> Option<i64> {
        if self.window.starts_with("five_hour") {
            Some(5 * HOUR)
        } else if self.window.starts_with("seven_day") {
            Some(7 * 24 * HOUR)
        } else {
            None
        }
    }

    /// Whether one of its windows can end in `left` ms. Clocks may be a day apart.
    pub(crate) fn can_end_in(&self, left: i64) -> bool {
        const SLACK: i64 = 24 * HOUR;
        const LONGEST: i64 = 40 * 24 * HOUR;
        let most = self.length().unwrap_or(LONGEST).saturating_add(SLACK);
        left > 0 && left <= most
    }
}

/// Whether a text can name an account or a window: up to 64 letters, digits, `.`, `_` and `-`.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Plan limits: windows by series and end.
///
/// A pointwise maximum: the join of two has the windows of both, and of each window the newest
/// point in each slot. What is left out by number is left out by an order of names, ends and times
/// alone, and never by a clock; an element that is outside the bound of one side is outside that of
/// the join. So leaving out commutes with joining, and [`Join`] is a join.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PlanLimits(BTreeMap<Series, BTreeMap<Timestamp, Window>>);

impl PlanLimits {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a point of the window that ends at `ends`, which is rounded to the minute: Claude Code
    /// states the end of one window with other seconds from time to time.
    pub(crate) fn add(&mut self, series: Series, ends: Timestamp, point: Point) {
        let mut window = Window::default();
        window.add(point);
        self.add_window(series, ends, window);
        self.bound();
    }

    /// Adds a window. The bounds are applied by [`PlanLimits::bound`].
    pub(crate) fn add_window(&mut self, series: Series, ends: Timestamp, window: Window) {
        let Some(ends) = to_minute(ends).filter(|_| !window.slots.is_empty()) else {
            return;
        };
        let windows = self.0.entry(series).or_default();
        let known = windows.remove(&ends);
        windows.insert(ends, known.join(Some(window)).unwrap_or_default());
    }

    /// Leaves out what exceeds the bounds.
    pub(crate) fn bound(&mut self) {
        while self.0.len() > MOST_SERIES {
            self.0.pop_last();
        }
        for windows in self.0.values_mut() {
            while windows.len() > MOST_WINDOWS {
                windows.pop_first();
            }
            for (age, window) in windows.values_mut().rev().enumerate() {
                window.keep_newest(if age < MOST_COURSES { MOST_POINTS } else { 1 });
            }
        }
    }

    /// All windows, by series and end.
    pub(crate) fn windows(&self) -> impl DoubleEndedIterator<Item = (&Series, Timestamp, &Window)> {
        self.0.iter().flat_map(|(series, windows)| {
            let windows = windows.iter();
            windows.map(move |(ends, window)| (series, *ends, window))
        })
    }

    /// The series, each with its windows by end.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&Series, &BTreeMap<Timestamp, Window>)> {
        self.0.iter()
    }

    /// Takes out windows that ended before a day.
    pub(crate) fn forget_before(&mut self, day: Day) {
        for windows in self.0.values_mut() {
            windows.retain(|ends, _| ends.day() >= day);
        }
        self.0.retain(|_, windows| !windows.is_empty());
    }

    /// Takes out accounts.
    pub(crate) fn keep_accounts(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|series, _| keep(&series.account));
    }
}

impl Join for PlanLimits {
    fn join(mut self, other: Self) -> Self {
        for (series, windows) in other.0 {
            for (ends, window) in windows {
                self.add_window(series.clone(), ends, window);
            }
        }
        self.bound();
        self
    }
}

/// The nearest whole minute.
fn to_minute(time: Timestamp) -> Option<Timestamp> {
    const MINUTE: i64 = 60 * 1000;
    let minutes = time.millis().saturating_add(MINUTE / 2).div_euclid(MINUTE);
    Timestamp::from_millis(minutes.saturating_mul(MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: &str, hundredths: u64) -> Point {
        let at = Timestamp::parse(at).expect("a time");
        let used = Used::new(hundredths).expect("a share");
        Point { at, used }
    }

    #[test]
    fn a_course_keeps_the_newest_point_of_each_hour_and_step() {
        let mut window = Window::default();
        let points = [
            ("2026-11-28T10:00:01Z", 100),
            ("2026-11-28T10:59:00Z", 499),
            ("2026-11-28T10:30:00Z", 450),
            ("2026-11-28T10:59:30Z", 500),
            ("2026-11-28T11:00:00Z", 500),
        ];
        for (at, used) in points {
            window.add(point(at, used));
        }
        let kept = [points[1], points[3], points[4]].map(|(at, used)| point(at, used));
        assert_eq!(window.points(), kept);
    }

    #[test]
    fn a_point_ahead_of_the_clock_is_not_newer_than_another() {
        let mut window = Window::default();
        let (sound, ahead) = ("2026-11-28T10:00:00Z", "2026-11-28T12:06:00Z");
        window.add(point(sound, 4000));
        window.add(point(ahead, 3000));
        let state = |now| window.state(Timestamp::parse(now).expect("a time"));
        assert_eq!(state("2026-11-28T12:00:00Z"), Some(point(sound, 4000)));
        assert_eq!(state("2026-11-28T12:01:00Z"), Some(point(ahead, 3000)));
        let mut alone = Window::default();
        alone.add(point(ahead, 3000));
        let now = Timestamp::parse(sound).expect("a time");
        assert_eq!(
            alone.state(now),
            Some(point(ahead, 3000)),
            "better than none"
        );
    }

    #[test]
    fn percentages_are_shares_of_a_whole() {
        let hundredths = |percent| Used::percent(percent).map(Used::hundredths);
        assert_eq!(hundredths(42.345), Some(4235));
        assert_eq!(hundredths(0.0), Some(0));
        assert_eq!(hundredths(104.0), Some(10_000));
        for odd in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(hundredths(odd), None, "{odd}");
        }
    }

    #[test]
    fn ends_of_one_window_with_other_seconds_are_one() {
        let mut limits = PlanLimits::default();
        let series = Series::new("default", "five_hour").expect("a series");
        for (ends, used) in [("15:00:00.4Z", 1000), ("14:59:59.7Z", 2000)] {
            let ends = Timestamp::parse(&format!("2026-11-28T{ends}")).expect("a time");
            limits.add(series.clone(), ends, point("2026-11-28T12:00:00Z", used));
        }
        let ends: Vec<String> = limits
            .windows()
            .map(|(_, ends, _)| ends.to_string())
            .collect();
        assert_eq!(ends, ["2026-11-28T15:00:00.000Z"]);
    }

    #[test]
    fn old_windows_keep_their_last_point_and_older_ones_go() {
        let mut limits = PlanLimits::default();
        let series = Series::new("default", "five_hour").expect("a series");
        for window in 0..70_i64 {
            for hour in 0..3 {
                let seconds = (window * 5 + hour) * 3600;
                let used = Used::new(1000).expect("a share");
                let ends = Timestamp::from_millis((window + 1) * 5 * HOUR).expect("a time");
                let point = Point::new(seconds, used).expect("a point");
                limits.add(series.clone(), ends, point);
            }
        }
        let lengths: Vec<usize> = limits
            .windows()
            .map(|(.., window)| window.points().len())
            .collect();
        assert_eq!(lengths.len(), MOST_WINDOWS);
        assert_eq!(lengths[..60], [1; 60]);
        assert_eq!(lengths[60..], [3; 4]);
    }
}
