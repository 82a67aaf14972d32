//! Imported totals and transcripts count once, in any order with syncs and however often they are
//! imported; reports state where they come from.

mod counting;
mod shown;

use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Machine, NOON, Ran, Row, World, run, transcript};

const MODEL: &str = "claude-opus-4-8";

/// Input, output, cache writes, cache reads.
type Tokens = [u64; 4];

/// The tokens of the requests of a made-up transcript.
fn tokens(requests: std::ops::Range<u64>) -> Tokens {
    let count = requests.end - requests.start;
    [
        10 * count,
        requests.map(|n| 100 + n).sum(),
        200 * count,
        3000 * count,
    ]
}

fn plus(a: Tokens, b: Tokens) -> Tokens {
    std::array::from_fn(|at| a[at] + b[at])
}

/// A report of ccusage by day.
fn ccusage(days: &[(&str, &str, Tokens)]) -> String {
    let day = |(date, model, [input, output, write, read]): &(&str, &str, Tokens)| {
        json!({
            "date": date, "inputTokens": input, "outputTokens": output, "cacheCreationTokens": write, "cacheReadTokens": read,
            "totalTokens": input + output + write + read, "totalCost": 1.5, "modelsUsed": [model],
            "modelBreakdowns": [{ "modelName": model, "inputTokens": input, "outputTokens": output, "cacheCreationTokens": write, "cacheReadTokens": read, "cost": 1.5 }],
        })
    };
    json!({ "daily": days.iter().map(day).collect::<Vec<_>>(), "totals": {} }).to_string()
}

/// Claude Code's statistics: input and output by day, and what a model used in all.
fn stats(computed: &str, days: &[(&str, u64)], [input, output, write, read]: Tokens) -> String {
    let day =
        |(date, tokens): &(&str, u64)| json!({ "date": date, "tokensByModel": { MODEL: tokens } });
    json!({
        "version": 1, "lastComputedDate": computed, "dailyActivity": [], "totalSessions": 3,
        "dailyModelTokens": days.iter().map(day).collect::<Vec<_>>(),
        "modelUsage": { MODEL: { "inputTokens": input, "outputTokens": output, "cacheCreationInputTokens": write, "cacheReadInputTokens": read, "webSearchRequests": 0, "costUSD": 0 } },
    })
    .to_string()
}

fn import(machine: &Machine, file: &str, args: &[&str]) -> Ran {
    let path = machine.home.join(file).display().to_string();
    machine.sync(&[&["import", &path], args].concat())
}

/// Requests and tokens of a report's line or sum.
fn of(line: &Value) -> (u64, Tokens) {
    let number = |key: &str| {
        line[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {line}"))
    };
    (
        number("requests"),
        [
            "inputTokens",
            "outputTokens",
            "cacheCreationTokens",
            "cacheReadTokens",
        ]
        .map(number),
    )
}

/// What a machine sees of the fleet.
fn totals(machine: &Machine) -> (u64, Tokens) {
    of(&machine.report(&["daily"])["totals"])
}

/// What it sees of each day in a zone.
fn daily(machine: &Machine) -> Vec<(String, Tokens)> {
    let report = machine.report(&["daily"]);
    let days = report["daily"].as_array().expect("days").iter();
    days.map(|day| (day["date"].as_str().expect("a date").to_owned(), of(day).1))
        .collect()
}
