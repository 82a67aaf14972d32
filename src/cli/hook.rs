//! `claude-sync hook NAME`: what git's hooks call. They look and tell; they never commit, since two machines would repair past each other.

use std::fs;
use std::path::Path;

use super::env::Env;
use super::error::CliError;
use super::exit;
use crate::format::manifest::Manifest;
use crate::git::repo::{Repo, RepoError};
use crate::merge::data;
use crate::merge::trees::MergeError;
use crate::store::layout::MANIFEST;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The hook
    #[arg(value_parser = ["post-merge", "post-rewrite"])]
    name: String,
    /// What git gives it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(args: &Args, _env: &Env) -> Result<u8, CliError> {
    let repo = Repo::from_environment()?;
    if !is_fresh(&repo)? {
        eprintln!(
            "claude-sync: after this {}, the manifest does not tell of the files beside it. Run: claude-sync",
            args.name.trim_start_matches("post-")
        );
    }
    Ok(exit::OK)
}

/// Whether the manifest at `HEAD` was computed from the trees beside it.
fn is_fresh(repo: &Repo) -> Result<bool, MergeError> {
    let Some(head) = repo.head(&repo.branch()?)? else {
        return Ok(true);
    };
    let root = Some(repo.tree_of(head)?);
    let (machines, archive) = data::inputs(repo, root)?;
    let Some(entry) = repo.entry(root, MANIFEST)? else {
        return Ok(machines.is_none() && archive.is_none());
    };
    let id = |oid: Option<crate::git::Oid>| oid.map(|oid| oid.to_string());
    let manifest = Manifest::read(&repo.blob(entry.oid)?).ok();
    Ok(manifest.and_then(|m| m.inputs).is_some_and(|inputs| (inputs.machines, inputs.archive) == (id(machines), id(archive))))
}

const HOOKS: [(&str, &str); 2] =
    [("post-merge", include_str!("../../hooks/post-merge")), ("post-rewrite", include_str!("../../hooks/post-rewrite"))];

/// Installs the hooks where the user has none of their own.
pub fn install(repo: &Repo, program: &Path) -> Result<(), RepoError> {
    if repo.config()?.get_entry("core.hooksPath").is_ok() {
        return Ok(());
    }
    let folder = repo.common_folder().join("hooks");
    let quoted = format!("'{}'", program.to_string_lossy().replace('\'', "'\\''"));
    for (name, script) in HOOKS {
        let path = folder.join(name);
        let script = script.replace("exec claude-sync", &format!("exec {quoted}"));
        let own = fs::read_to_string(&path).map(|text| text.contains("hook post-"));
        if matches!(own, Ok(false)) {
            continue;
        }
        // A hook that is not there costs a hint, never data: failing to install one is no failure.
        if crate::store::durable::write(&path, script.as_bytes()).is_ok() {
            make_executable(&path);
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn make_executable(_: &Path) {}
