//! Paths, sizes and errors in messages of checks.

use std::error::Error;
use std::path::Path;

/// The message of an error and of its causes, on one line.
pub(super) fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    joined_lines(&text)
}

/// All lines of a text, as one.
pub(super) fn joined_lines(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => "less than 1 MB".to_owned(),
        1_000_000..10_000_000_000 => count_of(bytes / 1_000_000, "MB"),
        _ => count_of(bytes / 1_000_000_000, "GB"),
    }
}

fn count_of(number: u64, unit: &str) -> String {
    format!("{} {unit}", crate::base::text::thousands(number))
}
