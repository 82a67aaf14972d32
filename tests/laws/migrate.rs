//! Format versions: what was ever written is read for ever, and a made-up 2.0 shows that a member can move without loss.

use std::fs;
use std::path::Path;

use claude_sync::format::migrate::{Shape, Step};
use claude_sync::store::Places;
use claude_sync::sync::{Host, Options};
use serde_json::{Value, json};

use crate::laws::world::{Machine, NOON, World, transcript};

fn places(machine: &Machine) -> Places {
    Places {
        repo: machine.repo(),
        state: machine.state(),
        config: machine.home.join(".config/claude-sync/config.json"),
        key: machine.home.join(".config/claude-sync/key"),
        machine_id: machine.home.join(".claude/machine_id"),
        claude: vec![machine.home.join(".claude")],
        named: Vec::new(),
        search: claude_sync::transcripts::Search::default(),
    }
}

fn options() -> Options {
    Options {
        offline: true,
        host: Host {
            hostname: "ada".to_owned(),
            platform: "linux".to_owned(),
            ..Host::default()
        },
        program: "claude-sync".into(),
        ..Options::new(claude_sync::base::time::Timestamp::parse(NOON).expect("a time"))
    }
}

/// A made-up 2.0: counters of a record move into an object, the totals of a page under another name.
fn change(shape: Shape, mut value: Value) -> Value {
    let Some(object) = value.as_object_mut() else {
        return value;
    };
    match shape {
        Shape::Whole => {
            if let Some(summary) = object.remove("usage_summary") {
                object.insert("totals".to_owned(), summary);
            }
        }
        Shape::Lines => {
            let moved: serde_json::Map<_, _> = ["input_tokens", "output_tokens"]
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), object.remove(*key)?)))
                .collect();
            if !moved.is_empty() {
                object.insert("tokens".to_owned(), Value::Object(moved));
            }
        }
    }
    value
}

const MADE_UP: &[Step] = &[Step {
    from: 1,
    to: "2.0",
    change,
}];

#[test]
fn a_made_up_next_version_moves_a_member_and_loses_nothing() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..4));
    machine.init().sync(&[]);
    assert!(
        machine
            .sync(&["migrate"])
            .out
            .contains("Nothing to migrate")
    );
    let before = machine.files();
    let done = claude_sync::sync::migrate(&places(&machine), &options(), MADE_UP)
        .expect("migrates")
        .expect("a repository");
    assert_eq!((done.changed, done.versions.get("1.1")), (3, Some(&3)));
    let after = machine.files();
    let day = after
        .keys()
        .find(|path| path.contains("/archive/"))
        .expect("a day file");
    let rows = |text: &str| {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .collect::<Vec<_>>()
    };
    for (old, new) in rows(&before[day]).iter().zip(rows(&after[day])) {
        assert_eq!(
            new.get("tokens")
                .cloned()
                .unwrap_or(json!({}))
                .get("output_tokens"),
            old.get("output_tokens")
        );
        assert_eq!(
            (old.get("id"), old.get("timestamp")),
            (new.get("id"), new.get("timestamp"))
        );
    }
    assert_eq!(rows(&after[day])[0]["version"], "2.0");
    let page = after
        .keys()
        .find(|path| path.contains("/machines/"))
        .expect("a page");
    let (old, new): (Value, Value) = (
        serde_json::from_str(&before[page]).expect("JSON"),
        serde_json::from_str(&after[page]).expect("JSON"),
    );
    assert_eq!(old["usage_summary"], new["totals"]);
    let again = claude_sync::sync::migrate(&places(&machine), &options(), MADE_UP)
        .expect("migrates")
        .expect("a repository");
    assert_eq!(
        (again.changed, again.commit),
        (0, None),
        "a second time changes nothing"
    );
    assert_eq!(machine.git(&["status", "--porcelain"]), "");
    // A tool of 1.x leaves all that alone and says why.
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..6));
    let ran = machine.try_sync(NOON, &[]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("update claude-sync"), "{}", ran.err);
    assert_eq!(machine.files(), after, "nothing was written over");
}

/// `fixtures/formats/VERSION` holds a repository's files as that version wrote them, and what it counted. They stay for ever.
#[test]
fn whatever_was_ever_written_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats");
    let mut versions: Vec<_> = fs::read_dir(&folder)
        .expect("fixtures")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    assert!(!versions.is_empty());
    for version in versions {
        let world = World::new();
        let machine = world.machine("ada");
        let done = std::process::Command::new("cp")
            .args(["-r"])
            .arg(version.join("sync"))
            .arg(world.path())
            .status()
            .expect("cp runs");
        assert!(done.success());
        let seed = world.path().join("seed");
        fs::create_dir(&seed).expect("a folder");
        fs::rename(world.path().join("sync"), seed.join("sync")).expect("moved");
        fs::write(
            seed.join(".gitattributes"),
            "sync/** -text merge=claude-sync diff=claude-sync linguist-generated\n",
        )
        .expect("written");
        world.git(&seed, &["init", "-q", "-b", "main"]);
        world.git(&seed, &["add", "-A"]);
        world.git(&seed, &["commit", "-qm", "as it was"]);
        world.git(&seed, &["push", "-q", &world.remote(), "main"]);
        machine.init().sync(&[]);
        let expected: Value = serde_json::from_str(
            &fs::read_to_string(version.join("EXPECTED.json")).expect("what it counted"),
        )
        .expect("JSON");
        let totals = &machine.report(&["daily"])["totals"];
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&totals[key], value, "{}: {key}", version.display());
        }
        let verified = machine.try_sync(NOON, &["verify", "--read-data"]);
        assert_eq!(verified.code, 0, "{}: {}", version.display(), verified.out);
    }
}
