//! Reports as people see them, in terminals of all widths, and as programs read them.

use serde_json::Value;

use crate::world::{Machine, NOON, Row, World, run, transcript};

const VERBS: [&str; 10] = [
    "daily", "weekly", "monthly", "session", "blocks", "machines", "projects", "models", "groups",
    "users",
];

/// The columns that a line takes: characters of the far east take two.
fn width(line: &str) -> usize {
    let wide =
        |c: &char| ('\u{1100}'..='\u{115f}').contains(c) || ('\u{2e80}'..='\u{fe6f}').contains(c);
    line.chars().count() + line.chars().filter(wide).count()
}

fn table(machine: &Machine, columns: &str, args: &[&str]) -> String {
    let mut command = machine.command("claude-usage-tracker", "2026-03-13T13:00:00Z");
    let ran = run(command.env("COLUMNS", columns).args(args));
    assert_eq!(ran.code, 0, "{}", ran.err);
    for line in ran.out.lines().filter(|line| line.starts_with(['│', '┌'])) {
        assert!(
            width(line) <= columns.parse().expect("a number"),
            "wider than {columns}: {line}"
        );
    }
    ran.out
}

/// Two machines, three days, two models and one that nobody knows.
fn fleet(world: &World) -> Machine<'_> {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let mut text = transcript("0fae0449-64d3-4788-8622-d3a47d82c14b", 0..40);
    for (n, day) in ["2026-03-08", "2026-03-09"].iter().enumerate() {
        let row = Row::new(
            "7c1e7ab2-51f7-4d6c-9f0a-111111111111",
            100 + u32::try_from(n).expect("small"),
            &format!("{day}T23:30:00.000Z"),
        );
        text.push_str(
            &Row {
                model: ["claude-sonnet-4-5-20250929", "claude-opus-99"][n],
                ..row
            }
            .output(1_234_567)
            .line(),
        );
    }
    ada.write(".claude/projects/p/s.jsonl", &text);
    ada.init().sync_at(NOON, &[]);
    bob.write(
        ".claude/projects/q/s.jsonl",
        &transcript("b0b00000-64d3-4788-8622-d3a47d82c14b", 200..203)
            .replace("/work/shop", "/work/日本語のプロジェクト"),
    );
    bob.init().sync_at("2026-03-13T12:15:00Z", &[]);
    ada.sync_at("2026-03-13T12:30:00Z", &[]);
    ada
}

#[test]
fn tables_fit_the_terminal() {
    let world = World::new();
    let machine = fleet(&world);
    let mut seen = String::new();
    for columns in ["60", "100", "200"] {
        for report in VERBS {
            let table = table(&machine, columns, &[report, "-z", "UTC"]);
            let widths: Vec<_> = table
                .lines()
                .filter(|line| line.starts_with(['│', '┌']))
                .map(width)
                .collect();
            assert!(
                widths.iter().all(|width| *width == widths[0]),
                "columns do not stand below each other: {table}"
            );
            seen.push_str(&format!("{report}, {columns} columns\n{table}\n"));
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn json_has_the_shape_of_ccusage() {
    let world = World::new();
    let machine = fleet(&world);
    let mut seen = String::new();
    for report in ["daily", "monthly", "session", "machines"] {
        let text = format!("{:#}", machine.report(&[report]));
        seen.push_str(&format!("{report}\n{text}\n\n"));
    }
    insta::assert_snapshot!(seen);
    let day = &machine.report(&["daily"])["daily"][0];
    for key in [
        "date",
        "inputTokens",
        "outputTokens",
        "cacheCreationTokens",
        "cacheReadTokens",
        "totalTokens",
        "totalCost",
        "modelsUsed",
        "modelBreakdowns",
    ] {
        assert!(!day[key].is_null(), "{key}");
    }
}

#[test]
fn bounds_and_labels_are_in_one_zone() {
    let world = World::new();
    let machine = fleet(&world);
    let days = |args: &[&str]| -> Vec<String> {
        let out = machine.track(&[&["daily", "--json"], args].concat()).out;
        let report: Value = serde_json::from_str(&out).expect("JSON");
        report["daily"]
            .as_array()
            .expect("days")
            .iter()
            .map(|day| day["date"].as_str().expect("a date").to_owned())
            .collect()
    };
    assert_eq!(
        days(&["-z", "UTC"]),
        ["2026-03-08", "2026-03-09", "2026-03-10"]
    );
    assert_eq!(days(&["-z", "Asia/Tokyo"]), ["2026-03-09", "2026-03-10"]);
    assert_eq!(
        days(&["-z", "UTC", "--since", "20260309", "--until", "2026-03-09"]),
        ["2026-03-09"]
    );
    assert_eq!(
        days(&["-z", "Asia/Tokyo", "--since", "20260310"]),
        ["2026-03-10"]
    );
    assert_eq!(
        days(&["-z", "UTC", "--since", "2027-01-01"]),
        Vec::<String>::new()
    );
    // The clock of the tests' machines is UTC's.
    assert_eq!(days(&[]), days(&["-z", "UTC"]));
}

#[test]
fn top_keeps_the_rows_that_cost_most() {
    let world = World::new();
    let machine = fleet(&world);
    let days = |args: &[&str]| -> Vec<String> {
        let report = machine.report(&[&["daily"], args].concat());
        let days = report["daily"].as_array().expect("days").iter();
        days.map(|day| day["date"].as_str().expect("a date").to_owned())
            .collect()
    };
    // $18.52, no price, $0.26: the first of the three and the last.
    assert_eq!(days(&["--top", "1"]), ["2026-03-08"]);
    assert_eq!(days(&["--top", "2"]), ["2026-03-08", "2026-03-10"]);
    assert_eq!(
        days(&["--top", "2", "--order", "desc"]),
        ["2026-03-10", "2026-03-08"]
    );
    assert_eq!(days(&["--top", "9"]), days(&[]));
    let one = machine.report(&["daily", "--top", "1"]);
    assert_eq!(one["totals"]["totalCost"], one["daily"][0]["totalCost"]);
    assert_eq!(one["daily"][0], machine.report(&["daily"])["daily"][0]);
    let sessions = &machine.report(&["session", "--top", "1"])["sessions"];
    assert_eq!(
        sessions[0]["sessionId"],
        "7c1e7ab2-51f7-4d6c-9f0a-111111111111"
    );

    let note = "The 2 of 3 days that cost most, and their total.";
    let lines = |args: &[&str]| table(&machine, "100", &[&["daily", "-z", "UTC"], args].concat());
    let top = lines(&["--top", "2"]);
    assert!(top.lines().any(|line| line == note), "{top}");
    assert!(!top.contains("2026-03-09"), "{top}");
    // The model without a price may belong to a day that cost more.
    assert!(top.contains("No price for claude-opus-99"), "{top}");
    assert_eq!(lines(&["--top", "3"]), lines(&[]), "nothing is left out");

    let refused = |args: &[&str], why: &str| {
        let ran = machine.track(args);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.contains(why)),
            (2, "", true),
            "{}",
            ran.err
        );
    };
    refused(&["blocks", "--top", "2"], "not for blocks");
    refused(&["--sections", "daily,models", "--top", "2"], "--sections");
    refused(&["daily", "--top", "0"], "--top");
    refused(&["daily", "--top", "2", "--no-cost"], "--no-cost");
}

/// The report by each kind of name: its list in JSON, the names from $1 on, and how many cost less.
const FROM_A_DOLLAR: [(&str, &str, &str, &[&str], u64); 4] = [
    // The model without a price may have cost more.
    (
        "models",
        "models",
        "model",
        &["claude-sonnet-4-5-20250929", "claude-opus-99"],
        1,
    ),
    ("projects", "projects", "project", &["shop"], 1),
    ("machines", "machines", "hostname", &["ada"], 1),
    (
        "session",
        "sessions",
        "sessionId",
        &["7c1e7ab2-51f7-4d6c-9f0a-111111111111"],
        2,
    ),
];

#[test]
fn rows_below_a_cost_are_in_the_totals_and_not_in_the_list() {
    let world = World::new();
    let machine = fleet(&world);
    for (report, list, key, names, below) in FROM_A_DOLLAR {
        let all = machine.report(&[report]);
        assert!(all["notListed"].is_null(), "{report}: nobody asked");
        let some = machine.report(&[report, "--min-cost", "1"]);
        let rows = some[list].as_array().expect("rows").iter();
        let listed: Vec<&str> = rows.filter_map(|row| row[key].as_str()).collect();
        assert_eq!(listed, names, "{report}");
        assert_eq!(some["notListed"], serde_json::json!({ list: below }));
        assert_eq!(some["totals"], all["totals"], "{report}");

        let none = machine.report(&[report, "--min-cost", "0"]);
        assert_eq!(none[list], all[list], "{report}: nothing costs less");
        assert_eq!(none["notListed"], serde_json::json!({ list: 0 }));
    }
    let both = machine.report(&["--sections", "projects,session", "--min-cost", "1"]);
    assert_eq!(
        both["notListed"],
        serde_json::json!({ "projects": 1, "sessions": 2 })
    );
    let csv = machine
        .track(&["models", "--csv", "--min-cost", "$18.50"])
        .out;
    assert_eq!(csv.lines().count(), 3, "a heading and two models: {csv}");
}

#[test]
fn a_note_names_the_rows_below_a_cost() {
    let world = World::new();
    let machine = fleet(&world);
    let lines = |args: &[&str]| table(&machine, "100", &[args, &["-z", "UTC"]].concat());
    let total = |text: &str| -> Option<String> {
        let line = text.lines().find(|line| line.starts_with("│ Total"));
        line.and_then(|line| line.rsplit('┆').next().map(str::to_owned))
    };
    for (args, note) in [
        (
            ["models", "--min-cost", "1"],
            "1 row below $1 is not listed.",
        ),
        (
            ["session", "--min-cost", "$0.50"],
            "2 rows below $0.50 are not listed.",
        ),
        (
            ["projects", "--min-cost", "1000"],
            "1 row below $1,000 is not listed.",
        ),
    ] {
        let text = lines(&args);
        assert!(text.lines().any(|line| line == note), "{text}");
        assert_eq!(total(&text), total(&lines(&args[..1])), "{text}");
    }
    // Rows that are not listed count in the notes too.
    let text = lines(&["session", "--min-cost", "1000", "--machine", "bob"]);
    assert!(
        text.contains("1 row below $1,000 is not listed.")
            && total(&text).is_some_and(|cost| cost.contains("$0.03")),
        "a table of totals: {text}"
    );
    assert_eq!(lines(&["models", "--min-cost", "0"]), lines(&["models"]));

    let refused = |args: &[&str], why: &str| {
        let ran = machine.track(args);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.contains(why)),
            (2, "", true),
            "{}",
            ran.err
        );
    };
    for report in ["daily", "weekly", "monthly", "blocks"] {
        refused(&[report, "--min-cost", "1"], "session and models");
    }
    refused(
        &["--sections", "models,daily", "--min-cost", "1"],
        "session and models",
    );
    refused(&["models", "--min-cost", "1", "--top", "2"], "--top");
    refused(&["models", "--min-cost", "1", "--no-cost"], "--no-cost");
    refused(&["models", "--min-cost", "much"], "an amount in USD");
}

#[test]
fn local_shows_this_machine_alone_and_sync_the_fleet() {
    let world = World::new();
    let machine = fleet(&world);
    let requests = |source: &str| machine.report(&["daily", source])["totals"]["requests"].as_u64();
    assert_eq!(
        (requests("--source=local"), requests("--source=sync")),
        (Some(42), Some(45))
    );
    assert_eq!(
        machine.report(&["machines", "--source=local"])["machines"][0]["hostname"],
        "ada"
    );
}

#[test]
fn nothing_to_show_says_so() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init().sync(&[]);
    let mut seen = String::new();
    for verb in VERBS {
        let ran = machine.track(&[verb]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{verb}");
        seen.push_str(&format!("{verb}\n{}", ran.out));
        let list = if verb == "session" { "sessions" } else { verb };
        assert_eq!(
            machine.report(&[verb])[list].as_array().map(Vec::len),
            Some(usize::from(verb == "machines")),
            "{verb}"
        );
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn a_pipe_and_a_dumb_terminal_get_plain_text() {
    let world = World::new();
    let machine = fleet(&world);
    for verb in VERBS {
        let shown = |term: Option<&str>| {
            let mut command = machine.command("claude-usage-tracker", NOON);
            command
                .args([verb, "-z", "UTC"])
                .env_remove("COLUMNS")
                .env_remove("TERM");
            term.map(|term| command.env("TERM", term));
            run(command).out
        };
        let piped = shown(Some("xterm-256color"));
        assert!(
            !piped.contains('\u{1b}') && !piped.contains("Left out"),
            "{piped}"
        );
        assert_eq!(shown(Some("dumb")), piped, "{verb}");
        assert_eq!(shown(None), piped, "{verb}");
    }
}

#[test]
fn the_demo_works_in_an_empty_home() {
    let world = World::new();
    let machine = world.machine("empty");
    std::fs::remove_dir_all(machine.home.join(".claude")).expect("removed");
    let mut command = machine.command("claude-sync", NOON);
    let ran = run(command.env("TMPDIR", world.path()).arg("demo"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let stage = ran
        .out
        .lines()
        .find_map(|line| line.strip_prefix("To delete everything: rm -r "))
        .expect("a place to look")
        .to_owned();
    let log = world.git(
        std::path::Path::new(&stage).join("laptop/repo").as_path(),
        &["log", "--format=%s"],
    );
    insta::assert_snapshot!(format!("{}\n{log}", ran.out.replace(&stage, "[STAGE]")));
    assert!(
        !machine.home.join(".claude").exists() && !machine.repo().exists(),
        "the demo touches nothing but its folder"
    );
}
