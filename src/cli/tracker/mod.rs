//! `claude-usage-tracker`: its arguments and commands.

mod audit;
mod budget;
mod charts;
mod explain;
mod export;
mod reports;
mod statusline;

use std::ffi::OsString;
use std::process::ExitCode;

use super::env::Env;
use super::error::CliError;
use super::finish::finish;
use super::globals::{self, GlobalOptions};
use super::shell;
use crate::store::private;
use reports::ReportArgs;

/// Report Claude Code usage of this machine or of the whole fleet
#[derive(Debug, clap::Parser)]
#[command(
    name = "claude-usage-tracker",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  claude-usage-tracker                                usage of all machines by day
  claude-usage-tracker monthly --json                 JSON in the format of ccusage
  claude-usage-tracker machines --since 2026-11-01    usage by machine since a day
  claude-usage-tracker weekly --last 4 --by project   usage of the last four weeks by project
  claude-usage-tracker --source=local                 this machine's transcripts only"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<TrackerCommand>,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    globals: GlobalOptions,
}

#[derive(Debug, clap::Subcommand)]
enum TrackerCommand {
    /// Print one line for Claude Code's status line: cost of today and of the current block, on all machines
    Statusline(statusline::Args),
    /// Show spending against a daily, weekly or monthly limit, with a forecast
    Budget(budget::Args),
    /// Compare request lines with Claude Code's own account, session by session
    Audit(audit::Args),
    /// Show the requests behind a figure, the files and commits that contain them, and the arithmetic of their price
    Explain(explain::Args),
    /// Write an HTML page with charts and a table of sessions, which needs no network
    Html(charts::HtmlArgs),
    /// Draw one chart
    Svg(charts::SvgArgs),
    /// Export counted requests for other programs
    Export(export::Args),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    match &args.command {
        Some(TrackerCommand::Statusline(args)) => Ok(statusline::run(args, env)),
        Some(TrackerCommand::Audit(args)) => audit::run(args, env),
        Some(TrackerCommand::Budget(args)) => budget::run(args, env),
        Some(TrackerCommand::Explain(args)) => explain::run(args, env),
        Some(TrackerCommand::Html(args)) => charts::html(args, env),
        Some(TrackerCommand::Svg(args)) => charts::svg(args, env),
        Some(TrackerCommand::Export(args)) => export::run(args, env),
        Some(TrackerCommand::Completions(args)) => Ok(shell::completions(
            args,
            <Args as clap::CommandFactory>::command(),
        )),
        None => reports::run(&args.report, env),
    }
}

/// Runs `claude-usage-tracker`.
pub(super) fn claude_usage_tracker(args: Vec<OsString>) -> ExitCode {
    private::restrict();
    let (args, globals) = globals::parse::<Args>(args);
    let env = Env::read().with_globals(globals);
    finish(env.check().and_then(|()| run(&args, &env)), &env)
}
