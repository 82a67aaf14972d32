//! Blocks as a table.

use std::collections::BTreeSet;

use super::block::{Block, HOUR, MINUTE, Used};
use super::look::BlocksLook;
use crate::base::text::{count, model_name, thousands, wrap};
use crate::report::Look;
use crate::report::grid::{Cell, Column, Grid};
use crate::report::notes::{no_price, no_usage};
use crate::report::table::cost_cell;

/// The blocks as a table.
pub(crate) fn to_table(blocks: &[Block], shown: BlocksLook, look: Look) -> String {
    if blocks.is_empty() {
        return no_usage(shown.bounds);
    }
    let compact = look.compact;
    let columns = [
        (true, Column::text("Block", 0)),
        (true, Column::text("Duration", 2)),
        (true, Column::text("Models", 4)),
        (!compact, Column::number("Requests", 5)),
        (true, Column::number("Tokens", 1)),
        (shown.limit.is_some(), Column::number("Of Limit", 3)),
        (!shown.without_cost, Column::number("Cost (USD)", 0)),
    ];
    let visible = |cells: [Cell; 7]| -> Vec<Cell> {
        let cells = cells.into_iter().zip(&columns);
        cells
            .filter(|(_, (is_shown, _))| *is_shown)
            .map(|(cell, _)| cell)
            .collect()
    };
    let used_columns = columns.iter().filter(|(is_shown, _)| *is_shown);
    let mut grid = Grid::new(used_columns.map(|(_, column)| *column).collect());
    for block in blocks {
        grid.row(visible(cells(block, shown)));
    }
    let mut total = Used::default();
    blocks.iter().for_each(|block| total.add(block.used));
    let number = blocks.iter().filter(|block| !block.is_gap()).count();
    let [requests, tokens, cost] = figures(total);
    grid.total(visible([
        Cell::Text("Total".to_owned()),
        Cell::Text(count(number as u64, "block")),
        Cell::empty(),
        requests,
        tokens,
        Cell::empty(),
        cost,
    ]));
    let mut out = grid.draw(look).with_note(look);
    for note in notes(blocks, shown, look) {
        out.push_str(&wrap(&note, usize::from(look.width)));
    }
    out
}

fn figures(used: Used) -> [Cell; 3] {
    [
        thousands(used.requests),
        thousands(used.tokens()),
        cost_cell(used.cost),
    ]
    .map(Cell::Text)
}

fn cells(block: &Block, shown: BlocksLook) -> [Cell; 7] {
    let hours = |millis: i64| format!("{}h {}m", millis / HOUR, millis % HOUR / MINUTE);
    if block.is_gap() {
        let length = hours(block.end.since(block.start));
        let mut cells = [const { Cell::Text(String::new()) }; 7];
        // In the column that is always shown.
        cells[0] = Cell::Text(format!("  {length} idle"));
        return cells;
    }
    let lasted = hours(block.span.map_or(0, |(first, last)| last.since(first)));
    let state = if block.active { ", active" } else { "" };
    let models = block.models.iter().map(|model| model_name(model));
    let [requests, tokens, cost] = figures(block.used);
    let of_limit = shown.limit.map(|limit| percent(block.used.tokens(), limit));
    [
        Cell::Text(shown.zone.minute(block.start)),
        Cell::Text(format!("{lasted}{state}")),
        Cell::List(models.collect()),
        requests,
        tokens,
        Cell::Text(of_limit.unwrap_or_default()),
        cost,
    ]
}

/// A part of a limit, in percent, rounded down.
fn percent(tokens: u64, limit: u64) -> String {
    let percent = u128::from(tokens)
        .saturating_mul(100)
        .checked_div(u128::from(limit));
    percent.map_or(String::new(), |percent| format!("{}%", thousands(percent)))
}

/// Lines below the table: models without a price, and the forecast of the active block.
fn notes(blocks: &[Block], shown: BlocksLook, look: Look) -> Vec<String> {
    let mut out = Vec::new();
    let unpriced = blocks.iter().flat_map(|block| &block.unpriced);
    let unpriced: BTreeSet<&str> = unpriced.map(String::as_str).collect();
    if !unpriced.is_empty() && !shown.without_cost {
        out.push(no_price(&unpriced.into_iter().collect::<Vec<_>>(), look));
    }
    let Some(pace) = blocks.iter().find_map(|block| block.pace(look.now)) else {
        return out;
    };
    let (mut hour, mut end) = (String::new(), String::new());
    if !shown.without_cost {
        hour = format!(", ${} an hour", pace.hour.cents());
        end = format!(" and ${}", pace.final_cost.cents());
    }
    let (minute, total) = (thousands(pace.tokens / 1000), thousands(pace.final_tokens));
    let left = count(pace.left, "minute");
    out.push(format!(
        "Active: {minute} tokens a minute{hour}; {left} left, then {total} tokens{end} at this rate."
    ));
    if let Some(limit) = shown.limit {
        let part = percent(pace.final_tokens, limit);
        out.push(format!(
            "Forecast: {part} of the limit of {} at the end of the block.",
            count(limit, "token")
        ));
    }
    out
}
