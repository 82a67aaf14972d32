//! `claude-usage-tracker html` and `svg`: charts.

use super::limits;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::rows::{DataSource, Filter};
use crate::cli::{exit, opener, output_file, places};
use std::path::PathBuf;

use std::io::IsTerminal as _;

use clap::ValueEnum;

use crate::charts::{ChartError, Theme};
use crate::fleet::Row;
use crate::report::limits::Known;
use crate::report::page::{PageFold, Sections, SectionsFold, Which};
use crate::report::{Bounds, Choice};
use crate::store::durable::WriteError;
use crate::store::private;

#[derive(Debug, clap::Args)]
pub(crate) struct HtmlArgs {
    /// Write to this file, and replace it if it exists; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Open the page in the browser; without -o it is kept in the state folder
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    rows: ChartRows,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SvgArgs {
    /// The chart to draw
    #[arg(value_enum, default_value = "cost")]
    chart: ChartName,
    /// Use colors for a dark background
    #[arg(long)]
    dark: bool,
    /// Write to this file instead of standard output, and replace it if it exists; - is standard
    /// output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    rows: ChartRows,
}

/// The rows that charts show.
#[derive(Debug, clap::Args)]
struct ChartRows {
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChartName {
    /// Cost of each day, by model
    Cost,
    /// Tokens of each day, by model
    Tokens,
    /// Cost of each day, as a calendar
    Calendar,
    /// Cost of each week, by machine
    Machines,
    /// Cost of each project
    Projects,
    /// Cost by hour of the day
    Hours,
}

impl ChartRows {
    fn choice(&self) -> Choice {
        let filter = &self.filter;
        Choice {
            week_start: filter.week_start(),
            some_projects: !filter.project.is_empty(),
            some_machines: !filter.machines.is_empty(),
            mode: filter.mode.into(),
            ..Choice::default()
        }
    }

    fn bounds(&self, env: &Env, choice: &Choice) -> Bounds {
        self.filter.bounds_by(env.now, 'd', choice)
    }

    /// Plan limits, which are of whole accounts: a page of some machines or projects has none.
    fn limits(&self) -> Result<Known, CliError> {
        let filter = &self.filter;
        if !filter.machines.is_empty() || !filter.project.is_empty() {
            return Ok(Known::default());
        }
        let places = places::find()?;
        if filter.source == Some(DataSource::Local) {
            return Ok(limits::known_here(&places));
        }
        limits::known(&places)
    }

    fn sections(&self, env: &Env) -> Result<Sections, CliError> {
        let (filter, choice) = (&self.filter, self.choice());
        let bounds = self.bounds(env, &choice);
        let today = filter.timezone.date(env.now);
        let mut fold = SectionsFold::new(bounds, filter.timezone, today, &choice);
        let found = filter.read(env, bounds, &mut |row: &Row<'_>| fold.add(row))?;
        Ok(fold.finish(&found.fleet, &found.machines))
    }
}

pub(crate) fn html(args: &HtmlArgs, env: &Env) -> Result<u8, CliError> {
    let output = args.place()?;
    if output.is_none() && std::io::stdout().is_terminal() {
        return Err(CliError::plain(
            "the page is for a browser, not for a terminal",
            "claude_sync::usage",
            exit::USAGE,
            "open it: claude-usage-tracker html --open; or name a file: -o usage.html; -o - prints it",
        ));
    }
    let (filter, choice) = (&args.rows.filter, args.rows.choice());
    let bounds = args.rows.bounds(env, &choice);
    let mut fold = PageFold::new(bounds, filter.timezone, &choice);
    let found = filter.read(env, bounds, &mut |row: &Row<'_>| fold.add(row))?;
    let limits = args.rows.limits()?;
    let page = fold
        .into_html(&found.fleet, &found.machines, &limits, env.look())
        .map_err(|error| not_made(&error))?;
    let code = output_file::deliver(output.as_deref(), env, &page)?;
    if let Some(path) = output.filter(|_| args.open) {
        opener::open(&path)?;
    }
    Ok(code)
}

impl HtmlArgs {
    /// The file to write. `None`: standard output.
    fn place(&self) -> Result<Option<PathBuf>, CliError> {
        match output_file::named(self.output.as_deref()) {
            Some(path) => Ok(Some(path.to_owned())),
            None if !self.open => Ok(None),
            None if self.output.is_some() => Err(CliError::plain(
                "--open needs a file, not standard output",
                "claude_sync::usage",
                exit::USAGE,
                "leave out -o -, or name a file",
            )),
            None => {
                let state = places::find()?.state;
                let path = state.join("usage.html");
                match private::make_folder(&state) {
                    Ok(()) => Ok(Some(path)),
                    Err(source) => Err(CliError::output(&WriteError { path, source }, FOLDER)),
                }
            }
        }
    }
}

/// What to do if the state folder cannot be made.
const FOLDER: &str =
    "name a file in a folder of yours: claude-usage-tracker html --open -o usage.html";

pub(crate) fn svg(args: &SvgArgs, env: &Env) -> Result<u8, CliError> {
    let which = match args.chart {
        ChartName::Cost => Which::Cost,
        ChartName::Tokens => Which::Tokens,
        ChartName::Calendar => Which::Calendar,
        ChartName::Machines => Which::Machines,
        ChartName::Projects => Which::Projects,
        ChartName::Hours => Which::Hours,
    };
    let theme = if args.dark { Theme::Dark } else { Theme::Light };
    let picture = args
        .rows
        .sections(env)?
        .picture(which)
        .svg(theme)
        .map_err(|error| not_drawn(&error))?;
    output_file::deliver(args.output.as_deref(), env, &picture)
}

fn not_made(error: &std::io::Error) -> CliError {
    CliError::plain(
        &format!("failed to make the page: {error}"),
        "claude_sync::page",
        exit::FAILURE,
        "select fewer days with --since and --until",
    )
}

fn not_drawn(error: &ChartError) -> CliError {
    CliError::plain(
        &error.to_string(),
        "claude_sync::chart",
        exit::FAILURE,
        "select fewer days with --since and --until",
    )
}
