//! Printing to standard error, escaped for terminals.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::base::text::Screen;

/// The last message, while messages are held.
static HELD: Mutex<Option<String>> = Mutex::new(None);

// The standard macros panic if standard error cannot be written, such as a closed terminal or a log
// on a full disk.
macro_rules! eprint {
    ($($what:tt)*) => { $crate::cli::stderr::write(&format!($($what)*)) };
}
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::cli::stderr::write(&(format!($($what)*) + "\n")) };
}

/// Writes to standard error. Errors are ignored: there is nowhere to report them.
pub(crate) fn write(text: &str) {
    if let Some(held) = &mut *HELD.lock().unwrap_or_else(PoisonError::into_inner) {
        text.trim().clone_into(held);
        return;
    }
    let _ = std::io::stderr().write_all(Screen::lines(text).as_bytes());
}

/// Holds messages from here on: a full-screen view shows them in its own way.
pub(crate) fn hold() {
    set(Some(String::new()));
}

/// Writes messages again.
pub(crate) fn release() {
    set(None);
}

/// Takes the last message that was held.
pub(crate) fn held() -> Option<String> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.as_mut()
        .map(std::mem::take)
        .filter(|text| !text.is_empty())
}

fn set(to: Option<String>) {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = to;
}
