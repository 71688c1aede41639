//! Memory as bytes and back: what a checkpoint is made of.
//!
//! Everything is CBOR with numbered fields ([`minicbor`]): a number that is not known is skipped, one that is missing
//! leaves what fresh memory has, so bytes of an older version stay readable. The same memory gives the same bytes: fields
//! are written in the order of their numbers, and whatever is kept without order is sorted.
//!
//! Two kinds of things are written. A *value* is plain data, made anew from its bytes (`Encode` and `Decode`). A [`State`]
//! is taken in *in place*: what the rules give it stays as it is, what it remembered comes back.

use std::fmt;
use std::sync::Arc;

use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

/// Why bytes are no memory of this kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged(String);

impl Damaged {
    /// With a reason in plain words.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Damaged {}

impl From<minicbor::decode::Error> for Damaged {
    fn from(error: minicbor::decode::Error) -> Self {
        Self(error.to_string())
    }
}

/// What the numbers in saved memory become where it is taken in: a run gives its own numbers to files and to sets of
/// event classes.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// For each file of the saved run, its number here; the same number where the list is too short.
    pub files: Arc<[u32]>,
    /// The same for sets of event classes.
    pub signatures: Arc<[u32]>,
}

/// A context of encoding that knows what numbers become.
pub trait Renumber {
    /// A file's number here.
    fn file(&self, number: u32) -> u32;
    /// The number of a set of event classes here.
    fn signature(&self, number: u32) -> u32;
}

impl Renumber for Tables {
    fn file(&self, number: u32) -> u32 {
        usize::try_from(number).ok().and_then(|at| self.files.get(at)).copied().unwrap_or(number)
    }

    fn signature(&self, number: u32) -> u32 {
        usize::try_from(number).ok().and_then(|at| self.signatures.get(at)).copied().unwrap_or(number)
    }
}

/// Memory that is saved, and taken in again in place.
pub trait State {
    /// Writes all that is remembered, and nothing that the rules give.
    fn save(&self, out: &mut Writer);

    /// Takes in what [`State::save`] wrote, in place of what is remembered.
    ///
    /// # Errors
    ///
    /// When the bytes are no memory of this kind. What is remembered then is undefined; it is to be thrown away.
    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged>;
}

impl<T> State for T
where
    T: Encode<Tables> + for<'b> Decode<'b, Tables>,
{
    fn save(&self, out: &mut Writer) {
        out.value(self);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        *self = from.value()?;
        Ok(())
    }
}

/// Takes memory as bytes.
#[derive(Debug)]
pub struct Writer {
    encoder: Encoder<Vec<u8>>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { encoder: Encoder::new(Vec::new()) }
    }
}

impl Writer {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plain data.
    pub fn value<T: Encode<Tables> + ?Sized>(&mut self, value: &T) {
        written(self.encoder.encode_with(value, &mut Tables::default()));
    }

    /// Says that so many numbered fields follow: for each its number, and what is in it.
    pub fn fields(&mut self, count: usize) {
        written(self.encoder.map(u64::try_from(count).unwrap_or(u64::MAX)));
    }

    /// The number of the field that follows.
    pub fn number(&mut self, number: u32) {
        written(self.encoder.u32(number));
    }

    /// Says that so many things follow in a row.
    pub fn list(&mut self, count: usize) {
        written(self.encoder.array(u64::try_from(count).unwrap_or(u64::MAX)));
    }

    /// Bytes that are memory themselves.
    pub fn bytes(&mut self, bytes: &[u8]) {
        written(self.encoder.bytes(bytes));
    }

    /// All that was written.
    pub fn finish(self) -> Vec<u8> {
        self.encoder.into_writer()
    }
}

/// Nothing can go wrong when bytes are added to a vector, and no value of this crate refuses to be written.
fn written<T, E>(result: Result<T, minicbor::encode::Error<E>>) {
    drop(result);
}

/// Gives memory back from bytes.
#[derive(Debug)]
pub struct Reader<'a> {
    decoder: Decoder<'a>,
    tables: Tables,
}

impl<'a> Reader<'a> {
    /// Reads bytes whose numbers mean the same here.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_tables(bytes, Tables::default())
    }

    /// Reads bytes of a run whose numbers mean something else here.
    pub fn with_tables(bytes: &'a [u8], tables: Tables) -> Self {
        Self { decoder: Decoder::new(bytes), tables }
    }

    /// Plain data.
    ///
    /// # Errors
    ///
    /// When something else stands here.
    pub fn value<T: Decode<'a, Tables>>(&mut self) -> Result<T, Damaged> {
        Ok(self.decoder.decode_with(&mut self.tables)?)
    }

    /// Reads numbered fields: `each` is called with every number, and reads or [skips](Reader::skip) what is in it.
    ///
    /// # Errors
    ///
    /// When something else stands here, or when `each` fails.
    pub fn fields(
        &mut self,
        mut each: impl FnMut(u32, &mut Self) -> Result<(), Damaged>,
    ) -> Result<(), Damaged> {
        let count = self.decoder.map()?.ok_or_else(|| Damaged::new("fields without a count"))?;
        for _ in 0..count {
            let number = self.decoder.u32()?;
            each(number, self)?;
        }
        Ok(())
    }

    /// Reads a row of things: `each` is called once for every one of them, and reads it.
    ///
    /// # Errors
    ///
    /// When something else stands here, or when `each` fails.
    pub fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Damaged>) -> Result<(), Damaged> {
        let count = self.decoder.array()?.ok_or_else(|| Damaged::new("a list without a count"))?;
        (0..count).try_for_each(|_| each(self))
    }

    /// Bytes that are memory themselves.
    ///
    /// # Errors
    ///
    /// When something else stands here.
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        Ok(self.decoder.bytes()?)
    }

    /// Leaves out whatever stands here.
    ///
    /// # Errors
    ///
    /// When nothing well-formed stands here.
    pub fn skip(&mut self) -> Result<(), Damaged> {
        Ok(self.decoder.skip()?)
    }

    /// What the numbers in these bytes become here.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.decoder.position() >= self.decoder.input().len()
    }
}

/// Implements [`State`] for a struct, from the numbers of the fields that remember something. A number is never given to
/// another field. With `, sound` at the end, the struct's own `fn sound(&self) -> bool` says whether what came back can
/// be.
macro_rules! state {
    ($([$($generic:tt)*])? $type:ty { $($number:literal => $field:ident),+ $(,)? } $(, $sound:ident)?) => {
        impl$(<$($generic)*>)? $crate::codec::State for $type {
            fn save(&self, out: &mut $crate::codec::Writer) {
                out.fields([$($number),+].len());
                $(
                    out.number($number);
                    $crate::codec::State::save(&self.$field, out);
                )+
            }

            fn restore(&mut self, from: &mut $crate::codec::Reader<'_>) -> Result<(), $crate::codec::Damaged> {
                from.fields(|number, from| match number {
                    $($number => $crate::codec::State::restore(&mut self.$field, from),)+
                    _ => from.skip(),
                })?;
                $(
                    if !self.$sound() {
                        return Err($crate::codec::Damaged::new(concat!(
                            "an impossible ", stringify!($type)
                        )));
                    }
                )?
                Ok(())
            }
        }
    };
}
pub(crate) use state;

/// Words, for fields of derived values: `#[cbor(with = "codec::text")]`.
pub(crate) mod text {
    use minicbor::decode::Error as NotDecoded;
    use minicbor::encode::Error as NotEncoded;
    use smol_str::SmolStr;

    use super::{Decoder, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        text: &SmolStr,
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), NotEncoded<W::Error>> {
        out.str(text)?.ok()
    }

    pub(crate) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<SmolStr, NotDecoded> {
        from.str().map(SmolStr::new)
    }
}

/// Words that may be missing.
pub(crate) mod maybe_text {
    use minicbor::decode::Error as NotDecoded;
    use minicbor::encode::Error as NotEncoded;
    use smol_str::SmolStr;

    use super::{Decoder, Encoder, Write};

    pub(crate) fn encode<C, W: Write>(
        text: &Option<SmolStr>,
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), NotEncoded<W::Error>> {
        match text {
            Some(text) => out.str(text)?.ok(),
            None => out.null()?.ok(),
        }
    }

    pub(crate) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<Option<SmolStr>, NotDecoded> {
        if from.datatype()? == minicbor::data::Type::Null {
            return from.null().map(|()| None);
        }
        from.str().map(|text| Some(SmolStr::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Old {
        a: u64,
    }
    state!(Old { 0 => a });

    #[derive(Debug, PartialEq)]
    struct New {
        given: usize,
        a: u64,
        b: Vec<(i64, Option<f64>)>,
    }
    state!(New { 0 => a, 1 => b }, sound);

    impl New {
        fn sound(&self) -> bool {
            self.b.len() <= self.given
        }
    }

    fn saved(state: &dyn State) -> Vec<u8> {
        let mut out = Writer::new();
        state.save(&mut out);
        out.finish()
    }

    #[test]
    fn what_was_saved_comes_back_and_what_the_rule_gives_stays() {
        let bytes = saved(&New { given: 9, a: 7, b: vec![(-1, None), (2, Some(0.5))] });
        let mut fresh = New { given: 2, a: 0, b: Vec::new() };
        assert_eq!(fresh.restore(&mut Reader::new(&bytes)), Ok(()));
        assert_eq!(fresh, New { given: 2, a: 7, b: vec![(-1, None), (2, Some(0.5))] });
    }

    #[test]
    fn old_bytes_are_read_by_new_code_and_new_bytes_by_old_code() {
        let mut new = New { given: 1, a: 0, b: vec![(1, None)] };
        assert_eq!(new.restore(&mut Reader::new(&saved(&Old { a: 3 }))), Ok(()));
        assert_eq!((new.a, new.b.len()), (3, 1));
        let mut old = Old::default();
        assert_eq!(old.restore(&mut Reader::new(&saved(&new))), Ok(()));
        assert_eq!(old, Old { a: 3 });
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let bytes = saved(&New { given: 9, a: 7, b: vec![(0, None); 3] });
        let mut fresh = New { given: 2, a: 0, b: Vec::new() };
        assert_eq!(fresh.restore(&mut Reader::new(&bytes)), Err(Damaged::new("an impossible New")));
    }

    #[test]
    fn every_cut_is_an_error_and_no_length_is_believed() {
        let bytes = saved(&New { given: 9, a: 7, b: vec![(0, Some(1.0)); 3] });
        for end in 0..bytes.len() {
            let mut fresh = New { given: 9, a: 0, b: Vec::new() };
            assert!(fresh.restore(&mut Reader::new(&bytes[..end])).is_err(), "cut at {end}");
        }
        // A list that claims 2^60 numbers and has none.
        let long = [0xa1, 0x01, 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0];
        assert!(New { given: 9, a: 0, b: Vec::new() }.restore(&mut Reader::new(&long)).is_err());
    }
}
