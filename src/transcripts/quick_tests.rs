//! Rows by the scanner and by `serde_json`.

use super::fields::Line;
use super::quick::line;

/// Where there is an answer, it must be that of `serde_json`. Returns whether there is one.
fn agrees(bytes: &[u8]) -> bool {
    let Some(quick) = line(bytes) else {
        return false;
    };
    let slow: Result<Line, _> = serde_json::from_slice(bytes);
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(slow.as_ref().ok(), Some(&quick), "{slow:?} of {text}");
    true
}

const USAGE: &str = r#"{"input_tokens":3,"cache_creation_input_tokens":1200,"cache_read_input_tokens":45000,"cache_creation":{"ephemeral_5m_input_tokens":1200,"ephemeral_1h_input_tokens":0},"output_tokens":77,"server_tool_use":{"web_search_requests":2,"web_fetch_requests":0},"service_tier":"standard","inference_geo":"us","speed":"fast","iterations":[{"type":"message","input_tokens":3,"output_tokens":77},null,{"type":"advisor_message","model":"claude-opus-5","output_tokens":7}]}"#;

fn seeds() -> Vec<String> {
    let row = format!(
        r#"{{"parentUuid":null,"isSidechain":true,"cwd":"/home/dev/shop","sessionId":"5d-1","version":"2.1.80","entrypoint":"cli","attributionAgent":"Plan","forkedFrom":{{"sessionId":"5d-0","messageUuid":"m"}},"costUSD":0.0125,"message":{{"id":"msg_01","model":"claude-opus-4-8","content":[{{"type":"text","text":"a \"quoted\" \\u00e9 line\n","n":[1,-2.5e+3,{{}},[],true,false,null]}}],"stop_reason":"end_turn","usage":{USAGE}}},"requestId":"req_1","type":"assistant","uuid":"u-1","timestamp":"2026-01-02T03:04:05.678Z"}}"#
    );
    let progress = format!(
        r#"{{"type":"progress","timestamp":"2026-01-02T03:04:05Z","data":{{"type":"agent_progress","message":{{"type":"assistant","timestamp":"2026-01-02T03:04:05Z","requestId":"r","uuid":"u","costUSD":1e-3,"message":{{"id":"msg_2","model":"m","stop_reason":null,"usage":{USAGE}}}}}}}}}"#
    );
    let spaced = row.replace(':', " : ").replace(',', "\t,\r ");
    vec![
        row,
        progress,
        spaced,
        "{}".to_owned(),
        "{\"usage\":[]}".to_owned(),
    ]
}

#[test]
fn rows_are_read_without_serde_json() {
    for seed in seeds() {
        assert!(agrees(seed.as_bytes()), "{seed}");
    }
}

const PIECES: [&str; 44] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "false",
    "-",
    "-0",
    "00",
    "1e999",
    "1E+2",
    ".5",
    "5.",
    "18446744073709551616",
    "9007199254740993",
    "1.5",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "\\u12g4",
    "\\x",
    "\n",
    "\0",
    "\t",
    "\u{7f}",
    "é",
    "\u{feff}",
    " ",
    "\"\"",
    "[[",
    "]]",
    "\"usage\":5,",
    "\"usage\":null,",
    "\"message\":\"usage\",",
    "\"type\":\"assistant\",",
    "\"model\":{\"\\ud800\":1},",
    "\"iterations\":[{\"iterations\":[]}],",
    "\"\\u0074ype\":1,",
    "\"input_tokens\":\"5\",",
];

#[test]
fn answers_are_those_of_serde_json() {
    let (seeds, mut answers, mut state) = (seeds(), 0, 1_u64);
    let mut dice = |sides: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % sides.max(1)
    };
    for _ in 0..60_000 {
        let mut bytes = seeds[dice(seeds.len())].clone().into_bytes();
        for _ in 0..=dice(2) {
            let at = dice(bytes.len());
            match dice(6) {
                0 => bytes[at] ^= 1 << dice(8),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                3 => {
                    let part: Vec<u8> = bytes[at..].iter().copied().take(60).collect();
                    let to = dice(bytes.len());
                    bytes.splice(to..to, part);
                }
                _ => {
                    let piece = PIECES[dice(PIECES.len())].bytes();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        answers += u32::from(agrees(&bytes));
    }
    assert!(answers > 5_000, "only {answers} answers");
}

#[test]
fn every_length_of_text_is_read_to_its_end() {
    for length in 0..70 {
        for odd in ["", "\\n", "\\u00E9", "é", "\\", "\u{1}", "\\ud800"] {
            let text = "x".repeat(length);
            for line in [
                format!("{{\"content\":\"{text}{odd}{text}\",\"type\":\"a\"}}"),
                format!("{{\"type\":\"{text}{odd}{text}\"}}"),
                format!("{{\"{text}{odd}\":1}}"),
                format!("{{\"content\":\"{text}{odd}"),
            ] {
                agrees(line.as_bytes());
            }
        }
    }
}

#[test]
fn what_is_rare_is_left_to_serde_json() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for rare in [
        &format!("{{\"x\":{deep}}}"),
        r#"{"type":"a","type":"b"}"#,
        r#"{"uuid":"\u0041"}"#,
        r#"{"\u0074ype":"assistant"}"#,
        r#"{"message":5}"#,
        r#"{"message":{"usage":{"input_tokens":1.0}}}"#,
        r#"{"message":{"usage":{"input_tokens":-1}}}"#,
        r#"{"message":{"usage":{"input_tokens":99999999999999999999}}}"#,
        r#"{"message":{"usage":{"iterations":[{"iterations":[]}]}}}"#,
        "{} {}",
        "{",
        "",
    ] {
        assert!(
            line(rare.as_bytes()).is_none(),
            "{}",
            &rare[..rare.len().min(80)]
        );
    }
    assert!(
        line(b"{\"uuid\":\"\xff\"}").is_none(),
        "a text that is not UTF-8"
    );
    assert!(agrees(b"{\"content\":\"\xff\"}"), "its bytes are nobody's");
}

/// Lines of real transcripts, where there are any.
#[test]
fn lines_of_real_transcripts_are_read_alike() {
    let Some(folder) = std::env::var_os("CLAUDE_SYNC_TRANSCRIPTS") else {
        return eprintln!("skipped: CLAUDE_SYNC_TRANSCRIPTS is not set");
    };
    let (mut rows, mut answers) = (0, 0);
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "jsonl") {
                files.push(path);
            }
        }
    }
    for file in files {
        let bytes = std::fs::read(file).expect("a transcript");
        for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            let row = memchr::memmem::find(line, b"\"usage\"").is_some();
            let read = agrees(line);
            rows += u32::from(row);
            answers += u32::from(row && read);
        }
    }
    eprintln!("{answers} of {rows} rows without serde_json");
    assert!(answers * 10 >= rows * 9, "{answers} of {rows} rows");
}
