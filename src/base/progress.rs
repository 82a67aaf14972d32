//! Events of long work, for a watcher. The library shows none of them: the command line draws bars
//! or writes lines.

use std::fmt;
use std::sync::Arc;

/// A part of a run that may take its time. One begins after another has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Reading transcripts; its parts are files.
    Transcripts,
    /// Bringing what the remote has.
    Fetch,
    /// Writing this machine's days; its parts are files.
    Days,
    /// Computing the manifest from all machines' files.
    Manifest,
    /// Bringing the work tree to a commit.
    WorkTree,
    /// Giving the remote what it lacks.
    Push,
    /// Having git check its objects.
    Objects,
    /// Reading all files of the fleet; its parts are files.
    Files,
    /// Reading what was synced, for a report.
    Synced,
}

impl Step {
    /// Whether it talks to a remote, so that git may ask for a password meanwhile.
    pub(crate) fn is_far(self) -> bool {
        matches!(self, Self::Fetch | Self::Push)
    }
}

/// An event of a step or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// A step began. It has so many parts; 0 where that is not known.
    Began(Step, u64),
    /// So many more of its parts are done.
    Moved(Step, u64),
    /// It ended, well or not.
    Ended(Step),
    /// A git command begins; secrets in addresses are hidden.
    Git(&'a str),
    /// A git command that talks to a remote printed something, which comes from outside.
    Output(&'a str),
    /// The git command ended: well or not.
    GitEnded(bool),
    /// A single thing was done, such as a file read or written.
    Did(&'a str),
}

type Eye = dyn Fn(&Event<'_>) + Send + Sync;

/// Takes the events; by default nobody does.
#[derive(Clone, Default)]
pub(crate) struct Watcher(Option<Arc<Eye>>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Watcher(somebody)"
        } else {
            "Watcher(nobody)"
        })
    }
}

impl Watcher {
    /// Somebody who is shown every event. Several threads may show one at a time.
    pub(crate) fn new(eye: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(eye)))
    }

    /// Shows an event.
    pub(crate) fn see(&self, event: Event<'_>) {
        if let Some(eye) = &self.0 {
            eye(&event);
        }
    }

    /// Shows a text that costs something to make, where somebody watches.
    pub(crate) fn see_text(
        &self,
        text: impl FnOnce() -> String,
        event: impl FnOnce(&str) -> Event<'_>,
    ) {
        if let Some(eye) = &self.0 {
            eye(&event(&text()));
        }
    }

    /// Reports a single thing that was done.
    pub(crate) fn did(&self, text: impl FnOnce() -> String) {
        self.see_text(text, |text| Event::Did(text));
    }

    /// Begins a step, which ends when the value is dropped.
    pub(crate) fn begin(&self, step: Step, parts: u64) -> Doing<'_> {
        self.see(Event::Began(step, parts));
        Doing {
            watcher: self,
            step,
        }
    }
}

/// A step that goes on.
#[derive(Debug)]
pub(crate) struct Doing<'w> {
    watcher: &'w Watcher,
    step: Step,
}

impl Doing<'_> {
    /// So many more parts are done.
    pub(crate) fn moved(&self, parts: u64) {
        self.watcher.see(Event::Moved(self.step, parts));
    }
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.watcher.see(Event::Ended(self.step));
    }
}
