//! A set-up that goes wrong half-way, or a clone that the user changed: nothing surprises later.

use serde_json::Value;

use crate::world::{Machine, NOON, World, transcript};

/// The machines' labels.
fn labels(machine: &Machine) -> Vec<String> {
    let list = machine.sync(&["machine", "list", "--json"]).out;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let machines = list["machines"].as_array().expect("machines").iter();
    let label = |one: &Value| one["label"].as_str().expect("a label").to_owned();
    machines.map(label).collect()
}

/// An empty repository beside the world's remote.
fn other_remote(world: &World) -> String {
    let init = ["init", "-q", "--bare", "-b", "main", "other.git"];
    world.git(world.path(), &init);
    format!("file://{}", world.path().join("other.git").display())
}

/// The commits of a remote.
fn refs(world: &World, remote: &str) -> String {
    world.git(&world.path().join(remote), &["for-each-ref"])
}

/// A machine whose commits name somebody: the first commits of two fleets are not the same, even within a second.
fn person<'w>(world: &'w World, name: &str) -> Machine<'w> {
    let machine = world.machine(name);
    let identity = format!("[user]\n\tname = {name}\n\temail = {name}@example.invalid\n");
    machine.write(".gitconfig", &identity);
    machine
}

/// A machine of an encrypted fleet, with usage.
fn encrypted<'w>(world: &'w World, name: &str, remote: &str) -> Machine<'w> {
    let machine = person(world, name);
    machine.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..4));
    machine.sync(&["init", remote, "--encrypt"]);
    machine.sync(&[]);
    machine
}

#[test]
fn a_name_waits_for_the_first_sync() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..2));
    // The harness adds --no-sync.
    ada.sync(&["init", &world.remote(), "--name", "laptop"]);
    ada.sync(&[]);
    assert_eq!(labels(&ada), ["laptop"]);
    // Once: a later name holds.
    ada.sync(&["machine", "rename", "ada", "desk"]);
    ada.sync(&[]);
    assert_eq!(labels(&ada), ["desk"]);
    let ran = ada.try_sync(NOON, &["init", "--name", "a\u{7}b"]);
    assert!(
        ran.code == 2 && ran.err.contains("control characters"),
        "{ran:?}"
    );
}

#[test]
fn encryption_in_a_fleet_that_is_clear_names_the_way() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..4));
    ada.init().sync(&[]);
    bob.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..12));
    let ran = bob.try_sync(NOON, &["init", &world.remote(), "--encrypt"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(
        ran.err.contains("this fleet has no key") && ran.err.contains("claude-sync key init"),
        "{}",
        ran.err
    );
    // As it says.
    bob.sync(&["key", "init"]);
    bob.sync(&["init", &world.remote(), "--encrypt"]);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 6);
    let key = bob.sync(&["key", "show"]).out;
    ada.sync(&["key", "import", key.trim()]);
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 6);
}

#[test]
fn an_encrypted_clone_takes_no_other_fleet_over() {
    let world = World::new();
    let other = other_remote(&world);
    let ada = encrypted(&world, "ada", &world.remote());
    encrypted(&world, "bob", &other);
    let before = refs(&world, "other.git");
    ada.git(&["remote", "set-url", "origin", &other]);
    for command in [&[][..], &["compact", "--keep", "1d"]] {
        let ran = ada.try_sync(NOON, command);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(
            ran.err.contains("has the data of another fleet")
                && ran.err.contains("set-url origin file://"),
            "{}",
            ran.err
        );
    }
    assert_eq!(refs(&world, "other.git"), before);
    // A compaction that replaced nothing is not made up for later.
    assert_ne!(ada.try_git(&["config", "claude-sync.compact"]).code, 0);
    ada.git(&["remote", "set-url", "origin", &world.remote()]);
    ada.sync(&[]);
    assert_eq!(ada.fleet().0, 4);
    // A fleet in clear is another one too.
    let clear = person(&world, "eve");
    clear.write(".claude/projects/p/s3.jsonl", &transcript("s3", 20..22));
    world.git(
        world.path(),
        &["init", "-q", "--bare", "-b", "main", "clear.git"],
    );
    let address = format!("file://{}", world.path().join("clear.git").display());
    clear.sync(&["init", &address]);
    clear.sync(&[]);
    let before = refs(&world, "clear.git");
    ada.git(&["remote", "set-url", "origin", &address]);
    assert_eq!(ada.try_sync(NOON, &[]).code, 4);
    assert_eq!(refs(&world, "clear.git"), before);
}

#[test]
fn an_encrypted_fleet_moves_to_an_empty_remote_and_to_a_copy() {
    let world = World::new();
    let other = other_remote(&world);
    let ada = encrypted(&world, "ada", &world.remote());
    ada.git(&["remote", "set-url", "origin", &other]);
    ada.sync(&[]);
    assert_ne!(refs(&world, "other.git"), "");
    // Back to where it was, which lacks what came meanwhile.
    ada.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..12));
    ada.sync(&[]);
    ada.git(&["remote", "set-url", "origin", &world.remote()]);
    ada.sync(&[]);
    assert_eq!(refs(&world, "other.git"), refs(&world, "remote.git"));
}

#[test]
fn a_branch_that_was_reset_hides_nothing_from_reports() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..4));
    ada.init().sync(&[]);
    ada.write(".claude/projects/p/s2.jsonl", &transcript("s2", 10..13));
    ada.sync(&[]);
    let requests = || ada.report(&["daily"])["totals"]["requests"].clone();
    ada.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!((requests(), ada.fleet().0), (7.into(), 7));
    // Usage since then counts too.
    ada.write(".claude/projects/p/s3.jsonl", &transcript("s3", 20..21));
    assert_eq!(requests(), 8);
    // With a commit of the user's own it is said.
    ada.git(&["commit", "-q", "--no-verify", "--allow-empty", "-m", "mine"]);
    let ran = ada.track(&["daily"]);
    assert!(
        ran.code == 0 && ran.err.contains("lacks what this machine synced last"),
        "{ran:?}"
    );
    ada.sync(&[]);
    let ran = ada.track(&["daily", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(requests(), 8);
}
