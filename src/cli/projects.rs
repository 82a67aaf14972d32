//! The projects that `--project` selects.

use std::collections::BTreeSet;

use super::error::CliError;
use super::exit;
use crate::base::text::{nearest, printable};

/// Maximum number of other projects that are kept, to limit memory.
const MAX_OTHERS: usize = 1000;

/// The selected projects: those whose names contain any of `parts`; all if there are none.
pub(crate) struct Projects<'a> {
    parts: &'a [String],
    /// Other projects, for "did you mean"; `None` once a selected one was found.
    others: Option<BTreeSet<String>>,
}

impl<'a> Projects<'a> {
    pub(crate) fn new(parts: &'a [String]) -> Self {
        Self {
            parts,
            others: (!parts.is_empty()).then(BTreeSet::new),
        }
    }

    /// Whether a project is selected.
    pub(crate) fn wants(&mut self, project: &str) -> bool {
        if self.parts.is_empty()
            || self
                .parts
                .iter()
                .any(|part| project.contains(part.as_str()))
        {
            self.others = None;
            return true;
        }
        if let Some(others) = self
            .others
            .as_mut()
            .filter(|others| others.len() < MAX_OTHERS && !others.contains(project))
        {
            others.insert(project.to_owned());
        }
        false
    }

    /// Fails if no project was selected.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let (Some(others), Some(part)) = (
            self.others.as_ref().filter(|others| !others.is_empty()),
            self.parts.first(),
        ) else {
            return Ok(());
        };
        let near = nearest(part, others.iter().map(String::as_str))
            .map(|near| format!("did you mean {}? ", printable(near, 100)));
        let help = format!(
            "{}claude-usage-tracker projects shows all projects",
            near.unwrap_or_default()
        );
        Err(CliError::plain(
            &format!("no project's name contains \"{part}\""),
            "claude_sync::no_project",
            exit::USAGE,
            help,
        ))
    }
}
