//! `claude-usage-tracker export`: writes rows for other programs.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::base::text::{JsonScreen, TextScreen, printable};
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output_file::{named, write_file, wrote};
use crate::cli::print::printed;
use crate::cli::rows::Filter;
use crate::fleet::Row;
use crate::report::export::{Export, ExportState, Format, is_parquet_path};
use crate::store::durable;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Output format
    #[arg(long, value_enum, default_value = "csv")]
    format: As,
    /// Write to this file (a folder for Parquet) instead of standard output, and replace it if it
    /// exists; - is standard output. A new file is private to you; an existing one keeps its
    /// permissions
    #[arg(short, long, value_name = "PATH", required_if_eq("format", "parquet"))]
    output: Option<PathBuf>,
    /// Write only what changed since the last export with this file, in which it keeps what was
    /// exported (Parquet)
    #[arg(long, value_name = "STATE")]
    since_last: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    /// One line per request, for spreadsheets and databases
    Csv,
    /// One JSON object per line
    Jsonl,
    /// A folder of files by year, month (in UTC) and machine, for analytic databases
    Parquet,
    /// Totals by machine, project and model, for Prometheus and similar programs
    Openmetrics,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    if args.since_last.is_some() && args.format != As::Parquet {
        return Err(not_parquet());
    }
    let filter = &args.filter;
    let bounds = filter.bounds(env.now);
    let mut export = Export::new(bounds, filter.timezone);
    let found = filter.read(env, bounds, &mut |row: &Row<'_>| export.add(row))?;
    if let Some(state) = &args.since_last {
        let write = |before: &ExportState, folder: &Path| {
            export.write_changes(&found.fleet, |at| found.wants(at), before, folder)
        };
        return changes(args, env, state, write);
    }
    let format = match args.format {
        As::Parquet => {
            let folder = named(args.output.as_deref()).ok_or_else(no_folder)?;
            let write =
                |folder: &Path| export.write_parquet(&found.fleet, |at| found.wants(at), folder);
            durable::replace_folder(folder, is_parquet_path, write)
                .map_err(|error| CliError::output(&error, "choose an empty folder"))?;
            wrote(folder, env);
            return Ok(exit::OK);
        }
        As::Csv => Format::Csv,
        As::Jsonl => Format::Jsonl,
        As::Openmetrics => Format::OpenMetrics,
    };
    let write = |out: &mut dyn Write| export.write(format, &found.fleet, |at| found.wants(at), out);
    let Some(path) = named(args.output.as_deref()) else {
        let to = BufWriter::new(io::stdout().lock());
        let flushed = |to: &mut dyn Write| write(to).and_then(|()| to.flush());
        printed(match format {
            Format::Jsonl => flushed(&mut JsonScreen(to)),
            Format::Csv | Format::OpenMetrics => flushed(&mut TextScreen(to)),
        });
        return Ok(exit::OK);
    };
    write_file(path, write)?;
    wrote(path, env);
    Ok(exit::OK)
}

/// Writes what changed since the last export to a new folder, then the state: an export that fails
/// is repeated by the next.
fn changes(
    args: &Args,
    env: &Env,
    place: &Path,
    write: impl FnOnce(&ExportState, &Path) -> io::Result<ExportState>,
) -> Result<u8, CliError> {
    let folder = named(args.output.as_deref()).ok_or_else(no_folder)?;
    let before = match fs::read(place) {
        Ok(bytes) => ExportState::parse(&bytes).map_err(|reason| bad_state(place, &reason))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => ExportState::default(),
        Err(error) => return Err(bad_state(place, &error.to_string())),
    };
    let mut after = None;
    // No file there is ours: changes that nobody loaded yet are not replaced.
    durable::replace_folder(
        folder,
        |_| false,
        |folder| {
            after = Some(write(&before, folder)?);
            Ok(())
        },
    )
    .map_err(|error| CliError::output(&error, NOT_LOADED))?;
    let after = after.unwrap_or_default();
    write_file(place, |out| out.write_all(&after.to_bytes()))?;
    wrote(folder, env);
    Ok(exit::OK)
}

/// What to do if the folder has files.
const NOT_LOADED: &str =
    "load the changes in this folder and delete it, or name a new folder for each export";

fn bad_state(place: &Path, reason: &str) -> CliError {
    let place = printable(&place.display().to_string(), 400);
    CliError::plain(
        &format!("failed to read the state of the last export, {place}: {reason}"),
        "claude_sync::output",
        exit::FAILURE,
        "to begin anew: delete it, empty the tables that were loaded from exports, and export again",
    )
}

fn not_parquet() -> CliError {
    CliError::plain(
        "--since-last writes Parquet files",
        "claude_sync::usage",
        exit::USAGE,
        "run claude-usage-tracker export --since-last usage.state --format parquet -o changes",
    )
}

fn no_folder() -> CliError {
    CliError::plain(
        "Parquet files need a folder, not standard output",
        "claude_sync::usage",
        exit::USAGE,
        "name one: claude-usage-tracker export --format parquet -o usage",
    )
}
