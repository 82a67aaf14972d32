//! Looking up the price of a model.

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

/// Changes with every price and every rule of names: see [`fingerprint`].
pub(super) const FINGERPRINT: &str = "729dde7478a593eb";

/// So many names are remembered with their rows. More exist in no fleet, only in files that somebody made up.
pub(super) const REMEMBERED: usize = 4096;

/// What all prices of this program depend on: a hash of the tables and of what a fixed list of names finds in them.
///
/// Whatever is derived by price is kept under it. With prices of the user's own it is [`Prices::fingerprint`].
pub fn fingerprint() -> String {
    FINGERPRINT.to_owned()
}

/// Prices by model: the built-in tables, with rules of the user's own.
#[derive(Debug)]
pub struct Prices {
    pub(super) tables: &'static Tables,
    book: PriceBook,
    pub(super) remembered: RwLock<HashMap<String, Priced>>,
}

/// The built-in prices.
pub fn prices() -> &'static Prices {
    static BUILT_IN: OnceLock<Prices> = OnceLock::new();
    BUILT_IN.get_or_init(|| Prices::new(PriceBook::default()))
}

impl Prices {
    /// The built-in prices with rules of the user's own.
    pub fn new(book: PriceBook) -> Self {
        Self {
            tables: Tables::built_in(),
            book,
            remembered: RwLock::default(),
        }
    }

    /// The month of the figures, `YYYY-MM`.
    pub fn as_of(&self) -> &str {
        self.tables.as_of
    }

    /// Where the prices of Claude's models come from.
    pub fn source(&self) -> &str {
        self.tables.source
    }

    /// What all prices depend on, as [`fingerprint`].
    pub fn fingerprint(&self) -> String {
        if self.book.0.is_empty() {
            return fingerprint();
        }
        crate::base::ids::RecordId::of(
            "prices",
            &[FINGERPRINT.as_bytes(), self.book.text().as_bytes()],
        )
        .to_string()
    }

    /// The price of one request at a time, of which only the UTC day matters. `fast` is Claude Code's fast mode, `geo` the region that
    /// inference was bound to.
    ///
    /// A model without a row has an unknown price, not a price of 0.
    pub fn cost(
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

    /// The price of several requests of one day together, as if none of them passed a threshold: how long each was is not known.
    pub fn cost_of_many(&self, model: &str, at: Timestamp, counters: &Counters) -> Cost {
        self.of(model)
            .row(at)
            .map_or(Cost::UNKNOWN, |row| row.cost_of_many(counters))
    }

    /// The prices of a model, to be asked for many requests.
    pub fn of(&self, model: &str) -> Priced {
        if let Some(known) = self
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(model)
        {
            return known.clone();
        }
        let priced = self.look_up(model);
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() < REMEMBERED {
            remembered.insert(model.to_owned(), priced.clone());
        }
        priced
    }

    /// Which row of the built-in tables a model's name finds, and why.
    pub fn explain(&self, model: &str) -> Option<Found> {
        self.of(model).0.and_then(|model| model.found.clone())
    }

    /// Whether a rule of the user's own changes a model's price on some day.
    pub fn is_own(&self, model: &str) -> bool {
        self.of(model).0.is_some_and(|model| model.own)
    }

    fn look_up(&self, model: &str) -> Priced {
        let has = |name: &str| self.tables.has(name);
        // Files of older versions may have names that are cleaned before they are stored today.
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

    /// The rows of a name, with its factors.
    fn spans(&self, found: &Found) -> Option<Spans> {
        let mut spans = self.tables.row(&found.row)?;
        if found.fast {
            // Of a model without a fast mode nobody knows what it would cost.
            spans = if spans.all(|row| row.fast_permille > WHOLE) {
                spans.map(Row::always_fast)
            } else {
                return None;
            };
        }
        if found.permille != 1000 {
            // A profile's geography is in its price; that of the answer adds nothing.
            spans = spans.map(|row| Row {
                us_permille: WHOLE,
                ..row.scaled(u128::from(found.permille))
            });
        }
        Some(spans)
    }

    /// Where a row's figures come from.
    pub(super) fn source_of(&self, model: &Model) -> &str {
        match (model.own, model.claude) {
            (true, _) => "set by the user",
            (false, true) => self.tables.source,
            (false, false) => self.tables.others_source(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Model {
    /// The name that was looked up.
    pub(super) name: String,
    /// The row of the built-in tables, if there is one.
    pub(super) found: Option<Found>,
    /// A rule of the user's own applies.
    own: bool,
    /// The row is of the small table.
    claude: bool,
    spans: Spans,
}

/// What a model costs, if that is known.
#[derive(Debug, Clone)]
pub struct Priced(pub(super) Option<Arc<Model>>);

impl Priced {
    /// As [`Prices::cost`].
    pub fn cost(&self, at: Timestamp, counters: &Counters, fast: bool, geo: Option<&str>) -> Cost {
        self.row(at)
            .map_or(Cost::UNKNOWN, |row| row.cost(counters, fast, geo))
    }

    pub(super) fn row(&self, at: Timestamp) -> Option<&Row> {
        self.0.as_ref()?.spans.at(at.millis())
    }
}
