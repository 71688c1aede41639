//! A stretch of a stream that knows where it stands.

/// Some bytes of the stream and the offset of the first.
#[derive(Clone, Copy)]
pub(super) struct Piece<'p> {
    pub(super) bytes: &'p [u8],
    pub(super) base: u64,
}

impl<'p> Piece<'p> {
    pub(super) fn offset(self, at: usize) -> u64 {
        self.base + at as u64
    }

    pub(super) fn from(self, at: usize) -> &'p [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    pub(super) fn between(self, from: usize, to: usize) -> &'p [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }
}
