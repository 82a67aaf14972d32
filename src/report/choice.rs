//! The options of a report: grouping, splitting, order, periods and which cost counts.

use chrono::{Datelike as _, Days, Months, NaiveDate};

use crate::base::ids::MachineId;
use crate::base::money::{Cost, Money};
use crate::fleet::{Row, RowSource, Tag};
use crate::record::Source;

/// The grouping of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// By day.
    Daily,
    /// By week; the key is the first day.
    Weekly,
    /// By month.
    Monthly,
    /// By session.
    Session,
    /// By machine.
    Machines,
    /// By project.
    Projects,
    /// By model.
    Models,
    /// By group of machines.
    Groups,
    /// By user.
    Users,
}

impl ReportKind {
    /// The tag of machines that it groups by.
    pub(super) fn tag(self) -> Option<Tag> {
        match self {
            Self::Groups => Some(Tag::Group),
            Self::Users => Some(Tag::User),
            _ => None,
        }
    }
}

/// The split of each group of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakdown {
    /// By model.
    Model,
    /// By machine.
    Machine,
    /// By project.
    Project,
    /// By `entrypoint`: how Claude Code was started.
    Origin,
    /// By kind of subagent, and the main thread.
    Agent,
    /// By group of machines.
    Group,
    /// By user.
    User,
}

impl Breakdown {
    /// The tag of machines that it splits by.
    pub(super) fn tag(self) -> Option<Tag> {
        match self {
            Self::Group => Some(Tag::Group),
            Self::User => Some(Tag::User),
            _ => None,
        }
    }
}

/// The order of the groups of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// Day, week, month, or name.
    Name,
    /// Last activity.
    Last,
    /// Cost.
    Cost,
    /// All tokens.
    Tokens,
}

/// The options of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The first day of a week, in days after Monday.
    pub(crate) week_start: u32,
    /// The first day of a month: 1 to 28.
    pub(crate) month_start: u32,
    /// The order of the groups. `None`: that of the kind of report.
    pub(crate) sort: Option<SortBy>,
    /// Whether the order is descending.
    pub(crate) descending: bool,
    /// How many groups are shown: those that cost most. `None`: all.
    pub(crate) top: Option<usize>,
    /// Groups that are known to cost less are not listed. `None`: all are.
    pub(crate) min_cost: Option<Money>,
    /// Whether rows are filtered by project. Others are not added.
    pub(crate) some_projects: bool,
    /// Whether rows are filtered by machine. Which machines is known after all rows are added.
    pub(crate) some_machines: bool,
    /// The split of each group.
    pub(crate) split: Option<Breakdown>,
    /// Whether costs are left out.
    pub(crate) without_cost: bool,
    /// Which cost of a request counts.
    pub(crate) mode: CostMode,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            week_start: 0,
            month_start: 1,
            sort: None,
            descending: false,
            top: None,
            min_cost: None,
            some_projects: false,
            some_machines: false,
            split: None,
            without_cost: false,
            mode: CostMode::default(),
        }
    }
}

impl Choice {
    /// The first day of a date's week.
    pub(crate) fn week_of(&self, date: NaiveDate) -> NaiveDate {
        let past = (date.weekday().num_days_from_monday() + 7 - self.week_start % 7) % 7;
        date.checked_sub_days(Days::new(past.into()))
            .unwrap_or(date)
    }

    /// The first day of a date's month, which begins on `month_start`.
    pub(crate) fn month_of(&self, date: NaiveDate) -> NaiveDate {
        let here = date.with_day(self.month_start).unwrap_or(date);
        if here <= date {
            here
        } else {
            here.checked_sub_months(Months::new(1)).unwrap_or(here)
        }
    }
}

/// Which cost of a request counts, with ccusage's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CostMode {
    /// The cost in the transcript if there is one, else the cost by price.
    Auto,
    /// The cost by price.
    #[default]
    Calculate,
    /// The cost in the transcript only.
    Display,
}

impl CostMode {
    /// The cost of a row.
    pub(crate) fn cost(self, row: &Row<'_>) -> Cost {
        // Endpoints without prices write 0.
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

/// The machines of a report; empty: all.
pub(crate) type Machines<'a> = &'a [MachineId];

/// The days of a report, both inclusive, in its time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    /// The first day.
    pub(crate) since: Option<NaiveDate>,
    /// The last day.
    pub(crate) until: Option<NaiveDate>,
}

impl Bounds {
    /// Whether they contain a day.
    pub(crate) fn contain(self, date: NaiveDate) -> bool {
        self.since.is_none_or(|since| date >= since) && self.until.is_none_or(|until| date <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::record::{Counters, Totals};

    #[test]
    fn a_recorded_cost_of_zero_with_tokens_is_not_a_price() {
        let price = Cost::known(Money::from_pico(7));
        let cost = |mode: CostMode, recorded: Option<u128>, input: u64| {
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
                fast: false,
                client: None,
            })
        };
        assert_eq!(cost(CostMode::Auto, Some(0), 5), price);
        assert_eq!(cost(CostMode::Display, Some(0), 5), Cost::UNKNOWN);
        assert_eq!(
            cost(CostMode::Auto, Some(0), 0),
            Cost::known(Money::ZERO),
            "nothing was used"
        );
        assert_eq!(
            cost(CostMode::Display, Some(3), 5),
            Cost::known(Money::from_pico(3))
        );
    }
}
