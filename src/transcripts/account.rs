//! Claude Code's own account of a session (`cost-state` lines), and where in a transcript its
//! stretches begin and end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use memchr::memmem::Finder;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::error::LineError;
use super::lenient::{Count, Maybe, Text};
use crate::base::ids::{Interner, Name, RecordId, SessionId, token};
use crate::base::time::Timestamp;
use crate::prices::{Counters, model_name};
use crate::record::{Draft, Ledger, State};

/// So many models an account is believed to name.
const MOST_MODELS: usize = 64;

/// How far into a line its kind is looked for.
const KIND: usize = 256;

/// What a transcript has stated so far of its account: kept between runs, so that only new lines
/// are read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
pub(crate) struct Stretch {
    /// The last state: its account, and its figures by model.
    before: Option<(u64, BTreeMap<String, [u64; 5]>)>,
    /// The transcript's first request.
    first: Option<u64>,
    /// The project of the last request that was read. It is not kept: what is forgotten must not
    /// lie in the index.
    #[serde(skip)]
    project: String,
    /// The first and the last request since the last state, in milliseconds.
    from: Option<i64>,
    until: Option<i64>,
    /// The last request before the last state.
    end: Option<i64>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, rename = "sessionId")]
    session: Text<'a>,
    #[serde(rename = "startTime")]
    start: Count,
    #[serde(borrow, rename = "modelUsage")]
    models: Models<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Usage {
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    web_search_requests: Count,
}

/// Usage by model.
#[derive(Debug, Default)]
struct Models<'a>(Vec<(Cow<'a, str>, Usage)>);

impl<'de: 'a, 'a> Deserialize<'de> for Models<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Models<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(Text(model)) = map.next_key()? {
                    let Maybe(usage) = map.next_value()?;
                    out.extend(model.zip(usage).filter(|_| out.len() <= MOST_MODELS));
                }
                Ok(Models(out))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Models::default())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Models::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Models::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Models::default())
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// Whether a line may state an account.
pub(crate) fn is_account(line: &[u8], kind: &Finder) -> bool {
    kind.find(&line[..line.len().min(KIND)]).is_some()
}

/// What finds the kind of such a line.
pub(crate) fn finder() -> Finder<'static> {
    Finder::new("\"cost-state\"")
}

impl Line<'_> {
    /// Counters by model, without models that used nothing.
    fn counters(&self, names: &mut Interner) -> Result<BTreeMap<Name, Counters>, LineError> {
        let mut out: BTreeMap<Name, Counters> = BTreeMap::new();
        for (model, usage) in &self.models.0 {
            let slot = out.entry(names.name(&model_name(model))).or_default();
            *slot = slot.plus(usage.counters()?);
        }
        out.retain(|_, counters| *counters != Counters::default());
        Ok(out)
    }
}

impl Stretch {
    /// The counters of the state before, if it was of the same account.
    fn before_of(
        &self,
        lineage: RecordId,
        names: &mut Interner,
    ) -> Option<BTreeMap<Name, Counters>> {
        let (known, models) = self.before.as_ref()?;
        let models = models.iter();
        (*known == lineage.number()).then(|| {
            models
                .map(|(model, figures)| (names.name(model), counters(*figures)))
                .collect()
        })
    }

    /// Takes note of a request, in the order of the transcript.
    pub(crate) fn see(&mut self, request: &Draft) {
        let at = request.at.millis();
        self.first.get_or_insert(request.id.number());
        if *self.project != **request.project {
            (**request.project).clone_into(&mut self.project);
        }
        // Rows that are copied once more bear their old times.
        if self.end.is_none_or(|end| at > end) {
            self.from = Some(self.from.map_or(at, |from| from.min(at)));
            self.until = self.until.max(Some(at));
        }
    }

    /// Reads a state. `written`: when the transcript was last written, for an account without any
    /// request.
    pub(crate) fn read(
        &mut self,
        line: &[u8],
        fallback: &str,
        written: i64,
        names: &mut Interner,
    ) -> Result<Option<State>, LineError> {
        let parsed: Line =
            serde_json::from_slice(line).map_err(|error| LineError::Syntax(error.column()))?;
        if parsed.kind.get() != Some("cost-state") {
            return Ok(None);
        }
        let after = parsed.counters(names)?;
        let start = parsed.start.get()?;
        if after.is_empty() || after.len() > MOST_MODELS {
            return Ok(None);
        }
        let start = i64::try_from(start).unwrap_or(i64::MAX);
        let lineage = Ledger::lineage(start);
        let until = self.until_of(start, written);
        let time = |millis: i64| Timestamp::from_millis(millis).ok_or(LineError::Timestamp);
        let session = parsed.session.get().unwrap_or(fallback);
        let state = State {
            lineage,
            session: SessionId::new(names.name(&token(session, "session", 128))),
            project: names.name(&self.project),
            from: time(self.from.unwrap_or(until))?,
            until: time(until)?,
            first: self.first.map(RecordId::from_number),
            before: self.before_of(lineage, names),
            after,
        };
        // Claude Code often writes the same state twice.
        let again = state.before.as_ref() == Some(&state.after);
        let after = state.after.iter();
        let figures = after.map(|(model, c)| (model.to_string(), figures(*c)));
        self.before = Some((lineage.number(), figures.collect()));
        (self.from, self.until, self.end) = (None, None, Some(until));
        Ok(Some(state).filter(|_| !again))
    }

    /// When the stretch before a state ends, in milliseconds. An account without any request in
    /// sight began at its start time, unless that is yet to come.
    fn until_of(&self, start: i64, written: i64) -> i64 {
        let is_credible = (1..=written).contains(&start);
        self.until
            .or(self.end)
            .unwrap_or(if is_credible { start } else { written })
    }
}

fn figures(c: Counters) -> [u64; 5] {
    [
        c.input,
        c.output,
        c.cache_creation,
        c.cache_read,
        c.web_search,
    ]
}

fn counters([input, output, cache_creation, cache_read, web_search]: [u64; 5]) -> Counters {
    Counters {
        input,
        output,
        cache_creation,
        cache_read,
        web_search,
        ..Counters::default()
    }
}

impl Usage {
    fn counters(&self) -> Result<Counters, LineError> {
        Ok(counters([
            self.input_tokens.get()?,
            self.output_tokens.get()?,
            self.cache_creation_input_tokens.get()?,
            self.cache_read_input_tokens.get()?,
            self.web_search_requests.get()?,
        ]))
    }
}
