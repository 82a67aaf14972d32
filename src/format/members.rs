//! The members of a line, as they are written.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::whole::read_totals;
use crate::base::ids::RecordId;
use crate::base::json::{Extra, Fields};
use crate::base::money::Money;
use crate::base::time::{Day, Timestamp};
use crate::record::{self, Counters, Level, MAX_COUNTER, Totals};

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
pub(super) struct Ledger<'a> {
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
    /// The increment, with no more detail than its record's level has.
    pub(super) fn read(&self, level: Level, at: Timestamp) -> Option<record::Ledger> {
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
pub(super) struct Members<'a> {
    pub(super) timestamp: Option<Timestamp>,
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) counters: Counters,
    pub(super) cost: Option<Money>,
    pub(super) cost_unknown: bool,
    pub(super) index: u64,
    pub(super) id: Option<RecordId>,
    pub(super) session: Option<Cow<'a, str>>,
    pub(super) project: Option<Cow<'a, str>>,
    pub(super) checksum: Option<Cow<'a, str>>,
    pub(super) day: Option<Day>,
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) requests: u64,
    pub(super) sum: Option<Cow<'a, str>>,
    pub(super) mark: Option<Cow<'a, str>>,
    pub(super) deducted: Option<Totals>,
    pub(super) forgotten: Option<RecordId>,
    pub(super) twins: BTreeSet<RecordId>,
    pub(super) derived: bool,
    pub(super) fast: bool,
    pub(super) provisional: bool,
    pub(super) sidechain: bool,
    pub(super) agent: Option<Cow<'a, str>>,
    pub(super) claude_version: Option<Cow<'a, str>>,
    pub(super) entrypoint: Option<Cow<'a, str>>,
    pub(super) recorded_cost: Option<Money>,
    pub(super) service_tier: Option<Cow<'a, str>>,
    pub(super) inference_geo: Option<Cow<'a, str>>,
    pub(super) ledger: Option<Ledger<'a>>,
    pub(super) extra: Extra,
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

fn day<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Day, A::Error> {
    let Str(text) = map.next_value()?;
    Day::parse(&text).ok_or_else(|| A::Error::custom("no day"))
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
            _ => return self.other_member(key, map),
        }
        Ok(())
    }

    fn other_member<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
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
            "day" => self.day = Some(day(map)?),
            "requests" => self.requests = number(map)?,
            "provisional" => self.provisional = map.next_value()?,
            "sidechain" => self.sidechain = map.next_value()?,
            "agent" => self.agent = text(map)?,
            "claude_version" => self.claude_version = text(map)?,
            "entrypoint" => self.entrypoint = text(map)?,
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
}
