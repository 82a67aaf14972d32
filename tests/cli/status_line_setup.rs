//! Claude Code's status line as `init`, `statusline --install`, `--remove` and `uninstall` set it.

use std::fs;

use serde_json::Value;

use crate::world::{Machine, NOON, Ran, World, run, transcript};

const SETTINGS: &str = ".claude/settings.json";

fn settings(machine: &Machine) -> String {
    fs::read_to_string(machine.home.join(SETTINGS)).expect("settings")
}

/// The command of the status line.
fn command(machine: &Machine) -> String {
    let json: Value = serde_json::from_str(&settings(machine)).expect("JSON");
    assert_eq!(json["statusLine"]["type"], "command", "{json}");
    let command = json["statusLine"]["command"].as_str();
    command.expect("a command").to_owned()
}

fn statusline(machine: &Machine, option: &str) -> Ran {
    machine.track(&["statusline", option])
}

#[test]
fn init_adds_the_line_and_uninstall_restores_the_file() {
    let world = World::new();
    let ada = world.machine("ada");
    let before = "{ \"model\":\"opus\" }";
    ada.write(SETTINGS, before);
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..3));
    let ran = ada.sync(&["init", "--yes", "--statusline"]);
    assert!(
        ran.out
            .contains("now shows usage and plan limits in its status line"),
        "{}",
        ran.out
    );
    let line = command(&ada);
    assert!(
        line.ends_with("/claude-usage-tracker' statusline"),
        "{line}"
    );
    // Claude Code runs it in a shell.
    let shown = ada.command("claude-sync", NOON);
    let mut shell = std::process::Command::new("sh");
    for (name, value) in shown.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let ran = run(shell.args(["-c", &line]));
    assert!(ran.code == 0 && ran.out.contains("today"), "{ran:?}");
    // Hooks come and go beside it.
    assert_eq!(ada.sync(&["auto", "enable", "--scheduler", "none"]).err, "");
    let ran = ada.sync(&["auto", "disable"]);
    assert!(ran.out.contains("the status line stays"), "{}", ran.out);
    assert_eq!(command(&ada), line);
    assert!(!settings(&ada).contains("auto hook"));
    ada.sync(&["auto", "enable", "--scheduler", "none"]);
    let ran = ada.sync(&["uninstall", "--yes"]);
    assert!(ran.out.contains("is as it was before"), "{}", ran.out);
    assert_eq!(settings(&ada), before);
    assert!(!ada.state().join("settings-before").exists() || copies(&ada) == 0);
}

fn copies(machine: &Machine) -> usize {
    fs::read_dir(machine.state().join("settings-before")).map_or(0, Iterator::count)
}

#[test]
fn another_status_line_stays() {
    let world = World::new();
    let ada = world.machine("ada");
    let before =
        "{\"statusLine\": {\"type\": \"command\", \"command\": \"~/mine.sh\", \"padding\": 0}}";
    ada.write(SETTINGS, before);
    let ran = statusline(&ada, "--install");
    assert!(
        ran.code == 0 && ran.out.contains("which stays: ~/mine.sh"),
        "{ran:?}"
    );
    assert_eq!(settings(&ada), before);
    let ran = statusline(&ada, "--remove");
    assert_eq!(ran.out, "claude-sync added no status line.\n");
    ada.sync(&["init", "--yes", "--statusline"]);
    ada.sync(&["uninstall", "--yes"]);
    assert_eq!(settings(&ada), before);
}

#[test]
fn edits_and_options_of_the_user_stay() {
    let world = World::new();
    let ada = world.machine("ada");
    assert_eq!(statusline(&ada, "--install").code, 0);
    let edited = settings(&ada)
        .replace("statusline\"", "statusline --format '{ctx}'\"")
        .replacen('{', "{\n  \"model\": \"opus\",", 1);
    ada.write(SETTINGS, &edited);
    let ran = statusline(&ada, "--install");
    assert!(ran.out.contains("already"), "{ran:?}");
    assert_eq!(settings(&ada), edited);
    // Hooks added after the edit do not make uninstall restore what was there before it.
    ada.sync(&["auto", "enable", "--scheduler", "none"]);
    ada.sync(&["auto", "disable"]);
    assert!(command(&ada).ends_with("--format '{ctx}'"));
    let ran = statusline(&ada, "--remove");
    assert!(ran.code == 0, "{ran:?}");
    let json: Value = serde_json::from_str(&settings(&ada)).expect("JSON");
    assert_eq!(json, serde_json::json!({"model": "opus"}));
    assert_eq!(copies(&ada), 0);
}

#[test]
fn a_timer_that_cannot_be_installed_leaves_no_hooks() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(SETTINGS, "{}");
    // A file where the folder of units would be.
    ada.write(".config/systemd", "");
    let ran = ada.try_sync(NOON, &["auto", "enable", "--scheduler", "systemd"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(settings(&ada), "{}");
    assert!(!ada.home.join(".config/claude-sync/installed.json").exists());
    let ran = ada.sync(&["auto", "status"]);
    assert!(ran.out.contains("off"), "{}", ran.out);
}

#[test]
fn settings_that_are_no_json_are_named() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(SETTINGS, "{\"model\": ");
    let ran = statusline(&ada, "--install");
    assert!(
        ran.code != 0 && ran.err.contains("it is not valid JSON"),
        "{ran:?}"
    );
    assert_eq!(settings(&ada), "{\"model\": ");
    // The line itself is never an error.
    assert_eq!(ada.track(&["statusline"]).code, 0);
}
