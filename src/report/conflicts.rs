//! Conflicts that need review: both versions of a session, as text.

use super::lines;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::text::count;
use crate::base::time::Day;
use crate::fleet::Fleet;
use crate::fleet::read::{self, Content};
use crate::format::conflict::Code;
use crate::format::dayfile::DayFile;
use crate::git::Oid;
use crate::git::repo::{Blob, Repo};
use crate::sync::SyncError;
use crate::sync::local::day_files;

/// Maximum number of commits searched for a version with a matching checksum.
const MAX_COMMITS: usize = 1000;

/// One version of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    /// What version it is: now, or the commit in which the checksum last matched.
    pub(crate) name: String,
    /// The machine whose records they are.
    pub(crate) machine: MachineId,
    /// Its records, one per line.
    pub(crate) text: String,
}

/// A session that needs review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispute {
    /// The session's id.
    pub(crate) session: SessionId,
    /// The session's project.
    pub(crate) project: String,
    /// The conflict's code; always `checksum`.
    pub(crate) code: String,
    /// The versions: the last one with a matching checksum, if there is one, then the current one.
    pub(crate) sides: Vec<Side>,
}

/// All sessions of the current commit that need review.
pub(crate) fn disputes(repo: &Repo) -> Result<Vec<Dispute>, SyncError> {
    let Some(head) = repo.synced()? else {
        return Ok(Vec::new());
    };
    let trees = read::inputs(repo, Some(repo.tree_of(head)?))?;
    let all = read::load(repo, trees)?;
    let fleet = Fleet::count(all);
    let mut out = Vec::new();
    for conflict in &fleet.conflicts {
        let pending = fleet
            .sessions
            .iter()
            .find(|(id, view)| view.pending && id.as_str() == conflict.subject);
        let machine = conflict
            .machines
            .first()
            .and_then(|id| MachineId::canonical(id))
            .filter(|_| conflict.code == Code::Checksum);
        let (Some((session, view)), Some(machine)) = (pending, machine) else {
            continue;
        };
        let project = view
            .first
            .as_ref()
            .map(|(_, project)| project.to_string())
            .unwrap_or_default();
        out.push(Dispute {
            session: session.clone(),
            project,
            code: conflict.code.to_string(),
            sides: versions(repo, head, &machine, session)?,
        });
    }
    Ok(out)
}

/// The last version of a session with a matching checksum, if there is one, and the current one.
fn versions(
    repo: &Repo,
    head: Oid,
    machine: &MachineId,
    session: &SessionId,
) -> Result<Vec<Side>, SyncError> {
    let side = |name: String, version: Version| Side {
        name,
        machine: machine.clone(),
        text: version.text,
    };
    let mut sides = Vec::new();
    let mut last: Option<Vec<Oid>> = None;
    for (commit, _, _) in repo.commits(head, MAX_COMMITS)? {
        let blobs = day_files(repo, Some(repo.tree_of(commit)?), machine)?;
        let ids: Vec<Oid> = blobs.iter().map(|(blob, ..)| blob.oid).collect();
        // Most commits are of other machines: the files are those of the commit before.
        if last.as_ref() == Some(&ids) {
            continue;
        }
        last = Some(ids);
        let files = blobs.into_iter().map(|(blob, day, _)| (blob, day));
        let version = Version::read(repo, files, machine, session)?;
        let records = count(version.records, "record");
        if sides.is_empty() {
            sides.push(side(format!("now, {records}"), version));
        } else if version.matches {
            let commit = commit.to_string();
            let name = format!("last with a matching checksum, {}, {records}", &commit[..8]);
            sides.insert(0, side(name, version));
            break;
        }
    }
    Ok(sides)
}

/// A session's records in one commit.
struct Version {
    /// One record per line.
    text: String,
    records: u64,
    /// Whether the session's checksum matches in all files.
    matches: bool,
}

impl Version {
    fn read(
        repo: &Repo,
        files: impl Iterator<Item = (Blob, Day)>,
        machine: &MachineId,
        session: &SessionId,
    ) -> Result<Self, SyncError> {
        let mut version = Self {
            text: String::new(),
            records: 0,
            matches: true,
        };
        for (blob, day) in files {
            let Content::Bytes(bytes) = read::content(repo, &blob.path, blob.oid)? else {
                continue;
            };
            let Ok((file, damage)) = DayFile::read(machine, day, &bytes, &mut Interner::default())
            else {
                continue;
            };
            version.matches &= !damage.checksums.contains(session);
            let records = file.records.sorted();
            for record in records.filter(|record| record.origin.session == *session) {
                version.records += 1;
                version.text.push_str(&(lines::record(&record) + "\n"));
            }
        }
        Ok(version)
    }
}
