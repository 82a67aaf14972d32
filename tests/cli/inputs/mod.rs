//! Inputs as people have them, each a session of one fleet: endpoints that send no request id, names of models, iterations, subagents,
//! profiles and folders. One machine has the whole transcripts, the other copies that lack their last lines; both show the same.

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use cases::{folders, identities, names, rows};

use crate::world::{Machine, World};

/// A session, and what counts of it.
struct Input {
    name: String,
    /// Files below the home, by path.
    files: Vec<(String, Vec<String>)>,
    requests: u64,
    output: u64,
    /// In USD; none where the price is not known.
    cost: Option<&'static str>,
    project: &'static str,
}

/// A row of a transcript. `more` are members of the row, each with a comma behind it.
struct Row<'a> {
    second: u32,
    id: &'a str,
    model: &'a str,
    usage: &'a str,
    more: &'a str,
    done: bool,
}

const OPUS: &str = "claude-opus-4-8";

fn row<'a>(second: u32, id: &'a str, usage: &'a str) -> Row<'a> {
    Row {
        second,
        id,
        model: OPUS,
        usage,
        more: "",
        done: true,
    }
}

impl<'a> Row<'a> {
    fn more(self, more: &'a str) -> Self {
        Self { more, ..self }
    }

    fn model(self, model: &'a str) -> Self {
        Self { model, ..self }
    }

    fn open(self) -> Self {
        Self {
            done: false,
            ..self
        }
    }

    /// As a line of a session on a day.
    fn line(&self, session: &str, day: &str) -> String {
        let Self {
            second,
            id,
            model,
            usage,
            more,
            done,
        } = self;
        let cwd = if more.contains("\"cwd\"") {
            ""
        } else {
            "\"cwd\":\"/home/someone/work/shop\","
        };
        let stop = if *done { "\"end_turn\"" } else { "null" };
        format!(
            "{{\"type\":\"assistant\",\"timestamp\":\"{day}T08:{:02}:{:02}.000Z\",\"sessionId\":\"{session}\",{cwd}{more}\"uuid\":\"u-{session}-{second}\",\
             \"message\":{{\"id\":\"{id}\",\"model\":\"{model}\",\"stop_reason\":{stop},\"content\":[],\"usage\":{usage}}}}}\n",
            second / 60,
            second % 60
        )
    }
}

/// Usage of so many tokens of input and output.
fn used(input: u64, output: u64) -> String {
    format!("{{\"input_tokens\":{input},\"output_tokens\":{output}}}")
}

#[derive(Default)]
struct Inputs(Vec<Input>);

impl Inputs {
    fn add(
        &mut self,
        name: &str,
        rows: &[Row],
        (requests, output, cost): (u64, u64, Option<&'static str>),
    ) {
        self.add_on(name, "2026-03-10", rows, (requests, output, cost));
    }

    fn add_on(
        &mut self,
        name: &str,
        day: &str,
        rows: &[Row],
        (requests, output, cost): (u64, u64, Option<&'static str>),
    ) {
        let lines = rows.iter().map(|row| row.line(name, day)).collect();
        self.0.push(Input {
            name: name.to_owned(),
            files: vec![(format!(".claude/projects/p/{name}.jsonl"), lines)],
            requests,
            output,
            cost,
            project: "shop",
        });
    }

    /// Puts the rows of the last input that `is` picks into another file.
    fn moved(&mut self, path: &str, from: usize) -> &mut Input {
        let input = self.0.last_mut().expect("an input");
        let lines = input.files[0].1.split_off(from);
        input
            .files
            .push((path.replace("SESSION", &input.name), lines));
        input.files.retain(|(_, lines)| !lines.is_empty());
        input
    }
}

/// What a report by session shows: requests, output, cost where it is known, and project.
fn shown(machine: &Machine, args: &[&str]) -> BTreeMap<String, (u64, u64, Option<String>, String)> {
    let report = machine.report(&[&["session"], args].concat());
    let one = |session: &serde_json::Value| {
        let cost = session["costKnown"]
            .as_bool()?
            .then(|| session["totalCost"].to_string());
        let figures = (
            session["requests"].as_u64()?,
            session["outputTokens"].as_u64()?,
            cost,
            session["projectPath"].as_str()?.to_owned(),
        );
        Some((session["sessionId"].as_str()?.to_owned(), figures))
    };
    report["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .map(|session| one(session).expect("figures"))
        .collect()
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn inputs_as_people_have_them_count_once_and_at_their_price() {
    let mut all = Inputs::default();
    identities(&mut all);
    names(&mut all);
    rows(&mut all);
    folders(&mut all);
    let names: BTreeSet<_> = all.0.iter().map(|input| &input.name).collect();
    assert_eq!(names.len(), all.0.len(), "each is a session of its own");
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    for (path, lines) in all.0.iter().flat_map(|input| &input.files) {
        ada.write(path, &lines.concat());
        bob.write(path, &lines[..lines.len().div_ceil(2)].concat());
    }
    for machine in [&ada, &bob] {
        machine.write(
            ".config/claude-sync/config.json",
            "{\"transcripts\":{\"folders\":[\"~/.claude-work\"]}}",
        );
        machine.init();
    }
    bob.sync(&[
        "price",
        "set",
        "secret-model-of-mine",
        "--input",
        "0.5",
        "--output",
        "1.5",
    ]);
    bob.sync(&[]);
    ada.sync(&[]);
    bob.sync(&[]);
    let want: BTreeMap<_, _> = all
        .0
        .iter()
        .map(|input| {
            (
                input.name.clone(),
                (
                    input.requests,
                    input.output,
                    input.cost.map(str::to_owned),
                    input.project.to_owned(),
                ),
            )
        })
        .collect();
    for (who, seen) in [
        ("ada", shown(&ada, &[])),
        ("bob", shown(&bob, &[])),
        ("local", shown(&ada, &["--source=local"])),
    ] {
        let wrong: Vec<_> = want
            .iter()
            .filter(|(name, figures)| seen.get(*name) != Some(*figures))
            .map(|(name, figures)| (name, figures, seen.get(name)))
            .collect();
        assert!(wrong.is_empty(), "{who}: {wrong:?}");
        assert_eq!(seen.len(), want.len());
    }
    assert!(
        !world
            .stored(&world.path().join("remote.git"))
            .contains("123456789012"),
        "no account leaves"
    );
    ada.assert_sound();
}
