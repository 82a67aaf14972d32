//! JSON in the shape that ccusage prints, with extra keys only.

use serde_json::{Map, Number, Value, json};

use super::{Group, Kind, Report};
use crate::base::money::Money;
use crate::records::Totals;

/// The report as JSON: `{"daily":[…],"totals":{…}}`, or `monthly`, `sessions`, `machines`.
pub fn to_json(report: &Report) -> Value {
    let (name, key) = match report.kind {
        Kind::Daily => ("daily", "date"),
        Kind::Monthly => ("monthly", "month"),
        Kind::Session => ("sessions", "sessionId"),
        Kind::Machines => ("machines", "machineId"),
    };
    let groups: Vec<Value> = report.groups.iter().map(|group| Value::Object(object(group, report.kind, key))).collect();
    let mut totals = tokens(&report.totals, "totalCost");
    totals.insert("unpricedModels".to_owned(), report.unpriced.keys().map(String::as_str).collect());
    totals.insert("pendingSessions".to_owned(), report.pending.into());
    totals.insert("filesLeftOut".to_owned(), report.left_out.into());
    json!({ name: groups, "totals": totals })
}

fn object(group: &Group, kind: Kind, key: &str) -> Map<String, Value> {
    let mut out = tokens(&group.totals, "totalCost");
    out.insert(key.to_owned(), group.key.as_str().into());
    out.insert("modelsUsed".to_owned(), group.models.keys().map(String::as_str).collect());
    let mut models: Vec<_> = group.models.iter().collect();
    models.sort_by(|a, b| b.1.cost.amount.cmp(&a.1.cost.amount).then_with(|| a.0.cmp(b.0)));
    let breakdowns = models.into_iter().map(|(model, totals)| {
        let mut part = tokens(totals, "cost");
        part.remove("totalTokens");
        part.insert("modelName".to_owned(), model.as_str().into());
        Value::Object(part)
    });
    out.insert("modelBreakdowns".to_owned(), breakdowns.collect());
    let time = |time: Option<crate::base::time::Timestamp>| time.map_or(Value::Null, |time| time.to_string().into());
    if kind == Kind::Session {
        out.insert("projectPath".to_owned(), group.project.as_str().into());
        out.insert("firstActivity".to_owned(), time(group.first));
        out.insert("lastActivity".to_owned(), time(group.last));
    }
    if kind == Kind::Machines {
        out.insert("hostname".to_owned(), group.label.as_str().into());
        out.insert("lastActivity".to_owned(), time(group.last));
        out.insert("lastSync".to_owned(), time(group.last_sync));
    } else {
        out.insert("machines".to_owned(), group.machines.iter().map(String::as_str).collect());
    }
    for (name, count) in [("provisionalRequests", group.provisional), ("withheldRequests", group.withheld)] {
        if count > 0 {
            out.insert(name.to_owned(), count.into());
        }
    }
    out
}

fn tokens(totals: &Totals, cost: &str) -> Map<String, Value> {
    let c = &totals.counters;
    let mut out = Map::new();
    for (name, count) in [
        ("inputTokens", c.input),
        ("outputTokens", c.output),
        ("cacheCreationTokens", c.cache_creation),
        ("cacheReadTokens", c.cache_read),
        ("totalTokens", c.total()),
        ("requests", totals.requests),
    ] {
        out.insert(name.to_owned(), count.into());
    }
    out.insert(cost.to_owned(), dollars(totals.cost.amount));
    out.insert("costKnown".to_owned(), totals.cost.known.into());
    out
}

/// The exact decimal, as a JSON number.
pub fn dollars(money: Money) -> Value {
    Value::Number(Number::from_string_unchecked(money.to_string()))
}
