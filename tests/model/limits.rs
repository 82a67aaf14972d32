//! Plan limits: what Claude Code states on machines with clocks that differ, and what all machines show in the end.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::fleet::Fleet;
use claude_sync::fleet::read::{self, MachineData};
use claude_sync::record::{PlanLimits, Point, Series, Used};
use claude_sync::report::limits::{Known, Share, Usage};

use crate::laws::dice::Dice;
use crate::model::play::{MACHINES, Play};
use crate::model::rows::{HOUR, day, time};
use crate::model::site::{How, Run};
use crate::model::truth::{Forgotten, Truth};

const MINUTE: i64 = 60_000;

/// The accounts, and the folders that they are named by.
pub const ACCOUNTS: [(&str, &str); 2] = [("default", ".claude"), ("claude-work", ".claude-work")];

/// What Claude Code stated of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stated {
    /// The place of its account in [`ACCOUNTS`].
    pub account: usize,
    pub window: &'static str,
    /// The end of the window, some seconds off.
    pub ends: i64,
    /// When, by the machine's clock.
    pub at: i64,
    /// Hundredths of a percent.
    pub used: u64,
}

/// Account, window and the minute of its end.
type Key = (&'static str, &'static str, i64);

impl Stated {
    fn key(&self) -> Key {
        let minute = (self.ends + MINUTE / 2).div_euclid(MINUTE) * MINUTE;
        (ACCOUNTS[self.account].0, self.window, minute)
    }

    fn add_to(&self, limits: &mut PlanLimits) {
        let series = Series::new(ACCOUNTS[self.account].0, self.window).expect("a series");
        let used = Used::new(self.used).expect("a share");
        let point = Point::new(self.at / 1000, used).expect("a point");
        limits.add(series, time(self.ends), point);
    }
}

impl Play<'_> {
    /// Claude Code states limits on a machine.
    pub fn state_limits(&mut self, at: usize, dice: &mut Dice) {
        let skew = [0, 0, 3, -3, 40, -40][dice.below(6)] * MINUTE;
        let clock = self.now + skew;
        let account = usize::from(dice.chance(30));
        let mut stated = Vec::new();
        for (window, length) in [("five_hour", 5 * HOUR), ("seven_day", 7 * 24 * HOUR)] {
            let off = i64::try_from(dice.number(40)).expect("small") * 1000 - 20_000;
            let ends = (self.now / length + 1) * length + off;
            let used = dice.number(10_001);
            // A clock that is ahead may be past the end of the window.
            if ends > clock && dice.chance(80) {
                stated.push(Stated {
                    account,
                    window,
                    ends,
                    at: clock,
                    used,
                });
            }
        }
        if stated.is_empty() {
            return;
        }
        self.say(format!("  limits: {stated:?}"));
        self.site.state_limits(at, &self.homes[at], &stated);
        for one in stated {
            one.add_to(&mut self.homes[at].limits);
            self.truth.limits.push((at, one));
        }
        self.did("limits stated");
    }

    /// The folder with the index is lost, and with it what was stated there and is not synced yet.
    pub fn lose_limits(&mut self, at: usize) {
        self.homes[at].limits = PlanLimits::default();
        let stated = self.truth.limits.iter_mut();
        stated
            .filter(|(home, _)| *home == at)
            .for_each(|(home, _)| *home = MACHINES);
    }

    /// Everybody syncs once more, an hour apart: limits alone are no reason to write a file twice within the hour.
    pub fn settle_limits(&mut self) {
        for at in 0..MACHINES {
            self.now += 2 * HOUR;
            self.sync(at, &Run::new(self.now, How::Online));
        }
    }

    /// Asserts that all machines show the same limits, that the newest statement holds, and that shares add up.
    pub fn assert_limits(&mut self) {
        let mut all = Vec::new();
        for at in 0..MACHINES {
            self.site.look(at, &mut |repo, root| {
                let trees = read::inputs(repo, Some(root)).expect("reads");
                let machines = read::load(repo, trees).expect("reads");
                all.push((known(&Fleet::count(machines.clone())), machines));
            });
        }
        let Some((known, machines)) = all.first() else {
            return;
        };
        for (other, _) in &all {
            assert_eq!(other.limits, known.limits, "two machines show other limits");
        }
        let homes: BTreeSet<usize> = (0..MACHINES)
            .filter(|at| {
                let home = &self.homes[*at];
                let is_forgotten = self
                    .truth
                    .forgotten
                    .contains(&Forgotten::Machine(home.id.clone()));
                !home.summary_only && !is_forgotten && !self.truth.pruned.contains(&home.id)
            })
            .collect();
        assert_newest(&self.truth, &homes, known);
        for hours in [0, 24 * 30] {
            assert_shares(known, machines, self.now - hours * HOUR);
        }
        if !known.limits.is_empty() {
            self.did("limits compared");
        }
    }
}

/// When something was stated, and what.
type At = (i64, u64);

/// The plan limits that the fleet's machine files state.
pub fn known(fleet: &Fleet) -> Known {
    let mut known = Known::default();
    known.add_fleet(fleet);
    known
}

/// `homes`: machines of which all statements must be there.
fn assert_newest(truth: &Truth, homes: &BTreeSet<usize>, known: &Known) {
    let bound = truth.forgotten.iter().filter_map(|what| match what {
        Forgotten::Before(at) => Some(day(*at)),
        _ => None,
    });
    let bound = bound.max();
    let mut stated: BTreeMap<Key, (Vec<At>, Option<At>)> = BTreeMap::new();
    for (home, one) in &truth.limits {
        let (some, newest) = stated.entry(one.key()).or_default();
        let point = (one.at, one.used);
        some.push(point);
        if homes.contains(home) && bound.is_none_or(|bound| time(one.key().2).day() >= bound) {
            *newest = (*newest).max(Some(point));
        }
    }
    // No point is ahead of this clock.
    let now = time(4_000_000_000_000);
    for (series, ends, window) in known.limits.windows() {
        let mut keys = stated.iter().filter(|((account, name, minute), _)| {
            (*account, *name, *minute) == (&series.account, &series.window, ends.millis())
        });
        let (key, (some, newest)) = keys.next().expect("nobody stated this window");
        let state = window.state(now).expect("a point");
        let state = (state.at.millis(), u64::from(state.used.hundredths()));
        assert!(some.contains(&state), "{key:?}: nobody stated {state:?}");
        assert!(
            Some(state) >= *newest,
            "{key:?}: {state:?} holds, not {newest:?}"
        );
    }
    for (key, (_, newest)) in stated.iter().filter(|(_, (_, newest))| newest.is_some()) {
        let mut windows = known.limits.windows();
        let is_there = windows.any(|(series, ends, _)| {
            (
                series.account.as_str(),
                series.window.as_str(),
                ends.millis(),
            ) == *key
        });
        assert!(is_there, "{key:?} is lost, with {newest:?}");
    }
}

/// Asserts that the shares of each window add up.
fn assert_shares(known: &Known, machines: &[MachineData], now: i64) {
    let limits = known.at(time(now), 100);
    let mut usage = Usage::new(&limits);
    let fleet = Fleet::count_rows(machines.to_vec(), &mut |row| usage.add(row));
    for (limit, shares) in limits.iter().zip(usage.finish(&limits, known, &fleet)) {
        let used = u64::from(limit.state.used.hundredths());
        for by in &shares.by {
            let sum = |part: fn(&Share) -> u64| by.iter().map(part).sum::<u64>();
            let sums = (sum(|share| share.part), sum(|share| share.used));
            let wanted = if by.is_empty() {
                (0, 0)
            } else {
                (10_000, used)
            };
            assert_eq!(sums, wanted, "{limit:?}: {by:?}");
            assert_eq!(by.is_empty(), shares.by[0].is_empty(), "{limit:?}");
        }
    }
}
