//! `claude-usage-tracker budget`: spending against a limit.

use crate::base::money::Money;
use crate::base::text::printable;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::Filter;
use crate::cli::{exit, places};
use crate::fleet::Row;
use crate::report::budget::{Budget, Period, to_json, to_table};
use crate::report::{Bounds, Choice, Fold, Report, ReportKind};
use crate::store::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a limit: those of the settings tracker.daily_budget, tracker.weekly_budget and tracker.monthly_budget.

Examples:
  claude-usage-tracker budget --monthly 300            spending of this month against 300 USD
  claude-usage-tracker budget --daily 20 --check       for scripts: exits with 17 above the limit
  claude-sync config set tracker.monthly_budget 300    then: claude-usage-tracker budget")]
pub(crate) struct Args {
    /// Limit per day, in USD
    #[arg(long, value_name = "USD", value_parser = amount)]
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
        out(&to_table(&budgets, env.look()));
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
    if filter.since.is_some() || filter.until.is_some() || filter.last.is_some() {
        return Err(CliError::plain(
            "a budget is for the current period: --since, --until and --last do not apply",
            "claude_sync::usage",
            exit::USAGE,
            "use --daily, --weekly or --monthly, and --start-of-week or --start-of-month",
        ));
    }
    let choice = Choice {
        week_start: filter.week_start(),
        month_start: args.start_of_month,
        some_machines: !filter.machine.is_empty(),
        ..Choice::default()
    };
    let limits = args.limits()?;
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
    /// The limits of the command line; without any, those of the settings.
    fn limits(&self) -> Result<Vec<(Period, Money)>, CliError> {
        let given = [self.daily, self.weekly, self.monthly];
        let limits = if given == [None; 3] {
            config::read(&places::find()?.config)?.tracker.budgets
        } else {
            given
        };
        let periods = [Period::Day, Period::Week, Period::Month];
        let limits = periods.into_iter().zip(limits);
        let limits: Vec<_> = limits
            .filter_map(|(period, limit)| Some((period, limit?)))
            .collect();
        if limits.is_empty() {
            return Err(CliError::plain(
                "there is no limit",
                "claude_sync::usage",
                exit::USAGE,
                "give one or more: claude-usage-tracker budget --monthly 300, also --daily and --weekly; or save one: claude-sync config set tracker.monthly_budget 300",
            ));
        }
        Ok(limits)
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
