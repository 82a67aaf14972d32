//! `cargo bench --bench all [-- quick | SECTION…]`: everything that is claimed about speed and size, as ratios of medians of commands
//! that are run in turn. Without a section all are run, and `BENCHMARKS.md` with its charts is written.
//!
//! Sections: `cold sync one-request year manifest report merge machines join compacted curves instructions`. `quick` runs all at tiny sizes. What is costly to
//! make is kept in `target/bench-data`. `benches/peers.sh` installs what is compared with.

#![allow(
    clippy::too_many_lines,
    reason = "a test or a benchmark is one story, from set-up to result"
)]

mod cold;
mod compacted;
mod fleet;
mod history;
mod instructions;
mod machines;
#[path = "../made/mod.rs"]
mod made;
mod merge;
mod page;
mod peers;
mod timed;

use std::path::Path;
use std::process::{Command, ExitCode};

use page::Page;

/// What a command says of itself, on one line.
fn say(command: &str, args: &[&str]) -> String {
    let out = Command::new(command)
        .args(args)
        .output()
        .map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    out.unwrap_or_default()
        .lines()
        .next()
        .unwrap_or("unknown")
        .trim()
        .to_owned()
}

/// The machine and the versions.
fn head() -> String {
    let shell = |script: &str| say("sh", &["-c", script]);
    let peers = [
        peers::ccusage().map(|program| format!("ccusage {}", say(&program, &["--version"]))),
        peers::ccost().map(|_| "ccost 0.6.1".to_owned()),
    ];
    format!(
        "Made by `cargo bench --bench all` at commit {}: medians of commands run in turn, each in a process of its own.\n\n{}, {} cores, {} MiB of memory, Linux {}, {}. {}; {}{}.\n",
        say(
            "git",
            &[
                "-C",
                env!("CARGO_MANIFEST_DIR"),
                "rev-parse",
                "--short",
                "HEAD"
            ]
        ),
        shell("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"),
        shell("nproc"),
        shell("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"),
        shell("uname -r"),
        shell("stat -f -c %T ."),
        say("git", &["--version"]),
        say("rustc", &["--version"]),
        peers
            .into_iter()
            .flatten()
            .fold(String::new(), |out, peer| out + "; " + &peer)
    )
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if let [child, how, home] = &args[..]
        && child == "child"
    {
        match how.as_str() {
            "head" => fleet::read_all(Path::new(home)),
            how => fleet::child(Path::new(home), how == "warm"),
        }
        return ExitCode::SUCCESS;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let quick = args.iter().any(|arg| arg == "quick");
    let wanted = |name: &str| quick || args.is_empty() || args.iter().any(|arg| arg == name);
    let kept = root.join("target/bench-data");
    let tiny = tempfile::tempdir().expect("a folder");
    let (data, docs) = if quick {
        (tiny.path(), tiny.path().to_owned())
    } else {
        (kept.as_path(), root.join("docs/benchmarks"))
    };
    std::fs::create_dir_all(data).expect("a folder");
    let size = |full: u64, small: u64| if quick { small } else { full };
    let rounds = if quick { 1 } else { 5 };
    let mut page = Page::default();
    if wanted("cold") {
        cold::cold(&mut page, data, size(1024, 4), rounds);
    }
    if wanted("sync") {
        cold::sync(&mut page, data, size(1024, 4), rounds);
    }
    if wanted("one-request") {
        history::requests(
            &mut page,
            data,
            [size(10_000, 600), size(1_000_000, 3000)],
            3 * rounds,
        );
    }
    if wanted("year") {
        history::year(&mut page, data, size(8760, 30), size(100_000, 300));
    }
    if wanted("manifest") {
        fleet::manifest(&mut page, data, size(200, 3), size(3_000_000, 3000));
    }
    if wanted("report") {
        fleet::report(&mut page, data, size(1_000_000, 3000), rounds);
    }
    if wanted("merge") {
        merge::merge(&mut page, data, size(10_000, 600), 3 * rounds);
    }
    if wanted("machines") {
        let sizes: &[u64] = if quick { &[1, 3] } else { &[1, 60, 200, 500] };
        machines::sizes(&mut page, data, sizes, 3 * rounds);
    }
    if wanted("join") {
        machines::join(&mut page, data, size(200, 2), size(3_000_000, 400));
    }
    if wanted("compacted") {
        let hours = std::env::var("CLAUDE_SYNC_BENCH_HOURS");
        let hours = hours.ok().and_then(|hours| hours.parse().ok());
        let (days, hours) = if quick {
            (9, 2)
        } else {
            (364, hours.unwrap_or(10))
        };
        compacted::compacted(&mut page, data, size(20, 2), days, hours);
    }
    if wanted("curves") {
        let sizes: &[u64] = if quick {
            &[2, 4]
        } else {
            &[10, 40, 160, 640, 1024, 4096]
        };
        cold::curves(&mut page, data, &docs, sizes, if quick { 1 } else { 2 });
        history::curves(
            &mut page,
            data,
            &docs,
            if quick {
                &[600, 3000]
            } else {
                &[10_000, 100_000, 1_000_000, 3_000_000]
            },
            rounds,
        );
        fleet::curves(
            &mut page,
            data,
            &docs,
            if quick { &[1, 3] } else { &[1, 10, 50, 200] },
            size(15_000, 600),
        );
    }
    let fine =
        !wanted("instructions") || instructions::run(root, args.iter().any(|arg| arg == "--write"));
    if args.is_empty() {
        page.write(root, &head());
    }
    if page.missed() {
        println!("\nRows were missed; see above.");
    }
    if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
