//! Transcripts that are cut, flipped and changed while they are read; and what a machine that means harm could push.

mod transcripts;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::scale::long;
use crate::world::{Machine, NOON, World, transcript};

/// Another machine's clone, by which things are pushed that claude-sync never writes.
struct Attacker<'w> {
    world: &'w World,
    clone: std::path::PathBuf,
}

impl<'w> Attacker<'w> {
    fn new(world: &'w World) -> Self {
        let clone = world.path().join("attacker");
        world.git(
            world.path(),
            &["clone", "-q", &world.remote(), &clone.display().to_string()],
        );
        Self { world, clone }
    }

    fn git(&self, args: &[&str]) -> String {
        self.world.git(&self.clone, args)
    }

    fn write(&self, path: &str, text: &[u8]) {
        let path = self.clone.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    /// Puts something into the index as git itself would take it from a hostile pack.
    fn stage(&self, mode: &str, path: &str, bytes: &[u8]) {
        let file = self.world.path().join("staged");
        fs::write(&file, bytes).expect("written");
        let id = if mode == "160000" {
            "1".repeat(40)
        } else {
            self.git(&["hash-object", "-w", &file.display().to_string()])
                .trim()
                .to_owned()
        };
        self.git(&[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("{mode},{id},{path}"),
        ]);
    }

    fn push(&self, what: &str) {
        self.git(&["commit", "-q", "--allow-empty", "-m", what]);
        self.git(&["push", "-q", "origin", "HEAD:main"]);
    }
}

const EVE: &str = "eeeeeeee-0000-4000-8000-000000000000";

fn page(uuid: &str, hostname: &str, more: &str) -> String {
    format!(
        "{{\"version\":\"1.1\",\"machine\":{{\"uuid\":\"{uuid}\",\"hostname\":\"{hostname}\",\"updated_at\":\"2026-03-10T00:00:00Z\"}},\"sync_metadata\":{{}},\"usage_summary\":{{}},\"sessions\":{{}}{more}}}"
    )
}

fn header(uuid: &str) -> String {
    format!("{{\"version\":\"1.1\",\"machine\":\"{uuid}\",\"day\":\"2026-03-10\"}}\n")
}

/// A name, and what the attacker does.
type Attack = (&'static str, Box<dyn Fn(&Attacker)>);

#[test]
#[ignore = "slow: run with --include-ignored"]
fn whatever_another_machine_pushes_ours_stay_right() {
    let day = format!("sync/archive/2026/03/{EVE}/10.jsonl");
    let line = "{\"timestamp\":\"2026-03-10T00:00:00Z\",\"model\":\"claude-opus-4-8\",\"input_tokens\":N,\"output_tokens\":1,\"session\":\"s\",\"id\":\"0123456789abcdef\"}\n";
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let put = |name: &'static str, mode: &'static str, path: String, bytes: Vec<u8>| -> Attack {
        (
            name,
            Box::new(move |eve: &Attacker| eve.stage(mode, &path, &bytes)),
        )
    };
    let attacks: Vec<Attack> = vec![
        put(
            "a link to a secret",
            "120000",
            format!("sync/machines/{EVE}.json"),
            b"/etc/passwd".to_vec(),
        ),
        put(
            "a link as a folder",
            "120000",
            format!("sync/archive/2026/03/{EVE}"),
            b"../../../../..".to_vec(),
        ),
        put(
            "a submodule",
            "160000",
            format!("sync/machines/{EVE}.json"),
            Vec::new(),
        ),
        put(
            "attributes of its own",
            "100644",
            "sync/.gitattributes".to_owned(),
            b"* merge=ours filter=evil -diff\n".to_vec(),
        ),
        put(
            "modules",
            "100644",
            ".gitmodules".to_owned(),
            b"[submodule \"x\"]\n\tpath = x\n\turl = --upload-pack=touch\n".to_vec(),
        ),
        put(
            "a twin in capitals",
            "100644",
            format!("sync/machines/{}.json", EVE.to_uppercase()),
            page(&EVE.to_uppercase(), "eve", "").into_bytes(),
        ),
        put(
            "an id that is none",
            "100644",
            "sync/machines/not-an-id.json".to_owned(),
            page("not-an-id", "eve", "").into_bytes(),
        ),
        put(
            "a reserved name",
            "100644",
            "sync/machines/CON.json".to_owned(),
            page(EVE, "eve", "").into_bytes(),
        ),
        put(
            "another's page",
            "100644",
            format!("sync/machines/{EVE}.json"),
            page("00616461-0000-4000-8000-000000000000", "eve", "").into_bytes(),
        ),
        put(
            "a program",
            "100755",
            format!("sync/machines/{EVE}.json"),
            page(EVE, "eve", "").into_bytes(),
        ),
        put(
            "counters beyond 2^64",
            "100644",
            day.clone(),
            (header(EVE) + &line.replace('N', "99999999999999999999999")).into_bytes(),
        ),
        put(
            "counters that add up beyond 2^64",
            "100644",
            day.clone(),
            (header(EVE)
                + &line.replace('N', "9007199254740992")
                + &line
                    .replace('N', "9007199254740992")
                    .replace("0123", "1123"))
                .into_bytes(),
        ),
        put(
            "1e999",
            "100644",
            day.clone(),
            (header(EVE) + &line.replace('N', "1e999")).into_bytes(),
        ),
        put(
            "negative counters",
            "100644",
            day.clone(),
            (header(EVE) + &line.replace('N', "-5")).into_bytes(),
        ),
        put(
            "deep nesting",
            "100644",
            day.clone(),
            (header(EVE) + &format!("{{\"x\":{deep}}}\n")).into_bytes(),
        ),
        put(
            "a deep page",
            "100644",
            format!("sync/machines/{EVE}.json"),
            page(EVE, "eve", &format!(",\"x\":{deep}")).into_bytes(),
        ),
        put(
            "members twice",
            "100644",
            day.clone(),
            (header(EVE)
                + &line
                    .replace('N', "1")
                    .replace("\"model\"", "\"input_tokens\":7,\"model\""))
                .into_bytes(),
        ),
        put(
            "bytes that are no text",
            "100644",
            day.clone(),
            [header(EVE).as_bytes(), &[0, 255, 254, 10, 192, 128, 10]].concat(),
        ),
        put(
            "escapes in a name",
            "100644",
            format!("sync/machines/{EVE}.json"),
            page(EVE, "\\u001b[2J\\u202eevil\\u0007", "").into_bytes(),
        ),
        put(
            "escapes in a path",
            "100644",
            "sync/\u{1b}[31m\u{202e}.json".to_owned(),
            b"{}".to_vec(),
        ),
        put(
            "a manifest of lies",
            "100644",
            "sync/manifest.json".to_owned(),
            b"{\"version\":\"1.1\",\"machines\":{},\"global_summary\":{\"total_requests\":999999}}"
                .to_vec(),
        ),
        put(
            "conflict markers",
            "100644",
            day.clone(),
            (header(EVE) + "<<<<<<< a\n=======\n>>>>>>> b\n").into_bytes(),
        ),
    ];
    for (name, attack) in &attacks {
        let world = World::new();
        let ada = world.machine("ada");
        ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
        ada.init().sync(&[]);
        let eve = Attacker::new(&world);
        attack(&eve);
        eve.push(name);
        ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
        let out = ada.try_sync(NOON, &[]);
        assert_eq!(out.code, 0, "{name}: {}{}", out.out, out.err);
        for text in [
            &out.out,
            &out.err,
            &ada.track(&["machines"]).out,
            &ada.try_sync(NOON, &["log"]).out,
            &ada.try_sync(NOON, &["verify"]).out,
        ] {
            assert!(
                !text.contains(['\u{1b}', '\u{202e}', '\u{7}']),
                "{name}: an escape reached the terminal: {text:?}"
            );
        }
        let links = Command::new("find")
            .arg(ada.repo())
            .args(["-type", "l"])
            .output()
            .expect("find runs")
            .stdout;
        assert!(
            links.is_empty(),
            "{name}: a link came into the work tree: {}",
            String::from_utf8_lossy(&links)
        );
        let machines = ada.report(&["machines"]);
        let mine = machines["machines"]
            .as_array()
            .expect("machines")
            .iter()
            .find(|machine| machine["machineId"] == "00616461-0000-4000-8000-000000000000");
        assert_eq!(
            mine.map(|mine| mine["requests"].as_u64()),
            Some(Some(5)),
            "{name}: {machines}"
        );
        let driver = ada.git(&["check-attr", "merge", "--", &day]);
        assert!(
            driver.trim().ends_with("merge: claude-sync"),
            "{name}: {driver}"
        );
    }
}

#[test]
fn a_larger_row_for_another_machines_request_is_flagged() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    let eve = Attacker::new(&world);
    let mine = ada
        .files()
        .into_iter()
        .find(|(path, _)| path.contains("/archive/"))
        .expect("a day file")
        .1;
    let line = mine
        .lines()
        .find(|line| line.contains("\"output_tokens\":101"))
        .expect("a record")
        .replace("\"output_tokens\":101", "\"output_tokens\":99999999");
    eve.write(
        &format!("sync/archive/2026/03/{EVE}/10.jsonl"),
        (header(EVE) + &line + "\n").as_bytes(),
    );
    eve.git(&["add", "-A"]);
    eve.push("raise");
    let out = ada.try_sync(NOON, &[]);
    assert_eq!(out.code, 0, "{}", out.err);
    assert!(
        out.err
            .contains("machines have different figures for 1 request"),
        "{}",
        out.err
    );
    assert_eq!(
        ada.manifest_json()["conflicts"]
            .as_array()
            .map(|all| all.iter().any(|one| one["code"] == "unequal-records")),
        Some(true)
    );
}

/// Sizes are looked at before anything is read.
#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_huge_file_and_a_huge_tree_are_passed_by() {
    let world = World::new();
    let ada = world.machine("ada");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..3));
    ada.init().sync(&[]);
    let eve = Attacker::new(&world);
    let megabytes = if long() { 1024 } else { 80 };
    let file = world.path().join("huge");
    fs::File::create(&file)
        .and_then(|file| file.set_len(megabytes << 20))
        .expect("a file");
    let id = eve.git(&[
        "-c",
        "core.bigFileThreshold=1m",
        "hash-object",
        "-w",
        &file.display().to_string(),
    ]);
    eve.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("100644,{},sync/machines/{EVE}.json", id.trim()),
    ]);
    let entries = if long() { 1_000_000 } else { 20_000 };
    let empty = eve.git(&["hash-object", "-w", "/dev/null"]);
    let list: String = (0..entries)
        .map(|n| {
            format!(
                "100644 {},sync/archive/2026/03/{EVE}/junk/{n:07}\n",
                empty.trim()
            )
            .replace(',', "\t")
        })
        .collect();
    let mut index = Command::new("git")
        .arg("-C")
        .arg(&eve.clone)
        .args(["update-index", "--index-info"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("runs");
    index
        .stdin
        .take()
        .expect("a pipe")
        .write_all(list.as_bytes())
        .expect("written");
    assert!(index.wait().expect("ends").success());
    eve.push("huge");
    ada.write(".claude/projects/p/s.jsonl", &transcript("s1", 0..5));
    let inner: &Machine = &ada;
    let out = inner.try_sync(NOON, &[]);
    assert_eq!(out.code, 0, "{}{}", out.out, out.err);
    assert_eq!(inner.fleet().0, 5);
    assert!(out.err.contains("left out (too-large)"), "{}", out.err);
    // Neither is in the work tree, and git misses nothing there.
    assert!(
        !inner
            .repo()
            .join(format!("sync/archive/2026/03/{EVE}"))
            .exists()
    );
    assert!(
        !inner
            .repo()
            .join(format!("sync/machines/{EVE}.json"))
            .exists()
    );
    assert_eq!(inner.git(&["status", "--porcelain"]), "");
}
