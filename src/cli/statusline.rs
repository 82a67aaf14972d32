//! `claude-usage-tracker statusline`: one line for Claude Code, which calls it after each answer with JSON on its standard input.

use std::io::{IsTerminal as _, Read as _};

use serde_json::{Value, json};

use super::env::Env;
use super::error::CliError;
use super::rows::zone;
use super::{exit, out, source};
use crate::base::money::{Cost, Money};
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row};
use crate::report::blocks::{Block, Blocks};
use crate::report::{Bounds, Zone, ago, dollars, price};

/// What Claude Code says is small; more is not read.
const MOST: u64 = 1 << 20;
/// Blocks follow from each other: so many days back the chain is followed.
const CHAIN: i64 = 7 * 24 * 60 * 60 * 1000;
/// A sync that is older is told.
const OLD: i64 = 60 * 60 * 1000;

/// What the status line is about.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The time zone in which today begins
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the line. Whatever is missing is left out: nobody reads an error there.
pub fn run(args: &Args, env: &Env) -> u8 {
    let told = told();
    let mut parts = Vec::new();
    parts.extend(
        told.pointer("/model/display_name")
            .and_then(Value::as_str)
            .map(|name| printable(name, 40)),
    );
    let session = told
        .pointer("/cost/total_cost_usd")
        .and_then(Value::as_f64)
        .and_then(|cost| Money::parse(&format!("{cost:.6}")));
    let mut costs: Vec<String> = session
        .map(|cost| format!("${} session", cost.cents()))
        .into_iter()
        .collect();
    let used = used(args.timezone, env.now);
    if args.json {
        super::json(&to_json(&told, session, used.as_ref().ok()));
        return exit::OK;
    }
    if let Ok(used) = &used {
        costs.push(format!("{} today", price(used.today)));
        costs.extend(used.block.as_ref().map(|block| {
            let minutes = block.end.since(env.now) / 60_000;
            format!(
                "{} block ({}h {}m left)",
                price(block.used.cost),
                minutes / 60,
                minutes % 60
            )
        }));
    }
    parts.extend((!costs.is_empty()).then(|| costs.join(" / ")));
    match used {
        Ok(used) => parts.extend(late(&used.fleet, env.now)),
        Err(_) => parts.push("nothing synced yet: claude-sync".to_owned()),
    }
    out(&(parts.join(" | ") + "\n"));
    exit::OK
}

/// The same for programs. What is not known is null.
fn to_json(told: &Value, session: Option<Money>, used: Option<&Used>) -> Value {
    let block = used.and_then(|used| used.block.as_ref());
    let newest = used.and_then(|used| newest(&used.fleet));
    json!({
        "version": 1,
        "model": told.pointer("/model/display_name").filter(|name| name.is_string()),
        "sessionCostUSD": session.map(dollars),
        "todayCostUSD": used.map(|used| dollars(used.today.amount)),
        "todayCostKnown": used.map(|used| used.today.known),
        "block": block.map(|block| json!({
            "startTime": block.start.to_string(),
            "endTime": block.end.to_string(),
            "costUSD": dollars(block.used.cost.amount),
            "costKnown": block.used.cost.known,
        })),
        "lastSync": newest.map(|time| time.to_string()),
    })
}

/// What the fleet used.
struct Used {
    fleet: Fleet,
    today: Cost,
    block: Option<Block>,
}

fn used(zone: Zone, now: Timestamp) -> Result<Used, CliError> {
    let mut today = Cost::default();
    let mut blocks = Blocks::new(Bounds::default(), zone);
    let date = zone.date(now);
    let since = Timestamp::from_millis(now.millis().saturating_sub(CHAIN));
    let mut add = |row: &Row<'_>| {
        if Some(row.at) >= since {
            if zone.date(row.at) == date {
                today = today.plus(row.totals.cost);
            }
            blocks.add(row);
        }
    };
    let fleet = source::synced(&Env::places()?, since, &mut add)?;
    // A machine whose clock is ahead may have begun one that is still to come.
    let block = blocks
        .finish(now, |_| true)
        .into_iter()
        .find(|block| block.active && block.start <= now);
    Ok(Used {
        fleet,
        today,
        block,
    })
}

/// The JSON on the standard input, where there is any.
fn told() -> Value {
    let mut text = Vec::new();
    let stdin = std::io::stdin();
    if stdin.is_terminal() || stdin.lock().take(MOST).read_to_end(&mut text).is_err() {
        return Value::Null;
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The newest sync of any machine.
fn newest(fleet: &Fleet) -> Option<Timestamp> {
    fleet
        .machines
        .iter()
        .filter_map(|machine| Some(machine.page.as_ref()?.last_sync()))
        .max()
}

/// How old the figures are, where the newest sync of any machine is old.
fn late(fleet: &Fleet, now: Timestamp) -> Option<String> {
    let newest = newest(fleet)?;
    (now.since(newest) >= OLD).then(|| format!("synced {}", ago(now, newest)))
}
