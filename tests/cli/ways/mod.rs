//! Every way in which git can bring two versions together. Whatever the command, the result parses, its manifest was computed from
//! the files beside it, and no record is missing.

mod histories;

use std::fs;
use std::path::Path;

use crate::plain_git::diverged;
use crate::world::{Machine, Ran, World, transcript};

/// Asserts that the commit or tree `rev` holds all eleven requests and a manifest that its files imply.
pub fn check(machine: &Machine, rev: &str, how: &str) {
    let tree = machine
        .git(&["rev-parse", &format!("{rev}^{{tree}}")])
        .trim()
        .to_owned();
    assert_eq!(
        machine
            .try_git(&["grep", "-l", "-e", "<<<<<<<", "-e", ">>>>>>>", &tree])
            .out,
        "",
        "{how} left markers"
    );
    let manifest: serde_json::Value =
        serde_json::from_str(&machine.git(&["show", &format!("{tree}:sync/manifest.json")]))
            .expect("JSON");
    for (key, path) in [("machines", "sync/machines"), ("archive", "sync/archive")] {
        let input = machine.git(&["rev-parse", &format!("{tree}:{path}")]);
        assert_eq!(
            manifest["inputs"][key].as_str(),
            Some(input.trim()),
            "{how}: the manifest was computed from another {path}"
        );
    }
    assert_eq!(
        ids(machine, &tree).len(),
        11,
        "{how}: nine shared requests and two of bob's"
    );
    assert_eq!(
        manifest["global_summary"]["total_requests"], 11,
        "{how}: each counts once"
    );
}

/// The ids of all records in a tree, and nothing that is no line of JSON.
fn ids(machine: &Machine, tree: &str) -> std::collections::BTreeSet<String> {
    let names = machine.git(&["ls-tree", "-r", "--name-only", tree, "sync/archive"]);
    let mut out = std::collections::BTreeSet::new();
    for name in names.lines() {
        for line in machine.git(&["show", &format!("{tree}:{name}")]).lines() {
            let value: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
            out.extend(value["id"].as_str().map(str::to_owned));
        }
    }
    out
}

fn well(ran: &Ran, how: &str) {
    assert!(
        ran.code == 0 && !ran.out.contains("CONFLICT"),
        "{how}:\n{}{}",
        ran.out,
        ran.err
    );
}

/// Runs commands that must succeed without a conflict.
fn run(machine: &Machine, how: &str, commands: &[&[&str]]) {
    for command in commands {
        well(&machine.try_git(command), how);
    }
}

/// One way: from two machines that diverged to one commit.
fn way(how: &str, commands: &[&[&str]]) {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    run(&bob, how, commands);
    check(&bob, "HEAD", how);
    // And the tool agrees: it has nothing to mend.
    let tree = bob.git(&["rev-parse", "HEAD^{tree}"]);
    bob.sync(&[]);
    assert_eq!(
        bob.git(&["rev-parse", "HEAD^{tree}"]),
        tree,
        "{how}: claude-sync makes the same tree"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn merges() {
    way("merge", &[&["merge", "--no-edit", "origin/main"]]);
    way(
        "merge --squash",
        &[
            &["merge", "--squash", "origin/main"],
            &["commit", "-qm", "squashed"],
        ],
    );
    way(
        "merge --no-commit",
        &[
            &["merge", "--no-commit", "--no-ff", "origin/main"],
            &["commit", "-q", "--no-edit"],
        ],
    );
    way(
        "merge -X ours",
        &[&["merge", "--no-edit", "-X", "ours", "origin/main"]],
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn rebases() {
    way("rebase", &[&["rebase", "origin/main"]]);
    way("rebase --apply", &[&["rebase", "--apply", "origin/main"]]);
    way(
        "rebase --onto",
        &[&["rebase", "--onto", "origin/main", "HEAD~1"]],
    );
    way("pull --rebase", &[&["pull", "-q", "--rebase"]]);
    way(
        "cherry-pick",
        &[
            &["branch", "mine"],
            &["reset", "-q", "--hard", "origin/main"],
            &["cherry-pick", "mine"],
        ],
    );
}

#[test]
fn mail() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    let patch = world.path().join("patch");
    fs::write(&patch, bob.git(&["format-patch", "--stdout", "-1"])).expect("written");
    run(
        &bob,
        "am -3",
        &[
            &["reset", "-q", "--hard", "origin/main"],
            &["am", "-q", "-3", &patch.display().to_string()],
        ],
    );
    check(&bob, "HEAD", "am -3");
}

/// Changes that are not committed yet: bob's commit taken back, its files kept.
fn dirty(world: &World) -> Machine<'_> {
    let (_ada, bob) = diverged(world, true);
    bob.git(&["fetch", "-q"]);
    bob.git(&["reset", "-q", "--mixed", "HEAD~1"]);
    bob
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn stashes() {
    for (how, commands) in [
        (
            "stash pop",
            vec![
                vec!["add", "-A"],
                vec!["stash", "-q"],
                vec!["merge", "-q", "--ff-only", "origin/main"],
                vec!["stash", "pop", "-q"],
            ],
        ),
        (
            "pull --rebase --autostash",
            vec![
                vec!["add", "-A"],
                vec!["pull", "-q", "--rebase", "--autostash"],
            ],
        ),
        (
            "checkout -m",
            vec![vec!["checkout", "-q", "-m", "-B", "main", "origin/main"]],
        ),
    ] {
        let world = World::new();
        let bob = dirty(&world);
        for command in commands {
            let ran = bob.try_git(&command);
            well(&ran, how);
            assert!(!ran.err.contains("conflict"), "{how}: {}", ran.err);
        }
        bob.git(&["add", "-A"]);
        bob.git(&["commit", "-qm", "what was not committed"]);
        check(&bob, "HEAD", how);
    }
}

/// Where git calls no driver by design, nothing is lost: the next `claude-sync` finishes what git left.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn where_git_calls_no_driver() {
    // An octopus text-merges; here it gives up, or leaves a manifest of neither side.
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    bob.git(&["branch", "third", "HEAD~1"]);
    bob.git(&["switch", "-q", "third"]);
    bob.write(".claude/projects/p/t.jsonl", &transcript("bobs", 20..22));
    bob.sync(&["--offline"]);
    bob.git(&["switch", "-q", "main"]);
    bob.try_git(&["merge", "--no-edit", "origin/main", "third"]);
    bob.sync(&[]);
    check(&bob, "HEAD", "octopus, then claude-sync");
    bob.assert_sound();

    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    bob.try_git(&["merge", "--no-edit", "-s", "resolve", "origin/main"]);
    bob.sync(&[]);
    check(&bob, "HEAD", "merge -s resolve, then claude-sync");

    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    bob.git(&["merge", "-q", "--no-edit", "-s", "ours", "origin/main"]);
    bob.sync(&[]);
    check(&bob, "HEAD", "merge -s ours, then claude-sync");
}

/// Somebody deletes a file that another machine changes: a conflict for git, not for us.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn modify_against_delete() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    bob.git(&[
        "rm",
        "-q",
        "-r",
        "sync/archive/2026/03/00616461-0000-4000-8000-000000000000",
    ]);
    bob.git(&["commit", "-qm", "delete what is ada's"]);
    let ran = bob.try_git(&["merge", "--no-edit", "origin/main"]);
    assert!(
        ran.out.contains("CONFLICT (modify/delete)"),
        "{}{}",
        ran.out,
        ran.err
    );
    bob.sync(&[]);
    check(&bob, "HEAD", "modify/delete, then claude-sync");
    bob.assert_sound();
}

/// What git itself takes back, the next run brings again.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_git_takes_back_comes_again() {
    let world = World::new();
    let (ada, bob) = diverged(&world, true);
    bob.sync(&[]);
    let all = bob.fleet();
    bob.git(&["revert", "--no-edit", "HEAD"]);
    bob.assert_sound();
    assert!(bob.fleet() < all, "a revert takes records back");
    bob.sync(&[]);
    assert_eq!(bob.fleet(), all, "revert");
    bob.assert_sound();
    // A push by force from a clone that knows nothing of claude-sync.
    let clone = world.path().join("clone");
    world.git(
        world.path(),
        &["clone", "-q", &world.remote(), &clone.display().to_string()],
    );
    world.git(&clone, &["reset", "-q", "--hard", "HEAD~2"]);
    world.git(&clone, &["push", "-q", "--force"]);
    ada.sync(&[]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet(), bob.fleet()), (all, all), "a forced push");
    let root = Path::new("remote.git");
    world.git(&world.path().join(root), &["fsck", "--strict"]);
    // A remote that begins anew, from another root.
    fs::remove_dir_all(world.path().join("remote.git")).expect("gone");
    world.git(
        world.path(),
        &["init", "-q", "--bare", "-b", "main", "remote.git"],
    );
    let cyd = world.machine("cyd");
    cyd.init().sync(&[]);
    ada.sync(&[]);
    bob.sync(&[]);
    cyd.sync(&[]);
    for machine in [&ada, &bob, &cyd] {
        machine.sync(&[]);
        assert_eq!(machine.fleet(), all, "a remote that began anew");
        machine.assert_sound();
    }
}

/// A merge on the server: a bare repository without info/attributes knows no driver, and what it text-merges has markers or a stale
/// manifest. Whoever syncs next ends it.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_merge_on_the_server() {
    let world = World::new();
    let (ada, bob) = diverged(&world, true);
    let remote = world.path().join("remote.git");
    bob.git(&["push", "-q", "--no-verify", "origin", "HEAD:side"]);
    let merged = world.try_git(&remote, &["merge-tree", "--write-tree", "main", "side"]);
    assert_eq!(merged.code, 1, "the manifests conflict as text");
    let tree = merged.out.lines().next().expect("a tree with markers");
    let commit = world.git(
        &remote,
        &[
            "commit-tree",
            tree,
            "-p",
            "main",
            "-p",
            "side",
            "-m",
            "Merge pull request",
        ],
    );
    world.git(&remote, &["update-ref", "refs/heads/main", commit.trim()]);
    let ran = ada.sync(&[]);
    assert!(
        ran.out.contains("Repaired 1 file with conflict markers"),
        "{}{}",
        ran.out,
        ran.err
    );
    bob.sync(&[]);
    for machine in [&ada, &bob] {
        check(machine, "HEAD", "a merge on the server");
        machine.assert_sound();
    }
    assert_eq!(
        ada.git(&["rev-parse", "HEAD^{tree}"]),
        bob.git(&["rev-parse", "HEAD^{tree}"])
    );
}
