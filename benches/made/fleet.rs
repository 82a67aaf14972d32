//! Made-up fleets, written straight into a repository: the same bytes for the same numbers, on every machine.

use std::collections::BTreeMap;

use claude_sync::base::ids::{MachineId, RecordId, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::Cost;
use claude_sync::base::time::Timestamp;
use claude_sync::format::dayfile::DayFile;
use claude_sync::format::syncfile::Mode;
use claude_sync::git::Oid;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::merge::fleet::Fleet;
use claude_sync::merge::{data, manifest};
use claude_sync::records::{Body, Counters, Origin, Record, RecordSet};
use claude_sync::store::layout;
use claude_sync::sync::own::Own;
use claude_sync::sync::{Host, Stamp};

/// How many requests a machine makes in a day.
pub const A_DAY: u64 = 300;

/// The first day.
const START: i64 = 1_735_689_600_000;

/// The id of a machine.
pub fn machine(at: u64) -> MachineId {
    MachineId::canonical(&format!("{at:08x}-0000-4000-8000-000000000000")).expect("an id")
}

/// A machine's n-th request: 30 to a session, four models, now and then a provisional one.
pub fn record(machine: u64, n: u64) -> Record {
    let mix = (machine.wrapping_mul(0x9E37_79B9) ^ n).wrapping_mul(0x5851_F42D_4C95_7F2D);
    let at = START + i64::try_from(n / A_DAY).expect("small") * 86_400_000 + i64::try_from(n % A_DAY).expect("small") * 240_000;
    let models = ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101"];
    Record {
        id: RecordId::of("made", &[&machine.to_be_bytes(), &n.to_be_bytes()]),
        derived: false,
        origin: Origin {
            timestamp: Timestamp::from_millis(at).expect("a time"),
            session: SessionId::new(format!("{:08x}-{machine:04x}-4000-8000-000000000000", n / 30).as_str().into()),
            project: format!("project-{}", n / 500 % 12).as_str().into(),
        },
        index: n % 30 + 1,
        fast: false,
        body: Body {
            model: models[usize::try_from(mix >> 62).expect("small")].into(),
            counters: Counters {
                input: mix >> 8 & 0xff,
                output: mix >> 16 & 0xfff,
                cache_creation: mix >> 24 & 0x3fff,
                cache_read: mix >> 32 & 0x1_ffff,
                ..Counters::default()
            },
            service_tier: Some("standard".into()),
            inference_geo: None,
            provisional: (mix >> 40).is_multiple_of(8),
            sidechain: false,
            cost: Cost::default(),
            recorded_cost: None,
            extra: Extra::new(),
        },
    }
}

/// A root tree with `records` of each machine, and its manifest.
pub fn write(repo: &Repo, machines: u64, records: u64) -> Oid {
    let mut entries = BTreeMap::new();
    for at in 0..machines {
        for first in (0..records).step_by(usize::try_from(A_DAY).expect("small")) {
            let all = (first..(first + A_DAY).min(records)).map(|n| record(at, n));
            let day = record(at, first).origin.timestamp.day();
            let mut file = DayFile::new(machine(at), day);
            all.for_each(|record| file.records.add(record));
            let oid = repo.write_blob(file.write().0.as_bytes()).expect("stored");
            entries.insert(layout::day_path(&machine(at), day, 1), Entry { mode: FILE, oid });
        }
    }
    let mut root = repo.replace(None, &entries).expect("a tree");
    for at in 0..machines {
        root = add(repo, root, at, records..records);
    }
    derive(repo, root)
}

/// The tree after a machine made more requests.
pub fn add(repo: &Repo, root: Oid, at: u64, numbers: std::ops::Range<u64>) -> Oid {
    let id = machine(at);
    let mut own = Own::new(&id);
    for blob in repo.blobs(Some(root), "sync").expect("reads").into_iter().filter(|blob| blob.path.contains(id.as_str())) {
        own.read(&blob.path, data::content(repo, blob.oid).expect("reads")).expect("reads");
    }
    own.add_records(&numbers.map(|n| record(at, n)).collect::<RecordSet>());
    let now = Timestamp::from_millis(START + 400 * 86_400_000).expect("a time");
    let host = Host { hostname: format!("host-{at}"), platform: "linux".into(), os_version: "1".into(), fingerprint: String::new() };
    let files = own.write(&Stamp { now, mode: Mode::Incremental, host: &host }, false);
    let entries = files.into_iter().map(|(path, bytes)| (path, Entry { mode: FILE, oid: repo.write_blob(&bytes).expect("stored") }));
    repo.replace(Some(root), &entries.collect()).expect("a tree")
}

/// The tree with the manifest that its other files imply.
pub fn derive(repo: &Repo, root: Oid) -> Oid {
    let (machines, archive) = data::inputs(repo, Some(root)).expect("reads");
    let text = manifest::compute(&Fleet::join(data::load(repo, machines, archive).expect("reads")), machines, archive, 1).write();
    let oid = repo.write_blob(text.as_bytes()).expect("stored");
    repo.replace(Some(root), &BTreeMap::from([(layout::MANIFEST.to_owned(), Entry { mode: FILE, oid })])).expect("a tree")
}
