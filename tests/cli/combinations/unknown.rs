//! What a newer minor version writes survives this version: members of records, and lines of other kinds.

use std::fs;

use sha2::{Digest, Sha256};

use super::{archive, check, check_all, id, put, seen, settle, used};
use crate::world::{Machine, NOON, Row, World, transcript};

const DAY: &str = "10.jsonl";

/// Replaces a day file by what this makes of its lines, with checksums that fit, and commits it.
fn rewrite(machine: &Machine, change: impl Fn(Vec<String>) -> Vec<String>) {
    let path = machine
        .repo()
        .join(format!("sync/archive/2026/03/{}/{DAY}", id(machine)));
    let text = fs::read_to_string(&path).expect("a day file");
    let lines = change(text.lines().map(str::to_owned).collect());
    let mut out: Vec<String> = Vec::new();
    let mut session: Option<(usize, Sha256)> = None;
    let sealed = |out: &mut Vec<String>, session: Option<(usize, Sha256)>| {
        let Some((at, hash)) = session else { return };
        let hex = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        let (before, rest) = out[at]
            .split_once("\"checksum\":\"")
            .expect("a session line");
        out[at] = format!("{before}\"checksum\":\"{hex}{}", &rest[64..]);
    };
    for line in lines {
        if line.contains("\"checksum\":\"") {
            let at = out.len();
            sealed(&mut out, session.replace((at, Sha256::new())));
        } else if line.contains("\"session\":\"")
            && let Some((_, hash)) = &mut session
        {
            hash.update(&line);
            hash.update("\n");
        }
        out.push(line);
    }
    sealed(&mut out, session);
    fs::write(&path, out.join("\n") + "\n").expect("written");
    machine.git(&["commit", "-qam", "as a newer version writes it"]);
}

/// Adds a member to each record, where canonical text has it.
fn with_member(lines: Vec<String>, member: &str) -> Vec<String> {
    // All members of 1.1 that these records have stand behind `index`: `id` and `session`.
    let place = |line: &str| match member.trim_start_matches('"').chars().next() {
        Some('a' | 'f') => line.find(",\"id\":\"").map(|at| at + 1),
        _ => line.rfind('}'),
    };
    let add = |line: String| match place(&line).filter(|_| line.contains("\"id\":\"")) {
        Some(at) if line[at..].starts_with('}') => format!("{},{member}}}", &line[..at]),
        Some(at) => format!("{}{member},{}", &line[..at], &line[at..]),
        None => line,
    };
    lines.into_iter().map(add).collect()
}

const MEMBERS: [&str; 3] = ["\"foo\":1", "\"aaa_new\":\"x\"", "\"zzz_new\":\"x\""];

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_unknown_member_survives_reading_its_record_again() {
    let mut got = Vec::new();
    for member in MEMBERS {
        let world = World::new();
        let ada = world.machine("ada");
        put(&ada, "s1", &transcript("s1", 0..3));
        ada.init().sync(&[]);
        rewrite(&ada, |lines| with_member(lines, member));
        let count = || archive(&ada).matches(member).count();
        let written = count();
        ada.sync(&[]);
        let incremental = count();
        ada.sync(&["--mode=full"]);
        got.push((member, written, incremental, count()));
        check(&ada, used(0..3), member);
    }
    assert_eq!(got, MEMBERS.map(|member| (member, 3, 3, 3)));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_unknown_member_survives_a_larger_row_of_its_request() {
    let mut got = Vec::new();
    for member in MEMBERS {
        let world = World::new();
        let ada = world.machine("ada");
        put(
            &ada,
            "s1",
            &Row::new("s1", 1, "2026-03-10T08:01:00.000Z")
                .output(5)
                .open()
                .line(),
        );
        ada.init().sync(&[]);
        rewrite(&ada, |lines| with_member(lines, member));
        put(&ada, "s1", &transcript("s1", 1..2));
        settle(&[&ada], NOON);
        got.push((member, archive(&ada).matches(member).count()));
        check(&ada, used(1..2), member);
    }
    assert_eq!(got, MEMBERS.map(|member| (member, 1)));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn unknown_members_of_both_sides_survive_a_join() {
    let world = World::new();
    let (ada, copy) = twins(&world);
    rewrite(&ada, |lines| with_member(lines, MEMBERS[1]));
    rewrite(&copy, |lines| with_member(lines, MEMBERS[2]));
    check_all(&[&ada, &copy], NOON, used(0..3), "joined");
    let text = archive(&copy);
    assert_eq!(
        (
            text.matches(MEMBERS[1]).count(),
            text.matches(MEMBERS[2]).count()
        ),
        (3, 3),
        "{text}"
    );
}

/// Two computers with one id, that have the same records.
fn twins(world: &World) -> (Machine<'_>, Machine<'_>) {
    let (ada, copy) = (world.machine("ada"), world.machine("copy"));
    copy.write(".claude/machine_id", &id(&ada));
    for machine in [&ada, &copy] {
        put(machine, "s1", &transcript("s1", 0..3));
        machine.init().sync(&[]);
    }
    (ada, copy)
}

/// Lines of unknown kinds, of no session and of one.
const LINES: [&str; 3] = [
    "{\"version\":\"1.2\",\"weather\":\"fair\"}",
    "{\"version\":7}",
    "{\"session\":\"s1\",\"version\":\"1.2\",\"weather\":\"fair\"}",
];

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_line_that_begins_with_version_is_kept() {
    let mut got = Vec::new();
    for line in LINES {
        let world = World::new();
        let ada = world.machine("ada");
        put(&ada, "s1", &transcript("s1", 0..3));
        ada.init().sync(&[]);
        rewrite(&ada, |lines| [lines, vec![line.to_owned()]].concat());
        put(&ada, "s1", &transcript("s1", 0..5));
        ada.sync(&[]);
        ada.sync(&["--mode=full"]);
        got.push((
            line,
            seen(&ada).requests,
            archive(&ada).matches(line).count(),
        ));
    }
    assert_eq!(got, LINES.map(|line| (line, 5, 1)));
}

/// A newer version on another computer with ada's id adds requests and a line to ada's file, and pushes them.
fn push_with_line(copy: &Machine, line: &str) {
    put(copy, "s2", &transcript("s2", 20..24));
    copy.sync(&["--offline"]);
    rewrite(copy, |lines| [lines, vec![line.to_owned()]].concat());
    copy.git(&["push", "-q", "--no-verify", "origin", "HEAD:main"]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_file_with_a_line_that_begins_with_version_is_read() {
    let mut got = Vec::new();
    for line in &LINES[..2] {
        let world = World::new();
        let (_ada, copy) = twins(&world);
        push_with_line(&copy, line);
        let bob = world.machine("bob");
        put(&bob, "s3", &transcript("s3", 30..31));
        bob.init().sync(&[]);
        got.push((
            *line,
            seen(&bob).requests,
            archive(&bob).matches(*line).count(),
        ));
    }
    assert_eq!(got, [(LINES[0], 8, 1), (LINES[1], 8, 1)]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn records_beside_a_line_that_begins_with_version_survive_a_join() {
    let world = World::new();
    let (ada, copy) = twins(&world);
    push_with_line(&copy, LINES[0]);
    // The other computer never runs again.
    settle(&[&ada], NOON);
    check(&ada, used((0..3).chain(20..24)), "joined");
    assert_eq!(
        archive(&ada).matches(LINES[0]).count(),
        1,
        "the line is gone"
    );
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_join_keeps_both_sides_beside_a_line_that_begins_with_version() {
    let mut got = Vec::new();
    for line in LINES {
        let world = World::new();
        let (ada, copy) = twins(&world);
        rewrite(&ada, |lines| [lines, vec![line.to_owned()]].concat());
        put(&ada, "s2", &transcript("s2", 20..22));
        ada.sync(&["--offline"]);
        put(&copy, "s1", &transcript("s1", 0..5));
        settle(&[&copy, &ada], NOON);
        got.push((
            line,
            seen(&ada).requests,
            archive(&ada).matches(line).count(),
        ));
    }
    assert_eq!(got, LINES.map(|line| (line, 7, 1)));
}
