//! Questions on a terminal.

use std::io::{IsTerminal as _, Write as _};

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Select};

use super::env::Env;
use super::error::CliError;
use super::exit;

/// Shows the cursor again if somebody interrupts a question, which hides it, and names the way to go on.
pub(crate) fn restore_cursor_on_interrupt() {
    // Without a handler a question ends as it would have, with the cursor hidden.
    let _ = ctrlc::set_handler(|| {
        // Not through the macros, which would escape it.
        let _ =
            std::io::stderr().write_all(b"\x1b[?25h\nInterrupted. To go on: claude-sync init\n");
        std::process::exit(130);
    });
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

/// Asks whether to do what cannot be undone. Fails without a terminal. `would`: what it would do, as a sentence; `question`: the
/// same as a question.
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
    CliError::plain(
        &format!("nobody answered: {error}"),
        "claude_sync::usage",
        exit::USAGE,
        "answer on the command line instead: --help shows the options",
    )
}
