//! One sum, compared with records and other sums; and sums by time, for finding those that a record
//! matches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Index, IndexMut};

use super::view::{MachineIndex, Row, RowSource, non_empty};
use crate::base::ids::{Name, SessionId};
use crate::base::time::Timestamp;
use crate::base::window::{Span, Window};
use crate::record::{Entry, Excess, Level, Source, Sum, SumKey, Totals};

/// The index of a sum in [`super::sums::Sums::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SumIndex(pub(crate) usize);

impl Index<SumIndex> for Vec<Compared> {
    type Output = Compared;

    fn index(&self, index: SumIndex) -> &Compared {
        &self[index.0]
    }
}

impl IndexMut<SumIndex> for Vec<Compared> {
    fn index_mut(&mut self, index: SumIndex) -> &mut Compared {
        &mut self[index.0]
    }
}

/// A machine that has a copy of a request, and the detail of that copy.
pub(super) type HeldCopy = (MachineIndex, Level);

/// A machine's start and index: of several holders the smallest one counts a sum.
pub(super) type Rank = (Timestamp, MachineIndex);

/// Distinguishes a history from others: source, model, window, figures.
pub(super) type History = (Source, Name, Option<Window>, [u64; 4]);

/// One sum, with all machines that have it.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub(crate) key: SumKey,
    pub(crate) sum: Sum,
    /// The machine that it counts for.
    pub(crate) rank: Rank,
    /// All machines that hold it, and their aliases.
    pub(crate) holders: BTreeSet<MachineIndex>,
    /// Those that noted what they deducted.
    pub(crate) settled: BTreeSet<MachineIndex>,
    /// What they deducted.
    pub(crate) deducted: Totals,
    /// What requests of its holders match.
    pub(crate) matched: Totals,
    /// By machine: what requests of others show of its exact window.
    pub(crate) witnesses: BTreeMap<MachineIndex, Totals>,
    /// Something matches it, or another source's sum is there.
    pub(crate) touched: bool,
}

impl Compared {
    /// What is taken away from it before other sums are.
    pub(crate) fn shown(&self) -> Totals {
        if self
            .witnesses
            .values()
            .any(|shown| figures(shown) == figures(&self.sum.totals))
        {
            return self.sum.totals;
        }
        self.matched.plus(self.deducted)
    }

    /// What the machine at this index deducted.
    pub(crate) fn is_settled(&self, machine: MachineIndex) -> bool {
        self.settled.contains(&machine)
    }

    /// Whether records show all of it.
    pub(crate) fn is_shown(&self) -> bool {
        match self.key.source {
            Source::StatsCache => self.touched,
            _ => Excess {
                shown: self.shown(),
            }
            .of(&self.sum.totals, &self.key.model, self.sum.begin(&self.key))
            .is_zero(),
        }
    }

    /// Takes over the same history from another machine.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rank = self.rank.min(other.rank);
        self.holders.extend(other.holders);
        self.settled.extend(other.settled);
        self.deducted = self.deducted.plus(other.deducted);
    }

    /// Takes note of a request that it matches, and of the machines that have copies of it.
    /// `places`: for each machine the one that it counts for.
    pub(crate) fn add(&mut self, entry: &Entry, copies: &[HeldCopy], places: &[MachineIndex]) {
        let mut held = copies
            .iter()
            .filter(|(machine, _)| self.holders.contains(machine))
            .peekable();
        if held.peek().is_some() {
            self.touched = true;
            // What pruned records show of it was deducted before they were pruned.
            let is_deducted =
                held.any(|(machine, level)| *level < Level::Full && self.settled.contains(machine));
            if !is_deducted {
                self.matched = self.matched.plus(entry.totals());
            }
        } else if self.key.source == Source::Ccusage && self.sum.exact().meets(entry.span()) {
            let others: BTreeSet<MachineIndex> =
                copies.iter().map(|(machine, _)| places[*machine]).collect();
            for other in others {
                let shown = self.witnesses.entry(other).or_default();
                *shown = shown.plus(entry.totals());
            }
        }
    }

    /// The row that counts `totals` of it.
    pub(crate) fn row<'s>(&'s self, model: &'s str, at: Timestamp, totals: Totals) -> Row<'s> {
        Row {
            id: None,
            machine: self.rank.1,
            session: non_empty(&self.key.session),
            project: &self.sum.project,
            model,
            at,
            totals,
            recorded: None,
            source: RowSource::Sum(self.key.source),
            provisional: false,
            sidechain: false,
            fast: false,
            client: None,
        }
    }

    /// Whether it is one history with another of its source.
    pub(crate) fn identity(&self) -> Option<History> {
        let (key, c) = (&self.key, &self.sum.totals.counters);
        match key.source {
            Source::Claim => None,
            Source::Ccusage => Some((
                key.source,
                key.model.clone(),
                self.sum.window,
                figures(&self.sum.totals),
            )),
            Source::StatsCache => {
                let day = Window::at(key.day.start());
                Some((
                    key.source,
                    key.model.clone(),
                    Some(day),
                    [c.input.saturating_add(c.output), 0, 0, 0],
                ))
            }
        }
    }
}

/// The figures that every source states.
fn figures(totals: &Totals) -> [u64; 4] {
    let c = &totals.counters;
    [c.input, c.output, c.cache_creation, c.cache_read]
}

/// Sums of one model, by time.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Their reach and index, sorted.
    pub(crate) all: Vec<(Span, SumIndex)>,
    /// The longest reach, in milliseconds.
    pub(crate) longest: i64,
}

impl Bucket {
    pub(crate) fn meeting(&self, span: Span) -> impl Iterator<Item = SumIndex> {
        let begin = self
            .all
            .partition_point(|(reach, _)| reach.from < span.from.saturating_sub(self.longest));
        let end = self.all.partition_point(|(reach, _)| reach.from < span.to);
        self.all[begin..end.max(begin)]
            .iter()
            .filter(move |(reach, _)| reach.meets(span))
            .map(|(_, at)| *at)
    }
}

/// Sums of one machine of which something counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(crate) all: Vec<(SumIndex, Totals)>,
    /// Those about one session: there may be many, and they touch each other only within it.
    by_session: HashMap<SessionId, Vec<(SumIndex, Totals)>>,
    /// Those about no session.
    others: Vec<(SumIndex, Totals)>,
}

impl Counted {
    pub(crate) fn add(&mut self, session: &SessionId, one: (SumIndex, Totals)) {
        self.all.push(one);
        match non_empty(session) {
            Some(session) => self
                .by_session
                .entry(session.clone())
                .or_default()
                .push(one),
            None => self.others.push(one),
        }
    }

    /// Those that may match a sum about a session, or about none.
    pub(crate) fn beside(&self, session: &SessionId) -> impl Iterator<Item = &(SumIndex, Totals)> {
        let none = non_empty(session).is_none();
        let of_session = if none {
            None
        } else {
            self.by_session.get(session)
        };
        let all = if none { &self.all } else { &self.others };
        all.iter().chain(of_session.into_iter().flatten())
    }
}
