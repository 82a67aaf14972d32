//! `claude-usage-tracker export`: rows for other programs.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use super::error::CliError;
use super::exit;
use super::rows::Filter;
use crate::base::text::{JsonScreen, TextScreen};
use crate::merge::fleet::Row;
use crate::report::Bounds;
use crate::report::export::{Export, Format};
use crate::store::durable;

/// What is exported, and where to.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    filter: Filter,
    /// How rows are written
    #[arg(long, value_enum, default_value = "csv")]
    format: As,
    /// Write to a file, which is replaced whole, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    /// A line a request, for spreadsheets and databases
    Csv,
    /// A JSON object a line
    Jsonl,
    /// Sums by machine, project and model, for Prometheus and the like
    Openmetrics,
}

pub fn run(args: &Args) -> Result<u8, CliError> {
    let filter = &args.filter;
    let bounds = Bounds { since: filter.since, until: filter.until };
    let mut export = Export::new(bounds, filter.timezone);
    let found = filter.read(bounds, &mut |row: &Row<'_>| export.add(row))?;
    let format = match args.format {
        As::Csv => Format::Csv,
        As::Jsonl => Format::Jsonl,
        As::Openmetrics => Format::OpenMetrics,
    };
    let write = |out: &mut dyn Write| export.write(format, &found.fleet, |at| found.wants(at), out);
    let Some(path) = &args.output else {
        // A reader that went away, as `head` does, is no failure.
        let out = BufWriter::new(io::stdout().lock());
        let _ = match format {
            Format::Jsonl => write(&mut JsonScreen(out)),
            Format::Csv | Format::OpenMetrics => write(&mut TextScreen(out)),
        };
        return Ok(exit::OK);
    };
    durable::write_with(path, write).map_err(|error| {
        CliError::plain(&format!("{error}: {}", error.source), "claude_sync::output", exit::FAILURE, "choose a file in a folder of yours")
    })?;
    Ok(exit::OK)
}
