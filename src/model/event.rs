//! A record, decoded and mapped.

use std::sync::Arc;

use minicbor::{Decode, Decoder, Encode, decode};

use crate::codec::Renumber;
use crate::model::{FieldId, Schema, Serial, Timestamp, Value};

/// Where a record stood: which file, which line, which byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(context_bound = "Renumber")]
pub struct Origin {
    /// The file or stream, as an index into the run's list of names.
    #[n(0)]
    #[cbor(decode_with = "file_here")]
    pub file: u32,
    /// Line, from 1, in the decompressed text.
    #[n(1)]
    pub line: u64,
    /// Byte offset of the record's first byte in the decompressed text.
    #[n(2)]
    pub offset: u64,
}

fn file_here<C: Renumber>(from: &mut Decoder<'_>, context: &mut C) -> Result<u32, decode::Error> {
    from.u32().map(|number| context.file(number))
}

/// One entry of a log: its time, the fields that some rule reads, and where it stood.
///
/// Embedders build their own with `Engine::event`; decoders fill one and reuse it.
#[derive(Clone, Debug)]
pub struct Event {
    schema: Arc<Schema>,
    time: Timestamp,
    identity: u64,
    origin: Origin,
    values: Vec<Option<Value>>,
    filling: Option<Filling>,
}

/// What the time and the fields of an event were made from, as long as nobody else has set them: which record of which
/// row, and by which mapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filling {
    pub(crate) mapper: Serial,
    pub(crate) row: Serial,
    pub(crate) record: u64,
}

impl Event {
    /// An event with no field set.
    pub fn new(schema: &Arc<Schema>, time: Timestamp) -> Self {
        Self {
            schema: Arc::clone(schema),
            time,
            identity: 0,
            origin: Origin::default(),
            values: vec![None; schema.len()],
            filling: None,
        }
    }

    /// Starts building an event.
    pub fn builder(schema: &Arc<Schema>, time: Timestamp) -> EventBuilder {
        EventBuilder { event: Self::new(schema, time) }
    }

    /// Event time.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What makes the event the same event when it is met again: a hash of the record's bytes, or zero when only its
    /// position identifies it.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Where the record stood.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The fields this event can have.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// A field by position.
    pub fn field(&self, id: FieldId) -> Option<&Value> {
        self.values.get(id.index()).and_then(Option::as_ref)
    }

    /// A field by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.field(self.schema.id(name)?)
    }

    /// The identifier of this event's subject at a level (an index into the schema's levels): text as it stands,
    /// numbers in their plain spelling.
    pub fn subject_id(&self, level: usize) -> Option<&Value> {
        self.field(self.schema.level_field(level)?)
    }

    /// Forgets everything but the schema, keeping the memory.
    pub fn clear(&mut self) {
        self.filling = None;
        self.time = Timestamp::MIN;
        self.identity = 0;
        self.origin = Origin::default();
        self.values.clear();
        self.values.resize(self.schema.len(), None);
    }

    /// Sets the event time.
    pub fn set_time(&mut self, time: Timestamp) {
        self.filling = None;
        self.time = time;
    }

    /// Sets what identifies the event; see [`Event::identity`].
    pub fn set_identity(&mut self, identity: u64) {
        self.identity = identity;
    }

    /// Sets where the record stood.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Sets or clears a field.
    pub fn set(&mut self, id: FieldId, value: Option<Value>) {
        self.filling = None;
        if let Some(slot) = self.values.get_mut(id.index()) {
            *slot = value;
        }
    }

    pub(crate) fn filling(&self) -> Option<Filling> {
        self.filling
    }

    /// Says what the time and all fields were made from.
    pub(crate) fn set_filling(&mut self, filling: Option<Filling>) {
        self.filling = filling;
    }
}

/// Builds an [`Event`] by field names.
#[derive(Clone, Debug)]
pub struct EventBuilder {
    event: Event,
}

impl EventBuilder {
    /// Sets a field. A field that no rule reads is dropped, as a decoder would drop it.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(id) = self.event.schema.id(name) {
            self.event.set(id, Some(value.into()));
        }
        self
    }

    /// Sets where the event was found.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.event.origin = origin;
        self
    }

    /// Sets what makes a repeat of this event recognisable, for packs with `identity: record`.
    #[must_use]
    pub fn identity(mut self, identity: u64) -> Self {
        self.event.identity = identity;
        self
    }

    /// The event.
    pub fn build(self) -> Event {
        self.event
    }
}
