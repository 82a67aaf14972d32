//! Explanations: every figure leads to the lines, the commits and the prices that it comes from.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::verbs::{fleet, pico};
use crate::world::{Machine, Row, World};

fn explain(machine: &Machine, args: &[&str]) -> Value {
    machine.report(&[&["explain", "--limit", "0"], args].concat())
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_is_explained_adds_up_to_the_report() {
    let world = World::new();
    let ada = fleet(&world);
    for (what, filter) in [
        ("", &[][..]),
        (
            "2026-03-02",
            &["--since", "2026-03-02", "--until", "2026-03-02"],
        ),
        (
            "20260303",
            &["--since", "2026-03-03", "--until", "2026-03-03"],
        ),
        ("2026-03", &["--project", "garden"]),
        ("", &["--machine", "bob", "--since", "2026-03-05"]),
        ("adas", &["--machine", "ada"]),
        ("", &["--source=local"]),
    ] {
        let totals = ada.report(&[&["daily"], filter].concat())["totals"].clone();
        let explained = explain(&ada, &[&[what], filter].concat());
        assert_eq!(
            explained["totals"]["requests"], totals["requests"],
            "{what} {filter:?}"
        );
        assert_eq!(
            pico(&explained["totals"]["totalCost"]),
            pico(&totals["totalCost"]),
            "{what} {filter:?}"
        );
        let records = list(&explained, "records");
        assert_eq!(
            records.len() as u64,
            totals["requests"].as_u64().expect("a count"),
            "{what} {filter:?}"
        );
        assert_eq!(
            records
                .iter()
                .map(|one| pico(&one["bill"]["cost"]))
                .sum::<u128>(),
            pico(&totals["totalCost"]),
            "{what} {filter:?}"
        );
    }
    let one = |args: &[&str]| explain(&ada, args)["totals"]["requests"].as_u64();
    assert_eq!(
        one(&["2026-03", "--model", "sonnet"]),
        Some(8),
        "four days of ten on each of two machines"
    );
    assert_eq!(
        ada.track(&["explain", "2026-03-20", "-z", "UTC"]).out,
        "No usage on 2026-03-20.\n"
    );
}

#[test]
fn every_place_that_is_named_holds_the_record() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let row = |n: u32, output: u64| Row::new("s", n, "2026-03-01T10:00:00.000Z").output(output);
    ada.write(".claude/projects/p/s.jsonl", &row(1, 5).line());
    ada.init().sync(&[]);
    bob.write(
        ".claude/projects/p/a.jsonl",
        &(row(2, 1).open().line() + &row(2, 9).line() + &row(1, 5).line()),
    );
    bob.init().sync(&[]);
    bob.write(".claude/projects/p/b.jsonl", &row(3, 7).line());
    bob.sync(&[]);
    let explained = explain(&bob, &["2026-03-01"]);
    let records = list(&explained, "records");
    assert_eq!(records.len(), 3);
    for one in records {
        let id = one["id"].as_str().expect("an id");
        for copy in list(one, "copies") {
            let (path, line) = (
                copy["path"].as_str().expect("a path"),
                copy["line"].as_u64().expect("a line"),
            );
            let commit = copy["commit"].as_str().expect("a commit");
            let text = fs::read_to_string(bob.repo().join(path)).expect("a day file");
            let held = text
                .lines()
                .nth(usize::try_from(line).expect("small") - 1)
                .expect("such a line");
            assert!(held.contains(id), "{path}:{line} is {held}, not {id}");
            assert!(
                bob.git(&["show", &format!("{commit}:{path}")]).contains(id),
                "{commit} has {id}"
            );
            let before = bob.try_git(&["show", &format!("{commit}^:{path}")]);
            assert!(
                !before.out.contains(id),
                "{commit} is the first that has {id}"
            );
        }
        for place in list(one, "transcripts") {
            let text =
                fs::read_to_string(place["path"].as_str().expect("a path")).expect("a transcript");
            let at = usize::try_from(place["line"].as_u64().expect("a line")).expect("small");
            assert!(
                text.lines()
                    .nth(at - 1)
                    .expect("such a line")
                    .contains("\"usage\""),
                "{place}"
            );
        }
    }
    let by_output = |output: u64| {
        records
            .iter()
            .find(|one| one["outputTokens"] == output)
            .expect("a record")
    };
    assert_eq!(
        list(by_output(5), "copies").len(),
        2,
        "both machines hold it"
    );
    assert_eq!(by_output(5)["hostname"], "ada");
    assert_eq!(
        list(by_output(9), "transcripts").len(),
        2,
        "it was logged twice"
    );
    assert_eq!(list(by_output(7), "copies").len(), 1);
    let id = by_output(9)["id"].as_str().expect("an id");
    assert_eq!(
        list(&explain(&bob, &[id]), "records").len(),
        1,
        "a record's id finds it"
    );
}

#[test]
fn people_see_where_a_figure_comes_from() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let odd = Row {
        model: "claude-unheard-of-9",
        ..Row::new("t", 2, "2026-03-01T11:00:00.000Z").open()
    };
    let long = Row::new("s", 1, "2026-03-01T10:00:00.000Z").line();
    let long = long
        .replace("\"usage\":{", "\"usage\":{\"speed\":\"fast\",\"inference_geo\":\"us\",\"server_tool_use\":{\"web_search_requests\":2},");
    ada.write(".claude/projects/p/s.jsonl", &(long.clone() + &odd.line()));
    bob.write(".claude/projects/p/s.jsonl", &(long.clone() + &long));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    let ran = bob.track(&["explain", "2026-03-01", "-z", "UTC"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let text = ran
        .out
        .replace(&world.path().display().to_string(), "[world]");
    let source = text
        .lines()
        .find(|line| line.contains("Prices:"))
        .expect("a price list")
        .to_owned();
    let text = text.replace(&source, "  Prices: [source]");
    assert_snapshot!(masked(&text));
    for (args, help) in [
        (["explain", "tt"], "claude-usage-tracker session"),
        (["explain", "0123456789abcdef"], "ids of its records"),
    ] {
        let ran = bob.track(&args);
        assert!(
            ran.code == 2 && ran.err.contains(help),
            "{args:?}: {}",
            ran.err
        );
    }
}

/// Ids of machines, commits and records are random or hashes.
fn masked(text: &str) -> String {
    let word = |word: &str| -> String {
        let hex = |part: &str| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let parts: Vec<String> = word
            .split('/')
            .map(|part| {
                let bare = part.trim_end_matches([',', ':']);
                if hex(bare)
                    || (bare.len() == 36
                        && bare
                            .split('-')
                            .all(|p| p.bytes().all(|b| b.is_ascii_hexdigit())))
                {
                    part.replace(bare, "[id]")
                } else {
                    part.to_owned()
                }
            })
            .collect();
        parts.join("/")
    };
    // Commits bear the time of the clock on the wall.
    let dateless = |line: &str| {
        line.split_once(" on 20")
            .map_or(line.to_owned(), |(before, _)| format!("{before} on [time]"))
    };
    text.split('\n')
        .map(dateless)
        .map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}
