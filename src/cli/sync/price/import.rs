//! `claude-sync price import`: reads rules from a file of `price export`, or from litellm's list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::base::json::{Extra, Fields};
use crate::base::money::Money;
use crate::base::text::printable;
use crate::cli::error::CliError;
use crate::cli::{exit, source};
use crate::fleet::{Row, book};
use crate::prices::{Change, OwnRates, Rule, model_name};
use crate::store::Places;

/// Maximum size of a file of prices, in bytes. litellm's list of all models has 2 MB.
const MAX_SIZE: u64 = 16 << 20;

/// Reads the rules of a file. `models`: the models to take from litellm's list; if empty, those
/// that the fleet used and that have no price.
pub(super) fn read(places: &Places, file: &Path, models: &[String]) -> Result<Vec<Rule>, CliError> {
    rules(places, file, models).map_err(|reason| {
        let file = printable(&file.display().to_string(), 300);
        CliError::plain(
            &format!("{file}: {reason}"),
            "claude_sync::prices",
            exit::FAILURE,
            "nothing was changed; use a file of claude-sync price export, or litellm's list, model_prices_and_context_window.json",
        )
    })
}

fn rules(places: &Places, file: &Path, models: &[String]) -> Result<Vec<Rule>, String> {
    let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > MAX_SIZE {
        let (size, max) = (size >> 20, MAX_SIZE >> 20);
        return Err(format!("the file has {size} MB; the maximum is {max} MB"));
    }
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| format!("not JSON: error in line {}", error.line()))?;
    let is_export = value.get("prices").is_some_and(|prices| !prices.is_null());
    let fields = Fields::of(value).ok_or("not a JSON object")?;
    if is_export {
        exported(fields)
    } else {
        litellm(places, &fields.rest(), models)
    }
}

/// The rules of a file of `price export`.
fn exported(mut fields: Fields) -> Result<Vec<Rule>, String> {
    let unit = fields.text("unit").map_err(|error| error.to_string())?;
    if unit != book::UNIT {
        return Err(format!(
            "the unit is \"{}\"; it must be \"{}\"",
            printable(&unit, 60),
            book::UNIT
        ));
    }
    let prices = fields.array("prices").map_err(|error| error.to_string())?;
    let read = |(index, value): (usize, Value)| {
        let number = index + 1;
        let fields = Fields::of(value).ok_or_else(|| format!("price {number} is not an object"))?;
        book::read(fields).map_err(|error| format!("price {number}: {error}"))
    };
    prices.into_iter().enumerate().map(read).collect()
}

/// The rules of models in litellm's list.
fn litellm(places: &Places, rows: &Extra, models: &[String]) -> Result<Vec<Rule>, String> {
    let has_price = |row: &Value| row.get("input_cost_per_token").is_some();
    if !rows.values().take(1000).any(has_price) {
        return Err(
            "neither \"prices\" nor litellm's rows with \"input_cost_per_token\" found".to_owned(),
        );
    }
    let wanted = if models.is_empty() {
        unpriced(places)?
    } else {
        models.iter().cloned().collect()
    };
    let mut out = Vec::new();
    for model in wanted {
        match find_row(rows, &model) {
            Some(row) => out.push(rule(&model, row)?),
            None if models.is_empty() => {}
            None => return Err(format!("there is no row for {}", printable(&model, 100))),
        }
    }
    Ok(out)
}

/// The models that the fleet used and that have no price.
fn unpriced(places: &Places) -> Result<BTreeSet<String>, String> {
    let mut out = BTreeSet::new();
    let mut add = |row: &Row<'_>| {
        if !row.totals.cost.known && !row.model.is_empty() && out.len() < book::MOST {
            out.insert(row.model.to_owned());
        }
    };
    source::synced(places, None, &mut add).map_err(|error| error.to_string())?;
    Ok(out)
}

/// The row of a model in litellm's list: of that name, or of any provider's `PROVIDER/NAME`.
fn find_row<'r>(rows: &'r Extra, model: &str) -> Option<&'r Value> {
    rows.get(model).or_else(|| {
        rows.iter()
            .find(|(name, _)| name.rsplit('/').next() == Some(model))
            .map(|(_, row)| row)
    })
}

/// The rule that a row of litellm's list stands for.
fn rule(model: &str, row: &Value) -> Result<Rule, String> {
    let show = || printable(model, 100);
    let rate = |key| rate(row, key).map_err(|reason| format!("{}: {key} {reason}", show()));
    let (input, output) = rate("input_cost_per_token")?
        .zip(rate("output_cost_per_token")?)
        .ok_or_else(|| format!("the row of {} has no price per token", show()))?;
    let rates = OwnRates {
        input,
        output,
        cache_read: rate("cache_read_input_token_cost")?,
        cache_write: rate("cache_creation_input_token_cost")?,
        cache_write_1h: rate("cache_creation_input_token_cost_above_1hr")?,
        web_search: Money::ZERO,
    };
    let pattern = book::pattern(&model_name(model))
        .ok_or_else(|| format!("\"{}\" is not a model name", show()))?;
    Ok(Rule {
        pattern,
        from: None,
        to: None,
        change: Change::Set(rates),
    })
}

/// A rate in USD per million tokens, from USD per token. `None` if the row does not have it.
fn rate(row: &Value, key: &str) -> Result<Option<Money>, &'static str> {
    let Some(value) = row.get(key).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    Money::parse(&value.to_string())
        .and_then(|each| each.pico().checked_mul(1_000_000))
        .map(|pico| Some(Money::from_pico(pico)))
        .ok_or("is not an amount in USD, 0 or more")
}
