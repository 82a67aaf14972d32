//! Reports by group and by user, compared with plain sums.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Bounds, Breakdown, Choice, Fold, Report, ReportKind, Zone};
use crate::base::ids::MachineId;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, MachineView, Row, RowSource};
use crate::record::{Counters, Level, Totals};

const NAMES: [&str; 4] = ["", "backend", "frontend", "(no group)"];
const MACHINES: usize = 5;

/// Indices of the group and the user of each machine in [`NAMES`].
type TagIndices = Vec<(usize, usize)>;

fn fleet(tags: &TagIndices) -> Fleet {
    let machine = |(at, (group, user)): (usize, &(usize, usize))| MachineView {
        id: MachineId::canonical(&format!("{at:08}-0000-4000-8000-000000000000")).expect("an id"),
        label: "laptop".to_owned(),
        group: NAMES[*group].to_owned(),
        user: NAMES[*user].to_owned(),
        retired: false,
        merged_into: None,
        machine_file: None,
        adopted: None,
        error: None,
        totals: Totals::default(),
        last_usage: None,
    };
    let mut fleet = Fleet::default();
    fleet.machines = tags.iter().enumerate().map(machine).collect();
    fleet
}

fn row((machine, day, tokens): (usize, i64, u64)) -> Row<'static> {
    Row {
        id: None,
        machine,
        session: None,
        project: ["shop", "garden"][machine % 2],
        model: "claude-opus-4-8",
        at: Timestamp::from_millis(day * 24 * 60 * 60 * 1000).expect("a time"),
        totals: Totals {
            requests: 1,
            counters: Counters {
                output: tokens,
                ..Counters::default()
            },
            cost: Cost::known(Money::from_pico(u128::from(tokens) * 25_000_000)),
        },
        recorded: None,
        source: RowSource::Record(Level::Full),
        provisional: false,
        sidechain: false,
        fast: false,
        client: None,
    }
}

/// The report of rows on machines that `selected` names, or on all.
fn report(
    fleet: &Fleet,
    rows: &[Row<'_>],
    selected: Option<&[MachineId]>,
    (kind, split): (ReportKind, Option<Breakdown>),
) -> Report {
    let zone = Zone::parse("UTC").expect("a zone");
    let mut fold = Fold::new(kind, Bounds::default(), zone).with(Choice {
        split,
        some_machines: selected.is_some(),
        ..Choice::default()
    });
    rows.iter().for_each(|row| fold.add(row));
    fold.finish(fleet, selected.unwrap_or_default())
}

proptest! {
    #[test]
    fn parts_and_groups_are_sums_of_rows(
        tags in vec((0..NAMES.len(), 0..NAMES.len()), MACHINES),
        rows in vec((0..MACHINES, 0..4_i64, 0..1000_u64), 0..40),
        selected in prop::option::of(vec(0..MACHINES, 1..3)),
    ) {
        let fleet = fleet(&tags);
        let rows: Vec<_> = rows.into_iter().map(row).collect();
        let wanted = |at: usize| selected.as_ref().is_none_or(|all| all.contains(&at));
        let ids: Option<Vec<MachineId>> = selected
            .as_ref()
            .map(|all| all.iter().map(|at| fleet.machines[*at].id.clone()).collect());
        for (kind, split) in [
            (ReportKind::Groups, Breakdown::Group),
            (ReportKind::Users, Breakdown::User),
        ] {
            let tag = kind.tag().expect("a tag");
            let mut sums: BTreeMap<String, Totals> = BTreeMap::new();
            for row in rows.iter().filter(|row| wanted(row.machine)) {
                let sum = sums.entry(fleet.machines[row.machine].tag(tag).to_owned()).or_default();
                *sum = sum.plus(row.totals);
            }
            let by_tag = report(&fleet, &rows, ids.as_deref(), (kind, Some(Breakdown::Machine)));
            let groups: BTreeMap<_, _> =
                by_tag.groups.iter().map(|group| (group.key.clone(), group.totals)).collect();
            prop_assert_eq!(&groups, &sums);
            prop_assert_eq!(groups.len(), by_tag.groups.len());
            prop_assert_eq!(by_tag.totals, sums.values().copied().sum());
            for other in [ReportKind::Daily, ReportKind::Projects, kind] {
                let split = report(&fleet, &rows, ids.as_deref(), (other, Some(split)));
                let mut parts: BTreeMap<String, Totals> = BTreeMap::new();
                for group in &split.groups {
                    let all = group.parts.iter().map(|(_, totals)| *totals);
                    prop_assert_eq!(all.sum::<Totals>(), group.totals);
                    for (name, totals) in &group.parts {
                        let sum = parts.entry(name.clone()).or_default();
                        *sum = sum.plus(*totals);
                    }
                }
                prop_assert_eq!(&parts, &sums);
            }
        }
    }
}
