//! The command of `claude-usage-tracker`, wherever it stands in the command line, and defaults of
//! the user's own.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::store::config::Config;

/// The command without which the options are those of this one.
const USUAL: &str = "daily";

/// Moves the command before its options, where clap looks for it; adds [`USUAL`] if there is none.
pub(super) fn verb_first(mut args: Vec<OsString>, program: &Command) -> Vec<OsString> {
    let first = args.get(1).and_then(|word| word.to_str());
    if matches!(first, Some("-h" | "--help" | "-V" | "--version")) {
        return args;
    }
    let verb = position(&args, program).map(|at| args.remove(at));
    args.insert(args.len().min(1), verb.unwrap_or_else(|| USUAL.into()));
    args
}

/// The position of the first word that is neither an option nor the value of one.
fn position(args: &[OsString], program: &Command) -> Option<usize> {
    let mut at = 1;
    loop {
        let word = args.get(at)?.to_str()?;
        if word == "--" {
            return None;
        }
        if !word.starts_with('-') || word == "-" {
            return Some(at);
        }
        at += if takes_next(word, program) { 2 } else { 1 };
    }
}

/// Whether the value of an option is in the next word.
fn takes_next(word: &str, program: &Command) -> bool {
    if let Some(name) = word.strip_prefix("--") {
        return options(program)
            .any(|option| takes_value(option) && option.get_long() == Some(name));
    }
    // `-jz UTC` and `-jzUTC`: the first option with a value takes the rest, or the next word.
    let mut letters = word.chars().skip(1);
    let with_value = letters.find(|letter| {
        options(program).any(|option| takes_value(option) && option.get_short() == Some(*letter))
    });
    with_value.is_some() && letters.next().is_none()
}

fn options(program: &Command) -> impl Iterator<Item = &Arg> {
    let commands = program.get_subcommands();
    program
        .get_arguments()
        .chain(commands.flat_map(Command::get_arguments))
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The definition of the command line with the user's defaults, which `--help` shows too.
pub(super) fn with_defaults(program: Command, config: &Config) -> Command {
    let tracker = &config.tracker;
    let defaults: [(&str, Vec<String>); 5] = [
        ("timezone", tracker.timezone.iter().cloned().collect()),
        (
            "start_of_week",
            tracker.start_of_week.iter().cloned().collect(),
        ),
        (
            "start_of_month",
            tracker.start_of_month.iter().map(u32::to_string).collect(),
        ),
        ("order", tracker.order.iter().cloned().collect()),
        ("columns", tracker.columns.clone()),
    ];
    let names: Vec<String> = program
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let set = defaults.iter().filter(|(_, values)| !values.is_empty());
    set.fold(program, |program, (id, values)| {
        names.iter().fold(program, |program, name| {
            program.mut_subcommand(name, |command| with_default(command, id, values))
        })
    })
}

fn with_default(command: Command, id: &str, values: &[String]) -> Command {
    if !command.get_arguments().any(|option| option.get_id() == id) {
        return command;
    }
    // Clap keeps defaults as long as the process lives.
    let values: Vec<&'static str> = values.iter().map(|value| &*value.clone().leak()).collect();
    command.mut_arg(id, |option| option.default_values(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_may_stand_behind_its_options() {
        let program = super::super::Args::command();
        let moved = |line: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            let words = verb_first(words, &program);
            words
                .join(std::ffi::OsStr::new(" "))
                .into_string()
                .expect("text")
        };
        for (line, first) in [
            ("t", "t daily"),
            ("t --json", "t daily --json"),
            ("t machines --json", "t machines --json"),
            ("t --json machines", "t machines --json"),
            ("t -z UTC weekly -j", "t weekly -z UTC -j"),
            ("t -jzUTC weekly", "t weekly -jzUTC"),
            ("t -jz UTC weekly", "t weekly -jz UTC"),
            ("t --machine session models", "t models --machine session"),
            ("t --machine=session models", "t models --machine=session"),
            ("t -q --color never session", "t session -q --color never"),
            ("t --token-limit max blocks", "t blocks --token-limit max"),
            ("t -- session", "t daily -- session"),
            ("t --help", "t --help"),
            ("t -V", "t -V"),
            ("t --json --help", "t daily --json --help"),
        ] {
            assert_eq!(moved(line), first);
        }
    }
}
