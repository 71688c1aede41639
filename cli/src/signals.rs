//! The first interrupt or request to end ends the reading, so that what is known can still be written; the second one ends
//! the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

const CAUGHT: [(i32, Exit); 2] = [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)];

/// Which signal came first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// From here on the first signal is only noted.
    pub(crate) fn catch() -> Self {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for (number, (signal, exit)) in (1..).zip(CAUGHT) {
            // Asked before the first signal is noted, so it is the second that ends the program. Where nothing can be
            // registered the first one does, which is no worse than not starting.
            drop(flag::register_conditional_shutdown(signal, exit as i32, Arc::clone(&again)));
            drop(flag::register(signal, Arc::clone(&again)));
            drop(flag::register_usize(signal, Arc::clone(&signals.0), number));
        }
        signals
    }

    /// How the program has to end, once a signal has come.
    pub(crate) fn exit(&self) -> Option<Exit> {
        let number = self.0.load(Ordering::Relaxed).checked_sub(1)?;
        CAUGHT.get(number).map(|(_, exit)| *exit)
    }
}
