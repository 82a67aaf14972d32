//! Rows as JSON lines: one object per request.

use std::io::{self, Write};

use serde_json::json;

use super::row::ExportData;
use crate::report::dollars;

pub(super) fn write(rows: &ExportData<'_>, out: &mut impl Write) -> io::Result<()> {
    for row in rows.rows {
        let (c, view) = (&row.totals.counters, &rows.fleet.machines[row.machine]);
        let value = json!({
            "timestamp": row.at.to_string(),
            "machineId": view.id.as_str(),
            "hostname": rows.labels[row.machine],
            "sessionId": rows.names.text(row.session),
            "project": rows.names.text(row.project),
            "model": rows.names.text(row.model),
            "requests": row.totals.requests,
            "inputTokens": c.input,
            "outputTokens": c.output,
            "cacheCreationTokens": c.cache_creation,
            "cacheCreation1hTokens": c.cache_1h,
            "cacheReadTokens": c.cache_read,
            "webSearches": c.web_search,
            "costUSD": dollars(row.totals.cost.amount),
            "costKnown": row.totals.cost.known,
            "kind": row.kind,
            "provisional": row.provisional,
            "user": view.user,
            "group": view.group,
        });
        writeln!(out, "{value}")?;
    }
    Ok(())
}
