//! The JSON of ccusage's report by day: `ccusage claude daily --json`, and `ccusage daily --json`
//! where Claude Code is all there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::{Days, Wrong, date, model, money, number, sum};
use crate::base::ids::Name;
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::prices::{Counters, prices};
use crate::record::{Source, Sum, SumKey};

/// Reads the sums of each day and model.
pub(super) fn read(
    value: &Value,
    days: Days<'_>,
    now: Timestamp,
) -> Result<Vec<(SumKey, Sum)>, Wrong> {
    let list = value
        .get("daily")
        .and_then(Value::as_array)
        .ok_or_else(|| ("daily".to_owned(), "it is no list of days"))?;
    let mut out = Vec::new();
    let mut seen: BTreeSet<Day> = BTreeSet::new();
    for (at, entry) in list.iter().enumerate() {
        let place = |part: &str| format!("daily[{at}].{part}");
        let day = date(
            entry.get("date").or_else(|| entry.get("period")),
            now,
            || place("date"),
        )?;
        if !seen.insert(day) {
            return Err((place("date"), "the same day stands there twice"));
        }
        check_origin(entry, &place)?;
        let window = days(day.date())
            .ok_or_else(|| (place("date"), "there was no such day in this time zone"))?;
        let mark = offset(day, window.0);
        for (name, model) in models(entry, day, &place)? {
            let (counters, cost) = (model.counters, model.cost());
            if counters != Counters::default() {
                let source = Source::Ccusage;
                out.push(sum(source, &mark, day, name, counters, cost, window));
            }
        }
    }
    Ok(out)
}

/// Refuses a day whose figures are not ccusage's own count of Claude Code's transcripts.
fn check_origin(entry: &Value, place: &dyn Fn(&str) -> String) -> Result<(), Wrong> {
    if entry.get("requests").is_some() {
        return Err((
            place("requests"),
            "claude-usage-tracker made this report, from what is in a repository already",
        ));
    }
    let agents = entry.pointer("/metadata/agents").and_then(Value::as_array);
    if agents.into_iter().flatten().any(|agent| agent != "claude") {
        return Err((
            place("metadata.agents"),
            "other tools than Claude Code are in its sums",
        ));
    }
    Ok(())
}

/// How far a day's beginning is from that of the UTC day: `+01:00`.
fn offset(day: Day, from: Timestamp) -> String {
    let minutes = day.start().since(from) / 60_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A model's sums of a day.
#[derive(Default)]
struct Model {
    counters: Counters,
    cost: Money,
    known: bool,
}

impl Model {
    /// The cost that the report states; none where it is zero: ccusage writes that for an unknown
    /// price.
    fn cost(&self) -> Option<Cost> {
        (self.cost > Money::ZERO).then_some(Cost {
            known: self.known,
            amount: self.cost,
        })
    }
}

fn models(
    entry: &Value,
    day: Day,
    place: &dyn Fn(&str) -> String,
) -> Result<BTreeMap<Name, Model>, Wrong> {
    let mut out: BTreeMap<Name, Model> = BTreeMap::new();
    for (at, (name, part)) in breakdowns(entry, place)?.into_iter().enumerate() {
        let field = |key: &str| place(&format!("modelBreakdowns[{at}].{key}"));
        let counters = counters(part, &field)?;
        let cost = part.get("cost").or_else(|| part.get("totalCost"));
        let cost = money(cost, || field("cost"))?.unwrap_or_default();
        let Some(name) = model(&name) else { continue };
        let priced = cost > Money::ZERO || counters == Counters::default();
        let own = if priced {
            Cost::known(cost)
        } else {
            prices().cost_of_many(&name, day.start(), &counters)
        };
        let sum = out.entry(name).or_insert_with(|| Model {
            known: true,
            ..Model::default()
        });
        sum.counters = sum.counters.plus(counters);
        sum.cost = sum.cost.plus(own.amount);
        sum.known &= own.known;
    }
    Ok(out)
}

/// The parts of a day, each with the name of its model. A day of one model needs no breakdown.
fn breakdowns<'v>(
    entry: &'v Value,
    place: &dyn Fn(&str) -> String,
) -> Result<Vec<(String, &'v Value)>, Wrong> {
    if let Some(parts) = entry.get("modelBreakdowns").and_then(Value::as_array) {
        let named = |part| {
            let name = Value::as_str(Value::get(part, "modelName")?)?;
            Some((name.to_owned(), part))
        };
        let all: Option<Vec<_>> = parts.iter().map(named).collect();
        return all.ok_or_else(|| (place("modelBreakdowns"), "a part of it names no model"));
    }
    let used = entry.get("modelsUsed").and_then(Value::as_array);
    match used.map(Vec::as_slice) {
        Some([Value::String(name)]) => Ok(vec![(name.clone(), entry)]),
        _ => Err((
            place("modelBreakdowns"),
            "without it nobody knows which models the day's tokens are of",
        )),
    }
}

fn counters(part: &Value, field: &dyn Fn(&str) -> String) -> Result<Counters, Wrong> {
    let count = |key: &str| number(part.get(key), || field(key));
    Ok(Counters {
        input: count("inputTokens")?,
        output: count("outputTokens")?,
        cache_creation: count("cacheCreationTokens")?,
        cache_read: count("cacheReadTokens")?,
        ..Counters::default()
    })
}
