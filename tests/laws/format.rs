//! The files as the spec has them: its own examples, the published schemas, unknown fields, and versions to come.

use std::fs;
use std::path::Path;

use claude_sync::base::ids::{Interner, MachineId};
use claude_sync::base::time::Day;
use claude_sync::format::dayfile::DayFile;
use claude_sync::format::manifest::Manifest;
use claude_sync::format::syncfile::SyncFile;
use serde_json::Value;

use crate::laws::world::{Machine, NOON, World, transcript};

const SPEC_MACHINE: &str = include_str!("../../fixtures/spec-1.0/machine-sync.json");
const SPEC_MANIFEST: &str = include_str!("../../fixtures/spec-1.0/manifest.json");
const SPEC_ID: &str = "a7c4f9e1-2b3d-4e5f-6a7b-8c9d0e1f2a3b";

fn id(text: &str) -> MachineId {
    MachineId::canonical(text).expect("an id")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Asserts that everything in `part` is in `whole` too, numbers and times compared as values.
fn contains(whole: &Value, part: &Value, at: &str) {
    match part {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, value)| contains(&whole[key], value, &format!("{at}/{key}"))),
        Value::Array(items) => {
            let mut found: Vec<_> = whole
                .as_array()
                .unwrap_or_else(|| panic!("{at} is gone"))
                .iter()
                .collect();
            let mut wanted: Vec<_> = items.iter().collect();
            // A list of models is a set.
            if items.iter().all(Value::is_string) {
                found.sort_by_key(ToString::to_string);
                wanted.sort_by_key(ToString::to_string);
            }
            assert_eq!(found.len(), wanted.len(), "{at}");
            found
                .into_iter()
                .zip(wanted)
                .for_each(|(whole, part)| contains(whole, part, at));
        }
        Value::Number(number) => {
            let money =
                |text: &str| claude_sync::base::money::Money::parse(text).expect("a number");
            assert_eq!(money(&whole.to_string()), money(number.as_str()), "{at}");
        }
        Value::String(text) => {
            let time = claude_sync::base::time::Timestamp::parse;
            let same = whole.as_str() == Some(text)
                || time(text).is_some() && whole.as_str().and_then(time) == time(text);
            assert!(same, "{at}: {whole} instead of {text}");
        }
        other => assert_eq!(whole, other, "{at}"),
    }
}

#[test]
fn the_specs_machine_file_is_read_without_loss() {
    // Unknown members at every level, with digits that no float holds.
    let mut text = SPEC_MACHINE.to_owned();
    for key in [
        "\"version\"",
        "\"uuid\"",
        "\"last_full_sync\"",
        "\"total_requests\"",
        "\"project_name\"",
        "\"timestamp\"",
        "\"last_synced_index\"",
    ] {
        text = text.replace(
            key,
            &format!("\"x_future\": {{\"b\": 0.12345678901234567890, \"a\": [1e5]}},\n{key}"),
        );
    }
    let file =
        SyncFile::read(&id(SPEC_ID), text.as_bytes(), &mut Interner::default()).expect("reads");
    assert_eq!(
        file.claimed
            .map(|c| (c.totals.requests, c.totals.cost.amount.to_string())),
        Some((127, "45.75".to_owned()))
    );
    let written = file.write();
    let mut part = json(&text);
    part["version"] = "1.1".into();
    contains(&json(&written), &part, "");
    assert!(
        written.contains("0.12345678901234567890"),
        "digits are kept as they were"
    );
    let again =
        SyncFile::read(&id(SPEC_ID), written.as_bytes(), &mut Interner::default()).expect("reads");
    assert_eq!((again.write(), again), (written, file));
}

#[test]
fn the_specs_manifest_is_read_without_loss() {
    let text = SPEC_MANIFEST
        .replace("\"hostname\"", "\"x_future\": {\"n\": 1.50},\n\"hostname\"")
        .replace("\"total_machines\"", "\"x_top\": [1],\n\"total_machines\"");
    let manifest = Manifest::read(text.as_bytes()).expect("reads");
    assert!(manifest.is_foreign());
    let mut part = json(&text);
    part["version"] = "1.1".into();
    contains(&json(&manifest.write()), &part, "");
}

#[test]
fn the_specs_examples_are_still_there_after_a_sync_beside_them() {
    let world = World::new();
    let seed = world.path().join("seed");
    fs::create_dir_all(seed.join("sync/machines")).expect("a folder");
    fs::write(
        seed.join("sync/manifest.json"),
        SPEC_MANIFEST.replace(
            "\"machines\": {\n",
            "\"x_team\": \"blue\",\n\"machines\": {\n",
        ),
    )
    .expect("written");
    fs::write(
        seed.join(format!("sync/machines/{SPEC_ID}.json")),
        SPEC_MACHINE,
    )
    .expect("written");
    world.git(&seed, &["init", "-q", "-b", "main"]);
    world.git(&seed, &["add", "."]);
    world.git(&seed, &["commit", "-qm", "what a 1.0 tool wrote"]);
    world.git(&seed, &["push", "-q", &world.remote(), "main"]);
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    bob.init().sync(&[]);
    ada.sync(&[]);
    assert_eq!(
        fs::read_to_string(ada.repo().join(format!("sync/machines/{SPEC_ID}.json")))
            .expect("there"),
        SPEC_MACHINE,
        "nobody writes another machine's file"
    );
    let manifest = ada.manifest_json();
    // Its own machine by its claims; the two machines without files as the old manifest knew them; its unknown member.
    let old = json(SPEC_MANIFEST);
    for (machine, entry) in old["machines"].as_object().expect("machines") {
        contains(
            &manifest["machines"][machine]["usage_summary"],
            &entry["usage_summary"],
            machine,
        );
        contains(
            &manifest["machines"][machine]["hostname"],
            &entry["hostname"],
            machine,
        );
    }
    assert_eq!(
        manifest["global_summary"]["total_requests"],
        127 + 89 + 15 + 3
    );
    assert_eq!(manifest["x_team"], "blue");
    contains(
        &manifest["sessions_index"]["conversation_def456"]["machines"],
        &old["sessions_index"]["conversation_def456"]["machines"],
        "def456",
    );
    let page = json(&ada.git(&[
        "show",
        "HEAD:sync/machines/00616461-0000-4000-8000-000000000000.json",
    ]));
    let adopted = &page["decisions"][0]["manifest"];
    contains(
        &adopted["machines"],
        &old["machines"],
        "the adopted manifest",
    );
    assert_eq!(adopted["x_team"], "blue");
    assert!(
        adopted["sessions_index"]
            .get("conversation_abc123")
            .is_none(),
        "that of a machine with files is in them"
    );
    // Reports count what the manifest counts.
    assert_eq!(ada.fleet().0, 127 + 89 + 15 + 3);
    ada.assert_sound();
}

fn validator(name: &str) -> jsonschema::Validator {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/schemas/{name}.schema.json"));
    jsonschema::validator_for(&json(&fs::read_to_string(path).expect("there"))).expect("a schema")
}

fn validate(validator: &jsonschema::Validator, text: &str, what: &str) {
    // The validator counts with floats; our numbers keep their digits, so they are read anew.
    let errors: Vec<_> = validator
        .iter_errors(&json(text))
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{text}");
}

fn validate_all(machine: &Machine) {
    let (page, manifest, line) = (
        validator("machine-sync"),
        validator("manifest"),
        validator("day-file-line"),
    );
    let mut seen = [0; 3];
    for (name, text) in machine.files() {
        if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            text.lines().for_each(|text| validate(&line, text, &name));
            seen[0] += 1;
        } else if name.starts_with("sync/machines/") {
            validate(&page, &text, &name);
            seen[1] += 1;
        } else if name.starts_with("sync/") {
            validate(&manifest, &text, &name);
            seen[2] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn what_the_tool_writes_fits_the_schemas() {
    let world = World::new();
    let (ada, bob, cyd) = (
        world.machine("ada"),
        world.machine("bob"),
        world.machine("cyd"),
    );
    ada.write(
        ".claude/projects/p/s.jsonl",
        &(transcript("s1", 0..4)
            + &transcript("s1", 5..6)
                .replace("claude-opus-4-8", "claude-opus-99")
                .replace("\"end_turn\"", "null")),
    );
    ada.init().sync(&["--snapshot"]);
    bob.write(
        ".claude/projects/p/s.jsonl",
        &transcript("s1", 0..4)
            .replace("\"output_tokens\"", "\"speed\":\"fast\",\"service_tier\":\"batch\",\"inference_geo\":\"us\",\"output_tokens\""),
    );
    bob.init().sync(&[]);
    cyd.write(".claude/projects/p/s.jsonl", &transcript("s9", 0..4));
    cyd.init().sync(&["--summary-only"]);
    validate_all(&cyd);
    for (schema, text) in [("machine-sync", SPEC_MACHINE), ("manifest", SPEC_MANIFEST)] {
        validate(&validator(schema), text, schema);
    }
}

#[test]
fn what_is_no_sync_file_does_not_fit_the_schemas() {
    let cases = [
        ("machine-sync", SPEC_MACHINE.replace("\"1.0\"", "\"2.0\"")),
        (
            "machine-sync",
            SPEC_MACHINE.replace("\"total_requests\": 127", "\"total_requests\": -1"),
        ),
        (
            "manifest",
            SPEC_MANIFEST.replace("\"active\"", "\"asleep\""),
        ),
        // A record, and so no line of an unknown kind.
        (
            "day-file-line",
            "{\"model\":\"m\",\"id\":\"0000000000000000\",\"input_tokens\":-1}".to_owned(),
        ),
    ];
    let unknown = "{\"session\":\"s\",\"later\":1}";
    assert!(
        validator("day-file-line").is_valid(&json(unknown)),
        "it is kept"
    );
    for (schema, text) in cases {
        assert!(
            !validator(schema).is_valid(&json(&text)),
            "{schema}: {text}"
        );
    }
}

#[test]
fn a_day_file_is_canonical_and_keeps_what_it_does_not_know() {
    let machine = id("00616461-0000-4000-8000-000000000000");
    let day = Day::parse("2026-03-10").expect("a day");
    let read = |text: &str| {
        DayFile::read(&machine, day, text.as_bytes(), &mut Interner::default()).expect("reads")
    };
    let text = "{\"day\":\"2026-03-10\",\"x\":1.50,\"version\":\"1.7\",\"machine\":\"00616461-0000-4000-8000-000000000000\"}\n\
        {\"zz\":{\"b\":1,\"a\":2.0},\"session\":\"s1\",\"timestamp\":\"2026-03-10T09:00:00+01:00\",\"model\":\"m\",\"input_tokens\":1,\"output_tokens\":2,\"cache_creation_tokens\":3,\"cache_read_tokens\":4,\"cost_usd\":5e-1,\"id\":\"00000000000000aa\",\"project_name\":\"p\"}\n\
        {\"kind\":\"hologram\",\"session\":\"s1\"}\n{\"kind\":\"loose\"}\n";
    let (file, damage) = read(text);
    assert_eq!(damage.lines, 0);
    let (written, _) = file.write();
    insta::assert_snapshot!(written);
    let (again, damage) = read(&written);
    assert_eq!(
        (again.write().0, damage),
        (written, claude_sync::format::dayfile::Damage::default())
    );
}

#[test]
fn a_text_merge_of_day_files_loses_no_record() {
    let machine = id("00616461-0000-4000-8000-000000000000");
    let day = Day::parse("2026-03-10").expect("a day");
    let line = |id: u64, session: &str| {
        format!(
            "{{\"timestamp\":\"2026-03-10T09:00:00.000Z\",\"model\":\"m\",\"input_tokens\":1,\"output_tokens\":2,\"cache_creation_tokens\":3,\"cache_read_tokens\":4,\"cost_usd\":0,\"id\":\"{id:016x}\",\"session\":\"{session}\"}}\n"
        )
    };
    let head = "{\"version\":\"1.1\",\"machine\":\"00616461-0000-4000-8000-000000000000\",\"day\":\"2026-03-10\"}\n";
    let sum = |n: u32| {
        format!("{{\"session\":\"s\",\"project_name\":\"p\",\"checksum\":\"{n:064x}\"}}\n")
    };
    let text = format!(
        "{head}<<<<<<< HEAD\n{}{}=======\n{}{}>>>>>>> other\n",
        sum(1),
        line(1, "s"),
        sum(2),
        line(2, "s")
    );
    let (file, damage) =
        DayFile::read(&machine, day, text.as_bytes(), &mut Interner::default()).expect("reads");
    assert_eq!(
        (file.records.len(), damage.lines, damage.checksums.len()),
        (2, 3, 1)
    );
}

#[test]
fn a_newer_major_version_is_never_written_over() {
    let world = World::new();
    let machine = world.machine("ada");
    machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    machine.init().sync(&[]);
    // Its own file of a later version, as it was committed here: it cannot be refreshed.
    for (path, code) in [
        ("sync/machines/00616461-0000-4000-8000-000000000000.json", 5),
        ("sync/manifest.json", 0),
    ] {
        let old = fs::read_to_string(machine.repo().join(path)).expect("there");
        let new = old.replace("\"version\": \"1.1\"", "\"version\": \"2.0\"");
        fs::write(machine.repo().join(path), &new).expect("written");
        machine.git(&["commit", "-qam", "what a later tool wrote"]);
        let head = machine.head();
        machine.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
        let ran = machine.try_sync(NOON, &[]);
        assert_eq!(ran.code, code, "{path}: {}", ran.err);
        assert_eq!(
            machine.git(&["show", &format!("HEAD:{path}")]),
            new,
            "{path} is as it was"
        );
        if code == 0 {
            assert_eq!(machine.fleet().0, 5, "records do not wait for a manifest");
            assert!(ran.err.contains("Update claude-sync"), "{}", ran.err);
            continue;
        }
        assert_eq!(machine.head(), head);
        machine.git(&["reset", "-q", "--hard", "HEAD~1"]);
        machine.git(&["update-ref", "refs/claude-sync/known", "HEAD"]);
    }
}
