//! Predicates inside rule files: what is known about the names they read, and their faults at their place in the file.

use std::sync::Arc;

use crate::detector::DetectorKind;
use crate::error::Problem;
use crate::input::{As, Mapping, ReadFrom};
use crate::predicate::{Fault, Kind};
use crate::yaml::Node;

/// The fields of events with their kinds: what all inputs that have a field agree on.
pub(super) fn fields<'a>(mappings: &[Arc<Mapping>], known: &'a [String]) -> Vec<(&'a str, Kind)> {
    let kind = |name: &str| {
        let fields = mappings.iter().filter_map(|mapping| mapping.field(name));
        let kinds = fields.map(|field| match (&field.from, &field.kind) {
            (ReadFrom::Constant(_), _) | (_, As::Text) => Kind::Text,
            (_, As::Integer) => Kind::Integer,
            (_, As::Number) => Kind::Number,
            (_, As::Boolean | As::Among(_)) => Kind::Flag,
            (_, As::Code) => Kind::Code,
        });
        kinds.reduce(Kind::or).unwrap_or_default()
    };
    known.iter().map(|name| (name.as_str(), kind(name))).collect()
}

/// The measures of a detector with their kinds.
pub(super) fn measures(kind: &dyn DetectorKind) -> Vec<(&'static str, Kind)> {
    kind.measures().iter().map(|measure| (*measure, kind.measure_kind(measure))).collect()
}

/// A fault of the predicate that this node holds, where it stands in the file.
pub(super) fn problem(node: &Node, fault: Fault) -> Problem {
    let mut problem = node.problem_within(fault.span, fault.code, fault.message);
    if let Some((span, label)) = fault.also {
        problem = problem.with_also(node.span_in_file(span), label);
    }
    if let Some(help) = fault.help {
        problem = problem.with_help(help);
    }
    if let Some((span, text)) = fault.edit.and_then(|(span, text)| node.edit_in_file(span, &text)) {
        problem = problem.with_edit(span, text);
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Registry;
    use crate::predicate::{Compiler, Root};
    use crate::yaml::document;

    /// The problems of a predicate under `a`, each as the bytes it stands at and its message.
    fn problems(file: &str) -> Vec<Problem> {
        let read = document("f.yaml", file).unwrap_or_else(|problems| panic!("{file:?}: {problems:?}"));
        let node = read.root().get("a").unwrap_or_else(|| panic!("{file:?}"));
        let fields = [("code", Kind::Code), ("word", Kind::Text), ("ok", Kind::Flag)];
        let root = Root { name: "event", fields: Some(&fields) };
        let faults = Compiler::new(&[]).compile(node.scalar().unwrap_or_default(), &[root]);
        faults.err().unwrap_or_default().into_iter().map(|fault| problem(node, fault)).collect()
    }

    #[test]
    fn all_faults_of_an_expression_stand_at_their_words_in_every_style() {
        let plain = "event.cod == 7 && \"größe\" in cuont(event.word) && event.code == \"7\" and gros.x";
        let files = [
            format!("é: ü\na: {plain}\n"),
            format!("\u{feff}é: ü\r\na: |\r\n  {}\r\n", plain.replace(" && ", "\r\n  && ")),
            format!("a: >-\n   {}\n", plain.replace(" && ", "\n   && ")),
            format!("a: >\n   {}\n", plain.replace(" && ", "\n\n     && ")),
            format!("a: |2\n    {}\n", plain.replace(" && ", "\n\t  && ").replace("\n\t", "\n  \t")),
            format!("a: {}\n", plain.replace(" && ", "\n   && ")),
            format!("a: '{}'\n", plain.replace(" && ", "\n   && ")),
            format!(
                "a: \"{}\"\n",
                plain.replace('"', "\\\"").replace(" && ", "\\n&& \\\n   ").replace('ö', "\\xf6")
            ),
        ];
        for file in files {
            let found = problems(&file);
            let words: Vec<&str> =
                found.iter().map(|problem| file.get(problem.span.clone()).unwrap_or("(outside)")).collect();
            let quoted = if file.contains('\\') { "\\\"7\\\"" } else { "\"7\"" };
            assert_eq!(words, ["cod", "cuont", quoted, "and", "gros"], "{file:?}: {found:#?}");
        }
    }

    #[test]
    fn an_edit_mends_the_file_in_its_own_quotes() {
        let cases = [
            ("a: event.ok and event.code == 7", "a: event.ok && event.code == 7"),
            ("a: event.word == 'x'", "a: event.word == \"x\""),
            ("a: 'event.word == ''x'''", "a: 'event.word == \"x\"'"),
            ("a: \"event.word == 'x'\"", "a: \"event.word == \\\"x\\\"\""),
            ("a: \"event.code == \\\"7\\\"\"", "a: \"event.code == 7\""),
            ("a: |\n  event.ok and\n  event.code = 7\n", "a: |\n  event.ok && \n  event.code == 7\n"),
            ("a: >-\n  event.ok;\n", "a: >-\n  event.ok\n"),
        ];
        for (file, expected) in cases {
            let mut text = file.to_owned();
            for problem in problems(file).into_iter().rev() {
                let edit =
                    problem.edit.unwrap_or_else(|| panic!("{file:?}: no edit for {}", problem.message));
                text.replace_range(edit.span, &edit.text);
            }
            assert_eq!(text.replace("&& \n", "&&\n"), expected.replace("&& \n", "&&\n"), "{file:?}");
            assert!(problems(&text).is_empty(), "{text:?}: {:?}", problems(&text));
        }
    }

    #[test]
    fn an_edit_that_would_break_the_quotes_is_only_advice() {
        for (file, code) in
            [("a: not event.ok", "predicate-syntax"), ("a: event.word == 'x:y'", "predicate-syntax")]
        {
            let found = problems(file);
            let first = found.first().unwrap_or_else(|| panic!("{file:?}"));
            assert_eq!((first.code, first.edit.as_ref()), (code, None), "{file:?}");
            assert!(first.help.is_some(), "{file:?}");
        }
    }

    #[test]
    fn the_kind_of_every_measure_is_known() {
        let registry = Registry::default();
        // A gauge may be of any unit and below 0: the measures of `dip` say nothing beforehand.
        for name in registry.detectors().filter(|name| *name != "dip") {
            let Some(kind) = registry.find_detector(name) else { panic!("{name}") };
            for (measure, kind) in measures(kind.as_ref()) {
                assert_ne!(kind, Kind::Any, "{name}.{measure}");
            }
        }
    }

    #[test]
    fn fields_have_the_kind_that_all_inputs_agree_on() {
        let input = |fields: &str| {
            let text = format!(
                "etiolog: 1\ninput: x\ntitle: x\nformat: json\ntime: {{from: at}}\nfields:\n{fields}"
            );
            let document = document("f.yaml", &text).unwrap_or_else(|problems| panic!("{problems:?}"));
            let mut problems = Vec::new();
            let mapping = Mapping::read(document.into_root(), &["json", "text"], &mut problems);
            assert!(problems.is_empty(), "{problems:?}");
            Arc::new(mapping)
        };
        let inputs = [
            input("  a: {from: a, as: integer}\n  b: {from: b, as: code}\n  c: {from: c, among: [x]}\n"),
            input("  a: {from: a, as: number}\n  b: {from: b}\n  d: {constant: x}\n"),
        ];
        let known = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let kinds: Vec<Kind> = fields(&inputs, &known).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [Kind::Number, Kind::Any, Kind::Flag, Kind::Text, Kind::Any]);
    }
}
