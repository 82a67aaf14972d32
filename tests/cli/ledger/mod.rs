//! Claude Code's own account (`cost-state`): totals that equal it, whatever happens to the transcripts, and never more than was used.

mod captures;
mod forks;
mod shown;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::world::{Machine, World};

const OPUS: &str = "claude-opus-4-8";

const HAIKU: &str = "claude-haiku-4-5";

/// A transcript in the making.
#[derive(Clone, Default)]
struct Log {
    session: String,
    text: String,
}

impl Log {
    fn new(session: &str) -> Self {
        Self {
            session: session.to_owned(),
            text: String::new(),
        }
    }

    /// A request at a minute of 2026-03-10, with its input and output as far as they were logged.
    fn asks(mut self, request: u32, minute: u32, model: &str, [input, output]: [u64; 2]) -> Self {
        let session = self.session.clone();
        self.text += &request_line(
            &session,
            request,
            &at(minute),
            model,
            [input, output],
            &json!({}),
        );
        self
    }

    /// The account: by model input and output.
    fn ends(mut self, start: u64, models: &[(&str, [u64; 2])]) -> Self {
        self.text += &state_line(&self.session, start, models);
        self
    }

    /// The rows of another transcript, as a fork has them; with the mark that `/branch` makes, if there is one.
    fn copies(mut self, other: &Self, mark: bool) -> Self {
        for line in other
            .text
            .lines()
            .filter(|line| !line.contains("cost-state"))
        {
            let mut value: Value = serde_json::from_str(line).expect("JSON");
            value["sessionId"] = self.session.as_str().into();
            if mark {
                value["forkedFrom"] = json!({ "sessionId": other.session, "messageUuid": "00000000-0000-4000-8000-000000000000" });
            }
            let _ = writeln!(self.text, "{value}");
        }
        self
    }

    fn write(&self, machine: &Machine) {
        machine.write(
            &format!(".claude/projects/p/{}.jsonl", self.session),
            &self.text,
        );
    }
}

fn at(minute: u32) -> String {
    format!(
        "2026-03-{:02}T{:02}:{:02}:00.000Z",
        10 + minute / 1440,
        minute / 60 % 24,
        minute % 60
    )
}

fn request_line(
    session: &str,
    request: u32,
    time: &str,
    model: &str,
    [input, output]: [u64; 2],
    more: &Value,
) -> String {
    let mut line = json!({
        "type": "assistant", "timestamp": time, "sessionId": session, "cwd": "/home/someone/work/shop", "requestId": format!("req_{request}"),
        "message": {
            "id": format!("msg_01AbCdEf{request:016}"), "model": model, "stop_reason": "end_turn", "content": [],
            "usage": { "input_tokens": input, "output_tokens": output },
        },
    });
    more.as_object()
        .into_iter()
        .flatten()
        .for_each(|(key, value)| line[key] = value.clone());
    format!("{line}\n")
}

fn state_line(session: &str, start: u64, models: &[(&str, [u64; 2])]) -> String {
    let usage = |[input, output]: [u64; 2]| json!({ "inputTokens": input, "outputTokens": output, "costUSD": 1.5 });
    let models: serde_json::Map<_, _> = models
        .iter()
        .map(|(model, figures)| ((*model).to_owned(), usage(*figures)))
        .collect();
    let rest = json!({ "sessionId": session, "startTime": start, "totalCostUSD": 1.5, "modelUsage": models }).to_string();
    format!("{{\"type\":\"cost-state\",{}\n", &rest[1..])
}

/// Input and output of all that counts.
fn totals(report: &Value) -> [u64; 2] {
    ["inputTokens", "outputTokens"].map(|key| report["totals"][key].as_u64().expect("a count"))
}

/// Asserts the totals of some transcripts: on one machine by themselves and after a sync, twice; and when the transcripts are gone.
fn assert_alone(logs: &[&Log], expected: [u64; 2]) {
    let world = World::new();
    let ada = world.machine("ada");
    logs.iter().for_each(|log| log.write(&ada));
    assert_eq!(
        totals(&ada.report(&["daily", "--source=local"])),
        expected,
        "the transcripts alone"
    );
    ada.init().sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), expected, "after a sync");
    let head = ada.head();
    ada.sync(&["--mode=full"]);
    assert_eq!(
        ada.head(),
        head,
        "reading everything once more changes nothing"
    );
    std::fs::remove_dir_all(ada.home.join(".claude/projects")).expect("removed");
    std::fs::remove_dir_all(ada.state()).expect("removed");
    ada.sync(&["--mode=full"]);
    assert_eq!(
        totals(&ada.report(&["daily"])),
        expected,
        "when the transcripts are gone"
    );
    ada.write(
        ".config/claude-sync/config.json",
        "{\"summary_only\":true,\"privacy_settings\":{\"retention_days\":1}}",
    );
    ada.sync_at("2026-06-10T12:00:00Z", &[]);
    assert_eq!(totals(&ada.report(&["daily"])), expected, "after retention");
}

fn session() -> Log {
    Log::new("one")
        .asks(1, 600, OPUS, [10, 300])
        .asks(2, 605, OPUS, [10, 200])
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn what_stands_in_no_request_line_counts() {
    let side = session().ends(7, &[(OPUS, [40, 1400]), (HAIKU, [100, 50])]);
    assert_alone(&[&side], [140, 1450]);
    let twice = side
        .clone()
        .ends(7, &[(OPUS, [40, 1400]), (HAIKU, [100, 50])]);
    assert_alone(&[&twice], [140, 1450]);
}

#[test]
fn an_account_goes_on_when_the_session_does() {
    let resumed = session()
        .ends(7, &[(OPUS, [20, 700])])
        .asks(3, 900, OPUS, [10, 500])
        .ends(7, &[(OPUS, [30, 1500])]);
    assert_alone(&[&resumed], [30, 1500]);
    // Over midnight, and two days later.
    let days = resumed
        .asks(4, 1439, OPUS, [10, 10])
        .asks(5, 1445, OPUS, [10, 10])
        .ends(7, &[(OPUS, [50, 1550])]);
    assert_alone(
        &[&days
            .clone()
            .asks(6, 4000, OPUS, [1, 1])
            .ends(7, &[(OPUS, [60, 1600])])],
        [60, 1600],
    );
}

#[test]
fn requests_after_the_last_state_stand_alone() {
    let killed = session()
        .ends(7, &[(OPUS, [20, 700])])
        .asks(3, 900, OPUS, [10, 500]);
    assert_alone(&[&killed], [30, 1200]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn an_account_that_says_less_changes_nothing() {
    assert_alone(&[&session().ends(7, &[(OPUS, [20, 400])])], [20, 500]);
    assert_alone(&[&session().ends(7, &[(OPUS, [90, 10])])], [90, 500]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn names_of_one_price_are_one_model() {
    assert_alone(
        &[&session().ends(7, &[("claude-opus-4-8[1m]", [20, 600])])],
        [20, 600],
    );
    assert_alone(
        &[&session().ends(7, &[("us.anthropic.claude-opus-4-8", [20, 600])])],
        [20, 600],
    );
}

/// The machine file has copies of the newest request and of the increment: when they come back from
/// there, the account was settled with that request.
#[test]
fn what_comes_back_from_the_machine_file_is_taken_from_no_account() {
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    session().ends(7, &[(OPUS, [40, 1400])]).write(&ada);
    Log::new("next").asks(8, 2000, OPUS, [1, 1]).write(&ada);
    ada.init().sync(&[]);
    bob.init();
    bob.git(&["rm", "-q", "sync/archive/2026/03/*/10.jsonl"]);
    bob.git(&["commit", "-q", "-m", "Delete a day by hand"]);
    bob.git(&["push", "-q", "--no-verify"]);
    std::fs::remove_dir_all(ada.repo()).expect("removed");
    std::fs::remove_dir_all(ada.home.join(".claude/projects")).expect("removed");
    Log::new("two").asks(9, 2100, OPUS, [1, 1]).write(&ada);
    ada.init().sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [32, 1102]);
}

#[test]
fn a_transcript_without_requests_has_an_account() {
    assert_alone(
        &[&Log::new("one").ends(1_773_000_000_000, &[(HAIKU, [5, 9])])],
        [5, 9],
    );
    // It says that it began in the future.
    assert_alone(
        &[&Log::new("one").ends(99_773_000_000_000, &[(HAIKU, [5, 9])])],
        [5, 9],
    );
}

#[test]
fn a_subagents_lines_are_part_of_the_account_wherever_they_are_read() {
    let one = session().ends(7, &[(OPUS, [40, 1400])]);
    let line = request_line(
        "one",
        3,
        &at(606),
        OPUS,
        [10, 1],
        &json!({ "isSidechain": true }),
    );
    let finished = request_line(
        "one",
        3,
        &at(606),
        OPUS,
        [10, 400],
        &json!({ "isSidechain": true }),
    );
    let world = World::new();
    let (ada, bob) = (world.machine("ada"), world.machine("bob"));
    let agent = ".claude/projects/p/one/subagents/agent-x.jsonl";
    one.write(&ada);
    ada.write(agent, &line);
    ada.init().sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [40, 1400]);
    // The finished row comes later, and so does a request that nobody had seen.
    ada.write(agent, &(line.clone() + &finished));
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [40, 1400]);
    ada.write(
        agent,
        &(line
            + &finished
            + &request_line(
                "one",
                4,
                &at(604),
                OPUS,
                [10, 200],
                &json!({ "isSidechain": true }),
            )),
    );
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [40, 1400]);
    // Another machine has the session without its subagents.
    one.write(&bob);
    bob.init().sync(&[]);
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [40, 1400]);
    assert_eq!(totals(&bob.report(&["daily"])), [40, 1400]);
}

#[test]
fn a_transcript_that_is_cut_or_written_anew_counts_once() {
    let world = World::new();
    let ada = world.machine("ada");
    let first = session().ends(7, &[(OPUS, [20, 700])]);
    let whole = first
        .clone()
        .asks(3, 900, OPUS, [10, 500])
        .ends(7, &[(OPUS, [30, 1500])]);
    whole.write(&ada);
    ada.init().sync(&[]);
    first.write(&ada);
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [30, 1500]);
    // Only its end is left.
    let end: String = whole
        .text
        .lines()
        .skip(3)
        .fold(String::new(), |text, line| text + line + "\n");
    ada.write(".claude/projects/p/one.jsonl", &end);
    ada.sync(&["--mode=full"]);
    assert_eq!(totals(&ada.report(&["daily"])), [30, 1500]);
}

#[test]
fn odd_accounts_do_no_harm() {
    let odd = [
        "{\"type\":\"cost-state\"}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":null}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":[1,2]}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":{\"m\":7,\"n\":null,\"o\":{\"inputTokens\":\"many\"}}}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":-7,\"modelUsage\":{\"claude-opus-4-8\":{\"inputTokens\":1}}}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":{\"claude-opus-4-8\":{\"inputTokens\":-1}}}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":{\"claude-opus-4-8\":{\"inputTokens\":1e300}}}",
        "{\"type\":\"cost-state\",\"sessionId\":\"one\",\"startTime\":7,\"modelUsage\":{\"claude-opus-4-8\":{\"inputTokens\":99999999999999999999}}}",
    ];
    let mut log = session();
    log.text += &odd.join("\n");
    log.text += "\n";
    let many: Vec<(String, [u64; 2])> = (0..500).map(|n| (format!("model-{n}"), [1, 1])).collect();
    let many: Vec<_> = many
        .iter()
        .map(|(model, figures)| (model.as_str(), *figures))
        .collect();
    assert_alone(&[&log.ends(7, &many)], [20, 500]);
}

#[test]
fn no_text_of_an_account_leaves() {
    let world = World::new();
    let ada = world.machine("ada");
    let secret = "cAnArY";
    let mut log = session();
    log.text += &format!(
        "{{\"type\":\"cost-state\",\"sessionId\":\"{secret} one\",\"note\":\"{secret}\",\"startTime\":7,\"modelUsage\":{{\"{secret} model\":{{\"inputTokens\":5,\
         \"outputTokens\":6,\"{secret}\":7}},\"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8\":{{\"inputTokens\":900}}}}}}\n"
    );
    log.write(&ada);
    ada.init().sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [905, 506]);
    let seen = world.stored(&world.path().join("remote.git"));
    assert!(
        !seen.contains(secret) && !seen.contains("123456789012"),
        "{seen}"
    );
    let state = std::fs::read_dir(ada.state()).expect("a folder").flatten();
    for file in state.filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).expect("reads");
        assert!(
            memchr::memmem::find(&bytes, secret.as_bytes()).is_none(),
            "{:?}",
            file.path()
        );
    }
}
