//! One check: its name, its status, what was found and what to do.

/// How a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was not looked at, or there was nothing to look at.
    Skipped,
    /// As it should be.
    Ok,
    /// It works; somebody may want to know.
    Note,
    /// It works, and may stop working or lose something.
    Warning,
    /// It does not work, or tells others what they should not know.
    Error,
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, the same in every version: `machine_id`.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub what: String,
    /// What to do about it; empty where there is nothing to do.
    pub advice: String,
}

impl Check {
    pub(super) fn new(
        name: &'static str,
        status: Status,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status,
            what: what.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn error(
        name: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(name, Status::Error, what, advice)
    }

    pub(super) fn warning(
        name: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(name, Status::Warning, what, advice)
    }

    pub(super) fn note(
        name: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(name, Status::Note, what, advice)
    }

    pub(super) fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, what, "")
    }

    pub(super) fn skipped(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, what, "")
    }
}
