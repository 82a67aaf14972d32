//! What several syncs of a machine added: a trailer of a commit that stands for others.

use std::collections::BTreeMap;

use crate::base::ids::MachineId;
use crate::base::money::Money;

/// The trailer with a machine's figures: its id, syncs, sessions, records added and grown, cost.
const FOLDED: &str = "Folded";

/// What several syncs of a machine added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    /// How many syncs.
    pub(crate) syncs: u64,
    /// Sessions touched, each counted by every sync that touched it.
    pub(crate) sessions: u64,
    /// Records that were new.
    pub(crate) added: u64,
    /// Records that grew.
    pub(crate) grown: u64,
    /// What both cost.
    pub(crate) cost: Money,
}

impl Figures {
    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.syncs = self.syncs.saturating_add(other.syncs);
        self.sessions = self.sessions.saturating_add(other.sessions);
        self.added = self.added.saturating_add(other.added);
        self.grown = self.grown.saturating_add(other.grown);
        self.cost = self.cost.plus(other.cost);
    }

    /// The trailer.
    pub(crate) fn line(&self, machine: &MachineId) -> String {
        let Self {
            syncs,
            sessions,
            added,
            grown,
            cost,
        } = self;
        format!("{FOLDED}: {machine} {syncs} {sessions} {added} {grown} {cost}\n")
    }

    fn parse(text: &str) -> Option<(MachineId, Self)> {
        let words: Vec<&str> = text.split(' ').collect();
        let [machine, syncs, sessions, added, grown, cost] = words[..] else {
            return None;
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let figures = Self {
            syncs: number(syncs)?,
            sessions: number(sessions)?,
            added: number(added)?,
            grown: number(grown)?,
            cost: Money::parse(cost)?,
        };
        Some((MachineId::canonical(machine)?, figures))
    }
}

/// The figures by machine of a commit that stands for others; none of any other commit.
pub(crate) fn folded(message: &str) -> BTreeMap<MachineId, Figures> {
    let lines = message.lines().rev().take_while(|line| !line.is_empty());
    let texts = lines.filter_map(|line| line.strip_prefix(FOLDED)?.strip_prefix(": "));
    texts.filter_map(Figures::parse).collect()
}
