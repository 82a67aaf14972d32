//! The JSON of ccusage's report by day: `ccusage claude daily --json`, and `ccusage daily --json` where Claude Code is all there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Days, Wrong, date, model, money, number, sum};
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
        let window = days(day.date())
            .ok_or_else(|| (place("date"), "there was no such day in this time zone"))?;
        for (name, told) in models(entry, day, &place)? {
            if told.counters != Counters::default() {
                // Nothing is what ccusage says where it knows no price.
                let cost = (told.cost > Money::ZERO).then_some(Cost {
                    known: told.known,
                    amount: told.cost,
                });
                out.push(sum(
                    Source::Ccusage,
                    &offset(day, window.0),
                    day,
                    name,
                    told.counters,
                    cost,
                    window,
                ));
            }
        }
    }
    Ok(out)
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

fn models(
    entry: &Value,
    day: Day,
    place: &dyn Fn(&str) -> String,
) -> Result<BTreeMap<Name, Model>, Wrong> {
    let mut out: BTreeMap<Name, Model> = BTreeMap::new();
    let alone = || match entry
        .get("modelsUsed")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([Value::String(name)]) => Some(vec![(name.clone(), entry)]),
        _ => None,
    };
    let split = entry.get("modelBreakdowns").and_then(Value::as_array);
    let parts: Vec<(String, &Value)> = match split {
        Some(parts) => {
            let named = |part| {
                Some((
                    Value::as_str(Value::get(part, "modelName")?)?.to_owned(),
                    part,
                ))
            };
            parts
                .iter()
                .map(named)
                .collect::<Option<_>>()
                .ok_or_else(|| (place("modelBreakdowns"), "a part of it names no model"))?
        }
        None => alone().ok_or_else(|| {
            (
                place("modelBreakdowns"),
                "without it nobody knows which models the day's tokens are of",
            )
        })?,
    };
    for (at, (name, part)) in parts.iter().enumerate() {
        let count = |key: &str| {
            number(part.get(key), || {
                place(&format!("modelBreakdowns[{at}].{key}"))
            })
        };
        let counters = Counters {
            input: count("inputTokens")?,
            output: count("outputTokens")?,
            cache_creation: count("cacheCreationTokens")?,
            cache_read: count("cacheReadTokens")?,
            ..Counters::default()
        };
        let cost = part.get("cost").or_else(|| part.get("totalCost"));
        let cost =
            money(cost, || place(&format!("modelBreakdowns[{at}].cost")))?.unwrap_or_default();
        let Some(name) = model(name) else { continue };
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
