//! What branches a remote has, before anything is fetched.

use std::path::Path;

use super::messages::{GitError, failed};
use super::process::{Git, MACHINES};

/// What branches a remote has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Survey {
    /// The default branch; none where there is no branch that all machines share.
    pub(crate) branch: Option<String>,
    /// The remote's `HEAD` names that branch.
    pub(crate) named: bool,
    /// Its objects are named by SHA-256.
    pub(crate) sha256: bool,
    /// There are branches of single machines.
    pub(crate) per_machine: bool,
}

impl Survey {
    /// Reads what `git ls-remote --symref` prints.
    fn of(text: &str) -> Self {
        let sha256 = text
            .lines()
            .any(|line| line.split_once('\t').is_some_and(|(id, _)| id.len() == 64));
        let head = text.lines().find_map(|line| {
            line.strip_prefix("ref: refs/heads/")?
                .strip_suffix("\tHEAD")
        });
        let all: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once('\t')?.1.strip_prefix("refs/heads/"))
            .collect();
        let (machines, branches): (Vec<&str>, Vec<&str>) =
            all.into_iter().partition(|name| name.starts_with(MACHINES));
        // A bare repository's HEAD may name a branch that does not exist.
        let named = head.filter(|head| branches.contains(head));
        let branch = named
            .or_else(|| {
                branches
                    .iter()
                    .copied()
                    .find(|b| ["main", "master"].contains(b))
            })
            .or(branches.first().copied());
        Self {
            branch: branch.map(str::to_owned),
            named: named.is_some(),
            sha256,
            per_machine: !machines.is_empty(),
        }
    }
}

impl Git {
    /// What branches a remote has.
    pub(crate) fn survey(&self, repo: &Path, remote: &str) -> Result<Survey, GitError> {
        let args = ["ls-remote", "--symref", "--", remote];
        let out = self.transport(repo, &args)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        Ok(Survey::of(&String::from_utf8_lossy(&out.stdout)))
    }

    /// What an empty remote is like: which branch its `HEAD` names, where that is sent. It is
    /// cloned into the folder `at`, which must be empty.
    pub(crate) fn survey_empty(&self, at: &Path, address: &str) -> Result<Survey, GitError> {
        let args = [
            "-c",
            "init.defaultBranch=main",
            "clone",
            "--quiet",
            "--bare",
            "--template=",
            "--",
            address,
            "probe.git",
        ];
        let out = self.transport(at, &args)?;
        if !out.status.success() {
            return Err(failed(&args, &out));
        }
        let read = |name: &str| {
            std::fs::read_to_string(at.join("probe.git").join(name)).unwrap_or_default()
        };
        let branch = read("HEAD")
            .trim()
            .strip_prefix("ref: refs/heads/")
            .map(str::to_owned);
        let sha256 = read("config")
            .to_ascii_lowercase()
            .contains("objectformat = sha256");
        Ok(Survey {
            branch,
            named: true,
            sha256,
            per_machine: false,
        })
    }

    /// The address that git would use for `address`, by the user's `url.*.insteadOf`; nothing is
    /// connected to.
    pub(crate) fn rewritten(&self, at: &Path, address: &str) -> Result<String, GitError> {
        self.run(at, &["ls-remote", "--get-url", "--", address])
            .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
    }
}
