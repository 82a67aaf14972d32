//! The files of a machine under a condition: those that it begins with, and those that a sync must leave alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{OURS, Stage};
use crate::world::{Machine, World, transcript};

/// Everything in a home that is the user's own: other repositories, `~/.gitconfig`, settings, keys, with each file's bytes.
pub fn owned(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let ours = OURS.map(|path| home.join(path));
    let (mut out, mut folders) = (BTreeMap::new(), vec![home.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.path())
        {
            if ours.contains(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path.clone());
                out.insert(path, Vec::new());
            } else {
                let bytes = fs::read(&path).unwrap_or_default();
                out.insert(path, bytes);
            }
        }
    }
    out
}

/// What differs between two looks at a home.
pub fn changed(
    before: &BTreeMap<PathBuf, Vec<u8>>,
    after: &BTreeMap<PathBuf, Vec<u8>>,
) -> Vec<PathBuf> {
    before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .cloned()
        .collect()
}

/// Gives a machine what a user has beside claude-sync: git's configuration in both places, settings of Claude Code with hooks of their
/// own, and a repository with a commit, a stash, and changes in the index and in the work tree.
pub(super) fn furnish(world: &World, machine: &Machine) {
    let name = &machine.name;
    machine.write(
        ".gitconfig",
        &format!("[user]\n\tname = {name}\n\temail = {name}@example.invalid\n"),
    );
    machine.write(".config/git/config", "[alias]\n\tst = status\n");
    machine.write(".config/git/ignore", "*.swp\n");
    let hooks = "{\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}]}";
    machine.write(
        ".claude/settings.json",
        &format!("{{\"model\": \"opus\",   \"hooks\": {hooks}}}\n"),
    );
    machine.write(".ssh/known_hosts", "git.example ssh-ed25519 AAAA\n");
    let work = machine.home.join("work");
    fs::create_dir_all(&work).expect("a folder");
    world.git(&work, &["init", "-q", "-b", "main"]);
    for (text, commands) in [
        (
            "mine\n",
            &[&["add", "-A"][..], &["commit", "-q", "-m", "mine"]][..],
        ),
        ("stashed\n", &[&["stash", "-q"]]),
        ("staged\n", &[&["add", "-A"]]),
        ("changed\n", &[]),
    ] {
        machine.write("work/mine.txt", text);
        commands
            .iter()
            .for_each(|command| drop(world.git(&work, command)));
    }
}

/// Makes the stage once; each row gets a copy.
pub(super) fn template() -> World {
    let world = World::new();
    let stage = Stage {
        world: &world,
        ada: world.machine("ada"),
        bob: world.machine("bob"),
    };
    for (machine, session, from) in [(&stage.ada, "adas", 0), (&stage.bob, "bobs", 100)] {
        machine.write(
            ".claude/projects/p/s.jsonl",
            &transcript(session, from..from + 4),
        );
        furnish(&world, machine);
        machine.init().sync(&[]);
    }
    stage.ada.sync(&[]);
    world
}

pub(super) fn copy(template: &World) -> World {
    let world = World::new();
    let from = format!("{}/.", template.path().display());
    let copied = Command::new("cp")
        .args(["-a", &from])
        .arg(world.path())
        .status()
        .expect("cp runs");
    assert!(copied.success());
    for name in ["ada", "bob"] {
        let path = world
            .path()
            .join(name)
            .join(".local/share/claude-sync/repo/.git/config");
        let text = fs::read_to_string(&path)
            .expect("there")
            .replace(&template.remote(), &world.remote());
        fs::write(&path, text).expect("written");
    }
    world
}
