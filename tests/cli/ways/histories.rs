//! Odd histories and work trees.

use std::fs;

use super::{check, ids, well};
use crate::plain_git::diverged;
use crate::world::{World, transcript};

#[test]
fn without_a_work_tree() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    let tree = bob.git(&["merge-tree", "--write-tree", "HEAD", "origin/main"]);
    check(&bob, tree.trim(), "merge-tree");
    // A bare repository has no .gitattributes to read: its info/attributes must say it.
    let bare = world.path().join("bare.git");
    world.git(
        world.path(),
        &[
            "clone",
            "-q",
            "--bare",
            &bob.repo().display().to_string(),
            "bare.git",
        ],
    );
    fs::create_dir_all(bare.join("info")).expect("a folder");
    fs::copy(
        bob.repo().join(".git/info/attributes"),
        bare.join("info/attributes"),
    )
    .expect("copied");
    let driver = bob.git(&["config", "merge.claude-sync.driver"]);
    world.git(
        &bare,
        &["config", "merge.claude-sync.driver", driver.trim()],
    );
    let (mine, theirs) = (bob.head(), bob.git(&["rev-parse", "origin/main"]));
    world.git(
        &bob.repo(),
        &[
            "push",
            "-q",
            &bare.display().to_string(),
            "origin/main:refs/heads/theirs",
        ],
    );
    let there = world.git(&bare, &["merge-tree", "--write-tree", &mine, theirs.trim()]);
    assert_eq!(there, tree, "in a bare repository with info/attributes");
    let git = world.git(&bob.repo(), &["version"]);
    let numbers: Vec<u32> = git
        .split(['.', ' '])
        .filter_map(|part| part.parse().ok())
        .collect();
    if numbers < vec![2, 44] {
        eprintln!("skipped: git replay comes with git 2.44");
        return;
    }
    let updates = bob.git(&["replay", "--onto", "origin/main", "HEAD~1..main"]);
    let new = updates.split(' ').nth(2).expect("a new commit").to_owned();
    check(&bob, &new, "replay");
}

#[test]
fn linked_worktrees() {
    let world = World::new();
    let (_ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    let linked = world.path().join("linked");
    bob.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        &linked.display().to_string(),
        "main",
    ]);
    well(
        &world.try_git(&linked, &["merge", "--no-edit", "origin/main"]),
        "a linked work tree",
    );
    check(&bob, "side", "a linked work tree");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn criss_cross() {
    let world = World::new();
    let (ada, bob) = diverged(&world, true);
    bob.git(&["fetch", "-q"]);
    let (mine, theirs) = (bob.head(), bob.git(&["rev-parse", "origin/main"]));
    // Two merges of the same two commits, and something new on top of each: two merge bases.
    bob.git(&["switch", "-q", "-c", "x", &mine]);
    bob.git(&["merge", "-q", "--no-edit", theirs.trim()]);
    bob.git(&["switch", "-q", "-c", "y", theirs.trim()]);
    bob.git(&["merge", "-q", "--no-edit", &mine]);
    bob.git(&["config", "claude-sync.branch", "y"]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..23)),
    );
    bob.sync(&["--offline"]);
    bob.git(&["switch", "-q", "x"]);
    bob.git(&["config", "claude-sync.branch", "x"]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..7));
    bob.git(&["branch", "-D", "main"]);
    let bases = bob.git(&["merge-base", "--all", "x", "y"]);
    assert_eq!(bases.lines().count(), 2, "a criss-cross");
    bob.write(".claude/projects/p/t.jsonl", &transcript("late", 50..51));
    bob.sync(&["--offline"]);
    bob.git(&["reset", "-q", "--hard", "x"]);
    well(&bob.try_git(&["merge", "--no-edit", "y"]), "criss-cross");
    bob.assert_sound();
    assert!(ids(&bob, "HEAD").len() >= 12, "nothing is lost");
}

#[test]
fn unrelated_histories() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.init().sync(&[]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..22)),
    );
    bob.sync(&["init"]);
    bob.sync(&[]);
    bob.git(&["remote", "add", "origin", &world.remote()]);
    bob.git(&["fetch", "-q"]);
    well(
        &bob.try_git(&[
            "merge",
            "--no-edit",
            "--allow-unrelated-histories",
            "origin/main",
        ]),
        "unrelated histories",
    );
    check(&bob, "HEAD", "unrelated histories");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_shallow_clone_without_the_base() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..3));
    ada.init().sync(&[]);
    fs::create_dir_all(bob.repo().parent().expect("a parent")).expect("a folder");
    world.git(
        world.path(),
        &[
            "clone",
            "-q",
            "--depth",
            "1",
            &world.remote(),
            &bob.repo().display().to_string(),
        ],
    );
    bob.sync(&["init"]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..22)),
    );
    bob.sync(&["--offline"]);
    for end in [4, 6] {
        ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..end));
        ada.sync(&[]);
    }
    bob.git(&["fetch", "-q", "--depth", "1"]);
    assert_ne!(
        bob.try_git(&["merge-base", "HEAD", "origin/main"]).code,
        0,
        "there is no base here"
    );
    well(
        &bob.try_git(&[
            "merge",
            "--no-edit",
            "--allow-unrelated-histories",
            "origin/main",
        ]),
        "shallow",
    );
    check(&bob, "HEAD", "a shallow clone");
    bob.sync(&[]);
    check(&bob, "HEAD", "a shallow clone after a sync");
}
