//! One check: its name, its status, what was found and what to do.

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It was not checked, or there was nothing to check.
    Skipped,
    /// As it should be.
    Ok,
    /// It works; the user may want to know.
    Note,
    /// It works, and may stop working or lose data.
    Warning,
    /// It does not work, or discloses what others should not know.
    Error,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// Its name, the same in every version: `machine_id`.
    pub(crate) name: &'static str,
    /// Its result.
    pub(crate) status: Status,
    /// What was found.
    pub(crate) what: String,
    /// What to do; empty where there is nothing to do.
    pub(crate) advice: String,
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
