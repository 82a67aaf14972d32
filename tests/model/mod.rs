//! The fleet model: several machines, operations drawn at random from a seed, every feature that changes what counts among them.
//!
//! [`truth`] holds what is true of each request and of each total without records. [`play`] draws operations and carries them out at a
//! [`site`](play::Site): in memory with the library's own functions ([`memory`]), or with real git and the real programs ([`real`]).
//! `CLAUDE_SYNC_SEED` replays a seed; operations that no run reached are printed.

#![allow(
    clippy::too_many_lines,
    reason = "a test or a benchmark is one story, from set-up to result"
)]
#![allow(
    unreachable_pub,
    reason = "helpers are those of tests that run the programs, where all is private"
)]

mod check;
mod foreign;
mod hostile;
mod limits;
mod memory;
mod newer;
mod ops;
mod play;
mod real;
mod recount;
mod rows;
mod site;
mod slots;
mod tabs;
mod truth;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use claude_sync::git::Git;

use crate::laws::scale::{long, tries};
use crate::laws::world::World;

use memory::Memory;
use play::{MACHINES, Play, Reached};
use real::Real;

// How many seeds `CLAUDE_SYNC_LONG` runs is a matter of CI's time; `CLAUDE_SYNC_SEED=0..512` runs more.

/// So many operations a run has.
const OPERATIONS: usize = 200;

/// The seeds to run: `CLAUDE_SYNC_SEED` replays one, or some such as `8..64`.
fn seeds(few: u32, many: u32) -> Vec<u64> {
    let asked = std::env::var("CLAUDE_SYNC_SEED").ok();
    let range = |text: &str| {
        text.split_once("..")
            .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?))
    };
    match asked.as_deref().map(|text| (text.parse(), range(text))) {
        Some((Ok(seed), _)) => vec![seed],
        Some((_, Some(range))) => range.collect(),
        _ => (0..u64::from(tries(few, many))).collect(),
    }
}

/// Runs all seeds, some at a time, and prints the operations that none of them reached. The first failing seeds are named.
fn run_all(seeds: &[u64], run: impl Fn(u64) -> Reached + Sync) {
    let (next, reached, failed) = (
        AtomicUsize::new(0),
        Mutex::new(Reached::new()),
        Mutex::new(Vec::new()),
    );
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            match catch_unwind(AssertUnwindSafe(|| run(*seed))) {
                Ok(new) => {
                    let mut all = reached.lock().expect("no thread died with it");
                    new.into_iter()
                        .for_each(|(what, count)| *all.entry(what).or_default() += count);
                }
                Err(_) => failed.lock().expect("no thread died with it").push(*seed),
            }
        }
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(seeds.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (reached, failed) = (
        reached.into_inner().expect("all ended"),
        failed.into_inner().expect("all ended"),
    );
    println!("{reached:#?}");
    let never: Vec<_> = ops::ALL
        .iter()
        .filter(|what| !reached.contains_key(*what))
        .collect();
    println!("operations that no run reached: {never:?}");
    assert!(
        failed.is_empty(),
        "{} of {} seeds fail; CLAUDE_SYNC_SEED replays one: {failed:?}",
        failed.len(),
        seeds.len()
    );
}

/// Prints what a run did when it fails.
struct Failing<'p, 's>(&'p mut Play<'s>, u64);

impl Drop for Failing<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "seed {} failed after {} operations: {:?}",
                self.1,
                self.0.log.len(),
                self.0.log.last()
            );
        }
    }
}

fn play(mut play: Play<'_>, seed: u64, operations: usize) -> Reached {
    let failing = Failing(&mut play, seed);
    failing.0.begin();
    (0..operations).for_each(|number| failing.0.step(number));
    failing.0.end();
    drop(failing);
    play.reached
}

#[test]
fn in_memory() {
    let git = Git::find(false).expect("git is there");
    run_all(&seeds(2, 256), |seed| {
        let mut site = Memory::new(MACHINES, seed % 8 == 3, &git);
        let later = seed % 8 == 1;
        if later {
            site.play_later_prices();
        }
        let mut reached = play(Play::new(&mut site, seed), seed, OPERATIONS);
        reached.extend(later.then_some((ops::LATER_PRICES, 1)));
        reached
    });
}

/// The fleet encrypts from the start, and somebody without the key pushes.
#[test]
fn with_a_hostile_pusher_in_memory() {
    let git = Git::find(false).expect("git is there");
    run_all(&seeds(2, 128), |seed| {
        let mut site = Memory::new(MACHINES, false, &git);
        site.seal();
        play(
            Play::hostile(&mut site, seed),
            seed,
            if long() { 120 } else { 80 },
        )
    });
}

#[test]
fn with_a_hostile_pusher_and_real_git() {
    run_all(&seeds(1, 8), |seed| {
        let world = World::new();
        let mut site = Real::new(&world, &play::homes(seed), false);
        play(
            Play::hostile(&mut site, seed),
            seed,
            if long() { 100 } else { 20 },
        )
    });
}

#[test]
fn with_real_git() {
    run_all(&seeds(1, 32), |seed| {
        let world = World::new();
        let mut site = Real::new(&world, &play::homes(seed), seed % 8 == 3);
        let reached = play(
            Play::new(&mut site, seed),
            seed,
            if long() { OPERATIONS } else { 35 },
        );
        world.git(&world.path().join("remote.git"), &["fsck", "--strict"]);
        reached
    });
}
