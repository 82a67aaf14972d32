//! A year of hourly syncs of 20 machines, before and after its history is compacted.

use std::fs;
use std::path::Path;

use claude_sync::bench::{Index, Oid, Repo, Syncing, Timestamp, assemble};

use super::history::clones;
use super::page::Page;
use super::timed::{in_turn, table};
use crate::made::fleet;
use crate::made::home::{Home, size};

const SYNC: &str = env!("CARGO_BIN_EXE_claude-sync");

/// Requests of a machine between two syncs: as many an hour as in the year of one machine (`history::year`).
const REQUESTS: u64 = 12;

/// So many commits are packed at once, as git's own maintenance would.
const PACKED: u64 = 1000;

const HOUR: i64 = 3_600_000;

/// Writes the year: each machine syncs every hour of ten on five days a week. Returns the commits.
fn write(home: &Home, machines: u64, days: i64, hours: i64) -> u64 {
    let repo = Repo::open(&home.repo()).expect("opens").expect("is there");
    let objects = git2::Repository::open(home.repo()).expect("opens");
    let index = Index::open(&home.state()).expect("an index");
    let mut head = repo.head("main").expect("reads").expect("a commit");
    let mut commits = 0;
    let begin = fleet::START;
    for day in (0..days).filter(|day| day % 7 < 5) {
        for hour in 0..hours {
            for machine in 0..machines {
                let at = begin + (day * 24 + 9 + hour) * HOUR;
                head = sync(
                    &repo,
                    &objects,
                    &index,
                    head,
                    (machine, at, day * hours + hour),
                );
                commits += 1;
                if commits % PACKED == 0 {
                    home.git(&["update-ref", "refs/heads/main", &head.to_string()]);
                    home.git(&["repack", "-dq"]);
                }
            }
        }
    }
    home.git(&["update-ref", "refs/heads/main", &head.to_string()]);
    home.git(&["update-ref", "refs/claude-sync/known", &head.to_string()]);
    home.git(&["reset", "-q", "--hard"]);
    commits
}

/// One sync of a machine: its tree is made by the library, the commit is dated by the virtual clock.
fn sync(
    repo: &Repo,
    objects: &git2::Repository,
    index: &Index,
    head: Oid,
    (machine, at, number): (u64, i64, i64),
) -> Oid {
    let first = number.cast_unsigned() * REQUESTS;
    let time = |n: u64| Timestamp::from_millis(at + (n % REQUESTS).cast_signed() * 240_000);
    let records =
        (first..first + REQUESTS).map(|n| fleet::record_at(machine, n, time(n).expect("a time")));
    let id = fleet::machine(machine);
    let syncing = Syncing {
        machine: &id,
        hostname: format!("host-{machine}"),
        now: time(0).expect("a time"),
    };
    let tree = assemble(repo, head, &syncing, records, Path::new(SYNC), index).expect("assembles");
    let tree = objects.find_tree(tree).expect("a tree");
    let parent = objects.find_commit(head).expect("a commit");
    let when = git2::Time::new(at / 1000 + 3000, 0);
    let who = git2::Signature::new("bench", "bench@example.invalid", &when).expect("a name");
    let text = format!(
        "sync host-{machine}: {REQUESTS} records of 1 session, $0.10\n\nMachine: {id}\nMode: incremental\nSessions: 1\nRecords-Added: {REQUESTS}\nRecords-Grown: 0\nCost-Added-USD: 0.10\n"
    );
    objects
        .commit(None, &who, &who, &text, &tree, &[&parent])
        .expect("a commit")
}

/// Records and dollars that `claude-sync log` shows for each month.
fn log(home: &Home) -> Vec<(String, u64)> {
    let text = home.ask(&["log", "-n", "1000000", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut out: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for entry in value["syncs"].as_array().expect("a list") {
        let month = entry["at"].as_str().expect("a time")[..7].to_owned();
        *out.entry(month).or_default() += entry["records_added"].as_u64().unwrap_or(0);
    }
    out.into_iter().collect()
}

/// The year, compacted.
pub fn compacted(page: &mut Page, data: &Path, machines: u64, days: i64, hours: i64) {
    let place = data.join("compacted");
    let _ = fs::remove_dir_all(&place);
    let home = Home::new(&place);
    home.sync(&["-q"]);
    let commits = write(&home, machines, days, hours);
    let before = log(&home);
    home.sync(&["-q", "compact", "--keep", "90d"]);
    let after = log(&home);
    let left = home.git(&["rev-list", "--count", "HEAD"]);
    home.git(&["reflog", "expire", "--expire=now", "--all"]);
    home.git(&["gc", "-q", "--prune=now"]);
    let git = size(&home.repo().join(".git"));
    let gzipped = home.gzipped();
    let mut all = clones(&home, "git clone, a compacted year");
    in_turn(5, &mut all);
    page.section(
        "A year of 20 machines, compacted",
        &format!(
            "{machines} machines, {days} days, {hours} syncs on each of five days a week: {commits} commits, {left} after `compact --keep 90d`; `.git` after gc {git} bytes, data by gzip -6 {gzipped} bytes.\n\n{}",
            table(&all)
        ),
    );
    let ratio = git as f64 / gzipped as f64;
    page.row(
        "12",
        "`.git` after gc of a compacted year of 20 machines, against the gzipped data",
        "at most 2.5x",
        &format!("{ratio:.2}x"),
        ratio <= 2.5,
    );
    let ratio = all[0].wall() / all[1].wall();
    page.row(
        "12",
        "cloning it, against cloning the same data in one commit",
        "at most 1.5x",
        &format!("{ratio:.2}x"),
        ratio <= 1.5,
    );
    page.row(
        "12",
        "records by month in `claude-sync log`, before and after",
        "equal",
        if before == after {
            "equal"
        } else {
            "different"
        },
        before == after,
    );
}
