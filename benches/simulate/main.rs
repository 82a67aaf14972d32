//! `cargo bench --bench simulate [-- quick | check]`: a fleet under a virtual clock. It prints pushes, rejections, how long a push
//! takes and a request waits, and bytes by machine and day, with the same interval in all fleets and with one that grows.
//!
//! `check` compares the model with real processes: see `check.rs`.

mod check;
#[path = "../../tests/cli/dice.rs"]
mod dice;
mod engine;
mod people;

use std::process::ExitCode;

use engine::{Costs, Counts};
use people::{Fleet, Rate};

/// A sync in a fleet of 500 as `cargo bench --bench all -- machines` measures it, and 12 requests in its commit. That each of git's
/// connections to the host takes half a second is assumed.
const REMOTE: Costs = Costs {
    begin: 0.02,
    fetch: 0.02,
    news: [0.03, 0.002],
    assemble: 0.1,
    push: 0.03,
    connection: 0.5,
    commit: 2200.0,
    cores: f64::INFINITY,
};

/// The value that so many percent of a list are not above.
fn percentile(all: &mut [f64], percent: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    let at = (all.len() * percent / 100).min(all.len().saturating_sub(1));
    all.get(at).copied().unwrap_or_default()
}

fn row(machines: usize, days: u32, rate: Rate) {
    let began = std::time::Instant::now();
    let mut out: Counts = Fleet::new(machines, days, rate, REMOTE, 7).run();
    // Five days of seven are worked.
    let worked = f64::from(days) * 5.0 / 7.0;
    let pushes = out.pushes as f64 / worked;
    let rejected = out.rejections as f64 / out.pushes.max(1) as f64;
    let (took, longest) = (
        percentile(&mut out.took, 99),
        percentile(&mut out.took, 100),
    );
    let (half, most) = (
        percentile(&mut out.waited, 50),
        percentile(&mut out.waited, 99),
    );
    let fetched = out.fetched as f64 * REMOTE.commit / machines as f64 / worked / 1024.0;
    let stored = pushes * REMOTE.commit / f64::from(1 << 20);
    println!(
        "| {machines} | {:.0} s | {pushes:.0} | {rejected:.3} | {} | {took:.1} s | {longest:.1} s | {:.0} min | {:.0} min | {fetched:.0} KB | {stored:.1} MB |",
        rate.interval(machines),
        out.failed,
        half / 60.0,
        most / 60.0,
    );
    eprintln!("{machines} machines, {days} days: {:?}", began.elapsed());
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    if has("check") {
        return check::check();
    }
    println!(
        "| machines | interval | pushes a day | rejections a push | given up | a push takes: 99% | longest | a request waits: half | 99% | fetched a machine and day | stored a day |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    let sizes: &[usize] = if has("quick") {
        &[1, 20]
    } else {
        &[1, 10, 60, 200, 500, 1000]
    };
    for rate in [Rate::CONSTANT, Rate::BY_SIZE] {
        for machines in sizes {
            // A year, and of the largest fleets less: every week is as the one before.
            let days = if has("quick") {
                7
            } else if *machines > 500 {
                56
            } else {
                364
            };
            row(*machines, days, rate);
        }
    }
    ExitCode::SUCCESS
}
