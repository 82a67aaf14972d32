//! Printing to standard error, escaped for terminals.

use std::io::Write as _;

use crate::base::text::Screen;

// The standard macros panic if standard error cannot be written, such as a closed terminal or a log on a full disk.
macro_rules! eprint {
    ($($what:tt)*) => { $crate::cli::stderr::write(&format!($($what)*)) };
}
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::cli::stderr::write(&(format!($($what)*) + "\n")) };
}

/// Writes to standard error. Errors are ignored: there is nowhere to report them.
pub(crate) fn write(text: &str) {
    let _ = std::io::stderr().write_all(Screen::lines(text).as_bytes());
}
