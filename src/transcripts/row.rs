//! A row of usage, and the records that it makes.

use super::before::{Before, Names, Place, Words};
use super::error::LineError;
use super::fields::{Message, Usage};
use super::lenient::{Count, Dollars, Text};
use crate::base::ids::{Interner, RecordId};
use crate::base::money::Money;
use crate::base::time::Timestamp;
use crate::record::{Counters, Draft, Identity, MAX_COUNTER};

/// A row of usage, wherever in a line it stands.
pub(super) struct Row<'l> {
    pub(super) message: &'l Message<'l>,
    pub(super) timestamp: &'l Text<'l>,
    pub(super) request: &'l Text<'l>,
    pub(super) uuid: &'l Text<'l>,
    pub(super) cost: &'l Dollars,
    pub(super) sidechain: bool,
}

/// What all requests of one row share.
struct Shared<'b> {
    at: Timestamp,
    names: Names<'b>,
    fast: bool,
    provisional: bool,
    sidechain: bool,
}

impl Row<'_> {
    /// Gives the request, and iterations that are billed besides.
    pub(super) fn requests(
        &self,
        place: &Place,
        before: &mut Before,
        names: &mut Interner,
        mut keep: impl FnMut(&Draft),
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
        let id = before.id(&identity);
        let (shared, mut making) = {
            let (names, making) = before.names(place, names);
            (self.shared(usage, names)?, making)
        };
        let words = making.words(model, usage.tier(), usage.geo(), names);
        keep(&shared.draft(id, usage, words, self.cost.0)?);
        // Iterations are parts of the totals above, except an adviser, a fallback attempt on
        // another model and a compaction.
        let mut counts = [0_u32; 3];
        for part in &usage.iterations.0 {
            let Some((which, name, model)) = part.billed_besides(model)? else {
                continue;
            };
            counts[which] += 1;
            let id = identity.id(Some(&format!("{name}:{}", counts[which])));
            let words = making.words(model, part.tier(), part.geo(), names);
            keep(&shared.draft(id, part, words, None)?);
        }
        Ok(())
    }

    fn shared<'b>(&self, usage: &Usage, names: Names<'b>) -> Result<Shared<'b>, LineError> {
        let written = self.timestamp.get().unwrap_or_default();
        Ok(Shared {
            at: Timestamp::parse(written).ok_or(LineError::Timestamp)?,
            names,
            fast: usage.speed.get() == Some("fast"),
            provisional: self.message.stop_reason.0.is_none(),
            sidechain: self.sidechain,
        })
    }
}

impl<'b> Shared<'b> {
    fn draft(
        &self,
        id: RecordId,
        usage: &Usage,
        words: Words<'b>,
        recorded_cost: Option<Money>,
    ) -> Result<Draft<'b>, LineError> {
        Ok(Draft {
            id,
            at: self.at,
            session: self.names.session,
            project: self.names.project,
            client: self.names.client,
            model: words.model,
            counters: usage.counters()?,
            service_tier: words.tier,
            inference_geo: words.geo,
            fast: self.fast,
            provisional: self.provisional,
            sidechain: self.sidechain,
            recorded_cost,
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

    fn tier(&self) -> Option<&str> {
        self.service_tier.get().filter(|tier| *tier != "standard")
    }

    fn geo(&self) -> Option<&str> {
        self.inference_geo.get().filter(|geo| !geo.is_empty())
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
