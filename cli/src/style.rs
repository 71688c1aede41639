//! How results look on stdout, and how they get there.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use etiolog::output::{Page, Style, terminal};

use crate::exit::Stop;

/// The widths at which text is comfortable to read.
const WIDTHS: (usize, usize) = (40, 140);

/// The width of the terminal behind stdout, or as declared, and whether colours are welcome.
pub(crate) fn style() -> Style {
    let stdout = io::stdout();
    let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
    of(AutoStream::choice(&stdout), width)
}

/// The same of stderr.
pub(crate) fn stderr() -> Style {
    let stderr = io::stderr();
    let width = terminal_size::terminal_size_of(&stderr).map(|(width, _)| width.0);
    of(AutoStream::choice(&stderr), width)
}

fn of(choice: ColorChoice, terminal: Option<u16>) -> Style {
    let declared = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = terminal.map(usize::from).or_else(declared).unwrap_or(Style::default().width);
    Style { width: width.clamp(WIDTHS.0, WIDTHS.1), color: choice != ColorChoice::Never }
}

/// An empty page for stdout.
pub(crate) fn page() -> Page {
    let style = style();
    Page::new(style.width, style.color)
}

/// Writes a whole result.
pub(crate) fn write(result: &[u8]) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    out.write_all(result).and_then(|()| out.flush()).map_err(Stop::Output)
}

/// The words of a text that an author wrote over several lines, made safe.
pub(crate) fn prose(text: &str) -> String {
    terminal(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// `95 %`, with as many digits as rules are written with.
pub(crate) fn percent(p: f64) -> String {
    let digits = format!("{:.2}", p * 100.0);
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_keep_what_the_author_wrote() {
        let table = [
            (0.95, "95 %"),
            (0.999, "99.9 %"),
            (0.3, "30 %"),
            (0.1, "10 %"),
            (0.002, "0.2 %"),
            (0.0005, "0.05 %"),
        ];
        for (p, text) in table {
            assert_eq!(percent(p), text);
        }
    }

    #[test]
    fn prose_is_one_line_that_no_terminal_obeys() {
        assert_eq!(prose("Call\n  the \u{1b}[31moperator\n"), "Call the \\x1b[31moperator");
    }
}
