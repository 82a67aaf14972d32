//! `cargo bench --bench cold [-- MEGABYTES]`: reading transcripts cold, against the floor and against peers.
//!
//! The floor is `cat` of the same files. Peers are run where they are found: `CCUSAGE` and `CCOST` name their programs. All run in
//! turn, and medians are printed with their ratios; all must agree on the tokens.

mod made;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One command's figures.
struct Timed {
    name: &'static str,
    command: Vec<String>,
    walls: Vec<Duration>,
    cpus: Vec<Duration>,
    peak: u64,
}

impl Timed {
    fn new(name: &'static str, command: Vec<String>) -> Self {
        Self { name, command, walls: Vec::new(), cpus: Vec::new(), peak: 0 }
    }

    /// Runs once under GNU time, which knows a child's CPU time and peak memory.
    fn run(&mut self, folder: &Path) {
        let report = folder.join("time");
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%U %S %M", "-o"]).arg(&report).args(&self.command);
        command.env("CLAUDE_CONFIG_DIR", folder).env("HOME", folder).env("XDG_CONFIG_HOME", folder.join("none")).stdout(Stdio::null());
        let begin = Instant::now();
        let status = command.stderr(Stdio::null()).status().expect("GNU time is installed");
        self.walls.push(begin.elapsed());
        assert!(status.success(), "{} failed", self.name);
        let text = std::fs::read_to_string(&report).expect("a report");
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        self.cpus.push(Duration::from_secs_f64(numbers[0] + numbers[1]));
        self.peak = self.peak.max(text.split_whitespace().nth(2).and_then(|word| word.parse().ok()).unwrap_or(0));
    }

    fn median(times: &[Duration]) -> f64 {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2].as_secs_f64()
    }
}

fn main() {
    let megabytes: u64 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let truth = made::transcripts::write(place, megabytes << 20, 30, 1);
    println!("{} MiB, {} files, {} requests", truth.bytes >> 20, truth.files, truth.requests);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let tracker = env!("CARGO_BIN_EXE_claude-usage-tracker");
    let mut all = vec![
        Timed::new("claude-usage-tracker", words(&format!("{tracker} daily --source=local --json -z UTC"))),
        Timed::new(
            "cat (the floor)",
            vec!["sh".into(), "-c".into(), format!("find {}/projects -name '*.jsonl' -print0 | xargs -0 cat", place.display())],
        ),
    ];
    if let Ok(program) = std::env::var("CCUSAGE") {
        all.push(Timed::new("ccusage", words(&format!("{program} claude daily --json --offline -z UTC"))));
    }
    if let Ok(program) = std::env::var("CCOST") {
        all.push(Timed::new("ccost", words(&program)));
    }
    let out = Command::new(tracker)
        .args(["daily", "--source=local", "--json", "-z", "UTC"])
        .env("CLAUDE_CONFIG_DIR", place)
        .output()
        .expect("runs");
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let total = |key: &str| json["totals"][key].as_u64().expect("a number");
    assert_eq!(
        [total("requests"), total("inputTokens"), total("outputTokens"), total("cacheCreationTokens"), total("cacheReadTokens")],
        [truth.requests, truth.input, truth.output, truth.cache_creation, truth.cache_read],
        "every figure is right"
    );
    let runs = if megabytes > 500 { 3 } else { 7 };
    for _ in 0..runs {
        all.iter_mut().for_each(|timed| timed.run(place));
    }
    let (wall, cpu, peak) = (Timed::median(&all[0].walls), Timed::median(&all[0].cpus), all[0].peak);
    println!("| | wall s | CPU s | peak MiB | wall against ours | CPU | memory |\n|---|---|---|---|---|---|---|");
    for timed in &all {
        let (w, c, p) = (Timed::median(&timed.walls), Timed::median(&timed.cpus), timed.peak);
        println!("| {} | {w:.3} | {c:.3} | {} | {:.2} | {:.2} | {:.2} |", timed.name, p >> 10, w / wall, c / cpu, p as f64 / peak as f64);
    }
}
