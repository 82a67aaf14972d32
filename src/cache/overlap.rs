//! Which portions must be read whole.
//!
//! Most are independent: no record of one is in another, and their totals add up. Those that share
//! a record, or whose figures depend on others' (sums, records without an id of their own),
//! *overlap*.
//!
//! Portions that were compared with each other before, as the cache states, are not compared again:
//! of a long history only what is new is compared with the rest, and of a month that has more
//! records than before, only those.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::digest::Ids;
use super::fingerprints::Sought;
use super::memo::Cache;
use super::months::{Digested, Gone, file};
use crate::base::id_set::{Bits, low_bits};
use crate::base::ids::Interner;
use crate::base::window::Span;
use crate::fleet::DataError;
use crate::git::repo::Repo;

/// Of a pruned record only the day is known, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// For each portion whether it must be read whole.
pub(crate) fn overlapping(
    repo: &Repo,
    portions: &[Digested],
    gone: &Gone,
    cache: &dyn Cache,
) -> Result<Vec<bool>, DataError> {
    if portions.iter().any(|one| one.digest.derived) {
        // A record without an id of its own is hidden by any record that states the same, in any
        // portion.
        return Ok(vec![true; portions.len()]);
    }
    let shares = compare(repo, portions, gone, cache)?;
    let sums: Vec<Span> = portions.iter().filter_map(|one| one.digest.sums).collect();
    let compared = |one: &Digested| {
        one.digest.span().is_some_and(|window| {
            // Of a record that was pruned only the day is known.
            let (first, last) = (
                window.first.millis(),
                window.last.millis().saturating_add(DAY),
            );
            sums.iter().any(|sum| first < sum.to && sum.from <= last)
        })
    };
    // The claims of a machine file are in its digest.
    let has_sums = |one: &Digested| one.digest.sums.is_some() && !one.portion.is_machine_file;
    let whole = |one: &Digested| one.digest.whole || has_sums(one) || compared(one);
    Ok(portions
        .iter()
        .zip(shares)
        .map(|(one, shares)| shares || whole(one))
        .collect())
}

/// Which portions are new, or must be compared again.
fn to_compare(portions: &[Digested], gone: &Gone) -> Vec<bool> {
    // A machine file repeats records of its machine's day files. Where any of them changed, it is
    // compared again.
    let changed = portions.iter().filter(|one| !one.compared);
    let changed = changed.map(|one| one.portion.path.as_str());
    let lost = gone.0.iter().map(String::as_str);
    let moved: BTreeSet<&str> = changed.chain(lost).filter_map(machine_of).collect();
    let is_new = |one: &Digested| {
        let repeats = one.portion.is_machine_file && moved.contains(one.portion.machine.as_str());
        !one.compared || repeats
    };
    portions.iter().map(is_new).collect()
}

/// Which portions share a record with another.
fn compare(
    repo: &Repo,
    portions: &[Digested],
    gone: &Gone,
    cache: &dyn Cache,
) -> Result<Vec<bool>, DataError> {
    let mut new = to_compare(portions, gone);
    let mut out = vec![false; portions.len()];
    while new.contains(&true) {
        let suspected = suspected(repo, portions, &new, cache)?;
        out = sharing(portions, &ids(repo, portions, &suspected, cache)?);
        // A machine file that is read whole is read with all that it repeats.
        let more: Vec<usize> = (0..portions.len())
            .filter(|at| out[*at] && portions[*at].portion.is_machine_file && !new[*at])
            .collect();
        if more.is_empty() {
            break;
        }
        more.into_iter().for_each(|at| new[at] = true);
    }
    keep_compared(portions, &out, gone, cache);
    Ok(out)
}

/// Notes in the cache which portions were compared and share nothing.
fn keep_compared(portions: &[Digested], shares: &[bool], gone: &Gone, cache: &dyn Cache) {
    let mut independent: Vec<&str> = Vec::new();
    let mut overlapping: Vec<&str> = Vec::new();
    for (one, shares) in portions.iter().zip(shares) {
        match (shares, one.compared) {
            (false, false) => independent.push(&one.portion.path),
            (true, true) => overlapping.push(&one.portion.path),
            _ => {}
        }
    }
    // A portion that is gone was not compared with those that are new.
    if !independent.is_empty() {
        overlapping.extend(gone.0.iter().map(String::as_str));
    }
    if !independent.is_empty() || !overlapping.is_empty() {
        cache.keep_compared(&independent, &overlapping);
    }
}

/// The portions that share an id, out of all ids with their portions and a hash of the record
/// there. A machine file may repeat records of its machine's day files.
fn sharing(portions: &[Digested], ids: &[(u64, usize, u64)]) -> Vec<bool> {
    let mut out = vec![false; portions.len()];
    let groups = || ids.chunk_by(|a, b| a.0 == b.0);
    for group in groups() {
        let days = || {
            group
                .iter()
                .filter(|(_, at, _)| !portions[*at].portion.is_machine_file)
        };
        let mut shared = days().any(|(_, at, _)| days().any(|(_, other, _)| at != other));
        for (_, at, check) in group
            .iter()
            .filter(|(_, at, _)| portions[*at].portion.is_machine_file)
        {
            shared |= !days().any(|(_, day, there)| {
                portions[*day].portion.machine == portions[*at].portion.machine && there == check
            });
        }
        if shared {
            group.iter().for_each(|(_, at, _)| out[*at] = true);
        }
    }
    // A machine file that is read whole is read with all that it repeats, and so is what that is
    // repeated in.
    loop {
        let before = out.clone();
        for group in groups().filter(|group| {
            group
                .iter()
                .any(|(_, at, _)| portions[*at].portion.is_machine_file && before[*at])
        }) {
            group.iter().for_each(|(_, at, _)| out[*at] = true);
        }
        if out == before {
            break;
        }
    }
    out
}

fn machine_of(path: &str) -> Option<&str> {
    path.rsplit('/')
        .next()
        .map(|name| name.strip_suffix(".json").unwrap_or(name))
}

/// Fingerprints of new portions, each with the portion's index.
type Fresh<'a> = Vec<(usize, Cow<'a, [u32]>)>;

/// The portions that may share an id with a new one, by fingerprints; and all new machine files
/// with what they may repeat.
fn suspected(
    repo: &Repo,
    portions: &[Digested],
    new: &[bool],
    cache: &dyn Cache,
) -> Result<BTreeSet<usize>, DataError> {
    let mut fresh: Fresh = Vec::new();
    for (at, one) in portions.iter().enumerate().filter(|(at, _)| new[*at]) {
        fresh.push((at, one.fresh_fingerprints(repo, cache)?));
    }
    // Two small sets of bits show which fingerprints are in one place only, as most are. The rest
    // is sorted.
    let count = fresh.iter().map(|(_, all)| all.len()).sum();
    let (mut once, mut again) = (Bits::for_count(count), Bits::for_count(count));
    for (at, all) in &fresh {
        for fingerprint in all.iter() {
            if once.put(*fingerprint) || portions[*at].portion.is_machine_file {
                again.put(*fingerprint);
            }
        }
    }
    let all = fresh.iter().flat_map(|(_, all)| all.iter().copied());
    let sought = Sought::with(once, count, all);
    let mut left = elsewhere(repo, portions, &fresh, &sought, cache)?;
    for (fingerprint, _) in &left {
        again.put(*fingerprint);
    }
    for (at, all) in &fresh {
        let several = all.iter().filter(|fingerprint| again.has(**fingerprint));
        left.extend(several.map(|fingerprint| (*fingerprint, *at)));
    }
    left.sort_unstable();
    left.dedup();
    let is_new_file = |at: usize| new[at] && portions[at].portion.is_machine_file;
    let groups = left
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1 || group.iter().any(|(_, at)| is_new_file(*at)));
    Ok(groups.flatten().map(|(_, at)| *at).collect())
}

/// Sought fingerprints in what is not new of any portion, each with the portion's index.
fn elsewhere(
    repo: &Repo,
    portions: &[Digested],
    fresh: &Fresh,
    sought: &Sought,
    cache: &dyn Cache,
) -> Result<Vec<(u32, usize)>, DataError> {
    let (mut out, asked) = elsewhere_in_cache(portions, fresh, sought, cache);
    let mut fresh = fresh.iter().peekable();
    for (at, one) in portions.iter().enumerate() {
        let own = fresh.next_if(|(fresh, _)| *fresh == at);
        if own.map_or(0, |(_, all)| all.len()) < one.fingerprints.count() && !asked[at] {
            let found = one.fingerprints_among(sought, repo, cache)?;
            out.extend(found.into_iter().map(|fingerprint| (fingerprint, at)));
        }
    }
    Ok(out)
}

/// As [`elsewhere`], of portions that the cache has, all in one go. Returns too which they are.
fn elsewhere_in_cache(
    portions: &[Digested],
    fresh: &Fresh,
    sought: &Sought,
    cache: &dyn Cache,
) -> (Vec<(u32, usize)>, Vec<bool>) {
    let mut out = Vec::new();
    let mut asked = vec![false; portions.len()];
    let own: BTreeSet<usize> = fresh.iter().map(|(at, _)| *at).collect();
    let kept = portions.iter().enumerate();
    let kept: HashMap<&str, usize> = kept
        .filter(|(at, one)| one.fingerprints.is_kept() && !own.contains(at))
        .map(|(at, one)| (one.portion.path.as_str(), at))
        .collect();
    if kept.is_empty() {
        return (out, asked);
    }
    cache.all_fingerprints(&mut |path, oid, all| {
        let at = kept.get(path).copied();
        if let Some(at) = at.filter(|at| portions[*at].portion.oid == oid) {
            let found = sought.among(all, u32::from_le_bytes);
            out.extend(found.into_iter().map(|fingerprint| (fingerprint, at)));
            asked[at] = true;
        }
    });
    (out, asked)
}

/// The ids that stand in those portions, sorted, with the one and a hash of the record there.
fn ids(
    repo: &Repo,
    portions: &[Digested],
    some: &BTreeSet<usize>,
    cache: &dyn Cache,
) -> Result<Vec<(u64, usize, u64)>, DataError> {
    // Only ids whose fingerprint stands in several of them can be shared.
    let mut all: Vec<u32> = Vec::new();
    for at in some.iter().filter(|_| some.len() > 1) {
        all.extend(portions[*at].all_fingerprints(repo, cache)?.iter());
    }
    all.sort_unstable();
    let prints = Sought::of(
        all.chunk_by(|a, b| a == b)
            .filter(|same| same.len() > 1)
            .map(|same| same[0]),
    );
    let mut out = Vec::new();
    let mut names = Interner::default();
    for at in some {
        let one = &portions[*at];
        let wanted = |id: u64| one.portion.is_machine_file || prints.may_have(low_bits(id));
        if !one.portion.is_machine_file && one.fingerprints_among(&prints, repo, cache)?.is_empty()
        {
            continue;
        }
        for (blob, kind) in one.portion.files(repo)? {
            let ids: Ids = file(repo, cache, &blob, &kind, &mut names)?
                .map(|file| file.ids)
                .unwrap_or_default();
            out.extend(
                ids.into_iter()
                    .filter(|(id, _)| wanted(*id))
                    .map(|(id, check)| (id, *at, check)),
            );
        }
    }
    out.sort_unstable();
    Ok(out)
}
