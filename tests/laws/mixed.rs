//! Fleets of several versions: which of them computes the manifest. Two versions that both rewrote it did so for ever.

use std::fs;

use claude_sync::format::manifest::RULES;
use claude_sync::prices::TABLE;

use crate::laws::world::{Machine, NOON, World, transcript};

/// Pushes this machine's manifest with one text in the place of another, as another version leaves it.
fn as_another_wrote_it(machine: &Machine<'_>, text: &str, with: &str) -> String {
    let manifest = machine.manifest();
    let changed = manifest.replace(text, with);
    assert_ne!(manifest, changed, "{text}");
    fs::write(machine.repo().join("sync/manifest.json"), &changed).expect("written");
    machine.git(&["commit", "-qam", "what another version wrote"]);
    machine.git(&["push", "-q", "--no-verify"]);
    changed
}

fn rules(number: u64) -> String {
    format!("\"rules\": {number}")
}

fn edition(number: u64) -> String {
    format!("\"edition\":{number},")
}

/// What a manifest of this version has, what a newer one has, and what a run prints.
fn newer() -> [(String, String, String); 3] {
    let (own, next) = (TABLE.edition, TABLE.edition + 1);
    let hash = |digit: &str| format!("\"sha256\":\"{}\"", digit.repeat(64));
    let same = World::new();
    let machine = same.machine("same");
    machine.init().sync(&[]);
    let at = machine.manifest().find("\"sha256\"").expect("a table");
    let named = machine.manifest()[at..at + 75].to_owned();
    [
        (
            rules(RULES),
            format!("{},\n  \"sparkle\": true", rules(RULES + 1)),
            format!("newer rules ({}, this tool has {RULES})", RULES + 1),
        ),
        (
            edition(own),
            edition(next),
            format!("newer prices ({next}, this tool has {own})"),
        ),
        (
            named,
            hash("f"),
            format!("newer prices ({own}, this tool has {own})"),
        ),
    ]
}

#[test]
fn an_older_tool_leaves_a_newer_manifest_alone_and_says_so() {
    for (text, with, warning) in newer() {
        let world = World::new();
        let (old, new) = (world.machine("old"), world.machine("new"));
        old.init().sync(&[]);
        new.init().sync(&[]);
        let newer = as_another_wrote_it(&new, &text, &with);
        // The older tool has a commit of its own waiting, with a manifest of its own.
        old.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
        old.sync(&["--offline"]);
        old.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
        let ran = old.sync(&[]);
        assert!(
            ran.err.contains(&format!("computed by {warning}"))
                && ran.err.contains("Update claude-sync."),
            "{}",
            ran.err
        );
        assert_eq!(old.manifest(), newer, "as the newer tool left it");
        assert_eq!(old.fleet().0, 3, "the data is synced all the same");
        let found = old.try_sync(NOON, &["verify", "--read-data"]);
        assert_eq!(found.code, 0, "{}", found.out);
        let head = old.head();
        old.sync(&[]);
        assert_eq!(old.head(), head, "no ping-pong");
    }
}

#[test]
fn a_newer_tool_computes_an_older_manifest_anew_once() {
    let below = |number: u64| number.checked_sub(1).expect("not the first");
    for (text, with) in [
        (rules(RULES), rules(below(RULES))),
        (edition(TABLE.edition), edition(below(TABLE.edition))),
        ("\"prices\"".to_owned(), "\"x_prices\"".to_owned()),
    ] {
        let world = World::new();
        let machine = world.machine("new");
        machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
        machine.init().sync(&[]);
        let own = machine.manifest();
        as_another_wrote_it(&machine, &text, &with);
        machine.sync(&[]);
        assert_eq!(machine.manifest(), own, "{with}");
        let head = machine.head();
        machine.sync(&[]);
        assert_eq!(machine.head(), head, "no ping-pong");
    }
}

#[test]
fn a_manifest_whose_table_has_no_hash_is_computed_anew() {
    let world = World::new();
    let machine = world.machine("one");
    machine.init().sync(&[]);
    let own = machine.manifest();
    as_another_wrote_it(&machine, "\"sha256\":\"", "\"sha256\":\"z");
    machine.sync(&[]);
    assert_eq!(machine.manifest(), own);
}

// The rule: of two newer manifests the one that fits the joined trees stays. A join picked the stale one, and each machine of an
// older version pushed it again after every sync of a newer one.
#[test]
fn an_older_tool_keeps_the_newer_manifest_that_fits() {
    let world = World::new();
    let (old, new) = (world.machine("old"), world.machine("new"));
    old.init().sync(&[]);
    new.init().sync(&[]);
    let later = edition(TABLE.edition + 1);
    let soon = as_another_wrote_it(&new, &edition(TABLE.edition), &later);
    // Of two manifests of one basis a join picks the later one.
    let member = |text: &str, name: &str| {
        let at = text.find(&format!("\"{name}\":")).expect("a member");
        text[at..].lines().next().expect("a line").to_owned()
    };
    as_another_wrote_it(
        &new,
        &member(&soon, "updated_at"),
        "\"updated_at\": \"2999-01-01T00:00:00.000Z\",",
    );
    old.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..2));
    old.sync(&[]);
    // What the newer tool computes for these trees.
    new.git(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
    let tree = |name: &str| {
        new.git(&["rev-parse", &format!("HEAD:sync/{name}")])
            .trim()
            .to_owned()
    };
    let inputs = format!(
        "\"inputs\": {{\"archive\":\"{}\",\"machines\":\"{}\"}},",
        tree("archive"),
        tree("machines")
    );
    let fits = soon.replace(&member(&soon, "inputs"), &inputs);
    assert_ne!(fits, soon, "other trees");
    let stale = new.manifest();
    assert_eq!(as_another_wrote_it(&new, &stale, &fits), fits);
    let pushed = new.head();
    old.sync(&[]);
    assert_eq!(old.manifest(), fits);
    assert_eq!(old.head(), pushed, "nothing to push");
}
