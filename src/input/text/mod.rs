//! Text logs, a line for each record (or more), taken apart by the templates of an input file.
//!
//! ```text
//! line ──head──▶ {time} {message} ──first of lines that fits──▶ captures and words ──▶ Row
//! ```
//!
//! `template.rs` lays a template on a line, `spell.rs` reads how templates are spelt, `layout.rs` reads the part of an
//! input file that is made of them. Bytes that are not UTF-8 become U+FFFD in what is captured, as in JSON.

mod colour;
mod layout;
mod spell;
mod template;

use std::sync::Arc;

use crate::input::escape::push_text;
use crate::input::{CellKind, Format, Framing, Mapping, Paths, Row};
use crate::model::Reject;

pub use layout::Layout;

/// The word after `format:`.
const NAME: &str = "text";

/// Records that are lines of text.
#[derive(Clone, Debug, Default)]
pub struct Text {
    layout: Arc<Layout>,
}

impl Format for Text {
    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn ready(&self, mapping: &Mapping) -> Option<Arc<dyn Format>> {
        let layout = mapping.layout.as_ref()?;
        Some(Arc::new(Self { layout: Arc::clone(layout) }))
    }

    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
        row.reset(wanted.len());
        let Layout { head, lines, continued } = &*self.layout;
        let (first, more) = match memchr::memchr(b'\n', record).filter(|_| *continued) {
            Some(at) => record.split_at_checked(at).unwrap_or((record, &[])),
            None => (record, &[][..]),
        };
        let mut found = Found { wanted, row };
        if !more.is_empty() {
            found.put(layout::MORE, &layout::plain(more.trim_ascii_start()));
        }
        let line = layout::plain(first);
        let mut message = &*line;
        if let Some(head) = head {
            // A stamp that cannot be read is told as such, by whoever reads the time.
            let captured =
                head.fit(&line, false).or_else(|| head.fit(&line, true)).ok_or(Reject::Malformed)?;
            for (name, text) in head.named(&captured) {
                if name == layout::MESSAGE {
                    message = text;
                }
                found.put(name, text);
            }
        } else {
            found.put(layout::MESSAGE, message);
        }
        let fitting = lines.iter().find_map(|line| Some((line, line.template.fit(message, false)?)));
        if let Some((line, captured)) = fitting {
            for (name, text) in line.template.named(&captured) {
                found.put(name, text);
            }
            for (name, text) in &line.says {
                found.put(name, text.as_bytes());
            }
        }
        Ok(())
    }
}

/// Where captured text goes.
struct Found<'a> {
    wanted: &'a Paths,
    row: &'a mut Row,
}

impl Found<'_> {
    fn put(&mut self, name: &str, text: &[u8]) {
        let node = self.wanted.child(Paths::ROOT, name.as_bytes());
        let place = node.and_then(|node| self.wanted.place(node));
        if let Some(buffer) = place.and_then(|place| self.row.buffer(place, CellKind::Text)) {
            push_text(text, buffer);
        }
    }
}

#[cfg(test)]
mod tests;
