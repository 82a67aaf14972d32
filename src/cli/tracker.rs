//! `claude-usage-tracker`: reports.

use std::io::{BufWriter, Write as _};

use chrono::NaiveDate;
use clap::ValueEnum;

use super::env::Env;
use super::error::CliError;
use super::everywhere::Everywhere;
use super::rows::{Filter, weekday};
use super::{audit, budget, exit, explain, export, out, pictures, shell, statusline};
use crate::base::text::JsonScreen;
use crate::fleet::Row;
use crate::report::blocks::{self, Block, Blocks};
use crate::report::{self, Bounds, Choice, Fold, Kind, Look, Report, Split};

/// Report Claude Code usage of this machine or of the whole fleet
#[derive(Debug, clap::Parser)]
#[command(
    name = "claude-usage-tracker",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  claude-usage-tracker                                all machines, by day
  claude-usage-tracker monthly --json                 for other programs, in the shape of ccusage
  claude-usage-tracker machines --since 2026-11-01    who used what this month
  claude-usage-tracker weekly --last 4 --by project   what the last four weeks went into
  claude-usage-tracker --source=local                 this machine's transcripts, nothing else"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One line for Claude Code's status line: what today and the block cost so far, on all machines
    Statusline(statusline::Args),
    /// What was spent of a limit for the day, the week or the month, and where that leads
    Budget(budget::Args),
    /// Compare request lines with Claude Code's own account, session by session
    Audit(audit::Args),
    /// Where a figure comes from: the requests behind it, the lines and commits that hold them, and the arithmetic
    Explain(explain::Args),
    /// Write a page with charts and a table of sessions, which needs no network
    Html(pictures::HtmlArgs),
    /// Draw one chart
    Svg(pictures::SvgArgs),
    /// Write what counts, request by request, for other programs
    Export(export::Args),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
}

/// What a report is asked for.
#[derive(Debug, clap::Args)]
struct ReportArgs {
    /// What a line stands for
    #[arg(value_enum, default_value = "daily")]
    report: Verb,
    #[command(flatten)]
    filter: Filter,
    /// Several reports over the same rows, such as daily,machines
    #[arg(long, value_enum, value_name = "REPORTS", value_delimiter = ',')]
    sections: Vec<Verb>,
    /// Print JSON
    #[arg(short, long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// Only the last days, weeks or months, this one among them: 7, 7d, 4w or 3m; a number alone counts what the report's lines are
    #[arg(long, value_name = "N[d|w|m]", conflicts_with_all = ["since", "until"], value_parser = last)]
    last: Option<Last>,
    /// The day that a week begins with
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// The day of the month that a month begins with, as bills do: 1 to 28
    #[arg(long, value_name = "DAY", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=28))]
    start_of_month: u32,
    /// Split each line by models
    #[arg(short, long, conflicts_with_all = ["by", "instances"])]
    breakdown: bool,
    /// Split each line by projects
    #[arg(short, long, hide = true, conflicts_with = "by")]
    instances: bool,
    /// Split each line by what it is made of
    #[arg(long, value_enum)]
    by: Option<By>,
    /// The order of the lines
    #[arg(short, long, value_enum, default_value = "asc")]
    order: Order,
    /// Few columns, however wide the terminal is
    #[arg(long)]
    compact: bool,
    /// Show tokens alone
    #[arg(long)]
    no_cost: bool,
    /// Taken from those who know it from ccusage: nothing is ever fetched
    #[arg(short = 'O', long, hide = true)]
    offline: bool,
}

/// How many of what are the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    count: u32,
    unit: Option<char>,
}

fn last(text: &str) -> Result<Last, String> {
    let unit = text.chars().last().filter(|last| "dwm".contains(*last));
    let count = text
        .strip_suffix(['d', 'w', 'm'])
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|count| (1..=100_000).contains(count));
    count
        .map(|count| Last { count, unit })
        .ok_or_else(|| "write a number from 1 on, and d, w or m behind it, such as 4w".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Asc,
    Desc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    Daily,
    Weekly,
    Monthly,
    Session,
    /// Five-hour blocks, in which limits are counted
    Blocks,
    Machines,
    Projects,
    Models,
}

impl Verb {
    /// What its lines stand for; none for blocks, which are made otherwise.
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Daily => Some(Kind::Daily),
            Self::Weekly => Some(Kind::Weekly),
            Self::Monthly => Some(Kind::Monthly),
            Self::Session => Some(Kind::Session),
            Self::Blocks => None,
            Self::Machines => Some(Kind::Machines),
            Self::Projects => Some(Kind::Projects),
            Self::Models => Some(Kind::Models),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Machine,
    Project,
    Model,
    /// How Claude Code was started: in a terminal (cli), an IDE, the desktop app, by an SDK
    Origin,
    /// The main thread and kinds of subagents; custom for the user's own
    Agent,
}

impl ReportArgs {
    fn split(&self) -> Option<Split> {
        match self.by {
            Some(By::Machine) => Some(Split::Machine),
            Some(By::Project) => Some(Split::Project),
            Some(By::Model) => Some(Split::Model),
            Some(By::Origin) => Some(Split::Origin),
            Some(By::Agent) => Some(Split::Agent),
            None if self.instances => Some(Split::Project),
            None => self.breakdown.then_some(Split::Model),
        }
    }
}

/// The first of the last days, weeks or months.
fn first_day(last: Last, verb: Verb, choice: &Choice, today: NaiveDate) -> NaiveDate {
    let unit = last.unit.unwrap_or(match verb {
        Verb::Weekly => 'w',
        Verb::Monthly => 'm',
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

/// A report in the making.
enum Making {
    Lines(Box<Fold>),
    Blocks(Blocks),
}

/// A report that is made.
enum Made {
    Lines(Report),
    Blocks(Vec<Block>),
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    match &args.command {
        Some(Command::Statusline(args)) => Ok(statusline::run(args, env)),
        Some(Command::Audit(args)) => audit::run(args, env),
        Some(Command::Budget(args)) => budget::run(args, env),
        Some(Command::Explain(args)) => explain::run(args, env),
        Some(Command::Html(args)) => pictures::html(args, env),
        Some(Command::Svg(args)) => pictures::svg(args, env),
        Some(Command::Export(args)) => export::run(args, env),
        Some(Command::Completions(args)) => Ok(shell::completions(
            args,
            <Args as clap::CommandFactory>::command(),
        )),
        None => report(&args.report, env),
    }
}

fn report(args: &ReportArgs, env: &Env) -> Result<u8, CliError> {
    let filter = &args.filter;
    let mut verbs: Vec<Verb> = Vec::new();
    for verb in &args.sections {
        if !verbs.contains(verb) {
            verbs.push(*verb);
        }
    }
    if verbs.is_empty() {
        verbs.push(args.report);
    }
    if args.csv && (verbs.len() > 1 || verbs[0] == Verb::Blocks) {
        let message = "CSV is for one report, and not for blocks";
        return Err(CliError::plain(
            message,
            "claude_sync::usage",
            exit::USAGE,
            "use --json",
        ));
    }
    let choice = Choice {
        week_start: args.start_of_week.num_days_from_monday(),
        month_start: args.start_of_month,
        descending: args.order == Order::Desc,
        some_projects: !filter.project.is_empty(),
        some_machines: !filter.machine.is_empty(),
        split: args.split(),
        without_cost: args.no_cost,
        mode: filter.mode.into(),
    };
    let since = args
        .last
        .map(|last| first_day(last, verbs[0], &choice, filter.timezone.date(env.now)));
    let bounds = Bounds {
        since: since.or(filter.since),
        until: filter.until,
    };
    let begin = |verb: &Verb| match verb.kind() {
        Some(kind) => Making::Lines(Box::new(
            Fold::new(kind, bounds, filter.timezone).with(choice.clone()),
        )),
        None => Making::Blocks(Blocks::new(bounds, filter.timezone)),
    };
    let mut making: Vec<Making> = verbs.iter().map(begin).collect();
    let mut add = |row: &Row<'_>| {
        making.iter_mut().for_each(|report| match report {
            Making::Lines(fold) => fold.add(row),
            Making::Blocks(blocks) => blocks.add(row),
        });
    };
    let found = filter.read(env, bounds, &mut add)?;
    let finish = |report| match report {
        Making::Lines(fold) => Made::Lines(fold.finish(&found.fleet, &found.machines)),
        Making::Blocks(blocks) => {
            let mut all = blocks.finish(env.now, |at| found.wants(at));
            if choice.descending {
                all.reverse();
            }
            Made::Blocks(all)
        }
    };
    show(
        args,
        env,
        &making.into_iter().map(finish).collect::<Vec<_>>(),
    );
    Ok(exit::OK)
}

fn show(args: &ReportArgs, env: &Env, reports: &[Made]) {
    let look = Look {
        width: env.width,
        now: env.now,
        compact: args.compact,
    };
    let lines: Vec<&Report> = reports.iter().filter_map(Made::lines).collect();
    if args.csv {
        lines.iter().for_each(|report| out(&report::to_csv(report)));
        return;
    }
    let blocks = reports.iter().find_map(Made::blocks);
    if args.json {
        let blocks = blocks.map(|blocks| blocks::to_json(blocks, env.now, args.no_cost));
        let mut to = JsonScreen(BufWriter::new(std::io::stdout().lock()));
        super::printed(
            report::write_json(&lines, blocks.as_ref(), &mut to)
                .and_then(|()| to.write_all(b"\n"))
                .and_then(|()| to.flush()),
        );
        return;
    }
    for (at, report) in reports.iter().enumerate() {
        if at > 0 {
            out("\n");
        }
        match report {
            Made::Lines(report) => out(&report::to_table(report, look)),
            Made::Blocks(blocks) => out(&blocks::to_table(
                blocks,
                args.filter.timezone,
                look,
                args.no_cost,
            )),
        }
    }
}

impl Made {
    fn lines(&self) -> Option<&Report> {
        match self {
            Self::Lines(report) => Some(report),
            Self::Blocks(_) => None,
        }
    }

    fn blocks(&self) -> Option<&[Block]> {
        match self {
            Self::Lines(_) => None,
            Self::Blocks(blocks) => Some(blocks),
        }
    }
}
