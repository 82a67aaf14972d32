//! One line of a transcript: the accounting fields, borrowed, and the records they make.

use super::before::{Before, Place};
use super::error::LineError;
use super::fields::Line;
use super::lenient::Text;
use super::naming::Naming;
use super::quick;
use super::row::Row;
use crate::base::ids::Interner;
use crate::record::Draft;

/// What a file states of its lines.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    /// The session of lines that name none.
    pub(crate) session: &'a str,
    /// The working folder that counts instead of each line's own.
    pub(crate) working: Option<&'a str>,
    /// The kind of subagent of lines that name none.
    pub(crate) agent: &'static str,
    /// What the rows before had.
    pub(crate) before: Before,
}

/// Reads one line, without its line break, and gives its requests to `keep`, each with whether
/// `/branch` copied it from another session.
pub(crate) fn read_line(
    line: &[u8],
    around: &mut Around<'_>,
    naming: &Naming,
    names: &mut Interner,
    keep: impl FnMut(&Draft, bool),
) -> Result<(), LineError> {
    if let Some(parsed) = quick::line(line) {
        return read_fields(&parsed, line, around, naming, names, keep);
    }
    let text;
    let parsed = match serde_json::from_slice(line) {
        Ok(parsed) => parsed,
        // A path or a text that is not UTF-8 costs no figure.
        Err(_) if std::str::from_utf8(line).is_err() => {
            text = String::from_utf8_lossy(line);
            serde_json::from_str(&text).map_err(|error| LineError::Syntax(error.column()))?
        }
        Err(error) => return Err(LineError::Syntax(error.column())),
    };
    read_fields(&parsed, line, around, naming, names, keep)
}

fn read_fields(
    parsed: &Line,
    line: &[u8],
    around: &mut Around<'_>,
    naming: &Naming,
    names: &mut Interner,
    mut keep: impl FnMut(&Draft, bool),
) -> Result<(), LineError> {
    let Some(row) = parsed.row() else {
        return Ok(());
    };
    let original = parsed
        .forked
        .0
        .as_ref()
        .and_then(|forked| forked.session.get());
    let place = Place {
        line,
        session: original.or(parsed.session.get()).unwrap_or(around.session),
        working: around.working.or(parsed.cwd.get()),
        entrypoint: parsed.entrypoint.get(),
        agent: parsed.agent.get().filter(|_| row.sidechain),
        agent_beside: around.agent,
        version: parsed.version.get(),
        naming,
    };
    row.requests(&place, &mut around.before, names, |draft| {
        keep(draft, original.is_some());
    })
}

impl Line<'_> {
    /// The row, where the line is one: of the main thread or a subagent's file, or inside an
    /// `agent_progress` line.
    fn row(&self) -> Option<Row<'_>> {
        let assistant = |kind: &Text| kind.get() == Some("assistant");
        if assistant(&self.kind) {
            return Some(Row {
                message: self.message.0.as_ref()?,
                timestamp: &self.timestamp,
                request: &self.request,
                uuid: &self.uuid,
                cost: &self.cost,
                sidechain: self.sidechain.0,
            });
        }
        let progress = self.kind.get() == Some("progress");
        let data = self.data.0.as_ref().filter(|_| progress)?;
        let agent = data.kind.get() == Some("agent_progress");
        let inner = data.message.0.as_ref().filter(|_| agent)?;
        let message = inner
            .message
            .0
            .as_ref()
            .filter(|_| assistant(&inner.kind))?;
        let own = inner.timestamp.0.is_some();
        Some(Row {
            message,
            timestamp: if own {
                &inner.timestamp
            } else {
                &self.timestamp
            },
            request: &inner.request,
            uuid: &inner.uuid,
            cost: &inner.cost,
            sidechain: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn read(line: &str) -> Result<Vec<Record>, LineError> {
        let mut out = Vec::new();
        let mut around = Around {
            session: "file-stem",
            ..Around::default()
        };
        read_line(
            line.as_bytes(),
            &mut around,
            &Naming::default(),
            &mut Interner::default(),
            |draft, _| out.push(draft.record()),
        )?;
        Ok(out)
    }

    fn assistant(usage: &str) -> String {
        format!(
            r#"{{"type":"assistant","timestamp":"2026-01-02T03:04:05.678Z","sessionId":"s","cwd":"C:\\Users\\me\\shop","message":{{"id":"msg_1","model":"claude-opus-4-8","stop_reason":"end_turn","usage":{usage}}}}}"#
        )
    }

    #[test]
    fn odd_content_in_ignored_fields_cannot_fail() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let line = assistant(r#"{"input_tokens":5}"#).replace(
            r#""type":"assistant""#,
            &format!(r#""x":"\ud800","y":{deep},"type":"assistant""#),
        );
        assert_eq!(read(&line).expect("reads").len(), 1);
    }

    #[test]
    fn cache_writes_are_the_larger_of_flat_and_split() {
        let usage = r#"{"cache_creation_input_tokens":null,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}"#;
        let record = &read(&assistant(usage)).expect("reads")[0];
        assert_eq!(
            (
                record.body.counters.cache_creation,
                record.body.counters.cache_1h
            ),
            (7, 4)
        );
        assert_eq!(&*record.origin.project, "shop");
    }

    #[test]
    fn an_adviser_is_a_record_of_its_own() {
        let usage = r#"{"output_tokens":9,"iterations":[{"type":"message","output_tokens":9},{"type":"advisor_message","model":"claude-opus-5","output_tokens":7},7]}"#;
        let records = read(&assistant(usage)).expect("reads");
        let seen: Vec<_> = records
            .iter()
            .map(|r| (&*r.body.model, r.body.counters.output))
            .collect();
        assert_eq!(seen, [("claude-opus-4-8", 9), ("claude-opus-5", 7)]);
        assert_ne!(records[0].id, records[1].id);
    }

    #[test]
    fn the_account_in_an_arn_is_not_kept() {
        for (model, want) in [
            (
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-8",
                "eu.anthropic.claude-opus-4-8",
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/4jqt",
                "application-inference-profile/4jqt",
            ),
        ] {
            let usage = format!(
                r#"{{"output_tokens":9,"iterations":[{{"type":"advisor_message","model":"{model}","output_tokens":7}}]}}"#
            );
            let records = read(
                &assistant(&usage)
                    .replace("claude-opus-4-8\",\"stop", &format!("{model}\",\"stop")),
            )
            .expect("reads");
            let models: Vec<_> = records.iter().map(|record| &*record.body.model).collect();
            assert_eq!(models, [want, want]);
        }
    }

    #[test]
    fn a_request_is_priced_by_its_day() {
        let line = |day: &str| {
            assistant(r#"{"cache_read_input_tokens":500000}"#)
                .replace("opus-4-8", "opus-4-6")
                .replace("2026-01-02", day)
        };
        let cost = |day| {
            read(&line(day)).expect("reads")[0]
                .body
                .cost
                .amount
                .to_string()
        };
        assert_eq!(
            (cost("2026-03-12"), cost("2026-03-13")),
            ("0.5".to_owned(), "0.25".to_owned())
        );
    }

    #[test]
    fn bad_lines_say_why_without_their_text() {
        for (usage, want) in [
            (r#"{"input_tokens":-1}"#, LineError::Counter),
            (r#"{"input_tokens":1.5}"#, LineError::Counter),
            (r#"{"input_tokens":1e999}"#, LineError::Counter),
            (
                r#"{"input_tokens":99999999999999999999}"#,
                LineError::Counter,
            ),
        ] {
            assert_eq!(read(&assistant(usage)), Err(want), "{usage}");
        }
        assert_eq!(
            read(&assistant("{}").replace("2026-01-02", "later")),
            Err(LineError::Timestamp)
        );
        assert!(matches!(read("{\"usage\":tru}"), Err(LineError::Syntax(_))));
    }

    #[test]
    fn other_lines_that_mention_usage_count_for_nothing() {
        for line in [
            r#"{"type":"user","message":{"content":"\"usage\""},"toolUseResult":{"usage":{"input_tokens":5}}}"#,
            r#"{"type":"assistant","message":"usage"}"#,
            r#"{"type":"progress","data":{"type":"hook_progress","message":{"type":"assistant"}}}"#,
            &assistant(r#"{"input_tokens":5}"#).replace("claude-opus-4-8", "<synthetic>"),
        ] {
            assert_eq!(read(line), Ok(vec![]), "{line}");
        }
    }

    #[test]
    fn agent_progress_is_a_sidechain_row() {
        let line = r#"{"type":"progress","sessionId":"s","cwd":"/w/shop","timestamp":"2026-01-02T03:04:06Z","data":{"type":"agent_progress","message":{"type":"assistant","timestamp":"2026-01-02T03:04:05Z","requestId":"r","message":{"id":"msg_1","model":"m","usage":{"output_tokens":3}}}}}"#;
        let record = &read(line).expect("reads")[0];
        assert!(record.body.sidechain && record.body.provisional);
        assert_eq!(
            record.origin.timestamp.to_string(),
            "2026-01-02T03:04:05.000Z"
        );
    }
}
