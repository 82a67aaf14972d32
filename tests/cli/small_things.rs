//! What new users stumbled over: widths, periods, names, hints.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::verbs::{fleet, pico};
use crate::world::{Machine, NOON, Ran, Row, World, run, transcript};

/// The tracker on a terminal of a width.
fn at(machine: &Machine, columns: &str, args: &[&str]) -> Ran {
    let mut command = machine.command("claude-usage-tracker", NOON);
    run(command.env("COLUMNS", columns).args(args))
}

fn widest(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0)
}

#[test]
fn a_budget_fits_60_columns_and_breaks_nothing() {
    let world = World::new();
    let ada = fleet(&world);
    let args = [
        "budget",
        "--daily",
        "0.01",
        "--weekly",
        "0.05",
        "--monthly",
        "1234.50",
    ];
    let ran = at(&ada, "60", &args);
    assert!(widest(&ran.out) <= 60, "{}", ran.out);
    insta::assert_snapshot!(ran.out);
}

#[test]
fn notes_wrap_at_the_width_and_words_stay_whole() {
    let world = World::new();
    let ada = world.machine("ada");
    let rows: String = (0..9)
        .map(|n| {
            let mut row = Row::new("s", n, "2026-03-10T08:00:00.000Z");
            row.model = "some-model-of-another-vendor";
            row.line()
        })
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &rows);
    ada.init().sync(&[]);
    for name in ["bob-the-build-server", "eve-the-workstation"] {
        let other = world.machine(name);
        other.init().sync(&[]);
    }
    ada.sync(&[]);
    let ran = at(&ada, "60", &["daily"]);
    assert!(widest(&ran.out) <= 60, "{}", ran.out);
    assert!(ran.out.contains("Last syncs:") && ran.out.contains("eve-the-workstation"));
}

#[test]
fn fast_mode_is_a_model_of_its_own() {
    let world = World::new();
    let ada = world.machine("ada");
    let usual = Row::new("s", 1, "2026-03-10T08:00:00.000Z").line();
    let fast = Row::new("s", 2, "2026-03-10T08:01:00.000Z").line();
    let fast = fast.replace("\"usage\":{", "\"usage\":{\"speed\":\"fast\",");
    ada.write(".claude/projects/p/s.jsonl", &(usual + &fast));
    ada.init();
    let models = |args: &[&str]| -> Vec<(String, u128)> {
        let report = ada.report(&[&["models"], args].concat());
        let list = report["models"].as_array().expect("models").iter();
        let name = |one: &Value| one["model"].as_str().expect("a name").to_owned();
        list.map(|one| (name(one), pico(&one["totalCost"])))
            .collect()
    };
    // From transcripts, from files, and from the cache.
    let first = models(&["--source=local"]);
    assert_eq!(models(&[]), first);
    ada.sync(&[]);
    assert_eq!(models(&[]), first);
    let names: Vec<&str> = first.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["claude-opus-4-8-fast", "claude-opus-4-8"]);
    assert!(first[0].1 > first[1].1, "{first:?}");
    let table = ada.track(&["daily"]).out;
    assert!(table.contains("opus-4.8-fast, opus-4.8"), "{table}");
    // Models without a price are named as the price list would have them.
    let odd = fast.replace("claude-opus-4-8", "some-model");
    ada.write(
        ".claude/projects/p/t.jsonl",
        &odd.replace("msg_01", "msg_02"),
    );
    let ran = ada.track(&["daily"]);
    assert!(
        ran.out.contains("price set some-model --input"),
        "{}",
        ran.out
    );
}

#[test]
fn the_last_days_end_today() {
    let world = World::new();
    let ada = world.machine("ada");
    let rows = [
        Row::new("s", 1, "2026-03-10T08:00:00.000Z").line(),
        // By a clock that is ahead.
        Row::new("s", 2, "2026-03-15T08:00:00.000Z").line(),
    ];
    ada.write(".claude/projects/p/s.jsonl", &rows.concat());
    ada.init().sync(&[]);
    let requests = |args: &[&str]| ada.report(args)["totals"]["requests"].clone();
    assert_eq!(requests(&["daily"]), 2);
    assert_eq!(requests(&["daily", "--last", "7"]), 1);
    assert_eq!(requests(&["weekly", "--last", "2"]), 1);
}

#[test]
fn options_of_reports_are_explained_where_they_do_not_apply() {
    let world = World::new();
    let ada = world.machine("ada");
    for (args, hint) in [
        (
            &["statusline", "--last", "7"][..],
            "other days: claude-usage-tracker daily --last 7",
        ),
        (&["statusline", "--source=local"], "daily --source local"),
    ] {
        let ran = ada.track(args);
        assert!(ran.code == 2 && ran.err.contains(hint), "{ran:?}");
    }
    let ran = ada.try_sync(NOON, &["config", "set", "history.keep", "0d"]);
    let said = ran.err.replace("\n  │ ", " ");
    assert!(
        ran.code != 0 && said.contains("a number of days from 1d on, such as \"90d\""),
        "{ran:?}"
    );
}

#[test]
fn a_page_opens_in_the_browser() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..3));
    let tools = world.path().join("tools");
    fs::create_dir(&tools).expect("a folder");
    let noted = world.path().join("opened");
    let command = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let program = tools.join(command);
    let (draft, place) = (noted.with_extension("draft"), noted.display());
    let script = format!(
        "#!/bin/sh\necho \"$1\" > '{0}' && mv '{0}' '{place}'\n",
        draft.display()
    );
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}", tools.display());
    let open = |args: &[&str]| {
        let mut command = ada.command("claude-usage-tracker", NOON);
        run(command
            .env("PATH", &path)
            .args(["html", "--open"])
            .args(args))
    };
    let opened = || {
        let limit = Instant::now() + Duration::from_mins(1);
        loop {
            if let Ok(text) = fs::read_to_string(&noted) {
                fs::remove_file(&noted).expect("deleted");
                return text.trim().to_owned();
            }
            assert!(Instant::now() < limit, "it is not opened");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let ran = open(&[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    let page = ada.state().join("usage.html");
    assert_eq!(opened(), page.display().to_string());
    let mode = fs::metadata(&page).expect("a page").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "it names projects");
    let own = world.path().join("own.html").display().to_string();
    assert_eq!(open(&["-o", &own]).code, 0);
    assert_eq!(opened(), own);
    assert_eq!(open(&["-o", "-"]).code, 2);
    ada.sync(&["init", "--yes"]);
    ada.sync(&["uninstall", "--yes"]);
    assert!(!page.exists());
    // Without a program for it, the file is named.
    fs::remove_file(&program).expect("deleted");
    let mut command = ada.command("claude-usage-tracker", NOON);
    let ran = run(command
        .env("PATH", &tools)
        .args(["html", "--open", "-o", &own]));
    assert!(
        ran.code == 1 && ran.err.contains("open this file in a browser"),
        "{ran:?}"
    );
    let ran = ada.track(&["html", "-o", "/nonexistent/usage.html"]);
    assert!(
        ran.code == 1 && !ran.err.contains(".claude-sync-"),
        "no temporary name: {}",
        ran.err
    );
}
