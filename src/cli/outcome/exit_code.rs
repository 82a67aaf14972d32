//! The exit code of a run.

use crate::cli::exit;
use crate::sync::{Outcome, Remote};

/// The exit code of a run that went through.
pub(crate) fn code(outcome: &Outcome) -> u8 {
    match outcome.remote {
        Remote::Queued(_)
        | Remote::Refused(_)
        | Remote::Waiting
        | Remote::Locked(_)
        | Remote::Unsigned(_) => exit::QUEUED,
        Remote::Held => exit::CLEAR,
        Remote::None | Remote::UpToDate | Remote::Pushed(_) | Remote::Skipped => exit::OK,
    }
}
