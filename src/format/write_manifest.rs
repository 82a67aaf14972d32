//! The canonical bytes of manifests.

use serde_json::Value;

use super::limits::VERSION;
use super::manifest::{
    Conflict, Inputs, Manifest, ManifestMachine, ManifestSession, SCHEMA, Status,
};
use crate::base::encode::hex;
use crate::base::json::{Doc, Object, file};
use crate::prices::PriceTable;

impl Manifest {
    /// The canonical bytes.
    pub(crate) fn write(&self) -> String {
        let machines = self
            .machines
            .iter()
            .map(|(id, machine)| (id.clone().into(), machine.doc()))
            .collect();
        let sessions = self
            .sessions
            .iter()
            .map(|(id, session)| (id.to_string().into(), session.doc()))
            .collect();
        let inputs = self.inputs.as_ref().map_or_else(null, Inputs::doc);
        let conflicts: Vec<_> = self.conflicts.iter().map(Conflict::doc).collect();
        let out = Object::new()
            .spec("$schema", SCHEMA)
            .spec("version", VERSION)
            .spec_opt("created_at", self.created_at)
            .spec_opt("updated_at", self.updated_at)
            .spec("machines", Doc::Block(machines))
            .spec("global_summary", self.global_summary())
            .spec("sessions_index", Doc::Block(sessions))
            .other(
                "conflicts",
                (!conflicts.is_empty()).then_some(Doc::Lines(conflicts)),
            )
            .other("inputs", Some(inputs))
            .other("prices", self.basis.prices.as_ref().map(prices))
            .other("rules", Some(self.basis.rules))
            .other("sessions_total", self.sessions_total)
            .other("pending_total", self.pending_total)
            .extra(&self.extra);
        file(&out.block())
    }

    fn global_summary(&self) -> Doc {
        let counts = Object::new()
            .spec("total_machines", self.total_machines)
            .spec("active_machines", self.active_machines);
        self.totals
            .write(counts)
            .spec_opt("first_usage", self.first_usage)
            .spec_opt("last_usage", self.last_usage)
            .spec_opt("last_updated", self.updated_at)
            .extra(&self.summary_extra)
            .block()
    }
}

impl Inputs {
    fn doc(&self) -> Doc {
        let id = |id: &Option<String>| id.as_deref().map_or_else(null, Doc::from);
        Object::new()
            .other("archive", Some(id(&self.archive)))
            .other("machines", Some(id(&self.machines)))
            .flat()
    }
}

fn prices(table: &PriceTable) -> Doc {
    Object::new()
        .other("edition", Some(table.edition))
        .other("sha256", Some(&*hex(&table.sha256)))
        .flat()
}

fn null() -> Doc {
    Doc::Raw("null".to_owned())
}

fn list(texts: &[String]) -> Doc {
    Doc::from(&Value::from(texts.to_vec()))
}

impl ManifestMachine {
    fn doc(&self) -> Doc {
        let status = match self.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Error => "error",
        };
        let usage = Object::new()
            .spec("total_requests", self.requests)
            .spec("total_cost_usd", self.cost)
            .spec_opt("last_usage", self.last_usage);
        Object::new()
            .spec("hostname", self.hostname.as_str())
            .spec("platform", self.platform.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_sync", self.last_sync)
            .spec("last_sync_mode", self.last_sync_mode.as_str())
            .spec("status", status)
            .spec_opt("error_message", self.error_message.as_deref())
            .spec("usage_summary", usage.extra(&self.summary_extra).flat())
            .other("label", self.label.as_deref())
            .other("merged_into", self.merged_into.as_deref())
            .other("retired", self.retired.then_some(true))
            .extra(&self.extra)
            .block()
    }
}

impl ManifestSession {
    fn doc(&self) -> Doc {
        Object::new()
            .spec("machines", list(&self.machines))
            .spec("project_name", self.project.as_str())
            .spec_opt("first_seen", self.first_seen)
            .spec_opt("last_updated", self.last_updated)
            .spec("total_usage_count", self.total_usage_count)
            .spec("conflict_status", self.conflict_status.as_str())
            .extra(&self.extra)
            .flat()
    }
}

impl Conflict {
    fn doc(&self) -> Doc {
        Object::new()
            .other("code", Some(self.code.as_str()))
            .other("count", (self.count > 0).then_some(self.count))
            .other("machines", Some(list(&self.machines)))
            .other("subject", Some(self.subject.as_str()))
            .flat()
    }
}
