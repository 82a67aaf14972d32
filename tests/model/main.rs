//! The fleet model: several machines, operations drawn at random from a seed, every feature that changes what counts among them.
//!
//! [`truth`] holds what is true of each request and of each total without records. [`play`] draws operations and carries them out at a
//! [`site`](play::Site): in memory with the library's own functions ([`memory`]), or with real git and the real programs ([`real`]).
//! `CLAUDE_SYNC_SEED` replays a seed; operations that no run reached are printed.

#[path = "../cli/dice.rs"]
mod dice;
#[path = "../cli/scale.rs"]
mod scale;

mod check;
mod foreign;
mod memory;
mod newer;
mod ops;
mod play;
mod rows;
mod site;
mod slots;
mod truth;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use claude_sync::git::Git;

use memory::Memory;
use play::{MACHINES, Play, Reached};
use scale::seeds;

/// So many operations a run has.
const OPERATIONS: usize = 200;

/// Runs all seeds, some at a time, and prints the operations that none of them reached. The first failing seeds are named.
fn run_all(seeds: &[u64], run: impl Fn(u64) -> Reached + Sync) {
    let (next, reached, failed) = (AtomicUsize::new(0), Mutex::new(Reached::new()), Mutex::new(Vec::new()));
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            match catch_unwind(AssertUnwindSafe(|| run(*seed))) {
                Ok(new) => {
                    let mut all = reached.lock().expect("no thread died with it");
                    new.into_iter().for_each(|(what, count)| *all.entry(what).or_default() += count);
                }
                Err(_) => failed.lock().expect("no thread died with it").push(*seed),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (reached, failed) = (reached.into_inner().expect("all ended"), failed.into_inner().expect("all ended"));
    println!("{reached:#?}");
    let never: Vec<_> = ops::ALL.iter().filter(|what| !reached.contains_key(*what)).collect();
    println!("operations that no run reached: {never:?}");
    assert!(failed.is_empty(), "{} of {} seeds fail; CLAUDE_SYNC_SEED replays one: {failed:?}", failed.len(), seeds.len());
}

/// Prints what a run did when it fails.
struct Failing<'p, 's>(&'p mut Play<'s>, u64);

impl Drop for Failing<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {} failed after {} operations: {:?}", self.1, self.0.log.len(), self.0.log.last());
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
    run_all(&seeds(4, 16), |seed| {
        let mut site = Memory::new(MACHINES, seed % 8 == 3, &git);
        play(Play::new(&mut site, seed), seed, OPERATIONS)
    });
}
