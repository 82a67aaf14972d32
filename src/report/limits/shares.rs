//! Who used a window: an estimate, since Claude Code states no more than a percentage.

use std::collections::BTreeMap;

use super::limit::{Known, Limit};
use crate::base::money::Cost;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, MachineIndex, Row};
use crate::prices::prices;

/// Shares are in hundredths of a percent.
const WHOLE: u64 = 10_000;
/// What has no known price weighs as much as with this model.
const USUAL: &str = "claude-sonnet-4-5";
/// Models that a window may be for alone, as its name ends.
const FAMILIES: [&str; 3] = ["opus", "sonnet", "haiku"];
/// Usage of which only the day is known is not counted in windows shorter than this, in ms.
const DAYS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Usage within windows, while rows are read.
#[derive(Debug)]
pub(crate) struct Usage {
    windows: Vec<Watched>,
}

/// A window, and its usage by machine, project, session and model.
#[derive(Debug)]
struct Watched {
    starts: Timestamp,
    ends: Timestamp,
    is_short: bool,
    family: Option<&'static str>,
    account: String,
    cells: BTreeMap<(MachineIndex, String, String, String), Amount>,
    left_out: bool,
}

/// An amount of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    /// Tokens of all kinds.
    pub(super) tokens: u64,
    /// Their price.
    pub(super) cost: Cost,
    /// By which it is weighed: its price, or an estimate of it.
    weight: u128,
}

/// The part of one machine, project, session or model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// The machine, by index, in the shares of machines.
    pub(super) machine: Option<MachineIndex>,
    /// The project, session or model.
    pub(super) name: String,
    pub(super) amount: Amount,
    /// Its part of the usage, in hundredths of a percent. Together they are 10,000.
    pub(crate) part: u64,
    /// Its part of the limit, in hundredths of a percent. Together they are what was used.
    pub(crate) used: u64,
}

/// Who used a window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shares {
    /// All of it.
    pub(super) all: Amount,
    /// By machine, project, session and model; each by part, descending. Empty where no usage is
    /// known.
    pub(crate) by: [Vec<Share>; 4],
    /// Usage of which only the day is known was left out.
    pub(super) left_out: bool,
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost: self.cost.plus(other.cost),
            weight: self.weight.saturating_add(other.weight),
        }
    }
}

impl Usage {
    /// Usage of these windows. One of unknown length has none.
    pub(crate) fn new(limits: &[Limit]) -> Self {
        let watched = |limit: &Limit| Watched {
            starts: limit.starts().unwrap_or(limit.ends),
            ends: limit.ends,
            is_short: limit.series.length().is_none_or(|length| length < DAYS),
            family: FAMILIES
                .into_iter()
                .find(|family| limit.series.window.ends_with(family)),
            account: limit.series.account.clone(),
            cells: BTreeMap::new(),
            left_out: false,
        };
        Self {
            windows: limits.iter().map(watched).collect(),
        }
    }

    /// The time from which on rows are needed.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.windows.iter().map(|window| window.starts).min()
    }

    /// Adds a row to the windows that it falls into.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        // Models of other providers count against no plan.
        if !row.model.starts_with("claude") {
            return;
        }
        let mut amount = None;
        for window in &mut self.windows {
            let is_meant = window
                .family
                .is_none_or(|family| row.model.contains(family));
            if row.at < window.starts || row.at >= window.ends || !is_meant {
                continue;
            }
            if window.is_short && (row.is_sum() || row.is_day()) {
                window.left_out = true;
                continue;
            }
            let amount = *amount.get_or_insert_with(|| amount_of(row));
            let session = row.session.map(ToString::to_string).unwrap_or_default();
            let key = (
                row.machine,
                row.project.to_owned(),
                session,
                row.model.to_owned(),
            );
            let cell = window.cells.entry(key).or_default();
            *cell = cell.plus(amount);
        }
    }

    /// Who used each of the windows.
    pub(crate) fn finish(self, limits: &[Limit], known: &Known, fleet: &Fleet) -> Vec<Shares> {
        let windows = self.windows.into_iter().zip(limits);
        windows
            .map(|(mut window, limit)| {
                window.cells.retain(|(machine, ..), _| {
                    let machine = fleet.machines.get(*machine);
                    machine.is_none_or(|machine| known.may_use(&machine.id, &window.account))
                });
                window.shares(limit.state.used.hundredths().into())
            })
            .collect()
    }
}

fn amount_of(row: &Row<'_>) -> Amount {
    let cost = row.totals.cost;
    let estimate = || prices().cost_of_many(USUAL, row.at, &row.totals.counters);
    let weight = if cost.known { cost } else { estimate() };
    Amount {
        tokens: row.totals.counters.total(),
        cost,
        weight: weight.amount.pico(),
    }
}

impl Watched {
    fn shares(&self, used: u64) -> Shares {
        let mut out = Shares {
            left_out: self.left_out,
            ..Shares::default()
        };
        let mut machines: BTreeMap<MachineIndex, Amount> = BTreeMap::new();
        let mut others: [BTreeMap<&str, Amount>; 3] = Default::default();
        for ((machine, project, session, model), amount) in &self.cells {
            out.all = out.all.plus(*amount);
            let sum = machines.entry(*machine).or_default();
            *sum = sum.plus(*amount);
            for (map, name) in others.iter_mut().zip([project, session, model]) {
                let sum = map.entry(name.as_str()).or_default();
                *sum = sum.plus(*amount);
            }
        }
        let machines = machines.into_iter();
        let machines = machines.map(|(machine, amount)| (Some(machine), String::new(), amount));
        let [projects, sessions, models] = others.map(|map| {
            let named = map.into_iter();
            let named = named.map(|(name, amount)| (None, name.to_owned(), amount));
            shares(named.collect(), used)
        });
        out.by = [shares(machines.collect(), used), projects, sessions, models];
        out
    }
}

fn shares(mut amounts: Vec<(Option<MachineIndex>, String, Amount)>, used: u64) -> Vec<Share> {
    // The order of equal ones is that of machines and names.
    amounts.sort_by_key(|(.., amount)| std::cmp::Reverse(amount.weight));
    let weights: Vec<u128> = amounts.iter().map(|(.., amount)| amount.weight).collect();
    let parts = apportion(&weights, WHOLE).into_iter();
    let parts = parts.zip(apportion(&weights, used));
    let parts = amounts.into_iter().zip(parts);
    parts
        .map(|((machine, name, amount), (part, used))| Share {
            machine,
            name,
            amount,
            part,
            used,
        })
        .collect()
}

/// Splits `total` by weights, so that the parts add up to it: those that lose most by rounding down
/// get one more. Without any weight all weigh the same.
fn apportion(weights: &[u128], total: u64) -> Vec<u64> {
    let sum = |weights: &[u128]| {
        weights
            .iter()
            .fold(0_u128, |sum, one| sum.saturating_add(*one))
    };
    let mut weights = weights.to_vec();
    if sum(&weights) == 0 {
        weights.fill(1);
    }
    // Prices of this size are made up; what is small beside them is nothing.
    while sum(&weights) >> 100 > 0 {
        weights.iter_mut().for_each(|weight| *weight >>= 8);
    }
    let all = sum(&weights).max(1);
    let scaled = weights.iter().map(|weight| weight * u128::from(total));
    let scaled: Vec<u128> = scaled.collect();
    let mut parts: Vec<u64> = scaled
        .iter()
        .map(|part| u64::try_from(part / all).unwrap_or(total))
        .collect();
    let missing = total.saturating_sub(parts.iter().sum());
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(scaled[*at] % all));
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    for at in order.into_iter().take(missing) {
        parts[at] += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        let cases: [(&[u128], u64, &[u64]); 6] = [
            (&[1, 1, 1], 10_000, &[3334, 3333, 3333]),
            (&[2, 1], 100, &[67, 33]),
            (&[0, 0], 7, &[4, 3]),
            (&[5], 4235, &[4235]),
            (&[], 4235, &[]),
            (&[u128::MAX, u128::MAX, 1], 10_000, &[5000, 5000, 0]),
        ];
        for (weights, total, parts) in cases {
            assert_eq!(apportion(weights, total), parts, "{weights:?} of {total}");
        }
    }
}
