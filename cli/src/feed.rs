//! Bytes of a pipe, read by a thread of their own: nobody can say when the next ones come, and a signal must be heard while
//! nothing does.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use crate::signals::Signals;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// How many chunks may lie ready: a slow reader holds the writer back.
const AHEAD: usize = 4;
/// How long a signal may stay unheard.
const PATIENCE: Duration = Duration::from_millis(50);

/// The end of a pipe. The thread is left behind when the program ends.
pub(crate) struct Feed {
    chunks: Receiver<io::Result<Vec<u8>>>,
    rest: io::Cursor<Vec<u8>>,
    signals: Signals,
}

/// What is there without waiting.
pub(crate) enum Ready {
    Bytes(Vec<u8>),
    NotYet,
    End,
    Broken(io::Error),
}

impl Feed {
    /// Opens and reads; to open a pipe may take until somebody writes.
    pub(crate) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        signals: Signals,
    ) -> Self {
        let (sender, chunks) = mpsc::sync_channel(AHEAD);
        thread::spawn(move || {
            let mut stream = match open() {
                Ok(stream) => stream,
                Err(why) => return drop(sender.send(Err(why))),
            };
            loop {
                let mut chunk = vec![0; CHUNK];
                match stream.read(&mut chunk) {
                    Ok(0) => return,
                    Ok(n) => chunk.truncate(n),
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                    Err(why) => return drop(sender.send(Err(why))),
                }
                if sender.send(Ok(chunk)).is_err() {
                    return;
                }
            }
        });
        Self { chunks, rest: io::Cursor::default(), signals }
    }

    /// The next bytes, if there are any by now.
    pub(crate) fn ready(&self) -> Ready {
        match self.chunks.try_recv() {
            Ok(Ok(bytes)) => Ready::Bytes(bytes),
            Ok(Err(why)) => Ready::Broken(why),
            Err(TryRecvError::Empty) => Ready::NotYet,
            Err(TryRecvError::Disconnected) => Ready::End,
        }
    }
}

impl Read for Feed {
    /// Waits for bytes. A signal ends the wait with [`WouldBlock`](io::ErrorKind::WouldBlock).
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.rest.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.rest = io::Cursor::new(chunk?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.signals.exit().is_some() => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
