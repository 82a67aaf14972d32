//! Options of every command of both programs: colors, and how much is printed.

use std::ffi::{OsStr, OsString};

use clap::{ArgMatches, ColorChoice, Command, FromArgMatches as _, Parser, ValueEnum};

const HEADING: &str = "With every command";

/// Options of every command.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct GlobalOptions {
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", help_heading = HEADING)]
    #[arg(help = "When to color messages: by default on terminals, unless NO_COLOR is set")]
    pub(crate) color: ColorMode,
    /// Print only the requested output, warnings and errors
    #[arg(short, long, global = true, help_heading = HEADING)]
    pub(crate) quiet: bool,
    /// Log each step and its duration to standard error
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = HEADING)]
    pub(crate) verbose: bool,
}

/// When to color messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorMode {
    Auto,
    Always,
    Never,
}

/// The options of every command, as the command line has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Globals {
    /// The options.
    pub(crate) options: GlobalOptions,
    /// Whether the command prints JSON.
    pub(crate) json: bool,
}

/// Parses the command line. Exits for `--help`, `--version` and errors.
pub(crate) fn parse<P: Parser>(args: Vec<OsString>) -> (P, Globals) {
    parse_as(P::command(), &behind_command(args))
}

/// Parses the command line by a definition that differs from that of `P` in defaults and texts
/// only.
pub(crate) fn parse_as<P: Parser>(command: Command, args: &[OsString]) -> (P, Globals) {
    let mut command = command.color(color_choice(args));
    let found = command.try_get_matches_from_mut(args);
    let read = found.and_then(|mut matches| {
        let json = asks_json(&matches);
        let options = GlobalOptions::from_arg_matches(&matches)?;
        Ok((
            P::from_arg_matches_mut(&mut matches)?,
            Globals { options, json },
        ))
    });
    read.unwrap_or_else(|error| {
        let error = error.format(&mut command);
        let Some(hint) = hint(command.get_name(), args) else {
            error.exit()
        };
        if !error.use_stderr() {
            error.exit()
        }
        let _ = error.print();
        eprintln!("\n  tip: {hint}");
        std::process::exit(error.exit_code())
    })
}

/// The command that somebody means who uses a word of git's, of ccusage's, or of everyday speech.
fn hint(program: &str, args: &[OsString]) -> Option<&'static str> {
    let is = |arg: &OsString, word: &str| {
        let rest = arg.to_str().and_then(|arg| arg.strip_prefix(word));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let has = |word: &str| args.iter().skip(1).any(|arg| is(arg, word));
    let first = args.get(1).and_then(|word| word.to_str())?;
    match (program, first) {
        ("claude-sync", "sync" | "push" | "pull" | "fetch") => {
            Some("claude-sync without a command fetches, commits and pushes")
        }
        ("claude-sync", "daily" | "weekly" | "monthly" | "session" | "blocks" | "report") => {
            Some("reports are in the other program: claude-usage-tracker daily")
        }
        ("claude-usage-tracker", "today") => Some("claude-usage-tracker daily --since today"),
        ("claude-usage-tracker", "yesterday") => {
            Some("claude-usage-tracker daily --since yesterday --until yesterday")
        }
        ("claude-usage-tracker", "week") => Some("claude-usage-tracker weekly --last 1"),
        ("claude-usage-tracker", "month") => Some("claude-usage-tracker monthly --last 1"),
        ("claude-usage-tracker", "statusline") if has("--last") || has("--since") => {
            Some("the status line shows now; other days: claude-usage-tracker daily --last 7")
        }
        ("claude-usage-tracker", "statusline") if has("--source") => Some(
            "the status line shows all machines, or this one without a set-up; this machine alone: claude-usage-tracker daily --source local",
        ),
        ("claude-usage-tracker", _) if has("--active") => {
            Some("claude-usage-tracker blocks --active")
        }
        _ => None,
    }
}

/// Whether a word is one of [`GlobalOptions`]'s, and how many words it takes.
fn is_global(word: &OsStr) -> Option<usize> {
    match word.to_str()? {
        "--color" => Some(2),
        "-q" | "--quiet" | "-v" | "--verbose" => Some(1),
        word => word.starts_with("--color=").then_some(1),
    }
}

/// Moves the [`GlobalOptions`] that are before the command behind it. Both programs also run
/// without a command, and clap assigns options before a command to that.
fn behind_command(args: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(words) = args.get(at).and_then(|word| is_global(word)) {
        at += words;
    }
    let is_command = args
        .get(at)
        .is_some_and(|word| !word.as_encoded_bytes().starts_with(b"-"));
    if at == 1 || !is_command {
        return args;
    }
    let (flags, command) = (&args[1..at], &args[at..=at]);
    [&args[..1], command, flags, &args[at + 1..]].concat()
}

/// When to color the messages of clap itself, by `--color`.
fn color_choice(args: &[OsString]) -> ColorChoice {
    let own = args
        .iter()
        .take_while(|word| *word != "--" && *word != "git");
    let words: Vec<&str> = own.filter_map(|word| word.to_str()).collect();
    let last = words
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, word)| match *word {
            "--color" => words.get(at + 1).copied(),
            word => word.strip_prefix("--color="),
        });
    match last {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Whether the command was asked for JSON.
fn asks_json(matches: &ArgMatches) -> bool {
    let here = matches
        .try_get_one::<bool>("json")
        .is_ok_and(|flag| flag == Some(&true));
    here || matches
        .subcommand()
        .is_some_and(|(_, matches)| asks_json(matches))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_before_the_command_go_behind_it() {
        let moved = |text: &str| {
            let words = behind_command(text.split(' ').map(OsString::from).collect());
            words.join(OsStr::new(" ")).into_string().expect("text")
        };
        assert_eq!(moved("p -q log --json"), "p log -q --json");
        assert_eq!(
            moved("p --color never -v git log -q"),
            "p git --color never -v log -q"
        );
        assert_eq!(moved("p --color=always"), "p --color=always");
        assert_eq!(moved("p -q --offline"), "p -q --offline");
        assert_eq!(moved("p log -q"), "p log -q");
        assert_eq!(moved("p --color"), "p --color");
    }
}
