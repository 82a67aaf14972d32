//! The tracker's verbs: every grouping adds up to the same, and options choose what they say.

use serde_json::Value;

use crate::world::{Machine, Row, World};

/// Ten days from a Thursday on, two projects, two models.
fn fleet(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    let bob = world.machine("bob");
    let rows = |from: u32, session: &'static str| -> String {
        (0..10)
            .map(|day| {
                let mut row = Row::new(session, from + day, &format!("2026-03-{:02}T23:30:00.000Z", 1 + day));
                row.model = if day % 3 == 0 { "claude-sonnet-4-6" } else { "claude-opus-4-8" };
                row.line().replace("/shop", if day % 2 == 0 { "/shop" } else { "/=garden, \\\"east\\\"" })
            })
            .collect()
    };
    ada.write(".claude/projects/p/s.jsonl", &rows(0, "adas"));
    bob.write(".claude/projects/p/s.jsonl", &rows(100, "bobs"));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    ada
}

fn keys(report: &Value, list: &str, key: &str) -> Vec<String> {
    report[list].as_array().expect("groups").iter().map(|group| group[key].as_str().expect("a key").to_owned()).collect()
}

#[test]
fn every_grouping_adds_up_to_the_same() {
    let world = World::new();
    let ada = fleet(&world);
    for filter in [&[][..], &["--project", "shop"], &["--since", "2026-03-03", "--until", "20260306"], &["--last", "5d"]] {
        let mut seen: Option<Value> = None;
        for (verb, list) in [
            ("daily", "daily"),
            ("weekly", "weekly"),
            ("monthly", "monthly"),
            ("session", "sessions"),
            ("machines", "machines"),
            ("projects", "projects"),
            ("models", "models"),
        ] {
            let report = ada.report(&[&[verb], filter].concat());
            let sum =
                |key: &str| report[list].as_array().expect("groups").iter().map(|group| group[key].as_u64().expect("a count")).sum::<u64>();
            for key in ["requests", "inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens", "totalTokens"] {
                assert_eq!(Some(sum(key)), report["totals"][key].as_u64(), "{verb} {filter:?}: {key}");
            }
            let totals = report["totals"].clone();
            assert_eq!(*seen.get_or_insert(totals.clone()), totals, "{verb} {filter:?}");
            assert!(totals["requests"].as_u64() > Some(0) || filter == ["--last", "5d"], "{verb} {filter:?}");
        }
    }
}

#[test]
fn weeks_begin_when_they_are_told_to() {
    let world = World::new();
    let ada = fleet(&world);
    // The first of March 2026 is a Sunday.
    assert_eq!(keys(&ada.report(&["weekly"]), "weekly", "week"), ["2026-03-01", "2026-03-08"]);
    assert_eq!(keys(&ada.report(&["weekly", "--start-of-week", "monday"]), "weekly", "week"), ["2026-02-23", "2026-03-02", "2026-03-09"]);
    assert_eq!(keys(&ada.report(&["weekly", "--order", "desc"]), "weekly", "week"), ["2026-03-08", "2026-03-01"]);
}

#[test]
fn the_last_periods_end_today() {
    let world = World::new();
    let ada = fleet(&world);
    // The clock says noon of 10 March; each day's request is half an hour before midnight, so that the tenth is still to come.
    assert_eq!(keys(&ada.report(&["daily", "--last", "3"]), "daily", "date"), ["2026-03-08", "2026-03-09", "2026-03-10"]);
    assert_eq!(keys(&ada.report(&["weekly", "--last", "1"]), "weekly", "week"), ["2026-03-08"]);
    assert_eq!(keys(&ada.report(&["daily", "--last", "1w"]), "daily", "date"), ["2026-03-08", "2026-03-09", "2026-03-10"]);
    assert_eq!(ada.report(&["monthly", "--last", "1m"])["totals"]["requests"], 20);
    for wrong in ["0", "x", "-1", "3y"] {
        let ran = ada.track(&["daily", &format!("--last={wrong}")]);
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.err);
        assert!(ran.err.contains("such as 4w"), "{}", ran.err);
    }
}

#[test]
fn csv_is_quoted_and_runs_nothing() {
    let world = World::new();
    let ada = fleet(&world);
    let ran = ada.track(&["projects", "--csv", "-z", "UTC"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "project,label,project_name,requests,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,total_tokens,cost_usd,cost_known"
    );
    assert!(lines.iter().any(|line| line.starts_with("\"'=garden, \"\"east\"\"\",,")), "{}", ran.out);
    assert!(lines.iter().any(|line| line.starts_with("shop,,")), "{}", ran.out);
}

/// As ccusage 20.0.24 has it for the same rows: a block takes a request five hours after its start, a gap begins five hours after the
/// last request before it.
#[test]
fn blocks_are_those_of_ccusage() {
    let world = World::new();
    let ada = world.machine("ada");
    let times = ["10T08:12:00", "10T09:00:00", "10T12:59:59", "10T13:05:00", "10T20:30:00", "11T01:00:00"];
    let rows: String = (0..).zip(times).map(|(n, time)| Row::new("s", n, &format!("2026-03-{time}.000Z")).line()).collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync(&[]);
    let report = ada.report(&["blocks"]);
    let blocks = report["blocks"].as_array().expect("blocks");
    let shape: Vec<(&str, &str, Option<&str>, u64)> = blocks
        .iter()
        .map(|block| {
            let text = |key: &str| block[key].as_str().expect("a text");
            (text("id"), text("endTime"), block["actualEndTime"].as_str(), block["entries"].as_u64().expect("a count"))
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("2026-03-10T08:00:00.000Z", "2026-03-10T13:00:00.000Z", Some("2026-03-10T12:59:59.000Z"), 3),
            ("2026-03-10T13:00:00.000Z", "2026-03-10T18:00:00.000Z", Some("2026-03-10T13:05:00.000Z"), 1),
            ("gap-2026-03-10T18:05:00.000Z", "2026-03-10T20:30:00.000Z", None, 0),
            ("2026-03-10T20:00:00.000Z", "2026-03-11T01:00:00.000Z", Some("2026-03-11T01:00:00.000Z"), 2),
        ]
    );
    let daily = ada.report(&["daily"]);
    let sum: u64 = blocks.iter().map(|block| block["totalTokens"].as_u64().expect("a count")).sum();
    assert_eq!(Some(sum), daily["totals"]["totalTokens"].as_u64());
    assert_eq!(blocks[0]["isActive"], true, "the clock says noon");
    assert!(blocks[0]["projection"]["remainingMinutes"] == 60 && blocks[1]["burnRate"].is_null(), "{report:#}");
    let table = ada.track(&["blocks", "-z", "UTC"]).out;
    assert!(table.contains("2026-03-10 08:00 (4h 47m, active)") && table.contains("Active: "), "{table}");
}
