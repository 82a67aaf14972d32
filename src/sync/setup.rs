//! Set-up: the machine's id, the repository, the remote, and what makes plain git work in it.

use std::fs;
use std::path::Path;

use super::error::SyncError;
use super::identity;
use super::options::Options;
use super::owner;
use super::repository::{furnish, has_data, is_sync};
use super::settings::{configure, lock};
use crate::base::ids::MachineId;
use crate::git::hooks::{self, Installed};
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::{Repo, RepoError};
use crate::git::survey::Survey;
use crate::git::{Git, GitError, Oid, Target, Unsound, setup};
use crate::store::durable::WriteError;
use crate::store::{Places, config, key, machine_id, profiles};

/// What a set-up did.
#[derive(Debug, Clone)]
pub(crate) struct Init {
    /// This machine.
    pub(crate) machine: MachineId,
    /// Its id was made just now.
    pub(crate) new_id: bool,
    /// The repository was made just now.
    pub(crate) new_repo: bool,
    /// The remote's address, its secrets hidden.
    pub(crate) remote: Option<String>,
    /// The remote had data of other machines.
    pub(crate) joined: bool,
    /// That data is encrypted.
    pub(crate) sealed: bool,
    /// Each machine pushes a branch of its own.
    pub(crate) per_machine: bool,
    /// Where the hooks went.
    pub(crate) hooks: Installed,
}

/// Sets this machine up. With `remote` it joins that repository, or starts it; without, history
/// stays here.
///
/// Doing it again is safe: it repairs an existing set-up, and adds a remote to a repository that
/// has none. With `per_machine` each machine pushes a branch of its own; who joins such a
/// repository does so unasked.
pub(crate) fn init(
    places: &Places,
    options: &Options,
    remote: Option<&str>,
    per_machine: bool,
) -> Result<Init, SyncError> {
    owner::check(places)?;
    let _lock = lock(places, options)?.0;
    let git = Git::find(options.attended)?.with_watcher(options.watcher.clone());
    identity::take_up_id(places)?;
    profiles::remember(&places.state, &places.named)?;
    let (machine, new_id) = machine_id::read_or_create(&places.machine_id)?;
    let made = set_up(places, options, &git, remote, per_machine)?;
    if options.front_page.is_some() {
        setup::want_front_page(&made.repo, options.front_page)?;
    }
    Ok(Init {
        machine,
        new_id,
        new_repo: made.is_new,
        remote: made.address.map(|url| hide_secrets(&url)),
        joined: made.joined,
        sealed: made.sealed,
        per_machine: setup::is_per_machine(&made.repo)?,
        hooks: hooks::install(&made.repo, &git, &options.program, false)?,
    })
}

/// A repository that was set up.
pub(super) struct SetUp {
    repo: Repo,
    /// It was made just now.
    is_new: bool,
    /// The remote's address.
    address: Option<String>,
    /// The remote had data of other machines.
    joined: bool,
    /// That data is encrypted.
    sealed: bool,
}

/// As [`init`], with the lock held, for the repository alone, and without hooks: every run installs
/// them.
pub(super) fn set_up(
    places: &Places,
    options: &Options,
    git: &Git,
    remote: Option<&str>,
    per_machine: bool,
) -> Result<SetUp, SyncError> {
    let (repo, is_new) = open_or_create(places, git, remote)?;
    if per_machine {
        setup::choose_layout(&repo)?;
    }
    let target = repo.target()?;
    repo.keep_branch(&target.branch)?;
    let others = repo.tips_below(&target.tracking(MACHINES))?;
    configure(places, &repo, options)?;
    let tip = repo.commit_at(&target.tracking(&target.branch))?;
    if repo.position(&target)?.is_none() {
        let first = match tip {
            Some(tip) if is_adoptable(&repo, places, tip)? => tip,
            _ => first_commit(&repo, git, places, options)?,
        };
        begin(&repo, git, &target, first)?;
    }
    repo.flush()?;
    let mut seals = Vec::new();
    for commit in others.values().copied().chain(tip) {
        seals.push(repo.seal_of(repo.tree_of(commit)?)?);
    }
    Ok(SetUp {
        address: repo.address(target.remote.as_deref()),
        repo,
        is_new,
        joined: !seals.is_empty(),
        sealed: seals.iter().any(Option::is_some),
    })
}

/// The repository, and whether it was made just now.
fn open_or_create(
    places: &Places,
    git: &Git,
    remote: Option<&str>,
) -> Result<(Repo, bool), SyncError> {
    let there = match Repo::open(&places.repo) {
        Err(RepoError::Damaged { part, .. }) => {
            mend(&places.repo, part)?;
            Repo::open(&places.repo)?
        }
        opened => opened?,
    };
    Ok(match there {
        Some(repo) => (adopt(repo, git, remote)?, false),
        None => (create(&places.repo, git, remote)?, true),
    })
}

/// A commit of a repository that has no data yet.
fn first_commit(
    repo: &Repo,
    git: &Git,
    places: &Places,
    options: &Options,
) -> Result<Oid, SyncError> {
    let tree = furnish(repo, None, options.front_page)?;
    let message = "set up claude-sync\n";
    Ok(if config::read(&places.config)?.sign {
        repo.commit_signed(git, tree, &[], message)?
    } else {
        repo.commit(git, tree, &[], message)?
    })
}

/// Whether a clone may begin with what the remote has. What is encrypted with a key that is not
/// here is joined once the key is, and what a run would leave out is left to the first run: until
/// then this machine commits by itself.
fn is_adoptable(repo: &Repo, places: &Places, tip: Oid) -> Result<bool, SyncError> {
    let root = repo.tree_of(tip)?;
    let key = key::read(&places.key)?;
    let sealed = repo.seal_of(root)?;
    let is_marked = config::read(&places.config)?.sealed || repo.sealed_mark()?.is_some();
    let looker = Repo::open(repo.path())?
        .ok_or(SyncError::NoRemote)?
        .with_key(key.as_ref());
    match (&sealed, &key) {
        (None, _) if is_marked => return Ok(false),
        (None, _) => {}
        (Some(mark), Some(key)) if *mark == key.mark() => looker.mark_sealed(Some(mark)),
        (Some(_), _) => return Ok(false),
    }
    Ok(looker
        .screen(root, None, Unsound::Note)?
        .left_out
        .is_empty())
}

/// Points the branch at its first commit, and shows it where `HEAD` is on that branch.
fn begin(repo: &Repo, git: &Git, target: &Target, commit: Oid) -> Result<(), SyncError> {
    if repo.obstacle(&target.branch)?.is_none() {
        repo.project(git, None, repo.tree_of(commit)?)?;
    }
    Ok(repo.move_ref(&target.local(), None, commit, "claude-sync: init")?)
}

/// Makes a part of `.git` anew without which git does not work. Its content is lost; objects and
/// branches are not.
fn mend(path: &Path, part: &str) -> Result<(), SyncError> {
    let place = path.join(".git");
    let text = if part == "HEAD" {
        let branch = git2::Config::open(&place.join("config"))
            .and_then(|config| config.get_string("claude-sync.branch"));
        format!("ref: refs/heads/{}\n", branch.as_deref().unwrap_or("main"))
    } else {
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
         \tlogallrefupdates = true\n"
            .to_owned()
    };
    let written = crate::store::durable::write(&place.join(part), text.as_bytes());
    Ok(written.map_err(setup::SetupError::Write)?)
}

/// Takes a repository that is there already, such as a clone that the user made.
fn adopt(repo: Repo, git: &Git, remote: Option<&str>) -> Result<Repo, SyncError> {
    let target = repo.target()?;
    if let Some(head) = repo.position(&target)?
        && !is_sync(&repo, repo.tree_of(head)?)?
    {
        return Err(SyncError::NotSync {
            place: repo.path().display().to_string(),
        });
    }
    let target = if repo.position(&target)?.is_none() {
        look_for_data(&repo, git, target)?
    } else {
        target
    };
    let Some(address) = remote else {
        return Ok(repo);
    };
    let real = |address: &str| {
        git.rewritten(repo.path(), address)
            .unwrap_or_else(|_| address.to_owned())
    };
    match repo.address(target.remote.as_deref()) {
        Some(there) if there == address || real(&there) == real(address) => {}
        Some(there) => {
            return Err(SyncError::OtherRemote {
                there: hide_secrets(&there),
                repo: repo.path().to_owned(),
            });
        }
        None => add_remote(&repo, git, &target, address)?,
    }
    Ok(repo)
}

/// Adds a remote to a repository that has none, unless something else than sync data is there.
fn add_remote(repo: &Repo, git: &Git, target: &Target, address: &str) -> Result<(), SyncError> {
    let far = ask(git, repo.path(), address)?;
    setup::add_remote(repo, address, &target.branch)?;
    let branch = far.branch.as_deref().unwrap_or(&target.branch);
    let checked = fetch(repo, git, address).and_then(|()| check_tip(repo, branch, address));
    if let Err(error) = checked {
        setup::remove_remote(repo, &target.branch)?;
        return Err(error);
    }
    if far.per_machine {
        setup::choose_layout(repo)?;
    } else if let Some(branch) = far.branch.filter(|branch| *branch != target.branch) {
        repo.follow(&repo.target()?, &branch)?;
    }
    Ok(())
}

/// Follows the remote's branch in a clone by hand whose own branch has nothing: the remote's `HEAD`
/// may name one that is not there.
fn look_for_data(repo: &Repo, git: &Git, target: Target) -> Result<Target, SyncError> {
    let Some(address) = repo.address(target.remote.as_deref()) else {
        return Ok(target);
    };
    let far = ask(git, repo.path(), &address)?;
    let Some(branch) = far
        .branch
        .filter(|branch| *branch != target.branch && !far.per_machine)
    else {
        return Ok(target);
    };
    let remote = target.remote.as_deref().unwrap_or("origin");
    git.fetch(repo.path(), remote)
        .map_err(|source| SyncError::Unreachable {
            address: hide_secrets(&address),
            source,
        })?;
    match repo.commit_at(&target.tracking(&branch))? {
        Some(tip) if has_data(repo, repo.tree_of(tip)?)? => {
            repo.follow(&target, &branch)?;
            Ok(repo.target()?)
        }
        _ => Ok(target),
    }
}

/// Makes a repository in a folder beside its place and moves it there when all is well, so that a
/// failure leaves nothing half-done.
fn create(path: &Path, git: &Git, remote: Option<&str>) -> Result<Repo, SyncError> {
    let write = |source| {
        SyncError::Setup(setup::SetupError::Write(WriteError {
            path: path.to_owned(),
            source,
        }))
    };
    if path.exists() {
        let empty = fs::read_dir(path).map_err(write)?.next().is_none();
        if !empty {
            return Err(SyncError::NotSync {
                place: path.display().to_string(),
            });
        }
        fs::remove_dir(path).map_err(write)?;
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(write)?;
    let draft = tempfile::Builder::new()
        .prefix(".claude-sync-new-")
        .tempdir_in(parent)
        .map_err(write)?;
    let place = draft.path().join("repo");
    create_at(&place, draft.path(), git, remote)?;
    fs::rename(&place, path).map_err(write)?;
    Ok(Repo::open(path)?.expect("the repository was moved here just now"))
}

/// Makes a repository, with what the remote has. `at`: an existing folder in which git may run.
fn create_at(path: &Path, at: &Path, git: &Git, remote: Option<&str>) -> Result<(), SyncError> {
    let far = remote
        .map(|address| ask(git, at, address))
        .transpose()?
        .unwrap_or_default();
    let branch = far.branch.unwrap_or_else(|| "main".to_owned());
    let repo = Repo::create(path, &branch)?;
    if let Some(address) = remote {
        setup::add_remote(&repo, address, &branch)?;
        // Data is in the newest commits; older ones are fetched where they are asked for.
        git.fetch_newest(repo.path(), "origin")
            .map_err(|source| unreachable(address, source))?;
        check_tip(&repo, &branch, address)?;
    }
    if far.per_machine {
        setup::choose_layout(&repo)?;
    }
    Ok(())
}

/// What branches the remote has. Of an empty one, which branch its `HEAD` names, so that a plain
/// clone of it shows what is pushed.
fn ask(git: &Git, at: &Path, address: &str) -> Result<Survey, SyncError> {
    let mut far = git
        .survey(at, address)
        .map_err(|source| SyncError::Unreachable {
            address: hide_secrets(address),
            source,
        })?;
    // Without a temporary folder it stays unknown.
    if far.branch.is_none()
        && !far.per_machine
        && !far.sha256
        && let Ok(scratch) = tempfile::tempdir()
        && let Ok(empty) = git.survey_empty(scratch.path(), address)
    {
        far = empty;
    }
    if far.sha256 {
        return Err(SyncError::Sha256 {
            address: hide_secrets(address),
        });
    }
    Ok(far)
}

fn fetch(repo: &Repo, git: &Git, address: &str) -> Result<(), SyncError> {
    git.fetch(repo.path(), "origin")
        .map_err(|source| unreachable(address, source))
}

fn unreachable(address: &str, source: GitError) -> SyncError {
    SyncError::Unreachable {
        address: hide_secrets(address),
        source,
    }
}

fn check_tip(repo: &Repo, branch: &str, address: &str) -> Result<(), SyncError> {
    match repo.commit_at(&format!("refs/remotes/origin/{branch}"))? {
        Some(tip) if !is_sync(repo, repo.tree_of(tip)?)? => Err(SyncError::NotSync {
            place: hide_secrets(address),
        }),
        _ => Ok(()),
    }
}
