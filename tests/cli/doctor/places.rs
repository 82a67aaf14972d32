//! What lies around the repository: git, settings, folders, the disk, the clock, the machine id.

use std::fs;
use std::process::Command;

use super::{ask_as_anybody, at_noon, check, healthy, mode, sees, sees_with};
use crate::world::{NOON, World, run};

#[test]
fn git_that_is_missing_or_too_old() {
    let world = World::new();
    let machine = healthy(&world);
    let folder = world.path().join("programs");
    fs::create_dir(&folder).expect("a folder");
    let ask = |args: &[&str]| {
        run(machine
            .command("claude-sync", NOON)
            .env("PATH", &folder)
            .args(args))
    };
    let json = sees_with(&machine, &[("git", "error", "failed to run git")], ask);
    assert_eq!(
        (check(&json, "reachable").0, check(&json, "privacy").0),
        ("skipped".into(), "skipped".into())
    );
    fs::write(folder.join("git"), "#!/bin/sh\necho git version 2.30.1\n").expect("written");
    mode(&folder.join("git"), 0o755);
    sees_with(&machine, &[("git", "error", "git 2.30.1 is too old")], ask);
}

#[test]
fn settings_that_are_wrong_or_unknown() {
    let world = World::new();
    let machine = healthy(&world);
    let settings = ".config/claude-sync/config.json";
    machine.write(
        settings,
        "{\"privacy_settings\": {\"retention_day\": 3}, \"more\": 1}",
    );
    sees(
        &machine,
        &[(
            "settings",
            "warning",
            "privacy_settings.retention_day (is retention_days meant?)",
        )],
    );
    machine.write(
        settings,
        "{\"privacy_settings\": {\"encryption\": \"rot13\"}}",
    );
    sees(
        &machine,
        &[(
            "settings",
            "error",
            "\"encryption\" is not \"transit\", \"at-rest\" or \"both\"",
        )],
    );
    machine.write(settings, "{");
    sees(&machine, &[("settings", "error", "line 1")]);
}

#[test]
fn folders_that_cannot_be_written() {
    let world = World::new();
    let machine = healthy(&world);
    let folder = machine.home.join(".config/claude-sync");
    machine.write(".config/claude-sync", "a file");
    sees(
        &machine,
        &[
            ("settings", "error", "failed to read"),
            ("permissions", "error", "~/.config/claude-sync is no folder"),
            ("key", "error", "failed to read"),
        ],
    );
    fs::remove_file(&folder).expect("removed");
    mode(&machine.state(), 0o500);
    if ask_as_anybody(&machine, &["doctor"]).is_some() {
        let ask = |args: &[&str]| ask_as_anybody(&machine, args).expect("as before");
        sees_with(
            &machine,
            &[(
                "permissions",
                "error",
                "~/.local/state/claude-sync cannot be written",
            )],
            ask,
        );
    }
    mode(&machine.state(), 0o700);
}

#[test]
fn a_disk_that_is_nearly_full() {
    let world = World::new();
    let machine = healthy(&world);
    let on_disk = |size: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o \"size=$1,mode=700\" none \"$2\" && shift 2 && exec \"$@\"";
        command
            .args(["-rm", "sh", "-c", script, "sh", size])
            .arg(machine.state())
            .arg(env!("CARGO_BIN_EXE_claude-sync"))
            .args(args);
        run(at_noon(&mut command, &machine))
    };
    if on_disk("1m", &["--version"]).code != 0 {
        crate::peers::missing("mount", "file systems cannot be mounted here");
        return;
    }
    sees_with(
        &machine,
        &[(
            "disk",
            "warning",
            "104 MB free for ~/.local/state/claude-sync",
        )],
        |args| on_disk("100m", args),
    );
    sees_with(
        &machine,
        &[("disk", "error", "10 MB free for ~/.local/state/claude-sync")],
        |args| on_disk("10m", args),
    );
}

#[test]
fn a_clock_that_is_behind() {
    let world = World::new();
    let machine = healthy(&world);
    let at = |now: &'static str| {
        let machine = &machine;
        move |args: &[&str]| machine.try_sync(now, args)
    };
    sees_with(&machine, &[], at("2026-03-09T13:00:00Z"));
    sees_with(
        &machine,
        &[(
            "clock",
            "warning",
            "but something was synced that is of 2026-03-10T12:00:00.000Z",
        )],
        at("2026-03-09T11:00:00Z"),
    );
    sees_with(
        &machine,
        &[("clock", "error", "it shows 1970-01-01T00:00:07.000Z")],
        at("1970-01-01T00:00:07Z"),
    );
}

#[test]
fn an_id_that_is_none_or_anothers() {
    let world = World::new();
    let machine = healthy(&world);
    let elsewhere = |args: &[&str]| {
        run(machine
            .command("claude-sync", NOON)
            .env("CLAUDE_SYNC_HOST", "another")
            .args(args))
    };
    sees_with(
        &machine,
        &[(
            "machine_id",
            "warning",
            "00616461 was made on another computer",
        )],
        elsewhere,
    );
    machine.write(".claude/machine_id", "nonsense");
    sees(
        &machine,
        &[(
            "machine_id",
            "error",
            "~/.claude/machine_id holds no machine id",
        )],
    );
    fs::remove_file(machine.home.join(".claude/machine_id")).expect("removed");
    sees(&machine, &[("machine_id", "note", "none yet")]);
}
