//! One request: its row, its origin at a level of detail, and its line in files.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::client::Client;
use super::identity::derived_id;
use super::ledger::Ledger;
use crate::base::ids::{Name, RecordId, SessionId};
use crate::base::json::{Doc, Extra, Object, join_extra};
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::prices::{Counters, prices};

/// The largest counter that is believed. A request of 2^53 tokens does not exist; the figure is
/// JSON's largest exact integer.
pub(crate) const MAX_COUNTER: u64 = 1 << 53;

/// The winning row of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The model as Claude Code names it.
    pub model: Name,
    /// Tokens and searches.
    pub counters: Counters,
    /// `service_tier` of the answer, where it is not `standard`.
    pub service_tier: Option<Name>,
    /// `inference_geo` of the answer.
    pub inference_geo: Option<Name>,
    /// The row had no `stop_reason`: a later row of the same request may state more.
    pub provisional: bool,
    /// The row came from a subagent.
    pub sidechain: bool,
    /// The price that the writer's table gave. Reports price from the counters; this informs
    /// readers without a table.
    pub cost: Cost,
    /// `costUSD` of the transcript, which old versions of Claude Code wrote.
    pub recorded_cost: Option<Money>,
}

impl Body {
    /// The known members that describe the row itself, price apart, as canonical JSON: the last
    /// tie-break.
    fn canonical(&self) -> String {
        self.write(Object::new()).line()
    }

    /// Adds the row's members to a record's, all but the price.
    pub(crate) fn write(&self, object: Object) -> Object {
        let c = &self.counters;
        object
            .spec("model", &*self.model)
            .spec("input_tokens", c.input)
            .spec("output_tokens", c.output)
            .spec("cache_creation_tokens", c.cache_creation)
            .spec("cache_read_tokens", c.cache_read)
            .other(
                "cache_creation_1h_tokens",
                (c.cache_1h > 0).then_some(c.cache_1h),
            )
            .other("inference_geo", self.inference_geo.as_deref())
            .other("provisional", self.provisional.then_some(true))
            .other("recorded_cost_usd", self.recorded_cost)
            .other("service_tier", self.service_tier.as_deref())
            .other("sidechain", self.sidechain.then_some(true))
            .other(
                "web_search_requests",
                (c.web_search > 0).then_some(c.web_search),
            )
    }

    /// Which of two rows of one request is authoritative: the one with more output, then the
    /// finished one, then the one that is no copy in a subagent's log, then the larger one, then
    /// the one with the greater canonical bytes. The price decides between equal rows only.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let key = |b: &Self| {
            (
                b.counters.output,
                !b.provisional,
                !b.sidechain,
                b.counters.total(),
            )
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| {
                if self.same_row(other) {
                    Ordering::Equal
                } else {
                    self.canonical().cmp(&other.canonical())
                }
            })
            .then_with(|| self.cost.cmp(&other.cost))
    }

    /// Whether both are equal, price apart.
    pub(crate) fn same_row(&self, other: &Self) -> bool {
        self.counters == other.counters
            && (self.provisional, self.sidechain, self.recorded_cost)
                == (other.provisional, other.sidechain, other.recorded_cost)
            && (&self.model, &self.service_tier, &self.inference_geo)
                == (&other.model, &other.service_tier, &other.inference_geo)
    }
}

/// How much of where and when a record contains. Each level keeps id, model and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The UTC day. Retention leaves this.
    Bare,
    /// The UTC day, session and project. `--summary-only` writes this.
    Daily,
    /// The time to the millisecond, session and project.
    Full,
}

/// Where and when a request was made, at a level of detail.
///
/// Ordered by level first. Between versions of one machine's files the minimum holds: what was
/// pruned stays pruned. Within a level it is the earliest copy: forked and resumed sessions
/// copy history, and the minimum is the original.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The level of detail.
    pub level: Level,
    /// The earliest row's time; the start of its UTC day below [`Level::Full`].
    pub timestamp: Timestamp,
    /// Its session; empty at [`Level::Bare`].
    pub session: SessionId,
    /// Its project; empty where it is not known or left out.
    pub project: Name,
    /// What made it; unknown at [`Level::Bare`].
    pub client: Client,
}

impl Origin {
    /// The order between machines: the most detailed copy comes first, then the earliest.
    pub(crate) fn between_machines(&self, other: &Self) -> Ordering {
        other.level.cmp(&self.level).then_with(|| self.cmp(other))
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What makes two rows the same request.
    pub id: RecordId,
    /// The id was derived from (timestamp, model, counters), for want of a better one.
    pub derived: bool,
    /// Time, session, project and client.
    pub origin: Origin,
    /// The record's 1-based place among its session's records on its machine, given once; 0 where
    /// it has none.
    pub index: u64,
    /// Fast mode, on any row.
    pub fast: bool,
    /// Model, counters and price, of the row that counts.
    pub body: Body,
    /// Derived ids of records that are this request, noted before the time was taken away that
    /// shows it.
    pub twins: BTreeSet<RecordId>,
    /// It is no request, but what Claude Code's account of a session states beyond them.
    pub ledger: Option<Box<Ledger>>,
    /// Members that this version does not know.
    pub extra: Extra,
}

impl Ledger {
    /// With no more detail than an origin has.
    #[must_use]
    pub(crate) fn at(mut self, origin: &Origin) -> Self {
        match origin.level {
            Level::Full => {}
            Level::Daily => self.from = self.from.day().start(),
            Level::Bare => self.from = origin.timestamp,
        }
        self
    }
}

impl Record {
    /// Whether joining `other` would change only the index and the writer's price.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        (self.fast || !other.fast)
            && (!self.derived || other.derived)
            && self.reaches(&other.origin)
            && self.twins.is_superset(&other.twins)
            && self.ledger.is_some() >= other.ledger.is_some()
            && (self.ledger.is_none() && self.body.same_row(&other.body) || self.outranks(other))
            && join_extra(&self.extra, &other.extra) == self.extra
    }

    /// Whether its origin is the one that a join with another keeps.
    fn reaches(&self, other: &Origin) -> bool {
        if self.ledger.is_some() {
            return self.origin
                <= Origin {
                    client: Client::default(),
                    ..other.clone()
                };
        }
        self.origin <= *other
    }

    /// Whether its row is the one that a join keeps. Of an increment it is the one with the smaller
    /// figures.
    fn outranks(&self, other: &Self) -> bool {
        match (&self.ledger, &other.ledger) {
            (Some(own), Some(ledger)) => {
                let joined = (**own).clone().join(ledger).at(&self.origin);
                let model = self.body.model >= other.body.model;
                joined == **own
                    && model
                    && Counters::min(self.body.counters, other.body.counters) == self.body.counters
            }
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.body.order(&other.body).is_gt(),
        }
    }

    /// The record with no more detail than `level`. A lower record stays as it is.
    #[must_use]
    pub(crate) fn pruned(mut self, level: Level) -> Self {
        if level < self.origin.level {
            self.origin.level = level;
            self.origin.timestamp = self.origin.timestamp.day().start();
            self.index = 0;
            self.ledger = self.ledger.map(|ledger| Box::new(ledger.at(&self.origin)));
            self.body.cost = self.cost();
            if level == Level::Bare {
                self.origin.session = SessionId::new(Name::default());
                self.origin.project = Name::default();
                self.origin.client = Client::default();
            }
        }
        self
    }

    /// The UTC day of the request.
    pub(crate) fn day(&self) -> Day {
        self.origin.timestamp.day()
    }

    /// The price by this version's table.
    pub(crate) fn cost(&self) -> Cost {
        let (model, at) = (&self.body.model, self.origin.timestamp);
        if self.ledger.is_some() {
            return prices().cost_of_many(model, at, &self.body.counters);
        }
        prices().cost(
            model,
            at,
            &self.body.counters,
            self.fast,
            self.body.inference_geo.as_deref(),
        )
    }

    /// The spec's key for duplicates among records without an id: timestamp, model and counters.
    /// Only a full record shows it.
    pub(crate) fn twin(&self) -> RecordId {
        derived_id(self.origin.timestamp, &self.body.model, &self.body.counters)
    }

    /// The record as a line of the day file of `day`, without a line break. `project` is written
    /// where it is given.
    pub(crate) fn line(&self, day: Day, project: Option<&str>) -> String {
        let bare = self.origin.level == Level::Bare;
        self.object(project)
            .other("day", self.day_member(day))
            .other("session", (!bare).then(|| self.origin.session.as_str()))
            .line()
    }

    /// The record as JSON on one line, for the machine file, where it stands below its session.
    pub(crate) fn doc(&self, project: Option<&str>) -> Doc {
        self.object(project).flat()
    }

    fn day_member(&self, file: Day) -> Option<Doc> {
        let day = self.day();
        (self.origin.level < Level::Full && day != file)
            .then(|| Doc::from(day.to_string().as_str()))
    }

    /// What is written of the beginning of its stretch.
    fn stretch(&self, ledger: &Ledger) -> Option<String> {
        match self.origin.level {
            Level::Full => Some(ledger.from.to_string()),
            Level::Daily => Some(ledger.from.day().to_string()),
            Level::Bare => None,
        }
    }

    fn twins_doc(&self) -> Option<Doc> {
        let twins = self.twins.iter().map(ToString::to_string);
        let twins: Vec<serde_json::Value> = twins.map(Into::into).collect();
        (!twins.is_empty()).then(|| Doc::from(&serde_json::Value::from(twins)))
    }

    fn object(&self, project: Option<&str>) -> Object {
        let full = self.origin.level == Level::Full;
        let object = self
            .body
            .write(Object::new().spec_opt("timestamp", full.then_some(self.origin.timestamp)));
        let client = &self.origin.client;
        let known = |text: &Name| (!text.is_empty()).then(|| Doc::from(&**text));
        object
            .other("agent", known(&client.agent))
            .other("claude_version", known(&client.version))
            .other("entrypoint", known(&client.entrypoint))
            .spec_opt("cost_usd", full.then_some(self.body.cost.amount))
            .spec_opt("index", (full && self.index > 0).then_some(self.index))
            .other(
                "cost_known",
                (full && !self.body.cost.known).then_some(false),
            )
            .other("derived", (!full && self.derived).then_some(true))
            .other(
                "id",
                (!full || !self.derived).then(|| Doc::from(self.id.to_string().as_str())),
            )
            .other(
                "ledger",
                self.ledger
                    .as_ref()
                    .map(|ledger| ledger.doc(self.stretch(ledger).as_deref())),
            )
            .other("project_name", project)
            .other("speed", self.fast.then_some("fast"))
            .other("twins", self.twins_doc())
            .extra(&self.extra)
    }
}
