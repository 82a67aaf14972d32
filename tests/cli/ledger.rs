//! Claude Code's own account (`cost-state`): totals that equal it, whatever happens to the transcripts, and never more than was used.

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
#[ignore = "slow: run with --include-ignored"]
fn a_fork_has_the_account_of_its_original_in_it() {
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    let fork = Log::new("two")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_alone(&[&original, &fork], [30, 1150]);
    // The original goes on, and a fork is forked.
    let more = original
        .clone()
        .asks(10, 1000, OPUS, [10, 10])
        .ends(7, &[(OPUS, [40, 800])]);
    assert_alone(&[&more, &fork], [50, 1250]);
    let again = Log::new("0")
        .copies(&fork, false)
        .asks(11, 1100, OPUS, [10, 10])
        .ends(7, &[(OPUS, [50, 1200])]);
    assert_alone(&[&original, &fork, &again], [50, 1200]);
    // The names order the other way round.
    let fork = Log::new("0")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_alone(&[&original, &fork], [30, 1150]);
    // The original was killed, or is not there any more.
    let killed = session();
    assert_alone(&[&killed, &fork], [30, 1150]);
    assert_alone(&[&fork], [30, 1150]);
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn a_branch_and_a_cleared_session_begin_anew() {
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    for name in ["two", "0"] {
        let branch = Log::new(name)
            .copies(&original, true)
            .asks(9, 960, OPUS, [10, 300])
            .ends(8, &[(OPUS, [10, 350])]);
        assert_alone(&[&original, &branch], [30, 1050]);
        let cleared = Log::new(name)
            .asks(9, 960, OPUS, [10, 300])
            .ends(9, &[(OPUS, [10, 350])]);
        assert_alone(&[&original, &cleared], [30, 1050]);
    }
}

/// Two machines: each has some transcripts. What both see is asserted in each order of their syncs.
fn assert_together(adas: &[&Log], bobs: &[&Log], expected: [u64; 2]) {
    for order in [[0, 1], [1, 0]] {
        let world = World::new();
        let machines = [world.machine("ada"), world.machine("bob")];
        for (machine, logs) in machines.iter().zip([adas, bobs]) {
            logs.iter().for_each(|log| log.write(machine));
            machine.init();
        }
        for at in order.into_iter().chain(order) {
            machines[at].sync(&[]);
        }
        for machine in &machines {
            assert_eq!(
                totals(&machine.report(&["daily"])),
                expected,
                "{} of {order:?}",
                machine.name
            );
        }
        assert_eq!(machines[0].manifest(), machines[1].manifest());
    }
}

#[test]
#[ignore = "slow: run with --include-ignored"]
fn copies_on_two_machines_count_once() {
    let one = session().ends(7, &[(OPUS, [20, 700])]);
    assert_together(&[&one], &[&one], [20, 700]);
    let (here, there) = (
        one.clone()
            .asks(3, 900, OPUS, [10, 50])
            .ends(7, &[(OPUS, [30, 800])]),
        one.clone()
            .asks(4, 905, OPUS, [10, 50])
            .ends(7, &[(OPUS, [35, 790])]),
    );
    assert_together(&[&here], &[&there], [45, 890]);
    assert_together(&[&here], &[&one], [30, 800]);
    // The copy was made before the state was written.
    assert_together(&[&one], &[&session()], [20, 700]);
    // A fork where the original was copied to.
    let fork = Log::new("two")
        .copies(&one, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    assert_together(&[&one], &[&one, &fork], [30, 1150]);
    assert_together(&[&here], &[&one, &fork], [40, 1250]);
    // The original was cleaned up before it was read there.
    assert_together(&[&one], &[&fork], [30, 1150]);
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

#[test]
fn what_is_forgotten_does_not_come_back_with_a_fork() {
    let world = World::new();
    let ada = world.machine("ada");
    let original = session().ends(7, &[(OPUS, [20, 700])]);
    original.write(&ada);
    ada.init().sync(&[]);
    ada.sync(&["forget", "--session", "one", "--yes"]);
    assert_eq!(totals(&ada.report(&["daily"])), [0, 0]);
    let fork = Log::new("two")
        .copies(&original, false)
        .asks(9, 960, OPUS, [10, 300])
        .ends(7, &[(OPUS, [30, 1150])]);
    fork.write(&ada);
    ada.sync(&[]);
    // What the fork's account has beyond its own requests cannot be told from what was forgotten.
    assert_eq!(totals(&ada.report(&["daily"])), [10, 300]);
    fork.asks(10, 1000, OPUS, [1, 1])
        .ends(7, &[(OPUS, [40, 1200])])
        .write(&ada);
    ada.sync(&[]);
    assert_eq!(totals(&ada.report(&["daily"])), [20, 350]);
}

#[test]
fn reports_tell_what_stands_in_no_request_line() {
    let world = World::new();
    let ada = world.machine("ada");
    session()
        .ends(7, &[(OPUS, [40, 1400]), (HAIKU, [100, 50])])
        .write(&ada);
    ada.init().sync(&[]);
    let day = &ada.report(&["daily"])["daily"][0];
    assert_eq!(
        (&day["requests"], &day["outputTokens"]),
        (&json!(2), &json!(1450))
    );
    assert_eq!(
        (
            &day["ledger"]["requests"],
            &day["ledger"]["outputTokens"],
            &day["ledger"]["inputTokens"]
        ),
        (&json!(0), &json!(950), &json!(120))
    );
    let text = ada.track(&["daily", "-z", "UTC"]).out;
    assert!(
        text.contains("Includes 1,070 tokens, $0.02 from Claude Code's own account"),
        "{text}"
    );
    let bare = ada.report(&["daily", "--requests-only"]);
    assert_eq!(totals(&bare), [20, 500]);
    assert!(bare["daily"][0].get("ledger").is_none());
    assert!(
        !ada.track(&["daily", "-z", "UTC", "--requests-only"])
            .out
            .contains("request line")
    );
    let explained = ada.track(&["explain", "2026-03-10", "-z", "UTC"]).out;
    assert!(
        explained.contains("Claude Code's own account"),
        "{explained}"
    );
    let ledger = ada.report(&["explain", "2026-03-10"])["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter(|one| one["kind"] == "ledger")
        .count();
    assert_eq!(ledger, 2);
    // Sessions, blocks and the status line say the same.
    let all = |args: &[&str]| ada.report(args)["totals"]["outputTokens"].as_u64();
    assert_eq!(
        (all(&["session"]), all(&["monthly"]), all(&["models"])),
        (Some(1450), Some(1450), Some(1450))
    );
}

/// Nine captures of Claude Code 2.1.289 with telemetry beside them, rebuilt from their published figures
/// (<https://github.com/yermakoffivan/calyx>, fixtures of usage telemetry): run 3 resumes the session of run 2, run 6 forks it, run 7 makes
/// a branch, run 8 resumes its original from another session.
#[test]
fn published_captures_equal_their_telemetry() {
    const SONNET: &str = "claude-sonnet-5-5";
    const HAIKU: &str = "claude-haiku-4-5-20251001";
    const FABLE: &str = "claude-fable-5-1";
    type Models<'m> = &'m [(&'m str, [u64; 4])];
    let state = |session: &str, start: u64, models: Models| {
        let usage = |[input, output, read, written]: [u64; 4]| json!({ "inputTokens": input, "outputTokens": output, "cacheReadInputTokens": read, "cacheCreationInputTokens": written, "webSearchRequests": 0 });
        let models: serde_json::Map<_, _> = models
            .iter()
            .map(|(model, figures)| ((*model).to_owned(), usage(*figures)))
            .collect();
        let line = json!({ "sessionId": session, "startTime": start, "modelUsage": models, "hasUnknownModelCost": false }).to_string();
        let line = format!("{{\"type\":\"cost-state\",{}\n", &line[1..]);
        line.clone() + &line
    };
    let ask = |session: &str, request: u32, model: &str| {
        request_line(
            session,
            request,
            &at(600 + request * 10),
            model,
            [2, 1],
            &json!({}),
        )
    };
    let (second, third, sixth): (Models, Models, Models) = (
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1578, 1864, 374_464, 91_377]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1582, 2068, 473_609, 93_612]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
        &[
            (HAIKU, [944, 11, 0, 0]),
            (SONNET, [1584, 2071, 524_446, 93_682]),
            (FABLE, [41_788, 1085, 0, 0]),
        ],
    );
    let mut files: Vec<(&str, String)> = Vec::new();
    files.push((
        "1",
        ask("1", 1, SONNET) + &state("1", 1, &[(SONNET, [24, 2114, 176_467, 51_986])]),
    ));
    files.push((
        "2",
        ask("2", 2, SONNET) + &state("2", 2, second) + &ask("2", 3, SONNET) + &state("2", 2, third),
    ));
    files.push((
        "4",
        ask("4", 4, "claude-opus-5-5")
            + &state("4", 4, &[("claude-opus-5-5[1m]", [2, 4, 10_738, 16_899])]),
    ));
    let plain = |output, written| {
        [
            (HAIKU, [879, output, 0, 0]),
            (SONNET, [2, 3, 27_340, written]),
        ]
    };
    files.push((
        "51",
        ask("51", 5, SONNET) + &state("51", 51, &plain(10, 12_780)),
    ));
    files.push((
        "52",
        ask("52", 6, SONNET) + &state("52", 52, &plain(10, 17_115)),
    ));
    files.push((
        "6",
        ask("6", 2, SONNET) + &ask("6", 3, SONNET) + &ask("6", 7, SONNET) + &state("6", 2, sixth),
    ));
    let resumed = [(HAIKU, [879, 12, 0, 0]), (SONNET, [4, 7, 54_680, 30_100])];
    files.push((
        "71",
        ask("71", 8, SONNET)
            + &state("71", 71, &plain(12, 12_780))
            + &ask("71", 10, SONNET)
            + &state("71", 71, &resumed),
    ));
    let copied = request_line(
        "72",
        8,
        &at(680),
        SONNET,
        [2, 1],
        &json!({ "forkedFrom": { "sessionId": "71" } }),
    );
    files.push((
        "72",
        copied + &ask("72", 9, SONNET) + &state("72", 72, &[(SONNET, [520, 9, 67_460, 22_697])]),
    ));
    files.push((
        "81",
        ask("81", 11, SONNET)
            + &state(
                "81",
                81,
                &[(HAIKU, [879, 9, 0, 0]), (SONNET, [2, 5, 27_340, 12_784])],
            ),
    ));
    files.push((
        "91",
        ask("91", 12, SONNET) + &state("91", 91, &plain(8, 12_781)),
    ));
    files.push((
        "92",
        ask("92", 13, SONNET)
            + &state(
                "92",
                92,
                &[
                    (HAIKU, [879, 13, 0, 0]),
                    (SONNET, [522, 17, 99_139, 34_317]),
                ],
            ),
    ));
    files.push((
        "93",
        ask("93", 14, SONNET) + &state("93", 93, &[(SONNET, [1040, 20, 178_921, 1004])]),
    ));
    let world = World::new();
    let ada = world.machine("ada");
    for (name, text) in &files {
        ada.write(&format!(".claude/projects/p/{name}.jsonl"), text);
    }
    ada.init().sync(&[]);
    let report = ada.report(&["models"]);
    let of = |model: &str| -> [u64; 4] {
        let rows = report["models"]
            .as_array()
            .expect("models")
            .iter()
            .filter(|row| {
                row["model"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(model))
            });
        rows.fold([0; 4], |sum, row| {
            let keys = [
                "inputTokens",
                "outputTokens",
                "cacheReadTokens",
                "cacheCreationTokens",
            ];
            std::array::from_fn(|at| sum[at] + row[keys[at]].as_u64().expect("a count"))
        })
    };
    assert_eq!(of(SONNET), [3702, 4252, 1_210_473, 289_246]);
    assert_eq!(of("claude-opus-5-5"), [2, 4, 10_738, 16_899]);
    assert_eq!(of("claude-haiku-4-5"), [6218, 73, 0, 0]);
    assert_eq!(of(FABLE), [41_788, 1085, 0, 0]);
}
