//! What imported totals and transcripts count, beside records and in any order.

mod days;

use super::*;

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
#[ignore = "slow: run with --include-ignored"]
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
