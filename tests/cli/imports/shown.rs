//! What reports, files and errors state about imports.

use super::*;

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
