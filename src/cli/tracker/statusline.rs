//! `claude-usage-tracker statusline`: one line for Claude Code, which calls it after each answer with
//! JSON on standard input.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::zone;
use crate::cli::source::Extent;
use crate::cli::{exit, places, source};
use std::io::{IsTerminal as _, Read as _};

use serde_json::{Value, json};

use crate::base::money::{Cost, Money};
use crate::base::progress::Watcher;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::fleet::Row;
use crate::report::blocks::{Block, Blocks};
use crate::report::{Bounds, Zone, ago, dollars, price};

/// Maximum size of the JSON on standard input, in bytes. The rest is not read.
const MAX_INPUT: u64 = 1 << 20;
/// Where a block begins depends on the one before: usage of the last 7 days, in ms, is enough.
const BLOCK_HISTORY: i64 = 7 * 24 * 60 * 60 * 1000;
/// Without a set-up there is no cache: transcripts of the last 2 days are read, in ms.
const RECENT: i64 = 2 * 24 * 60 * 60 * 1000;
/// The line shows the age of the last sync from 1 hour on, in ms.
const OLD: i64 = 60 * 60 * 1000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Time zone of today
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    timezone: Zone,
    /// Exclude this machine's usage since its last sync
    #[arg(long)]
    synced_only: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the line. Missing data is left out, because nobody would read an error there.
pub(crate) fn run(args: &Args, env: &Env) -> u8 {
    let input = Input::read();
    let usage = CurrentUsage::read(args, env).ok();
    if args.json {
        json(&to_json(&input, usage.as_ref()));
    } else {
        out(&to_line(&input, usage.as_ref(), env.now));
    }
    exit::OK
}

/// What Claude Code passes on standard input.
#[derive(Default)]
struct Input {
    model: Option<String>,
    session_cost: Option<Money>,
}

impl Input {
    /// Reads standard input. Anything but JSON is ignored.
    fn read() -> Self {
        let mut text = Vec::new();
        let stdin = std::io::stdin();
        if stdin.is_terminal() || stdin.lock().take(MAX_INPUT).read_to_end(&mut text).is_err() {
            return Self::default();
        }
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let model = value.pointer("/model/display_name").and_then(Value::as_str);
        let cost = value
            .pointer("/cost/total_cost_usd")
            .and_then(Value::as_f64);
        Self {
            model: model.map(str::to_owned),
            session_cost: cost.and_then(|cost| Money::parse(&format!("{cost:.6}"))),
        }
    }
}

/// Usage of the fleet today and in the current block.
struct CurrentUsage {
    /// When the figures of other machines are from, if there are any.
    as_of: Option<Timestamp>,
    /// This machine is set up; else its transcripts alone were read.
    is_synced: bool,
    today: Cost,
    block: Option<Block>,
}

impl CurrentUsage {
    fn read(args: &Args, env: &Env) -> Result<Self, CliError> {
        let (zone, now) = (args.timezone, env.now);
        let mut today = Cost::default();
        let mut blocks = Blocks::new(Bounds::default(), zone);
        let date = zone.date(now);
        let since = Timestamp::from_millis(now.millis().saturating_sub(BLOCK_HISTORY));
        let mut add = |row: &Row<'_>| {
            if Some(row.at) >= since {
                if zone.date(row.at) == date {
                    today = today.plus(row.totals.cost);
                }
                blocks.add(row);
            }
        };
        let extent = Extent {
            since,
            synced_only: args.synced_only,
            ..Extent::default()
        };
        let places = places::find()?;
        let clock = (now, &Watcher::default());
        let (fleet, is_synced) = match source::fleet(&places, clock, extent, &mut add)? {
            Some(fleet) => (fleet, true),
            None => (source::recent(&places, recent(now), &mut add)?, false),
        };
        let block = blocks
            .finish(now, |_| true)
            .into_iter()
            .find(|block| block.active);
        Ok(Self {
            as_of: source::others_as_of(&places, &fleet),
            is_synced,
            today,
            block,
        })
    }

    /// The age of other machines' figures, if they are old.
    fn age(&self, now: Timestamp) -> Option<String> {
        let last = self.as_of?;
        (now.since(last) >= OLD).then(|| format!("synced {}", ago(now, last)))
    }
}

/// Without a set-up, transcripts that were written since this time are read: those of today and of
/// the current block.
fn recent(now: Timestamp) -> Timestamp {
    let since = now.millis().saturating_sub(RECENT);
    Timestamp::from_millis(since).unwrap_or(Timestamp::EPOCH)
}

fn to_line(input: &Input, usage: Option<&CurrentUsage>, now: Timestamp) -> String {
    let model = input.model.as_deref().map(|model| printable(model, 40));
    let session = input
        .session_cost
        .map(|cost| format!("${} session", cost.cents()));
    let today = usage.map(|usage| format!("{} today", price(usage.today)));
    let block = usage
        .and_then(|usage| usage.block.as_ref())
        .map(|block| block_cost(block, now));
    let costs: Vec<_> = [session, today, block].into_iter().flatten().collect();
    let costs = (!costs.is_empty()).then(|| costs.join(" / "));
    let state = match usage {
        Some(usage) if usage.is_synced => usage.age(now),
        Some(_) => Some("this machine only: claude-sync init".to_owned()),
        None => Some("no figures: claude-usage-tracker".to_owned()),
    };
    let parts: Vec<_> = [model, costs, state].into_iter().flatten().collect();
    parts.join(" | ") + "\n"
}

fn block_cost(block: &Block, now: Timestamp) -> String {
    let minutes = block.end.since(now) / 60_000;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let cost = price(block.used.cost);
    format!("{cost} block ({hours}h {minutes}m left)")
}

/// The same data as JSON. Missing data is null.
fn to_json(input: &Input, usage: Option<&CurrentUsage>) -> Value {
    let block = usage.and_then(|usage| usage.block.as_ref());
    let last_sync = usage.and_then(|usage| usage.as_of);
    json!({
        "version": 1,
        "model": input.model,
        "sessionCostUSD": input.session_cost.map(dollars),
        "todayCostUSD": usage.map(|usage| dollars(usage.today.amount)),
        "todayCostKnown": usage.map(|usage| usage.today.known),
        "block": block.map(|block| json!({
            "startTime": block.start.to_string(),
            "endTime": block.end.to_string(),
            "costUSD": dollars(block.used.cost.amount),
            "costKnown": block.used.cost.known,
        })),
        "lastSync": last_sync.map(|time| time.to_string()),
    })
}
