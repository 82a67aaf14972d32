//! One line of a day file, or one record of a machine file.

use std::borrow::Cow;

use super::members::Members;
use crate::base::ids::{Interner, RecordId, SessionId};
use crate::base::json::{Doc, Extra, Object};
use crate::base::time::Day;
use crate::record::{Record, Source, Sum, SumKey};

/// A line of a day file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A session's line: what the lines below it belong to. `project` is the session's project
    /// there.
    Session {
        /// The session; empty for lines that have none.
        session: SessionId,
        /// Its project, for the lines that name none.
        project: String,
        /// The checksum over the lines below it.
        checksum: String,
        /// Unknown members.
        extra: Extra,
    },
    /// A request. The project is none where it is its session line's.
    Record(Record, Option<String>),
    /// A sum, and whether it names its own project.
    Sum(SumKey, Sum, bool),
    /// The id of a record that was forgotten, and a hash of the tombstone by which it went.
    Forgotten(RecordId, Option<RecordId>),
    /// An object of a kind that this version does not know, as canonical text.
    Unknown(Option<SessionId>, String),
}

/// A sum as a line, without a line break. The project is written where it is not its session's.
pub(crate) fn sum_line(key: &SumKey, sum: &Sum, session_project: &str) -> String {
    let (c, text) = (&sum.totals.counters, |text: &str| {
        (!text.is_empty()).then(|| Doc::from(text))
    });
    Object::new()
        .spec("model", &*key.model)
        .spec("input_tokens", c.input)
        .spec("output_tokens", c.output)
        .spec("cache_creation_tokens", c.cache_creation)
        .spec("cache_read_tokens", c.cache_read)
        .spec("cost_usd", sum.totals.cost.amount)
        .other("cost_known", (!sum.totals.cost.known).then_some(false))
        .other(
            "day",
            (key.source != Source::Claim).then(|| Doc::from(key.day.to_string().as_str())),
        )
        .other(
            "deducted",
            sum.deducted
                .map(|deducted| deducted.write(Object::new()).flat()),
        )
        .other("from", sum.window.map(|window| window.first))
        .other("mark", text(&key.mark))
        .other(
            "project_name",
            (sum.project != session_project).then_some(sum.project.as_str()),
        )
        .other(
            "requests",
            (sum.totals.requests > 0).then_some(sum.totals.requests),
        )
        .other("session", text(key.session.as_str()))
        .other("sum", Some(key.source.as_str()))
        .other("until", sum.window.map(|window| window.last))
        .extra(&sum.extra)
        .line()
}

/// Reads a line of the day file of `day`. A line that is no object of any kind is none.
pub(crate) fn read_line(text: &str, day: Day, names: &mut Interner) -> Option<Line> {
    let members: Members = serde_json::from_str(text).ok()?;
    if let Some(source) = members.sum.as_deref().and_then(Source::parse) {
        let own = members.project.is_some();
        return members
            .sum(source, names)
            .map(|(key, sum)| Line::Sum(key, sum, own));
    }
    if let Some(id) = members.forgotten {
        let by = members
            .extra
            .get("by")
            .and_then(|by| RecordId::parse(by.as_str()?));
        return Some(Line::Forgotten(id, by));
    }
    if members.sum.is_none()
        && members.model.is_some()
        && (members.timestamp.is_some() || members.id.is_some())
    {
        return members
            .record(None, Some(day), names)
            .map(|(record, project)| Line::Record(record, project));
    }
    let session = members
        .session
        .as_deref()
        .map(|session| SessionId::new(names.name(session)));
    match (session, members.checksum) {
        (Some(session), Some(checksum)) => Some(Line::Session {
            session,
            project: members.project.map(Cow::into_owned).unwrap_or_default(),
            checksum: checksum.into_owned(),
            extra: members.extra,
        }),
        (session, _) => {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            Some(Line::Unknown(session, value.to_string()))
        }
    }
}

/// Reads a record of a machine file, which stands under its session. Only full records stand there.
pub(crate) fn read_record(
    text: &str,
    session: &SessionId,
    project: &str,
    names: &mut Interner,
) -> Option<Record> {
    let members: Members = serde_json::from_str(text).ok()?;
    let (mut record, own) = members.record(Some(session), None, names)?;
    if own.is_none() {
        record.origin.project = names.name(project);
    }
    Some(record)
}
