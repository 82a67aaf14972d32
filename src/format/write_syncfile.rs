//! The canonical bytes of sync files.

use serde_json::Value;

use super::limits::VERSION;
use super::plan;
use super::syncfile::{Claim, Machine, Metadata, SCHEMA, Session, SyncFile};
use crate::base::json::{Doc, Object, file};
use crate::record::Record;

impl SyncFile {
    /// The canonical bytes.
    pub(crate) fn write(&self) -> String {
        let usage = self
            .totals
            .write(Object::new())
            .spec_opt("first_usage", self.first_usage)
            .spec_opt("last_usage", self.last_usage);
        let sessions = self
            .sessions
            .iter()
            .map(|(id, session)| (id.to_string().into(), session.doc()))
            .collect();
        let pruned = self
            .pruned_before
            .map(|day| Doc::from(day.to_string().as_str()));
        let out = Object::new()
            .spec("$schema", SCHEMA)
            .spec("version", VERSION)
            .spec("machine", self.machine.doc())
            .spec("sync_metadata", self.metadata.doc())
            .spec("usage_summary", usage.extra(&self.summary_extra).block())
            .spec("sessions", Doc::Block(sessions))
            .other("claimed", self.claimed.map(|claim| claim.doc()))
            .other("decisions", self.decisions_doc())
            .other("limits", plan::doc(&self.limits))
            .other("pruned_before", pruned)
            .extra(&self.extra);
        file(&out.block())
    }

    /// The list of decisions; none where there are none.
    fn decisions_doc(&self) -> Option<Doc> {
        let decisions = self.decisions.iter();
        let lines: Vec<Doc> = decisions
            .map(|((kind, subject, revision), decision)| {
                Object::new()
                    .spec("kind", kind.as_str())
                    .spec("subject", subject.as_str())
                    .spec("revision", *revision)
                    .extra(&decision.0)
                    .flat()
            })
            .collect();
        (!lines.is_empty()).then_some(Doc::Lines(lines))
    }
}

impl Machine {
    fn doc(&self) -> Doc {
        Object::new()
            .spec("uuid", self.uuid.as_str())
            .spec("hostname", self.hostname.as_str())
            .spec("platform", self.platform.as_str())
            .spec("os_version", self.os_version.as_str())
            .spec("tracker_version", self.tracker_version.as_str())
            .spec("created_at", self.created_at)
            .spec("updated_at", self.updated_at)
            .other("revision", (self.revision > 0).then_some(self.revision))
            .extra(&self.extra)
            .block()
    }
}

impl Metadata {
    fn doc(&self) -> Doc {
        Object::new()
            .spec_opt("last_full_sync", self.last_full_sync)
            .spec_opt("last_incremental_sync", self.last_incremental_sync)
            .spec("total_sessions", self.total_sessions)
            .spec("total_usage_records", self.total_usage_records)
            .spec("sync_mode", self.sync_mode.as_str())
            .extra(&self.extra)
            .block()
    }
}

impl Claim {
    fn doc(&self) -> Doc {
        self.totals
            .write(Object::new())
            .spec_opt("first_usage", self.first)
            .spec_opt("last_usage", self.last)
            .flat()
    }
}

impl Session {
    /// The canonical text of the session alone, by which versions are compared.
    pub(crate) fn text(&self) -> String {
        file(&self.doc())
    }

    fn doc(&self) -> Doc {
        let state = Object::new()
            .spec_opt("last_synced_timestamp", self.last_synced)
            .spec("last_synced_index", self.last_index)
            .spec("checksum", self.checksum.as_str())
            .extra(&self.state_extra);
        let own = |record: &Record| {
            (*record.origin.project != *self.project).then(|| record.origin.project.clone())
        };
        let records = self
            .records
            .sorted()
            .map(|record| record.doc(own(&record).as_deref()))
            .collect();
        let models: Vec<Value> = self
            .models
            .iter()
            .map(|model| Value::from(model.as_str()))
            .collect();
        let summary = self
            .totals
            .write(Object::new())
            .spec("models_used", &Value::from(models))
            .extra(&self.summary_extra);
        Object::new()
            .spec("project_name", self.project.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_updated", self.last_updated)
            .spec("usage_count", self.usage_count)
            .spec("sync_state", state.flat())
            .spec("usage_records", Doc::Lines(records))
            .spec("summary", summary.flat())
            .other(
                "claimed",
                self.claimed.map(|c| c.write(Object::new()).flat()),
            )
            .extra(&self.extra)
            .block()
    }
}
