//! Prices of requests: built-in, dated price tables, names of models, the price book, arithmetic.
//!
//! [`Prices::of`] finds the row of a model's name; [`names::Found`] explains which one and why.
//! Prices depend on the UTC day of the request: rows have dates where prices changed. Source of the
//! rates: litellm (see `claude.tsv` and `tools/prices.py`). Prices of retired models stay, so that
//! old records keep their price.

mod bill;
mod book;
mod claude;
mod counters;
mod edition;
#[cfg(test)]
mod listed_tests;
mod lookup;
mod model;
mod names;
#[cfg(test)]
mod names_tests;
mod providers;
mod rates;
mod spellings;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use bill::{Bill, Item};
pub(crate) use book::{Change, OwnRates, PriceBook, Rule};
pub use counters::Counters;
pub(crate) use edition::{PriceTable, TABLE};
pub(crate) use lookup::{Priced, Prices, fingerprint, prices};
pub(crate) use model::model_name;
