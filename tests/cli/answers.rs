//! What commands answer where something is missing, where nothing is new, and where their output goes.

use std::fs;

use serde_json::Value;

use crate::world::{Machine, NOON, Row, World, run, transcript};

fn synced(world: &World) -> Machine<'_> {
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    ada.init().sync(&[]);
    ada
}

#[test]
fn a_setting_that_needs_the_key_is_refused_without_it() {
    let world = World::new();
    let ada = world.machine("ada");
    for (key, value) in [("encryption", "at-rest"), ("project_names", "hash")] {
        let key = format!("privacy_settings.{key}");
        let set = ["config", "set", &key, value];
        let refused = ada.try_sync(NOON, &set);
        assert!(
            refused.code == 9 && refused.err.contains("claude-sync key init"),
            "{}",
            refused.err
        );
        assert_ne!(ada.sync(&["config", "get", &key]).out.trim(), value);
    }
    // A configuration that was copied here is not in the way of other settings, and status names the key.
    let path = ada.home.join(".config/claude-sync/config.json");
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}",
    );
    ada.sync(&["config", "set", "snapshots", "true"]);
    assert!(
        fs::read_to_string(&path)
            .expect("settings")
            .contains("snapshots")
    );
    let status = ada.sync(&["status"]);
    assert!(
        status.err.contains("claude-sync key import"),
        "{}",
        status.err
    );
    ada.sync(&["config", "unset", "privacy_settings.encryption"]);
    ada.sync(&["key", "init"]);
    ada.sync(&["config", "set", "privacy_settings.encryption", "at-rest"]);
    assert!(!ada.sync(&["status"]).err.contains("key import"));
}

fn last_subject(machine: &Machine) -> String {
    let text = machine.git(&["log", "-1", "--format=%s"]);
    text.trim().to_owned()
}

#[test]
fn the_history_names_decisions_and_rewritten_files() {
    let world = World::new();
    let ada = synced(&world);
    ada.sync(&["machine", "rename", "laptop"]);
    assert_eq!(last_subject(&ada), "sync ada: rename a machine");
    let names = "privacy_settings.exclude_project_names";
    ada.sync(&["config", "set", names, "true"]);
    let thin = ada.sync(&[]).out;
    assert!(
        thin.contains("Rewrote 1 day file, without new usage."),
        "{thin}"
    );
    assert_eq!(last_subject(&ada), "sync ada: rewrite 1 day file");
    ada.sync(&["machine", "retire", "laptop"]);
    ada.sync(&["machine", "retire", "laptop", "--undo"]);
    ada.sync(&[
        "price",
        "set",
        "some-model",
        "--input",
        "1",
        "--output",
        "2",
    ]);
    ada.sync(&["price", "remove", "some-model"]);
    let log = ada.sync(&["log"]).out;
    for what in [
        "rename a machine",
        "rewrite 1 day file",
        "retire a machine",
        "bring back a machine",
        "set a price",
        "remove a price",
    ] {
        assert!(log.contains(what), "{what}: {log}");
    }
}

#[test]
fn a_tier_is_named_by_explain() {
    let world = World::new();
    let ada = world.machine("ada");
    let row = |n| {
        let row = Row {
            model: "claude-opus-4-6",
            ..Row::new("s1", n, "2026-03-10T08:00:00.000Z")
        };
        row.line()
    };
    let long = row(1).replace("read_input_tokens\":3000", "read_input_tokens\":300000");
    ada.write(".claude/projects/p/s.jsonl", &(row(0) + &long));
    ada.init().sync(&[]);
    let explained = ada.track(&["explain", "2026-03-10"]).out;
    assert!(
        explained.contains("200,000-token tier: 1 request, $0.31, with a longer prompt"),
        "{explained}"
    );
    let none = ada.track(&["explain", "2026-03-09"]).out;
    assert_eq!(none, "No usage on 2026-03-09.\n");
    let none = ada.track(&["audit", "--until", "2026-03-09"]).out;
    assert_eq!(none, "No usage until 2026-03-09.\n");
}

#[test]
fn a_budget_needs_a_limit_or_a_saved_one() {
    let world = World::new();
    let ada = synced(&world);
    let none = ada.track(&["budget"]);
    assert!(
        none.code == 2 && none.err.contains("there is no limit"),
        "{}",
        none.err
    );
    for way in ["--monthly 300", "--daily", "tracker.monthly_budget"] {
        assert!(none.err.contains(way), "{}", none.err);
    }
    ada.sync(&["config", "set", "tracker.monthly_budget", "300"]);
    ada.sync(&["config", "set", "tracker.daily_budget", "0.01"]);
    let periods = |args: &[&str]| -> Vec<String> {
        let report = ada.report(&[&["budget"], args].concat());
        let budgets = report["budgets"].as_array().expect("budgets").iter();
        budgets
            .map(|one| one["period"].as_str().expect("a word").to_owned())
            .collect()
    };
    assert_eq!(periods(&[]), ["daily", "monthly"]);
    assert_eq!(periods(&["--weekly", "5"]), ["weekly"]);
    assert_eq!(ada.track(&["budget", "--check"]).code, 17);
    let wrong = ada.try_sync(NOON, &["config", "set", "tracker.daily_budget", "much"]);
    assert!(wrong.err.contains("an amount in USD"), "{}", wrong.err);
}

#[test]
fn output_goes_to_standard_output_for_a_dash() {
    let world = World::new();
    let ada = synced(&world);
    for (command, begins) in [
        (&["html"][..], "<!doctype html>"),
        (&["svg", "cost"], "<svg"),
        (&["export"], "timestamp,machine_id,"),
    ] {
        let plain = ada.track(command);
        let dash = ada.track(&[command, &["-o", "-"]].concat());
        assert_eq!(plain.code, 0, "{}", plain.err);
        assert!(
            plain.out.to_lowercase().starts_with(begins),
            "{command:?}: {}",
            &plain.out[..100]
        );
        assert_eq!(dash.out, plain.out);
        let file = ada.home.join("output");
        let path = file.display().to_string();
        let to_file = ada.track(&[command, &["-o", &path]].concat());
        assert_eq!((to_file.out.as_str(), to_file.code), ("", 0));
        assert_eq!(fs::read_to_string(&file).expect("written"), plain.out);
    }
    let parquet = ada.track(&["export", "--format", "parquet", "-o", "-"]);
    assert!(
        parquet.code == 2 && parquet.err.contains("need a folder"),
        "{}",
        parquet.err
    );
}

#[test]
fn the_last_days_can_be_chosen_in_every_command_that_has_days() {
    let world = World::new();
    let ada = world.machine("ada");
    let mut text = transcript("s1", 0..4);
    text.push_str(&Row::new("s2", 50, "2026-03-01T10:00:00.000Z").line());
    ada.write(".claude/projects/p/s.jsonl", &text);
    ada.init().sync(&[]);
    let lines = |args: &[&str]| ada.track(args).out.lines().count();
    assert_eq!(lines(&["export"]), 6);
    assert_eq!(lines(&["export", "--last", "1"]), 5);
    assert_eq!(lines(&["export", "--last", "2w", "--source=local"]), 6);
    let sessions = |args: &[&str]| ada.report(args)["sessions"].as_array().map(Vec::len);
    assert_eq!(sessions(&["audit", "--last", "3d"]), Some(1));
    let explained: Value = ada.report(&["explain", "--last", "1m"]);
    assert_eq!(explained["totals"]["requests"], 5);
    assert_eq!(ada.track(&["html", "--last", "1w"]).code, 0);
    let clash = ada.track(&["export", "--last", "1w", "--since", "today"]);
    assert_eq!(clash.code, 2);
    assert_eq!(
        ada.track(&["budget", "--daily", "1", "--last", "1"]).code,
        2
    );
}

#[test]
fn a_machine_gets_its_name_with_the_set_up() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    let remote = world.remote();
    let ran = run(ada
        .command("claude-sync", NOON)
        .args(["init", &remote, "--name", "desk"]));
    assert!(
        ran.code == 0 && ran.out.contains("desk"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(ada.report(&["machines"])["machines"][0]["hostname"], "desk");
    let bob = world.machine("bob");
    let ran = bob.try_sync(NOON, &["init", &remote, "--name", "Bob's"]);
    assert!(ran.out.contains("Next: claude-sync\n"), "{}", ran.out);
    bob.sync(&[]);
    let machines = bob.report(&["machines"])["machines"].clone();
    let machines = machines.as_array().expect("machines").iter();
    let mut names: Vec<_> = machines.map(|one| one["hostname"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("Bob's"), Some("desk")]);
    let both = bob.try_sync(NOON, &["init", "--name", "x", "--anonymize-hostname"]);
    assert_eq!(both.code, 2);
}

#[test]
fn what_deletes_asks_first_and_needs_a_word_without_a_terminal() {
    let world = World::new();
    let ada = synced(&world);
    ada.sync(&["key", "init"]);
    for (command, would) in [
        (&["uninstall"][..], "this would remove automatic sync"),
        (
            &["forget", "--session", "s1"],
            "this would permanently delete 4 requests",
        ),
        (&["key", "rotate"], "this would replace the fleet's key"),
    ] {
        let ran = ada.try_sync(NOON, command);
        assert!(
            ran.code == 2 && ran.err.contains(would) && ran.err.contains("pass --yes to confirm"),
            "{}",
            ran.err
        );
    }
}
