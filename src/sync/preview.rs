//! What a sync would commit and push, before it does.

use std::collections::BTreeSet;

use super::delta::{Story, delta, message};
use super::import::{History, Imported};
use super::settings::{needs_key, reader, with_settings};
use super::tree::{Starts, assemble};
use super::{Options, ReadReport, SyncError, naming};
use crate::base::ids::MachineId;
use crate::base::key::Key;
use crate::cache::index::{Binding, Index};
use crate::cache::{Cache, NoCache};
use crate::format::syncfile::Mode;
use crate::git::repo::{KNOWN, Repo};
use crate::git::{Git, Oid};
use crate::store::{Places, config, key, machine_id};
use crate::transcripts::{self, Cursors, Naming};

/// A file of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLines {
    /// Its path in the repository.
    pub path: String,
    /// The lines that it does not have yet.
    pub lines: Vec<String>,
}

/// What a sync would commit and push.
#[derive(Debug, Clone)]
pub struct Preview {
    /// This machine; none where it has no id yet, and gets one with its first sync.
    pub machine: Option<MachineId>,
    /// Whom git names as the author.
    pub author: String,
    /// The commit message, in clear.
    pub message: String,
    /// The mark of the key that all of it is sealed with.
    pub sealed: Option<String>,
    /// The files and their new lines, in clear.
    pub files: Vec<NewLines>,
    /// What reading was like.
    pub read: ReadReport,
    /// What would come of an import.
    pub imported: Option<Imported>,
}

/// Makes the next commit without keeping any of it. The remote is not asked; nothing is written, no id is made.
pub fn preview(places: &Places, options: &Options) -> Result<Preview, SyncError> {
    let config = config::read(&places.config)?;
    let key = key::read(&places.key)?;
    let naming = naming(&config, key.as_ref())?;
    let known = machine_id::read(&places.machine_id)?;
    let machine = known.clone().unwrap_or_else(MachineId::random);
    needs_key(&config, key.as_ref())?;
    let options = with_settings(options, &config, &machine);
    // Kept until the end of the preview.
    let scratch;
    let repo = if let Some(repo) = Repo::open(&places.repo)? {
        repo
    } else {
        scratch = tempfile::tempdir().map_err(SyncError::Scratch)?;
        Repo::create(scratch.path(), "main")?
    };
    let repo = repo.with_key(key.as_ref());
    repo.write_in_memory()?;
    let index = Index::peek(&places.state);
    let cursors = cursors(&repo, index.as_ref(), &machine, &naming, &options)?;
    let (folders, watcher) = (places.folders(), &options.watcher);
    let reading = transcripts::read_all_watched(&folders, &cursors, &naming, watcher);
    let target = repo.target()?;
    let tip = repo.commit_at(&target.tracking(&target.branch))?;
    let head = repo.position(&target)?;
    let starts = Starts {
        tip,
        head,
        known: repo.commit_at(KNOWN)?,
        others: &[],
        restored: &[],
        unscreened: super::clear::is_unscreened(&repo)?,
    };
    let cache: &dyn Cache = match &index {
        Some(index) => index,
        None => &NoCache,
    };
    let base = tip.or(head);
    let base = base.map(|commit| repo.tree_of(commit)).transpose()?;
    let sealed = base.map(|tree| repo.seal_of(tree)).transpose()?.flatten();
    let seals = config.encrypt || repo.sealed_mark().is_ok_and(|mark| mark.is_some());
    let sealed = sealed.or_else(|| key.as_ref().filter(|_| seals).map(Key::mark));
    let (history, mut imported) = History::of(options.import.as_ref(), &reading, &naming, watcher);
    let brought = (&reading.records, &history);
    let assembled = assemble(&repo, starts, &machine, brought, &options, cache)?;
    imported.see(&assembled.imported);
    let delta = delta(&repo, base, Some(assembled.tree), &machine, cache)?;
    let mode = if assembled.first {
        Mode::Full
    } else {
        options.mode
    };
    let message = message(&Story {
        machine: &machine,
        hostname: &options.host.hostname,
        mode: Some(mode),
        delta: &delta,
        imported: options.import.as_ref().map(|import| (import, &imported)),
        first: assembled.first,
        reroot: false,
        rotated: false,
        folded: &[],
    });
    Ok(Preview {
        machine: known,
        author: repo.author(&Git::find(false)?)?,
        message,
        sealed,
        files: new_lines(&repo, base, assembled.tree)?,
        read: ReadReport::from(&reading),
        imported: options.import.as_ref().map(|_| imported),
    })
}

/// How far transcripts were read; nothing where everything is to be read.
fn cursors(
    repo: &Repo,
    index: Option<&Index>,
    machine: &MachineId,
    naming: &Naming,
    options: &Options,
) -> Result<Cursors, SyncError> {
    let known = repo.commit_at(KNOWN)?.map(|id| id.to_string());
    let binding = Binding {
        known: known.unwrap_or_default(),
        machine: machine.to_string(),
        reader: reader(repo, naming, options.summary_only)?,
    };
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
