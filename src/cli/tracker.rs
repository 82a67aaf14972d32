//! `claude-usage-tracker`: reports.

use std::io::{BufWriter, Write as _};

use chrono::{Datelike as _, NaiveDate};
use clap::ValueEnum;

use super::env::Env;
use super::error::CliError;
use super::{exit, out};
use crate::base::ids::MachineId;
use crate::base::text::{JsonScreen, count, printable};
use crate::git::Repo;
use crate::index::Index;
use crate::merge::digest::{Forgetful, Memory};
use crate::merge::fleet::{Fleet, Row, Rows};
use crate::report::blocks::Blocks;
use crate::report::{self, Bounds, Choice, Fold, Kind, Look, Zone};
use crate::store::{config, key, machine_id};
use crate::transcripts::{Cursors, read_all};

/// Report Claude Code usage of this machine or of the whole fleet
#[derive(Debug, clap::Parser)]
#[command(
    name = "claude-usage-tracker",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  claude-usage-tracker                                all machines, by day
  claude-usage-tracker monthly --json                 for other programs, in the shape of ccusage
  claude-usage-tracker machines --since 2026-11-01    who used what this month
  claude-usage-tracker --source=local                 this machine's transcripts, nothing else"
)]
pub struct Args {
    /// What a line stands for
    #[arg(value_enum, default_value = "daily")]
    report: By,
    /// Where figures come from: the synced repository, or this machine's transcripts
    #[arg(long, value_enum, default_value = "sync")]
    source: Source,
    /// Print JSON
    #[arg(short, long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// The first day (YYYY-MM-DD or YYYYMMDD)
    #[arg(short, long, value_name = "DAY", value_parser = date)]
    since: Option<NaiveDate>,
    /// The last day (YYYY-MM-DD or YYYYMMDD)
    #[arg(short, long, value_name = "DAY", value_parser = date)]
    until: Option<NaiveDate>,
    /// The time zone in which days begin, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Only the last days, weeks or months, this one among them: 7, 7d, 4w or 3m; a number alone counts what the report's lines are
    #[arg(long, value_name = "N[d|w|m]", conflicts_with_all = ["since", "until"], value_parser = last)]
    last: Option<Last>,
    /// The day that a week begins with
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// The order of the lines
    #[arg(short, long, value_enum, default_value = "asc")]
    order: Order,
    /// Only projects whose name contains this; may be given several times
    #[arg(short, long, value_name = "NAME")]
    project: Vec<String>,
}

/// How many of what are the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    count: u32,
    unit: Option<char>,
}

fn last(text: &str) -> Result<Last, String> {
    let unit = text.chars().last().filter(|last| "dwm".contains(*last));
    let count = text.strip_suffix(['d', 'w', 'm']).unwrap_or(text).parse().ok().filter(|count| (1..=100_000).contains(count));
    count.map(|count| Last { count, unit }).ok_or_else(|| "write a number from 1 on, and d, w or m behind it, such as 4w".to_owned())
}

fn weekday(text: &str) -> Result<chrono::Weekday, String> {
    text.parse().map_err(|_| "write a day of the week, such as monday".to_owned())
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
    /// Five-hour blocks, in which limits are counted
    Blocks,
    Machines,
    Projects,
    Models,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    Sync,
    Local,
}

/// Reads a day of the command line.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let dashed = crate::base::time::Day::parse(text).map(crate::base::time::Day::date);
    dashed
        .or_else(|| plain.then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok()).flatten())
        .ok_or_else(|| "no such day; write 2026-11-23 or 20261123".to_owned())
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|near| match near {
        Some(near) => format!("no such time zone; did you mean {near}?"),
        None => "no such time zone; write a name of the IANA database such as Europe/Berlin, or UTC".to_owned(),
    })
}

/// The first of the last days, weeks or months.
fn first_day(last: Last, kind: Kind, choice: &Choice, today: NaiveDate) -> NaiveDate {
    let unit = last.unit.unwrap_or(match kind {
        Kind::Weekly => 'w',
        Kind::Monthly => 'm',
        _ => 'd',
    });
    let before = last.count - 1;
    let first = match unit {
        'm' => today.with_day(1).and_then(|day| day.checked_sub_months(chrono::Months::new(before))),
        'w' => choice.week_of(today).checked_sub_days(chrono::Days::new(u64::from(before) * 7)),
        _ => today.checked_sub_days(chrono::Days::new(before.into())),
    };
    first.unwrap_or(NaiveDate::MIN)
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since > until
    {
        return Err(CliError::plain("--since is later than --until", "claude_sync::usage", exit::USAGE, "swap the two days"));
    }
    let places = Env::places()?;
    let kind = match args.report {
        By::Daily | By::Blocks => Kind::Daily,
        By::Weekly => Kind::Weekly,
        By::Monthly => Kind::Monthly,
        By::Session => Kind::Session,
        By::Machines => Kind::Machines,
        By::Projects => Kind::Projects,
        By::Models => Kind::Models,
    };
    let choice = Choice {
        week_start: args.start_of_week.num_days_from_monday(),
        descending: args.order == Order::Desc,
        projects: args.project.clone(),
    };
    let since = args.last.map(|last| first_day(last, kind, &choice, args.timezone.date(env.now))).or(args.since);
    let bounds = Bounds { since, until: args.until };
    if args.report == By::Blocks {
        return blocks(args, env, &places, bounds);
    }
    let mut fold = Fold::new(kind, bounds, args.timezone).with(choice);
    let mut add = |row: &Row<'_>| fold.add(row);
    let fleet = match args.source {
        Source::Sync => synced(&places, &mut add)?,
        Source::Local => local(&places, &mut add)?,
    };
    let report = fold.finish(&fleet);
    if args.csv {
        out(&report::to_csv(&report));
    } else if args.json {
        // A reader that went away, as `head` does, is no failure.
        let mut lines = JsonScreen(BufWriter::new(std::io::stdout().lock()));
        let _ = report::write_json(&report, &mut lines).and_then(|()| lines.write_all(b"\n")).and_then(|()| lines.flush());
    } else {
        out(&report::to_table(&report, Look { width: env.width, now: env.now }));
    }
    Ok(exit::OK)
}

/// The report by blocks.
fn blocks(args: &Args, env: &Env, places: &crate::store::Places, bounds: Bounds) -> Result<u8, CliError> {
    let mut blocks = Blocks::new(bounds, args.timezone);
    let mut add = |row: &Row<'_>| {
        if args.project.is_empty() || args.project.iter().any(|part| row.project.contains(part.as_str())) {
            blocks.add(row);
        }
    };
    match args.source {
        Source::Sync => drop(synced(places, &mut add)?),
        Source::Local => drop(local(places, &mut add)?),
    }
    let mut all = blocks.finish(env.now);
    if args.order == Order::Desc {
        all.reverse();
    }
    if args.csv {
        return Err(CliError::plain("blocks have no CSV", "claude_sync::usage", exit::USAGE, "use --json"));
    }
    if args.json {
        super::json(&report::blocks::to_json(&all, env.now));
    } else {
        out(&report::blocks::to_table(&all, args.timezone, Look { width: env.width, now: env.now }));
    }
    Ok(exit::OK)
}

/// The repository of this machine, with the fleet's key if there is one.
pub fn open(places: &crate::store::Places) -> Result<Repo, CliError> {
    let key = key::read(&places.key)?;
    Ok(report::open(&places.repo)?.ok_or_else(no_data)?.with_key(key.as_ref()))
}

/// The fleet as this machine's repository has it, and each of its rows.
pub fn synced(places: &crate::store::Places, rows: Rows) -> Result<Fleet, CliError> {
    let repo = open(places)?;
    let index = Index::peek(&places.state);
    let memory: &dyn Memory = match &index {
        Some(index) => index,
        None => &Forgetful,
    };
    report::from_repo(&repo, memory, rows)?.ok_or_else(no_data)
}

/// There is no repository, or nothing in it.
pub fn no_data() -> CliError {
    CliError::plain(
        "there is no synced data on this machine",
        "claude_sync::no_data",
        exit::REPOSITORY,
        "run claude-sync first; or look at this machine's transcripts alone: claude-usage-tracker --source=local",
    )
}

fn local(places: &crate::store::Places, rows: Rows) -> Result<Fleet, CliError> {
    let config = config::read(&places.config)?;
    let naming = crate::sync::naming(&config, key::read(&places.key)?.as_ref())?;
    let reading = read_all(&places.claude, &Cursors::new(), &naming);
    for (path, reason) in &reading.unreadable {
        eprintln!("warning: {}: skipped: {}", printable(&path.display().to_string(), 400), printable(reason, 200));
    }
    for bad in reading.bad.iter().take(10) {
        eprintln!("warning: {}:{}: skipped: {}", printable(&bad.path.display().to_string(), 400), bad.line, bad.error);
    }
    if reading.bad_total > 0 {
        eprintln!("warning: {} of transcripts could not be read and were skipped.", count(reading.bad_total, "line"));
    }
    if reading.files == 0 {
        let folders: Vec<_> = places.claude.iter().map(|path| printable(&path.join("projects").display().to_string(), 300)).collect();
        eprintln!("warning: no transcripts found in {}", folders.join(", "));
    }
    let machine = machine_id::read(&places.machine_id).ok().flatten().unwrap_or_else(MachineId::random);
    let mut fleet = report::from_records(machine, reading.records, rows);
    let name = super::env::host().hostname;
    fleet.machines.iter_mut().for_each(|machine| machine.label.clone_from(&name));
    Ok(fleet)
}
