//! Compares what counts at the end with what is true.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{MachineId, RecordId, SessionId};
use claude_sync::base::time::Timestamp;
use claude_sync::fleet::read::MachineData;
use claude_sync::fleet::{Fleet, RowSource};
use claude_sync::record::{Level, Totals};

use crate::model::rows::{Row, project, record_id};
use crate::model::tabs::is_tab;
use crate::model::truth::{Committed, Truth};

/// A row that counts.
#[derive(Debug, Clone)]
pub struct Counted {
    pub id: Option<RecordId>,
    pub machine: MachineId,
    pub session: Option<SessionId>,
    pub project: String,
    pub model: String,
    pub at: Timestamp,
    pub totals: Totals,
    pub source: RowSource,
}

/// All rows of a fleet, read whole.
pub fn counted(machines: Vec<MachineData>) -> (Vec<Counted>, Fleet) {
    let mut rows = Vec::new();
    let fleet = Fleet::count_rows(machines, &mut |row| {
        rows.push((
            row.machine,
            Counted {
                id: row.id,
                machine: crate::model::rows::machine(0),
                session: row.session.cloned(),
                project: row.project.to_owned(),
                model: row.model.to_owned(),
                at: row.at,
                totals: row.totals,
                source: row.source,
            },
        ));
    });
    let named = rows.into_iter().map(|(at, row)| Counted {
        machine: fleet.machines[at].id.clone(),
        ..row
    });
    (named.collect(), fleet)
}

/// Whether a request counts.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It does, with output tokens between these.
    Counts(u64, u64),
    /// Copies differ in what rules apply to them: it may count.
    May(u64),
    /// It is forgotten.
    Gone,
}

/// What holds of one request. One that was forgotten for a while is back where somebody still had it.
fn verdict(truth: &Truth, request: u32) -> Verdict {
    match lasting(truth, request) {
        Verdict::Counts(_, most) if truth.may_be_back(request) => Verdict::May(most),
        other => other,
    }
}

fn lasting(truth: &Truth, request: u32) -> Verdict {
    let copies = &truth.rows[&request];
    let all = || copies.values().flat_map(BTreeMap::keys);
    let named = all().filter(|row| truth.is_named(row)).count();
    let most = all().map(|row| row.output).max().unwrap_or(0);
    if truth.is_doomed(request) {
        return Verdict::Gone;
    }
    if named > 0 {
        let bare = copies.keys().any(|id| truth.pruned.contains(id));
        return if named == all().count() && !bare {
            Verdict::Gone
        } else {
            Verdict::May(most)
        };
    }
    let (mut sure, mut any) = (0, 0);
    for (id, rows) in copies {
        if truth.is_forgotten_machine(id) {
            continue;
        }
        let old = rows.keys().filter(|row| truth.is_before(row)).count();
        if old == rows.len() {
            continue;
        }
        let greatest = |wanted: &dyn Fn(&Committed) -> bool| {
            rows.iter()
                .filter(|(_, how)| wanted(how))
                .map(|(row, _)| row.output)
                .max()
        };
        any = any.max(greatest(&|_| true).unwrap_or(0));
        if old == 0 {
            sure = sure.max(greatest(&|how| *how == Committed::Yes).unwrap_or(0));
        }
    }
    match (sure, any) {
        (0, 0) => Verdict::Gone,
        (0, any) => Verdict::May(any),
        (sure, any) => Verdict::Counts(sure, any),
    }
}

/// Asserts that what counts is what is true. Returns requests and output tokens of what the model knows request by request.
pub fn assert_true(truth: &Truth, machines: Vec<MachineData>) {
    let (rows, fleet) = counted(machines);
    let mut by_id: BTreeMap<RecordId, &Counted> = BTreeMap::new();
    for row in &rows {
        if let Some(id) = row.id {
            assert!(
                by_id.insert(id, row).is_none(),
                "a request counts twice: {row:?}"
            );
        }
    }
    let mut known: BTreeSet<RecordId> = BTreeSet::new();
    for request in truth.rows.keys() {
        let id = record_id(*request);
        known.insert(id);
        let row = by_id.get(&id).copied();
        let verdict = verdict(truth, *request);
        let fits = match (&verdict, row.map(|row| row.totals.counters.output)) {
            (Verdict::Counts(least, most), Some(output)) => (*least..=*most).contains(&output),
            (Verdict::May(most), Some(output)) => output <= *most,
            (Verdict::May(_) | Verdict::Gone, None) => true,
            (Verdict::Counts(..), None) | (Verdict::Gone, Some(_)) => false,
        };
        assert!(
            fits,
            "request {request}: {verdict:?}, but {row:?}; {:#?}; forgotten: {:?}",
            truth.rows[request], truth.forgotten
        );
        if let (Verdict::Counts(..), Some(row)) = (verdict, row) {
            owner(truth, *request, row);
            origin(truth, *request, row);
        }
    }
    for slot in &truth.slots {
        slot.assert_true(truth, &rows);
    }
    for row in rows
        .iter()
        .filter(|row| row.id.is_none_or(|id| !known.contains(&id)))
    {
        assert!(
            truth.slots.iter().any(|slot| slot.has(row)) || is_tab(&row.model),
            "nobody knows where this comes from: {row:?}"
        );
    }
    truth.assert_tabs(&rows);
    let sum: Totals = rows.iter().map(|row| row.totals).sum();
    assert_eq!(
        fleet.totals(),
        sum,
        "the fleet's totals are not the sum of its rows"
    );
    let of_machines: Totals = fleet.machines.iter().map(|machine| machine.totals).sum();
    assert_eq!(of_machines, sum, "the machines' totals do not add up");
}

/// A request that one machine has counts for that machine.
fn owner(truth: &Truth, request: u32, row: &Counted) {
    let places: BTreeSet<MachineId> = truth.rows[&request]
        .keys()
        .map(|id| truth.place(id))
        .collect();
    assert!(
        places.contains(&row.machine),
        "request {request} counts for {}, which never had it",
        row.machine
    );
}

/// Where no copy was pruned, the earliest one says when and where. Where some were, the most detailed one does.
fn origin(truth: &Truth, request: u32, row: &Counted) {
    let copies = &truth.rows[&request];
    let rows = |full: bool| {
        let kept = move |id: &MachineId| {
            !truth.is_forgotten_machine(id) && (!full || !truth.lowered.contains(id))
        };
        copies
            .iter()
            .filter(move |(id, _)| kept(id))
            .flat_map(|(_, rows)| rows)
    };
    let full: Vec<&Row> = rows(true)
        .filter(|(_, how)| **how == Committed::Yes)
        .map(|(row, _)| row)
        .collect();
    if full.is_empty()
        || rows(false).any(|(row, how)| truth.is_before(row) || *how == Committed::Perhaps)
    {
        return;
    }
    assert_eq!(
        row.source,
        RowSource::Record(Level::Full),
        "request {request}: a pruned copy hides a full one: {row:?}"
    );
    if copies.keys().any(|id| truth.lowered.contains(id)) {
        return;
    }
    let first = full
        .iter()
        .map(|row| (row.at, row.session.as_str()))
        .min()
        .expect("some");
    let said = (
        row.at.millis(),
        row.session.as_ref().map_or("", SessionId::as_str),
    );
    assert_eq!(
        said, first,
        "request {request}: time and session are not those of its first copy: {row:?}"
    );
    assert_eq!(row.project, project(first.1), "request {request}: project");
}
