//! The laws of the joins: idempotent, commuting, associative, and nothing ever falls.

use std::collections::BTreeMap;

use claude_sync::base::ids::{Interner, MachineId, RecordId, SessionId};
use claude_sync::base::join::Join;
use claude_sync::base::json::Extra;
use claude_sync::base::money::{Cost, Money};
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::format::dayfile::DayFile;
use claude_sync::format::line::{Summary, SummaryKey};
use claude_sync::format::syncfile::{Decision, SyncFile};
use claude_sync::merge::data::MachineData;
use claude_sync::merge::fleet::Fleet;
use claude_sync::records::{Body, Counters, Origin, Record, Totals};
use proptest::collection::vec;
use proptest::prelude::*;

fn name(text: &str) -> std::sync::Arc<str> {
    text.into()
}

fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![4 => Just(Extra::new()), 1 => (0..3_u8, 0..2_u8).prop_map(|(key, value)| Extra::from([(format!("x{key}"), value.into())]))]
}

prop_compose! {
    /// Records from a world so small that they often meet.
    fn record()(id in 0..4_u8, minute in 0..4_i64, session in 0..2_u8, project in 0..2_u8, output in 0..3_u64, input in 0..2_u64, flags in any::<[bool; 4]>(), index in 0..3_u64, cost in 0..2_u128, extra in extra()) -> Record {
        Record {
            id: RecordId::of("test", &[&[id]]),
            derived: false,
            origin: Origin {
                timestamp: Timestamp::from_millis(1_770_000_000_000 + minute * 60_000).expect("valid"),
                session: SessionId::new(name(&format!("s{session}"))),
                project: name(&format!("p{project}")),
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
                extra,
            },
        }
    }
}

prop_compose! {
    fn day_file()(records in vec(record(), 0..6), lines in vec((0..2_u8, 0..2_u8, 0..4_u64, 0..4_u64), 0..3), header in extra(), unknown in 0..3_u8) -> DayFile {
        let day = Day::parse("2026-02-02").expect("a day");
        let mut file = DayFile::new(MachineId::canonical("aaaaaaaa-0000-4000-8000-000000000000").expect("an id"), day);
        records.into_iter().for_each(|record| file.records.add(record));
        for (session, project, requests, output) in lines {
            let key = SummaryKey { session: SessionId::new(name(&format!("s{session}"))), day, model: name("m") };
            let totals = Totals { requests, counters: Counters { output, ..Counters::default() }, cost: Cost::default() };
            file.add_summary(key, Summary { project: format!("p{project}"), totals, first: day.start(), last: day.start(), extra: Extra::new() });
        }
        file.extra = header;
        if unknown > 0 {
            file.unknown.insert((None, format!("{{\"kind\":{unknown}}}")));
        }
        file
    }
}

prop_compose! {
    fn sync_file()(original in any::<bool>(), revision in 0..3_u64, minute in 0..2, host in 0..2_u8, sessions in vec((0..3_u8, 0..3_u64, any::<bool>()), 0..3), decision in 0..3_u64, more in extra()) -> SyncFile {
        let id = MachineId::canonical("aaaaaaaa-0000-4000-8000-000000000000").expect("an id");
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
        file
    }
}

/// Checks the laws for one kind of thing; `text` is its canonical form.
fn laws<T: Clone + Join>(a: &T, b: &T, c: &T, text: impl Fn(&T) -> String) {
    let j = |x: &T, y: &T| x.clone().join(y.clone());
    assert_eq!(text(&j(a, a)), text(a), "idempotent");
    assert_eq!(text(&j(a, b)), text(&j(b, a)), "commutes");
    assert_eq!(text(&j(&j(a, b), c)), text(&j(a, &j(b, c))), "associates");
    assert_eq!(text(&j(&j(a, b), b)), text(&j(a, b)), "absorbs");
}

/// The totals of one machine that has these files.
fn totals(files: &[DayFile]) -> Totals {
    let mut data = MachineData::new(files[0].machine.clone());
    files.iter().flat_map(|file| file.records.iter()).for_each(|record| data.records.add(record.clone()));
    Fleet::join(vec![data]).totals()
}

fn cases() -> ProptestConfig {
    // CI asks for more; a developer's run stays short.
    let cases = std::env::var("CLAUDE_SYNC_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn records(a in record(), b in record(), c in record()) {
        let same = |r: Record| Record { id: a.id, ..r };
        let (b, c) = (same(b), same(c));
        laws(&a, &b, &c, |r| r.line(Some(&r.origin.session), Some(&r.origin.project)));
        let joined = a.clone().join(b.clone());
        prop_assert!(joined.covers(&a) && joined.covers(&b), "what is joined covers both sides");
        let comparable = joined.body.sidechain == a.body.sidechain;
        prop_assert!(!comparable || joined.body.counters.output >= a.body.counters.output, "output never falls");
    }

    #[test]
    fn day_files(a in day_file(), b in day_file(), c in day_file()) {
        laws(&a, &b, &c, |file| file.write().0);
        let joined = a.clone().join(b.clone());
        for record in a.records.iter().chain(b.records.iter()) {
            prop_assert!(joined.records.get(record.id).is_some_and(|r| r.covers(record)), "nothing is lost or lowered");
        }
    }

    #[test]
    fn day_files_round_trip(file in day_file()) {
        let (text, _) = file.write();
        let (read, damage) = DayFile::read(&file.machine, file.day, text.as_bytes(), &mut Interner::default()).expect("reads");
        prop_assert_eq!(read.write().0, text);
        prop_assert_eq!(&read.records, &file.records);
        prop_assert_eq!(damage, claude_sync::format::dayfile::Damage::default());
    }

    #[test]
    fn sync_files(a in sync_file(), b in sync_file(), c in sync_file()) {
        laws(&a, &b, &c, SyncFile::write);
        let joined = a.clone().join(b.clone());
        for (id, session) in a.sessions.iter().chain(&b.sessions).filter(|(_, s)| s.claimed.is_some()) {
            let kept = joined.sessions.get(id).and_then(|s| s.claimed).expect("a claim is never dropped");
            prop_assert!(kept.requests >= session.claimed.expect("claimed").requests);
        }
        prop_assert_eq!(SyncFile::read(&joined.machine.uuid, joined.write().as_bytes(), &mut Interner::default()).expect("reads").write(), joined.write());
    }

    // The rule: a machine's data is the join by id of all its files, never their sum. Per-path merges put one record into two files.
    #[test]
    fn it_does_not_matter_how_records_are_spread_over_files(records in vec(record(), 1..8), cut in 0..8_usize) {
        let file = |records: &[Record]| {
            let day = Day::parse("2026-02-02").expect("a day");
            let mut file = DayFile::new(MachineId::canonical("aaaaaaaa-0000-4000-8000-000000000000").expect("an id"), day);
            records.iter().for_each(|record| file.records.add(record.clone()));
            file
        };
        let cut = cut.min(records.len());
        let whole = totals(&[file(&records)]);
        prop_assert_eq!(totals(&[file(&records[..cut]), file(&records[cut..])]), whole);
        prop_assert_eq!(totals(&[file(&records), file(&records[cut..])]), whole);
    }

    // Each request counts once over the fleet, and machines' figures add up to the total, whoever has copies of what.
    #[test]
    fn a_fleet_counts_each_request_once(spread in vec((record(), 1..8_u8), 1..10)) {
        let machines: Vec<MachineData> = (0..3_u8).map(|at| {
            let mut data = MachineData::new(MachineId::canonical(&format!("{at:0>8}-0000-4000-8000-000000000000")).expect("an id"));
            spread.iter().filter(|(_, on)| on >> at & 1 == 1).for_each(|(record, _)| data.records.add(record.clone()));
            data
        }).collect();
        let all: claude_sync::records::RecordSet = spread.iter().map(|(record, _)| record.clone()).collect();
        let fleet = Fleet::join(machines);
        prop_assert_eq!(fleet.totals(), all.iter().collect::<Totals>());
        prop_assert_eq!(fleet.machines.iter().map(|m| m.totals).sum::<Totals>(), fleet.totals());
        prop_assert_eq!(fleet.sessions.values().map(|s| s.totals).sum::<Totals>(), fleet.totals());
    }
}

// The rule: a session counts max(claimed, sum of its own records). Adding them, or letting records hide a claim, were both wrong.
#[test]
fn a_claim_counts_only_for_what_records_do_not_show() {
    let text = include_str!("../../fixtures/spec-1.0/machine-sync.json");
    let id = MachineId::canonical("a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b").expect("an id");
    let page = SyncFile::read(&id, text.as_bytes(), &mut Interner::default()).expect("reads");
    let mut data = MachineData::new(id);
    page.sessions.values().flat_map(|s| s.records.iter()).for_each(|r| data.records.add(r.clone()));
    data.page = Some(Ok(page));
    let fleet = Fleet::join(vec![data]);
    let of = |name: &str| fleet.sessions.iter().find(|(id, _)| id.as_str() == name).map(|(_, view)| view.totals.requests);
    assert_eq!((of("conversation_abc123"), of("conversation_def456"), fleet.totals().requests), (Some(45), Some(62), 127));
    assert_eq!(fleet.totals().counters.input, 1_250_000);
}

#[test]
fn a_record_without_an_id_is_hidden_by_its_twin_with_one() {
    let machine = |at: u8, derived: bool| {
        let mut data = MachineData::new(MachineId::canonical(&format!("{at:0>8}-0000-4000-8000-000000000000")).expect("an id"));
        let id = if derived { "" } else { "\"id\":\"00000000000000aa\"," };
        let text = format!(
            "{{{id}\"timestamp\":\"2026-02-02T00:00:00Z\",\"model\":\"m\",\"input_tokens\":7,\"output_tokens\":1,\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"cost_usd\":0}}"
        );
        let session = SessionId::new(name("s"));
        data.records.add(claude_sync::format::line::read_record(&text, &session, "p", &mut Interner::default()).expect("reads"));
        data
    };
    assert_eq!(Fleet::join(vec![machine(1, true), machine(2, false)]).totals().requests, 1);
    assert_eq!(Fleet::join(vec![machine(1, true), machine(2, true)]).totals().requests, 1);
}
