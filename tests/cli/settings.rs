//! `claude-sync config` and `claude-sync git`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{Machine, NOON, Ran, World, run, transcript};

fn config(machine: &Machine, args: &[&str]) -> Ran {
    run(machine
        .command("claude-sync", NOON)
        .env("COLUMNS", "400")
        .arg("config")
        .args(args))
}

fn file(machine: &Machine) -> PathBuf {
    let list: Value =
        serde_json::from_str(&config(machine, &["list", "--json"]).out).expect("JSON");
    PathBuf::from(list["file"].as_str().expect("a path"))
}

fn told(machine: &Machine, ran: &Ran) -> String {
    format!("exit code {}\n{}{}", ran.code, ran.out, ran.err)
        .replace(&machine.world.path().display().to_string(), "[WORLD]")
}

#[test]
fn settings_are_listed_set_and_unset() {
    let world = World::new();
    let ada = world.machine("ada");
    insta::assert_snapshot!(told(&ada, &config(&ada, &["list"])));
    let get = |key: &str| config(&ada, &["get", key]);
    assert_eq!(
        (
            get("privacy_settings.encryption").out.as_str(),
            get("summary_only").out.as_str()
        ),
        ("transit\n", "false\n")
    );
    assert_eq!(
        (
            get("privacy_settings.retention_days").code,
            get("privacy_settings.retention_days").out.as_str()
        ),
        (1, "")
    );
    ada.sync(&["key", "init"]);
    for (key, value) in [
        ("privacy_settings.retention_days", "365"),
        ("privacy_settings.project_names", "hash"),
        ("summary_only", "true"),
    ] {
        let ran = config(&ada, &["set", key, value]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
        assert_eq!(get(key).out, format!("{value}\n"));
    }
    config(
        &ada,
        &["set", "privacy_settings.aliases./home/me/a.b", "client"],
    );
    assert_eq!(get("privacy_settings.aliases./home/me/a.b").out, "client\n");
    config(&ada, &["unset", "summary_only"]);
    insta::assert_snapshot!(fs::read_to_string(file(&ada)).expect("settings"));
    assert!(
        config(&ada, &["list"])
            .out
            .contains("privacy_settings.retention_days = 365\n")
    );
}

#[test]
fn what_is_not_valid_changes_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    config(&ada, &["set", "snapshots", "true"]);
    let path = file(&ada);
    let before = fs::read_to_string(&path).expect("settings");
    let all = [
        &["set", "retention_day", "3"][..],
        &["set", "retention_days", "3"],
        &["get", "nonsense_that_nobody_means"],
        &["set", "privacy_settings.retention_days", "0"],
        &["set", "privacy_settings.encryption", "rot13"],
        &["set", "snapshots.more", "1"],
    ];
    let answers: Vec<String> = all
        .iter()
        .map(|args| {
            format!(
                "$ config {}\n{}",
                args.join(" "),
                told(&ada, &config(&ada, args))
            )
        })
        .collect();
    insta::assert_snapshot!(answers.join("\n"));
    assert_eq!(fs::read_to_string(&path).expect("settings"), before);
    fs::write(&path, "{ \"snapshots\": tru").expect("written");
    let ran = config(&ada, &["set", "snapshots", "false"]);
    assert!(ran.code == 9 && ran.err.contains("line 1"), "{}", ran.err);
    assert_eq!(
        fs::read_to_string(&path).expect("settings"),
        "{ \"snapshots\": tru",
        "what somebody is writing is left alone"
    );
}

#[test]
fn other_settings_and_links_stay() {
    let world = World::new();
    let ada = world.machine("ada");
    let path = file(&ada);
    let real = world.path().join("dotfiles.json");
    fs::write(&real, "{\"$schema\": \"x\", \"of_another_tool\": {\"a\": 1.50}, \"privacy_settings\": {\"later\": true}}").expect("written");
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    symlink(&real, &path).expect("linked");
    assert_eq!(
        config(&ada, &["set", "privacy_settings.retention_days", "30"]).code,
        0
    );
    assert!(path.is_symlink());
    let text = fs::read_to_string(&real).expect("settings");
    assert!(text.contains("1.50"), "numbers keep their digits: {text}");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        value["privacy_settings"],
        json!({"later": true, "retention_days": 30})
    );
    assert_eq!(value["$schema"], "x");
}

#[test]
fn an_editor_changes_settings_or_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    config(&ada, &["set", "snapshots", "true"]);
    let editor = world.path().join("an editor");
    let edit = |script: &str| {
        fs::write(
            &editor,
            format!("#!/bin/sh\n[ \"$1\" = --wait ] || exit 3\nshift\n{script}\n"),
        )
        .expect("written");
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("executable");
        let named = format!("'{}' --wait", editor.display());
        run(ada
            .command("claude-sync", NOON)
            .env("VISUAL", named)
            .env("TMPDIR", world.path())
            .args(["config", "edit"]))
    };
    let ran = edit("sed -i s/true/false/ \"$1\"");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert_eq!(config(&ada, &["get", "snapshots"]).out, "false\n");
    assert_eq!(edit("true").out, "Nothing changed.\n");
    let ran = edit("sed -i s/false/perhaps/ \"$1\"");
    assert!(
        ran.code == 9 && ran.out.contains("Nothing was changed. Your text is in "),
        "{ran:?}"
    );
    let kept = ran.out.trim().rsplit(' ').next().expect("a path");
    assert!(
        fs::read_to_string(kept)
            .expect("the draft")
            .contains("perhaps")
    );
    assert_eq!(config(&ada, &["get", "snapshots"]).out, "false\n");
    assert_eq!(edit("exit 4").code, 1);
}

#[test]
fn git_runs_in_the_repository() {
    let world = World::new();
    let ada = world.machine("ada");
    let git = |args: &[&str]| {
        run(ada
            .command("claude-sync", NOON)
            .env("GIT_DIR", "/nowhere")
            .arg("git")
            .args(args))
    };
    let ran = git(&["log"]);
    assert!(
        ran.code != 0 && ran.err.contains("run claude-sync first"),
        "{}",
        ran.err
    );
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    assert_eq!(git(&["log", "--format=%H", "-1"]).out.trim(), ada.head());
    assert_eq!(
        git(&["rev-parse", "--verify", "-q", "no-such-branch"]).code,
        1
    );
    assert_eq!(git(&["no-such-command"]).code, 1);
}
