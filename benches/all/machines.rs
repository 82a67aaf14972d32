//! One sync in fleets of any size, and the first one of a machine that joins.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::page::Page;
use super::timed::{Timed, in_turn, table};
use crate::made::fleet::Shape;
use crate::made::home::Home;

const SYNC: &str = env!("CARGO_BIN_EXE_claude-sync");
const TRACKER: &str = env!("CARGO_BIN_EXE_claude-usage-tracker");

/// A day of the last month in which the machines of [`crowd`] have requests.
const DAY: &str = "2025-11-27";

/// A fleet with a bare remote: each machine has twelve requests on a day of each of twelve months.
fn crowd(data: &Path, machines: u64) -> Home {
    let shape = Shape {
        machines,
        records: 144,
        a_day: 12,
        gap: 3000,
    };
    let home = Home::grown_as(&data.join(format!("crowd-1-{machines}")), shape);
    with_remote(&home);
    home
}

/// Gives a home's repository a bare remote, where it has none.
fn with_remote(home: &Home) {
    let bare = home.path().join("remote.git");
    if bare.exists() {
        return;
    }
    let address = bare.display().to_string();
    home.git(&["init", "-q", "--bare", "-b", "main", &address]);
    home.git(&["remote", "add", "origin", &address]);
    home.git(&["push", "-q", "--no-verify", "origin", "main"]);
    home.sync(&["-q"]);
}

/// The bytes of the pack that a push of the newest commit sends.
fn sent(home: &Home) -> u64 {
    let script = "printf 'HEAD\\n^HEAD~1\\n' | git pack-objects -q --thin --revs --stdout | wc -c";
    let out = Command::new("sh")
        .args(["-c", script])
        .current_dir(home.repo())
        .envs(home.environment())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&out.stdout);
    text.trim().parse().expect("a number")
}

/// A sync after one request, with a remote on the same disk.
pub fn sizes(page: &mut Page, data: &Path, sizes: &[u64], rounds: usize) {
    let homes: Vec<Home> = sizes.iter().map(|size| crowd(data, *size)).collect();
    let sync = |home| {
        Timed::new("claude-sync", &[SYNC, "-q"], Home::environment(home))
            .before(|| home.request_on(DAY))
    };
    let mut all: Vec<Timed> = homes.iter().map(sync).collect();
    in_turn(rounds, &mut all);
    let mut text = "| machines | wall s | CPU s | pushed KB |\n|---|---|---|---|\n".to_owned();
    for ((timed, home), machines) in all.iter().zip(&homes).zip(sizes) {
        text.push_str(&format!(
            "| {machines} | {:.3} | {:.3} | {:.1} |\n",
            timed.wall(),
            timed.cpu(),
            sent(home) as f64 / 1024.0
        ));
    }
    page.section("One new request over machines", &text);
    if let [first, .., last] = &all[..] {
        let ratio = last.wall() / first.wall();
        page.row(
            "10",
            "`claude-sync` after one new request, fleet of 1 against 500 machines, remote on the same disk",
            "at most 2x apart in wall time",
            &format!("{ratio:.2}x"),
            ratio <= 2.0,
        );
    }
}

/// A machine joins a fleet of three years: from `init` to the first report, against reading the day
/// files once.
pub fn join(page: &mut Page, data: &Path, machines: u64, records: u64) {
    let shape = Shape {
        machines,
        records: records / machines,
        a_day: 20,
        gap: 146,
    };
    let place = data.join(format!("joined-1-{machines}-{records}"));
    let home = Home::grown_as(&place, shape);
    with_remote(&home);
    let address = format!("file://{}", home.path().join("remote.git").display());
    let at = place.join("newcomer");
    let mut known = home.environment();
    for (name, value) in &mut known {
        if *name == "HOME" || name.starts_with("XDG_") {
            *value = value.replacen(
                &home.path().display().to_string(),
                &at.display().to_string(),
                1,
            );
        }
    }
    let script = format!("'{SYNC}' init '{address}' && '{TRACKER}' monthly");
    let joined =
        Timed::new("init, and the first report", &["sh", "-c", &script], known).before(|| {
            let _ = fs::remove_dir_all(&at);
            fs::create_dir_all(at.join(".claude")).expect("a folder");
        });
    let me = std::env::current_exe().expect("a path");
    let me = me.display().to_string();
    let read = Timed::new(
        "reading all day files once",
        &[&me, "child", "head", &place.display().to_string()],
        home.environment(),
    );
    let mut all = [joined, read];
    in_turn(1, &mut all);
    let ratio = all[0].wall() / all[1].wall();
    page.section(
        "Joining a fleet",
        &format!(
            "{machines} machines, {records} records of three years.\n\n{}",
            table(&all)
        ),
    );
    page.row(
        "11",
        "joining a fleet of 200 machines and 3 million records, `init` to first report, against reading the day files once",
        "at most 3x",
        &format!("{ratio:.2}x"),
        ratio <= 3.0,
    );
}
