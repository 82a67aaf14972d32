//! The modules depend on each other one way, in the order of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// From what everything may use to what nothing may use.
const ORDER: [&str; 16] = [
    "base",
    "charts",
    "prices",
    "record",
    "transcripts",
    "format",
    "store",
    "auto",
    "git",
    "fleet",
    "cache",
    "front",
    "merge",
    "sync",
    "report",
    "cli",
];

/// Rooms in which the arrows between files are one-way too.
const WITHOUT_CIRCLES: [&str; 6] = ["record", "format", "fleet", "cache", "front", "merge"];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

#[test]
fn no_arrow_points_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut arrows = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let inside = file.strip_prefix(&root).expect("below src");
        let module = inside
            .components()
            .next()
            .and_then(|part| part.as_os_str().to_str())
            .expect("a module");
        // The crate's root and the two binaries stand outside the order.
        let Some(from) = place(module) else { continue };
        let text = fs::read_to_string(file).expect("a source");
        for (at, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                let Some(to) = place(&name) else {
                    panic!(
                        "{}:{}: module {name} has no place in the order",
                        inside.display(),
                        at + 1
                    )
                };
                arrows += 1;
                if to > from {
                    wrong.push(format!(
                        "{}:{}: {module} uses {name}",
                        inside.display(),
                        at + 1
                    ));
                }
            }
        }
    }
    assert!(
        arrows > 100,
        "the test has lost sight of the sources: {arrows} arrows"
    );
    assert!(wrong.is_empty(), "these point back:\n{}", wrong.join("\n"));
}

/// The files of the same room that a file uses, by the names in its `use super::` and `use crate::ROOM::` lines.
fn used_inside(text: &str, room: &str, files: &[String]) -> Vec<String> {
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let code: Vec<&str> = text[..tests]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut out = Vec::new();
    for prefix in ["super::".to_owned(), format!("crate::{room}::")] {
        for rest in code.split(&prefix).skip(1) {
            let inside = rest.strip_prefix('{').map_or_else(
                || rest.split([':', ';', '(']).next().unwrap_or_default(),
                |list| list.split('}').next().unwrap_or_default(),
            );
            let names = inside.split(|c: char| !c.is_ascii_lowercase() && c != '_');
            out.extend(
                names
                    .filter(|name| files.iter().any(|file| file == name))
                    .map(str::to_owned),
            );
        }
    }
    out
}

#[test]
fn files_of_a_room_form_no_circle() {
    for room in WITHOUT_CIRCLES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room);
        let mut paths = Vec::new();
        sources(&folder, &mut paths);
        let stem = |path: &PathBuf| {
            path.file_stem()
                .and_then(|stem| stem.to_str())
                .expect("a name")
                .to_owned()
        };
        let names: Vec<String> = paths
            .iter()
            .map(stem)
            .filter(|name| name != "mod")
            .collect();
        let mut left: Vec<(String, Vec<String>)> = paths
            .iter()
            .map(|path| {
                (
                    stem(path),
                    used_inside(&fs::read_to_string(path).expect("a source"), room, &names),
                )
            })
            .filter(|(name, _)| name != "mod")
            .collect();
        // Take away files that use none of those that are left, until none is.
        loop {
            let there: Vec<String> = left.iter().map(|(name, _)| name.clone()).collect();
            let before = left.len();
            left.retain(|(name, used)| {
                used.iter()
                    .any(|other| other != name && there.contains(other))
            });
            if left.len() == before {
                break;
            }
        }
        assert!(
            left.is_empty(),
            "these files of {room} form a circle: {left:?}"
        );
    }
}
