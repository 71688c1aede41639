//! The same bytes, read by what everybody has: a time means little on another machine, a ratio to these does.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use etiolog::Expand;

use crate::inputs::{File, Inputs};
use crate::read::CHUNK;
use crate::signals::Signals;

/// Something that is done with bytes.
pub(super) trait Yardstick {
    /// Takes in the next bytes of a file.
    fn take(&mut self, bytes: &[u8]);

    /// The file has ended.
    fn end(&mut self) {}
}

/// Counts the ends of lines.
#[derive(Debug, Default)]
pub(super) struct Lines(pub(super) u64);

impl Yardstick for Lines {
    fn take(&mut self, bytes: &[u8]) {
        self.0 += memchr::memchr_iter(b'\n', bytes).count() as u64;
    }
}

/// Parses each line as JSON, and throws away what it has parsed.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// Lines that are JSON.
    pub(super) parsed: u64,
    /// Lines that are not, but for empty ones.
    pub(super) others: u64,
    rest: Vec<u8>,
}

impl Json {
    fn line(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(value) => {
                std::hint::black_box(value);
                self.parsed += 1;
            }
            Err(_) => self.others += 1,
        }
    }
}

impl Yardstick for Json {
    fn take(&mut self, bytes: &[u8]) {
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            let line = bytes.get(from..at).unwrap_or_default();
            from = at + 1;
            if self.rest.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole);
                whole.clear();
                self.rest = whole;
            }
        }
        self.rest.extend_from_slice(bytes.get(from..).unwrap_or_default());
    }

    fn end(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest);
    }
}

/// Reads all files, decompressed, and says how long that took with what was done. Files that cannot be read are passed
/// over: the diagnosis has told of them.
pub(super) fn run(inputs: &Inputs, signals: &Signals, with: &mut dyn Yardstick) -> Duration {
    let mut buffer = vec![0; CHUNK];
    let began = Instant::now();
    for file in inputs.sources.iter().flat_map(|source| &source.files) {
        if signals.exit().is_none() {
            drop(read(file, &mut buffer, with));
            with.end();
        }
    }
    began.elapsed()
}

fn read(file: &File, buffer: &mut [u8], with: &mut dyn Yardstick) -> io::Result<()> {
    let mut stream = Expand::new(file.open()?);
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => with.take(buffer.get(..n).unwrap_or_default()),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"{\"a\":1}\nno json\n\n[2]\r\n{\"b\":\n3}\n{\"c\":4}";
        for size in 1..text.len() {
            let (mut json, mut lines) = (Json::default(), Lines::default());
            for piece in text.chunks(size) {
                json.take(piece);
                lines.take(piece);
            }
            json.end();
            assert_eq!((json.parsed, json.others, lines.0), (3, 3, 6), "{size}");
        }
    }
}
