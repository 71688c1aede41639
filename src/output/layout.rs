//! Lines with a label on the left and wrapped words on the right.
//!
//! ```text
//!  critical The mains of a line failed (97 %)
//!      seen Many pumps stop at once: 118 pumps,
//!           412 events
//! ```

use crate::model::Severity;
use crate::output::escape::{char_columns, columns};

/// The columns of the right-aligned label.
const LABEL: usize = 9;

/// The least width; what is narrower is treated as this.
pub(super) const NARROWEST: usize = 40;

/// A space at which a line is not broken. Safe text never holds it.
const TIE: char = '\u{1}';

/// How words look when colour is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As the terminal shows text.
    Plain,
    /// What the eye should find first.
    Bold,
    /// What the eye may pass over.
    Dim,
    /// The colour of a severity.
    Of(Severity),
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Of(Severity::Critical) => "\x1b[1;31m",
            Self::Of(Severity::Error) => "\x1b[31m",
            Self::Of(Severity::Warning) => "\x1b[33m",
            Self::Of(Severity::Info) => "\x1b[36m",
            Self::Of(Severity::Benign) => "\x1b[32m",
        }
    }
}

const RESET: &str = "\x1b[0m";

/// The same text, kept on one line when it fits on one.
pub fn tied(text: &str) -> String {
    text.replace(' ', TIE.encode_utf8(&mut [0; 4]))
}

/// A text being laid out in a given width. What it is given must be safe text, see
/// [`terminal`](crate::output::terminal).
#[derive(Debug)]
pub struct Page {
    text: String,
    width: usize,
    color: bool,
    column: usize,
    paint: Paint,
}

impl Page {
    /// An empty page of so many columns.
    pub fn new(width: usize, color: bool) -> Self {
        Self { text: String::new(), width: width.max(NARROWEST), color, column: 0, paint: Paint::Plain }
    }

    /// What was laid out.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An empty line, unless nothing stands above it.
    pub fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// One label and what belongs to it, wrapped beside the label.
    pub fn item(&mut self, label: (Paint, &str), pieces: &[(Paint, &str)]) {
        let pad = LABEL.saturating_sub(columns(label.1));
        if !label.1.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', pad));
            self.column = pad;
            self.word(label.0, label.1);
        }
        self.wrap(LABEL + 1, pieces);
    }

    /// Wrapped words that begin at the left margin.
    pub fn line(&mut self, pieces: &[(Paint, &str)]) {
        self.wrap(0, pieces);
    }

    /// Wrapped words behind a mark such as `  - `, and below themselves rather than below the mark.
    pub fn hanging(&mut self, mark: &str, pieces: &[(Paint, &str)]) {
        self.text.push_str(mark);
        self.column = columns(mark);
        self.wrap(self.column.min(self.width / 2), pieces);
    }

    /// A line as it stands, however wide it is.
    pub fn verbatim(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn wrap(&mut self, indent: usize, pieces: &[(Paint, &str)]) {
        for (paint, piece) in pieces {
            for word in piece.split(' ').filter(|word| !word.is_empty()) {
                self.place(indent, *paint, word);
            }
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        self.paint(Paint::Plain);
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.column = 0;
    }

    fn place(&mut self, indent: usize, paint: Paint, word: &str) {
        let size = columns(word);
        if self.column > indent && self.column + 1 + size > self.width {
            self.end_line();
        }
        let gap = if self.column > indent { 1 } else { indent.saturating_sub(self.column) };
        if gap > 0 {
            // The space between two words belongs to neither.
            if paint != self.paint {
                self.paint(Paint::Plain);
            }
            self.text.extend(std::iter::repeat_n(' ', gap));
            self.column += gap;
        }
        if size <= self.width - indent {
            self.word(paint, word);
            return;
        }
        self.broken(indent, paint, word);
    }

    /// A word that is wider than the page: cut where the page ends.
    fn broken(&mut self, indent: usize, paint: Paint, word: &str) {
        for c in word.chars() {
            if self.column + char_columns(c) > self.width {
                self.end_line();
                self.text.extend(std::iter::repeat_n(' ', indent));
                self.column = indent;
            }
            if c != TIE || self.column > indent {
                self.word(paint, c.encode_utf8(&mut [0; 4]));
            }
        }
    }

    fn word(&mut self, paint: Paint, word: &str) {
        self.paint(paint);
        self.text.extend(word.chars().map(|c| if c == TIE { ' ' } else { c }));
        self.column += columns(word);
    }

    fn paint(&mut self, paint: Paint) {
        if !self.color || paint == self.paint {
            return;
        }
        if self.paint != Paint::Plain {
            self.text.push_str(RESET);
        }
        self.text.push_str(paint.code());
        self.paint = paint;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        let mut page = Page::new(40, false);
        page.item((Paint::Bold, "seen"), &[(Paint::Plain, text)]);
        page.into_text()
    }

    #[test]
    fn words_hang_beside_their_label() {
        insta::assert_snapshot!(page("Many pumps stop at once, and nobody knows why they do"), @"
        seen Many pumps stop at once, and
             nobody knows why they do
        ");
    }

    #[test]
    fn a_word_wider_than_the_page_is_cut() {
        insta::assert_snapshot!(page(&format!("in {}", "0123456789".repeat(7))), @"
        seen in
             012345678901234567890123456789
             012345678901234567890123456789
             0123456789
        ");
    }

    #[test]
    fn tied_words_stay_together() {
        insta::assert_snapshot!(page(&format!("0123456789 0123456789 01 {}", tied("97 % x"))), @"
        seen 0123456789 0123456789 01
             97 % x
        ");
    }

    #[test]
    fn words_hang_behind_their_mark() {
        let mut page = Page::new(40, false);
        page.hanging("  1. ", &[(Paint::Plain, "Many pumps stop at once, and nobody knows why")]);
        page.hanging("  - ", &[]);
        page.verbatim("| as | it | stands, and much wider than the page is | ");
        // A mark wider than the page leaves half of the page to the words.
        page.hanging(&"> ".repeat(30), &[(Paint::Plain, "deep down there are words enough to wrap")]);
        insta::assert_snapshot!(page.into_text(), @"
          1. Many pumps stop at once, and nobody
             knows why
          -
        | as | it | stands, and much wider than the page is |
        > > > > > > > > > > > > > > > > > > > > > > > > > > > > > >
                            deep down there are
                            words enough to wrap
        ");
    }

    #[test]
    fn colour_is_reset_at_the_end_of_every_line() {
        let mut page = Page::new(40, true);
        page.item(
            (Paint::Of(Severity::Critical), "critical"),
            &[(Paint::Bold, &"word ".repeat(12)), (Paint::Dim, "id")],
        );
        for line in page.into_text().lines() {
            assert!(line.ends_with(RESET), "{line:?}");
        }
    }
}
