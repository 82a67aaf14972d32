//! Compares the model with real processes: 60 machines with one bare remote on this computer, all at once and spread over a while.
//!
//! What a sync costs is measured with one machine alone. That all machines share this computer's CPUs is part of the model: it is
//! given as many as the processes got.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::engine::{Costs, Engine, Event};

const SYNC: &str = env!("CARGO_BIN_EXE_claude-sync");

/// How many machines, and how many runs of each kind.
const MACHINES: usize = 60;
const ROUNDS: u64 = 3;

/// How often each step is measured.
const RUNS: u32 = 20;

/// What a run had: rejections, and seconds until the last push.
#[derive(Debug, Clone, Copy, Default)]
struct Result {
    rejections: f64,
    seconds: f64,
}

impl Result {
    /// Adds a part of another one.
    fn add(&mut self, other: Self, part: f64) {
        self.rejections += other.rejections * part;
        self.seconds += other.seconds * part;
    }
}

/// A machine with a home of its own.
struct Real {
    home: PathBuf,
    requests: u64,
}

impl Real {
    fn new(place: &Path, at: usize) -> Self {
        let home = place.join(format!("m{at}"));
        fs::create_dir_all(home.join(".claude/projects/p")).expect("a folder");
        let id = format!("{at:08}-0000-4000-8000-000000000000");
        fs::write(home.join(".claude/machine_id"), id).expect("written");
        let mut real = Self { home, requests: 0 };
        real.request();
        let remote = format!("file://{}", place.join("remote.git").display());
        real.run(&[SYNC, "init", &remote]);
        real
    }

    fn run(&self, command: &[&str]) -> String {
        let folder = self.home.join(".local/share/claude-sync/repo");
        let out = Command::new(command[0])
            .args(&command[1..])
            .current_dir(if folder.exists() { &folder } else { &self.home })
            .env("HOME", &self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("XDG_DATA_HOME", self.home.join(".local/share"))
            .env("XDG_STATE_HOME", self.home.join(".local/state"))
            .env_remove("CLAUDE_CONFIG_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        assert!(
            out.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Writes one more request into its transcript.
    fn request(&mut self) {
        self.requests += 1;
        let (name, n) = (
            self.home.file_name().unwrap_or_default().to_string_lossy(),
            self.requests,
        );
        let row = format!(
            r#"{{"type":"assistant","timestamp":"2026-03-10T10:{:02}:00.000Z","sessionId":"s-{name}","cwd":"/home/dev/shop","requestId":"req_{name}_{n}","message":{{"id":"msg_{name}_{n}","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{{"input_tokens":3,"output_tokens":{n},"cache_read_input_tokens":900}}}}}}"#,
            n % 60
        );
        let path = self.home.join(".claude/projects/p/s.jsonl");
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{text}{row}\n")).expect("written");
    }

    /// Syncs, and returns how often its push was rejected.
    fn sync(&self) -> u64 {
        let said = self.run(&[SYNC]);
        let after = said.split("Pushed, after ").nth(1);
        let count = after.and_then(|text| text.split(' ').next()?.parse().ok());
        count.unwrap_or(0)
    }
}

/// The CPU time of all processes that ended, in seconds.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    // `cutime` and `cstime`, in hundredths.
    [13, 14]
        .map(|at| {
            fields
                .get(at)
                .and_then(|field| field.parse::<f64>().ok())
                .unwrap_or(0.0)
        })
        .iter()
        .sum::<f64>()
        / 100.0
}

/// The CPU time of one of several runs.
fn cost(runs: u32, mut run: impl FnMut()) -> f64 {
    let before = cpu();
    (0..runs).for_each(|_| run());
    (cpu() - before) / f64::from(runs)
}

/// The CPU time of a sync of the first machine, where one other pushed before, and where eight did.
fn news(machines: &mut [Real]) -> [f64; 2] {
    [1, 8].map(|others| {
        let runs = RUNS / 4;
        let mut sum = 0.0;
        for _ in 0..runs {
            for other in &mut machines[1..=others] {
                other.request();
                other.sync();
            }
            machines[0].request();
            sum += cost(1, || {
                machines[0].sync();
            });
        }
        sum / f64::from(runs)
    })
}

/// What the steps of a sync take, by one machine that syncs alone: CPU time, by so much longer as other work on this computer and
/// waiting make it. That factor comes second.
fn measure(machines: &mut [Real]) -> (Costs, f64) {
    let news = news(machines);
    let one = &mut machines[0];
    let fetch = [
        "git",
        "fetch",
        "--prune",
        "--no-tags",
        "--no-auto-maintenance",
        "origin",
        "+refs/heads/*:refs/remotes/origin/*",
    ];
    let fetch = cost(RUNS, || drop(one.run(&fetch)));
    let nothing = cost(RUNS, || drop(one.run(&[SYNC])));
    let began = Instant::now();
    let all = cost(RUNS, || {
        one.request();
        one.sync();
    });
    let longer = began.elapsed().as_secs_f64() / f64::from(RUNS) / all;
    let commit = [
        "git",
        "-c",
        "user.name=m",
        "-c",
        "user.email=m",
        "commit-tree",
        "-p",
        "origin/main",
        "-m",
        "m",
        "HEAD^{tree}",
    ];
    let push = cost(RUNS, || {
        let to = format!("{}:refs/heads/main", one.run(&commit).trim());
        one.run(&["git", "push", "-q", "--no-verify", "origin", &to]);
    });
    // What it costs that one commit came, and eight.
    let each = ((news[1] - news[0]) / 7.0).max(0.0);
    let any = (news[0] - all - each).max(0.0);
    let costs = Costs {
        news: [any * longer, each * longer],
        begin: (nothing - fetch).max(0.0) * longer,
        fetch: fetch * longer,
        assemble: (all - nothing - push).max(0.0) * longer,
        push: push * longer,
        connection: 0.0,
        commit: 0.0,
        cores: f64::INFINITY,
    };
    (costs, longer)
}

/// When each machine begins, within `spread` seconds.
fn starts(spread: f64, seed: u64) -> Vec<f64> {
    let mut dice = Dice::new(seed);
    (0..MACHINES)
        .map(|_| dice.number(1000) as f64 / 1000.0 * spread)
        .collect()
}

/// Lets all machines sync. Returns what came of it, and how many CPUs they got.
fn real(machines: &mut [Real], starts: &[f64]) -> (Result, f64) {
    machines.iter_mut().for_each(Real::request);
    let (began, before) = (Instant::now(), cpu());
    let rejections: u64 = thread::scope(|scope| {
        let all: Vec<_> = machines
            .iter()
            .zip(starts)
            .map(|(machine, start)| {
                scope.spawn(move || {
                    thread::sleep(Duration::from_secs_f64(*start));
                    machine.sync()
                })
            })
            .collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .sum()
    });
    let seconds = began.elapsed().as_secs_f64();
    let result = Result {
        rejections: rejections as f64,
        seconds,
    };
    (result, (cpu() - before) / seconds)
}

/// The same by the model: the mean of many runs.
fn modelled(costs: Costs, starts: &[f64]) -> Result {
    const SEEDS: u64 = 50;
    let mut out = Result::default();
    for seed in 0..SEEDS {
        let mut engine = Engine::new(MACHINES, costs, seed);
        for (at, start) in starts.iter().enumerate() {
            engine.use_it(at, 1);
            engine.at(*start, at, Event::Wake);
        }
        while let Some((at, event)) = engine.next() {
            match event {
                Event::Wake => engine.sync(at),
                event => engine.go_on(at, event),
            }
        }
        let result = Result {
            rejections: engine.counts.rejections as f64,
            seconds: engine.counts.last,
        };
        out.add(result, 1.0 / SEEDS as f64);
    }
    out
}

/// Real and modelled runs of which all begin within `spread` seconds, and the CPUs that real ones got. `cores`: those that there are;
/// none where that is to be measured.
fn compare(
    machines: &mut [Real],
    (costs, longer): (Costs, f64),
    spread: f64,
    cores: Option<f64>,
) -> (Result, Result, f64) {
    let (mut there, mut here, mut all) = (Result::default(), Result::default(), 0.0);
    let share = 1.0 / ROUNDS as f64;
    for round in 1..=ROUNDS {
        let starts = starts(spread, round);
        let (result, got) = real(machines, &starts);
        let costs = Costs {
            cores: cores.unwrap_or(got) * longer,
            ..costs
        };
        there.add(result, share);
        here.add(modelled(costs, &starts), share);
        all += got * share;
    }
    (there, here, all)
}

pub fn check() -> ExitCode {
    // Without a disk: how long one takes to flush what 60 machines write is no part of the model.
    let builder = || tempfile::Builder::new();
    let folder = builder()
        .tempdir_in("/dev/shm")
        .or_else(|_| builder().tempdir())
        .expect("a folder");
    let remote = folder.path().join("remote.git").display().to_string();
    Command::new("git")
        .args(["init", "-q", "--bare", "-b", "main", &remote])
        .status()
        .expect("runs");
    let mut machines: Vec<Real> = (0..MACHINES)
        .map(|at| Real::new(folder.path(), at))
        .collect();
    println!(
        "| begin within | rejections a push | by the model | | seconds until the last push | by the model | |\n|---|---|---|---|---|---|---|"
    );
    let mut cores = None;
    for spread in [0.0, 10.0, 30.0] {
        let costs = measure(&mut machines);
        let (there, here, got) = compare(&mut machines, costs, spread, cores);
        cores = cores.or(Some(got));
        let off = |model: f64, real: f64| (model / real - 1.0) * 100.0;
        let each = |result: Result| result.rejections / MACHINES as f64;
        println!(
            "| {spread:.0} s | {:.2} | {:.2} | {:+.0}% | {:.1} | {:.1} | {:+.0}% |",
            each(there),
            each(here),
            off(each(here), each(there)),
            there.seconds,
            here.seconds,
            off(here.seconds, there.seconds)
        );
        eprintln!(
            "{:.4?}, {:.2} times as long as their CPU time, {got:.2} CPUs",
            costs.0, costs.1
        );
    }
    ExitCode::SUCCESS
}
