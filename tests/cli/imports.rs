//! History from elsewhere counts once, in any order with syncs, however often it is imported, and says where it comes from.

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

#[test]
#[ignore = "slow: run with --include-ignored"]
fn transcripts_of_a_backup_are_records_and_count_once() {
    for order in [
        ["import", "sync", "import"],
        ["sync", "import", "import"],
        ["import", "import", "sync"],
    ] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.init();
        ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
        ada.write("backup/projects/p/s.jsonl", &transcript("s1", 0..3));
        ada.write("backup/projects/q/t.jsonl", &transcript("s2", 10..14));
        let mut said = Vec::new();
        for (at, step) in order.iter().enumerate() {
            // A copy of the folder of projects alone is as good.
            let folder = if at == 2 { "backup/projects" } else { "backup" };
            said.push(if *step == "sync" {
                ada.sync(&[]).out
            } else {
                import(&ada, folder, &[]).out
            });
        }
        assert_eq!(
            totals(&ada),
            (9, plus(tokens(0..5), tokens(10..14))),
            "{order:?}"
        );
        let first = said
            .iter()
            .find(|line| line.starts_with("Imported"))
            .expect("an import");
        let shown = "Imported 7 requests of 2 transcripts, 3 of which were known. Pushed.\n";
        assert_eq!(
            first, shown,
            "the import reads the machine's own transcripts first: {order:?}"
        );
        let all = ada.git(&["log", "--format=%B"]);
        assert_eq!(
            all.matches("Imported: 4 records of backup").count(),
            1,
            "{all}"
        );
        assert!(
            ada.sync(&[])
                .out
                .starts_with("Nothing new in 1 transcript."),
            "the backup is none of the machine's transcripts"
        );
        ada.assert_sound();
    }
}

#[test]
fn an_import_leaves_alone_how_far_transcripts_were_read() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    ada.write("old/projects/p/t.jsonl", &transcript("s2", 10..12));
    import(&ada, "old", &[]);
    // A transcript that cannot be read is named if it is opened: here it is not.
    let path = ada.home.join(".claude/projects/p/s.jsonl");
    let time = fs::metadata(&path)
        .expect("there")
        .modified()
        .expect("a time");
    let longer = fs::read_to_string(&path)
        .expect("text")
        .replace("\"output_tokens\":100,", "\"output_tokens\":900,");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opens");
    std::io::Write::write_all(&mut &file, longer.as_bytes()).expect("written");
    file.set_modified(time).expect("set");
    ada.sync(&[]);
    assert_eq!(
        totals(&ada),
        (5, plus(tokens(0..3), tokens(10..12))),
        "the same size and time: nobody looked into it"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn days_of_ccusage_count_what_exceeds_records_in_any_order() {
    let (here, more) = (tokens(0..5), [0, 1000, 50, 0]);
    let old = [
        ("2026-03-07", MODEL, [1, 2, 3, 4]),
        ("2026-03-09", MODEL, [7, 7, 0, 0]),
    ];
    let new = [
        ("2026-03-08", MODEL, [5, 6, 7, 8]),
        ("2026-03-09", MODEL, [9, 7, 0, 0]),
        ("2026-03-10", MODEL, plus(here, more)),
    ];
    let expected = vec![
        ("2026-03-07".to_owned(), [1, 2, 3, 4]),
        ("2026-03-08".to_owned(), [5, 6, 7, 8]),
        ("2026-03-09".to_owned(), [9, 7, 0, 0]),
        ("2026-03-10".to_owned(), plus(here, more)),
    ];
    let mut figures = Vec::new();
    for order in [
        ["old", "new", "sync"],
        ["sync", "old", "new"],
        ["new", "sync", "old"],
        ["new", "old", "sync"],
        ["old", "sync", "new"],
    ] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.init();
        ada.write("old.json", &ccusage(&old));
        ada.write("new.json", &ccusage(&new));
        for step in order.iter().chain(&order) {
            if *step == "sync" {
                ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
                ada.sync(&[]);
            } else {
                import(&ada, &format!("{step}.json"), &["-z", "UTC"]);
            }
            ada.assert_sound();
        }
        assert_eq!(daily(&ada), expected, "{order:?}");
        figures.push((
            ada.report(&["daily"])["totals"].clone(),
            ada.manifest_json()["global_summary"]["total_cost_usd"].clone(),
        ));
        let blocks = ada.report(&["blocks"])["blocks"]
            .as_array()
            .expect("blocks")
            .len();
        assert_eq!(blocks, 1, "a day's sum tells nothing of hours");
        // Nothing is left that would come with a run that reads everything.
        ada.sync(&["--mode=full"]);
        assert_eq!(daily(&ada), expected, "{order:?}");
    }
    assert!(
        figures.iter().all(|one| one == &figures[0]),
        "costs differ: {figures:#?}"
    );
    assert_eq!(
        figures[0].0["requests"], 5,
        "nobody counted the requests behind a sum"
    );
}

#[test]
fn what_records_show_is_said_and_not_written() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-03-09", MODEL, [1, 1, 1, 1]),
            ("2026-03-10", MODEL, tokens(0..5)),
            ("2026-03-08", MODEL, [1, 1, 1, 1]),
        ]),
    );
    let dry = import(&ada, "days.json", &["--dry-run"]);
    assert_eq!(
        dry.out,
        "Would import 3 days of ccusage, 1 of which are covered by records. Nothing was changed (--dry-run).\n"
    );
    assert!(
        !ada.files().keys().any(|path| path.contains("archive")),
        "a dry run wrote something"
    );
    assert_eq!(
        import(&ada, "days.json", &[]).out,
        "Imported 3 days of ccusage, 1 of which are covered by records. Pushed.\n"
    );
    assert_eq!(
        import(&ada, "days.json", &[]).out,
        "Imported 3 days of ccusage, 1 of which are covered by records; 2 days had nothing new.\n"
    );
    let lines: String = ada
        .files()
        .into_iter()
        .filter(|(path, _)| path.contains("/archive/"))
        .map(|(_, text)| text)
        .collect();
    assert_eq!(lines.matches("\"sum\":\"ccusage\"").count(), 2, "{lines}");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_request_before_midnight_is_not_counted_again_on_the_next_day() {
    let times = [
        "2026-03-09T22:30:00.000Z",
        "2026-03-09T23:30:00.000Z",
        "2026-03-10T22:59:59.000Z",
        "2026-03-10T23:00:00.000Z",
    ];
    let rows: String = times
        .iter()
        .zip(1..)
        .map(|(time, n)| Row::new("s1", n, time).line())
        .collect();
    let day = |from: u64, to: u64| tokens(from..to + 1);
    // As Berlin, an hour ahead, New York, four behind, and UTC have them.
    let zones = [
        (
            "Europe/Berlin",
            vec![
                ("2026-03-09", MODEL, day(1, 1)),
                ("2026-03-10", MODEL, day(2, 3)),
                ("2026-03-11", MODEL, day(4, 4)),
            ],
        ),
        (
            "America/New_York",
            vec![
                ("2026-03-09", MODEL, day(1, 2)),
                ("2026-03-10", MODEL, day(3, 4)),
            ],
        ),
        (
            "UTC",
            vec![
                ("2026-03-09", MODEL, day(1, 2)),
                ("2026-03-10", MODEL, day(3, 4)),
            ],
        ),
    ];
    for first in ["sync", "import"] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.init();
        for step in 0..2 {
            if (step == 0) == (first == "sync") {
                ada.write(".claude/projects/p/s.jsonl", &rows);
                ada.sync(&[]);
            } else {
                for (zone, days) in &zones {
                    ada.write("days.json", &ccusage(days));
                    import(&ada, "days.json", &["-z", zone]);
                    let (_, seen) = totals(&ada);
                    assert!(
                        seen.iter().zip(day(1, 4)).all(|(seen, all)| *seen <= all),
                        "{first} first, {zone}: {seen:?}"
                    );
                }
            }
        }
        assert_eq!(totals(&ada), (4, day(1, 4)), "{first} first");
    }
}

#[test]
fn days_of_two_zones_never_add_up() {
    for order in [["UTC", "Europe/Berlin"], ["Europe/Berlin", "UTC"]] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.init();
        for zone in order {
            // One use at 23:30 in Greenwich: it is the next day in Berlin.
            let date = if zone == "UTC" {
                "2026-01-09"
            } else {
                "2026-01-10"
            };
            ada.write(
                "days.json",
                &ccusage(&[
                    (date, MODEL, [10, 20, 30, 40]),
                    ("2026-01-07", MODEL, [1, 1, 1, 1]),
                ]),
            );
            import(&ada, "days.json", &["-z", zone]);
        }
        assert_eq!(totals(&ada).1, [11, 21, 31, 41], "{order:?}");
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn statistics_count_where_nothing_else_is_known() {
    let file = stats(
        "2026-03-05",
        &[
            ("2026-03-01", 100),
            ("2026-03-02", 200),
            ("2026-03-05", 300),
        ],
        [60, 540, 1201, 6000],
    );
    let spread = [10 + 90, 20 + 180, 30 + 270];
    for order in [
        ["stats", "days", "sync"],
        ["sync", "stats", "days"],
        ["days", "sync", "stats"],
        ["stats", "sync", "days"],
    ] {
        let world = World::new();
        let ada = world.machine("ada");
        ada.init();
        ada.write("stats-cache.json", &file);
        ada.write(
            "days.json",
            &ccusage(&[("2026-03-01", MODEL, [1, 1, 1, 1])]),
        );
        for step in order {
            match step {
                "stats" => drop(import(&ada, "stats-cache.json", &[])),
                "days" => drop(import(&ada, "days.json", &[])),
                _ => {
                    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
                    drop(ada.sync(&[]));
                }
            }
            ada.assert_sound();
            if step == "stats" && order[0] == "stats" && order[1] == "days" {
                assert_eq!(
                    totals(&ada).1,
                    [60, 540, 1201, 6000],
                    "the days add up to all that the file tells"
                );
                let sums: Vec<u64> = daily(&ada)
                    .iter()
                    .map(|(_, [input, output, ..])| input + output)
                    .collect();
                assert_eq!(sums, spread, "and each day to what it tells of that");
            }
        }
        // ccusage tells of the first day and so of its neighbours, and records of the tenth.
        let days: Vec<String> = daily(&ada).into_iter().map(|(date, _)| date).collect();
        assert_eq!(
            days,
            ["2026-03-01", "2026-03-05", "2026-03-10"],
            "{order:?}"
        );
        assert_eq!(daily(&ada)[0].1, [1, 1, 1, 1]);
        // Later statistics of the same days spread them otherwise: those hold, and nothing adds up.
        ada.write(
            "stats-cache.json",
            &stats("2026-03-06", &[("2026-03-05", 300)], [150, 150, 0, 0]),
        );
        import(&ada, "stats-cache.json", &[]);
        assert_eq!(
            daily(&ada)[1],
            ("2026-03-05".to_owned(), [150, 150, 0, 0]),
            "{order:?}"
        );
        import(&ada, "stats-cache.json", &["--from", "stats-cache"]);
        assert_eq!(daily(&ada)[1].1, [150, 150, 0, 0]);
    }
}

#[test]
fn a_fleet_counts_one_history_once() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.init();
    bob.init();
    let same = ("2026-03-01", MODEL, [100, 200, 300, 400]);
    ada.write(
        "days.json",
        &ccusage(&[same, ("2026-03-02", MODEL, [1, 2, 3, 4])]),
    );
    bob.write(
        "days.json",
        &ccusage(&[
            same,
            ("2026-03-02", MODEL, [5, 6, 7, 8]),
            ("2026-03-10", MODEL, tokens(0..5)),
        ]),
    );
    // What ada counted herself is hers, wherever the file was carried.
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    bob.write(
        "stats-cache.json",
        &stats("2026-02-01", &[("2026-02-01", 10)], [5, 5, 0, 0]),
    );
    ada.write(
        "stats-cache.json",
        &stats("2026-02-01", &[("2026-02-01", 10)], [5, 5, 0, 0]),
    );
    for machine in [&ada, &bob, &ada, &bob] {
        import(machine, "days.json", &[]);
        import(machine, "stats-cache.json", &[]);
    }
    ada.sync(&[]);
    let all = plus(
        tokens(0..5),
        [100 + 1 + 5 + 5, 200 + 2 + 6 + 5, 300 + 3 + 7, 400 + 4 + 8],
    );
    for machine in [&ada, &bob] {
        assert_eq!(totals(machine), (5, all), "{}", machine.name);
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), bob.manifest());
    // Two ids of one computer: what both imported of a day is the greater.
    ada.sync(&["machine", "merge", "bob", "ada"]);
    let all = plus(tokens(0..5), [100 + 5 + 5, 200 + 6 + 5, 300 + 7, 400 + 8]);
    assert_eq!(totals(&ada), (5, all));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn withheld_records_and_shortened_ones_hide_what_they_show() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-01-10", MODEL, [1, 2, 3, 4]),
            ("2026-03-10", MODEL, plus(tokens(0..5), [0, 9, 0, 0])),
        ]),
    );
    import(&ada, "days.json", &["-z", "Asia/Tokyo"]);
    let all = plus(tokens(0..5), [1, 11, 3, 4]);
    assert_eq!(totals(&ada), (5, all));
    let bob = world.machine("bob");
    bob.write(".claude/projects/p/s.jsonl", &transcript("s2", 20..25));
    bob.write(
        "days.json",
        &ccusage(&[("2026-03-10", MODEL, plus(tokens(20..25), [0, 9, 0, 0]))]),
    );
    for step in ["import", "sync", "import"] {
        match step {
            "sync" => drop(bob.sync(&["--summary-only"])),
            _ => drop(bob.sync(&[
                "import",
                &bob.home.join("days.json").display().to_string(),
                "-z",
                "Asia/Tokyo",
                "--offline",
            ])),
        }
    }
    assert_eq!(
        totals(&bob),
        (5, plus(tokens(20..25), [0, 9, 0, 0])),
        "sums of records that are withheld"
    );
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"retention_days\":1}}",
    );
    let later: String = Row::new("s9", 90, "2026-05-10T12:00:00.000Z").line();
    ada.write(".claude/projects/p/s.jsonl", &later);
    for day in ["11", "12", "13", "14"] {
        ada.sync_at(&format!("2026-05-{day}T12:00:00Z"), &[]);
    }
    let (requests, seen) = totals(&ada);
    assert_eq!(
        (requests, seen),
        (6, plus(all, tokens(90..91))),
        "retention changes no figure"
    );
    let old = ada.files();
    let sum = "\"from\":\"2026-01-09T15:00:00.000Z\",\"mark\":\"+09:00\"";
    assert!(old.values().any(|text| text.contains(sum)), "{old:#?}");
    import(&ada, "days.json", &["-z", "Asia/Tokyo"]);
    assert_eq!(totals(&ada), (6, seen));
}

#[test]
fn what_was_forgotten_is_not_imported_again() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-01-10", MODEL, [1, 2, 3, 4]),
            ("2026-02-10", MODEL, [1, 2, 3, 4]),
        ]),
    );
    ada.write(
        "old/projects/p/t.jsonl",
        &Row::new("s2", 1, "2026-01-11T12:00:00.000Z").line(),
    );
    import(&ada, "days.json", &[]);
    ada.sync(&["forget", "--before", "2026-02-01", "--yes"]);
    import(&ada, "days.json", &[]);
    import(&ada, "old", &[]);
    assert_eq!(totals(&ada), (0, [1, 2, 3, 4]), "January is gone");
    ada.sync(&["forget", "--project", "import+ccusage", "--yes"]);
    import(&ada, "days.json", &[]);
    assert_eq!(ada.report(&["daily"])["daily"], json!([]));
    assert!(
        !ada.files()
            .values()
            .any(|text| text.contains("import+ccusage"))
    );
}

#[test]
fn reports_explanations_files_and_commits_say_where_it_comes_from() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-03-08", MODEL, [5, 6, 7, 8]),
            (
                "2026-03-10",
                "claude-opus-4-8-fast",
                plus(tokens(0..2), [0, 5, 0, 0]),
            ),
        ]),
    );
    ada.write(
        "stats-cache.json",
        &stats("2026-03-01", &[("2026-03-01", 100)], [60, 540, 600, 6000]),
    );
    import(&ada, "days.json", &[]);
    import(&ada, "stats-cache.json", &[]);
    let sessions = ada.report(&["session"]);
    let sessions = sessions["sessions"].as_array().expect("sessions").iter();
    let shown: Vec<_> = sessions
        .map(|one| format!("{} {:?}", one["sessionId"], of(one)))
        .collect();
    let explained = ada.track(&["explain", "-z", "UTC"]).out;
    let kinds: Vec<_> = ada.report(&["explain"])["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    let exported = ada.track(&["export", "--format", "csv", "-z", "UTC"]).out;
    let files: Vec<_> = ada
        .files()
        .into_iter()
        .filter(|(path, _)| path.contains("/archive/"))
        .map(|(path, text)| format!("{path}\n{text}"))
        .collect();
    let log = ada.git(&["log", "--format=%B", "-2"]);
    let all = [
        shown.join("\n"),
        explained,
        json!(kinds).to_string(),
        exported,
        files.join("\n"),
        log,
    ]
    .join("\n----\n");
    assert_snapshot!(steady(&world, &all));
}

/// Commits and folders differ from run to run; checksums and record ids do not.
fn steady(world: &World, text: &str) -> String {
    let cut = |line: &str| {
        line.split_once(", added by ")
            .map_or(line.to_owned(), |(before, _)| {
                format!("{before}, added by [COMMIT]")
            })
    };
    let text = text.replace(&world.path().display().to_string(), "[WORLD]");
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_front_page_tells_of_imports_that_no_later_record_changes() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["init", &world.remote(), "--front-page"]);
    let row = |n: u32, time: &str| Row::new("s1", n, &format!("2026-03-10T{time}:00.000Z")).line();
    ada.write(".claude/projects/p/s.jsonl", &row(1, "01:00"));
    let sum = tokens(0..1);
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-03-01", MODEL, sum),
            ("2026-03-09", MODEL, plus(sum, sum)),
        ]),
    );
    ada.write(
        "stats-cache.json",
        &stats(
            "2026-03-08",
            &[("2026-02-08", 7), ("2026-03-08", 7)],
            [7, 7, 0, 0],
        ),
    );
    import(&ada, "days.json", &["-z", "America/New_York"]);
    import(&ada, "stats-cache.json", &[]);
    let page = || {
        ada.files()
            .into_iter()
            .filter(|(path, _)| path == "README.md" || path.starts_with("sync/front/"))
            .collect::<Vec<_>>()
    };
    let before = page();
    let months = &before
        .iter()
        .find(|(path, _)| path.ends_with("months.csv"))
        .expect("a table")
        .1;
    assert!(
        months.contains("2026-02,ada")
            && months.contains("2026-03,ada,claude-opus-4-8,0,10,100,200,3000,1.5"),
        "{months}"
    );
    // Three in the morning is still the ninth in New York: what ccusage counted there is known now.
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(row(1, "01:00") + &row(2, "03:00")),
    );
    ada.sync(&[]);
    assert_eq!(
        page(),
        before,
        "the page tells of no day of which a later record decides"
    );
    let verified = ada.sync(&["verify", "--read-data"]);
    assert!(verified.out.starts_with("All is well"), "{}", verified.out);
}

#[test]
fn a_machine_that_withholds_records_imports_sums() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".config/claude-sync/config.json", "{\"summary_only\":true}");
    ada.init();
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.write(
        "old/projects/p/s.jsonl",
        &(transcript("s1", 3..7) + &transcript("s2", 10..12)),
    );
    assert!(
        import(&ada, "old", &[])
            .out
            .starts_with("Imported 6 requests of 1 transcript, 2 of which were known.")
    );
    for _ in 0..2 {
        ada.sync(&[]);
        assert_eq!(totals(&ada), (9, plus(tokens(0..7), tokens(10..12))));
        import(&ada, "old", &[]);
    }
    assert!(
        !ada.files().values().any(|text| text.contains("T08:")),
        "a time of day left the machine"
    );
}

#[test]
fn what_ccusage_says_of_the_same_transcripts_adds_nothing() {
    let Some(program) = std::env::var_os("CLAUDE_SYNC_CCUSAGE")
        .map(PathBuf::from)
        .filter(|path| path.is_file())
    else {
        eprintln!("skipped: CLAUDE_SYNC_CCUSAGE names no ccusage");
        return;
    };
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let row = |n: u32| {
        let time = format!("2026-03-{:02}T{:02}:59:00.000Z", 1 + n / 24, n % 24);
        let row = Row {
            model: [MODEL, "claude-sonnet-4-6", "claude-opus-4-6"][n as usize % 3],
            ..Row::new("s1", n, &time)
        };
        let line = row.clone().output(1).open().line() + &row.line();
        if n % 3 == 2 {
            line.replace("\"usage\":{", "\"usage\":{\"speed\":\"fast\",")
        } else {
            line
        }
    };
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(0..200).map(row).collect::<String>(),
    );
    let mut seen = Vec::new();
    for zone in ["Europe/Berlin", "America/New_York", "UTC"] {
        let mut command = std::process::Command::new(&program);
        command
            .args(["claude", "daily", "--json", "--offline", "-z", zone])
            .env_clear()
            .env("HOME", &ada.home);
        let said = run(command
            .env("PATH", std::env::var_os("PATH").expect("a PATH"))
            .env("CLAUDE_CONFIG_DIR", ada.home.join(".claude")));
        assert_eq!(said.code, 0, "{}", said.err);
        ada.write("days.json", &said.out);
        // The records are away while it is imported, and come back after.
        ada.write(".claude/projects/p/s.jsonl", "");
        import(&ada, "days.json", &["-z", zone]);
        seen.push(totals(&ada).1);
        ada.write(
            ".claude/projects/p/s.jsonl",
            &(0..200).map(row).collect::<String>(),
        );
    }
    let all = tokens(0..200);
    assert_eq!(seen[0], all, "without records it is all of ccusage's");
    assert!(
        seen.iter()
            .flatten()
            .zip(all.iter().cycle())
            .all(|(seen, all)| seen <= all),
        "{seen:?}"
    );
    ada.sync(&[]);
    assert_eq!(totals(&ada), (200, all));
    let costs = ada.report(&["daily"])["totals"]["totalCost"].clone();
    let alone = world.machine("bob");
    alone.write(
        ".claude/projects/p/s.jsonl",
        &(0..200).map(row).collect::<String>(),
    );
    alone.sync(&[]);
    assert_eq!(alone.report(&["daily"])["totals"]["totalCost"], costs);
}

#[test]
fn json_is_as_its_schema_says() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let schema = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/schemas/output/import.schema.json"
    ))
    .expect("there");
    let validator =
        jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    ada.write(
        "days.json",
        &ccusage(&[("2026-03-08", MODEL, [5, 6, 7, 8])]),
    );
    ada.write(
        "old/projects/p/s.jsonl",
        &(transcript("s1", 0..5) + "{broken\n"),
    );
    let answers = [
        ("days.json", "--dry-run"),
        ("days.json", "--offline"),
        ("days.json", "--offline"),
        ("old", "--offline"),
    ]
    .map(|(file, flag)| {
        let answer: Value =
            serde_json::from_str(&import(&ada, file, &["--json", flag]).out).expect("JSON");
        assert_eq!(
            validator
                .iter_errors(&answer)
                .map(|error| error.to_string())
                .collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{answer}"
        );
        answer
    });
    let facts = |at: usize| {
        [
            "days",
            "new_days",
            "shown_days",
            "requests",
            "new_requests",
            "skipped_lines",
        ]
        .map(|key| answers[at][key].as_u64().expect("a count"))
    };
    assert_eq!(
        (facts(0), answers[0]["commit"].is_null()),
        ([1, 1, 0, 0, 0, 0], true)
    );
    assert_eq!(
        (facts(1), answers[1]["commit"].is_string()),
        ([1, 1, 0, 0, 0, 0], true)
    );
    assert_eq!(
        (facts(2), answers[2]["commit"].is_null()),
        ([1, 0, 0, 0, 0, 0], true)
    );
    assert_eq!(
        (facts(3), answers[3]["source"].as_str()),
        ([0, 0, 0, 5, 5, 1], Some("backup"))
    );
}

#[test]
fn what_cannot_be_imported_is_refused_and_changes_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    let before = (ada.head(), ada.files());
    let day = |part: Value| {
        let mut day = json!({ "date": "2026-03-08", "modelBreakdowns": [{ "modelName": MODEL, "inputTokens": 1, "cost": 0.1 }] });
        day.as_object_mut()
            .expect("an object")
            .extend(part.as_object().expect("an object").clone());
        json!({ "daily": [day] }).to_string()
    };
    let model = |key: &str, value: Value| {
        day(json!({ "modelBreakdowns": [{ "modelName": MODEL, key: value }] }))
    };
    let deep = "[".repeat(100_000);
    let huge = " ".repeat((32 << 20) + 1);
    let cases = [
        ("no JSON", "date,tokens\n2026-03-08,7\n".to_owned()),
        ("deep", deep),
        ("huge", huge),
        ("another kind", "{\"rows\":[]}".to_owned()),
        ("a list", "[1,2]".to_owned()),
        ("sessions", "{\"sessions\":[]}".to_owned()),
        ("days that are none", "{\"daily\":{\"p\":[]}}".to_owned()),
        ("no date", day(json!({ "date": "2026-02-30" }))),
        ("a date to come", day(json!({ "date": "2031-01-01" }))),
        ("a date of no year", day(json!({ "date": "99999-01-01" }))),
        ("negative", model("outputTokens", json!(-1))),
        ("a fraction", model("outputTokens", json!(1.5))),
        (
            "too many",
            model(
                "inputTokens",
                serde_json::from_str("99999999999999999999999").expect("a number"),
            ),
        ),
        ("a text", model("inputTokens", json!("1"))),
        ("a negative cost", model("cost", json!(-0.5))),
        (
            "no model",
            day(json!({ "modelBreakdowns": [{ "inputTokens": 1 }] })),
        ),
        ("no split", day(json!({ "modelBreakdowns": null }))),
        (
            "other tools",
            day(json!({ "metadata": { "agents": ["claude", "codex"] } })),
        ),
        ("a report of the tracker", day(json!({ "requests": 3 }))),
        (
            "statistics without days",
            "{\"lastComputedDate\":\"2026-03-01\",\"dailyModelTokens\":7}".to_owned(),
        ),
        (
            "statistics of no date",
            "{\"dailyModelTokens\":[]}".to_owned(),
        ),
        (
            "negative statistics",
            stats("2026-03-01", &[("2026-03-01", 1)], [1, 1, 1, 1])
                .replace("\"claude-opus-4-8\":1", "\"claude-opus-4-8\":-1"),
        ),
    ];
    let mut told = String::new();
    let mut tell = |what: &str, args: &[&str]| {
        let ran = run(ada
            .command("claude-sync", NOON)
            .env("COLUMNS", "400")
            .arg("import")
            .args(args));
        let text = format!("{}{}", ran.out, ran.err)
            .replace(&world.path().display().to_string(), "[WORLD]");
        told.push_str(&format!("{what}: exit code {}\n{text}\n", ran.code));
        assert_ne!(ran.code, 0, "{what}");
    };
    for (what, text) in cases {
        ada.write("file.json", &text);
        tell(what, &[&ada.home.join("file.json").display().to_string()]);
    }
    ada.write(
        "file.json",
        &ccusage(&[("2026-03-08", MODEL, [1, 1, 1, 1])]),
    );
    fs::create_dir_all(ada.home.join("empty/projects")).expect("made");
    let path = |name: &str| ada.home.join(name).display().to_string();
    tell("a file that is not there", &[&path("gone.json")]);
    tell("an empty folder", &[&path("empty")]);
    tell(
        "a file, said to be a folder",
        &[&path("file.json"), "--from", "backup"],
    );
    tell(
        "a folder, said to be a file",
        &[&path("empty"), "--from", "ccusage"],
    );
    tell(
        "a folder without projects",
        &[&path(".claude/projects"), "--from", "backup"],
    );
    tell(
        "days, said to be statistics",
        &[&path("file.json"), "--from", "stats-cache"],
    );
    tell("no zone", &[&path("file.json"), "-z", "Mars"]);
    assert_snapshot!(told);
    assert_eq!((ada.head(), ada.files().len()), (before.0, before.1.len()));
    assert_eq!(ada.fleet().0, 5);
}

#[test]
fn a_machine_that_was_never_set_up_imports_for_itself() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(
        "days.json",
        &ccusage(&[("2026-03-08", MODEL, [5, 6, 7, 8])]),
    );
    let dry = import(&ada, "days.json", &["--dry-run"]);
    assert!(
        dry.out.starts_with("Would import 1 day of ccusage.") && !ada.repo().exists(),
        "{}",
        dry.out
    );
    let said = import(&ada, "days.json", &[]).out;
    assert!(
        said.starts_with("No set-up found: made a repository for this machine only"),
        "{said}"
    );
    assert!(
        said.ends_with(
            "Imported 1 day of ccusage. There is no remote: history is kept on this machine.\n"
        ),
        "{said}"
    );
    assert_eq!(totals(&ada).1, [5, 6, 7, 8]);
}

/// What a 1.0 file claims beyond records names no day: it may be what was imported. Figures that it does not claim are not in it.
#[test]
fn imported_totals_count_by_what_they_exceed_a_claim() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(
        "days.json",
        &ccusage(&[("2026-03-08", MODEL, [5, 6, 7, 8])]),
    );
    import(&ada, "days.json", &[]);
    let path = format!(
        "sync/machines/{}.json",
        fs::read_to_string(ada.home.join(".claude/machine_id"))
            .expect("an id")
            .trim()
    );
    let mut page: Value = serde_json::from_str(&ada.files()[&path]).expect("JSON");
    page["claimed"] = json!({
        "total_requests": 3, "total_input_tokens": 50, "total_output_tokens": 60, "total_cache_creation_tokens": 0,
        "total_cache_read_tokens": 0, "total_cost_usd": 1,
    });
    fs::write(ada.repo().join(&path), page.to_string()).expect("written");
    ada.git(&["commit", "-q", "--no-verify", "-am", "claims"]);
    ada.sync(&["resolve"]);
    assert_eq!(
        totals(&ada),
        (3, [50, 60, 7, 8]),
        "the claim, and what the day exceeds it"
    );
}

#[test]
fn names_from_files_are_no_free_text() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    ada.write(
        "days.json",
        &ccusage(&[
            ("2026-03-08", "my \u{1b}[31m secret plan", [1, 1, 1, 1]),
            ("2026-03-09", "<synthetic>", [1, 1, 1, 1]),
        ]),
    );
    import(&ada, "days.json", &[]);
    assert_eq!(totals(&ada).1, [1, 1, 1, 1]);
    assert!(
        !ada.files()
            .values()
            .any(|text| text.contains("secret") || text.contains("synthetic"))
    );
}
