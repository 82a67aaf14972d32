//! The result of counting: rows, and the machines and sessions that they add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::ids::{MachineId, Name, RecordId, SessionId};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::base::window::{Window, hull};
use crate::format::manifest::{Conflict, ConflictStatus, ManifestMachine};
use crate::format::syncfile::SyncFile;
use crate::prices::{Prices, prices};
use crate::record::{Client, Entry, Level, Source, Totals};

/// Why a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowSource {
    /// A record of this level of detail.
    Record(Level),
    /// What Claude Code's account states beyond requests, at this level of detail.
    Ledger(Level),
    /// What a sum states beyond records.
    Sum(Source),
}

impl RowSource {
    /// Its name in exports and explanations.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Record(_) => "request",
            Self::Ledger(_) => "ledger",
            Self::Sum(Source::Claim) => "claim",
            Self::Sum(_) => "import",
        }
    }
}

/// The index of a machine in [`Fleet::machines`], which are sorted by id.
pub(crate) type MachineIndex = usize;

/// One counted item: a request, or a total without records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Its id, where it is a record and not from the cache.
    pub(crate) id: Option<RecordId>,
    /// The machine that it counts for.
    pub(crate) machine: MachineIndex,
    /// Its session, where it is known.
    pub(crate) session: Option<&'a SessionId>,
    /// The name of its project as in the repository; empty where it has none.
    pub(crate) project: &'a str,
    /// Its model; empty where it is not known.
    pub(crate) model: &'a str,
    /// The time that it is reported at.
    pub(crate) at: Timestamp,
    /// What it adds, its cost by this version's prices.
    pub(crate) totals: Totals,
    /// The cost that the transcript states, where it states one.
    pub(crate) recorded: Option<Money>,
    /// Whether it is a record, a ledger entry or a sum.
    pub(crate) source: RowSource,
    /// The last row of the request was not seen yet.
    pub(crate) provisional: bool,
    /// A subagent made it.
    pub(crate) sidechain: bool,
    /// It was in Claude Code's fast mode.
    pub(crate) fast: bool,
    /// What made it, where it is a request.
    pub(crate) client: Option<&'a Client>,
}

impl<'a> Row<'a> {
    /// A record that counts for a machine.
    pub(crate) fn of(entry: &Entry<'a>, machine: MachineIndex) -> Self {
        Self {
            id: Some(entry.id),
            machine,
            session: non_empty(entry.session),
            project: entry.project,
            model: entry.model,
            at: entry.at,
            totals: entry.totals(),
            recorded: entry.recorded,
            source: if entry.ledger {
                RowSource::Ledger(entry.level)
            } else {
                RowSource::Record(entry.level)
            },
            provisional: entry.provisional,
            sidechain: entry.sidechain,
            fast: entry.fast,
            client: (!entry.ledger).then_some(entry.client),
        }
    }

    /// Whether only its UTC day is known, not its time.
    pub(crate) fn is_day(&self) -> bool {
        matches!(
            self.source,
            RowSource::Record(Level::Bare | Level::Daily)
                | RowSource::Ledger(Level::Bare | Level::Daily)
        )
    }

    /// Whether it is what Claude Code's account states beyond requests.
    pub(crate) fn is_ledger(&self) -> bool {
        matches!(self.source, RowSource::Ledger(_))
    }

    /// Whether it is a sum.
    pub(crate) fn is_sum(&self) -> bool {
        matches!(self.source, RowSource::Sum(_))
    }
}

/// Takes all that counts, row by row, in no order. A fleet may have millions of them, so that
/// nobody keeps them all.
pub(crate) type Rows<'r> = &'r mut dyn FnMut(&Row<'_>);

/// What machines are told apart by in reports of a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A machine's group, such as a team.
    Group,
    /// The person who uses a machine.
    User,
}

/// A machine of the fleet.
#[derive(Debug, Clone)]
pub(crate) struct MachineView {
    /// Its id.
    pub(crate) id: MachineId,
    /// Its label, or else its host's name; empty where it has neither.
    pub(crate) label: String,
    /// Its group; empty where it has none.
    pub(crate) group: String,
    /// The person who uses it; empty if it was not stated.
    pub(crate) user: String,
    /// It will not sync again.
    pub(crate) retired: bool,
    /// The machine that this one was merged into; its requests count there.
    pub(crate) merged_into: Option<MachineIndex>,
    /// Its machine file, where it can be read.
    pub(crate) machine_file: Option<SyncFile>,
    /// Its entry in a manifest of version 1.0, where that is all there is of it.
    pub(crate) adopted: Option<ManifestMachine>,
    /// Why its machine file cannot be read.
    pub(crate) error: Option<String>,
    /// What counts for it.
    pub(crate) totals: Totals,
    /// Its last request that counts for it.
    pub(crate) last_usage: Option<Timestamp>,
}

impl MachineView {
    /// A tag of it; empty where it has none.
    pub(crate) fn tag(&self, tag: Tag) -> &str {
        match tag {
            Tag::Group => &self.group,
            Tag::User => &self.user,
        }
    }
}

/// A session of the fleet.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionView {
    /// The machines that hold some of it.
    pub(crate) machines: BTreeSet<MachineIndex>,
    /// Its first row's time, and the project there.
    pub(crate) first: Option<(Timestamp, Name)>,
    /// Its last row's time.
    pub(crate) last: Option<Timestamp>,
    /// What counts for it.
    pub(crate) totals: Totals,
    /// Records of it that several machines hold.
    pub(crate) shared: u64,
    /// It needs review.
    pub(crate) pending: bool,
}

impl SessionView {
    /// How its copies were brought together.
    pub(crate) fn status(&self) -> ConflictStatus {
        match (self.pending, self.machines.len()) {
            (true, _) => ConflictStatus::Pending,
            (false, 0 | 1) => ConflictStatus::None,
            (false, _) => ConflictStatus::Resolved,
        }
    }

    /// Takes note of a first time, with its project.
    pub(crate) fn begins(&mut self, at: Timestamp, project: &str) {
        if self
            .first
            .as_ref()
            .is_none_or(|(first, known)| (at, project) < (*first, &**known))
        {
            self.first = Some((at, project.into()));
        }
    }
}

/// All machines' data, each request once.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    /// All machines, by id.
    pub(crate) machines: Vec<MachineView>,
    /// All sessions; or some of them, where the fleet was made from digests.
    pub(crate) sessions: BTreeMap<SessionId, SessionView>,
    /// How many sessions there are beside them.
    pub(crate) unlisted: u64,
    /// How many records there are.
    pub(crate) records: u64,
    /// The sum of all that counts.
    sum: Totals,
    /// The first and the last request.
    span: Option<Window>,
    /// What was left out and what needs review, sorted.
    pub(crate) conflicts: Vec<Conflict>,
    /// Prices by the fleet's book, where it has one.
    pub(super) own_prices: Option<Arc<Prices>>,
}

impl Fleet {
    /// Counts a row, and shows it.
    pub(super) fn push(&mut self, row: Row, rows: Rows) {
        let machine = self.alias(row.machine);
        let row = Row { machine, ..row };
        self.count_for(machine, row.totals, Window::at(row.at));
        if let Some(session) = row.session {
            let view = self.session(session);
            view.totals = view.totals.plus(row.totals);
            view.machines.insert(machine);
            view.last = view.last.max(Some(row.at));
            view.begins(row.at, row.project);
        }
        rows(&row);
    }

    /// Adds to the totals of the fleet and of a machine.
    pub(crate) fn count_for(&mut self, machine: MachineIndex, totals: Totals, window: Window) {
        let view = &mut self.machines[machine];
        view.totals = view.totals.plus(totals);
        view.last_usage = view.last_usage.max(Some(window.last));
        self.sum = self.sum.plus(totals);
        self.span = hull(self.span.into_iter().chain([window]));
    }

    /// The machine that the data of a machine counts for: itself, or the one that it was merged
    /// into.
    pub(super) fn alias(&self, machine: MachineIndex) -> MachineIndex {
        self.machines[machine].merged_into.unwrap_or(machine)
    }

    /// The index of a machine, or of the one that it was merged into.
    pub(crate) fn place(&self, machine: &MachineId) -> Option<MachineIndex> {
        self.machines
            .binary_search_by(|view| view.id.cmp(machine))
            .ok()
            .map(|at| self.alias(at))
    }

    /// The view of a session.
    pub(crate) fn session(&mut self, id: &SessionId) -> &mut SessionView {
        // Cheap: an id is shared text.
        self.sessions.entry(id.clone()).or_default()
    }

    /// The machines' names for people: the label, with the id's first digits where two share one.
    pub(crate) fn labels(&self) -> Vec<String> {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for machine in &self.machines {
            *seen.entry(&machine.label).or_default() += 1;
        }
        let label = |machine: &MachineView| match machine.label.as_str() {
            "" => machine.id.short().to_owned(),
            name if seen[name] > 1 => format!("{name} ({})", machine.id.short()),
            name => name.to_owned(),
        };
        self.machines.iter().map(label).collect()
    }

    /// The prices that its rows have.
    pub(crate) fn prices(&self) -> &Prices {
        self.own_prices.as_deref().unwrap_or_else(|| prices())
    }

    /// The first request of all.
    pub(crate) fn first_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.first)
    }

    /// The last request of all.
    pub(crate) fn last_usage(&self) -> Option<Timestamp> {
        self.span.map(|span| span.last)
    }

    /// The sum of all that counts.
    pub(crate) fn totals(&self) -> Totals {
        self.sum
    }
}

/// A session's id, where a record or a sum has one.
pub(crate) fn non_empty(session: &SessionId) -> Option<&SessionId> {
    Some(session).filter(|session| !session.as_str().is_empty())
}
