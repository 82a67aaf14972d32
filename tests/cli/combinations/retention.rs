//! Retention comes to rest, keeps every record's own day, and goes on over days without usage.

use super::{LATE, archive, by_day, check, configure, put, rows, settle, use_late, used};
use crate::world::{Machine, Row, World, transcript};

/// Further runs with nothing new, of both kinds, make no commit.
fn assert_rests(machine: &Machine) {
    let head = machine.head();
    for (hour, args) in [
        (15, &[][..]),
        (16, &["--mode=full"]),
        (17, &[]),
        (18, &["--mode=full"]),
    ] {
        machine.sync_at(&format!("2026-03-25T{hour}:00:00Z"), args);
        assert_eq!(
            machine.head(),
            head,
            "a commit with nothing new at {hour}:00, {args:?}"
        );
    }
}

#[test]
fn summary_only_with_retention_comes_to_rest() {
    let world = World::new();
    let ada = world.machine("ada");
    configure(&ada, true, Some(3));
    put(&ada, "s1", &transcript("s1", 0..10));
    ada.init();
    let late = use_late(&ada);
    check(&ada, used(0..10) + late, "after retention");
    assert_rests(&ada);
    check(&ada, used(0..10) + late, "later");
}

/// A request that is first seen on the 10th; a subagent's file that is read later shows that it began on the 9th.
fn redate(machine: &Machine) {
    put(
        machine,
        "s1",
        &(Row::new("s1", 1, "2026-03-10T00:00:01.000Z").line() + &transcript("s1", 2..5)),
    );
    machine.init().sync(&[]);
    let earlier = Row::new("s1", 1, "2026-03-09T23:59:59.000Z")
        .output(5)
        .open()
        .line();
    put(
        machine,
        "agent",
        &earlier.replacen('{', "{\"isSidechain\":true,", 1),
    );
    machine.sync(&[]);
    check(machine, used(1..5), "with the earlier row");
    assert_eq!(
        by_day(machine),
        rows([("2026-03-09", 1), ("2026-03-10", 3)])
    );
}

#[test]
fn a_pruned_record_keeps_its_own_day_in_another_days_file() {
    let world = World::new();
    let ada = world.machine("ada");
    redate(&ada);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check(&ada, used(1..5) + late, "after retention");
    assert!(!archive(&ada).contains("T08:02"), "nothing was pruned");
    assert_eq!(
        by_day(&ada),
        rows([("2026-03-09", 1), ("2026-03-10", 3), ("2026-03-25", 1)])
    );
}

#[test]
fn retention_of_a_record_in_another_days_file_comes_to_rest() {
    let world = World::new();
    let ada = world.machine("ada");
    redate(&ada);
    configure(&ada, false, Some(3));
    use_late(&ada);
    assert_rests(&ada);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_summary_only_record_takes_the_earlier_day() {
    let world = World::new();
    let ada = world.machine("ada");
    configure(&ada, true, None);
    redate(&ada);
    settle(&[&ada], LATE);
    assert_eq!(by_day(&ada), rows([("2026-03-09", 1), ("2026-03-10", 3)]));
    configure(&ada, true, Some(3));
    let late = use_late(&ada);
    check(&ada, used(1..5) + late, "after retention");
    assert_eq!(
        by_day(&ada),
        rows([("2026-03-09", 1), ("2026-03-10", 3), ("2026-03-25", 1)])
    );
    assert_rests(&ada);
}

/// Usage on some days at nine; retention of ten days must reach all but the last.
fn prune_over_gaps(days: &[&str], runs: u32) {
    let world = World::new();
    let ada = world.machine("ada");
    let line = |(n, day): (u32, &&str)| Row::new("s1", n, &format!("{day}T09:00:00.000Z")).line();
    put(&ada, "s1", &(0..).zip(days).map(line).collect::<String>());
    ada.init().sync_at(LATE, &[]);
    configure(&ada, false, Some(10));
    for hour in 0..runs {
        ada.sync_at(
            &format!("2026-03-26T{:02}:{:02}:00Z", hour / 60, hour % 60),
            &[],
        );
    }
    let all = 0..u32::try_from(days.len()).expect("few");
    check(&ada, used(all), "after retention");
    let kept = archive(&ada);
    let timed: Vec<_> = days
        .iter()
        .filter(|day| kept.contains(&format!("{day}T09")))
        .collect();
    assert_eq!(timed, [&days[days.len() - 1]], "days that still have times");
    assert_rests_from(&ada);
}

fn assert_rests_from(machine: &Machine) {
    let head = machine.head();
    machine.sync_at("2026-03-26T05:00:00Z", &["--mode=full"]);
    machine.sync_at("2026-03-26T06:00:00Z", &[]);
    assert_eq!(machine.head(), head, "a commit with nothing new");
}

#[test]
fn retention_goes_on_over_a_gap_without_usage() {
    prune_over_gaps(&["2026-01-01", "2026-01-02", "2026-03-06", "2026-03-20"], 4);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn retention_goes_on_over_long_gaps() {
    prune_over_gaps(
        &["2025-07-01", "2025-10-01", "2026-01-05", "2026-03-20"],
        11,
    );
}
