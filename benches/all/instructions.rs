//! Instructions executed on fixed input: a regression check that a busy machine cannot move.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::made::home::Home;
use crate::made::transcripts;

/// Counts differ by hash seeds and addresses, by less than a fiftieth of this from run to run.
const TOLERANCE: f64 = 0.05;

fn count(environment: &[(&'static str, String)], command: &[&str]) -> u64 {
    let report = tempfile::NamedTempFile::new().expect("a file");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", report.path().display()));
    valgrind
        .args(command)
        .envs(environment.iter().cloned())
        .env("RAYON_NUM_THREADS", "1");
    assert!(
        valgrind
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("runs")
            .success(),
        "{command:?} failed"
    );
    let text = fs::read_to_string(report.path()).expect("a report");
    let line = text
        .lines()
        .find(|line| line.contains("Collected"))
        .expect("a count");
    line.rsplit(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a number")
}

/// Counts, and compares with what is kept; or keeps what is counted. False where a count is out of its tolerance.
pub fn run(root: &Path, write: bool) -> bool {
    if Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("instructions: skipped, valgrind is not installed");
        return true;
    }
    // What claude-usage-tracker starts: its own few instructions are not counted.
    let sync = env!("CARGO_BIN_EXE_claude-sync");
    let tracker = "--claude-usage-tracker";
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = folder.path().join("corpus");
    transcripts::write(&corpus, 8 << 20, 30, 1);
    let home = Home::grown(&folder.path().join("home"), 3, 3000);
    let known = home.environment();
    let mut local = known.clone();
    local.push(("CLAUDE_CONFIG_DIR", corpus.display().to_string()));
    let mut now = BTreeMap::new();
    now.insert(
        "read 8 MB of transcripts",
        count(
            &local,
            &[
                sync,
                tracker,
                "daily",
                "--source=local",
                "--json",
                "-z",
                "UTC",
            ],
        ),
    );
    now.insert(
        "report from the index, 9,000 records",
        count(&known, &[sync, tracker, "daily", "--json", "-z", "UTC"]),
    );
    home.request();
    now.insert(
        "sync one new request, 9,000 records",
        count(&known, &[sync, "-q"]),
    );
    now.insert(
        "sync with nothing new, 9,000 records",
        count(&known, &[sync, "-q"]),
    );
    let path = root.join("benches/instructions.txt");
    if write {
        let lines: Vec<String> = now
            .iter()
            .map(|(name, count)| format!("{count:>12} {name}\n"))
            .collect();
        fs::write(&path, lines.concat()).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let mut fine = true;
    println!("\n| work | instructions | kept | change |\n|---|---|---|---|");
    for (name, count) in now {
        let before = kept
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .find(|(_, known)| *known == name);
        let before: f64 = before
            .and_then(|(count, _)| count.parse().ok())
            .unwrap_or(f64::NAN);
        let change = count as f64 / before - 1.0;
        fine &= change <= TOLERANCE;
        println!("| {name} | {count} | {before} | {:+.2} % |", change * 100.0);
    }
    println!(
        "\nAt most {:.0} % more is allowed; `instructions --write` keeps new counts.",
        TOLERANCE * 100.0
    );
    fine
}
