//! The fleet's price book: prices and discounts that users set, as decisions. They hold for every
//! machine and can be taken back.
//!
//! Figures of machine files are by the built-in prices; the manifest and all reports are by the
//! book.

use serde_json::{Map, Value, json};

use super::decisions::{Decisions, PRICE};
use crate::base::json::{FieldError, Fields};
use crate::base::money::Money;
use crate::base::time::Day;
use crate::format::syncfile::SyncFile;
use crate::prices::{Change, OwnRates, PriceBook, Rule};

/// A book holds no more rules: they stand in machine files, which are small.
pub(crate) const MOST: usize = 500;

/// The unit of rates in files.
pub(crate) const UNIT: &str = "USD per million tokens";

/// The rules of the fleet, in the order in which they apply. A rule that cannot be read is none.
pub(crate) fn rules(decisions: &Decisions) -> Vec<Rule> {
    let mut all: Vec<_> = decisions
        .about(PRICE)
        .filter_map(|(subject, revision, members)| Some((revision, subject, members.get("price")?)))
        .collect();
    all.sort_by_key(|(revision, subject, _)| (*revision, *subject));
    let rules = all
        .into_iter()
        .filter_map(|(_, _, price)| Fields::of(price.clone()).and_then(|fields| read(fields).ok()));
    rules.take(MOST).collect()
}

/// The book that all machines' decisions make.
pub(crate) fn gather<'a>(files: impl Iterator<Item = &'a SyncFile>) -> PriceBook {
    PriceBook(rules(&Decisions::gather(files)))
}

/// The subject of the decision about a rule: a later one about the same models, days and kind of
/// change replaces it.
pub(crate) fn subject(rule: &Rule) -> String {
    let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
    let kind = match rule.change {
        Change::Set(_) => "price",
        Change::Multiply(_) => "factor",
    };
    format!(
        "{kind} {}..{} {}",
        day(rule.from),
        day(rule.to),
        rule.pattern
    )
}

/// A rule as JSON. Money is text: no float touches it.
pub(crate) fn write(rule: &Rule) -> Value {
    let mut out = Map::from_iter([("model".to_owned(), rule.pattern.as_str().into())]);
    let mut put = |key: &str, value: Option<String>| {
        drop(value.map(|value| out.insert(key.to_owned(), value.into())));
    };
    put("from", rule.from.map(|day| day.to_string()));
    put("to", rule.to.map(|day| day.to_string()));
    match &rule.change {
        Change::Set(rates) => {
            put("input", Some(rates.input.to_string()));
            put("output", Some(rates.output.to_string()));
            put("cache_read", rates.cache_read.map(|rate| rate.to_string()));
            put(
                "cache_write",
                rates.cache_write.map(|rate| rate.to_string()),
            );
            put(
                "cache_write_1h",
                rates.cache_write_1h.map(|rate| rate.to_string()),
            );
            put(
                "web_search",
                Some(rates.web_search)
                    .filter(|rate| *rate != Money::ZERO)
                    .map(|rate| rate.to_string()),
            );
        }
        Change::Multiply(permille) => put(
            "multiply",
            Some(Money::from_pico(u128::from(*permille) * 1_000_000_000).to_string()),
        ),
    }
    Value::Object(out)
}

/// Reads a rule.
pub(crate) fn read(mut fields: Fields) -> Result<Rule, FieldError> {
    let pattern = pattern(&fields.text("model")?)
        .ok_or_else(|| bad("model", "a model's name of 1 to 200 visible characters"))?;
    let (from, to) = (day(&mut fields, "from")?, day(&mut fields, "to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(bad("from", "a day that is not after \"to\""));
    }
    Ok(Rule {
        pattern,
        from,
        to,
        change: read_change(&mut fields)?,
    })
}

/// Reads a price, which has at least `input` and `output`, or a factor, `multiply`.
fn read_change(fields: &mut Fields) -> Result<Change, FieldError> {
    let factor = rate(fields, "multiply")?;
    let (input, output) = (rate(fields, "input")?, rate(fields, "output")?);
    let rest = [
        rate(fields, "cache_read")?,
        rate(fields, "cache_write")?,
        rate(fields, "cache_write_1h")?,
        rate(fields, "web_search")?,
    ];
    match (factor, input, output) {
        (Some(factor), None, None) => permille(factor)
            .map(Change::Multiply)
            .ok_or_else(|| bad("multiply", "a factor from 0.001 to 1000")),
        (None, Some(input), Some(output)) => {
            let [cache_read, cache_write, cache_write_1h, web_search] = rest;
            Ok(Change::Set(OwnRates {
                input,
                output,
                cache_read,
                cache_write,
                cache_write_1h,
                web_search: web_search.unwrap_or_default(),
            }))
        }
        (None, None, _) => Err(bad(
            "input",
            "there, with \"output\"; or \"multiply\" alone",
        )),
        (None, ..) => Err(bad("output", "there, with \"input\"")),
        (Some(_), ..) => Err(bad("multiply", "alone: a price or a factor, not both")),
    }
}

fn day(fields: &mut Fields, key: &str) -> Result<Option<Day>, FieldError> {
    let text = fields.text(key)?;
    let day = Day::parse(&text);
    if day.is_none() && !text.is_empty() {
        return Err(bad(key, "a day such as 2026-11-23"));
    }
    Ok(day)
}

fn rate(fields: &mut Fields, key: &str) -> Result<Option<Money>, FieldError> {
    match fields.take(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => amount(&value)
            .map(Some)
            .ok_or_else(|| bad(key, "an amount in USD, 0 or more")),
    }
}

fn bad(key: &str, want: &'static str) -> FieldError {
    FieldError {
        key: key.to_owned(),
        want,
    }
}

/// A name or a pattern as rules have it.
pub(crate) fn pattern(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let plain =
        !text.is_empty() && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then_some(text)
}

/// Thousandths of a factor.
pub(crate) fn permille(factor: Money) -> Option<u64> {
    let permille = u64::try_from(factor.pico() / 1_000_000_000).ok()?;
    (factor.pico().is_multiple_of(1_000_000_000) && (1..=1_000_000).contains(&permille))
        .then_some(permille)
}

fn amount(value: &Value) -> Option<Money> {
    // No price per million tokens is a million dollars.
    let most = Money::from_pico(1_000_000_000_000_000_000);
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Money::parse(&text).filter(|amount| *amount <= most)
}

/// The book as a file, for `claude-sync price import`.
pub(crate) fn export(rules: &[Rule]) -> Value {
    json!({ "version": 1, "unit": UNIT, "prices": rules.iter().map(write).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Rule, String> {
        let fields = Fields::of(serde_json::from_str(text).expect("JSON")).expect("an object");
        read(fields).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_round_trip() {
        for text in [
            r#"{"model":"glm-9","from":"2026-01-01","to":"2026-02-01","input":"1.4","output":"4.4","cache_read":"0.26"}"#,
            r#"{"model":"glm-9","input":1.4,"output":4.4,"cache_write":2,"cache_write_1h":3,"web_search":0.01}"#,
            r#"{"model":"*OPUS*","multiply":"0.85"}"#,
        ] {
            let rule = read_text(text).expect("valid");
            assert_eq!(read_text(&write(&rule).to_string()).expect("valid"), rule);
        }
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (text, want) in [
            (r#"{"input":1,"output":1}"#, "model"),
            (r#"{"model":"a b","input":1,"output":1}"#, "model"),
            (r#"{"model":"m","input":1}"#, "output"),
            (r#"{"model":"m","output":1}"#, "input"),
            (r#"{"model":"m","input":-1,"output":1}"#, "input"),
            (r#"{"model":"m","input":"1e30","output":1}"#, "input"),
            (
                r#"{"model":"m","input":1,"output":1,"multiply":2}"#,
                "multiply",
            ),
            (r#"{"model":"m","multiply":0}"#, "multiply"),
            (r#"{"model":"m","multiply":0.0001}"#, "multiply"),
            (r#"{"model":"m","multiply":1,"from":"2026-02-30"}"#, "from"),
            (
                r#"{"model":"m","multiply":1,"from":"2026-03-02","to":"2026-03-01"}"#,
                "from",
            ),
        ] {
            let error = read_text(text).expect_err(text);
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
