//! Rows as CSV (RFC 4180): one line per request, after a line of column names.

use std::io::{self, Write};

use super::row::{ExportData, ExportedRow};
use crate::base::text::csv_field;

const COLUMNS: &str = "timestamp,machine_id,hostname,session,project,model,requests,input_tokens,output_tokens,cache_creation_tokens,\
                       cache_creation_1h_tokens,cache_read_tokens,web_searches,cost_usd,cost_known,kind,provisional,user,group";

pub(super) fn write(rows: &ExportData<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{COLUMNS}\r\n")?;
    for row in rows.rows {
        let view = &rows.fleet.machines[row.machine];
        let machine = view.id.as_str();
        let tags = [&view.user, &view.group].map(|name| csv_field(name));
        let texts = [
            rows.labels[row.machine].as_str(),
            rows.names.text(row.session),
            rows.names.text(row.project),
            rows.names.text(row.model),
        ];
        let (texts, counts) = (texts.map(csv_field).join(","), counts(row));
        let cost = row.totals.cost;
        write!(
            out,
            "{},{machine},{texts},{counts},{},{},{},{},{}\r\n",
            row.at,
            cost.amount,
            cost.known,
            row.kind,
            row.provisional,
            tags.join(",")
        )?;
    }
    Ok(())
}

fn counts(row: &ExportedRow) -> String {
    let c = &row.totals.counters;
    let counts = [
        row.totals.requests,
        c.input,
        c.output,
        c.cache_creation,
        c.cache_1h,
        c.cache_read,
        c.web_search,
    ];
    counts.map(|count| count.to_string()).join(",")
}
