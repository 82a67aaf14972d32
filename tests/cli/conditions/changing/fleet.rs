//! A fleet whose machines change their conditions.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::{Row, Stage, Variables, furnish, version};
use crate::world::{Machine, Ran, Row as Request, World, run};

pub(super) const NAMES: [&str; 4] = ["ada", "bob", "cyd", "dee"];

/// A machine, and what the test knows of it.
pub(super) struct Member<'w> {
    pub(super) machine: Machine<'w>,
    /// Requests that it made.
    pub(super) made: u32,
    /// Some of them are not on the remote, as far as exit codes say.
    waits: bool,
    /// The conditions that it is under.
    pub(super) under: Vec<usize>,
    variables: Variables,
    /// A condition came over it while it ran, and may be half of one.
    pub(super) half: bool,
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

pub(super) struct Fleet<'w> {
    world: &'w World,
    pub(super) members: Vec<Member<'w>>,
    pub(super) rows: Vec<Row>,
    pub(super) minutes: i64,
}

impl<'w> Fleet<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let all = [
            super::super::configured::rows(),
            super::super::environment::rows(),
            super::super::objects::rows(),
            super::super::places::rows(),
            super::super::remotes::rows(),
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
    pub(super) fn stage(&self, at: usize) -> Stage<'w> {
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

    pub(super) fn use_claude(&mut self, at: usize, count: u32) {
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

    pub(super) fn now(&self) -> String {
        format!(
            "2026-03-10T{:02}:{:02}:00Z",
            12 + self.minutes / 60,
            self.minutes % 60
        )
    }

    /// A run as a timer starts it, or as cron does.
    pub(super) fn sync(&self, at: usize, timer: bool) -> Ran {
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
    pub(super) fn set(&self, at: usize, row: usize) -> Variables {
        let stage = self.stage(at);
        catch_unwind(AssertUnwindSafe(|| (self.rows[row].set)(&stage))).unwrap_or_default()
    }

    /// Notes that.
    pub(super) fn is_under(&mut self, at: usize, row: usize, variables: Variables) {
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
    pub(super) fn lift(&mut self, at: usize) {
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
    pub(super) fn pushed(&self) -> u64 {
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
    pub(super) fn check(&mut self, ran: &[(usize, Ran)], before: u64, disturbed: bool, step: &str) {
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
