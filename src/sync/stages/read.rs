//! Stage 2: reads what is new in transcripts, and what is imported.

use super::context::Run;
use crate::cache::index::Binding;
use crate::format::syncfile::Mode;
use crate::store::plan;
use crate::sync::brought::Brought;
use crate::sync::error::SyncError;
use crate::sync::import::Imported;
use crate::sync::options::{Options, Task};
use crate::sync::read_report::ReadReport;
use crate::transcripts::{self, Cursor, Cursors, Folders, Mark, Naming, Reading};

/// What a run has read.
pub(crate) struct Read {
    pub(crate) brought: Brought,
    /// How far each transcript was read.
    pub(crate) cursors: Vec<(Mark, Cursor)>,
    pub(crate) report: ReadReport,
    /// What was imported; none where nothing was asked for.
    pub(crate) imported: Option<Imported>,
}

/// Reads everything for a run. Returns what the index was bound to before.
pub(crate) fn read(run: &Run<'_>) -> Result<(Read, Binding), SyncError> {
    let options = &run.options;
    let before = run.binding()?;
    let cursors = if options.mode == Mode::Full {
        Cursors::new()
    } else {
        run.index.cursors(&before)?
    };
    let folders = run.places.folders();
    let reading = match options.task {
        Task::Sync => {
            transcripts::read_all_watched(&folders, &cursors, &run.naming, &options.watcher)
        }
        Task::Download | Task::Resolve => Reading::default(),
    };
    let mut read = with_import(reading, options, &run.naming);
    if options.task == Task::Sync {
        read.brought.limits = plan::to_sync(&run.places.state, &run.config, options.summary_only);
    }
    read.report.unmatched = folders.unmatched;
    if !run.config.failures.name_bad_lines {
        read.report.bad.clear();
    }
    Ok((read, before))
}

/// Reads transcripts from `cursors` on, for a preview.
pub(crate) fn read_from(
    folders: &Folders,
    cursors: &Cursors,
    naming: &Naming,
    options: &Options,
) -> Read {
    let reading = transcripts::read_all_watched(folders, cursors, naming, &options.watcher);
    with_import(reading, options, naming)
}

fn with_import(reading: Reading, options: &Options, naming: &Naming) -> Read {
    let report = ReadReport::from(&reading);
    let mut brought = Brought {
        records: reading.records,
        states: reading.states,
        ..Brought::default()
    };
    let import = options.import.as_ref();
    let imported = import.map(|import| brought.import(import, naming, &options.watcher));
    Read {
        brought,
        cursors: reading.cursors,
        report,
        imported,
    }
}
