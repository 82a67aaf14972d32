//! A merge by git with the driver makes the tree that the tool makes.

use std::collections::BTreeMap;

use claude_sync::fleet::Fleet;
use claude_sync::fleet::{manifest, read};
use claude_sync::format::manifest::BASIS;
use claude_sync::git::repo::{Entry, FILE, Repo};
use claude_sync::git::{Git, Oid};
use claude_sync::merge::trees;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::laws::made;
use crate::laws::scale::tries;
use crate::laws::trees::{Tree, join_trees};
use crate::laws::world::{World, program_path};

/// The root tree of these files, with the manifest that they imply.
pub fn root(repo: &Repo, files: &Tree) -> Oid {
    let attributes = repo
        .write_blob(b"sync/** -text merge=claude-sync\n")
        .expect("stored");
    let mut entries: BTreeMap<String, Entry> = BTreeMap::from([(
        ".gitattributes".to_owned(),
        Entry {
            mode: FILE,
            oid: attributes,
        },
    )]);
    for (path, bytes) in files {
        entries.insert(
            path.clone(),
            Entry {
                mode: FILE,
                oid: repo.write_blob(bytes).expect("stored"),
            },
        );
    }
    with_manifest(repo, repo.replace(None, &entries).expect("a tree"))
}

fn with_manifest(repo: &Repo, root: Oid) -> Oid {
    let trees = read::inputs(repo, Some(root)).expect("read");
    let text = manifest::compute(
        &Fleet::count(read::load(repo, trees).expect("read")),
        trees,
        BASIS,
    )
    .write();
    let oid = repo.write_blob(text.as_bytes()).expect("stored");
    repo.replace(
        Some(root),
        &BTreeMap::from([("sync/manifest.json".to_owned(), Entry { mode: FILE, oid })]),
    )
    .expect("a tree")
}

#[test]
fn git_merge_makes_the_tree_that_the_tool_makes() {
    let world = World::new();
    let place = world.path().join("pairs");
    world.git(
        world.path(),
        &["init", "-q", "-b", "main", &place.display().to_string()],
    );
    let driver = format!(
        "'{}' merge-driver %O %A %B %P || exit 129",
        program_path().display()
    );
    world.git(&place, &["config", "merge.claude-sync.driver", &driver]);
    let repo = Repo::open(&place).expect("opens").expect("there");
    let git = Git::find(false).expect("git");
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    let mut merged = 0;
    for pair in 0..tries(12, 200) {
        let mut pick = || {
            made::tree()
                .new_tree(&mut runner)
                .expect("a tree")
                .current()
        };
        let (base, mine, theirs) = (pick(), pick(), pick());
        // Both sides grew from the base, as they do: nothing that was there is gone.
        let grow = |more: &Tree| join_trees(&base, more).expect("joins");
        let (old, ours, theirs) = (
            root(&repo, &base),
            root(&repo, &grow(&mine)),
            root(&repo, &grow(&theirs)),
        );
        let commit = |tree: Oid, parents: &[Oid]| {
            repo.commit(&git, tree, parents, "made\n")
                .expect("a commit")
        };
        let start = commit(old, &[]);
        let (a, b) = (commit(ours, &[start]), commit(theirs, &[start]));
        world.git(
            &place,
            &["update-ref", "--no-deref", "HEAD", &a.to_string()],
        );
        world.git(&place, &["reset", "-q", "--hard"]);
        let ran = world.try_git(
            &place,
            &["merge", "-q", "--no-edit", "--no-ff", &b.to_string()],
        );
        assert_eq!(ran.code, 0, "pair {pair}: {}{}", ran.out, ran.err);
        let by_git = world.git(&place, &["rev-parse", "HEAD^{tree}"]);
        let joined = trees::join_roots(&repo, Some(old), Some(ours), Some(theirs))
            .expect("joins")
            .expect("a tree");
        assert_eq!(
            by_git.trim(),
            with_manifest(&repo, joined).to_string(),
            "pair {pair}"
        );
        merged += u32::from(ours != theirs);
    }
    println!("{merged} pairs merged to the same tree id");
}
