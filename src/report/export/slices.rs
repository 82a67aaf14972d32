//! What changed since the last export, slice by slice.
//!
//! A *slice* is all rows of one machine and one UTC day. Rows have no key that lasts: a pruned
//! request loses its time, and a total shrinks when its requests arrive. A slice has one, and its
//! rows are exported whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::row::{ExportedRow, InternedTexts};
use crate::base::key::hex;
use crate::base::time::Day;
use crate::fleet::Fleet;

/// The version of the state's format.
const VERSION: u32 = 1;

/// What an export contained: a hash of each slice. The next export compares all rows with it, and
/// so finds each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportState {
    version: u32,
    /// By machine id and day.
    slices: BTreeMap<String, BTreeMap<String, String>>,
}

impl Default for ExportState {
    fn default() -> Self {
        Self {
            version: VERSION,
            slices: BTreeMap::new(),
        }
    }
}

impl ExportState {
    /// Reads a state. The error is the reason.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if state.version == VERSION {
            Ok(state)
        } else {
            Err(format!("it has version {}, not {VERSION}", state.version))
        }
    }

    /// The state as JSON.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn hash(&self, machine: &str, day: &str) -> Option<&str> {
        let days = self.slices.get(machine)?;
        days.get(day).map(String::as_str)
    }
}

/// A slice that is new, has other rows than before, or is gone.
#[derive(Debug)]
pub(super) struct ChangedSlice<'a> {
    pub(super) machine: String,
    pub(super) day: Day,
    /// The rows that it has now; none: it is gone.
    pub(super) rows: Vec<&'a ExportedRow>,
}

/// The slices that differ from those of `before`, sorted by machine and day, and the state
/// afterwards. `rows` are sorted.
pub(super) fn changed<'a>(
    rows: &'a [ExportedRow],
    names: &InternedTexts,
    (fleet, labels): (&Fleet, &[String]),
    before: &ExportState,
) -> (Vec<ChangedSlice<'a>>, ExportState) {
    let mut slices: BTreeMap<(usize, Day), Vec<&ExportedRow>> = BTreeMap::new();
    for row in rows {
        let slice = slices.entry((row.machine, row.at.day())).or_default();
        slice.push(row);
    }
    let (mut changed, mut after) = (Vec::new(), ExportState::default());
    for ((index, day), rows) in slices {
        let machine = fleet.machines[index].id.to_string();
        let view = &fleet.machines[index];
        let hash = hash(&labels[index], [&view.user, &view.group], &rows, names);
        let text = day.to_string();
        if before.hash(&machine, &text) != Some(&hash) {
            let machine = machine.clone();
            changed.push(ChangedSlice { machine, day, rows });
        }
        after.slices.entry(machine).or_default().insert(text, hash);
    }
    for (machine, days) in &before.slices {
        let gone = days.keys().filter(|day| after.hash(machine, day).is_none());
        changed.extend(gone.filter_map(|day| {
            Some(ChangedSlice {
                machine: machine.clone(),
                day: Day::parse(day)?,
                rows: Vec::new(),
            })
        }));
    }
    changed.sort_by(|one, two| (&one.machine, one.day).cmp(&(&two.machine, two.day)));
    (changed, after)
}

/// A hash of all columns of a slice's rows.
fn hash(label: &str, tags: [&String; 2], rows: &[&ExportedRow], names: &InternedTexts) -> String {
    let mut hash = Sha256::new();
    let put = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    put(&mut hash, label);
    // Machines without tags keep the hashes that earlier versions made.
    if tags.iter().any(|tag| !tag.is_empty()) {
        tags.into_iter().for_each(|tag| put(&mut hash, tag));
    }
    for row in rows {
        for name in [row.session, row.project, row.model] {
            put(&mut hash, names.text(name));
        }
        put(&mut hash, row.kind);
        for figure in row.figures() {
            hash.update(figure.to_le_bytes());
        }
    }
    let hash = hash.finalize();
    hex(hash.get(..16).unwrap_or_default())
}
