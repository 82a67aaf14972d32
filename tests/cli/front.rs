//! The repository's front page: the same bytes in whatever order machines meet, rewritten seldom, and only the block is ours.

use std::collections::BTreeMap;
use std::fs;

use insta::assert_snapshot;

use crate::world::{Machine, NOON, Row, World};

/// The files of the page, README.md among them, as the commit has them.
fn page(machine: &Machine) -> BTreeMap<String, String> {
    let names = machine.git(&[
        "ls-tree",
        "-r",
        "--name-only",
        "HEAD",
        "README.md",
        "sync/front",
    ]);
    names
        .lines()
        .map(|name| {
            (
                name.to_owned(),
                machine.git(&["show", &format!("HEAD:{name}")]),
            )
        })
        .collect()
}

/// A request on each of some days of March.
fn days(session: &'static str, first: u32, days: &[u32]) -> String {
    let row = |(n, day): (u32, &u32)| {
        let mut row = Row::new(
            session,
            first + n,
            &format!("2026-03-{day:02}T10:00:00.000Z"),
        );
        row.model = if n % 2 == 0 {
            "claude-sonnet-4-6"
        } else {
            "claude-opus-4-8"
        };
        row.line()
    };
    (0..).zip(days).map(row).collect()
}

fn init(machine: &Machine, args: &[&str]) {
    let ran = machine.try_sync(NOON, &[&["init", &machine.world.remote()], args].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn three_machines_make_the_same_page_in_any_order() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let mut pages = Vec::new();
    for order in orders {
        let world = World::new();
        let machines = ["ada", "bob", "eve"].map(|name| world.machine(name));
        let data = [
            days("adas", 0, &[1, 2, 5, 9]),
            days("bobs", 100, &[1, 3, 8]),
            days("eves", 200, &[2, 4, 10]) + &days("adas", 0, &[1]),
        ];
        init(&machines[order[0]], &["--front-page"]);
        for at in order {
            machines[at].write(".claude/projects/p/s.jsonl", &data[at]);
            init(&machines[at], &[]);
            machines[at].sync(&[]);
        }
        machines.iter().for_each(|machine| drop(machine.sync(&[])));
        let seen = machines.each_ref().map(page);
        assert!(
            seen[0] == seen[1] && seen[1] == seen[2],
            "all machines have the same page: {order:?}"
        );
        pages.push(seen[0].clone());
        machines.iter().for_each(Machine::assert_sound);
    }
    assert!(
        pages.iter().all(|page| *page == pages[0]),
        "whatever the order"
    );
    let names: Vec<&str> = pages[0].keys().map(String::as_str).collect();
    let svgs = ["days-dark", "days-light", "months-dark", "months-light"]
        .map(|name| format!("sync/front/{name}.svg"));
    assert_eq!(
        names,
        [
            &["README.md".to_owned()][..],
            &svgs,
            &["sync/front/months.csv".to_owned()]
        ]
        .concat()
    );
    for svg in &svgs {
        let text = &pages[0][svg];
        let document =
            roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{svg}: {error}"));
        assert_eq!(document.root_element().tag_name().name(), "svg");
        assert!(
            text.contains("opus-4-8") && !text.contains("<script"),
            "{text}"
        );
    }
    // The tenth is the day of the latest sync: the page ends before it.
    assert_snapshot!(format!(
        "{}\n{}",
        pages[0]["README.md"], pages[0]["sync/front/months.csv"]
    ));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn plain_git_merges_the_page_as_claude_sync_does() {
    for pull in [&["pull", "--no-edit"][..], &["pull", "--rebase"]] {
        let world = World::new();
        let (ada, bob) = (world.machine("ada"), world.machine("bob"));
        ada.write(".claude/projects/p/s.jsonl", &days("adas", 0, &[1, 2]));
        init(&ada, &["--front-page"]);
        ada.sync(&[]);
        init(&bob, &[]);
        bob.sync(&[]);
        ada.sync(&[]);
        // Both go on by themselves: other days, other charts, and the same words by hand around the block.
        ada.write(".claude/projects/p/s2.jsonl", &days("more", 50, &[3, 5]));
        ada.sync(&["--offline"]);
        bob.write(".claude/projects/p/s.jsonl", &days("bobs", 100, &[4, 7]));
        bob.sync(&["--offline"]);
        let readme = fs::read_to_string(bob.repo().join("README.md")).expect("a README");
        fs::write(
            bob.repo().join("README.md"),
            format!("Words of mine.\n\n{readme}"),
        )
        .expect("written");
        bob.git(&["commit", "-qam", "say something"]);
        ada.sync(&[]);
        let ran = bob.try_git(pull);
        assert_eq!(ran.code, 0, "{pull:?}: {}\n{}", ran.out, ran.err);
        let merged = page(&bob);
        assert!(
            merged["README.md"].starts_with("Words of mine.\n"),
            "{}",
            merged["README.md"]
        );
        assert!(
            merged["README.md"].contains("Until 2026-03-09"),
            "{}",
            merged["README.md"]
        );
        bob.sync(&[]);
        assert_eq!(
            page(&bob),
            merged,
            "{pull:?}: claude-sync has nothing to mend"
        );
        ada.sync(&[]);
        assert_eq!(page(&ada), merged);
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn the_page_is_rewritten_when_a_day_has_passed() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &days("s", 0, &[1, 2]));
    init(&ada, &["--front-page"]);
    ada.sync_at("2026-03-02T12:00:00Z", &[]);
    let first = page(&ada);
    assert!(
        first["README.md"].contains("Until 2026-03-01"),
        "{}",
        first["README.md"]
    );
    ada.write(".claude/projects/p/t.jsonl", &days("t", 50, &[2, 2, 2]));
    ada.sync_at("2026-03-02T20:00:00Z", &[]);
    assert_eq!(page(&ada), first, "more of the same day changes no byte");
    ada.write(".claude/projects/p/u.jsonl", &days("u", 80, &[3]));
    ada.sync_at("2026-03-03T12:00:00Z", &[]);
    let next = page(&ada);
    assert!(
        next["README.md"].contains("Until 2026-03-02") && next != first,
        "{}",
        next["README.md"]
    );
    ada.write(".claude/projects/p/v.jsonl", &days("v", 90, &[1]));
    ada.sync(&[]);
    assert!(
        page(&ada)["sync/front/months.csv"] != next["sync/front/months.csv"],
        "a late request of an older day"
    );
    assert_eq!(ada.try_sync(NOON, &["verify"]).code, 0);
    // Whoever edits a chart by hand is told, and the next sync makes it good.
    let good = page(&ada);
    let chart = ada.repo().join("sync/front/days-light.svg");
    fs::write(
        &chart,
        good["sync/front/days-light.svg"].replace("<rect", "<circle"),
    )
    .expect("written");
    ada.git(&["commit", "-qam", "draw"]);
    let ran = ada.try_sync(NOON, &["verify"]);
    assert!(
        ran.code != 0 && ran.out.contains("README.md"),
        "{}{}",
        ran.out,
        ran.err
    );
    ada.sync(&[]);
    assert_eq!(page(&ada), good);
}

#[test]
fn the_last_day_with_usage_is_shown_when_a_machine_syncs_on_a_later_one() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &days("s", 0, &[5]));
    init(&ada, &["--front-page"]);
    ada.sync_at("2026-03-05T20:00:00Z", &[]);
    let first = page(&ada);
    assert!(
        first["README.md"]
            .contains("\nNo usage before 2026-03-05 (UTC): a day is shown when it is over.\n")
            && !first["README.md"].contains("<picture>"),
        "{}",
        first["README.md"]
    );
    assert_eq!(first.len(), 2, "no charts of nothing");
    init(&bob, &[]);
    bob.sync_at("2026-03-06T08:00:00Z", &[]);
    let next = page(&bob);
    assert!(
        next["README.md"].contains("Until 2026-03-05 (UTC)")
            && next["README.md"].contains("| 2026-03, so far | 1 |")
            && next["README.md"].contains("| ada | 2026-03-05 |"),
        "{}",
        next["README.md"]
    );
    ada.sync_at("2026-03-06T20:00:00Z", &[]);
    assert_eq!(page(&ada), next, "a second sync of a day changes no byte");
}

#[test]
fn months_are_named_and_those_without_usage_have_a_line() {
    let world = World::new();
    let ada = world.machine("ada");
    let rows = ["2025-12-30T10:00:00.000Z", "2026-02-28T10:00:00.000Z"];
    let rows = (0..).zip(rows).map(|(n, at)| Row::new("s", n, at).line());
    ada.write(".claude/projects/p/s.jsonl", &rows.collect::<String>());
    init(&ada, &["--front-page"]);
    ada.sync_at("2026-03-01T08:00:00Z", &[]);
    let readme = page(&ada)["README.md"].clone();
    let months = "| 2026-02 | 1 | 3,311 | $0.01 |\n| 2026-01 | 0 | 0 | $0.00 |\n| 2025-12 | 1 |";
    assert!(
        readme.contains("Until 2026-02-28 (UTC)") && readme.contains(months),
        "a month that is over is not a month so far: {readme}"
    );
    assert!(readme.contains("| Cost in 2026-02 (USD) |"), "{readme}");
    assert!(
        readme.contains("alt=\"Cost per day by model, 30 days until 2026-02-28\""),
        "{readme}"
    );
    // Of a machine that is not used, a sync more than 30 days later may be a wrong clock.
    ada.sync_at("2026-11-28T08:00:00Z", &[]);
    let readme = page(&ada)["README.md"].clone();
    assert!(
        readme.contains("Until 2026-03-29 (UTC)")
            && readme.contains("| 2026-03, so far | 0 |")
            && readme.contains("| Cost in 2026-03 (USD) |")
            && !readme.contains("this month"),
        "{readme}"
    );
    assert_eq!(ada.try_sync(NOON, &["verify"]).code, 0);
}

#[test]
fn the_page_comes_and_goes_as_it_is_asked_for() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &days("s", 0, &[1, 2]));
    init(&ada, &[]);
    ada.sync(&[]);
    assert_eq!(page(&ada).len(), 1, "nobody asked for one");
    init(&bob, &["--front-page"]);
    bob.sync(&[]);
    assert_eq!(page(&bob).len(), 6);
    ada.sync(&[]);
    assert_eq!(page(&ada), page(&bob));
    let readme = fs::read_to_string(ada.repo().join("README.md")).expect("a README");
    assert!(
        readme.contains("Until 2026-03-09") && readme.contains("sync/machines/"),
        "{readme}"
    );
    // Once taken out, it stays out; what else stands in README.md stays too.
    init(&ada, &["--no-front-page"]);
    ada.sync(&[]);
    bob.sync(&[]);
    ada.sync(&[]);
    assert_eq!((page(&ada).len(), page(&bob).len()), (1, 1));
    assert!(
        page(&bob)["README.md"].starts_with("# Claude Code usage of my machines\n\n\nWritten by")
            && !page(&bob)["README.md"].contains("claude-sync: begin")
    );
    // Encrypted data is not told in clear beside it.
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}",
    );
    let ran = ada.try_sync(NOON, &["init", "--front-page"]);
    assert!(
        ran.code == 2 && ran.err.contains("encryption"),
        "{}",
        ran.err
    );
}

#[test]
fn names_of_machines_are_no_markup() {
    let world = World::new();
    let ada = world.machine("a|b<script>](x)");
    ada.write(".claude/projects/p/s.jsonl", &days("s", 0, &[1, 2]));
    init(&ada, &["--front-page"]);
    ada.sync(&[]);
    let page = page(&ada);
    assert!(
        page["README.md"].contains("| a\\|b&lt;script&gt;\\]\\(x\\) |"),
        "{}",
        page["README.md"]
    );
}
