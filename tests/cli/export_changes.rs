//! `export --since-last`: what is loaded export by export is what a whole export has.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Row as Line;

use crate::recipes::{assert_equal, python, recipe};
use crate::verbs::fleet;
use crate::world::{Machine, NOON, Ran, Row, World, run};

/// Exports what changed to `changes`.
fn export(machine: &Machine, args: &[&str]) -> Ran {
    let (state, folder) = places(machine.world);
    let words = [
        "export",
        "--format",
        "parquet",
        "--since-last",
        &state,
        "-o",
        &folder,
    ];
    machine.track(&[&words[..], args].concat())
}

fn places(world: &World) -> (String, String) {
    let place = |name: &str| world.path().join(name).display().to_string();
    (place("usage.state"), place("changes"))
}

/// The lines of a Parquet file, each with its machine and day.
fn lines(path: &Path) -> Vec<((String, String), Line)> {
    let file = File::open(path).expect("a file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let key = |row: &Line| {
        let get = |name: &str| {
            let mut columns = row.get_column_iter();
            let found = columns.find(|(column, _)| *column == name);
            found.expect("a column").1.to_string()
        };
        (get("machine_id"), get("date"))
    };
    rows.map(|row| row.expect("a row"))
        .map(|row| (key(&row), row))
        .collect()
}

/// A consumer's table: rows by slice.
type Table = BTreeMap<(String, String), Vec<String>>;

/// Loads an export and deletes it. Returns the numbers of slices and rows in it.
fn load(world: &World, table: &mut Table) -> (usize, usize) {
    let folder = world.path().join("changes");
    let (slices, rows) = (
        lines(&folder.join("slices.parquet")),
        lines(&folder.join("rows.parquet")),
    );
    for (key, _) in &slices {
        table.remove(key);
    }
    for (key, row) in &rows {
        assert!(
            slices.iter().any(|(slice, _)| slice == key),
            "{key:?} is not announced"
        );
        table.entry(key.clone()).or_default().push(row.to_string());
    }
    for (key, slice) in &slices {
        let has = table.get(key).map_or(0, Vec::len);
        assert!(
            slice.to_string().contains(&format!("rows: {has}")),
            "{slice} has {has}"
        );
    }
    fs::remove_dir_all(&folder).expect("deleted");
    (slices.len(), rows.len())
}

/// The table that one whole export fills.
fn whole(machine: &Machine, args: &[&str]) -> Table {
    let (_, folder) = places(machine.world);
    let state = machine.world.path().join("whole.state");
    let _ = fs::remove_file(&state);
    let state = state.display().to_string();
    let words = [
        "export",
        "--format",
        "parquet",
        "--since-last",
        &state,
        "-o",
        &folder,
    ];
    let ran = machine.track(&[&words[..], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut table = Table::new();
    load(machine.world, &mut table);
    table
}

fn more(machine: &Machine, number: u32, time: &str) {
    let name = format!(".claude/projects/p/{number}.jsonl");
    machine.write(&name, &Row::new("more", number, time).line());
    machine.sync(&[]);
}

#[test]
fn changes_of_each_kind_reach_a_table_that_equals_a_whole_export() {
    let world = World::new();
    let ada = fleet(&world);
    let mut table = Table::new();
    let mut step = |args: &[&str], wanted: (usize, usize)| {
        assert_eq!(export(&ada, args).code, 0);
        assert_eq!(load(&world, &mut table), wanted, "{args:?}");
        assert_eq!(table, whole(&ada, args));
    };
    step(&[], (20, 20));
    step(&[], (0, 0));
    // A new request: its machine's day, and no other.
    more(&ada, 500, "2026-03-10T23:45:00.000Z");
    step(&[], (1, 2));
    // A forgotten session: days with rows of another session change, the others are gone.
    ada.sync(&["forget", "--session", "adas", "--yes"]);
    step(&[], (10, 1));
    // Another name of a machine is in each of its rows.
    ada.sync(&["machine", "rename", "bob", "builder"]);
    step(&[], (10, 10));
    // So is its group.
    ada.sync(&["machine", "group", "builder", "backend"]);
    step(&[], (10, 10));
    // A filter: what it does not select goes.
    step(&["--since", "2026-03-05"], (4, 0));
    step(&["--machine", "builder"], (5, 4));
}

#[test]
fn changes_that_nobody_loaded_are_not_replaced() {
    let world = World::new();
    let ada = fleet(&world);
    assert_eq!(export(&ada, &[]).code, 0);
    let state = fs::read(places(&world).0).expect("a state");
    more(&ada, 500, "2026-03-10T23:45:00.000Z");
    let ran = export(&ada, &[]);
    assert!(
        ran.code == 1 && ran.err.contains("load the changes in this folder"),
        "{ran:?}"
    );
    assert_eq!(fs::read(places(&world).0).expect("a state"), state);
    let mut table = Table::new();
    load(&world, &mut table);
    assert_eq!(export(&ada, &[]).code, 0);
    assert_eq!(load(&world, &mut table), (1, 2));
    // An export whose state was not kept is repeated: loading it twice changes nothing.
    fs::write(places(&world).0, &state).expect("written");
    let before = table.clone();
    assert_eq!(export(&ada, &[]).code, 0);
    assert_eq!((load(&world, &mut table), table), ((1, 2), before));
}

#[test]
fn a_state_that_cannot_be_read_is_an_error() {
    let world = World::new();
    let ada = fleet(&world);
    for text in ["", "{}", "{\"version\":2,\"slices\":{}}"] {
        fs::write(places(&world).0, text).expect("written");
        let ran = export(&ada, &[]);
        assert!(
            ran.code == 1 && ran.err.contains("to begin anew: delete it"),
            "{ran:?}"
        );
        assert!(!Path::new(&places(&world).1).exists());
    }
    let ran = ada.track(&["export", "--since-last", "state"]);
    assert!(
        ran.code == 2 && ran.err.contains("--format parquet"),
        "{ran:?}"
    );
}

#[test]
fn duckdb_keeps_a_table_up_to_date() {
    let Some(program) = python("CLAUDE_SYNC_DUCKDB", "duckdb") else {
        return;
    };
    let world = World::new();
    let ada = fleet(&world);
    let load = "import duckdb, sys\n\
                db = duckdb.connect('usage.db')\n\
                db.execute(open(sys.argv[1]).read())\n\
                rows = db.sql(\"SELECT strftime(date, '%Y-%m'), hostname, sum(requests)::bigint, sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens)::bigint, sum(cost_usd)::varchar FROM usage GROUP BY ALL\")\n\
                for row in rows.fetchall(): print(*row, sep='\\t')";
    let step = || {
        assert_eq!(export(&ada, &[]).code, 0);
        let mut command = Command::new(&program);
        let command = command.args(["-c", load]).arg(recipe("duckdb_changes.sql"));
        let ran = run(command.current_dir(world.path()));
        assert_eq!(ran.code, 0, "{}", ran.err);
        fs::remove_dir_all(places(&world).1).expect("deleted");
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        assert_equal(&ada, &ran.out.lines().map(fields).collect::<Vec<_>>());
    };
    step();
    // As if an earlier version had made the table.
    let older = "import duckdb\n\
                 db = duckdb.connect('usage.db')\n\
                 for column in ('user', 'group'): db.execute(f'ALTER TABLE usage DROP COLUMN \"{column}\"')";
    let ran = run(Command::new(&program)
        .args(["-c", older])
        .current_dir(world.path()));
    assert_eq!(ran.code, 0, "{}", ran.err);
    more(&ada, 500, "2026-03-10T23:45:00.000Z");
    step();
    ada.sync(&["machine", "group", "backend"]);
    step();
    ada.sync(&["forget", "--session", "adas", "--yes"]);
    step();
    let ran = ada.try_sync(NOON, &["machine", "rename", "bob", "builder"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    step();
}
