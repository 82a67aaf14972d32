//! Claude Code's own account of a session, and what of it stands in no request line.
//!
//! Claude Code adds up what a session used and writes that into the transcript when it ends (`cost-state`). What one such state adds to the
//! one before it is an *increment*. It is a record of its own, with an identity of its own, so that it joins, is shortened, sealed and
//! forgotten as requests are. Its counters are what it exceeds the requests of its stretch: that is settled when it is written, and only
//! becomes less, so that of two versions the smaller one holds.

use crate::base::ids::RecordId;
use crate::base::json::{Doc, Object};
use crate::base::time::Timestamp;
use crate::prices::{Counters, prices};

/// What an increment says beside a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The account: sessions that were forked from each other share it.
    pub lineage: RecordId,
    /// The account's state, of all models together.
    pub state: RecordId,
    /// What the account says of the model at that state, in all.
    pub after: Counters,
    /// When its stretch begins; of a shortened record the start of that day, and without a session that of its own day.
    pub from: Timestamp,
}

impl Ledger {
    /// The id of an account that began at a time, in milliseconds. Whatever is unknown of an account is asked by this.
    pub fn lineage(start: i64) -> RecordId {
        RecordId::of("lineage", &[&start.to_be_bytes()])
    }

    /// The smaller figures of two versions: what is known to stand in requests stays known.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            lineage: self.lineage.min(other.lineage),
            state: self.state.min(other.state),
            after: Counters::max(self.after, other.after),
            from: self.from.min(other.from),
        }
    }

    /// The members of its line. `from` is what is written of the beginning.
    pub fn doc(&self, from: Option<&str>) -> Doc {
        let c = &self.after;
        let after = [c.input, c.output, c.cache_creation, c.cache_read, c.web_search].map(serde_json::Value::from);
        Object::new()
            .other("after", Some(Doc::from(&serde_json::Value::from(after.to_vec()))))
            .other("from", from)
            .other("lineage", Some(self.lineage.to_string().as_str()))
            .other("state", Some(self.state.to_string().as_str()))
            .flat()
    }
}

/// The model that a name stands for in the price table, or the name: `[1m]` and regions are one model with what lines say.
pub fn same_model(name: &str) -> String {
    let plain = name.strip_suffix("[1m]").unwrap_or(name);
    prices().explain(plain).map_or_else(|| plain.to_owned(), |found| found.row)
}
