//! The arguments of `claude-sync price`, and the rules that they ask for.

use std::path::PathBuf;

use crate::base::money::Money;
use crate::base::text::printable;
use crate::base::time::Day;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::fleet::book;
use crate::prices::{Change, OwnRates, Rule, model_name};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-sync price list                                   all prices that are set
  claude-sync price list glm-5.1                           one model's price, and its source
  claude-sync price set glm-9 --input 1.4 --output 4.4 --cache-read 0.26
  claude-sync price set 'claude-*' --multiply 0.85         a discount for all names with this prefix
  claude-sync price remove glm-9

Prices are in USD per million tokens, and apply by the day of a request. Each machine of the fleet uses them from its next sync on.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(super) action: Action,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// List the prices that are set; with a model, show its price and where it comes from
    List {
        /// A model, by any of its names
        model: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set the price of a model, or a discount
    #[command(allow_negative_numbers = true)]
    Set(Box<SetArgs>),
    /// Remove the prices of a model or pattern, so that built-in prices apply
    Remove {
        /// Model or pattern, as `price list` shows it
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set prices from a file: one of `price export`, or litellm's list of models
    Import {
        /// The file
        file: PathBuf,
        /// Models to take from litellm's list [default: used models without a price]
        #[arg(value_name = "MODEL")]
        models: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the prices that are set, as a file for `price import`
    Export,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// Model, or a pattern; * stands for any characters
    model: String,
    /// USD per million input tokens
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "output", required_unless_present = "multiply")]
    input: Option<Money>,
    /// USD per million output tokens
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    output: Option<Money>,
    /// USD per million tokens read from the cache [default: that of --input]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_read: Option<Money>,
    /// USD per million tokens written to the cache for 5 minutes [default: that of --input]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_write: Option<Money>,
    /// USD per million tokens written to the cache for an hour [default: that of --cache-write]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    cache_write_1h: Option<Money>,
    /// USD per web search [default: 0]
    #[arg(long, value_name = "USD", value_parser = dollars, requires = "input")]
    web_search: Option<Money>,
    /// Multiply the price by a factor: 0.85 is a discount of 15%
    #[arg(long, value_name = "FACTOR", value_parser = factor, conflicts_with = "input")]
    multiply: Option<u64>,
    /// First UTC day [default: unlimited]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<Day>,
    /// Last UTC day [default: unlimited]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<Day>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Parses an amount of at most USD 1,000,000.
fn dollars(text: &str) -> Result<Money, String> {
    let max = Money::from_pico(1_000_000_000_000_000_000);
    Money::parse(text)
        .filter(|amount| *amount <= max)
        .ok_or_else(|| "write an amount in USD per million tokens, such as 1.4".to_owned())
}

/// Parses a factor; the result is in thousandths.
fn factor(text: &str) -> Result<u64, String> {
    Money::parse(text).and_then(book::permille).ok_or_else(|| {
        "write a factor from 0.001 to 1000 with at most 3 decimals, such as 0.85".to_owned()
    })
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "not a day; write 2026-11-23".to_owned())
}

/// The rule that `price set` asks for.
pub(super) fn rule(args: &SetArgs) -> Result<Rule, CliError> {
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

/// The pattern that a model's name on the command line stands for.
pub(super) fn pattern(model: &str) -> Result<String, CliError> {
    let help = "write the name as reports show it; * stands for any characters";
    // A name is cleaned as in records. A pattern is not, so it is checked for an account number.
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
            &format!("\"{}\" is not a model name", printable(model, 100)),
            help,
        )
    })
}

/// The error of a wrong argument.
pub(super) fn usage(message: &str, help: impl Into<String>) -> CliError {
    CliError::plain(message, "claude_sync::usage", exit::USAGE, help)
}
