//! A machine, its clone, and what it runs.

use std::fs;

use claude_sync::git::Oid;
use claude_sync::git::repo::Repo;
use serde_json::json;

use super::Real;
use super::arguments::killer;
use super::lines::write;
use crate::laws::world::{Ran, run};
use crate::model::rows::{Home, time};

/// Where a run is killed: before or after git was called so.
const KILLS: [(&str, &str); 4] = [
    ("before", "fetch"),
    ("before", "push"),
    ("after", "push"),
    ("before", "maintenance"),
];

impl Real<'_> {
    /// Writes what a machine's user has: its id, its settings, its transcripts.
    pub(super) fn furnish(&self, at: usize, home: &Home) {
        let machine = &self.machines[at];
        let mut privacy = serde_json::Map::new();
        if let Some(days) = home.retention {
            privacy.insert("retention_days".to_owned(), days.into());
        }
        if self.key.as_ref().is_some_and(|(_, by)| *by == at) {
            privacy.insert("encryption".to_owned(), "at-rest".into());
        }
        let settings = json!({ "summary_only": home.summary_only, "privacy_settings": privacy });
        let wanted = [
            (".claude/machine_id", home.id.to_string()),
            (".config/claude-sync/config.json", settings.to_string()),
        ];
        for (path, text) in wanted {
            if fs::read_to_string(machine.home.join(path)).is_ok_and(|known| known == text) {
                continue;
            }
            machine.write(path, &text);
        }
        write(
            &machine.home.join(".claude/projects/p"),
            &home.rows,
            &home.states,
        );
    }

    /// Runs `claude-sync`; where it is to be killed, with a `git` that does so.
    pub(super) fn program(
        &self,
        at: usize,
        now: i64,
        args: &[String],
        killed: Option<usize>,
    ) -> Ran {
        let mut command = self.machines[at].command("claude-sync", &time(now).to_string());
        command.args(args);
        if let Some(which) = killed {
            let (when, what) = KILLS[which];
            let folder = killer(self.world.path(), when, what);
            let path = std::env::var("PATH").expect("a PATH");
            command.env("PATH", format!("{}:{path}", folder.display()));
        }
        run(command)
    }

    /// Runs git as the machine's owner does: the driver finds the key in their home.
    /// Deletes a branch of a machine on the remote, if there is one.
    pub(super) fn drop_branch(&self, pick: usize) -> bool {
        let remote = self.world.path().join("remote.git");
        let list = ["for-each-ref", "--format=%(refname)", "refs/heads/machines"];
        let branches = self.world.git(&remote, &list);
        let branches: Vec<&str> = branches.lines().collect();
        let Some(branch) = branches.get(pick % branches.len().max(1)) else {
            return false;
        };
        self.world.git(&remote, &["update-ref", "-d", branch]);
        true
    }

    pub(super) fn git(&self, at: usize, args: &[&str]) -> Ran {
        run(self.machines[at].owners_git(args))
    }

    /// Files of the user's own that git could not merge: they take theirs, as a person would.
    pub(super) fn settle_own_files(&self, at: usize) {
        let unmerged = self
            .git(at, &["diff", "--name-only", "--diff-filter=U"])
            .out;
        for path in unmerged.lines().filter(|path| !path.starts_with("sync/")) {
            if self.git(at, &["checkout", "-q", "--ours", "--", path]).code != 0 {
                self.git(at, &["checkout", "-q", "--theirs", "--", path]);
            }
            self.git(at, &["add", "--", path]);
        }
    }

    pub(super) fn repo(&self, at: usize) -> Repo {
        let repo = Repo::open(&self.machines[at].repo())
            .expect("opens")
            .expect("a clone");
        repo.with_key(self.key.as_ref().map(|(key, _)| key))
    }

    pub(super) fn head(&self, at: usize) -> Option<Oid> {
        self.repo(at).head_commit().expect("reads")
    }
}
