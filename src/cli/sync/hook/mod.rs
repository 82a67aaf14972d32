//! `claude-sync hook NAME`: called by git's hooks. They check, report and refuse. They never
//! commit: two machines would repair the same thing in two ways.

mod install;
mod pre_push;
mod pre_receive;
mod update;

use std::io::Read as _;

use crate::cli::error::CliError;
use crate::cli::{exit, places};
use crate::fleet::DataError;
use crate::git::hooks;
use crate::git::repo::Repo;
use crate::merge::push_check::{self, Breach};
use crate::store::{key, private};
use update::Update;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    /// Before a push: refuse one that would damage the remote's data
    PrePush(Rest),
    /// In a bare repository on a server: refuse pushes that lose or forge data, or contain other
    /// files
    PreReceive(Rest),
    /// Install the server's hook in a bare repository
    Install(BareRepository),
}

#[derive(Debug, clap::Args)]
struct Rest {
    /// Arguments from git
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct BareRepository {
    /// Path of the bare repository
    path: std::path::PathBuf,
}

/// Maximum number of reasons for a refusal that are printed.
const MAX_BREACHES: usize = 20;

pub(crate) fn run(args: &Args) -> Result<u8, CliError> {
    let (name, rest) = match &args.hook {
        Hook::PostMerge(rest) => ("post-merge", rest),
        Hook::PostRewrite(rest) => ("post-rewrite", rest),
        Hook::PrePush(rest) => ("pre-push", rest),
        Hook::PreReceive(rest) => ("pre-receive", rest),
        Hook::Install(place) => return install::install(&place.path),
    };
    // A server has no home and no key, and needs neither.
    let key = places::find()
        .ok()
        .and_then(|places| key::read(&places.key).ok().flatten());
    let repo = Repo::from_environment()?.with_key(key.as_ref());
    let mut input = Vec::new();
    // Git gives `post-merge` no input: its standard input may be the user's terminal.
    if name != "post-merge" {
        let _ = std::io::stdin().read_to_end(&mut input);
    }
    let code = run_user_hook(&repo, name, &rest.args, &input)?;
    if code != 0 {
        return Ok(u8::try_from(code).unwrap_or(exit::FAILURE));
    }
    let text = String::from_utf8_lossy(&input);
    match args.hook {
        Hook::PrePush(_) => {
            let updates = text.lines().filter_map(Update::of_pre_push);
            let breaches = breaches(updates, |update| pre_push::check(&repo, update))?;
            Ok(refuse(&breaches))
        }
        Hook::PreReceive(_) => {
            let updates = text.lines().filter_map(Update::of_pre_receive);
            let breaches = breaches(updates, |update| pre_receive::check(&repo, update))?;
            Ok(refuse(&breaches))
        }
        _ => after(&repo, name.trim_start_matches("post-")),
    }
}

/// Runs the user's own hook of that name, which was there before ours. Returns its exit code.
fn run_user_hook(repo: &Repo, name: &str, args: &[String], input: &[u8]) -> Result<i32, CliError> {
    hooks::run_chained(repo, name, args, input).map_err(|error| {
        CliError::plain(
            &format!("failed to run your own {name} hook: {error}"),
            "claude_sync::hook",
            exit::FAILURE,
            "see the file NAME.user beside the hook",
        )
    })
}

/// After a merge or a rewrite: reports a manifest that is out of date.
fn after(repo: &Repo, operation: &str) -> Result<u8, CliError> {
    let head = repo.head_commit()?;
    let root = head.map(|head| repo.tree_of(head)).transpose()?;
    // Git creates files with the umask of the user who runs it.
    private::close_folder(repo.path());
    if !push_check::is_fresh(repo, root)? {
        eprintln!(
            "claude-sync: after this {operation}, the manifest is out of date. Run: claude-sync"
        );
    }
    Ok(exit::OK)
}

fn breaches(
    updates: impl Iterator<Item = Update>,
    check: impl Fn(&Update) -> Result<Vec<Breach>, DataError>,
) -> Result<Vec<Breach>, DataError> {
    let all: Vec<_> = updates
        .map(|update| check(&update))
        .collect::<Result<_, _>>()?;
    Ok(all.concat())
}

/// Refuses a push if there are reasons to, and prints them. Returns the exit code.
fn refuse(breaches: &[Breach]) -> u8 {
    if breaches.is_empty() {
        return exit::OK;
    }
    eprintln!("claude-sync: this push is refused, because it would break what the remote has:");
    for breach in breaches.iter().take(MAX_BREACHES) {
        eprintln!("  {breach}");
    }
    if breaches.len() > MAX_BREACHES {
        eprintln!("  and {} more", breaches.len() - MAX_BREACHES);
    }
    eprintln!("Run claude-sync, which joins what both sides have, and push again.");
    exit::FAILURE
}
