//! Tests of names: a list of names with their rows, near misses without one, and the fingerprint.

use std::collections::BTreeSet;
use std::fs;

use sha2::{Digest as _, Sha256};

use super::counters::Counters;
use super::edition::TABLE;
use super::lookup::{FINGERPRINT, fingerprint, prices};
use super::model::model_name;
use super::names;
use super::table::CLAUDE;
use super::tests::at;
use crate::base::encode::hex;
use crate::base::ids::RecordId;

/// The cases of `names.tsv`: name, row, factor in thousandths, source, separated by tabs. The row
/// is `-` for a name without one.
fn cases() -> Vec<(String, Option<String>, u64)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/prices/names.tsv");
    let text = fs::read_to_string(path).expect("the list of names");
    let case = |line: &str| {
        let mut parts = line.split('\t');
        let mut part = || {
            parts
                .next()
                .unwrap_or_else(|| panic!("a part is missing: {line}"))
                .to_owned()
        };
        let (name, row, factor) = (part(), part(), part());
        assert!(!part().is_empty(), "a line without a source: {line}");
        (
            name,
            (row != "-").then_some(row),
            factor.parse().expect("a factor"),
        )
    };
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(case)
        .collect()
}

#[test]
fn names_find_their_rows_and_near_misses_find_none() {
    let mut wrong = Vec::new();
    let all = cases();
    for (name, row, factor) in &all {
        let found = prices()
            .explain(name)
            .map(|found| (found.row, found.permille));
        let want = row.clone().map(|row| (row, *factor));
        if found != want {
            wrong.push(format!("{name}: found {found:?}, not {want:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let count = |known: bool| {
        all.iter()
            .filter(|(_, row, _)| row.is_some() == known)
            .map(|(name, ..)| name)
            .collect::<BTreeSet<_>>()
            .len()
    };
    assert!(
        count(true) >= 200 && count(false) >= 200,
        "{} names with a row, {} without",
        count(true),
        count(false)
    );
}

#[test]
fn every_name_of_the_tables_finds_itself() {
    let mut names = 0;
    for name in prices().tables.names() {
        let found = prices().tables.row(name).is_some();
        let own = names::find(name, &|name| prices().tables.has(name));
        assert!(
            found && own.is_some_and(|own| own.row == name && own.why.is_empty()),
            "{name}"
        );
        names += 1;
    }
    assert!(names > 2500, "{names} rows");
}

#[test]
fn names_cleaned_for_storage_find_what_they_found_before() {
    for (name, row, _) in cases() {
        let stored = model_name(&name);
        let found = prices().explain(&stored).map(|found| found.row);
        assert_eq!(found, row, "{name} as {stored}");
    }
}

/// Caches of costs are keyed by the fingerprint: a price that changed without it would not reach
/// them.
#[test]
fn the_fingerprint_covers_the_tables_and_the_rows_of_names() {
    let mut text = format!("{CLAUDE}{}", prices().tables.others());
    let counters = Counters {
        input: 300_001,
        output: 1003,
        cache_creation: 7001,
        cache_read: 300_007,
        cache_1h: 3001,
        web_search: 3,
    };
    for (name, ..) in cases() {
        let costs = ["2026-01-01", "2026-11-20"].map(|day| {
            prices()
                .cost(&name, at(day), &counters, true, Some("us"))
                .amount
                .to_string()
        });
        let found = prices().explain(&name).map(|found| {
            let why = found.why.join(", ");
            format!("{} [{why}] {} {}", found.row, found.permille, found.fast)
        });
        let found = found.unwrap_or_else(|| "no row".to_owned());
        text.push_str(&format!("{name}: {found}: {}\n", costs.join(" ")));
    }
    let digest = RecordId::of("prices", &[text.as_bytes()]).to_string();
    assert_eq!(
        digest, FINGERPRINT,
        "prices changed: copy the first of these to src/prices/lookup.rs, and raise `edition` in src/prices/edition.rs"
    );
    assert_eq!(fingerprint(), FINGERPRINT);
}

/// Manifests name the table by this hash, and other programs compute it from the two files.
#[test]
fn the_table_is_named_by_the_hash_of_its_files() {
    let text = format!("{CLAUDE}{}", prices().tables.others());
    assert_eq!(
        hex(&TABLE.sha256),
        hex(&Sha256::digest(text)),
        "copy the second of these to src/prices/edition.rs"
    );
}
