//! One file of any kind, pushed into a fleet: it stops no machine.

use serde_json::Value;

use super::{ADA, BOB, EVE, clear, encrypted, goes_on, page, remote};
use crate::attacker::Pusher;
use crate::doctor::check;
use crate::world::{Machine, NOON, World, transcript};

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
    assert_eq!(check(&doctor, "left_out").0, "warning", "{doctor}");
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
