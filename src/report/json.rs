//! JSON in the shape that ccusage prints, with extra keys only.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::group::by_cost;
use super::lower::Lower;
use super::{Breakdown, Group, Report, ReportKind};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::Totals;

/// The name of the list of groups, and of the member with a group's key.
fn names(kind: ReportKind) -> (&'static str, &'static str) {
    match kind {
        ReportKind::Daily => ("daily", "date"),
        ReportKind::Weekly => ("weekly", "week"),
        ReportKind::Monthly => ("monthly", "month"),
        ReportKind::Session => ("sessions", "sessionId"),
        ReportKind::Machines => ("machines", "machineId"),
        ReportKind::Projects => ("projects", "project"),
        ReportKind::Models => ("models", "model"),
        ReportKind::Groups => ("groups", "group"),
        ReportKind::Users => ("users", "user"),
    }
}

/// Writes reports over the same rows as JSON: `{"daily":[…],"totals":{…}}`, or `weekly`, `monthly`,
/// `sessions`, `machines`, `projects`, `models`, `groups`, `users`, or several of them, with blocks
/// if there are any; `notListed` where a report has a least cost; keys sorted, indented by two
/// spaces.
pub(crate) fn write_json(
    reports: &[&Report],
    blocks: Option<&Value>,
    out: impl Write,
) -> io::Result<()> {
    let mut whole = JsonObject::default();
    if let Some(blocks) = blocks {
        whole.put("blocks", Member::Whole(blocks));
    }
    for report in reports {
        whole.put(names(report.kind).0, Member::Groups(report));
    }
    let counts = reports.iter().filter(|report| report.min_cost.is_some());
    let mut not_listed = JsonObject::default();
    for report in counts {
        let number = report.not_listed.len() as u64;
        not_listed.put(names(report.kind).0, Member::Count(number));
    }
    if !not_listed.0.is_empty() {
        whole.put("notListed", Member::Object(not_listed));
    }
    if let Some(report) = reports.first() {
        let mut totals = tokens(&report.totals, "totalCost", report.without_cost);
        if !report.without_cost {
            totals.put(
                "unpricedModels",
                Member::Texts(report.unpriced.keys().map(String::as_str).collect()),
            );
        }
        totals.put("pendingSessions", Member::Count(report.pending));
        totals.put("filesLeftOut", Member::Count(report.left_out));
        whole.put("totals", Member::Object(totals));
    }
    whole.put("version", Member::Count(1));
    serde_json::to_writer_pretty(out, &whole).map_err(io::Error::from)
}

/// A value of the report's JSON. Borrowed, because a report has many thousands of them.
enum Member<'a> {
    Count(u64),
    Dollars(Money),
    Text(&'a str),
    Owned(String),
    Time(Option<Timestamp>),
    Flag(bool),
    Texts(Vec<&'a str>),
    Object(JsonObject<'a>),
    Objects(Vec<JsonObject<'a>>),
    /// Groups, each serialized when it is reached.
    Groups(&'a Report),
    Whole(&'a Value),
}

#[derive(Default)]
struct JsonObject<'a>(Vec<(&'static str, Member<'a>)>);

impl<'a> JsonObject<'a> {
    /// Adds a member. Keys stay sorted.
    fn put(&mut self, key: &'static str, part: Member<'a>) {
        let at = self.0.partition_point(|(known, _)| *known < key);
        self.0.insert(at, (key, part));
    }
}

impl Serialize for JsonObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, part) in &self.0 {
            map.serialize_entry(key, part)?;
        }
        map.end()
    }
}

impl Serialize for Member<'_> {
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

fn object<'a>(group: &'a Group, report: &Report) -> JsonObject<'a> {
    let mut out = tokens(&group.totals, "totalCost", report.without_cost);
    out.put(names(report.kind).1, Member::Text(&group.key));
    put_breakdowns(&mut out, group, report);
    put_names(&mut out, group, report.kind);
    put_quality(&mut out, group, report.without_cost);
    out
}

/// Adds the models of a group, and the parts of its split.
fn put_breakdowns<'a>(out: &mut JsonObject<'a>, group: &'a Group, report: &Report) {
    let models = group.models.iter();
    let mut models: Vec<_> = models
        .map(|(model, totals)| (model.as_str(), totals))
        .collect();
    let names = models.iter().map(|(model, _)| *model).collect();
    out.put("modelsUsed", Member::Texts(names));
    models.sort_by(|a, b| by_cost(*a, *b));
    let models = parts(models.into_iter(), "modelName", report.without_cost);
    out.put("modelBreakdowns", Member::Objects(models));
    if let Some((list, name)) = report.split.and_then(breakdown) {
        let all = group.parts.iter();
        let all = all.map(|(part, totals)| (part.as_str(), totals));
        let all = parts(all, name, report.without_cost);
        out.put(list, Member::Objects(all));
    }
}

/// Adds the project, the machines and the times of a group.
fn put_names<'a>(out: &mut JsonObject<'a>, group: &'a Group, kind: ReportKind) {
    if kind == ReportKind::Session {
        out.put("projectPath", Member::Text(&group.project));
        out.put("firstActivity", Member::Time(group.first));
        out.put("lastActivity", Member::Time(group.last));
    }
    if let Some(tags) = &group.tags {
        out.put("group", Member::Text(&tags.group));
        out.put("user", Member::Text(&tags.user));
    }
    if kind == ReportKind::Machines {
        out.put("hostname", Member::Text(&group.label));
        out.put("lastActivity", Member::Time(group.last));
        out.put("lastSync", Member::Time(group.last_sync));
    } else {
        let machines = group.machines.iter().map(String::as_str).collect();
        out.put("machines", Member::Texts(machines));
    }
}

/// Adds usage that is not from final request lines.
fn put_quality<'a>(out: &mut JsonObject<'a>, group: &'a Group, without_cost: bool) {
    if group.unrecorded > 0 {
        out.put("withheldRequests", Member::Count(group.unrecorded));
    }
    if group.lower.requests > 0 {
        out.put("provisionalRequests", Member::Count(group.lower.requests));
        out.put("lowerBound", Member::Object(lower_bound(&group.lower)));
    }
    if group.ledger != Totals::default() {
        let ledger = tokens(&group.ledger, "totalCost", without_cost);
        out.put("ledger", Member::Object(ledger));
    }
}

/// The name of the list of parts, and of the member with the key of a part.
fn breakdown(split: Breakdown) -> Option<(&'static str, &'static str)> {
    match split {
        Breakdown::Machine => Some(("machineBreakdowns", "machineName")),
        Breakdown::Project => Some(("projectBreakdowns", "projectName")),
        Breakdown::Origin => Some(("originBreakdowns", "origin")),
        Breakdown::Agent => Some(("agentBreakdowns", "agent")),
        Breakdown::Group => Some(("groupBreakdowns", "group")),
        Breakdown::User => Some(("userBreakdowns", "user")),
        // Each group lists its models anyway.
        Breakdown::Model => None,
    }
}

fn lower_bound<'a>(lower: &Lower) -> JsonObject<'a> {
    let mut out = JsonObject::default();
    out.put("requests", Member::Count(lower.requests));
    out.put("subagentRequests", Member::Count(lower.subagents));
    out.put("outputTokens", Member::Count(lower.output));
    if let Some(versions) = lower.versions() {
        out.put("versions", Member::Owned(versions));
    }
    out
}

/// Parts of a group, each with its name.
fn parts<'a>(
    all: impl Iterator<Item = (&'a str, &'a Totals)>,
    key: &'static str,
    without_cost: bool,
) -> Vec<JsonObject<'a>> {
    let part = |(name, totals): (&'a str, &'a Totals)| {
        let mut part = tokens(totals, "cost", without_cost);
        part.0.retain(|(key, _)| *key != "totalTokens");
        part.put(key, Member::Text(name));
        part
    };
    all.map(part).collect()
}

fn tokens<'a>(totals: &Totals, cost: &'static str, without_cost: bool) -> JsonObject<'a> {
    let c = &totals.counters;
    let mut out = JsonObject(Vec::with_capacity(16));
    for (name, count) in [
        ("inputTokens", c.input),
        ("outputTokens", c.output),
        ("cacheCreationTokens", c.cache_creation),
        ("cacheReadTokens", c.cache_read),
        ("totalTokens", c.total()),
        ("requests", totals.requests),
    ] {
        out.put(name, Member::Count(count));
    }
    if !without_cost {
        out.put(cost, Member::Dollars(totals.cost.amount));
        out.put("costKnown", Member::Flag(totals.cost.known));
    }
    out
}

/// The exact decimal, as a JSON number.
pub(crate) fn dollars(money: Money) -> Value {
    Value::Number(Number::from_string_unchecked(money.to_string()))
}
