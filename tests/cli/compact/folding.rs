//! What becomes of old commits, and what the log says of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{assert_joined, commits, fleet, remote, use_it};
use crate::world::{Machine, Row, World, clean};

/// Gives the commits of a branch of the remote's other times, in seconds: that of the n-th. The ids change.
fn spread(world: &World, branch: &str, at: impl Fn(i64) -> i64) {
    let remote = remote(world);
    let stream = world.git(&remote, &["fast-export", "--no-data", branch]);
    let mut number = 0;
    let mut out = String::new();
    for line in stream.lines() {
        let who = line.split_once('>').map(|(who, _)| who);
        match who {
            Some(who) if line.starts_with("author ") || line.starts_with("committer ") => {
                out.push_str(&format!("{who}> {} +0000\n", at(number)));
                number += i64::from(line.starts_with("committer "));
            }
            _ => out.push_str(&(line.to_owned() + "\n")),
        }
    }
    let mut command = Command::new("git");
    clean(&mut command, world.path());
    let mut child = command
        .arg("-C")
        .arg(&remote)
        .args(["fast-import", "--quiet", "--force"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(out.as_bytes()).expect("written");
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

/// What each machine added in each month, as `log` shows it.
fn log(machine: &Machine) -> BTreeMap<(String, String), [u64; 3]> {
    let text = machine.sync(&["log", "--json"]).out;
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let mut out: BTreeMap<_, [u64; 3]> = BTreeMap::new();
    for sync in value["syncs"].as_array().expect("syncs") {
        let month = sync["at"].as_str().expect("a time")[..7].to_owned();
        let Some(machine) = sync["machine_id"].as_str() else {
            continue;
        };
        let slot = out.entry((month, machine.to_owned())).or_default();
        for (slot, name) in slot
            .iter_mut()
            .zip(["syncs", "records_added", "records_grown"])
        {
            *slot += sync[name].as_u64().expect("a number");
        }
    }
    out.retain(|_, figures| figures[1] > 0);
    out
}

// Two commits a day, every forty days from 2025-01-01 on.
#[test]
fn old_commits_become_days_and_months_and_the_log_says_the_same() {
    let world = World::new();
    let ada = world.machine("ada");
    for round in 0..22_u32 {
        use_it(&ada, round * 10);
        if round == 0 {
            ada.init();
        }
        ada.sync(&[]);
    }
    spread(&world, "main", |n| {
        1_735_689_600 + n / 2 * 40 * 86_400 + n % 2 * 18_000
    });
    ada.git(&["fetch", "-q"]);
    ada.git(&["reset", "-q", "--hard", "origin/main"]);
    let (before, count) = (log(&ada), commits(&world, &ada.repo()));
    let tree = ada.git(&["rev-parse", "HEAD:sync/archive"]);
    let shown = ada.sync(&["compact", "--keep", "30d", "--dry-run"]);
    assert_eq!(
        shown.out,
        "23 commits would become 12. The last 30 days stay as they are.\n"
    );
    assert_eq!(commits(&world, &ada.repo()), count, "nothing was changed");
    let ran = ada.sync(&["compact", "--keep", "30d"]);
    assert!(
        ran.out
            .starts_with("Compacted the history: 23 commits became 12.\n"),
        "{}",
        ran.out
    );
    let after = log(&ada);
    let sum = |all: &BTreeMap<(String, String), [u64; 3]>| -> u64 {
        all.values().map(|figures| figures[1]).sum()
    };
    assert_eq!(sum(&after), 44);
    assert_eq!(after, before, "month by month");
    assert_eq!(ada.git(&["rev-parse", "HEAD:sync/archive"]), tree);
    assert_eq!(commits(&world, &remote(&world)), 13);
    let subjects = ada.git(&["log", "--format=%s"]);
    assert!(subjects.contains("\n2025-01: "), "{subjects}");
    let again = ada.sync(&["compact", "--keep", "30d"]);
    assert!(
        again.out.ends_with("There is nothing to fold.\n"),
        "{}",
        again.out
    );
    ada.assert_sound();
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_encrypted_history_stays_sealed() {
    let world = World::new();
    let machines = fleet(&world, &["ada", "bob"]);
    let [ada, bob] = &machines[..] else {
        unreachable!("two machines")
    };
    ada.sync(&["key", "init"]);
    let key = ada.sync(&["key", "show"]).out;
    bob.sync(&["key", "import", "--for", "sealing", key.trim()]);
    ada.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}",
    );
    for round in 0..3 {
        use_it(ada, 300 + round * 10);
        ada.sync(&[]);
        use_it(bob, 400 + round * 10);
        bob.sync(&[]);
    }
    ada.sync(&[]);
    let added = |machine| -> Vec<u64> { log(machine).values().map(|one| one[1]).collect() };
    let before = added(ada);
    ada.sync(&["compact", "--keep", "0d"]);
    assert_eq!(added(ada), before, "with the key the log shows the same");
    assert_joined(&world, &machines, 12 + 12);
    let messages = world.git(&remote(&world), &["log", "--format=%B", "main"]);
    assert!(!messages.contains("Folded: "), "{messages}");
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn it_is_done_by_itself_once_it_pays() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(
        ".config/claude-sync/config.json",
        "{\"history\":{\"keep\":\"30d\"}}",
    );
    let row = Row::new("work", 1, "2026-03-10T08:00:00.000Z").line();
    ada.write(".claude/projects/p/s.jsonl", &row);
    ada.init().sync(&[]);
    let ran = ada.sync_at("2026-03-11T12:00:00Z", &[]);
    assert!(!ran.out.contains("Compacted"), "few commits: {}", ran.out);
    // A long history, by the same machine: three thousand commits in three months.
    many(&ada, 3000);
    ada.git(&["push", "-q", "--no-verify", "origin", "HEAD:main"]);
    let same_day = ada.sync_at("2026-03-11T13:00:00Z", &[]);
    assert!(!same_day.out.contains("Compacted"), "{}", same_day.out);
    let ran = ada.sync_at("2026-03-12T12:00:00Z", &[]);
    assert!(
        ran.out.contains("Compacted the history: 3,0"),
        "{}",
        ran.out
    );
    ada.assert_sound();
}

/// A new machine has no history. Once the part that it saw pays alone, it fetches the rest.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_machine_without_the_history_compacts_all_of_it() {
    let world = World::new();
    let machines = ["ada", "bob"].map(|name| world.machine(name));
    let [ada, bob] = &machines;
    let row = |session, number| Row::new(session, number, "2026-03-10T08:00:00.000Z").line();
    for round in 1..4 {
        ada.write(".claude/projects/p/s.jsonl", &row("work", round));
        if round == 1 {
            ada.init();
        }
        ada.sync(&[]);
    }
    bob.write(
        ".config/claude-sync/config.json",
        "{\"history\":{\"keep\":\"30d\"}}",
    );
    bob.write(".claude/projects/p/t.jsonl", &row("play", 9));
    bob.init().sync(&[]);
    let is_shallow = || bob.git(&["rev-parse", "--is-shallow-repository"]);
    assert_eq!(is_shallow().trim(), "true");
    ada.sync(&[]);
    many(ada, 3000);
    ada.git(&["push", "-q", "--no-verify", "origin", "HEAD:main"]);
    let ran = bob.sync_at("2026-03-12T12:00:00Z", &[]);
    assert!(
        ran.out.contains("Compacted the history: 3,0"),
        "{}",
        ran.out
    );
    assert_eq!(is_shallow().trim(), "false");
    assert_joined(&world, &machines, 4);
}

/// Commits with the same tree, at the rate of one each three quarters of an hour, the last one now.
fn many(machine: &Machine, count: u32) {
    let head = machine.head();
    let tree = machine.git(&["rev-parse", "HEAD^{tree}"]);
    let newest: i64 = machine
        .git(&["log", "-1", "--format=%ct"])
        .trim()
        .parse()
        .expect("a time");
    let mut stream = String::new();
    for n in 0..count {
        let at = newest - i64::from(count - n) * 2700;
        let from = if n == 0 {
            format!("from {}\n", head.trim())
        } else {
            String::new()
        };
        stream.push_str(&format!(
            "commit refs/heads/long\ncommitter a <a@example.invalid> {at} +0000\ndata 5\nsync\n{from}M 040000 {} \n",
            tree.trim()
        ));
    }
    let mut command = Command::new("git");
    clean(&mut command, &machine.home);
    let mut child = command
        .arg("-C")
        .arg(machine.repo())
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(stream.as_bytes()).expect("written");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    machine.git(&["reset", "-q", "--hard", "long"]);
    machine.git(&["branch", "-q", "-D", "long"]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn each_machine_compacts_its_own_branch() {
    let world = World::new();
    let machines: Vec<Machine> = ["ada", "bob"].map(|name| world.machine(name)).into();
    for machine in &machines {
        machine.sync(&["init", "--branch-per-machine", &world.remote()]);
    }
    for round in 0..4 {
        for (at, machine) in machines.iter().enumerate() {
            use_it(
                machine,
                u32::try_from(at * 100 + round * 10).expect("small"),
            );
            machine.sync(&[]);
        }
    }
    let count = |machine: &str| {
        let branch = format!("machines/{machine}");
        let text = world.git(&remote(&world), &["rev-list", "--count", &branch]);
        text.trim().parse::<u32>().expect("a number")
    };
    let (ada, bob) = (
        "00616461-0000-4000-8000-000000000000",
        "00626f62-0000-4000-8000-000000000000",
    );
    spread(&world, &format!("machines/{ada}"), |n| {
        1_735_689_600 + n * 60
    });
    let before = [count(ada), count(bob)];
    machines[0].sync(&["compact", "--keep", "0d"]);
    assert!(count(ada) < before[0]);
    assert_eq!(
        count(bob),
        before[1],
        "the other branch is the other machine's"
    );
    for machine in machines.iter().chain(&machines) {
        machine.sync(&[]);
        assert_eq!(machine.fleet().0, 16);
        machine.assert_sound();
    }
}
