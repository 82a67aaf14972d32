//! A pusher without the fleet's key, or the server: nothing leaves in clear, no figure changes, no sync stops.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::attacker::Pusher;
use crate::world::{Machine, NOON, World, transcript};

const AT_REST: &str = "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}";

/// Ids of the two machines, and of one that nobody has.
const ADA: &str = "00616461-0000-4000-8000-000000000000";
const BOB: &str = "00626f62-0000-4000-8000-000000000000";
const EVE: &str = "eeeeeeee-0000-4000-8000-000000000000";

fn configure(machine: &Machine, text: &str) {
    machine.write(".config/claude-sync/config.json", text);
}

fn give_key(from: &Machine, to: &Machine) {
    let key = from.sync(&["key", "show"]).out;
    to.sync(&["key", "import", key.trim()]);
}

/// An encrypted fleet of two, in which both know all.
fn encrypted(world: &World) -> [Machine<'_>; 2] {
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
    bob.write(".claude/projects/p/s.jsonl", &transcript("bobs", 10..14));
    configure(&ada, AT_REST);
    ada.sync(&["key", "init"]);
    ada.init().sync(&[]);
    give_key(&ada, &bob);
    bob.init().sync(&[]);
    ada.sync(&[]);
    [ada, bob]
}

fn remote(world: &World) -> PathBuf {
    world.path().join("remote.git")
}

/// Files below `sync` on the remote's branch that are not encrypted.
fn clear(world: &World) -> String {
    world
        .try_git(
            &remote(world),
            &[
                "grep",
                "-L",
                "^claude-sync-sealed 1 ",
                "main",
                "--",
                "sync/archive",
                "sync/machines",
                "sync/manifest.json",
            ],
        )
        .out
}

fn empty(world: &World) {
    fs::remove_dir_all(remote(world)).expect("removed");
    world.git(
        world.path(),
        &["init", "-q", "--bare", "-b", "main", "remote.git"],
    );
}

fn day(machine: &str, records: &str) -> String {
    format!("{{\"version\":\"1.1\",\"machine\":\"{machine}\",\"day\":\"2026-03-10\"}}\n{records}")
}

fn record(id: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-10T08:00:00.000Z\",\"model\":\"claude-opus-4-8\",\"input_tokens\":1000000,\"output_tokens\":1000000,\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"id\":\"{id}\",\"session\":\"forged\"}}\n"
    )
}

fn page(machine: &str, decisions: &[&str]) -> String {
    format!(
        "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{machine}\",\"hostname\":\"mallory\",\"revision\":900,\"created_at\":\"2020-01-01T00:00:00Z\",\"updated_at\":\"2026-03-10T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{}},\"decisions\":[{}]}}",
        decisions.join(",")
    )
}

/// Requests, output tokens and cost.
fn figures(machine: &Machine) -> [Value; 3] {
    let totals = &machine.report(&["daily"])["totals"];
    ["requests", "outputTokens", "totalCost"].map(|key| totals[key].clone())
}

/// Asserts that a machine syncs new usage and counts what it should, and that the remote has all of it encrypted.
fn goes_on(world: &World, machine: &Machine, from: u32, wanted: u64, what: &str) -> String {
    machine.write(
        ".claude/projects/p/more.jsonl",
        &transcript("more", from..from + 2),
    );
    let ran = machine.try_sync(NOON, &[]);
    assert_eq!(ran.code, 0, "{what}: {}{}", ran.out, ran.err);
    assert_eq!(machine.fleet().0, wanted, "{what}: {}", ran.err);
    assert_eq!(clear(world), "", "{what}: these files are in clear");
    assert!(ran.out.contains("Pushed"), "{what}: {}{}", ran.out, ran.err);
    ran.err
}

// Row a. A machine that had imported the key joined while the remote showed an empty or a rewound repository, and pushed in clear.
#[test]
fn a_machine_with_the_key_never_pushes_in_clear() {
    for how in ["empty", "rewound"] {
        let world = World::new();
        let (ada, bob) = (world.machine("ada"), world.machine("bob"));
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
        bob.write(
            ".claude/projects/p/s.jsonl",
            &transcript("heronbobs", 10..14),
        );
        ada.init().sync(&[]);
        ada.sync(&["key", "init"]);
        configure(&ada, AT_REST);
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..6));
        ada.sync(&[]);
        give_key(&ada, &bob);
        match how {
            "empty" => empty(&world),
            _ => drop(world.git(
                &remote(&world),
                &["update-ref", "refs/heads/main", "main~1"],
            )),
        }
        bob.init().sync(&[]);
        assert!(
            !world.stored(&remote(&world)).contains("heronbobs"),
            "{how}: bob's session left in clear"
        );
        assert_eq!(
            bob.fleet().0,
            4,
            "{how}: a tree in clear is no part of an encrypted fleet"
        );
        ada.sync(&[]);
        bob.sync(&[]);
        assert_eq!((ada.fleet().0, bob.fleet().0), (10, 10), "{how}");
        assert_eq!(clear(&world), "", "{how}: these files are in clear");
        assert_eq!(ada.manifest(), bob.manifest(), "{how}");
    }
}

// Row b. A machine without the key that had met the seal pushed in clear once the remote was empty or rewound.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_that_met_the_seal_pushes_nothing_without_the_key() {
    for how in ["empty", "rewound"] {
        let world = World::new();
        let (ada, bob) = (world.machine("ada"), world.machine("bob"));
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
        ada.init().sync(&[]);
        bob.init().sync(&[]);
        ada.sync(&["key", "init"]);
        configure(&ada, AT_REST);
        ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..6));
        ada.sync(&[]);
        let waits = bob.try_sync(NOON, &[]);
        assert_eq!(waits.code, 7, "{}{}", waits.out, waits.err);
        match how {
            "empty" => empty(&world),
            _ => drop(world.git(
                &remote(&world),
                &["update-ref", "refs/heads/main", "main~1"],
            )),
        }
        bob.write(
            ".claude/projects/p/s.jsonl",
            &transcript("heronbobs", 10..14),
        );
        for args in [&["-q"][..], &[]] {
            let ran = bob.try_sync(NOON, args);
            assert_eq!(ran.code, 19, "{how} {args:?}: {}{}", ran.out, ran.err);
            assert!(
                ran.err.contains("claude-sync key import") && ran.err.contains("--in-clear"),
                "{how}: {}",
                ran.err
            );
        }
        assert!(
            !world.stored(&remote(&world)).contains("heronbobs"),
            "{how}: bob's session left in clear"
        );
        assert_eq!(bob.fleet().0, 9, "{how}: it is committed on bob's machine");
        // A new clone has the mark from the configuration.
        fs::rename(bob.repo(), bob.home.join("aside")).expect("moved");
        bob.init();
        assert_eq!(bob.try_sync(NOON, &[]).code, 19, "{how}");
        assert!(
            !world.stored(&remote(&world)).contains("heronbobs"),
            "{how}: bob's session left in clear"
        );
        // A person may want it all the same, nobody else.
        let ran = bob.try_sync(NOON, &["-q", "--in-clear"]);
        assert_eq!(ran.code, 2, "{how}: {}{}", ran.out, ran.err);
        bob.sync(&["--in-clear"]);
        assert!(world.stored(&remote(&world)).contains("heronbobs"), "{how}");
        bob.write(
            ".claude/projects/p/s.jsonl",
            &transcript("heronbobs", 10..15),
        );
        bob.sync(&["-q"]);
    }
}

// Row c. A plain day file under another machine's id counted as that machine's, and nothing said so.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_plain_day_file_in_an_encrypted_fleet_is_left_out_and_named() {
    let world = World::new();
    let [ada, bob] = encrypted(&world);
    let pusher = Pusher::new(&world);
    let before = figures(&ada);
    let path = format!("sync/archive/2026/03/{BOB}/11.jsonl");
    let text = day(BOB, &record("0123456789abcdef")).replace("2026-03-10", "2026-03-11");
    pusher.put(&[(&path, Some(text.as_bytes()))]);
    // Plain git brings it into the clone: it does not count there either.
    bob.git(&["pull", "-q", "--no-rebase"]);
    assert_eq!(figures(&bob), before);
    let verified = bob.try_sync(NOON, &["verify"]);
    assert_eq!(verified.code, 19, "{}", verified.out);
    assert!(verified.out.contains(&path), "{}", verified.out);
    let told = goes_on(&world, &ada, 30, 11, "a plain day file");
    assert!(
        told.contains(&path) && told.contains("not encrypted"),
        "{told}"
    );
    assert_eq!(
        figures(&ada)[1].as_u64(),
        before[1].as_u64().map(|all| all + 130 + 131)
    );
    // It is named until somebody has seen it, and is in no tree any more.
    assert!(!pusher.paths().contains(&path));
    let verified = ada.try_sync(NOON, &["verify", "--read-data"]);
    assert_eq!(verified.code, 19, "{}", verified.out);
    assert!(verified.out.contains(&path), "{}", verified.out);
    let status: Value = serde_json::from_str(&ada.sync(&["status", "--json"]).out).expect("JSON");
    assert_eq!(
        (
            &status["left_out"][0]["code"],
            &status["left_out"][0]["path"]
        ),
        (&"unsealed".into(), &path.as_str().into()),
        "{status}"
    );
    let conflicts: Value =
        serde_json::from_str(&ada.sync(&["conflicts", "--json"]).out).expect("JSON");
    assert_eq!(
        conflicts["left_out"][0]["path"],
        path.as_str(),
        "{conflicts}"
    );
    assert!(ada.sync(&["conflicts"]).out.contains(&path));
    let doctor: Value =
        serde_json::from_str(&ada.try_sync(NOON, &["doctor", "--json", "--offline"]).out)
            .expect("JSON");
    let check = doctor["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["name"] == "left_out")
        .expect("the check");
    assert_eq!(check["status"], "warning", "{check}");
    ada.sync(&["verify", "--repair"]);
    assert!(
        ada.sync(&["verify", "--read-data"])
            .out
            .contains("All is well")
    );
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 11);
    assert_eq!(ada.manifest(), bob.manifest());
}

// Row d. One plain machine file with a tombstone had the data of all machines forgotten.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn decisions_of_a_plain_machine_file_are_void() {
    let decide = |kind: &str, subject: &str, more: &str| {
        format!("{{\"kind\":\"{kind}\",\"subject\":\"{subject}\",\"revision\":9,{more}}}")
    };
    let price = "\"price\":{\"model\":\"*\",\"multiply\":\"9\"}";
    let attacks = [
        (
            "a tombstone for all days",
            decide("forgotten", "before:2026-03-10", "\"all\":true"),
            EVE,
        ),
        (
            "a tombstone for a machine",
            decide("forgotten", &format!("machine:{ADA}"), "\"all\":true"),
            EVE,
        ),
        (
            "a tombstone in an honest machine's file",
            decide("forgotten", &format!("machine:{BOB}"), "\"all\":true"),
            BOB,
        ),
        (
            "a merge",
            decide("merged", ADA, &format!("\"into\":\"{BOB}\"")),
            EVE,
        ),
        ("a price", decide("price", "price .. *", price), EVE),
        (
            "a label",
            decide("label", ADA, "\"label\":\"mallory\""),
            BOB,
        ),
    ];
    for (what, decision, machine) in attacks {
        let world = World::new();
        let [ada, bob] = encrypted(&world);
        let before = (figures(&ada), ada.report(&["machines"])["machines"].clone());
        let pusher = Pusher::new(&world);
        let path = format!("sync/machines/{machine}.json");
        pusher.put(&[(&path, Some(page(machine, &[&decision]).as_bytes()))]);
        let ran = ada.sync(&[]);
        assert!(ran.err.contains(&path), "{what}: {}{}", ran.out, ran.err);
        let after = (figures(&ada), ada.report(&["machines"])["machines"].clone());
        assert_eq!(after, before, "{what}");
        goes_on(&world, &bob, 30, 11, what);
        ada.sync(&["--mode=full"]);
        assert_eq!(ada.manifest(), bob.manifest(), "{what}");
        assert!(!ada.track(&["machines"]).out.contains("mallory"), "{what}");
    }
}

// Row d. What an earlier version took over came back from `refs/claude-sync/known` when it was deleted, and `restore` did not help.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_an_earlier_version_took_over_is_undone_by_restore() {
    let world = World::new();
    let [ada, bob] = encrypted(&world);
    let good = ada.head();
    // As an earlier version left it: the day files are gone, and the plain file is in every tree that this clone has.
    let pusher = Pusher::new(&world);
    let tombstone =
        "{\"kind\":\"forgotten\",\"subject\":\"before:2026-03-10\",\"revision\":1,\"all\":true}";
    let path = format!("sync/machines/{EVE}.json");
    let text = page(EVE, &[&tombstone.replace("03-10", "04-01")]);
    let gone: Vec<String> = pusher
        .paths()
        .into_iter()
        .filter(|path| path.contains("/archive/"))
        .collect();
    let mut files: Vec<(&str, Option<&[u8]>)> =
        gone.iter().map(|path| (path.as_str(), None)).collect();
    files.push((&path, Some(text.as_bytes())));
    pusher.put(&files);
    for machine in [&ada, &bob] {
        machine.git(&["fetch", "-q"]);
        machine.git(&["reset", "-q", "--hard", "origin/main"]);
        machine.git(&["update-ref", "refs/claude-sync/known", "HEAD"]);
        for name in ["sealed", "converting", "unscreened"] {
            machine.try_git(&["config", "--unset", &format!("claude-sync.{name}")]);
        }
        fs::remove_dir_all(machine.state()).expect("removed");
        fs::remove_dir_all(machine.home.join(".claude/projects"))
            .expect("Claude Code deletes transcripts");
    }
    ada.sync(&[]);
    ada.sync(&["restore", "--from", &good]);
    assert_eq!(ada.fleet().0, 9, "the version of before is back");
    bob.sync(&[]);
    ada.sync(&["--mode=full"]);
    for machine in [&ada, &bob] {
        assert_eq!(
            machine.fleet().0,
            9,
            "{}: nobody brings the attack back",
            machine.name
        );
        assert!(!machine.files().contains_key(&path), "{}", machine.name);
    }
    assert!(!pusher.paths().contains(&path));
}

// Row f. One file that claimed another key or a later format, or an entry that git refuses, stopped every machine's sync.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn one_file_stops_no_machine_of_an_encrypted_fleet() {
    let other = "claude-sync-sealed 1 00000000 PATH\nAAAA\n= AAAA\n";
    let later = "claude-sync-sealed 2 00000000 PATH\nAAAA\n";
    let manifest = "{\"version\":\"2.0\",\"machines\":{}}";
    let (page, days) = (
        format!("sync/machines/{BOB}.json"),
        format!("sync/archive/2026/03/{BOB}/10.jsonl"),
    );
    let mut attacks: Vec<(String, String, String)> = Vec::new();
    for path in [
        page.as_str(),
        &days,
        "sync/manifest.json",
        &format!("sync/machines/{EVE}.json"),
        &format!("sync/archive/2026/03/{EVE}/10.jsonl"),
    ] {
        attacks.push((
            format!("another key: {path}"),
            path.to_owned(),
            other.replace("PATH", path),
        ));
        attacks.push((
            format!("a later sealing: {path}"),
            path.to_owned(),
            later.replace("PATH", path),
        ));
        attacks.push((
            format!("a later format: {path}"),
            path.to_owned(),
            manifest.to_owned(),
        ));
    }
    let world = World::new();
    let [ada, bob] = encrypted(&world);
    let pusher = Pusher::new(&world);
    // Its own key, with nothing of it: whoever can read a file can write its first line.
    let mark = pusher
        .show(&page)
        .split(' ')
        .nth(2)
        .expect("a mark")
        .to_owned();
    for path in [
        page.as_str(),
        &days,
        &format!("sync/machines/{EVE}.json"),
        &format!("sync/archive/2026/03/{EVE}/10.jsonl"),
    ] {
        attacks.push((
            format!("damaged: {path}"),
            path.to_owned(),
            other.replace("PATH", path).replace("00000000", &mark),
        ));
    }
    // A file of another place.
    attacks.push((
        "moved".to_owned(),
        format!("sync/archive/2026/03/{EVE}/10.jsonl"),
        pusher.show(&days),
    ));
    attacks.push((
        "moved over another".to_owned(),
        format!("sync/archive/2026/03/{ADA}/10.jsonl"),
        pusher.show(&days),
    ));
    let mut wanted = 9;
    for (at, (what, path, text)) in attacks.iter().enumerate() {
        pusher.put(&[(path, Some(text.as_bytes()))]);
        wanted += 2;
        ada.write(".claude/projects/p/more.jsonl", "");
        let told = goes_on(
            &world,
            &ada,
            100 + 10 * u32::try_from(at).expect("small"),
            wanted,
            what,
        );
        assert!(told.contains(path.as_str()), "{what}: {told}");
        assert_eq!(
            ada.report(&["machines"])["machines"]
                .as_array()
                .map(Vec::len),
            Some(2),
            "{what}"
        );
    }
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, wanted);
    assert_eq!(ada.manifest(), bob.manifest());
    odd_names(&world, &ada, &bob, wanted, true);
}

/// Entries that git refuses to check out or to take from others.
fn odd_names(world: &World, ada: &Machine, bob: &Machine, mut wanted: u64, sealed: bool) {
    let pusher = Pusher::new(world);
    let long = "x".repeat(4096);
    let slash = "machines/ffffffff-0000-4000-8000-000000000000.json";
    let odd = [
        ".git",
        "..",
        ".",
        slash,
        long.as_str(),
        ".GIT",
        "git~1",
        ".git.",
        "\u{200c}.git",
    ];
    for (at, name) in odd.iter().enumerate() {
        for (place, folder) in ["sync", "sync/machines", "docs"].into_iter().enumerate() {
            if folder == "docs" {
                pusher.put(&[("docs/README", Some(b"mine\n"))]);
            }
            let bytes = page(EVE, &[]);
            pusher.put_named(folder, name, bytes.as_bytes());
            wanted += 2;
            ada.write(".claude/projects/p/more.jsonl", "");
            let number = 400
                + 6 * u32::try_from(at).expect("small")
                + 2 * u32::try_from(place).expect("small");
            ada.write(
                ".claude/projects/p/more.jsonl",
                &transcript("more", number..number + 2),
            );
            let what = format!("{folder}/{name:.20}");
            let ran = ada.try_sync(NOON, &[]);
            assert_eq!(ran.code, 0, "{what}: {}{}", ran.out, ran.err);
            assert_eq!(ada.fleet().0, wanted, "{what}: {}", ran.err);
            assert!(
                ran.err.contains("left out") && ran.err.contains("name"),
                "{what}: {}{}",
                ran.out,
                ran.err
            );
            assert_eq!(ada.git(&["status", "--porcelain"]), "", "{what}");
            let names = world.git(
                &remote(world),
                &["ls-tree", "-r", "-t", "-z", "--name-only", "main"],
            );
            assert!(
                !names
                    .split('\0')
                    .any(|path| path.ends_with(&format!("/{name}"))),
                "{what}: {names}"
            );
        }
    }
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, wanted);
    if sealed {
        assert_eq!(clear(world), "");
    }
    let doctor: Value =
        serde_json::from_str(&ada.try_sync(NOON, &["doctor", "--json", "--offline"]).out)
            .expect("JSON");
    let check = doctor["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["name"] == "left_out")
        .expect("the check");
    assert_eq!(check["status"], "warning", "{check}");
}

// Row f, in a fleet that is not encrypted.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn one_file_stops_no_machine_of_a_plain_fleet() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..5));
    bob.write(".claude/projects/p/s.jsonl", &transcript("bobs", 10..14));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    let pusher = Pusher::new(&world);
    let other = "claude-sync-sealed 1 00000000 PATH\nAAAA\n= AAAA\n";
    let later = "{\"version\":\"2.0\",\"machines\":{},\"machine\":{}}";
    let mut wanted = 9;
    let new = format!("sync/machines/{EVE}.json");
    let days = format!("sync/archive/2026/03/{EVE}/10.jsonl");
    let own = format!("sync/machines/{ADA}.json");
    let texts = [
        other,
        later,
        "{\"version\":\"2.0\",\"machine\":\"eeeeeeee-0000-4000-8000-000000000000\",\"day\":\"2026-03-10\"}\n",
    ];
    let mut at = 100;
    for path in ["sync/manifest.json", &new, &days, &own] {
        for text in texts {
            pusher.put(&[(path, Some(text.replace("PATH", path).as_bytes()))]);
            wanted += 2;
            at += 10;
            ada.write(".claude/projects/p/more.jsonl", "");
            ada.write(
                ".claude/projects/p/more.jsonl",
                &transcript("more", at..at + 2),
            );
            let ran = ada.try_sync(NOON, &[]);
            assert_eq!(ran.code, 0, "{path} {text}: {}{}", ran.out, ran.err);
            assert!(
                ran.out.contains("Pushed"),
                "{path} {text}: {}{}",
                ran.out,
                ran.err
            );
            assert_eq!(ada.fleet().0, wanted, "{path} {text}: {}", ran.err);
            // A manifest that is none is made anew, as before.
            if path != "sync/manifest.json" || text != texts[2] {
                assert!(
                    ran.err.contains(path),
                    "{path} {text}: {}{}",
                    ran.out,
                    ran.err
                );
            }
        }
    }
    pusher.put(&[("sync/manifest.json", None), (&new, None), (&days, None)]);
    odd_names(&world, &ada, &bob, wanted, false);
}

// Row h. Conflict markers in an encrypted file switched its authentication off.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn both_sides_of_a_conflict_must_be_authentic() {
    let world = World::new();
    let [ada, bob] = encrypted(&world);
    let pusher = Pusher::new(&world);
    for path in [
        format!("sync/machines/{BOB}.json"),
        format!("sync/archive/2026/03/{BOB}/10.jsonl"),
    ] {
        let text = pusher.show(&path);
        let lines: Vec<&str> = text.lines().collect();
        // A line less on one side, and the markers that excused it.
        let cut: Vec<&str> = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != lines.len() / 2)
            .map(|(_, line)| *line)
            .collect();
        let marked = format!("{}\n<<<<<<< a\n=======\n>>>>>>> b\n", cut.join("\n"));
        // A machine that knows nothing better joins.
        pusher.put(&[(&path, Some(marked.as_bytes()))]);
        let name = format!("eve{}", path.len());
        let eve = world.machine(&name);
        give_key(&ada, &eve);
        eve.init();
        let ran = eve.sync(&[]);
        assert!(ran.err.contains(&path), "{}{}", ran.out, ran.err);
        let verified = eve.try_sync(NOON, &["verify", "--read-data"]);
        assert_ne!(verified.code, 0, "{}", verified.out);
        ada.sync(&[]);
        assert_eq!(ada.fleet().0, 9, "{path}");
        assert!(
            !ada.try_sync(NOON, &["verify"]).out.contains("checksum"),
            "{path}"
        );
        bob.sync(&[]);
        eve.sync(&[]);
        assert_eq!(eve.fleet().0, 9, "{path}");
        assert_eq!(pusher.show(&path), text, "{path}: everything is as it was");
    }
    // Two versions that are both authentic are still joined.
    let path = format!("sync/archive/2026/03/{ADA}/10.jsonl");
    let old = pusher.show(&path);
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..7));
    ada.sync(&[]);
    let new = pusher.show(&path);
    let first = old.lines().next().expect("a line").to_owned() + "\n";
    let marked = format!(
        "{first}<<<<<<< a\n{}=======\n{}>>>>>>> b\n",
        &old[first.len()..],
        &new[first.len()..]
    );
    pusher.put(&[(&path, Some(marked.as_bytes()))]);
    let newcomer = world.machine("newcomer");
    give_key(&ada, &newcomer);
    newcomer.init().sync(&[]);
    assert_eq!(newcomer.fleet().0, 11);
}
