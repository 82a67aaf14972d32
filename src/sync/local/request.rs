//! A request as accounts are compared with it.

use crate::base::ids::{Name, SessionId};
use crate::base::time::Timestamp;
use crate::record::{Counters, Level, Record};

/// A request that increments of an account are compared with.
#[derive(Debug, Clone)]
pub(super) struct SeenRequest {
    pub(crate) session: SessionId,
    pub(crate) model: Name,
    /// When; the start of its day where no more is known.
    pub(crate) at: Timestamp,
    pub(crate) level: Level,
    pub(crate) sidechain: bool,
    pub(crate) counters: Counters,
}

impl SeenRequest {
    /// A request that came after increments were settled, with what it adds to them.
    pub(super) fn late(record: &Record, more: Counters) -> Option<Self> {
        let Record { origin, body, .. } = record;
        let is_more = record.ledger.is_none() && more != Counters::default();
        is_more.then(|| Self {
            session: origin.session.clone(),
            model: body.model.clone(),
            at: origin.timestamp,
            level: origin.level,
            sidechain: body.sidechain,
            counters: more,
        })
    }
}
