//! What people do with git itself: clone, pull, rebase, revert. The result is what `claude-sync` computes, with hooks and without.

use std::fs;

use crate::world::{Machine, World, transcript};

/// Two machines that both changed since they last met: ada pushed, bob committed only.
pub fn diverged(world: &World, hooks: bool) -> (Machine<'_>, Machine<'_>) {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..3));
    ada.init().sync(&[]);
    // Bob clones by hand; his first run takes the clone as it is.
    fs::create_dir_all(bob.repo().parent().expect("a parent")).expect("a folder");
    world.git(
        world.path(),
        &[
            "clone",
            "-q",
            &world.remote(),
            &bob.repo().display().to_string(),
        ],
    );
    bob.init().sync(&[]);
    ada.sync(&[]);
    for machine in [&ada, &bob] {
        if !hooks {
            machine.git(&["config", "core.hooksPath", "/dev/null"]);
        }
    }
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.sync(&[]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..22)),
    );
    bob.sync(&["--offline"]);
    (ada, bob)
}

fn check(world: &World, ada: &Machine, bob: &Machine, how: &str) {
    assert_eq!(
        bob.try_git(&["grep", "-l", "<<<<<<<", "HEAD"]).out,
        "",
        "{how} left markers"
    );
    bob.assert_sound();
    assert_eq!(
        bob.fleet().0,
        11,
        "{how}: nine shared requests and two of bob's"
    );
    let manifest = bob.manifest();
    assert_eq!(
        bob.manifest_json()["sessions_index"]["shared"]["conflict_status"],
        "resolved"
    );
    bob.sync(&[]);
    assert_eq!(
        bob.manifest(),
        manifest,
        "{how}: claude-sync computes the same manifest"
    );
    world.git(&world.path().join("remote.git"), &["fsck", "--strict"]);
    ada.git(&["pull", "-q"]);
    assert_eq!(
        ada.manifest(),
        manifest,
        "{how}: and so does the other machine"
    );
    ada.assert_sound();
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pull_merges_without_a_conflict() {
    for hooks in [true, false] {
        let world = World::new();
        let (ada, bob) = diverged(&world, hooks);
        let ran = bob.try_git(&["pull"]);
        assert_eq!(
            (ran.code, ran.out.contains("CONFLICT")),
            (0, false),
            "{}{}",
            ran.out,
            ran.err
        );
        assert!(
            !ran.err.contains("claude-sync:"),
            "the hook finds nothing to complain about: {}",
            ran.err
        );
        bob.git(&["push", "-q"]);
        check(&world, &ada, &bob, "pull");
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn pull_rebase_replays_without_a_conflict() {
    for hooks in [true, false] {
        let world = World::new();
        let (ada, bob) = diverged(&world, hooks);
        let ran = bob.try_git(&["pull", "--rebase"]);
        assert_eq!(
            (ran.code, ran.out.contains("CONFLICT")),
            (0, false),
            "{}{}",
            ran.out,
            ran.err
        );
        bob.git(&["push", "-q"]);
        check(&world, &ada, &bob, "pull --rebase");
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn both_ways_of_pulling_leave_the_tree_that_the_tool_makes() {
    let tree = |how: &[&str]| {
        let world = World::new();
        let (_ada, bob) = diverged(&world, true);
        match how {
            [] => drop(bob.sync(&[])),
            how => drop(bob.git(how)),
        }
        bob.git(&["rev-parse", "HEAD^{tree}"])
    };
    let by_tool = tree(&[]);
    assert_eq!(tree(&["pull", "-q"]), by_tool);
    assert_eq!(tree(&["pull", "-q", "--rebase"]), by_tool);
}

// The rule: the driver takes the trees from the manifests' own inputs, the base's among them. By labels, HEADs or the work tree, or without the
// base, revert and cherry-pick came out with a manifest of other trees.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn revert_and_cherry_pick_keep_the_manifest_true() {
    let world = World::new();
    let (ada, bob) = diverged(&world, true);
    bob.git(&["pull", "-q", "--rebase"]);
    bob.git(&["push", "-q"]);
    ada.git(&["pull", "-q"]);
    // Not the newest: both sides have changed the manifest since, so git calls the driver.
    let mine = ada.git(&["log", "--format=%H", "--grep=Machine: 00616461"]);
    let older = mine.lines().next().expect("a commit of ada's").to_owned();
    ada.git(&["revert", "--no-edit", &older]);
    ada.assert_sound();
    let less = ada.fleet().0;
    assert!(less < 11, "git itself takes records back");
    ada.git(&["revert", "--no-edit", "HEAD"]);
    ada.assert_sound();
    assert_eq!(ada.fleet().0, 11);
    ada.git(&["reset", "-q", "--hard", "HEAD~2"]);
    ada.git(&["switch", "-q", "-c", "side", &format!("{older}~1")]);
    ada.write(".claude/projects/p/t.jsonl", &transcript("third", 30..32));
    ada.git(&["config", "claude-sync.branch", "side"]);
    ada.sync(&["--offline"]);
    ada.git(&["config", "claude-sync.branch", "main"]);
    ada.git(&["switch", "-q", "main"]);
    ada.git(&["cherry-pick", "side"]);
    ada.assert_sound();
    assert_eq!(ada.fleet().0, 13);
}

#[test]
fn a_stale_manifest_is_told_by_the_hook_and_mended_by_the_next_run() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    // A manifest that nobody computed, as after a merge on a web page.
    bob.git(&["config", "--unset", "merge.claude-sync.driver"]);
    bob.git(&["config", "merge.claude-sync.driver", "true"]);
    let ran = bob.try_git(&["pull"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains(
            "claude-sync: after this merge, the manifest is out of date. Run: claude-sync"
        ),
        "{}",
        ran.err
    );
    bob.sync(&[]);
    bob.assert_sound();
    assert_eq!(bob.fleet().0, 11);
}

#[test]
fn a_driver_that_is_gone_stops_git_and_loses_nothing() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, false);
    let before = bob.head();
    bob.git(&[
        "config",
        "merge.claude-sync.driver",
        "'/nowhere/claude-sync' merge-driver %O %A %B %P || exit 129",
    ]);
    let ran = bob.try_git(&["pull"]);
    assert_ne!(ran.code, 0);
    assert_eq!(bob.head(), before);
    // Before 2.42 a driver that gives up is an ordinary conflict, which the next run ends.
    if world.git_is(2, 42) {
        assert_eq!(bob.git(&["status", "--porcelain"]), "");
    }
    bob.sync(&[]);
    bob.assert_sound();
    assert_eq!(bob.fleet().0, 11);
}

#[test]
fn set_up_is_put_right_by_every_run_and_leaves_a_users_lines_alone() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.init().sync(&[]);
    let attributes = machine.repo().join(".git/info/attributes");
    let driver = machine.git(&["config", "merge.claude-sync.driver"]);
    assert!(
        driver
            .trim_end()
            .ends_with("merge-driver %O %A %B %P || exit 129")
            && driver.starts_with("'/"),
        "{driver}"
    );
    fs::write(&attributes, "*.md text\n").expect("written");
    machine.git(&["config", "--unset", "merge.claude-sync.driver"]);
    for _ in 0..2 {
        machine.sync(&[]);
        insta::assert_snapshot!(
            "info_attributes",
            fs::read_to_string(&attributes).expect("there")
        );
        assert_eq!(machine.git(&["config", "merge.claude-sync.driver"]), driver);
    }
    assert_eq!(
        machine.git(&["check-attr", "merge", "text", "--", "sync/archive/x"]),
        "sync/archive/x: merge: claude-sync\nsync/archive/x: text: unset\n"
    );
}
