//! Results of cases as JUnit XML, which build servers read. It holds no times: the same cases give the same bytes.

use std::fmt::Write;

use etiolog::check::{CaseResult, Report};
use etiolog::output::terminal;

use crate::test::unseen;

/// A suite for each article, and one for the coverage when it is too small.
pub(crate) fn suites(report: &Report, below: Option<u64>) -> String {
    let failed = report.failed().count() + usize::from(below.is_some());
    let all = report.cases.len() + usize::from(below.is_some());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    line(&mut xml, format_args!("<testsuites name=\"etiolog\" tests=\"{all}\" failures=\"{failed}\">"));
    for cases in report.cases.chunk_by(|a, b| a.article == b.article) {
        let failed = cases.iter().filter(|case| !case.passed()).count();
        let name = cases.first().map(|case| attribute(&case.article)).unwrap_or_default();
        open(&mut xml, &name, cases.len(), failed);
        cases.iter().for_each(|case| one(&mut xml, case));
        line(&mut xml, format_args!("  </testsuite>"));
    }
    if let Some(least) = below {
        open(&mut xml, "coverage", 1, 1);
        line(
            &mut xml,
            format_args!(
                "    <testcase classname=\"coverage\" name=\"each condition holds and does not hold\">"
            ),
        );
        let message = format!("{} % were seen, and {least} % are asked for", report.coverage.percent());
        let missing = report.coverage.missing();
        let missing = missing.map(|c| format!("{}: {} ({}:{})", c.id, unseen(c), c.file, c.line));
        failure(&mut xml, &message, missing);
        line(&mut xml, format_args!("    </testcase>"));
        line(&mut xml, format_args!("  </testsuite>"));
    }
    line(&mut xml, format_args!("</testsuites>"));
    xml
}

fn open(xml: &mut String, name: &str, tests: usize, failures: usize) {
    line(
        xml,
        format_args!(
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
        ),
    );
}

fn one(xml: &mut String, case: &CaseResult) {
    let (class, name, file) = (attribute(&case.article), attribute(&case.name), attribute(&case.file));
    let head =
        format!("    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\" line=\"{}\"", case.line);
    if case.passed() {
        return line(xml, format_args!("{head}/>"));
    }
    line(xml, format_args!("{head}>"));
    let mut expected = Vec::new();
    let mut lines = Vec::new();
    for missed in &case.failures {
        let whom = missed.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
        let head = format!("{whom}expected {}", missed.expected);
        lines.push(head.clone());
        lines.extend(missed.instead.iter().map(|line| format!("  {line}")));
        expected.push(head);
    }
    // One for each case: many servers read only the first.
    failure(xml, &expected.join("; "), lines.into_iter());
    line(xml, format_args!("    </testcase>"));
}

fn failure(xml: &mut String, message: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| attribute(&line)).collect();
    let message = attribute(message);
    line(
        xml,
        format_args!(
            "      <failure message=\"{message}\" type=\"expectation\">{}</failure>",
            lines.join("\n")
        ),
    );
}

fn line(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into text cannot fail.
    _ = writeln!(xml, "{text}");
}

/// Text for an attribute in quotes or between tags. What XML 1.0 cannot hold is spelled out as on a terminal.
fn attribute(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_end_it() {
        assert_eq!(attribute("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;");
        assert_eq!(attribute("\u{1b}[31m\u{0}\u{fffe}\u{ffff}"), "\\x1b[31m\\x00\\u{fffe}\\u{ffff}");
    }
}
