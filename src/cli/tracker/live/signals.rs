//! Signals that end the program: the terminal is restored first.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;

use super::screen::restore;

/// So long the view may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The signal that came, if one did.
#[derive(Debug, Default)]
pub(super) struct Signals(Arc<AtomicI32>);

impl Signals {
    /// Watches for signals that end the program.
    pub(super) fn watch() -> io::Result<Self> {
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        let out = Self::default();
        let came = Arc::clone(&out.0);
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                came.store(signal, Ordering::SeqCst);
                thread::sleep(GRACE);
                // The view waits for a terminal that is gone, or takes no output.
                thread::spawn(restore);
                thread::sleep(GRACE / 4);
                let _ = emulate_default_handler(signal);
            }
        });
        Ok(out)
    }

    /// Whether a signal came.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }

    /// Ends the program as the signal that came would have, if one did. The terminal must be
    /// restored.
    pub(super) fn end(&self) {
        let signal = self.0.load(Ordering::SeqCst);
        if signal != 0 {
            let _ = emulate_default_handler(signal);
        }
    }
}
