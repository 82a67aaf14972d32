//! The second implementation of the counting, in Python, over the state that a run leaves: equal to the picodollar in each machine,
//! session, day and model.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use claude_sync::fleet::read;
use claude_sync::git::Oid;
use claude_sync::git::repo::Repo;
use claude_sync::record::Totals;
use serde_json::{Value, json};

use crate::model::verdict::Counted;

fn figures(totals: &Totals) -> Value {
    let counters = &totals.counters;
    json!({
        "requests": totals.requests, "input": counters.input, "output": counters.output, "cache_creation": counters.cache_creation,
        "cache_read": counters.cache_read, "cost": totals.cost.amount.to_string(), "cost_known": totals.cost.known,
    })
}

fn by(rows: &[Counted], name: impl Fn(&Counted) -> String) -> BTreeMap<String, Totals> {
    let mut out: BTreeMap<String, Totals> = BTreeMap::new();
    for row in rows {
        let slot = out.entry(name(row)).or_default();
        *slot = slot.plus(row.totals);
    }
    out
}

/// Whether there is a Python to ask.
pub fn is_possible() -> bool {
    Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|ran| ran.status.success())
}

/// Asserts that a recount of a root tree gives what the library counts.
pub fn assert_equal(repo: &Repo, root: Oid) {
    let folder = tempfile::tempdir().expect("a folder");
    for blob in repo.blobs(Some(root), "sync").expect("reads") {
        let path = folder.path().join(&blob.path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, repo.blob(blob.oid).expect("reads")).expect("written");
    }
    let trees = read::inputs(repo, Some(root)).expect("reads");
    let (rows, fleet) = crate::model::verdict::counted(read::load(repo, trees).expect("reads"));
    let section = |all: BTreeMap<String, Totals>| -> Value {
        all.iter()
            .map(|(name, totals)| (name.clone(), figures(totals)))
            .collect()
    };
    let mut of_machines = by(&rows, |row| row.machine.to_string());
    for machine in &fleet.machines {
        of_machines.entry(machine.id.to_string()).or_default();
    }
    let expected = json!({
        "totals": figures(&fleet.totals()),
        "machines": section(of_machines),
        "sessions": section(by(&rows, |row| row.session.as_ref().map(ToString::to_string).unwrap_or_default())),
        "days": section(by(&rows, |row| row.at.day().to_string())),
        "models": section(by(&rows, |row| row.model.clone())),
    });
    let wanted = folder.path().join("expected.json");
    fs::write(&wanted, expected.to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recount/recount.py");
    let ran = Command::new("python3")
        .arg(script)
        .arg(folder.path())
        .arg("--compare")
        .arg(wanted)
        .output()
        .expect("python3 runs");
    assert!(
        ran.status.success(),
        "a recount differs: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
