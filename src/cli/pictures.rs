//! `claude-usage-tracker html` and `svg`: reports as pictures.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::env::Env;
use super::error::CliError;
use super::rows::{Filter, weekday};
use super::{exit, out};
use crate::charts::{ChartError, Theme};
use crate::fleet::Row;
use crate::report::page::{Story, StoryFold, Which, to_html};
use crate::report::{Bounds, Choice, Look};

/// What goes into the page.
#[derive(Debug, clap::Args)]
pub struct HtmlArgs {
    /// The file, which is replaced whole
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    rows: Rows,
}

/// Which chart.
#[derive(Debug, clap::Args)]
pub struct SvgArgs {
    /// What it shows
    #[arg(value_enum, default_value = "cost")]
    chart: Shown,
    /// For a dark background
    #[arg(long)]
    dark: bool,
    /// The file, which is replaced whole, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    rows: Rows,
}

#[derive(Debug, clap::Args)]
struct Rows {
    #[command(flatten)]
    filter: Filter,
    /// The day that a week begins with
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// Cost of each day, by model
    Cost,
    /// Tokens of each day, by model
    Tokens,
    /// Cost of each day, a square a day
    Calendar,
    /// Cost of each week, by machine
    Machines,
    /// Cost of projects
    Projects,
    /// Cost by hour of the day
    Hours,
}

impl Rows {
    fn story(&self, env: &Env) -> Result<Story, CliError> {
        let filter = &self.filter;
        let bounds = Bounds {
            since: filter.since,
            until: filter.until,
        };
        let choice = Choice {
            week_start: self.start_of_week.num_days_from_monday(),
            some_projects: !filter.project.is_empty(),
            some_machines: !filter.machine.is_empty(),
            mode: filter.mode.into(),
            ..Choice::default()
        };
        let mut fold = StoryFold::new(bounds, filter.timezone, &choice);
        let found = filter.read(env, bounds, &mut |row: &Row<'_>| fold.add(row))?;
        Ok(fold.finish(&found.fleet, &found.machines))
    }
}

pub fn html(args: &HtmlArgs, env: &Env) -> Result<u8, CliError> {
    let story = args.rows.story(env)?;
    let look = Look {
        width: env.width,
        now: env.now,
        compact: false,
    };
    let page = to_html(&story, args.rows.filter.timezone, look).map_err(|error| undrawn(&error))?;
    write(&args.output, &page)
}

pub fn svg(args: &SvgArgs, env: &Env) -> Result<u8, CliError> {
    let which = match args.chart {
        Shown::Cost => Which::Cost,
        Shown::Tokens => Which::Tokens,
        Shown::Calendar => Which::Calendar,
        Shown::Machines => Which::Machines,
        Shown::Projects => Which::Projects,
        Shown::Hours => Which::Hours,
    };
    let theme = if args.dark { Theme::Dark } else { Theme::Light };
    let picture = args
        .rows
        .story(env)?
        .picture(which)
        .svg(theme)
        .map_err(|error| undrawn(&error))?;
    if let Some(path) = &args.output {
        return write(path, &picture);
    }
    out(&picture);
    Ok(exit::OK)
}

fn write(path: &Path, text: &str) -> Result<u8, CliError> {
    super::export::write_file(path, |out| out.write_all(text.as_bytes()))
}

fn undrawn(error: &ChartError) -> CliError {
    CliError::plain(
        &error.to_string(),
        "claude_sync::chart",
        exit::FAILURE,
        "narrow the report down with --since and --until",
    )
}
