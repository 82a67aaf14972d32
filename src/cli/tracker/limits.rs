//! `claude-usage-tracker limits`: plan limits, and who used them.

use std::collections::BTreeSet;

use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::zone;
use crate::cli::source::Extent;
use crate::cli::{exit, places, source};
use crate::fleet::{Fleet, Row, Rows};
use crate::report::Zone;
use crate::report::limits::{Known, Limit, Shares, Usage, to_json, to_table};
use crate::store::{Places, machine_id, plan};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-usage-tracker limits                    the current windows, and who used them
  claude-usage-tracker limits --last 4           also the last four windows of each limit
  claude-usage-tracker limits --account work     one account's limits

Claude Code states limits to its status line, for subscriptions: claude-usage-tracker statusline
keeps them, and a sync shares them. Accounts are named by the setting accounts.")]
pub(crate) struct Args {
    /// Also show so many windows of each limit that have ended
    #[arg(long, value_name = "N", default_value = "0")]
    last: usize,
    /// Only the account with this name
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Time zone of the times shown
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Print JSON
    #[arg(short, long)]
    json: bool,
}

pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let places = places::find()?;
    let known = known(&places)?;
    let mut limits = known.at(env.now, args.last);
    if let Some(account) = &args.account {
        check_account(&known, account)?;
        limits.retain(|limit| limit.series.account == *account);
    }
    let (limits, fleet) = with_shares(limits, &known, &places, env)?;
    if args.json {
        json(&to_json(&limits, &known, &fleet, env.now));
    } else {
        out(&to_table(
            &limits,
            &known,
            &fleet,
            args.timezone,
            env.look(),
        ));
    }
    Ok(exit::OK)
}

/// What is known of plan limits from this machine alone.
pub(super) fn known_here(places: &Places) -> Known {
    let mut known = Known::default();
    let machine = machine_id::read(&places.machine_id).ok().flatten();
    known.add(machine.as_ref(), plan::read(&places.state));
    known
}

/// What is known of plan limits: from this machine, and from all machines of the fleet.
pub(super) fn known(places: &Places) -> Result<Known, CliError> {
    let mut known = known_here(places);
    if crate::report::open(&places.repo)?.is_some()
        && let Some(fleet) = crate::report::machines(&source::open(places)?)?
    {
        known.add_fleet(&fleet);
    }
    Ok(known)
}

/// Adds who used each window.
fn with_shares(
    limits: Vec<Limit>,
    known: &Known,
    places: &Places,
    env: &Env,
) -> Result<(Vec<(Limit, Shares)>, Fleet), CliError> {
    let mut usage = Usage::new(&limits);
    let Some(since) = usage.since() else {
        return Ok((Vec::new(), Fleet::default()));
    };
    let fleet = rows(places, env, since, &mut |row: &Row<'_>| usage.add(row))?;
    let shares = usage.finish(&limits, known, &fleet);
    Ok((limits.into_iter().zip(shares).collect(), fleet))
}

/// Reads what was used since a time: by the fleet, or without a set-up by this machine.
fn rows(places: &Places, env: &Env, since: Timestamp, rows: Rows) -> Result<Fleet, CliError> {
    let extent = Extent {
        since: Some(since),
        ..Extent::default()
    };
    match source::fleet(places, (env.now, &env.watcher()), extent, rows)? {
        Some(fleet) => Ok(fleet),
        None => source::recent(places, since, rows),
    }
}

fn check_account(known: &Known, account: &str) -> Result<(), CliError> {
    let windows = known.limits.windows();
    let names: BTreeSet<&str> = windows
        .map(|(series, ..)| series.account.as_str())
        .collect();
    if names.contains(account) {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    let help = if names.is_empty() {
        "none is known yet: Claude Code states limits to claude-usage-tracker statusline".to_owned()
    } else {
        format!("known accounts: {}", names.join(", "))
    };
    Err(CliError::plain(
        &format!(
            "no limits are known of the account {}",
            printable(account, 80)
        ),
        "claude_sync::usage",
        exit::USAGE,
        &help,
    ))
}
