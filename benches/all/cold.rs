//! Reading transcripts cold, beside the floor and beside peers; a first sync of them; a sync with nothing new.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::page::{Line, Page, chart};
use super::peers;
use super::timed::{Timed, in_turn, mebibytes, table};
use crate::made::home::Home;
use crate::made::transcripts::{self, Truth};

const TRACKER: &str = env!("CARGO_BIN_EXE_claude-usage-tracker");
const SYNC: &str = env!("CARGO_BIN_EXE_claude-sync");

/// Transcripts of about so many megabytes, made once; and what they truly say.
fn corpus(data: &Path, megabytes: u64) -> (PathBuf, Truth) {
    let place = data.join(format!("transcripts-2-{megabytes}"));
    if let Ok(text) = fs::read_to_string(place.join("truth")) {
        let numbers: Vec<u64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        if let [
            files,
            bytes,
            requests,
            input,
            output,
            cache_creation,
            cache_read,
        ] = numbers[..]
        {
            return (
                place,
                Truth {
                    files,
                    bytes,
                    requests,
                    input,
                    output,
                    cache_creation,
                    cache_read,
                },
            );
        }
    }
    let _ = fs::remove_dir_all(&place);
    let t = transcripts::write(&place, megabytes << 20, 30, 1);
    let text = [
        t.files,
        t.bytes,
        t.requests,
        t.input,
        t.output,
        t.cache_creation,
        t.cache_read,
    ]
    .map(|n| n.to_string())
    .join(" ");
    fs::write(place.join("truth"), text).expect("written");
    (place, t)
}

/// What a peer must count: all five figures, found anywhere in its JSON's totals.
fn check(what: &str, json: &str, truth: &Truth) {
    let tokens = [
        truth.input,
        truth.output,
        truth.cache_creation,
        truth.cache_read,
    ];
    for figure in tokens {
        assert!(
            json.contains(&figure.to_string()),
            "{what} does not count {figure}"
        );
    }
}

fn environment(place: &Path) -> Vec<(&'static str, String)> {
    let home = place.join("no-home");
    fs::create_dir_all(&home).expect("a folder");
    let home = home.display().to_string();
    vec![
        ("HOME", home.clone()),
        ("XDG_CONFIG_HOME", home.clone()),
        ("CLAUDE_CONFIG_DIR", place.display().to_string()),
        ("TZ", "UTC".into()),
    ]
}

fn commands<'a>(place: &Path, truth: &Truth) -> Vec<Timed<'a>> {
    let known = environment(place);
    let projects = format!(
        "find {}/projects -name '*.jsonl' -print0 | xargs -0 cat",
        place.display()
    );
    let ours = [TRACKER, "daily", "--source=local", "--json", "-z", "UTC"];
    let run = |command: &[&str]| {
        let out = Command::new(command[0])
            .args(&command[1..])
            .envs(known.clone())
            .current_dir(&known[0].1)
            .output()
            .expect("runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    check("claude-usage-tracker", &run(&ours), truth);
    let mut all = vec![
        Timed::new("claude-usage-tracker", &ours, known.clone()),
        Timed::new("cat", &["sh", "-c", &projects], known.clone()),
    ];
    if let Some(program) = peers::ccusage() {
        let command = [
            program.as_str(),
            "claude",
            "daily",
            "--json",
            "--offline",
            "-z",
            "UTC",
        ];
        check("ccusage", &run(&command), truth);
        all.push(Timed::new("ccusage", &command, known.clone()));
    }
    if let Some(program) = peers::ccost() {
        let place = place.display().to_string();
        all.push(Timed::new(
            "ccost",
            &[
                &program,
                "--claude-dir",
                &place,
                "--output",
                "json",
                "--tz",
                "UTC",
            ],
            known,
        ));
    }
    all
}

/// Rows 1 and 2.
pub fn cold(page: &mut Page, data: &Path, megabytes: u64, rounds: usize) {
    let (place, truth) = corpus(data, megabytes);
    let mut all = commands(&place, &truth);
    in_turn(rounds, &mut all);
    let said = format!(
        "{} MiB, {} files, {} requests.\n\n{}",
        truth.bytes >> 20,
        truth.files,
        truth.requests,
        table(&all)
    );
    page.section("Cold reading", &said);
    let by = |name: &str| all.iter().find(|timed| timed.name == name);
    let ours = &all[0];
    match by("ccusage") {
        Some(peer) => {
            let [wall, cpu, memory] = [
                ours.wall() / peer.wall(),
                ours.cpu() / peer.cpu(),
                ours.peak as f64 / peer.peak as f64,
            ];
            let figure = format!(
                "wall 1/{:.1}, CPU 1/{:.1}, memory 1/{:.1}",
                1.0 / wall,
                1.0 / cpu,
                1.0 / memory
            );
            let ok = wall <= 1.0 / 8.0 && cpu <= 1.0 / 8.0 && memory <= 1.0 / 6.0;
            page.row(
                "1",
                "cold `daily --source=local --json` over 1 GB against ccusage",
                "wall and CPU at most 1/8, memory at most 1/6",
                &figure,
                ok,
            );
        }
        None => println!("ccusage: skipped, not installed: benches/peers.sh"),
    }
    match by("ccost") {
        Some(peer) => {
            let ratio = ours.wall() / peer.wall();
            page.row(
                "1",
                "the same against ccost",
                "wall at most 1/3",
                &format!("1/{:.2}", 1.0 / ratio),
                ratio <= 1.0 / 3.0,
            );
        }
        None => println!("ccost: skipped, not installed: benches/peers.sh"),
    }
    let floor = ours.wall() / all[1].wall();
    page.row(
        "2",
        "the same against reading all files",
        "wall at most 2.0x",
        &format!("{floor:.2}x"),
        floor <= 2.0,
    );
    page.memory(
        "claude-usage-tracker daily --source=local",
        ours.peak,
        truth.requests,
    );
}

/// Rows 3 and 5.
pub fn sync(page: &mut Page, data: &Path, megabytes: u64, rounds: usize) {
    let (place, truth) = corpus(data, megabytes);
    let folder = data.join("first-sync");
    let home = Home::new(&folder);
    let mut known = home.environment();
    known.push(("CLAUDE_CONFIG_DIR", place.display().to_string()));
    let forget = || {
        let _ = fs::remove_dir_all(home.path().join(".local"));
        let _ = fs::remove_file(place.join("machine_id"));
        let _ = fs::remove_file(place.join("machine_id.host"));
    };
    let local = [TRACKER, "daily", "--source=local", "--json", "-z", "UTC"];
    let mut all = [
        Timed::new(
            "claude-sync --mode=full, first",
            &[SYNC, "--mode=full", "-q"],
            known.clone(),
        )
        .before(forget),
        Timed::new("claude-usage-tracker", &local, known.clone()),
    ];
    in_turn(rounds, &mut all);
    page.section("First sync", &table(&all));
    let ratio = all[0].wall() / all[1].wall();
    page.row(
        "5",
        "first `--mode=full` of 1 GB into an empty repository, commit included",
        "at most 1.5x row 1's time",
        &format!("{ratio:.2}x"),
        ratio <= 1.5,
    );
    page.memory(
        "claude-sync --mode=full, first",
        all[0].peak,
        truth.requests,
    );
    let projects = place.join("projects").display().to_string();
    let mut all = [
        Timed::new("claude-sync, nothing new", &[SYNC, "-q"], known.clone()),
        Timed::new(
            "find",
            &[
                "find",
                &projects,
                "-name",
                "*.jsonl",
                "-printf",
                "%s %T@\\n",
            ],
            known,
        ),
    ];
    in_turn(4 * rounds, &mut all);
    page.section(
        "Nothing new",
        &format!("{} files.\n\n{}", truth.files, table(&all)),
    );
    let ratio = all[0].wall() / all[1].wall();
    let what = "`claude-sync` with nothing new, no remote, against `find -name '*.jsonl' -printf '%s %T@\\n'`";
    page.row(
        "3",
        what,
        "at most 4x",
        &format!("{ratio:.2}x"),
        ratio <= 4.0,
    );
    page.memory("claude-sync, nothing new", all[0].peak, truth.requests);
    forget();
    let _ = fs::remove_dir_all(folder);
}

/// Curves over the size of the corpus.
pub fn curves(page: &mut Page, data: &Path, docs: &Path, sizes: &[u64], rounds: usize) {
    let (mut walls, mut peaks): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    let mut text =
        "| MB | command | wall s | CPU s | peak MiB |\n|---|---|---|---|---|\n".to_owned();
    for megabytes in sizes {
        let (place, truth) = corpus(data, *megabytes);
        let mut all = commands(&place, &truth);
        in_turn(rounds, &mut all);
        for timed in &all {
            let (wall, peak) = (timed.wall(), mebibytes(timed.peak));
            text.push_str(&format!(
                "| {megabytes} | {} | {wall:.3} | {:.3} | {peak:.1} |\n",
                timed.name,
                timed.cpu()
            ));
            for (lines, value) in [(&mut walls, wall), (&mut peaks, peak)] {
                let point = (*megabytes as f64, value);
                match lines.iter_mut().find(|(name, _)| name == timed.name) {
                    Some((_, points)) => points.push(point),
                    None => lines.push((timed.name.to_owned(), vec![point])),
                }
            }
        }
        page.memory(
            &format!("claude-usage-tracker, {megabytes} MB"),
            all[0].peak,
            truth.requests,
        );
        if *megabytes > 1024 {
            let _ = fs::remove_dir_all(place);
        }
    }
    chart(
        &docs.join("cold-wall.svg"),
        "Cold reading: wall time",
        ["MB of transcripts", "seconds"],
        &walls,
    );
    chart(
        &docs.join("cold-memory.svg"),
        "Cold reading: peak memory",
        ["MB of transcripts", "MiB"],
        &peaks,
    );
    text.push_str("\n![Wall time](docs/benchmarks/cold-wall.svg)\n![Peak memory](docs/benchmarks/cold-memory.svg)\n");
    page.section("Cold reading over size", &text);
}
