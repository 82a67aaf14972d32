//! Decisions of users: labels, groups and users of machines, retired and merged machines, settled
//! conflicts.
//!
//! A decision is an entry (kind, subject, revision) of a grow-only list in the file of the machine
//! where it was made. Of all machines' entries about one subject the one with the highest
//! (revision, text) holds, so that decisions converge like everything.

use std::collections::BTreeMap;

use super::view::{MachineIndex, Tag};
use crate::base::ids::{MachineId, SessionId};
use crate::base::json::{Extra, Object};
use crate::format::manifest::Manifest;
use crate::format::syncfile::{Decision, DecisionKey, SyncFile};

/// A machine's name. Its subject is a machine; its member is `label`.
pub(crate) const LABEL: &str = "label";
/// A machine's group, such as a team. Its subject is a machine; its member is `group`.
pub(crate) const GROUP: &str = "group";
/// The person who uses a machine, as that person chose to be called. Its subject is a machine; its
/// member is `user`. Only the machine's own file counts: nobody names another machine's user.
pub(crate) const USER: &str = "user";
/// A machine that will not sync again. Its subject is a machine; its member is `retired`.
pub(crate) const RETIRED: &str = "retired";
/// Merges machine `subject` into the machine `into`.
pub(crate) const MERGED: &str = "merged";
/// A price or a discount of the fleet's price book. Its subject names models, days and kind; its
/// member is `price`: a rule, or `false`.
pub(crate) const PRICE: &str = "price";
/// Makes the version of `machine` authoritative in a conflict about the session `subject`.
pub(crate) const ACCEPTED: &str = "accepted";

/// Has something forgotten. Its subject names what: `session:MAC`, `project:MAC`, `machine:ID`,
/// `before:DAY`. A MAC is the HMAC-SHA-256 of the name under the member `salt`, so that the
/// repository does not contain the name. Its members are `made`: when; or `undone`: no more.
pub(crate) const FORGOTTEN: &str = "forgotten";

/// The kind of decision that keeps a manifest of version 1.0 that another tool wrote. Its subject
/// is any; its member is `manifest`.
pub(crate) const ADOPTED: &str = "adopted-manifest";

/// The manifests of version 1.0 that some machine adopted, each once.
pub(crate) fn adopted<'a>(files: impl Iterator<Item = &'a SyncFile>) -> Vec<Manifest> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for ((kind, subject, _), decision) in files.flat_map(|file| &file.decisions) {
        if kind == ADOPTED
            && let Some(text) = decision.0.get("manifest").map(ToString::to_string)
        {
            let slot = found.entry(subject).or_default();
            if *slot < text {
                *slot = text;
            }
        }
    }
    found
        .values()
        .filter_map(|text| Manifest::read(text.as_bytes()).ok())
        .collect()
}

/// The decisions that hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions(BTreeMap<(String, String), (u64, String, Extra)>);

impl Decisions {
    /// Gathers the decisions of all machine files.
    pub(crate) fn gather<'a>(files: impl Iterator<Item = &'a SyncFile>) -> Self {
        let mut out = Self::default();
        for file in files {
            for ((kind, subject, revision), decision) in &file.decisions {
                if kind == USER && *subject != file.machine.uuid.as_str() {
                    continue;
                }
                let text = Object::new().extra(&decision.0).line();
                let slot = out.0.entry((kind.clone(), subject.clone())).or_default();
                if (slot.0, &slot.1) < (*revision, &text) {
                    *slot = (*revision, text, decision.0.clone());
                }
            }
        }
        out
    }

    fn get(&self, kind: &str, subject: &str, key: &str) -> Option<&serde_json::Value> {
        self.0
            .get(&(kind.to_owned(), subject.to_owned()))?
            .2
            .get(key)
    }

    /// All that hold of a kind: subject, revision and members.
    pub(crate) fn about<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, u64, &'a Extra)> {
        let all = self.0.iter().filter(move |((of, _), _)| of == kind);
        all.map(|((_, subject), (revision, _, members))| (subject.as_str(), *revision, members))
    }

    /// The label of a machine.
    pub(crate) fn label(&self, machine: &MachineId) -> Option<&str> {
        self.name(LABEL, machine)
    }

    /// A tag of a machine; empty where it has none.
    pub(crate) fn tag(&self, tag: Tag, machine: &MachineId) -> &str {
        self.name(kind_of(tag), machine).unwrap_or_default()
    }

    /// The text of a decision whose member is called as its kind. An empty one takes others back.
    fn name(&self, kind: &str, machine: &MachineId) -> Option<&str> {
        let name = self.get(kind, machine.as_str(), kind)?.as_str()?;
        (!name.is_empty()).then_some(name)
    }

    /// Whether a machine is retired.
    pub(crate) fn is_retired(&self, machine: &MachineId) -> bool {
        self.get(RETIRED, machine.as_str(), "retired")
            .is_some_and(|value| value == true)
    }

    /// The machine that this one was merged into.
    pub(crate) fn merged_into(&self, machine: &MachineId) -> Option<MachineId> {
        MachineId::canonical(self.get(MERGED, machine.as_str(), "into")?.as_str()?)
    }

    /// The authoritative machine in a session's conflict.
    pub(crate) fn accepted(&self, session: &SessionId) -> Option<MachineId> {
        MachineId::canonical(self.get(ACCEPTED, session.as_str(), "machine")?.as_str()?)
    }

    /// The key of a new decision, which outranks all that are known here.
    pub(crate) fn next(&self, intent: &Intent) -> (DecisionKey, Decision) {
        // Prices apply in the order in which they were set, about any subject.
        let same = |subject: &str| intent.kind == PRICE || subject == intent.subject;
        let known = self
            .about(intent.kind)
            .filter(|(subject, ..)| same(subject))
            .map(|(_, revision, _)| revision)
            .max()
            .unwrap_or(0);
        let members = Extra::from([(intent.key.to_owned(), intent.value.clone())]);
        (
            (
                intent.kind.to_owned(),
                intent.subject.clone(),
                known.saturating_add(1),
            ),
            Decision(members),
        )
    }
}

/// The kind of decision, and its member, by which a machine has a tag.
pub(crate) fn kind_of(tag: Tag) -> &'static str {
    match tag {
        Tag::Group => GROUP,
        Tag::User => USER,
    }
}

/// A decision that somebody takes now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Intent {
    /// One of the kinds above.
    pub(crate) kind: &'static str,
    /// What it is about.
    pub(crate) subject: String,
    /// The member that it has.
    pub(crate) key: &'static str,
    /// The member's value.
    pub(crate) value: serde_json::Value,
}

/// Resolves merge decisions to a final machine index, for each of a sorted list of machines.
/// Follows chains; ignores cycles.
pub(crate) fn places(machines: &[MachineId], decisions: &Decisions) -> Vec<MachineIndex> {
    let next: Vec<MachineIndex> = machines
        .iter()
        .enumerate()
        .map(|(at, id)| {
            decisions
                .merged_into(id)
                .and_then(|into| machines.binary_search(&into).ok())
                .unwrap_or(at)
        })
        .collect();
    (0..machines.len())
        .map(|start| {
            let mut at = start;
            for _ in 0..machines.len() {
                if next[at] == at {
                    return at;
                }
                at = next[at];
            }
            start
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_followed_and_rings_merge_nobody() {
        let ids: Vec<_> = (0..5)
            .map(|n| {
                MachineId::canonical(&format!("{n:08}-0000-4000-8000-000000000000")).expect("an id")
            })
            .collect();
        let mut decisions = Decisions::default();
        for (from, into) in [(0, 1), (1, 2), (3, 4), (4, 3)] {
            let members = Extra::from([("into".to_owned(), ids[into].as_str().into())]);
            decisions.0.insert(
                (MERGED.to_owned(), ids[from].to_string()),
                (1, String::new(), members),
            );
        }
        assert_eq!(places(&ids, &decisions), [2, 2, 2, 3, 4]);
    }
}
