//! `claude-sync auto hook`: Claude Code's hook starts a sync.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::last;
use crate::auto::pace;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::{exit, host, places};
use crate::store::config;

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

fn start(last: bool, env: &Env) -> Result<(), CliError> {
    let places = places::find()?;
    let interval = config::read(&places.config)?.auto.interval;
    if !last && !pace::is_due(pace::last(&places.state).as_ref(), env.now, interval) {
        return Ok(());
    }
    let mut command = Command::new(host::program());
    command
        .args(["auto", "run", "--trigger", "hook"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own: Claude Code ends the hook's when it takes too long, and terminals end theirs.
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
    if last {
        last::wait_for_it(command);
    } else {
        #[cfg(windows)]
        let_go();
        let _ = command.spawn();
    }
    Ok(())
}
