//! What a sync would commit and push, before it does.

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::clear::is_unscreened;
use super::delta::delta;
use super::error::SyncError;
use super::import::Imported;
use super::message::Message;
use super::options::Options;
use super::settings::{binding, naming, reader};
use super::stages::assemble::{Assembled, Assembly, assemble};
use super::stages::prepare::{needs_key, with_settings};
use super::stages::read::read_from;
use super::starts::Starts;
use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::cache::NoCache;
use crate::cache::index::Index;
use crate::format::syncfile::Mode;
use crate::git::repo::{KNOWN, Repo};
use crate::git::{Git, Oid};
use crate::store::config::{self, Config};
use crate::store::{Places, key, machine_id, plan};
use crate::transcripts::{Cursors, Naming};

/// A file of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewLines {
    /// Its path in the repository.
    pub(crate) path: String,
    /// The lines that it does not have yet.
    pub(crate) lines: Vec<String>,
}

/// What a sync would commit and push.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// This machine; none where it has no id yet, and gets one with its first sync.
    pub(crate) machine: Option<MachineId>,
    /// Whom git names as the author.
    pub(crate) author: String,
    /// The commit message, in clear.
    pub(crate) message: String,
    /// The mark of the key that all of it is sealed with.
    pub(crate) sealed: Option<String>,
    /// The files and their new lines, in clear.
    pub(crate) files: Vec<NewLines>,
    /// What would come of an import.
    pub(crate) imported: Option<Imported>,
}

/// Makes the next commit without keeping any of it. The remote is not asked; nothing is written, no
/// id is made.
pub(crate) fn preview(places: &Places, options: &Options) -> Result<Preview, SyncError> {
    let config = config::read(&places.config)?;
    let key = key::read(&places.key)?;
    let naming = naming(&config, key.as_ref())?;
    let known = machine_id::read(&places.machine_id)?;
    let machine = known.clone().unwrap_or_else(MachineId::random);
    needs_key(&config, key.as_ref())?;
    let options = with_settings(options, &config, &machine);
    // A temporary folder is kept until the end of the preview.
    let (repo, _scratch) = open(places)?;
    let repo = repo.with_key(key.as_ref());
    repo.write_in_memory()?;
    let index = Index::peek(&places.state);
    let cursors = cursors(&repo, index.as_ref(), &machine, &naming, &options)?;
    let mut read = read_from(&places.folders(), &cursors, &naming, &options);
    read.brought.limits = plan::to_sync(&places.state, &config, options.summary_only);
    let job = Assembly {
        repo: &repo,
        machine: &machine,
        options: &options,
        cache: index.as_ref().map_or(&NoCache, |index| index),
    };
    let (starts, base) = starts(&repo)?;
    let sealed = sealed_with(&repo, base, &config, key.as_ref())?;
    let assembled = assemble(job, &starts, &read.brought)?;
    if let Some(imported) = &mut read.imported {
        imported.see(&assembled.imported);
    }
    let message = message(job, base, &assembled, read.imported.as_ref())?;
    Ok(Preview {
        machine: known,
        author: repo.author(&Git::find(false)?)?,
        message,
        sealed,
        files: new_lines(&repo, base, assembled.tree)?,
        imported: read.imported,
    })
}

/// The repository, or an empty one in a temporary folder where there is none yet.
fn open(places: &Places) -> Result<(Repo, Option<TempDir>), SyncError> {
    if let Some(repo) = Repo::open(&places.repo)? {
        return Ok((repo, None));
    }
    let scratch = tempfile::tempdir().map_err(SyncError::Scratch)?;
    let repo = Repo::create(scratch.path(), "main")?;
    Ok((repo, Some(scratch)))
}

/// The commits that a sync would join if the remote did not change, and the tree that the next
/// commit is compared with.
fn starts(repo: &Repo) -> Result<(Starts, Option<Oid>), SyncError> {
    let target = repo.target()?;
    let starts = Starts {
        tip: repo.commit_at(&target.tracking(&target.branch))?,
        head: repo.position(&target)?,
        known: repo.commit_at(KNOWN)?,
        unscreened: is_unscreened(repo)?,
        ..Starts::default()
    };
    let base = starts.tip.or(starts.head);
    let base = base.map(|commit| repo.tree_of(commit)).transpose()?;
    Ok((starts, base))
}

/// The mark of the key that the next commit is sealed with.
fn sealed_with(
    repo: &Repo,
    base: Option<Oid>,
    config: &Config,
    key: Option<&Key>,
) -> Result<Option<String>, SyncError> {
    let sealed = base.map(|tree| repo.seal_of(tree)).transpose()?.flatten();
    let seals = config.encrypt || repo.sealed_mark().is_ok_and(|mark| mark.is_some());
    Ok(sealed.or_else(|| key.filter(|_| seals).map(Key::mark)))
}

/// The message of the next commit, in clear.
fn message(
    job: Assembly<'_>,
    base: Option<Oid>,
    assembled: &Assembled,
    imported: Option<&Imported>,
) -> Result<String, SyncError> {
    let options = job.options;
    let delta = delta(job.repo, base, Some(assembled.tree), job.machine, job.cache)?;
    let mode = if assembled.first {
        Mode::Full
    } else {
        options.mode
    };
    let message = Message {
        machine: job.machine,
        hostname: &options.host.hostname,
        mode: Some(mode),
        delta: &delta,
        intents: &options.intents,
        imported: options.import.as_ref().zip(imported),
        first: assembled.first,
        reroot: false,
        compacted: None,
        rotated: false,
        folded: &[],
    };
    Ok(message.text())
}

/// How far transcripts were read; nothing where everything is to be read.
fn cursors(
    repo: &Repo,
    index: Option<&Index>,
    machine: &MachineId,
    naming: &Naming,
    options: &Options,
) -> Result<Cursors, SyncError> {
    let reader = reader(repo, naming, options.summary_only)?;
    let binding = binding(repo, Some(machine), reader)?;
    Ok(match index {
        // A damaged index is made anew by the next run; here it is none.
        Some(index) if options.mode != Mode::Full => index.cursors(&binding).unwrap_or_default(),
        _ => Cursors::new(),
    })
}

/// The lines of each file that an earlier tree does not have.
fn new_lines(repo: &Repo, base: Option<Oid>, tree: Oid) -> Result<Vec<NewLines>, SyncError> {
    let mut files = Vec::new();
    for (path, entry) in repo.differing(base, tree)? {
        let old = repo.entry(base, &path)?;
        let old = old.map(|old| text(repo, old.oid)).transpose()?;
        let old: BTreeSet<&str> = old.as_deref().unwrap_or_default().lines().collect();
        let new = text(repo, entry.oid)?;
        let lines = new.lines().filter(|line| !old.contains(line));
        files.push(NewLines {
            path,
            lines: lines.map(str::to_owned).collect(),
        });
    }
    Ok(files)
}

fn text(repo: &Repo, oid: Oid) -> Result<String, SyncError> {
    Ok(String::from_utf8_lossy(&repo.blob(oid)?).into_owned())
}
