//! Set-up: the machine's id, the repository, the remote, and what makes plain git work in it.

use std::fs;
use std::path::Path;

use super::{Options, SyncError};
use crate::base::ids::MachineId;
use crate::front::{self, There};
use crate::git::hooks::{self, Installed};
use crate::git::process::{MACHINES, hide_secrets};
use crate::git::repo::{Entry, FILE, Repo, RepoError};
use crate::git::survey::Survey;
use crate::git::{Git, Oid, Target, Unsound, setup};
use crate::store::layout::{self, ATTRIBUTE_LINE, ATTRIBUTES, MANIFEST, README_LINE};
use crate::store::{Places, key, machine_id, profiles};

/// What a set-up did.
#[derive(Debug, Clone)]
pub struct Init {
    /// This machine.
    pub machine: MachineId,
    /// Its id was made just now.
    pub new_id: bool,
    /// The repository was made just now.
    pub new_repo: bool,
    /// The remote's address, its secrets hidden.
    pub remote: Option<String>,
    /// The remote had data of other machines.
    pub joined: bool,
    /// The branch.
    pub branch: String,
    /// Each machine pushes a branch of its own.
    pub per_machine: bool,
    /// Where the hooks went.
    pub hooks: Installed,
}

const README: &str = "# Claude Code usage of my machines

Written by `claude-sync`: token counts and costs per request, no conversation content.
`git log` is the history of syncs; `claude-usage-tracker` shows the figures.

| path | what it holds |
|---|---|
| `sync/manifest.json` | all machines and their totals, computed from the files below |
| `sync/machines/` | a page for each machine: its totals and what its last sync brought |
| `sync/archive/YYYY/MM/MACHINE/DD.jsonl` | every usage record, by day |
";

/// Sets this machine up. With `remote` it joins that repository, or starts it; without, history stays here.
///
/// Doing it again is safe: it puts right what is there, and adds a remote to a repository that has none. With `per_machine` each
/// machine pushes a branch of its own; who joins such a repository does so unasked.
pub fn init(
    places: &Places,
    options: &Options,
    remote: Option<&str>,
    per_machine: bool,
) -> Result<Init, SyncError> {
    super::owner::check(places)?;
    let _lock = super::settings::lock(places, options)?.0;
    let git = Git::find(options.attended)?.with_watcher(options.watcher.clone());
    take_up_id(places)?;
    profiles::remember(&places.state, &places.named)?;
    let (machine, new_id) = machine_id::read_or_create(&places.machine_id)?;
    set_up(
        places,
        options,
        &git,
        (machine, new_id),
        remote,
        per_machine,
    )
}

/// Makes this machine one of the short-lived machines of a name, before it is set up: its id comes from the name. An id that is there
/// already stays another machine's.
pub fn become_ephemeral(places: &Places, name: &str) -> Result<MachineId, SyncError> {
    let id = MachineId::of_name(name);
    match machine_id::read(&places.machine_id)? {
        Some(there) if there != id => {
            return Err(SyncError::HasId {
                path: places.machine_id.clone(),
            });
        }
        Some(_) => {}
        None => machine_id::write(&places.machine_id, &id)?,
    }
    Ok(id)
}

/// Has the repository remember the name of [`become_ephemeral`].
pub fn keep_ephemeral(places: &Places, name: &str) -> Result<(), SyncError> {
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?;
    Ok(setup::set_ephemeral(&repo, name)?)
}

/// Has the repository remember this machine's id, before the machine forgets it. An error where there is no repository.
pub fn leave_id(places: &Places, machine: &MachineId) -> Result<(), SyncError> {
    let repo = Repo::open(&places.repo)?.ok_or(SyncError::NoRemote)?;
    Ok(setup::set_machine(&repo, Some(machine.as_str()))?)
}

/// A machine that was uninstalled here goes on under its id.
pub(super) fn take_up_id(places: &Places) -> Result<(), SyncError> {
    if machine_id::read(&places.machine_id)?.is_none()
        && let Some(repo) = Repo::open(&places.repo)?
        && let Some(machine) = setup::machine(&repo)?.and_then(|id| MachineId::parse(&id).ok())
    {
        machine_id::write(&places.machine_id, &machine)?;
        setup::set_machine(&repo, None)?;
    }
    Ok(())
}

/// As [`init`], with the lock held.
pub(super) fn set_up(
    places: &Places,
    options: &Options,
    git: &Git,
    (machine, new_id): (MachineId, bool),
    remote: Option<&str>,
    per_machine: bool,
) -> Result<Init, SyncError> {
    let there = match Repo::open(&places.repo) {
        Err(RepoError::Damaged { part, .. }) => {
            mend(&places.repo, part)?;
            Repo::open(&places.repo)?
        }
        opened => opened?,
    };
    let new_repo = there.is_none();
    let repo = match there {
        Some(repo) => adopt(repo, git, remote)?,
        None => create(&places.repo, git, remote)?,
    };
    if per_machine {
        setup::choose_layout(&repo)?;
    }
    if options.front_page.is_some() {
        setup::want_front_page(&repo, options.front_page)?;
    }
    let per_machine = setup::is_per_machine(&repo)?;
    let target = repo.target()?;
    repo.keep_branch(&target.branch)?;
    let others = !repo.tips_below(&target.tracking(MACHINES))?.is_empty();
    super::settings::configure(places, &repo, options)?;
    let tip = repo.commit_at(&target.tracking(&target.branch))?;
    let head = repo.position(&target)?;
    let adopted = match tip {
        Some(tip) if head.is_none() && is_adoptable(&repo, places, tip)? => Some(tip),
        _ => None,
    };
    match (head, adopted) {
        (None, Some(tip)) => begin(&repo, git, &target, tip)?,
        (None, None) => {
            let tree = furnish(&repo, None, options.front_page)?;
            let message = "set up claude-sync\n";
            let signed = crate::store::config::read(&places.config)?.sign;
            let commit = if signed {
                repo.commit_signed(git, tree, &[], message)?
            } else {
                repo.commit(git, tree, &[], message)?
            };
            begin(&repo, git, &target, commit)?;
        }
        (Some(_), _) => {}
    }
    repo.flush()?;
    let hooks = hooks::install(&repo, git, &options.program, false)?;
    Ok(Init {
        machine,
        new_id,
        new_repo,
        remote: repo
            .address(target.remote.as_deref())
            .map(|url| hide_secrets(&url)),
        joined: tip.is_some() || others,
        branch: target.branch,
        per_machine,
        hooks,
    })
}

/// Whether a clone may begin with what the remote has. What is encrypted with a key that is not here is joined once the key is, and what a
/// run would leave out is left to the first run: until then this machine commits by itself.
fn is_adoptable(repo: &Repo, places: &Places, tip: Oid) -> Result<bool, SyncError> {
    let root = repo.tree_of(tip)?;
    let key = key::read(&places.key)?;
    let sealed = repo.seal_of(root)?;
    let is_marked =
        crate::store::config::read(&places.config)?.sealed || repo.sealed_mark()?.is_some();
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

/// Makes a part of `.git` anew without which git does not work. What it said is lost; objects and branches are not.
fn mend(path: &Path, part: &str) -> Result<(), SyncError> {
    let place = path.join(".git");
    let text = if part == "HEAD" {
        let branch = git2::Config::open(&place.join("config"))
            .and_then(|config| config.get_string("claude-sync.branch"));
        format!("ref: refs/heads/{}\n", branch.as_deref().unwrap_or("main"))
    } else {
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n".to_owned()
    };
    let written = crate::store::durable::write(&place.join(part), text.as_bytes());
    Ok(written.map_err(setup::SetupError::Write)?)
}

/// Whether a tree has usage data in it.
pub(super) fn has_data(repo: &Repo, root: Oid) -> Result<bool, SyncError> {
    Ok(repo.entry(Some(root), MANIFEST)?.is_some()
        || repo.folder(Some(root), layout::MACHINES)?.is_some())
}

/// A root tree with what every sync repository has, and otherwise as it was.
pub(super) fn furnish(
    repo: &Repo,
    root: Option<Oid>,
    front_page: Option<bool>,
) -> Result<Oid, SyncError> {
    let mut changes = std::collections::BTreeMap::new();
    let there = root
        .map(|root| There::read(repo, root))
        .transpose()?
        .unwrap_or_default();
    // Whose README.md is no text keeps it as it is.
    let no_text = there.readme.is_none() && repo.entry(root, layout::README)?.is_some();
    let readme = there.readme.clone().unwrap_or_else(|| {
        if root.is_none() {
            README.to_owned()
        } else {
            String::new()
        }
    });
    let wanted = match (front_page, there.split()) {
        (Some(true), None) if !no_text && !repo.is_sealing() => {
            // Below the title, where people see it first.
            let title = readme
                .split_inclusive('\n')
                .next()
                .filter(|line| line.starts_with("# "))
                .unwrap_or_default();
            let rest = &readme[title.len()..];
            format!(
                "{title}{}{}{rest}",
                if title.is_empty() { "" } else { "\n" },
                front::EMPTY
            )
        }
        (Some(false), Some(split)) => split.with(""),
        _ => readme,
    };
    if there.readme.as_deref() != Some(&wanted) && !(wanted.is_empty() || no_text) {
        changes.insert(
            layout::README.to_owned(),
            Entry {
                mode: FILE,
                oid: repo.write_blob(wanted.as_bytes())?,
            },
        );
    }
    let wanted_front = front::Split::of(&wanted).is_some();
    let old = repo
        .entry(root, ATTRIBUTES)?
        .filter(|entry| entry.mode == FILE);
    let text = match old {
        Some(entry) => String::from_utf8_lossy(&repo.blob(entry.oid)?).into_owned(),
        None => String::new(),
    };
    // README.md is the user's, and git's to merge, where there is no front page in it.
    let lines = [Some(ATTRIBUTE_LINE), wanted_front.then_some(README_LINE)];
    let missing: Vec<&str> = lines
        .into_iter()
        .flatten()
        .filter(|wanted| !text.lines().any(|line| line == *wanted))
        .collect();
    if !missing.is_empty() {
        let gap = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let oid = repo.write_blob(format!("{text}{gap}{}\n", missing.join("\n")).as_bytes())?;
        changes.insert(ATTRIBUTES.to_owned(), Entry { mode: FILE, oid });
    }
    match (root, changes.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Ok(repo.replace(root, &changes)?),
    }
}

/// Whether a tree is one of ours, or has nothing in it that could be somebody else's.
pub(super) fn is_sync(repo: &Repo, root: Oid) -> Result<bool, SyncError> {
    let entries = repo.entries(Some(root))?;
    let marked = || -> Result<bool, SyncError> {
        let Some(entry) = entries.get(ATTRIBUTES) else {
            return Ok(false);
        };
        let small = repo.is_blob_within(entry.oid, 1 << 20)?;
        Ok(small
            && String::from_utf8_lossy(&repo.blob(entry.oid)?)
                .lines()
                .any(|line| line == ATTRIBUTE_LINE))
    };
    Ok(entries.is_empty()
        || repo.entry(Some(root), MANIFEST)?.is_some()
        || repo.folder(Some(root), "sync/machines")?.is_some()
        || marked()?)
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
        None => {
            let far = ask(git, repo.path(), address)?;
            setup::add_remote(&repo, address, &target.branch)?;
            let fetched = fetch(&repo, git, address);
            let checked = fetched.and_then(|()| {
                check_tip(
                    &repo,
                    far.branch.as_deref().unwrap_or(&target.branch),
                    address,
                )
            });
            if let Err(error) = checked {
                setup::remove_remote(&repo, &target.branch)?;
                return Err(error);
            }
            if far.per_machine {
                setup::choose_layout(&repo)?;
            } else if let Some(branch) = far.branch.filter(|branch| *branch != target.branch) {
                repo.follow(&repo.target()?, &branch)?;
            }
        }
    }
    Ok(repo)
}

/// Follows the remote's branch in a clone by hand whose own branch has nothing: the remote's `HEAD` may name one that is not there.
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

/// Makes a repository in a folder beside its place and moves it there when all is well, so that a failure leaves nothing half-done.
fn create(path: &Path, git: &Git, remote: Option<&str>) -> Result<Repo, SyncError> {
    let write = |source| {
        SyncError::Setup(setup::SetupError::Write(
            crate::store::durable::WriteError {
                path: path.to_owned(),
                source,
            },
        ))
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
    let far = remote
        .map(|address| ask(git, draft.path(), address))
        .transpose()?
        .unwrap_or_default();
    let branch = far.branch.unwrap_or_else(|| "main".to_owned());
    let place = draft.path().join("repo");
    let repo = Repo::create(&place, &branch)?;
    if let Some(address) = remote {
        setup::add_remote(&repo, address, &branch)?;
        fetch(&repo, git, address)?;
        check_tip(&repo, &branch, address)?;
    }
    if far.per_machine {
        setup::choose_layout(&repo)?;
    }
    drop(repo);
    fs::rename(&place, path).map_err(write)?;
    Ok(Repo::open(path)?.expect("the repository was moved here just now"))
}

/// What branches the remote has. Of an empty one, which branch its `HEAD` names, so that a plain clone of it shows what is pushed.
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
        .map_err(|source| SyncError::Unreachable {
            address: hide_secrets(address),
            source,
        })
}

fn check_tip(repo: &Repo, branch: &str, address: &str) -> Result<(), SyncError> {
    match repo.commit_at(&format!("refs/remotes/origin/{branch}"))? {
        Some(tip) if !is_sync(repo, repo.tree_of(tip)?)? => Err(SyncError::NotSync {
            place: hide_secrets(address),
        }),
        _ => Ok(()),
    }
}
