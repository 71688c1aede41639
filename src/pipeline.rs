//! Bytes in, diagnoses out: the whole story on one screen.

mod beside;
mod crew;
mod resume;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use crate::engine::{Ending, Engine, Meter, Run, SourceId, Stage, SymptomTrace};
use crate::error::Error;
use crate::input::{Expand, Format, Framed, Framer, Interner, Mapped, Mapper, Mapping, Restart, Row};
use crate::model::{
    Accounts, Begin, Diagnosis, Event, Origin, Reject, SourceSummary, Subject, Summary, Timestamp,
};
use crate::rule::Identity;

/// Reads logs and gives diagnoses.
///
/// ```
/// # fn main() -> Result<(), etiolog::Error> {
/// let engine = etiolog::Engine::builder().pack(etiolog::Pack::shipped("azure-iot-hub")?).build()?;
/// let mut pipeline = etiolog::Pipeline::new(&engine);
/// pipeline.read("hub.jsonl", &b""[..]);
/// let (diagnoses, summary) = pipeline.finish();
/// assert!(diagnoses.is_empty() && summary.records.balance());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    engine: Engine,
    run: Run,
    inputs: Vec<Arc<Input>>,
    sources: Vec<Source>,
    row: Row,
    texts: Interner,
    event: Event,
    files: Vec<SourceSummary>,
    witness: Option<Vec<(SourceId, Event)>>,
    /// Threads that decode too, if the host wants any.
    crew: Option<Crew>,
}

/// An input of a pack, ready to decode.
#[derive(Debug)]
struct Input {
    format: Arc<dyn Format>,
    mapping: Arc<Mapping>,
    mapper: Mapper,
    name: Arc<str>,
    limit: usize,
    /// Whether equal records are one.
    by_record: bool,
    /// Its place among the inputs of the packs.
    at: usize,
}

/// One source: the file it is in, and how its bytes are cut and read.
#[derive(Debug)]
struct Source {
    id: SourceId,
    name: Arc<str>,
    /// The input that the host has chosen, in each of its formats; none when it has not.
    forced: Vec<Arc<Input>>,
    reading: Option<Reading>,
    /// Files that are read by turns, by their numbers.
    beside: BTreeMap<u32, Reading>,
    open: bool,
}

/// A file being read.
#[derive(Debug)]
struct Reading {
    file: u32,
    /// The input, once the first record has told which it is, and the bytes that came before.
    input: Option<(Arc<Input>, Framer)>,
    head: Vec<u8>,
    /// Where its summary stands.
    summary: usize,
    /// So many of the next records were taken before.
    again: u64,
    /// From where it can be read again, and how many records come before.
    restart: Option<(Restart, u64)>,
}

pub use beside::FileId;
use crew::Crew;
pub use resume::Progress;

impl Pipeline {
    /// A pipeline with fresh memory.
    pub fn new(engine: &Engine) -> Self {
        let plan = engine.plan();
        let limit = engine.settings().record_limit;
        let ready = |(at, (mapping, identity, format)): (usize, (&Arc<Mapping>, &Identity, &SmolStr))| {
            let format = engine.registry().find_format(format)?;
            let format = format.ready(mapping).unwrap_or_else(|| Arc::clone(format));
            let mapper = Mapper::new(mapping, plan.schema());
            Some(Arc::new(Input {
                format,
                mapping: Arc::clone(mapping),
                mapper,
                name: mapping.name.as_str().into(),
                limit,
                by_record: *identity == Identity::Record,
                at,
            }))
        };
        let each = plan.inputs().iter().zip(&plan.identities).enumerate();
        let each = each.flat_map(|(at, (mapping, identity))| {
            mapping.formats.iter().map(move |format| (at, (mapping, identity, format)))
        });
        Self {
            engine: engine.clone(),
            run: engine.run(),
            inputs: each.filter_map(ready).collect(),
            sources: Vec::new(),
            row: Row::default(),
            texts: Interner::default(),
            event: Event::new(plan.schema(), Timestamp::MIN),
            files: Vec::new(),
            witness: None,
            crew: None,
        }
    }

    /// What this run starts from.
    pub fn begin(&self) -> Begin {
        self.engine.begin()
    }

    /// Opens a source: files that continue each other. Open the sources of one log together; see [`Run::open`].
    pub fn open(&mut self, name: &str) -> SourceId {
        let id = self.run.open(name);
        let (forced, reading, beside) = (Vec::new(), None, BTreeMap::new());
        self.sources.push(Source { id, name: name.into(), forced, reading, beside, open: true });
        id
    }

    /// The input that would read a stream which begins like this and is of no source yet; `None` while more of it must be
    /// seen. `ended` says that there is no more.
    pub fn recognise(&self, head: &[u8], ended: bool) -> Option<&str> {
        let input = choose(&self.inputs, head, ended)?;
        let input = self.inputs.iter().find(|known| Arc::ptr_eq(known, &input))?;
        Some(&input.name)
    }

    /// Reads a source as this input of a pack, whatever its first record looks like.
    ///
    /// # Errors
    ///
    /// When no pack has an input of this name.
    pub fn use_input(&mut self, source: SourceId, name: &str) -> Result<(), Error> {
        let named = self.inputs.iter().filter(|input| &*input.name == name);
        let forced: Vec<Arc<Input>> = named.map(Arc::clone).collect();
        if forced.is_empty() {
            let mut known: Vec<&str> = self.inputs.iter().map(|input| &*input.name).collect();
            known.dedup();
            return Err(Error::not_found(format!(
                "no input named `{name}`; there are: {}",
                known.join(", ")
            )));
        }
        if let Some(known) = self.sources.get_mut(source.index()) {
            known.forced = forced;
        }
        Ok(())
    }

    /// Goes on to the next file of a source; evidence will point to it by this name.
    pub fn file(&mut self, source: SourceId, name: &str) {
        self.end_file(source);
        let reading = self.reading_of(name);
        if let Some(known) = self.sources.get_mut(source.index()) {
            known.reading = Some(reading);
        }
    }

    /// The inputs that a source may be of.
    fn choices<'i>(&'i self, forced: &'i [Arc<Input>]) -> &'i [Arc<Input>] {
        if forced.is_empty() { &self.inputs } else { forced }
    }

    fn reading_of(&mut self, name: &str) -> Reading {
        let file = self.run.file(name);
        self.files.push(SourceSummary { name: name.into(), input: None, records: 0, bytes: 0 });
        Reading {
            file,
            input: None,
            head: Vec::new(),
            summary: self.files.len() - 1,
            again: 0,
            restart: None,
        }
    }

    /// Takes in bytes of a source, cut anywhere. They must be decompressed; see [`Pipeline::read`] and [`Expand`]. Before
    /// a file is named they are of one that is called like the source; a source that is closed takes nothing in.
    pub fn push(&mut self, source: SourceId, bytes: &[u8]) {
        // No bytes say nothing, not even what input they are of.
        if bytes.is_empty() {
            return;
        }
        let unnamed = self.sources.get(source.index()).filter(|known| known.open && known.reading.is_none());
        if let Some(name) = unnamed.map(|known| Arc::clone(&known.name)) {
            self.file(source, &name);
        }
        let Some(known) = self.sources.get_mut(source.index()).filter(|known| known.open) else { return };
        let (id, forced) = (known.id, known.forced.clone());
        let Some(mut reading) = known.reading.take() else { return };
        let before = self.run.enter(Stage::Frame);
        self.run.summary_mut().bytes += bytes.len() as u64;
        if let Some(file) = self.files.get_mut(reading.summary) {
            file.bytes += bytes.len() as u64;
        }
        if reading.input.is_some() {
            self.feed(id, &mut reading, bytes);
        } else {
            reading.head.extend_from_slice(bytes);
            if let Some(input) = choose(self.choices(&forced), &reading.head, false) {
                self.start(id, &mut reading, input);
            }
        }
        if let Some(known) = self.sources.get_mut(source.index()) {
            known.reading = Some(reading);
        }
        self.run.enter(before);
    }

    /// Takes in an event that the host made itself, beside what is read; see [`Run::push`].
    pub fn push_event(&mut self, source: SourceId, event: Event) {
        if let Some(witness) = &mut self.witness {
            witness.push((source, event.clone()));
        }
        self.run.push(source, event);
    }

    /// The events taken in since the last call, as they arrived, each with its source: late ones, repeats and those of no
    /// class too. The first call begins to keep them; from then on call it often, or they fill the memory.
    pub fn witnessed(&mut self) -> Vec<(SourceId, Event)> {
        self.witness.replace(Vec::new()).unwrap_or_default()
    }

    /// Tells a meter where the work is from here on. Without one nothing is told, and nothing costs anything.
    pub fn measure(&mut self, meter: Box<dyn Meter>) {
        self.run.measure(meter);
    }

    /// Where the records went so far.
    pub(crate) fn accounts(&mut self) -> &Accounts {
        &self.run.summary_mut().records
    }

    /// Counts that the stream of a source is damaged, ended too early or could not be read any further.
    pub fn broken(&mut self, source: SourceId) {
        let reading = self.sources.get(source.index()).and_then(|known| known.reading.as_ref());
        let Some((file, summary)) = reading.map(|reading| (reading.file, reading.summary)) else { return };
        let offset = self.files.get(summary).map_or(0, |file| file.bytes);
        self.run.reject(Reject::Truncated, Origin { file, line: 0, offset });
    }

    /// The source has ended.
    pub fn close(&mut self, source: SourceId) {
        self.end_file(source);
        self.end_beside(source);
        if let Some(known) = self.sources.get_mut(source.index()).filter(|known| known.open) {
            known.open = false;
            self.run.close(source);
        }
    }

    /// The source has paused: it no longer holds the others back; see [`Run::idle`].
    pub fn idle(&mut self, source: SourceId) {
        self.run.idle(source);
    }

    /// The host's clock has moved, and the horizon with it; see [`Run::clock`].
    pub fn clock(&mut self, time: Timestamp) {
        self.run.clock(time);
    }

    /// Every record up to and including this time has come, on every source; see [`Run::advance`]. A record whose end
    /// has not been pushed yet has not come.
    pub fn advance(&mut self, time: Timestamp) {
        self.run.advance(time);
    }

    /// All subjects that events were about so far, in their order; see [`Run::subjects`].
    pub fn subjects(&self) -> Vec<Subject> {
        self.run.subjects()
    }

    /// Every symptom of a subject's level as it stands now; see [`Run::trace`].
    pub fn trace(&self, subject: &Subject) -> Vec<SymptomTrace> {
        self.run.trace(subject)
    }

    /// Keeps how the episodes of these subjects end; see [`Run::follow`].
    pub fn follow(&mut self, whom: impl Fn(&Subject) -> bool + Send + Sync + 'static) {
        self.run.follow(whom);
    }

    /// How the episodes of a subject ended; see [`Run::endings`].
    pub fn endings(&self, subject: &Subject) -> &[Ending] {
        self.run.endings(subject)
    }

    /// The newest event time that a source has shown: the one that is behind should be read next.
    pub fn frontier(&self, source: SourceId) -> Option<Timestamp> {
        self.run.frontier(source)
    }

    /// Looks at the episodes under way: the next [`drain`](Pipeline::drain) gives what has changed; see [`Run::look`].
    pub fn look(&mut self) {
        self.run.look();
    }

    /// The diagnoses that were resolved since the last call, and what a look found.
    pub fn drain(&mut self) -> Vec<Diagnosis> {
        self.run.drain()
    }

    /// Reads one whole stream, compressed or not, as a source of its own. A stream that breaks off is counted as
    /// truncated; what came before is used.
    pub fn read(&mut self, name: &str, stream: impl Read) {
        let source = self.open(name);
        self.file(source, name);
        let mut stream = Expand::new(stream);
        // What is shared out among threads is read in larger pieces.
        let mut buffer = vec![0; if self.crew.is_some() { 1 << 20 } else { 1 << 16 }];
        let mut held = 0;
        loop {
            let read = stream.read(buffer.get_mut(held..).unwrap_or_default());
            if read.as_ref().is_err_and(|why| why.kind() == io::ErrorKind::Interrupted) {
                continue;
            }
            held += *read.as_ref().unwrap_or(&0);
            let over = !matches!(read, Ok(1..));
            if over || held == buffer.len() {
                self.push(source, buffer.get(..held).unwrap_or_default());
                held = 0;
            }
            if read.is_err() {
                self.broken(source);
            }
            if over {
                break;
            }
        }
        self.close(source);
    }

    /// Ends the run: the diagnoses not yet drained, and what became of every record.
    pub fn finish(mut self) -> (Vec<Diagnosis>, Summary) {
        let open: Vec<SourceId> = self.sources.iter().map(|source| source.id).collect();
        for source in open {
            self.close(source);
        }
        self.run.summary_mut().sources = self.files;
        self.run.finish()
    }

    fn end_file(&mut self, source: SourceId) {
        let Some(known) = self.sources.get_mut(source.index()) else { return };
        let forced = known.forced.clone();
        let Some(mut reading) = known.reading.take() else { return };
        if reading.input.is_none()
            && let Some(input) = choose(self.choices(&forced), &reading.head, true)
        {
            self.start(source, &mut reading, input);
        }
        if let Some((input, mut framer)) = reading.input.take() {
            let Reading { file, summary, again, .. } = &mut reading;
            framer.finish(&mut |framed| self.take(source, &input, (*file, *summary, &mut *again), framed));
        }
    }

    /// The input is known: reads what was held back.
    fn start(&mut self, source: SourceId, reading: &mut Reading, input: Arc<Input>) {
        if let Some(file) = self.files.get_mut(reading.summary).filter(|file| file.bytes > 0) {
            file.input = Some(Arc::clone(&input.name));
        }
        let framer = input.framer();
        reading.input = Some((input, framer));
        let head = std::mem::take(&mut reading.head);
        self.feed(source, reading, &head);
    }

    fn feed(&mut self, source: SourceId, reading: &mut Reading, bytes: &[u8]) {
        let Some((input, mut framer)) = reading.input.take() else { return };
        let crew = self.crew_for(reading, bytes);
        let Reading { file, summary, again, .. } = reading;
        if let Some(mut crew) = crew {
            self.share_out(&mut crew, (source, *file, *summary), (&input, &mut framer), bytes);
            self.crew = Some(crew);
        } else {
            framer
                .push(bytes, &mut |framed| self.take(source, &input, (*file, *summary, &mut *again), framed));
        }
        if let Some(restart) = framer.restart() {
            let taken = self.files.get(*summary).map_or(0, |file| file.records);
            reading.restart = Some((restart, taken.saturating_sub(*again)));
        }
        reading.input = Some((input, framer));
    }

    /// One record, or the place where one should be.
    fn take(
        &mut self,
        source: SourceId,
        input: &Input,
        (file, summary, again): (u32, usize, &mut u64),
        framed: Framed<'_>,
    ) {
        if *again > 0 {
            *again -= 1;
            return;
        }
        if let Some(file) = self.files.get_mut(summary) {
            file.records += 1;
        }
        let (bytes, line, offset) = match framed {
            Framed::Reject { reason, line, offset } => {
                self.run.reject(reason, Origin { file, line, offset });
                return;
            }
            Framed::Record { bytes, line, offset } => (bytes, line, offset),
        };
        let origin = Origin { file, line, offset };
        self.run.begin_record();
        let before = self.run.enter(Stage::Decode);
        match input.decode(bytes, &mut self.row, &mut self.texts, &mut self.event) {
            Err(reason) => self.run.reject(reason, origin),
            Ok(Mapped::Skipped) => self.run.skip(),
            Ok(Mapped::Event { partial }) => {
                self.run.summary_mut().partial += u64::from(partial);
                self.event.set_origin(origin);
                if let Some(witness) = &mut self.witness {
                    witness.push((source, self.event.clone()));
                }
                self.run.hear(input.at, self.event.time());
                self.run.observe(source, &self.event);
            }
        }
        self.run.enter(before);
    }
}

impl Input {
    /// What a record says. Where it stood, the caller knows.
    fn decode(
        &self,
        bytes: &[u8],
        row: &mut Row,
        texts: &mut Interner,
        event: &mut Event,
    ) -> Result<Mapped, Reject> {
        row.reset(self.mapper.paths().len());
        // A format may be a plugin: whatever it does, it spoils one record and not the run.
        let decode = AssertUnwindSafe(|| self.format.decode(bytes, self.mapper.paths(), row));
        catch_unwind(decode).unwrap_or(Err(Reject::Plugin))?;
        let mapped = self.mapper.map(row, texts, event)?;
        if let Mapped::Event { .. } = mapped {
            let own = self.mapper.identity(row);
            event.set_identity(own.unwrap_or(if self.by_record { xxh3_64(bytes) } else { 0 }));
        }
        Ok(mapped)
    }

    fn framer(&self) -> Framer {
        Framer::new(self.format.framing(), self.limit)
            .with_envelope(self.mapping.envelope.iter().cloned())
            .with_layout(self.mapping.layout.as_ref())
    }

    /// What the first record of a stream says of whether it is of this input.
    fn judge(&self, framed: Framed<'_>, verdict: &mut Option<bool>) {
        match framed {
            _ if verdict.is_some() => {}
            Framed::Record { bytes, .. } => *verdict = Some(self.mapping.recognises(&*self.format, bytes)),
            Framed::Reject { reason, line, .. } => {
                if self.format.framing().is_over_by(reason, line) {
                    *verdict = Some(false);
                }
            }
        }
    }
}

/// The input whose signs the first record bears; the default when none does. `None` while some input has not seen a
/// whole record yet, so that the choice does not depend on how the bytes are cut.
fn choose(inputs: &[Arc<Input>], head: &[u8], ended: bool) -> Option<Arc<Input>> {
    /// An input that has not seen a whole record in so many bytes does not recognise the stream.
    const PATIENCE: usize = 1 << 16;
    /// So many bytes are looked at at a time: most verdicts need one record.
    const PIECE: usize = 1 << 12;
    if let [only] = inputs {
        return Some(Arc::clone(only));
    }
    let late = ended || head.len() >= PATIENCE;
    let mut undecided = false;
    for input in inputs {
        let mut verdict = None;
        let mut framer = input.framer();
        for piece in head.chunks(PIECE) {
            framer.push(piece, &mut |framed| input.judge(framed, &mut verdict));
            if verdict.is_some() {
                break;
            }
        }
        if ended && verdict.is_none() {
            framer.finish(&mut |framed| input.judge(framed, &mut verdict));
        }
        match verdict {
            Some(true) if !undecided => return Some(Arc::clone(input)),
            Some(_) => {}
            None => undecided |= !late,
        }
    }
    let default = || inputs.iter().find(|input| input.mapping.default).or(inputs.first());
    if undecided { None } else { default().map(Arc::clone) }
}
