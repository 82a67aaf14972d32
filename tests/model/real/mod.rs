//! The fleet with real git and the real programs: machines with homes of their own, a bare remote, plain git commands between the syncs.

mod arguments;
mod clone;
mod lines;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;

use arguments::arguments;
use claude_sync::base::key::Key;
use claude_sync::cache::index::Index;
use claude_sync::cache::{Cache, NoCache};
use claude_sync::format::manifest::BASIS;
use claude_sync::git::Oid;
use claude_sync::git::repo::{Entry, FILE, Repo};
use lines::stands_in;
use serde_json::json;

use crate::laws::attacker::Pusher;
use crate::laws::world::{Machine, World};
use crate::model::check;
use crate::model::hostile::Attack;
use crate::model::limits::{ACCOUNTS, Stated};
use crate::model::rows::{Home, time};
use crate::model::site::{How, Plain, Run, Site};
use crate::model::truth::Committed;

pub struct Real<'w> {
    world: &'w World,
    machines: Vec<Machine<'w>>,
    /// The fleet's key, once it encrypts, and the machine that said so.
    key: Option<(Key, usize)>,
    front_page: bool,
    checks: Cell<u32>,
}

impl<'w> Real<'w> {
    /// Machines that were set up. Some of them push to a branch of their own.
    pub fn new(world: &'w World, homes: &[Home], front_page: bool) -> Self {
        let machines: Vec<Machine> = (0..homes.len())
            .map(|at| world.machine(&format!("m{at}")))
            .collect();
        let site = Self {
            world,
            machines,
            key: None,
            front_page,
            checks: Cell::new(0),
        };
        for (at, home) in homes.iter().enumerate() {
            site.furnish(at, home);
            let args = site.set_up(home);
            let machine = &site.machines[at];
            machine.sync(&args.iter().map(String::as_str).collect::<Vec<_>>());
            if at == 0 && front_page {
                machine.sync(&["init", "--front-page"]);
            }
        }
        site
    }

    /// The arguments that set a machine up.
    fn set_up(&self, home: &Home) -> Vec<String> {
        let mode = home.per_machine.then_some("--branch-per-machine");
        let args = ["init"].into_iter().chain(mode).map(str::to_owned);
        args.chain([self.world.remote()]).collect()
    }
}

impl Site for Real<'_> {
    fn sync(&mut self, at: usize, home: &Home, run: &Run) -> Option<Committed> {
        self.furnish(at, home);
        let killed = if let How::Killed(which) = run.how {
            Some(which)
        } else {
            None
        };
        let args = arguments(run, self.world.path());
        let ran = self.program(at, run.now, &args, killed);
        match (ran.code, killed) {
            (0, _) => Some(Committed::Yes),
            (_, Some(_)) => Some(Committed::Perhaps),
            // Somebody forgets, merges or groups what is not known here.
            (_, None)
                if run.forget.is_some()
                    || run.undo.is_some()
                    || run.merge.is_some()
                    || run.group.is_some()
                    || run.price.is_some() =>
            {
                println!("  refused: {args:?}: {}", ran.err.trim());
                None
            }
            (code, None) => panic!(
                "claude-sync {args:?} ended with {code}:\n{}{}",
                ran.out, ran.err
            ),
        }
    }

    fn plain(&mut self, at: usize, what: Plain, pick: usize) -> bool {
        let Some(head) = self.head(at) else {
            return false;
        };
        let back = format!("HEAD~{}", 1 + pick % 5);
        let ran = match what {
            Plain::Pull | Plain::Push => self.git(
                at,
                &["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"],
            ),
            Plain::PullRebase => self.git(at, &["pull", "-q", "--rebase", "origin", "main"]),
            Plain::Revert => self.git(at, &["revert", "--no-edit", &format!("HEAD~{}", pick % 3)]),
            Plain::Reset => return self.git(at, &["reset", "-q", "--hard", &back]).code == 0,
            Plain::ForcePush => {
                return self
                    .git(
                        at,
                        &[
                            "push",
                            "-q",
                            "--no-verify",
                            "--force",
                            "origin",
                            &format!("{back}:main"),
                        ],
                    )
                    .code
                    == 0;
            }
            Plain::DropBranch => return self.drop_branch(pick),
            Plain::Unrelated => {
                self.git(at, &["fetch", "-q", "origin"]);
                let alone = self
                    .git(at, &["commit-tree", "HEAD^{tree}", "-m", "begin anew"])
                    .out;
                if self.git(at, &["reset", "-q", "--hard", alone.trim()]).code != 0 {
                    return false;
                }
                self.git(
                    at,
                    &[
                        "merge",
                        "-q",
                        "--no-edit",
                        "--allow-unrelated-histories",
                        "origin/main",
                    ],
                )
            }
        };
        self.settle_own_files(at);
        if ran.code == 0 && matches!(what, Plain::Push | Plain::Unrelated) {
            self.git(at, &["push", "-q", "--no-verify", "origin", "HEAD:main"]);
        }
        // Where it stopped, the next run ends it.
        ran.code == 0 && self.head(at) != Some(head)
    }

    fn plant(&mut self, files: &[(String, Vec<u8>)]) -> bool {
        let clone = self.world.path().join("other-tool");
        let git = |args: &[&str]| self.world.try_git(&clone, args);
        if !clone.exists() {
            self.world.git(
                self.world.path(),
                &["init", "-q", "-b", "main", "other-tool"],
            );
            self.world
                .git(&clone, &["remote", "add", "origin", &self.world.remote()]);
        }
        git(&["fetch", "-q", "origin"]);
        git(&["reset", "-q", "--hard", "origin/main"]);
        for (path, bytes) in files {
            let path = clone.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("written");
        }
        self.world.git(&clone, &["add", "-A"]);
        git(&["commit", "-q", "-m", "sync of another tool"]);
        git(&["push", "-q", "origin", "HEAD:main"]).code == 0
    }

    fn rewrite(&mut self, at: usize, files: &[(String, Vec<u8>)]) -> bool {
        let Some(head) = self.head(at) else {
            return false;
        };
        let repo = self.repo(at);
        if self.key.is_some() {
            repo.start_sealing();
        }
        let put = |(path, bytes): &(String, Vec<u8>)| {
            let oid = repo.write_file(path, bytes).expect("stored");
            (path.clone(), Entry { mode: FILE, oid })
        };
        let root = repo.tree_of(head).expect("a commit");
        let tree = repo
            .replace(
                Some(root),
                &files.iter().map(put).collect::<BTreeMap<_, _>>(),
            )
            .expect("a tree");
        let commit = self
            .git(
                at,
                &[
                    "commit-tree",
                    &tree.to_string(),
                    "-p",
                    &head.to_string(),
                    "-m",
                    "sync of a newer version",
                ],
            )
            .out;
        self.git(at, &["reset", "-q", "--hard", commit.trim()]).code == 0
    }

    fn remote_paths(&self) -> Vec<String> {
        let has = self
            .world
            .try_git(
                &self.world.path().join("remote.git"),
                &["rev-parse", "--verify", "-q", "main:sync"],
            )
            .code
            == 0;
        if has {
            Pusher::new(self.world).paths()
        } else {
            Vec::new()
        }
    }

    fn remote_file(&self, path: &str) -> Vec<u8> {
        let shown = self.world.try_git(
            &self.world.path().join("remote.git"),
            &["show", &format!("main:{path}")],
        );
        shown.out.into_bytes()
    }

    fn attack(&mut self, attack: &Attack) -> bool {
        let pusher = Pusher::new(self.world);
        match attack {
            Attack::Put(files) => {
                let files: Vec<(&str, Option<&[u8]>)> = files
                    .iter()
                    .map(|(path, bytes)| (path.as_str(), bytes.as_deref()))
                    .collect();
                return pusher.try_put(&files);
            }
            Attack::Rewind(commits) => return pusher.rewind(*commits),
            Attack::Empty => drop(self.world.git(
                &self.world.path().join("remote.git"),
                &["update-ref", "-d", "refs/heads/main"],
            )),
            Attack::Anew => pusher.begin_anew(),
            Attack::Named(folder, name) => pusher.put_named(folder, name, b"mallory"),
        }
        true
    }

    fn assert_sealed(&self) {
        let remote = self.world.path().join("remote.git");
        let all = self.world.git(
            &remote,
            &[
                "cat-file",
                "--batch-all-objects",
                "--batch-check=%(objectname) %(objecttype)",
            ],
        );
        let words = [
            "shop",
            "blog",
            "game",
            "usage_summary",
            "input_tokens",
            "Records-Added",
            "\"session\"",
        ];
        for (id, kind) in all
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, kind)| *kind != "tree")
        {
            let text = self.world.git(&remote, &["cat-file", kind, id]);
            // What the pusher made says so.
            let said = words
                .iter()
                .find(|word| stands_in(&text, word))
                .filter(|_| !text.contains("mallory"));
            assert!(said.is_none(), "{said:?} is seen in the remote: {text}");
        }
    }

    fn lose_index(&mut self, at: usize) {
        let _ = fs::remove_dir_all(self.machines[at].state());
    }

    fn lose_clone(&mut self, at: usize, home: &Home, now: i64) {
        self.lose_index(at);
        fs::remove_dir_all(self.machines[at].repo()).expect("removed");
        let ran = self.program(at, now, &self.set_up(home), None);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }

    fn state_limits(&mut self, at: usize, home: &Home, stated: &[Stated]) {
        self.furnish(at, home);
        let Some(first) = stated.first() else { return };
        let window = |one: &Stated| {
            // Versions of Claude Code write the end in one of two ways.
            let ends = if one.used.is_multiple_of(2) {
                json!(one.ends / 1000)
            } else {
                json!(time(one.ends).to_string())
            };
            let used = f64::from(u32::try_from(one.used).expect("small")) / 100.0;
            let window = json!({ "used_percentage": used, "resets_at": ends });
            (one.window.to_owned(), window)
        };
        let limits: serde_json::Map<_, _> = stated.iter().map(window).collect();
        let machine = &self.machines[at];
        machine.write("stated.json", &json!({ "rate_limits": limits }).to_string());
        let file = fs::File::open(machine.home.join("stated.json")).expect("opened");
        let profile = machine.home.join(ACCOUNTS[first.account].1);
        fs::create_dir_all(&profile).expect("a folder");
        let mut command = machine.command("claude-usage-tracker", &time(first.at).to_string());
        command.arg("statusline").stdin(file);
        if first.account > 0 {
            command.env("CLAUDE_CONFIG_DIR", profile);
        }
        assert!(command.output().expect("runs").status.success());
    }

    fn encrypt(&mut self, at: usize, now: i64) -> bool {
        if self.key.is_some() {
            return false;
        }
        let now = time(now).to_string();
        self.machines[at].sync_at(&now, &["key", "init"]);
        let text = self.machines[at].sync_at(&now, &["key", "show"]).out;
        for other in (0..self.machines.len()).filter(|other| *other != at) {
            self.machines[other].sync_at(&now, &["key", "import", text.trim()]);
        }
        self.key = Some((Key::parse(text.trim()).expect("a key"), at));
        true
    }

    fn look(&self, at: usize, show: &mut dyn FnMut(&Repo, Oid)) {
        if let Some(head) = self.head(at) {
            let repo = self.repo(at);
            let root = repo.tree_of(head).expect("a commit");
            show(&repo, root);
        }
    }

    fn check(&self, at: usize, after_run: bool) {
        let state = self.machines[at].state();
        let index = state
            .is_dir()
            .then(|| Index::open(&state).expect("an index"));
        self.look(at, &mut |repo, root| {
            let caches: Vec<&dyn Cache> = index
                .iter()
                .map(|index| index as &dyn Cache)
                .chain([&NoCache as &dyn Cache])
                .collect();
            // Digests that are made anew are those that the index has: to ask for them each time would double the time.
            let fresh = self.checks.replace(self.checks.get() + 1).is_multiple_of(5);
            check::counts_alike(repo, root, if fresh { &caches } else { &caches[..1] });
            if after_run {
                check::is_sound(repo, root, caches[0], BASIS);
                if self.front_page {
                    check::front_is_fresh(repo, root);
                }
            }
        });
    }

    fn assert_one_history(&self) {
        let repo = self.repo(0);
        if let Some(main) = repo.commit_at("refs/remotes/origin/main").expect("reads") {
            check::has_one_history(&repo, main);
        }
    }

    fn state(&self, at: usize) -> String {
        self.git(at, &["rev-parse", "HEAD:sync"]).out
    }
}
