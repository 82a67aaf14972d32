//! The fleet model with real git and the real programs: machines, random operations, then everyone syncs until nothing moves. All trees are
//! equal to the byte, and the totals are those of an oracle kept beside them. `CLAUDE_SYNC_SEED` replays a seed. `tests/model` has the same in
//! memory, with every feature.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use claude_sync::base::time::Timestamp;

use crate::dice::Dice;
use crate::scale::seeds;
use crate::world::{Machine, Row, World};

const MACHINES: usize = 5;
const OPERATIONS: usize = 40;

/// What a transcript says of a request, and of the same request later.
#[derive(Clone)]
struct Said {
    request: u32,
    output: u64,
    done: bool,
    session: usize,
    minute: u32,
}

/// The greatest output of each request that ever was committed somewhere, and whether it was the last row's.
#[derive(Default)]
struct Oracle(BTreeMap<u32, u64>);

impl Oracle {
    fn saw(&mut self, said: &[Said]) {
        for row in said {
            let slot = self.0.entry(row.request).or_default();
            *slot = (*slot).max(row.output);
        }
    }

    fn totals(&self) -> (u64, u64) {
        (self.0.len() as u64, self.0.values().sum())
    }
}

/// What people do with Claude Code: new requests, rows that grow, sessions resumed elsewhere with copies of what was said before.
fn use_it(dice: &mut Dice, transcripts: &mut [Vec<Said>], at: usize, next: &mut u32) {
    match dice.below(4) {
        0 if transcripts.iter().any(|t| !t.is_empty()) => {
            let from = dice.below(transcripts.len());
            let copied: Vec<Said> = transcripts[from].iter().filter(|_| dice.chance(50)).cloned().collect();
            transcripts[at].extend(copied);
        }
        1 if !transcripts[at].is_empty() => {
            let which = dice.below(transcripts[at].len());
            let row = transcripts[at][which].clone();
            transcripts[at].push(Said { output: row.output + 7, done: true, minute: row.minute + 900, ..row });
        }
        _ => {
            for _ in 0..=dice.below(3) {
                *next += 1;
                // Over several days, so that there are several files; a clock that is off here and there.
                let minute = *next * 37 + u32::try_from(dice.below(3000)).expect("small");
                transcripts[at].push(Said { request: *next, output: 10, done: dice.chance(50), session: dice.below(6), minute });
            }
        }
    }
}

/// Writes a machine's transcript as Claude Code does: a line for each row.
fn write(machine: &Machine, said: &[Said]) {
    let names = ["s0", "s1", "s2", "s3", "s4", "s5"];
    let lines = said.iter().map(|row| {
        let time = Timestamp::from_millis(1_770_000_000_000 + i64::from(row.minute) * 60_000).expect("a time").to_string();
        let line = Row::new(names[row.session], row.request, &time).output(row.output);
        if row.done { line.line() } else { line.open().line() }
    });
    machine.write(".claude/projects/p/t.jsonl", &lines.collect::<String>());
}

/// A `git` that kills the process that called it, at one of its commands: before it, or after it was carried out.
fn killer(world: &World, when: &str, command: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = world.path().join(format!("kill-{when}-{command}"));
    let git = String::from_utf8(std::process::Command::new("sh").args(["-c", "command -v git"]).output().expect("sh runs").stdout)
        .expect("a path");
    let git = git.trim();
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do\n  if [ \"$word\" = {command} ]; then\n    [ {when} = before ] || {git} \"$@\"\n    kill -9 $PPID\n    exit 1\n  fi\ndone\nexec {git} \"$@\"\n"
    );
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("git"), script).expect("written");
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).expect("executable");
    folder
}

#[test]
fn with_real_git() {
    for seed in seeds(1, 4) {
        println!("seed {seed}");
        real_run(seed, OPERATIONS);
    }
}

fn real_run(seed: u64, operations: usize) {
    let mut dice = Dice::new(seed);
    let world = World::new();
    let mut oracle = Oracle::default();
    let mut transcripts: Vec<Vec<Said>> = vec![Vec::new(); MACHINES];
    let machines: Vec<Machine> = ["ada", "bob", "cyd", "dan", "eve"].map(|name| world.machine(name)).into();
    for machine in &machines {
        machine.init().sync(&[]);
    }
    // Half of the fleets have a front page, which is computed from all of them.
    if seed.is_multiple_of(2) {
        machines[0].sync(&["init", "--front-page"]);
        machines[0].sync(&[]);
    }
    let mut next = 0;
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut settings = [(false, false); MACHINES];
    let path = std::env::var("PATH").expect("a PATH");
    for step in 0..operations {
        let at = dice.below(MACHINES);
        let machine = &machines[at];
        let now = format!("2026-04-{:02}T{:02}:00:00Z", 1 + step / 24 % 28, step % 24);
        match dice.below(24) {
            0..7 => {
                use_it(&mut dice, &mut transcripts, at, &mut next);
                write(machine, &transcripts[at]);
            }
            7..11 => {
                oracle.saw(&transcripts[at]);
                machine.sync_at(&now, &[]);
            }
            11 | 12 => {
                let how: &[&str] = if dice.chance(50) { &["pull", "-q", "--no-rebase", "--no-edit"] } else { &["pull", "-q", "--rebase"] };
                let ran = machine.try_git(how);
                // Where somebody took commits back, one side has deleted what the other changed: git asks no driver, the tool ends it.
                let deleted = ran.out.contains("CONFLICT (modify/delete)") && !ran.out.contains("CONFLICT (content)");
                assert!(ran.code == 0 || deleted, "seed {seed}, step {step}: git {how:?}:\n{}{}", ran.out, ran.err);
                if deleted {
                    oracle.saw(&transcripts[at]);
                    machine.sync_at(&now, &[]);
                }
            }
            13 => {
                oracle.saw(&transcripts[at]);
                machine.sync_at(&now, &["--offline"]);
            }
            14..16 => {
                let (when, command) =
                    [("before", "fetch"), ("before", "push"), ("after", "push"), ("before", "maintenance")][dice.below(4)];
                let folder = killer(&world, when, command);
                let mut process = machine.command("claude-sync", &now);
                process.env("PATH", format!("{}:{path}", folder.display()));
                let status = process.output().expect("runs").status;
                // Killed before the fetch: nothing was committed. Later: the commit is there.
                if status.success() || command != "fetch" {
                    oracle.saw(&transcripts[at]);
                }
            }
            16 => {
                transcripts[at].clear();
                let _ = fs::remove_file(machine.home.join(".claude/projects/p/t.jsonl"));
            }
            17 => {
                let other = fs::read_to_string(machines[dice.below(MACHINES)].home.join(".claude/machine_id")).expect("an id");
                machine.write(".claude/machine_id", &other);
            }
            18 => {
                let _ = fs::remove_dir_all(machine.state());
            }
            // Levels of detail change: what is counted does not.
            20 | 21 => {
                reached.insert("levels of detail");
                settings[at] = (dice.chance(50), dice.chance(50));
                let (summary_only, retention) = settings[at];
                let days = if retention { "5" } else { "36500" };
                machine.write(
                    ".config/claude-sync/config.json",
                    &format!("{{\"summary_only\":{summary_only},\"privacy_settings\":{{\"retention_days\":{days}}}}}"),
                );
            }
            // Another machine's transcripts are imported: the same requests.
            22 => {
                reached.insert("import");
                let from = dice.below(MACHINES);
                if !transcripts[from].is_empty() {
                    oracle.saw(&transcripts[from]);
                    oracle.saw(&transcripts[at]);
                    machine.sync_at(&now, &["import", &machines[from].home.join(".claude/projects").display().to_string()]);
                }
            }
            23 => {
                reached.insert("machine merge");
                let other = fs::read_to_string(machines[dice.below(MACHINES)].home.join(".claude/machine_id")).expect("an id");
                let own = fs::read_to_string(machine.home.join(".claude/machine_id")).expect("an id");
                if own != other {
                    oracle.saw(&transcripts[at]);
                    machine.try_sync(&now, &["machine", "merge", other.trim(), own.trim()]);
                }
            }
            // Somebody takes the newest commits back, here or on the remote.
            _ if dice.chance(50) => drop(machine.try_git(&["reset", "-q", "--hard", "HEAD~1"])),
            _ => drop(machine.try_git(&["push", "-q", "--no-verify", "--force", "origin", "HEAD~1:main"])),
        }
    }
    println!("reached beside the usual: {reached:?}");
    come_to_rest(seed, &world, &machines, &transcripts, &mut oracle);
}

/// Everybody syncs until nothing moves.
fn come_to_rest(seed: u64, world: &World, machines: &[Machine], transcripts: &[Vec<Said>], oracle: &mut Oracle) {
    let heads = || machines.iter().map(Machine::head).collect::<Vec<_>>();
    for round in 0.. {
        assert!(round < 10, "seed {seed}: it never comes to rest");
        let before = heads();
        for (machine, said) in machines.iter().zip(transcripts) {
            oracle.saw(said);
            machine.sync_at("2026-05-01T00:00:00Z", &[]);
        }
        if heads() == before {
            break;
        }
    }
    let trees: Vec<String> = machines.iter().map(|machine| machine.git(&["rev-parse", "HEAD^{tree}"])).collect();
    assert!(trees.iter().all(|tree| *tree == trees[0]), "seed {seed}: the trees differ: {trees:?}");
    machines[0].assert_sound();
    let verified = machines[0].try_sync("2026-05-01T00:00:00Z", &["verify", "--read-data"]);
    let derived = ["README.md", "sync/manifest.json"];
    assert!(derived.iter().all(|file| !verified.out.contains(file)), "seed {seed}: {}", verified.out);
    assert_eq!(machines[0].fleet(), oracle.totals(), "seed {seed}");
    world.git(&world.path().join("remote.git"), &["fsck", "--strict"]);
}
