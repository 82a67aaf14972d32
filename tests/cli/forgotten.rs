//! What is taken away on purpose: forgotten data, and what retention leaves of old records. It stays away, and nothing else goes.

use std::fs;
use std::path::Path;

use crate::world::{Machine, NOON, Row, World, transcript};

/// Everything that is stored in a repository and can be reached, unpacked.
fn history(world: &World, repo: &Path) -> String {
    let all = world.git(
        repo,
        &["rev-list", "--objects", "--all", "--no-object-names"],
    );
    all.lines()
        .map(|id| (id, world.git(repo, &["cat-file", "-t", id])))
        .filter(|(_, kind)| kind.trim() != "tree")
        .map(|(id, kind)| world.git(repo, &["cat-file", kind.trim(), id]))
        .collect()
}

fn project(name: &str, session: &'static str, requests: std::ops::Range<u32>) -> String {
    transcript(session, requests).replace(
        "/home/someone/work/shop",
        &format!("/home/someone/work/{name}"),
    )
}

/// Three machines that know each other; the third is away from here on.
fn three(world: &World) -> [Machine<'_>; 3] {
    let machines = ["ada", "bob", "eve"].map(|name| world.machine(name));
    for (at, machine) in machines.iter().enumerate() {
        let from = u32::try_from(at).expect("small") * 10;
        let text = transcript(["adas", "bobs", "eves"][at], from..from + 4)
            + &project("heron", "secretly", 50..53)
            + &project("heron", ["ha", "hb", "he"][at], 60 + from..62 + from);
        machine.write(".claude/projects/p/s.jsonl", &text);
        machine.init().sync(&[]);
    }
    machines.iter().for_each(|machine| drop(machine.sync(&[])));
    machines
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_project_leaves_the_history_and_nobody_brings_it_back() {
    let world = World::new();
    let [ada, bob, eve] = three(&world);
    let remote = world.path().join("remote.git");
    assert_eq!(ada.fleet().0, 12 + 3 + 6);
    assert!(history(&world, &remote).contains("heron"));
    // Eve goes on while she is away, in that project too.
    eve.write(
        ".claude/projects/p/t.jsonl",
        &(project("heron", "later", 80..83) + &transcript("others", 90..92)),
    );
    eve.sync(&["--offline"]);
    let refused = ada.try_sync(NOON, &["forget", "--project", "heron"]);
    assert_eq!(
        (refused.code, refused.err.contains("--yes")),
        (2, true),
        "{}",
        refused.err
    );
    let ran = ada.sync(&["forget", "--project", "heron", "--yes"]);
    assert!(
        ran.out.contains("Forgot 9 requests"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(ada.fleet().0, 12);
    ada.assert_sound();
    assert!(
        !history(&world, &remote).contains("heron"),
        "the remote's history has it still"
    );
    assert!(
        !world.stored(&ada.repo()).contains("heron"),
        "ada's clone has it still"
    );
    bob.sync(&[]);
    eve.sync(&[]);
    ada.sync(&["--mode=full"]);
    bob.sync(&["--mode=full"]);
    for machine in [&ada, &bob, &eve] {
        machine.sync(&[]);
        assert_eq!(
            machine.fleet().0,
            14,
            "{} counts eve's two and nothing of the project",
            machine.name
        );
        machine.assert_sound();
        let all = world.stored(&machine.repo());
        assert!(
            !all.contains("heron") && !all.contains("secretly"),
            "{}'s clone has it still",
            machine.name
        );
        let index = String::from_utf8_lossy(
            &fs::read(machine.state().join("index.sqlite")).expect("an index"),
        )
        .into_owned();
        assert!(
            !index.contains("heron"),
            "{}'s index has it still",
            machine.name
        );
    }
    assert!(
        !history(&world, &remote).contains("heron"),
        "somebody pushed it back"
    );
    assert_eq!(ada.manifest(), eve.manifest());
    let again = ada.sync(&["--mode=full"]);
    assert!(again.out.starts_with("Nothing new"), "{}", again.out);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_old_history_cannot_be_pushed_back_by_hand() {
    let world = World::new();
    let [ada, bob, _] = three(&world);
    ada.sync(&["forget", "--session", "secretly", "--yes"]);
    let pulled = bob.try_git(&["pull", "--no-rebase"]);
    assert_ne!(pulled.code, 0, "git refuses unrelated histories");
    bob.git(&["fetch", "-q"]);
    let pushed = bob.try_git(&["push", "--force", "origin", "HEAD:main"]);
    assert_ne!(pushed.code, 0, "{}", pushed.err);
    assert!(pushed.err.contains("would be lost"), "{}", pushed.err);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 12 + 6);
    assert!(!history(&world, &world.path().join("remote.git")).contains("secretly"));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_and_old_days_can_be_forgotten() {
    let world = World::new();
    let [ada, bob, eve] = three(&world);
    ada.sync(&["forget", "--machine", "eve", "--yes"]);
    assert_eq!(
        ada.fleet().0,
        8 + 3 + 4,
        "what other machines have too is theirs"
    );
    eve.sync(&[]);
    bob.sync(&[]);
    assert_eq!(bob.fleet().0, 15);
    let remote = world.path().join("remote.git");
    assert!(!history(&world, &remote).contains("\"eves\""));
    let later = Row::new("next", 300, "2026-03-12T08:00:00.000Z").line();
    ada.write(".claude/projects/p/u.jsonl", &later);
    ada.sync_at("2026-03-12T12:00:00Z", &[]);
    bob.sync_at(
        "2026-03-12T12:00:00Z",
        &["forget", "--before", "2026-03-11", "--yes"],
    );
    ada.sync_at("2026-03-12T13:00:00Z", &["--mode=full"]);
    for machine in [&ada, &bob] {
        assert_eq!(machine.fleet().0, 1);
        machine.sync_at("2026-03-12T14:00:00Z", &[]);
        machine.assert_sound();
    }
    assert_eq!(ada.manifest(), bob.manifest());
    assert!(
        !history(&world, &remote).contains("2026-03-10T08"),
        "times of that day are still in the history"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_remote_that_is_away_hears_of_it_later() {
    let world = World::new();
    let [ada, bob, _] = three(&world);
    let (remote, aside) = (
        world.path().join("remote.git"),
        world.path().join("aside.git"),
    );
    fs::rename(&remote, &aside).expect("moved");
    let ran = ada.try_sync(NOON, &["forget", "--project", "heron", "--yes"]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert_eq!(ada.fleet().0, 12);
    fs::rename(&aside, &remote).expect("moved");
    bob.write(".claude/projects/p/v.jsonl", &transcript("more", 200..201));
    bob.sync(&[]);
    ada.sync(&[]);
    assert!(!history(&world, &remote).contains("heron"));
    bob.sync(&[]);
    assert_eq!((ada.fleet().0, bob.fleet().0), (13, 13));
}

fn retention(machine: &Machine, days: u32) {
    machine.write(
        ".config/claude-sync/config.json",
        &format!("{{\"privacy_settings\":{{\"retention_days\":{days}}}}}"),
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn retention_keeps_every_figure_and_no_time_session_or_project() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let day = |n: u32, session: &'static str| {
        Row::new(session, n, &format!("2026-03-{n:02}T09:{n:02}:00.000Z")).line()
    };
    let all: String = (1..=20)
        .map(|n| day(n, if n % 2 == 0 { "even" } else { "odd" }))
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &all);
    bob.write(".claude/projects/p/s.jsonl", &day(5, "odd"));
    let at = |machine: &Machine, date: u32, args: &[&str]| {
        machine.sync_at(&format!("2026-03-{date:02}T12:00:00Z"), args)
    };
    ada.init();
    at(&ada, 20, &[]);
    bob.init();
    at(&bob, 20, &[]);
    at(&ada, 20, &[]);
    let daily = |machine: &Machine| {
        machine.report(&["daily"])["daily"]
            .as_array()
            .expect("days")
            .iter()
            .map(|day| {
                (
                    day["date"].clone(),
                    day["totalTokens"].clone(),
                    day["totalCost"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let before = (daily(&ada), ada.report(&["daily"])["totals"].clone());
    retention(&ada, 10);
    at(&ada, 21, &[]);
    assert_eq!(
        (daily(&ada), ada.report(&["daily"])["totals"].clone()),
        before,
        "figures changed"
    );
    ada.assert_sound();
    let old = ada.git(&[
        "show",
        "HEAD:sync/archive/2026/03/00616461-0000-4000-8000-000000000000/04.jsonl",
    ]);
    assert!(
        !old.contains("09:04") && !old.contains("even") && !old.contains("shop"),
        "{old}"
    );
    let new = ada.git(&[
        "show",
        "HEAD:sync/archive/2026/03/00616461-0000-4000-8000-000000000000/15.jsonl",
    ]);
    assert!(
        new.contains("09:15") && new.contains("odd") && new.contains("shop"),
        "{new}"
    );
    at(&bob, 21, &[]);
    at(&ada, 21, &["--mode=full"]);
    assert_eq!(daily(&bob), before.0);
    at(&bob, 21, &[]);
    assert_eq!(ada.manifest(), bob.manifest());
    let quiet = at(&ada, 21, &["--mode=full"]);
    assert!(quiet.out.starts_with("Nothing new"), "{}", quiet.out);
    // A plain merge with a version from before keeps what retention took away.
    bob.git(&["fsck", "--strict"]);
}

#[test]
fn a_wrong_clock_prunes_nothing_and_a_long_history_goes_step_by_step() {
    let world = World::new();
    let ada = world.machine("ada");
    let row = |n: u32, day: &str| Row::new("s", n, &format!("{day}T09:00:00.000Z")).line();
    let all: String = ["2026-01-01", "2026-01-20", "2026-02-10", "2026-03-10"]
        .iter()
        .zip(1..)
        .map(|(day, n)| row(n, day))
        .collect();
    ada.write(".claude/projects/p/s.jsonl", &all);
    ada.init().sync(&[]);
    retention(&ada, 5);
    let stubs = || {
        let files = ada.files();
        files
            .iter()
            .filter(|(path, text)| path.contains("/archive/") && !text.contains("T09:00"))
            .count()
    };
    ada.sync_at("2036-03-10T12:00:00Z", &[]);
    assert_eq!(
        stubs(),
        2,
        "31 days from the first: the newest usage counts, not a clock that is ten years ahead"
    );
    ada.sync_at("2036-03-12T12:00:00Z", &[]);
    assert_eq!(stubs(), 3);
    ada.sync_at("2036-03-14T12:00:00Z", &[]);
    ada.sync_at("2036-03-16T12:00:00Z", &[]);
    assert_eq!(
        stubs(),
        3,
        "the newest usage is younger than five days of itself"
    );
    assert_eq!(ada.fleet().0, 4);
}

// A machine went over to sums after it had synced records; then retention pruned them. Stubs have no session, so that the lines of sums
// no longer found the records they repeat, and each request counted twice.
#[test]
fn what_is_shortened_is_told_by_the_sums_that_repeat_it() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s1.jsonl", &transcript("s1", 0..5));
    ada.write(".claude/projects/p/s2.jsonl", &transcript("s2", 20..23));
    ada.init().sync(&[]);
    let figures = |machine: &Machine| machine.report(&["daily"])["totals"].clone();
    let before = figures(&ada);
    ada.write(
        ".config/claude-sync/config.json",
        "{\"summary_only\": true}",
    );
    ada.sync(&[]);
    assert_eq!(figures(&ada), before, "sums repeat what records say");
    // Something that no record tells of, and then something much later, so that the days before are pruned.
    ada.write(".claude/projects/p/s3.jsonl", &transcript("s3", 40..44));
    ada.sync(&[]);
    let whole = figures(&ada);
    assert_eq!(whole["requests"], 12);
    ada.write(
        ".config/claude-sync/config.json",
        "{\"summary_only\": true, \"privacy_settings\": {\"retention_days\": 3}}",
    );
    ada.write(
        ".claude/projects/p/s4.jsonl",
        &Row::new("s4", 90, "2026-03-25T12:00:00Z").line(),
    );
    ada.sync_at("2026-03-25T13:00:00Z", &[]);
    ada.sync_at("2026-03-25T14:00:00Z", &[]);
    let stored = ada.git(&[
        "show",
        "HEAD:sync/archive/2026/03/00616461-0000-4000-8000-000000000000/10.jsonl",
    ]);
    assert!(!stored.contains("T08:"), "the day was pruned: {stored}");
    let after = figures(&ada);
    assert_eq!(after["requests"], 13);
    assert_eq!(
        after["outputTokens"].as_u64(),
        whole["outputTokens"].as_u64().map(|tokens| tokens + 190)
    );
    ada.assert_sound();
}
