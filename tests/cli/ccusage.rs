//! Against ccusage, which reads one machine's transcripts: equal tokens in every cell, and each other price with its reason.
//!
//! `CLAUDE_SYNC_CCUSAGE` names its program, version 20.0.24 of the npm registry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::world::{Machine, Row, World, corpus, run};

/// The clock goes forward in New York on 2026-03-08, and back by half an hour on Lord Howe Island on 2026-04-05.
const ZONES: [&str; 3] = ["UTC", "America/New_York", "Australia/Lord_Howe"];

const TOKENS: [&str; 5] = [
    "inputTokens",
    "outputTokens",
    "cacheCreationTokens",
    "cacheReadTokens",
    "totalTokens",
];

fn ccusage() -> Option<PathBuf> {
    let program = std::env::var_os("CLAUDE_SYNC_CCUSAGE")
        .map(PathBuf::from)
        .filter(|path| path.is_file());
    if program.is_none() {
        crate::peers::missing("ccusage", "CLAUDE_SYNC_CCUSAGE names no ccusage");
    }
    program
}

/// A line of a report: tokens, and nano-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Cells {
    tokens: [u64; 5],
    nanos: u64,
}

impl Cells {
    fn of(line: &Value) -> Self {
        let cost = ["totalCost", "costUSD"]
            .iter()
            .find_map(|key| line[key].as_f64())
            .unwrap_or(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts from floats saturate, and nothing here is negative"
        )]
        let nanos = (cost * 1e9).round() as u64;
        Self {
            tokens: TOKENS.map(|key| line[key].as_u64().unwrap_or(0)),
            nanos,
        }
    }

    fn add(&mut self, other: Self) {
        self.tokens
            .iter_mut()
            .zip(other.tokens)
            .for_each(|(sum, more)| *sum += more);
        self.nanos += other.nanos;
    }
}

/// A report's lines by what names them.
fn lines(report: &Value, list: &str, name: &str) -> BTreeMap<String, Cells> {
    let mut out: BTreeMap<String, Cells> = BTreeMap::new();
    for line in report[list]
        .as_array()
        .unwrap_or_else(|| panic!("{list} in {report}"))
    {
        let key = [name, "period", "startTime"]
            .iter()
            .find_map(|key| line[key].as_str())
            .unwrap_or_else(|| panic!("a name in {line}"));
        out.entry(key.to_owned()).or_default().add(Cells::of(line));
    }
    out
}

struct Pair<'w> {
    theirs: PathBuf,
    ours: Machine<'w>,
    folder: PathBuf,
}

impl Pair<'_> {
    fn theirs(&self, verb: &str, zone: &str) -> Value {
        let mut command = Command::new(&self.theirs);
        let verb: &[&str] = if verb == "blocks" {
            &["blocks"]
        } else {
            &["claude", verb]
        };
        command.args(verb).args(["--json", "--offline", "-z", zone]);
        let home = self.folder.parent().expect("a folder around it");
        let path = std::env::var_os("PATH").expect("a PATH");
        let ran = run(command
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("CLAUDE_CONFIG_DIR", &self.folder));
        assert_eq!(ran.code, 0, "ccusage {verb:?}: {}", ran.err);
        serde_json::from_str(&ran.out).expect("JSON")
    }

    fn ours(&self, verb: &str, zone: &str) -> Value {
        let mut command = self
            .ours
            .command("claude-usage-tracker", "2026-11-23T12:00:00Z");
        let ran = run(command
            .args([verb, "--json", "--source=local", "-z", zone])
            .env("CLAUDE_CONFIG_DIR", &self.folder));
        assert_eq!(ran.code, 0, "{verb}: {}", ran.err);
        serde_json::from_str(&ran.out).expect("JSON")
    }

    /// Whether a request of these days is billed at a tier.
    fn has_tier(&self, since: &str, until: &str, zone: &str) -> bool {
        let mut command = self
            .ours
            .command("claude-usage-tracker", "2026-11-23T12:00:00Z");
        let args = [
            "explain",
            "--json",
            "--limit",
            "0",
            "--source=local",
            "-z",
            zone,
            "--since",
            since,
            "--until",
            until,
        ];
        let ran = run(command.args(args).env("CLAUDE_CONFIG_DIR", &self.folder));
        let all: Value = serde_json::from_str(&ran.out).expect("JSON");
        all["records"]
            .as_array()
            .expect("records")
            .iter()
            .any(|one| one["bill"]["above"].is_u64())
    }

    /// Compares a verb by days, weeks or months and tells what is not equal, with the reason; anything without one is a failure.
    fn compare(&self, (verb, name): (&str, &str), zone: &str, told: &mut String) {
        let (theirs, ours) = (
            lines(&self.theirs(verb, zone), verb, name),
            lines(&self.ours(verb, zone), verb, name),
        );
        let days = lines(&self.theirs("daily", zone), "daily", "date");
        let keys = |lines: &BTreeMap<String, Cells>| lines.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&theirs), keys(&ours), "{verb} {zone}");
        for (key, mine) in &ours {
            let (first, last) = match verb {
                "daily" => (key.clone(), key.clone()),
                "monthly" => (format!("{key}-01"), format!("{key}-31")),
                _ => {
                    let first: chrono::NaiveDate = key.parse().expect("a day");
                    (key.clone(), (first + chrono::Days::new(6)).to_string())
                }
            };
            let mut by_day = Cells::default();
            days.range(first.clone()..=last.clone())
                .for_each(|(_, cells)| by_day.add(*cells));
            let their = theirs[key];
            if their.tokens != mine.tokens {
                // Its own days have what its own week or month lacks.
                assert_eq!(
                    by_day.tokens, mine.tokens,
                    "{verb} {zone} {key}: tokens differ for no reason that is known"
                );
                let _ = writeln!(
                    told,
                    "{verb} {key} {zone}: tokens {:?} and {:?}: ccusage's own days add up to ours",
                    their.tokens, mine.tokens
                );
            }
            if by_day.nanos.abs_diff(mine.nanos) > 1000 {
                let last = if verb == "monthly" {
                    end_of(&first)
                } else {
                    last
                };
                assert!(
                    self.has_tier(&first, &last, zone),
                    "{verb} {zone} {key}: {} and {} for no reason",
                    by_day.nanos,
                    mine.nanos
                );
                let _ = writeln!(
                    told,
                    "{verb} {key} {zone}: {} and {} nano-dollars: above the threshold the whole request bills at the tier",
                    by_day.nanos, mine.nanos
                );
            }
        }
    }

    fn compare_blocks(&self, zone: &str, told: &mut String) {
        let blocks = |report: &Value| -> Vec<(String, bool, u64, u64)> {
            let all = report["blocks"].as_array().expect("blocks").iter();
            let block = |block: &Value| {
                let start = block["startTime"].as_str().expect("a time").to_owned();
                (
                    start,
                    block["isGap"] == true,
                    block["totalTokens"].as_u64().expect("a count"),
                    Cells::of(block).nanos,
                )
            };
            all.map(block).collect()
        };
        let (theirs, ours) = (
            blocks(&self.theirs("blocks", zone)),
            blocks(&self.ours("blocks", zone)),
        );
        assert_eq!(theirs.len(), ours.len(), "{zone}");
        for (their, our) in theirs.iter().zip(&ours) {
            assert_eq!((&their.0, their.1), (&our.0, our.1), "{zone}");
            if their.2 != our.2 {
                let _ = writeln!(
                    told,
                    "blocks {} {zone}: {} and {} tokens: ccusage's own days add up to ours",
                    our.0, their.2, our.2
                );
            }
        }
        let days: u64 = lines(&self.theirs("daily", zone), "daily", "date")
            .values()
            .map(|cells| cells.tokens[4])
            .sum();
        assert_eq!(
            ours.iter().map(|block| block.2).sum::<u64>(),
            days,
            "{zone}"
        );
    }
}

/// The last day of a month.
fn end_of(first: &str) -> String {
    let first: chrono::NaiveDate = first.parse().expect("a day");
    ((first + chrono::Months::new(1)) - chrono::Days::new(1)).to_string()
}

const VERBS: [(&str, &str); 3] = [("daily", "date"), ("weekly", "week"), ("monthly", "month")];

#[test]
fn real_transcripts_count_as_in_ccusage() {
    let (Some(theirs), Some(folder)) = (ccusage(), corpus()) else {
        return;
    };
    let world = World::new();
    let pair = Pair {
        theirs,
        ours: world.machine("ada"),
        folder,
    };
    let mut told = String::new();
    for zone in ZONES {
        VERBS
            .iter()
            .for_each(|verb| pair.compare(*verb, zone, &mut told));
        pair.compare_blocks(zone, &mut told);
    }
    // Its sessions are files, ours are what the lines say: sums are compared.
    let sum = |report: &Value| {
        let mut sum = Cells::default();
        ["sessions", "session"]
            .iter()
            .find_map(|list| report[list].as_array())
            .expect("sessions")
            .iter()
            .for_each(|one| sum.add(Cells::of(one)));
        sum.tokens
    };
    let (theirs, ours) = (
        sum(&pair.theirs("session", "UTC")),
        sum(&pair.ours("session", "UTC")),
    );
    let mut days = Cells::default();
    lines(&pair.theirs("daily", "UTC"), "daily", "date")
        .values()
        .for_each(|day| days.add(*day));
    assert_eq!(ours, days.tokens);
    let _ = writeln!(
        told,
        "sessions: {} and {} tokens in all: ccusage's own days add up to ours",
        theirs[4], ours[4]
    );
    assert_snapshot!(told);
}

/// Six weeks over both changes of the clock: a request every 37 minutes, each logged twice, in sessions of a day.
fn made(folder: &Path) {
    let start = chrono::DateTime::parse_from_rfc3339("2026-03-01T00:11:00Z").expect("a time");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for n in 0..1600_u32 {
        let time = (start + chrono::Duration::minutes(37 * i64::from(n)))
            .format("%Y-%m-%dT%H:%M:%S.000Z")
            .to_string();
        let session = format!("{:08x}-0000-4000-8000-000000000000", n / 39);
        let model = [
            "claude-opus-4-8",
            "claude-sonnet-4-6",
            "claude-haiku-4-5-20251001",
        ][n as usize % 3];
        let row = Row {
            model,
            ..Row::new("SESSION", n, &time)
        };
        let text = row.clone().output(1).open().line() + &row.line();
        files
            .entry(session.clone())
            .or_default()
            .push_str(&text.replace("SESSION", &session));
    }
    let place = folder.join("projects/-home-someone-work-shop");
    std::fs::create_dir_all(&place).expect("made");
    files.iter().for_each(|(name, text)| {
        std::fs::write(place.join(format!("{name}.jsonl")), text).expect("written");
    });
}

#[test]
fn generated_transcripts_count_as_in_ccusage_over_changes_of_the_clock() {
    let Some(theirs) = ccusage() else { return };
    let world = World::new();
    let folder = world.path().join("claude");
    made(&folder);
    let pair = Pair {
        theirs,
        ours: world.machine("ada"),
        folder,
    };
    let mut told = String::new();
    for zone in ZONES {
        VERBS
            .iter()
            .for_each(|verb| pair.compare(*verb, zone, &mut told));
        pair.compare_blocks(zone, &mut told);
        let (theirs, ours) = (pair.theirs("session", zone), pair.ours("session", zone));
        let list = if theirs["sessions"].is_array() {
            "sessions"
        } else {
            "session"
        };
        assert_eq!(
            lines(&theirs, list, "sessionId"),
            lines(&ours, "sessions", "sessionId"),
            "{zone}"
        );
    }
    assert_eq!(told, "", "nothing here is priced otherwise");
}
