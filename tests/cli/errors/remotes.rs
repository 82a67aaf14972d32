//! Remotes that are gone, others, or refuse.

use std::fs;

use super::{executable, synced, tell, tell_with};
use crate::world::{World, transcript};

#[test]
fn a_remote_that_is_something_else() {
    let world = World::new();
    let machine = world.machine("ada");
    let seed = world.path().join("seed");
    fs::create_dir_all(&seed).expect("a folder");
    fs::write(seed.join("main.rs"), "fn main() {}").expect("written");
    world.git(&seed, &["init", "-q", "-b", "main"]);
    world.git(&seed, &["add", "."]);
    world.git(&seed, &["commit", "-qm", "somebody's program"]);
    world.git(&seed, &["push", "-q", &world.remote(), "main"]);
    insta::assert_snapshot!(tell(&machine, &["init", &world.remote()]));
    assert!(!machine.repo().exists(), "nothing half-done is left");
    // The same for a remote that is added later, and for the repository's own place.
    machine.sync(&["init"]);
    insta::assert_snapshot!(tell(&machine, &["init", &world.remote()]));
    fs::remove_dir_all(machine.repo()).expect("removed");
    fs::create_dir_all(machine.repo()).expect("a folder");
    fs::write(machine.repo().join("thesis.txt"), "years of work").expect("written");
    insta::assert_snapshot!(tell(&machine, &[]));
    assert!(machine.repo().join("thesis.txt").exists());
}

#[test]
fn a_remote_that_does_not_answer() {
    let world = World::new();
    let machine = synced(&world);
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("gone.git"),
    )
    .expect("renamed");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    insta::assert_snapshot!("remote_gone_sync", tell(&machine, &[]));
    insta::assert_snapshot!("remote_gone_download", tell(&machine, &["--download-all"]));
    let other = world.machine("bob");
    insta::assert_snapshot!("remote_gone_init", tell(&other, &["init", &world.remote()]));
    assert!(!other.repo().exists());
    fs::rename(
        world.path().join("gone.git"),
        world.path().join("remote.git"),
    )
    .expect("renamed");
    insta::assert_snapshot!("remote_back", tell(&machine, &[]));
    assert_eq!(machine.fleet().0, 5);
}

#[test]
fn remotes_that_are_missing_or_others() {
    let world = World::new();
    let machine = world.machine("ada");
    for command in ["--download-all", "resolve"] {
        insta::assert_snapshot!("no_repository", tell(&machine, &[command]));
    }
    let alone = world.machine("bob");
    tell(&alone, &["init", "--yes", "--no-sync"]);
    insta::assert_snapshot!("no_remote", tell(&alone, &["--download-all"]));
    machine.init();
    insta::assert_snapshot!(
        "other_remote",
        tell(
            &machine,
            &["init", "https://me:hunter2@example.invalid/other.git"]
        )
    );
    insta::assert_snapshot!(
        "option_as_remote",
        tell(&machine, &["init", "--", "--upload-pack=evil"])
    );
}

#[test]
fn a_refused_push_stays_queued() {
    let world = World::new();
    let machine = synced(&world);
    executable(
        &world.path().join("remote.git/hooks/pre-receive"),
        "#!/bin/sh\nprintf 'no \\033[31mroom\\n' >&2\nexit 1\n",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    let text = tell(&machine, &[]);
    insta::assert_snapshot!(text);
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn a_push_for_which_the_host_has_no_room() {
    let world = World::new();
    let machine = synced(&world);
    executable(
        &world.path().join("remote.git/hooks/pre-receive"),
        "#!/bin/sh\necho 'error: Repository is above its size quota.' >&2\nexit 1\n",
    );
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    insta::assert_snapshot!(tell(&machine, &[]));
    for command in ["status", "doctor"] {
        let told = tell(&machine, &[command]);
        assert!(told.contains("have the limit raised"), "{command}: {told}");
    }
    let run = ["auto", "run", "--trigger", "timer"];
    let log = tell_with(&machine, "CLAUDE_SYNC_NOW", "2026-03-10T20:00:00Z", &run);
    let state = tell(&machine, &["auto", "status", "--json"]);
    assert!(
        state.contains("the remote did not take the push: its storage is full"),
        "{log}\n{state}"
    );
}
