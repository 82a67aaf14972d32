//! What a request costs: the built-in, dated price tables, names of models, and the arithmetic.
//!
//! A name of a model goes to [`Prices::of`], which finds its row ([`Found`] says which one and why). Prices depend on the UTC day of the
//! request: rows have dates where prices changed. Source of the figures: litellm (see `claude.tsv` and `tools/prices.py`). Prices of
//! retired models stay, so that old records keep their price.

mod bill;
mod book;
mod claude;
mod counters;
#[cfg(test)]
mod listed_tests;
mod lookup;
mod model;
mod names;
#[cfg(test)]
mod names_tests;
mod rates;
mod table;
#[cfg(test)]
mod tests;

pub use bill::{Bill, Item};
pub use book::{Change, OwnRates, PriceBook, Rule};
pub use counters::Counters;
pub use lookup::{Priced, Prices, fingerprint, prices};
pub use model::model_name;
pub use names::Found;
