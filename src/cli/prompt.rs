//! Questions on a terminal.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::{Once, OnceLock};

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Select};

use super::env::Env;
use super::error::CliError;
use super::exit;

/// The command to go on with after an interrupted question.
static NEXT: OnceLock<&str> = OnceLock::new();

/// Has an interrupt show the cursor again, which a question hides, and print the command to go on
/// with.
pub(crate) fn on_interrupt(next: &'static str) {
    let _ = NEXT.set(next);
    // Without a handler an interrupt outside of questions ends the process as usual.
    let _ = ctrlc::set_handler(|| interrupted());
}

/// Ends the process as an interrupt does. A question notices the interrupt, and the handler too:
/// one of them gets here first.
fn interrupted() -> ! {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        let next = NEXT.get().map(|next| format!(" To go on: {next}"));
        // Not through the macros, which would escape it.
        let text = format!("\x1b[?25h\nInterrupted.{}\n", next.unwrap_or_default());
        let _ = std::io::stderr().write_all(text.as_bytes());
        std::process::exit(130);
    });
    std::process::exit(130)
}

/// Asks for one of several answers, and returns its index.
pub(crate) fn choose(question: &str, items: &[&str]) -> Result<usize, CliError> {
    Select::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .items(items)
        .default(0)
        .interact()
        .map_err(|error| not_answered(&error))
}

/// Asks for yes or no.
pub(crate) fn confirm(question: &str, default: bool) -> Result<bool, CliError> {
    Confirm::with_theme(&ColorfulTheme::default())
        .with_prompt(question)
        .default(default)
        .interact()
        .map_err(|error| not_answered(&error))
}

/// Asks whether to do what cannot be undone. Fails without a terminal. `would`: what it would do,
/// as a sentence; `question`: the same as a question.
pub(crate) fn confirm_or_refuse(env: &Env, would: &str, question: &str) -> Result<bool, CliError> {
    if !env.attended || !std::io::stdin().is_terminal() {
        return Err(CliError::plain(
            would,
            "claude_sync::usage",
            exit::USAGE,
            "pass --yes to confirm",
        ));
    }
    confirm(question, false)
}

/// Asks for a line of text. Without a default, an empty line is an answer.
pub(crate) fn line(question: &str, default: &str) -> Result<String, CliError> {
    let theme = ColorfulTheme::default();
    let input = Input::<String>::with_theme(&theme).with_prompt(question);
    let input = if default.is_empty() {
        input
    } else {
        input.default(default.to_owned())
    };
    input.interact_text().map_err(|error| not_answered(&error))
}

fn not_answered(error: &dialoguer::Error) -> CliError {
    let dialoguer::Error::IO(io) = error;
    if io.kind() == ErrorKind::Interrupted {
        interrupted();
    }
    CliError::plain(
        &format!("nobody answered: {error}"),
        "claude_sync::usage",
        exit::USAGE,
        "answer on the command line instead: --help shows the options",
    )
}
