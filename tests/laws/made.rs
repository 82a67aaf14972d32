//! Generated data, from a world so small that versions often meet: overlaps, larger rows, fast flags, moved timestamps, ids missing,
//! all levels of detail, sums, forgotten ids, claims, decisions, equal timestamps, unknown fields, part files.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{Interner, MachineId, RecordId, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::{Cost, Money};
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::format::dayfile::{DayFile, Forgotten};
use claude_sync::format::syncfile::{Decision, SyncFile};
use claude_sync::record::{
    Body, Client, Counters, Ledger, Level, Origin, PlanLimits, Point, Record, Series, Source, Sum,
    SumKey, Totals, Used,
};
use claude_sync::store::layout;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::laws::trees::Tree;

pub fn name(text: &str) -> std::sync::Arc<str> {
    text.into()
}

fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![4 => Just(Extra::new()), 1 => (0..3_u8, 0..2_u8).prop_map(|(key, value)| Extra::from([(format!("x{key}"), value.into())]))]
}

/// What made a record: unknown, or one of few.
fn client_of(which: usize) -> Client {
    let all = [
        ("", "", ""),
        ("cli", "", "2.1.59"),
        ("sdk-py", "", ""),
        ("cli", "Explore", "2.1.60"),
    ];
    let (entrypoint, agent, version) = all[which];
    Client {
        entrypoint: name(entrypoint),
        agent: name(agent),
        version: name(version),
    }
}

prop_compose! {
    /// Records from a world so small that they often meet.
    pub fn record()(id in 0..4_u8, minute in 0..4_i64, session in 0..2_u8, project in 0..2_u8, output in 0..3_u64, input in 0..2_u64, flags in any::<[bool; 4]>(), index in 0..3_u64, cost in 0..2_u128, nameless in 0..5_u8, twin in 0..6_u8, account in 0..6_u8, client in 0..4_usize, extra in extra()) -> Record {
        let mut record = Record {
            id: RecordId::of("test", &[&[id]]),
            derived: false,
            origin: Origin {
                level: Level::Full,
                timestamp: Timestamp::from_millis(1_770_000_000_000 + minute * 60_000).expect("valid"),
                session: SessionId::new(name(&format!("s{session}"))),
                project: name(&format!("p{project}")),
                client: client_of(client),
            },
            index,
            fast: flags[0],
            body: Body {
                model: name(if flags[3] { "claude-opus-4-8" } else { "unheard-of" }),
                counters: Counters { input, output, ..Counters::default() },
                service_tier: None,
                inference_geo: None,
                provisional: flags[1],
                sidechain: flags[2],
                cost: Cost { known: flags[3], amount: Money::from_pico(cost) },
                recorded_cost: None,
            },
            twins: BTreeSet::new(),
            ledger: None,
            extra,
        };
        if account == 0 {
            // An increment of Claude Code's account.
            let state = RecordId::of("test", &[b"state", &[id]]);
            record.id = RecordId::of("test", &[b"ledger", &[id]]);
            record.origin.client = Client::default();
            record.ledger = Some(Box::new(Ledger { lineage: state, state, after: record.body.counters, from: record.origin.timestamp }));
            (record.fast, record.index, record.body.provisional, record.body.sidechain) = (false, 0, false, false);
            record.body.cost = record.cost();
        }
        match nameless {
            0 if account == 0 => {}
            // Without an id, as 1.0 tools write them: it is derived from what they say.
            0 => {
                record.id = record.twin();
                record.derived = true;
            }
            1 => record = record.pruned(Level::Bare),
            2 => record = record.pruned(Level::Daily),
            _ => {}
        }
        if record.origin.level < Level::Full {
            // Its price is the table's.
            record.body.cost = record.cost();
            record.derived = twin == 1 && account > 0;
            record.twins.extend((twin == 0 && account > 0).then(|| RecordId::of("test", &[b"twin"])));
        }
        record
    }
}

/// A sum of an hour, of a day, of one whose beginning is not known; or the claim of a session, as a machine settles it.
fn sum(day: Day, kind: u8, project: u8, requests: u64, output: u64) -> (SumKey, Sum) {
    let at = |millis: i64| Timestamp::from_millis(day.start().millis() + millis).expect("valid");
    let window = [
        Some((at(0), at(3_599_999))),
        Some((at(0), at(86_399_999))),
        None,
        Some((at(0), at(60_000))),
    ][usize::from(kind)];
    let totals = |requests, output| Totals {
        requests,
        counters: Counters {
            output,
            ..Counters::default()
        },
        cost: Cost::default(),
    };
    let session = SessionId::new(name("s1"));
    let ccusage = SumKey {
        source: Source::Ccusage,
        day,
        mark: name(&format!("{kind}")),
        session: SessionId::new(name("")),
        model: name("claude-opus-4-8"),
    };
    let key = if kind == 3 {
        SumKey::claim(session)
    } else {
        ccusage
    };
    let deducted = (requests > 1).then(|| totals(0, requests - 1));
    let requests = if kind == 3 { requests } else { 0 };
    (
        key,
        Sum {
            window: window.map(Into::into),
            project: format!("p{project}"),
            totals: totals(requests, output),
            deducted,
            extra: Extra::new(),
        },
    )
}

prop_compose! {
    pub fn day_file_of(machine: u8, date: u8)(records in vec(record(), 0..6), sums in vec((0..4_u8, 0..2_u8, 0..4_u64, 0..4_u64), 0..3), forgotten in 0..4_u8, header in extra(), unknown in 0..3_u8) -> DayFile {
        let day = Day::parse(&format!("2026-02-0{}", date + 2)).expect("a day");
        let mut file = DayFile::new(machine_id(machine), day);
        records.into_iter().for_each(|record| file.records.add(record));
        for (kind, project, requests, output) in sums {
            let (key, sum) = sum(day, kind, project, requests, output);
            file.add_sum(key, sum);
        }
        let gone = |by| Forgotten { id: RecordId::of("test", &[b"gone"]), by };
        file.forgotten.extend((forgotten < 2).then(|| gone((forgotten == 1).then(|| RecordId::of("test", &[b"stone"])))));
        if forgotten == 2 {
            file.keep(RecordId::of("test", &[b"gone"]));
        }
        file.extra = header;
        if unknown > 0 {
            file.unknown.insert((None, format!("{{\"kind\":{unknown}}}")));
        }
        file
    }
}

/// Plan limits of so many series, windows and points of time at most, from so many statements.
fn limits_of(
    series: u8,
    windows: i64,
    times: i64,
    most: usize,
) -> impl Strategy<Value = PlanLimits> {
    let statement = (0..series, 0..windows, 0..times, 0..=10_000_u64);
    vec(statement, 0..most).prop_map(|all| {
        let mut limits = PlanLimits::default();
        for (series, window, time, used) in all {
            let series = Series::new(&format!("a{series}"), "five_hour").expect("a series");
            let ends = Timestamp::from_millis(window * 3_600_000 + time % 40 * 1000);
            let used = Used::new(used).expect("a share");
            let point = Point::new(window * 3600 + time * 420, used).expect("a point");
            limits.add(series, ends.expect("a time"), point);
        }
        limits
    })
}

/// Plan limits: few, or more series, windows or points than are kept.
pub fn limits() -> impl Strategy<Value = PlanLimits> {
    prop_oneof![
        limits_of(2, 3, 9, 6),
        limits_of(50, 2, 9, 80),
        limits_of(1, 120, 9, 150),
        limits_of(1, 2, 2000, 900),
    ]
}

prop_compose! {
    pub fn sync_file_of(machine: u8)(original in any::<bool>(), revision in 0..3_u64, minute in 0..2, host in 0..2_u8, sessions in vec((0..3_u8, 0..3_u64, any::<bool>()), 0..3), decision in 0..3_u64, more in extra(), limits in limits_of(2, 3, 9, 6)) -> SyncFile {
        let id = machine_id(machine);
        let summary = |n: u64| format!("{{\"total_requests\":{n},\"total_input_tokens\":0,\"total_output_tokens\":{n},\"total_cache_creation_tokens\":0,\"total_cache_read_tokens\":0,\"total_cost_usd\":{n}.5}}");
        let sessions: BTreeMap<String, String> = sessions.into_iter().map(|(at, n, held)| {
            let claim = if held { format!(",\"claimed\":{}", summary(n)) } else { String::new() };
            let records: Vec<_> = (0..n).map(|i| format!("{{\"timestamp\":\"2026-02-02T00:00:0{i}Z\",\"model\":\"m\",\"input_tokens\":{at},\"output_tokens\":1,\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"cost_usd\":0}}")).collect();
            (format!("s{at}"), format!("{{\"project_name\":\"p{n}\",\"usage_count\":{n},\"sync_state\":{{\"last_synced_index\":{n},\"checksum\":\"\"}},\"usage_records\":[{}],\"summary\":{}{claim}}}", records.join(","), summary(n)))
        }).collect();
        let body: Vec<_> = sessions.iter().map(|(id, text)| format!("\"{id}\":{text}")).collect();
        let (version, revision) = if original { ("1.0", 0) } else { ("1.1", revision) };
        let text = format!("{{\"version\":\"{version}\",\"machine\":{{\"uuid\":\"{id}\",\"hostname\":\"h{host}\",\"platform\":\"linux\",\"created_at\":\"2026-01-0{}T00:00:00Z\",\"updated_at\":\"2026-02-02T00:0{minute}:00Z\",\"revision\":{revision}}},\"sync_metadata\":{{\"sync_mode\":\"full\"}},\"usage_summary\":{},\"sessions\":{{{}}}}}", host + 1, summary(revision), body.join(","));
        let mut file = SyncFile::read(&id, text.as_bytes(), &mut Interner::default()).expect("reads");
        if decision > 0 {
            file.add_decision(("kind".to_owned(), "subject".to_owned(), decision % 2), Decision(Extra::from([("say".to_owned(), decision.into())])));
        }
        file.extra = more;
        file.limits = limits;
        file
    }
}

pub fn machine_id(at: u8) -> MachineId {
    MachineId::canonical(&format!("{at:0>8}-0000-4000-8000-000000000000")).expect("an id")
}

pub fn day_file() -> impl Strategy<Value = DayFile> {
    day_file_of(0, 0)
}

pub fn sync_file() -> impl Strategy<Value = SyncFile> {
    sync_file_of(0)
}

/// A day file somewhere in a tree of two machines, two days and two parts. `named`: all records have ids.
fn placed(named: bool) -> impl Strategy<Value = (String, Vec<u8>)> {
    (0..2_u8, 0..2_u8, 1..3_u32).prop_flat_map(move |(machine, date, part)| {
        day_file_of(machine, date).prop_map(move |mut file| {
            if named {
                file.records = std::mem::take(&mut file.records)
                    .iter()
                    .filter(|record| !record.derived)
                    .collect();
                file.records = std::mem::take(&mut file.records)
                    .iter()
                    .filter(|record| record.twins.is_empty())
                    .collect();
                file.sums
                    .retain(|key, _| key.source == Source::Claim && date == 1);
            }
            (
                layout::day_path(&file.machine, file.day, part),
                file.write().0.into_bytes(),
            )
        })
    })
}

fn page(named: bool) -> impl Strategy<Value = (String, Vec<u8>)> {
    (0..2_u8).prop_flat_map(move |machine| {
        (sync_file_of(machine), vec(record(), 0..3)).prop_map(move |(mut page, records)| {
            if named {
                // Copies of what day files hold, some of them with something more to say.
                for (id, session) in &mut page.sessions {
                    let here = records
                        .iter()
                        .filter(|record| !record.derived && record.origin.level == Level::Full);
                    session.records = here
                        .map(|r| Record {
                            origin: Origin {
                                session: id.clone(),
                                ..r.origin.clone()
                            },
                            ..r.clone()
                        })
                        .collect();
                }
            }
            (
                layout::machine_path(&page.machine.uuid),
                page.write().into_bytes(),
            )
        })
    })
}

/// Everything below `sync` in some clone, the manifest apart.
pub fn tree() -> impl Strategy<Value = Tree> {
    any::<bool>().prop_flat_map(|named| {
        (vec(placed(named), 0..4), vec(page(named), 0..3))
            .prop_map(|(days, pages)| days.into_iter().chain(pages).collect())
    })
}
