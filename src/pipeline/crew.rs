//! Threads that decode beside the caller's.
//!
//! The caller cuts what is pushed into loads of records and hands them out. Whoever is free decodes a load and says of
//! each event what can be said without knowing another. The caller takes the loads in, in the order in which they were
//! cut, before the push returns: so nothing that can be asked of a pipeline depends on how many threads there are.
//! Where the next load is not ready, the caller works on another itself: nobody waits for a thread that never came.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::engine::{Engine, Forerunner, Sifted, SourceId};
use crate::input::{Framed, Framer, Interner, Mapped, Row};
use crate::model::{Event, Origin, Reject, Timestamp};
use crate::pipeline::{Input, Pipeline, Reading};

/// So many bytes make a load; fewer than two loads are not shared out.
const PIECE: usize = 1 << 15;
/// More threads than this are not started.
const MOST: usize = 256;

/// The threads, and what is under way between them and the caller.
#[derive(Debug)]
pub(super) struct Crew {
    shared: Arc<Shared>,
    hands: Vec<JoinHandle<()>>,
    bench: Bench,
    spare: Vec<Load>,
    /// So many bytes make a load.
    piece: usize,
    /// The numbers of the load that is handed out next, and of the one that is taken in next.
    next: u64,
    due: u64,
}

#[derive(Debug, Default)]
struct Shared {
    board: Mutex<Board>,
    work: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct Board {
    todo: VecDeque<Load>,
    done: Vec<Load>,
    over: bool,
}

/// Some records that stand one behind the other, and what they turn out to be.
#[derive(Debug, Default)]
struct Load {
    number: u64,
    input: Option<Arc<Input>>,
    bytes: Vec<u8>,
    records: Vec<Record>,
    sifted: Sifted,
    /// What a thread has died of over this load, for the caller to die of.
    fault: Option<Box<dyn Any + Send>>,
}

#[derive(Debug)]
struct Record {
    /// Where its bytes end in those of the load; they begin where those of the record before end.
    end: usize,
    line: u64,
    offset: u64,
    found: Result<Mapped, Reject>,
}

/// What decoding needs and keeps from load to load.
#[derive(Debug)]
struct Bench {
    row: Row,
    texts: Interner,
    event: Event,
    forerunner: Forerunner,
}

impl Bench {
    fn new(engine: &Engine) -> Self {
        let event = Event::new(engine.plan().schema(), Timestamp::MIN);
        Self { row: Row::default(), texts: Interner::default(), event, forerunner: Forerunner::new(engine) }
    }

    fn work_on(&mut self, load: &mut Load) {
        let Self { row, texts, event, forerunner } = self;
        let Load { input: Some(input), bytes, records, sifted, .. } = load else { return };
        forerunner.begin(sifted);
        let mut begin = 0;
        for record in records {
            let whole = begin..record.end;
            begin = record.end;
            if record.found.is_err() {
                continue;
            }
            record.found = input.decode(bytes.get(whole).unwrap_or_default(), row, texts, event);
            if let Ok(Mapped::Event { .. }) = record.found {
                event.set_origin(Origin { file: 0, line: record.line, offset: record.offset });
                forerunner.sift(event, sifted);
            }
        }
    }
}

impl Load {
    fn add(&mut self, framed: Framed<'_>) {
        let (line, offset, found) = match framed {
            Framed::Reject { reason, line, offset } => (line, offset, Err(reason)),
            Framed::Record { bytes, line, offset } => {
                self.bytes.extend_from_slice(bytes);
                // Until it is decoded.
                (line, offset, Ok(Mapped::Skipped))
            }
        };
        self.records.push(Record { end: self.bytes.len(), line, offset, found });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does: one load after the other.
    fn serve(&self, mut bench: Bench) {
        let mut board = self.lock();
        while !board.over {
            let Some(mut load) = board.todo.pop_front() else {
                board = self.work.wait(board).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(board);
            let done = catch_unwind(AssertUnwindSafe(|| bench.work_on(&mut load)));
            load.fault = done.err();
            board = self.lock();
            board.done.push(load);
            self.done.notify_one();
        }
    }
}

impl Crew {
    /// So many threads, the caller's among them. `None` when that is all there are.
    fn new(engine: &Engine, threads: usize) -> Option<Self> {
        let shared = Arc::new(Shared::default());
        let hand = |_| {
            let (shared, bench) = (Arc::clone(&shared), Bench::new(engine));
            let thread = thread::Builder::new().name("etiolog-decode".to_owned());
            thread.spawn(move || shared.serve(bench)).ok()
        };
        let hands: Vec<_> = (1..threads.min(MOST)).map_while(hand).collect();
        let bench = Bench::new(engine);
        let crew = Self { shared, hands, bench, spare: Vec::new(), piece: PIECE, next: 0, due: 0 };
        (!crew.hands.is_empty()).then_some(crew)
    }

    /// An empty load.
    fn load(&mut self, input: &Arc<Input>) -> Load {
        let mut load = self.spare.pop().unwrap_or_default();
        load.input = Some(Arc::clone(input));
        load.bytes.clear();
        // A long record is rare; its memory is not kept.
        load.bytes.shrink_to(8 * self.piece);
        load.records.clear();
        load
    }

    /// Has a load worked on.
    fn hand_out(&mut self, mut load: Load) {
        if load.records.is_empty() {
            return self.spare.push(load);
        }
        load.number = self.next;
        self.next += 1;
        self.shared.lock().todo.push_back(load);
        self.shared.work.notify_one();
    }

    /// Whether so much is under way that something should be taken in first.
    fn is_full(&self) -> bool {
        self.next - self.due >= 32.max(4 * self.hands.len() as u64)
    }

    /// The next load in order, done; `None` when there is none.
    fn next(&mut self) -> Option<Load> {
        if self.due == self.next {
            return None;
        }
        let mut board = self.shared.lock();
        loop {
            if let Some(at) = board.done.iter().position(|load| load.number == self.due) {
                self.due += 1;
                return Some(board.done.swap_remove(at));
            }
            let Some(mut load) = board.todo.pop_front() else {
                board = self.shared.done.wait(board).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(board);
            self.bench.work_on(&mut load);
            board = self.shared.lock();
            board.done.push(load);
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.work.notify_all();
        for hand in self.hands.drain(..) {
            // It has nothing to say: what it dies of is in its load.
            drop(hand.join());
        }
    }
}

impl Pipeline {
    /// Decodes on so many threads, the caller's among them; one, which starts none, unless this says otherwise. Diagnoses,
    /// counts and checkpoints are the same for any number: what is pushed has been taken in when the push returns, and
    /// pushes of 64 KiB and more are shared out. Formats and functions of plugins are then asked on any thread, and
    /// not in the order of records. Where no threads can be started there are none.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.crew = Crew::new(&self.engine, threads);
        if self.crew.is_some() {
            self.run.share_out(threads);
        }
        self
    }

    /// The threads, if they are of use for so many bytes of a file.
    pub(super) fn crew_for(&mut self, reading: &Reading, bytes: &[u8]) -> Option<Crew> {
        // To pass over what was taken before takes no decoding, a witness wants whole events, and a meter wants to know
        // where the work is.
        let fit = reading.again == 0 && self.witness.is_none() && !self.run.is_metered();
        self.crew.take_if(|crew| fit && bytes.len() >= 2 * crew.piece)
    }

    /// The same as pushing the bytes into the framer and taking each record in.
    pub(super) fn share_out(
        &mut self,
        crew: &mut Crew,
        (source, file, summary): (SourceId, u32, usize),
        (input, framer): (&Arc<Input>, &mut Framer),
        bytes: &[u8],
    ) {
        for piece in bytes.chunks(crew.piece) {
            let mut load = crew.load(input);
            framer.push(piece, &mut |framed| load.add(framed));
            crew.hand_out(load);
            while crew.is_full() {
                self.take_in(crew, (source, file, summary));
            }
        }
        while self.take_in(crew, (source, file, summary)) {}
        self.run.work();
    }

    /// Takes in the next load; `false` when there is none.
    fn take_in(&mut self, crew: &mut Crew, (source, file, summary): (SourceId, u32, usize)) -> bool {
        let Some(mut load) = crew.next() else { return false };
        if let Some(fault) = load.fault.take() {
            resume_unwind(fault);
        }
        let Some(input) = load.input.take() else { return true };
        if let Some(file) = self.files.get_mut(summary) {
            file.records += load.records.len() as u64;
        }
        for Record { line, offset, found, .. } in load.records.drain(..) {
            match found {
                Err(reason) => self.run.reject(reason, Origin { file, line, offset }),
                Ok(Mapped::Skipped) => self.run.skip(),
                Ok(Mapped::Event { partial }) => {
                    self.run.summary_mut().partial += u64::from(partial);
                    self.run.take(source, (input.at, file), &mut load.sifted);
                }
            }
        }
        crew.spare.push(load);
        true
    }
}

#[cfg(test)]
mod tests;
