//! Looks up the price of a model by its name.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::book::PriceBook;
use super::counters::Counters;
use super::model::model_name;
use super::names::{self, Found};
use super::rates::{Row, Spans, WHOLE};
use super::table::Tables;
use crate::base::money::Cost;
use crate::base::time::Timestamp;

/// Changes with every built-in price and every rule for names: see [`fingerprint`].
pub(super) const FINGERPRINT: &str = "c883691989116335";

/// Maximum number of names in the cache. No real fleet has more; crafted files may.
pub(super) const MAX_CACHED: usize = 4096;

/// Fingerprint of the built-in prices: a hash of the tables, and of the rows that a fixed list of
/// names finds in them.
///
/// Caches of derived costs are keyed by it. With a price book it is [`Prices::fingerprint`].
pub(crate) fn fingerprint() -> String {
    FINGERPRINT.to_owned()
}

/// Prices by model: the built-in tables and the price book.
#[derive(Debug)]
pub(crate) struct Prices {
    pub(super) tables: &'static Tables,
    book: PriceBook,
    /// Results of lookups by name.
    pub(super) cache: RwLock<HashMap<String, Priced>>,
}

/// The built-in prices.
pub(crate) fn prices() -> &'static Prices {
    static BUILT_IN: OnceLock<Prices> = OnceLock::new();
    BUILT_IN.get_or_init(|| Prices::new(PriceBook::default()))
}

impl Prices {
    /// The built-in prices, changed by the rules of a price book.
    pub(crate) fn new(book: PriceBook) -> Self {
        Self {
            tables: Tables::built_in(),
            book,
            cache: RwLock::default(),
        }
    }

    /// The month of the built-in prices, `YYYY-MM`.
    pub(crate) fn as_of(&self) -> &str {
        self.tables.as_of
    }

    /// Source of the prices of Claude's models.
    pub(crate) fn source(&self) -> &str {
        self.tables.source
    }

    /// Fingerprint of all prices: [`fingerprint`], combined with the price book unless it is empty.
    pub(crate) fn fingerprint(&self) -> String {
        if self.book.0.is_empty() {
            return fingerprint();
        }
        crate::base::ids::RecordId::of(
            "prices",
            &[FINGERPRINT.as_bytes(), self.book.text().as_bytes()],
        )
        .to_string()
    }

    /// The price of one request. Of `at`, only the UTC day matters. `fast`: Claude Code's fast
    /// mode; `geo`: the region to which inference was bound.
    ///
    /// A model without a row has an unknown price, not a price of 0.
    pub(crate) fn cost(
        &self,
        model: &str,
        at: Timestamp,
        counters: &Counters,
        fast: bool,
        geo: Option<&str>,
    ) -> Cost {
        // Most names are those of the small table, which needs no lock.
        match self.tables.claude(model).filter(|_| self.book.0.is_empty()) {
            Some(spans) => spans
                .at(at.millis())
                .map_or(Cost::UNKNOWN, |row| row.cost(counters, fast, geo)),
            None => self.of(model).cost(at, counters, fast, geo),
        }
    }

    /// The price of several requests of one day, from the sum of their counters. Tiers do not
    /// apply, because the size of each prompt is not known.
    pub(crate) fn cost_of_many(&self, model: &str, at: Timestamp, counters: &Counters) -> Cost {
        self.of(model)
            .row(at)
            .map_or(Cost::UNKNOWN, |row| row.cost_of_many(counters))
    }

    /// The prices of a model, for many requests.
    pub(crate) fn of(&self, model: &str) -> Priced {
        if let Some(known) = self
            .cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(model)
        {
            return known.clone();
        }
        let priced = self.look_up(model);
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() < MAX_CACHED {
            cache.insert(model.to_owned(), priced.clone());
        }
        priced
    }

    /// The row of the built-in tables for a model's name, and how it was found.
    pub(crate) fn explain(&self, model: &str) -> Option<Found> {
        self.of(model).0.and_then(|model| model.found.clone())
    }

    /// Whether a rule of the price book changes the model's price on any day.
    pub(crate) fn is_own(&self, model: &str) -> bool {
        self.of(model).0.is_some_and(|model| model.own)
    }

    fn look_up(&self, model: &str) -> Priced {
        let has = |name: &str| self.tables.has(name);
        // Files of older versions may contain names that are cleaned before storage today.
        let cleaned = model_name(model);
        let find = |name: &str| names::find(name, &has);
        let (name, found) = find(model).map_or_else(
            || (cleaned.as_str(), find(&cleaned)),
            |found| (model, Some(found)),
        );
        let found = found.and_then(|found| Some((self.spans(&found)?, found)));
        let (spans, found) = found.map_or_else(
            || (Spans::default(), None),
            |(spans, found)| (spans, Some(found)),
        );
        let mut known = vec![name];
        known.extend(found.as_ref().map(|found| found.row.as_str()));
        let (spans, own) = self.book.apply(&known, spans);
        if spans.is_empty() {
            return Priced(None);
        }
        let claude = found
            .as_ref()
            .is_some_and(|found| self.tables.claude(&found.row).is_some());
        Priced(Some(Arc::new(Model {
            name: name.to_owned(),
            found,
            own,
            claude,
            spans,
        })))
    }

    /// The rows of a name, with the factors of its profile and of fast mode applied.
    fn spans(&self, found: &Found) -> Option<Spans> {
        let mut spans = self.tables.row(&found.row)?;
        if found.fast {
            // The price of fast mode is not known for a model that has none.
            spans = if spans.all(|row| row.fast_permille > WHOLE) {
                spans.map(Row::always_fast)
            } else {
                return None;
            };
        }
        if u128::from(found.permille) != WHOLE {
            // The profile's factor includes its geography: US inference adds nothing to it.
            spans = spans.map(|row| Row {
                us_permille: WHOLE,
                ..row.scaled(u128::from(found.permille))
            });
        }
        Some(spans)
    }

    /// Source of a model's rates.
    pub(super) fn source_of(&self, model: &Model) -> &str {
        match (model.own, model.claude) {
            (true, _) => "set by the user",
            (false, true) => self.tables.source,
            (false, false) => self.tables.others_source(),
        }
    }
}

/// A model with a price: the result of a lookup.
#[derive(Debug)]
pub(super) struct Model {
    /// The name that was looked up.
    pub(super) name: String,
    /// The row of the built-in tables, if there is one.
    pub(super) found: Option<Found>,
    /// Whether a rule of the price book applies.
    own: bool,
    /// Whether the row is in the table of Claude's models.
    claude: bool,
    spans: Spans,
}

/// The prices of a model, if they are known.
#[derive(Debug, Clone)]
pub(crate) struct Priced(pub(super) Option<Arc<Model>>);

impl Priced {
    /// The price of one request; see [`Prices::cost`].
    pub(crate) fn cost(
        &self,
        at: Timestamp,
        counters: &Counters,
        fast: bool,
        geo: Option<&str>,
    ) -> Cost {
        self.row(at)
            .map_or(Cost::UNKNOWN, |row| row.cost(counters, fast, geo))
    }

    pub(super) fn row(&self, at: Timestamp) -> Option<&Row> {
        self.0.as_ref()?.spans.at(at.millis())
    }
}
