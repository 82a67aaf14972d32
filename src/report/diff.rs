//! The difference between two states of the fleet: sessions and totals.

use std::collections::BTreeSet;

use crate::base::ids::SessionId;
use crate::fleet::{Fleet, SessionView};
use crate::record::Totals;

/// A session that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionChange {
    /// The session's id.
    pub(crate) session: SessionId,
    /// The session's project.
    pub(crate) project: String,
    /// Labels of the machines with records of it, after the change.
    pub(crate) machines: Vec<String>,
    /// Its totals before.
    pub(crate) before: Totals,
    /// Its totals after.
    pub(crate) after: Totals,
}

/// The difference between two states of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diff {
    /// Changed sessions, sorted by last use, descending.
    pub(crate) sessions: Vec<SessionChange>,
    /// The fleet's totals before.
    pub(crate) before: Totals,
    /// The fleet's totals after.
    pub(crate) after: Totals,
}

/// Compares two states of the fleet.
pub(crate) fn diff(old: &Fleet, new: &Fleet) -> Diff {
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
        // A session that is gone has its project and machines in the old state.
        let (fleet, view) = if is.machines.is_empty() {
            (old, was)
        } else {
            (new, is)
        };
        change(id, fleet, view, (was.totals, is.totals))
    });
    Diff {
        sessions: sessions.collect(),
        before: old.totals(),
        after: new.totals(),
    }
}

/// A changed session, with the project and machines of `view`, a view of `fleet`.
fn change(
    session: &SessionId,
    fleet: &Fleet,
    view: &SessionView,
    (before, after): (Totals, Totals),
) -> SessionChange {
    let project = view.first.as_ref().map(|(_, project)| project.to_string());
    let label = |index: &usize| fleet.machines[*index].label.clone();
    SessionChange {
        session: session.clone(),
        project: project.unwrap_or_default(),
        machines: view.machines.iter().map(label).collect(),
        before,
        after,
    }
}
