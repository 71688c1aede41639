//! How far the reading is, on stderr, when a person watches.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, or nothing when nobody watches.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// `total` is the size of all files, when it is known; `hidden` asks for none.
    pub(crate) fn new(total: Option<u64>, hidden: bool) -> Self {
        let bar = (!hidden && io::stderr().is_terminal()).then(|| {
            let (bar, form) = match total {
                Some(total) => (
                    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()),
                    "reading {wide_bar} {percent:>3} %  {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left  {msg}",
                ),
                None => (
                    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
                    "reading {decimal_bytes}  {decimal_bytes_per_sec}  {msg}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, read: Arc::default() }
    }

    /// The same reader, counted.
    pub(crate) fn count<R: Read>(&self, inner: R) -> Counted<R> {
        Counted { inner, read: Arc::clone(&self.read) }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, diagnoses: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.read.load(Ordering::Relaxed));
            bar.set_message(format!("diagnoses {diagnoses}"));
        }
    }

    /// A line on stderr that does not tear the bar.
    pub(crate) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| crate::exit::say(line)),
            None => crate::exit::say(line),
        }
    }

    /// Removes the bar, to make room for the report.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A reader that says how much was read.
pub(crate) struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
