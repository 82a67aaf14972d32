//! Keeps a manifest of another tool, before this one writes over it.

use std::collections::BTreeSet;

use crate::base::ids::{MachineId, RecordId};
use crate::base::json::Extra;
use crate::fleet::decisions::ADOPTED;
use crate::format::manifest::Manifest;
use crate::format::syncfile::Decision;
use crate::store::layout;
use crate::sync::host::Stamp;
use crate::sync::local::LocalFiles;
use crate::sync::view::View;

/// So many sessions of an adopted manifest are kept: more are not shown.
const ADOPTED_SESSIONS: usize = 150;

/// Keeps a 1.0 manifest as a decision: it may know machines that have no file. Of its sessions
/// those of such machines are kept, the last used ones.
pub(super) fn adopt(
    own: &mut LocalFiles,
    stamp: &Stamp,
    manifest: &Manifest,
    view: View<'_>,
) -> bool {
    let has_file = |id: &String| {
        let path = MachineId::canonical(id).map(|id| layout::machine_path(&id));
        path.is_some_and(|path| view.entry(&path).is_ok_and(|entry| entry.is_some()))
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
