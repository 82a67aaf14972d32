//! Members of a line to a record or a sum.

use std::borrow::Cow;

use super::members::Members;
use crate::base::ids::{Interner, Name, SessionId};
use crate::base::money::Cost;
use crate::base::time::{Day, Timestamp};
use crate::base::window::Window;
use crate::prices::prices;
use crate::record::{
    Body, Client, Counters, Level, MAX_COUNTER, Origin, Record, Source, Sum, SumKey, Totals,
    derived_id,
};

impl Members<'_> {
    /// A record, and its project where it names one. `around`: the session that it stands under in
    /// a machine file. `file`: the day of the day file that it stands in.
    pub(super) fn record(
        mut self,
        around: Option<&SessionId>,
        file: Option<Day>,
        names: &mut Interner,
    ) -> Option<(Record, Option<String>)> {
        if !self.is_credible() {
            return None;
        }
        let (origin, project) = self.origin(around, file, names)?;
        let (level, timestamp) = (origin.level, origin.timestamp);
        let ledger = match &self.ledger {
            Some(ledger) => Some(Box::new(ledger.read(level, timestamp)?)),
            None => None,
        };
        if ledger.is_some() {
            // It is no request, and has an id of its own.
            self.id?;
            self.drop_request_members();
        }
        let model = names.name(&self.model.take()?);
        let body = self.body(model, &origin, names);
        let full = level == Level::Full;
        let derived = || derived_id(timestamp, &body.model, &body.counters);
        let record = Record {
            id: self.id.unwrap_or_else(derived),
            derived: match level {
                Level::Full => self.id.is_none(),
                _ => self.derived,
            },
            origin,
            index: if full { self.index } else { 0 },
            fast: self.fast,
            body,
            twins: self.twins,
            ledger,
            extra: self.extra,
        };
        Some((record, project))
    }

    /// The origin of a record, with the level of detail that its members show, and its project
    /// where it names one.
    fn origin(
        &mut self,
        around: Option<&SessionId>,
        file: Option<Day>,
        names: &mut Interner,
    ) -> Option<(Origin, Option<String>)> {
        let own = self.session.as_deref();
        let session = own.map(|own| SessionId::new(names.name(own)));
        let session = session.or_else(|| around.cloned());
        let (level, timestamp) = match (self.timestamp, &session) {
            (Some(at), Some(_)) => (Level::Full, at),
            (Some(_), None) => return None,
            (None, Some(_)) => (Level::Daily, self.day.or(file)?.start()),
            (None, None) => (Level::Bare, self.day.or(file)?.start()),
        };
        let project = self.project.take().filter(|_| level > Level::Bare);
        let origin = Origin {
            level,
            timestamp,
            session: session.unwrap_or_else(|| SessionId::new(names.name(""))),
            project: names.name(project.as_deref().unwrap_or_default()),
            client: self.client(level > Level::Bare && self.ledger.is_none(), names),
        };
        Some((origin, project.map(Cow::into_owned)))
    }

    /// Whether no counter is absurd.
    fn is_credible(&self) -> bool {
        let c = &self.counters;
        let tokens = [
            c.input,
            c.output,
            c.cache_creation,
            c.cache_read,
            c.cache_1h,
        ];
        let others = [c.web_search, self.index];
        tokens.iter().chain(&others).all(|n| *n <= MAX_COUNTER)
    }

    /// Drops what only requests have.
    fn drop_request_members(&mut self) {
        self.fast = false;
        self.provisional = false;
        self.sidechain = false;
        self.derived = false;
        self.index = 0;
        self.service_tier = None;
        self.inference_geo = None;
        self.recorded_cost = None;
        self.twins.clear();
    }

    fn body(&mut self, model: Name, origin: &Origin, names: &mut Interner) -> Body {
        let counters = Counters {
            cache_1h: self.counters.cache_1h.min(self.counters.cache_creation),
            ..self.counters
        };
        let tier = self.service_tier.take();
        let geo = self.inference_geo.take().map(|geo| names.name(&geo));
        let at = origin.timestamp;
        let cost = if self.ledger.is_some() {
            prices().cost_of_many(&model, at, &counters)
        } else if origin.level == Level::Full {
            // A full record has no members of shorter ones: one that it has is of a newer version.
            if std::mem::take(&mut self.derived) {
                let known = self.extra.insert("derived".to_owned(), true.into());
                self.derived = known.is_some();
            }
            Cost {
                known: !self.cost_unknown,
                amount: self.cost.unwrap_or_default(),
            }
        } else {
            prices().cost(&model, at, &counters, self.fast, geo.as_deref())
        };
        Body {
            model,
            counters,
            service_tier: tier.map(|tier| names.name(&tier)),
            inference_geo: geo,
            provisional: self.provisional,
            sidechain: self.sidechain,
            cost,
            recorded_cost: self.recorded_cost,
        }
    }

    /// What made a record. Where a record of its kind has none, such a member is of a newer
    /// version, and is kept as it is.
    fn client(&mut self, known: bool, names: &mut Interner) -> Client {
        let mut name = |key: &str, text: Option<Cow<str>>| {
            let text = text.unwrap_or_default();
            if !known && !text.is_empty() {
                self.extra.insert(key.to_owned(), text.into_owned().into());
                return names.name("");
            }
            names.name(&text)
        };
        Client {
            entrypoint: name("entrypoint", self.entrypoint.take()),
            agent: name("agent", self.agent.take()),
            version: name("claude_version", self.claude_version.take()),
        }
    }

    /// A sum, and the key that it has.
    pub(super) fn sum(self, source: Source, names: &mut Interner) -> Option<(SumKey, Sum)> {
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
            window: self.from.zip(self.until).map(Window::from),
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
