//! Telling things apart that may hold the same.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that no other thing of this process has been given. It says nothing else, and nothing that is written out
/// may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serial(u64);

impl Default for Serial {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
