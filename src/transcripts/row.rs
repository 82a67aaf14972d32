//! A row of usage, and the records that it makes.

use std::collections::BTreeSet;

use super::error::LineError;
use super::lenient::{Count, Dollars, List, Maybe, Text};
use crate::base::ids::{Interner, Name, RecordId, SessionId, token};
use crate::base::json::Extra;
use crate::base::money::{Cost, Money};
use crate::base::time::Timestamp;
use crate::prices::{model_name, prices};
use crate::record::{Body, Client, Counters, Identity, Level, MAX_COUNTER, Origin, Record};

/// The answer to a request, or a part of it.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    #[serde(borrow)]
    usage: Maybe<Usage<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Usage<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Maybe<CacheCreation>,
    server_tool_use: Maybe<ServerToolUse>,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    speed: Text<'a>,
    #[serde(borrow)]
    inference_geo: Text<'a>,
    #[serde(borrow)]
    iterations: List<Usage<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
}

/// A row of usage, wherever in a line it stands.
pub(super) struct Row<'l> {
    pub(super) message: &'l Message<'l>,
    pub(super) timestamp: &'l Text<'l>,
    pub(super) request: &'l Text<'l>,
    pub(super) uuid: &'l Text<'l>,
    pub(super) cost: &'l Dollars,
    pub(super) sidechain: bool,
}

/// Where a row stands.
pub(super) struct Place<'l> {
    /// The whole line.
    pub(super) line: &'l [u8],
    pub(super) session: &'l str,
    pub(super) project: &'l str,
    pub(super) client: &'l Client,
}

/// What all records of one row share.
struct Shared {
    origin: Origin,
    fast: bool,
    provisional: bool,
    sidechain: bool,
}

impl Row<'_> {
    /// Gives the record of the request, and those of iterations that are billed besides.
    pub(super) fn records(
        &self,
        place: &Place,
        names: &mut Interner,
        mut keep: impl FnMut(Record),
    ) -> Result<(), LineError> {
        let Some(usage) = &self.message.usage.0 else {
            return Ok(());
        };
        let model = self.message.model.get().unwrap_or("unknown");
        if model == "<synthetic>" {
            return Ok(());
        }
        let identity = Identity {
            message: self.message.id.get(),
            request: self.request.get(),
            session: place.session,
            uuid: self.uuid.get(),
            line: place.line,
        };
        let shared = self.shared(place, usage, names)?;
        keep(shared.record(identity.id(None), usage, model, self.cost.0, names)?);
        // Iterations are parts of the totals above, except an adviser, a fallback attempt on
        // another model and a compaction.
        let mut counts = [0_u32; 3];
        for part in &usage.iterations.0 {
            let Some((which, name, model)) = part.billed_besides(model)? else {
                continue;
            };
            counts[which] += 1;
            let id = identity.id(Some(&format!("{name}:{}", counts[which])));
            keep(shared.record(id, part, model, None, names)?);
        }
        Ok(())
    }

    fn shared(
        &self,
        place: &Place,
        usage: &Usage,
        names: &mut Interner,
    ) -> Result<Shared, LineError> {
        let written = self.timestamp.get().unwrap_or_default();
        let session = names.name(&token(place.session, "session", 128));
        Ok(Shared {
            origin: Origin {
                level: Level::Full,
                timestamp: Timestamp::parse(written).ok_or(LineError::Timestamp)?,
                session: SessionId::new(session),
                project: names.name(place.project),
                client: place.client.clone(),
            },
            fast: usage.speed.get() == Some("fast"),
            provisional: self.message.stop_reason.0.is_none(),
            sidechain: self.sidechain,
        })
    }
}

impl Shared {
    fn record(
        &self,
        id: RecordId,
        usage: &Usage,
        model: &str,
        recorded_cost: Option<Money>,
        names: &mut Interner,
    ) -> Result<Record, LineError> {
        let mut body = Body {
            model: names.name(&model_name(model)),
            counters: usage.counters()?,
            service_tier: usage.tier(names),
            inference_geo: usage.geo(names),
            provisional: self.provisional,
            sidechain: self.sidechain,
            cost: Cost::default(),
            recorded_cost,
        };
        let (at, geo) = (self.origin.timestamp, body.inference_geo.as_deref());
        body.cost = prices().cost(&body.model, at, &body.counters, self.fast, geo);
        Ok(Record {
            id,
            derived: false,
            origin: self.origin.clone(),
            index: 0,
            fast: self.fast,
            body,
            twins: BTreeSet::new(),
            ledger: None,
            extra: Extra::new(),
        })
    }
}

impl Usage<'_> {
    /// Of an iteration that is billed besides the totals of its row: its kind as an index and a
    /// name, and its model.
    fn billed_besides<'m>(
        &'m self,
        of_row: &'m str,
    ) -> Result<Option<(usize, &'static str, &'m str)>, LineError> {
        let own = self.model.get();
        Ok(match (self.kind.get(), own.filter(|own| *own != of_row)) {
            (Some("advisor_message"), _) => Some((0, "advisor", own.unwrap_or("unknown"))),
            // An attempt that was declined before any output is not billed.
            (Some("message"), Some(other)) if self.output_tokens.get()? > 0 => {
                Some((1, "fallback", other))
            }
            (Some("compaction"), _) => Some((2, "compaction", own.unwrap_or(of_row))),
            _ => None,
        })
    }

    fn tier(&self, names: &mut Interner) -> Option<Name> {
        let tier = self.service_tier.get().filter(|tier| *tier != "standard");
        tier.map(|tier| names.name(&token(tier, "tier", 40)))
    }

    fn geo(&self, names: &mut Interner) -> Option<Name> {
        let geo = self.inference_geo.get().filter(|geo| !geo.is_empty());
        geo.map(|geo| names.name(&token(geo, "geo", 40)))
    }

    fn counters(&self) -> Result<Counters, LineError> {
        let split = self.cache_creation.0.as_ref();
        let five = split.map_or(Ok(0), |s| s.ephemeral_5m_input_tokens.get())?;
        let hour = split.map_or(Ok(0), |s| s.ephemeral_1h_input_tokens.get())?;
        Ok(Counters {
            input: self.input_tokens.get()?,
            output: self.output_tokens.get()?,
            cache_creation: self
                .cache_creation_input_tokens
                .get()?
                .max(five.saturating_add(hour))
                .min(MAX_COUNTER),
            cache_read: self.cache_read_input_tokens.get()?,
            cache_1h: hour,
            web_search: self
                .server_tool_use
                .0
                .as_ref()
                .map_or(Ok(0), |s| s.web_search_requests.get())?,
        })
    }
}

impl Count {
    /// Its value; none is 0.
    pub(crate) fn get(self) -> Result<u64, LineError> {
        match self {
            Self::None => Ok(0),
            Self::Some(count) if count <= MAX_COUNTER => Ok(count),
            _ => Err(LineError::Counter),
        }
    }
}
