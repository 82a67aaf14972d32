//! The merge driver as git calls it: what happens when it fails in any way. What it makes: `tests/laws/driver.rs`.

use std::fs;
use std::path::Path;

use crate::plain_git::diverged;
use crate::scale::long;
use crate::ways::check;
use crate::world::{Machine, World, set_mode, transcript};

/// A program in the driver's place.
fn replace_driver(world: &World, bob: &Machine, script: &str) {
    let path = world.path().join("driver");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    set_mode(&path, 0o755);
    bob.git(&[
        "config",
        "merge.claude-sync.driver",
        &format!("'{}' merge-driver %O %A %B %P || exit 129", path.display()),
    ]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_driver_that_fails_loses_nothing() {
    let real = env!("CARGO_BIN_EXE_claude-sync");
    let faults = [
        ("killed", "kill -9 $$".to_owned()),
        (
            "killed when it had written half",
            "head -c 20 \"$3\" > half && mv half \"$3\"; kill -9 $$".to_owned(),
        ),
        ("panicking", "exit 101".to_owned()),
        ("aborting", "kill -ABRT $$".to_owned()),
        ("saying that there is a conflict", "exit 1".to_owned()),
        ("missing", String::new()),
        (
            "with its input gone",
            format!("rm -f \"$4\"; exec '{real}' \"$@\""),
        ),
        (
            "with an unreadable file",
            format!("rm -f \"$3\"; mkdir \"$3\"; exec '{real}' \"$@\""),
        ),
        (
            "on a full disk",
            format!("ulimit -f 0; exec '{real}' \"$@\""),
        ),
    ];
    let commands = [
        vec!["merge", "--no-edit", "origin/main"],
        vec!["rebase", "origin/main"],
        vec!["pull", "--no-rebase", "--no-edit"],
    ];
    for (at, (how, script)) in faults.into_iter().enumerate() {
        // Each fault with one command, and each command with three faults; all with all in the long suite.
        for (_, command) in commands
            .iter()
            .enumerate()
            .filter(|(way, _)| long() || (at + way) % 3 == 0)
        {
            let world = World::new();
            let (_ada, bob) = diverged(&world, true);
            bob.git(&["fetch", "-q"]);
            let before = bob.head();
            if script.is_empty() {
                bob.git(&[
                    "config",
                    "merge.claude-sync.driver",
                    "'/nowhere/claude-sync' merge-driver %O %A %B %P || exit 129",
                ]);
            } else {
                replace_driver(&world, &bob, &script);
            }
            let ran = bob.try_git(command);
            assert_ne!(ran.code, 0, "{how}: git {command:?} must not go through");
            // Either git took nothing over, or it says that something is unmerged; no commit holds one side only.
            let merged = bob.git(&[
                "rev-list",
                "--merges",
                "--count",
                &format!("{before}..HEAD"),
            ]);
            assert_eq!(merged.trim(), "0", "{how}: git {command:?} made a commit");
            bob.sync(&[]);
            check(
                &bob,
                "HEAD",
                &format!("{how}: git {command:?}, then claude-sync"),
            );
            bob.assert_sound();
            assert!(
                !bob.git(&["status"]).contains("in progress"),
                "{how}: {command:?}"
            );
        }
    }
}

#[test]
fn a_path_without_the_tool_changes_nothing_because_the_driver_is_named_by_its_place() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    let mut command = std::process::Command::new("git");
    crate::world::clean(&mut command, &world.path().join("git-home"));
    let git = std::process::Command::new("sh")
        .args(["-c", "command -v git"])
        .output()
        .expect("sh runs")
        .stdout;
    let git = String::from_utf8(git).expect("a path");
    let folder = Path::new(git.trim())
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    command
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .args(["-c", "user.name=T", "-c", "user.email=t@example.invalid"]);
    let ran = crate::world::run(command.arg("-C").arg(bob.repo()).args([
        "pull",
        "-q",
        "--no-rebase",
        "--no-edit",
    ]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    check(&bob, "HEAD", "a PATH without claude-sync");
}

/// The whole disk is full, not only for the driver: nothing is lost, and with room again the next run goes through.
#[test]
fn a_run_on_a_full_disk_loses_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..40));
    let mut command = std::process::Command::new("sh");
    crate::world::clean(&mut command, &ada.home);
    command
        .env("CLAUDE_SYNC_NOW", crate::world::NOON)
        .env("CLAUDE_SYNC_HOSTNAME", "ada")
        .env("CLAUDE_SYNC_HOST", "ada");
    let script = format!("ulimit -f 1; exec '{}'", env!("CARGO_BIN_EXE_claude-sync"));
    let status = command
        .args(["-c", &script])
        .output()
        .expect("sh runs")
        .status;
    assert!(
        !status.success(),
        "files of more than half a kilobyte cannot be written"
    );
    assert_eq!(ada.fleet().0, 3);
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 40);
    ada.assert_sound();
}
