//! The options of the view.

use crate::base::text::printable;
use crate::cli::machine_filter::MachineFilter;
use crate::cli::rows::zone;
use crate::report::Zone;

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  claude-usage-tracker live                      all machines
  claude-usage-tracker live --project shop       one project
  claude-usage-tracker live --machine laptop     one machine

Keys: q, Esc or Ctrl-C quits, r fetches what other machines pushed. Where automatic sync is enabled,
that also happens every few minutes (auto_sync.minimum_interval_seconds).")]
pub(crate) struct Args {
    /// Exclude this machine's usage since its last sync
    #[arg(long)]
    pub(super) synced_only: bool,
    /// Time zone of today and of times, such as Europe/Berlin or UTC
    #[arg(short = 'z', long, value_name = "ZONE", default_value = "local", value_parser = zone)]
    pub(super) timezone: Zone,
    /// Only projects whose name contains this; may be given several times
    #[arg(short, long, value_name = "NAME")]
    pub(super) project: Vec<String>,
    #[command(flatten)]
    pub(super) machines: MachineFilter,
}

impl Args {
    /// What was selected, in words.
    pub(super) fn selected(&self) -> String {
        let names = |what: &str, names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| printable(name, 30)).collect();
            (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
        };
        let parts = [
            names("project", &self.project),
            names("machine", &self.machines.machine),
            names("group", &self.machines.group),
            names("user", &self.machines.user),
            self.synced_only.then(|| "synced only".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("; ")
    }
}
