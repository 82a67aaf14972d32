//! Exports: what counts, for other programs, and nothing twice.

mod parquet;

use std::collections::BTreeMap;
use std::fs;

use parquet::{ask, duckdb};
use serde_json::Value;

use crate::verbs::{fleet, pico};
use crate::world::{Machine, World};

fn export(machine: &Machine, args: &[&str]) -> String {
    let ran = machine.track(&[&["export", "-z", "UTC"], args].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
    ran.out
}

/// Rows of CSV as the python of whoever reads them would have them: fields may be quoted.
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                out.last_mut().expect("one").push(chars.next().unwrap_or(c));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("one").push(c),
        }
    }
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn every_format_adds_up_to_the_report() {
    let world = World::new();
    let ada = fleet(&world);
    for filter in [
        &[][..],
        &["--machine", "bob"],
        &["--project", "garden", "--since", "2026-03-03"],
        &["--source=local"],
    ] {
        let totals = ada.report(&[&["daily"], filter].concat())["totals"].clone();
        let (requests, cost) = (
            totals["requests"].as_u64().expect("a count"),
            pico(&totals["totalCost"]),
        );
        let lines: Vec<Value> = export(&ada, &[&["--format", "jsonl"], filter].concat())
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len() as u64, requests, "{filter:?}");
        assert_eq!(
            lines
                .iter()
                .map(|line| pico(&line["costUSD"]))
                .sum::<u128>(),
            cost,
            "{filter:?}"
        );
        let times: Vec<_> = lines
            .iter()
            .map(|line| line["timestamp"].as_str().expect("a time").to_owned())
            .collect();
        assert!(times.is_sorted(), "{times:?}");
        for (name, key) in [
            ("inputTokens", "input_tokens"),
            ("outputTokens", "output_tokens"),
            ("cacheReadTokens", "cache_read_tokens"),
        ] {
            let text = export(&ada, filter);
            let mut rows = text.split_terminator("\r\n").map(fields);
            let at = rows
                .next()
                .expect("names")
                .iter()
                .position(|column| column == key)
                .expect("a column");
            let sum: u64 = rows
                .map(|row| row[at].parse::<u64>().expect("a count"))
                .sum();
            assert_eq!(Some(sum), totals[name].as_u64(), "{filter:?} {name}");
        }
        let metrics = export(&ada, &[&["--format", "openmetrics"], filter].concat());
        let mut sums: BTreeMap<&str, u128> = BTreeMap::new();
        for line in metrics.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once('{').expect("labels");
            let value = rest.rsplit_once("} ").expect("a value").1;
            let sum = sums.entry(name).or_default();
            *sum += if name.contains("cost") {
                pico(&serde_json::from_str(value).expect("a number"))
            } else {
                value.parse().expect("a count")
            };
        }
        assert_eq!(sums["claude_usage_requests_total"], u128::from(requests));
        assert_eq!(sums["claude_usage_cost_usd_total"], cost);
        assert_eq!(
            Some(sums["claude_usage_tokens_total"]),
            totals["totalTokens"].as_u64().map(u128::from)
        );
        assert!(metrics.ends_with("\n# EOF\n"));
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn both_machines_write_the_same_bytes_and_no_formula() {
    let world = World::new();
    let ada = fleet(&world);
    let bob = world.machine("bob");
    bob.sync(&[]);
    for format in ["csv", "jsonl", "openmetrics"] {
        let args = ["--format", format, "--until", "2026-03-02"];
        assert_eq!(export(&ada, &args), export(&bob, &args), "{format}");
        insta::assert_snapshot!(format!("export_{format}"), export(&ada, &args));
    }
    assert!(
        export(&ada, &[]).contains(",\"'=garden, \"\"east\"\"\","),
        "a formula is a text"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_file_is_replaced_whole_or_left_as_it_was() {
    let world = World::new();
    let ada = fleet(&world);
    let path = ada.home.join("rows.csv");
    fs::write(&path, "old").expect("written");
    let place = path.display().to_string();
    let ran = ada.track(&["export", "-o", &place, "--machine", "nobody"]);
    assert_eq!(
        (ran.code, fs::read_to_string(&path).expect("read").as_str()),
        (2, "old"),
        "{}",
        ran.err
    );
    assert_eq!(export(&ada, &["-o", &place]), "");
    assert_eq!(fs::read_to_string(&path).expect("read"), export(&ada, &[]));
    let ran = ada.track(&["export", "-o", &format!("{place}/below")]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("rows.csv") && ran.err.contains("help"),
        "{}",
        ran.err
    );
    assert_eq!(
        fs::read_dir(&ada.home)
            .expect("read")
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().contains("claude-sync-"))
            .count(),
        0
    );
}

/// What somebody could call a project who means harm: escapes of a terminal, a text that runs backwards, formulas.
const HOSTILE: [&str; 6] = [
    "lab;=HYPERLINK(\"x\")",
    "\u{1b}[2Jred\u{7f}\u{9b}1m",
    "a\u{202e}b\u{2066}c\u{feff}",
    "two\nlines\ttabs\r",
    "=1+1",
    "back\\slash and \"quotes\"",
];

/// A fleet with another machine's requests in projects of those names.
fn hostile(world: &World) -> Machine<'_> {
    let ada = fleet(world);
    let eve = "eeeeeeee-0000-4000-8000-000000000000";
    let mut text =
        format!("{{\"version\":\"1.1\",\"machine\":\"{eve}\",\"day\":\"2026-03-10\"}}\n");
    for (at, name) in HOSTILE.iter().enumerate() {
        text.push_str(&format!(
            "{{\"timestamp\":\"2026-03-10T0{at}:00:00Z\",\"model\":\"claude-opus-4-8\",\"input_tokens\":1,\"output_tokens\":1,\
             \"session\":\"e{at}\",\"project_name\":{},\"id\":\"{at}123456789abcdef\"}}\n",
            serde_json::to_string(name).expect("JSON")
        ));
    }
    let path = ada
        .repo()
        .join(format!("sync/archive/2026/03/{eve}/10.jsonl"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
    ada.git(&["add", "-A"]);
    ada.git(&["commit", "-q", "--no-verify", "-m", "names"]);
    ada.sync(&["--offline"]);
    ada
}

/// Whether a character prints nothing, steers whatever shows it, or reorders others.
fn steers(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn no_export_has_raw_control_characters() {
    let world = World::new();
    let ada = hostile(&world);
    for format in ["csv", "jsonl", "openmetrics"] {
        let printed = export(&ada, &["--format", format]);
        let path = world.path().join(format);
        export(
            &ada,
            &["--format", format, "-o", &path.display().to_string()],
        );
        let written = fs::read_to_string(path).expect("UTF-8");
        assert_eq!(
            written, printed,
            "{format}: a file is another than what is printed"
        );
        let raw: Vec<&str> = written
            .lines()
            .filter(|line| line.contains(steers))
            .collect();
        assert!(raw.is_empty(), "{format}: {raw:?}");
        if format == "jsonl" {
            let values: Vec<Value> = written
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect();
            for name in HOSTILE {
                assert!(
                    values.iter().any(|value| value["project"] == name),
                    "{name:?} is another name"
                );
            }
        }
    }
    let report = ada.track(&["projects", "--csv"]);
    assert_eq!(report.code, 0, "{}", report.err);
    assert!(
        !report.out.lines().any(|line| line.contains(steers)),
        "{}",
        report.out
    );
    let folder = world.path().join("lake").display().to_string();
    export(&ada, &["--format", "parquet", "-o", &folder]);
    let Some(python) = duckdb() else { return };
    let names = ask(
        &python,
        &world.path().join("lake"),
        "select distinct project from EXPORT order by 1",
    );
    let names: Vec<&str> = names
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row[0].as_str())
        .collect();
    assert!(
        names.len() > HOSTILE.len()
            && !names
                .iter()
                .any(|name| name.contains(|c: char| c == '\n' || steers(c))),
        "{names:?}"
    );
}

/// The cells of a line as a spreadsheet has them whose lists are separated by `by`: a field is quoted where it begins with a quote.
fn cells(line: &str, by: char) -> Vec<String> {
    let (mut out, mut quoted, mut chars) = (vec![String::new()], false, line.chars().peekable());
    while let Some(c) = chars.next() {
        let cell = out.last_mut().expect("one");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap_or(c)),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            c if c == by && !quoted => out.push(String::new()),
            c => cell.push(c),
        }
    }
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_spreadsheet_of_any_country_runs_nothing() {
    let world = World::new();
    let ada = hostile(&world);
    let page = ada.track(&["projects", "--csv"]).out;
    for text in [export(&ada, &[]), page] {
        for by in [',', ';', '\t', '|'] {
            for line in text.split("\r\n") {
                let run: Vec<String> = cells(line, by)
                    .into_iter()
                    .filter(|cell| {
                        cell.trim_start_matches(['"', ' ', '\u{a0}'])
                            .starts_with(['=', '+', '-', '@', '\t', '\r'])
                    })
                    .collect();
                assert!(run.is_empty(), "separated by {by:?}, a formula: {run:?}");
            }
        }
    }
}

/// A Python that has the format's own parser.
fn openmetrics_parser() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("CLAUDE_SYNC_OPENMETRICS");
    if python.is_none() {
        crate::peers::missing(
            "prometheus_client",
            "CLAUDE_SYNC_OPENMETRICS names no Python with prometheus_client",
        );
    }
    python
}

#[test]
fn openmetrics_is_valid_by_the_formats_own_parser() {
    let Some(python) = openmetrics_parser() else {
        return;
    };
    let world = World::new();
    let ada = hostile(&world);
    let path = world.path().join("usage.prom");
    export(
        &ada,
        &["--format", "openmetrics", "-o", &path.display().to_string()],
    );
    let script = "import json, sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        text = open(sys.argv[1], encoding='utf-8', newline='').read()\n\
        print(json.dumps([[s.name, s.labels, s.value] for family in parse(text) for s in family.samples]))";
    let ran = crate::world::run(
        std::process::Command::new(python)
            .args(["-c", script])
            .arg(&path),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let samples: Vec<(String, BTreeMap<String, String>, f64)> =
        serde_json::from_str(&ran.out).expect("JSON");
    let requests: f64 = samples
        .iter()
        .filter(|(name, ..)| name == "claude_usage_requests_total")
        .map(|(.., value)| value)
        .sum();
    assert_eq!(
        Some(requests),
        ada.report(&["daily"])["totals"]["requests"].as_f64()
    );
    let projects: Vec<&String> = samples
        .iter()
        .filter_map(|(_, labels, _)| labels.get("project"))
        .collect();
    for name in [
        "lab;=HYPERLINK(\"x\")",
        "back\\slash and \"quotes\"",
        "a\\u{202e}b\\u{2066}c\\u{feff}",
    ] {
        assert!(
            projects.iter().any(|project| *project == name),
            "{name} is not among {projects:?}"
        );
    }
}
