//! JSON in the shape that ccusage prints, with extra keys only.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::{Group, Kind, Report};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::records::Totals;

/// Writes the report as JSON: `{"daily":[…],"totals":{…}}`, or `weekly`, `monthly`, `sessions`, `machines`, `projects`, `models`; keys sorted, indented by two spaces.
pub fn write_json(report: &Report, out: impl Write) -> io::Result<()> {
    let (name, key) = match report.kind {
        Kind::Daily => ("daily", "date"),
        Kind::Weekly => ("weekly", "week"),
        Kind::Monthly => ("monthly", "month"),
        Kind::Session => ("sessions", "sessionId"),
        Kind::Machines => ("machines", "machineId"),
        Kind::Projects => ("projects", "project"),
        Kind::Models => ("models", "model"),
    };
    let mut totals = tokens(&report.totals, "totalCost");
    totals.put("unpricedModels", Part::Texts(report.unpriced.keys().map(String::as_str).collect()));
    totals.put("pendingSessions", Part::Count(report.pending));
    totals.put("filesLeftOut", Part::Count(report.left_out));
    let mut whole = Object::default();
    whole.put(name, Part::Groups(&report.groups, report.kind, key));
    whole.put("totals", Part::Object(totals));
    serde_json::to_writer_pretty(out, &whole).map_err(io::Error::from)
}

/// A value of the report's JSON. A report has many thousand of them, so that they are borrowed.
enum Part<'a> {
    Count(u64),
    Dollars(Money),
    Text(&'a str),
    Time(Option<Timestamp>),
    Flag(bool),
    Texts(Vec<&'a str>),
    Object(Object<'a>),
    Objects(Vec<Object<'a>>),
    /// Groups, each made an object when its turn comes.
    Groups(&'a [Group], Kind, &'static str),
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
            Self::Time(Some(time)) => serializer.collect_str(time),
            Self::Time(None) => serializer.serialize_none(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
            Self::Objects(objects) => objects.serialize(serializer),
            Self::Groups(groups, kind, key) => serializer.collect_seq(groups.iter().map(|group| object(group, *kind, key))),
        }
    }
}

fn object<'a>(group: &'a Group, kind: Kind, key: &'static str) -> Object<'a> {
    let mut out = tokens(&group.totals, "totalCost");
    out.put(key, Part::Text(&group.key));
    out.put("modelsUsed", Part::Texts(group.models.keys().map(String::as_str).collect()));
    let mut models: Vec<_> = group.models.iter().collect();
    models.sort_by(|a, b| b.1.cost.amount.cmp(&a.1.cost.amount).then_with(|| a.0.cmp(b.0)));
    let breakdowns = models.into_iter().map(|(model, totals)| {
        let mut part = tokens(totals, "cost");
        part.0.retain(|(key, _)| *key != "totalTokens");
        part.put("modelName", Part::Text(model));
        part
    });
    out.put("modelBreakdowns", Part::Objects(breakdowns.collect()));
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
        out.put("machines", Part::Texts(group.machines.iter().map(String::as_str).collect()));
    }
    for (name, count) in [("provisionalRequests", group.provisional), ("withheldRequests", group.withheld)] {
        if count > 0 {
            out.put(name, Part::Count(count));
        }
    }
    out
}

fn tokens<'a>(totals: &Totals, cost: &'static str) -> Object<'a> {
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
    out.put(cost, Part::Dollars(totals.cost.amount));
    out.put("costKnown", Part::Flag(totals.cost.known));
    out
}

/// The exact decimal, as a JSON number.
pub fn dollars(money: Money) -> Value {
    Value::Number(Number::from_string_unchecked(money.to_string()))
}
