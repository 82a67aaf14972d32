//! What is asked of a report.

use chrono::{Datelike as _, Days, Months, NaiveDate};

use crate::base::ids::MachineId;
use crate::base::money::{Cost, Money};
use crate::fleet::{Row, RowSource};
use crate::record::Source;

/// What a report groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A day.
    Daily,
    /// A week, named by its first day.
    Weekly,
    /// A month.
    Monthly,
    /// A session.
    Session,
    /// A machine.
    Machines,
    /// A project.
    Projects,
    /// A model.
    Models,
}

/// What each line of a report is split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Models.
    Model,
    /// Machines.
    Machine,
    /// Projects.
    Project,
    /// How Claude Code was started: its `entrypoint`.
    Origin,
    /// Kinds of subagents, and the main thread.
    Agent,
}

/// How the lines of a report are made and ordered, and which rows go into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which day a week begins with: how many days after Monday.
    pub week_start: u32,
    /// Which day a month begins with: 1 to 28.
    pub month_start: u32,
    /// The last line first.
    pub descending: bool,
    /// Only rows of some projects are added.
    pub some_projects: bool,
    /// Only some machines; which ones is said when all rows are in.
    pub some_machines: bool,
    /// What each line is split by.
    pub split: Option<Split>,
    /// Tell tokens alone.
    pub without_cost: bool,
    /// Which cost of a request is in its row.
    pub mode: Mode,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            week_start: 0,
            month_start: 1,
            descending: false,
            some_projects: false,
            some_machines: false,
            split: None,
            without_cost: false,
            mode: Mode::default(),
        }
    }
}

impl Choice {
    /// The first day of a date's week.
    pub fn week_of(&self, date: NaiveDate) -> NaiveDate {
        let past = (date.weekday().num_days_from_monday() + 7 - self.week_start % 7) % 7;
        date.checked_sub_days(Days::new(past.into()))
            .unwrap_or(date)
    }

    /// The first day of a date's month, which need not be the calendar's.
    pub fn month_of(&self, date: NaiveDate) -> NaiveDate {
        let here = date.with_day(self.month_start).unwrap_or(date);
        if here <= date {
            here
        } else {
            here.checked_sub_months(Months::new(1)).unwrap_or(here)
        }
    }
}

/// Which cost of a request counts, as ccusage calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What the transcript says, where it says so; else by price.
    Auto,
    /// By price.
    #[default]
    Calculate,
    /// What the transcript says, and nothing where it says nothing.
    Display,
}

impl Mode {
    /// What a row costs.
    pub fn cost(self, row: &Row<'_>) -> Cost {
        // Endpoints that know no price write 0.
        let recorded = row
            .recorded
            .filter(|cost| *cost > Money::ZERO || row.totals.counters.total() == 0);
        match (self, recorded) {
            (Self::Auto | Self::Display, Some(recorded)) => Cost::known(recorded),
            (Self::Display, None) if row.source != RowSource::Sum(Source::Claim) => Cost::UNKNOWN,
            _ => row.totals.cost,
        }
    }
}

/// The machines that a report is about; all where there is none.
pub type Machines<'a> = &'a [MachineId];

/// Which days count, both inclusive, in the report's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The first day.
    pub since: Option<NaiveDate>,
    /// The last day.
    pub until: Option<NaiveDate>,
}

impl Bounds {
    /// Whether a day is one of them.
    pub fn hold(&self, date: NaiveDate) -> bool {
        self.since.is_none_or(|since| date >= since) && self.until.is_none_or(|until| date <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::record::{Counters, Totals};

    #[test]
    fn a_recorded_zero_beside_tokens_is_no_price() {
        let price = Cost::known(Money::from_pico(7));
        let cost = |mode: Mode, recorded: Option<u128>, input: u64| {
            let totals = Totals {
                requests: 1,
                counters: Counters {
                    input,
                    ..Counters::default()
                },
                cost: price,
            };
            let recorded = recorded.map(Money::from_pico);
            let (session, project, model, at) = (None, "", "", Timestamp::EPOCH);
            mode.cost(&Row {
                id: None,
                machine: 0,
                session,
                project,
                model,
                at,
                totals,
                recorded,
                source: RowSource::Record(crate::record::Level::Full),
                provisional: false,
                sidechain: false,
                client: None,
            })
        };
        assert_eq!(cost(Mode::Auto, Some(0), 5), price);
        assert_eq!(cost(Mode::Display, Some(0), 5), Cost::UNKNOWN);
        assert_eq!(
            cost(Mode::Auto, Some(0), 0),
            Cost::known(Money::ZERO),
            "nothing was used"
        );
        assert_eq!(
            cost(Mode::Display, Some(3), 5),
            Cost::known(Money::from_pico(3))
        );
    }
}
