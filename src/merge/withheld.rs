//! What counts beside records: sums of withheld records, and what 1.0 summaries claim.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::data::MachineData;
use super::decisions::Decisions;
use super::fleet::{Fleet, Row, Rows, Source};
use crate::base::ids::{Name, SessionId};
use crate::base::join::Join as _;
use crate::base::time::{Day, Timestamp};
use crate::format::line::{Summary, SummaryKey};
use crate::format::manifest::Conflict;
use crate::format::syncfile::SyncFile;
use crate::records::{Entry, Totals};

impl Fleet {
    /// Withheld records: equal lines of two machines count once; unequal ones all count, and a person must look.
    ///
    /// Where a person decided whose word holds for a session, that machine's lines and records count, and no other's lines.
    pub(super) fn add_summaries(
        &mut self,
        lines: Vec<(SummaryKey, usize, Timestamp, Summary)>,
        own: &[OwnSums],
        cells: &HashMap<SummaryKey, Totals>,
        decisions: &Decisions,
        rows: Rows,
    ) {
        let mut by_key: BTreeMap<SummaryKey, Vec<(Timestamp, Timestamp, usize, Summary)>> = BTreeMap::new();
        for (key, at, start, summary) in lines {
            by_key.entry(key).or_default().push((summary.first, start, at, summary));
        }
        for (key, mut lines) in by_key {
            lines.sort_by_key(|(first, start, at, _)| (*first, *start, *at));
            let all = lines.clone();
            let word = decisions.accepted(&key.session).and_then(|id| self.machines.iter().position(|m| m.id == id));
            let word = word.map(|at| self.machines[at].merged_into.unwrap_or(at));
            let has_records = |at| cells.contains_key(&key) && self.sessions.get(&key.session).is_some_and(|s| s.machines.contains(&at));
            let word = word.filter(|word| has_records(*word) || lines.iter().any(|(_, _, at, _)| at == word));
            lines.retain(|(_, _, at, _)| word.is_none_or(|word| *at == word));
            for (_, _, at, _) in &all {
                self.sessions.entry(key.session.clone()).or_default().machines.insert(*at);
            }
            let figures = |totals: &Totals| (totals.requests, totals.counters);
            let shown = cells.get(&key).copied();
            let mut seen: Vec<Totals> = Vec::new();
            for (_, _, at, summary) in &lines {
                let mine = own[*at].cells.get(&key).copied();
                let told = mine
                    .filter(|_| word.is_none())
                    .or(shown.filter(|_| word.is_some()))
                    .or_else(|| shown.filter(|shown| figures(shown) == figures(&summary.totals)))
                    .unwrap_or_default();
                let counted = seen.iter().any(|known| figures(known) == figures(&summary.totals));
                let added = summary.totals.join(told).minus(told);
                if !counted && !added.is_zero() {
                    let row = Row {
                        id: None,
                        machine: *at,
                        session: Some(&key.session),
                        project: &summary.project,
                        model: &key.model,
                        at: summary.first,
                        totals: added,
                        recorded: None,
                        source: Source::Withheld,
                        provisional: false,
                    };
                    self.push(row, rows);
                }
                if !counted {
                    seen.push(summary.totals);
                }
            }
            let strangers = shown.is_some_and(|shown| {
                lines.iter().any(|(_, _, at, s)| !own[*at].cells.contains_key(&key) && figures(&shown) != figures(&s.totals))
            });
            if word.is_none() && (seen.len() > 1 || strangers) {
                self.sessions.entry(key.session.clone()).or_default().pending = true;
                let machines = lines.iter().map(|(_, _, at, _)| self.machines[*at].id.to_string()).collect();
                let subject = key.session.to_string();
                self.conflicts.push(Conflict { code: "unequal-summaries".to_owned(), subject, machines, count: 0 });
            }
        }
    }

    /// What 1.0 summaries claim beyond the records that are here.
    pub(super) fn add_claims(&mut self, own: &[OwnSums], rows: Rows) {
        for (at, sums) in own.iter().enumerate() {
            let Some(page) = self.machines[at].page.take() else { continue };
            self.add_page_claims(at, &page, sums, rows);
            self.machines[at].page = Some(page);
        }
    }

    fn add_page_claims(&mut self, at: usize, page: &SyncFile, sums: &OwnSums, rows: Rows) {
        let mut counted = sums.all;
        for (id, session) in &page.sessions {
            let Some(claimed) = session.claimed else { continue };
            let told = sums.sessions.get(id).copied().unwrap_or_default();
            let more = claimed.join(told).minus(told);
            counted = counted.plus(more);
            let place = self.machines[at].merged_into.unwrap_or(at);
            self.sessions.entry(id.clone()).or_default().machines.insert(place);
            if !more.is_zero() {
                let model = if session.models.len() == 1 { session.models.first().map_or("", String::as_str) } else { "" };
                let when = session.last_updated.or(page.last_usage).unwrap_or(page.machine.updated_at);
                self.push(claim(at, Some(id), &session.project, model, when, more), rows);
            }
            let view = self.sessions.entry(id.clone()).or_default();
            if let Some(first) = session.first_seen {
                let first = (first, Name::from(session.project.as_str()));
                if view.first.as_ref().is_none_or(|known| first < *known) {
                    view.first = Some(first);
                }
            }
        }
        let Some(claimed) = page.claimed else { return };
        let more = claimed.join(counted).minus(counted);
        if !more.is_zero() {
            self.push(claim(at, None, "", "", page.last_usage.unwrap_or(page.machine.updated_at), more), rows);
        }
    }
}

fn claim<'a>(machine: usize, session: Option<&'a SessionId>, project: &'a str, model: &'a str, at: Timestamp, totals: Totals) -> Row<'a> {
    Row { id: None, machine, session, project, model, at, totals, recorded: None, source: Source::Claim, provisional: false }
}

/// Gives the records and summary lines of machines that were merged into others to those others, as if they had written them. What a
/// past machine's own records told is still needed where its page carries claims.
pub(super) fn move_pasts(machines: &mut [MachineData], places: &[usize]) -> HashMap<usize, OwnSums> {
    let mut out = HashMap::new();
    for (at, place) in places.iter().copied().enumerate().filter(|(at, place)| at != place) {
        let past = &mut machines[at];
        let mut sums = OwnSums::new(past.page(), &BTreeMap::new());
        past.records.entries().for_each(|entry| sums.add(&entry));
        out.insert(at, sums);
        let (records, summaries) = (std::mem::take(&mut past.records), std::mem::take(&mut past.summaries));
        let heir = &mut machines[place];
        heir.records = std::mem::take(&mut heir.records).join(records);
        heir.summaries = std::mem::take(&mut heir.summaries).join(summaries);
    }
    out
}

/// Sums over one machine's own records, where a claim or a summary line asks for them.
#[derive(Clone)]
pub(super) struct OwnSums {
    all: Totals,
    sessions: HashMap<SessionId, Totals>,
    cells: HashMap<SummaryKey, Totals>,
    wanted_sessions: HashSet<SessionId>,
    /// What summary lines say.
    wanted_cells: BTreeMap<SummaryKey, Totals>,
    /// What records that retention shortened say, of which only day and model are known.
    stubs: HashMap<(Day, Name), Totals>,
    claims: bool,
}

impl OwnSums {
    /// Nothing yet; `page` and `summaries` say what will be asked for.
    pub(super) fn new(page: Option<&SyncFile>, summaries: &BTreeMap<SummaryKey, Summary>) -> Self {
        let held = page.into_iter().flat_map(|page| &page.sessions).filter(|(_, session)| session.claimed.is_some());
        let wanted_sessions: HashSet<_> = held.map(|(id, _)| id.clone()).collect();
        let claims = !wanted_sessions.is_empty() || page.is_some_and(|page| page.claimed.is_some());
        let withheld = summaries.values().map(|summary| summary.totals).sum();
        let wanted_cells = summaries.iter().map(|(key, summary)| (key.clone(), summary.totals)).collect();
        let (sessions, cells, stubs) = Default::default();
        Self { all: withheld, sessions, cells, wanted_sessions, wanted_cells, stubs, claims }
    }

    /// What a summary line tells beyond the machine's own records.
    pub(super) fn withholds(&self, key: &SummaryKey, summary: &Summary) -> Totals {
        let told = self.cells.get(key).copied().unwrap_or_default();
        summary.totals.join(told).minus(told)
    }

    /// Whether the machine's page claims anything beyond records.
    pub(super) fn has_claims(&self) -> bool {
        self.claims
    }

    /// Adds a record where a claim or a line asks for its sums.
    pub(super) fn add(&mut self, entry: &Entry) {
        if !self.claims && self.wanted_cells.is_empty() {
            return;
        }
        let totals = Totals { requests: 1, counters: entry.counters, cost: entry.cost };
        self.all = self.all.plus(totals);
        if self.wanted_sessions.contains(entry.session) {
            let sum = self.sessions.entry(entry.session.clone()).or_default();
            *sum = sum.plus(totals);
        }
        if !self.wanted_cells.is_empty() {
            let key = SummaryKey { session: entry.session.clone(), day: entry.at.day(), model: entry.model.clone() };
            if entry.is_stub() {
                let sum = self.stubs.entry((key.day, key.model)).or_default();
                *sum = sum.plus(totals);
            } else if self.wanted_cells.contains_key(&key) {
                let sum = self.cells.entry(key).or_default();
                *sum = sum.plus(totals);
            }
        }
    }

    /// All records were added. Shortened ones have no session: they count as told by the lines of their day and model, in order, as far as
    /// those say more than other records. Whoever went over to sums has lines that say again what such records said.
    pub(super) fn settle(&mut self) {
        if self.stubs.is_empty() {
            return;
        }
        for (key, totals) in &self.wanted_cells {
            let Some(left) = self.stubs.get_mut(&(key.day, key.model.clone())) else { continue };
            let told = self.cells.get(key).copied().unwrap_or_default();
            let more = totals.join(told).minus(told);
            let taken = left.minus(left.minus(more));
            *left = left.minus(taken);
            if !taken.is_zero() {
                self.cells.insert(key.clone(), told.plus(taken));
            }
        }
    }
}
