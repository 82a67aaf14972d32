//! Transcripts as Claude Code writes them: streaming rows, tool results, forks that copy history, subagents' files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use claude_sync::bench::Timestamp;

use super::dice::Dice;

/// What the transcripts say, each request once with its last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truth {
    pub files: u64,
    pub bytes: u64,
    pub requests: u64,
    pub input: u64,
    pub output: u64,
    pub cache_creation: u64,
    pub cache_read: u64,
}

const MODELS: [&str; 4] = [
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-5-20251101",
];

/// The first day, 2026-01-01.
const START: i64 = 1_767_225_600_000;

fn time(millis: i64) -> String {
    Timestamp::from_millis(millis).expect("a time").to_string()
}

/// Filler of about the length of what people and tools write.
fn filler(dice: &mut Dice, length: u64, out: &mut String) {
    const WORDS: [&str; 8] = [
        "lorem ",
        "ipsum ",
        "dolor sit ",
        "amet, ",
        "fn main() {\\n",
        "    return 0;\\n",
        "\\\"quoted\\\" ",
        "consectetur ",
    ];
    let end = out.len() + usize::try_from(length).expect("small");
    while out.len() < end {
        out.push_str(WORDS[usize::try_from(dice.number(8)).expect("small")]);
    }
}

/// A request's rows, and what its last row says.
struct Request {
    rows: String,
    said: [u64; 4],
}

fn request(
    dice: &mut Dice,
    number: u64,
    session: &str,
    project: u64,
    at: i64,
    agent: bool,
) -> Request {
    let model = MODELS[usize::try_from(dice.number(4)).expect("small")];
    let said = [
        dice.number(300),
        20 + dice.number(2000),
        dice.number(12_000),
        dice.number(120_000),
    ];
    let mut rows = String::new();
    let parts = 1 + dice.number(3);
    for part in 1..=parts {
        let output = said[1] * part / parts;
        let stop = if part == parts {
            "\"tool_use\""
        } else {
            "null"
        };
        let _ = write!(
            rows,
            "{{\"parentUuid\":\"{number:08x}-0000-4000-8000-{part:012x}\",\"isSidechain\":{agent},\"userType\":\"external\",\"cwd\":\"/home/dev/p-{project:04x}\",\"sessionId\":\"{session}\",\"version\":\"2.1.80\",\"gitBranch\":\"main\",\"message\":{{\"id\":\"msg_01{number:022x}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\"content\":[{{\"type\":\"text\",\"text\":\""
        );
        let length = 100 + dice.number(700);
        filler(dice, length, &mut rows);
        let [input, _, written, read] = said;
        let _ = writeln!(
            rows,
            "\"}}],\"stop_reason\":{stop},\"stop_sequence\":null,\"usage\":{{\"input_tokens\":{input},\"cache_creation_input_tokens\":{written},\"cache_read_input_tokens\":{read},\"cache_creation\":{{\"ephemeral_5m_input_tokens\":{written},\"ephemeral_1h_input_tokens\":0}},\"output_tokens\":{output},\"service_tier\":\"standard\"}}}},\"requestId\":\"req_{number:022x}\",\"type\":\"assistant\",\"uuid\":\"{number:08x}-0000-4000-9000-{part:012x}\",\"timestamp\":\"{}\"}}",
            time(at + i64::try_from(part).expect("small") * 700)
        );
    }
    let _ = write!(
        rows,
        "{{\"parentUuid\":\"{number:08x}-0000-4000-9000-000000000001\",\"isSidechain\":{agent},\"userType\":\"external\",\"cwd\":\"/home/dev/p-{project:04x}\",\"sessionId\":\"{session}\",\"version\":\"2.1.80\",\"type\":\"user\",\"message\":{{\"role\":\"user\",\"content\":[{{\"tool_use_id\":\"toolu_{number:x}\",\"type\":\"tool_result\",\"content\":\""
    );
    let length = 200 + dice.number(3300);
    filler(dice, length, &mut rows);
    let _ = writeln!(
        rows,
        "\"}}]}},\"uuid\":\"{number:08x}-0000-4000-a000-000000000001\",\"timestamp\":\"{}\"}}",
        time(at + 4000)
    );
    Request { rows, said }
}

/// Writes about `bytes` of transcripts below `folder/projects`, 60 requests an hour over `days`: some 20 requests a file and 4.8 KB a
/// request, two rows each. Another seed is another machine; its sessions share none with the first.
pub fn write(folder: &Path, bytes: u64, days: u64, seed: u64) -> Truth {
    let mut dice = Dice::new(seed);
    let mut truth = Truth::default();
    let mut before: Vec<String> = Vec::new();
    while truth.bytes < bytes {
        let session = format!("{:08x}-{seed:04x}-4000-8000-000000000000", truth.files);
        let project = truth.files / 40;
        let agent = dice.number(12) == 0;
        let start = START + i64::try_from(dice.number(days * 86_400)).expect("small") * 1000;
        // A fork begins with a copy of what another session said.
        let mut text: String = if dice.number(10) == 0 && !agent {
            before.concat()
        } else {
            String::new()
        };
        before.clear();
        for step in 0..5 + dice.number(30) {
            truth.requests += 1;
            let at = start + i64::try_from(step).expect("small") * 60_000;
            let request = request(&mut dice, truth.requests, &session, project, at, agent);
            let [input, output, written, read] = request.said;
            truth.input += input;
            truth.output += output;
            truth.cache_creation += written;
            truth.cache_read += read;
            text.push_str(&request.rows);
            if step < 4 {
                before.push(request.rows);
            }
        }
        let base = folder.join(format!("projects/-home-dev-p-{project:04x}"));
        let path = if agent {
            base.join(format!("{session}/subagents/agent-{:x}.jsonl", truth.files))
        } else {
            base.join(format!("{session}.jsonl"))
        };
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, &text).expect("written");
        truth.files += 1;
        truth.bytes += text.len() as u64;
    }
    truth
}
