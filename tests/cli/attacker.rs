//! Somebody who can push and has no key: makes commits out of objects, as no `git add` would.

use std::fs;
use std::path::PathBuf;

use super::world::World;

/// Makes commits out of objects, as no `git add` would, and pushes them by force.
pub struct Pusher<'w> {
    world: &'w World,
    clone: PathBuf,
}

impl<'w> Pusher<'w> {
    pub fn new(world: &'w World) -> Self {
        let clone = world.path().join("pusher");
        if !clone.exists() {
            world.git(world.path(), &["init", "-q", "-b", "main", "pusher"]);
            world.git(&clone, &["remote", "add", "origin", &world.remote()]);
        }
        Self { world, clone }
    }

    fn git(&self, args: &[&str]) -> String {
        self.world.git(&self.clone, args)
    }

    fn blob(&self, bytes: &[u8]) -> String {
        let file = self.world.path().join("blob");
        fs::write(&file, bytes).expect("written");
        self.git(&["hash-object", "-w", &file.display().to_string()])
            .trim()
            .to_owned()
    }

    /// A file of the remote's branch, as it is stored.
    pub fn show(&self, path: &str) -> String {
        self.git(&["fetch", "-q", "origin"]);
        self.git(&["show", &format!("origin/main:{path}")])
    }

    /// Paths below `sync` on the remote's branch.
    pub fn paths(&self) -> Vec<String> {
        self.git(&["fetch", "-q", "origin"]);
        self.git(&["ls-tree", "-r", "--name-only", "origin/main", "sync"])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn commit(&self, tree: &str) {
        let commit = self.git(&[
            "commit-tree",
            tree.trim(),
            "-p",
            "origin/main",
            "-m",
            "sync",
        ]);
        self.git(&[
            "push",
            "-q",
            "--force",
            "origin",
            &format!("{}:refs/heads/main", commit.trim()),
        ]);
    }

    /// Puts files on top of what the remote's branch has; none takes a file away.
    pub fn put(&self, files: &[(&str, Option<&[u8]>)]) {
        assert!(
            self.try_put(files),
            "git reads the tree of the remote's branch"
        );
    }

    /// As [`Self::put`], and whether it went: git refuses to work with a tree that has names as [`Self::put_named`] gives them.
    pub fn try_put(&self, files: &[(&str, Option<&[u8]>)]) -> bool {
        self.git(&["fetch", "-q", "origin"]);
        let read = ["read-tree", "origin/main"];
        if self.world.try_git(&self.clone, &read).code != 0 {
            return false;
        }
        for (path, bytes) in files {
            match bytes {
                Some(bytes) => {
                    let id = self.blob(bytes);
                    self.git(&[
                        "update-index",
                        "--add",
                        "--cacheinfo",
                        &format!("100644,{id},{path}"),
                    ]);
                }
                None => drop(self.git(&["update-index", "--force-remove", path])),
            }
        }
        let tree = self.git(&["write-tree"]);
        self.commit(&tree);
        true
    }

    /// Has the remote's branch be at an older commit, as many before the newest.
    pub fn rewind(&self, commits: usize) -> bool {
        self.git(&["fetch", "-q", "origin"]);
        let older = format!("origin/main~{commits}");
        let there = self
            .world
            .try_git(&self.clone, &["rev-parse", "--verify", "-q", &older])
            .code
            == 0;
        if there {
            self.git(&[
                "push",
                "-q",
                "--force",
                "origin",
                &format!("{older}:refs/heads/main"),
            ]);
        }
        there
    }

    /// Begins the remote's branch anew, with a file that is no sync data.
    pub fn begin_anew(&self) {
        let id = self.blob(b"mallory was here\n");
        self.git(&["read-tree", "--empty"]);
        self.git(&[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("100644,{id},notes.txt"),
        ]);
        let commit = self.git(&[
            "commit-tree",
            self.git(&["write-tree"]).trim(),
            "-m",
            "anew",
        ]);
        self.git(&[
            "push",
            "-q",
            "--force",
            "origin",
            &format!("{}:refs/heads/main", commit.trim()),
        ]);
    }

    /// Adds a file of any name to a folder of the remote's branch.
    pub fn put_named(&self, folder: &str, name: &str, bytes: &[u8]) {
        self.git(&["fetch", "-q", "origin"]);
        let id = self.blob(bytes);
        let mut inner = self.tree(folder, Some((name, "100644", &id)));
        let mut at = folder;
        while !at.is_empty() {
            let (above, own) = at.rsplit_once('/').unwrap_or(("", at));
            inner = self.tree(above, Some((own, "40000", &inner)));
            at = above;
        }
        self.commit(&inner);
    }

    /// The tree at `folder`, byte for byte, with one entry more or another one.
    fn tree(&self, folder: &str, entry: Option<(&str, &str, &str)>) -> String {
        let list = self.git(&["ls-tree", &format!("origin/main:{folder}")]);
        let mut entries: Vec<(String, String, String)> = Vec::new();
        for line in list.lines() {
            let (head, name) = line.split_once('\t').expect("a name");
            let words: Vec<&str> = head.split(' ').collect();
            entries.push((
                name.to_owned(),
                words[0].trim_start_matches('0').to_owned(),
                words[2].to_owned(),
            ));
        }
        if let Some((name, mode, id)) = entry {
            entries.retain(|(known, ..)| known != name);
            entries.push((name.to_owned(), mode.to_owned(), id.to_owned()));
        }
        entries.sort_by_key(|(name, mode, _)| {
            if mode == "40000" {
                format!("{name}/")
            } else {
                name.clone()
            }
        });
        let mut raw = Vec::new();
        for (name, mode, id) in entries {
            raw.extend(format!("{mode} {name}\0").into_bytes());
            raw.extend(
                (0..20).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).expect("hex")),
            );
        }
        let file = self.world.path().join("tree");
        fs::write(&file, raw).expect("written");
        self.git(&[
            "hash-object",
            "-t",
            "tree",
            "-w",
            "--literally",
            &file.display().to_string(),
        ])
        .trim()
        .to_owned()
    }
}
