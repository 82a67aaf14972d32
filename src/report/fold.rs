//! Rows to groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike as _, NaiveDate};

use super::Zone;
use crate::base::ids::SessionId;
use crate::base::time::Timestamp;
use crate::merge::fleet::{Fleet, Row, Source};
use crate::records::Totals;

/// What a report groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A day.
    Daily,
    /// A week, named by its first day.
    Weekly,
    /// A month.
    Monthly,
    /// A session.
    Session,
    /// A machine.
    Machines,
    /// A project.
    Projects,
    /// A model.
    Models,
}

/// How the lines of a report are ordered, and which rows go into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Which day a week begins with: how many days after Monday.
    pub week_start: u32,
    /// The last line first.
    pub descending: bool,
    /// Only these projects, by a part of their name; all where there is none.
    pub projects: Vec<String>,
}

/// Which days count, both inclusive, in the report's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The first day.
    pub since: Option<NaiveDate>,
    /// The last day.
    pub until: Option<NaiveDate>,
}

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
    /// The machines that it counts for, by name.
    pub machines: BTreeSet<String>,
    /// The first request.
    pub first: Option<Timestamp>,
    /// The last request.
    pub last: Option<Timestamp>,
    /// When the machine last synced, in a report by machine.
    pub last_sync: Option<Timestamp>,
    /// Requests whose last row was not seen yet.
    pub provisional: u64,
    /// Requests that are known from a summary only.
    pub withheld: u64,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it groups by.
    pub kind: Kind,
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
}

/// What stands for a model that nobody names.
const NO_MODEL: &str = "unknown";

/// What a group stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Slot {
    Day(NaiveDate),
    Week(NaiveDate),
    Month(i32, u32),
    Session(Option<SessionId>),
    Machine(usize),
    Project(String),
    Model(String),
}

impl Slot {
    fn holds(&self, row: &Row, date: NaiveDate) -> bool {
        match self {
            Self::Day(day) => *day == date,
            Self::Week(first) => (0..7).contains(&(date - *first).num_days()),
            Self::Month(year, month) => (*year, *month) == (date.year(), date.month()),
            Self::Session(session) => session.as_ref() == row.session,
            Self::Machine(at) => *at == row.machine,
            Self::Project(project) => project == row.project,
            Self::Model(model) => model == named(row.model),
        }
    }
}

/// A model's name, or what stands for none.
fn named(model: &str) -> &str {
    if model.is_empty() { NO_MODEL } else { model }
}

/// A group while rows come in.
#[derive(Debug)]
struct Sum {
    slot: Slot,
    /// All that counts is in one of these.
    models: Vec<(String, Totals)>,
    machines: Vec<usize>,
    first: Option<(Timestamp, String)>,
    last: Option<Timestamp>,
    provisional: u64,
    withheld: u64,
}

/// A report in the making: rows go in, in any order, and none is kept.
#[derive(Debug)]
pub struct Fold {
    kind: Kind,
    choice: Choice,
    bounds: Bounds,
    zone: Zone,
    sums: Vec<Sum>,
    places: HashMap<Slot, usize>,
    /// The last row's group: most rows go where the one before went.
    recent: usize,
    /// Two points in time on one date, as far apart as was seen: what lies between them is on that date too.
    span: Option<(Timestamp, Timestamp, NaiveDate)>,
    unpriced: BTreeMap<String, u64>,
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
            unpriced: BTreeMap::new(),
        }
    }

    /// With another order, or of some rows only.
    #[must_use]
    pub fn with(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Whether a row is one of those that are wanted.
    fn wants(&self, row: &Row) -> bool {
        self.choice.projects.is_empty() || self.choice.projects.iter().any(|part| row.project.contains(part.as_str()))
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
                Some((from, to, known)) if known == date => (from.min(at), to.max(at), date),
                _ => (at, at, date),
            });
        }
        date
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Row) {
        if !self.wants(row) {
            return;
        }
        // Of a record that retention shortened only the UTC day is known.
        let shortened = row.session.is_none() && row.source == Source::Record;
        let date = if shortened { row.at.day().date() } else { self.date(row.at) };
        if self.bounds.since.is_some_and(|since| date < since) || self.bounds.until.is_some_and(|until| date > until) {
            return;
        }
        if !self.sums.get(self.recent).is_some_and(|sum| sum.slot.holds(row, date)) {
            let slot = match self.kind {
                Kind::Daily => Slot::Day(date),
                Kind::Weekly => Slot::Week(self.choice.week_of(date)),
                Kind::Monthly => Slot::Month(date.year(), date.month()),
                Kind::Session => Slot::Session(row.session.cloned()),
                Kind::Machines => Slot::Machine(row.machine),
                Kind::Projects => Slot::Project(row.project.to_owned()),
                Kind::Models => Slot::Model(named(row.model).to_owned()),
            };
            self.recent = self.place(slot);
        }
        let model = named(row.model);
        self.sums[self.recent].add(row, model);
        if !row.totals.cost.known {
            let requests = self.unpriced.entry(model.to_owned()).or_default();
            *requests = requests.saturating_add(row.totals.requests);
        }
    }

    fn place(&mut self, slot: Slot) -> usize {
        *self.places.entry(slot).or_insert_with_key(|slot| {
            self.sums.push(Sum {
                slot: slot.clone(),
                models: Vec::new(),
                machines: Vec::new(),
                first: None,
                last: None,
                provisional: 0,
                withheld: 0,
            });
            self.sums.len() - 1
        })
    }

    /// The report, with what the fleet tells of its machines.
    pub fn finish(mut self, fleet: &Fleet) -> Report {
        if self.kind == Kind::Machines {
            // A machine without usage is listed too: it may be the one that stopped syncing.
            let all = self.choice.projects.is_empty();
            for (at, _) in fleet.machines.iter().enumerate().filter(|(_, machine)| all && machine.merged_into.is_none()) {
                self.place(Slot::Machine(at));
            }
        }
        let labels = labels(fleet);
        let mut groups: Vec<_> = self.sums.into_iter().map(|sum| sum.group(fleet, &labels)).collect();
        match self.kind {
            Kind::Daily | Kind::Weekly | Kind::Monthly => groups.sort_by(|a, b| a.key.cmp(&b.key)),
            Kind::Session => groups.sort_by(|a, b| (a.last, &a.key).cmp(&(b.last, &b.key))),
            Kind::Machines | Kind::Projects | Kind::Models => {
                groups.sort_by(|a, b| b.totals.cost.amount.cmp(&a.totals.cost.amount).then_with(|| a.key.cmp(&b.key)));
            }
        }
        if self.choice.descending {
            groups.reverse();
        }
        let totals = groups.iter().map(|group| group.totals).sum();
        let left_out =
            fleet.conflicts.iter().filter(|c| !["unequal-summaries", "unequal-records", "checksum"].contains(&c.code.as_str())).count()
                as u64;
        let pending = fleet.sessions.values().filter(|session| session.pending).count() as u64;
        Report { kind: self.kind, groups, totals, unpriced: self.unpriced, left_out, pending }
    }
}

impl Choice {
    /// The first day of a date's week.
    pub fn week_of(&self, date: NaiveDate) -> NaiveDate {
        let past = (date.weekday().num_days_from_monday() + 7 - self.week_start % 7) % 7;
        date.checked_sub_days(chrono::Days::new(past.into())).unwrap_or(date)
    }
}

impl Sum {
    fn add(&mut self, row: &Row, model: &str) {
        let at = self.models.iter().position(|(known, _)| known == model).unwrap_or_else(|| {
            self.models.push((model.to_owned(), Totals::default()));
            self.models.len() - 1
        });
        self.models[at].1 = self.models[at].1.plus(row.totals);
        if let Err(at) = self.machines.binary_search(&row.machine) {
            self.machines.insert(at, row.machine);
        }
        if self.first.as_ref().is_none_or(|(at, project)| (row.at, row.project) < (*at, project)) {
            self.first = Some((row.at, row.project.to_owned()));
        }
        self.last = self.last.max(Some(row.at));
        self.provisional += u64::from(row.provisional);
        if row.source != Source::Record {
            self.withheld = self.withheld.saturating_add(row.totals.requests);
        }
    }

    fn group(self, fleet: &Fleet, labels: &[String]) -> Group {
        let mut out = Group {
            totals: self.models.iter().map(|(_, totals)| *totals).sum(),
            models: self.models.into_iter().collect(),
            machines: self.machines.iter().map(|at| labels[*at].clone()).collect(),
            last: self.last,
            provisional: self.provisional,
            withheld: self.withheld,
            ..Group::default()
        };
        if let Some((at, project)) = self.first {
            (out.first, out.project) = (Some(at), project);
        }
        out.key = match self.slot {
            Slot::Day(day) | Slot::Week(day) => day.format("%Y-%m-%d").to_string(),
            Slot::Project(name) | Slot::Model(name) => name,
            Slot::Month(year, month) => format!("{year:04}-{month:02}"),
            Slot::Session(session) => session.map(|session| session.to_string()).unwrap_or_default(),
            Slot::Machine(at) => {
                let machine = &fleet.machines[at];
                out.last_sync = machine.page.as_ref().map(crate::format::syncfile::SyncFile::last_sync);
                out.label.clone_from(&labels[at]);
                machine.id.to_string()
            }
        };
        out
    }
}

/// Names for people: the host's, with the id's beginning where two share one.
fn labels(fleet: &Fleet) -> Vec<String> {
    let name = |at: usize| fleet.machines[at].label.clone();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for at in 0..fleet.machines.len() {
        *seen.entry(name(at)).or_default() += 1;
    }
    let label = |at: usize| match name(at) {
        name if name.is_empty() => fleet.machines[at].id.short().to_owned(),
        name if seen[&name] > 1 => format!("{name} ({})", fleet.machines[at].id.short()),
        name => name,
    };
    (0..fleet.machines.len()).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_zone_whatever_was_asked_before() {
        // A step of 11 hours and 7 minutes meets each hour of the day, and each day's change of the clock within a few years.
        let step = (11 * 60 + 7) * 60_000;
        for zone in chrono_tz::TZ_VARIANTS.iter().step_by(7).chain([&chrono_tz::America::St_Johns, &chrono_tz::America::Asuncion]) {
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
