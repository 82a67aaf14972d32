//! Commits: reading them, and making them in the user's name.

use std::io::Write as _;
use std::path::Path;

use git2::{Oid, Signature};

use super::messages::GitError;
use super::process::Git;
use super::repo::{Repo, RepoError, git};
use super::settings::Role;

impl Repo {
    /// A commit's tree.
    pub fn tree_of(&self, commit: Oid) -> Result<Oid, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?.tree_id())
    }

    /// A commit's parents.
    pub(crate) fn parents_of(&self, commit: Oid) -> Result<Vec<Oid>, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?
            .parent_ids()
            .collect())
    }

    /// Whom commits name as their author.
    pub(crate) fn author(&self, process: &Git) -> Result<String, RepoError> {
        let who = self.signature(process, Role::Author)?;
        Ok(format!(
            "{} <{}>",
            String::from_utf8_lossy(who.name_bytes()),
            String::from_utf8_lossy(who.email_bytes())
        ))
    }

    fn signature(&self, process: &Git, role: Role) -> Result<Signature<'static>, RepoError> {
        let known = process
            .settings(self.path())?
            .person(role)
            .and_then(|who| Signature::now(&who.name, &who.email).ok());
        match known {
            Some(who) => Ok(who),
            // No identity is configured: a commit must not fail for that, and must not guess a name
            // or address either.
            None => git(
                "make a signature",
                Signature::now("claude-sync", "claude-sync@localhost"),
            ),
        }
    }

    /// Makes a commit. It is not signed, even where `commit.gpgSign` is set: [`Git::commit_signed`]
    /// does that. No ref moves.
    pub fn commit(
        &self,
        process: &Git,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, RepoError> {
        let (author, committer) = (
            self.signature(process, Role::Author)?,
            self.signature(process, Role::Committer)?,
        );
        let tree = git("read a tree", self.find_tree(tree))?;
        let parents = parents
            .iter()
            .map(|p| self.find_commit(*p))
            .collect::<Result<Vec<_>, _>>();
        let parents = git("read a commit", parents)?;
        git(
            "make a commit",
            self.inner.commit(
                None,
                &author,
                &committer,
                message,
                &tree,
                &parents.iter().collect::<Vec<_>>(),
            ),
        )
    }

    /// Makes a commit that is signed by the user's set-up for signing. No ref moves.
    pub(crate) fn commit_signed(
        &self,
        process: &Git,
        tree: Oid,
        parents: &[Oid],
        message: &str,
    ) -> Result<Oid, RepoError> {
        let parents: Vec<_> = parents.iter().map(Oid::to_string).collect();
        let id = process.commit_signed(self.path(), &tree.to_string(), &parents, message)?;
        git("read the signed commit", Oid::from_str(&id))
    }

    /// Whether a commit carries a signature.
    pub(crate) fn is_signed(&self, commit: Oid) -> Result<bool, RepoError> {
        Ok(git("read a commit", self.find_commit(commit))?
            .header_field_bytes("gpgsig")
            .is_ok())
    }
}

impl Git {
    /// Makes a signed commit by the user's signing set-up, which libgit2 knows nothing of.
    pub(crate) fn commit_signed(
        &self,
        repo: &Path,
        tree: &str,
        parents: &[String],
        message: &str,
    ) -> Result<String, GitError> {
        let mut file = tempfile::NamedTempFile::new().map_err(GitError::Missing)?;
        file.write_all(message.as_bytes())
            .map_err(GitError::Missing)?;
        let path = file.path().display().to_string();
        let mut args = vec!["-c", "i18n.commitEncoding=UTF-8"];
        if self.settings(repo)?.person(Role::Committer).is_none() {
            args.extend([
                "-c",
                "user.name=claude-sync",
                "-c",
                "user.email=claude-sync@localhost",
            ]);
        }
        args.extend(["commit-tree", "-S", "-F", &path]);
        for parent in parents {
            args.extend(["-p", parent]);
        }
        args.push(tree);
        self.ask(repo, &args).map(|id| id.trim().to_owned())
    }
}
