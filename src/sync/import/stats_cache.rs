//! Claude Code's `stats-cache.json`: of each day and model only the sum of input and output, and
//! all of a model's figures for all time.
//!
//! A model's figures are spread over its days in proportion to their sums, so that they add up to
//! the figures in the file. That is an estimate of a day, and the cost of it too: the tokens by
//! today's prices.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Wrong, date, model, number, sum};
use crate::base::ids::Name;
use crate::base::time::{Day, Timestamp};
use crate::prices::Counters;
use crate::record::{MAX_COUNTER, Source, Sum, SumKey};

/// Reads an estimate of each day and model. Its days are UTC days.
pub(super) fn read(value: &Value, now: Timestamp) -> Result<Vec<(SumKey, Sum)>, Wrong> {
    let computed = date(value.get("lastComputedDate"), now, || {
        "lastComputedDate".to_owned()
    })?;
    let all = usage(value)?;
    let mut out = Vec::new();
    for (name, days) in sums(value, now)? {
        let spread = spread(&days, all.get(&name).copied());
        for (day, counters) in spread {
            let last =
                Timestamp::from_millis(day.start().millis() + 86_399_999).unwrap_or(day.start());
            out.push(sum(
                Source::StatsCache,
                &computed.to_string(),
                day,
                name.clone(),
                counters,
                None,
                (day.start(), last),
            ));
        }
    }
    Ok(out)
}

/// Spreads a model's figures for all time over its days, in proportion to their tokens.
fn spread(days: &BTreeMap<Day, u64>, all: Option<Counters>) -> Vec<(Day, Counters)> {
    let total: u128 = days.values().map(|tokens| u128::from(*tokens)).sum();
    // A model of which no split is known: input is what costs least.
    let split = all
        .filter(|all| all.input.saturating_add(all.output) > 0)
        .unwrap_or(Counters {
            input: 1,
            ..Counters::default()
        });
    let split_total = u128::from(split.input.saturating_add(split.output));
    let whole = total.max(split_total);
    let mut before: u128 = 0;
    let mut out = Vec::new();
    for (day, tokens) in days.iter().filter(|(_, tokens)| **tokens > 0) {
        let after = before.saturating_add(u128::from(*tokens));
        // What is given out up to here, less what was before: nothing is lost to rounding.
        let share = |figure: u64, whole: u128| {
            let up_to = |sum: u128| u128::from(figure).saturating_mul(sum) / whole.max(1);
            u64::try_from(up_to(after).saturating_sub(up_to(before)))
                .unwrap_or(u64::MAX)
                .min(MAX_COUNTER)
        };
        let output = share(split.output, split_total).min(*tokens);
        let counters = Counters {
            input: tokens - output,
            output,
            cache_creation: share(split.cache_creation, whole),
            cache_read: share(split.cache_read, whole),
            ..Counters::default()
        };
        out.push((*day, counters));
        before = after;
    }
    out
}

/// Each model's figures for all time.
fn usage(value: &Value) -> Result<BTreeMap<Name, Counters>, Wrong> {
    let mut out: BTreeMap<Name, Counters> = BTreeMap::new();
    for (name, usage) in value
        .get("modelUsage")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let count = |key: &str| number(usage.get(key), || format!("modelUsage.{name}.{key}"));
        let counters = Counters {
            input: count("inputTokens")?,
            output: count("outputTokens")?,
            cache_creation: count("cacheCreationInputTokens")?,
            cache_read: count("cacheReadInputTokens")?,
            ..Counters::default()
        };
        if let Some(name) = model(name) {
            let slot = out.entry(name).or_default();
            *slot = slot.plus(counters);
        }
    }
    Ok(out)
}

/// Input and output of each model and day.
fn sums(value: &Value, now: Timestamp) -> Result<BTreeMap<Name, BTreeMap<Day, u64>>, Wrong> {
    let list = value.get("dailyModelTokens").and_then(Value::as_array);
    let list = list.ok_or_else(|| ("dailyModelTokens".to_owned(), "it is no list of days"))?;
    let mut out: BTreeMap<Name, BTreeMap<Day, u64>> = BTreeMap::new();
    for (at, entry) in list.iter().enumerate() {
        let place = |part: &str| format!("dailyModelTokens[{at}].{part}");
        let day = date(entry.get("date"), now, || place("date"))?;
        let models = entry.get("tokensByModel").and_then(Value::as_object);
        for (name, tokens) in
            models.ok_or_else(|| (place("tokensByModel"), "it is no list of models"))?
        {
            let tokens = number(Some(tokens), || place(&format!("tokensByModel.{name}")))?;
            if let Some(name) = model(name) {
                let slot = out.entry(name).or_default().entry(day).or_default();
                *slot = slot.saturating_add(tokens).min(MAX_COUNTER);
            }
        }
    }
    Ok(out)
}
