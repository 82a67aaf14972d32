//! `claude-sync auto hook`: Claude Code's hook starts a sync.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::due::is_due;
use super::last;
use super::trigger::Trigger;
use crate::auto::claude::EVENTS;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, host, places};
use crate::store::{Places, config};

/// So many bytes of an event are read at most.
const MOST: u64 = 1 << 20;

/// Starts a sync and returns. Claude Code must neither wait nor read an error, because it may take
/// output of a hook for an answer.
pub(crate) fn run(last: bool, env: &Env) -> u8 {
    let _ = start(last, env);
    exit::OK
}

/// A new process group, and a console without a window: `CREATE_NEW_PROCESS_GROUP` and
/// `CREATE_NO_WINDOW`.
#[cfg(windows)]
const APART: u32 = 0x0000_0200 | 0x0800_0000;

/// Closes Claude Code's pipes. A program that Windows starts inherits every handle that may be
/// inherited, and Claude Code reads until the last one of its pipes is closed.
#[cfg(windows)]
fn let_go() {
    use filedescriptor::{FileDescriptor, StdioDescriptor};
    let Ok(nothing) = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("NUL")
    else {
        return;
    };
    for pipe in [
        StdioDescriptor::Stdin,
        StdioDescriptor::Stdout,
        StdioDescriptor::Stderr,
    ] {
        // The one that it returns is closed.
        drop(FileDescriptor::redirect_stdio(&nothing, pipe));
    }
}

/// Whether Claude Code calls because a session ended: it writes the event to the hook's standard
/// input.
fn ends_session(input: impl Read + IsTerminal) -> bool {
    if input.is_terminal() {
        return false;
    }
    // The first value, and not all to the end: nobody waits for a pipe that stays open.
    let event = serde_json::Deserializer::from_reader(input.take(MOST))
        .into_iter::<serde_json::Value>()
        .next();
    event.is_some_and(|event| event.is_ok_and(|event| event["hook_event_name"] == EVENTS[0]))
}

/// The command of a sync that goes on when this process ends.
fn apart(places: &Places, session_end: bool) -> Command {
    let mut command = Command::new(host::program());
    command
        .args(["auto", "run", "--trigger", "hook"])
        .args(session_end.then_some("--session-end"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own: Claude Code ends the hook's when it takes too long, and terminals end
    // theirs.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, APART);
    command.current_dir(
        places
            .claude
            .iter()
            .find(|folder| folder.is_dir())
            .map_or(Path::new("/"), PathBuf::as_path),
    );
    command
}

fn start(last: bool, env: &Env) -> Result<(), CliError> {
    let places = places::find()?;
    let auto = config::read(&places.config)?.auto;
    let mut ended = false;
    let ends_session = || {
        ended = ends_session(std::io::stdin());
        ended
    };
    if !last && !is_due(&places, &auto, Trigger::Hook, ends_session, env.now) {
        return Ok(());
    }
    let mut command = apart(&places, ended);
    if last {
        last::wait_for_it(command);
    } else {
        #[cfg(windows)]
        let_go();
        let _ = command.spawn();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_end_of_a_session_is_told_from_an_answer() {
        let ends = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            file.write_all(text.as_bytes()).expect("written");
            ends_session(file.reopen().expect("opens"))
        };
        assert!(ends(r#"{"session_id":"s","hook_event_name":"SessionEnd"}"#));
        assert!(!ends(r#"{"session_id":"s","hook_event_name":"Stop"}"#));
        assert!(!ends("") && !ends("SessionEnd") && !ends("[]"));
    }
}
