//! Totals without records whose right excess is known: each has a day of its own, four days from any other.
//!
//! A slot has a few true requests. Some of them have records, and some have none any more; a total that another tool made has all of
//! them. Whatever happens, the slot counts each request once.

use std::collections::BTreeSet;

use claude_sync::base::ids::MachineId;
use claude_sync::record::Totals;

use crate::model::rows::{DAY, HOUR, MODELS, Row, SLOTS};
use crate::model::truth::{Committed, Forgotten, Truth};
use crate::model::verdict::Counted;

/// What made the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ccusage, on the machine that has the transcripts.
    Ccusage,
    /// ccusage on that machine, imported on another one.
    Elsewhere,
    /// Claude Code's statistics, of a day without transcripts; or of one with transcripts, where they say nothing new.
    Statistics,
    /// A machine file of version 1.0, which lists some of the requests.
    Claim,
    /// A manifest of version 1.0.
    Manifest,
}

#[derive(Debug, Clone)]
pub struct Slot {
    pub number: usize,
    pub kind: Kind,
    /// The machine id that has the total.
    pub holder: MachineId,
    /// All true requests.
    pub requests: Vec<Row>,
    /// Those of them that stand in transcripts.
    pub kept: BTreeSet<u32>,
    /// What happened to the slot makes its total unknowable, by the format's rules.
    pub vague: Option<&'static str>,
}

/// The first millisecond of a slot's day.
pub fn start(number: usize) -> i64 {
    SLOTS + 4 * DAY * i64::try_from(number).expect("small")
}

/// So many slots there are before ordinary requests begin.
pub const MOST: usize = 13;

impl Slot {
    /// A slot of `count` requests, of which `kept` stand in transcripts.
    pub fn new(
        number: usize,
        kind: Kind,
        holder: &MachineId,
        first: u32,
        count: u32,
        kept: u32,
    ) -> Self {
        let row = |at: u32| Row {
            request: first + at,
            at: start(number) + 9 * HOUR + i64::from(at) * 600_000,
            session: format!("old{number}"),
            output: 100 + u64::from(first + at),
            done: true,
            model: MODELS[number % 3],
        };
        let requests: Vec<Row> = (0..count).map(row).collect();
        let kept = (first..first + kept).collect();
        Self {
            number,
            kind,
            holder: holder.clone(),
            requests,
            kept,
            vague: None,
        }
    }

    pub fn session(&self) -> String {
        format!("old{}", self.number)
    }

    /// The rows that stand in transcripts.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.requests
            .iter()
            .filter(|row| self.kept.contains(&row.request))
    }

    /// Whether a row that counts is of this slot.
    pub fn has(&self, row: &Counted) -> bool {
        let start = start(self.number);
        (start - DAY..start + 2 * DAY).contains(&row.at.millis())
    }

    /// What the slot should count: requests, and tokens. None where that cannot be known.
    fn expected(&self, truth: &Truth) -> Option<(u64, u64)> {
        if self.vague.is_some() {
            return None;
        }
        if start(self.number) < truth.before() {
            return Some((0, 0));
        }
        if truth
            .forgotten
            .contains(&Forgotten::Session(self.session()))
        {
            // Of a bare record nobody knows the session any more.
            let copies = self
                .requests
                .iter()
                .filter_map(|row| truth.rows.get(&row.request))
                .flat_map(|copies| copies.keys());
            return (!copies.into_iter().any(|id| truth.pruned.contains(id))).then_some((0, 0));
        }
        let tokens = |row: &Row| row.counters().total();
        let all: u64 = self.requests.iter().map(tokens).sum();
        let copies = |row: &Row| truth.rows.get(&row.request);
        let committed: Vec<&Row> = self
            .requests
            .iter()
            .filter(|row| copies(row).is_some())
            .collect();
        let ids: BTreeSet<&MachineId> = committed
            .iter()
            .filter_map(|row| copies(row))
            .flat_map(|copies| copies.keys())
            .collect();
        let perhaps = committed
            .iter()
            .filter_map(|row| copies(row))
            .flat_map(|copies| copies.values().flat_map(|rows| rows.values()));
        if perhaps.into_iter().any(|how| *how == Committed::Perhaps)
            || ids.iter().any(|id| truth.is_forgotten_machine(id))
        {
            return None;
        }
        let count = self.requests.len() as u64;
        if truth.is_forgotten_machine(&self.holder) {
            return committed.is_empty().then_some((0, 0));
        }
        let place = truth.place(&self.holder);
        let by_holder = |row: &&&Row| {
            copies(row).is_some_and(|copies| copies.keys().any(|id| truth.place(id) == place))
        };
        let held = committed.iter().filter(by_holder).count();
        let requests = committed.len() as u64;
        match self.kind {
            Kind::Ccusage => (held == committed.len()).then_some((requests, all)),
            Kind::Elsewhere => {
                // Another machine shows just these figures.
                let places = |row: &&Row| {
                    copies(row).map(|copies| {
                        copies
                            .keys()
                            .map(|id| truth.place(id))
                            .collect::<BTreeSet<_>>()
                    })
                };
                let sets: BTreeSet<_> = committed.iter().map(places).collect();
                let shown =
                    requests == count && sets.len() == 1 && (held == 0 || held == committed.len());
                shown.then_some((count, all))
            }
            Kind::Statistics if committed.is_empty() => Some((0, all)),
            Kind::Statistics => (held == committed.len())
                .then(|| (requests, committed.iter().map(|row| tokens(row)).sum())),
            Kind::Claim => (held == committed.len()).then_some((count, all)),
            Kind::Manifest => Some((count, 0)),
        }
    }

    pub fn assert_true(&self, truth: &Truth, rows: &[Counted]) {
        let own: Vec<&Counted> = rows.iter().filter(|row| self.has(row)).collect();
        let sum: Totals = own.iter().map(|row| row.totals).sum();
        if let Some(expected) = self.expected(truth) {
            assert_eq!(
                (sum.requests, sum.counters.total()),
                expected,
                "requests and tokens of {self:#?}: {own:#?}; {:?}, {:?}",
                truth.merged,
                truth.forgotten
            );
        }
    }
}
