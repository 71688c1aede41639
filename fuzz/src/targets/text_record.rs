//! Templates of an input file and lines that may fit: what is captured stands in the line, in order.
//!
//! The first line is the head, behind `+` when records go on over lines and `-` when not; the second and the third are
//! templates of messages; an empty one is left out. The rest is the log. Captures may be called a to d, time and message.

use etiolog::input::{Format, Framer, Framing, Mapping, Paths, Row, Text};
use etiolog::yaml;

use super::framing::cut;
use super::rule_yaml::check_problems;

const NAMES: [&str; 6] = ["time", "message", "a", "b", "c", "d"];
const LIMIT: usize = 400;

/// Panics when something is captured that the line does not say, or when the cuts matter.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(4, |&byte| byte == b'\n');
    let mut line = || parts.next().unwrap_or_default();
    let [head, first, second, log] = [line(), line(), line(), line()];
    let (continued, head) = match head {
        [b'+', head @ ..] => (true, head),
        [b'-', head @ ..] => (false, head),
        _ => return,
    };
    let file =
        input([head, first, second].map(String::from_utf8_lossy).each_ref().map(|text| &**text), continued);
    let mut problems = Vec::new();
    let root = match yaml::document("i.yaml", &file) {
        Ok(document) => document.into_root(),
        Err(problems) => return check_problems(&problems, &file),
    };
    let mapping = Mapping::read(root, &["text"], &mut problems);
    if !problems.is_empty() {
        return check_problems(&problems, &file);
    }
    let format = Text::default().ready(&mapping).expect("a text input has a layout");
    let framer = Framer::new(Framing::Lines, LIMIT).with_layout(mapping.layout.as_ref());
    let whole = cut(&framer, LIMIT, [log]);
    assert_eq!(whole, cut(&framer, LIMIT, log.chunks(1)));
    let mut paths = Paths::default();
    for name in NAMES.iter().chain(&["more", "kind"]) {
        paths.intern(name);
    }
    let mut row = Row::default();
    for found in &whole {
        let Ok(record) = &found.what else { continue };
        let (mut first, mut second) = (Row::default(), Row::default());
        let decoded = format.decode(record, &paths, &mut row);
        assert_eq!(format.decode(record, &paths, &mut first), decoded, "memory of the record before");
        assert!(!continued || decoded.is_ok(), "what begins a record fits its head");
        let trimmed = record.trim_ascii_end();
        assert_eq!(format.decode(trimmed, &paths, &mut second), decoded, "blanks at the end");
        for place in 0..paths.len() {
            let cells = [row.get(place), first.get(place), second.get(place)];
            assert!(
                cells.iter().all(|cell| cell.map(|c| c.text()) == cells[0].map(|c| c.text())),
                "{cells:?}"
            );
            // Colours are left out, and bytes that are no text are repaired: then nothing is said.
            let Ok(line) = std::str::from_utf8(record) else { continue };
            if let Some(cell) = cells[0].filter(|_| place < NAMES.len() && !line.contains('\x1b')) {
                assert!(line.contains(cell.text()), "{} is not in {line:?}", cell.text());
                assert_eq!(cell.text(), cell.text().trim_ascii());
            }
        }
    }
}

/// The input file.
fn input(templates: [&str; 3], continued: bool) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let [head, lines @ ..] = templates;
    let all = templates.concat();
    let fields = NAMES.iter().filter(|name| all.contains(&format!("{{{name}")));
    let fields: Vec<String> = fields.map(|name| format!("{name}: {{from: {name}}}")).collect();
    let mut file = String::from("etiolog: 1\ninput: i\ntitle: I\nformat: text\n");
    file += "time: {from: time, format: [rfc3339, epoch-seconds, '%d/%b/%Y %T'], zone: utc}\n";
    if !head.is_empty() {
        file += &format!("head: {}\n", quoted(head));
    }
    let lines: Vec<String> = lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| format!("  - {{kind: x, template: {}}}\n", quoted(line)))
        .collect();
    if !lines.is_empty() {
        file += &format!("lines:\n{}", lines.concat());
    }
    if continued {
        file += "continued: true\n";
    }
    file += &format!("fields: {{{}}}\n", fields.join(", "));
    file
}
