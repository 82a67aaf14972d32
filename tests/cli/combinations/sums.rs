//! Usage without records of its own, and records beside it: claims of 1.0 files, imported totals, summary-only machines.

use super::{
    Claim, Figures, check, check_all, configure, file_1_0, id, import_backup, import_day,
    picodollars, put, seed, seen, settle, use_late, used,
};
use crate::world::{Machine, NOON, World, transcript};

/// A summary-only machine that imports two backups, with requests of one session and day.
fn import_two_backups(first: std::ops::Range<u32>, second: std::ops::Range<u32>) {
    let world = World::new();
    let ada = world.machine("ada");
    configure(&ada, true, None);
    ada.init();
    import_backup(&ada, &transcript("s1", first.clone()));
    check(&ada, used(first.clone()), "one backup");
    import_backup(&ada, &transcript("s1", second.clone()));
    let all: std::collections::BTreeSet<_> = first.clone().chain(second).collect();
    check(&ada, used(all.clone()), "both backups");
    import_backup(&ada, &transcript("s1", first));
    check(&ada, used(all), "the first one again");
}

#[test]
fn backups_with_different_requests_of_one_session_add_up() {
    import_two_backups(0..8, 10..20);
}

#[test]
fn backups_with_some_equal_requests_count_those_once() {
    import_two_backups(0..8, 4..14);
}

#[test]
fn summary_only_computers_with_one_id_add_up() {
    let world = World::new();
    let (ada, copy) = (world.machine("ada"), world.machine("copy"));
    copy.write(".claude/machine_id", &id(&ada));
    for (machine, requests) in [(&ada, 0..8), (&copy, 10..20)] {
        configure(machine, true, None);
        put(machine, "s1", &transcript("s1", requests));
        machine.init().sync(&[]);
    }
    check_all(
        &[&ada, &copy],
        NOON,
        used((0..8).chain(10..20)),
        "two computers with one id",
    );
}

/// Two machines that join in this order.
fn two<'w>(world: &'w World, first: &str, second: &str) -> [Machine<'w>; 2] {
    let machines = [world.machine(first), world.machine(second)];
    for (machine, hour) in machines.iter().zip([10, 11]) {
        machine
            .init()
            .sync_at(&format!("2026-03-10T{hour}:00:00Z"), &[]);
    }
    machines
}

/// Two summary-only machines with the same requests, of which bob has some as full records too.
fn share_summary_only_requests(first: &str, second: &str) {
    let world = World::new();
    let machines = two(&world, first, second);
    let bob = machines
        .iter()
        .find(|machine| machine.name == "bob")
        .expect("bob");
    put(bob, "s1", &transcript("s1", 0..4));
    bob.sync(&[]);
    for machine in &machines {
        configure(machine, true, None);
        put(machine, "s1", &transcript("s1", 0..10));
        machine.sync(&[]);
    }
    check_all(
        &[&machines[0], &machines[1]],
        NOON,
        used(0..10),
        (first, second),
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn equal_usage_of_summary_only_machines_counts_once_with_records_of_the_later() {
    share_summary_only_requests("ada", "bob");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn equal_usage_of_summary_only_machines_counts_once_with_records_of_the_earlier() {
    share_summary_only_requests("bob", "ada");
}

/// Two machines that imported the same totals, of which bob has a part as records.
fn share_imported_totals(first: &str, second: &str) {
    let world = World::new();
    let machines = two(&world, first, second);
    for machine in &machines {
        import_day(machine, "2026-03-10", used(0..10), "UTC");
    }
    check_all(
        &[&machines[0], &machines[1]],
        NOON,
        used(0..10).uncounted(),
        "only totals",
    );
    let bob = machines
        .iter()
        .find(|machine| machine.name == "bob")
        .expect("bob");
    put(bob, "s1", &transcript("s1", 0..4));
    check_all(
        &[&machines[0], &machines[1]],
        NOON,
        used(0..4) + used(4..10).uncounted(),
        (first, second),
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn equal_imported_totals_count_once_with_records_of_the_later_machine() {
    share_imported_totals("ada", "bob");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn equal_imported_totals_count_once_with_records_of_the_earlier_machine() {
    share_imported_totals("bob", "ada");
}

/// A fleet whose only file is ada's of format 1.0.
fn claims(world: &World, claims: &[Claim]) {
    let ada = world.machine("ada");
    seed(
        world,
        &[(
            &format!("sync/machines/{}.json", id(&ada)),
            file_1_0(&id(&ada), claims),
        )],
    );
}

/// A claim of five requests of a session, two of which are listed.
fn five(dollars: Option<f64>) -> Claim {
    Claim {
        session: "s1",
        listed: vec![0, 1],
        claimed: 0..5,
        dollars,
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_claim_counts_what_transcripts_do_not_show() {
    let mut got = Vec::new();
    let cases: [&[u32]; 5] = [&[], &[3, 4], &[0, 1, 2], &[0, 1, 2, 3, 4], &[2]];
    for have in cases {
        let world = World::new();
        claims(&world, &[five(None)]);
        let ada = world.machine("ada");
        let rows = have
            .iter()
            .map(|n| transcript("s1", *n..n + 1))
            .collect::<String>();
        put(&ada, "s1", &rows);
        ada.init().sync(&[]);
        ada.assert_sound();
        got.push((have, seen(&ada).requests, seen(&ada).tokens));
    }
    assert_eq!(got, cases.map(|have| (have, 5, used(0..5).tokens)));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_claim_keeps_its_figures_through_late_transcripts_and_retention() {
    let world = World::new();
    claims(
        &world,
        &[
            five(None),
            Claim {
                session: "s3",
                listed: vec![],
                claimed: 30..33,
                dollars: None,
            },
        ],
    );
    let ada = world.machine("ada");
    put(&ada, "s1", &transcript("s1", 3..5));
    ada.init().sync(&[]);
    check(
        &ada,
        used((0..5).chain(30..33)),
        "two of five in a transcript",
    );
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.sync(&[]);
    check(&ada, used((0..5).chain(30..33)), "all of the session");
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check(&ada, used((0..5).chain(30..33)) + late, "after retention");
}

#[test]
fn a_claim_that_records_show_costs_nothing() {
    let world = World::new();
    // No record is listed: of a part no more counts than its tokens cost.
    claims(
        &world,
        &[Claim {
            listed: vec![],
            ..five(Some(9.75))
        }],
    );
    let ada = world.machine("ada");
    ada.init().sync(&["--download-all"]);
    assert_eq!(
        picodollars(&ada.report(&["daily"])["totals"]["totalCost"]),
        9_750_000_000_000,
        "a claim alone costs what it says"
    );
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.sync(&[]);
    check(&ada, used(0..5), "records for all of it");
}

#[test]
fn a_claim_that_records_show_costs_nothing_after_retention() {
    let world = World::new();
    claims(&world, &[five(Some(9.75))]);
    let ada = world.machine("ada");
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.init().sync(&[]);
    configure(&ada, false, Some(3));
    let late = use_late(&ada);
    check(&ada, used(0..5) + late, "pruned records for all of it");
}

#[test]
fn imported_totals_that_records_show_cost_nothing() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.init();
    let dear = Figures {
        cost: 9_750_000_000_000,
        ..used(0..5).uncounted()
    };
    import_day(&ada, "2026-03-10", dear, "UTC");
    check(&ada, dear, "only totals");
    put(&ada, "s1", &transcript("s1", 0..5));
    ada.sync(&[]);
    check(&ada, used(0..5), "records for all of it");
    configure(&ada, true, None);
    settle(&[&ada], NOON);
    check(&ada, used(0..5), "summary-only");
}
