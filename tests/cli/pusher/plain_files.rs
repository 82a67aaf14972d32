//! Plain files in an encrypted fleet.

use std::fs;

use serde_json::Value;

use super::{ADA, BOB, EVE, day, encrypted, figures, goes_on, page, record};
use crate::attacker::Pusher;
use crate::doctor::check;
use crate::world::{NOON, World};

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
    assert_eq!(check(&doctor, "left_out").0, "warning", "{doctor}");
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
