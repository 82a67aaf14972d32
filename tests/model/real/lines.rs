//! Lines of transcripts, as Claude Code writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use claude_sync::record::{Counters, State};
use serde_json::json;

use crate::model::rows::{Row, client, message, project, time};

/// A line of a transcript.
pub(super) fn line(row: &Row) -> String {
    let stop = if row.done {
        json!("end_turn")
    } else {
        json!(null)
    };
    let (counters, client) = (row.counters(), client(row.at));
    let value = json!({
        "entrypoint": &*client.entrypoint, "version": &*client.version,
        "type": "assistant", "timestamp": time(row.at).to_string(), "sessionId": row.session,
        "cwd": format!("/home/someone/work/{}", project(&row.session)), "requestId": format!("req_{}", row.request),
        "message": {
            "id": message(row.request), "model": row.model, "stop_reason": stop, "content": [{ "type": "text", "text": "the secret plan" }],
            "usage": {
                "input_tokens": counters.input, "output_tokens": counters.output,
                "cache_creation_input_tokens": counters.cache_creation, "cache_read_input_tokens": counters.cache_read,
            },
        },
    });
    format!("{value}\n")
}

/// Transcripts, one for each session, by file name.
fn transcripts(rows: &[Row], states: &[(usize, i64, State)]) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |session: &str, line: &str| {
        out.entry(format!("{session}.jsonl"))
            .or_default()
            .push_str(line);
    };
    for at in 0..=rows.len() {
        for (_, start, state) in states.iter().filter(|(behind, ..)| *behind == at) {
            put(state.session.as_str(), &account(*start, state));
        }
        if let Some(row) = rows.get(at) {
            put(&row.session, &line(row));
        }
    }
    out
}

/// The line in which Claude Code states its account.
pub(super) fn account(start: i64, state: &State) -> String {
    let usage = |c: &Counters| {
        json!({
            "inputTokens": c.input, "outputTokens": c.output, "thinkingTokens": 0, "cacheReadInputTokens": c.cache_read,
            "cacheCreationInputTokens": c.cache_creation, "webSearchRequests": 0, "costUSD": 0.25,
        })
    };
    let models: serde_json::Map<_, _> = state
        .after
        .iter()
        .map(|(model, counters)| (model.to_string(), usage(counters)))
        .collect();
    let value = json!({ "sessionId": state.session.as_str(), "startTime": start, "totalCostUSD": 0.25, "modelUsage": models });
    // The kind comes first.
    format!("{{\"type\":\"cost-state\",{}\n", &value.to_string()[1..])
}

/// Makes a folder hold these transcripts. What was there stays as it is; a file that was cleaned up begins anew.
pub(super) fn write(folder: &Path, rows: &[Row], states: &[(usize, i64, State)]) {
    fs::create_dir_all(folder).expect("a folder");
    let wanted = transcripts(rows, states);
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if !wanted.contains_key(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    for (name, text) in wanted {
        let path = folder.join(name);
        let old = fs::read_to_string(&path).unwrap_or_default();
        if !text.starts_with(&old) {
            fs::remove_file(&path).expect("removed");
        }
        if text != old {
            fs::write(path, text).expect("written");
        }
    }
}

/// Whether a text has a word by itself: encrypted text has each short row of letters at some time.
pub fn stands_in(text: &str, word: &str) -> bool {
    let is_part = |other: Option<char>| {
        other.is_some_and(|other| other.is_ascii_alphanumeric() || "+/".contains(other))
    };
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}
