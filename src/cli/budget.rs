//! `claude-usage-tracker budget`: what is left of a limit.

use super::env::Env;
use super::error::CliError;
use super::rows::{Filter, weekday};
use super::{exit, out};
use crate::base::money::Money;
use crate::base::text::printable;
use crate::fleet::Row;
use crate::report::budget::{Budget, Period, to_json, to_table};
use crate::report::{Bounds, Choice, Fold, Kind, Look};

/// Which limits, and of what.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The limit for a day, in USD
    #[arg(long, value_name = "USD", value_parser = amount, required_unless_present_any = ["weekly", "monthly"])]
    daily: Option<Money>,
    /// The limit for a week
    #[arg(long, value_name = "USD", value_parser = amount)]
    weekly: Option<Money>,
    /// The limit for a month
    #[arg(long, value_name = "USD", value_parser = amount)]
    monthly: Option<Money>,
    /// End with 17 where a limit was passed: for cron and scripts
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
    /// The day that a week begins with
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// The day of the month that a month begins with, as bills do: 1 to 28
    #[arg(long, value_name = "DAY", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=28))]
    start_of_month: u32,
    #[command(flatten)]
    filter: Filter,
}

fn amount(text: &str) -> Result<Money, String> {
    Money::parse(text.trim_start_matches('$'))
        .ok_or_else(|| "write an amount in USD such as 20 or 7.50".to_owned())
}

pub fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let filter = &args.filter;
    if filter.since.is_some() || filter.until.is_some() {
        let help = "choose --daily, --weekly or --monthly, and --start-of-week or --start-of-month";
        return Err(CliError::plain(
            "a budget is for the current period",
            "claude_sync::usage",
            exit::USAGE,
            help,
        ));
    }
    let choice = Choice {
        week_start: args.start_of_week.num_days_from_monday(),
        month_start: args.start_of_month,
        some_machines: !filter.machine.is_empty(),
        ..Choice::default()
    };
    let now = filter.timezone.clock(env.now);
    let limits = [
        (Period::Day, args.daily),
        (Period::Week, args.weekly),
        (Period::Month, args.monthly),
    ];
    let limits: Vec<(Period, Money)> = limits
        .into_iter()
        .filter_map(|(period, limit)| Some((period, limit?)))
        .collect();
    let since = limits
        .iter()
        .map(|(period, _)| period.days(now.date(), &choice).0)
        .min();
    let bounds = Bounds { since, until: None };
    let mut fold = Fold::new(Kind::Daily, bounds, filter.timezone).with(choice.clone());
    let found = filter.read(env, bounds, &mut |row: &Row<'_>| fold.add(row))?;
    let report = fold.finish(&found.fleet, &found.machines);
    let budgets: Vec<Budget> = limits
        .iter()
        .map(|(period, limit)| Budget::of(*period, *limit, &report.groups, now, &choice))
        .collect();
    if args.json {
        super::json(&to_json(&budgets));
    } else {
        out(&to_table(
            &budgets,
            Look {
                width: env.width,
                now: env.now,
                compact: false,
            },
        ));
    }
    if !report.unpriced.is_empty() {
        let models: Vec<_> = report
            .unpriced
            .keys()
            .map(|model| printable(model, 60))
            .collect();
        eprintln!(
            "warning: No price is known for {}: what they cost is not in it.",
            models.join(", ")
        );
    }
    Ok(if args.check && budgets.iter().any(Budget::is_over) {
        exit::OVER
    } else {
        exit::OK
    })
}
