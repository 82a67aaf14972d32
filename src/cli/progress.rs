//! Progress on standard error: bars for long steps, or with `--verbose` a line for each step.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::progress::{Event, Step, Watcher};
use crate::base::text::printable;

/// Steps that take less time have no bar.
pub(crate) const AFTER: Duration = Duration::from_secs(1);

/// A step's name.
fn name(step: Step) -> &'static str {
    match step {
        Step::Transcripts => "reading transcripts",
        Step::Fetch => "fetching",
        Step::Days => "writing days",
        Step::Manifest => "computing the manifest",
        Step::WorkTree => "writing the work tree",
        Step::Push => "pushing",
        Step::Objects => "checking git's objects",
        Step::Files => "reading files",
        Step::Synced => "reading what was synced",
    }
}

/// When the current step and the current git command began.
#[derive(Default)]
struct Since {
    step: Option<Instant>,
    git: Option<Instant>,
}

/// Logs each step, each git command, and its duration.
pub(crate) fn lines() -> Watcher {
    let took = |since: Option<Instant>| since.map_or(0.0, |since| since.elapsed().as_secs_f64());
    let since = Mutex::new(Since::default());
    Watcher::new(move |event| {
        let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Began(step, parts) => {
                since.step = Some(Instant::now());
                let parts = if *parts > 0 {
                    format!(": {parts}")
                } else {
                    String::new()
                };
                eprintln!("{}{parts}", name(*step));
            }
            Event::Ended(step) => {
                eprintln!("{} took {:.3} s", name(*step), took(since.step.take()));
            }
            Event::Git(command) => {
                since.git = Some(Instant::now());
                eprintln!("git {}", printable(command, 400));
            }
            Event::GitEnded(well) => {
                let how = if *well { "" } else { "failed and " };
                eprintln!("git {how}took {:.3} s", took(since.git.take()));
            }
            Event::Did(what) => eprintln!("{}", printable(what, 400)),
            Event::Moved(..) | Event::Output(_) => {}
        }
    })
}

/// Draws a bar for each step that takes longer than `after`.
pub(crate) fn bars(after: Duration) -> Watcher {
    let shown: Mutex<Option<StepBar>> = Mutex::new(None);
    Watcher::new(move |event| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, &*shown) {
            (Event::Began(step, parts), _) => {
                // The last bar is removed first: two would draw over each other.
                *shown = None;
                *shown = Some(StepBar::new(*step, *parts, after));
            }
            (Event::Moved(step, parts), Some(bar)) if bar.step == *step => bar.bar.inc(*parts),
            (Event::Output(text), Some(bar)) if bar.step.is_far() && !text.is_empty() => {
                bar.report(text, after);
            }
            (Event::Ended(step), Some(bar)) if bar.step == *step => *shown = None,
            _ => {}
        }
    })
}

/// The bar of a step, hidden until it is due.
struct StepBar {
    step: Step,
    bar: ProgressBar,
    began: Instant,
    /// The thread that shows the bar when it is due; dropping the sender ends it.
    late: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Interval at which a spinner turns.
const TURN: Duration = Duration::from_millis(100);

fn show(bar: &ProgressBar) {
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.tick();
}

/// Shows a bar after a time, unless the sender is dropped before.
fn show_later(bar: &ProgressBar, after: Duration) -> (Sender<()>, JoinHandle<()>) {
    let (sender, receiver) = channel();
    let bar = bar.clone();
    let wait = move || {
        if receiver.recv_timeout(after) == Err(RecvTimeoutError::Timeout) {
            show(&bar);
            bar.enable_steady_tick(TURN);
        }
    };
    (sender, std::thread::spawn(wait))
}

impl StepBar {
    fn new(step: Step, parts: u64, after: Duration) -> Self {
        let template = if parts > 0 {
            "{spinner} {msg} [{bar:30}] {pos} of {len}"
        } else {
            "{spinner} {msg}"
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(
            (parts > 0).then_some(parts),
            ProgressDrawTarget::hidden(),
        );
        bar.set_style(style.progress_chars("=> "));
        bar.set_message(name(step));
        let waits = !step.is_far() && !after.is_zero();
        let late = waits.then(|| show_later(&bar, after));
        if after.is_zero() && !step.is_far() {
            show(&bar);
        }
        Self {
            step,
            bar,
            began: Instant::now(),
            late,
        }
    }

    /// Shows the progress that a remote reports. The bar is hidden until then: git may ask for a
    /// password on the same terminal, and a bar would draw over the question.
    fn report(&self, text: &str, after: Duration) {
        if self.began.elapsed() < after {
            return;
        }
        self.bar.set_message(format!(
            "{}: {}",
            name(self.step),
            printable(text.trim(), 60)
        ));
        if self.bar.is_hidden() {
            show(&self.bar);
        }
    }
}

impl Drop for StepBar {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.late.take() {
            drop(sender);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
