//! One line of a day file, or one record of a machine file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::read_totals;
use crate::base::ids::{Interner, RecordId, SessionId};
use crate::base::json::{Doc, Extra, Fields, Object};
use crate::base::money::{Cost, Money};
use crate::base::time::{Day, Timestamp};
use crate::prices::prices;
use crate::record::{
    self, Body, Counters, Level, MAX_COUNTER, Origin, Record, Source, Sum, SumKey, Totals,
    derived_id,
};

/// A line of a day file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A session's line: what the lines below it belong to. `project` is the session's project there.
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
pub fn sum_line(key: &SumKey, sum: &Sum, session_project: &str) -> String {
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
        .other("from", sum.window.map(|window| window.0))
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
        .other("until", sum.window.map(|window| window.1))
        .extra(&sum.extra)
        .line()
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

/// The member `ledger` of an increment.
#[derive(serde::Deserialize)]
struct Ledger<'a> {
    /// Input, output, cache writes, cache reads, web searches.
    after: [u64; 5],
    #[serde(borrow)]
    from: Option<Str<'a>>,
    #[serde(borrow)]
    lineage: Str<'a>,
    #[serde(borrow)]
    state: Str<'a>,
}

impl Ledger<'_> {
    fn read(&self, level: Level, at: Timestamp) -> Option<record::Ledger> {
        let [input, output, cache_creation, cache_read, web_search] = self.after;
        if self.after.iter().any(|figure| *figure > MAX_COUNTER) {
            return None;
        }
        let from = match (&self.from, level) {
            (Some(Str(from)), Level::Full) => Timestamp::parse(from)?,
            (Some(Str(from)), Level::Daily) => Day::parse(from)?.start(),
            _ => at,
        };
        Some(record::Ledger {
            lineage: RecordId::parse(&self.lineage.0)?,
            state: RecordId::parse(&self.state.0)?,
            after: Counters {
                input,
                output,
                cache_creation,
                cache_read,
                web_search,
                ..Counters::default()
            },
            from,
        })
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
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    requests: u64,
    sum: Option<Cow<'a, str>>,
    mark: Option<Cow<'a, str>>,
    deducted: Option<Totals>,
    forgotten: Option<RecordId>,
    twins: BTreeSet<RecordId>,
    derived: bool,
    fast: bool,
    provisional: bool,
    sidechain: bool,
    recorded_cost: Option<Money>,
    service_tier: Option<Cow<'a, str>>,
    inference_geo: Option<Cow<'a, str>>,
    ledger: Option<Ledger<'a>>,
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
    if text.len() > 1000 {
        Err(A::Error::custom("a text of more than 1000 bytes"))
    } else {
        Ok(Some(text))
    }
}

fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<u64, A::Error> {
    map.next_value()
}

fn time<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Timestamp>, A::Error> {
    let Str(text) = map.next_value()?;
    Timestamp::parse(&text)
        .map(Some)
        .ok_or_else(|| A::Error::custom("no ISO 8601 time"))
}

fn id<'de, A: MapAccess<'de>>(map: &mut A) -> Result<RecordId, A::Error> {
    let Str(text) = map.next_value()?;
    RecordId::parse(&text).ok_or_else(|| A::Error::custom("no record id"))
}

fn money<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Money>, A::Error> {
    let raw: &'de RawValue = map.next_value()?;
    Money::parse(raw.get())
        .map(Some)
        .ok_or_else(|| A::Error::custom("no amount in USD"))
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
            "id" => self.id = Some(id(map)?),
            "forgotten" => self.forgotten = Some(id(map)?),
            "derived" => self.derived = map.next_value()?,
            "twins" => {
                let texts: Vec<Cow<str>> = map.next_value()?;
                let ids: Option<BTreeSet<_>> =
                    texts.iter().map(|text| RecordId::parse(text)).collect();
                self.twins = ids.ok_or_else(|| A::Error::custom("no record ids"))?;
            }
            "sum" => self.sum = text(map)?,
            "mark" => self.mark = text(map)?,
            "deducted" => {
                let fields =
                    Fields::of(map.next_value()?).ok_or_else(|| A::Error::custom("no totals"))?;
                self.deducted = Some(read_totals(fields).map_err(A::Error::custom)?);
            }
            "from" => self.from = time(map)?,
            "until" => self.until = time(map)?,
            "session" => self.session = text(map)?,
            "project_name" => self.project = text(map)?,
            "checksum" => self.checksum = text(map)?,
            "day" => {
                let Str(day) = map.next_value()?;
                self.day = Some(Day::parse(&day).ok_or_else(|| A::Error::custom("no day"))?);
            }
            "requests" => self.requests = number(map)?,
            "provisional" => self.provisional = map.next_value()?,
            "sidechain" => self.sidechain = map.next_value()?,
            "recorded_cost_usd" => self.recorded_cost = money(map)?,
            "ledger" => self.ledger = Some(map.next_value()?),
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

    /// A record. `around`: the session that it stands under in a machine file. `file`: the day of the day file that it stands in.
    fn record(
        mut self,
        around: Option<&SessionId>,
        file: Option<Day>,
        names: &mut Interner,
    ) -> Option<(Record, Option<String>)> {
        let c = &self.counters;
        if [
            c.input,
            c.output,
            c.cache_creation,
            c.cache_read,
            c.cache_1h,
            c.web_search,
            self.index,
        ]
        .iter()
        .any(|n| *n > MAX_COUNTER)
        {
            return None;
        }
        let counters = Counters {
            cache_1h: self.counters.cache_1h.min(self.counters.cache_creation),
            ..self.counters
        };
        let session = self
            .session
            .as_deref()
            .map(|own| SessionId::new(names.name(own)))
            .or_else(|| around.cloned());
        let (level, timestamp) = match (self.timestamp, &session) {
            (Some(at), Some(_)) => (Level::Full, at),
            (Some(_), None) => return None,
            (None, session) => (
                if session.is_some() {
                    Level::Daily
                } else {
                    Level::Bare
                },
                self.day.or(file)?.start(),
            ),
        };
        let model = names.name(&self.model?);
        let project = self
            .project
            .filter(|_| level > Level::Bare)
            .map(Cow::into_owned);
        let (service_tier, inference_geo) = (
            self.service_tier.map(|tier| names.name(&tier)),
            self.inference_geo.map(|geo| names.name(&geo)),
        );
        let ledger = match &self.ledger {
            Some(ledger) => Some(Box::new(ledger.read(level, timestamp)?)),
            None => None,
        };
        if ledger.is_some() {
            // It is no request: what is said of one is not part of it.
            self.id?;
            (
                self.fast,
                self.provisional,
                self.sidechain,
                self.derived,
                self.index,
            ) = (false, false, false, false, 0);
            (self.service_tier, self.inference_geo, self.recorded_cost) = (None, None, None);
            self.twins.clear();
        }
        let cost = if ledger.is_some() {
            prices().cost_of_many(&model, timestamp, &counters)
        } else if level == Level::Full {
            // A full record has no members of shorter ones: what says otherwise is of a newer version.
            self.derived = self.derived
                && self
                    .extra
                    .insert("derived".to_owned(), true.into())
                    .is_some();
            Cost {
                known: !self.cost_unknown,
                amount: self.cost.unwrap_or_default(),
            }
        } else {
            prices().cost(
                &model,
                timestamp,
                &counters,
                self.fast,
                inference_geo.as_deref(),
            )
        };
        let body = Body {
            cost,
            service_tier,
            inference_geo,
            provisional: self.provisional,
            sidechain: self.sidechain,
            recorded_cost: self.recorded_cost,
            model,
            counters,
        };
        let derived = if level == Level::Full {
            self.id.is_none()
        } else {
            self.derived
        };
        let record = Record {
            id: self
                .id
                .unwrap_or_else(|| derived_id(timestamp, &body.model, &body.counters)),
            derived,
            origin: Origin {
                level,
                timestamp,
                session: session.unwrap_or_else(|| SessionId::new(names.name(""))),
                project: names.name(project.as_deref().unwrap_or_default()),
            },
            index: if level == Level::Full { self.index } else { 0 },
            fast: self.fast,
            body,
            twins: self.twins,
            ledger,
            extra: self.extra,
        };
        Some((record, project))
    }

    fn sum(self, source: Source, names: &mut Interner) -> Option<(SumKey, Sum)> {
        let mut name = |text: Option<Cow<str>>| names.name(text.as_deref().unwrap_or_default());
        let key = SumKey {
            source,
            day: if source == Source::Claim {
                Timestamp::EPOCH.day()
            } else {
                self.day?
            },
            mark: name(self.mark),
            session: SessionId::new(name(self.session)),
            model: name(self.model),
        };
        let cost = Cost {
            known: !self.cost_unknown,
            amount: self.cost.unwrap_or_default(),
        };
        let sum = Sum {
            window: self.from.zip(self.until),
            project: self.project.map(Cow::into_owned).unwrap_or_default(),
            totals: Totals {
                requests: self.requests,
                counters: self.counters,
                cost,
            },
            deducted: self.deducted,
            extra: self.extra,
        };
        Some((key, sum))
    }
}

/// Reads a line of the day file of `day`. A line that is no object of any kind is none.
pub fn read_line(text: &str, day: Day, names: &mut Interner) -> Option<Line> {
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
pub fn read_record(
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
