//! The history of syncs, read back from the commits.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::figures::{Figures, folded};
use super::message::SEALED;
use crate::base::ids::MachineId;
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::git::Oid;
use crate::git::repo::Repo;

/// The mode of a commit that stands for several syncs.
pub(crate) const FOLDED: &str = "folded";

/// A commit, read from its trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The commit.
    pub(crate) commit: Oid,
    /// When it was made.
    pub(crate) at: Timestamp,
    /// Its subject.
    pub(crate) subject: String,
    /// The machine that synced; none for a commit by hand.
    pub(crate) machine: Option<MachineId>,
    /// `full`, `incremental`, `download`, or [`FOLDED`].
    pub(crate) mode: String,
    /// Sessions touched.
    pub(crate) sessions: u64,
    /// Records that were new.
    pub(crate) added: u64,
    /// Records that grew.
    pub(crate) grown: u64,
    /// What both cost.
    pub(crate) cost: Money,
    /// The figures by machine of a commit that stands for several syncs; none of any other.
    pub(crate) folded: BTreeMap<MachineId, Figures>,
    /// How many syncs it stands for.
    pub(crate) syncs: u64,
}

impl Entry {
    /// The entry of each machine, where it stands for syncs of several.
    fn by_machine(self) -> Vec<Self> {
        let of = |(machine, one): (&MachineId, &Figures)| Self {
            machine: Some(machine.clone()),
            sessions: one.sessions,
            added: one.added,
            grown: one.grown,
            cost: one.cost,
            syncs: one.syncs,
            folded: BTreeMap::new(),
            ..self.clone()
        };
        if self.folded.is_empty() {
            return vec![self];
        }
        self.folded.iter().map(of).collect()
    }
}

/// The syncs of `HEAD`, newest first. A commit that stands for several is one entry a machine.
pub(crate) fn log(repo: &Repo, most: usize) -> Result<Vec<Entry>, SyncError> {
    let Some(head) = repo.synced()? else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    for (commit, seconds, message) in repo.commits(head, most)? {
        let at = Timestamp::from_millis(seconds.saturating_mul(1000)).unwrap_or(Timestamp::EPOCH);
        out.extend(entry(repo, commit, at, &message).by_machine());
    }
    Ok(out)
}

/// Reads a commit message, opened with the fleet's key where it is sealed.
pub(crate) fn entry(repo: &Repo, commit: Oid, at: Timestamp, message: &str) -> Entry {
    let sealed = message
        .lines()
        .find_map(|line| line.strip_prefix(SEALED)?.strip_prefix(": "));
    let opened = sealed.and_then(|text| repo.seal()?.open_text(SEALED, text));
    parse(commit, at, opened.as_deref().unwrap_or(message))
}

fn parse(commit: Oid, at: Timestamp, message: &str) -> Entry {
    let trailer = |name: &str| {
        let mut lines = message.lines().rev().take_while(|line| !line.is_empty());
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::trim)
    };
    let number = |name: &str| {
        trailer(name)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let folded = folded(message);
    let mut all = Figures::default();
    folded.values().for_each(|one| all.add(*one));
    Entry {
        commit,
        at,
        subject: message.lines().next().unwrap_or_default().to_owned(),
        machine: trailer("Machine").and_then(|id| MachineId::parse(id).ok()),
        mode: match trailer("Mode") {
            None if !folded.is_empty() => FOLDED.to_owned(),
            mode => mode.unwrap_or_default().to_owned(),
        },
        sessions: number("Sessions").saturating_add(all.sessions),
        added: number("Records-Added").saturating_add(all.added),
        grown: number("Records-Grown").saturating_add(all.grown),
        cost: trailer("Cost-Added-USD")
            .and_then(Money::parse)
            .unwrap_or_default()
            .plus(all.cost),
        syncs: if folded.is_empty() { 1 } else { all.syncs },
        folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_read_and_commits_by_hand_have_none() {
        let text = "sync ada: 2 records\n\nMachine: a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b\n\
                    Mode: full\nSessions: 1\nRecords-Added: 2\nRecords-Grown: 0\n\
                    Cost-Added-USD: 0.012\n";
        let entry = parse(Oid::ZERO_SHA1, Timestamp::EPOCH, text);
        assert_eq!(
            (entry.added, entry.sessions, entry.cost.to_string().as_str()),
            (2, 1, "0.012")
        );
        let hand = parse(
            Oid::ZERO_SHA1,
            Timestamp::EPOCH,
            "tidy up\n\nMachine: none\nRecords-Added: many",
        );
        assert_eq!(
            (hand.machine, hand.added, hand.subject.as_str()),
            (None, 0, "tidy up")
        );
    }
}
