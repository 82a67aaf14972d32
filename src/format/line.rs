//! One line of a day file, or one record of a sync file.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::base::ids::{Interner, RecordId, SessionId};
use crate::base::json::{Extra, Object};
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::records::{Body, Counters, MAX_COUNTER, Origin, Record, Totals, derived_id};

/// A line of a day file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A session's line: what the lines below it belong to. `project` is the session's project there.
    Session {
        /// The session.
        session: SessionId,
        /// Its project, for the records that name none.
        project: String,
        /// The checksum over the lines below it.
        checksum: String,
        /// Unknown members.
        extra: Extra,
    },
    /// A request. The project is none where it is its session line's.
    Record(Record, Option<String>),
    /// A session's use of one model on one day, for which the records are withheld, and whether it names its own project.
    Summary(SummaryKey, Summary, bool),
    /// An object of a kind that this version does not know, as canonical text.
    Unknown(Option<SessionId>, String),
}

/// What a summary line is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SummaryKey {
    /// The session.
    pub session: SessionId,
    /// The UTC day.
    pub day: Day,
    /// The model.
    pub model: crate::base::ids::Name,
}

/// A session's use of one model on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its project.
    pub project: String,
    /// What was used. The price is the writer's: tiers depend on single requests.
    pub totals: Totals,
    /// The first request's time.
    pub first: Timestamp,
    /// The last request's time.
    pub last: Timestamp,
    /// Unknown members.
    pub extra: Extra,
}

impl Summary {
    /// The line, without a line break. The project is written where it is not its session's.
    pub fn line(&self, key: &SummaryKey, session_project: &str) -> String {
        let c = &self.totals.counters;
        Object::new()
            .spec("model", &*key.model)
            .spec("input_tokens", c.input)
            .spec("output_tokens", c.output)
            .spec("cache_creation_tokens", c.cache_creation)
            .spec("cache_read_tokens", c.cache_read)
            .spec("cost_usd", self.totals.cost.amount)
            .other("cache_creation_1h_tokens", (c.cache_1h > 0).then_some(c.cache_1h))
            .other("cost_known", (!self.totals.cost.known).then_some(false))
            .other("day", Some(key.day.to_string().as_str()))
            .other("first_usage", Some(self.first))
            .other("last_usage", Some(self.last))
            .other("project_name", (self.project != session_project).then_some(self.project.as_str()))
            .other("requests", Some(self.totals.requests))
            .other("session", Some(key.session.as_str()))
            .other("web_search_requests", (c.web_search > 0).then_some(c.web_search))
            .extra(&self.extra)
            .line()
    }
}

/// A text, borrowed where JSON allows.
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

/// All members that any kind of line has.
#[derive(Default)]
struct Members<'a> {
    timestamp: Option<Timestamp>,
    model: Option<Cow<'a, str>>,
    counters: Counters,
    cost: Option<Money>,
    cost_unknown: bool,
    index: u64,
    id: Option<RecordId>,
    session: Option<Cow<'a, str>>,
    project: Option<Cow<'a, str>>,
    checksum: Option<Cow<'a, str>>,
    day: Option<Day>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    requests: Option<u64>,
    fast: bool,
    provisional: bool,
    sidechain: bool,
    recorded_cost: Option<Money>,
    service_tier: Option<Cow<'a, str>>,
    inference_geo: Option<Cow<'a, str>>,
    extra: Extra,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = Members::default();
                while let Some(Str(key)) = map.next_key()? {
                    out.member(&key, &mut map)?;
                }
                Ok(out)
            }
        }
        deserializer.deserialize_map(V)
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    let Str(text) = map.next_value()?;
    if text.len() > 1000 { Err(A::Error::custom("a text of more than 1000 bytes")) } else { Ok(Some(text)) }
}

fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u64, A::Error> {
    map.next_value()
}

fn time<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Timestamp>, A::Error> {
    let Str(text) = map.next_value()?;
    Timestamp::parse(&text).map(Some).ok_or_else(|| A::Error::custom("no ISO 8601 time"))
}

fn money<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Money>, A::Error> {
    let raw: &'de RawValue = map.next_value()?;
    Money::parse(raw.get()).map(Some).ok_or_else(|| A::Error::custom("no amount in USD"))
}

impl<'de> Members<'de> {
    fn member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "timestamp" => self.timestamp = time(map)?,
            "model" => self.model = text(map)?,
            "input_tokens" => self.counters.input = number(map)?,
            "output_tokens" => self.counters.output = number(map)?,
            "cache_creation_tokens" => self.counters.cache_creation = number(map)?,
            "cache_read_tokens" => self.counters.cache_read = number(map)?,
            "cache_creation_1h_tokens" => self.counters.cache_1h = number(map)?,
            "web_search_requests" => self.counters.web_search = number(map)?,
            "cost_usd" => self.cost = money(map)?,
            "cost_known" => self.cost_unknown = !map.next_value::<bool>()?,
            "index" => self.index = number(map)?,
            "id" => {
                let Str(id) = map.next_value()?;
                self.id = Some(RecordId::parse(&id).ok_or_else(|| A::Error::custom("no record id"))?);
            }
            "session" => self.session = text(map)?,
            "project_name" => self.project = text(map)?,
            "checksum" => self.checksum = text(map)?,
            "day" => {
                let Str(day) = map.next_value()?;
                self.day = Some(Day::parse(&day).ok_or_else(|| A::Error::custom("no day"))?);
            }
            "first_usage" => self.first = time(map)?,
            "last_usage" => self.last = time(map)?,
            "requests" => self.requests = Some(number(map)?),
            "provisional" => self.provisional = map.next_value()?,
            "sidechain" => self.sidechain = map.next_value()?,
            "recorded_cost_usd" => self.recorded_cost = money(map)?,
            "service_tier" => self.service_tier = text(map)?,
            "inference_geo" => self.inference_geo = text(map)?,
            "speed" => {
                let value: serde_json::Value = map.next_value()?;
                self.fast = value == "fast";
                if !self.fast {
                    self.extra.insert(key.to_owned(), value);
                }
            }
            _ => {
                self.extra.insert(key.to_owned(), map.next_value()?);
            }
        }
        Ok(())
    }

    fn record(self, session: Option<&SessionId>, names: &mut Interner) -> Option<(Record, Option<String>)> {
        let session = match (&self.session, session) {
            (Some(own), _) => SessionId::new(names.name(own)),
            (None, Some(around)) => around.clone(),
            (None, None) => return None,
        };
        let (timestamp, model) = (self.timestamp?, names.name(&self.model?));
        let c = &self.counters;
        if [c.input, c.output, c.cache_creation, c.cache_read, c.cache_1h, c.web_search, self.index].iter().any(|n| *n > MAX_COUNTER) {
            return None;
        }
        let counters = Counters { cache_1h: self.counters.cache_1h.min(self.counters.cache_creation), ..self.counters };
        let project = self.project.map(Cow::into_owned);
        let body = Body {
            cost: Cost { known: !self.cost_unknown, amount: self.cost.unwrap_or_default() },
            service_tier: self.service_tier.map(|tier| names.name(&tier)),
            inference_geo: self.inference_geo.map(|geo| names.name(&geo)),
            provisional: self.provisional,
            sidechain: self.sidechain,
            recorded_cost: self.recorded_cost,
            extra: self.extra,
            model,
            counters,
        };
        let record = Record {
            id: self.id.unwrap_or_else(|| derived_id(timestamp, &body.model, &body.counters)),
            derived: self.id.is_none(),
            origin: Origin { timestamp, session, project: names.name(project.as_deref().unwrap_or_default()) },
            index: self.index,
            fast: self.fast,
            body,
        };
        Some((record, project))
    }

    fn summary(self, names: &mut Interner) -> Option<(SummaryKey, Summary)> {
        let key = SummaryKey { session: SessionId::new(names.name(&self.session?)), day: self.day?, model: names.name(&self.model?) };
        let cost = Cost { known: !self.cost_unknown, amount: self.cost.unwrap_or_default() };
        let start = key.day.start();
        let summary = Summary {
            project: self.project.map(Cow::into_owned).unwrap_or_default(),
            totals: Totals { requests: self.requests?, counters: self.counters, cost },
            first: self.first.unwrap_or(start),
            last: self.last.unwrap_or(start),
            extra: self.extra,
        };
        Some((key, summary))
    }
}

/// Reads a line of a day file. A line that is no object of any kind is none.
pub fn read_line(text: &str, names: &mut Interner) -> Option<Line> {
    let members: Members = serde_json::from_str(text).ok()?;
    if members.timestamp.is_some() && members.model.is_some() {
        return members.record(None, names).map(|(record, project)| Line::Record(record, project));
    }
    if members.requests.is_some() && members.day.is_some() {
        let own = members.project.is_some();
        return members.summary(names).map(|(key, summary)| Line::Summary(key, summary, own));
    }
    let session = members.session.as_deref().map(|session| SessionId::new(names.name(session)));
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

/// Reads a record of a sync file, which stands under its session.
pub fn read_record(text: &str, session: &SessionId, project: &str, names: &mut Interner) -> Option<Record> {
    let members: Members = serde_json::from_str(text).ok()?;
    let (mut record, own) = members.record(Some(session), names)?;
    if own.is_none() {
        record.origin.project = names.name(project);
    }
    Some(record)
}
