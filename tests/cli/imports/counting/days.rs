//! Totals of ccusage beside records.

use super::*;

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
fn what_ccusage_says_of_the_same_transcripts_adds_nothing() {
    let Some(program) = std::env::var_os("CLAUDE_SYNC_CCUSAGE")
        .map(PathBuf::from)
        .filter(|path| path.is_file())
    else {
        crate::peers::missing("ccusage", "CLAUDE_SYNC_CCUSAGE names no ccusage");
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
