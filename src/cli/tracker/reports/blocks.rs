//! The options of `claude-usage-tracker blocks`.

use super::args::ReportArgs;
use crate::base::time::Timestamp;
use crate::report::blocks::Block;

/// `--recent`: so long ago a block may have begun, in milliseconds.
const RECENT: i64 = 3 * 24 * HOUR;
const HOUR: i64 = 60 * 60 * 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude-usage-tracker blocks --active               the current block: burn rate and forecast
  claude-usage-tracker blocks --recent               blocks of the last three days
  claude-usage-tracker blocks --token-limit max      each block compared with the one that used most
  claude-usage-tracker blocks --since monday --json")]
#[command(mut_arg("by", |arg| arg.hide(true)))]
#[command(mut_arg("breakdown", |arg| arg.hide(true)))]
#[command(mut_arg("instances", |arg| arg.hide(true)))]
#[command(mut_arg("columns", |arg| arg.hide(true)))]
#[command(mut_arg("csv", |arg| arg.hide(true)))]
#[command(mut_arg("sort", |arg| arg.hide(true)))]
#[command(mut_arg("top", |arg| arg.hide(true)))]
#[command(mut_arg("min_cost", |arg| arg.hide(true)))]
#[command(mut_arg("start_of_month", |arg| arg.hide(true)))]
pub(crate) struct BlocksArgs {
    #[command(flatten)]
    pub(super) blocks: BlockOptions,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// The options that only blocks have.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct BlockOptions {
    /// Only the block that goes on now
    #[arg(short, long)]
    active: bool,
    /// Only blocks of the last three days
    #[arg(short, long)]
    recent: bool,
    /// Length of a block, in hours
    #[arg(short = 'n', long, value_name = "HOURS", default_value = "5", value_parser = hours)]
    session_length: i64,
    /// Compare each block with a limit of tokens: a number, or max for the block that used most
    #[arg(short, long, value_name = "TOKENS|max", value_parser = limit)]
    token_limit: Option<TokenLimit>,
}

/// The value of `--token-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenLimit {
    Tokens(u64),
    Max,
}

/// Parses a number of hours. Unit of the result: milliseconds.
fn hours(text: &str) -> Result<i64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let tenths = part.parse().ok().filter(|tenths: &i64| *tenths < 10);
    let whole = whole
        .parse()
        .ok()
        .filter(|hours: &i64| (0..=168).contains(hours));
    let length = whole
        .zip(tenths)
        .map(|(whole, tenths)| (whole * 10 + tenths) * HOUR / 10);
    length
        .filter(|length| *length > 0)
        .ok_or_else(|| "write a number of hours, such as 5 or 2.5, at most 168".to_owned())
}

fn limit(text: &str) -> Result<TokenLimit, String> {
    if text == "max" {
        return Ok(TokenLimit::Max);
    }
    let plain = text.replace([',', '_'], "");
    let tokens = plain.parse().ok().filter(|tokens| *tokens > 0);
    tokens
        .map(TokenLimit::Tokens)
        .ok_or_else(|| "write a number of tokens, or max".to_owned())
}

impl BlockOptions {
    /// The length of a block, in milliseconds.
    pub(super) fn length(self) -> i64 {
        if self.session_length > 0 {
            self.session_length
        } else {
            5 * HOUR
        }
    }

    /// The limit in tokens. `all`: all blocks of the period.
    pub(super) fn limit(self, all: &[Block]) -> Option<u64> {
        let completed = all.iter().filter(|block| !block.active);
        match self.token_limit? {
            TokenLimit::Tokens(tokens) => Some(tokens),
            TokenLimit::Max => completed
                .map(|block| block.used.tokens())
                .max()
                .filter(|tokens| *tokens > 0),
        }
    }

    /// Keeps the blocks that were asked for.
    pub(super) fn keep(self, blocks: &mut Vec<Block>, now: Timestamp) {
        if self.recent {
            blocks.retain(|block| block.active || now.since(block.end) < RECENT);
        }
        if self.active {
            blocks.retain(|block| block.active);
        }
    }
}
