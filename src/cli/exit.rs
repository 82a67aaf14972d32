//! Exit codes. They are part of the interface: scripts may rely on them.

/// Done.
pub(crate) const OK: u8 = 0;
/// Failed, for a reason that has no code of its own.
pub(crate) const FAILURE: u8 = 1;
/// The command line is not valid.
pub(crate) const USAGE: u8 = 2;
/// Another `claude-sync` is running on this machine.
pub(crate) const RUNNING: u8 = 3;
/// The repository cannot be used: it is another one, unfinished, or of an unsupported kind.
pub(crate) const REPOSITORY: u8 = 4;
/// A file has a newer format version than this tool supports.
pub(crate) const NEWER: u8 = 5;
/// `git` is missing, or too old.
pub(crate) const GIT: u8 = 6;
/// Everything is committed on this machine, but the remote was not reached. The next run pushes it.
pub(crate) const QUEUED: u8 = 7;
/// The remote was needed and not reached; nothing was changed.
pub(crate) const REMOTE: u8 = 8;
/// A setting, the key or the machine id is missing or not valid.
pub(crate) const CONFIG: u8 = 9;
/// `verify`: killed commands left locks or unfinished objects.
pub(crate) const LEFTOVER: u8 = 10;
/// `verify`: the local index is damaged.
pub(crate) const INDEX: u8 = 11;
/// `verify`: merge driver, attributes or hooks are not set up.
pub(crate) const SET_UP: u8 = 12;
/// `verify`: a derived file or the work tree is not up to date.
pub(crate) const STALE: u8 = 13;
/// `verify`: there are files below `sync` that are not sync data.
pub(crate) const FOREIGN: u8 = 14;
/// `verify`: data cannot be read, or a checksum is wrong.
pub(crate) const DAMAGED: u8 = 15;
/// `verify`: git objects are damaged or missing.
pub(crate) const OBJECTS: u8 = 16;
/// `budget --check`: a limit was exceeded.
pub(crate) const OVER: u8 = 17;
/// `doctor`: an error was found.
pub(crate) const SICK: u8 = 18;
/// Not pushed, because it would leave unencrypted. `verify`: files were left out.
pub(crate) const CLEAR: u8 = 19;
/// `budget --check`: so much of a plan limit was used.
pub(crate) const PLAN: u8 = 20;
/// The merge driver failed. Git stops and changes nothing; 1 to 128 would mean a conflict, which
/// can lose a side.
pub(crate) const DRIVER: u8 = 129;

/// What an exit code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The exit code.
    pub(crate) code: u8,
    /// The command that exits with it; `None` for all commands.
    pub(crate) command: Option<&'static str>,
    /// What it means.
    pub(crate) text: &'static str,
}

const fn any(code: u8, text: &'static str) -> Meaning {
    Meaning {
        code,
        command: None,
        text,
    }
}

const fn of(command: &'static str, code: u8, text: &'static str) -> Meaning {
    Meaning {
        code,
        command: Some(command),
        text,
    }
}

/// All exit codes of both programs, in ascending order. `--help`, the manual pages and the docs are
/// made from this table, or compared with it.
pub(crate) const ALL: [Meaning; 23] = [
    any(OK, "done"),
    any(FAILURE, "failed, for a reason that has no code of its own"),
    any(USAGE, "the command line is not valid"),
    any(RUNNING, "another claude-sync is running on this machine"),
    any(REPOSITORY, "the repository cannot be used"),
    any(NEWER, "a file has a newer format"),
    any(GIT, "git is missing or too old"),
    any(
        QUEUED,
        "committed on this machine, not pushed: the next run pushes it",
    ),
    any(
        REMOTE,
        "the remote was needed and not reached; nothing was changed",
    ),
    any(
        CONFIG,
        "a setting, the key or the machine id is missing or not valid",
    ),
    of(
        "verify",
        LEFTOVER,
        "killed commands left locks or unfinished objects",
    ),
    of("verify", INDEX, "the local index is damaged"),
    of(
        "verify",
        SET_UP,
        "merge driver, attributes or hooks are not set up",
    ),
    of(
        "verify",
        STALE,
        "a derived file or the work tree is not up to date",
    ),
    of(
        "verify",
        FOREIGN,
        "there are files below sync that are not sync data",
    ),
    of(
        "verify",
        DAMAGED,
        "data cannot be read, or a checksum is wrong",
    ),
    of("verify", OBJECTS, "git objects are damaged or missing"),
    of(
        "claude-usage-tracker budget",
        OVER,
        "with --check: a limit was exceeded",
    ),
    of(
        "doctor",
        SICK,
        "something does not work, or everybody can read the remote",
    ),
    any(CLEAR, "not pushed: it would leave this machine unencrypted"),
    of(
        "verify",
        CLEAR,
        "files were left out: a pusher without the key may have made them",
    ),
    of(
        "claude-usage-tracker budget",
        PLAN,
        "with --check: a share of a plan limit was reached",
    ),
    of(
        "merge-driver",
        DRIVER,
        "failed; git stops and changes nothing",
    ),
];

/// All exit codes, for `claude-sync --help`.
pub(crate) fn help() -> String {
    let lines = ALL.iter().map(|meaning| match meaning.command {
        Some(command) => line(meaning.code, &format!("{command}: {}", meaning.text)),
        None => line(meaning.code, meaning.text),
    });
    let lines: String = lines.collect();
    format!(
        "Exit codes:\n{lines}\nWith --json, a command that fails prints nothing on standard output; why it failed stands on standard error."
    )
}

/// The exit codes of a command that has its own. `ok`: what 0 means.
pub(crate) fn help_of(command: &str, title: &str, ok: &str) -> String {
    let own = ALL.iter().filter(|one| one.command == Some(command));
    let own: String = own.map(|one| line(one.code, one.text)).collect();
    format!("{title}:\n{}{own}", line(OK, ok))
        .trim_end()
        .to_owned()
}

fn line(code: u8, text: &str) -> String {
    format!("  {code:>3}  {text}\n")
}
