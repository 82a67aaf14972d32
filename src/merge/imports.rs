//! What counts of history from elsewhere: what neither records nor anything else that its machine has tells already.
//!
//! Sums have no ids, so that they are held against time. A line of ccusage is about a day, from one point in time to another; of it
//! counts what exceeds, figure by figure, what the machine's own records and withheld sums show of that time and model. The figures of
//! `stats-cache.json` belong to the day on which a session began, and count rows rather than requests: they cannot be held against
//! records, and count only where nothing else is known of the machine from the day before to the day after.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::data::MachineData;
use super::fleet::{Fleet, Row, Rows, Source};
use crate::base::ids::{Name, SessionId};
use crate::base::join::Join as _;
use crate::base::money::Cost;
use crate::base::time::{Day, Timestamp};
use crate::format::imported::{LONGEST, NEAR, Origin, around, middle, whole, window};
use crate::format::line::{Summary, SummaryKey};
use crate::prices::{Counters, prices};
use crate::records::{Entry, Totals};

/// A line, with the place and the start of its machine.
struct Line {
    key: SummaryKey,
    at: usize,
    start: Timestamp,
    summary: Summary,
    origin: Origin,
    window: (i64, i64),
}

/// A machine's start and place.
type Rank = (Timestamp, usize);

impl Line {
    /// What a line tells, and what it is compared by: other figures are unknown to its source.
    fn told(&self) -> [u64; 4] {
        told(&self.summary.totals.counters)
    }

    /// Which of several machines' equal lines counts: that of the machine that joined first.
    fn rank(&self) -> Rank {
        (self.start, self.at)
    }
}

fn told(c: &Counters) -> [u64; 4] {
    [c.input, c.output, c.cache_creation, c.cache_read]
}

/// What one machine shows of a time.
#[derive(Default)]
struct Shown {
    /// Within it, or as near as tools may differ.
    near: Totals,
    /// Within it.
    exact: Totals,
}

/// A time that lines of one model are about, and what machines show of it.
struct Cell {
    window: (i64, i64),
    shown: HashMap<usize, Shown>,
}

/// A day of `stats-cache.json` with those around it, and the machines that show anything there.
struct Span {
    window: (i64, i64),
    machines: BTreeSet<usize>,
}

/// Lines of history from elsewhere, and what stands against them.
#[derive(Default)]
pub(super) struct Imports {
    lines: Vec<Line>,
    /// By model, each sorted by time.
    cells: HashMap<Name, Vec<Cell>>,
    /// Sorted by time.
    spans: Vec<Span>,
}

/// Those that a time touches, of some that are sorted and not too long.
fn touched<T>(all: &mut [T], window: impl Fn(&T) -> (i64, i64), (from, to): (i64, i64)) -> impl Iterator<Item = &mut T> {
    let begin = all.partition_point(|one| window(one).0 < from.saturating_sub(LONGEST));
    let end = all.partition_point(|one| window(one).0 < to);
    all[begin..end.max(begin)].iter_mut().filter(move |one| from < window(one).1)
}

impl Imports {
    /// Takes the lines out of what machines have.
    pub fn take(machines: &mut [MachineData]) -> Self {
        let mut out = Self::default();
        for (at, data) in machines.iter_mut().enumerate() {
            let start = data.page().map_or(Timestamp::EPOCH, |page| page.machine.created_at);
            let found = data.summaries.extract_if(.., |key, summary| Origin::of_line(key, summary).is_some());
            let line = |(key, summary): (SummaryKey, Summary)| {
                let (origin, window) = (Origin::of_line(&key, &summary)?, window(&key, &summary));
                Some(Line { key, at, start, summary, origin, window })
            };
            out.lines.extend(found.filter_map(line));
        }
        out.index();
        out
    }

    fn index(&mut self) {
        let mut windows: BTreeMap<&Name, BTreeSet<(i64, i64)>> = BTreeMap::new();
        let mut days: BTreeSet<(i64, i64)> = BTreeSet::new();
        for line in &self.lines {
            match line.origin {
                Origin::Ccusage => drop(windows.entry(&line.key.model).or_default().insert(line.window)),
                Origin::StatsCache => drop(days.insert(around(line.key.day))),
            }
        }
        let cell = |window| Cell { window, shown: HashMap::new() };
        self.cells = windows.into_iter().map(|(model, all)| (model.clone(), all.into_iter().map(cell).collect())).collect();
        self.spans = days.into_iter().map(|window| Span { window, machines: BTreeSet::new() }).collect();
        for line in self.lines.iter().filter(|line| line.origin == Origin::Ccusage) {
            touched(&mut self.spans, |span| span.window, line.window).for_each(|span| span.machines.extend([line.at]));
        }
    }

    /// Takes note of a record of the machine at a place.
    pub fn add(&mut self, at: usize, entry: &Entry) {
        if self.lines.is_empty() {
            return;
        }
        let time = entry.at.millis();
        // Of a record that retention shortened only the day is known.
        let window = if entry.session.as_str().is_empty() { whole(entry.at.day()) } else { (time, time.saturating_add(1)) };
        self.show(at, entry.model, window, Totals { requests: 1, counters: entry.counters, cost: entry.cost });
    }

    /// Takes note of a sum of withheld records: what it adds to the records that are here.
    pub fn add_withheld(&mut self, at: usize, key: &SummaryKey, more: Totals) {
        self.show(at, &key.model, whole(key.day), more);
    }

    fn show(&mut self, at: usize, model: &Name, window: (i64, i64), totals: Totals) {
        let near = (window.0.saturating_sub(NEAR), window.1.saturating_add(NEAR));
        if let Some(cells) = self.cells.get_mut(model) {
            for cell in touched(cells, |cell| cell.window, near) {
                let shown = cell.shown.entry(at).or_default();
                shown.near = shown.near.plus(totals);
                if window.0 < cell.window.1 && cell.window.0 < window.1 {
                    shown.exact = shown.exact.plus(totals);
                }
            }
        }
        touched(&mut self.spans, |span| span.window, window).for_each(|span| span.machines.extend([at]));
    }

    fn cell(&self, line: &Line) -> Option<&Cell> {
        let cells = self.cells.get(&line.key.model)?;
        cells.binary_search_by_key(&line.window, |cell| cell.window).ok().map(|at| &cells[at])
    }

    /// What a line of ccusage adds to what its machine shows.
    fn excess(&self, line: &Line) -> Totals {
        let near = self.cell(line).and_then(|cell| cell.shown.get(&line.at)).map_or(Totals::default(), |shown| shown.near);
        let (all, counters) = (line.summary.totals, line.summary.totals.counters.minus(near.counters));
        if told(&counters) == [0; 4] {
            return Totals::default();
        }
        // Where all of it is new, it costs what its source says. Of a part no more counts than its own tokens cost, so that another
        // price of what records tell adds nothing.
        let own = prices().cost_of_many(&line.key.model, line.key.day.start(), &counters);
        let cost = match all.cost.amount.minus(near.cost.amount) {
            _ if counters == all.counters => all.cost,
            rest => Cost { known: all.cost.known, amount: if own.known { rest.min(own.amount) } else { rest } },
        };
        Totals { requests: 0, counters, cost }
    }

    /// Whether anything is known of a machine around a day.
    fn is_told(&self, day: Day, at: usize) -> bool {
        let found = self.spans.binary_search_by_key(&around(day), |span| span.window);
        found.is_ok_and(|place| self.spans[place].machines.contains(&at))
    }

    /// Lines of ccusage that count at all. Days of one zone follow each other; where those of two overlap, the earlier ones hold.
    fn chosen(&self) -> Vec<&Line> {
        let mut groups: BTreeMap<(usize, &Name), Vec<&Line>> = BTreeMap::new();
        for line in self.of(Origin::Ccusage) {
            groups.entry((line.at, &line.key.model)).or_default().push(line);
        }
        let mut out = Vec::new();
        for mut lines in groups.into_values() {
            lines.sort_by_key(|line| (line.window, &line.key));
            let mut end = i64::MIN;
            for line in lines {
                if line.window.0 >= end {
                    end = line.window.1;
                    out.push(line);
                }
            }
        }
        out
    }

    /// What counts of ccusage's days.
    fn count_days(&self) -> Vec<(&Line, Totals)> {
        let key = |line: &Line| (line.key.model.clone(), line.window, line.told());
        let first = firsts(self.of(Origin::Ccusage), key);
        let elsewhere =
            |line: &Line, cell: &Cell| cell.shown.iter().any(|(at, s)| *at != line.at && told(&s.exact.counters) == line.told());
        let counts =
            |line: &&Line| first.get(&key(line)) == Some(&line.rank()) && !self.cell(line).is_some_and(|cell| elsewhere(line, cell));
        self.chosen().into_iter().filter(counts).map(|line| (line, self.excess(line))).collect()
    }

    /// What counts of Claude Code's statistics. Of what was computed for several days the latest holds: it has all that the others have.
    fn count_statistics(&self) -> Vec<(&Line, Totals)> {
        let mut latest: HashMap<(usize, Day), &SessionId> = HashMap::new();
        for line in self.of(Origin::StatsCache) {
            let slot = latest.entry((line.at, line.key.day)).or_insert(&line.key.session);
            *slot = (*slot).max(&line.key.session);
        }
        let is_latest = |line: &&Line| latest.get(&(line.at, line.key.day)) == Some(&&line.key.session);
        let key = |line: &Line| {
            let c = &line.summary.totals.counters;
            (line.key.day, line.key.model.clone(), c.input.saturating_add(c.output))
        };
        let first = firsts(self.of(Origin::StatsCache).filter(is_latest), key);
        let counts = |line: &&Line| first.get(&key(line)) == Some(&line.rank()) && !self.is_told(line.key.day, line.at);
        self.of(Origin::StatsCache).filter(is_latest).filter(counts).map(|line| (line, line.summary.totals)).collect()
    }

    fn of(&self, origin: Origin) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.origin == origin)
    }
}

/// Whose line counts, of those of several machines that say the same: that is one history.
fn firsts<'l, K: Eq + Hash>(lines: impl Iterator<Item = &'l Line>, key: impl Fn(&Line) -> K) -> HashMap<K, Rank> {
    let mut out = HashMap::new();
    for line in lines {
        let slot = out.entry(key(line)).or_insert(line.rank());
        *slot = (*slot).min(line.rank());
    }
    out
}

impl Fleet {
    /// What history from elsewhere adds. Of the machines at `hidden` nothing does: what 1.0 summaries claim beyond records may be the same.
    pub(super) fn add_imports(&mut self, imports: &Imports, hidden: &BTreeSet<usize>, rows: Rows) {
        let all = imports.count_days().into_iter().chain(imports.count_statistics());
        for (line, totals) in all.filter(|(line, totals)| !hidden.contains(&line.at) && !totals.is_zero()) {
            let row = Row {
                id: None,
                machine: line.at,
                session: Some(&line.key.session),
                project: &line.summary.project,
                model: &line.key.model,
                at: middle(line.window),
                totals,
                recorded: None,
                source: Source::Import,
                provisional: false,
            };
            self.push(row, rows);
        }
    }
}

/// For each of some lines whether what a machine has shows all of it already, so that it need not be written.
pub fn shown(machine: &MachineData, lines: &[(SummaryKey, Summary)]) -> Vec<bool> {
    let mut asked = MachineData::new(machine.id.clone());
    asked.summaries = lines.iter().cloned().collect();
    let mut imports = Imports::take(&mut [asked]);
    // What one of them tells of another is no reason to leave it out.
    imports.spans.iter_mut().for_each(|span| span.machines.clear());
    let mut told: HashMap<SummaryKey, Totals> = HashMap::new();
    for entry in machine.records.entries() {
        imports.add(0, &entry);
        if !machine.summaries.is_empty() {
            let key = SummaryKey { session: entry.session.clone(), day: entry.at.day(), model: entry.model.clone() };
            let sum = told.entry(key).or_default();
            *sum = sum.plus(Totals { requests: 1, counters: entry.counters, cost: entry.cost });
        }
    }
    for (key, summary) in machine.summaries.iter().filter(|(key, summary)| Origin::of_line(key, summary).is_none()) {
        let told = told.get(key).copied().unwrap_or_default();
        imports.add_withheld(0, key, summary.totals.join(told).minus(told));
    }
    let by_key: HashMap<&SummaryKey, &Line> = imports.lines.iter().map(|line| (&line.key, line)).collect();
    let is_shown = |line: &&Line| match line.origin {
        Origin::Ccusage => imports.excess(line).is_zero(),
        Origin::StatsCache => imports.is_told(line.key.day, 0),
    };
    lines.iter().map(|(key, _)| by_key.get(key).is_some_and(is_shown)).collect()
}
