//! A stream of any bytes, cut in any way: the same records and rejects, each byte accounted for.
//!
//! `l`, `j`, `o`, `e`, `c` or `t` (lines, joined lines, objects, objects in envelopes, CSV, tables), a byte for the limit, a byte for the cuts,
//! and the stream.

use std::sync::{Arc, LazyLock};

use etiolog::input::{Framed, Framer, Framing, Layout, Mapping};
use etiolog::model::Reject;
use etiolog::yaml;

/// One record or reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) what: Result<Vec<u8>, Reject>,
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// Lines that begin with a number begin a record.
static LAYOUT: LazyLock<Arc<Layout>> = LazyLock::new(|| {
    let text = "etiolog: 1\ninput: i\ntitle: I\nformat: text\ntime: {from: time, format: epoch-seconds}\n\
                head: '{time:integer} {message}'\ncontinued: true\nfields: {m: {from: message}}\n";
    let mut problems = Vec::new();
    let root = yaml::document("i.yaml", text).map(yaml::Document::into_root);
    let mapping = root.map(|root| Mapping::read(root, &["json", "text"], &mut problems));
    mapping.ok().and_then(|mapping| mapping.layout).unwrap_or_else(|| panic!("{problems:?}"))
});

/// Panics when the cuts matter, or when a byte is in no record, no reject and is no separator.
pub fn run(data: &[u8]) {
    let [kind, limit, cuts, text @ ..] = data else { return };
    let limit = [8, 20, 64, 300, 5_000, 1 << 20][usize::from(limit % 6)];
    let framer = match kind {
        b'l' => Framer::new(Framing::Lines, limit),
        b'j' => Framer::new(Framing::Lines, limit).with_layout(Some(&*LAYOUT)),
        b'e' => Framer::new(Framing::JsonObjects, limit).with_envelope(["records", "r"]),
        b'c' => Framer::new(Framing::Csv, limit),
        b't' => Framer::new(Framing::Table, limit),
        _ => Framer::new(Framing::JsonObjects, limit),
    };
    let whole = cut(&framer, limit, [text]);
    assert_eq!(whole, cut(&framer, limit, text.chunks(1)), "byte by byte");
    assert_eq!(whole, cut(&framer, limit, Pieces { rest: text, dice: u32::from(*cuts) }), "by {cuts}");

    check_places(text, &whole);
    match kind {
        b'l' => assert_eq!(whole, lines(text, limit)),
        b'j' => check_joined(text, limit, &whole),
        b'e' => check_as_they_stand(text, limit, &whole),
        // Rows are handed on as objects, which are longer than they stand.
        b'c' | b't' => {}
        _ => {
            check_as_they_stand(text, limit, &whole);
            check_separators(text, &whole);
            check_good_lines(text, limit, &whole);
        }
    }
}

/// Pieces of changing length.
struct Pieces<'t> {
    rest: &'t [u8],
    dice: u32,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = usize::try_from(self.dice >> 28).unwrap_or_default().min(self.rest.len());
        let (piece, rest) = self.rest.split_at(len);
        let done = self.rest.is_empty();
        self.rest = rest;
        (!done).then_some(piece)
    }
}

/// Records and rejects of a stream that comes in these pieces.
pub(super) fn cut<'t>(
    framer: &Framer,
    limit: usize,
    pieces: impl IntoIterator<Item = &'t [u8]>,
) -> Vec<Found> {
    let mut framer = framer.clone();
    let mut found = Vec::new();
    let mut out = |framed: Framed<'_>| {
        found.push(match framed {
            Framed::Record { bytes, line, offset } => Found { what: Ok(bytes.to_vec()), line, offset },
            Framed::Reject { reason, line, offset } => Found { what: Err(reason), line, offset },
        });
    };
    for piece in pieces {
        framer.push(piece, &mut out);
        // A line and a record, each in memory that doubles, and the head that tells an envelope.
        // A row and the names of columns as JSON: at worst six bytes for one, in memory that doubles.
        assert!(framer.held() <= 32 * (limit + piece.len()) + 4_096, "{} bytes held", framer.held());
    }
    framer.finish(&mut out);
    found
}

/// Everything stands behind what came before it, and its line is the line of its offset.
fn check_places(text: &[u8], found: &[Found]) {
    let mut last = None;
    for Found { line, offset, .. } in found {
        assert!(last.is_none_or(|last| last < *offset), "{found:?}");
        let before =
            usize::try_from(*offset).ok().and_then(|offset| text.get(..offset)).expect("in the text");
        let ends = before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        assert_eq!(*line, ends + 1, "line of {offset}");
        last = Some(*offset);
    }
}

/// Records are within the limit, stand in the text as they are, and do not overlap.
fn check_as_they_stand(text: &[u8], limit: usize, found: &[Found]) {
    let mut end = 0;
    for Found { what, offset, .. } in found {
        let start = usize::try_from(*offset).expect("in the text");
        assert!(start >= end, "{offset} is inside the record before");
        if let Ok(bytes) = what {
            assert!(bytes.len() <= limit && text[start..].starts_with(bytes), "at {offset}");
            end = start + bytes.len();
        }
    }
}

/// What follows a record up to the next record or reject is blanks, commas and brackets.
fn check_separators(text: &[u8], found: &[Found]) {
    let mut rest = text;
    let mut before = 0;
    // How far a reject reaches is not told, so nothing is said of what follows one.
    let mut known = !is_wide(text);
    rest = rest.strip_prefix(MARK).inspect(|_| before = MARK.len()).unwrap_or(rest);
    for Found { what, offset, .. } in found {
        let start = usize::try_from(*offset).expect("in the text") - before;
        if known {
            check_gap(&rest[..start]);
        }
        let len = what.as_ref().map_or(0, Vec::len);
        (rest, before, known) = (&rest[start + len..], before + start + len, what.is_ok());
    }
    if known {
        check_gap(rest);
    }
}

fn check_gap(gap: &[u8]) {
    let strange = gap.iter().find(|byte| !b" \t\r\n,[]".contains(byte));
    assert!(strange.is_none(), "lost: {:?}", String::from_utf8_lossy(gap));
}

/// Where every line is an object by itself, these are the records.
fn check_good_lines(text: &[u8], limit: usize, found: &[Found]) {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let good = |line: &&[u8]| {
        line.len() <= limit
            && !is_binary(line)
            && serde_json::from_slice::<serde_json::Value>(line)
                .is_ok_and(|value| value.is_object() && super::json_record::depth(&value) <= 64)
    };
    let lines: Vec<&[u8]> = lines.collect();
    if lines.iter().all(good) {
        let records: Vec<&[u8]> = found.iter().filter_map(|found| found.what.as_deref().ok()).collect();
        assert_eq!(records, lines);
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

fn is_wide(text: &[u8]) -> bool {
    [&b"\xff\xfe"[..], b"\xfe\xff", b"\0\0\xfe\xff"].iter().any(|mark| text.starts_with(mark))
}

/// A NUL, or more than three in ten control bytes.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let control = |&&byte: &&u8| byte == 0x7f || byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(&byte);
    bytes.contains(&0) || bytes.iter().filter(control).count() * 10 > bytes.len() * 3
}

/// The lines of a text, as plainly as it can be said.
fn lines(text: &[u8], limit: usize) -> Vec<Found> {
    if is_wide(text) {
        return vec![Found { what: Err(Reject::Utf16), line: 1, offset: 0 }];
    }
    let mut offset = if text.starts_with(MARK) { MARK.len() } else { 0 };
    let mut found = Vec::new();
    for (line, bytes) in (1..).zip(text[offset..].split(|&byte| byte == b'\n')) {
        let shown = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let what = if bytes.len() > limit {
            Some(Err(Reject::Oversize))
        } else if shown.trim_ascii().is_empty() {
            None
        } else if is_binary(shown) {
            Some(Err(Reject::Binary))
        } else {
            Some(Ok(shown.to_vec()))
        };
        found.extend(what.map(|what| Found { what, line, offset: offset as u64 }));
        offset += bytes.len() + 1;
    }
    found
}

/// Every line is told once: as the first of a record, in one, or in a reject.
fn check_joined(text: &[u8], limit: usize, found: &[Found]) {
    let mut plain = lines(text, limit).into_iter().peekable();
    for (at, Found { what, line, offset }) in found.iter().enumerate() {
        let until = found.get(at + 1).map_or(u64::MAX, |next| next.offset);
        let mut own = Vec::new();
        while let Some(next) = plain.next_if(|next| next.offset < until) {
            own.push(next);
        }
        let first = own.first().expect("a line");
        assert_eq!((first.line, first.offset), (*line, *offset));
        match what {
            Ok(bytes) => {
                assert!(bytes.len() <= limit);
                let lines: Vec<&[u8]> = own.iter().filter_map(|own| own.what.as_deref().ok()).collect();
                assert_eq!(*bytes, lines.join(&b'\n'));
            }
            // What goes on with something rejected is rejected with it.
            Err(Reject::Oversize | Reject::Malformed) => {}
            Err(reason) => assert_eq!(first.what, Err(*reason)),
        }
    }
    assert_eq!(plain.next(), None, "a line before the first record is lost");
}
