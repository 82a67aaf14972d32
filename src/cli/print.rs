//! Printing to standard output, escaped for terminals. Commands print through these functions only.

use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;

use super::env::Env;
use crate::base::text::Screen;

/// The option of commands that can print JSON.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct JsonOption {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The first error of writing to standard output.
static FAILED: OnceLock<String> = OnceLock::new();

/// Records the result of writing to standard output. A reader that goes away, such as `head`, is
/// not an error.
pub(crate) fn printed(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = FAILED.set(error.to_string());
    }
}

/// The first error of writing to standard output, if there was one.
pub(crate) fn failure() -> Option<&'static str> {
    FAILED.get().map(String::as_str)
}

/// Prints text.
pub(crate) fn out(text: &str) {
    write(&Screen::lines(text));
}

/// Prints the result of a command that was not asked to print anything; not with `--quiet`.
pub(crate) fn note(env: &Env, text: &str) {
    if !env.quiet {
        out(text);
    }
}

/// Prints JSON.
pub(crate) fn json(value: &serde_json::Value) {
    write(&Screen::json(&format!("{value:#}\n")));
}

fn write(text: &Screen) {
    let mut to = io::stdout();
    printed(to.write_all(text.as_bytes()).and_then(|()| to.flush()));
}
