//! Clocks that are wrong lose nothing and take nothing from others.

use crate::dice::Dice;
use crate::scale::tries;
use crate::world::{World, transcript};

#[test]
#[ignore = "slow: run with --include-ignored"]
fn clocks_jump_and_totals_stay_right() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.init();
    bob.write(".claude/projects/p/b.jsonl", &transcript("bobs", 500..504));
    bob.init();
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"retention_days\":400}}",
    );
    let mut dice = Dice::new(3);
    let rounds = tries(8, 50);
    for round in 1..=rounds {
        ada.write(".claude/projects/p/a.jsonl", &transcript("adas", 0..round));
        let now = match round % 5 {
            // Ten years ahead or behind, the same moment again, an hour that a change of summer time repeats, a leap second's neighbour.
            0 => format!("{}-03-10T12:00:00Z", 2016 + dice.number(21)),
            1 => "2026-03-10T12:00:00Z".to_owned(),
            2 => "2026-03-08T07:30:00Z".to_owned(),
            3 => "2026-10-25T00:59:59.999Z".to_owned(),
            _ => "2016-12-31T23:59:59Z".to_owned(),
        };
        ada.sync_at(&now, &[]);
        if round % 4 == 0 {
            bob.sync(&[]);
        }
    }
    bob.sync(&[]);
    ada.sync(&[]);
    bob.sync(&[]);
    for machine in [&ada, &bob] {
        assert_eq!(machine.fleet().0, u64::from(rounds) + 4);
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), bob.manifest());
    assert!(
        !ada.files()
            .iter()
            .any(|(path, text)| path.contains("/archive/") && text.contains("\"session\":\"\"")),
        "something was pruned"
    );
}

#[test]
fn one_wrong_clock_makes_no_other_machine_inactive() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (machine, session) in [(&ada, "adas"), (&bob, "bobs")] {
        machine.write(
            ".claude/projects/p/s.jsonl",
            &transcript(session, if session == "adas" { 0..3 } else { 5..8 }),
        );
        machine.init().sync(&[]);
    }
    ada.write(".claude/projects/p/s.jsonl", &transcript("adas", 0..4));
    ada.sync_at("2036-03-10T12:00:00Z", &[]);
    bob.sync(&[]);
    let status = |id: &str| bob.manifest_json()["machines"][id]["status"].clone();
    assert_eq!(
        status("00626f62-0000-4000-8000-000000000000"),
        "active",
        "{}",
        bob.manifest()
    );
    assert_eq!(status("00616461-0000-4000-8000-000000000000"), "active");
    // Time that really passed does.
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("adas", 0..4) + &transcript("adas", 4..5).replace("2026-03-10", "2026-05-10")),
    );
    ada.sync_at("2026-05-10T12:00:00Z", &[]);
    assert_eq!(
        ada.manifest_json()["machines"]["00626f62-0000-4000-8000-000000000000"]["status"],
        "inactive"
    );
}
