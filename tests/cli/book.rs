//! The fleet's price book: prices that users set, on every machine, in any order of syncs.

use std::fs;

use crate::world::{Machine, NOON, Row, World, transcript};

const NEW: &str = "claude-new-9";

fn with_new_model(machine: &Machine, session: &'static str, requests: std::ops::Range<u32>) {
    let lines = requests.map(|n| {
        Row {
            model: NEW,
            ..Row::new(
                session,
                n,
                &format!("2026-03-{:02}T08:00:00.000Z", 1 + n % 9),
            )
        }
        .line()
    });
    machine.write(
        &format!(".claude/projects/p/{session}.jsonl"),
        &lines.collect::<String>(),
    );
}

fn cost(machine: &Machine, args: &[&str]) -> (f64, bool) {
    let totals = &machine.report(args)["totals"];
    (
        totals["totalCost"].as_f64().expect("a cost"),
        totals["costKnown"].as_bool().unwrap_or(true),
    )
}

/// The manifest in git, the one that is computed from files alone, and reports from the cache and from files: all agree.
fn sound(machine: &Machine) -> f64 {
    machine.assert_sound();
    let ran = machine.sync(&["verify"]);
    assert!(!ran.out.contains("manifest"), "{}", ran.out);
    let daily = cost(machine, &["daily"]);
    for report in ["models", "machines", "projects", "session", "monthly"] {
        assert_eq!(cost(machine, &[report]), daily, "{report}");
    }
    let explained: serde_json::Value = serde_json::from_str(
        &machine
            .track(&["explain", "--json", "--limit", "0", "-z", "UTC"])
            .out,
    )
    .expect("JSON");
    assert!((explained["totals"]["totalCost"].as_f64().expect("a cost") - daily.0).abs() < 1e-9);
    let stated = machine.manifest_json()["global_summary"]["total_cost_usd"]
        .as_f64()
        .expect("a cost");
    assert!(
        (stated - daily.0).abs() < 1e-9,
        "the manifest states {stated}, the report {}",
        daily.0
    );
    daily.0
}

fn all_sync(machines: &[&Machine]) {
    for machine in machines.iter().chain(machines) {
        machine.sync(&[]);
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_price_holds_on_all_machines_and_can_be_taken_back() {
    let world = World::new();
    let (ada, bob, eve) = (
        world.machine("ada"),
        world.machine("bob"),
        world.machine("eve"),
    );
    for (machine, session, range) in [(&ada, "s1", 0..5), (&bob, "s2", 3..8), (&eve, "s3", 20..22)]
    {
        with_new_model(machine, session, range);
        machine.write(".claude/projects/p/o.jsonl", &transcript("o", 40..42));
        machine.init().sync(&[]);
    }
    all_sync(&[&ada, &bob, &eve]);
    let before = sound(&ada);
    assert!(!cost(&ada, &["daily"]).1);
    // Ada sets a price; bob, offline, sets another later; eve discounts everything.
    ada.sync(&["price", "set", NEW, "--input", "1", "--output", "2"]);
    let one = sound(&ada);
    assert!(one > before && cost(&ada, &["daily"]).1);
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("away.git"),
    )
    .expect("moved");
    let offline = |machine: &Machine, args: &[&str]| {
        let ran = machine.try_sync(NOON, args);
        assert_eq!(ran.code, 7, "{}", ran.err);
    };
    offline(
        &bob,
        &[
            "price",
            "set",
            NEW,
            "--input",
            "10",
            "--output",
            "20",
            "--cache-read",
            "0",
            "--from",
            "2026-03-03",
        ],
    );
    offline(&eve, &["price", "set", "claude-*", "--multiply", "0.5"]);
    fs::rename(
        world.path().join("away.git"),
        world.path().join("remote.git"),
    )
    .expect("moved");
    all_sync(&[&eve, &ada, &bob]);
    assert_eq!(
        (
            ada.manifest() == bob.manifest(),
            bob.manifest() == eve.manifest()
        ),
        (true, true),
        "the same bytes"
    );
    let all = [&ada, &bob, &eve].map(sound);
    assert!(
        all[0] > before && all.iter().all(|cost| cost.to_bits() == all[0].to_bits()),
        "{all:?}"
    );
    // What transcripts alone show is priced alike.
    assert!(cost(&ada, &["daily", "--source=local"]).1);
    bob.sync(&["price", "remove", NEW]);
    eve.sync(&["price", "remove", "claude-*"]);
    all_sync(&[&bob, &ada, &eve]);
    for machine in [&ada, &bob, &eve] {
        assert_eq!(sound(machine).to_bits(), before.to_bits());
        assert_eq!(
            machine.sync(&["price", "list"]).out,
            "No prices are set: built-in prices apply.\n"
        );
    }
}

#[test]
fn prices_hold_by_the_day_of_the_request() {
    let world = World::new();
    let ada = world.machine("ada");
    let row = |n, day: &str| {
        Row {
            model: NEW,
            ..Row::new("s1", n, &format!("{day}T08:00:00.000Z")).output(1_000_000)
        }
        .line()
    };
    ada.write(
        ".claude/projects/p/s1.jsonl",
        &(row(1, "2026-03-01") + &row(2, "2026-03-02") + &row(3, "2026-03-03")),
    );
    ada.init().sync(&[]);
    ada.sync(&[
        "price",
        "set",
        NEW,
        "--input",
        "0",
        "--output",
        "7",
        "--from",
        "2026-03-02",
        "--to",
        "2026-03-02",
    ]);
    let days = ada.report(&["daily"]);
    let costs: Vec<f64> = days["daily"]
        .as_array()
        .expect("days")
        .iter()
        .map(|day| day["totalCost"].as_f64().expect("a cost"))
        .collect();
    assert_eq!(costs, [0.0, 7.0, 0.0]);
    let told = ada.sync(&["price", "list", "claude-opus-4-8"]).out;
    assert!(
        told.contains("output           $25 per million tokens"),
        "{told}"
    );
    assert_eq!(
        ada.sync(&["price", "list"]).out,
        "claude-new-9: input $0, output $7 from 2026-03-02 to 2026-03-02\n"
    );
    let narrow = crate::world::run(
        ada.command("claude-usage-tracker", NOON)
            .env("COLUMNS", "60")
            .arg("-z=UTC"),
    );
    let line = narrow
        .out
        .lines()
        .find(|line| line.starts_with("No price"))
        .expect("a line");
    assert!(
        line.contains("claude-sync price set") && line.len() <= 60,
        "{line}"
    );
}

#[test]
fn a_book_goes_out_and_in_again_and_litellms_list_comes_in() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    with_new_model(&ada, "s1", 0..5);
    ada.init().sync(&[]);
    ada.sync(&[
        "price",
        "set",
        "glm-*",
        "--multiply",
        "0.85",
        "--to",
        "2026-12-31",
    ]);
    ada.write("list.json", r#"{"sample_spec":{"input_cost_per_token":0},"x/claude-new-9":{"input_cost_per_token":1e-06,"output_cost_per_token":2.5e-06,"cache_read_input_token_cost":1e-07}}"#);
    ada.sync(&[
        "price",
        "import",
        &ada.home.join("list.json").display().to_string(),
    ]);
    let list = ada.sync(&["price", "list"]).out;
    assert!(
        list.contains("claude-new-9: input $1, output $2.5, cache read $0.1"),
        "{list}"
    );
    bob.write("book.json", &ada.sync(&["price", "export"]).out);
    bob.write(".claude/projects/p/s9.jsonl", &transcript("s9", 60..61));
    bob.sync(&["init"]);
    bob.sync(&[]);
    bob.sync(&[
        "price",
        "import",
        &bob.home.join("book.json").display().to_string(),
    ]);
    assert_eq!(
        bob.sync(&["price", "export"]).out,
        ada.sync(&["price", "export"]).out
    );
}

#[test]
fn what_is_no_price_is_refused_and_changes_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    with_new_model(&ada, "s1", 0..5);
    ada.init().sync(&[]);
    let head = ada.head();
    for (args, want) in [
        (
            &["set", NEW, "--input", "-1", "--output", "2"][..],
            "USD per million",
        ),
        (
            &["set", NEW, "--input=1/1k", "--output=2"],
            "USD per million",
        ),
        (&["set", NEW, "--input", "1"], "--output"),
        (&["set", NEW], "--input"),
        (&["set", NEW, "--multiply", "0"], "factor"),
        (
            &[
                "set",
                NEW,
                "--multiply",
                "2",
                "--input",
                "1",
                "--output",
                "2",
            ],
            "--multiply",
        ),
        (
            &["set", NEW, "--multiply", "2", "--from", "2026-02-30"],
            "not a day",
        ),
        (
            &[
                "set",
                NEW,
                "--multiply",
                "2",
                "--from",
                "2026-03-02",
                "--to",
                "2026-03-01",
            ],
            "swap the two days",
        ),
        (
            &["set", "*123456789012*", "--multiply", "2"],
            "not a model name",
        ),
        (&["remove", "glm-9"], "no price is set"),
        (&["import", "/nowhere.json"], "/nowhere.json"),
    ] {
        let ran = ada.try_sync(NOON, &[&["price"], args].concat());
        assert!(
            ran.code != 0 && ran.err.contains(want),
            "{args:?}: {}",
            ran.err
        );
    }
    for (text, want) in [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "neither"),
        (r#"{"unit":"USD per token","prices":[]}"#, "the unit is"),
        (
            r#"{"unit":"USD per million tokens","prices":[{"model":"m","input":-1,"output":1}]}"#,
            "price 1",
        ),
        (
            r#"{"m":{"input_cost_per_token":1e-06}, "claude-new-9":{"input_cost_per_token":-1,"output_cost_per_token":1}}"#,
            "input_cost_per_token",
        ),
    ] {
        ada.write("bad.json", text);
        let ran = ada.try_sync(
            NOON,
            &[
                "price",
                "import",
                &ada.home.join("bad.json").display().to_string(),
            ],
        );
        assert!(
            ran.code != 0 && ran.err.contains(want),
            "{text}: {}",
            ran.err
        );
    }
    let large = fs::File::create(ada.home.join("bad.json")).expect("made");
    large.set_len(100 << 20).expect("long");
    let ran = ada.try_sync(
        NOON,
        &[
            "price",
            "import",
            &ada.home.join("bad.json").display().to_string(),
        ],
    );
    assert!(ran.code != 0 && ran.err.contains("100 MB"), "{}", ran.err);
    assert_eq!(ada.head(), head);
}

#[test]
fn an_account_in_a_name_does_not_leave_with_its_price() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/4jqt";
    ada.sync(&["price", "set", arn, "--input", "1", "--output", "2"]);
    let all = world.stored(&world.path().join("remote.git"));
    assert!(!all.contains("123456789012") && all.contains("application-inference-profile/4jqt"));
}
