//! Reading on a thread of its own.

use std::fmt;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, SendError, Sender, SyncSender};
use std::thread;

/// So many bytes are read at a time.
const PIECE: usize = 1 << 18;
/// So many pieces may lie ready.
const READY: usize = 4;

/// A reader that reads about a megabyte ahead of those who ask, on a thread of its own: around
/// [`Expand`](crate::Expand), what is compressed is decompressed there. Where no thread can be started it reads when it
/// is asked.
///
/// It gives the bytes of the reader below, then its first error other than [`Interrupted`](io::ErrorKind::Interrupted),
/// and then nothing more. The thread ends when all is read, or after its next piece when this is dropped.
pub struct Ahead<R> {
    from: Place<R>,
}

enum Place<R> {
    Here(R),
    There(Pieces),
    End,
}

struct Pieces {
    /// An empty one is the last.
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Memory to be used again.
    spent: Sender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl<R: Read + Send + 'static> Ahead<R> {
    /// Begins to read.
    pub fn new(reader: R) -> Self {
        let (send, pieces) = mpsc::sync_channel(READY);
        let (spent, memory) = mpsc::channel();
        // The reader is handed over when the thread is there, or it would be lost where there is none.
        let (hand_over, taken) = mpsc::sync_channel(1);
        let work = move || {
            if let Ok(reader) = taken.recv() {
                read_on(reader, &send, &memory);
            }
        };
        let started = thread::Builder::new().name("etiolog-read".to_owned()).spawn(work);
        let handed = if started.is_ok() { hand_over.send(reader) } else { Err(SendError(reader)) };
        let from = match handed {
            Ok(()) => Place::There(Pieces { pieces, spent, piece: Vec::new(), at: 0 }),
            Err(SendError(reader)) => Place::Here(reader),
        };
        Self { from }
    }
}

/// Reads until the end, the first error, or until nobody listens.
fn read_on(mut reader: impl Read, send: &SyncSender<io::Result<Vec<u8>>>, memory: &Receiver<Vec<u8>>) {
    loop {
        let mut piece = memory.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let mut len = 0;
        let end = loop {
            match reader.read(piece.get_mut(len..).unwrap_or_default()) {
                Ok(0) if len == PIECE => break None,
                Ok(0) => break Some(Ok(Vec::new())),
                Ok(read) => len += read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => break Some(Err(why)),
            }
        };
        piece.truncate(len);
        if len > 0 && send.send(Ok(piece)).is_err() {
            return;
        }
        if let Some(end) = end {
            return drop(send.send(end));
        }
    }
}

impl Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let next =
                self.pieces.recv().unwrap_or_else(|_| Err(io::Error::other("the reader has failed")))?;
            // Nobody to take it is nobody to need it.
            drop(self.spent.send(std::mem::replace(&mut self.piece, next)));
            self.at = 0;
        }
        let read = self.piece.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

impl<R: Read> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.from {
            Place::Here(reader) => reader.read(buffer),
            Place::There(pieces) => pieces.read(buffer),
            Place::End => return Ok(0),
        };
        if !matches!(&read, Ok(1..))
            && !read.as_ref().is_err_and(|why| why.kind() == io::ErrorKind::Interrupted)
        {
            self.from = Place::End;
        }
        read
    }
}

impl<R> fmt::Debug for Ahead<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.from {
            Place::Here(_) => "Ahead(here)",
            Place::There(_) => "Ahead(there)",
            Place::End => "Ahead(end)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its parts one after the other; an error in place of an empty one, and a panic after the last.
    struct Parts(Vec<&'static [u8]>);

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "read too far");
            match self.0.remove(0) {
                [] => Err(io::ErrorKind::PermissionDenied.into()),
                mut part => part.read(buffer),
            }
        }
    }

    fn read(mut reader: impl Read) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut text = Vec::new();
        let error = reader.read_to_end(&mut text).err().map(|why| why.kind());
        assert_eq!(reader.read(&mut [0; 8]).ok(), Some(0), "after the end there is nothing");
        (text, error)
    }

    #[test]
    fn it_gives_what_the_reader_below_gives() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE + 7] {
            let text: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
            assert!(read(Ahead::new(io::Cursor::new(text.clone()))) == (text, None), "{len} bytes");
        }
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it_and_ends_the_reading() {
        let denied = Some(io::ErrorKind::PermissionDenied);
        assert_eq!(read(Ahead::new(Parts(vec![b"one ", b"two", b""]))), (b"one two".to_vec(), denied));
        assert_eq!(read(Ahead::new(Parts(vec![b""]))), (Vec::new(), denied));
    }

    #[test]
    fn a_reader_that_panics_is_an_error() {
        assert_eq!(read(Ahead::new(Parts(vec![b"one"]))).1, Some(io::ErrorKind::Other));
    }

    #[test]
    fn nobody_has_to_read_to_the_end() {
        let mut ahead = Ahead::new(io::repeat(b'x'));
        let mut buffer = [0; 100];
        assert_eq!((ahead.read(&mut buffer).ok(), buffer), (Some(100), [b'x'; 100]));
    }
}
