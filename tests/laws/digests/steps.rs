//! Steps that change a tree of files.

use claude_sync::base::ids::{Interner, SessionId};
use claude_sync::base::json::Extra;
use claude_sync::base::money::{Cost, Money};
use claude_sync::base::time::{Day, Timestamp};
use claude_sync::format::dayfile::{DayFile, Forgotten};
use claude_sync::record::{Counters, Level, Record, Source, Sum, SumKey, Totals};
use claude_sync::store::layout;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::laws::made::{machine_id, name, record, sync_file_of};
use crate::laws::trees::Tree;

/// A place in a fleet of three machines, three months, two days and two parts.
type Place = (u8, u8, u8, u32);

/// A line of imported totals: source and zone, day, model, figures.
type Told = (u8, u8, u8, [u64; 4]);

/// What happens to a tree.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A file gains records, by number; `grown` ones have more output.
    Add(Place, Vec<(u8, bool)>),
    /// A file has these records and no others, as after a revert by hand.
    Set(Place, Vec<(u8, bool)>),
    /// A file gains records that meet others in every way.
    Odd(Place, Vec<Record>),
    /// A page is written, with copies of records.
    Page(u8, Vec<(u8, bool)>),
    /// A page of any kind is written.
    OddPage(String),
    /// A file gains lines of imported totals: which source and zone, day, model and figures.
    Import(Place, Vec<Told>),
    /// A file's records were pruned.
    Shorten(Place, bool),
    /// A file gains ids of forgotten records.
    Forget(Place, Vec<u8>),
    /// A file is gone.
    Drop(usize),
    /// An earlier state is back.
    Back(usize),
}

fn place() -> impl Strategy<Value = Place> {
    (0..3_u8, 0..3_u8, 0..2_u8, 1..3_u32)
}

/// Lines of imported totals; some tell what one record says, as if another machine had counted it.
fn lines() -> impl Strategy<Value = Vec<Told>> {
    let any = (
        0..7_u8,
        0..10_u8,
        0..5_u8,
        [0..9_u64, 0..90_u64, 0..2_u64, 0..2_u64],
    );
    let same = (0..3_u8, 0..7_u8, 0..120_u8)
        .prop_map(|(source, day, number)| (source, day, number % 3, [1, u64::from(number), 0, 0]));
    vec(prop_oneof![any, same], 1..5)
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let numbers = || vec((0..120_u8, prop::bool::weighted(0.1)), 1..5);
    prop_oneof![
        20 => (place(), numbers()).prop_map(|(place, numbers)| Step::Add(place, numbers)),
        3 => (place(), numbers()).prop_map(|(place, numbers)| Step::Set(place, numbers)),
        1 => (place(), vec(record(), 1..3)).prop_map(|(place, records)| Step::Odd(place, records)),
        8 => (0..3_u8, numbers()).prop_map(|(machine, numbers)| Step::Page(machine, numbers)),
        1 => sync_file_of(1).prop_map(|page| Step::OddPage(page.write())),
        6 => (place(), lines()).prop_map(|(place, lines)| Step::Import(place, lines)),
        1 => (place(), any::<bool>()).prop_map(|(place, bare)| Step::Shorten(place, bare)),
        1 => (place(), vec(0..120_u8, 1..3)).prop_map(|(place, numbers)| Step::Forget(place, numbers)),
        2 => (0..9_usize).prop_map(Step::Drop),
        2 => (0..9_usize).prop_map(Step::Back),
    ]
}

/// A record that says the same wherever it stands; each number is of one machine, so that most are in one place.
pub(super) fn numbered((number, grown): (u8, bool), date: Day) -> Record {
    let text = format!(
        "{{\"id\":\"{:016x}\",\"timestamp\":\"{date}T00:{:02}:00Z\",\"model\":\"claude-opus-4-{}\",\"input_tokens\":{number},\"output_tokens\":{},\"cache_creation_tokens\":0,\"cache_read_tokens\":0,\"cost_usd\":0}}",
        u64::from(number) << 32 | u64::from(number % 100),
        number % 60,
        5 + number % 3,
        if grown { 9 } else { 1 },
    );
    let session = SessionId::new(name(&format!("s{}", number % 7)));
    claude_sync::format::line::read_record(
        &text,
        &session,
        &format!("p{}", number % 3),
        &mut Interner::default(),
    )
    .expect("reads")
}

/// A record as it stands in a machine file, where its session is around it.
fn in_page(record: &Record) -> String {
    let line = record.line(record.day(), None);
    let session = format!(",\"session\":\"{}\"", record.origin.session);
    line.replace(&session, "")
}

pub(super) fn date((_, month, day, _): Place) -> Day {
    Day::parse(&format!("2026-0{}-1{day}", month + 1)).expect("a day")
}

fn day_file(tree: &Tree, place: Place) -> (String, DayFile) {
    let (machine, day) = (machine_id(place.0), date(place));
    let path = layout::day_path(&machine, day, place.3);
    let known = tree.get(&path).map(|bytes| {
        DayFile::read(&machine, day, bytes, &mut Interner::default())
            .expect("reads")
            .0
    });
    (path, known.unwrap_or_else(|| DayFile::new(machine, day)))
}

/// A line of imported totals, about a day on which there are records, or one that other months' days are near to.
fn imported((source, day, model, [output, input, write, read]): Told, here: Day) -> (SumKey, Sum) {
    let day = match day {
        0 => here,
        // Also of another month than its file is of: what it depends on may be in any unit.
        1..7 => date((0, day % 3, day % 2, 1)),
        more => Day::parse(&format!("2026-02-0{}", more - 6)).expect("a day"),
    };
    // Hours that the day begins after that of UTC; a day that nobody knows the beginning of; and two states of the statistics.
    let (source, mark, from, to) = match source {
        0 => (Source::Ccusage, "+00:00".to_owned(), 0, 24),
        1 => (Source::Ccusage, "+01:00".to_owned(), -1, 23),
        2 => (Source::Ccusage, "-05:00".to_owned(), 5, 29),
        3 => (Source::Ccusage, "+14:00".to_owned(), -14, 10),
        4 => (Source::Ccusage, "odd".to_owned(), 9, 9),
        _ => (Source::StatsCache, format!("2026-03-0{source}"), 0, 24),
    };
    let model = [
        "claude-opus-4-5",
        "claude-opus-4-6",
        "claude-opus-4-7",
        "claude-opus-4-8",
        "unheard-of",
    ][usize::from(model)];
    let counters = Counters {
        input,
        output,
        cache_creation: write,
        cache_read: read,
        ..Counters::default()
    };
    let cost = Cost {
        known: model.starts_with("claude"),
        amount: Money::from_pico(u128::from(output) * 1_000_000_000),
    };
    let at = |hours: i64, less: i64| {
        Timestamp::from_millis(day.start().millis() + hours * 3_600_000 - less).expect("a time")
    };
    let totals = Totals {
        requests: 0,
        counters,
        cost,
    };
    let window = (from < to).then(|| (at(from, 0), at(to, 1)).into());
    let deducted = (output % 7 == 3).then_some(Totals {
        requests: 0,
        counters: Counters {
            output: output / 2,
            ..Counters::default()
        },
        cost: Cost::default(),
    });
    let sum = Sum {
        window,
        project: "p".to_owned(),
        totals,
        deducted,
        extra: Extra::new(),
    };
    (
        SumKey {
            source,
            day,
            mark: name(&mark),
            session: SessionId::new(name("")),
            model: name(model),
        },
        sum,
    )
}

pub(super) fn apply(tree: &mut Tree, step: &Step, before: &[Tree]) {
    match step {
        Step::Add(place, numbers) | Step::Set(place, numbers) => {
            let (path, mut file) = day_file(tree, *place);
            if matches!(step, Step::Set(..)) {
                file = DayFile::new(file.machine, file.day);
            }
            numbers
                .iter()
                .for_each(|number| file.records.add(numbered(*number, file.day)));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Odd(place, records) => {
            let (path, mut file) = day_file(tree, *place);
            records
                .iter()
                .for_each(|record| file.records.add(record.clone()));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Import(place, lines) => {
            let (path, mut file) = day_file(tree, *place);
            lines.iter().for_each(|line| {
                let (key, sum) = imported(*line, file.day);
                file.add_sum(key, sum);
            });
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Shorten(place, bare) => {
            let (path, mut file) = day_file(tree, *place);
            let level = if *bare { Level::Bare } else { Level::Daily };
            file.records = file
                .records
                .iter()
                .map(|record| record.pruned(level))
                .collect();
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Forget(place, numbers) => {
            let (path, mut file) = day_file(tree, *place);
            file.forgotten
                .extend(numbers.iter().map(|number| Forgotten {
                    id: numbered((*number, false), file.day).id,
                    by: None,
                }));
            tree.insert(path, file.write().0.into_bytes());
        }
        Step::Page(machine, numbers) => {
            let id = machine_id(*machine);
            let records: Vec<_> = numbers
                .iter()
                .map(|number| in_page(&numbered(*number, date((0, 0, 0, 1)))))
                .collect();
            let text = format!(
                "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{id}\",\"hostname\":\"h\",\"updated_at\":\"2026-04-01T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{\"s1\":{{\"project_name\":\"p1\",\"usage_records\":[{}]}}}}}}",
                records.join(",")
            );
            tree.insert(layout::machine_path(&id), text.into_bytes());
        }
        Step::OddPage(text) => drop(tree.insert(
            layout::machine_path(&machine_id(1)),
            text.clone().into_bytes(),
        )),
        Step::Drop(at) => {
            if let Some(path) = tree.keys().nth(at % tree.len().max(1)).cloned() {
                tree.remove(&path);
            }
        }
        Step::Back(at) => before
            .get(*at)
            .into_iter()
            .for_each(|earlier| tree.clone_from(earlier)),
    }
}
