//! The options of reports.

use clap::ValueEnum;

use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::cli::amount::amount;
use crate::cli::env::Env;
use crate::cli::rows::Filter;
use crate::report::{Bounds, Breakdown, Choice, ColumnName, ColumnSet, Look, ReportKind, SortBy};

/// The options of a report.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Split each row
    #[arg(long, value_enum)]
    by: Option<SplitBy>,
    /// Split each row by model
    #[arg(short, long, conflicts_with_all = ["by", "instances"])]
    breakdown: bool,
    /// Split each row by project, as --by project does
    #[arg(short, long, conflicts_with = "by")]
    instances: bool,
    /// Sort by this instead: cost and tokens descending, unless --order is asc
    #[arg(long, value_enum, value_name = "KEY")]
    sort: Option<SortKey>,
    /// Order of the rows [default: asc]
    #[arg(short, long, value_enum)]
    order: Option<Order>,
    /// Only the N rows that cost most, in the order of the report
    #[arg(long, value_name = "N", conflicts_with_all = ["sections", "no_cost"], value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) top: Option<u32>,
    /// Leave out rows that cost less, in USD; totals include them
    #[arg(long, value_name = "USD", conflicts_with_all = ["top", "no_cost"], value_parser = amount)]
    pub(super) min_cost: Option<Money>,
    /// Show these columns instead of those that fit
    #[arg(
        long,
        value_enum,
        value_name = "NAMES",
        value_delimiter = ',',
        conflicts_with = "compact"
    )]
    columns: Vec<ColumnArg>,
    /// Show fewer columns
    #[arg(long)]
    compact: bool,
    /// Show tokens only
    #[arg(long)]
    pub(super) no_cost: bool,
    /// Print several reports of the same rows, such as daily,machines
    #[arg(long, value_enum, value_name = "REPORTS", value_delimiter = ',')]
    sections: Vec<By>,
    /// First day of a month, 1 to 28, as on bills
    #[arg(long, value_name = "DAY", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=28))]
    start_of_month: u32,
    /// Print JSON
    #[arg(short, long, conflicts_with = "csv")]
    pub(super) json: bool,
    /// Print CSV
    #[arg(long)]
    pub(super) csv: bool,
    /// Do not start a pager
    #[arg(long)]
    pub(super) no_pager: bool,
    /// Accepted for compatibility with ccusage; reports never use the network
    #[arg(short = 'O', long)]
    offline: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Asc,
    Desc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SortKey {
    /// Day, week, month or name
    #[value(alias = "date")]
    Name,
    /// Last activity
    Last,
    Cost,
    Tokens,
}

impl From<SortKey> for SortBy {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Name => Self::Name,
            SortKey::Last => Self::Last,
            SortKey::Cost => Self::Cost,
            SortKey::Tokens => Self::Tokens,
        }
    }
}

/// The columns that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColumnArg {
    Models,
    Project,
    Machine,
    Last,
    Input,
    Output,
    CacheCreate,
    CacheRead,
    Total,
    Cost,
}

impl From<ColumnArg> for ColumnName {
    fn from(column: ColumnArg) -> Self {
        match column {
            ColumnArg::Models => Self::Models,
            ColumnArg::Project => Self::Project,
            ColumnArg::Machine => Self::Machine,
            ColumnArg::Last => Self::Last,
            ColumnArg::Input => Self::Input,
            ColumnArg::Output => Self::Output,
            ColumnArg::CacheCreate => Self::CacheCreate,
            ColumnArg::CacheRead => Self::CacheRead,
            ColumnArg::Total => Self::Total,
            ColumnArg::Cost => Self::Cost,
        }
    }
}

/// The reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Daily,
    Weekly,
    Monthly,
    Session,
    /// Five-hour blocks, to which usage limits apply
    Blocks,
    Machines,
    Projects,
    Models,
    Groups,
    Users,
}

impl By {
    /// Whether its rows are machines, projects, sessions, models, groups or users, and not times.
    pub(super) fn lists_names(self) -> bool {
        !matches!(
            self,
            Self::Daily | Self::Weekly | Self::Monthly | Self::Blocks
        )
    }

    /// The kind of report; `None` for blocks, which have a report of their own.
    pub(super) fn kind(self) -> Option<ReportKind> {
        match self {
            Self::Daily => Some(ReportKind::Daily),
            Self::Weekly => Some(ReportKind::Weekly),
            Self::Monthly => Some(ReportKind::Monthly),
            Self::Session => Some(ReportKind::Session),
            Self::Blocks => None,
            Self::Machines => Some(ReportKind::Machines),
            Self::Projects => Some(ReportKind::Projects),
            Self::Models => Some(ReportKind::Models),
            Self::Groups => Some(ReportKind::Groups),
            Self::Users => Some(ReportKind::Users),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitBy {
    Machine,
    Project,
    Model,
    /// How Claude Code was started: terminal (cli), IDE, desktop app, SDK
    Origin,
    /// Main thread and kinds of subagents; custom for user-defined ones
    Agent,
    /// Group of the machine (claude-sync machine group)
    Group,
    /// User of the machine (claude-sync machine user)
    User,
}

impl ReportArgs {
    /// The reports to print, each once. `by`: that of the command, if there are no others.
    pub(super) fn reports(&self, by: By) -> Vec<By> {
        let mut reports: Vec<By> = Vec::new();
        for by in &self.sections {
            if !reports.contains(by) {
                reports.push(*by);
            }
        }
        if reports.is_empty() {
            reports.push(by);
        }
        reports
    }

    pub(super) fn choice(&self) -> Choice {
        let filter = &self.filter;
        let descends = matches!(self.sort, Some(SortKey::Cost | SortKey::Tokens));
        Choice {
            week_start: filter.week_start(),
            month_start: self.start_of_month,
            sort: self.sort.map(SortBy::from),
            descending: self.order.map_or(descends, |order| order == Order::Desc),
            top: self.top.and_then(|top| usize::try_from(top).ok()),
            min_cost: self.min_cost,
            some_projects: !filter.project.is_empty(),
            some_machines: !filter.machines.is_empty(),
            split: self.split(),
            without_cost: self.no_cost,
            mode: filter.mode.into(),
        }
    }

    /// How tables look.
    pub(super) fn look(&self, env: &Env) -> Look {
        let columns = self.columns.iter();
        let columns = columns.fold(ColumnSet::default(), |set, name| set.with((*name).into()));
        Look {
            compact: self.compact,
            columns: (!self.columns.is_empty() && !self.compact).then_some(columns),
            ..env.look()
        }
    }

    /// The days of the reports. `by`: the report that sets the unit of `--last`.
    pub(super) fn bounds(&self, by: By, choice: &Choice, now: Timestamp) -> Bounds {
        let unit = match by {
            By::Weekly => 'w',
            By::Monthly => 'm',
            _ => 'd',
        };
        self.filter.bounds_by(now, unit, choice)
    }

    /// How each row is split, by `--by` or the options that ccusage has.
    fn split(&self) -> Option<Breakdown> {
        match self.by {
            Some(SplitBy::Machine) => Some(Breakdown::Machine),
            Some(SplitBy::Project) => Some(Breakdown::Project),
            Some(SplitBy::Model) => Some(Breakdown::Model),
            Some(SplitBy::Origin) => Some(Breakdown::Origin),
            Some(SplitBy::Agent) => Some(Breakdown::Agent),
            Some(SplitBy::Group) => Some(Breakdown::Group),
            Some(SplitBy::User) => Some(Breakdown::User),
            None if self.instances => Some(Breakdown::Project),
            None => self.breakdown.then_some(Breakdown::Model),
        }
    }
}
