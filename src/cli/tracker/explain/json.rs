//! `explain` as JSON.

use serde_json::{Value, json};

use super::view::View;
use crate::base::ids::SessionId;
use crate::prices::Bill;
use crate::report::dollars;
use crate::report::explain::{Copy, Evidence};

impl View<'_> {
    pub(super) fn to_json(&self) -> Value {
        let prices = self.fleet.prices();
        let totals = self.totals();
        let records: Vec<Value> = self.shown().iter().map(|one| self.record(one)).collect();
        json!({
            "version": 1,
            "schema": "claude-usage-tracker/explain/1",
            "at": self.now.to_string(),
            "prices": {
                "source": prices.source(),
                "asOf": prices.as_of(),
                "fingerprint": prices.fingerprint(),
            },
            "totals": {
                "requests": totals.requests,
                "totalTokens": totals.counters.total(),
                "totalCost": dollars(totals.cost.amount),
                "costKnown": totals.cost.known,
            },
            "left": self.all.len() - self.shown().len(),
            "records": records,
        })
    }

    fn record(&self, one: &Evidence) -> Value {
        let c = &one.totals.counters;
        let copies = |copies: &[Copy]| copies.iter().map(copy).collect::<Vec<_>>();
        let transcripts: Vec<_> = one
            .rows
            .iter()
            .map(|row| json!({ "path": row.path.display().to_string(), "line": row.line }))
            .collect();
        json!({
            "id": one.id.map(|id| id.to_string()),
            "kind": one.source.as_str(),
            "timestamp": one.at.to_string(),
            "machineId": self.fleet.machines[one.machine].id.as_str(),
            "hostname": self.labels[one.machine],
            "sessionId": one.session.as_ref().map(SessionId::as_str),
            "project": one.project,
            "model": one.model,
            "requests": one.totals.requests,
            "inputTokens": c.input,
            "outputTokens": c.output,
            "cacheCreationTokens": c.cache_creation,
            "cacheReadTokens": c.cache_read,
            "costUSD": dollars(one.totals.cost.amount),
            "costKnown": one.totals.cost.known,
            "provisional": one.provisional,
            "bill": one.bill(self.fleet.prices()).map(|bill| to_json(&bill)),
            "copies": copies(&one.copies),
            "notCounted": copies(&one.twins),
            "transcripts": transcripts,
        })
    }
}

fn copy(copy: &Copy) -> Value {
    json!({
        "machineId": copy.machine.as_str(),
        "path": copy.path,
        "line": copy.line,
        "commit": copy.added.map(|(commit, _)| commit.to_string()),
        "committedAt": copy.added.map(|(_, at)| at.to_string()),
    })
}

fn to_json(bill: &Bill) -> Value {
    let items: Vec<_> = bill
        .items
        .iter()
        .map(|item| {
            json!({
                "what": item.what,
                "count": item.count,
                "rate": dollars(item.rate),
                "amount": dollars(item.amount),
            })
        })
        .collect();
    json!({
        "row": bill.row,
        "why": bill.why,
        "source": bill.source,
        "above": bill.above,
        "items": items,
        "fastPermille": bill.fast,
        "usPermille": bill.us,
        "cost": dollars(bill.cost.amount),
    })
}
