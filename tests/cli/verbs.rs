//! The tracker's verbs: every grouping adds up to the same, and options choose what they say.

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
#[ignore = "slow: run with --include-ignored"]
fn without_costs_no_output_has_any() {
    let world = World::new();
    let ada = fleet(&world);
    for verb in VERBS.map(|(verb, _)| verb).into_iter().chain(["blocks"]) {
        for how in [&["--json"][..], &["--csv"], &[], &["-b"]]
            .into_iter()
            .filter(|how| verb != "blocks" || how.first() != Some(&"--csv"))
        {
            let ran = ada.track(&[&[verb, "--no-cost"], how].concat());
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert!(
                !ran.out.to_lowercase().contains("cost") && !ran.out.contains('$'),
                "{verb} {how:?}: {}",
                ran.out
            );
        }
    }
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
fn weeks_begin_when_they_are_told_to() {
    let world = World::new();
    let ada = fleet(&world);
    // The first of March 2026 is a Sunday.
    assert_eq!(
        keys(&ada.report(&["weekly"]), "weekly", "week"),
        ["2026-03-01", "2026-03-08"]
    );
    assert_eq!(
        keys(
            &ada.report(&["weekly", "--start-of-week", "monday"]),
            "weekly",
            "week"
        ),
        ["2026-02-23", "2026-03-02", "2026-03-09"]
    );
    assert_eq!(
        keys(
            &ada.report(&["weekly", "--order", "desc"]),
            "weekly",
            "week"
        ),
        ["2026-03-08", "2026-03-01"]
    );
}

#[test]
fn the_last_periods_end_today() {
    let world = World::new();
    let ada = fleet(&world);
    // The clock says noon of 10 March; each day's request is half an hour before midnight, so that the tenth is still to come.
    assert_eq!(
        keys(&ada.report(&["daily", "--last", "3"]), "daily", "date"),
        ["2026-03-08", "2026-03-09", "2026-03-10"]
    );
    assert_eq!(
        keys(&ada.report(&["weekly", "--last", "1"]), "weekly", "week"),
        ["2026-03-08"]
    );
    assert_eq!(
        keys(&ada.report(&["daily", "--last", "1w"]), "daily", "date"),
        ["2026-03-08", "2026-03-09", "2026-03-10"]
    );
    assert_eq!(
        ada.report(&["monthly", "--last", "1m"])["totals"]["requests"],
        20
    );
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

/// As ccusage 20.0.24 has it for the same rows: a block takes a request five hours after its start, a gap begins five hours after the
/// last request before it.
#[test]
fn blocks_are_those_of_ccusage() {
    let world = World::new();
    let ada = world.machine("ada");
    let times = [
        "10T08:12:00",
        "10T09:00:00",
        "10T12:59:59",
        "10T13:05:00",
        "10T20:30:00",
        "11T01:00:00",
    ];
    let rows: String = (0..)
        .zip(times)
        .map(|(n, time)| Row::new("s", n, &format!("2026-03-{time}.000Z")).line())
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync(&[]);
    let report = ada.report(&["blocks"]);
    let blocks = report["blocks"].as_array().expect("blocks");
    let shape: Vec<(&str, &str, Option<&str>, u64)> = blocks
        .iter()
        .map(|block| {
            let text = |key: &str| block[key].as_str().expect("a text");
            (
                text("id"),
                text("endTime"),
                block["actualEndTime"].as_str(),
                block["entries"].as_u64().expect("a count"),
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            (
                "2026-03-10T08:00:00.000Z",
                "2026-03-10T13:00:00.000Z",
                Some("2026-03-10T12:59:59.000Z"),
                3
            ),
            (
                "2026-03-10T13:00:00.000Z",
                "2026-03-10T18:00:00.000Z",
                Some("2026-03-10T13:05:00.000Z"),
                1
            ),
            (
                "gap-2026-03-10T18:05:00.000Z",
                "2026-03-10T20:30:00.000Z",
                None,
                0
            ),
            (
                "2026-03-10T20:00:00.000Z",
                "2026-03-11T01:00:00.000Z",
                Some("2026-03-11T01:00:00.000Z"),
                2
            ),
        ]
    );
    let daily = ada.report(&["daily"]);
    let sum: u64 = blocks
        .iter()
        .map(|block| block["totalTokens"].as_u64().expect("a count"))
        .sum();
    assert_eq!(Some(sum), daily["totals"]["totalTokens"].as_u64());
    assert_eq!(blocks[0]["isActive"], true, "the clock says noon");
    assert!(
        blocks[0]["projection"]["remainingMinutes"] == 60 && blocks[1]["burnRate"].is_null(),
        "{report:#}"
    );
    let table = ada.track(&["blocks", "-z", "UTC"]).out;
    assert!(
        table.contains("2026-03-10 08:00 ┆ 4h 47m, active") && table.contains("Active: "),
        "{table}"
    );
}

/// Runs the status line with what Claude Code says on its standard input.
fn statusline(machine: &Machine, now: &str, told: &str) -> String {
    let mut command = machine.command("claude-usage-tracker", now);
    machine.write("told.json", told);
    let told = std::fs::File::open(machine.home.join("told.json")).expect("opened");
    let out = command
        .args(["statusline", "-z", "UTC"])
        .stdin(told)
        .output()
        .expect("runs");
    let ran = crate::world::ran(out);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out
}

#[test]
fn the_status_line_has_the_days_and_the_blocks_cost_of_all_machines() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let told = r#"{"session_id":"x","model":{"id":"claude-opus-4-8","display_name":"Opus\u001b[31m 4.8"},"cost":{"total_cost_usd":1.239}}"#;
    assert_eq!(
        statusline(&ada, crate::world::NOON, told),
        "Opus\\u{1b}[31m 4.8 | $1.24 session / $0.00 today | this machine only: claude-sync init\n"
    );
    let row = |n, time: &str| Row::new("s", n, time).output(100_000).line();
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(row(1, "2026-03-09T23:59:59.000Z") + &row(2, "2026-03-10T02:00:00.000Z")),
    );
    bob.write(
        ".claude/projects/p/t.jsonl",
        &row(3, "2026-03-10T09:30:00.000Z"),
    );
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    let today = ada.report(&["daily", "--since", "2026-03-10"])["totals"]["totalCost"].to_string();
    assert!(today.starts_with("5.00"), "{today}");
    assert_eq!(
        statusline(&ada, crate::world::NOON, told),
        "Opus\\u{1b}[31m 4.8 | $1.24 session / $5.01 today / $2.50 block (2h 0m left)\n"
    );
    bob.write(
        ".claude/projects/p/later.jsonl",
        &row(4, "2026-03-10T16:30:00.000Z"),
    );
    bob.sync(&[]);
    ada.sync(&[]);
    let ahead = statusline(&ada, "2026-03-10T15:30:00Z", "");
    assert_eq!(
        ahead, "$7.51 today | synced 3 hours ago\n",
        "a block of a clock that is ahead is not the one that goes on"
    );
    assert_eq!(
        statusline(&ada, "2026-03-11T00:30:00Z", "no JSON"),
        "$0.00 today | synced 12 hours ago\n"
    );
    assert_eq!(
        statusline(
            &ada,
            crate::world::NOON,
            r#"{"model":null,"cost":{"total_cost_usd":-1e400}}"#
        ),
        "$7.51 today / $2.50 block (2h 0m left)\n"
    );
}

#[test]
fn reports_of_the_last_days_read_no_more_and_say_the_same() {
    let world = World::new();
    let ada = world.machine("ada");
    let rows: String = (0..120)
        .map(|n| {
            Row::new(
                "s",
                n,
                &format!("2026-{:02}-{:02}T23:59:59.999Z", 1 + n / 30, 1 + n % 28),
            )
            .line()
        })
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync_at("2026-04-30T12:00:00Z", &[]);
    for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let report = |args: &[&str]| -> Value {
            let ran = crate::world::run(
                ada.command("claude-usage-tracker", "2026-04-30T12:00:00Z")
                    .args(["daily", "--json", "-z", zone])
                    .args(args),
            );
            assert_eq!(ran.code, 0, "{}", ran.err);
            serde_json::from_str(&ran.out).expect("JSON")
        };
        let all = report(&[]);
        for since in [
            "2026-01-31",
            "2026-02-01",
            "2026-02-02",
            "2026-03-01",
            "2026-04-02",
            "2026-04-28",
        ] {
            let wanted: Vec<&Value> = all["daily"]
                .as_array()
                .expect("days")
                .iter()
                .filter(|day| day["date"].as_str() >= Some(since))
                .collect();
            assert_eq!(
                report(&["--since", since])["daily"]
                    .as_array()
                    .expect("days")
                    .iter()
                    .collect::<Vec<_>>(),
                wanted,
                "{since} in {zone}"
            );
        }
    }
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

#[test]
fn a_cost_that_the_transcript_tells_counts_where_it_is_asked_for() {
    let world = World::new();
    let ada = world.machine("ada");
    let told = Row::new("s", 1, "2025-06-01T10:00:00.000Z")
        .line()
        .replacen('{', "{\"costUSD\":0.125,", 1);
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(told + &Row::new("s", 2, "2025-06-02T10:00:00.000Z").line()),
    );
    ada.init().sync(&[]);
    let cost =
        |args: &[&str]| pico(&ada.report(&[&["daily"], args].concat())["totals"]["totalCost"]);
    let (both, second) = (cost(&[]), cost(&["--since=2025-06-02"]));
    assert!(
        second > 0 && both - second != 125_000_000_000,
        "the price is not what is told: {both}"
    );
    for source in ["--source=sync", "--source=local", "--source=sync"] {
        assert_eq!(cost(&[source, "--mode", "calculate"]), both, "{source}");
        assert_eq!(
            cost(&[source, "--mode", "auto"]),
            125_000_000_000 + second,
            "{source}"
        );
        assert_eq!(
            cost(&[source, "--mode", "display"]),
            125_000_000_000,
            "{source}"
        );
        // The next time, rows come from the index.
        ada.sync(&["--mode=full"]);
    }
    let table = ada.track(&["daily", "-z", "UTC", "--mode", "display"]).out;
    assert!(
        table.contains("≥ $0.13") && table.contains("The transcripts contain no cost of"),
        "{table}"
    );
}
