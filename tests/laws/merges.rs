//! Merge cases as folders: `fixtures/merges/CASE/{base,ours,theirs,expected}` hold the files of a repository below their paths.
//!
//! Plain git merges `theirs` into `ours` with the merge driver, and the other way round; both results are compared with `expected`,
//! byte by byte. `CLAUDE_SYNC_WRITE_CASES=1` writes `expected` anew, to be read before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use claude_sync::git::repo::Repo;

use crate::laws::driver::root;
use crate::laws::trees::Tree;
use crate::laws::world::{World, program_path};

type Files = BTreeMap<String, String>;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/merges")
}

/// The files below a folder, by path. A folder that is not there has none.
fn read(folder: &Path) -> Files {
    let mut out = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder");
                let text = fs::read_to_string(&path).expect("a text");
                out.insert(name.to_str().expect("a name").to_owned(), text);
            }
        }
    }
    out
}

fn write(folder: &Path, files: &Files) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
}

/// What git makes of `theirs` merged into `ours`, both grown from `base`.
fn merged(world: &World, name: &str, [base, ours, theirs]: [&Files; 3]) -> Files {
    let place = world.path().join(name);
    let git = |args: &[&str]| world.git(&place, args).trim().to_owned();
    world.git(world.path(), &["init", "-q", "-b", "main", name]);
    let driver = format!(
        "'{}' merge-driver %O %A %B %P || exit 129",
        program_path().display()
    );
    git(&["config", "merge.claude-sync.driver", &driver]);
    let repo = Repo::open(&place).expect("opens").expect("there");
    let commit = |files: &Files, parent: Option<&str>| {
        let tree = root(&repo, &bytes(files)).to_string();
        let parent = parent.into_iter().flat_map(|parent| ["-p", parent]);
        let all: Vec<&str> = ["commit-tree", "-m", "a side", &tree]
            .into_iter()
            .chain(parent)
            .collect();
        git(&all)
    };
    let start = commit(base, None);
    let (ours, theirs) = (commit(ours, Some(&start)), commit(theirs, Some(&start)));
    git(&["reset", "-q", "--hard", &ours]);
    git(&["merge", "-q", "--no-edit", &theirs]);
    read(&place.join("sync"))
        .into_iter()
        .map(|(path, text)| (format!("sync/{path}"), text))
        .collect()
}

fn bytes(files: &Files) -> Tree {
    let file = |(path, text): (&String, &String)| (path.clone(), text.clone().into_bytes());
    files.iter().map(file).collect()
}

#[test]
fn each_case_merges_to_what_is_expected_both_ways() {
    let world = World::new();
    let rewrite = std::env::var_os("CLAUDE_SYNC_WRITE_CASES").is_some();
    let mut number = 0;
    for entry in fs::read_dir(cases()).expect("the cases").flatten() {
        let case = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let [base, ours, theirs] = ["base", "ours", "theirs"].map(|side| read(&case.join(side)));
        let there = merged(&world, &name, [&base, &ours, &theirs]);
        let back = merged(&world, &format!("{name}-back"), [&base, &theirs, &ours]);
        assert_eq!(there, back, "{name}: the order of merging matters");
        let expected = case.join("expected");
        if rewrite {
            let _ = fs::remove_dir_all(&expected);
            write(&expected, &there);
        }
        assert_eq!(there, read(&expected), "{name}");
        number += 1;
    }
    assert!(number >= 8, "only {number} cases were found");
}
