//! Rows to groups.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::Zone;
use super::choice::{Bounds, Choice, Kind, Machines, Mode, Split};
use super::lower::Lower;
use crate::base::ids::SessionId;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row};
use crate::record::Totals;

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The day, week, month, session, machine, project or model.
    pub key: String,
    /// The machine's name, in a report by machine.
    pub label: String,
    /// The project, in a report by session.
    pub project: String,
    /// Sums.
    pub totals: Totals,
    /// Sums by model.
    pub models: BTreeMap<String, Totals>,
    /// Sums by what the report is split by, the dearest first.
    pub parts: Vec<(String, Totals)>,
    /// The machines that it counts for, by name.
    pub machines: BTreeSet<String>,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
    /// When the machine last synced, in a report by machine.
    pub last_sync: Option<Timestamp>,
    /// Requests whose final counts were not logged.
    pub lower: Lower,
    /// Requests without records, known from a sum.
    pub unrecorded: u64,
    /// What of it stands in no request line: Claude Code's own account says so.
    pub ledger: Totals,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it groups by.
    pub kind: Kind,
    /// What each line is split by.
    pub split: Option<Split>,
    /// It tells tokens alone.
    pub without_cost: bool,
    /// Which cost it tells.
    pub mode: Mode,
    /// Its lines: days and months ascending, sessions by last use, machines by cost.
    pub groups: Vec<Group>,
    /// The sum of all lines.
    pub totals: Totals,
    /// Models without a known price, with their requests.
    pub unpriced: BTreeMap<String, u64>,
    /// Files that were left out.
    pub left_out: u64,
    /// Sessions that a person must look at.
    pub pending: u64,
    /// When each machine last synced, the one that did so longest ago first. Machines that retired are not among them.
    pub synced: Vec<(String, Timestamp)>,
}

/// What stands for a model, or an origin, that is not known.
const UNKNOWN: &str = "unknown";

/// What a group stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Slot {
    Day(NaiveDate),
    Week(NaiveDate),
    Month(NaiveDate),
    Session(Option<SessionId>),
    Machine(usize),
    Project(String),
    Model(String),
}

impl Slot {
    fn holds(&self, row: &Row, date: NaiveDate, choice: &Choice) -> bool {
        match self {
            Self::Day(day) => *day == date,
            Self::Week(first) => (0..7).contains(&(date - *first).num_days()),
            Self::Month(first) => *first == choice.month_of(date),
            Self::Session(session) => session.as_ref() == row.session,
            Self::Machine(at) => *at == row.machine,
            Self::Project(project) => project == row.project,
            Self::Model(model) => model == named(row.model),
        }
    }
}

/// A model's name, or what stands for none.
fn named(model: &str) -> &str {
    if model.is_empty() { UNKNOWN } else { model }
}

/// How Claude Code was started for a request.
fn origin<'a>(row: &Row<'a>) -> &'a str {
    row.client
        .map(|client| &*client.entrypoint)
        .filter(|word| !word.is_empty())
        .unwrap_or(UNKNOWN)
}

/// The kind of subagent that made a request, or the main thread.
fn agent<'a>(row: &Row<'a>) -> &'a str {
    match row.client {
        Some(client) if !client.agent.is_empty() => &client.agent,
        // Retention takes the kind away, not that it was one.
        _ if row.sidechain => "subagent",
        Some(_) => "main",
        None => UNKNOWN,
    }
}

/// What a part of a group stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Machine(usize),
    Project(String),
    /// A word of Claude Code's, or what stands for none.
    Word(String),
}

impl Part {
    fn of(row: &Row, split: Split) -> Self {
        match split {
            Split::Project => Self::Project(row.project.to_owned()),
            Split::Origin => Self::Word(origin(row).to_owned()),
            Split::Agent => Self::Word(agent(row).to_owned()),
            Split::Machine | Split::Model => Self::Machine(row.machine),
        }
    }

    fn name(self, labels: &[String]) -> String {
        match self {
            Self::Machine(at) => labels[at].clone(),
            Self::Project(name) | Self::Word(name) => name,
        }
    }

    fn holds(&self, row: &Row, split: Split) -> bool {
        match self {
            Self::Machine(at) => *at == row.machine,
            Self::Project(project) => project == row.project,
            Self::Word(word) => {
                word == if split == Split::Agent {
                    agent(row)
                } else {
                    origin(row)
                }
            }
        }
    }
}

/// What one model adds to a group.
#[derive(Debug)]
struct Share {
    model: String,
    totals: Totals,
    /// Requests without a known price.
    unpriced: u64,
}

/// A group while rows come in. Where only some machines are wanted, each has groups of its own until it is known which.
#[derive(Debug)]
struct Sum {
    slot: Slot,
    machine: Option<usize>,
    /// All that counts is in one of these.
    models: Vec<Share>,
    /// The same again, split otherwise, where that is asked for.
    parts: Vec<(Part, Totals)>,
    machines: Vec<usize>,
    first: Option<(Timestamp, String)>,
    last: Option<Timestamp>,
    lower: Lower,
    unrecorded: u64,
    ledger: Totals,
}

/// A report in the making: rows go in, in any order, and none is kept.
#[derive(Debug)]
pub struct Fold {
    kind: Kind,
    choice: Choice,
    bounds: Bounds,
    zone: Zone,
    sums: Vec<Sum>,
    places: HashMap<(Slot, Option<usize>), usize>,
    /// The last row's group: most rows go where the one before went.
    recent: usize,
    /// Two points in time on one date: what lies between them is on that date too.
    span: Option<(Timestamp, Timestamp, NaiveDate)>,
}

/// From here on, 2012, no zone's clock goes back to a date that it showed the end of. (St. John's went back at a minute past midnight.)
const MONOTONE: i64 = 1_325_376_000_000;

impl Fold {
    /// Of rows within `bounds`; days begin in `zone`.
    pub fn new(kind: Kind, bounds: Bounds, zone: Zone) -> Self {
        Self {
            kind,
            choice: Choice::default(),
            bounds,
            zone,
            sums: Vec::new(),
            places: HashMap::new(),
            recent: 0,
            span: None,
        }
    }

    /// With other ways to group, split and order.
    #[must_use]
    pub fn with(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    fn date(&mut self, at: Timestamp) -> NaiveDate {
        if let Some((from, to, date)) = self.span
            && from <= at
            && at <= to
        {
            return date;
        }
        let date = self.zone.date(at);
        if at.millis() >= MONOTONE {
            self.span = Some(match self.span {
                // More of this date is to come, it seems: to ask for its end costs less than to ask for each row.
                Some((from, to, known)) if known == date => {
                    (from.min(at), to.max(self.late(at, date)), date)
                }
                _ => (at, at, date),
            });
        }
        date
    }

    /// A time on this date that is not before `at`: the last, or less than a minute before that.
    fn late(&self, at: Timestamp, date: NaiveDate) -> Timestamp {
        let (mut on, mut after) = (at, at.millis().saturating_add(48 * 3_600_000));
        while after.saturating_sub(on.millis()) > 60_000 {
            let middle = on.millis() + (after - on.millis()) / 2;
            match Timestamp::from_millis(middle) {
                Some(time) if self.zone.date(time) == date => on = time,
                _ => after = middle,
            }
        }
        on
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Row) {
        let date = if row.is_day() {
            row.at.day().date()
        } else {
            self.date(row.at)
        };
        if !self.bounds.hold(date) {
            return;
        }
        let machine = self.choice.some_machines.then_some(row.machine);
        if !self
            .sums
            .get(self.recent)
            .is_some_and(|sum| sum.slot.holds(row, date, &self.choice) && sum.machine == machine)
        {
            let slot = match self.kind {
                Kind::Daily => Slot::Day(date),
                Kind::Weekly => Slot::Week(self.choice.week_of(date)),
                Kind::Monthly => Slot::Month(self.choice.month_of(date)),
                Kind::Session => Slot::Session(row.session.cloned()),
                Kind::Machines => Slot::Machine(row.machine),
                Kind::Projects => Slot::Project(row.project.to_owned()),
                Kind::Models => Slot::Model(named(row.model).to_owned()),
            };
            self.recent = self.place(slot, machine);
        }
        self.sums[self.recent].add(row, self.choice.split);
    }

    fn place(&mut self, slot: Slot, machine: Option<usize>) -> usize {
        *self
            .places
            .entry((slot, machine))
            .or_insert_with_key(|(slot, machine)| {
                self.sums.push(Sum {
                    slot: slot.clone(),
                    machine: *machine,
                    models: Vec::new(),
                    parts: Vec::new(),
                    machines: Vec::new(),
                    first: None,
                    last: None,
                    lower: Lower::default(),
                    unrecorded: 0,
                    ledger: Totals::default(),
                });
                self.sums.len() - 1
            })
    }

    /// The report, with what the fleet tells of its machines; of some machines only, if that was asked for.
    pub fn finish(mut self, fleet: &Fleet, machines: Machines<'_>) -> Report {
        let wanted =
            |at: usize| !self.choice.some_machines || machines.contains(&fleet.machines[at].id);
        if self.kind == Kind::Machines {
            // A machine without usage is listed too: it may be the one that stopped syncing.
            let all = !self.choice.some_projects;
            let listed: Vec<usize> = (0..fleet.machines.len())
                .filter(|at| all && wanted(*at) && fleet.machines[*at].merged_into.is_none())
                .collect();
            for at in listed {
                self.place(Slot::Machine(at), self.choice.some_machines.then_some(at));
            }
        }
        let sums = if self.choice.some_machines {
            joined(self.sums, |at| machines.contains(&fleet.machines[at].id))
        } else {
            self.sums
        };
        let labels = fleet.labels();
        let mut unpriced: BTreeMap<String, u64> = BTreeMap::new();
        for share in sums
            .iter()
            .flat_map(|sum| &sum.models)
            .filter(|share| share.unpriced > 0)
        {
            let requests = unpriced.entry(share.model.clone()).or_default();
            *requests = requests.saturating_add(share.unpriced);
        }
        let mut groups: Vec<_> = sums
            .into_iter()
            .map(|sum| sum.group(fleet, &labels, &self.choice))
            .collect();
        match self.kind {
            Kind::Daily | Kind::Weekly | Kind::Monthly => groups.sort_by(|a, b| a.key.cmp(&b.key)),
            Kind::Session => groups.sort_by(|a, b| (a.last, &a.key).cmp(&(b.last, &b.key))),
            Kind::Machines | Kind::Projects | Kind::Models => {
                groups.sort_by(|a, b| dearest((&a.key, &a.totals), (&b.key, &b.totals)))
            }
        }
        if self.choice.descending {
            groups.reverse();
        }
        let left_out = fleet
            .conflicts
            .iter()
            .filter(|c| !["unequal-records", "checksum"].contains(&c.code.as_str()))
            .count() as u64;
        Report {
            kind: self.kind,
            split: self.choice.split,
            without_cost: self.choice.without_cost,
            mode: self.choice.mode,
            totals: groups.iter().map(|group| group.totals).sum(),
            groups,
            unpriced,
            left_out,
            pending: fleet
                .sessions
                .values()
                .filter(|session| session.pending)
                .count() as u64,
            synced: synced(fleet, &labels),
        }
    }
}

/// What costs more comes first.
pub(super) fn dearest(a: (&str, &Totals), b: (&str, &Totals)) -> Ordering {
    b.1.cost
        .amount
        .cmp(&a.1.cost.amount)
        .then_with(|| a.0.cmp(b.0))
}

/// The groups of the machines that are wanted, those that stand for the same made one.
fn joined(sums: Vec<Sum>, wanted: impl Fn(usize) -> bool) -> Vec<Sum> {
    let mut places: HashMap<Slot, usize> = HashMap::new();
    let mut out: Vec<Sum> = Vec::new();
    for sum in sums
        .into_iter()
        .filter(|sum| sum.machine.is_some_and(&wanted))
    {
        if let Some(at) = places.get(&sum.slot) {
            out[*at].join(sum);
        } else {
            places.insert(sum.slot.clone(), out.len());
            out.push(sum);
        }
    }
    out
}

/// When machines that are still in use last synced, the longest ago first.
fn synced(fleet: &Fleet, labels: &[String]) -> Vec<(String, Timestamp)> {
    let active = fleet
        .machines
        .iter()
        .zip(labels)
        .filter(|(machine, _)| !machine.retired && machine.merged_into.is_none());
    let mut out: Vec<_> = active
        .filter_map(|(machine, label)| Some((label.clone(), machine.page.as_ref()?.last_sync())))
        .collect();
    out.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    out
}

/// The part that fits; a new one where none does.
fn found<P>(parts: &mut Vec<P>, fits: impl Fn(&P) -> bool, new: impl FnOnce() -> P) -> &mut P {
    let at = parts.iter().position(fits).unwrap_or_else(|| {
        parts.push(new());
        parts.len() - 1
    });
    &mut parts[at]
}

impl Sum {
    fn add(&mut self, row: &Row, split: Option<Split>) {
        let unpriced = if row.totals.cost.known {
            0
        } else {
            row.totals.requests.max(row.is_ledger().into())
        };
        self.share(named(row.model), row.totals, unpriced);
        if let Some(split) = split.filter(|split| *split != Split::Model) {
            let part = found(
                &mut self.parts,
                |(part, _)| part.holds(row, split),
                || (Part::of(row, split), Totals::default()),
            );
            part.1 = part.1.plus(row.totals);
        }
        if let Err(at) = self.machines.binary_search(&row.machine) {
            self.machines.insert(at, row.machine);
        }
        if self
            .first
            .as_ref()
            .is_none_or(|(at, project)| (row.at, row.project) < (*at, project))
        {
            self.first = Some((row.at, row.project.to_owned()));
        }
        self.last = self.last.max(Some(row.at));
        self.lower.add(row);
        if row.is_sum() {
            self.unrecorded = self.unrecorded.saturating_add(row.totals.requests);
        }
        if row.is_ledger() {
            self.ledger = self.ledger.plus(row.totals);
        }
    }

    fn share(&mut self, model: &str, totals: Totals, unpriced: u64) {
        let new = || Share {
            model: model.to_owned(),
            totals: Totals::default(),
            unpriced: 0,
        };
        let share = found(&mut self.models, |share| share.model == model, new);
        share.totals = share.totals.plus(totals);
        share.unpriced = share.unpriced.saturating_add(unpriced);
    }

    /// Adds the same group of another machine.
    fn join(&mut self, other: Self) {
        for share in other.models {
            self.share(&share.model, share.totals, share.unpriced);
        }
        for (part, totals) in other.parts {
            let known = found(
                &mut self.parts,
                |(known, _)| *known == part,
                || (part.clone(), Totals::default()),
            );
            known.1 = known.1.plus(totals);
        }
        self.machines.extend(other.machines);
        self.first = self.first.take().into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.lower = self.lower.plus(other.lower);
        self.unrecorded = self.unrecorded.saturating_add(other.unrecorded);
        self.ledger = self.ledger.plus(other.ledger);
    }

    fn group(self, fleet: &Fleet, labels: &[String], choice: &Choice) -> Group {
        let mut parts: Vec<(String, Totals)> = match choice.split {
            Some(Split::Model) => self
                .models
                .iter()
                .map(|share| (share.model.clone(), share.totals))
                .collect(),
            _ => self
                .parts
                .into_iter()
                .map(|(part, totals)| (part.name(labels), totals))
                .collect(),
        };
        parts.sort_by(|a, b| dearest((&a.0, &a.1), (&b.0, &b.1)));
        let mut out = Group {
            totals: self.models.iter().map(|share| share.totals).sum(),
            models: self
                .models
                .into_iter()
                .map(|share| (share.model, share.totals))
                .collect(),
            parts,
            machines: self.machines.iter().map(|at| labels[*at].clone()).collect(),
            last: self.last,
            lower: self.lower,
            unrecorded: self.unrecorded,
            ledger: self.ledger,
            ..Group::default()
        };
        if let Some((at, project)) = self.first {
            (out.first, out.project) = (Some(at), project);
        }
        out.key = match self.slot {
            Slot::Day(day) | Slot::Week(day) => day.format("%Y-%m-%d").to_string(),
            Slot::Project(name) | Slot::Model(name) => name,
            Slot::Month(first) => first
                .format(if choice.month_start == 1 {
                    "%Y-%m"
                } else {
                    "%Y-%m-%d"
                })
                .to_string(),
            Slot::Session(session) => session
                .map(|session| session.to_string())
                .unwrap_or_default(),
            Slot::Machine(at) => {
                let machine = &fleet.machines[at];
                out.last_sync = machine
                    .page
                    .as_ref()
                    .map(crate::format::syncfile::SyncFile::last_sync);
                out.label.clone_from(&labels[at]);
                machine.id.to_string()
            }
        };
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_zone_whatever_was_asked_before() {
        // A step of 11 hours and 7 minutes meets each hour of the day, and each day's change of the clock within a few years.
        let step = (11 * 60 + 7) * 60_000;
        for zone in chrono_tz::TZ_VARIANTS
            .iter()
            .step_by(7)
            .chain([&chrono_tz::America::St_Johns, &chrono_tz::America::Asuncion])
        {
            let zone = Zone::Named(*zone);
            let mut fold = Fold::new(Kind::Daily, Bounds::default(), zone);
            for n in 0..20_000_i64 {
                // Mostly forward, now and then back.
                let millis = MONOTONE - 90_000_000_000 + (n - n % 3 * 2) * step / 3;
                let at = Timestamp::from_millis(millis).expect("a time");
                assert_eq!(fold.date(at), zone.date(at), "{zone:?} {at}");
            }
        }
    }
}
