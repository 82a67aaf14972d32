//! `claude-sync doctor`: each of its checks made to fail, with the others as they were.

mod clone;
mod places;
mod transcripts;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, clean, run, transcript};

/// What is to be seen: the check, its status, words of what it says.
pub type Seen<'a> = (&'a str, &'a str, &'a str);

/// A machine with nothing to complain of.
pub fn healthy(world: &World) -> Machine<'_> {
    let machine = world.machine("ada");
    machine.write(
        ".gitconfig",
        "[user]\n\tname = Ada\n\temail = ada@example.invalid\n",
    );
    machine.write(
        ".claude/projects/-home-ada-secret-project/s.jsonl",
        &transcript("s1", 0..5),
    );
    machine.init().sync(&[]);
    machine
}

/// Asserts that exactly these checks are neither ok nor skipped, in JSON and in text, and that the exit code is what they make it.
pub fn sees(machine: &Machine, wanted: &[Seen]) -> Value {
    sees_with(machine, wanted, |args| machine.try_sync(NOON, args))
}

fn sees_with(machine: &Machine, wanted: &[Seen], ask: impl Fn(&[&str]) -> Ran) -> Value {
    let (ran, text) = (ask(&["doctor", "--json"]), ask(&["doctor"]));
    let json: Value = serde_json::from_str(&ran.out)
        .unwrap_or_else(|_| panic!("no JSON:\n{}{}", ran.out, ran.err));
    jsonschema::validate(&schema(), &json).expect("valid");
    let checks = json["checks"].as_array().expect("checks");
    let unwell = checks
        .iter()
        .filter(|check| !["ok", "skipped"].contains(&check["status"].as_str().expect("a status")));
    let unwell: Vec<_> = unwell
        .map(|check| {
            (
                check["name"].as_str().expect("a name"),
                check["status"].as_str().expect("a status"),
            )
        })
        .collect();
    assert_eq!(
        unwell,
        wanted
            .iter()
            .map(|(name, status, _)| (*name, *status))
            .collect::<Vec<_>>(),
        "{}",
        text.out
    );
    let code = if wanted.iter().any(|(_, status, _)| *status == "error") {
        18
    } else {
        0
    };
    assert_eq!(
        (ran.code, text.code, json["code"].as_i64()),
        (code, code, Some(code.into())),
        "{}",
        text.out
    );
    for (name, status, words) in wanted {
        let check = checks
            .iter()
            .find(|check| check["name"] == *name)
            .expect("the check");
        assert!(
            check["what"]
                .as_str()
                .is_some_and(|what| what.contains(words)),
            "not \"{words}\": {check}"
        );
        assert!(check["advice"].is_string(), "nothing to do: {check}");
        let line = format!("{status:9}{}", name.replace('_', " "));
        assert!(
            text.out.lines().any(|text| text.starts_with(&line)),
            "{}",
            text.out
        );
    }
    assert!(
        !text.out.contains(&machine.home.display().to_string()),
        "the home folder is told:\n{}",
        text.out
    );
    assert!(
        !text.out.contains("secret-project") && !text.out.contains("Ada"),
        "{}",
        text.out
    );
    json
}

fn schema() -> Value {
    serde_json::from_str(include_str!(
        "../../../fixtures/schemas/output/doctor.schema.json"
    ))
    .expect("JSON")
}

/// What was looked at by that name.
pub fn check(json: &Value, name: &str) -> (String, String) {
    let all = json["checks"].as_array().expect("checks");
    let check = all
        .iter()
        .find(|check| check["name"] == name)
        .expect("the check");
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("what"))
}

/// What to do about what was looked at by that name.
fn advice(json: &Value, name: &str) -> String {
    let all = json["checks"].as_array().expect("checks");
    let check = all.iter().find(|check| check["name"] == name);
    let advice = check.and_then(|check| check["advice"].as_str());
    advice.unwrap_or_default().to_owned()
}

/// Runs the program where permissions hold, also for root; none where that cannot be had.
fn ask_as_anybody(machine: &Machine, args: &[&str]) -> Option<Ran> {
    if !rustix::process::geteuid().is_root() {
        return Some(machine.try_sync(NOON, args));
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--bounding-set=-dac_override,-dac_read_search",
            env!("CARGO_BIN_EXE_claude-sync"),
        ])
        .args(args);
    let tried = Command::new("setpriv")
        .args(["--bounding-set=-dac_override", "true"])
        .status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: root may do everything here");
        return None;
    }
    Some(run(at_noon(&mut command, machine)))
}

fn at_noon<'c>(command: &'c mut Command, machine: &Machine) -> &'c mut Command {
    clean(command, &machine.home);
    command
        .env("CLAUDE_SYNC_NOW", NOON)
        .env("CLAUDE_SYNC_HOSTNAME", &machine.name)
        .env("CLAUDE_SYNC_HOST", &machine.name)
}

fn mode(path: &Path, mode: u32) {
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, mode).expect("a mode");
}

#[test]
fn nothing_is_wrong_where_nothing_is_wrong() {
    let world = World::new();
    let machine = healthy(&world);
    let before = machine.files();
    let json = sees(&machine, &[]);
    let schema = schema();
    let named = &schema["properties"]["checks"]["items"]["properties"]["name"]["enum"];
    let shown: Vec<_> = json["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert_eq!(
        named,
        &Value::Array(shown),
        "the schema names the checks, in their order"
    );
    let (system, git) = (
        json["system"].as_str().expect("a system"),
        check(&json, "git").1,
    );
    let told = |columns: &str| {
        let ran = run(machine
            .command("claude-sync", NOON)
            .env("COLUMNS", columns)
            .arg("doctor"));
        assert_eq!(ran.code, 0);
        let text = ran
            .out
            .replace(&world.path().display().to_string(), "[WORLD]")
            .replace(system, "[SYSTEM]");
        let text = text.replace(&git, "[VERSION]");
        // Others use the same disk.
        let (before, free) = text.split_once("disk          ").expect("a line");
        format!(
            "{before}disk          [SIZE]{}",
            &free[free.find(" free").expect("a figure")..]
        )
    };
    insta::assert_snapshot!("healthy", told("100"));
    insta::assert_snapshot!("healthy_narrow", told("60"));
    assert_eq!(machine.files(), before, "looking changes nothing");
    // Who has just begun has nothing to fear either, and who has not begun is told how.
    let bob = world.machine("bob");
    sees(
        &bob,
        &[
            ("repository", "warning", "none yet"),
            ("transcripts", "warning", "none in ~/.claude/projects"),
        ],
    );
    assert!(
        !bob.state().exists() && !bob.repo().exists(),
        "looking makes nothing"
    );
    bob.init();
    sees(
        &bob,
        &[
            ("identity", "note", "user.name and user.email are not set"),
            ("transcripts", "warning", "none in"),
        ],
    );
}

#[test]
fn a_key_that_is_missing_wrong_or_seen_by_others() {
    let world = World::new();
    let machine = healthy(&world);
    let (settings, key) = (
        ".config/claude-sync/config.json",
        machine.home.join(".config/claude-sync/key"),
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"project_names\": \"hash\"}}",
    );
    sees(
        &machine,
        &[(
            "key",
            "error",
            "there is none, but privacy_settings.project_names asks for it",
        )],
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"encryption\": \"at-rest\"}}",
    );
    sees(
        &machine,
        &[("key", "error", "privacy_settings.encryption asks for it")],
    );
    machine.sync(&["key", "init"]);
    machine.sync(&[]);
    let mark = check(&sees(&machine, &[]), "key").1;
    let mark = mark.split(',').next().expect("a mark");
    mode(&key, 0o640);
    sees(
        &machine,
        &[(
            "key",
            "error",
            "others on this machine can read ~/.config/claude-sync/key",
        )],
    );
    fs::write(&key, "nonsense").expect("written");
    mode(&key, 0o600);
    sees(&machine, &[("key", "error", "holds no key of claude-sync")]);
    fs::remove_file(&key).expect("removed");
    sees(
        &machine,
        &[(
            "key",
            "error",
            &format!("there is none, but the repository is encrypted with the key {mark}"),
        )],
    );
    let other = world.machine("other");
    other.sync(&["key", "init"]);
    machine.sync(&["key", "import", other.sync(&["key", "show"]).out.trim()]);
    sees(
        &machine,
        &[(
            "key",
            "error",
            &format!("but the repository is encrypted with {mark}"),
        )],
    );
}
