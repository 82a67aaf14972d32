//! The laws of the joins: idempotent, commuting, associative, and nothing ever falls.

use std::collections::{BTreeMap, BTreeSet};

use claude_sync::base::ids::{Interner, MachineId, SessionId};
use claude_sync::base::join::Join;
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::cache::overview;
use claude_sync::fleet::Fleet;
use claude_sync::fleet::manifest;
use claude_sync::fleet::read::{self, MachineData};
use claude_sync::fleet::rules::Rules;
use claude_sync::format::dayfile::DayFile;
use claude_sync::format::manifest::BASIS;
use claude_sync::format::syncfile::SyncFile;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::merge::{push_check, trees};
use claude_sync::record::{Level, Origin, Record, RecordSet, Totals};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::laws::digests::Remembers;
use crate::laws::made::{self, day_file, name, record, sync_file, tree};
use crate::laws::scale::tries;
use crate::laws::trees::{Tree, join_trees};

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
    files
        .iter()
        .flat_map(|file| file.records.iter())
        .for_each(|record| data.records.add(record.clone()));
    Fleet::count(vec![data]).totals()
}

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: tries(300, 10_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn records(a in record(), b in record(), c in record()) {
        let a = Record { derived: false, ..a };
        let same = |r: Record| Record { id: a.id, derived: false, ..r };
        let (b, c) = (same(b), same(c));
        laws(&a, &b, &c, |r| r.line(r.day(), Some(&r.origin.project)));
        let joined = a.clone().join(b.clone());
        prop_assert!(joined.covers(&a) && joined.covers(&b), "what is joined covers both sides");
        let (was, is) = (a.body.counters.output, joined.body.counters.output);
        match (&a.ledger, &b.ledger) {
            (None, None) => prop_assert!(is >= was, "output never falls"),
            (Some(_), _) => prop_assert!(is <= was, "what stands in no request never grows"),
            (None, Some(_)) => prop_assert_eq!(is, b.body.counters.output),
        }
    }

    /// Packing loses nothing: records are what joining their copies makes, in whatever order and pieces they came together.
    #[test]
    fn record_sets(all in vec(record(), 0..40), cut in 0_usize..40) {
        let mut plain: BTreeMap<_, Record> = BTreeMap::new();
        for record in &all {
            let joined = plain.remove(&record.id).map_or(record.clone(), |known| known.join(record.clone()));
            plain.insert(record.id, joined);
        }
        let mut sorted: Vec<Record> = plain.values().cloned().collect();
        sorted.sort_by_key(|record| (record.origin.timestamp, record.id));
        let (left, right) = all.split_at(cut.min(all.len()));
        let set = |records: &[Record]| records.iter().cloned().collect::<RecordSet>();
        for set in [set(&all), set(left).join(set(right)), set(right).join(set(left))] {
            prop_assert_eq!(set.len(), plain.len());
            prop_assert_eq!(set.sorted().collect::<Vec<_>>(), sorted.clone());
            for entry in set.entries() {
                let record = &plain[&entry.id];
                prop_assert_eq!((entry.at, entry.derived, entry.totals()), (record.origin.timestamp, record.derived, Totals::of(record)));
            }
        }
    }

    #[test]
    fn day_files(a in day_file(), b in day_file(), c in day_file()) {
        laws(&a, &b, &c, |file| file.write().0);
        let joined = a.clone().join(b.clone());
        for record in a.records.iter().chain(b.records.iter()) {
            prop_assert!(joined.records.get(record.id).is_some_and(|r| r.covers(&record)), "nothing is lost or lowered");
        }
    }

    #[test]
    fn plan_limits(a in made::limits(), b in made::limits(), c in made::limits()) {
        laws(&a, &b, &c, |limits| format!("{limits:?}"));
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
    fn a_push_of_joined_files_loses_nothing(a in day_file(), b in day_file(), bound in 1_u8..10, hours in 0_i64..30) {
        let mut rules = Rules::default();
        let bound = Day::parse(&format!("2026-02-0{bound}")).expect("a day");
        rules.prune(&a.machine, bound);
        let mut b = DayFile { machine: a.machine.clone(), day: a.day, ..b };
        // The remote has some of the records with an earlier time, perhaps of the day before.
        for record in a.records.iter().filter(|record| record.origin.level == Level::Full) {
            let millis = record.origin.timestamp.millis() - hours * 3_600_000;
            let timestamp = Timestamp::from_millis(millis).expect("a time");
            let origin = Origin { timestamp, ..record.origin.clone() };
            b.records.add(Record { origin, ..record.clone() });
        }
        let under = |mut file: DayFile| {
            let _ = rules.apply_day(&mut file);
            file
        };
        // This machine has applied the rules already, the remote has not.
        for remote in [b.clone(), under(b)] {
            let joined = under(under(a.clone()).join(remote.clone()));
            prop_assert_eq!(push_check::lost(&remote, &rules, &joined), 0);
            prop_assert_eq!(push_check::lost(&a, &rules, &joined), 0);
        }
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

    #[test]
    fn trees(a in tree(), b in tree(), c in tree()) {
        let join = |x: &Tree, y: &Tree| join_trees(x, y).expect("joins");
        prop_assert_eq!(join(&a, &a), a.clone(), "idempotent");
        prop_assert_eq!(join(&a, &b), join(&b, &a), "commutes");
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)), "associates");
        prop_assert_eq!(join(&join(&a, &b), &b), join(&a, &b), "absorbs");
        // Monotone: whoever has a and b has every record of a at least as large, every claim and decision. Views on pages hold copies
        // of what day files hold, and are their owners' to refresh.
        let joined = join(&a, &b);
        prop_assert!(a.keys().all(|path| joined.contains_key(path)));
        let all = read::read(&joined);
        let days: Tree = a.iter().filter(|(path, _)| path.starts_with("sync/archive")).map(|(p, b)| (p.clone(), b.clone())).collect();
        for before in read::read(&days) {
            let after = all.iter().find(|data| data.id == before.id).expect("a machine stays");
            prop_assert!(before.records.iter().all(|r| after.records.get(r.id).is_some_and(|now| now.covers(&r))));
            for (key, sum) in &before.sums {
                let now = after.sums.get(key).expect("a sum stays").totals;
                prop_assert_eq!(now.join(sum.totals), now, "figures of summary lines never fall");
            }
        }
        for before in read::read(&a) {
            let (Some(page), after) = (before.machine_file(), all.iter().find(|data| data.id == before.id)) else { continue };
            let now = after.and_then(|data| data.machine_file()).expect("a page stays");
            prop_assert!(page.decisions.keys().all(|key| now.decisions.contains_key(key)));
            for (id, session) in page.sessions.iter().filter(|(_, session)| session.claimed.is_some()) {
                let kept = &now.sessions[id];
                prop_assert!(session.records.iter().all(|r| kept.records.get(r.id).is_some_and(|now| now.covers(&r))));
            }
        }
    }

    // The same join over git's trees, which opens only what differs, and the manifest as a function of the result alone.
    #[test]
    #[ignore = "slow: run with --include-ignored"]
    fn trees_in_a_repository(a in tree(), b in tree()) {
        thread_local!(static PLACE: (tempfile::TempDir, Repo) = {
            let folder = tempfile::tempdir().expect("a folder");
            let repo = Repo::create(folder.path(), "main").expect("a repository");
            repo.write_in_memory().expect("in memory");
            (folder, repo)
        });
        PLACE.with(|(_, repo)| {
            let write = |tree: &Tree| {
                let files = tree.iter().map(|(path, bytes)| (path.clone(), Entry { mode: FILE, oid: repo.write_blob(bytes).expect("stored") }));
                repo.replace(None, &files.collect()).expect("a tree")
            };
            let (x, y) = (write(&a), write(&b));
            let joined = trees::join_roots(repo, None, Some(x), Some(y)).expect("joins").expect("a tree");
            prop_assert_eq!(joined, write(&join_trees(&a, &b).expect("joins")));
            prop_assert_eq!(trees::join_roots(repo, None, Some(y), Some(x)).expect("joins"), Some(joined));
            // Digests change nothing but the time it takes: with none, with those of another tree, and with all.
            let cache = Remembers::default();
            for root in [x, joined, joined, y, x] {
                let trees = read::inputs(repo, Some(root)).expect("reads");
                let whole = manifest::compute(&Fleet::count(read::load(repo, trees).expect("reads")), trees, BASIS);
                let quick = overview::manifest(repo, trees, BASIS, &cache).expect("reads");
                prop_assert_eq!(quick.write(), whole.write());
            }
            Ok(())
        })?;
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
        let all: RecordSet = spread.iter().map(|(record, _)| record.clone()).collect();
        // A record without an id is hidden by its twin with one.
        let own = || machines.iter().flat_map(|m| m.records.iter()).filter(|r| !r.derived);
        let twins: BTreeSet<_> = own().filter(|r| r.origin.level == Level::Full).map(|r| r.twin()).collect();
        let twins: BTreeSet<_> = twins.into_iter().chain(machines.iter().flat_map(|m| m.records.noted_twins().collect::<Vec<_>>())).collect();
        let all: Vec<_> = all.iter().filter(|r| !(r.derived && twins.contains(&r.id))).collect();
        let mut bare = Totals::default();
        let fleet = Fleet::count_rows(machines, &mut |row| if row.session.is_none() { bare = bare.plus(row.totals) });
        prop_assert_eq!(fleet.totals(), all.iter().collect::<Totals>());
        prop_assert_eq!(fleet.machines.iter().map(|m| m.totals).sum::<Totals>(), fleet.totals());
        prop_assert_eq!(fleet.sessions.values().map(|s| s.totals).sum::<Totals>().plus(bare), fleet.totals());
    }
}

// The rule: a session counts max(claimed, sum of its own records). Adding them, or letting records hide a claim, were both wrong.
#[test]
fn a_claim_counts_only_for_what_records_do_not_show() {
    let text = include_str!("../../fixtures/spec-1.0/machine-sync.json");
    let id = MachineId::canonical("a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b").expect("an id");
    let page = SyncFile::read(&id, text.as_bytes(), &mut Interner::default()).expect("reads");
    let mut data = MachineData::new(id);
    page.sessions
        .values()
        .flat_map(|s| s.records.iter())
        .for_each(|r| data.records.add(r.clone()));
    data.machine_file = Some(Ok(page));
    let fleet = Fleet::count(vec![data]);
    let of = |name: &str| {
        fleet
            .sessions
            .iter()
            .find(|(id, _)| id.as_str() == name)
            .map(|(_, view)| view.totals.requests)
    };
    assert_eq!(
        (
            of("conversation_abc123"),
            of("conversation_def456"),
            fleet.totals().requests
        ),
        (Some(45), Some(62), 127)
    );
    assert_eq!(fleet.totals().counters.input, 1_250_000);
}

#[test]
fn a_record_without_an_id_is_hidden_by_its_twin_with_one() {
    let machine = |at: u8, derived: bool| {
        let mut data = MachineData::new(
            MachineId::canonical(&format!("{at:0>8}-0000-4000-8000-000000000000")).expect("an id"),
        );
        let id = if derived {
            ""
        } else {
            "\"id\":\"00000000000000aa\","
        };
        let text = format!(
            "{{{id}\"timestamp\":\"2026-02-02T00:00:00Z\",\"model\":\"m\",\"input_tokens\":7,\"output_tokens\":1,\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"cost_usd\":0}}"
        );
        let session = SessionId::new(name("s"));
        data.records.add(
            claude_sync::format::line::read_record(&text, &session, "p", &mut Interner::default())
                .expect("reads"),
        );
        data
    };
    assert_eq!(
        Fleet::count(vec![machine(1, true), machine(2, false)])
            .totals()
            .requests,
        1
    );
    assert_eq!(
        Fleet::count(vec![machine(1, true), machine(2, true)])
            .totals()
            .requests,
        1
    );
}
