//! `claude-usage-tracker statusline`: one line for Claude Code, which calls it after each answer
//! with JSON on standard input. What it states of plan limits is kept.

mod input;
mod limits;
mod line;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::print::{json, out};
use crate::cli::rows::zone;
use crate::cli::source::Extent;
use crate::cli::{exit, places, source, status_line};

use serde_json::{Value, json};

use self::input::Input;
use self::limits::Shown;
use self::line::{Field, Layout, Part, Parts};
use crate::base::money::Cost;
use crate::base::progress::Watcher;
use crate::base::text::printable;
use crate::base::time::Timestamp;
use crate::fleet::{Fleet, Row};
use crate::report::blocks::{Block, Blocks};
use crate::report::limits::percent;
use crate::report::{Bounds, Zone, ago, dollars, price};

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
    // Not a comment for documentation: the help shows braces as they are.
    #[arg(
        long,
        value_name = "TEXT",
        help = "Parts of the line: {model} {ctx} {session} {today} {block} {five_hour} {weekly} {state}, or the name of another limit in braces"
    )]
    format: Option<String>,
    /// Exclude this machine's usage since its last sync
    #[arg(long)]
    synced_only: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Add this command to Claude Code's settings, unless they have another status line
    #[arg(long, conflicts_with_all = ["format", "synced_only", "json", "remove"])]
    install: bool,
    /// Remove it from Claude Code's settings
    #[arg(long, conflicts_with_all = ["format", "synced_only", "json"])]
    remove: bool,
}

/// Runs the command. Only `--install` and `--remove` can fail.
pub(crate) fn run(args: &Args, env: &Env) -> Result<u8, CliError> {
    let done = match (args.install, args.remove) {
        (true, _) => status_line::install(&places::find()?)?,
        (_, true) => status_line::remove(&places::find()?)?,
        _ => return Ok(show(args, env)),
    };
    out(&done);
    Ok(exit::OK)
}

/// Prints the line. Missing data is left out, because nobody would read an error there.
fn show(args: &Args, env: &Env) -> u8 {
    let input = Input::read();
    let known = limits::keep(&input, env.now);
    let usage = CurrentUsage::read(args, env).ok();
    let shown = Shown::new(
        &input,
        known,
        usage.as_ref().map(|usage| &usage.fleet),
        env.now,
    );
    if args.json {
        json(&to_json(&input, &shown, usage.as_ref()));
    } else {
        let format = args.format.as_deref();
        let layout = format.map_or_else(Layout::default, Layout::parse);
        let parts = parts(&input, &shown, usage.as_ref(), env.now);
        let line = layout.line(parts, columns(), env.tints);
        // Claude Code shows nothing at all for an empty line.
        let line = if line.trim().is_empty() { "-" } else { &line };
        out(&format!("{line}\n"));
    }
    exit::OK
}

/// The width of the line, if Claude Code states it.
fn columns() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?;
    columns.trim().parse().ok().filter(|columns| *columns > 0)
}

/// Usage of the fleet today and in the current block.
struct CurrentUsage {
    fleet: Fleet,
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
            fleet,
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

/// The parts of the line that have something to show.
fn parts(input: &Input, shown: &Shown, usage: Option<&CurrentUsage>, now: Timestamp) -> Parts {
    let model = input.model.as_deref().map(|model| printable(model, 40));
    let session = input
        .session_cost
        .map(|cost| format!("${} session", cost.cents()));
    let today = usage.map(|usage| format!("{} today", price(usage.today)));
    let block = usage
        .and_then(|usage| usage.block.as_ref())
        .map(|block| block_cost(block, now));
    let state = match usage {
        Some(usage) if usage.is_synced => usage.age(now),
        Some(_) => Some("this machine only: claude-sync init".to_owned()),
        None => Some("no figures: claude-usage-tracker".to_owned()),
    };
    let texts = [
        (Field::Model, model),
        (Field::Session, session),
        (Field::Today, today),
        (Field::Block, block),
        (Field::State, state),
    ];
    let texts = texts.into_iter();
    let texts = texts.filter_map(|(field, text)| Some((field, Part::plain(text?))));
    let mut parts: Parts = texts.collect();
    if let Some(used) = input.context {
        let text = format!("ctx {}", percent(used.hundredths()));
        let used = used.hundredths();
        parts.insert(Field::Context, Part { text, used });
    }
    parts.extend(shown.parts(now));
    parts
}

fn block_cost(block: &Block, now: Timestamp) -> String {
    let minutes = block.end.since(now) / 60_000;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let cost = price(block.used.cost);
    format!("{cost} block ({hours}h {minutes}m left)")
}

/// The same data as JSON. Missing data is null.
fn to_json(input: &Input, shown: &Shown, usage: Option<&CurrentUsage>) -> Value {
    let block = usage.and_then(|usage| usage.block.as_ref());
    let last_sync = usage.and_then(|usage| usage.as_of);
    json!({
        "version": 1,
        "model": input.model,
        "contextUsedPercent": input.context.map(|used| f64::from(used.hundredths()) / 100.0),
        "sessionCostUSD": input.session_cost.map(dollars),
        "todayCostUSD": usage.map(|usage| dollars(usage.today.amount)),
        "todayCostKnown": usage.map(|usage| usage.today.known),
        "block": block.map(|block| json!({
            "startTime": block.start.to_string(),
            "endTime": block.end.to_string(),
            "costUSD": dollars(block.used.cost.amount),
            "costKnown": block.used.cost.known,
        })),
        "limits": shown.to_json(),
        "lastSync": last_sync.map(|time| time.to_string()),
    })
}
