//! The synced data that `forget` selects.

use std::collections::BTreeSet;

use crate::base::text::{nearest, printable};
use crate::cli::error::CliError;
use crate::cli::{exit, source};
use crate::fleet::Row;
use crate::fleet::rules::Subject;
use crate::record::Totals;
use crate::store::Places;

/// The data that `forget` selects.
#[derive(Default)]
pub(crate) struct Matches {
    pub(crate) totals: Totals,
    /// All sessions, for "did you mean". Empty unless a session was named.
    sessions: BTreeSet<String>,
    /// All projects, for "did you mean". Empty unless a project was named.
    projects: BTreeSet<String>,
}

impl Matches {
    /// Reads all rows of the repository.
    pub(crate) fn find(places: &Places, subjects: &[Subject]) -> Result<Self, CliError> {
        let mut out = Self::default();
        // The ids of machines are known only when all rows are read.
        let mut machines = Vec::new();
        let fleet = source::synced(places, None, &mut |row: &Row<'_>| {
            out.add(row, subjects);
            machines.push((row.machine, row.totals));
        })?;
        for (index, totals) in machines {
            let id = &fleet.machines[index].id;
            let is_it = |one: &Subject| matches!(one, Subject::Machine(other) if other == id);
            if subjects.iter().any(is_it) {
                out.totals = out.totals.plus(totals);
            }
        }
        Ok(out)
    }

    fn add(&mut self, row: &Row<'_>, subjects: &[Subject]) {
        for subject in subjects {
            match subject {
                Subject::Session(_) => self.sessions.extend(row.session.map(ToString::to_string)),
                Subject::Project(_) if !self.projects.contains(row.project) => {
                    self.projects.insert(row.project.to_string());
                }
                _ => {}
            }
        }
        if subjects.iter().any(|subject| is_of(row, subject)) {
            self.totals = self.totals.plus(row.totals);
        }
    }

    /// The error if nothing was selected. `sessions` and `projects`: those that were named.
    pub(crate) fn none(&self, sessions: &[String], projects: &[String]) -> CliError {
        let near = |wanted: &[String], known: &BTreeSet<String>| {
            let near = wanted
                .iter()
                .find_map(|name| nearest(name, known.iter().map(String::as_str)));
            near.map(|name| format!("did you mean {}? ", printable(name, 100)))
        };
        let near = near(projects, &self.projects).or_else(|| near(sessions, &self.sessions));
        let help = format!(
            "{}claude-sync brings what other machines have; to keep out what comes later: --ahead",
            near.unwrap_or_default()
        );
        CliError::plain(
            "nothing that was synced fits; nothing was forgotten",
            "claude_sync::nothing",
            exit::USAGE,
            help,
        )
    }
}

/// Whether a row is of a session, a project or a time.
fn is_of(row: &Row<'_>, subject: &Subject) -> bool {
    match subject {
        Subject::Session(id) => row.session.is_some_and(|session| session.as_str() == id),
        Subject::Project(name) => row.project == name,
        Subject::Machine(_) => false,
        Subject::Before(day) => row.at.day() < *day,
    }
}
