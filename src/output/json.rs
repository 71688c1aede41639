//! JSON Lines: one object a line, for programs.
//!
//! Each object starts with `type` (`begin`, `diagnosis`, `group`, `summary`) and `schema`; the rest is the model as it
//! serialises itself. A diagnosis that no other explains names its `group`; behind all diagnoses comes a line for each group
//! of several. The same run gives the same bytes.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::model::{Begin, Diagnosis, Summary};
use crate::output::folded::GroupLine;
use crate::output::group::{Groups, name_of};
use crate::output::{Report, ReportKind, Style};

/// The version of the lines; additions keep it, changes raise it.
pub(super) const SCHEMA: &str = "etiolog/1";

/// One JSON object a line, written as soon as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

impl ReportKind for JsonLines {
    fn name(&self) -> &'static str {
        "json"
    }

    fn open(&self, _style: Style) -> Box<dyn Report> {
        Box::new(Lines { groups: Groups::new() })
    }
}

#[derive(Debug)]
struct Lines {
    groups: Groups,
}

/// A diagnosis, and what it is told together with.
#[derive(Serialize)]
struct Grouped<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

impl Report for Lines {
    fn begin(&mut self, begin: &Begin, out: &mut dyn io::Write) -> io::Result<()> {
        write_line("begin", begin, out)
    }

    fn diagnosis(&mut self, diagnosis: &Diagnosis, out: &mut dyn io::Write) -> io::Result<()> {
        // What a live stream says as it happens is told by itself.
        if diagnosis.change.is_none() {
            self.groups.add(diagnosis);
        }
        let group = diagnosis.explained_by.is_none().then(|| name_of(diagnosis));
        write_line("diagnosis", &Grouped { group, diagnosis }, out)
    }

    fn summary(&mut self, summary: &Summary, out: &mut dyn io::Write) -> io::Result<()> {
        let (entries, _) = std::mem::replace(&mut self.groups, Groups::new()).finish();
        for line in entries.iter().filter_map(|(group, explained)| GroupLine::of(group, explained)) {
            write_line("group", &line, out)?;
        }
        write_line("summary", summary, out)
    }
}

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'static str,
    schema: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

/// Writes one object: `type` and `schema`, then what the body serialises itself to, which must be a map.
///
/// The whole line is written at once, so that a full disk does not leave half a line behind a whole one.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn write_line<T: Serialize>(kind: &'static str, body: &T, out: &mut dyn io::Write) -> io::Result<()> {
    let mut line = Vec::with_capacity(1024);
    Line { r#type: kind, schema: SCHEMA, body }
        .serialize(&mut serde_json::Serializer::with_formatter(&mut line, Visible))?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Compact, and escaping more than JSON asks for: what ends a line or changes its direction somewhere else.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        // No risky character has a byte of plain ASCII in it but DEL: most text needs no look at its characters. Without a
        // way out, sixteen bytes are looked at at once.
        if !fragment.bytes().fold(false, |risky, byte| risky | (byte >= 0x7f)) {
            return writer.write_all(fragment.as_bytes());
        }
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_risky(c)) {
            writer.write_all(rest.get(..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = rest.get(at + c.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// DEL, C1 controls, zero width, line separators, direction.
fn is_risky(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    fn lines(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut report = JsonLines.open(Style::default());
        let written = report
            .begin(&sample::begin(), &mut out)
            .and_then(|()| report.diagnosis(&sample::about(text), &mut out))
            .and_then(|()| report.summary(&sample::summary(), &mut out));
        assert!(written.is_ok());
        out
    }

    #[test]
    fn each_line_is_an_object_that_says_what_it_is() {
        let out = String::from_utf8(lines("pump-1")).unwrap_or_default();
        let heads: Vec<&str> = out.lines().filter_map(|line| line.get(..40)).collect();
        insta::assert_snapshot!(heads.join("\n"), @r#"
        {"type":"begin","schema":"etiolog/1","en
        {"type":"diagnosis","schema":"etiolog/1"
        {"type":"summary","schema":"etiolog/1","
        "#);
        assert!(out.ends_with("}\n"));
        assert_eq!(lines("pump-1"), out.as_bytes());
    }

    #[test]
    fn many_with_one_cause_are_opened_by_the_line_of_their_group() {
        let mut out = Vec::new();
        let mut report = JsonLines.open(Style::default());
        let mut all = vec![sample::mains(), sample::undecided()];
        all.extend((0..3).map(sample::renewal));
        all.extend((0..2).map(|n| sample::explained(n, "mains-1")));
        assert!(all.iter().all(|diagnosis| report.diagnosis(diagnosis, &mut out).is_ok()));
        assert!(report.summary(&sample::summary(), &mut out).is_ok());
        let out = String::from_utf8(out).unwrap_or_default();
        let lines: Vec<serde_json::Value> =
            out.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        let groups: Vec<_> = lines.iter().filter(|line| line["type"] == "group").collect();
        let told = |group: &serde_json::Value| {
            let of =
                |line: &&serde_json::Value| line["type"] == "diagnosis" && line["group"] == group["group"];
            let opens = lines.iter().filter(of).count();
            let explains = group["explains"].as_array().map_or(0, Vec::len);
            format!("{} on {}, opens {opens}, explains {explains}", group["verdict"], group["on"])
        };
        let told: Vec<String> = groups.into_iter().map(told).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        "power#mains-cut" on {"episodes":1,"examples":["north"],"level":"line","subjects":1}, opens 1, explains 1
        "cert#renewal" on {"episodes":3,"examples":["pump-0","pump-1","pump-2"],"level":"pump","subjects":3}, opens 3, explains 0
        "#);
        // What is explained has a parent and no group of its own.
        assert_eq!(lines.iter().filter(|line| line.get("explained_by").is_some()).count(), 2);
        assert!(lines.iter().all(|line| line.get("explained_by").is_none() || line.get("group").is_none()));
    }

    #[test]
    fn a_diagnosis_is_one_line_that_holds_everything() {
        let out = String::from_utf8(lines("pump-1")).unwrap_or_default();
        insta::assert_snapshot!(out.lines().nth(1).unwrap_or_default(), @r#"{"type":"diagnosis","schema":"etiolog/1","group":"693322bf32bb1842","id":"pump-1","state":"open","severity":"critical","subject":{"pump":"pump-1"},"first_seen":"2026-03-04T08:00:05Z","last_seen":"2026-03-04T08:37:05Z","verdict":"power#mains-cut","causes":[{"id":"power#mains-cut","title":"pump-1","probability":0.9994,"prior":0.1,"severity":"critical","points":[{"symptom":"pump-1","decibans":3.0,"strength":0.9}],"solutions":[{"id":"power#call","kind":"do","text":"pump-1","link":"pump-1"},{"id":"power#ups","kind":"do","text":"pump-1","link":"pump-1"},{"id":"power#reset","kind":"avoid","text":"pump-1","link":"pump-1"}]},{"id":"net#switch","title":"pump-1","probability":0.021,"prior":0.1,"severity":"error","points":[{"symptom":"pump-1","decibans":3.0,"strength":0.9}],"solutions":[]}],"none_of_these":0.004,"symptoms":[{"id":"pump-1","title":"pump-1","status":"present","confidence":0.98,"background":0.0,"measures":{"pump-1":"pump-1"},"events":9,"evidence":[{"source":"pump-1","line":182,"offset":91000,"time":"2026-03-04T11:02:05Z"},{"source":"pump-1","line":190,"offset":95000,"time":"2026-03-04T11:10:05Z"},{"source":"pump-1","line":191,"offset":95500,"time":"2026-03-04T11:11:05Z"}]},{"id":"pump-1","title":"pump-1","status":"present","confidence":0.98,"background":0.0,"measures":{"pump-1":"pump-1"},"events":6,"evidence":[{"source":"pump-1","line":7,"offset":3500,"time":"2026-03-04T08:07:05Z"},{"source":"pump-1","line":9,"offset":4500,"time":"2026-03-04T08:09:05Z"}]},{"id":"pump-1","title":"pump-1","status":"absent","background":0.0,"measures":{"pump-1":"pump-1"},"events":0,"evidence":[]}],"next":{"symptom":"pump-1","title":"pump-1","why":"pump-1"},"problem_events":9,"explained_events":9}"#);
    }

    #[test]
    fn any_text_gives_three_lines_of_plain_json_that_mean_the_same() {
        for text in sample::hostile() {
            let out = String::from_utf8(lines(&text)).unwrap_or_default();
            assert!(out.chars().all(|c| c == '\n' || !(c.is_control() || is_risky(c))), "{text:?}");
            let parsed: Vec<serde_json::Value> =
                out.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
            assert_eq!(parsed.len(), 3, "{text:?}");
            let subject = parsed.get(1).and_then(|line| line.pointer("/subject/pump"));
            assert_eq!(subject.and_then(serde_json::Value::as_str), Some(text.as_str()));
        }
    }
}
