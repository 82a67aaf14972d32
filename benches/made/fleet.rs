//! Made-up fleets, written straight into a repository: the same bytes for the same numbers, on every machine.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use claude_sync::bench::{
    self, Body, Client, Counters, Extra, Index, Level, MachineId, Oid, Origin, Record, RecordId,
    Repo, SessionId, Syncing, Timestamp,
};

/// When the machines of a fleet make requests.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub machines: u64,
    /// Requests of a machine.
    pub records: u64,
    /// Requests on a day that has any.
    pub a_day: u64,
    /// From a day that has any to the next one, in hundredths of a day.
    pub gap: u64,
}

impl Shape {
    /// 300 requests, day after day.
    pub const fn dense(machines: u64, records: u64) -> Self {
        Self {
            machines,
            records,
            a_day: 300,
            gap: 100,
        }
    }

    fn time(self, n: u64) -> Timestamp {
        let day = n / self.a_day * self.gap / 100;
        let at = START
            + i64::try_from(day).expect("small") * 86_400_000
            + i64::try_from(n % self.a_day).expect("small") * 240_000;
        Timestamp::from_millis(at).expect("a time")
    }
}

/// The first day, 2025-01-01.
pub const START: i64 = 1_735_689_600_000;

/// The id of a machine.
pub fn machine(at: u64) -> MachineId {
    MachineId::canonical(&format!("{at:08x}-0000-4000-8000-000000000000")).expect("an id")
}

/// A machine's n-th request: 30 to a session, four models, now and then a provisional one.
pub fn record(machine: u64, n: u64) -> Record {
    record_at(machine, n, Shape::dense(0, 0).time(n))
}

/// As [`record`], at a time.
pub fn record_at(machine: u64, n: u64, at: Timestamp) -> Record {
    let mix = (machine.wrapping_mul(0x9E37_79B9) ^ n).wrapping_mul(0x5851_F42D_4C95_7F2D);
    let models = [
        "claude-opus-4-8",
        "claude-sonnet-4-6",
        "claude-haiku-4-5-20251001",
        "claude-opus-4-5-20251101",
    ];
    let model = models[usize::try_from(mix >> 62).expect("small")];
    let counters = Counters {
        input: mix >> 8 & 0xff,
        output: mix >> 16 & 0xfff,
        cache_creation: mix >> 24 & 0x3fff,
        cache_read: mix >> 32 & 0x1_ffff,
        ..Counters::default()
    };
    Record {
        id: RecordId::of("made", &[&machine.to_be_bytes(), &n.to_be_bytes()]),
        derived: false,
        origin: Origin {
            level: Level::Full,
            timestamp: at,
            session: SessionId::new(
                format!("{:08x}-{machine:04x}-4000-8000-000000000000", n / 30)
                    .as_str()
                    .into(),
            ),
            project: format!("project-{}", n / 500 % 12).as_str().into(),
            client: Client {
                entrypoint: "cli".into(),
                version: "2.1.219".into(),
                ..Default::default()
            },
        },
        index: n % 30 + 1,
        fast: false,
        body: Body {
            model: model.into(),
            counters,
            service_tier: None,
            inference_geo: None,
            provisional: (mix >> 40).is_multiple_of(8),
            sidechain: false,
            cost: bench::cost(model, at, &counters),
            recorded_cost: None,
        },
        twins: std::collections::BTreeSet::new(),
        ledger: None,
        extra: Extra::new(),
    }
}

/// The tree `root` with the records of each machine, their machine files and the manifest. Holds one day's records at a time.
pub fn write(repo: &Repo, root: Option<Oid>, shape: Shape, index: &Index) -> Oid {
    let mut files = BTreeMap::new();
    for at in 0..shape.machines {
        for first in (0..shape.records).step_by(usize::try_from(shape.a_day).expect("small")) {
            let numbers = first..(first + shape.a_day).min(shape.records);
            let records = numbers.map(|n| record_at(at, n, shape.time(n)));
            let (path, oid) =
                bench::write_day(repo, &machine(at), shape.time(first), records).expect("stored");
            files.insert(path, oid);
        }
    }
    let mut root = bench::place(repo, root, files).expect("a tree");
    for at in 0..shape.machines {
        root = add(repo, root, at, 0..0, index);
    }
    derive(repo, root, index)
}

/// The tree after a machine made more requests, its manifest as it was.
pub fn add(repo: &Repo, root: Oid, at: u64, numbers: Range<u64>, index: &Index) -> Oid {
    let syncing = Syncing {
        machine: &machine(at),
        hostname: format!("host-{at}"),
        now: Timestamp::from_millis(START + 400 * 86_400_000).expect("a time"),
    };
    bench::add(repo, root, &syncing, numbers.map(|n| record(at, n)), index).expect("adds")
}

/// The tree with the manifest that its other files imply.
pub fn derive(repo: &Repo, root: Oid, index: &Index) -> Oid {
    bench::derive(repo, root, index).expect("computes")
}

/// Writes transcripts that hold the first machine's records, about a kilobyte a request, and nothing else.
pub fn transcripts(folder: &Path, records: u64) {
    let base = folder.join("projects/-home-dev-shop");
    std::fs::create_dir_all(&base).expect("a folder");
    for session in 0..records.div_ceil(30) {
        let mut text = String::new();
        for n in session * 30..((session + 1) * 30).min(records) {
            let record = record(0, n);
            let c = record.body.counters;
            text.push_str(&format!(
                "{{\"parentUuid\":null,\"isSidechain\":false,\"cwd\":\"/home/dev/shop\",\"sessionId\":\"{}\",\"message\":{{\"id\":\"msg_01{n:022}\",\"role\":\"assistant\",\"model\":\"{}\",\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}],\"stop_reason\":\"end_turn\",\"usage\":{{\"input_tokens\":{},\"output_tokens\":{},\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{}}}}},\"requestId\":\"req_{n:022}\",\"type\":\"assistant\",\"uuid\":\"{n:08x}-0000-4000-8000-000000000000\",\"timestamp\":\"{}\"}}\n",
                record.origin.session,
                record.body.model,
                "lorem ipsum ".repeat(36),
                c.input,
                c.output,
                c.cache_creation,
                c.cache_read,
                record.origin.timestamp
            ));
        }
        std::fs::write(
            base.join(format!("{}.jsonl", record(0, session * 30).origin.session)),
            text,
        )
        .expect("written");
    }
}
