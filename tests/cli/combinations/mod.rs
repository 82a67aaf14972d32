//! Features that change what counts, combined: every request counts once, and all ways of counting agree.

use std::fmt::Debug;
use std::fs;
use std::ops::Add;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{Machine, Row, World};

mod adopted;
mod aliases;
mod branches;
mod forgetting;
mod imported;
mod levels;
mod plain_git;
mod retention;
mod sums;
mod unknown;

const MODEL: &str = "claude-opus-4-8";

/// When retention of a few days reaches the requests of [`transcript`].
const LATE: &str = "2026-03-25T13:00:00Z";

/// What a report shows: requests; input, output, cache write and cache read tokens; picodollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Figures {
    requests: u64,
    tokens: [u64; 4],
    cost: u128,
}

impl Add for Figures {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            tokens: std::array::from_fn(|at| self.tokens[at] + other.tokens[at]),
            cost: self.cost + other.cost,
        }
    }
}

impl Figures {
    /// The same usage without a count of requests, as imported totals have it.
    fn uncounted(self) -> Self {
        Self {
            requests: 0,
            ..self
        }
    }
}

/// What requests of [`Row::new`] with these numbers use and cost.
fn used(requests: impl IntoIterator<Item = u32>) -> Figures {
    let one = |n: u32| {
        let output = 100 + u64::from(n);
        // Per million tokens: input $5, output $25, cache writes $6.25, cache reads $0.50.
        Figures {
            requests: 1,
            tokens: [10, output, 200, 3000],
            cost: (2800 + 25 * u128::from(output)) * 1_000_000,
        }
    };
    requests
        .into_iter()
        .map(one)
        .fold(Figures::default(), Add::add)
}

/// A plain decimal of dollars in picodollars.
fn picodollars(value: &Value) -> u128 {
    let text = value.to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    assert!(rest.len() <= 12, "more than 12 decimals: {text}");
    format!("{whole}{rest:0<12}")
        .parse()
        .unwrap_or_else(|_| panic!("not a plain decimal: {text}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// The figures of a row or the totals of a report.
fn figures(row: &Value) -> Figures {
    let tokens = [
        "inputTokens",
        "outputTokens",
        "cacheCreationTokens",
        "cacheReadTokens",
    ]
    .map(|key| number(row, key));
    Figures {
        requests: number(row, "requests"),
        tokens,
        cost: picodollars(&row["totalCost"]),
    }
}

/// The fleet's totals in a machine's reports.
fn seen(machine: &Machine) -> Figures {
    figures(&machine.report(&["daily"])["totals"])
}

/// The fleet's totals in a machine's manifest.
fn summarized(machine: &Machine) -> Figures {
    let summary = &machine.manifest_json()["global_summary"];
    let tokens = ["input", "output", "cache_creation", "cache_read"]
        .map(|kind| number(summary, &format!("total_{kind}_tokens")));
    Figures {
        requests: number(summary, "total_requests"),
        tokens,
        cost: picodollars(&summary["total_cost_usd"]),
    }
}

/// Requests by a key of a report's rows, without rows that have none.
fn requests_by(machine: &Machine, verb: &str, rows: &str, key: &str) -> Vec<(String, u64)> {
    let report = machine.report(&[verb]);
    let rows = report[rows].as_array().expect("rows").iter();
    let mut out: Vec<_> = rows
        .map(|row| {
            (
                row[key].as_str().unwrap_or_default().to_owned(),
                number(row, "requests"),
            )
        })
        .collect();
    out.retain(|(_, requests)| *requests > 0);
    out.sort();
    out
}

fn by_day(machine: &Machine) -> Vec<(String, u64)> {
    requests_by(machine, "daily", "daily", "date")
}

fn by_session(machine: &Machine) -> Vec<(String, u64)> {
    requests_by(machine, "session", "sessions", "sessionId")
}

fn by_machine(machine: &Machine) -> Vec<(String, u64)> {
    requests_by(machine, "machines", "machines", "hostname")
}

/// Rows of [`requests_by`], for comparison.
fn rows<const N: usize>(rows: [(&str, u64); N]) -> Vec<(String, u64)> {
    rows.map(|(name, requests)| (name.to_owned(), requests))
        .to_vec()
}

/// What the reports of a machine show, as text.
fn reports(machine: &Machine) -> String {
    let report = |verb: &&str| machine.track(&[verb, "--json", "-z", "Asia/Tokyo"]).out;
    ["daily", "session", "machines"]
        .iter()
        .map(report)
        .collect()
}

/// Asserts that a machine counts this, and that reports, manifest, `verify` and counting without the index agree.
fn check(machine: &Machine, expected: Figures, when: impl Debug) {
    let name = &machine.name;
    assert_eq!(seen(machine), expected, "{name}, {when:?}");
    assert_eq!(
        summarized(machine),
        expected,
        "the manifest of {name}, {when:?}"
    );
    machine.assert_sound();
    let cached = reports(machine);
    let (state, aside) = (machine.state(), machine.home.join("state-aside"));
    fs::rename(&state, &aside).expect("moved");
    let read = reports(machine);
    let _ = fs::remove_dir_all(&state);
    fs::rename(&aside, &state).expect("moved back");
    assert_eq!(cached, read, "{name} without the index, {when:?}");
    let verified = machine.try_sync(LATE, &["verify", "--read-data"]);
    assert_eq!(
        verified.code, 0,
        "verify on {name}, {when:?}: {}{}",
        verified.out, verified.err
    );
}

/// Lets machines exchange everything, and checks that all count this and have one manifest.
fn check_all(machines: &[&Machine], now: &str, expected: Figures, when: impl Debug) {
    settle(machines, now);
    for machine in machines {
        check(machine, expected, &when);
        assert_eq!(
            machine.manifest(),
            machines[0].manifest(),
            "{} and {}, {when:?}",
            machines[0].name,
            machine.name
        );
    }
}

fn settle(machines: &[&Machine], now: &str) {
    for _ in 0..2 {
        machines
            .iter()
            .for_each(|machine| drop(machine.sync_at(now, &[])));
    }
}

/// Writes a transcript.
fn put(machine: &Machine, name: &str, text: &str) {
    machine.write(&format!(".claude/projects/p/{name}.jsonl"), text);
}

/// Deletes a transcript, as Claude Code does after 30 days.
fn clean_up(machine: &Machine, name: &str) {
    fs::remove_file(
        machine
            .home
            .join(format!(".claude/projects/p/{name}.jsonl")),
    )
    .expect("removed");
}

fn configure(machine: &Machine, summary_only: bool, retention_days: Option<u32>) {
    let privacy = retention_days.map_or(json!({}), |days| json!({ "retention_days": days }));
    let config = json!({ "summary_only": summary_only, "privacy_settings": privacy });
    machine.write(".config/claude-sync/config.json", &config.to_string());
}

/// One request on March 25th, and two runs after it: with a retention of a few days, older records are pruned.
fn use_late(machine: &Machine) -> Figures {
    put(
        machine,
        "late",
        &Row::new("late", 90, "2026-03-25T08:00:00.000Z").line(),
    );
    machine.sync_at(LATE, &[]);
    machine.sync_at("2026-03-25T14:00:00Z", &[]);
    used([90])
}

fn id(machine: &Machine) -> String {
    fs::read_to_string(machine.home.join(".claude/machine_id"))
        .expect("an id")
        .trim()
        .to_owned()
}

/// The text of a machine's day files.
fn archive(machine: &Machine) -> String {
    machine
        .files()
        .into_iter()
        .filter(|(path, _)| path.contains("/archive/"))
        .map(|(_, text)| text)
        .collect()
}

/// Everything that a repository's branches have ever contained, with the commit messages.
fn history(world: &World, repo: &Path) -> String {
    world.git(
        repo,
        &["log", "--all", "--branches", "-p", "-m", "--format=%B"],
    )
}

/// A ccusage report of one day.
fn ccusage(date: &str, sum: Figures, cost: f64) -> String {
    let [input, output, write, read] = sum.tokens;
    let model = json!({
        "modelName": MODEL, "inputTokens": input, "outputTokens": output, "cacheCreationTokens": write, "cacheReadTokens": read, "cost": cost,
    });
    json!({ "daily": [{ "date": date, "modelBreakdowns": [model] }] }).to_string()
}

/// Imports totals that cost what their tokens cost.
fn import_day(machine: &Machine, date: &str, sum: Figures, zone: &str) {
    let dollars = sum.cost as f64 / 1e12;
    machine.write("days.json", &ccusage(date, sum, dollars));
    let path = machine.home.join("days.json").display().to_string();
    machine.sync(&["import", &path, "-z", zone]);
}

/// Imports transcripts from a backup.
fn import_backup(machine: &Machine, text: &str) {
    machine.write("backup/projects/p/s.jsonl", text);
    let path = machine.home.join("backup").display().to_string();
    machine.sync(&["import", &path]);
}

/// A session in a 1.0 file: the requests that its summary claims, and those of them that are listed.
struct Claim {
    session: &'static str,
    listed: Vec<u32>,
    claimed: std::ops::Range<u32>,
    dollars: Option<f64>,
}

/// The 1.0 file of a machine.
fn file_1_0(id: &str, claims: &[Claim]) -> String {
    let total = |requests: Figures, dollars: Option<f64>| {
        let [input, output, write, read] = requests.tokens;
        let cost = dollars.unwrap_or(requests.cost as f64 / 1e12);
        json!({
            "total_requests": requests.requests, "total_input_tokens": input, "total_output_tokens": output,
            "total_cache_creation_tokens": write, "total_cache_read_tokens": read, "total_cost_usd": cost,
        })
    };
    let time = |n: u32| format!("2026-03-10T08:{n:02}:00.000Z");
    let with = |mut value: Value, more: Value| {
        value
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        value
    };
    let record = |n: &u32| {
        json!({
            "timestamp": time(*n), "model": MODEL, "input_tokens": 10, "output_tokens": 100 + n, "cache_creation_tokens": 200,
            "cache_read_tokens": 3000, "cost_usd": 0.0053, "index": n + 1,
        })
    };
    let session = |claim: &Claim| {
        let summary = with(
            total(used(claim.claimed.clone()), claim.dollars),
            json!({ "models_used": [MODEL] }),
        );
        json!({
            "project_name": "shop", "first_seen": time(0), "last_updated": time(9), "usage_count": claim.claimed.len(),
            "sync_state": { "last_synced_timestamp": time(9), "last_synced_index": claim.claimed.len(), "checksum": "made up" },
            "usage_records": claim.listed.iter().map(record).collect::<Vec<_>>(), "summary": summary,
        })
    };
    let all = claims
        .iter()
        .map(|claim| used(claim.claimed.clone()))
        .fold(Figures::default(), Add::add);
    let dollars = claims
        .iter()
        .map(|claim| claim.dollars)
        .sum::<Option<f64>>();
    let sync = "2026-03-10T09:00:00.000Z";
    json!({
        "$schema": "https://claude-usage-tracker.com/schemas/v1/machine-sync.json", "version": "1.0",
        "machine": { "uuid": id, "hostname": "old", "platform": "linux", "os_version": "x", "tracker_version": "1.0.0",
            "created_at": "2026-03-01T00:00:00.000Z", "updated_at": sync },
        "sync_metadata": { "last_full_sync": sync, "last_incremental_sync": sync, "total_sessions": claims.len(),
            "total_usage_records": all.requests, "sync_mode": "incremental" },
        "usage_summary": with(total(all, dollars), json!({ "first_usage": time(0), "last_usage": time(9) })),
        "sessions": claims.iter().map(|claim| (claim.session.to_owned(), session(claim))).collect::<serde_json::Map<_, _>>(),
    })
    .to_string()
}

/// Pushes files to the remote, as another tool would.
fn seed(world: &World, files: &[(&str, String)]) {
    let folder = world.path().join("seed");
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    world.git(&folder, &["init", "-q", "-b", "main"]);
    world.git(&folder, &["add", "-A"]);
    world.git(&folder, &["commit", "-qm", "as another tool wrote it"]);
    world.git(&folder, &["push", "-q", &world.remote(), "main"]);
}
