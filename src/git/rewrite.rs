//! Histories made anew: the commits of one in order, and commits with another parent.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs;

use git2::{Oid, Signature, Time};

use super::repo::{Repo, RepoError, git};

/// A commit of a history that is made anew.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) commit: Oid,
    pub(crate) tree: Oid,
    /// When it was committed, in seconds.
    pub(crate) at: i64,
    pub(crate) message: String,
    parents: Vec<Oid>,
}

/// Whom commits that stand for several others name.
const NOBODY: (&str, &str) = ("claude-sync", "claude-sync@localhost");

impl Repo {
    /// All commits that lead to `tip`, parents first; of those that may come next the earliest, so
    /// that the order is the same everywhere.
    pub(crate) fn links(&self, tip: Oid) -> Result<Vec<Link>, RepoError> {
        let mut links = Vec::new();
        for commit in self.new_commits(tip, &[])? {
            let commit = git("read a commit", self.find_commit(commit))?;
            links.push(Link {
                commit: commit.id(),
                tree: commit.tree_id(),
                at: commit.time().seconds(),
                message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
                parents: commit.parent_ids().collect(),
            });
        }
        Ok(in_order(links))
    }

    /// Whether a commit begins a history. Where a shallow clone ends is no beginning.
    pub(crate) fn is_root(&self, commit: Oid) -> Result<bool, RepoError> {
        Ok(self.parents_of(commit)?.is_empty() && !self.shallow().contains(&commit))
    }

    /// Whether a history ends where this shallow clone does, before it reaches what the remote has.
    /// No remote takes such a history: it would lack the commits before that.
    pub(crate) fn is_cut_off(&self, commit: Oid) -> Result<bool, RepoError> {
        let ends = self.shallow();
        if ends.is_empty() {
            return Ok(false);
        }
        let known: Vec<Oid> = self.tips_below("refs/remotes/")?.into_values().collect();
        let new = self.new_commits(commit, &known)?;
        Ok(new.iter().any(|commit| ends.contains(commit)))
    }

    /// The commits at which a shallow clone ends.
    pub(crate) fn shallow(&self) -> Vec<Oid> {
        let text = fs::read_to_string(self.common_folder().join("shallow")).unwrap_or_default();
        text.lines()
            .filter_map(|line| Oid::from_str(line.trim()).ok())
            .collect()
    }

    /// A commit once more, with its tree, author and times, on another parent. A signature is not
    /// kept: it would be of another commit.
    pub(crate) fn commit_again(
        &self,
        commit: Oid,
        parent: Option<Oid>,
        message: &str,
    ) -> Result<Oid, RepoError> {
        let old = git("read a commit", self.find_commit(commit))?;
        let (author, committer) = (old.author().to_owned(), old.committer().to_owned());
        self.commit_by((&author, &committer), old.tree_id(), parent, message)
    }

    /// A commit that stands for several others, the last of them at `at`.
    pub(crate) fn commit_for(
        &self,
        (tree, at): (Oid, i64),
        parent: Option<Oid>,
        message: &str,
    ) -> Result<Oid, RepoError> {
        let (name, email) = NOBODY;
        let who = Signature::new(name, email, &Time::new(at, 0));
        let who = git("make a signature", who)?;
        self.commit_by((&who, &who), tree, parent, message)
    }

    fn commit_by(
        &self,
        (author, committer): (&Signature<'_>, &Signature<'_>),
        tree: Oid,
        parent: Option<Oid>,
        message: &str,
    ) -> Result<Oid, RepoError> {
        let tree = git("read a tree", self.find_tree(tree))?;
        let parent = parent.map(|parent| self.find_commit(parent)).transpose();
        let parent = git("read a commit", parent)?;
        let parents: Vec<_> = parent.iter().collect();
        git(
            "make a commit",
            self.inner
                .commit(None, author, committer, message, &tree, &parents),
        )
    }
}

/// Commits with their parents before them, the earliest first where that leaves a choice.
fn in_order(links: Vec<Link>) -> Vec<Link> {
    let places: HashMap<Oid, usize> = links
        .iter()
        .enumerate()
        .map(|(at, link)| (link.commit, at))
        .collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); links.len()];
    let mut waits: Vec<usize> = vec![0; links.len()];
    for (at, link) in links.iter().enumerate() {
        for parent in link.parents.iter().filter_map(|id| places.get(id)) {
            children[*parent].push(at);
            waits[at] += 1;
        }
    }
    let key = |at: usize| Reverse((links[at].at, links[at].commit, at));
    let first = (0..links.len()).filter(|at| waits[*at] == 0);
    let mut ready: BinaryHeap<_> = first.map(key).collect();
    let mut order = Vec::with_capacity(links.len());
    while let Some(Reverse((.., at))) = ready.pop() {
        order.push(at);
        for child in &children[at] {
            waits[*child] -= 1;
            if waits[*child] == 0 {
                ready.push(key(*child));
            }
        }
    }
    let mut links: Vec<Option<Link>> = links.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|at| links.get_mut(at)?.take())
        .collect()
}
