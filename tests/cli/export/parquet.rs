//! Parquet, as others read it.

use std::fs;

use serde_json::Value;

use super::export;
use crate::verbs::{fleet, pico};
use crate::world::World;

/// A python with `DuckDB`, where there is one.
pub(super) fn duckdb() -> Option<std::path::PathBuf> {
    let python = std::env::var_os("CLAUDE_SYNC_DUCKDB")
        .map(std::path::PathBuf::from)
        .filter(|path| path.is_file());
    if python.is_none() {
        crate::peers::missing(
            "duckdb",
            "CLAUDE_SYNC_DUCKDB names no python that has duckdb",
        );
    }
    python
}

/// What `DuckDB` says of a query over an export.
pub(super) fn ask(python: &std::path::Path, folder: &std::path::Path, query: &str) -> Value {
    let script = "import duckdb, json, sys\n\
                  rows = duckdb.sql(sys.argv[2].replace('EXPORT', \"read_parquet('\" + sys.argv[1] + \"/**/*.parquet', hive_partitioning = true)\")).fetchall()\n\
                  print(json.dumps(rows, default=str))";
    let mut command = std::process::Command::new(python);
    let ran = crate::world::run(command.args(["-c", script]).arg(folder).arg(query));
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

#[test]
fn parquet_is_read_by_others_to_the_picodollar() {
    let world = World::new();
    let ada = fleet(&world);
    let folder = world.path().join("out/usage");
    fs::create_dir(world.path().join("out")).expect("made");
    let path = folder.display().to_string();
    let write = |filter: &[&str]| {
        export(
            &ada,
            &[&["--format", "parquet", "-o", &path], filter].concat(),
        )
    };
    write(&[]);
    let months: Vec<_> = fs::read_dir(folder.join("year=2026/month=03"))
        .expect("a folder")
        .collect();
    assert_eq!(months.len(), 2, "a file for each machine");
    // Another export takes the place of the first; nothing of the first is left.
    write(&["--machine", "bob"]);
    assert_eq!(
        fs::read_dir(folder.join("year=2026/month=03"))
            .expect("a folder")
            .count(),
        1
    );
    assert_eq!(
        fs::read_dir(world.path().join("out"))
            .expect("a folder")
            .count(),
        1,
        "nothing lies about"
    );
    // What is no export is not touched.
    fs::write(folder.join("notes.txt"), "mine").expect("written");
    let ran = ada.track(&["export", "--format", "parquet", "-o", &path]);
    assert!(
        ran.code == 1 && ran.err.contains("notes.txt") && ran.err.contains("empty folder"),
        "{}",
        ran.err
    );
    assert_eq!(
        fs::read_to_string(folder.join("notes.txt")).expect("still there"),
        "mine"
    );
    fs::remove_file(folder.join("notes.txt")).expect("removed");
    let ran = ada.track(&["export", "--format", "parquet"]);
    assert!(ran.code == 2 && ran.err.contains("--output"), "{}", ran.err);

    let Some(python) = duckdb() else { return };
    for filter in [
        &[][..],
        &["--project", "garden"],
        &["--machine", "ada", "--since", "2026-03-03"],
        &["--source=local"],
    ] {
        write(filter);
        let report = ada.report(&[&["monthly", "--by", "machine"], filter].concat());
        let sums = ask(
            &python,
            &folder,
            "select year || '-' || lpad(month::varchar, 2, '0'), hostname, sum(requests), sum(input_tokens), sum(output_tokens), \
             sum(cache_creation_tokens), sum(cache_read_tokens), sum(cost_usd)::varchar, min(machine)::varchar from EXPORT group by all order by 1, 2",
        );
        let mut wanted = Vec::new();
        for month in report["monthly"].as_array().expect("months") {
            for part in month["machineBreakdowns"].as_array().expect("machines") {
                let count = |key: &str| part[key].as_u64().expect("a count");
                let key = (
                    month["month"].as_str().expect("a month").to_owned(),
                    part["machineName"].as_str().expect("a name").to_owned(),
                );
                let counts = [
                    "requests",
                    "inputTokens",
                    "outputTokens",
                    "cacheCreationTokens",
                    "cacheReadTokens",
                ]
                .map(count);
                wanted.push((key, counts, pico(&part["cost"])));
            }
        }
        wanted.sort();
        let got: Vec<_> = sums
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                let text = |at: usize| row[at].as_str().expect("a text").to_owned();
                let count = |at: usize| {
                    row[at]
                        .as_u64()
                        .or_else(|| row[at].as_str()?.parse().ok())
                        .expect("a count")
                };
                let cost = serde_json::from_str::<Value>(&text(7)).expect("a decimal");
                ((text(0), text(1)), [2, 3, 4, 5, 6].map(count), pico(&cost))
            })
            .collect();
        assert_eq!(got, wanted, "{filter:?}");
    }
    let times = ask(
        &python,
        &folder,
        "select count(*), count(distinct timestamp), count(*) filter (where cost_known) from EXPORT",
    );
    assert_eq!(times[0][0], times[0][2], "all are priced");
}
