//! How much of a tree is read in sum: a small push must not cost much time on every machine.
//!
//! A file has a limit of its own ([`crate::format`]); these hold for all files together. Pure: of
//! equal trees every machine leaves out the same. The machine with the most data gives way first,
//! so that the figures of the others stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ids::MachineId;

/// The bytes of one machine's month, in all its files. One million requests take about 300 MB.
pub(crate) const MONTH_BYTES: u64 = 256 << 20;

/// The files of one machine's month.
pub(crate) const MONTH_FILES: u64 = 4_000;

/// The bytes of all machine files and months.
pub(crate) const FLEET_BYTES: u64 = 4 << 30;

/// The largest number of machines that are read.
pub(crate) const MACHINES: usize = 2_000;

/// What reading a portion costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Weight {
    /// Bytes of files that are read at all.
    pub(crate) bytes: u64,
    /// Their number.
    pub(crate) files: u64,
}

/// What is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LeftOut {
    /// Portions, by machine and path.
    pub(crate) portions: Vec<(MachineId, String)>,
    /// How many machines are left out altogether.
    pub(crate) machines: u64,
}

/// Splits portions into those that are read and those that are left out. Those of the machine `own`
/// are read in any case.
pub(crate) fn split<P: Part>(
    all: Vec<(P, Weight)>,
    own: Option<&MachineId>,
) -> (Vec<(P, Weight)>, LeftOut) {
    let mut left = LeftOut::default();
    let fits = |portion: &P, weight: &Weight| {
        portion.is_machine_file() || (weight.bytes <= MONTH_BYTES && weight.files <= MONTH_FILES)
    };
    let (mut kept, large): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(portion, weight)| own == Some(portion.machine()) || fits(portion, weight));
    left.portions
        .extend(large.iter().map(|(portion, _)| name_of(portion)));
    // The smallest machines go where there are too many: they are the cheapest to make up.
    let mut sizes = sizes(&kept);
    let many = sizes.len().saturating_sub(MACHINES);
    let gone: BTreeSet<MachineId> = sizes
        .drain(..many)
        .map(|(_, machine)| machine)
        .filter(|machine| own != Some(machine))
        .collect();
    left.machines = gone.len() as u64;
    kept.retain(|(portion, _)| !gone.contains(portion.machine()));
    if let Some(share) = share(sizes.iter().map(|(bytes, _)| *bytes), FLEET_BYTES) {
        let cut = beyond(&kept, share, own);
        kept.retain(|(portion, _)| !cut.contains(&name_of(portion)));
        left.portions.extend(cut);
    }
    (kept, left)
}

/// A machine file, or one machine's month.
pub(crate) trait Part {
    /// Whose it is.
    fn machine(&self) -> &MachineId;
    /// Its path in the repository.
    fn path(&self) -> &str;
    /// It is a machine file.
    fn is_machine_file(&self) -> bool;
}

/// A portion's machine and path.
fn name_of<P: Part>(portion: &P) -> (MachineId, String) {
    (portion.machine().clone(), portion.path().to_owned())
}

/// The bytes of each machine, ascending.
fn sizes<P: Part>(portions: &[(P, Weight)]) -> Vec<(u64, MachineId)> {
    let mut sums: BTreeMap<&MachineId, u64> = BTreeMap::new();
    for (portion, weight) in portions {
        let sum = sums.entry(portion.machine()).or_default();
        *sum = sum.saturating_add(weight.bytes);
    }
    let mut out: Vec<(u64, MachineId)> = sums
        .into_iter()
        .map(|(machine, bytes)| (bytes, machine.clone()))
        .collect();
    out.sort_unstable();
    out
}

/// What machines have beyond their share, in bytes: their earliest months, so that the latest stay.
fn beyond<P: Part>(
    portions: &[(P, Weight)],
    share: u64,
    own: Option<&MachineId>,
) -> BTreeSet<(MachineId, String)> {
    let mut used: BTreeMap<&MachineId, u64> = BTreeMap::new();
    let mut out = BTreeSet::new();
    for (portion, weight) in portions.iter().rev() {
        let used = used.entry(portion.machine()).or_default();
        *used = used.saturating_add(weight.bytes);
        // Decisions stand in machine files.
        if *used > share && !portion.is_machine_file() && own != Some(portion.machine()) {
            out.insert(name_of(portion));
        }
    }
    out
}

/// What each machine may have at most where all together have more than `all`; none where they have
/// not. `sums` are sorted.
fn share(sums: impl ExactSizeIterator<Item = u64> + Clone, all: u64) -> Option<u64> {
    if sums.clone().fold(0, u64::saturating_add) <= all {
        return None;
    }
    let (mut rest, mut machines) = (all, sums.len() as u64);
    for sum in sums {
        let even = rest / machines.max(1);
        if sum > even {
            return Some(even);
        }
        rest = rest.saturating_sub(sum);
        machines = machines.saturating_sub(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    type Month = (MachineId, String);

    impl Part for Month {
        fn machine(&self) -> &MachineId {
            &self.0
        }

        fn path(&self) -> &str {
            &self.1
        }

        fn is_machine_file(&self) -> bool {
            false
        }
    }

    fn portion(machine: u32, month: u32, weight: Weight) -> (Month, Weight) {
        let machine = MachineId::canonical(&format!("{machine:08x}-0000-4000-8000-000000000000"))
            .expect("an id");
        let path = format!("sync/archive/2026/{month:02}/{machine}");
        ((machine, path), weight)
    }

    fn megabytes(count: u64) -> Weight {
        Weight {
            bytes: count << 20,
            files: 31,
        }
    }

    #[test]
    fn the_machine_with_the_most_data_gives_way() {
        let small: Vec<_> = (1..=12)
            .map(|month| portion(2, month, megabytes(30)))
            .collect();
        let large: Vec<_> = (0..100)
            .map(|month| portion(1, month, megabytes(200)))
            .collect();
        let (kept, left) = split([large.clone(), small.clone()].concat(), None);
        assert!(
            small.iter().all(|one| kept.contains(one)),
            "the small machine keeps all"
        );
        let bytes: u64 = kept.iter().map(|(_, weight)| weight.bytes).sum();
        assert!(
            bytes <= FLEET_BYTES && bytes > FLEET_BYTES - (200 << 20),
            "{bytes}"
        );
        assert_eq!(left.portions.len() + kept.len(), 112);
        assert!(
            kept.contains(&large[99]) && !kept.contains(&large[0]),
            "the latest months stay"
        );
        let (kept, left) = split(small.clone(), None);
        assert_eq!((kept, left), (small, LeftOut::default()));
    }

    #[test]
    fn a_month_has_a_limit_but_for_its_own_machine() {
        for weight in [
            megabytes(257),
            Weight {
                bytes: 1,
                files: 4_001,
            },
        ] {
            let one = portion(1, 1, weight);
            assert_eq!(split(vec![one.clone()], None).1.portions.len(), 1);
            assert_eq!(
                split(vec![one.clone()], Some(&one.0.0)).1,
                LeftOut::default()
            );
        }
    }

    #[test]
    fn of_too_many_machines_the_smallest_go() {
        let all: Vec<_> = (0..2_010)
            .map(|machine| portion(machine, 1, megabytes(u64::from(machine > 9))))
            .collect();
        let (kept, left) = split(all, None);
        assert_eq!((kept.len(), left.machines), (2_000, 10));
        assert!(kept.iter().all(|(_, weight)| weight.bytes > 0));
    }
}
