//! The files of a scaffold. What only the author can know is marked with FILL IN.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use etiolog::Timestamp;

use crate::new::log::{Log, LogFormat};
use crate::new::roles::{Class, Roles, TIMES, quoted};

/// Today, as the heads of articles have it.
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::MIN.plus(since).to_string().chars().take(10).collect()
}

/// `pack.yaml`.
pub(super) fn pack(name: &str, roles: &Roles) -> String {
    format!(
        "etiolog: 1
pack: {name}
title: {name}
version: 0.1.0

# Whom diagnoses are about, outermost first; `{{name: pump, in: station, quiet: 24h}}` stands inside another. After so long
# without events an episode is over.
subjects:
  - {{name: {level}, quiet: 24h}}

# Events that must end explained, benign or unexplained: what somebody should look at.
problem: {problem}
",
        name = yaml_name(name),
        level = roles.level,
        problem = roles.problem,
    )
}

/// A name that YAML would take for something else stands in quotes.
fn yaml_name(name: &str) -> String {
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let word =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&&*name.to_ascii_lowercase());
    if letter && !word { name.to_owned() } else { quoted(name) }
}

/// `inputs/log.yaml`.
pub(super) fn input(roles: &Roles, log: Option<&Log>) -> String {
    let mut out = String::from(
        "# What a record of the log means. `from` is a path; the first part of it stands outermost.\netiolog: 1\ninput: log\n",
    );
    let title = log
        .map_or_else(|| "FILL IN: which log this is".to_owned(), |log| format!("Log such as {}", log.name));
    push(&mut out, format_args!("title: {}\n", quoted(&title)));
    match log.map(|log| &log.format) {
        None => out.push_str("format: json\nrecognise: [time, device]\n\n"),
        Some(LogFormat::Json(envelope)) => {
            out.push_str("format: json\n");
            if let Some(key) = envelope {
                push(&mut out, format_args!("envelope: [{}]\n", quoted(key)));
            }
            let signs = roles.subject.iter().filter(|path| roles.always.contains(*path));
            let signs: Vec<String> =
                [&roles.time.0].into_iter().chain(signs).map(|path| quoted(path)).collect();
            push(&mut out, format_args!("recognise: [{}]\n\n", signs.join(", ")));
        }
        Some(LogFormat::Text(shapes)) => {
            push(&mut out, format_args!("format: text\nhead: {}\n", quoted(&shapes.head)));
            out.push_str("# The first template that fits counts; {} takes what does not matter. Give the captures better names.\nlines:\n");
            for shape in &shapes.lines {
                push(&mut out, format_args!("  # {} times\n", shape.count));
                push(
                    &mut out,
                    format_args!("  - {{template: {}, word: {}}}\n", quoted(&shape.template), shape.word),
                );
            }
            if shapes.others > 0 {
                push(&mut out, format_args!("  # {} other lines of rarer shapes\n", shapes.others));
            }
            out.push('\n');
        }
    }
    let (path, form) = &roles.time;
    let format =
        if form.format == "rfc3339" { String::new() } else { format!(", format: {}", quoted(form.format)) };
    let zone = if form.utc { ", zone: utc" } else { "" };
    push(&mut out, format_args!("time: {{from: {}{format}{zone}}}\n\nfields:\n", quoted(path)));
    match &roles.subject {
        Some(path) => push(&mut out, format_args!("  {}: {{from: {}}}\n", roles.level, quoted(path))),
        None => {
            out.push_str("  # The log names nobody: all of it is about one system.\n");
            push(&mut out, format_args!("  {}: {{constant: log}}\n", roles.level));
        }
    }
    for field in &roles.fields {
        let kind = field.kind.map(|kind| format!(", as: {kind}")).unwrap_or_default();
        push(&mut out, format_args!("  {}: {{from: {}{kind}}}\n", field.name, quoted(&field.path)));
    }
    if roles.subject.as_ref().is_some_and(|path| roles.always.contains(path)) || log.is_none() {
        push(&mut out, format_args!("\nrequire: [{}]\n", roles.level));
    }
    out
}

/// A rule file and its article around one symptom.
pub(super) struct Article<'a> {
    id: &'a str,
    symptom: String,
    class: String,
    roles: &'a Roles,
}

impl<'a> Article<'a> {
    pub(super) fn new(id: &'a str, roles: &'a Roles) -> Self {
        let class = roles.classes.first().map_or("failure", |class| &*class.name);
        Self { id, symptom: format!("often-{class}"), class: class.to_owned(), roles }
    }

    /// The parts around a symptom that was given a name.
    pub(super) fn named(id: &'a str, symptom: &str, roles: &'a Roles) -> Self {
        Self { id, symptom: symptom.to_owned(), class: format!("{symptom}-event"), roles }
    }

    /// The names of cause and solution.
    fn names(&self) -> (String, String) {
        (format!("why-{}", self.symptom), format!("after-{}", self.symptom))
    }

    /// Each section of the rule file: its key and its lines.
    pub(super) fn parts(&self) -> [(&'static str, String); 5] {
        let class = &self.class;
        let conditions = self.roles.classes.first().map_or("{}", |class| &*class.conditions);
        let (cause, solution) = self.names();
        let (symptom, level, within) = (&self.symptom, &self.roles.level, span(self.roles.within));
        let events = format!("  {class}: {conditions}\n");
        let symptoms = format!(
            "  {symptom}:
    title: {TIMES} times or more within {within}
    per: {level}
    detect: {{count: {{event: {class}, at-least: {TIMES}, within: {within}}}}}
"
        );
        let causes = format!(
            "  {cause}:
    title: 'FILL IN: what makes it happen'
    explains: {{{symptom}: usually}}
    severity: warning
    solutions: [{solution}]
"
        );
        let solutions = format!("  {solution}: {{do: 'FILL IN: what helps, the cheapest step first'}}\n");
        let (dense, sparse) = (span(self.roles.within / 5), span(self.roles.within * 2));
        let cases = format!(
            "  - name: {symptom} is shown
    given: [{{every: {dense}, times: {TIMES}, subject: {{{level}: {level}-1}}, event: {class}}}]
    expect: [{{{level}: {level}-1, top: {cause}, present: [{symptom}]}}]
  - name: {symptom} is not shown when they are far apart
    given: [{{every: {sparse}, times: {TIMES}, subject: {{{level}: {level}-1}}, event: {class}}}]
    expect-none: [{symptom}]
"
        );
        [
            ("events", events),
            ("symptoms", symptoms),
            ("causes", causes),
            ("solutions", solutions),
            ("cases", cases),
        ]
    }

    /// The whole rule file.
    pub(super) fn rules(&self) -> String {
        let id = yaml_name(self.id);
        let id = if self.id.parse::<u64>().is_ok_and(|n| n.to_string() == self.id) { self.id } else { &id };
        let mut out = format!("etiolog: 1\narticle: {id}\ntitle: 'FILL IN: what this is about'\n");
        let others: &[Class] = self.roles.classes.get(1..).unwrap_or_default();
        for (key, lines) in self.parts() {
            push(&mut out, format_args!("\n{key}:\n{lines}"));
            if key == "events" && !others.is_empty() {
                out.push_str(
                    "  # Seen too; a class that no symptom uses is a problem, so these wait for one:\n",
                );
                for class in others {
                    push(
                        &mut out,
                        format_args!("  # {}: {}   # {} times\n", class.name, class.conditions, class.count),
                    );
                }
            }
        }
        out
    }

    /// The whole article.
    pub(super) fn page(&self, today: &str) -> String {
        let id = if self.id.parse::<u64>().is_ok() { self.id.to_owned() } else { yaml_name(self.id) };
        format!(
            "---
article: {id}
title: 'FILL IN: what this is about'
sources:
  - 'FILL IN: where this knowledge comes from'
updated: {today}
---

FILL IN: what it means, in a few lines.

## In one minute

1. FILL IN: the first question? Then [this cause](#{}).

{}",
            self.names().0,
            self.sections()
        )
    }

    /// The sections of the symptom and its cause.
    pub(super) fn sections(&self) -> String {
        let (cause, _) = self.names();
        let (symptom, within) = (&self.symptom, span(self.roles.within));
        format!(
            "## Symptom: {TIMES} times or more within {within} {{#{symptom}}}

FILL IN: what one sees.

**What etiolog looks for.** {TIMES} such events of one {} within {within}.

**What it does not prove.** FILL IN.

## Cause: FILL IN {{#{cause}}}

**What speaks for it.** [These events](#{symptom}). FILL IN: what speaks against it.

**What to do.**

1. FILL IN: the cheapest step first.
",
            self.roles.level
        )
    }
}

/// A span as rule files write it.
fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
