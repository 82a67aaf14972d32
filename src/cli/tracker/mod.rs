//! `claude-usage-tracker`: its arguments and commands.

mod audit;
mod budget;
mod charts;
mod explain;
mod export;
mod limits;
mod live;
mod reports;
mod statusline;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::env::Env;
use super::error::CliError;
use super::finish::finish;
use super::globals::{self, GlobalOptions};
use super::{places, shell};
use crate::store::{config, private};
use reports::{BlocksArgs, By, ReportArgs};

/// Report Claude Code usage of this machine or of the whole fleet
#[derive(Debug, clap::Parser)]
#[command(
    name = "claude-usage-tracker",
    version,
    max_term_width = 100,
    subcommand_required = true,
    override_usage = "claude-usage-tracker [COMMAND] [OPTIONS]",
    after_help = "\
Without a command: daily, with all its options.

Examples:
  claude-usage-tracker                                usage of all machines by day
  claude-usage-tracker monthly --json                 JSON in the format of ccusage
  claude-usage-tracker machines --since monday        usage by machine since Monday
  claude-usage-tracker weekly --last 4 --by project   usage of the last four weeks by project
  claude-usage-tracker --source=local                 this machine's transcripts only"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: TrackerCommand,
    #[command(flatten)]
    globals: GlobalOptions,
}

#[derive(Debug, clap::Subcommand)]
enum TrackerCommand {
    /// Report usage by day
    #[command(after_help = "\
Examples:
  claude-usage-tracker daily --since monday             days of this week
  claude-usage-tracker daily --last 7 --by machine      the last seven days, split by machine
  claude-usage-tracker daily --top 5                    the five days that cost most
  claude-usage-tracker daily --columns input,output,cost")]
    #[command(mut_arg("min_cost", |arg| arg.hide(true)))]
    Daily(Box<ReportArgs>),
    /// Report usage by week
    #[command(after_help = "\
Examples:
  claude-usage-tracker weekly --last 4                  four weeks, with this one
  claude-usage-tracker weekly --start-of-week monday    weeks from Monday to Sunday
  claude-usage-tracker weekly --by project              each week split by project")]
    #[command(mut_arg("min_cost", |arg| arg.hide(true)))]
    Weekly(Box<ReportArgs>),
    /// Report usage by month
    #[command(after_help = "\
Examples:
  claude-usage-tracker monthly --last 3                 three months, with this one
  claude-usage-tracker monthly --start-of-month 15      as on a bill of the 15th
  claude-usage-tracker monthly --by model --csv         for a spreadsheet")]
    #[command(mut_arg("min_cost", |arg| arg.hide(true)))]
    Monthly(Box<ReportArgs>),
    /// Report usage by session
    #[command(after_help = "\
Examples:
  claude-usage-tracker session --since yesterday        sessions since yesterday
  claude-usage-tracker session --sort cost --last 4w    by cost, descending
  claude-usage-tracker session --project shop           sessions of one project")]
    #[command(alias = "sessions")]
    Session(Box<ReportArgs>),
    /// Report usage by five-hour block, to which usage limits apply
    Blocks(Box<BlocksArgs>),
    /// Report usage by machine, with each machine's last sync
    #[command(after_help = "\
Examples:
  claude-usage-tracker machines --since 2w              since two weeks ago
  claude-usage-tracker machines --by project            each machine split by project")]
    #[command(alias = "machine")]
    Machines(Box<ReportArgs>),
    /// Report usage by project
    #[command(after_help = "\
Examples:
  claude-usage-tracker projects --last 1m               this month
  claude-usage-tracker projects --top 10                the ten projects that cost most
  claude-usage-tracker projects --machine laptop        projects of one machine")]
    #[command(alias = "project")]
    Projects(Box<ReportArgs>),
    /// Report usage by model
    #[command(after_help = "\
Examples:
  claude-usage-tracker models --since 2026-11-01        since a day
  claude-usage-tracker models --sort tokens             by tokens, descending
  claude-usage-tracker models --min-cost 1              models that cost $1 or more
  claude-usage-tracker models --by machine              each model split by machine")]
    #[command(alias = "model")]
    Models(Box<ReportArgs>),
    /// Report usage by group of machines, such as a team (claude-sync machine group)
    #[command(after_help = "\
Examples:
  claude-usage-tracker groups --last 1m                 this month
  claude-usage-tracker groups --by user                 each group split by user
  claude-usage-tracker monthly --by group               each month split by group
  claude-usage-tracker projects --group backend         projects of one group")]
    #[command(alias = "group")]
    Groups(Box<ReportArgs>),
    /// Report usage by user, where machines state theirs (claude-sync machine user)
    #[command(after_help = "\
Examples:
  claude-usage-tracker users --last 1m                  this month
  claude-usage-tracker users --group backend            users of one group
  claude-usage-tracker monthly --by user                each month split by user
  claude-usage-tracker projects --user ada              projects of one user")]
    #[command(alias = "user")]
    Users(Box<ReportArgs>),
    /// Print one line for Claude Code's status line: cost of today and of the current block, on all
    /// machines
    Statusline(statusline::Args),
    /// Show plan limits of subscriptions: used, reset, pace, forecast, and who used them
    Limits(limits::Args),
    /// Watch usage in a full-screen view: limits, the current block, today, the last requests
    Live(live::Args),
    /// Show spending against a daily, weekly or monthly limit, with a forecast
    Budget(budget::Args),
    /// Compare request lines with Claude Code's own account, session by session
    Audit(audit::Args),
    /// Show the requests behind a figure, the files and commits that contain them, and the
    /// arithmetic of their price
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
        TrackerCommand::Daily(args) => reports::run(By::Daily, args, env),
        TrackerCommand::Weekly(args) => reports::run(By::Weekly, args, env),
        TrackerCommand::Monthly(args) => reports::run(By::Monthly, args, env),
        TrackerCommand::Session(args) => reports::run(By::Session, args, env),
        TrackerCommand::Blocks(args) => reports::run_blocks(args, env),
        TrackerCommand::Machines(args) => reports::run(By::Machines, args, env),
        TrackerCommand::Projects(args) => reports::run(By::Projects, args, env),
        TrackerCommand::Models(args) => reports::run(By::Models, args, env),
        TrackerCommand::Groups(args) => reports::run(By::Groups, args, env),
        TrackerCommand::Users(args) => reports::run(By::Users, args, env),
        TrackerCommand::Statusline(args) => statusline::run(args, env),
        TrackerCommand::Audit(args) => audit::run(args, env),
        TrackerCommand::Limits(args) => limits::run(args, env),
        TrackerCommand::Live(args) => live::run(args, env),
        TrackerCommand::Budget(args) => budget::run(args, env),
        TrackerCommand::Explain(args) => explain::run(args, env),
        TrackerCommand::Html(args) => charts::html(args, env),
        TrackerCommand::Svg(args) => charts::svg(args, env),
        TrackerCommand::Export(args) => export::run(args, env),
        TrackerCommand::Completions(args) => Ok(shell::completions(args, Args::command())),
    }
}

/// Runs `claude-usage-tracker`.
pub(super) fn claude_usage_tracker(args: Vec<OsString>) -> ExitCode {
    private::restrict();
    // A setting that cannot be read is left to the commands that need it.
    let config = places::find().and_then(|places| Ok(config::read(&places.config)?));
    let program = verbs::with_defaults(Args::command(), &config.unwrap_or_default());
    let args = verbs::verb_first(args, &program);
    let (args, globals) = globals::parse_as::<Args>(program, &args);
    let env = Env::read().with_globals(globals);
    finish(env.check().and_then(|()| run(&args, &env)), &env)
}
