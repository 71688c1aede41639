//! What is measured of libraries: each in a process of its own, which is this program with the word `within`.

mod count;
mod extract;
mod question;
mod sigma;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::answer::Answer;

/// Does the work of that name on the log.
///
/// # Errors
///
/// There is no such work, or the log cannot be read.
pub(crate) fn work(name: &str, log: &Path) -> io::Result<Answer> {
    match name {
        "memchr" => count::lines(log),
        "serde_json" => extract::serde_json(log),
        "simd-json" => extract::simd_json(log),
        "sonic-rs" => extract::sonic_rs(log),
        "question" => question::answer(log),
        "rsigma" => sigma::answer(log),
        _ => Err(io::Error::other(format!("no work is named `{name}`"))),
    }
}

/// Reads the log in blocks of a megabyte that end with a line, into one buffer.
fn blocks(log: &Path, mut each: impl FnMut(&mut [u8])) -> io::Result<()> {
    const BLOCK: usize = 1 << 20;
    let mut file = File::open(log)?;
    let mut buffer = vec![0; BLOCK];
    let mut held = 0;
    loop {
        if held == buffer.len() {
            buffer.resize(held + BLOCK, 0);
        }
        let read = file.read(&mut buffer[held..])?;
        held += read;
        if read == 0 {
            each(&mut buffer[..held]);
            return Ok(());
        }
        let whole = memchr::memrchr(b'\n', &buffer[..held]).map_or(0, |end| end + 1);
        if whole > 0 {
            each(&mut buffer[..whole]);
            buffer.copy_within(whole..held, 0);
            held -= whole;
        }
    }
}

/// The lines of a block, without their ends.
fn lines(mut block: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    std::iter::from_fn(move || {
        if block.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut block);
        let (line, rest) = match memchr::memchr(b'\n', rest) {
            Some(end) => {
                let (line, rest) = rest.split_at_mut(end);
                (line, &mut rest[1..])
            }
            None => (rest, <&mut [u8]>::default()),
        };
        block = rest;
        Some(line)
    })
}
