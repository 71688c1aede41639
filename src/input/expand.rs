//! Compressed bytes in, plain bytes out, by the first bytes of the stream.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The largest window a zstd frame may ask for: what the `zstd` program itself accepts unless told otherwise.
const MAX_WINDOW: u64 = 128 << 20;

/// How much is inflated at a time. A damaged deflate stream loses what was inflated last, so this bounds the loss, and
/// makes it independent of the caller's buffer.
const STEP: usize = 4 << 10;

/// A reader that decompresses gzip (also several members) and zstd (also several frames), and hands on anything else as
/// it is.
///
/// A stream that is damaged or ends too early gives what could be decoded of it and then an error of the kind
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) or [`InvalidData`](io::ErrorKind::InvalidData); after that it is at
/// its end. Errors of the reader below keep their kind.
pub struct Expand<R: Read> {
    state: State<R>,
}

type Source<R> = Chain<Cursor<Vec<u8>>, BufReader<R>>;

enum State<R: Read> {
    /// Nothing decided yet; the first bytes.
    Start(R, Vec<u8>),
    Plain(Source<R>),
    Gzip(Box<Gzip<Source<R>>>),
    Zstd(Box<Zstd<Source<R>>>),
    End,
}

impl<R: Read> Expand<R> {
    /// Whether a stream that begins with these four bytes is compressed.
    pub fn is_compressed(head: &[u8]) -> bool {
        is_gzip(head) || is_zstd(head)
    }

    /// Looks at nothing yet.
    pub fn new(reader: R) -> Self {
        Self { state: State::Start(reader, Vec::new()) }
    }

    /// Decides by the first four bytes, however slowly they come.
    fn start(&mut self) -> io::Result<()> {
        let State::Start(reader, head) = &mut self.state else { return Ok(()) };
        let mut byte = [0];
        while head.len() < 4 {
            match reader.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => head.extend_from_slice(&byte),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let State::Start(reader, head) = std::mem::replace(&mut self.state, State::End) {
            let (is_gzip, is_zstd) = (is_gzip(&head), is_zstd(&head));
            let source = Cursor::new(head).chain(BufReader::with_capacity(64 << 10, reader));
            self.state = if is_gzip {
                State::Gzip(Box::new(Gzip { decoder: MultiGzDecoder::new(source), ready: Vec::new(), at: 0 }))
            } else if is_zstd {
                State::Zstd(Box::new(Zstd::new(source)))
            } else {
                State::Plain(source)
            };
        }
        Ok(())
    }
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

fn is_zstd(head: &[u8]) -> bool {
    matches!(*head, [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

impl<R: Read> Read for Expand<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.start()?;
        let read = match &mut self.state {
            State::Start(..) | State::End => return Ok(0),
            State::Plain(source) => return source.read(buf),
            State::Gzip(gzip) => gzip.read(buf),
            State::Zstd(zstd) => zstd.read(buf),
        };
        if read.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted) {
            self.state = State::End;
        }
        read
    }
}

impl<R: Read> fmt::Debug for Expand<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Start(..) => "Expand(start)",
            State::Plain(_) => "Expand(plain)",
            State::Gzip(_) => "Expand(gzip)",
            State::Zstd(_) => "Expand(zstd)",
            State::End => "Expand(end)",
        })
    }
}

struct Gzip<S: BufRead> {
    decoder: MultiGzDecoder<S>,
    ready: Vec<u8>,
    at: usize,
}

impl<S: BufRead> Gzip<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.at = 0;
            self.ready.resize(STEP, 0);
            let read = self.decoder.read(&mut self.ready);
            self.ready.truncate(*read.as_ref().unwrap_or(&0));
            // The inflater calls damaged data invalid input.
            read.map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => io::Error::new(io::ErrorKind::InvalidData, error),
                _ => error,
            })?;
        }
        let n = self.ready.get(self.at..).unwrap_or_default().read(buf)?;
        self.at += n;
        Ok(n)
    }
}

struct Zstd<S: BufRead> {
    source: S,
    decoder: FrameDecoder,
    in_frame: bool,
    /// What went wrong, to be said when all that was decoded has been read.
    fault: Option<io::Error>,
}

impl<S: BufRead> Zstd<S> {
    fn new(source: S) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { source, decoder, in_frame: false, fault: None }
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            if self.in_frame {
                self.block();
            } else if self.source.fill_buf()?.is_empty() {
                return Ok(0);
            } else {
                self.frame()?;
            }
        }
    }

    /// Starts the next frame, or steps over one that holds no data.
    fn frame(&mut self) -> io::Result<()> {
        use FrameDecoderError::ReadFrameHeaderError as Header;
        let (source, decoder) = (&mut self.source, &mut self.decoder);
        match guarded(|| decoder.reset(source)) {
            Ok(()) => {
                self.in_frame = true;
                Ok(())
            }
            Err(Fault::Frame(Header(ReadFrameHeaderError::SkipFrame { length, .. }))) => {
                let length = u64::from(length);
                match io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? {
                    skipped if skipped == length => Ok(()),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
            Err(fault) => Err(fault.into()),
        }
    }

    fn block(&mut self) {
        let (source, decoder) = (&mut self.source, &mut self.decoder);
        match guarded(|| decoder.decode_blocks(source, BlockDecodingStrategy::UptoBlocks(1)).map(|_| ())) {
            Ok(()) => {}
            Err(fault @ Fault::Frame(_)) => {
                // The decoder keeps a window of decoded bytes until the frame ends: end it, so that they come out. This
                // is an empty last block and room for a checksum.
                const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
                let ended = guarded(|| {
                    decoder.decode_blocks(&LAST_BLOCK[..], BlockDecodingStrategy::All).map(|_| ())
                });
                if ended.is_err() {
                    self.decoder = FrameDecoder::new();
                }
                self.fault = Some(fault.into());
            }
            Err(fault @ Fault::Decoder) => {
                // Nothing is known about the state it is in.
                self.decoder = FrameDecoder::new();
                self.fault = Some(fault.into());
            }
        }
        self.in_frame = !self.decoder.is_finished();
    }
}

enum Fault {
    Frame(FrameDecoderError),
    /// The decoder panicked: it asserts some things about its input.
    Decoder,
}

fn guarded(decode: impl FnOnce() -> Result<(), FrameDecoderError>) -> Result<(), Fault> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(Fault::Frame),
        Err(_) => Err(Fault::Decoder),
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        use ReadFrameHeaderError as Header;
        let Fault::Frame(error) = fault else {
            return Self::new(io::ErrorKind::InvalidData, "damaged zstd block");
        };
        let kind = match &error {
            FrameDecoderError::ReadFrameHeaderError(
                Header::MagicNumberReadError(below)
                | Header::FrameDescriptorReadError(below)
                | Header::WindowDescriptorReadError(below)
                | Header::DictionaryIdReadError(below)
                | Header::FrameContentSizeReadError(below),
            ) => below.kind(),
            other => kind_below(other),
        };
        Self::new(kind, error.to_string())
    }
}

/// The kind of the reader's own error when that is what stopped the decoder.
fn kind_below(error: &(dyn StdError + 'static)) -> io::ErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(below) = error.downcast_ref::<io::Error>() {
            return below.kind();
        }
        cause = error.source();
    }
    io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    /// A reader that gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = buf.len().min(1);
            self.0.read(buf.get_mut(..n).unwrap_or_default())
        }
    }

    fn expand(reader: impl Read) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut text = Vec::new();
        let mut expand = Expand::new(reader);
        let error = expand.read_to_end(&mut text).err().map(|error| error.kind());
        assert_eq!(expand.read(&mut [0; 8]).ok(), Some(0), "after the end there is nothing");
        (text, error)
    }

    fn sample() -> Vec<u8> {
        (0..40_000)
            .flat_map(|n: u32| format!("line {} of the sample\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn plain_bytes_pass_through() {
        for text in [&b""[..], b"a", b"abc", b"{\"a\":1}\n{\"a\":2}", b"\x1f", b"\x28\xb5\x2f"] {
            assert_eq!(expand(text), (text.to_vec(), None));
            assert_eq!(expand(Slow(text)), (text.to_vec(), None));
        }
    }

    #[test]
    fn gzip_and_zstd_are_known_by_their_first_bytes() {
        let text = sample();
        for packed in [gzip(&text), zstd(&text)] {
            assert!(expand(&*packed) == (text.clone(), None));
            assert!(expand(Slow(&packed)) == (text.clone(), None));
        }
    }

    #[test]
    fn several_members_and_frames_are_one_text() {
        assert_eq!(expand(&*[gzip(b"one "), gzip(b""), gzip(b"two")].concat()), (b"one two".to_vec(), None));
        let skippable = b"\x5a\x2a\x4d\x18\x05\0\0\0hello".to_vec();
        let frames =
            [skippable.clone(), zstd(b"one "), skippable.clone(), zstd(b""), zstd(b"two"), skippable]
                .concat();
        assert_eq!(expand(&*frames), (b"one two".to_vec(), None));
    }

    #[test]
    fn a_truncated_stream_gives_what_it_has_and_then_says_so() {
        let text = sample();
        for packed in [gzip(&text), zstd(&text)] {
            for cut in [5, 9, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
                let (found, error) = expand(packed.get(..cut).unwrap_or_default());
                assert_eq!(error, Some(io::ErrorKind::UnexpectedEof), "cut at {cut}");
                assert!(text.starts_with(&found), "cut at {cut}");
                // The encoders write blocks; what lies before the last whole one must come out.
                assert!(
                    found.len() + (256 << 10) > text.len() * cut / packed.len(),
                    "{} bytes at {cut}",
                    found.len()
                );
            }
        }
    }

    #[test]
    fn a_damaged_stream_gives_what_comes_before_the_damage() {
        let text = sample();
        for mut packed in [gzip(&text), zstd(&text)] {
            let middle = packed.len() / 2;
            for byte in packed.iter_mut().skip(middle).take(64) {
                *byte = 0xff;
            }
            let (found, error) = expand(&*packed);
            assert!(
                matches!(error, Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)),
                "{error:?}"
            );
            let same = found.iter().zip(&text).take_while(|(a, b)| a == b).count();
            assert!(same + (256 << 10) > text.len() / 2, "{same} bytes");
        }
        let (found, error) = expand(&*[gzip(b"one"), b"and what does not belong here".to_vec()].concat());
        assert_eq!((found, error), (b"one".to_vec(), Some(io::ErrorKind::InvalidData)));
    }

    #[test]
    fn a_frame_that_asks_for_too_much_memory_is_refused() {
        // A window descriptor of 0xb8: 2^33 bytes.
        assert_eq!(
            expand(&b"\x28\xb5\x2f\xfd\x00\xb8\x01\0\0"[..]),
            (Vec::new(), Some(io::ErrorKind::InvalidData))
        );
    }

    #[test]
    fn an_error_of_the_reader_below_keeps_its_kind() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let text = sample();
        for packed in [Vec::new(), b"plain".to_vec(), gzip(&text), zstd(&text)] {
            let half = packed.get(..packed.len() / 2).unwrap_or_default();
            let mut expand = Expand::new(half.chain(Broken));
            let error = expand.read_to_end(&mut Vec::new()).err().map(|error| error.kind());
            assert_eq!(error, Some(io::ErrorKind::PermissionDenied));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            magic in prop::sample::select(vec![&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b""]),
            tail in prop::collection::vec(any::<u8>(), 0..200)
        ) {
            expand(&*[magic, &tail].concat());
        }

        #[test]
        fn no_flipped_bytes_make_it_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let text = b"drop connect drop connect pump-1 pump-2 pump-1 pump-3 and so on and so on".repeat(20);
            for mut packed in [gzip(&text), zstd(&text)] {
                for (at, byte) in &flips {
                    let at = at.index(packed.len());
                    if let Some(slot) = packed.get_mut(at) {
                        *slot = *byte;
                    }
                }
                expand(&*packed);
            }
        }
    }
}
