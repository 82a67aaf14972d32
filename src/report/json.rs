//! JSON in the shape that ccusage prints, with extra keys only.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::group::by_cost;
use super::lower::Lower;
use super::{Group, Kind, Report, Split};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// What the list of a report's lines is called, and what names a line.
fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Daily => ("daily", "date"),
        Kind::Weekly => ("weekly", "week"),
        Kind::Monthly => ("monthly", "month"),
        Kind::Session => ("sessions", "sessionId"),
        Kind::Machines => ("machines", "machineId"),
        Kind::Projects => ("projects", "project"),
        Kind::Models => ("models", "model"),
    }
}

/// Writes reports over the same rows as JSON: `{"daily":[…],"totals":{…}}`, or `weekly`, `monthly`, `sessions`, `machines`, `projects`,
/// `models`, or several of them, with blocks if there are any; keys sorted, indented by two spaces.
pub fn write_json(reports: &[&Report], blocks: Option<&Value>, out: impl Write) -> io::Result<()> {
    let mut whole = Object::default();
    if let Some(blocks) = blocks {
        whole.put("blocks", Part::Whole(blocks));
    }
    for report in reports {
        whole.put(names(report.kind).0, Part::Groups(report));
    }
    if let Some(report) = reports.first() {
        let mut totals = tokens(&report.totals, "totalCost", report.without_cost);
        if !report.without_cost {
            totals.put(
                "unpricedModels",
                Part::Texts(report.unpriced.keys().map(String::as_str).collect()),
            );
        }
        totals.put("pendingSessions", Part::Count(report.pending));
        totals.put("filesLeftOut", Part::Count(report.left_out));
        whole.put("totals", Part::Object(totals));
    }
    whole.put("version", Part::Count(1));
    serde_json::to_writer_pretty(out, &whole).map_err(io::Error::from)
}

/// A value of the report's JSON. A report has many thousand of them, so that they are borrowed.
enum Part<'a> {
    Count(u64),
    Dollars(Money),
    Text(&'a str),
    Owned(String),
    Time(Option<Timestamp>),
    Flag(bool),
    Texts(Vec<&'a str>),
    Object(Object<'a>),
    Objects(Vec<Object<'a>>),
    /// Groups, each made an object when its turn comes.
    Groups(&'a Report),
    Whole(&'a Value),
}

#[derive(Default)]
struct Object<'a>(Vec<(&'static str, Part<'a>)>);

impl<'a> Object<'a> {
    /// Adds a member where the order of keys wants it.
    fn put(&mut self, key: &'static str, part: Part<'a>) {
        let at = self.0.partition_point(|(known, _)| *known < key);
        self.0.insert(at, (key, part));
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, part) in &self.0 {
            map.serialize_entry(key, part)?;
        }
        map.end()
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Dollars(money) => match RawValue::from_string(money.to_string()) {
                Ok(exact) => exact.serialize(serializer),
                Err(_) => serializer.serialize_none(),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::Owned(text) => serializer.serialize_str(text),
            Self::Time(Some(time)) => serializer.collect_str(time),
            Self::Time(None) => serializer.serialize_none(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
            Self::Objects(objects) => objects.serialize(serializer),
            Self::Whole(value) => value.serialize(serializer),
            Self::Groups(report) => {
                serializer.collect_seq(report.groups.iter().map(|group| object(group, report)))
            }
        }
    }
}

fn object<'a>(group: &'a Group, report: &Report) -> Object<'a> {
    let (kind, without_cost) = (report.kind, report.without_cost);
    let mut out = tokens(&group.totals, "totalCost", without_cost);
    out.put(names(kind).1, Part::Text(&group.key));
    out.put(
        "modelsUsed",
        Part::Texts(group.models.keys().map(String::as_str).collect()),
    );
    let mut models: Vec<_> = group
        .models
        .iter()
        .map(|(model, totals)| (model.as_str(), totals))
        .collect();
    models.sort_by(|a, b| by_cost(*a, *b));
    out.put(
        "modelBreakdowns",
        Part::Objects(parts(models.into_iter(), "modelName", without_cost)),
    );
    if let Some((list, name)) = report.split.and_then(breakdown) {
        let all = group
            .parts
            .iter()
            .map(|(part, totals)| (part.as_str(), totals));
        out.put(list, Part::Objects(parts(all, name, without_cost)));
    }
    if kind == Kind::Session {
        out.put("projectPath", Part::Text(&group.project));
        out.put("firstActivity", Part::Time(group.first));
        out.put("lastActivity", Part::Time(group.last));
    }
    if kind == Kind::Machines {
        out.put("hostname", Part::Text(&group.label));
        out.put("lastActivity", Part::Time(group.last));
        out.put("lastSync", Part::Time(group.last_sync));
    } else {
        out.put(
            "machines",
            Part::Texts(group.machines.iter().map(String::as_str).collect()),
        );
    }
    if group.unrecorded > 0 {
        out.put("withheldRequests", Part::Count(group.unrecorded));
    }
    if group.lower.requests > 0 {
        out.put("provisionalRequests", Part::Count(group.lower.requests));
        out.put("lowerBound", Part::Object(lower_bound(&group.lower)));
    }
    if group.ledger != Totals::default() {
        let ledger = tokens(&group.ledger, "totalCost", without_cost);
        out.put("ledger", Part::Object(ledger));
    }
    out
}

/// The list that a split makes, and the member that names a part.
fn breakdown(split: Split) -> Option<(&'static str, &'static str)> {
    match split {
        Split::Machine => Some(("machineBreakdowns", "machineName")),
        Split::Project => Some(("projectBreakdowns", "projectName")),
        Split::Origin => Some(("originBreakdowns", "origin")),
        Split::Agent => Some(("agentBreakdowns", "agent")),
        // Each group lists its models anyway.
        Split::Model => None,
    }
}

fn lower_bound<'a>(lower: &Lower) -> Object<'a> {
    let mut out = Object::default();
    out.put("requests", Part::Count(lower.requests));
    out.put("subagentRequests", Part::Count(lower.subagents));
    out.put("outputTokens", Part::Count(lower.output));
    if let Some(versions) = lower.versions() {
        out.put("versions", Part::Owned(versions));
    }
    out
}

/// Parts of a group, each with its name.
fn parts<'a>(
    all: impl Iterator<Item = (&'a str, &'a Totals)>,
    key: &'static str,
    without_cost: bool,
) -> Vec<Object<'a>> {
    let part = |(name, totals): (&'a str, &'a Totals)| {
        let mut part = tokens(totals, "cost", without_cost);
        part.0.retain(|(key, _)| *key != "totalTokens");
        part.put(key, Part::Text(name));
        part
    };
    all.map(part).collect()
}

fn tokens<'a>(totals: &Totals, cost: &'static str, without_cost: bool) -> Object<'a> {
    let c = &totals.counters;
    let mut out = Object(Vec::with_capacity(16));
    for (name, count) in [
        ("inputTokens", c.input),
        ("outputTokens", c.output),
        ("cacheCreationTokens", c.cache_creation),
        ("cacheReadTokens", c.cache_read),
        ("totalTokens", c.total()),
        ("requests", totals.requests),
    ] {
        out.put(name, Part::Count(count));
    }
    if !without_cost {
        out.put(cost, Part::Dollars(totals.cost.amount));
        out.put("costKnown", Part::Flag(totals.cost.known));
    }
    out
}

/// The exact decimal, as a JSON number.
pub fn dollars(money: Money) -> Value {
    Value::Number(Number::from_string_unchecked(money.to_string()))
}
