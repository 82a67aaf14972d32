//! Four machines sync under conditions of the table that come and go, also while they sync. All is chosen by a seed:
//! `CLAUDE_SYNC_SEED=7 CLAUDE_SYNC_LONG=1 cargo test --test cli conditions::changing -- --nocapture` plays it again, a line a step.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Row, Stage, Variables, changed, furnish, owned, version};
use crate::dice::Dice;
use crate::scale::tries;
use crate::world::{Machine, Ran, Row as Request, World, run};

const NAMES: [&str; 4] = ["ada", "bob", "cyd", "dee"];

/// A machine, and what the test knows of it.
struct Member<'w> {
    machine: Machine<'w>,
    /// Requests that it made.
    made: u32,
    /// Some of them are not on the remote, as far as exit codes say.
    waits: bool,
    /// The conditions that it is under.
    under: Vec<usize>,
    variables: Variables,
    /// A condition came over it while it ran, and may be half of one.
    half: bool,
    /// A run that a condition disturbed failed, perhaps after its push.
    unsure: bool,
    /// It may push a commit without news: one of the user's, or one that joins two branches of the remote.
    extra: bool,
}

/// A run's exit codes that say that all is well, or why not. Others have none here: 3 would say that another run goes on.
const CODES: [i32; 5] = [0, 1, 4, 7, 8];

/// Rows after which somebody else than this machine's records asks for a commit.
const COMMITS: [&str; 7] = [
    "commits of the user's on the branch",
    "a merge with conflicts in the user's files",
    "a rebase with conflicts in the user's files",
    "a cherry-pick with conflicts in the user's files",
    "the default branch was renamed",
    "HEAD names another branch with the data",
    "HEAD names a branch that is not there",
];

struct Fleet<'w> {
    world: &'w World,
    members: Vec<Member<'w>>,
    rows: Vec<Row>,
    minutes: i64,
}

impl<'w> Fleet<'w> {
    fn new(world: &'w World) -> Self {
        let all = [
            super::configured::rows(),
            super::environment::rows(),
            super::objects::rows(),
            super::places::rows(),
            super::remotes::rows(),
        ];
        let rows = all
            .into_iter()
            .flatten()
            .filter(|row| row.needs <= version())
            .collect();
        let member = |name: &&str| {
            let machine = world.machine(name);
            furnish(world, &machine);
            Member {
                machine,
                made: 0,
                waits: false,
                under: Vec::new(),
                variables: Variables::new(),
                half: false,
                unsure: false,
                extra: false,
            }
        };
        let mut fleet = Self {
            world,
            members: NAMES.iter().map(member).collect(),
            rows,
            minutes: 0,
        };
        for at in 0..NAMES.len() {
            fleet.use_claude(at, 2);
            fleet.members[at].machine.init();
            assert_eq!(fleet.sync(at, false).code, 0);
            fleet.members[at].waits = false;
        }
        fleet
    }

    /// The machine as the rows see it: bob, beside another one.
    fn stage(&self, at: usize) -> Stage<'w> {
        let machine = |at: usize| {
            let name = NAMES[at % NAMES.len()];
            // No new file with its id: it may be syncing.
            Machine {
                world: self.world,
                name: name.to_owned(),
                home: self.world.path().join(name),
            }
        };
        Stage {
            world: self.world,
            ada: machine(at + 1),
            bob: machine(at),
        }
    }

    fn use_claude(&mut self, at: usize, count: u32) {
        let member = &mut self.members[at];
        member.made += count;
        member.waits = true;
        member.unsure = false;
        let first = u32::try_from(at).expect("few") * 10_000;
        let row = |n: u32| {
            Request::new(
                NAMES[at],
                first + n,
                &format!(
                    "2026-03-10T{:02}:{:02}:{:02}.000Z",
                    n / 3600,
                    n / 60 % 60,
                    n % 60
                ),
            )
        };
        let text: String = (0..member.made).map(|n| row(n).line()).collect();
        member.machine.write(".claude/projects/p/s.jsonl", &text);
    }

    fn now(&self) -> String {
        format!(
            "2026-03-10T{:02}:{:02}:00Z",
            12 + self.minutes / 60,
            self.minutes % 60
        )
    }

    /// A run as a timer starts it, or as cron does.
    fn sync(&self, at: usize, timer: bool) -> Ran {
        let member = &self.members[at];
        let mut command = member.machine.command("claude-sync", &self.now());
        command.envs(member.variables.iter().map(|(name, value)| (name, value)));
        run(command.args(if timer {
            &["auto", "run", "--trigger", "timer"][..]
        } else {
            &["--quiet"]
        }))
    }

    /// Puts a machine under a condition. One that cannot be set any more, as for a branch that is gone, is set as far as it goes.
    fn set(&self, at: usize, row: usize) -> Variables {
        let stage = self.stage(at);
        catch_unwind(AssertUnwindSafe(|| (self.rows[row].set)(&stage))).unwrap_or_default()
    }

    /// Notes that.
    fn is_under(&mut self, at: usize, row: usize, variables: Variables) {
        let name = self.rows[row].name;
        if COMMITS.contains(&name) {
            // What the remote names its branch is everybody's matter.
            let all = ["the default", "HEAD names"]
                .iter()
                .any(|start| name.starts_with(start));
            self.members
                .iter_mut()
                .enumerate()
                .filter(|(other, _)| all || *other == at)
                .for_each(|(_, member)| member.extra = true);
        }
        self.members[at].under.push(row);
        self.members[at].variables.extend(variables);
    }

    /// What a person does about it.
    fn lift(&mut self, at: usize) {
        let stage = self.stage(at);
        let member = &mut self.members[at];
        let under = std::mem::take(&mut member.under);
        member.variables.clear();
        member.half = false;
        let bob = &stage.bob;
        for path in [
            "hooks",
            ".gitattributes",
            ".config/claude-sync/config.json",
            "elsewhere.gitconfig",
        ] {
            let path = bob.home.join(path);
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        furnish_again(bob);
        for lift in under.iter().filter_map(|row| self.rows[*row].lift) {
            let _ = catch_unwind(AssertUnwindSafe(|| lift(&stage)));
        }
        let _ = fs::remove_file(stage.remote().join("hooks/pre-receive"));
        let git_dir = bob.repo().join(".git");
        let branch = stage.branch();
        for lock in [
            "index.lock",
            "HEAD.lock",
            &format!("refs/heads/{branch}.lock"),
        ] {
            let _ = fs::remove_file(git_dir.join(lock));
        }
        for hook in [
            "pre-push.user",
            "reference-transaction",
            "post-index-change",
            "pre-auto-gc",
        ] {
            let _ = fs::remove_file(git_dir.join("hooks").join(hook));
        }
        let tree = bob.home.join("tree").display().to_string();
        let names = bob.try_git(&["remote"]).out;
        let commands: [&[&str]; 16] = [
            &["merge", "--abort"],
            &["rebase", "--abort"],
            &["cherry-pick", "--abort"],
            &["bisect", "reset"],
            &["worktree", "remove", "--force", &tree],
            &["worktree", "prune"],
            &["sparse-checkout", "disable"],
            &["remote", "remove", "backup"],
            &[
                "remote",
                "rename",
                names
                    .lines()
                    .find(|name| !["origin", "backup"].contains(name))
                    .unwrap_or("none"),
                "origin",
            ],
            &["remote", "set-url", "origin", &self.world.remote()],
            &["config", "--unset-all", "remote.origin.pushurl"],
            &["config", "--unset-all", "remote.origin.mirror"],
            &[
                "config",
                "remote.origin.fetch",
                "+refs/heads/*:refs/remotes/origin/*",
            ],
            &["config", &format!("branch.{branch}.remote"), "origin"],
            &[
                "config",
                &format!("branch.{branch}.merge"),
                &format!("refs/heads/{branch}"),
            ],
            &["switch", "-q", "-f", &branch],
        ];
        for command in commands {
            bob.try_git(command);
        }
        let _ = fs::remove_file(git_dir.join("MERGE_HEAD"));
        for path in ["README.md", "untracked"] {
            bob.try_git(&["checkout", "-q", "HEAD", "--", path]);
        }
        let _ = fs::remove_file(bob.repo().join("untracked"));
        // What the error says to do about a clone of which a part is gone.
        let init = || {
            bob.try_sync(crate::world::NOON, &["init", &self.world.remote()])
                .code
        };
        if init() != 0 {
            let _ = fs::remove_dir_all(bob.repo());
            init();
        }
    }

    /// Commits on the branches of the remote that have data.
    fn pushed(&self) -> u64 {
        let remote = self.world.path().join("remote.git");
        let branches = self.world.git(
            &remote,
            &[
                "for-each-ref",
                "--format=%(refname)",
                "refs/heads/main",
                "refs/heads/trunk",
            ],
        );
        let names: Vec<&str> = branches.lines().collect();
        if names.is_empty() {
            return 0;
        }
        self.world
            .git(&remote, &[&["rev-list", "--count"], &names[..]].concat())
            .trim()
            .parse()
            .expect("a number")
    }

    /// What must hold after some machines ran while nobody else did.
    fn check(&mut self, ran: &[(usize, Ran)], before: u64, disturbed: bool, step: &str) {
        let made = self.pushed().saturating_sub(before);
        let (mut least, mut most) = (0, 0);
        for (at, ran) in ran {
            let member = &mut self.members[*at];
            assert!(
                CODES.contains(&ran.code),
                "{step}: {} ends with {}: {}{}",
                NAMES[*at],
                ran.code,
                ran.out,
                ran.err
            );
            let own = |code: i32| member.under.iter().any(|row| self.rows[*row].code == code);
            let excused = disturbed || member.half || own(ran.code);
            assert!(
                excused || [0, 7].contains(&ran.code),
                "{step}: {} ends with {}: {}{}",
                NAMES[*at],
                ran.code,
                ran.out,
                ran.err
            );
            let news = member.waits && ran.code == 0;
            least += u64::from(news && !member.unsure);
            most += u64::from(news || member.extra || disturbed);
            member.unsure |= disturbed && ran.code != 0;
            if ran.code == 0 {
                member.waits = false;
                member.unsure = false;
                // What came while it ran may still ask for one.
                member.extra &= disturbed;
            }
        }
        if !(least..=most).contains(&made) {
            let refs = self
                .world
                .git(&self.world.path().join("remote.git"), &["for-each-ref"]);
            let logs: Vec<String> = ran
                .iter()
                .map(|(at, _)| {
                    self.members[*at]
                        .machine
                        .try_git(&["log", "-3", "--all", "--oneline", "--decorate"])
                        .out
                })
                .collect();
            panic!(
                "{step}: {made} commits, and {least} to {most} machines had news for the remote\n{refs}{}",
                logs.concat()
            );
        }
    }
}

/// `~/.gitconfig` as it was.
fn furnish_again(machine: &Machine) {
    let name = &machine.name;
    machine.write(
        ".gitconfig",
        &format!("[user]\n\tname = {name}\n\temail = {name}@example.invalid\n"),
    );
}

fn play(seed: u64, syncs: usize) {
    let world = World::new();
    let (mut fleet, mut dice) = (Fleet::new(&world), Dice::new(seed));
    let (mut done, mut conditions) = (0, std::collections::BTreeSet::new());
    while done < syncs {
        fleet.minutes += 2;
        let at = dice.below(NAMES.len());
        if !fleet.members[at].under.is_empty() && dice.chance(65) {
            fleet.lift(at);
        } else if fleet.members[at].under.is_empty() && dice.chance(90) {
            let row = dice.below(fleet.rows.len());
            let variables = fleet.set(at, row);
            fleet.is_under(at, row, variables);
            conditions.insert(row);
        }
        if dice.chance(60) {
            fleet.use_claude(at, 1 + u32::try_from(dice.number(3)).expect("few"));
        }
        let names = |at: usize| {
            fleet.members[at]
                .under
                .iter()
                .map(|row| fleet.rows[*row].name)
                .collect::<Vec<_>>()
        };
        let kind = dice.below(10);
        let runs: Vec<usize> = if kind == 0 {
            (0..NAMES.len()).collect()
        } else {
            vec![at]
        };
        // While it runs, the condition of a machine changes: of another one, or of this one.
        let other = (kind > 5).then(|| {
            (
                if kind > 7 {
                    at
                } else {
                    (at + 1 + dice.below(3)) % NAMES.len()
                },
                dice.below(fleet.rows.len()),
            )
        });
        let timer = dice.chance(50);
        let step = format!(
            "seed {seed}, step {done}: {:?} under {:?}{}",
            runs.iter().map(|at| NAMES[*at]).collect::<Vec<_>>(),
            runs.iter().map(|at| names(*at)).collect::<Vec<_>>(),
            other
                .map(|(at, row)| format!(
                    ", while {} comes under \"{}\"",
                    NAMES[at], fleet.rows[row].name
                ))
                .unwrap_or_default()
        );
        println!("{step}");
        let before = fleet.pushed();
        let homes: Vec<_> = runs
            .iter()
            .map(|at| owned(&fleet.members[*at].machine.home))
            .collect();
        let (mut ran, mut now_under) = (Vec::new(), None);
        let wait = std::time::Duration::from_millis(dice.number(200));
        std::thread::scope(|scope| {
            let fleet = &fleet;
            let all: Vec<_> = runs
                .iter()
                .map(|at| (*at, scope.spawn(move || fleet.sync(*at, timer))))
                .collect();
            now_under = other.map(|(at, row)| {
                std::thread::sleep(wait);
                (at, row, fleet.set(at, row))
            });
            ran = all
                .into_iter()
                .map(|(at, run)| (at, run.join().expect("no panic")))
                .collect();
        });
        done += runs.len();
        println!(
            "  {:?}",
            ran.iter().map(|(_, ran)| ran.code).collect::<Vec<_>>()
        );
        // A condition that came in the middle excuses this machine's exit code, and those of all where it is the remote's.
        let disturbed = now_under.is_some();
        if let Some((at, row, variables)) = now_under {
            fleet.is_under(at, row, variables);
            fleet.members[at].half |= runs.contains(&at);
            conditions.insert(row);
        }
        fleet.check(&ran, before, disturbed, &step);
        for (at, home) in runs
            .iter()
            .zip(&homes)
            .filter(|(at, _)| now_under_other(**at, other))
        {
            let changed = changed(home, &owned(&fleet.members[*at].machine.home));
            assert!(
                changed.is_empty(),
                "{step}: these are the user's and changed: {changed:?}"
            );
        }
    }
    println!(
        "seed {seed}: {done} syncs under {} of {} conditions",
        conditions.len(),
        fleet.rows.len()
    );
    // All of it passes: every machine converges by itself.
    fleet.minutes += 60;
    (0..NAMES.len()).for_each(|at| fleet.lift(at));
    for round in 0..3 {
        for (at, name) in NAMES.iter().enumerate() {
            let ran = fleet.sync(at, false);
            assert!(
                ran.code == 0,
                "seed {seed}: {} in round {round} of the end: {} {}{}",
                name,
                ran.code,
                ran.out,
                ran.err
            );
        }
    }
    let wanted: u64 = fleet
        .members
        .iter()
        .map(|member| u64::from(member.made))
        .sum();
    let heads: Vec<String> = fleet
        .members
        .iter()
        .map(|member| member.machine.head())
        .collect();
    assert!(
        heads.iter().all(|head| *head == heads[0]),
        "seed {seed}: they differ: {heads:?}"
    );
    let branch = fleet.stage(0).branch();
    let remote = world.git(&world.path().join("remote.git"), &["rev-parse", &branch]);
    assert_eq!(
        remote.trim(),
        heads[0],
        "seed {seed}: {branch} is at another commit on the remote"
    );
    for member in &fleet.members {
        assert_eq!(
            member.machine.fleet().0,
            wanted,
            "seed {seed}: {}",
            member.machine.name
        );
        let ran = member.machine.try_sync(&fleet.now(), &["verify"]);
        assert_eq!(
            ran.code, 0,
            "seed {seed}: verify of {}: {}{}",
            member.machine.name, ran.out, ran.err
        );
    }
}

/// Whether the home of this machine was left alone while it ran.
fn now_under_other(at: usize, other: Option<(usize, usize)>) -> bool {
    other.is_none_or(|(other, _)| other != at)
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn four_machines_under_changing_conditions_lose_nothing_and_converge() {
    let seed = std::env::var("CLAUDE_SYNC_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    play(seed, usize::try_from(tries(12, 200)).expect("few"));
}
