//! Recipes of docs/teams.md: other engines get the totals of reports from an export.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::verbs::{fleet, pico};
use crate::world::{Machine, World, run};

pub fn recipe(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/teams");
    folder.join(name)
}

/// A Python that has an engine, where there is one.
pub fn python(variable: &str, engine: &str) -> Option<PathBuf> {
    let program = std::env::var_os(variable).map(PathBuf::from);
    let program = program.filter(|path| path.is_file());
    if program.is_none() {
        crate::peers::missing(engine, &format!("{variable} names no Python with {engine}"));
    }
    program
}

/// What a script prints beside an export, line by line and field by field.
fn printed(world: &World, command: &mut Command) -> Vec<Vec<String>> {
    let ran = run(command.current_dir(world.path()));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
    ran.out.lines().map(fields).collect()
}

/// Months by machine as reports have them, and as a recipe printed them: requests, tokens, cost.
pub fn assert_equal(ada: &Machine, rows: &[Vec<String>]) {
    let report = ada.report(&["monthly", "--by", "machine"]);
    let mut wanted = BTreeSet::new();
    for month in report["monthly"].as_array().expect("months") {
        for part in month["machineBreakdowns"].as_array().expect("machines") {
            let count = |key: &str| part[key].as_u64().expect("a count");
            let kinds = [
                "inputTokens",
                "outputTokens",
                "cacheCreationTokens",
                "cacheReadTokens",
            ];
            let name = |value: &Value| value.as_str().expect("a name").to_owned();
            let tokens: u64 = kinds.into_iter().map(count).sum();
            let names = (name(&month["month"]), name(&part["machineName"]));
            wanted.insert((names, count("requests"), tokens, pico(&part["cost"])));
        }
    }
    let got = rows.iter().map(|row| {
        let count = |at: usize| row[at].parse::<u64>().expect("a count");
        let cost = serde_json::from_str(&row[4]).expect("a decimal");
        (
            (row[0].clone(), row[1].clone()),
            count(2),
            count(3),
            pico(&cost),
        )
    });
    assert_eq!(got.collect::<BTreeSet<_>>(), wanted);
}

fn exported(world: &World) -> Machine<'_> {
    let ada = fleet(world);
    let folder = world.path().join("usage").display().to_string();
    let ran = ada.track(&["export", "--format", "parquet", "-o", &folder]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ada
}

#[test]
fn duckdb_adds_an_export_up_to_the_report() {
    let Some(program) = python("CLAUDE_SYNC_DUCKDB", "duckdb") else {
        return;
    };
    let world = World::new();
    let ada = exported(&world);
    let script = "import duckdb, sys\nfor row in duckdb.sql(open(sys.argv[1]).read()).fetchall(): print(*row, sep='\\t')";
    let mut command = Command::new(program);
    command.args(["-c", script]).arg(recipe("duckdb.sql"));
    assert_equal(&ada, &printed(&world, &mut command));
}

#[test]
fn clickhouse_adds_an_export_up_to_the_report() {
    let Some(program) = python("CLAUDE_SYNC_CLICKHOUSE", "chdb") else {
        return;
    };
    let world = World::new();
    let ada = exported(&world);
    let script = "import chdb, sys\nprint(chdb.query(open(sys.argv[1]).read(), 'TSV'), end='')";
    let mut command = Command::new(program);
    command.args(["-c", script]).arg(recipe("clickhouse.sql"));
    assert_equal(&ada, &printed(&world, &mut command));
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn spark_adds_an_export_up_to_the_report() {
    let Some(program) = python("CLAUDE_SYNC_SPARK", "pyspark") else {
        return;
    };
    let world = World::new();
    let ada = exported(&world);
    let mut command = Command::new(program);
    command.arg(recipe("spark.py"));
    assert_equal(&ada, &printed(&world, &mut command));
}

#[test]
fn the_dashboard_asks_only_for_metrics_that_an_export_has() {
    let world = World::new();
    let ada = fleet(&world);
    let ran = ada.track(&["export", "--format", "openmetrics"]);
    let text = fs::read_to_string(recipe("grafana.json")).expect("a dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut names = BTreeSet::new();
    for panel in panels {
        let query = panel["targets"][0]["expr"].as_str().expect("a query");
        let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.extend(words.filter(|word| word.starts_with("claude_usage_")));
    }
    assert!(names.len() == 4 && panels.len() > 4, "{names:?}");
    for name in names {
        assert!(ran.out.contains(&format!("\n{name}{{")), "{name}");
    }
}
