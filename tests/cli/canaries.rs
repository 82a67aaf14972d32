//! Words that must not leave: random ones in every field of the transcripts, looked for in everything that was written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::dice::Dice;
use crate::scale::tries;
use crate::world::{Machine, NOON, World, clean, run};

/// What may be seen of one field under one setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    /// Never.
    Private,
    /// The last component of a project's path.
    Project,
    /// A session's id.
    Session,
    /// The machine's name.
    Host,
}

struct Canaries {
    dice: Dice,
    all: Vec<(Field, String)>,
}

impl Canaries {
    fn word(&mut self, field: Field) -> String {
        let letters = b"bcdfghjklmnpqrstvwxz";
        let word: String = (0..14)
            .map(|_| char::from(letters[self.dice.below(letters.len())]))
            .collect();
        self.all.push((field, word.clone()));
        word
    }

    fn private(&mut self) -> String {
        self.word(Field::Private)
    }

    /// A line of a transcript with a word in every text.
    fn line(&mut self, n: usize, project: &str, session: &str) -> String {
        let (user, folder) = (self.private(), self.private());
        let texts: Vec<String> = (0..14).map(|_| self.private()).collect();
        let [
            branch,
            version,
            prompt,
            title,
            tool,
            host,
            uuid,
            parent,
            kind,
            slug,
            agent,
            text,
            entrypoint,
            custom,
        ] = &texts[..]
        else {
            unreachable!()
        };
        let (message, request) = (self.private(), self.private());
        format!(
            "{{\"type\":\"assistant\",\"timestamp\":\"2026-03-10T{:02}:{:02}:{:02}.000Z\",\"sessionId\":\"{session}\",\"cwd\":\"/home/{user}/{folder}/{project}\",\
             \"gitBranch\":\"{branch}\",\"version\":\"{version}\",\"userType\":\"{kind}\",\"hostname\":\"{host}\",\"uuid\":\"{uuid}\",\"parentUuid\":\"{parent}\",\"slug\":\"{slug}\",\
             \"agentId\":\"{agent}\",\"isSidechain\":true,\"entrypoint\":\"{entrypoint}\",\"attributionAgent\":\"{custom}\",\"requestId\":\"{request}\",\"prompt\":\"{prompt}\",\"summary\":\"{title}\",\"toolUseResult\":{{\"stdout\":\"{tool}\"}},\
             \"message\":{{\"id\":\"{message}\",\"model\":\"claude-opus-4-8\",\"stop_reason\":\"end_turn\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\
             \"usage\":{{\"input_tokens\":{n},\"output_tokens\":5,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0}}}}}}\n",
            n / 3600 % 24,
            n / 60 % 60,
            n % 60
        )
    }
}

pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// All forms in which a word could be written down.
fn forms(word: &str) -> Vec<Vec<u8>> {
    let bytes = word.as_bytes();
    let hex = hex(bytes);
    let mut out = vec![
        bytes.to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
    ];
    out.push(word.encode_utf16().flat_map(u16::to_le_bytes).collect());
    out.push(word.encode_utf16().flat_map(u16::to_be_bytes).collect());
    // Base64 of a text that has the word anywhere in it: three shifts, their borders cut off.
    for shift in 0..3 {
        let padded = [&vec![0; shift][..], bytes].concat();
        let coded = base64(&padded);
        let from = (shift * 8).div_ceil(6);
        let to = (padded.len() * 8) / 6;
        out.push(coded.as_bytes()[from..to].to_vec());
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    bits.chunks(6)
        .map(|six| {
            char::from(
                letters[(0..6).fold(0, |all, at| {
                    all << 1 | usize::from(six.get(at) == Some(&true))
                })],
            )
        })
        .collect()
}

/// Everything that a sync wrote anywhere but into the transcripts: objects unpacked, and all files as they are.
fn written(world: &World, machine: &Machine) -> Vec<u8> {
    let mut out = Vec::new();
    for repo in [machine.repo(), world.path().join("remote.git")] {
        let all = world.git(
            &repo,
            &[
                "cat-file",
                "--batch-all-objects",
                "--batch-check=%(objectname) %(objecttype)",
            ],
        );
        for (id, kind) in all.lines().filter_map(|line| line.split_once(' ')) {
            out.extend(
                world
                    .git(
                        &repo,
                        &["cat-file", if kind == "tree" { "-p" } else { kind }, id],
                    )
                    .into_bytes(),
            );
        }
    }
    let mut folders = vec![
        machine.home.join(".local"),
        machine.home.join("tmp"),
        world.path().join("remote.git"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            out.extend(entry.file_name().to_string_lossy().as_bytes());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => out.extend(fs::read(entry.path()).unwrap_or_default()),
            }
        }
    }
    out
}

/// Every place of a text at which a word could begin, by its first eight bytes.
fn seen(haystack: &[u8], words: &[(Field, String)]) -> BTreeSet<(usize, Field)> {
    let mut starts: std::collections::HashMap<[u8; 8], Vec<(usize, Vec<u8>)>> =
        std::collections::HashMap::new();
    for (at, (_, word)) in words.iter().enumerate() {
        for form in forms(word) {
            let key: [u8; 8] = form[..8].try_into().expect("long enough");
            starts.entry(key).or_default().push((at, form));
        }
    }
    let mut out = BTreeSet::new();
    for at in 0..haystack.len().saturating_sub(7) {
        let key: [u8; 8] = haystack[at..at + 8].try_into().expect("eight");
        for (word, form) in starts.get(&key).into_iter().flatten() {
            if haystack[at..].starts_with(form) {
                out.insert((*word, words[*word].0));
            }
        }
    }
    out
}

impl PartialOrd for Field {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Field {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

/// Syncs with a setting, and returns which fields are seen outside the transcripts.
fn leaks(privacy: &str, flags: &[&str], seed: u64, words: u32) -> BTreeSet<Field> {
    let world = World::new();
    let mut canaries = Canaries {
        dice: Dice::new(seed),
        all: Vec::new(),
    };
    let host = canaries.word(Field::Host);
    let machine = world.machine("ada");
    let mut n = 0;
    while canaries.all.len() < words as usize {
        let (project, session) = (canaries.word(Field::Project), canaries.word(Field::Session));
        let user = canaries.private();
        let text: String = (0..3)
            .map(|_| {
                n += 1;
                canaries.line(n, &project, &session)
            })
            .collect();
        // Lines that are broken are talked about: not with their text.
        let broken = format!("{{\"usage\":\"{}\",\"type\":\n", canaries.private());
        machine.write(
            &format!(".claude/projects/-home-{user}-{project}/{session}.jsonl"),
            &(text + &broken),
        );
    }
    machine.write(
        ".config/claude-sync/config.json",
        &format!("{{\"privacy_settings\":{privacy}}}"),
    );
    fs::create_dir_all(machine.home.join("tmp")).expect("a folder");
    let synced_with = |args: &[&str]| {
        let mut command = machine.command("claude-sync", NOON);
        command
            .env("CLAUDE_SYNC_HOSTNAME", &host)
            .env("TMPDIR", machine.home.join("tmp"));
        run(command.args(args))
    };
    if privacy.contains("hash") || privacy.contains("at-rest") {
        assert_eq!(synced_with(&["key", "init"]).code, 0);
    }
    assert_eq!(synced_with(&["init", &world.remote()]).code, 0);
    let synced = synced_with(flags);
    assert_eq!(synced.code, 0, "{}", synced.err);
    let mut text = written(&world, &machine);
    // File names of transcripts are named in messages on this machine, where that helps their owner; their text never is.
    text.extend(synced.out.as_bytes());
    let quiet: String = synced
        .err
        .lines()
        .map(|line| line.split_once(".jsonl:").map_or(line, |(_, rest)| rest))
        .collect();
    text.extend(quiet.as_bytes());
    // What git itself says with the same data.
    let mut git = std::process::Command::new("git");
    clean(&mut git, &machine.home);
    text.extend(
        run(git
            .arg("-C")
            .arg(machine.repo())
            .args(["log", "--format=raw", "--all"]))
        .out
        .as_bytes(),
    );
    seen(&text, &canaries.all)
        .into_iter()
        .map(|(_, field)| field)
        .collect()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn nothing_leaves_but_what_the_table_says() {
    // As the table in SECURITY.md has it.
    let words = tries(400, 2_500);
    let all: BTreeSet<Field> = [Field::Project, Field::Session, Field::Host].into();
    let without = |gone: &[Field]| {
        all.iter()
            .copied()
            .filter(|field| !gone.contains(field))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(leaks("{}", &[], 1, words), all, "by default");
    assert_eq!(
        leaks("{\"exclude_project_names\":true}", &[], 2, words),
        without(&[Field::Project]),
        "exclude_project_names"
    );
    assert_eq!(
        leaks("{\"project_names\":\"hash\"}", &[], 3, words),
        without(&[Field::Project]),
        "project_names: hash"
    );
    assert_eq!(
        leaks("{\"anonymize_hostname\":true}", &[], 4, words),
        without(&[Field::Host]),
        "anonymize_hostname"
    );
    assert_eq!(
        leaks("{}", &["--summary-only"], 5, words),
        all,
        "--summary-only"
    );
}

#[test]
fn with_encryption_nothing_is_seen_in_the_remote() {
    let world = World::new();
    let mut canaries = Canaries {
        dice: Dice::new(6),
        all: Vec::new(),
    };
    let host = canaries.word(Field::Host);
    let machine = world.machine("ada");
    for n in 0..30 {
        let (project, session) = (canaries.word(Field::Project), canaries.word(Field::Session));
        let line = canaries.line(n, &project, &session);
        machine.write(&format!(".claude/projects/p/{session}.jsonl"), &line);
    }
    machine.write(
        ".config/claude-sync/config.json",
        "{\"privacy_settings\":{\"encryption\":\"at-rest\"}}",
    );
    let synced_with = |args: &[&str]| {
        let out = run(machine
            .command("claude-sync", NOON)
            .env("CLAUDE_SYNC_HOSTNAME", &host)
            .args(args));
        assert_eq!(out.code, 0, "{}", out.err);
    };
    synced_with(&["key", "init"]);
    synced_with(&["init", &world.remote()]);
    synced_with(&[]);
    let remote = world.path().join("remote.git");
    let mut text = objects(&world, &remote);
    text.extend(objects(&world, &machine.repo()));
    assert_eq!(seen(&text, &canaries.all), BTreeSet::new());
}

fn objects(world: &World, repo: &Path) -> Vec<u8> {
    let all = world.git(
        repo,
        &[
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objectname) %(objecttype)",
        ],
    );
    all.lines()
        .filter_map(|line| line.split_once(' '))
        .flat_map(|(id, kind)| {
            world
                .git(
                    repo,
                    &["cat-file", if kind == "tree" { "-p" } else { kind }, id],
                )
                .into_bytes()
        })
        .collect()
}
