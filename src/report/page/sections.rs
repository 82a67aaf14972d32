//! The reports behind single charts, made in one pass over the rows.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, Timelike as _};

use super::super::{Bounds, Breakdown, Choice, Fold, Machines, Report, ReportKind, Zone};
use crate::base::text::short_model;
use crate::charts::{Chart, Picture, Unit};
use crate::fleet::{Fleet, Row};
use crate::record::Totals;

/// A chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Cost of each day, by model.
    Cost,
    /// Tokens of each day, by model.
    Tokens,
    /// Cost of each day as a calendar.
    Calendar,
    /// Cost of each week, by machine.
    Machines,
    /// Cost of each project.
    Projects,
    /// Cost by hour of the day.
    Hours,
}

/// Collects rows for [`Sections`].
#[derive(Debug)]
pub(crate) struct SectionsFold {
    days: Fold,
    weeks: Fold,
    projects: Fold,
    bounds: Bounds,
    zone: Zone,
    /// The last day of charts over time.
    end: NaiveDate,
    /// Totals by machine index and hour of the day.
    hours: BTreeMap<(usize, u32), Totals>,
}

/// The reports behind the charts.
#[derive(Debug)]
pub(crate) struct Sections {
    /// Days, by model.
    pub(crate) days: Report,
    /// Weeks, by machine.
    pub(crate) weeks: Report,
    /// Projects.
    pub(crate) projects: Report,
    /// Totals by hour of the day.
    pub(crate) hours: [Totals; 24],
    /// The last day of charts over time.
    end: NaiveDate,
}

impl SectionsFold {
    /// Collects rows within `bounds`, with days of `zone`. Charts over time end with the last of
    /// these days, or `today`.
    pub(crate) fn new(bounds: Bounds, zone: Zone, today: NaiveDate, choice: &Choice) -> Self {
        let fold = |kind, split, descending| {
            Fold::new(kind, bounds, zone).with(Choice {
                descending,
                split,
                ..choice.clone()
            })
        };
        Self {
            days: fold(ReportKind::Daily, Some(Breakdown::Model), false),
            weeks: fold(ReportKind::Weekly, Some(Breakdown::Machine), false),
            projects: fold(ReportKind::Projects, None, false),
            bounds,
            zone,
            end: bounds.until.unwrap_or(today),
            hours: BTreeMap::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) {
        [&mut self.days, &mut self.weeks, &mut self.projects]
            .into_iter()
            .for_each(|fold| fold.add(row));
        // Pruned records have a day, but no hour.
        if !row.is_day() && self.bounds.contain(self.zone.date(row.at)) {
            let sum = self
                .hours
                .entry((row.machine, self.zone.clock(row.at).hour()))
                .or_default();
            *sum = sum.plus(row.totals);
        }
    }

    /// The reports, of these machines or, if there are none, of all.
    pub(crate) fn finish(self, fleet: &Fleet, machines: Machines<'_>) -> Sections {
        let mut hours = [Totals::default(); 24];
        for ((machine, hour), totals) in self.hours {
            if machines.is_empty() || machines.contains(&fleet.machines[machine].id) {
                let sum = &mut hours[hour as usize % 24];
                *sum = sum.plus(totals);
            }
        }
        let days = self.days.finish(fleet, machines);
        Sections {
            days,
            weeks: self.weeks.finish(fleet, machines),
            projects: self.projects.finish(fleet, machines),
            hours,
            end: self.end,
        }
    }
}

/// Cost in USD, for drawing.
fn dollars(totals: &Totals) -> f64 {
    totals.cost.amount.pico() as f64 / 1e12
}

fn tokens(totals: &Totals) -> f64 {
    totals.counters.total() as f64
}

/// Maximum number of days, or weeks, with a bar: the last ones.
const MAX_BARS: u64 = 400;

/// Maximum number of projects with a bar; the others share one.
const MAX_PROJECTS: usize = 20;

impl Sections {
    /// Draws one of the charts.
    pub(crate) fn picture(&self, which: Which) -> Picture {
        let (title, unit, chart) = match which {
            Which::Cost => (
                "Cost per day, by model",
                Unit::Dollars,
                self.days_by_model(dollars),
            ),
            Which::Tokens => (
                "Tokens per day, by model",
                Unit::Tokens,
                self.days_by_model(tokens),
            ),
            Which::Calendar => ("Cost per day", Unit::Dollars, self.calendar()),
            Which::Machines => (
                "Cost per week, by machine",
                Unit::Dollars,
                stack((&self.weeks, self.end), 7, str::to_owned, dollars),
            ),
            Which::Projects => ("Cost per project", Unit::Dollars, self.rank()),
            Which::Hours => ("Cost by hour of the day", Unit::Dollars, self.by_hour()),
        };
        Picture {
            title: title.to_owned(),
            unit,
            chart,
        }
    }

    fn days_by_model(&self, value: fn(&Totals) -> f64) -> Chart {
        stack((&self.days, self.end), 1, short_model, value)
    }

    fn calendar(&self) -> Chart {
        let days = steps(&self.days, self.end, 1);
        let first = days.first().copied().unwrap_or_default();
        let by_day: BTreeMap<&str, &Totals> = self
            .days
            .groups
            .iter()
            .map(|group| (group.key.as_str(), &group.totals))
            .collect();
        let values = days
            .iter()
            .map(|day| {
                by_day
                    .get(day.to_string().as_str())
                    .map_or(0.0, |totals| dollars(totals))
            })
            .collect();
        Chart::Calendar { first, values }
    }

    fn rank(&self) -> Chart {
        let name = |name: &str| {
            if name.is_empty() {
                "(no name)".to_owned()
            } else {
                name.to_owned()
            }
        };
        let all = &self.projects.groups;
        let own = if all.len() > MAX_PROJECTS {
            MAX_PROJECTS - 1
        } else {
            all.len()
        };
        let mut items: Vec<(String, f64)> = all[..own]
            .iter()
            .map(|group| (name(&group.key), dollars(&group.totals)))
            .collect();
        if own < all.len() {
            let rest: Totals = all[own..].iter().map(|group| group.totals).sum();
            items.push((format!("{} others", all.len() - own), dollars(&rest)));
        }
        Chart::Rank(items)
    }

    fn by_hour(&self) -> Chart {
        let bars = (0..24).map(|hour| format!("{hour:02}:00")).collect();
        Chart::Stack {
            bars,
            parts: vec![(
                "all models".to_owned(),
                self.hours.iter().map(dollars).collect(),
            )],
        }
    }
}

/// All days, or all first days of weeks, from the first of a report to `end`, or to its last, if
/// that is later; with those without usage. `days`: 1 or 7.
fn steps(report: &Report, end: NaiveDate, days: u64) -> Vec<NaiveDate> {
    let keys = report
        .groups
        .iter()
        .filter_map(|group| group.key.parse::<NaiveDate>().ok());
    let (Some(first), Some(last)) = (keys.clone().min(), keys.max()) else {
        return Vec::new();
    };
    let next = |day: &NaiveDate| day.checked_add_days(Days::new(days));
    let before = |day: &NaiveDate| day.checked_sub_days(Days::new(days));
    // The first days of weeks are those of the report.
    let begun = |first: &NaiveDate| *first <= end.max(last);
    let last = std::iter::successors(Some(last), next)
        .take_while(begun)
        .last()
        .unwrap_or(last);
    let most = usize::try_from(MAX_BARS).unwrap_or(usize::MAX);
    let mut out: Vec<_> = std::iter::successors(Some(last), before)
        .take_while(|day| *day >= first)
        .take(most)
        .collect();
    out.reverse();
    out
}

/// A bar for each step of `days` days, made of a report's parts. Parts are sorted by cost,
/// descending, so that a part has one color in all charts.
fn stack(
    (report, end): (&Report, NaiveDate),
    days: u64,
    name: fn(&str) -> String,
    value: fn(&Totals) -> f64,
) -> Chart {
    let bars: Vec<String> = steps(report, end, days)
        .iter()
        .map(ToString::to_string)
        .collect();
    let places: BTreeMap<&str, usize> = bars
        .iter()
        .enumerate()
        .map(|(at, bar)| (bar.as_str(), at))
        .collect();
    let mut parts: BTreeMap<&str, (f64, Vec<f64>)> = BTreeMap::new();
    for group in &report.groups {
        let Some(at) = places.get(group.key.as_str()) else {
            continue;
        };
        for (part, totals) in &group.parts {
            let (sum, values) = parts
                .entry(part)
                .or_insert_with(|| (0.0, vec![0.0; bars.len()]));
            values[*at] += value(totals);
            *sum += dollars(totals);
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
    Chart::Stack {
        parts: parts
            .into_iter()
            .map(|(part, (_, values))| (name(part), values))
            .collect(),
        bars,
    }
}
