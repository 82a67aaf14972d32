//! The command line: arguments in, messages and exit codes out. All printing, and all reading of the environment, is here.

// The standard ones panic where nobody can be told anything any more, as with a terminal that is gone or a log on a full disk.
macro_rules! eprint {
    ($($what:tt)*) => { $crate::cli::err(&format!($($what)*)) };
}
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::cli::err(&(format!($($what)*) + "\n")) };
}

mod audit;
mod auto;
mod budget;
mod config;
mod conflicts;
mod decide;
mod demo;
mod diff;
mod doctor;
mod driver;
mod env;
mod error;
mod everywhere;
pub mod exit;
mod explain;
mod export;
mod first_sync;
mod forget;
mod git;
mod github;
mod hook;
mod import;
mod init;
mod key;
mod last;
mod log;
mod machine;
mod machine_name;
mod migrate;
mod outcome;
mod pictures;
mod preview;
mod price;
mod print;
mod privacy;
mod progress;
mod project_names;
mod projects;
mod questions;
mod reports;
mod resolve;
mod restore;
mod rows;
mod screen;
mod shell;
mod source;
mod status;
mod statusline;
mod sync;
mod table;
mod textconv;
mod tracker;
mod uninstall;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::base::text::Screen;
use crate::store::private;
use env::Env;
use error::CliError;
use everywhere::Everywhere;

/// Sync Claude Code usage records between machines through a git repository of yours
///
/// Without a command: read what is new in this machine's transcripts, commit it, and exchange it with the remote. With --quiet, a remote
/// that failed lately is left alone for a while.
#[derive(Debug, Parser)]
#[command(name = "claude-sync", version, args_conflicts_with_subcommands = true, max_term_width = 100, after_help = exit::HELP)]
struct ClaudeSync {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sync: sync::Args,
    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set this machine up, joining the repository at REMOTE if one is given
    Init(init::Args),
    /// Show how things stand, on this machine and on the others
    Status(status::Args),
    /// Show what the next sync would commit and push, without doing it
    Preview(preview::Args),
    /// Show the history of syncs
    Log(log::LogArgs),
    /// Show what changed in sessions and totals between two commits
    Diff(log::DiffArgs),
    /// Show what a person must look at, and say whose word holds
    Conflicts(conflicts::Args),
    /// List, rename, retire or merge machines, or give this one another id
    Machine(machine::Args),
    /// Check the repository and everything around it, and mend what can be mended
    Verify(verify::Args),
    /// Look at everything that a sync needs, and say what to do
    Doctor(doctor::Args),
    /// List older versions, and bring back what one of them had
    Restore(restore::Args),
    /// Take in history from elsewhere: old transcripts, ccusage's days, Claude Code's own statistics
    Import(import::Args),
    /// Bring the repository to the format of this version
    Migrate(migrate::Args),
    /// Take a session, a project, a machine or old data out of the repository and its history
    Forget(forget::Args),
    /// Show and set prices of models, for the whole fleet
    Price(price::Args),
    /// Make, show or take over the key that encrypts the repository and hides project names
    Key(key::Args),
    /// Let syncs happen by themselves
    Auto(auto::Args),
    /// Show and change settings
    Config(config::Args),
    /// Take back what `init` and `auto` did outside the repository
    Uninstall(uninstall::Args),
    /// Run git in the repository
    Git(git::Args),
    /// End a merge that git left half-done, and mend what was merged without claude-sync
    Resolve(resolve::Args),
    /// Make two machines and a remote in a temporary folder, sync them, and show the result
    Demo,
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Write the manual pages of both programs and all their commands
    Man(shell::ManArgs),
    /// Join two versions of a file (git calls this)
    #[command(hide = true)]
    MergeDriver(driver::Args),
    /// Show a file below sync as lines (git calls this)
    #[command(hide = true)]
    Textconv(textconv::Args),
    /// Copy what comes in without what would steer a terminal (git pages through this)
    #[command(hide = true)]
    Screen,
    /// What git's hooks call; and the hook for a bare repository on a server
    #[command(hide = true)]
    Hook(hook::Args),
}

/// `claude-sync`.
pub fn claude_sync() -> ExitCode {
    private::restrict();
    // Git calls the driver once for each file and waits: that takes the short way.
    if let Some(args) = driver::Args::from_git(std::env::args_os()) {
        return driver::run(&args);
    }
    let (args, said) = everywhere::parse::<ClaudeSync>();
    let env = Env::read().told(said);
    if let Err(error) = env.check() {
        return finish(Err(error), &env);
    }
    let result = match args.command {
        None => sync::run(&args.sync, &env),
        Some(Command::Init(args)) => init::run(&args, &env),
        Some(Command::Status(args)) => status::run(&args, &env),
        Some(Command::Log(args)) => log::log(&args, &env),
        Some(Command::Diff(args)) => log::diff(&args, &env),
        Some(Command::Conflicts(args)) => conflicts::run(&args, &env),
        Some(Command::Forget(args)) => forget::run(&args, &env),
        Some(Command::Preview(args)) => preview::run(&args, &env),
        Some(Command::Verify(args)) => verify::run(&args, &env),
        Some(Command::Doctor(args)) => doctor::run(&args, &env),
        Some(Command::Restore(args)) => restore::run(&args, &env),
        Some(Command::Import(args)) => import::run(&args, &env),
        Some(Command::Migrate(args)) => migrate::run(&args, &env),
        Some(Command::Price(args)) => price::run(&args, &env),
        Some(Command::Key(args)) => key::run(&args, &env),
        Some(Command::Textconv(args)) => textconv::run(&args),
        Some(Command::Machine(args)) => machine::run(&args, &env),
        Some(Command::Auto(args)) => auto::run(&args, &env),
        Some(Command::Config(args)) => config::run(&args),
        Some(Command::Uninstall(args)) => uninstall::run(&args, &env),
        Some(Command::Git(args)) => git::run(&args, &env),
        Some(Command::Completions(args)) => Ok(shell::completions(&args, ClaudeSync::command())),
        Some(Command::Man(args)) => {
            shell::man(&args, vec![ClaudeSync::command(), tracker::Args::command()])
        }
        Some(Command::Resolve(args)) => resolve::run(&args, &env),
        Some(Command::Demo) => demo::run(&env),
        Some(Command::MergeDriver(args)) => return driver::run(&args),
        Some(Command::Screen) => Ok(screen::run()),
        Some(Command::Hook(args)) => hook::run(&args, &env),
    };
    finish(result, &env)
}

/// `claude-usage-tracker`.
pub fn claude_usage_tracker() -> ExitCode {
    private::restrict();
    let (args, said) = everywhere::parse::<tracker::Args>();
    let env = Env::read().told(said);
    finish(env.check().and_then(|()| tracker::run(&args, &env)), &env)
}

fn finish(result: Result<u8, CliError>, env: &Env) -> ExitCode {
    let result = result.and_then(|code| match UNPRINTED.get() {
        Some(reason) if code == exit::OK => {
            let message = format!("failed to write to standard output: {reason}");
            Err(CliError::plain(
                &message,
                "claude_sync::output",
                exit::FAILURE,
                "make room where the output goes, or write it elsewhere",
            ))
        }
        _ => Ok(code),
    });
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let code = error.exit;
            eprint!("{}", error.render(env));
            ExitCode::from(code)
        }
    }
}

/// Prints to standard error, if anybody can be told.
fn err(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(Screen::lines(text).as_bytes());
}

/// Why something could not be printed.
static UNPRINTED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Takes note of output that did not get out. A reader that went away, as `head` does, is no failure.
fn printed(result: std::io::Result<()>) {
    if let Err(error) = result
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = UNPRINTED.set(error.to_string());
    }
}

/// Prints to standard output.
fn out(text: &str) {
    use std::io::Write as _;
    let mut to = std::io::stdout();
    printed(
        to.write_all(Screen::lines(text).as_bytes())
            .and_then(|()| to.flush()),
    );
}

/// Prints what happened to standard output, where that was not asked for: not with `--quiet`.
fn note(env: &Env, text: &str) {
    if !env.quiet {
        out(text);
    }
}

/// Prints JSON to standard output.
fn json(value: &serde_json::Value) {
    use std::io::Write as _;
    let mut to = std::io::stdout();
    printed(
        to.write_all(Screen::json(&format!("{value:#}\n")).as_bytes())
            .and_then(|()| to.flush()),
    );
}
