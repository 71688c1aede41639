//! Predicates that cannot be anything but true, or anything but false, whatever they read.
//!
//! What is seen: an operand of `&&`, `||`, `!` or a whole predicate that reads nothing; a value compared with itself;
//! a comparison outside of what its kind can be (a share over 1, a count under 0); an empty list or range; and
//! operands of one `&&` that exclude each other, or of one `||` that leave nothing out, as far as they compare one
//! value with literals, however nested. Relations between two values (`a < b && b < a`) and the order of texts against
//! their functions are not looked at. A missing value makes all of these unknown; none of them is ever of use.

use crate::model::Value;
use crate::predicate::term::{Form, Term};
use crate::predicate::values::Values;
use crate::predicate::{Fault, Kind};

/// All parts of a predicate that cannot change.
pub(super) fn faults(source: &str, predicate: &Term) -> Vec<Fault> {
    let mut search = Search { source, faults: Vec::new() };
    if predicate.reads() {
        search.part(predicate);
    } else {
        let fault = search.fault(predicate, answer(predicate), "the predicate reads nothing".to_owned());
        search.faults.push(fault.with_help("compare a field with a value: `event.code == 7`"));
    }
    search.faults
}

/// Whether something that reads nothing is true.
fn answer(term: &Term) -> bool {
    match &term.form {
        Form::Constant(value) => matches!(value, Value::Bool(true)),
        Form::And(parts) => parts.iter().all(answer),
        Form::Or(parts) => parts.iter().any(answer),
        _ => false,
    }
}

struct Search<'a> {
    source: &'a str,
    faults: Vec<Fault>,
}

impl Search<'_> {
    fn text(&self, term: &Term) -> String {
        let text = self.source.get(term.span.clone()).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
    }

    fn fault(&self, term: &Term, always: bool, message: String) -> Fault {
        Fault::new(if always { "always-true" } else { "never-true" }, term.span.clone(), message)
    }

    /// Looks at a part that is true or false; whether it found anything.
    fn part(&mut self, term: &Term) -> bool {
        match &term.form {
            _ if !term.reads() => {
                let always = answer(term);
                let message = format!("`{}` reads nothing", self.text(term));
                self.faults.push(self.fault(term, always, message));
                true
            }
            Form::And(parts) | Form::Or(parts) => {
                let all = matches!(term.form, Form::And(_));
                let mut found = false;
                for part in parts {
                    found |= self.part(part);
                }
                found || self.chain(parts, all)
            }
            Form::Call { name, args } if name == "!" => args.iter().any(|arg| self.part(arg)),
            _ => self.comparison(term),
        }
    }

    fn comparison(&mut self, term: &Term) -> bool {
        if let Form::Call { name, args } = &term.form
            && let [left, right] = args.as_slice()
            && left.same(right)
            && let always @ ("==" | "!=" | "<" | "<=" | ">" | ">=") = name.as_str()
        {
            let always = matches!(always, "==" | "<=" | ">=");
            let message = format!("`{}` is compared with itself", self.text(left));
            self.faults.push(self.fault(term, always, message));
            return true;
        }
        let Some(subject) = subject(term) else { return false };
        let seen = Seen::of(term, subject);
        let domain = domain(subject);
        let never = seen.holds.and(&domain).is_empty();
        let always = seen.exact && seen.fails.and(&domain).is_empty();
        if !never && !always {
            return false;
        }
        let bounds = match (&term.form, subject.kind) {
            (Form::Within { .. }, _) => "nothing lies in this range",
            (_, Kind::Share) => "a share lies between 0 and 1",
            (_, Kind::Span) => "a span of time is never less than 0",
            (_, Kind::Count) => "a count is never less than 0",
            (_, _) => "no whole number lies here",
        };
        let word = if never { "never" } else { "always" };
        let fault = self.fault(term, !never, format!("`{}` {word} holds", self.text(term)));
        self.faults.push(fault.with_help(bounds));
        true
    }

    /// Operands that exclude each other (`all`), or of which one always holds.
    fn chain(&mut self, parts: &[Term], all: bool) -> bool {
        let spoken: Vec<Vec<&Term>> = parts.iter().map(subjects).collect();
        let speaks = |of: &[&Term], subject: &Term| of.iter().any(|other| other.same(subject));
        let mut done: Vec<&Term> = Vec::new();
        for &subject in spoken.iter().flatten() {
            let mut of_it = parts.iter().zip(&spoken).filter(|(_, of)| speaks(of, subject));
            // What one comparison alone speaks of was looked at with it.
            let alone = matches!((of_it.next(), of_it.next()), (Some((part, _)), None) if !is_joint(part));
            if alone || speaks(&done, subject) {
                continue;
            }
            done.push(subject);
            let domain = domain(subject);
            let seen: Vec<Seen> = parts.iter().map(|part| Seen::of(part, subject)).collect();
            let (mut left, mut held, mut asked) = (domain.clone(), Values::none(), Values::none());
            for (at, (part, part_seen)) in parts.iter().zip(&seen).enumerate() {
                if all {
                    left = left.and(&part_seen.holds);
                } else if part_seen.exact {
                    left = left.and(&part_seen.fails);
                    held = held.or(&part_seen.holds);
                    asked = asked.or(&part_seen.holds).or(&part_seen.fails);
                }
                // `code == 7 || code == "E7"` fails for no code, and yet it cannot be said of most.
                if !left.is_empty() || !all && !domain.and(&asked).without(&held).is_empty() {
                    continue;
                }
                let clash = parts.iter().zip(&seen).take(at).find(|(_, other)| match all {
                    true => other.holds.and(&part_seen.holds).and(&domain).is_empty(),
                    false => other.exact && other.fails.and(&part_seen.fails).and(&domain).is_empty(),
                });
                // Three or more may clash together; the first that speaks of the same value stands for the others.
                let first = clash.map(|(other, _)| other);
                let mut of_it = parts.iter().zip(&spoken).filter(|(_, of)| speaks(of, subject));
                let first = first.or_else(|| of_it.next().map(|(other, _)| other));
                let fault = self.clash(subject, part, first.filter(|first| first.span != part.span), all);
                self.faults.push(fault);
                return true;
            }
        }
        false
    }

    fn clash(&self, subject: &Term, part: &Term, other: Option<&Term>, all: bool) -> Fault {
        let here = self.text(part);
        let Some(other) = other else {
            let word = if all { "never" } else { "always" };
            return self.fault(part, !all, format!("`{here}` makes that this {word} holds"));
        };
        let there = self.text(other);
        let operator = |term: &Term| match &term.form {
            Form::Call { name, .. } => name.clone(),
            _ => String::new(),
        };
        let message = match all {
            true => format!("`{there}` and `{here}` never hold together"),
            false => format!("one of `{there}` and `{here}` always holds"),
        };
        let fault = self.fault(part, !all, message).with_also(other.span.clone(), "together with this");
        let name = self.text(subject);
        match (operator(part).as_str(), operator(other).as_str(), all) {
            ("==", "==", true) => {
                fault.with_help(format!("`{name}` is one value at a time: did you mean `||`?"))
            }
            ("!=", "!=", false) => fault.with_help("did you mean `&&`?"),
            (_, _, false) => fault.with_help("did you mean `&&`?"),
            _ => fault,
        }
    }
}

/// What a value may be. What is computed may be negative whatever it is made of.
fn domain(subject: &Term) -> Values {
    match &subject.form {
        Form::Call { name, .. } if name != "len" && subject.kind.is_whole() => Values::of(Kind::Integer),
        _ => Values::of(subject.kind),
    }
}

/// The values that a part compares with literals, or that are true or false themselves.
fn subjects(term: &Term) -> Vec<&Term> {
    match &term.form {
        Form::And(parts) | Form::Or(parts) => parts.iter().flat_map(subjects).collect(),
        Form::Call { name, args } if name == "!" => args.iter().flat_map(subjects).collect(),
        _ => subject(term).into_iter().collect(),
    }
}

/// Whether a part is made of others.
fn is_joint(term: &Term) -> bool {
    match &term.form {
        Form::And(_) | Form::Or(_) => true,
        Form::Call { name, .. } => name == "!",
        _ => false,
    }
}

/// The value that a comparison holds against literals.
fn subject(term: &Term) -> Option<&Term> {
    let is_literal = |term: &Term| term.constant().is_some();
    let subject = match &term.form {
        Form::Read { .. } => term,
        Form::Call { name, args } => match args.as_slice() {
            [left, right] if is_comparison(name) => match (is_literal(left), is_literal(right)) {
                (false, true) => left,
                (true, false) => right,
                _ => return None,
            },
            _ => term,
        },
        Form::Among { item, items } if !items.is_empty() && items.iter().all(is_literal) => item,
        Form::Within { item, low, high, .. } if is_literal(low) && is_literal(high) => item,
        _ => return None,
    };
    subject.reads().then_some(subject)
}

/// A comparison of one value with literals: the value, what fulfils it and what fails it.
fn literal_comparison(term: &Term) -> Option<(&Term, Values, Values)> {
    let subject = subject(term)?;
    let holds = match &term.form {
        Form::Call { name, args } if is_comparison(name) => match args.as_slice() {
            [literal, _] if literal.constant().is_some() => {
                Values::comparing(flipped(name), literal.constant()?, subject.kind)
            }
            [_, literal] => Values::comparing(name, literal.constant()?, subject.kind),
            _ => return None,
        },
        Form::Among { items, .. } => {
            let mut holds = Values::none();
            for other in items {
                holds = holds.or(&Values::comparing("==", other.constant()?, subject.kind));
            }
            holds
        }
        Form::Within { low, high, last, .. } => {
            let from = Values::comparing(">=", low.constant()?, subject.kind);
            let to = Values::comparing(if *last { "<=" } else { "<" }, high.constant()?, subject.kind);
            from.and(&to)
        }
        _ => Values::comparing("==", &Value::Bool(true), Kind::Flag),
    };
    let sort = match sort(term) {
        Some(literal) => {
            Values::comparing("==", literal, subject.kind).or(&Values::comparing("!=", literal, subject.kind))
        }
        None => Values::of(Kind::Flag),
    };
    let fails = sort.without(&holds);
    Some((subject, holds, fails))
}

/// A literal of a comparison: unlike values do not compare, so they neither fulfil nor fail it.
fn sort(term: &Term) -> Option<&Value> {
    match &term.form {
        Form::Call { name, args } if is_comparison(name) => args.iter().find_map(Term::constant),
        Form::Among { items, .. } => items.first().and_then(Term::constant),
        Form::Within { low, .. } => low.constant(),
        _ => None,
    }
}

fn is_comparison(name: &str) -> bool {
    matches!(name, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

fn flipped(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

/// What a part says about one value: for which it may hold, for which it may fail.
struct Seen {
    holds: Values,
    fails: Values,
    /// Whether it looks at nothing else.
    exact: bool,
}

impl Seen {
    fn of(term: &Term, subject: &Term) -> Self {
        let all = |parts: &[Term], and: bool| {
            let mut seen = Self { holds: Values::all(), fails: Values::none(), exact: true };
            if !and {
                std::mem::swap(&mut seen.holds, &mut seen.fails);
            }
            for part in parts.iter().map(|part| Self::of(part, subject)) {
                let (holds, fails) = match and {
                    true => (seen.holds.and(&part.holds), seen.fails.or(&part.fails)),
                    false => (seen.holds.or(&part.holds), seen.fails.and(&part.fails)),
                };
                seen = Self { holds, fails, exact: seen.exact && part.exact };
            }
            seen
        };
        match &term.form {
            Form::And(parts) => all(parts, true),
            Form::Or(parts) => all(parts, false),
            Form::Call { name, args } if name == "!" => {
                let seen = all(args, true);
                Self { holds: seen.fails, fails: seen.holds, exact: seen.exact }
            }
            _ => match literal_comparison(term) {
                Some((found, holds, fails)) if found.same(subject) => Self { holds, fails, exact: true },
                _ => Self { holds: Values::all(), fails: Values::all(), exact: false },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::predicate::{Compiler, Kind, Root};

    const ROOTS: [Root<'static>; 2] = [
        Root {
            name: "event",
            fields: Some(&[
                ("any", Kind::Any),
                ("code", Kind::Code),
                ("number", Kind::Number),
                ("whole", Kind::Integer),
                ("word", Kind::Text),
                ("ok", Kind::Flag),
            ]),
        },
        Root {
            name: "count",
            fields: Some(&[("events", Kind::Count), ("share", Kind::Share), ("span", Kind::Span)]),
        },
    ];

    /// The faults as code and text.
    fn faults(source: &str) -> Vec<String> {
        let faults = Compiler::new(&[]).compile(source, &ROOTS).err().unwrap_or_default();
        faults.iter().map(|f| format!("{} {}", f.code, source.get(f.span.clone()).unwrap_or("?"))).collect()
    }

    #[test]
    fn what_never_holds_is_refused_at_its_place() {
        let cases = [
            ("event.any > 5 && event.any < 3", "event.any < 3"),
            ("event.ok && event.any == 1 && event.word == \"x\" && event.any == 2", "event.any == 2"),
            ("event.whole > 5 && event.whole < 6", "event.whole < 6"),
            ("event.whole > 5 && 3 > event.whole", "3 > event.whole"),
            ("event.word == \"a\" && event.word == \"b\"", "event.word == \"b\""),
            ("event.word == \"a\" && event.word in [\"b\", \"c\"]", "event.word in [\"b\", \"c\"]"),
            ("event.any > 5 && !(event.any > 3 || event.ok)", "!(event.any > 3 || event.ok)"),
            ("event.any != event.any", "event.any != event.any"),
            ("event.word.len() < 0", "event.word.len() < 0"),
            ("event.any in 5..5", "event.any in 5..5"),
            ("event.any in []", "[]"),
            ("event.ok && !event.ok", "!event.ok"),
            ("event.any == 7 && event.any == \"7\"", "event.any == \"7\""),
            ("count.share > 1", "count.share > 1"),
            ("count.span < 0.sec", "count.span < 0.sec"),
            ("count.span > 1.hour && count.span < 50.min", "count.span < 50.min"),
            ("event.any == 1 && false", "false"),
            ("event.any > 1 && 1 > 2", "1 > 2"),
            ("1 == 2", "1 == 2"),
        ];
        for (source, place) in cases {
            assert_eq!(faults(source), [format!("never-true {place}")], "{source}");
        }
    }

    #[test]
    fn what_always_holds_is_refused_at_its_place() {
        let cases = [
            ("event.any == event.any", "event.any == event.any"),
            ("event.number >= 1 || event.number < 1", "event.number < 1"),
            ("event.word != \"a\" || event.word != \"b\"", "event.word != \"b\""),
            ("event.number >= 1 || event.ok || event.number < 2", "event.number < 2"),
            ("event.any >= 1 || event.any < 1", "event.any < 1"),
            ("event.ok || !event.ok", "!event.ok"),
            ("count.events >= 0", "count.events >= 0"),
            ("count.share <= 1", "count.share <= 1"),
            ("count.events > 3 || true", "true"),
            ("true", "true"),
            ("2 > 1 && 3 > 1", "2 > 1 && 3 > 1"),
        ];
        for (source, place) in cases {
            assert_eq!(faults(source), [format!("always-true {place}")], "{source}");
        }
    }

    #[test]
    fn what_may_change_is_accepted() {
        let sources = [
            "event.number > 5 && event.number < 6",
            "event.any >= 1 || event.any < 1 && event.ok",
            "event.any == 7 || event.any != 7 && event.ok",
            "event.any > 3 || event.any < 5 && event.word == \"x\"",
            "event.code == 7 || event.code == \"E7\"",
            "event.code != 7 || event.code != \"E7\"",
            "event.any == 1 || event.any == 2",
            "event.any != 1 && event.any != 2",
            "event.any < event.number && event.number < event.any",
            "count.share == 1 || count.share == 0",
            "count.events > 0 && count.span > 0",
            "event.word >= \"a\" && event.word < \"b\"",
            "event.any in 1..5 && event.any != 3",
        ];
        for source in sources {
            assert_eq!(faults(source), Vec::<String>::new(), "{source}");
        }
    }
}
