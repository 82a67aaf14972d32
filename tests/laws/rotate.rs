//! Another key for the fleet: everything is sealed anew, nobody loses anything, and the old key opens nothing that comes later.

use std::collections::BTreeSet;
use std::fs;

use claude_sync::base::key::Key;
use claude_sync::format::sealed::{Seal, mark};

use crate::laws::attacker::Pusher;
use crate::laws::world::{Machine, NOON, World, transcript};

const AT_REST: &str = "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}";

fn key(machine: &Machine) -> Key {
    Key::parse(machine.sync(&["key", "show"]).out.trim()).expect("a key")
}

/// Three machines of an encrypted fleet, with 5, 4 and 3 requests. The others know of encryption by the key alone.
fn three(world: &World) -> [Machine<'_>; 3] {
    let machines = ["ada", "bob", "eve"].map(|name| world.machine(name));
    for (at, machine) in machines.iter().enumerate() {
        let from = u32::try_from(at).expect("small") * 10;
        machine.write(
            ".claude/projects/p/s.jsonl",
            &transcript(["adas", "bobs", "eves"][at], from..from + 5 - from / 10),
        );
        if at == 0 {
            machine.write(".config/claude-sync/config.json", AT_REST);
            machine.sync(&["key", "init"]);
        } else {
            machine.sync(&[
                "key",
                "import",
                "--for",
                "sealing",
                key(&machines[0]).text().as_str(),
            ]);
        }
        machine.init().sync(&[]);
    }
    machines.iter().for_each(|machine| drop(machine.sync(&[])));
    machines
}

/// The marks of the keys of all sealed files that the remote has, whatever leads to them.
fn marks(world: &World) -> BTreeSet<String> {
    let remote = world.path().join("remote.git");
    world.git(&remote, &["reflog", "expire", "--expire=now", "--all"]);
    world.git(&remote, &["gc", "-q", "--prune=now"]);
    let all = world.git(
        &remote,
        &[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname) %(objecttype)",
        ],
    );
    let blobs = all.lines().filter_map(|line| line.strip_suffix(" blob"));
    blobs
        .filter_map(|id| mark(world.git(&remote, &["cat-file", "blob", id]).as_bytes()))
        .collect()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn three_machines_change_the_key_and_one_is_away() {
    let world = World::new();
    let [ada, bob, eve] = three(&world);
    let old = key(&ada);
    // Eve is away, and works.
    eve.write(
        ".claude/projects/p/t.jsonl",
        &transcript("evesaway", 30..33),
    );
    eve.sync(&["--offline"]);
    fs::remove_dir_all(eve.home.join(".claude/projects")).expect("Claude Code deletes transcripts");
    let refused = ada.try_sync(NOON, &["key", "rotate"]);
    assert_eq!(
        (refused.code, refused.err.contains("--yes")),
        (2, true),
        "{}",
        refused.err
    );
    let ran = ada.sync(&["key", "rotate", "--yes"]);
    let new = key(&ada);
    assert!(
        ran.out.contains(&new.mark()) && ran.out.contains("claude-sync key import"),
        "{}",
        ran.out
    );
    assert_ne!(new.mark(), old.mark());
    assert_eq!(ada.fleet().0, 12);
    assert_eq!(
        marks(&world),
        BTreeSet::from([new.mark()]),
        "all is sealed with the new key, and the old history is gone"
    );
    assert_eq!(ada.git(&["rev-list", "--count", "HEAD"]).trim(), "1");
    // The others commit, and wait.
    for (machine, session, wanted) in [(&bob, "bobwaits", 14), (&eve, "evewaits", 17)] {
        machine.write(
            ".claude/projects/p/u.jsonl",
            &transcript(session, if wanted == 14 { 40..42 } else { 50..52 }),
        );
        for _ in 0..2 {
            let ran = machine.try_sync(NOON, &[]);
            assert_eq!(ran.code, 7, "{}{}", ran.out, ran.err);
            assert!(
                ran.err.contains(&new.mark()) && ran.err.contains("claude-sync key import"),
                "{}",
                ran.err
            );
        }
        assert_eq!(machine.fleet().0, wanted, "{}", machine.name);
    }
    fs::remove_dir_all(bob.home.join(".claude/projects")).expect("Claude Code deletes transcripts");
    for machine in [&bob, &eve] {
        let other = Key::random().expect("randomness");
        assert_eq!(
            machine
                .try_sync(NOON, &["key", "import", &other.text()])
                .code,
            9,
            "another key is not taken for the new one"
        );
        machine.sync(&["key", "import", &new.text()]);
        machine.sync(&[]);
    }
    for machine in [&ada, &bob, &eve, &ada, &bob] {
        machine.sync(&[]);
    }
    for machine in [&ada, &bob, &eve] {
        assert_eq!(
            machine.fleet().0,
            12 + 3 + 2 + 2,
            "{}: nothing is lost",
            machine.name
        );
        let ran = machine.try_sync(NOON, &["verify", "--read-data"]);
        assert_eq!(ran.code, 0, "{}", ran.out);
        let clone = world.stored(&machine.repo());
        assert!(
            !clone.contains(&format!("claude-sync-sealed 1 {}", old.mark())),
            "{}: the old history left the clone",
            machine.name
        );
    }
    assert_eq!(ada.manifest(), eve.manifest());
    assert_eq!(
        marks(&world),
        BTreeSet::from([new.mark()]),
        "the old key opens nothing new"
    );
    // Whoever joins later needs the new key alone.
    let dan = world.machine("dan");
    dan.sync(&["key", "import", &new.text()]);
    dan.init().sync(&[]);
    assert_eq!(dan.fleet().0, 19);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_the_old_key_seals_later_is_left_out() {
    let world = World::new();
    let [ada, bob, _] = three(&world);
    let old = key(&ada);
    let pusher = Pusher::new(&world);
    let path = pusher
        .paths()
        .into_iter()
        .find(|path| path.contains("/archive/"))
        .expect("a day file");
    let before = pusher.show(&path);
    ada.sync(&["key", "rotate", "--yes"]);
    let seal = Seal::new(&old);
    let text = String::from_utf8(seal.open(before.as_bytes()).expect("opens")).expect("text");
    let more = text.replace("\"output_tokens\":10", "\"output_tokens\":99");
    for text in [text, more] {
        pusher.put(&[(&path, Some(&seal.seal(&path, text.as_bytes())))]);
        let ran = ada.sync(&[]);
        assert!(
            ran.err.contains(&path) && ran.err.contains("a key that was replaced"),
            "{}{}",
            ran.out,
            ran.err
        );
        assert_eq!(ada.fleet().0, 12);
    }
    // A machine that did not follow yet is not led on by a statement that somebody takes away.
    let waits = bob.try_sync(NOON, &[]);
    assert_eq!(waits.code, 7, "{}", waits.err);
    pusher.put(&[(&format!("sync/keys/{}", old.mark()), None)]);
    bob.write(
        ".claude/projects/p/u.jsonl",
        &transcript("bobwaits", 40..42),
    );
    let waits = bob.try_sync(NOON, &[]);
    assert_eq!(waits.code, 7, "{}", waits.err);
    ada.sync(&[]);
    assert!(
        pusher
            .paths()
            .contains(&format!("sync/keys/{}", old.mark())),
        "ada puts it back"
    );
}

// Before a machine heard of the new key its owner may import it: nothing is lost either.
#[test]
fn the_new_key_may_come_before_the_new_history() {
    let world = World::new();
    let [ada, bob, _] = three(&world);
    bob.write(".claude/projects/p/t.jsonl", &transcript("bobmore", 30..33));
    bob.sync(&["--offline"]);
    ada.sync(&["key", "rotate", "--yes"]);
    bob.sync(&["key", "import", "--replace", &key(&ada).text()]);
    bob.sync(&["--offline"]);
    assert_eq!(bob.fleet().0, 15);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (15, 15));
    assert_eq!(marks(&world), BTreeSet::from([key(&ada).mark()]));
}

/// Two machines that each push a new history under a key of their own would replace each other's
/// for ever.
#[test]
fn of_two_new_keys_the_one_that_the_remote_has_first_holds() {
    let world = World::new();
    let [ada, bob, _] = three(&world);
    let remote = world.path().join("remote.git");
    let refuse = |on| world.git(&remote, &["config", "receive.denyNonFastForwards", on]);
    refuse("true");
    ada.try_sync(NOON, &["key", "rotate", "--yes"]);
    refuse("false");
    bob.sync(&["key", "rotate", "--yes"]);
    let holds = key(&bob);
    for _ in 0..2 {
        let ran = ada.try_sync(NOON, &[]);
        assert!(ran.code == 7 && ran.err.contains(&holds.mark()), "{ran:?}");
        bob.sync(&[]);
        assert_eq!(bob.fleet().0, 12);
    }
    ada.sync(&["key", "import", &holds.text()]);
    ada.sync(&[]);
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (12, 12));
    assert_eq!(marks(&world), BTreeSet::from([holds.mark()]));
}

#[test]
fn a_key_is_not_replaced_where_that_would_lose_something() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
    ada.init().sync(&[]);
    assert_eq!(
        ada.try_sync(NOON, &["key", "rotate", "--yes"]).code,
        9,
        "there is no key"
    );
    ada.sync(&["key", "init"]);
    let before = key(&ada);
    let ran = ada.try_sync(NOON, &["key", "rotate", "--yes"]);
    assert!(
        ran.code == 8 && ran.err.contains("not encrypted"),
        "{ran:?}"
    );
    ada.write(".config/claude-sync/config.json", AT_REST);
    ada.sync(&[]);
    fs::rename(
        world.path().join("remote.git"),
        world.path().join("aside.git"),
    )
    .expect("moved");
    let ran = ada.try_sync(NOON, &["key", "rotate", "--yes"]);
    assert!(ran.code == 8 && ran.err.contains("not replaced"), "{ran:?}");
    assert!(key(&ada) == before, "the key is as it was");
    fs::rename(
        world.path().join("aside.git"),
        world.path().join("remote.git"),
    )
    .expect("moved");
    ada.sync(&["key", "rotate", "--yes"]);
    assert_eq!(ada.fleet().0, 5);
}
