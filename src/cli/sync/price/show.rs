//! `claude-sync price list`: the price book, or the price of one model.

use serde_json::{Map, Value, json};

use crate::base::money::Money;
use crate::base::text::printable;
use crate::base::time::{Day, Timestamp};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::{json, out};
use crate::fleet::book;
use crate::prices::{Bill, Change, Counters, OwnRates, PriceBook, Prices, Rule, model_name};

/// A million tokens of each kind, and one web search: the amounts of its bill are the rates.
const EACH: Counters = Counters {
    input: 1_000_000,
    output: 1_000_000,
    cache_creation: 2_000_000,
    cache_read: 1_000_000,
    cache_1h: 1_000_000,
    web_search: 1,
};

/// Prints all rules of the price book.
pub(super) fn all(rules: &[Rule], as_json: bool) -> u8 {
    if as_json {
        json(&book::export(rules));
    } else if rules.is_empty() {
        out("No prices are set: built-in prices apply.\n");
    } else {
        let lines = rules.iter().map(|rule| describe(rule) + "\n");
        out(&lines.collect::<String>());
    }
    exit::OK
}

/// A rule on one line.
fn describe(rule: &Rule) -> String {
    let day =
        |word: &str, day: Option<Day>| day.map(|day| format!(" {word} {day}")).unwrap_or_default();
    let days = day("from", rule.from) + &day("to", rule.to);
    let change = match &rule.change {
        Change::Multiply(permille) => {
            let factor = Money::from_pico(u128::from(*permille) * 1_000_000_000);
            format!("times {factor}")
        }
        Change::Set(rates) => describe_rates(rates),
    };
    format!("{}: {change}{days}", printable(&rule.pattern, 60))
}

fn describe_rates(rates: &OwnRates) -> String {
    let more = [
        ("cache read", rates.cache_read),
        ("cache write", rates.cache_write),
        ("1-hour cache write", rates.cache_write_1h),
    ];
    let more: String = more
        .iter()
        .filter_map(|(what, rate)| Some(format!(", {what} ${}", (*rate)?)))
        .collect();
    format!("input ${}, output ${}{more}", rates.input, rates.output)
}

/// Prints the price of a model at a time, and where it comes from.
pub(super) fn one(
    model: &str,
    rules: Vec<Rule>,
    now: Timestamp,
    as_json: bool,
) -> Result<u8, CliError> {
    let prices = Prices::new(PriceBook(rules));
    let bill = prices.bill(&model_name(model), now, &EACH, false, None);
    let bill = bill.ok_or_else(|| unknown(model))?;
    if as_json {
        json(&to_json(model, &bill));
    } else {
        out(&to_text(model, &bill));
    }
    Ok(exit::OK)
}

fn unknown(model: &str) -> CliError {
    let model = printable(model, 100);
    CliError::plain(
        &format!("no price is known for {model}"),
        "claude_sync::no_price",
        exit::FAILURE,
        format!("set one: claude-sync price set {model} --input USD --output USD"),
    )
}

fn to_json(model: &str, bill: &Bill) -> Value {
    let rates = bill.items.iter();
    let rates: Map<String, Value> = rates
        .map(|item| (item.what.to_owned(), item.rate.to_string().into()))
        .collect();
    json!({
        "version": 1,
        "model": model,
        "row": bill.row,
        "why": bill.why,
        "source": bill.source,
        "unit": book::UNIT,
        "rates": rates,
    })
}

fn to_text(model: &str, bill: &Bill) -> String {
    let why = if bill.why.is_empty() {
        String::new()
    } else {
        format!(" ({})", bill.why.join(", "))
    };
    let mut text = format!(
        "{}: price of {}{why}; source: {}\n",
        printable(model, 100),
        printable(&bill.row, 100),
        printable(&bill.source, 100)
    );
    for item in bill.items.iter().filter(|item| item.what != "web_search") {
        text.push_str(&format!(
            "  {:<16} ${} per million tokens\n",
            item.what.replace('_', " "),
            item.rate
        ));
    }
    text
}
