//! Imported totals beside records that lose their times: no total changes.

use super::{
    LATE, archive, by_day, check, check_all, configure, import_day, put, rows, settle, use_late,
    used,
};
use crate::world::{Machine, NOON, Row, World};

/// Requests of March 10th (UTC) at this hour.
fn at_hour(hour: u32, requests: std::ops::Range<u32>) -> String {
    requests
        .map(|n| {
            Row::new(
                "s1",
                n,
                &format!("2026-03-10T{hour:02}:{:02}:00.000Z", n % 60),
            )
            .line()
        })
        .collect()
}

/// Records that a day of this zone does not contain, beside imported totals for that day.
fn prepare(machine: &Machine, zone: &str, hour: u32, date: &str) {
    put(machine, "s1", &at_hour(hour, 0..5));
    machine.init().sync(&[]);
    import_day(machine, date, used(20..28), zone);
    check(
        machine,
        used(0..5) + used(20..28).uncounted(),
        (zone, "before"),
    );
}

fn prune_beside_totals(zone: &str, hour: u32, date: &str) {
    let world = World::new();
    let ada = world.machine("ada");
    prepare(&ada, zone, hour, date);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    assert!(
        !archive(&ada).contains("\"session\":\"s1\""),
        "nothing was pruned"
    );
    check(
        &ada,
        used(0..5) + used(20..28).uncounted() + late,
        (zone, "after retention"),
    );
    settle(&[&ada], LATE);
    check(
        &ada,
        used(0..5) + used(20..28).uncounted() + late,
        (zone, "later"),
    );
}

#[test]
fn retention_changes_no_total_imported_from_an_eastern_time_zone() {
    prune_beside_totals("Asia/Tokyo", 20, "2026-03-10");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn retention_changes_no_total_imported_from_a_western_time_zone() {
    prune_beside_totals("America/Los_Angeles", 2, "2026-03-10");
}

#[test]
fn retention_changes_no_total_of_which_records_show_a_part() {
    let world = World::new();
    let ada = world.machine("ada");
    put(&ada, "s1", &(at_hour(9, 0..5) + &at_hour(20, 10..13)));
    ada.init().sync(&[]);
    import_day(&ada, "2026-03-10", used((0..5).chain(20..28)), "Asia/Tokyo");
    let all = used((0..5).chain(10..13)) + used(20..28).uncounted();
    check(&ada, all, "before");
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check(&ada, all + late, "after retention");
}

#[test]
fn switching_to_summary_only_changes_no_total_imported_from_another_time_zone() {
    let world = World::new();
    let ada = world.machine("ada");
    prepare(&ada, "Asia/Tokyo", 20, "2026-03-10");
    configure(&ada, true, None);
    settle(&[&ada], NOON);
    check(&ada, used(0..5) + used(20..28).uncounted(), "summary-only");
    let day = by_day(&ada);
    assert_eq!(day, rows([("2026-03-10", 5)]));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn retention_of_one_machine_changes_no_total_that_another_imported() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    prepare(&ada, "Asia/Tokyo", 20, "2026-03-10");
    put(&bob, "s1", &at_hour(20, 0..5));
    bob.init().sync(&[]);
    let all = used(0..5) + used(20..28).uncounted();
    check_all(&[&ada, &bob], NOON, all, "before");
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check_all(&[&ada, &bob], LATE, all + late, "after retention");
}
