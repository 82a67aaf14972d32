//! Where no driver ran: a clone without the tool, a merge on a web page, a person who commits conflict markers. The next run, or
//! `claude-sync resolve`, recognises it, says so, and ends it.

use std::fs;

use crate::plain_git::diverged;
use crate::ways::check;
use crate::world::{Machine, World, transcript};

/// Two machines that diverged, of which bob's clone knows no driver.
fn without_driver(world: &World) -> (Machine<'_>, Machine<'_>) {
    let (ada, bob) = diverged(world, true);
    bob.git(&["fetch", "-q"]);
    bob.git(&["config", "--remove-section", "merge.claude-sync"]);
    (ada, bob)
}

fn is_over(machine: &Machine, how: &str) {
    let status = machine.git(&["status"]);
    for word in [
        "rebase in progress",
        "merging",
        "cherry-pick",
        "revert",
        "am session",
        "Unmerged",
        "unmerged",
    ] {
        assert!(!status.contains(word), "{how} is not over:\n{status}");
    }
    machine.assert_sound();
}

fn ended(how: &str, prepare: &[&[&str]], conflict: &[&str], said: &str) {
    for command in ["", "resolve"] {
        let world = World::new();
        let (_ada, bob) = without_driver(&world);
        for args in prepare {
            bob.git(args);
        }
        assert_ne!(
            bob.try_git(conflict).code,
            0,
            "{how} conflicts where no driver runs"
        );
        let args: &[&str] = if command.is_empty() {
            &[]
        } else {
            &["resolve"]
        };
        let ran = bob.sync(args);
        assert!(ran.out.contains(said), "{how}: {}", ran.out);
        is_over(&bob, how);
        check(&bob, "HEAD", how);
        bob.sync(&[]);
        check(&bob, "HEAD", how);
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_merge_with_conflicts() {
    ended(
        "merge",
        &[],
        &["merge", "origin/main"],
        "Finished the merge",
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_rebase_with_conflicts_in_each_step() {
    ended(
        "rebase",
        &[],
        &["rebase", "origin/main"],
        "Finished the rebase",
    );
    ended(
        "rebase --apply",
        &[],
        &["rebase", "--apply", "origin/main"],
        "Finished the rebase",
    );
    let world = World::new();
    let (_ada, bob) = without_driver(&world);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..24)),
    );
    bob.sync_at("2026-03-10T13:00:00Z", &["--offline"]);
    bob.git(&["config", "--remove-section", "merge.claude-sync"]);
    assert_ne!(bob.try_git(&["rebase", "origin/main"]).code, 0);
    bob.sync(&["resolve"]);
    is_over(&bob, "two steps");
    assert_eq!(bob.fleet().0, 13);
    let subjects = bob.git(&["log", "--format=%s", "origin/main..HEAD"]);
    assert_eq!(
        subjects.lines().count(),
        2,
        "each step is still a commit: {subjects}"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_cherry_pick_with_conflicts() {
    ended(
        "cherry-pick",
        &[
            &["branch", "mine"],
            &["reset", "-q", "--hard", "origin/main"],
        ],
        &["cherry-pick", "mine"],
        "Finished the cherry-pick",
    );
}

/// A revert takes records back; ending it brings them again.
#[test]
fn a_revert_with_conflicts() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["pull", "-q"]);
    bob.git(&["config", "--remove-section", "merge.claude-sync"]);
    assert_ne!(bob.try_git(&["revert", "--no-edit", "HEAD^1^"]).code, 0);
    let ran = bob.sync(&["resolve"]);
    assert!(ran.out.contains("Finished the revert"), "{}", ran.out);
    check(&bob, "HEAD", "revert");
    is_over(&bob, "revert");
}

#[test]
fn a_stash_with_conflicts() {
    let world = World::new();
    let (_ada, bob) = without_driver(&world);
    for args in [
        vec!["reset", "-q", "--mixed", "HEAD~1"],
        vec!["add", "-A"],
        vec!["stash", "-q"],
        vec!["merge", "-q", "--ff-only", "origin/main"],
    ] {
        bob.git(&args);
    }
    assert_ne!(bob.try_git(&["stash", "pop"]).code, 0);
    let ran = bob.sync(&[]);
    assert!(
        ran.out.contains("Finished the merge of unmerged files"),
        "{}",
        ran.out
    );
    check(&bob, "HEAD", "stash pop");
    is_over(&bob, "stash pop");
}

/// Conflict markers that somebody committed: in the manifest, and in the files of an id that two computers use.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn markers_that_were_committed() {
    for style in ["merge", "diff3", "zdiff3"] {
        let world = World::new();
        let (ada, bob) = without_driver(&world);
        bob.git(&["reset", "-q", "--hard", "HEAD~2"]);
        bob.write(".claude/machine_id", "00616461-0000-4000-8000-000000000000");
        bob.sync(&["--offline", "--mode=full"]);
        bob.git(&["config", "--remove-section", "merge.claude-sync"]);
        bob.git(&["config", "merge.conflictStyle", style]);
        bob.try_git(&["merge", "origin/main"]);
        bob.git(&["add", "-A"]);
        bob.git(&["commit", "-q", "--no-edit"]);
        bob.git(&["push", "-q", "--no-verify"]);
        let marked = bob
            .try_git(&["grep", "-l", "<<<<<<<", "HEAD", "--", "sync"])
            .out;
        for file in [
            "10.jsonl",
            "00616461-0000-4000-8000-000000000000.json",
            "manifest.json",
        ] {
            assert!(
                marked.contains(file),
                "{style}: {file} has markers:\n{marked}"
            );
        }
        let ran = ada.sync(&[]);
        assert!(ran.out.contains("Repaired "), "{}{}", ran.out, ran.err);
        check(&ada, "HEAD", style);
        ada.assert_sound();
        bob.sync(&[]);
        check(&bob, "HEAD", style);
        ada.sync(&[]);
        assert_eq!(
            ada.git(&["rev-parse", "HEAD^{tree}"]),
            bob.git(&["rev-parse", "HEAD^{tree}"]),
            "{style}"
        );
    }
}

/// A rebase that its owner stopped is theirs to end.
#[test]
fn a_stop_on_purpose_is_left_alone() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    let editor = world.path().join("editor");
    fs::write(&editor, "#!/bin/sh\nsed -i 's/^pick/edit/' \"$1\"\n").expect("written");
    bob.git(&[
        "-c",
        &format!("sequence.editor=sh {}", editor.display()),
        "rebase",
        "-q",
        "-i",
        "HEAD~1",
    ]);
    assert_eq!(bob.try_sync(crate::world::NOON, &["resolve"]).code, 4);
    let ran = bob.sync(&[]);
    assert!(
        ran.err.contains("a rebase is unfinished there"),
        "{}",
        ran.err
    );
    assert!(
        bob.git(&["status"]).contains("rebase in progress"),
        "nothing was touched"
    );
    bob.git(&["rebase", "--abort"]);
    bob.sync(&[]);
    check(&bob, "HEAD", "after the stop");
}

#[test]
fn with_nothing_to_resolve() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let head = machine.head();
    let ran = machine.sync(&["resolve"]);
    assert_eq!(
        (ran.out.as_str(), machine.head()),
        ("Nothing to resolve.\n", head)
    );
}
