//! The tracker's verbs: every grouping adds up to the same, and options choose what they say.

mod blocks;
mod costs;
mod periods;
mod statusline;

use serde_json::Value;

use crate::world::{Machine, Row, World};

/// Ten days from a Thursday on, two projects, two models.
pub fn fleet(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    let bob = world.machine("bob");
    let rows = |from: u32, session: &'static str| -> String {
        (0..10)
            .map(|day| {
                let mut row = Row::new(
                    session,
                    from + day,
                    &format!("2026-03-{:02}T23:30:00.000Z", 1 + day),
                );
                row.model = if day % 3 == 0 {
                    "claude-sonnet-4-6"
                } else {
                    "claude-opus-4-8"
                };
                row.line().replace(
                    "/shop",
                    if day % 2 == 0 {
                        "/shop"
                    } else {
                        "/=garden, \\\"east\\\""
                    },
                )
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
    report[list]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| group[key].as_str().expect("a key").to_owned())
        .collect()
}

const VERBS: [(&str, &str); 7] = [
    ("daily", "daily"),
    ("weekly", "weekly"),
    ("monthly", "monthly"),
    ("session", "sessions"),
    ("machines", "machines"),
    ("projects", "projects"),
    ("models", "models"),
];

/// A cost in picodollars.
pub fn pico(cost: &Value) -> u128 {
    let text = cost.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<12}")
        .parse()
        .expect("an exact decimal")
}

/// The sums of a list of objects: counts, and the cost under `cost`.
fn sums(list: &Value, cost: &str) -> Vec<u128> {
    let list = list.as_array().expect("a list");
    let count = |key: &str| {
        list.iter()
            .map(|one| u128::from(one[key].as_u64().expect("a count")))
            .sum()
    };
    let mut out: Vec<u128> = [
        "requests",
        "inputTokens",
        "outputTokens",
        "cacheCreationTokens",
        "cacheReadTokens",
    ]
    .into_iter()
    .map(count)
    .collect();
    out.push(list.iter().map(|one| pico(&one[cost])).sum());
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn every_grouping_and_every_part_adds_up_to_the_same() {
    let world = World::new();
    let ada = fleet(&world);
    let filters: [&[&str]; 8] = [
        &[],
        &["--project", "shop"],
        &["--machine", "bob"],
        &["--machine", "ada", "--machine", "bob"],
        &["--machine", "ada", "--project", "garden", "--last", "6d"],
        &["--since", "2026-03-03", "--until", "20260306"],
        &[
            "--start-of-month",
            "5",
            "--start-of-week",
            "wednesday",
            "--order",
            "desc",
        ],
        &["--source=local"],
    ];
    for filter in filters {
        let mut seen: Option<Value> = None;
        for (verb, list) in VERBS {
            for (by, parts) in [
                ("model", "modelBreakdowns"),
                ("machine", "machineBreakdowns"),
                ("project", "projectBreakdowns"),
            ] {
                let report = ada.report(&[&[verb, "--by", by], filter].concat());
                let totals = Value::Array(vec![report["totals"].clone()]);
                assert_eq!(
                    sums(&report[list], "totalCost"),
                    sums(&totals, "totalCost"),
                    "{verb} {filter:?}"
                );
                for group in report[list].as_array().expect("groups") {
                    let whole = Value::Array(vec![group.clone()]);
                    assert_eq!(
                        sums(&group[parts], "cost"),
                        sums(&whole, "totalCost"),
                        "{verb} {filter:?} --by {by}: {group:#}"
                    );
                }
                assert_eq!(
                    *seen.get_or_insert(report["totals"].clone()),
                    report["totals"],
                    "{verb} {filter:?}"
                );
            }
        }
        assert!(
            seen.expect("a report")["requests"].as_u64() > Some(0),
            "{filter:?}"
        );
    }
}

#[test]
fn machines_are_told_apart() {
    let world = World::new();
    let ada = fleet(&world);
    let requests = |args: &[&str]| ada.report(args)["totals"]["requests"].as_u64();
    assert_eq!(requests(&["daily"]), Some(20));
    for name in ["bob", "00626f62", "00626f62-0000-4000-8000-000000000000"] {
        assert_eq!(requests(&["daily", "--machine", name]), Some(10), "{name}");
    }
    assert_eq!(
        keys(
            &ada.report(&["machines", "--machine", "bob"]),
            "machines",
            "hostname"
        ),
        ["bob"]
    );
    let blocks = ada.report(&["blocks", "--machine", "bob"]);
    assert_eq!(
        blocks["blocks"]
            .as_array()
            .expect("blocks")
            .iter()
            .map(|block| block["entries"].as_u64().unwrap_or(0))
            .sum::<u64>(),
        10
    );
    ada.sync(&["machine", "merge", "bob", "ada"]);
    assert_eq!(
        (
            requests(&["daily", "--machine", "ada"]),
            requests(&["daily", "--machine", "bob"])
        ),
        (Some(20), Some(20))
    );
}

#[test]
fn sections_share_one_reading() {
    let world = World::new();
    let ada = fleet(&world);
    let whole = ada.report(&["--sections", "daily,machines,blocks"]);
    for (verb, list) in [
        ("daily", "daily"),
        ("machines", "machines"),
        ("blocks", "blocks"),
    ] {
        assert_eq!(whole[list], ada.report(&[verb])[list], "{verb}");
    }
    let tables = ada.track(&["--sections", "machines,models,machines"]).out;
    let alone: Vec<String> = ["machines", "models"]
        .into_iter()
        .map(|verb| ada.track(&[verb]).out)
        .collect();
    assert_eq!(tables, alone.join("\n"));
    let ran = ada.track(&["--sections", "daily,models", "--csv"]);
    assert_eq!(
        (ran.code, ran.err.contains("use --json")),
        (2, true),
        "{}",
        ran.err
    );
}

#[test]
fn names_that_are_not_there_have_a_neighbour() {
    let world = World::new();
    let ada = fleet(&world);
    let says = |args: &[&str]| {
        let ran = ada.track(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        ran.err
    };
    assert!(says(&["daily", "--project", "shpo"]).contains("did you mean shop?"));
    assert!(says(&["daily", "--machine", "bbo"]).contains("did you mean bob?"));
    assert!(says(&["daily", "--by", "modle"]).contains("'model'"));
    assert!(says(&["dayly"]).contains("'daily'"));
    assert!(says(&["--start-of-month", "31"]).contains("1..=28"));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn parts_stand_below_their_line() {
    let world = World::new();
    let ada = fleet(&world);
    let mut seen = String::new();
    for (columns, args) in [
        ("60", &["monthly", "--by", "project"][..]),
        ("100", &["monthly", "-b"]),
        ("200", &["weekly", "--by", "machine", "--compact"]),
        (
            "200",
            &["monthly", "--by", "machine", "--start-of-month", "5"],
        ),
        ("100", &["projects", "--by", "model", "--no-cost"]),
    ] {
        let ran = crate::world::run(
            ada.command("claude-usage-tracker", crate::world::NOON)
                .env("COLUMNS", columns)
                .args(args)
                .args(["-z", "UTC"]),
        );
        assert_eq!(ran.code, 0, "{}", ran.err);
        seen.push_str(&format!(
            "{} columns: {}\n{}\n",
            columns,
            args.join(" "),
            ran.out
        ));
    }
    insta::assert_snapshot!(seen);
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
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("\"'=garden, \"\"east\"\"\",,")),
        "{}",
        ran.out
    );
    assert!(
        lines.iter().any(|line| line.starts_with("shop,,")),
        "{}",
        ran.out
    );
}

#[test]
fn a_budget_is_of_the_whole_fleet_or_of_what_is_chosen() {
    let world = World::new();
    let ada = fleet(&world);
    let args = [
        "budget",
        "--daily",
        "5",
        "--weekly",
        "$0.02",
        "--monthly",
        "0.1",
        "-z",
        "UTC",
    ];
    let ran = ada.track(&args);
    assert_eq!(ran.code, 0, "without --check nothing fails: {}", ran.err);
    insta::assert_snapshot!(ran.out);
    let over = |args: &[&str]| {
        ada.track(&[&["budget", "--check", "-z", "UTC"], args].concat())
            .code
    };
    assert_eq!(
        (over(&["--monthly", "0.1"]), over(&["--monthly", "1"])),
        (17, 0)
    );
    assert_eq!(
        (
            over(&["--monthly", "0.08"]),
            over(&["--monthly", "0.08", "--machine", "ada"])
        ),
        (17, 0)
    );
    assert_eq!(
        (
            over(&["--monthly", "0.05"]),
            over(&["--monthly", "0.05", "--project", "nothing like it"])
        ),
        (17, 2)
    );
    for filter in [&[][..], &["--machine", "bob"], &["--project", "shop"]] {
        let spent = |args: &[&str]| ada.report(&[args, filter].concat());
        assert_eq!(
            spent(&["budget", "--monthly", "1"])["budgets"][0]["spentUSD"],
            spent(&["monthly", "--last", "1"])["totals"]["totalCost"],
            "{filter:?}"
        );
    }
    for wrong in [
        &["budget"][..],
        &["budget", "--monthly", "-1"],
        &["budget", "--daily", "x"],
        &["budget", "--daily", "1", "--since", "2026-03-01"],
    ] {
        let ran = ada.track(wrong);
        assert_eq!(ran.code, 2, "{wrong:?}: {}", ran.err);
    }
}
