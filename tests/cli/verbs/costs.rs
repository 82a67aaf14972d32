//! Costs: recorded ones, and none.

use super::{VERBS, fleet, pico};
use crate::world::{Row, World};

#[test]
#[ignore = "slow: run with --include-ignored"]
fn without_costs_no_output_has_any() {
    let world = World::new();
    let ada = fleet(&world);
    for verb in VERBS.map(|(verb, _)| verb).into_iter().chain(["blocks"]) {
        for how in [&["--json"][..], &["--csv"], &[], &["-b"]]
            .into_iter()
            .filter(|how| verb != "blocks" || how.first() != Some(&"--csv"))
        {
            let ran = ada.track(&[&[verb, "--no-cost"], how].concat());
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert!(
                !ran.out.to_lowercase().contains("cost") && !ran.out.contains('$'),
                "{verb} {how:?}: {}",
                ran.out
            );
        }
    }
}

#[test]
fn a_cost_that_the_transcript_tells_counts_where_it_is_asked_for() {
    let world = World::new();
    let ada = world.machine("ada");
    let told = Row::new("s", 1, "2025-06-01T10:00:00.000Z")
        .line()
        .replacen('{', "{\"costUSD\":0.125,", 1);
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(told + &Row::new("s", 2, "2025-06-02T10:00:00.000Z").line()),
    );
    ada.init().sync(&[]);
    let cost =
        |args: &[&str]| pico(&ada.report(&[&["daily"], args].concat())["totals"]["totalCost"]);
    let (both, second) = (cost(&[]), cost(&["--since=2025-06-02"]));
    assert!(
        second > 0 && both - second != 125_000_000_000,
        "the price is not what is told: {both}"
    );
    for source in ["--source=sync", "--source=local", "--source=sync"] {
        assert_eq!(cost(&[source, "--mode", "calculate"]), both, "{source}");
        assert_eq!(
            cost(&[source, "--mode", "auto"]),
            125_000_000_000 + second,
            "{source}"
        );
        assert_eq!(
            cost(&[source, "--mode", "display"]),
            125_000_000_000,
            "{source}"
        );
        // The next time, rows come from the index.
        ada.sync(&["--mode=full"]);
    }
    let table = ada.track(&["daily", "-z", "UTC", "--mode", "display"]).out;
    assert!(
        table.contains("≥ $0.13") && table.contains("The transcripts contain no cost of"),
        "{table}"
    );
}
