//! What a run asks of git, beside a git that the user runs.

use std::fs;

use claude_sync::git::keep::Kept;
use claude_sync::git::{Git, Repo};

use crate::laws::world::{World, transcript};

#[test]
fn gc_waits_while_a_run_makes_objects() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    let repo = Repo::open(&machine.repo()).expect("opens").expect("there");
    let kept = Kept::begin(&repo);
    let loose = repo.write_blob(b"not yet in a tree").expect("stored");
    let ran = machine.try_git(&["gc", "-q", "--prune=now"]);
    assert!(
        ran.code != 0 && ran.err.contains("already running"),
        "{}",
        ran.err
    );
    assert!(
        Repo::open(&machine.repo())
            .expect("opens")
            .expect("there")
            .has(loose)
    );
    drop(kept);
    machine.git(&["gc", "-q", "--prune=now"]);
    assert!(!machine.repo().join(".git/gc.pid").exists());
    // One that a killed run left is no obstacle.
    fs::write(machine.repo().join(".git/gc.pid"), "4194303 nowhere").expect("written");
    machine.sync(&[]);
}

#[test]
fn the_version_of_git_is_found() {
    assert!(Git::find(false).is_ok_and(|git| git.version().starts_with('2')));
}
