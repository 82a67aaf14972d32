//! One line of a transcript: the accounting fields, borrowed, and the records they make.

use std::collections::BTreeSet;

use super::lenient::{Count, Dollars, Flag, List, Maybe, Text};
use super::naming::Naming;
use crate::base::ids::{Interner, RecordId, SessionId, token};
use crate::base::json::Extra;
use crate::base::money::Cost;
use crate::base::time::Timestamp;
use crate::prices::{model_name, prices};
use crate::record::{self, Body, Client, Counters, Identity, Level, MAX_COUNTER, Origin, Record};

/// Why a line was skipped. No text of the line is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Cut off, or never an object.
    #[error("not a complete JSON object")]
    NotAnObject,
    /// Broken JSON.
    #[error("not valid JSON at column {0}")]
    Syntax(usize),
    /// A counter that is negative, fractional or absurd.
    #[error("its usage has a counter that is no whole number from 0 to 2^53")]
    Counter,
    /// No time, so no day to count it on.
    #[error("its usage has no valid timestamp")]
    Timestamp,
    /// Too long, without its conversation text too.
    #[error("too long, and not by conversation text")]
    TooLong,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow, rename = "sessionId")]
    session: Text<'a>,
    #[serde(borrow, rename = "requestId")]
    request: Text<'a>,
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(borrow)]
    cwd: Text<'a>,
    /// Where a row was copied from, by `/branch`.
    #[serde(borrow, rename = "forkedFrom")]
    forked: Maybe<Forked<'a>>,
    #[serde(borrow)]
    entrypoint: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    /// The kind of subagent.
    #[serde(borrow, rename = "attributionAgent")]
    agent: Text<'a>,
    #[serde(rename = "isSidechain")]
    sidechain: Flag,
    #[serde(rename = "costUSD")]
    cost: Dollars,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    data: Maybe<Data<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    message: Maybe<Inner<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Forked<'a> {
    #[serde(borrow, rename = "sessionId")]
    session: Text<'a>,
}

/// The line inside an `agent_progress` line.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Inner<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow, rename = "requestId")]
    request: Text<'a>,
    #[serde(borrow)]
    uuid: Text<'a>,
    #[serde(rename = "costUSD")]
    cost: Dollars,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    #[serde(borrow)]
    usage: Maybe<Usage<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Usage<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Maybe<CacheCreation>,
    server_tool_use: Maybe<ServerToolUse>,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    speed: Text<'a>,
    #[serde(borrow)]
    inference_geo: Text<'a>,
    #[serde(borrow)]
    iterations: List<Usage<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
}

/// What a file states of its lines.
#[derive(Debug, Default)]
pub struct Around<'a> {
    /// The session of lines that name none.
    pub session: &'a str,
    /// The working folder that counts instead of each line's own.
    pub working: Option<&'a str>,
    /// The kind of subagent of lines that name none.
    pub agent: &'static str,
    /// What made the row before: mostly the same as made this one.
    pub client: Client,
}

/// Reads one line, without its line break, and gives what it records to `keep`, and whether `/branch` copied it from another session.
pub fn read_line(
    line: &[u8],
    around: &mut Around<'_>,
    naming: &Naming,
    names: &mut Interner,
    mut keep: impl FnMut(Record, bool),
) -> Result<(), LineError> {
    let text;
    let parsed: Line = match serde_json::from_slice(line) {
        Ok(parsed) => parsed,
        // A path or a text that is no UTF-8 costs no figure.
        Err(_) if std::str::from_utf8(line).is_err() => {
            text = String::from_utf8_lossy(line);
            serde_json::from_str(&text).map_err(|error| LineError::Syntax(error.column()))?
        }
        Err(error) => return Err(LineError::Syntax(error.column())),
    };
    let unknown = Client::default();
    let assistant = |kind: &Text| kind.get() == Some("assistant");
    let row = if assistant(&parsed.kind) {
        let Some(message) = &parsed.message.0 else {
            return Ok(());
        };
        Row {
            message,
            timestamp: &parsed.timestamp,
            request: &parsed.request,
            uuid: &parsed.uuid,
            cost: &parsed.cost,
            sidechain: parsed.sidechain.0,
            client: &unknown,
        }
    } else {
        let progress = parsed.kind.get() == Some("progress");
        let Some(data) = parsed
            .data
            .0
            .as_ref()
            .filter(|data| progress && data.kind.get() == Some("agent_progress"))
        else {
            return Ok(());
        };
        let Some(inner) = data
            .message
            .0
            .as_ref()
            .filter(|inner| assistant(&inner.kind))
        else {
            return Ok(());
        };
        let Some(message) = &inner.message.0 else {
            return Ok(());
        };
        let timestamp = if inner.timestamp.0.is_some() {
            &inner.timestamp
        } else {
            &parsed.timestamp
        };
        Row {
            message,
            timestamp,
            request: &inner.request,
            uuid: &inner.uuid,
            cost: &inner.cost,
            sidechain: true,
            client: &unknown,
        }
    };
    let original = parsed
        .forked
        .0
        .as_ref()
        .and_then(|forked| forked.session.get());
    let session = original.or(parsed.session.get()).unwrap_or(around.session);
    let project = naming.of(around.working.or(parsed.cwd.get()));
    parsed.client(row.sidechain, around, names);
    let row = Row {
        client: &around.client,
        ..row
    };
    row.records(line, session, &project, names, &mut |record| {
        keep(record, original.is_some())
    })
}

impl Line<'_> {
    /// Puts what made the row into `around.client`. No text of the transcript goes there but known words and version numbers.
    fn client(&self, sidechain: bool, around: &mut Around<'_>, names: &mut Interner) {
        let entrypoint = self.entrypoint.get().map_or("", record::entrypoint);
        let agent = self
            .agent
            .get()
            .filter(|_| sidechain)
            .map_or(around.agent, record::agent);
        let version = self
            .version
            .get()
            .filter(|version| record::version(version).is_some())
            .unwrap_or_default();
        let known = &around.client;
        if (&*known.entrypoint, &*known.agent, &*known.version) != (entrypoint, agent, version) {
            around.client = Client {
                entrypoint: names.name(entrypoint),
                agent: names.name(agent),
                version: names.name(version),
            };
        }
    }
}

struct Row<'l> {
    message: &'l Message<'l>,
    timestamp: &'l Text<'l>,
    request: &'l Text<'l>,
    uuid: &'l Text<'l>,
    cost: &'l Dollars,
    sidechain: bool,
    client: &'l Client,
}

impl Row<'_> {
    fn records(
        &self,
        line: &[u8],
        session: &str,
        project: &str,
        names: &mut Interner,
        keep: &mut impl FnMut(Record),
    ) -> Result<(), LineError> {
        let Some(usage) = &self.message.usage.0 else {
            return Ok(());
        };
        let model = self.message.model.get().unwrap_or("unknown");
        if model == "<synthetic>" {
            return Ok(());
        }
        let written = self.timestamp.get().unwrap_or_default();
        let timestamp = Timestamp::parse(written).ok_or(LineError::Timestamp)?;
        let identity = Identity {
            message: self.message.id.get(),
            request: self.request.get(),
            session,
            uuid: self.uuid.get(),
            line,
        };
        let session = SessionId::new(names.name(&token(session, "session", 128)));
        let origin = Origin {
            level: Level::Full,
            timestamp,
            session,
            project: names.name(project),
            client: self.client.clone(),
        };
        let provisional = self.message.stop_reason.0.is_none();
        let fast = usage.speed.get() == Some("fast");
        let mut record =
            |id: RecordId, usage: &Usage, model: &str, recorded_cost| -> Result<(), LineError> {
                let body = Body {
                    model: names.name(&model_name(model)),
                    counters: usage.counters()?,
                    service_tier: usage
                        .service_tier
                        .get()
                        .filter(|tier| *tier != "standard")
                        .map(|tier| names.name(&token(tier, "tier", 40))),
                    inference_geo: usage
                        .inference_geo
                        .get()
                        .filter(|geo| !geo.is_empty())
                        .map(|geo| names.name(&token(geo, "geo", 40))),
                    provisional,
                    sidechain: self.sidechain,
                    cost: Cost::default(),
                    recorded_cost,
                };
                let cost = prices().cost(
                    &body.model,
                    timestamp,
                    &body.counters,
                    fast,
                    body.inference_geo.as_deref(),
                );
                let body = Body { cost, ..body };
                let (twins, extra) = (BTreeSet::new(), Extra::new());
                keep(Record {
                    id,
                    derived: false,
                    origin: origin.clone(),
                    index: 0,
                    fast,
                    body,
                    twins,
                    ledger: None,
                    extra,
                });
                Ok(())
            };
        record(identity.id(None), usage, model, self.cost.0)?;
        // Iterations are parts of the totals above, but for an adviser, a fallback attempt on another model and a compaction.
        let mut counts = [0_u32; 3];
        for part in &usage.iterations.0 {
            let other = part.model.get().filter(|other| *other != model);
            let (which, name, model) = match (part.kind.get(), other) {
                (Some("advisor_message"), _) => {
                    (0, "advisor", part.model.get().unwrap_or("unknown"))
                }
                // An attempt that was declined before any output is not billed.
                (Some("message"), Some(other)) if part.output_tokens.get()? > 0 => {
                    (1, "fallback", other)
                }
                (Some("compaction"), _) => (2, "compaction", part.model.get().unwrap_or(model)),
                _ => continue,
            };
            counts[which] += 1;
            record(
                identity.id(Some(&format!("{name}:{}", counts[which]))),
                part,
                model,
                None,
            )?;
        }
        Ok(())
    }
}

impl Usage<'_> {
    fn counters(&self) -> Result<Counters, LineError> {
        let split = self.cache_creation.0.as_ref();
        let five = split.map_or(Ok(0), |s| s.ephemeral_5m_input_tokens.get())?;
        let hour = split.map_or(Ok(0), |s| s.ephemeral_1h_input_tokens.get())?;
        Ok(Counters {
            input: self.input_tokens.get()?,
            output: self.output_tokens.get()?,
            cache_creation: self
                .cache_creation_input_tokens
                .get()?
                .max(five.saturating_add(hour))
                .min(MAX_COUNTER),
            cache_read: self.cache_read_input_tokens.get()?,
            cache_1h: hour,
            web_search: self
                .server_tool_use
                .0
                .as_ref()
                .map_or(Ok(0), |s| s.web_search_requests.get())?,
        })
    }
}

impl Count {
    /// Its value; none is 0.
    pub fn get(self) -> Result<u64, LineError> {
        match self {
            Self::None => Ok(0),
            Self::Some(count) if count <= MAX_COUNTER => Ok(count),
            _ => Err(LineError::Counter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            |r, _| out.push(r),
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
