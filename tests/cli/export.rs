//! Exports: what counts, for other programs, and nothing twice.

use std::collections::BTreeMap;
use std::fs;

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
            '"' if quoted && chars.peek() == Some(&'"') => out.last_mut().expect("one").push(chars.next().unwrap_or(c)),
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("one").push(c),
        }
    }
    out
}

#[test]
fn every_format_adds_up_to_the_report() {
    let world = World::new();
    let ada = fleet(&world);
    for filter in [&[][..], &["--machine", "bob"], &["--project", "garden", "--since", "2026-03-03"], &["--source=local"]] {
        let totals = ada.report(&[&["daily"], filter].concat())["totals"].clone();
        let (requests, cost) = (totals["requests"].as_u64().expect("a count"), pico(&totals["totalCost"]));
        let lines: Vec<Value> = export(&ada, &[&["--format", "jsonl"], filter].concat())
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len() as u64, requests, "{filter:?}");
        assert_eq!(lines.iter().map(|line| pico(&line["costUSD"])).sum::<u128>(), cost, "{filter:?}");
        let times: Vec<_> = lines.iter().map(|line| line["timestamp"].as_str().expect("a time").to_owned()).collect();
        assert!(times.is_sorted(), "{times:?}");
        for (name, key) in [("inputTokens", "input_tokens"), ("outputTokens", "output_tokens"), ("cacheReadTokens", "cache_read_tokens")] {
            let text = export(&ada, filter);
            let mut rows = text.split_terminator("\r\n").map(fields);
            let at = rows.next().expect("names").iter().position(|column| column == key).expect("a column");
            let sum: u64 = rows.map(|row| row[at].parse::<u64>().expect("a count")).sum();
            assert_eq!(Some(sum), totals[name].as_u64(), "{filter:?} {name}");
        }
        let metrics = export(&ada, &[&["--format", "openmetrics"], filter].concat());
        let mut sums: BTreeMap<&str, u128> = BTreeMap::new();
        for line in metrics.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once('{').expect("labels");
            let value = rest.rsplit_once("} ").expect("a value").1;
            let sum = sums.entry(name).or_default();
            *sum +=
                if name.contains("cost") { pico(&serde_json::from_str(value).expect("a number")) } else { value.parse().expect("a count") };
        }
        assert_eq!(sums["claude_usage_requests_total"], u128::from(requests));
        assert_eq!(sums["claude_usage_cost_usd_total"], cost);
        assert_eq!(Some(sums["claude_usage_tokens_total"]), totals["totalTokens"].as_u64().map(u128::from));
        assert!(metrics.ends_with("\n# EOF\n"));
    }
}

#[test]
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
    assert!(export(&ada, &[]).contains(",\"'=garden, \"\"east\"\"\","), "a formula is a text");
}

#[test]
fn a_file_is_replaced_whole_or_left_as_it_was() {
    let world = World::new();
    let ada = fleet(&world);
    let path = ada.home.join("rows.csv");
    fs::write(&path, "old").expect("written");
    let place = path.display().to_string();
    let ran = ada.track(&["export", "-o", &place, "--machine", "nobody"]);
    assert_eq!((ran.code, fs::read_to_string(&path).expect("read").as_str()), (2, "old"), "{}", ran.err);
    assert_eq!(export(&ada, &["-o", &place]), "");
    assert_eq!(fs::read_to_string(&path).expect("read"), export(&ada, &[]));
    let ran = ada.track(&["export", "-o", &format!("{place}/below")]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("rows.csv") && ran.err.contains("help"), "{}", ran.err);
    assert_eq!(
        fs::read_dir(&ada.home)
            .expect("read")
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().contains("claude-sync-"))
            .count(),
        0
    );
}
