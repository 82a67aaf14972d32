//! The tree of the next commit: T = join(tip, HEAD, known), this machine's new records in it, and the manifest of all that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::files::{Files, figures};
use super::import::{History, Imported};
use super::own::{Own, own_blobs};
use super::page::Stamp;
use super::{Options, SyncError, Task, setup};
use crate::base::ids::{Interner, MachineId, RecordId};
use crate::base::join::Join as _;
use crate::base::json::Extra;
use crate::base::progress::{Step, Watcher};
use crate::base::time::{Day, Timestamp};
use crate::cache::memo::Known;
use crate::cache::{Cache, months, overview};
use crate::fleet::authority::{Effect, MADE};
use crate::fleet::decisions::{ADOPTED, Decisions, Intent};
use crate::fleet::read::{self, Content, MachineData};
use crate::fleet::rules::{FORGOTTEN, Rules};
use crate::fleet::{self, DataError, settle};
use crate::format::FormatError;
use crate::format::conflict::Code;
use crate::format::dayfile::{Damage, DayFile, Forgotten};
use crate::format::manifest::{Conflict, Manifest};
use crate::format::syncfile::{Decision, Mode, SyncFile};
use crate::front::{There, compute};
use crate::git::repo::{Entry, FILE, Repo};
use crate::git::{Oid, Unsound};
use crate::merge::{algebra, trees};
use crate::record::{Level, Record, RecordSet, State, Sum, SumKey};
use crate::store::layout::{self, MANIFEST};

/// What the run starts from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Starts<'a> {
    /// The remote's branch, if it was fetched.
    pub tip: Option<Oid>,
    /// The local branch.
    pub head: Option<Oid>,
    /// All that this clone has had.
    pub known: Option<Oid>,
    /// The branches of single machines, where each machine has one.
    pub others: &'a [Oid],
    /// Older versions that are brought back.
    pub restored: &'a [Older],
    /// What this clone has had may hold what an earlier version took over from somebody without the fleet's key.
    pub unscreened: bool,
}

/// An older version that is brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    /// The commit.
    pub commit: Oid,
    /// A person vouches for it: it may be from before the fleet was encrypted, or from before its key changed.
    pub is_trusted: bool,
}

/// The next commit's tree.
pub(super) struct Assembled {
    pub tree: Oid,
    /// This machine's files changed.
    pub own_changed: bool,
    /// This machine had no file before.
    pub first: bool,
    pub problems: Vec<Conflict>,
    /// Files that may not be read: path and code.
    pub left_out: Vec<(String, &'static str)>,
    /// Files in which conflict markers stood.
    pub mended: Vec<String>,
    pub newer_rules: Option<u64>,
    pub machines: usize,
    /// What an import added.
    pub imported: Imported,
    /// How many names were forgotten that only the fleet's key tells, which is not here.
    pub unknown_names: usize,
    /// Requests of this machine's transcripts that were kept out, because they are forgotten.
    pub held_back: u64,
    /// Tombstones that do nothing, because they name days after the one on which they were made.
    pub ahead: Vec<String>,
    /// What this run had forgotten: files as they were before, below a root tree.
    pub taken: Option<Oid>,
}

/// Paths that were left out, each with the code of why.
type Refused = Vec<(String, &'static str)>;

/// What runs start from, as it may be joined: without what may not be read.
struct Sources<'a> {
    repo: &'a Repo,
    /// The clone's own tree. What stands in another one as it does here was looked at before.
    known: Option<Oid>,
    left_out: Vec<(String, &'static str)>,
    seen: BTreeMap<Oid, Oid>,
}

impl<'a> Sources<'a> {
    fn new(repo: &'a Repo, starts: Starts<'_>) -> Result<Self, SyncError> {
        repo.trust_own_work(false);
        let known = starts
            .known
            .map(|commit| repo.tree_of(commit))
            .transpose()?;
        repo.compare_with(known);
        let mut out = Self {
            repo,
            known: None,
            left_out: Vec::new(),
            seen: BTreeMap::new(),
        };
        out.known = match known.filter(|_| starts.unscreened) {
            Some(known) => {
                let screened = repo.screen(known, None, Unsound::Mark)?;
                out.left_out.extend(
                    screened
                        .left_out
                        .into_iter()
                        .map(|(path, refusal)| (path, refusal.code())),
                );
                Some(screened.root)
            }
            None => known,
        };
        Ok(out)
    }

    /// The tree of a commit as it may be joined.
    fn tree(&mut self, commit: Option<Oid>) -> Result<Option<Oid>, SyncError> {
        commit
            .map(|commit| {
                self.repo
                    .tree_of(commit)
                    .map_err(SyncError::from)
                    .and_then(|root| self.screened(root))
            })
            .transpose()
    }

    fn screened(&mut self, root: Oid) -> Result<Oid, SyncError> {
        if let Some(known) = self.seen.get(&root) {
            return Ok(*known);
        }
        let screened = self.repo.screen(root, self.known, Unsound::Take)?;
        self.left_out.extend(
            screened
                .left_out
                .into_iter()
                .map(|(path, refusal)| (path, refusal.code())),
        );
        self.seen.insert(root, screened.root);
        Ok(screened.root)
    }

    /// An older version, sealed as files are now. One that a person vouches for may be from before the fleet was encrypted, or from
    /// before its key changed: it is compared with itself.
    fn older(&mut self, older: Older) -> Result<Oid, SyncError> {
        let root = self.repo.tree_of(older.commit)?;
        if !older.is_trusted {
            return self.screened(root);
        }
        self.repo.compare_with(Some(root));
        let screened = self.repo.screen(root, None, Unsound::Mark)?;
        let out = sealed(self.repo, screened.root, None);
        self.repo.compare_with(self.known);
        out
    }
}

/// What was joined.
struct Joint {
    root: Option<Oid>,
    /// The older versions that were brought back.
    restored: Vec<Oid>,
    left_out: Vec<(String, &'static str)>,
}

/// Joins what there is. The user's own files are merged as git would; records only ever grow.
fn joined(repo: &Repo, starts: Starts<'_>) -> Result<Joint, SyncError> {
    let mut from = Sources::new(repo, starts)?;
    let base = match (starts.tip, starts.head) {
        (Some(tip), Some(head)) => repo.merge_base(tip, head)?,
        _ => None,
    };
    let base = base.map(|base| repo.tree_of(base)).transpose()?;
    let (tip, head) = (from.tree(starts.tip)?, from.tree(starts.head)?);
    let root = trees::join_roots(repo, base, tip, head)?;
    // Of `known` only records count: a file of the user's that was deleted since must not come back.
    let (mine, theirs) = (repo.folder(root, "sync")?, repo.folder(from.known, "sync")?);
    let mut sync = trees::join(repo, "sync", None, mine, theirs)?;
    let mut others: Vec<Option<Oid>> = starts
        .others
        .iter()
        .map(|other| from.tree(Some(*other)))
        .collect::<Result<_, _>>()?;
    let restored: Vec<Oid> = starts
        .restored
        .iter()
        .map(|older| from.older(*older))
        .collect::<Result<_, _>>()?;
    others.extend(restored.iter().map(|root| Some(*root)));
    for other in others {
        sync = trees::join(repo, "sync", None, sync, repo.folder(other, "sync")?)?;
    }
    let root = match sync {
        Some(oid) if sync != mine => Some(repo.replace(
            root,
            &BTreeMap::from([(
                "sync".to_owned(),
                Entry {
                    mode: crate::git::repo::FOLDER,
                    oid,
                },
            )]),
        )?),
        _ => root,
    };
    let root = match root {
        Some(root) => Some(sealed(repo, root, from.known)?),
        None => None,
    };
    from.left_out.sort();
    from.left_out.dedup();
    // All of it was looked at. What cannot be sealed here is read as it is.
    repo.trust_own_work(true);
    Ok(Joint {
        root,
        restored,
        left_out: from.left_out,
    })
}

/// A root tree in which everything below `sync` is sealed, if files are sealed here. What stands in `base` is sealed already, if that is
/// sealed by the fleet's key.
fn sealed(repo: &Repo, root: Oid, base: Option<Oid>) -> Result<Oid, SyncError> {
    let Some(seal) = repo.seal().filter(|_| repo.is_sealing()) else {
        return Ok(root);
    };
    let base = match base {
        Some(tree) if repo.seal_of(tree)?.as_deref() == Some(seal.mark()) => Some(tree),
        _ => None,
    };
    let mut changes = BTreeMap::new();
    for (path, entry) in repo.differing(base, root)? {
        let is_data = entry.mode == FILE && path.starts_with("sync/");
        if !is_data || !repo.is_blob_within(entry.oid, crate::format::MAX_DAY_FILE)? {
            continue;
        }
        let stored = repo.stored(entry.oid)?;
        if crate::format::sealed::mark(&stored).as_deref() == Some(seal.mark()) {
            continue;
        }
        let oid = if let Some(renewed) = seal.renew_statement(&path, &stored) {
            repo.write_blob(renewed.as_bytes())?
        } else {
            // What cannot be opened stays as it is.
            let Ok(text) = repo.read(&path, entry.oid)? else {
                continue;
            };
            repo.write_file(&path, &marked(&path, text))?
        };
        if oid != entry.oid {
            changes.insert(path, Entry { mode: FILE, oid });
        }
    }
    for (path, text) in seal.statements() {
        if repo.entry(Some(root), &path)?.is_none() {
            changes.insert(
                path,
                Entry {
                    mode: FILE,
                    oid: repo.write_blob(text.as_bytes())?,
                },
            );
        }
    }
    Ok(repo.replace(Some(root), &changes)?)
}

/// A day file as it is sealed first: what its checksums prove wrong is marked, so that from then on a checksum that does not fit is damage.
fn marked(path: &str, text: Vec<u8>) -> Vec<u8> {
    let layout::Path::Day(machine, day, _) = layout::Path::parse(path) else {
        return text;
    };
    match DayFile::read(&machine, day, &text, &mut Interner::default()) {
        Ok((mut file, damage))
            if damage != Damage::default() && algebra::sides(&text).is_none() =>
        {
            damage
                .checksums
                .iter()
                .for_each(|session| file.mark_suspect(session));
            file.write().0.into_bytes()
        }
        _ => text,
    }
}

/// A root tree in which this machine's own files can be read, where the clone has versions that can. A version of a later format that
/// came from elsewhere is not written over where it is another machine's; its own files a machine writes itself.
fn own_first(
    repo: &Repo,
    root: Oid,
    starts: Starts<'_>,
    machine: &MachineId,
) -> Result<(Oid, Refused), SyncError> {
    let known = starts
        .known
        .map(|commit| repo.tree_of(commit))
        .transpose()?;
    let head = starts.head.map(|commit| repo.tree_of(commit)).transpose()?;
    let (mut changes, mut left_out) = (BTreeMap::new(), Vec::new());
    for (path, entry) in repo
        .differing(known, root)?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE && known.is_some())
    {
        let kind = layout::Path::parse(&path);
        let is_own =
            matches!(&kind, layout::Path::Machine(id) | layout::Path::Day(id, ..) if id == machine);
        let Some(before) = repo
            .entry(known, &path)?
            .filter(|before| is_own && before.mode == FILE)
        else {
            continue;
        };
        let is_newer = |oid| -> Result<bool, SyncError> {
            Ok(
                matches!(read::content(repo, &path, oid)?, Content::Bytes(bytes) if algebra::is_newer(&kind, &bytes)),
            )
        };
        // What was committed here is this machine's own.
        if repo.entry(head, &path)? != Some(entry) && is_newer(entry.oid)? && !is_newer(before.oid)?
        {
            changes.insert(path.clone(), before);
            left_out.push((path, "newer-version"));
        }
    }
    Ok((repo.replace(Some(root), &changes)?, left_out))
}

/// The part of a root tree that one machine wrote, for a branch of its own. It has no manifest: that tells of all machines.
pub fn own_tree(repo: &Repo, root: Oid, machine: &MachineId) -> Result<Oid, SyncError> {
    let mut files: BTreeMap<String, Entry> = BTreeMap::new();
    for blob in repo.blobs(Some(root), layout::MACHINES)? {
        let own = match layout::Path::parse(&blob.path) {
            layout::Path::Machine(id) | layout::Path::Snapshot(id) => id == *machine,
            _ => false,
        };
        if own {
            files.insert(
                blob.path,
                Entry {
                    mode: blob.mode,
                    oid: blob.oid,
                },
            );
        }
    }
    for (blob, ..) in own_blobs(repo, Some(root), machine)? {
        files.insert(
            blob.path,
            Entry {
                mode: blob.mode,
                oid: blob.oid,
            },
        );
    }
    if let Some(entry) = repo.entry(Some(root), layout::ATTRIBUTES)? {
        files.insert(layout::ATTRIBUTES.to_owned(), entry);
    }
    Ok(repo.replace(None, &files)?)
}

/// Builds the tree of the next commit.
pub(super) fn assemble(
    repo: &Repo,
    starts: Starts<'_>,
    machine: &MachineId,
    (records, history): (&RecordSet, &History),
    options: &Options,
    cache: &dyn Cache,
) -> Result<Assembled, SyncError> {
    let Joint {
        root,
        restored,
        mut left_out,
    } = joined(repo, starts)?;
    let (root, newer) = own_first(
        repo,
        setup::furnish(repo, root, options.front_page)?,
        starts,
        machine,
    )?;
    left_out.extend(newer);
    let kept = enforce(
        repo,
        root,
        machine,
        (records, history),
        &restored,
        options,
        cache,
    )?;
    let (root, rules) = (kept.root, &kept.rules);
    let old = read_manifest(repo, root)?;
    let mut out = Assembled {
        tree: root,
        own_changed: false,
        first: false,
        problems: Vec::new(),
        left_out,
        mended: Vec::new(),
        newer_rules: None,
        machines: 0,
        imported: Imported::default(),
        unknown_names: rules.unknown_names(),
        held_back: kept.held_back,
        ahead: rules
            .stones()
            .filter(|stone| stone.effect == Effect::Ahead)
            .map(|stone| stone.subject)
            .collect(),
        taken: kept.taken,
    };
    let old_manifest = old.as_ref().ok().map(|(_, manifest)| manifest);
    if options.task == Task::Sync {
        let foreign = old_manifest.filter(|manifest| manifest.is_foreign());
        let (tree, imported, first) =
            write_own(repo, starts, machine, &kept, foreign, options, cache)?;
        (out.first, out.imported) = (first, imported);
        if let Some(tree) = tree {
            (out.tree, out.own_changed) = (tree, true);
        }
    }
    for commit in [starts.tip, starts.head].into_iter().flatten() {
        // Whoever merged text and committed the markers has them in the manifest, if nowhere else: all machines write it.
        if out.mended.is_empty() && has_markers(repo, repo.tree_of(commit)?, MANIFEST)? {
            out.mended.push(MANIFEST.to_owned());
        }
    }
    if matches!(old, Err(FormatError::Newer(_))) {
        leave_newer(repo, &mut out, options, cache)?;
        return Ok(out);
    }
    derive(repo, &mut out, old_manifest, options, cache)?;
    if out.newer_rules.is_none() && mend(repo, &mut out)? {
        derive(repo, &mut out, None, options, cache)?;
    }
    Ok(out)
}

/// Counts without writing a manifest, where a later tool wrote it. Records do not wait for it.
fn leave_newer(
    repo: &Repo,
    out: &mut Assembled,
    options: &Options,
    cache: &dyn Cache,
) -> Result<(), SyncError> {
    let trees = read::inputs(repo, Some(out.tree))?;
    let computed = overview::manifest(repo, trees, options.rules, cache)?;
    out.machines = computed.machines.len();
    out.problems = problems(&computed.conflicts);
    out.problems.push(Conflict {
        code: Code::NewerVersion,
        subject: MANIFEST.to_owned(),
        machines: Vec::new(),
        count: 0,
    });
    Ok(())
}

/// Writes this machine's files, where the run brings something for them. Returns the new tree, what an import added, and whether it is
/// the machine's first sync.
fn write_own(
    repo: &Repo,
    starts: Starts<'_>,
    machine: &MachineId,
    kept: &Kept,
    foreign: Option<&Manifest>,
    options: &Options,
    cache: &dyn Cache,
) -> Result<(Option<Oid>, Imported, bool), SyncError> {
    let (root, brought) = (kept.root, (&kept.records, &kept.history));
    let page = repo.entry(Some(root), &layout::machine_path(machine))?;
    let is_first = page.is_none();
    let stamp = Stamp {
        now: options.now,
        // A machine's first run reads everything, whatever it is called.
        mode: if is_first { Mode::Full } else { options.mode },
        host: &options.host,
    };
    let due = heartbeat_due(repo, page, machine, options)?;
    let own_swept = page.is_some() && kept.swept;
    let joined = options.shared_id && starts.tip.is_some() && starts.tip != starts.known;
    let asked = is_first || joined || due || foreign.is_some() || !options.intents.is_empty();
    if !(asked || own_swept || kept.brings() || kept.prunes) {
        return Ok((None, Imported::default(), is_first));
    }
    let (mut own, imported) = open(
        repo,
        root,
        machine,
        brought,
        kept,
        options.summary_only,
        cache,
    )?;
    let is_new = own.is_new();
    let adopted = foreign.is_some_and(|manifest| adopt(&mut own, &stamp, manifest, repo, root));
    let decided = decide(repo, root, &mut own, &stamp, options)?;
    own.apply(&kept.rules);
    // Of two that wrote under one id at once, each counted its own records.
    let uncounted = options.shared_id
        && !own.is_counted(&figures(repo, root, machine, BTreeSet::new(), cache)?);
    if !(is_new || own_swept || adopted || decided || due || own.is_changed() || uncounted) {
        return Ok((None, imported, is_first));
    }
    let (snapshot, watcher) = (options.snapshot, &options.watcher);
    let tree = write(repo, root, own, &stamp, snapshot, cache, watcher)?;
    Ok((Some(tree), imported, is_first))
}

/// The joined tree with the fleet's rules applied, and what they keep of what this run brings.
struct Kept {
    root: Oid,
    rules: Rules,
    /// Applying them changed something.
    swept: bool,
    /// This machine's retention moves on: some of its records are to be shortened.
    prunes: bool,
    records: RecordSet,
    history: History,
    /// Ids of records that went with their session or project, and were not known as forgotten.
    forgotten: BTreeSet<Forgotten>,
    /// Ids of records that are not forgotten any more, though no tombstone was taken back.
    brought_back: BTreeSet<RecordId>,
    /// Records of transcripts that the rules keep out.
    held_back: u64,
    /// Files that changed because of what this run had forgotten, as they were before.
    taken: Option<Oid>,
}

impl Kept {
    /// Whether the run brings something for this machine's files.
    fn brings(&self) -> bool {
        let nothing = self.records.is_empty()
            && self.history.is_empty()
            && self.forgotten.is_empty()
            && self.brought_back.is_empty();
        !nothing
    }
}

/// Applies the fleet's rules, those that this run adds among them, to the joined tree and to what this run brings.
fn enforce(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    (records, history): (&RecordSet, &History),
    restored: &[Oid],
    options: &Options,
    cache: &dyn Cache,
) -> Result<Kept, SyncError> {
    let mut rules = rules_of(repo, root, cache)?;
    for intent in options
        .intents
        .iter()
        .filter(|intent| intent.kind == FORGOTTEN)
    {
        rules.decide(&intent.subject, &said(intent, options.now).0, options.now);
    }
    // Of what a person brings back, nothing is forgotten of which nobody can say why.
    let mut brought_back = BTreeSet::new();
    for older in restored {
        brought_back.extend(fleet::enforce::unexplained(repo, *older, &rules)?);
    }
    rules.keep_ids(brought_back.iter().copied());
    let before = rules.clone();
    for brought in [records, &history.records, &history.increments()] {
        let (_, gone) = rules.keep(machine, brought);
        rules.forget_ids(gone.forgotten);
        rules.pass(gone.passed);
    }
    let enforced = fleet::enforce::enforce(repo, root, &mut rules, cache)?;
    let mut forgotten = rules.new_ids(&before);
    forgotten.extend(enforced.forgotten);
    let mut prunes = false;
    if let Some(days) = options
        .retention_days
        .filter(|_| options.task == Task::Sync)
        && let Some(entry) = repo.entry(Some(enforced.root), &layout::machine_path(machine))?
        && let Content::Bytes(bytes) =
            read::content(repo, &layout::machine_path(machine), entry.oid)?
        && let Ok(page) = SyncFile::read(machine, &bytes, &mut Interner::default())
        && let Some(first) = first_detailed(repo, enforced.root, machine, cache)?
        && let Some(day) = bound(&page, first, days, options.now)
    {
        rules.prune(machine, day);
        prunes = true;
    }
    let all = records.len() as u64;
    let records = rules.keep(machine, records).0.into_owned();
    let held_back = all.saturating_sub(records.len() as u64);
    let history = history.kept(&rules, machine);
    let mut kinds = options.intents.iter().map(|intent| intent.kind);
    let taken = if kinds.any(|kind| kind == FORGOTTEN) {
        taken(repo, root, enforced.root)?
    } else {
        None
    };
    Ok(Kept {
        root: enforced.root,
        swept: enforced.root != root,
        rules,
        prunes,
        records,
        history,
        forgotten,
        brought_back,
        held_back,
        taken,
    })
}

/// What a person decided, with the time: whether it may still be taken back is told by that.
fn said(intent: &Intent, now: Timestamp) -> Decision {
    let mut said = Extra::from([(intent.key.to_owned(), intent.value.clone())]);
    if intent.kind == FORGOTTEN {
        said.insert(MADE.to_owned(), now.to_string().into());
    }
    Decision(said)
}

/// The files of a root tree that another one has not, or has otherwise.
fn taken(repo: &Repo, before: Oid, after: Oid) -> Result<Option<Oid>, SyncError> {
    let files: BTreeMap<String, Entry> = repo
        .differing(Some(after), before)?
        .into_iter()
        .filter(|(_, entry)| entry.mode == FILE)
        .collect();
    Ok(if files.is_empty() {
        None
    } else {
        Some(repo.replace(None, &files)?)
    })
}

/// The rules of a root tree. Of a large fleet, machine files that the cache has are not opened.
pub(super) fn rules_of(repo: &Repo, root: Oid, cache: &dyn Cache) -> Result<Rules, SyncError> {
    let mut known = None;
    Ok(Rules::read(repo, root, |path, oid| {
        let known = known.get_or_insert_with(|| cache.portions());
        known
            .remove(path)
            .filter(|one: &Known| one.oid == oid)?
            .digest
            .machine_file
    })?)
}

/// Retention moves at most so many days in a run, so that a wrong clock takes little.
const STEP: i64 = 31;

/// The first day of which a machine's files hold more than the day.
fn first_detailed(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    cache: &dyn Cache,
) -> Result<Option<Day>, SyncError> {
    let (all, ..) = months::digested(repo, read::inputs(repo, Some(root))?, Some(machine), cache)?;
    Ok(all
        .iter()
        .filter(|one| !one.portion.is_machine_file && one.portion.machine == *machine)
        .filter_map(|one| one.digest.days().1)
        .min())
}

/// The day before which the records of a machine become bare; none where that shortens nothing. It is counted from the first day that
/// has details, so that a gap without usage does not hold it up.
fn bound(page: &SyncFile, first: Day, days: u32, now: Timestamp) -> Option<Day> {
    let newest = page.last_usage?.min(now);
    let back = |from: Timestamp, days: i64| {
        Timestamp::from_millis(from.millis().saturating_sub(days.saturating_mul(DAY)))
    };
    let target = back(newest, days.into())?.day();
    let day = target.min(back(first.start(), -STEP)?.day());
    (day > first && page.pruned_before.is_none_or(|known| day > known)).then_some(day)
}

/// The machine's own files, as far as these records concern them, and the records in them; and what the history among them added.
fn open(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    (records, history): (&RecordSet, &History),
    kept: &Kept,
    summary_only: bool,
    cache: &dyn Cache,
) -> Result<(Own, Imported), SyncError> {
    let files = Files::of(repo, root, machine, cache)?;
    // Whatever needs a time, a session or a project to be decided is decided before these are taken away.
    let shortens = summary_only || kept.rules.pruned_before(machine).is_some();
    let ground = if shortens && (files.has_sums || !history.sums.is_empty()) {
        let trees = read::inputs(repo, Some(root))?;
        read::load(repo, trees)?
    } else {
        Vec::new()
    };
    // Sums are compared with all that is here.
    let whole = !ground.is_empty() || !history.sums.is_empty();
    let level = if summary_only {
        Level::Daily
    } else {
        Level::Full
    };
    let mut own = files
        .open(whole)?
        .with(level, &kept.rules, settle::derived_ids(&ground));
    let mut told = Imported::default();
    let all = if history.records.is_empty() {
        Cow::Borrowed(records)
    } else {
        Cow::Owned(records.clone().join(history.records.clone()))
    };
    let increments = history.increments();
    if increments.is_empty() {
        files.read_for(&mut own, &all)?;
    } else {
        files.read_for(&mut own, &all.clone().into_owned().join(increments))?;
    }
    let is_new = |record: &Record| {
        !records
            .get(record.id)
            .is_some_and(|known| known.covers(record))
            && !own.covers(record)
    };
    told.new_records = history.records.iter().filter(is_new).count() as u64;
    own.add_records(&all);
    own.expect(&history.states);
    files.read_touched(&mut own)?;
    own.settle(&history.states, &all, &files.others(&history.states)?);
    (told.new_days, told.shown_days) = own.add_imports(&history.sums);
    if let Some(bound) = kept.rules.pruned_before(machine).filter(|_| kept.prunes) {
        files.read_detailed(&mut own, bound)?;
        own.prune();
    }
    if !ground.is_empty() {
        let (before, after) = (
            with(ground.clone(), machine, |data| {
                unshortened(data, &own, &all);
            }),
            with(ground, machine, |data| *data = own.data()),
        );
        for (key, sum) in settle::settle(machine, before, after) {
            own.add_sum(key, sum);
        }
    }
    if !kept.forgotten.is_empty() {
        files.read_forgotten(&mut own)?;
        own.forget(&kept.forgotten);
    }
    if !kept.brought_back.is_empty() {
        files.read_forgotten(&mut own)?;
        own.keep(&kept.brought_back);
    }
    Ok((own, told))
}

/// The fleet with another state of one machine's data.
fn with(
    mut fleet: Vec<MachineData>,
    machine: &MachineId,
    change: impl FnOnce(&mut MachineData),
) -> Vec<MachineData> {
    let at = fleet
        .binary_search_by(|data| data.id.cmp(machine))
        .unwrap_or_else(|at| {
            fleet.insert(at, MachineData::new(machine.clone()));
            at
        });
    change(&mut fleet[at]);
    fleet
}

/// What the machine would have if nothing was shortened by this run: its files as they are, and the records that are new in full.
fn unshortened(data: &mut MachineData, own: &Own, records: &RecordSet) {
    let now = own.data();
    for record in records.iter() {
        // A record that stands there at a lower level keeps it.
        let known = data
            .records
            .get(record.id)
            .map_or(Level::Full, |known| known.origin.level);
        data.records.add(record.shortened(known));
    }
    data.machine_file = now.machine_file;
    data.sums = now.sums;
}

/// What a run brings.
#[derive(Debug, Default)]
pub struct Brought {
    /// Requests of transcripts.
    pub records: RecordSet,
    /// Requests of transcripts that are imported.
    pub imported: RecordSet,
    /// Sums of other tools that are imported.
    pub sums: Vec<(SumKey, Sum)>,
    /// States of Claude Code's accounts.
    pub states: Vec<State>,
}

/// The root tree of the commit that a run would make, without transcripts, remote and work tree.
pub fn assemble_for(
    repo: &Repo,
    starts: Starts<'_>,
    machine: &MachineId,
    brought: &Brought,
    options: &Options,
    cache: &dyn Cache,
) -> Result<Oid, SyncError> {
    let history = History {
        records: brought.imported.clone(),
        sums: brought.sums.clone(),
        states: brought.states.clone(),
    };
    Ok(assemble(
        repo,
        starts,
        machine,
        (&brought.records, &history),
        options,
        cache,
    )?
    .tree)
}

/// A root tree after a machine added records to it, the manifest apart.
pub fn add(
    repo: &Repo,
    root: Oid,
    machine: &MachineId,
    records: &RecordSet,
    stamp: &Stamp,
    cache: &dyn Cache,
) -> Result<Oid, SyncError> {
    let kept = Kept {
        root,
        rules: Rules::default(),
        swept: false,
        prunes: false,
        records: RecordSet::default(),
        history: History::default(),
        forgotten: BTreeSet::new(),
        brought_back: BTreeSet::new(),
        held_back: 0,
        taken: None,
    };
    let (own, _) = open(
        repo,
        root,
        machine,
        (records, &History::default()),
        &kept,
        false,
        cache,
    )?;
    write(repo, root, own, stamp, false, cache, &Watcher::default())
}

/// The tree with the own files that changed, and the page that tells of them.
fn write(
    repo: &Repo,
    root: Oid,
    own: Own,
    stamp: &Stamp,
    snapshot: bool,
    cache: &dyn Cache,
    watcher: &Watcher,
) -> Result<Oid, SyncError> {
    let machine = own.machine().clone();
    let page = layout::machine_path(&machine);
    let mut changes = BTreeMap::new();
    let doing = watcher.begin(Step::Days, own.changed_parts());
    let checksums = own.write_parts(|files| -> Result<(), SyncError> {
        let texts: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_bytes()))
            .collect();
        let oids = repo.write_files(&texts)?;
        let files: Vec<_> = files
            .into_iter()
            .zip(oids)
            .map(|(file, oid)| (file.path, oid, file.digest))
            .collect();
        cache.keep_files(&files);
        files
            .iter()
            .for_each(|(path, oid, _)| watcher.did(|| format!("wrote {path} as {oid}")));
        doing.moved(files.len() as u64);
        changes.extend(
            files
                .into_iter()
                .map(|(path, oid, _)| (path, Entry { mode: FILE, oid })),
        );
        Ok(())
    })?;
    if let Some(draft) = own.draft() {
        changes.insert(
            page.clone(),
            Entry {
                mode: FILE,
                oid: repo.write_file(&page, draft.as_bytes())?,
            },
        );
    }
    let tree = repo.replace(Some(root), &changes)?;
    let figures = figures(repo, tree, &machine, own.views(), cache)?;
    let text = own.write_page(&figures, checksums, stamp);
    let entry = Entry {
        mode: FILE,
        oid: repo.write_file(&page, text.as_bytes())?,
    };
    let mut changes = BTreeMap::from([(page, entry)]);
    if snapshot {
        let copy = layout::snapshot_path(&machine, stamp.now);
        let oid = repo.write_file(&copy, text.as_bytes())?;
        changes.insert(copy, Entry { mode: FILE, oid });
    }
    Ok(repo.replace(Some(tree), &changes)?)
}

/// Whether git's conflict markers stand in a file.
fn has_markers(repo: &Repo, root: Oid, path: &str) -> Result<bool, SyncError> {
    let content = repo
        .entry(Some(root), path)?
        .map(|entry| read::content(repo, path, entry.oid))
        .transpose()?;
    Ok(matches!(content, Some(Content::Bytes(bytes)) if algebra::sides(&bytes).is_some()))
}

/// Takes git's conflict markers out of files that somebody committed them in: what stood between them are two versions, and they are
/// joined. The result depends on the file alone, so that two machines that mend it make the same bytes.
fn mend(repo: &Repo, out: &mut Assembled) -> Result<bool, SyncError> {
    let mut changes = BTreeMap::new();
    for problem in out
        .problems
        .iter()
        .filter(|problem| [Code::Malformed, Code::DamagedLines].contains(&problem.code))
    {
        let Some(entry) = repo.entry(Some(out.tree), &problem.subject)? else {
            continue;
        };
        let Content::Bytes(bytes) = read::content(repo, &problem.subject, entry.oid)? else {
            continue;
        };
        // Of an encrypted file both sides must be authentic: else it waits for somebody who has a version that is.
        if out
            .left_out
            .iter()
            .any(|(path, _)| *path == problem.subject)
        {
            continue;
        }
        let Some((ours, theirs)) = algebra::sides(&bytes) else {
            continue;
        };
        let kind = layout::Path::parse(&problem.subject);
        if let Ok(joined) = algebra::unmark(&kind, &bytes, &ours, &theirs) {
            changes.insert(
                problem.subject.clone(),
                Entry {
                    mode: FILE,
                    oid: repo.write_file(&problem.subject, &joined)?,
                },
            );
        }
    }
    out.mended.extend(changes.keys().cloned());
    if !changes.is_empty() {
        out.tree = repo.replace(Some(out.tree), &changes)?;
    }
    Ok(!changes.is_empty())
}

/// Writes what a person decided with this run into the own page.
fn decide(
    repo: &Repo,
    root: Oid,
    own: &mut Own,
    stamp: &Stamp,
    options: &Options,
) -> Result<bool, SyncError> {
    if options.intents.is_empty() {
        return Ok(false);
    }
    let trees = read::inputs(repo, Some(root))?;
    let pages = read::load(repo, trees.machine_files())?;
    let known = Decisions::gather(pages.iter().filter_map(MachineData::machine_file));
    let mut new = false;
    for intent in &options.intents {
        let (key, _) = known.next(intent);
        new |= own.decide(stamp, key, said(intent, stamp.now));
    }
    Ok(new)
}

/// A heartbeat comes at most this often, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Whether the page's stamp is so old that it is renewed though nothing is new.
fn heartbeat_due(
    repo: &Repo,
    page: Option<Entry>,
    machine: &MachineId,
    options: &Options,
) -> Result<bool, SyncError> {
    let Some(page) = page else { return Ok(false) };
    let Content::Bytes(bytes) = read::content(repo, &layout::machine_path(machine), page.oid)?
    else {
        return Ok(false);
    };
    let read = SyncFile::read(machine, &bytes, &mut Interner::default());
    Ok(read.is_ok_and(|page| options.now.since(page.last_sync()) >= DAY))
}

/// The manifest below a root tree. Any defect makes it stale, but a later major version is left alone.
fn read_manifest(
    repo: &Repo,
    root: Oid,
) -> Result<Result<(Vec<u8>, Manifest), FormatError>, SyncError> {
    let none = |what: &str| Ok(Err(FormatError::Malformed(what.to_owned())));
    let Some(entry) = repo
        .entry(Some(root), MANIFEST)?
        .filter(|entry| entry.mode == FILE)
    else {
        return none("there is none");
    };
    if !repo.is_blob_within(entry.oid, crate::format::MAX_MANIFEST)? {
        return none("it is too large");
    }
    Ok(match read::content(repo, MANIFEST, entry.oid)? {
        Content::Bytes(bytes) => Manifest::read(&bytes).map(|manifest| (bytes, manifest)),
        Content::TooLarge(_) | Content::Refused(_) => return none("it may not be read"),
    })
}

/// So many sessions of an adopted manifest are kept: more are not shown.
const ADOPTED_SESSIONS: usize = 150;

/// Keeps a 1.0 manifest as a decision: it may know machines that have no file. Of its sessions those of such machines are kept, the last
/// used ones.
fn adopt(own: &mut Own, stamp: &Stamp, manifest: &Manifest, repo: &Repo, root: Oid) -> bool {
    let has_file = |id: &String| {
        let path = MachineId::canonical(id).map(|id| layout::machine_path(&id));
        path.is_some_and(|path| {
            repo.entry(Some(root), &path)
                .is_ok_and(|entry| entry.is_some())
        })
    };
    let mut manifest = manifest.clone();
    let alone: BTreeSet<String> = manifest
        .machines
        .keys()
        .filter(|id| !has_file(id))
        .cloned()
        .collect();
    let mut sessions: Vec<_> = std::mem::take(&mut manifest.sessions)
        .into_iter()
        .filter(|(_, s)| s.machines.iter().any(|id| alone.contains(id)))
        .collect();
    sessions.sort_by(|(a_id, a), (b_id, b)| {
        b.last_updated
            .cmp(&a.last_updated)
            .then_with(|| a_id.cmp(b_id))
    });
    manifest.sessions = sessions.into_iter().take(ADOPTED_SESSIONS).collect();
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&manifest.write()) else {
        return false;
    };
    let subject = RecordId::of("manifest", &[value.to_string().as_bytes()]).to_string();
    own.decide(
        stamp,
        (ADOPTED.to_owned(), subject, 1),
        Decision(Extra::from([("manifest".to_owned(), value)])),
    )
}

/// Computes the front page anew where it does not tell of the trees beside it; takes away what is left of one that nobody wants.
fn front(repo: &Repo, root: Oid, cache: &dyn Cache) -> Result<Oid, SyncError> {
    let there = There::read(repo, root)?;
    let split = there.split();
    let mut changes = BTreeMap::new();
    let mut put = |path: &str, bytes: &[u8]| -> Result<(), SyncError> {
        changes.insert(
            path.to_owned(),
            Entry {
                mode: FILE,
                oid: repo.write_blob(bytes)?,
            },
        );
        Ok(())
    };
    let Some(split) = split.filter(|_| !repo.is_sealing()) else {
        // What is encrypted is not told beside it in clear.
        if let Some(split) = split {
            put(layout::README, split.with("").as_bytes())?;
        }
        let root = if changes.is_empty() {
            root
        } else {
            repo.replace(Some(root), &changes)?
        };
        let gone = there.files.into_keys().collect();
        return Ok(repo.without(root, &gone)?);
    };
    let new = match compute(repo, read::inputs(repo, Some(root))?, &there, cache) {
        Ok(Some(new)) => new,
        // Records do not wait for a picture of them.
        Ok(None) | Err(DataError::Front(_)) => return Ok(root),
        Err(error) => return Err(error.into()),
    };
    put(layout::README, split.with(&new.block).as_bytes())?;
    for (path, bytes) in &new.files {
        put(path, bytes)?;
    }
    let gone = there
        .files
        .keys()
        .filter(|path| !new.files.contains_key(*path))
        .cloned()
        .collect();
    Ok(repo.without(repo.replace(Some(root), &changes)?, &gone)?)
}

/// Computes what tells of the trees beside it: the manifest, and the front page if there is one.
fn derive(
    repo: &Repo,
    out: &mut Assembled,
    old: Option<&Manifest>,
    options: &Options,
    cache: &dyn Cache,
) -> Result<(), SyncError> {
    derive_manifest(repo, out, old, options, cache)?;
    if out.newer_rules.is_none() {
        out.tree = front(repo, out.tree, cache)?;
    }
    Ok(())
}

/// Computes the manifest anew where it does not tell of the trees beside it.
fn derive_manifest(
    repo: &Repo,
    out: &mut Assembled,
    old: Option<&Manifest>,
    options: &Options,
    cache: &dyn Cache,
) -> Result<(), SyncError> {
    let trees = read::inputs(repo, Some(out.tree))?;
    if let Some(old) = old {
        let fits = old.inputs == Some(trees.inputs());
        let newer = old.rules > options.rules;
        let foreign = old.is_foreign() && options.task != Task::Sync;
        if newer || foreign || (fits && old.rules == options.rules && !options.rederive) {
            out.newer_rules = newer.then_some(old.rules);
            out.machines = old.machines.len();
            out.problems = problems(&old.conflicts);
            return Ok(());
        }
    }
    let _doing = options.watcher.begin(Step::Manifest, 0);
    let new = overview::manifest(repo, trees, options.rules, cache)?;
    out.machines = new.machines.len();
    out.problems = problems(&new.conflicts);
    let oid = repo.write_file(MANIFEST, new.write().as_bytes())?;
    options.watcher.did(|| format!("wrote {MANIFEST} as {oid}"));
    out.tree = repo.replace(
        Some(out.tree),
        &BTreeMap::from([(MANIFEST.to_owned(), Entry { mode: FILE, oid })]),
    )?;
    Ok(())
}

fn problems(conflicts: &[Conflict]) -> Vec<Conflict> {
    conflicts
        .iter()
        .filter(|conflict| conflict.code != Code::Joined)
        .cloned()
        .collect()
}
