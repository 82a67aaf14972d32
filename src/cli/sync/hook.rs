//! `claude-sync hook NAME`: what git's hooks call. They look, tell and refuse; they never commit, since two machines would repair
//! past each other.

use crate::cli::error::CliError;
use crate::cli::print::out;
use crate::cli::{exit, host, places};
use std::io::Read as _;

use crate::base::ids::MachineId;
use crate::base::text::printable;
use crate::fleet::DataError;
use crate::git::repo::{KNOWN, Repo, RepoError};
use crate::git::{Git, Oid, hooks};
use crate::merge::guard::{self, Breach};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The hook
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Debug, clap::Subcommand)]
enum Hook {
    /// After a merge: check the manifest
    PostMerge(Rest),
    /// After a rebase: check the manifest
    PostRewrite(Rest),
    /// Before a push: refuse what it would break
    PrePush(Rest),
    /// In a bare repository on a server: refuse pushes that lose or forge data, or carry anything else
    PreReceive(Rest),
    /// Install the server's hook in the bare repository at this place
    Install(Place),
}

#[derive(Debug, clap::Args)]
struct Rest {
    /// What git gives it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The bare repository
    path: std::path::PathBuf,
}

/// A ref that is to move, as git tells hooks of it.
struct Update {
    name: String,
    old: Option<Oid>,
    new: Option<Oid>,
}

pub fn run(args: &Args) -> Result<u8, CliError> {
    let (name, rest) = match &args.hook {
        Hook::PostMerge(rest) => ("post-merge", rest),
        Hook::PostRewrite(rest) => ("post-rewrite", rest),
        Hook::PrePush(rest) => ("pre-push", rest),
        Hook::PreReceive(rest) => ("pre-receive", rest),
        Hook::Install(place) => return install(&place.path),
    };
    // A server has no home, no key, and needs neither.
    let key = places::find()
        .ok()
        .and_then(|places| crate::store::key::read(&places.key).ok().flatten());
    let repo = Repo::from_environment()?.with_key(key.as_ref());
    let mut input = Vec::new();
    // `post-merge` gets none, and its standard input may be the user's terminal.
    if name != "post-merge" {
        let _ = std::io::stdin().read_to_end(&mut input);
    }
    let theirs = hooks::run_chained(&repo, name, &rest.args, &input).map_err(|e| {
        CliError::plain(
            &format!("failed to run your own {name} hook: {e}"),
            "claude_sync::hook",
            exit::FAILURE,
            "see the file NAME.user beside the hook",
        )
    })?;
    if theirs != 0 {
        return Ok(u8::try_from(theirs).unwrap_or(exit::FAILURE));
    }
    let text = String::from_utf8_lossy(&input);
    let breaches = match name {
        "pre-push" => text
            .lines()
            .filter_map(pushed)
            .map(|update| outgoing(&repo, &update))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        "pre-receive" => text
            .lines()
            .filter_map(received)
            .map(|update| incoming(&repo, &update))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        _ => {
            let root = repo
                .head_commit()?
                .map(|head| repo.tree_of(head))
                .transpose()?;
            // Git writes the work tree by the umask of whoever runs it.
            crate::store::private::close_folder(repo.path());
            if !guard::is_fresh(&repo, root)? {
                let what = name.trim_start_matches("post-");
                eprintln!(
                    "claude-sync: after this {what}, the manifest does not tell of the files beside it. Run: claude-sync"
                );
            }
            return Ok(exit::OK);
        }
    };
    if breaches.is_empty() {
        return Ok(exit::OK);
    }
    eprintln!("claude-sync: this push is refused, because it would break what the remote has:");
    for breach in breaches.iter().take(20) {
        eprintln!("  {breach}");
    }
    if breaches.len() > 20 {
        eprintln!("  and {} more", breaches.len() - 20);
    }
    eprintln!("Run claude-sync, which joins what both sides have, and push again.");
    Ok(exit::FAILURE)
}

fn install(path: &std::path::Path) -> Result<u8, CliError> {
    let repo = Repo::open_bare(path).map_err(|error| {
        CliError::plain(
            &error.to_string(),
            "claude_sync::repository",
            exit::REPOSITORY,
            "name a bare repository, as git init --bare makes it",
        )
    })?;
    match hooks::install(&repo, &Git::find(false)?, &host::program(), true)? {
        hooks::Installed::Here(folder) => {
            out(&format!(
                "Installed pre-receive in {}.\n",
                printable(&folder.display().to_string(), 400)
            ));
            Ok(exit::OK)
        }
        hooks::Installed::Shared(folder) | hooks::Installed::Failed(folder) => {
            Err(CliError::plain(
                &format!("failed to install pre-receive in {}", folder.display()),
                "claude_sync::hook",
                exit::FAILURE,
                "see whether core.hooksPath is set for all repositories, and whether the folder can be written",
            ))
        }
    }
}

fn id(text: &str) -> Option<Oid> {
    Oid::from_str(text).ok().filter(|oid| !oid.is_zero())
}

/// A line of `pre-push`: local ref, local id, remote ref, remote id.
fn pushed(line: &str) -> Option<Update> {
    let words: Vec<_> = line.split(' ').collect();
    let [_, new, name, old] = words[..] else {
        return None;
    };
    Some(Update {
        name: name.to_owned(),
        old: id(old),
        new: id(new),
    })
}

/// A line of `pre-receive`: old id, new id, ref.
fn received(line: &str) -> Option<Update> {
    let (old, rest) = line.split_once(' ')?;
    let (new, name) = rest.split_once(' ')?;
    Some(Update {
        name: name.to_owned(),
        old: id(old),
        new: id(new),
    })
}

fn tree(repo: &Repo, commit: Option<Oid>) -> Result<Option<Oid>, RepoError> {
    commit.map(|commit| repo.tree_of(commit)).transpose()
}

fn outgoing(repo: &Repo, update: &Update) -> Result<Vec<Breach>, DataError> {
    let old = match update.old {
        Some(old) if !repo.has(old) => {
            return Ok(vec![Breach::Unseen {
                name: update.name.clone(),
            }]);
        }
        old => tree(repo, old)?,
    };
    let new = tree(repo, update.new)?;
    let here = [repo.synced()?, repo.commit_at(KNOWN)?]
        .into_iter()
        .flatten();
    let roots = here
        .map(|commit| repo.tree_of(commit))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = guard::rules(repo, roots.into_iter().chain(new))?;
    let mut out = guard::breaches(repo, old, new, &rules)?;
    let there: Vec<Oid> = repo
        .tips_below("refs/remotes/")?
        .into_values()
        .chain(update.old)
        .collect();
    let commits = update
        .new
        .map(|new| repo.new_commits(new, &there))
        .transpose()?
        .unwrap_or_default();
    out.extend(guard::forgotten(repo, &rules, &commits)?);
    if repo.sealed_mark()?.is_some() {
        out.extend(guard::clear(repo, &commits)?);
    }
    Ok(out)
}

fn incoming(repo: &Repo, update: &Update) -> Result<Vec<Breach>, DataError> {
    if update.new.is_some_and(|new| repo.tree_of(new).is_err()) {
        return Ok(vec![Breach::Foreign {
            path: update.name.clone(),
        }]);
    }
    let (old, new) = (tree(repo, update.old)?, tree(repo, update.new)?);
    let tips = repo.tips()?;
    let known: Vec<Oid> = tips
        .iter()
        .map(|tip| repo.tree_of(*tip))
        .collect::<Result<_, _>>()?;
    let rules = guard::rules(repo, known.iter().copied().chain(new))?;
    let mut out = guard::breaches(repo, old, new, &rules)?;
    // Every commit: what was added and removed again would stay in the history.
    let commits = update
        .new
        .map(|new| repo.new_commits(new, &tips))
        .transpose()?
        .unwrap_or_default();
    out.extend(guard::forgotten(repo, &rules, &commits)?);
    for commit in commits {
        let parent = repo.parents_of(commit)?.first().copied();
        out.extend(guard::foreign(
            repo,
            tree(repo, parent)?,
            tree(repo, Some(commit))?,
        )?);
    }
    let config = repo.config()?.snapshot().map_err(|source| RepoError::Git {
        what: "read git's configuration".to_owned(),
        source,
    })?;
    let user = user();
    let owner = |machine: &MachineId| {
        let owner = config
            .get_str(&format!("claude-sync.{machine}.user"))
            .ok()?
            .to_owned();
        (user.as_deref() != Some(&owner)).then_some(owner)
    };
    out.extend(guard::forged(repo, old, new, &known, &owner)?);
    out.sort();
    out.dedup();
    Ok(out)
}

/// Who pushes, as the server's login says.
fn user() -> Option<String> {
    [
        "CLAUDE_SYNC_USER",
        "REMOTE_USER",
        "GL_USER",
        "LOGNAME",
        "USER",
    ]
    .into_iter()
    .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}
