//! The figures of a front page.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, Months, NaiveDate};

use crate::base::time::Day;
use crate::fleet::Row;
use crate::record::Totals;

/// Totals of a month.
#[derive(Debug, Default)]
pub(super) struct MonthFigures {
    pub(super) totals: Totals,
    /// By machine and model.
    pub(super) cells: BTreeMap<(usize, String), Totals>,
}

/// The figures of the page.
#[derive(Debug)]
pub(super) struct FrontFigures {
    pub(super) end: Day,
    pub(super) months: BTreeMap<String, MonthFigures>,
    /// The last days, by model.
    pub(super) days: BTreeMap<NaiveDate, BTreeMap<String, Totals>>,
    /// By machine: the last day, and all that it used.
    pub(super) machines: BTreeMap<usize, (Day, Totals)>,
}

/// The time of an imported total may be on the day before its own; records of two days after that,
/// and of an hour more, decide how much of it counts.
const IMPORTED: u64 = 4;

/// Number of days with a bar.
pub(super) const DAYS: u64 = 30;
/// Number of months with a bar and a line, at most.
pub(super) const MONTHS: u32 = 12;

impl FrontFigures {
    /// Figures of the days before `end`, of which there are none yet.
    pub(super) fn until(end: Day) -> Self {
        Self {
            end,
            months: BTreeMap::new(),
            days: BTreeMap::new(),
            machines: BTreeMap::new(),
        }
    }

    /// Adds a row, if it is of a day before the end.
    pub(super) fn add(&mut self, row: &Row) {
        let day = row.at.day();
        // How much of an imported total counts depends on the days around it, but the page must not
        // depend on files of its end or later.
        let later = Days::new(if row.is_sum() { IMPORTED } else { 0 });
        let needs = day.date().checked_add_days(later);
        if needs.is_none_or(|needs| needs >= self.end.date()) {
            return;
        }
        let model = if row.model.is_empty() {
            "unknown"
        } else {
            row.model
        };
        let (year, month, _) = day.parts();
        let month = self.months.entry(format!("{year}-{month}")).or_default();
        add(&mut month.totals, row.totals);
        let cell = month.cells.entry((row.machine, model.to_owned()));
        add(cell.or_default(), row.totals);
        if self.first_day() <= day.date() {
            let models = self.days.entry(day.date()).or_default();
            add(models.entry(model.to_owned()).or_default(), row.totals);
        }
        let machine = self.machines.entry(row.machine);
        let (last, sum) = machine.or_insert((day, Totals::default()));
        *last = (*last).max(day);
        add(sum, row.totals);
    }

    pub(super) fn first_day(&self) -> NaiveDate {
        self.end
            .date()
            .checked_sub_days(Days::new(DAYS))
            .unwrap_or(NaiveDate::MIN)
    }

    /// The last day of the page.
    pub(super) fn last_day(&self) -> NaiveDate {
        self.end.date().pred_opt().unwrap_or(NaiveDate::MIN)
    }

    /// The month of the last day of the page.
    pub(super) fn last_month(&self) -> String {
        month_name(self.last_day())
    }

    /// Whether the page has only a part of its last month.
    pub(super) fn is_last_month_open(&self) -> bool {
        self.end.date().day() > 1
    }

    /// The months with a bar and a line: from the first one that has usage, at most [`MONTHS`], to
    /// the last one of the page.
    pub(super) fn shown_months(&self) -> Vec<String> {
        let Some(first) = self.months.keys().next() else {
            return Vec::new();
        };
        let back = (0..MONTHS).map_while(|n| self.last_day().checked_sub_months(Months::new(n)));
        let mut out: Vec<String> = back
            .map(month_name)
            .take_while(|name| name >= first)
            .collect();
        out.reverse();
        out
    }
}

fn month_name(day: NaiveDate) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// Adds to a sum.
pub(super) fn add(sum: &mut Totals, more: Totals) {
    *sum = sum.plus(more);
}
