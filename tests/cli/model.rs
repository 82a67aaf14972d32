//! Five machines, two hundred random operations, then everyone syncs until nothing moves: all trees are equal to the byte, and the
//! totals are those of an oracle kept beside them. A failing run prints its seed; `CLAUDE_SYNC_SEED` replays it.

use std::collections::BTreeMap;
use std::fs;

use claude_sync::base::ids::{MachineId, RecordId, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::Cost;
use claude_sync::base::time::Timestamp;
use claude_sync::fleet::Fleet;
use claude_sync::fleet::manifest;
use claude_sync::fleet::read::{self, Content};
use claude_sync::format::syncfile::Mode;
use claude_sync::merge::algebra::{Tree, join_trees};
use claude_sync::record::{Body, Counters, Origin, Record, RecordSet};
use claude_sync::sync::own::Own;
use claude_sync::sync::{Host, Stamp};

use crate::dice::Dice;
use crate::scale::seeds;
use crate::world::{Machine, Row, World};

const MACHINES: usize = 5;
const OPERATIONS: usize = 200;

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

// ---- The join in memory.

struct Node {
    id: MachineId,
    head: Tree,
    known: Tree,
}

fn id(at: usize) -> MachineId {
    MachineId::canonical(&format!("{at:08}-0000-4000-8000-000000000000")).expect("an id")
}

fn record(said: &Said) -> Record {
    let at = 1_770_000_000_000 + i64::from(said.minute) * 60_000;
    Record {
        id: RecordId::of("request", &[&said.request.to_be_bytes()]),
        derived: false,
        origin: Origin {
            timestamp: Timestamp::from_millis(at).expect("a time"),
            session: SessionId::new(format!("s{}", said.session).as_str().into()),
            project: "p".into(),
        },
        index: 0,
        fast: false,
        body: Body {
            model: "claude-opus-4-8".into(),
            counters: Counters { input: 1, output: said.output, ..Counters::default() },
            service_tier: None,
            inference_geo: None,
            provisional: !said.done,
            sidechain: false,
            cost: Cost::default(),
            recorded_cost: None,
            extra: Extra::new(),
        },
    }
}

/// A run as `claude-sync` does it: everything there is, joined, and the own records added.
fn commit(node: &mut Node, tip: Option<&Tree>, said: &[Said], now: Timestamp) {
    let mut tree = join_trees(&node.head, &node.known).expect("joins");
    if let Some(tip) = tip {
        tree = join_trees(tip, &tree).expect("joins");
    }
    let mut own = Own::new(&node.id);
    for (path, bytes) in &tree {
        own.read(path, Content::Bytes(bytes.clone())).expect("reads");
    }
    let first = own.is_new();
    own.add_records(&said.iter().map(record).collect::<RecordSet>());
    if first || own.is_changed() {
        let host = Host { hostname: "h".into(), platform: "linux".into(), os_version: "1".into(), fingerprint: String::new() };
        tree.extend(own.write(&Stamp { now, mode: Mode::Incremental, host: &host }, false));
    }
    node.head = derived(tree);
    node.known.clone_from(&node.head);
}

/// The tree with the manifest that its other files imply.
fn derived(mut tree: Tree) -> Tree {
    tree.remove("sync/manifest.json");
    let text = manifest::compute(&Fleet::join(read::read(&tree)), None, None, 1).write();
    tree.insert("sync/manifest.json".to_owned(), text.into_bytes());
    tree
}

#[test]
fn in_memory() {
    for seed in seeds(16, 256) {
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let mut oracle = Oracle::default();
        let mut transcripts: Vec<Vec<Said>> = vec![Vec::new(); MACHINES];
        let mut nodes: Vec<Node> = (0..MACHINES).map(|at| Node { id: id(at), head: Tree::new(), known: Tree::new() }).collect();
        let mut remote = Tree::new();
        let mut older = Tree::new();
        let mut next = 0;
        for step in 0..OPERATIONS {
            let at = dice.below(MACHINES);
            let skew = i64::try_from(dice.below(7_200_000)).expect("small");
            let now = Timestamp::from_millis(1_780_000_000_000 + i64::try_from(step).expect("small") * 600_000 + skew).expect("a time");
            match dice.below(20) {
                0..7 => use_it(&mut dice, &mut transcripts, at, &mut next),
                7..12 => {
                    oracle.saw(&transcripts[at]);
                    commit(&mut nodes[at], Some(&remote), &transcripts[at], now);
                    older = std::mem::replace(&mut remote, nodes[at].head.clone());
                }
                // A plain pull: the driver joins, nothing is added. What git merges into HEAD, the tool hears of at its next run.
                12..14 => nodes[at].head = derived(join_trees(&nodes[at].head, &remote).expect("joins")),
                // Offline, or killed before the push.
                14..16 => {
                    oracle.saw(&transcripts[at]);
                    commit(&mut nodes[at], None, &transcripts[at], now);
                }
                // Plain git, both ways: what this clone has, joined with the remote's, and pushed.
                16 => {
                    nodes[at].head = derived(join_trees(&nodes[at].head, &remote).expect("joins"));
                    older = std::mem::replace(&mut remote, nodes[at].head.clone());
                }
                // Claude Code deletes what is 30 days old.
                17 => transcripts[at].clear(),
                // A home is copied: two computers with one id from here on.
                18 => nodes[at].id = id(dice.below(MACHINES)),
                // Somebody pushes an older state by force, or takes commits back here.
                _ if dice.chance(50) => remote.clone_from(&older),
                _ => nodes[at].head.clone_from(&older),
            }
        }
        // Until nothing moves: a round in which everybody syncs and nobody changes anything.
        let now = Timestamp::from_millis(1_790_000_000_000).expect("a time");
        let mut rounds = 0;
        loop {
            let before = remote.clone();
            for at in 0..MACHINES {
                oracle.saw(&transcripts[at]);
                commit(&mut nodes[at], Some(&remote), &transcripts[at], now);
                remote.clone_from(&nodes[at].head);
            }
            rounds += 1;
            assert!(rounds < 10, "seed {seed}: it never comes to rest");
            if remote == before {
                break;
            }
        }
        for node in &nodes {
            assert!(node.head == remote, "seed {seed}: {} holds other bytes", node.id);
        }
        let fleet = Fleet::join(read::read(&remote)).totals();
        assert_eq!((fleet.requests, fleet.counters.output), oracle.totals(), "seed {seed}");
    }
}

// ---- Real git, real processes.

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
    for seed in seeds(1, 32) {
        println!("seed {seed}");
        real_run(seed, if std::env::var_os("CLAUDE_SYNC_LONG").is_some() { OPERATIONS } else { 40 });
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
    let path = std::env::var("PATH").expect("a PATH");
    for step in 0..operations {
        let at = dice.below(MACHINES);
        let machine = &machines[at];
        let now = format!("2026-04-{:02}T{:02}:00:00Z", 1 + step / 24 % 28, step % 24);
        match dice.below(20) {
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
            // Somebody takes the newest commits back, here or on the remote.
            _ if dice.chance(50) => drop(machine.try_git(&["reset", "-q", "--hard", "HEAD~1"])),
            _ => drop(machine.try_git(&["push", "-q", "--no-verify", "--force", "origin", "HEAD~1:main"])),
        }
    }
    let heads = || machines.iter().map(Machine::head).collect::<Vec<_>>();
    for round in 0.. {
        assert!(round < 10, "seed {seed}: it never comes to rest");
        let before = heads();
        for (machine, said) in machines.iter().zip(&transcripts) {
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
