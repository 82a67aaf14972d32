//! Tombstones tell no name: not to somebody with a list of names where the fleet has a key. Those of old stay in force.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::canaries::hex;
use crate::world::{Machine, NOON, World, transcript};

fn project(name: &str, session: &'static str, requests: std::ops::Range<u32>) -> String {
    transcript(session, requests).replace(
        "/home/someone/work/shop",
        &format!("/home/someone/work/{name}"),
    )
}

/// Machines that know each other, each with a request of its own in the project heron.
fn fleet<'w, const N: usize>(world: &'w World, names: [&str; N]) -> [Machine<'w>; N] {
    let machines = names.map(|name| world.machine(name));
    for (machine, at) in machines.iter().zip(0..) {
        machine.write(
            ".claude/projects/p/s.jsonl",
            &(transcript(["a", "b", "c"][at as usize], at * 10..at * 10 + 3)
                + &project("heron", ["ha", "hb", "hc"][at as usize], 60 + at..61 + at)),
        );
        machine.init().sync(&[]);
    }
    machines.iter().for_each(|machine| drop(machine.sync(&[])));
    machines
}

fn give_key(from: &Machine, to: &Machine) {
    to.write("fleet.key", &from.sync(&["key", "show"]).out);
    to.sync(&[
        "key",
        "import",
        "--for",
        "names",
        "--file",
        &to.home.join("fleet.key").display().to_string(),
    ]);
}

/// All tombstones in a machine's files: subject and salt.
fn tombstones(machine: &Machine) -> Vec<(String, String)> {
    let pages = machine
        .files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("sync/machines/"));
    let mut out = Vec::new();
    for (_, text) in pages {
        let page: Value = serde_json::from_str(&text).expect("JSON");
        for decision in page["decisions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|decision| decision["kind"] == "forgotten")
        {
            let text = |key: &str| decision[key].as_str().unwrap_or_default().to_owned();
            out.push((text("subject"), text("salt")));
        }
    }
    out
}

/// What somebody finds who reads the repository, and has a list of names.
fn guessed(machine: &Machine) -> Vec<&'static str> {
    let list = ["shop", "heron", "ha", "hb", "hc", "garden"];
    let all = tombstones(machine);
    assert!(!all.is_empty(), "there are tombstones");
    let fits = |name: &&str| {
        all.iter().any(|(subject, salt)| {
            let mut mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).expect("any length");
            mac.update(name.as_bytes());
            let bytes = mac.finalize().into_bytes();
            subject.ends_with(&format!(":{}", hex(&bytes[..16])))
        })
    };
    list.into_iter().filter(fits).collect()
}

fn projects(machine: &Machine) -> String {
    machine.report(&["projects"]).to_string()
}

#[test]
fn with_a_key_a_list_of_names_finds_nothing() {
    let world = World::new();
    let [ada, bob] = fleet(&world, ["ada", "bob"]);
    ada.sync(&["key", "init"]);
    give_key(&ada, &bob);
    ada.sync(&["forget", "--project", "heron", "--session", "b", "--yes"]);
    assert_eq!(guessed(&ada), Vec::<&str>::new());
    // Bob used the project meanwhile, and goes on.
    bob.write(
        ".claude/projects/p/t.jsonl",
        &(project("heron", "later", 80..83) + &transcript("other", 90..92)),
    );
    for machine in [&bob, &ada, &bob] {
        machine.sync(&[]);
        machine.assert_sound();
        assert!(!projects(machine).contains("heron"), "{}", machine.name);
    }
    assert_eq!((ada.fleet().0, bob.fleet().0), (3 + 2, 3 + 2));
    assert_eq!(ada.manifest(), bob.manifest());
    assert!(ada.sync(&["--mode=full"]).out.starts_with("Nothing new"));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_without_the_key_stops_nobody_and_is_told() {
    let world = World::new();
    let [ada, bob, eve] = fleet(&world, ["ada", "bob", "eve"]);
    ada.sync(&["key", "init"]);
    give_key(&ada, &bob);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    let ran = eve.sync(&[]);
    assert!(
        ran.err
            .contains("1 name of sessions or projects were forgotten")
            && ran.err.contains("claude-sync key import"),
        "{}",
        ran.err
    );
    assert!(
        !projects(&eve).contains("heron"),
        "what was synced is known by its ids"
    );
    let doctor = eve.try_sync(NOON, &["doctor", "--offline"]);
    assert!(
        doctor.code == 18 && doctor.out.contains("only the key shows what was forgotten"),
        "{}",
        doctor.out
    );
    // She cannot know what the name is of; who has the key takes it out again, history and all.
    eve.write(
        ".claude/projects/p/t.jsonl",
        &(project("heron", "later", 80..83) + &transcript("other", 90..92)),
    );
    eve.sync(&[]);
    assert!(projects(&eve).contains("heron"));
    bob.sync(&[]);
    assert!(!projects(&bob).contains("heron"));
    let history = world.git(
        &world.path().join("remote.git"),
        &["log", "-p", "--format=", "main"],
    );
    assert!(!history.contains("heron"), "the remote's history has it");
    eve.sync(&["--mode=full"]);
    assert!(!projects(&eve).contains("heron"), "it came back");
    // With the key the rest is known as well.
    give_key(&ada, &eve);
    eve.write(
        ".claude/projects/p/u.jsonl",
        &(project("heron", "last", 110..113) + &transcript("more", 120..121)),
    );
    let ran = eve.sync(&[]);
    assert!(
        !ran.err.contains("forgotten") && !projects(&eve).contains("heron"),
        "{}",
        ran.err
    );
    for machine in [&ada, &bob, &eve] {
        machine.sync(&[]);
        assert_eq!(machine.fleet().0, 9 + 2 + 1, "{}", machine.name);
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), eve.manifest());
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn tombstones_without_a_key_hold_for_machines_that_have_one() {
    let world = World::new();
    let [ada, bob] = fleet(&world, ["ada", "bob"]);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    assert_eq!(
        guessed(&ada),
        ["heron"],
        "without a key a list of names finds what was forgotten, as SECURITY.md says"
    );
    bob.sync(&["key", "init"]);
    bob.write(
        ".claude/projects/p/t.jsonl",
        &project("heron", "later", 80..83),
    );
    bob.sync(&[]);
    give_key(&bob, &ada);
    ada.sync(&["forget", "--session", "b", "--yes"]);
    for machine in [&bob, &ada] {
        machine.sync(&["--mode=full"]);
        assert_eq!(
            (machine.fleet().0, projects(machine).contains("heron")),
            (3, false),
            "{}",
            machine.name
        );
    }
    assert_eq!(guessed(&ada), ["heron"]);
    assert_eq!(ada.manifest(), bob.manifest());
}

#[test]
fn in_an_encrypted_repository_tombstones_are_sealed() {
    let world = World::new();
    let [ada, bob] = fleet(&world, ["ada", "bob"]);
    ada.sync(&["key", "init"]);
    give_key(&ada, &bob);
    ada.sync(&["config", "set", "privacy_settings.encryption", "at-rest"]);
    ada.sync(&[]);
    ada.sync(&["forget", "--project", "heron", "--yes"]);
    let page = "HEAD:sync/machines/00616461-0000-4000-8000-000000000000.json";
    assert!(
        !ada.git(&["show", page]).contains("forgotten"),
        "it is sealed"
    );
    let shown = ada.sync(&["git", "show", "--textconv", page]).out;
    assert!(!shown.contains("heron"), "{shown}");
    bob.sync(&[]);
    assert!(!projects(&bob).contains("heron"));
}
