//! Conflicts that need review, with both sides as lines.

use super::lines;
use crate::base::ids::{Interner, MachineId, SessionId};
use crate::base::text::count;
use crate::fleet::Fleet;
use crate::fleet::read::{self, Content};
use crate::format::dayfile::DayFile;
use crate::git::Oid;
use crate::git::repo::Repo;
use crate::sync::SyncError;
use crate::sync::own::own_blobs;

/// How far back the history is searched for a version whose checksum fits.
const DEPTH: usize = 1000;

/// One version of what is in dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Whose it is, or when it was.
    pub name: String,
    /// The machine.
    pub machine: MachineId,
    /// Its lines.
    pub text: String,
}

/// A session that needs review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The session.
    pub session: SessionId,
    /// Its project.
    pub project: String,
    /// `checksum`.
    pub code: String,
    /// The versions.
    pub sides: Vec<Side>,
}

/// All sessions of the repository's current commit that are pending.
pub fn disputes(repo: &Repo) -> Result<Vec<Dispute>, SyncError> {
    let Some(head) = repo.synced()? else {
        return Ok(Vec::new());
    };
    let (machines, archive) = read::inputs(repo, Some(repo.tree_of(head)?))?;
    let all = read::load(repo, machines, archive)?;
    let fleet = Fleet::count(all);
    let mut out = Vec::new();
    for conflict in &fleet.conflicts {
        let Some((session, view)) = fleet
            .sessions
            .iter()
            .find(|(id, view)| view.pending && id.as_str() == conflict.subject)
        else {
            continue;
        };
        let machine = conflict
            .machines
            .first()
            .and_then(|id| MachineId::canonical(id));
        let Some(machine) = machine.filter(|_| conflict.code == "checksum") else {
            continue;
        };
        let sides = checked(repo, head, &machine, session)?;
        let project = view
            .first
            .as_ref()
            .map(|(_, project)| project.to_string())
            .unwrap_or_default();
        out.push(Dispute {
            session: session.clone(),
            project,
            code: conflict.code.clone(),
            sides,
        });
    }
    Ok(out)
}

/// The latest version of a session whose checksum fits, and the present one.
fn checked(
    repo: &Repo,
    head: Oid,
    machine: &MachineId,
    session: &SessionId,
) -> Result<Vec<Side>, SyncError> {
    let mut sides = Vec::new();
    let mut seen: Option<Vec<Oid>> = None;
    for (commit, _, _) in repo.commits(head, DEPTH)? {
        let blobs = own_blobs(repo, Some(repo.tree_of(commit)?), machine)?;
        let ids: Vec<Oid> = blobs.iter().map(|(blob, ..)| blob.oid).collect();
        if seen.as_ref() == Some(&ids) {
            continue;
        }
        seen = Some(ids);
        let (mut text, mut fits, mut records) = (String::new(), true, 0_u64);
        for (blob, day, _) in blobs {
            let Content::Bytes(bytes) = read::content(repo, &blob.path, blob.oid)? else {
                continue;
            };
            let Ok((file, damage)) = DayFile::read(machine, day, &bytes, &mut Interner::default())
            else {
                continue;
            };
            fits &= !damage.checksums.contains(session);
            for record in file
                .records
                .sorted()
                .filter(|r| r.origin.session == *session)
            {
                records += 1;
                text.push_str(&(lines::record(&record) + "\n"));
            }
        }
        if sides.is_empty() {
            sides.push(Side {
                name: format!("now, {}", count(records, "record")),
                machine: machine.clone(),
                text,
            });
        } else if fits {
            sides.insert(
                0,
                Side {
                    name: format!(
                        "as its checksum last fitted, {}, {}",
                        &commit.to_string()[..8],
                        count(records, "record")
                    ),
                    machine: machine.clone(),
                    text,
                },
            );
            break;
        }
    }
    Ok(sides)
}
