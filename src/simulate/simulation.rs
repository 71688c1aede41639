//! A simulation: which fleets, how long, in which shape, and what becomes of the records.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::error::Error;
use crate::model::Timestamp;
use crate::simulate::cast::Cast;
use crate::simulate::degrade::{Degradation, Road, skew_of};
use crate::simulate::fleet::Fleet;
use crate::simulate::fleets::{Fleets, truths};
use crate::simulate::form::{Clock, Moment};
use crate::simulate::play::{Made, Play, usize_of};
use crate::simulate::shape::{Body, Framing, Shape};
use crate::simulate::spread::nanos;
use crate::simulate::truth::Label;

/// Fleets that are to be simulated together.
///
/// The same fleets, settings and seed make the same bytes on every machine. Memory grows with the number of subjects, not
/// of records.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    from_pack: &'a Fleets,
    fleets: Vec<(&'a Fleet, Option<u32>)>,
    shape: &'a Shape,
    seed: u64,
    devices: Option<u64>,
    from: Option<Timestamp>,
    span: Option<Duration>,
    size: Option<u64>,
    degradation: Degradation,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Bytes in all.
    pub bytes: u64,
    /// Records, repeated ones included.
    pub records: u64,
    /// Subjects that behaved.
    pub subjects: u64,
}

/// How records are written when nothing is said, if a pack has such a shape; the first by name otherwise.
const USUAL_SHAPE: &str = "resource-log";
/// Bytes are handed on in pieces of about this size.
const PIECE: usize = 1 << 16;

impl<'a> Simulation<'a> {
    /// A simulation of some fleets and mixes by name.
    ///
    /// # Errors
    ///
    /// When there is none of a name, or no shape to write records in.
    pub fn new(fleets: &'a Fleets, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let mut chosen = Vec::new();
        for name in names {
            chosen.extend(fleets.named(name.as_ref())?);
        }
        let first = fleets.shapes.keys().next().map_or(USUAL_SHAPE, String::as_str);
        let usual = if fleets.shapes.contains_key(USUAL_SHAPE) { USUAL_SHAPE } else { first };
        Ok(Self {
            from_pack: fleets,
            fleets: chosen,
            shape: fleets.shape(usual)?,
            seed: 0,
            devices: None,
            from: None,
            span: None,
            size: None,
            degradation: Degradation::default(),
        })
    }

    /// Another seed makes another stream with the same behaviour; 0 if nothing is said.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// About so many subjects in all, in the proportions of the files.
    #[must_use]
    pub fn devices(mut self, devices: u64) -> Self {
        self.devices = Some(devices);
        self
    }

    /// When it begins, instead of when the first of the fleets says.
    #[must_use]
    pub fn from(mut self, from: Timestamp) -> Self {
        self.from = Some(from);
        self
    }

    /// How long it runs, instead of each fleet as long as it says.
    #[must_use]
    pub fn span(mut self, span: Duration) -> Self {
        self.span = Some(span);
        self
    }

    /// It ends when about so many bytes are written; without a span, not before.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// What becomes of the records on the way.
    #[must_use]
    pub fn degradation(mut self, degradation: Degradation) -> Self {
        self.degradation = degradation;
        self
    }

    /// Writes the records in this shape.
    ///
    /// # Errors
    ///
    /// When the pack has none of this name.
    pub fn shape(mut self, name: &str) -> Result<Self, Error> {
        self.shape = self.from_pack.shape(name)?;
        Ok(self)
    }

    /// Runs it: records go to `out`, and what is truly the matter to `truth` as soon as it is over.
    ///
    /// # Errors
    ///
    /// When `out` or `truth` has one.
    pub fn write(
        &self,
        out: &mut impl Write,
        mut truth: impl FnMut(Label) -> io::Result<()>,
    ) -> io::Result<Written> {
        let first = self.fleets.first().map_or(Timestamp::MIN, |(fleet, _)| fleet.from);
        let start = self.from.unwrap_or(first).nanos();
        let mut play = Play::new(self.cast(start), start, self.shape.enough);
        let mut road = Road::new(self.degradation, self.seed);
        let mut pages = Pages::new(self, play.cast.members.len());
        let mut window = Window { span: self.shape.snapshot, next: i64::MIN, last: BTreeMap::new() };
        let mut all = Vec::new();
        let limit = self.size.unwrap_or(u64::MAX);
        while pages.bytes() < limit && play.step(&mut |made| all.push(made)) {
            for made in all.drain(..) {
                window.pass(made, &mut |made| {
                    road.send(made, &mut |made| pages.record(&play.cast, made));
                });
            }
            pages.hand_on(out)?;
            play.labels.drain(..).try_for_each(&mut truth)?;
        }
        window.close(&mut |made| road.send(made, &mut |made| pages.record(&play.cast, made)));
        road.finish(&mut |made| pages.record(&play.cast, made));
        pages.end();
        pages.full = true;
        pages.hand_on(out)?;
        play.finish();
        play.labels.drain(..).try_for_each(&mut truth)?;
        out.flush()?;
        Ok(pages.written)
    }

    /// Each of its fleets by itself, as large as it is here and as long as it says, for who wants a log for each.
    pub fn apart(&self) -> impl Iterator<Item = Simulation<'a>> {
        let sizes = self.sizes();
        self.fleets.iter().zip(sizes).enumerate().map(|(number, (fleet, devices))| Simulation {
            fleets: vec![*fleet],
            devices,
            seed: self.seed_of(number),
            ..self.clone()
        })
    }

    fn cast(&self, start: i64) -> Cast<'a> {
        let mut cast = Cast::new(&self.from_pack.levels, &self.from_pack.records, self.shape);
        for (number, ((fleet, _), devices)) in self.fleets.iter().zip(self.sizes()).enumerate() {
            let end = match (self.span, self.size) {
                (Some(span), _) => start.saturating_add(nanos(span)),
                (None, Some(_)) => i64::MAX,
                (None, None) => start.saturating_add(fleet.span),
            };
            cast.add(fleet, devices, self.seed_of(number), end);
        }
        cast
    }

    /// The same fleet twice is two fleets.
    fn seed_of(&self, number: usize) -> u64 {
        let Some((fleet, _)) = self.fleets.get(number) else { return self.seed };
        let earlier = self.fleets.iter().take(number).filter(|(known, _)| known.name == fleet.name).count();
        self.seed.wrapping_add(u64::try_from(earlier).unwrap_or(0) << 48)
    }

    /// How many subjects each fleet is to have; none where it is as large as it says.
    fn sizes(&self) -> Vec<Option<u64>> {
        // What a fleet weighs without a mix: its own number of subjects.
        let own = |fleet: &Fleet| fleet.groups.iter().filter(|g| !g.fixed).map(|g| u64::from(g.count)).sum();
        let weight = |(fleet, share): &(&Fleet, Option<u32>)| share.map_or_else(|| own(fleet), u64::from);
        let total: u64 = self.fleets.iter().map(weight).sum();
        let is_mixed = self.fleets.iter().any(|(_, share)| share.is_some());
        let devices = self.devices.or(is_mixed.then_some(USUAL_DEVICES));
        let size = |of: &(&Fleet, Option<u32>)| {
            let devices = (devices?.saturating_mul(weight(of)) + total / 2) / total.max(1);
            // What is the matter with a whole is not to be seen in a few of its subjects.
            let (fleet, share) = of;
            Some(if share.is_some() && self.is_of_a_whole(fleet) { devices.max(own(fleet)) } else { devices })
        };
        self.fleets.iter().map(size).collect()
    }
}

impl Simulation<'_> {
    /// Whether a fleet tells a truth about an outer subject.
    fn is_of_a_whole(&self, fleet: &Fleet) -> bool {
        truths(fleet).any(|truth| truth.levels.iter().any(|&levels| levels < self.from_pack.levels.len()))
    }
}

/// How many subjects a mix has when nothing is said.
const USUAL_DEVICES: u64 = 1_000;

/// Keeps of the records of a subject within each span only the last.
struct Window {
    span: Option<i64>,
    next: i64,
    last: BTreeMap<Option<u32>, Made>,
}

impl Window {
    fn pass(&mut self, made: Made, on: &mut impl FnMut(Made)) {
        let Some(span) = self.span else { return on(made) };
        if made.time >= self.next {
            self.close(on);
            self.next = made.time - made.time.rem_euclid(span) + span;
        }
        self.last.insert(made.member, made);
    }

    fn close(&mut self, on: &mut impl FnMut(Made)) {
        let mut all: Vec<Made> = std::mem::take(&mut self.last).into_values().collect();
        all.sort_unstable();
        all.into_iter().for_each(on);
    }
}

/// The bytes, framed.
struct Pages<'a> {
    shape: &'a Shape,
    degradation: Degradation,
    buffer: Vec<u8>,
    clock: Clock,
    /// Records in the envelope that is open.
    open: usize,
    /// Whether the buffer goes on however little it holds.
    full: bool,
    written: Written,
}

impl<'a> Pages<'a> {
    fn new(simulation: &Simulation<'a>, subjects: usize) -> Self {
        let mut buffer = Vec::with_capacity(PIECE * 2);
        if let Body::Columns(cells) = &simulation.shape.body {
            let heads: Vec<&str> = cells.iter().map(|(head, _)| head.as_str()).collect();
            buffer.extend_from_slice(heads.join(",").as_bytes());
            buffer.push(b'\n');
        }
        let written = Written { subjects: u64::try_from(subjects).unwrap_or(0), ..Written::default() };
        Self {
            shape: simulation.shape,
            degradation: simulation.degradation,
            buffer,
            clock: Clock::default(),
            open: 0,
            full: false,
            written,
        }
    }

    fn bytes(&self) -> u64 {
        self.written.bytes + u64::try_from(self.buffer.len()).unwrap_or(0)
    }

    fn record(&mut self, cast: &Cast<'_>, made: Made) {
        let Some(form) = cast.forms.get(usize_of(made.form)) else { return };
        let member = made.member.and_then(|member| cast.members.get(usize_of(member)));
        let own = member.map_or(0, |member| member.own);
        let moment = Moment {
            time: made.time.saturating_add(skew_of(own, &self.degradation)),
            number: member.map_or(0, |member| member.number),
            own,
            count: made.count,
            value: made.value,
        };
        let opening: &[u8] = match (self.shape.framing, self.open) {
            (Framing::Lines | Framing::Csv, _) => b"",
            (Framing::Envelope, 0) => br#"{"records":["#,
            (Framing::Array, 0) => b"[",
            (Framing::Envelope | Framing::Array, _) => b",",
        };
        self.buffer.extend_from_slice(opening);
        form.write(moment, &mut self.clock, &mut self.buffer);
        self.open += 1;
        match self.shape.framing {
            Framing::Lines | Framing::Csv => self.buffer.push(b'\n'),
            Framing::Envelope | Framing::Array if self.open >= self.shape.per => self.end(),
            Framing::Envelope | Framing::Array => {}
        }
        self.written.records += 1;
    }

    /// Closes what is open.
    fn end(&mut self) {
        let closing: &[u8] = match self.shape.framing {
            _ if self.open == 0 => b"",
            Framing::Lines | Framing::Csv => b"",
            Framing::Envelope => b"]}\n",
            Framing::Array => b"]\n",
        };
        self.buffer.extend_from_slice(closing);
        self.open = 0;
    }

    fn hand_on(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.buffer.len() >= PIECE || self.full {
            out.write_all(&self.buffer)?;
            self.written.bytes += u64::try_from(self.buffer.len()).unwrap_or(0);
            self.buffer.clear();
        }
        Ok(())
    }
}
