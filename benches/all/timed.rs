//! Commands that are run in turn, with the wall time, CPU time and peak memory of each.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A command and what it took.
pub struct Timed<'a> {
    pub name: &'static str,
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
    folder: PathBuf,
    before: Box<dyn FnMut() + 'a>,
    walls: Vec<f64>,
    cpus: Vec<f64>,
    /// The largest peak of memory, in bytes.
    pub peak: u64,
}

impl<'a> Timed<'a> {
    /// A command with the environment that it knows.
    pub fn new(
        name: &'static str,
        command: &[&str],
        environment: Vec<(&'static str, String)>,
    ) -> Self {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let folder = std::env::temp_dir();
        Self {
            name,
            command,
            environment,
            folder,
            before: Box::new(|| {}),
            walls: Vec::new(),
            cpus: Vec::new(),
            peak: 0,
        }
    }

    /// What is to be done before each run; it is not timed.
    pub fn before(mut self, before: impl FnMut() + 'a) -> Self {
        self.before = Box::new(before);
        self
    }

    /// Runs it once under GNU time, which knows a child's CPU time and peak memory.
    pub fn run(&mut self) {
        (self.before)();
        let report = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new("/usr/bin/time");
        command
            .args(["-f", "%U %S %M", "-o"])
            .arg(report.path())
            .args(&self.command)
            .current_dir(&self.folder);
        command
            .env_remove("CLAUDE_CONFIG_DIR")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let begin = Instant::now();
        let status = command
            .stderr(Stdio::null())
            .status()
            .expect("GNU time is installed");
        self.walls.push(begin.elapsed().as_secs_f64());
        assert!(status.success(), "{} failed: {:?}", self.name, self.command);
        let text = std::fs::read_to_string(report.path()).expect("a report");
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        self.cpus.push(numbers[0] + numbers[1]);
        let kilobytes: u64 = text
            .split_whitespace()
            .nth(2)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        self.peak = self.peak.max(kilobytes << 10);
    }

    /// The median of its wall times, in seconds.
    pub fn wall(&self) -> f64 {
        median(&self.walls)
    }

    /// The median of its CPU times, in seconds.
    pub fn cpu(&self) -> f64 {
        median(&self.cpus)
    }
}

/// Runs all of them in turn, `rounds` times, after one round that warms caches and does not count.
pub fn in_turn(rounds: usize, all: &mut [Timed]) {
    for round in 0..=rounds {
        for timed in all.iter_mut() {
            timed.run();
            if round == 0 {
                timed.walls.clear();
                timed.cpus.clear();
            }
        }
    }
}

/// The median.
pub fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A table of what they took.
pub fn table(all: &[Timed]) -> String {
    let mut out = "| command | wall s | CPU s | peak MiB |\n|---|---|---|---|\n".to_owned();
    for timed in all {
        out.push_str(&format!(
            "| {} | {:.3} | {:.3} | {:.1} |\n",
            timed.name,
            timed.wall(),
            timed.cpu(),
            mebibytes(timed.peak)
        ));
    }
    out
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
