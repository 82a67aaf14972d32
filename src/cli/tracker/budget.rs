//! `claude-usage-tracker budget`: spending against a limit.

use serde_json::Value;

use super::limits;
use crate::base::money::Money;
use crate::base::text::printable;
use crate::cli::amount::amount;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::Filter;
use crate::cli::{exit, places};
use crate::fleet::Row;
use crate::record::Used;
use crate::report::budget::{Budget, Period, to_json, to_table};
use crate::report::limits::Bounded;
use crate::report::{Bounds, Choice, Fold, Report, ReportKind};
use crate::store::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a limit: those of the settings tracker.daily_budget, tracker.weekly_budget and tracker.monthly_budget.

Examples:
  claude-usage-tracker budget --monthly 300            spending of this month against 300 USD
  claude-usage-tracker budget --daily 20 --check       for scripts: exits with 17 above the limit
  claude-usage-tracker budget --five-hour 80% --check  for hooks: exits with 20 from 80% on
  claude-sync config set tracker.monthly_budget 300    then: claude-usage-tracker budget")]
pub(crate) struct Args {
    /// Limit per day, in USD
    #[arg(long, value_name = "USD", value_parser = amount)]
    daily: Option<Money>,
    /// Limit per week, in USD; or share of the plan's weekly limit, such as 90%
    #[arg(long, value_name = "USD|PERCENT", value_parser = weekly)]
    weekly: Option<Weekly>,
    /// Share of the plan's five-hour limit, such as 80%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    five_hour: Option<Used>,
    /// Limit per month, in USD
    #[arg(long, value_name = "USD", value_parser = amount)]
    monthly: Option<Money>,
    /// Exit with 17 if a limit in USD was exceeded, with 20 if a share of a plan limit was reached:
    /// for cron and hooks
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

/// A limit per week.
#[derive(Debug, Clone, Copy)]
enum Weekly {
    Spending(Money),
    Share(Used),
}

fn weekly(text: &str) -> Result<Weekly, String> {
    if text.ends_with('%') {
        return percent(text).map(Weekly::Share);
    }
    let amount = amount(text).map(Weekly::Spending);
    amount.map_err(|_| "write an amount in USD such as 20, or a share such as 90%".to_owned())
}

fn percent(text: &str) -> Result<Used, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let percent = number
        .parse()
        .ok()
        .filter(|part| (1.0..=100.0).contains(part));
    percent
        .and_then(Used::percent)
        .ok_or_else(|| "write a share from 1% to 100%".to_owned())
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let plan = args.plan(env)?;
    if args.limits()?.is_empty() {
        if args.json {
            json(&with_plan(to_json(&[]), &plan));
        } else {
            out(&plan_lines(&plan, env));
        }
        return Ok(exit_code(args, &[], &plan));
    }
    let (budgets, report) = read(args, env)?;
    if args.json {
        json(&with_plan(to_json(&budgets), &plan));
    } else {
        out(&(to_table(&budgets, env.look()) + &plan_lines(&plan, env)));
    }
    warn_of_unpriced(&report);
    Ok(exit_code(args, &budgets, &plan))
}

/// Plan limits with shares that the user set; none where none was set.
type Plan = Option<Vec<Bounded>>;

fn exit_code(args: &Args, budgets: &[Budget], plan: &Plan) -> u8 {
    let mut plan = plan.iter().flatten();
    match args.check {
        true if budgets.iter().any(Budget::is_over) => exit::OVER,
        true if plan.any(Bounded::is_reached) => exit::PLAN,
        _ => exit::OK,
    }
}

fn with_plan(mut value: Value, plan: &Plan) -> Value {
    if let Some(plan) = plan {
        value["plan"] = plan.iter().map(Bounded::to_json).collect();
    }
    value
}

fn plan_lines(plan: &Plan, env: &Env) -> String {
    match plan {
        None => String::new(),
        Some(plan) if plan.is_empty() => {
            "No current plan limit is known: claude-usage-tracker limits\n".to_owned()
        }
        Some(plan) => plan.iter().map(|one| one.line(env.now)).collect(),
    }
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
        some_machines: !filter.machines.is_empty(),
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
    /// The plan limits that shares were set for.
    fn plan(&self, env: &Env) -> Result<Plan, CliError> {
        let weekly = match self.weekly {
            Some(Weekly::Share(share)) => Some(share),
            _ => None,
        };
        if self.five_hour.or(weekly).is_none() {
            return Ok(None);
        }
        let known = limits::known(&places::find()?)?;
        let all = [("five_hour", self.five_hour), ("seven_day", weekly)];
        let all = all.into_iter();
        let all = all.filter_map(|(window, most)| Some((window, most?)));
        let all = all.flat_map(|(window, most)| Bounded::all(&known, window, most, env.now));
        Ok(Some(all.collect()))
    }

    /// The limits in USD of the command line; without any, those of the settings.
    fn limits(&self) -> Result<Vec<(Period, Money)>, CliError> {
        let weekly = match self.weekly {
            Some(Weekly::Spending(limit)) => Some(limit),
            _ => None,
        };
        let given = [self.daily, weekly, self.monthly];
        let has_plan = self.five_hour.is_some() || self.weekly.is_some();
        let limits = if given == [None; 3] && !has_plan {
            config::read(&places::find()?.config)?.tracker.budgets
        } else {
            given
        };
        let periods = [Period::Day, Period::Week, Period::Month];
        let limits = periods.into_iter().zip(limits);
        let limits: Vec<_> = limits
            .filter_map(|(period, limit)| Some((period, limit?)))
            .collect();
        if limits.is_empty() && !has_plan {
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
