//! Records as the index keeps them for reports: what a report asks for, in some 25 bytes a record.

use serde::{Deserialize, Serialize};

use super::digest::Sums;
use super::fleet::{Row, Rows, Source};
use crate::base::ids::SessionId;
use crate::base::time::Timestamp;
use crate::records::{RecordSet, Totals};

/// The names in a file, each once.
#[derive(Serialize, Deserialize)]
struct Names<'a> {
    rows: u32,
    #[serde(borrow)]
    sessions: Vec<&'a str>,
    #[serde(borrow)]
    projects: Vec<&'a str>,
    #[serde(borrow)]
    models: Vec<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    at: i64,
    session: u32,
    project: u32,
    model: u32,
    sums: Sums,
    provisional: bool,
}

fn number<'a>(names: &mut Vec<&'a str>, name: &'a str) -> u32 {
    let at = names.iter().rposition(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Packs records.
pub fn pack(records: &RecordSet) -> Vec<u8> {
    let mut names = Names { rows: u32::try_from(records.len()).unwrap_or(0), sessions: Vec::new(), projects: Vec::new(), models: Vec::new() };
    let mut rows = Vec::new();
    for entry in records.entries() {
        let packed = Packed {
            at: entry.at.millis(),
            session: number(&mut names.sessions, entry.session.as_str()),
            project: number(&mut names.projects, entry.project),
            model: number(&mut names.models, entry.model),
            sums: Totals { requests: 1, counters: entry.counters, cost: entry.cost }.into(),
            provisional: entry.provisional,
        };
        rows.extend(postcard::to_allocvec(&packed).unwrap_or_default());
    }
    let mut out = postcard::to_allocvec(&names).unwrap_or_default();
    out.extend(rows);
    out
}

/// Gives packed records to `rows`, as requests that count for a machine. Where the bytes are not what [`pack`] made, none is given.
pub fn unpack(bytes: &[u8], machine: usize, rows: Rows) -> Option<()> {
    let (names, mut rest): (Names, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
    let sessions: Vec<SessionId> = names.sessions.iter().map(|name| SessionId::new((*name).into())).collect();
    let at = |number: u32| usize::try_from(number).ok();
    let mut all = Vec::new();
    for _ in 0..names.rows {
        let (packed, after): (Packed, &[u8]) = postcard::take_from_bytes(rest).ok()?;
        rest = after;
        all.push(Row {
            machine,
            session: Some(sessions.get(at(packed.session)?)?),
            project: names.projects.get(at(packed.project)?)?,
            model: names.models.get(at(packed.model)?)?,
            at: Timestamp::from_millis(packed.at)?,
            totals: packed.sums.into(),
            source: Source::Record,
            provisional: packed.provisional,
        });
    }
    all.iter().for_each(rows);
    Some(())
}
