//! The modules depend on each other one way, in the order of ARCHITECTURE.md.

mod calls;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Module, files, resolve, sources};

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

#[test]
fn files_of_a_room_form_no_circle() {
    let files = files();
    let mut arrows = 0;
    for room in ORDER {
        let inside = |module: &Module| module.first().is_some_and(|first| first == room);
        let mut left: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, file) in files.iter().filter(|(module, _)| inside(module)) {
            let used = file
                .uses
                .iter()
                .filter_map(|path| resolve(module, path, &files));
            let used: BTreeSet<Module> = used.filter(|to| to != module && inside(to)).collect();
            arrows += used.len();
            left.insert(module, used);
        }
        // Take away files that use none of those that are left, until there is none.
        loop {
            let there: BTreeSet<Module> = left.keys().map(|module| (*module).clone()).collect();
            left.retain(|_, used| used.iter().any(|to| there.contains(to)));
            if left.len() == there.len() {
                break;
            }
        }
        let circle: Vec<String> = left.keys().map(|module| module.join("/")).collect();
        assert!(
            circle.is_empty(),
            "files of {room} that form a circle, or use some that do: {circle:?}"
        );
    }
    assert!(
        arrows > 150,
        "the test has lost sight of the sources: {arrows} arrows"
    );
}

/// A reader who opens a file below a `mod.rs` need not read that too: it declares and re-exports, and
/// types that its files share have files of their own.
#[test]
fn no_file_uses_items_of_the_mod_above_it() {
    let files = files();
    let is_above = |to: &Module, from: &Module| to.len() < from.len() && from.starts_with(to);
    let mut wrong = Vec::new();
    for (from, file) in files.iter().filter(|(from, _)| !from.is_empty()) {
        let used = file
            .uses
            .iter()
            .filter_map(|path| resolve(from, path, &files));
        for to in used.filter(|to| !to.is_empty() && is_above(to, from)) {
            wrong.push(format!("{} uses {}", from.join("/"), to.join("/")));
        }
    }
    assert!(
        wrong.is_empty(),
        "these point back up:\n{}",
        wrong.join("\n")
    );
}
