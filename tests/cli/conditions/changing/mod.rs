//! Four machines sync under conditions of the table that come and go, also while they sync. All is chosen by a seed:
//! `CLAUDE_SYNC_SEED=7 CLAUDE_SYNC_LONG=1 cargo test --test cli conditions::changing -- --nocapture` plays it again, a line a step.

mod fleet;

use fleet::{Fleet, NAMES};

use super::{changed, owned};
use crate::dice::Dice;
use crate::scale::tries;
use crate::world::World;

fn play(seed: u64, syncs: usize) {
    let world = World::new();
    let (mut fleet, mut dice) = (Fleet::new(&world), Dice::new(seed));
    let (mut done, mut conditions) = (0, std::collections::BTreeSet::new());
    while done < syncs {
        fleet.minutes += 2;
        let at = dice.below(NAMES.len());
        if !fleet.members[at].under.is_empty() && dice.chance(65) {
            fleet.lift(at);
        } else if fleet.members[at].under.is_empty() && dice.chance(90) {
            let row = dice.below(fleet.rows.len());
            let variables = fleet.set(at, row);
            fleet.is_under(at, row, variables);
            conditions.insert(row);
        }
        if dice.chance(60) {
            fleet.use_claude(at, 1 + u32::try_from(dice.number(3)).expect("few"));
        }
        let names = |at: usize| {
            fleet.members[at]
                .under
                .iter()
                .map(|row| fleet.rows[*row].name)
                .collect::<Vec<_>>()
        };
        let kind = dice.below(10);
        let runs: Vec<usize> = if kind == 0 {
            (0..NAMES.len()).collect()
        } else {
            vec![at]
        };
        // While it runs, the condition of a machine changes: of another one, or of this one.
        let other = (kind > 5).then(|| {
            (
                if kind > 7 {
                    at
                } else {
                    (at + 1 + dice.below(3)) % NAMES.len()
                },
                dice.below(fleet.rows.len()),
            )
        });
        let timer = dice.chance(50);
        let step = format!(
            "seed {seed}, step {done}: {:?} under {:?}{}",
            runs.iter().map(|at| NAMES[*at]).collect::<Vec<_>>(),
            runs.iter().map(|at| names(*at)).collect::<Vec<_>>(),
            other
                .map(|(at, row)| format!(
                    ", while {} comes under \"{}\"",
                    NAMES[at], fleet.rows[row].name
                ))
                .unwrap_or_default()
        );
        println!("{step}");
        let before = fleet.pushed();
        let homes: Vec<_> = runs
            .iter()
            .map(|at| owned(&fleet.members[*at].machine.home))
            .collect();
        let (mut ran, mut now_under) = (Vec::new(), None);
        let wait = std::time::Duration::from_millis(dice.number(200));
        std::thread::scope(|scope| {
            let fleet = &fleet;
            let all: Vec<_> = runs
                .iter()
                .map(|at| (*at, scope.spawn(move || fleet.sync(*at, timer))))
                .collect();
            now_under = other.map(|(at, row)| {
                std::thread::sleep(wait);
                (at, row, fleet.set(at, row))
            });
            ran = all
                .into_iter()
                .map(|(at, run)| (at, run.join().expect("no panic")))
                .collect();
        });
        done += runs.len();
        println!(
            "  {:?}",
            ran.iter().map(|(_, ran)| ran.code).collect::<Vec<_>>()
        );
        // A condition that came in the middle excuses this machine's exit code, and those of all where it is the remote's.
        let disturbed = now_under.is_some();
        if let Some((at, row, variables)) = now_under {
            fleet.is_under(at, row, variables);
            fleet.members[at].half |= runs.contains(&at);
            conditions.insert(row);
        }
        fleet.check(&ran, before, disturbed, &step);
        for (at, home) in runs
            .iter()
            .zip(&homes)
            .filter(|(at, _)| now_under_other(**at, other))
        {
            let changed = changed(home, &owned(&fleet.members[*at].machine.home));
            assert!(
                changed.is_empty(),
                "{step}: these are the user's and changed: {changed:?}"
            );
        }
    }
    println!(
        "seed {seed}: {done} syncs under {} of {} conditions",
        conditions.len(),
        fleet.rows.len()
    );
    // All of it passes: every machine converges by itself.
    fleet.minutes += 60;
    (0..NAMES.len()).for_each(|at| fleet.lift(at));
    for round in 0..3 {
        for (at, name) in NAMES.iter().enumerate() {
            let ran = fleet.sync(at, false);
            assert!(
                ran.code == 0,
                "seed {seed}: {} in round {round} of the end: {} {}{}",
                name,
                ran.code,
                ran.out,
                ran.err
            );
        }
    }
    let wanted: u64 = fleet
        .members
        .iter()
        .map(|member| u64::from(member.made))
        .sum();
    let heads: Vec<String> = fleet
        .members
        .iter()
        .map(|member| member.machine.head())
        .collect();
    assert!(
        heads.iter().all(|head| *head == heads[0]),
        "seed {seed}: they differ: {heads:?}"
    );
    let branch = fleet.stage(0).branch();
    let remote = world.git(&world.path().join("remote.git"), &["rev-parse", &branch]);
    assert_eq!(
        remote.trim(),
        heads[0],
        "seed {seed}: {branch} is at another commit on the remote"
    );
    for member in &fleet.members {
        assert_eq!(
            member.machine.fleet().0,
            wanted,
            "seed {seed}: {}",
            member.machine.name
        );
        let ran = member.machine.try_sync(&fleet.now(), &["verify"]);
        assert_eq!(
            ran.code, 0,
            "seed {seed}: verify of {}: {}{}",
            member.machine.name, ran.out, ran.err
        );
    }
}

/// Whether the home of this machine was left alone while it ran.
fn now_under_other(at: usize, other: Option<(usize, usize)>) -> bool {
    other.is_none_or(|(other, _)| other != at)
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn four_machines_under_changing_conditions_lose_nothing_and_converge() {
    let seed = std::env::var("CLAUDE_SYNC_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    play(seed, usize::try_from(tries(12, 200)).expect("few"));
}
