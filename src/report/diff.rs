//! What changed between two states of the fleet: sessions and totals, not lines of JSON.

use std::collections::BTreeSet;

use crate::base::ids::SessionId;
use crate::fleet::{Fleet, SessionView};
use crate::record::Totals;

/// A session that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The session.
    pub session: SessionId,
    /// Its project.
    pub project: String,
    /// The machines that hold some of it now.
    pub machines: Vec<String>,
    /// What counted for it.
    pub before: Totals,
    /// What counts for it.
    pub after: Totals,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// Sessions, the latest first.
    pub sessions: Vec<Change>,
    /// All that counted.
    pub before: Totals,
    /// All that counts.
    pub after: Totals,
}

/// Compares two states.
pub fn diff(old: &Fleet, new: &Fleet) -> Diff {
    let none = SessionView::default();
    let ids: BTreeSet<&SessionId> = old.sessions.keys().chain(new.sessions.keys()).collect();
    let mut changed: Vec<_> = ids
        .into_iter()
        .map(|id| {
            (
                id,
                old.sessions.get(id).unwrap_or(&none),
                new.sessions.get(id).unwrap_or(&none),
            )
        })
        .filter(|(_, was, is)| was.totals != is.totals)
        .collect();
    changed.sort_by(|(a_id, _, a), (b_id, _, b)| b.last.cmp(&a.last).then_with(|| a_id.cmp(b_id)));
    let sessions = changed.into_iter().map(|(id, was, is)| {
        let (fleet, view) = if is.machines.is_empty() {
            (old, was)
        } else {
            (new, is)
        };
        Change {
            session: id.clone(),
            project: view
                .first
                .as_ref()
                .map(|(_, project)| project.to_string())
                .unwrap_or_default(),
            machines: view
                .machines
                .iter()
                .map(|at| fleet.machines[*at].label.clone())
                .collect(),
            before: was.totals,
            after: is.totals,
        }
    });
    Diff {
        sessions: sessions.collect(),
        before: old.totals(),
        after: new.totals(),
    }
}
