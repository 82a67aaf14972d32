//! Showing what goes on: bars for work that takes its time, or with `--verbose` a line for each thing done.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::progress::{Event, Step, Watcher};
use crate::base::text::printable;

/// Work that ends sooner has no bar.
pub const AFTER: Duration = Duration::from_secs(1);

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

/// Somebody who writes a line for each thing that is done, and how long it took.
pub fn lines() -> Watcher {
    #[derive(Default)]
    struct Since {
        step: Option<Instant>,
        git: Option<Instant>,
    }
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
                eprintln!("{} took {:.3} s", name(*step), took(since.step.take()))
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
            Event::Moved(..) | Event::Said(_) => {}
        }
    })
}

/// Somebody who draws a bar for a step that takes longer than `after`.
pub fn bars(after: Duration) -> Watcher {
    let shown: Mutex<Option<Shown>> = Mutex::new(None);
    Watcher::new(move |event| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, &*shown) {
            (Event::Began(step, parts), _) => {
                // The one before goes first: two would draw over each other.
                *shown = None;
                *shown = Some(Shown::new(*step, *parts, after));
            }
            (Event::Moved(step, parts), Some(bar)) if bar.step == *step => bar.bar.inc(*parts),
            (Event::Said(text), Some(bar)) if bar.step.is_far() && !text.is_empty() => {
                bar.say(text, after)
            }
            (Event::Ended(step), Some(bar)) if bar.step == *step => *shown = None,
            _ => {}
        }
    })
}

/// A bar, or the chance of one.
struct Shown {
    step: Step,
    bar: ProgressBar,
    began: Instant,
    /// Shows the bar in time.
    late: Option<(Sender<()>, JoinHandle<()>)>,
}

/// How often a bar without news turns.
const TURN: Duration = Duration::from_millis(100);

fn show(bar: &ProgressBar) {
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.tick();
}

impl Shown {
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
        let late = if step.is_far() || after.is_zero() {
            None
        } else {
            let (sender, receiver) = channel();
            let late = bar.clone();
            let wait = move || {
                if receiver.recv_timeout(after) == Err(RecvTimeoutError::Timeout) {
                    show(&late);
                    late.enable_steady_tick(TURN);
                }
            };
            Some((sender, std::thread::spawn(wait)))
        };
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

    /// Shows what a remote says of its progress. Only from then on is there a bar: before, git may be asking for a password on the same
    /// terminal, and a bar would draw over the question.
    fn say(&self, text: &str, after: Duration) {
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

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.late.take() {
            drop(sender);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
