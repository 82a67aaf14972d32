//! A branch per machine: each pushes its files, and joins all branches for itself.

use crate::world::{Machine, World, transcript};

fn setup<'w>(world: &'w World, name: &str, first: bool) -> Machine<'w> {
    let machine = world.machine(name);
    let remote = world.remote();
    let args: &[&str] = if first {
        &["init", "--branch-per-machine", &remote]
    } else {
        &["init", &remote]
    };
    let ran = machine.sync(args);
    assert!(
        ran.out.contains("Each machine pushes its own branch"),
        "{}",
        ran.out
    );
    machine
}

fn tree(machine: &Machine) -> String {
    machine.git(&["rev-parse", "HEAD^{tree}"])
}

#[test]
fn all_branches_make_one_fleet() {
    let world = World::new();
    let ada = setup(&world, "ada", true);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.sync(&[]);
    let bob = setup(&world, "bob", false);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("shared", 4..9) + &transcript("bobs", 20..22)),
    );
    bob.sync(&[]);
    let cyd = setup(&world, "cyd", false);
    cyd.sync(&["--download-all"]);
    assert_eq!(cyd.fleet().0, 11);
    ada.sync(&[]);
    for machine in [&ada, &bob, &cyd] {
        machine.assert_sound();
        assert_eq!(
            (machine.fleet().0, tree(machine)),
            (11, tree(&ada)),
            "{}",
            machine.name
        );
    }
    let remote = world.path().join("remote.git");
    let branches = world.git(&remote, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(
        branches,
        "refs/heads/machines/00616461-0000-4000-8000-000000000000\nrefs/heads/machines/00626f62-0000-4000-8000-000000000000\n",
        "who only downloads pushes nothing, and nobody pushes main"
    );
    let files = world.git(
        &remote,
        &[
            "ls-tree",
            "-r",
            "--name-only",
            "machines/00626f62-0000-4000-8000-000000000000",
        ],
    );
    insta::assert_snapshot!("own_branch", files);
    // Nothing new: no commit anywhere.
    let heads = |m: &Machine| m.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    let before = heads(&ada);
    ada.sync(&[]);
    ada.sync(&["--mode=full"]);
    assert_eq!(heads(&ada), before);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_joined_branch_is_pushed_on_request() {
    let world = World::new();
    let ada = setup(&world, "ada", true);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.sync(&["--push-main"]);
    let bob = setup(&world, "bob", false);
    bob.write(".claude/projects/p/s.jsonl", &transcript("shared", 4..9));
    bob.sync(&[]);
    bob.write(".claude/projects/p/s.jsonl", &transcript("shared", 4..10));
    bob.sync(&[]);
    assert_eq!(
        bob.git(&["rev-list", "--count", "HEAD"]).trim(),
        "3",
        "the local join keeps its history, from the newest commit on that it fetched"
    );
    ada.sync(&["--push-main"]);
    bob.sync(&["--push-main"]);
    ada.sync(&[]);
    assert_eq!((tree(&ada), ada.fleet().0), (tree(&bob), 10));
    let there = world.git(
        &world.path().join("remote.git"),
        &["rev-parse", "main^{tree}"],
    );
    assert_eq!(there, tree(&bob));
}

#[test]
fn a_copied_id_is_joined_on_its_branch_too() {
    let world = World::new();
    let ada = setup(&world, "ada", true);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.sync(&[]);
    let copy = setup(&world, "copy", false);
    copy.write(".claude/machine_id", "00616461-0000-4000-8000-000000000000");
    copy.write(".claude/projects/p/s.jsonl", &transcript("other", 10..14));
    copy.sync(&[]);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..8));
    let ran = ada.sync(&[]);
    assert!(
        ran.err
            .contains("Another computer syncs with the id of this one"),
        "{}",
        ran.err
    );
    copy.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, tree(&ada)), (12, tree(&copy)));
}

#[test]
fn offline_and_back() {
    let world = World::new();
    let ada = setup(&world, "ada", true);
    for end in 1..5 {
        ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..end));
        ada.sync(&["--offline"]);
    }
    ada.sync(&[]);
    let bob = setup(&world, "bob", false);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 4);
}

// Only one clone has the records of a branch that was deleted. Unless it pushes them, no other machine sees them.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_one_clone_alone_has_reaches_the_others() {
    let world = World::new();
    let ada = setup(&world, "ada", true);
    ada.write(".claude/projects/p/s.jsonl", &transcript("shared", 0..6));
    ada.sync(&[]);
    let bob = setup(&world, "bob", false);
    bob.write(".claude/projects/p/s.jsonl", &transcript("bobs", 20..22));
    bob.sync(&[]);
    ada.sync(&[]);
    let remote = world.path().join("remote.git");
    let adas = "refs/heads/machines/00616461-0000-4000-8000-000000000000";
    let bobs = "refs/heads/machines/00626f62-0000-4000-8000-000000000000";
    world.git(&remote, &["update-ref", "-d", bobs]);
    let files = || {
        let names = world.git(&remote, &["ls-tree", "-r", "--name-only", adas]);
        names.matches("00626f62").count()
    };
    assert_eq!(files(), 0, "others' files are on others' branches");
    ada.sync(&[]);
    let brought = files();
    assert!(brought > 0);
    let cyd = setup(&world, "cyd", false);
    cyd.sync(&["--download-all"]);
    assert_eq!(cyd.fleet().0, 8);
    // Nothing is taken away again when its owner comes.
    bob.write(".claude/projects/p/s.jsonl", &transcript("bobs", 20..25));
    bob.sync(&[]);
    for _ in 0..2 {
        ada.sync(&[]);
        bob.sync(&[]);
    }
    assert_eq!(files(), brought);
    let tip = world.git(&remote, &["rev-parse", adas]);
    ada.sync(&[]);
    assert_eq!(world.git(&remote, &["rev-parse", adas]), tip);
    cyd.sync(&["--download-all"]);
    for machine in [&ada, &bob, &cyd] {
        machine.assert_sound();
        assert_eq!((machine.fleet().0, tree(machine)), (11, tree(&ada)));
    }
}

// The history of a machine's own branch keeps what is forgotten. Once the branch was deleted on the remote, no push of it was ever accepted again.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_deleted_branch_begins_anew_without_what_was_forgotten() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["init", &world.remote()]);
    ada.sync(&[]);
    let bob = setup(&world, "bob", true);
    bob.write(".claude/projects/p/s.jsonl", &transcript("bobs", 0..4));
    bob.write(".claude/projects/p/t.jsonl", &transcript("kept", 10..13));
    bob.sync(&[]);
    ada.sync(&[]);
    ada.sync(&["forget", "--session", "bobs", "--yes"]);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 3);
    let remote = world.path().join("remote.git");
    let bobs = "refs/heads/machines/00626f62-0000-4000-8000-000000000000";
    let commits = || world.git(&remote, &["rev-list", "--count", bobs]);
    assert_eq!(commits().trim(), "2");
    world.git(&remote, &["update-ref", "-d", bobs]);
    bob.sync(&[]);
    assert_eq!(commits().trim(), "1", "with the forgotten session's commit");
    ada.sync(&[]);
    for machine in [&ada, &bob] {
        machine.assert_sound();
        assert_eq!((machine.fleet().0, tree(machine)), (3, tree(&ada)));
    }
}

// Folded commits are new, and had the forgotten data of old ones: each push was refused from then on.
#[test]
fn a_compacted_branch_begins_anew_without_what_was_forgotten() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.sync(&["init", &world.remote()]);
    ada.sync(&[]);
    let bob = setup(&world, "bob", true);
    for (day, session) in [("10", "bobs"), ("10", "kept"), ("11", "more")] {
        let path = format!(".claude/projects/p/{session}.jsonl");
        bob.write(&path, &transcript(session, 0..2));
        bob.sync_at(&format!("2026-03-{day}T12:00:00Z"), &[]);
    }
    ada.sync(&[]);
    ada.sync(&["forget", "--session", "bobs", "--yes"]);
    bob.write(".claude/projects/p/last.jsonl", &transcript("last", 20..22));
    bob.sync_at("2026-03-11T13:00:00Z", &[]);
    bob.sync_at("2026-03-12T12:00:00Z", &["compact", "--keep", "0d"]);
    bob.write(".claude/projects/p/new.jsonl", &transcript("new", 30..32));
    bob.sync_at("2026-03-12T13:00:00Z", &[]);
    ada.sync(&[]);
    for machine in [&ada, &bob] {
        machine.assert_sound();
        assert_eq!(machine.fleet().0, ada.fleet().0);
    }
    assert_eq!(tree(&bob), tree(&ada));
}
