//! The files of a scaffold. What only the author can know is marked with FILL IN.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use etiolog::Timestamp;

use crate::new::log::{Log, LogFormat};
use crate::new::roles::{Class, Roles, TIMES, quoted, yaml_name};

/// Today, as the heads of articles have it.
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::MIN.plus(since).to_string().chars().take(10).collect()
}

/// `pack.yaml`.
pub(super) fn pack(name: &str, roles: &Roles) -> String {
    let outer = roles.outer.as_ref().map(|(outer, _)| outer);
    let within = outer.map(|outer| format!(", in: {outer}")).unwrap_or_default();
    let outer = outer.map(|outer| format!("  - {{name: {outer}, quiet: 24h}}\n")).unwrap_or_default();
    let problem = if roles.problem.is_empty() {
        "# problem: {word: failure}".to_owned()
    } else {
        format!("problem: {}", roles.problem)
    };
    format!(
        "etiolog: 1
pack: {yaml}
title: 'FILL IN: what {name} is about'
version: 0.1.0

# Whom diagnoses are about, outermost first; `{{name: pump, in: station, quiet: 24h}}` stands inside another. After so long
# without events an episode is over.
subjects:
{outer}  - {{name: {level}{within}, quiet: 24h}}

# Events that must end explained, benign or unexplained: what somebody should look at.
{problem}
",
        yaml = yaml_name(name),
        level = roles.level,
    )
}

/// `inputs/log.yaml`.
pub(super) fn input(roles: &Roles, log: Option<&Log>) -> String {
    let mut out = String::from(
        "# What a record of the log means. `from` is a path; the first part of it stands outermost.\netiolog: 1\ninput: log\n",
    );
    let title = log
        .map_or_else(|| "FILL IN: which log this is".to_owned(), |log| format!("Log such as {}", log.name));
    let title: String = title.chars().filter(|c| !c.is_control()).collect();
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
            if shapes.continued {
                out.push_str("# A line without such a head goes on with the one before.\ncontinued: true\n");
            }
            if !shapes.lines.is_empty() {
                out.push_str("# The first template that fits counts; {} takes what does not matter. Give the captures better names.\nlines:\n");
            }
            for shape in &shapes.lines {
                push(&mut out, format_args!("  # {} times\n", shape.count));
                push(
                    &mut out,
                    format_args!(
                        "  - {{template: {}, word: {}}}\n",
                        quoted(&shape.template),
                        yaml_name(&shape.word)
                    ),
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
    if let Some((outer, path)) = &roles.outer {
        push(&mut out, format_args!("  {outer}: {{from: {}}}\n", quoted(path)));
    }
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
#[derive(Clone, Debug)]
pub(super) struct Article<'a> {
    id: &'a str,
    symptom: String,
    roles: &'a Roles,
    /// The class whose events are counted, when the log showed one.
    class: Option<&'a Class>,
    /// What the symptom looks back over.
    within: Duration,
    /// Whether the case that shows the symptom says that its cause comes out on top.
    top: bool,
}

impl<'a> Article<'a> {
    /// One for each class that the log shows, and at last one to be filled in.
    pub(super) fn all(id: &'a str, roles: &'a Roles) -> impl Iterator<Item = Self> {
        let shown = roles.classes.iter().filter(|class| class.others.is_some());
        let counted = shown.map(move |class| Self {
            symptom: format!("often-{}", class.name),
            class: Some(class),
            within: class.within,
            ..Self::named(id, "", roles)
        });
        counted.chain([Self::named(id, &format!("first-{id}"), roles)])
    }

    /// The parts around a symptom that was given a name.
    pub(super) fn named(id: &'a str, symptom: &str, roles: &'a Roles) -> Self {
        let within = Duration::from_secs(3_600);
        Self { id, symptom: symptom.to_owned(), roles, class: None, within, top: true }
    }

    /// The same, less and less demanding: other rules of the pack may have a say.
    pub(super) fn variants(self) -> impl Iterator<Item = Self> {
        let shorter = [3_600, 600, 60].map(Duration::from_secs).into_iter();
        let longest = self.within;
        let spans = std::iter::once(longest).chain(shorter.filter(move |span| *span < longest));
        spans.flat_map(move |within| [true, false].map(|top| Self { within, top, ..self.clone() }))
    }

    pub(super) fn id(&self) -> &str {
        self.id
    }

    /// The names of cause and solution.
    fn names(&self) -> (String, String) {
        (format!("why-{}", self.symptom), format!("after-{}", self.symptom))
    }

    /// What the symptom is, for people.
    fn title(&self) -> String {
        match self.class {
            Some(_) => format!("{TIMES} times or more within {}", span(self.within)),
            None => format!("Begins and is not over within {}", span(self.within)),
        }
    }

    /// Each section of the rule file: its key and its lines.
    pub(super) fn parts(&self) -> [(&'static str, String); 5] {
        let (cause, solution) = self.names();
        let name = &self.symptom;
        let (symptom, level) = (yaml_name(name), &self.roles.level);
        let (events, detect, cases) = self.class.map_or_else(|| self.open(), |class| self.count(class));
        let symptoms =
            format!("  {symptom}:\n    title: {}\n    per: {level}\n    detect: {detect}\n", self.title());
        let causes = format!(
            "  {cause}:
    title: 'FILL IN: what makes {name} happen'
    explains: {{{symptom}: usually}}
    severity: warning
    solutions: [{solution}]
"
        );
        let solutions =
            format!("  {solution}: {{do: 'FILL IN: what helps against {name}, the cheapest step first'}}\n");
        [
            ("events", events),
            ("symptoms", symptoms),
            ("causes", causes),
            ("solutions", solutions),
            ("cases", cases),
        ]
    }

    /// So many events within a window; the quiet case has as many, far apart, and other records of the log.
    fn count(&self, found: &Class) -> (String, String, String) {
        let (class, symptom) = (yaml_name(&found.name), yaml_name(&self.symptom));
        let (name, subject, top) = (&self.symptom, self.subject(), self.on_top());
        let (dense, within, sparse) = (span(self.within / 5), span(self.within), span(self.within * 2));
        let mut cases = format!(
            "  - name: {name} is shown
    given: [{{every: {dense}, times: {TIMES}, subject: {{{subject}}}, event: {class}}}]
    expect: [{{{subject}, {top}present: [{symptom}]}}]
  - name: {name} is not shown when they are far apart
"
        );
        if let Some(others) = &found.others {
            push(
                &mut cases,
                format_args!(
                    "    start: {}
    given:
      - {{every: {sparse}, times: {TIMES}, subject: {{{subject}}}, event: {class}}}
      # Raw records, as the log has them: what does not count.
      - records: |2
",
                    others.start
                ),
            );
            for record in &others.records {
                push(&mut cases, format_args!("          {record}\n"));
            }
        }
        push(&mut cases, format_args!("    expect-none: [{symptom}]\n"));
        let detect = format!("{{count: {{event: {class}, at-least: {TIMES}, within: {within}}}}}");
        (format!("  {class}: {}\n", found.conditions), detect, cases)
    }

    /// Something that begins and should be over soon, when no log says what it may be.
    fn open(&self) -> (String, String, String) {
        let (name, symptom) = (&self.symptom, yaml_name(&self.symptom));
        let (subject, top) = (self.subject(), self.on_top());
        let nothing = ("word".to_owned(), ["fill-in".to_owned(), "fill-in-over".to_owned()]);
        let (field, [begins, ends]) = self.roles.blank.as_ref().unwrap_or(&nothing);
        let (early, within, late) = (span(self.within / 5), span(self.within), span(self.within * 2));
        let (first, last) = (yaml_name(&format!("{name}-begins")), yaml_name(&format!("{name}-ends")));
        let events = format!(
            "  # FILL IN: the events with which it begins and ends.
  {first}: {{{field}: {begins}}}
  {last}: {{{field}: {ends}}}
"
        );
        let detect = format!("{{sequence: [{first}, {{never: {last}}}], within: {within}}}");
        let cases = format!(
            "  - name: {name} is shown
    given:
      - {{subject: {{{subject}}}, event: {first}}}
      - {{wait: {late}}}
    expect: [{{{subject}, {top}present: [{symptom}]}}]
  - name: {name} is not shown when it ends soon
    given:
      - {{subject: {{{subject}}}, event: {first}, then: {{after: {early}, event: {last}}}}}
      - {{wait: {late}}}
    expect-none: [{symptom}]
"
        );
        (events, detect, cases)
    }

    fn subject(&self) -> String {
        let level = &self.roles.level;
        format!("{level}: {level}-1")
    }

    fn on_top(&self) -> String {
        if self.top { format!("top: {}, ", self.names().0) } else { String::new() }
    }

    /// The whole rule file.
    pub(super) fn rules(&self) -> String {
        let mut out =
            format!("etiolog: 1\narticle: {}\ntitle: 'FILL IN: what {} is about'\n", self.yaml_id(), self.id);
        let unused = |class: &&Class| self.class.is_none_or(|used| used != *class);
        let others: Vec<&Class> = self.roles.classes.iter().filter(unused).collect();
        for (key, lines) in self.parts() {
            push(&mut out, format_args!("\n{key}:\n{lines}"));
            if key == "events" && !others.is_empty() {
                out.push_str(
                    "  # Seen too; a class that no symptom uses is a problem, so these wait for one:\n",
                );
                for class in &others {
                    let (name, conditions) = (yaml_name(&class.name), &class.conditions);
                    push(&mut out, format_args!("  # {name}: {conditions}   # {} times\n", class.count));
                }
            }
        }
        out
    }

    /// The id as YAML writes it: codes stay numbers.
    fn yaml_id(&self) -> String {
        let is_code = self.id.parse::<u64>().is_ok_and(|n| n.to_string() == self.id);
        if is_code { self.id.to_owned() } else { yaml_name(self.id) }
    }

    /// The whole article.
    pub(super) fn page(&self, today: &str) -> String {
        format!(
            "---
article: {}
title: 'FILL IN: what {} is about'
sources:
  - 'FILL IN: where this knowledge comes from'
updated: {today}
---

FILL IN: what it means, in a few lines.

## In one minute

1. FILL IN: the first question? Then [this cause](#{}).

{}",
            self.yaml_id(),
            self.id,
            self.names().0,
            self.sections()
        )
    }

    /// The sections of the symptom and its cause.
    pub(super) fn sections(&self) -> String {
        let (cause, _) = self.names();
        let (symptom, within) = (&self.symptom, span(self.within));
        let looks = match self.class {
            Some(_) => format!("{TIMES} such events of one {} within {within}.", self.roles.level),
            None => format!("An event with which it begins, and none within {within} with which it ends."),
        };
        format!(
            "## Symptom: {} {{#{symptom}}}

FILL IN: what one sees.

**What etiolog looks for.** {looks}

**What it does not prove.** FILL IN.

## Cause: FILL IN {{#{cause}}}

**What speaks for it.** [These events](#{symptom}). FILL IN: what speaks against it.

**What to do.**

1. FILL IN: the cheapest step first.
",
            self.title()
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
