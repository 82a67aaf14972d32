//! `claude-sync price …`: the fleet's price book.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::env::Env;
use super::error::CliError;
use super::{exit, machine, out, source};
use crate::base::json::Fields;
use crate::base::money::Money;
use crate::base::text::{count, printable};
use crate::base::time::Day;
use crate::fleet::book;
use crate::fleet::decisions::{Intent, PRICE};
use crate::prices::{Change, Counters, OwnRates, PriceBook, Prices, Rule, model_name};
use crate::report;
use crate::store::Places;

/// A file of prices is no larger: litellm's list of all models has 2 MB.
const MOST: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync price list                                   all prices that were set
  claude-sync price list glm-5.1                           what one model costs, and why
  claude-sync price set glm-9 --input 1.4 --output 4.4 --cache-read 0.26
  claude-sync price set 'claude-*' --multiply 0.85         a discount for all names that begin so
  claude-sync price remove glm-9

Prices are in USD per million tokens. They hold on every machine of the fleet from its next sync on, for the days of the requests.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the prices that were set; with a model, show what it costs and why
    List {
        /// A model, by any of its names
        model: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a model's price, or a discount
    #[command(allow_negative_numbers = true)]
    Set(Box<SetArgs>),
    /// Remove the prices that were set for a model or pattern, so that the built-in ones hold
    Remove {
        /// The model or pattern, as `price list` shows it
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set the prices of a file: one of `price export`, or litellm's list of models
    Import {
        /// The file
        file: PathBuf,
        /// Of litellm's list, take these models [default: those that the fleet used and that have no price]
        #[arg(value_name = "MODEL")]
        models: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the prices that were set, as a file for `price import`
    Export,
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The model, or a pattern in which * stands for any characters
    model: String,
    /// USD per million tokens of the prompt
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "output", required_unless_present = "multiply")]
    input: Option<Money>,
    /// USD per million tokens of the answer
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    output: Option<Money>,
    /// USD per million tokens read from the cache [default: as --input]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_read: Option<Money>,
    /// USD per million tokens written to the cache for 5 minutes [default: as --input]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_write: Option<Money>,
    /// USD per million tokens written to the cache for an hour [default: as --cache-write]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_write_1h: Option<Money>,
    /// USD per web search [default: 0]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    web_search: Option<Money>,
    /// Multiply the price by a factor: 0.85 is a discount of 15%
    #[arg(long, value_name = "FACTOR", value_parser = factor, conflicts_with = "input")]
    multiply: Option<u64>,
    /// The first UTC day [default: since ever]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<Day>,
    /// The last UTC day [default: for ever]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<Day>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn dollars(text: &str) -> Result<Money, String> {
    let most = Money::from_pico(1_000_000_000_000_000_000);
    Money::parse(text)
        .filter(|amount| *amount <= most)
        .ok_or_else(|| "write an amount in USD per million tokens, such as 1.4".to_owned())
}

fn factor(text: &str) -> Result<u64, String> {
    Money::parse(text).and_then(book::permille).ok_or_else(|| {
        "write a factor from 0.001 to 1000 with at most 3 decimals, such as 0.85".to_owned()
    })
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "no such day; write 2026-11-23".to_owned())
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = Env::places()?;
    let rules = report::price_rules(&source::open(&places)?)?;
    match &args.action {
        Action::List { model: None, json } => Ok(list(&rules, *json)),
        Action::List {
            model: Some(model),
            json,
        } => one(model, rules, env, *json),
        Action::Set(args) => {
            let rule = set(args)?;
            decide(&places, env, &rules, &[rule], args.json)
        }
        Action::Remove { model, json } => remove(&places, env, &rules, (model, *json)),
        Action::Import { file, models, json } => {
            let new = import(&places, file, models)?;
            decide(&places, env, &rules, &new, *json)
        }
        Action::Export => {
            super::json(&book::export(&rules));
            Ok(exit::OK)
        }
    }
}

fn usage(message: &str, help: impl Into<String>) -> CliError {
    CliError::plain(message, "claude_sync::usage", exit::USAGE, help)
}

fn pattern(model: &str) -> Result<String, CliError> {
    let help = "write the name as reports show it; * stands for any characters";
    // A pattern is no name; one with twelve digits in a row may hold an account.
    let name = if model.contains('*') {
        model.to_owned()
    } else {
        model_name(model)
    };
    let account = name
        .as_bytes()
        .windows(12)
        .any(|part| part.iter().all(u8::is_ascii_digit));
    book::pattern(&name).filter(|_| !account).ok_or_else(|| {
        usage(
            &format!("\"{}\" is no name of a model", printable(model, 100)),
            help,
        )
    })
}

fn set(args: &SetArgs) -> Result<Rule, CliError> {
    if args.from.zip(args.to).is_some_and(|(from, to)| from > to) {
        return Err(usage("--from is later than --to", "swap the two days"));
    }
    let change = match (args.multiply, args.input, args.output) {
        (Some(permille), ..) => Change::Multiply(permille),
        (None, Some(input), Some(output)) => Change::Set(OwnRates {
            input,
            output,
            cache_read: args.cache_read,
            cache_write: args.cache_write,
            cache_write_1h: args.cache_write_1h,
            web_search: args.web_search.unwrap_or_default(),
        }),
        _ => {
            return Err(usage(
                "a price needs --input and --output",
                "or give a factor: --multiply 0.85",
            ));
        }
    };
    Ok(Rule {
        pattern: pattern(&args.model)?,
        from: args.from,
        to: args.to,
        change,
    })
}

fn intent(rule: &Rule, value: Value) -> Intent {
    Intent {
        kind: PRICE,
        subject: book::subject(rule),
        key: "price",
        value,
    }
}

fn decide(
    places: &Places,
    env: &Env,
    known: &[Rule],
    new: &[Rule],
    json: bool,
) -> Result<u8, CliError> {
    let subjects: BTreeSet<String> = known.iter().chain(new).map(book::subject).collect();
    if subjects.len() > book::MOST {
        let message = format!(
            "the fleet's price book would hold {}, more than {}",
            count(subjects.len() as u64, "price"),
            book::MOST
        );
        return Err(usage(
            &message,
            "use patterns such as 'glm-*', or remove prices: claude-sync price remove MODEL",
        ));
    }
    if new.is_empty() && !json {
        out("Nothing to set: every model that the fleet used has a price.\n");
        return Ok(exit::OK);
    }
    machine::decide(
        places,
        env,
        new.iter()
            .map(|rule| intent(rule, book::write(rule)))
            .collect(),
        json,
    )
}

fn remove(
    places: &Places,
    env: &Env,
    rules: &[Rule],
    (model, json): (&str, bool),
) -> Result<u8, CliError> {
    let pattern = pattern(model)?;
    let gone: Vec<Intent> = rules
        .iter()
        .filter(|rule| rule.pattern == pattern)
        .map(|rule| intent(rule, false.into()))
        .collect();
    if gone.is_empty() {
        return Err(usage(
            &format!("no price was set for {}", printable(model, 100)),
            "claude-sync price list shows all that were",
        ));
    }
    machine::decide(places, env, gone, json)
}

/// A rule in words.
fn told(rule: &Rule) -> String {
    let days = match (rule.from, rule.to) {
        (None, None) => String::new(),
        (from, to) => {
            let day = |word: &str, day: Option<Day>| {
                day.map(|day| format!(" {word} {day}")).unwrap_or_default()
            };
            day("from", from) + &day("to", to)
        }
    };
    let change = match &rule.change {
        Change::Multiply(permille) => format!(
            "times {}",
            Money::from_pico(u128::from(*permille) * 1_000_000_000)
        ),
        Change::Set(rates) => {
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
    };
    format!("{}: {change}{days}", printable(&rule.pattern, 60))
}

fn list(rules: &[Rule], json: bool) -> u8 {
    if json {
        super::json(&book::export(rules));
    } else if rules.is_empty() {
        out("No price was set: the built-in ones hold.\n");
    } else {
        out(&rules
            .iter()
            .map(|rule| told(rule) + "\n")
            .collect::<String>());
    }
    exit::OK
}

fn one(model: &str, rules: Vec<Rule>, env: &Env, json: bool) -> Result<u8, CliError> {
    let prices = Prices::new(PriceBook(rules));
    // One token of each kind that the price list has.
    let million = 1_000_000;
    let counters = Counters {
        input: million,
        output: million,
        cache_creation: 2 * million,
        cache_read: million,
        cache_1h: million,
        web_search: 1,
    };
    let bill = prices.bill(
        &model_name(model),
        env.now,
        &Counters {
            web_search: 1,
            ..counters
        },
        false,
        None,
    );
    let Some(bill) = bill else {
        let help = format!(
            "set one: claude-sync price set {} --input USD --output USD",
            printable(model, 100)
        );
        return Err(CliError::plain(
            &format!("no price is known for {}", printable(model, 100)),
            "claude_sync::no_price",
            exit::FAILURE,
            help,
        ));
    };
    if json {
        let rates: serde_json::Map<String, Value> = bill
            .items
            .iter()
            .map(|item| (item.what.to_owned(), item.rate.to_string().into()))
            .collect();
        super::json(
            &json!({ "version": 1, "model": model, "row": bill.row, "why": bill.why, "source": bill.source, "unit": book::UNIT, "rates": rates }),
        );
        return Ok(exit::OK);
    }
    let why = if bill.why.is_empty() {
        String::new()
    } else {
        format!(" ({})", bill.why.join(", "))
    };
    let mut text = format!(
        "{} costs as {}{why}; {}\n",
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
    out(&text);
    Ok(exit::OK)
}

fn import(places: &Places, file: &Path, models: &[String]) -> Result<Vec<Rule>, CliError> {
    let show = printable(&file.display().to_string(), 300);
    let failed = |what: String| {
        CliError::plain(
            &format!("{show}: {what}"),
            "claude_sync::prices",
            exit::FAILURE,
            HELP,
        )
    };
    let size = fs::metadata(file)
        .map_err(|error| failed(error.to_string()))?
        .len();
    if size > MOST {
        return Err(failed(format!(
            "it has {} MB; a list of prices has at most {}",
            size >> 20,
            MOST >> 20
        )));
    }
    let bytes = fs::read(file).map_err(|error| failed(error.to_string()))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| failed(format!("no JSON: line {}", error.line())))?;
    let Some(mut fields) = Fields::of(value) else {
        return Err(failed("no JSON object".to_owned()));
    };
    if fields.take("prices").is_none() {
        return litellm(places, fields, models).map_err(failed);
    }
    let mut fields =
        Fields::of(serde_json::from_slice(&bytes).unwrap_or_default()).unwrap_or_default();
    let unit = fields
        .text("unit")
        .map_err(|error| failed(error.to_string()))?;
    if unit != book::UNIT {
        return Err(failed(format!(
            "its unit is \"{}\"; it must be \"{}\"",
            printable(&unit, 60),
            book::UNIT
        )));
    }
    let prices = fields
        .array("prices")
        .map_err(|error| failed(error.to_string()))?;
    let read = |(at, value): (usize, Value)| {
        let fields =
            Fields::of(value).ok_or_else(|| failed(format!("price {} is no object", at + 1)))?;
        book::read(fields).map_err(|error| failed(format!("price {}: {error}", at + 1)))
    };
    prices.into_iter().enumerate().map(read).collect()
}

const HELP: &str = "nothing was changed; claude-sync price export shows the shape of such a file, litellm's list is model_prices_and_context_window.json";

/// The prices of models in litellm's list: those that are named, or that the fleet used and that have no price.
fn litellm(places: &Places, fields: Fields, models: &[String]) -> Result<Vec<Rule>, String> {
    let rows = fields.rest();
    let mut wanted: BTreeSet<String> = models.iter().cloned().collect();
    if wanted.is_empty() {
        let mut unpriced = |row: &crate::fleet::Row<'_>| {
            if !row.totals.cost.known && !row.model.is_empty() && wanted.len() < book::MOST {
                wanted.insert(row.model.to_owned());
            }
        };
        source::synced(places, None, &mut unpriced).map_err(|error| error.to_string())?;
    }
    if rows
        .values()
        .take(1000)
        .all(|row| row.get("input_cost_per_token").is_none())
    {
        return Err(
            "it has neither \"prices\" nor litellm's rows with \"input_cost_per_token\"".to_owned(),
        );
    }
    let mut out = Vec::new();
    for model in wanted {
        let row = rows.get(&model).or_else(|| {
            rows.iter()
                .find(|(name, _)| name.rsplit('/').next() == Some(&model))
                .map(|(_, row)| row)
        });
        let Some(row) = row else {
            if models.is_empty() {
                continue;
            }
            return Err(format!("it has no row for {}", printable(&model, 100)));
        };
        let rate = |key: &str| -> Result<Option<Money>, String> {
            let Some(value) = row.get(key).filter(|value| !value.is_null()) else {
                return Ok(None);
            };
            let each = Money::parse(&value.to_string())
                .and_then(|each| each.pico().checked_mul(1_000_000));
            each.map(|pico| Some(Money::from_pico(pico)))
                .ok_or_else(|| {
                    format!(
                        "{}: {key} is no amount in USD, 0 or more",
                        printable(&model, 100)
                    )
                })
        };
        let (Some(input), Some(output)) = (
            rate("input_cost_per_token")?,
            rate("output_cost_per_token")?,
        ) else {
            return Err(format!(
                "the row of {} has no price per token",
                printable(&model, 100)
            ));
        };
        let rates = OwnRates {
            input,
            output,
            cache_read: rate("cache_read_input_token_cost")?,
            cache_write: rate("cache_creation_input_token_cost")?,
            cache_write_1h: rate("cache_creation_input_token_cost_above_1hr")?,
            web_search: Money::ZERO,
        };
        let pattern = book::pattern(&model_name(&model))
            .ok_or_else(|| format!("{} is no name of a model", printable(&model, 100)))?;
        out.push(Rule {
            pattern,
            from: None,
            to: None,
            change: Change::Set(rates),
        });
    }
    Ok(out)
}
