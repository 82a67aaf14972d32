//! Questions on a terminal.

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Select};

use super::error::CliError;
use super::exit;

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
        "answer on the command line instead: claude-sync init --help",
    )
}
