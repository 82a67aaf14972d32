//! What the view shows, collected from rows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::base::ids::MachineId;
use crate::base::money::Cost;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, MachineIndex, Row};
use crate::report::blocks::{Block, Blocks};
use crate::report::limits::Known;
use crate::report::{Bounds, Choice, Fold, Report, ReportKind, Zone};

/// Where a block begins depends on the one before: usage of the last 7 days, in ms, is enough.
const HISTORY: i64 = 7 * 24 * 60 * 60 * 1000;
/// So many requests are kept, more than a terminal has lines.
const MOST: usize = 200;

/// A request that is further ahead of the clock, in ms, meets a wrong clock, and would stand first
/// for long.
const AHEAD: i64 = 10 * 60 * 1000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Its time.
    pub(super) at: Timestamp,
    /// The name of its machine.
    pub(super) machine: String,
    /// Its model.
    pub(super) model: String,
    /// Its project; empty where it has none.
    pub(super) project: String,
    /// Tokens of all kinds.
    pub(super) tokens: u64,
    /// What it cost.
    pub(super) cost: Cost,
}

/// What the view shows.
#[derive(Debug)]
pub(crate) struct State {
    /// The time zone of days and times.
    pub(super) zone: Zone,
    /// Plan limits.
    pub(super) known: Known,
    /// The block that goes on.
    pub(super) block: Option<Block>,
    /// Usage of today, by machine, project and model.
    pub(super) today: [Report; 3],
    /// The last requests, the newest first.
    pub(super) requests: Vec<Request>,
    /// How many machines there are.
    pub(super) machines: usize,
    /// When the figures of other machines are from, if there are any.
    pub(super) as_of: Option<Timestamp>,
    /// This machine is set up; else its transcripts alone were read.
    pub(super) is_synced: bool,
}

/// Where the rows were read, and what is known beside them.
#[derive(Debug)]
pub(crate) struct Origin<'a> {
    /// The machines.
    pub(crate) fleet: &'a Fleet,
    /// The selected machines; empty: all.
    pub(crate) machines: &'a [MachineId],
    /// Plan limits.
    pub(crate) known: Known,
    /// When the figures of other machines are from, if there are any.
    pub(crate) as_of: Option<Timestamp>,
    /// This machine is set up.
    pub(crate) is_synced: bool,
}

/// Rows, while they are read.
#[derive(Debug)]
pub(crate) struct Collector {
    zone: Zone,
    now: Timestamp,
    today: [Fold; 3],
    blocks: Blocks,
    requests: BTreeMap<MachineIndex, Vec<Request>>,
}

impl Collector {
    /// Of this day in `zone`. `some_machines`: [`Origin::machines`] will select some.
    pub(crate) fn new(now: Timestamp, zone: Zone, some_machines: bool) -> Self {
        let today: NaiveDate = zone.date(now);
        let bounds = Bounds {
            since: Some(today),
            until: Some(today),
        };
        let choice = Choice {
            // Machines without usage today are not listed.
            some_projects: true,
            some_machines,
            ..Choice::default()
        };
        let kinds = [
            ReportKind::Machines,
            ReportKind::Projects,
            ReportKind::Models,
        ];
        Self {
            zone,
            now,
            today: kinds.map(|kind| Fold::new(kind, bounds, zone).with(choice.clone())),
            blocks: Blocks::new(Bounds::default(), zone),
            requests: BTreeMap::new(),
        }
    }

    /// The time from which on rows are needed.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        Timestamp::from_millis(self.now.millis().saturating_sub(HISTORY))
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        if Some(row.at) < self.since() {
            return;
        }
        self.today.iter_mut().for_each(|report| report.add(row));
        self.blocks.add(row);
        let is_ahead = row.at.since(self.now) > AHEAD;
        if !(row.is_sum() || row.is_day() || row.is_ledger() || is_ahead) {
            self.add_request(row);
        }
    }

    fn add_request(&mut self, row: &Row<'_>) {
        let list = self.requests.entry(row.machine).or_default();
        list.push(Request {
            at: row.at,
            machine: String::new(),
            model: row.model.to_owned(),
            project: row.project.to_owned(),
            tokens: row.totals.counters.total(),
            cost: row.totals.cost,
        });
        if list.len() >= 2 * MOST {
            keep_newest(list);
        }
    }

    /// What the view shows.
    pub(crate) fn finish(self, origin: Origin<'_>) -> State {
        let Origin {
            fleet, machines, ..
        } = origin;
        let wanted = |at: MachineIndex| {
            let machine = fleet.machines.get(at);
            machines.is_empty() || machine.is_some_and(|one| machines.contains(&one.id))
        };
        let labels = fleet.labels();
        let mut requests: Vec<Request> = Vec::new();
        for (at, list) in self.requests.into_iter().filter(|(at, _)| wanted(*at)) {
            let label = labels.get(at).cloned().unwrap_or_default();
            requests.extend(list.into_iter().map(|request| Request {
                machine: label.clone(),
                ..request
            }));
        }
        keep_newest(&mut requests);
        let blocks = self.blocks.finish(self.now, wanted).into_iter();
        let active = fleet.machines.iter();
        let active = active.filter(|machine| !machine.retired && machine.merged_into.is_none());
        State {
            zone: self.zone,
            known: origin.known,
            block: blocks.rev().find(|block| block.active),
            today: self.today.map(|report| report.finish(fleet, machines)),
            requests,
            machines: active.count(),
            as_of: origin.as_of,
            is_synced: origin.is_synced,
        }
    }
}

/// Keeps the newest requests, sorted.
fn keep_newest(list: &mut Vec<Request>) {
    list.sort_by(|a, b| {
        let key = |one: &Request| (Reverse(one.at), one.tokens);
        let names = |one: &Request| [one.machine.clone(), one.project.clone(), one.model.clone()];
        key(a).cmp(&key(b)).then_with(|| names(a).cmp(&names(b)))
    });
    list.truncate(MOST);
}
