//! The reports of `claude-usage-tracker`: tables, CSV or JSON of usage by day, week, session, ….

mod args;
mod blocks;

use std::io::{BufWriter, Write as _};

use crate::base::text::JsonScreen;
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{out, printed};
use crate::cli::{exit, pager};
use crate::fleet::Row;
use crate::report::blocks::{Block, Blocks, BlocksLook};
use crate::report::{self, Bounds, Fold, Report};
pub(crate) use args::{By, ReportArgs};
use blocks::BlockOptions;
pub(crate) use blocks::BlocksArgs;

/// The age of other machines' figures is shown from 1 hour on, in ms.
const OLD: i64 = 60 * 60 * 1000;

/// Prints the report of a command.
pub(crate) fn run(by: By, args: &ReportArgs, env: &Env) -> Result<u8, CliError> {
    print(by, (args, BlockOptions::default()), env)
}

/// Prints the report of blocks.
pub(crate) fn run_blocks(args: &BlocksArgs, env: &Env) -> Result<u8, CliError> {
    print(By::Blocks, (&args.report, args.blocks), env)
}

/// The options of a report, and those of blocks.
type Options<'a> = (&'a ReportArgs, BlockOptions);

fn print(by: By, options: Options<'_>, env: &Env) -> Result<u8, CliError> {
    let (args, _) = options;
    let reports = args.reports(by);
    check(args, &reports)?;
    let (reports, as_of) = read(options, env, &reports)?;
    if args.csv {
        let rows = reports.iter().filter_map(ComputedReport::rows);
        rows.for_each(|report| out(&report::to_csv(report)));
    } else if args.json {
        print_json(env, &reports);
    } else {
        print_tables(args, env, &reports, &age(as_of, env.now));
    }
    Ok(exit::OK)
}

/// Fails if an option is not for these reports.
fn check(args: &ReportArgs, reports: &[By]) -> Result<(), CliError> {
    let usage = |what: &str, next: &str| {
        Err(CliError::plain(
            what,
            "claude_sync::usage",
            exit::USAGE,
            next,
        ))
    };
    if args.csv && (reports.len() > 1 || reports[0] == By::Blocks) {
        return usage("CSV is for one report, and not for blocks", "use --json");
    }
    if args.top.is_some() && reports[0] == By::Blocks {
        return usage(
            "--top is not for blocks",
            "use it with another report, such as daily",
        );
    }
    if args.min_cost.is_some() && !reports.iter().all(|by| by.lists_names()) {
        return usage(
            "--min-cost is for machines, projects, groups, users, session and models, and not for reports by time",
            "use it with one of these, such as models",
        );
    }
    Ok(())
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
    Blocks(Vec<Block>, BlocksLook),
}

impl ComputedReport {
    fn rows(&self) -> Option<&Report> {
        match self {
            Self::Rows(report) => Some(report),
            Self::Blocks(..) => None,
        }
    }

    fn blocks(&self) -> Option<(&[Block], BlocksLook)> {
        match self {
            Self::Rows(_) => None,
            Self::Blocks(blocks, look) => Some((blocks, *look)),
        }
    }
}

/// A line with the age of other machines' figures, if they are old.
fn age(as_of: Option<Timestamp>, now: Timestamp) -> String {
    let old = as_of.filter(|as_of| now.since(*as_of) >= OLD);
    old.map_or_else(String::new, |as_of| {
        let age = report::ago(now, as_of);
        format!("Figures of other machines are from {age}, when a sync last reached the remote.\n")
    })
}

/// Computes the reports in one pass over the rows. Returns when the figures of other machines are
/// from, if there are any.
fn read(
    options: Options<'_>,
    env: &Env,
    reports: &[By],
) -> Result<(Vec<ComputedReport>, Option<Timestamp>), CliError> {
    let (args, block_options) = options;
    let filter = &args.filter;
    let choice = args.choice();
    let bounds = args.bounds(reports[0], &choice, env.now);
    let begin = |by: &By| match by.kind() {
        Some(kind) => {
            let fold = Fold::new(kind, bounds, filter.timezone);
            ReportBuilder::Rows(Box::new(fold.with(choice.clone())))
        }
        None => ReportBuilder::Blocks(
            Blocks::new(bounds, filter.timezone).of_length(block_options.length()),
        ),
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
            finish_blocks(all, options, bounds, env)
        }
    };
    let computed = collecting.into_iter().map(finish).collect();
    Ok((computed, found.as_of))
}

fn finish_blocks(
    mut all: Vec<Block>,
    (args, options): Options<'_>,
    bounds: Bounds,
    env: &Env,
) -> ComputedReport {
    let limit = options.limit(&all);
    options.keep(&mut all, env.now);
    let look = BlocksLook {
        zone: args.filter.timezone,
        bounds,
        without_cost: args.no_cost,
        limit,
    };
    ComputedReport::Blocks(all, look)
}

/// Prints all reports as one JSON object. Written in parts: reports by session can be large.
fn print_json(env: &Env, reports: &[ComputedReport]) {
    let rows: Vec<&Report> = reports.iter().filter_map(ComputedReport::rows).collect();
    let blocks = reports.iter().find_map(ComputedReport::blocks);
    let blocks = blocks.map(|(blocks, look)| report::blocks::to_json(blocks, env.now, look));
    let mut to = JsonScreen(BufWriter::new(std::io::stdout().lock()));
    printed(
        report::write_json(&rows, blocks.as_ref(), &mut to)
            .and_then(|()| to.write_all(b"\n"))
            .and_then(|()| to.flush()),
    );
}

/// Prints a table for each report, and the line below them.
fn print_tables(args: &ReportArgs, env: &Env, reports: &[ComputedReport], below: &str) {
    let look = args.look(env);
    let tables = reports.iter().map(|report| match report {
        ComputedReport::Rows(report) => report::to_table(report, look),
        ComputedReport::Blocks(blocks, shown) => report::blocks::to_table(blocks, *shown, look),
    });
    let text = tables.collect::<Vec<_>>().join("\n") + below;
    if args.no_pager {
        out(&text);
    } else {
        pager::page(env, &text);
    }
}
