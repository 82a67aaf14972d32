//! Reads files that are one JSON object, and the totals in them.

use serde_json::Value;

use super::error::FormatError;
use crate::base::json::{FieldError, Fields};
use crate::record::Totals;

/// Parses a whole JSON file into its members, after checking its size.
pub(super) fn parse(bytes: &[u8], most: usize) -> Result<Fields, FormatError> {
    if bytes.len() > most {
        return Err(FormatError::TooLarge {
            size: bytes.len(),
            most,
        });
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        FormatError::Malformed(format!(
            "it is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    Fields::of(value).ok_or_else(|| FormatError::Malformed("it is not a JSON object".to_owned()))
}

/// Takes the members of a summary out of an object.
pub(super) fn take_totals(fields: &mut Fields) -> Result<Totals, FieldError> {
    let mut totals = Totals {
        requests: fields.sum("total_requests")?,
        ..Totals::default()
    };
    totals.counters.input = fields.sum("total_input_tokens")?;
    totals.counters.output = fields.sum("total_output_tokens")?;
    totals.counters.cache_creation = fields.sum("total_cache_creation_tokens")?;
    totals.counters.cache_read = fields.sum("total_cache_read_tokens")?;
    totals.cost.amount = fields.money("total_cost_usd")?.unwrap_or_default();
    totals.cost.known = fields.take("cost_known") != Some(Value::Bool(false));
    Ok(totals)
}

/// Reads totals that stand alone.
pub(super) fn read_totals(mut fields: Fields) -> Result<Totals, FieldError> {
    take_totals(&mut fields)
}
