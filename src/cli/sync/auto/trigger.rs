//! What starts automatic syncs.

use clap::ValueEnum;

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trigger {
    /// Claude Code
    Hook,
    /// The system's timer
    Timer,
    /// The user
    Hand,
}

impl Trigger {
    /// As `auto status` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Timer => "timer",
            Self::Hand => "hand",
        }
    }
}
