//! The reports of `claude-usage-tracker`: tables, CSV or JSON of usage by day, week, session, ….

use std::io::{BufWriter, Write as _};

use chrono::NaiveDate;
use clap::ValueEnum;

use crate::base::text::JsonScreen;
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::{out, printed};
use crate::cli::rows::{Filter, weekday};
use crate::fleet::Row;
use crate::report::blocks::{self, Block, Blocks};
use crate::report::{self, Bounds, Breakdown, Choice, Fold, Look, Report, ReportKind};

/// The options of a report.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Group usage by day, week, month, session, …
    #[arg(value_enum, default_value = "daily")]
    report: By,
    #[command(flatten)]
    filter: Filter,
    /// Print several reports of the same rows, such as daily,machines
    #[arg(long, value_enum, value_name = "REPORTS", value_delimiter = ',')]
    sections: Vec<By>,
    /// Print JSON
    #[arg(short, long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// Only the last N days, weeks or months, with the current one: 7d, 4w or 3m [default unit: that of the report]
    #[arg(long, value_name = "N[d|w|m]", conflicts_with_all = ["since", "until"], value_parser = last)]
    last: Option<LastPeriods>,
    /// First day of a week
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// First day of a month, 1 to 28, as on bills
    #[arg(long, value_name = "DAY", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=28))]
    start_of_month: u32,
    /// Split each row by model
    #[arg(short, long, conflicts_with_all = ["by", "instances"])]
    breakdown: bool,
    /// Split each row by project
    #[arg(short, long, hide = true, conflicts_with = "by")]
    instances: bool,
    /// Split each row
    #[arg(long, value_enum)]
    by: Option<SplitBy>,
    /// Order of the rows
    #[arg(short, long, value_enum, default_value = "asc")]
    order: Order,
    /// Only the N rows that cost most, in the order of the report
    #[arg(long, value_name = "N", conflicts_with_all = ["sections", "no_cost"], value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Show fewer columns
    #[arg(long)]
    compact: bool,
    /// Show tokens only
    #[arg(long)]
    no_cost: bool,
    /// Accepted for compatibility with ccusage; reports never use the network
    #[arg(short = 'O', long, hide = true)]
    offline: bool,
}

/// The value of `--last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LastPeriods {
    count: u32,
    /// `d`, `w` or `m`.
    unit: Option<char>,
}

/// Parses the value of `--last`.
fn last(text: &str) -> Result<LastPeriods, String> {
    let unit = text.chars().last().filter(|last| "dwm".contains(*last));
    let count = text
        .strip_suffix(['d', 'w', 'm'])
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|count| (1..=100_000).contains(count));
    count
        .map(|count| LastPeriods { count, unit })
        .ok_or_else(|| {
            "write a number from 1 to 100000, with d, w or m behind it, such as 4w".to_owned()
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Asc,
    Desc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Daily,
    Weekly,
    Monthly,
    Session,
    /// Five-hour blocks, to which usage limits apply
    Blocks,
    Machines,
    Projects,
    Models,
}

impl By {
    /// The kind of report; `None` for blocks, which have a report of their own.
    fn kind(self) -> Option<ReportKind> {
        match self {
            Self::Daily => Some(ReportKind::Daily),
            Self::Weekly => Some(ReportKind::Weekly),
            Self::Monthly => Some(ReportKind::Monthly),
            Self::Session => Some(ReportKind::Session),
            Self::Blocks => None,
            Self::Machines => Some(ReportKind::Machines),
            Self::Projects => Some(ReportKind::Projects),
            Self::Models => Some(ReportKind::Models),
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
}

impl ReportArgs {
    /// The reports to print, each once.
    fn reports(&self) -> Vec<By> {
        let mut reports: Vec<By> = Vec::new();
        for by in &self.sections {
            if !reports.contains(by) {
                reports.push(*by);
            }
        }
        if reports.is_empty() {
            reports.push(self.report);
        }
        reports
    }

    fn choice(&self) -> Choice {
        let filter = &self.filter;
        Choice {
            week_start: self.start_of_week.num_days_from_monday(),
            month_start: self.start_of_month,
            descending: self.order == Order::Desc,
            top: self.top.and_then(|top| usize::try_from(top).ok()),
            some_projects: !filter.project.is_empty(),
            some_machines: !filter.machine.is_empty(),
            split: self.split(),
            without_cost: self.no_cost,
            mode: filter.mode.into(),
        }
    }

    /// The days of the reports. `by`: the report that sets the unit of `--last`.
    fn bounds(&self, by: By, choice: &Choice, now: Timestamp) -> Bounds {
        let filter = &self.filter;
        let today = filter.timezone.date(now);
        let first = self.last.map(|last| first_day(last, by, choice, today));
        Bounds {
            since: first.or(filter.since),
            until: filter.until,
        }
    }

    /// How each row is split, by `--by` or the options that ccusage has.
    fn split(&self) -> Option<Breakdown> {
        match self.by {
            Some(SplitBy::Machine) => Some(Breakdown::Machine),
            Some(SplitBy::Project) => Some(Breakdown::Project),
            Some(SplitBy::Model) => Some(Breakdown::Model),
            Some(SplitBy::Origin) => Some(Breakdown::Origin),
            Some(SplitBy::Agent) => Some(Breakdown::Agent),
            None if self.instances => Some(Breakdown::Project),
            None => self.breakdown.then_some(Breakdown::Model),
        }
    }
}

/// The first day of `--last`.
fn first_day(last: LastPeriods, by: By, choice: &Choice, today: NaiveDate) -> NaiveDate {
    let unit = last.unit.unwrap_or(match by {
        By::Weekly => 'w',
        By::Monthly => 'm',
        _ => 'd',
    });
    let before = last.count - 1;
    let first = match unit {
        'm' => choice
            .month_of(today)
            .checked_sub_months(chrono::Months::new(before)),
        'w' => choice
            .week_of(today)
            .checked_sub_days(chrono::Days::new(u64::from(before) * 7)),
        _ => today.checked_sub_days(chrono::Days::new(before.into())),
    };
    first.unwrap_or(NaiveDate::MIN)
}

pub(crate) fn run(args: &ReportArgs, env: &Env) -> Result<u8, CliError> {
    let reports = args.reports();
    if args.csv && (reports.len() > 1 || reports[0] == By::Blocks) {
        return Err(CliError::plain(
            "CSV is for one report, and not for blocks",
            "claude_sync::usage",
            exit::USAGE,
            "use --json",
        ));
    }
    if args.top.is_some() && reports[0] == By::Blocks {
        return Err(CliError::plain(
            "--top is not for blocks",
            "claude_sync::usage",
            exit::USAGE,
            "use it with another report, such as daily",
        ));
    }
    let reports = read(args, env, &reports)?;
    if args.csv {
        let rows = reports.iter().filter_map(ComputedReport::rows);
        rows.for_each(|report| out(&report::to_csv(report)));
    } else if args.json {
        print_json(args, env, &reports);
    } else {
        print_tables(args, env, &reports);
    }
    Ok(exit::OK)
}

/// A report that collects rows.
enum ReportBuilder {
    Rows(Box<Fold>),
    Blocks(Blocks),
}

impl ReportBuilder {
    fn add(&mut self, row: &Row<'_>) {
        match self {
            Self::Rows(fold) => fold.add(row),
            Self::Blocks(blocks) => blocks.add(row),
        }
    }
}

/// A computed report.
enum ComputedReport {
    Rows(Report),
    Blocks(Vec<Block>),
}

impl ComputedReport {
    fn rows(&self) -> Option<&Report> {
        match self {
            Self::Rows(report) => Some(report),
            Self::Blocks(_) => None,
        }
    }

    fn blocks(&self) -> Option<&[Block]> {
        match self {
            Self::Rows(_) => None,
            Self::Blocks(blocks) => Some(blocks),
        }
    }
}

/// Computes the reports in one pass over the rows.
fn read(args: &ReportArgs, env: &Env, reports: &[By]) -> Result<Vec<ComputedReport>, CliError> {
    let filter = &args.filter;
    let choice = args.choice();
    let bounds = args.bounds(reports[0], &choice, env.now);
    let begin = |by: &By| match by.kind() {
        Some(kind) => {
            let fold = Fold::new(kind, bounds, filter.timezone);
            ReportBuilder::Rows(Box::new(fold.with(choice.clone())))
        }
        None => ReportBuilder::Blocks(Blocks::new(bounds, filter.timezone)),
    };
    let mut collecting: Vec<ReportBuilder> = reports.iter().map(begin).collect();
    let mut add = |row: &Row<'_>| collecting.iter_mut().for_each(|report| report.add(row));
    let found = filter.read(env, bounds, &mut add)?;
    let finish = |report| match report {
        ReportBuilder::Rows(fold) => {
            ComputedReport::Rows(fold.finish(&found.fleet, &found.machines))
        }
        ReportBuilder::Blocks(blocks) => {
            let mut all = blocks.finish(env.now, |machine| found.wants(machine));
            if choice.descending {
                all.reverse();
            }
            ComputedReport::Blocks(all)
        }
    };
    Ok(collecting.into_iter().map(finish).collect())
}

/// Prints all reports as one JSON object. Written in parts: reports by session can be large.
fn print_json(args: &ReportArgs, env: &Env, reports: &[ComputedReport]) {
    let rows: Vec<&Report> = reports.iter().filter_map(ComputedReport::rows).collect();
    let blocks = reports.iter().find_map(ComputedReport::blocks);
    let blocks = blocks.map(|blocks| blocks::to_json(blocks, env.now, args.no_cost));
    let mut to = JsonScreen(BufWriter::new(std::io::stdout().lock()));
    printed(
        report::write_json(&rows, blocks.as_ref(), &mut to)
            .and_then(|()| to.write_all(b"\n"))
            .and_then(|()| to.flush()),
    );
}

/// Prints a table for each report.
fn print_tables(args: &ReportArgs, env: &Env, reports: &[ComputedReport]) {
    let look = Look {
        width: env.width,
        now: env.now,
        compact: args.compact,
    };
    for (index, report) in reports.iter().enumerate() {
        if index > 0 {
            out("\n");
        }
        out(&match report {
            ComputedReport::Rows(report) => report::to_table(report, look),
            ComputedReport::Blocks(blocks) => {
                blocks::to_table(blocks, args.filter.timezone, look, args.no_cost)
            }
        });
    }
}
