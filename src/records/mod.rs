//! Usage records: one per request, whoever logged it, however often, on however many machines.
//!
//! A [`Record`] is a product of small lattices, so its [join](crate::base::join::Join::join) commutes, associates and is idempotent:
//! whatever the order in which rows, files and machines meet, the same record comes out.

mod identity;
mod join;
mod set;
mod totals;

use std::cmp::Ordering;

use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::json::{Doc, Extra, Object};
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
pub use crate::prices::Counters;
use crate::prices::prices;
pub use identity::{Identity, derived_id};
pub use set::{Entry, RecordSet};
pub use totals::Totals;

/// The largest counter that is believed. A request of 2^53 tokens does not exist; the figure is JSON's largest exact integer.
pub const MAX_COUNTER: u64 = 1 << 53;

/// What the winning row of a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The model as Claude Code names it.
    pub model: Name,
    /// What was used.
    pub counters: Counters,
    /// `service_tier` of the answer, where it is not `standard`.
    pub service_tier: Option<Name>,
    /// `inference_geo` of the answer.
    pub inference_geo: Option<Name>,
    /// The row had no `stop_reason`: a later row of the same request may say more.
    pub provisional: bool,
    /// The row came from a subagent.
    pub sidechain: bool,
    /// The price that the writer's table gave. Reports price from the counters; this informs readers without a table.
    pub cost: Cost,
    /// `costUSD` of the transcript, which old versions of Claude Code wrote.
    pub recorded_cost: Option<Money>,
    /// Fields of the record that this version does not know.
    pub extra: Extra,
}

impl Body {
    /// The members that describe the row itself, price apart, as canonical JSON: the last tie-break.
    fn canonical(&self) -> String {
        self.write(Object::new()).line()
    }

    /// Adds the row's members to a record's, all but the price.
    pub fn write(&self, object: Object) -> Object {
        let c = &self.counters;
        object
            .spec("model", &*self.model)
            .spec("input_tokens", c.input)
            .spec("output_tokens", c.output)
            .spec("cache_creation_tokens", c.cache_creation)
            .spec("cache_read_tokens", c.cache_read)
            .other("cache_creation_1h_tokens", (c.cache_1h > 0).then_some(c.cache_1h))
            .other("inference_geo", self.inference_geo.as_deref())
            .other("provisional", self.provisional.then_some(true))
            .other("recorded_cost_usd", self.recorded_cost)
            .other("service_tier", self.service_tier.as_deref())
            .other("sidechain", self.sidechain.then_some(true))
            .other("web_search_requests", (c.web_search > 0).then_some(c.web_search))
            .extra(&self.extra)
    }

    /// Which of two rows of one request says more: the one that is no copy in a subagent's log, then the one with more output, then
    /// the finished one, then the larger one, then the one with the greater canonical bytes. The price decides between equal rows only.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |b: &Self| (!b.sidechain, b.counters.output, !b.provisional, b.counters.total());
        key(self)
            .cmp(&key(other))
            .then_with(|| if self.same_row(other) { Ordering::Equal } else { self.canonical().cmp(&other.canonical()) })
            .then_with(|| self.cost.cmp(&other.cost))
    }

    /// Whether both say the same, price apart.
    pub fn same_row(&self, other: &Self) -> bool {
        self.counters == other.counters
            && (self.provisional, self.sidechain, self.recorded_cost) == (other.provisional, other.sidechain, other.recorded_cost)
            && (&self.model, &self.service_tier, &self.inference_geo) == (&other.model, &other.service_tier, &other.inference_geo)
            && self.extra == other.extra
    }
}

/// Where and when a request was made: the copy with the smallest (timestamp, session, project).
///
/// Forked and resumed sessions copy history; the minimum is the original.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The earliest row's time.
    pub timestamp: Timestamp,
    /// Its session.
    pub session: SessionId,
    /// Its project, empty where it is not known or not told.
    pub project: Name,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What makes two rows the same request.
    pub id: RecordId,
    /// The id was derived from (timestamp, model, counters), for want of a better one.
    pub derived: bool,
    /// Where and when.
    pub origin: Origin,
    /// The record's 1-based place among its session's records on its machine, given once; 0 where nobody gave one.
    pub index: u64,
    /// Fast mode, on whichever row said so.
    pub fast: bool,
    /// The winning row.
    pub body: Body,
}

impl Record {
    /// Whether joining `other` would change nothing but the index and the writer's price.
    pub fn covers(&self, other: &Self) -> bool {
        (self.fast || !other.fast)
            && (!self.derived || other.derived)
            && self.origin <= other.origin
            && (self.body.same_row(&other.body) || self.body.order(&other.body).is_gt())
    }

    /// Whether retention took its time of day, session and project.
    pub fn is_stub(&self) -> bool {
        self.origin.session.as_str().is_empty()
    }

    /// What retention leaves of it in the file of `day`: what it used, and the id by which copies are known. Its origin is smaller than
    /// any of that day, so that a join with the record itself gives the stub's.
    #[must_use]
    pub fn stub(&self, day: Day) -> Self {
        let origin = Origin { timestamp: day.start(), session: SessionId::new(Name::default()), project: Name::default() };
        Self { derived: false, origin, index: 0, ..self.clone() }
    }

    /// The price by this version's table.
    pub fn cost(&self) -> Cost {
        let (model, at) = (&self.body.model, self.origin.timestamp);
        prices().cost(model, at, &self.body.counters, self.fast, self.body.inference_geo.as_deref())
    }

    /// The spec's key for duplicates among records without an id: timestamp, model and counters.
    pub fn twin(&self) -> RecordId {
        derived_id(self.origin.timestamp, &self.body.model, &self.body.counters)
    }

    /// The record as one line of JSON, without a line break. `session` and `project` are written where they are given.
    pub fn line(&self, session: Option<&SessionId>, project: Option<&str>) -> String {
        self.object(session, project).line()
    }

    /// The record as JSON on one line, for a file around it.
    pub fn doc(&self, project: Option<&str>) -> Doc {
        self.object(None, project).flat()
    }

    fn object(&self, session: Option<&SessionId>, project: Option<&str>) -> Object {
        let object = self.body.write(Object::new().spec("timestamp", self.origin.timestamp));
        object
            .spec("cost_usd", self.body.cost.amount)
            .spec_opt("index", (self.index > 0).then_some(self.index))
            .other("cost_known", (!self.body.cost.known).then_some(false))
            .other("id", (!self.derived).then(|| Doc::from(self.id.to_string().as_str())))
            .other("project_name", project)
            .other("session", session.map(SessionId::as_str))
            .other("speed", self.fast.then_some("fast"))
    }
}
