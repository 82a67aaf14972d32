//! `claude-usage-tracker budget`: spending against a limit.

use crate::base::money::Money;
use crate::base::text::printable;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::print::{json, out};
use crate::cli::rows::{Filter, weekday};
use crate::fleet::Row;
use crate::report::budget::{Budget, Period, to_json, to_table};
use crate::report::{Bounds, Choice, Fold, Look, Report, ReportKind};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Limit per day, in USD
    #[arg(long, value_name = "USD", value_parser = amount, required_unless_present_any = ["weekly", "monthly"])]
    daily: Option<Money>,
    /// Limit per week, in USD
    #[arg(long, value_name = "USD", value_parser = amount)]
    weekly: Option<Money>,
    /// Limit per month, in USD
    #[arg(long, value_name = "USD", value_parser = amount)]
    monthly: Option<Money>,
    /// Exit with 17 if a limit was exceeded: for cron and scripts
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
    /// First day of a week
    #[arg(short = 'w', long, value_name = "DAY", default_value = "sunday", value_parser = weekday)]
    start_of_week: chrono::Weekday,
    /// First day of a month, 1 to 28, as on bills
    #[arg(long, value_name = "DAY", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=28))]
    start_of_month: u32,
    #[command(flatten)]
    filter: Filter,
}

fn amount(text: &str) -> Result<Money, String> {
    Money::parse(text.trim_start_matches('$'))
        .ok_or_else(|| "write an amount in USD such as 20 or 7.50".to_owned())
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let (budgets, report) = read(args, env)?;
    if args.json {
        json(&to_json(&budgets));
    } else {
        let look = Look {
            width: env.width,
            now: env.now,
            compact: false,
        };
        out(&to_table(&budgets, look));
    }
    warn_of_unpriced(&report);
    Ok(if args.check && budgets.iter().any(Budget::is_over) {
        exit::OVER
    } else {
        exit::OK
    })
}

/// Computes the budgets, and the report by day that they are computed from.
fn read(args: &Args, env: &Env) -> Result<(Vec<Budget>, Report), CliError> {
    let filter = &args.filter;
    if filter.since.is_some() || filter.until.is_some() {
        return Err(CliError::plain(
            "a budget is for the current period: --since and --until do not apply",
            "claude_sync::usage",
            exit::USAGE,
            "use --daily, --weekly or --monthly, and --start-of-week or --start-of-month",
        ));
    }
    let choice = Choice {
        week_start: args.start_of_week.num_days_from_monday(),
        month_start: args.start_of_month,
        some_machines: !filter.machine.is_empty(),
        ..Choice::default()
    };
    let limits = args.limits();
    let now = filter.timezone.clock(env.now);
    let first_days = limits
        .iter()
        .map(|(period, _)| period.days(now.date(), &choice).0);
    let bounds = Bounds {
        since: first_days.min(),
        until: None,
    };
    let mut fold = Fold::new(ReportKind::Daily, bounds, filter.timezone).with(choice.clone());
    let found = filter.read(env, bounds, &mut |row: &Row<'_>| fold.add(row))?;
    let report = fold.finish(&found.fleet, &found.machines);
    let budget = |(period, limit)| Budget::of(period, limit, &report.groups, now, &choice);
    Ok((limits.into_iter().map(budget).collect(), report))
}

impl Args {
    fn limits(&self) -> Vec<(Period, Money)> {
        let limits = [
            (Period::Day, self.daily),
            (Period::Week, self.weekly),
            (Period::Month, self.monthly),
        ];
        limits
            .into_iter()
            .filter_map(|(period, limit)| Some((period, limit?)))
            .collect()
    }
}

fn warn_of_unpriced(report: &Report) {
    if report.unpriced.is_empty() {
        return;
    }
    let models = report.unpriced.keys().map(|model| printable(model, 60));
    let models = models.collect::<Vec<_>>().join(", ");
    eprintln!("warning: No price is known for {models}: their cost is not included.");
}
