//! Exports have the user and the group of each row's machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;

use super::team;
use crate::world::World;

/// Requests by user and group, from the lines of an export.
fn exported(lines: impl Iterator<Item = [String; 3]>) -> BTreeMap<(String, String), u64> {
    let mut out: BTreeMap<(String, String), u64> = BTreeMap::new();
    for [user, group, requests] in lines {
        *out.entry((user, group)).or_default() += requests.parse::<u64>().expect("a count");
    }
    out
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn exports_end_with_user_and_group() {
    let world = World::new();
    let [ada, ..] = team(&world);
    let text = |text: &str| text.to_owned();
    let wanted: BTreeMap<(String, String), u64> = [
        ((text(""), text("backend")), 3),
        ((text("Bea"), text("backend")), 4),
        ((text("Bea"), text("フロント")), 5),
        ((text("dan"), text("")), 6),
    ]
    .into();
    let csv = ada.track(&["export"]).out;
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a heading");
    assert!(
        csv.starts_with("timestamp,machine_id,hostname,") && names.ends_with(&["user", "group"])
    );
    let at = names
        .iter()
        .position(|name| *name == "requests")
        .expect("a column");
    let fields = lines.map(|line| [line[17], line[18], line[at]].map(str::to_owned));
    assert_eq!((names.len(), exported(fields)), (19, wanted.clone()));

    let json = ada.track(&["export", "--format", "jsonl"]).out;
    let value = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    let fields = json.lines().map(value).map(|row| {
        let name = |key: &str| row[key].as_str().expect("a text").to_owned();
        [name("user"), name("group"), row["requests"].to_string()]
    });
    assert_eq!(exported(fields), wanted);

    let folder = world.path().join("usage").display().to_string();
    ada.track(&["export", "--format", "parquet", "-o", &folder]);
    let (state, changes) = (format!("{folder}.state"), format!("{folder}.changes"));
    let since = ["--since-last", &state, "-o", &changes];
    ada.track(&[&["export", "--format", "parquet"][..], &since].concat());
    let rows = Path::new(&changes).join("rows.parquet");
    let mut all = Vec::new();
    files(Path::new(&folder), &mut all);
    for files in [all, vec![rows]] {
        let mut fields = Vec::new();
        for file in files {
            fields.extend(parquet(&file));
        }
        assert_eq!(exported(fields.into_iter()), wanted);
    }

    let metrics = ada.track(&["export", "--format", "openmetrics"]).out;
    let info: Vec<&str> = metrics
        .lines()
        .filter(|line| line.contains("_info{"))
        .collect();
    assert_eq!(
        info,
        [
            r#"claude_usage_machine_info{machine="ada",user="",group="backend"} 1"#,
            r#"claude_usage_machine_info{machine="bob",user="Bea",group="backend"} 1"#,
            r#"claude_usage_machine_info{machine="cleo",user="Bea",group="フロント"} 1"#,
            r#"claude_usage_machine_info{machine="dan",user="dan",group=""} 1"#,
        ]
    );
}

/// All files below a folder.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// User, group and requests of the rows of a Parquet file, whose last columns are these.
fn parquet(path: &Path) -> Vec<[String; 3]> {
    let file = fs::File::open(path).expect("a file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| {
        let row = row.expect("a row");
        let columns: Vec<_> = row.get_column_iter().collect();
        let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.ends_with(&["user", "group"]), "{names:?}");
        let text = |name: &str| {
            let found = columns.iter().find(|(column, _)| *column == name);
            found.expect("a column").1.to_string().replace('"', "")
        };
        ["user", "group", "requests"].map(text)
    })
    .collect()
}
