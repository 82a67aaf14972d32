//! The modules depend on each other one way, in the order of ARCHITECTURE.md.

use std::fs;
use std::path::{Path, PathBuf};

/// From what everything may use to what nothing may use.
const ORDER: [&str; 14] =
    ["base", "charts", "prices", "records", "transcripts", "format", "store", "auto", "git", "merge", "index", "sync", "report", "cli"];

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
        let module = inside.components().next().and_then(|part| part.as_os_str().to_str()).expect("a module");
        // The crate's root and the two binaries stand outside the order.
        let Some(from) = place(module) else { continue };
        let text = fs::read_to_string(file).expect("a source");
        for (at, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let Some(to) = place(&name) else { panic!("{}:{}: module {name} has no place in the order", inside.display(), at + 1) };
                arrows += 1;
                if to > from {
                    wrong.push(format!("{}:{}: {module} uses {name}", inside.display(), at + 1));
                }
            }
        }
    }
    assert!(arrows > 100, "the test has lost sight of the sources: {arrows} arrows");
    assert!(wrong.is_empty(), "these point back:\n{}", wrong.join("\n"));
}
