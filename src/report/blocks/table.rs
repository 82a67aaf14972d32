//! Blocks as a table.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::block::{Block, HOUR, MINUTE};
use crate::base::text::{short_model, thousands};
use crate::report::notes::no_price;
use crate::report::table::price;
use crate::report::{Look, Zone};

/// Below this width a table has fewer columns.
const NARROW: u16 = 84;

/// A date and a minute are never broken.
const TIME_WIDTH: u16 = 18;

const HEADER: [&str; 5] = ["Block", "Models", "Requests", "Tokens", "Cost (USD)"];

/// The blocks as a table, times in `zone`.
pub(crate) fn to_table(blocks: &[Block], zone: Zone, look: Look, without_cost: bool) -> String {
    if blocks.is_empty() {
        return "No usage in this period.\n".to_owned();
    }
    let narrow = look.compact || look.width < NARROW;
    let hidden = [(narrow, 2), (without_cost, 4)].map(|(hidden, at)| hidden.then_some(at));
    let visible = |cells: [String; 5]| {
        let all = cells.into_iter().enumerate();
        let visible = all.filter(|(at, _)| !hidden.contains(&Some(*at)));
        visible.map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .set_header(visible(HEADER.map(str::to_owned)));
    for block in blocks {
        table.add_row(visible(cells(block, zone, narrow)));
    }
    arrange(&mut table);
    let mut out = format!("{table}\n");
    for note in notes(blocks, look, without_cost) {
        out.push_str(&note);
        out.push('\n');
    }
    out
}

fn cells(block: &Block, zone: Zone, narrow: bool) -> [String; 5] {
    let hours = |millis: i64| format!("{}h {}m", millis / HOUR, millis % HOUR / MINUTE);
    // In a narrow table the duration stands below the start.
    let space = if narrow { "\n" } else { " " };
    let start = zone.minute(block.start);
    if block.is_gap() {
        let length = hours(block.end.since(block.start));
        let mut cells = [const { String::new() }; 5];
        cells[0] = format!("{start}{space}({length} without usage)");
        return cells;
    }
    let lasted = hours(block.span.map_or(0, |(first, last)| last.since(first)));
    let state = if block.active { ", active" } else { "" };
    let models: Vec<_> = block
        .models
        .iter()
        .map(|model| short_model(model))
        .collect();
    [
        format!("{start}{space}({lasted}{state})"),
        models.join("\n"),
        thousands(block.used.requests),
        thousands(block.used.tokens()),
        price(block.used.cost),
    ]
}

fn arrange(table: &mut Table) {
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(TIME_WIDTH)));
    }
    for at in 2..HEADER.len() {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// Lines below the table: models without a price, and the forecast of the active block.
fn notes(blocks: &[Block], look: Look, without_cost: bool) -> Vec<String> {
    let mut out = Vec::new();
    let unpriced = blocks.iter().flat_map(|block| &block.unpriced);
    let unpriced: BTreeSet<&str> = unpriced.map(String::as_str).collect();
    if !unpriced.is_empty() && !without_cost {
        out.push(no_price(&unpriced.into_iter().collect::<Vec<_>>(), look));
    }
    if let Some(pace) = blocks.iter().find_map(|block| block.pace(look.now)) {
        let (mut hour, mut end) = (String::new(), String::new());
        if !without_cost {
            hour = format!(", ${} an hour", pace.hour.cents());
            end = format!(" and ${}", pace.final_cost.cents());
        }
        let (minute, total) = (thousands(pace.tokens / 1000), thousands(pace.final_tokens));
        let left = pace.left;
        out.push(format!(
            "Active: {minute} tokens a minute{hour}; {left} minutes left, then {total} tokens{end} if it goes on like that."
        ));
    }
    out
}
