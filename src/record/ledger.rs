//! Claude Code's own account of a session, and what of it stands in no request line.
//!
//! Claude Code adds up what a session used and writes that into the transcript when it ends
//! (`cost-state`). What one such state adds to the one before it is an *increment*. It is a record
//! of its own, with an identity of its own, so that it joins, is pruned, sealed and forgotten as
//! requests are. Its counters are what it exceeds the requests of its stretch: that is settled when
//! it is written, and only becomes less, so that of two versions the smaller one holds.

use crate::base::ids::RecordId;
use crate::base::json::{Doc, Object};
use crate::base::time::Timestamp;
use crate::prices::{Counters, prices};

/// What an increment has beside the members of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The account: sessions that were forked from each other share it.
    pub(crate) lineage: RecordId,
    /// The account's state, of all models together.
    pub(crate) state: RecordId,
    /// The account's figures of the model at that state, in all.
    pub(crate) after: Counters,
    /// When its stretch begins; of a pruned record the start of that day, and without a session
    /// that of its own day.
    pub(crate) from: Timestamp,
}

impl Ledger {
    /// The id of an account that began at a time, in milliseconds. An account has no other id.
    pub(crate) fn lineage(start: i64) -> RecordId {
        RecordId::of("lineage", &[&start.to_be_bytes()])
    }

    /// The smaller figures of two versions: what is known to stand in requests stays known.
    #[must_use]
    pub(crate) fn join(self, other: &Self) -> Self {
        Self {
            lineage: self.lineage.min(other.lineage),
            state: self.state.min(other.state),
            after: Counters::max(self.after, other.after),
            from: self.from.min(other.from),
        }
    }

    /// The members of its line. `from` is what is written of the beginning.
    pub(crate) fn doc(&self, from: Option<&str>) -> Doc {
        let c = &self.after;
        let after = [
            c.input,
            c.output,
            c.cache_creation,
            c.cache_read,
            c.web_search,
        ]
        .map(serde_json::Value::from);
        Object::new()
            .other(
                "after",
                Some(Doc::from(&serde_json::Value::from(after.to_vec()))),
            )
            .other("from", from)
            .other("lineage", Some(self.lineage.to_string().as_str()))
            .other("state", Some(self.state.to_string().as_str()))
            .flat()
    }
}

/// The model that a name stands for, without a region, route or window in the name: lines name it
/// otherwise than accounts do.
pub(crate) fn same_model(name: &str) -> String {
    let Some(start) = name.find("claude-") else {
        return prices()
            .explain(name)
            .map_or_else(|| name.to_owned(), |found| found.row);
    };
    let plain = name[start..]
        .split(['[', ':', '@'])
        .next()
        .unwrap_or_default();
    let plain = ["-v1", "-v2"]
        .iter()
        .find_map(|version| plain.strip_suffix(version))
        .unwrap_or(plain);
    let dated = plain
        .rsplit_once('-')
        .filter(|(_, date)| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()));
    dated
        .map_or(plain, |(undated, _)| undated)
        .replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_has_many_names() {
        for name in [
            "claude-opus-4-8",
            "claude-opus-4-8[1m]",
            "us.anthropic.claude-opus-4-8-20260301-v1:0",
            "anthropic/claude-opus-4.8",
            "vertex_ai/claude-opus-4-8@20260301",
        ] {
            assert_eq!(same_model(name), "claude-opus-4-8", "{name}");
        }
        assert_ne!(same_model("claude-opus-4"), same_model("claude-opus-4-8"));
    }
}
