//! `claude-sync screen`: escapes control characters in the output of git, before its pager. Commit
//! messages and file names come from anybody who can push, and git shows them as they are.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use crate::base::text::Screen;
use crate::cli::exit;

/// Copies standard input to standard output, lines as [`Screen`] has them.
pub(crate) fn run() -> u8 {
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A reader that went away, as when somebody leaves `less`, is no failure.
        if to
            .write_all(Screen::lines(&String::from_utf8_lossy(&line)).as_bytes())
            .is_err()
        {
            break;
        }
        line.clear();
    }
    let _ = to.flush();
    exit::OK
}

/// The pager that git is given: this program, before the user's own.
pub(crate) fn pager(program: &Path, users: &str) -> String {
    let screen = format!(
        "'{}' screen",
        program.display().to_string().replace('\'', "'\\''")
    );
    match users.trim() {
        "" | "cat" => screen,
        users => format!("{screen} | {users}"),
    }
}
