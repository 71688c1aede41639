//! What authors write who think of another language: each slip is named in words that help, and mended where only one
//! thing can be meant.
//!
//! What passes has no braces, no assignment and no keyword of a statement, so it can be nothing but an expression.

use std::ops::Range;

use crate::predicate::Fault;
use crate::predicate::functions::UNITS;
use crate::predicate::scan::{self, Token, Tokens, What};

/// One slip.
#[derive(Clone, Debug)]
pub(super) struct Slip {
    pub(super) fault: Fault,
    /// What to read instead, to look further.
    pub(super) mend: Option<(Range<usize>, String)>,
    /// Whether that is meant even when the rest is faulty.
    pub(super) sure: bool,
}

impl Slip {
    fn fault(fault: Fault) -> Self {
        Self { fault, mend: None, sure: false }
    }

    fn mended(fault: Fault, span: Range<usize>, text: impl Into<String>) -> Self {
        Self { fault, mend: Some((span, text.into())), sure: true }
    }
}

/// All slips of a source, in order.
pub(super) fn slips(source: &str, tokens: &Tokens) -> Vec<Slip> {
    let mut reader = Reader { source, all: &tokens.all, at: 0, slips: Vec::new() };
    while let Some(token) = tokens.all.get(reader.at) {
        reader.token(token);
        reader.at += 1;
    }
    let mut slips = reader.slips;
    if let Some(at) = tokens.open_comment {
        let fault = Fault::new("predicate-syntax", at..at + 2, "the comment is not closed");
        slips.push(Slip::fault(fault));
    }
    // A statement brings words, signs and braces of its own: its first word says it all.
    let refused = |slip: &Slip| slip.fault.code == "not-allowed";
    let word =
        |slip: &Slip| source.get(slip.fault.span.clone()).is_some_and(|text| STATEMENTS.contains(&text));
    if let Some(first) = slips.iter().position(|slip| refused(slip) && word(slip)) {
        slips.truncate(first + 1);
    }
    let mut seen = false;
    slips.retain(|slip| !refused(slip) || !std::mem::replace(&mut seen, true));
    slips
}

struct Reader<'a> {
    source: &'a str,
    all: &'a [Token],
    at: usize,
    slips: Vec<Slip>,
}

impl<'a> Reader<'a> {
    fn text(&self, token: &Token) -> &'a str {
        self.source.get(token.span.clone()).unwrap_or_default()
    }

    /// The token so many places further.
    fn ahead(&self, by: usize) -> Option<&'a Token> {
        self.all.get(self.at + by)
    }

    fn before(&self) -> Option<&'a Token> {
        self.at.checked_sub(1).and_then(|at| self.all.get(at))
    }

    fn word_ahead(&self, by: usize) -> &'a str {
        self.ahead(by).map(|token| self.text(token)).unwrap_or_default()
    }

    /// Whether a value ends just before this token.
    fn follows_a_value(&self) -> bool {
        self.before().is_some_and(|token| match token.what {
            What::Sign => matches!(self.text(token), ")" | "]"),
            What::Word => !matches!(self.text(token), "in" | "and" | "or" | "not" | "is"),
            What::Number | What::Amount | What::Text | What::Quoted => true,
            What::Remark => false,
        })
    }

    fn push(&mut self, slip: Slip) {
        self.slips.push(slip);
    }

    fn token(&mut self, token: &Token) {
        let text = self.text(token);
        match token.what {
            What::Word => self.word(token, text),
            What::Number => self.number(token, text),
            What::Amount => self.amount(token, text),
            What::Text => {
                if text.len() < 2 || !text.ends_with('"') {
                    let fault = Fault::new("predicate-syntax", token.span.clone(), "the text is not closed");
                    self.push(Slip::fault(fault.with_help("end it with `\"` on the same line")));
                }
            }
            What::Quoted => {
                let fault =
                    Fault::new("predicate-syntax", token.span.clone(), "text stands in double quotes");
                self.push(match double_quoted(text) {
                    Some(meant) => {
                        Slip::mended(fault.with_help(format!("write `{meant}`")), token.span.clone(), meant)
                    }
                    None => Slip::fault(fault),
                });
            }
            What::Remark => {
                let sign = token.span.start..token.span.start + 1;
                let fault = Fault::new("predicate-syntax", sign.clone(), "`#` does not begin a comment here");
                let mut slip = Slip::mended(fault.with_help("write `//`"), sign, "//");
                slip.mend = slip.mend.filter(|_| text.len() > 1);
                self.push(slip);
            }
            What::Sign => self.sign(token, text),
        }
    }

    fn number(&mut self, token: &Token, text: &str) {
        if let Some(fault) = scan::check_number(text, &token.span) {
            self.push(Slip::fault(fault));
        } else if let Some(next) = self.ahead(1).filter(|next| next.what == What::Word)
            && let Some(meant) = span_of_time(text, self.text(next))
        {
            let span = token.span.start..next.span.end;
            let spelt = self.source.get(span.clone()).unwrap_or_default();
            let fault =
                Fault::new("predicate-syntax", span.clone(), format!("`{spelt}` is not a span of time"));
            self.push(Slip::mended(fault.with_help(format!("write `{meant}`")), span, meant));
            self.at += 1;
        }
    }

    fn amount(&mut self, token: &Token, text: &str) {
        let unit_at = text.rfind(|c: char| c.is_ascii_digit() || c == '_').map_or(0, |at| at + 1);
        let (number, unit) = text.split_at_checked(unit_at).unwrap_or((text, ""));
        let fault = Fault::new("predicate-syntax", token.span.clone(), format!("`{text}` is not a number"));
        self.push(match span_of_time(number, unit) {
            Some(meant) => {
                let fault = fault.with_help(format!("write `{meant}` for a span of time"));
                Slip::mended(fault, token.span.clone(), meant)
            }
            None => Slip::fault(fault),
        });
    }

    fn word(&mut self, token: &Token, word: &str) {
        if !word.is_ascii() {
            let fault =
                Fault::new("unknown-name", token.span.clone(), format!("there is nothing called `{word}`"));
            self.push(Slip::fault(fault.with_help("names are made of the letters a-z, digits and `_`")));
            return;
        }
        if self.before().is_some_and(|before| self.text(before) == ".") {
            return;
        }
        let called = self.word_ahead(1) == "(";
        let read = self.word_ahead(1) == ".";
        let small = word.to_ascii_lowercase();
        let operator = |word: &str| format!("`{word}` is not an operator");
        match small.as_str() {
            "and" | "or" if !read => {
                let sign = if small == "and" { "&&" } else { "||" };
                let fault = Fault::new("predicate-syntax", token.span.clone(), operator(word));
                self.push(Slip::mended(fault.with_help(format!("write `{sign}`")), token.span.clone(), sign));
            }
            "not" if !read => self.not(token, word),
            "is" if self.follows_a_value() && !called && !read => {
                let not = self.word_ahead(1).eq_ignore_ascii_case("not");
                let end = if not { self.ahead(1) } else { None }.map_or(token.span.end, |next| next.span.end);
                let (span, sign) = (token.span.start..end, if not { "!=" } else { "==" });
                let spelt = self.source.get(span.clone()).unwrap_or_default();
                let fault = Fault::new("predicate-syntax", span.clone(), operator(spelt));
                self.push(Slip::mended(fault.with_help(format!("write `{sign}`")), span, sign));
                self.at += usize::from(not);
            }
            "null" | "nil" | "none" | "undefined" if !called && !read => {
                self.push(Slip::fault(missing(token.span.clone(), word)));
            }
            "true" | "false" if word != small => {
                let message = format!("there is nothing called `{word}`");
                let fault = Fault::new("unknown-name", token.span.clone(), message);
                self.push(Slip::mended(
                    fault.with_help(format!("write `{small}`")),
                    token.span.clone(),
                    small,
                ));
            }
            "contains" | "starts_with" | "ends_with" | "startswith" | "endswith"
                if self.follows_a_value() && !called =>
            {
                self.infix(token, word, &small);
            }
            _ if STATEMENTS.contains(&word) && !read => {
                let message = format!("`{word}` is not allowed here");
                let fault = Fault::new("not-allowed", token.span.clone(), message);
                self.push(Slip::fault(fault.with_help(match word {
                    "if" | "else" | "switch" | "return" => {
                        "write the condition alone: a predicate is one expression, no statement"
                    }
                    _ => "a predicate is one expression that is true or false",
                })));
            }
            _ => {}
        }
    }

    /// `not x` binds looser than `!x`: it is certain only before `in`, a bracket, or a field that stands alone.
    fn not(&mut self, token: &Token, word: &str) {
        let fault =
            Fault::new("predicate-syntax", token.span.clone(), format!("`{word}` is not an operator"));
        let Some(next) = self.ahead(1) else { return self.push(Slip::fault(fault.with_help("write `!`"))) };
        if self.text(next) == "in" {
            let span = token.span.start..next.span.end;
            self.push(Slip::mended(fault.with_help("write `!in`"), span, "!in"));
            return;
        }
        let mut by = 1;
        while self.ahead(by).is_some_and(|token| token.what == What::Word) && self.word_ahead(by + 1) == "." {
            by += 2;
        }
        let alone = self.ahead(by).is_some_and(|token| token.what == What::Word)
            && matches!(self.word_ahead(by + 1), "" | ")" | "&&" | "||" | "and" | "or" | "&" | "|");
        let span = token.span.start..next.span.start;
        if self.text(next) == "(" || alone {
            self.push(Slip::mended(fault.with_help("write `!`"), span, "!"));
        } else {
            self.push(Slip::fault(fault.with_help("write `!(…)` around what must not hold")));
        }
    }

    fn infix(&mut self, token: &Token, word: &str, small: &str) {
        let name = match small {
            "startswith" => "starts_with",
            "endswith" => "ends_with",
            name => name,
        };
        let fault =
            Fault::new("predicate-syntax", token.span.clone(), format!("`{word}` is not an operator"));
        let argument = self.ahead(1).and_then(|next| match next.what {
            What::Text => Some((next, self.text(next).to_owned())),
            What::Quoted => double_quoted(self.text(next)).map(|text| (next, text)),
            _ => None,
        });
        let slip = match (self.before(), argument) {
            (Some(before), Some((next, argument))) => {
                let meant = format!(".{name}({argument})");
                let fault = fault.with_help(format!("write `{meant}`"));
                Slip::mended(fault, before.span.end..next.span.end, meant)
            }
            _ => Slip::fault(fault.with_help(format!("write `.{name}(…)` behind the text"))),
        };
        self.at += usize::from(slip.mend.is_some());
        self.push(slip);
    }

    fn sign(&mut self, token: &Token, sign: &str) {
        let span = token.span.clone();
        let syntax = |message: String| Fault::new("predicate-syntax", span.clone(), message);
        if let Some((_, meant)) = MEANT.iter().find(|(wrong, _)| *wrong == sign) {
            let message = match sign {
                "=" | ":=" => format!("`{sign}` does not compare"),
                _ => format!("`{sign}` is not an operator"),
            };
            let mut slip = Slip::mended(syntax(message).with_help(format!("write `{meant}`")), span, *meant);
            slip.sure = !matches!(sign, "&" | "|" | "=" | ":=");
            return self.push(slip);
        }
        let allowed = ["==", "!=", "<=", ">=", "&&", "||", "..=", ".."];
        if allowed.contains(&sign) || "<>!+-*/%()[],.".contains(sign) {
            return;
        }
        match sign {
            ";" if self.ahead(1).is_none() => {
                let fault = syntax("nothing ends with `;` here".to_owned()).with_help("delete it");
                self.push(Slip::mended(fault, span, ""));
            }
            ";" => {
                let fault = Fault::new("not-allowed", span, "a second statement is not allowed here");
                self.push(Slip::fault(fault.with_help("join conditions with `&&`")));
            }
            "=~" | "~=" => {
                let fault = syntax(format!("`{sign}` is not an operator"));
                self.push(Slip::fault(
                    fault.with_help("there are `contains`, `starts_with` and `ends_with`"),
                ));
            }
            "?" => {
                let fault = Fault::new("not-allowed", span, "`?` is not allowed here");
                self.push(Slip::fault(fault.with_help("write `a && b || !a && c` for `a ? b : c`")));
            }
            "+=" | "-=" | "*=" | "/=" | "%=" | "**=" | "<<=" | ">>=" | "&&=" | "||=" => {
                let fault = Fault::new("not-allowed", span, format!("`{sign}` is not allowed here"));
                self.push(Slip::fault(fault.with_help("a predicate compares and changes nothing")));
            }
            _ => {
                let shown = sign.escape_debug();
                let fault = Fault::new("not-allowed", span, format!("`{shown}` is not allowed here"));
                self.push(Slip::fault(
                    fault.with_help("a predicate is one expression that is true or false"),
                ));
            }
        }
    }
}

/// The fault of asking for nothing.
pub(super) fn missing(span: Range<usize>, word: &str) -> Fault {
    let fault = Fault::new("missing-value", span, format!("nothing can be compared with `{word}`"));
    fault.with_help(
        "what is missing makes a predicate unknown; ask with the condition `{there: false}` of a class",
    )
}

/// Signs of other languages and of word processors.
const MEANT: [(&str, &str); 19] = [
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("===", "=="),
    ("!==", "!="),
    ("=", "=="),
    (":=", "=="),
    ("&", "&&"),
    ("|", "||"),
    ("\u{2265}", ">="),
    ("\u{2264}", "<="),
    ("\u{2260}", "!="),
    ("\u{d7}", "*"),
    ("\u{2212}", "-"),
    ("\u{2013}", "-"),
    ("\u{2227}", "&&"),
    ("\u{2228}", "||"),
    ("\u{ac}", "!"),
    ("\u{2208}", "in"),
];

/// A text in other quotes, in double ones; `None` when it is not closed.
fn double_quoted(text: &str) -> Option<String> {
    let mut letters = text.chars();
    let first = letters.next()?;
    let last = letters.next_back()?;
    let closed = match first {
        '\'' | '`' => last == first,
        _ => matches!(last, '\u{201c}' | '\u{201d}' | '"'),
    };
    let mut inside = String::new();
    let mut escaped = false;
    for c in letters {
        match c {
            '"' if !escaped => inside.push_str("\\\""),
            '\'' if escaped => {
                inside.pop();
                inside.push(c);
            }
            c => inside.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    (closed && !escaped && !inside.contains("${")).then(|| format!("\"{inside}\""))
}

/// The unit that a word means.
pub(super) fn unit_meant(word: &str) -> Option<&'static str> {
    Some(match word {
        "ms" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "sec",
        "m" | "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "hours",
        "d" | "day" | "days" => "days",
        _ => return None,
    })
}

/// How a span of time is written: `5.min` for 5 and `m`, `90.min` for 1.5 and `h`.
pub(super) fn span_of_time(number: &str, unit: &str) -> Option<String> {
    let unit = unit_meant(unit)?;
    let nanos =
        |unit: &str| UNITS.iter().find(|(known, _)| *known == unit).map(|(_, nanos)| i128::from(*nanos));
    let plain = number.replace('_', "");
    let Some((whole, fraction)) = plain.split_once('.') else {
        return plain.parse::<i64>().is_ok().then(|| format!("{number}.{unit}"));
    };
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = digits.checked_mul(nanos(unit)?)?;
    let total = (scaled % scale == 0).then_some(scaled / scale)?;
    ["days", "hours", "min", "sec", "ms"].into_iter().find_map(|unit| {
        let nanos = nanos(unit)?;
        (total % nanos == 0 && total > 0).then(|| format!("{}.{unit}", total / nanos))
    })
}

/// Words that begin statements or reach behind the fence.
const STATEMENTS: [&str; 38] = [
    "let",
    "const",
    "if",
    "else",
    "switch",
    "do",
    "while",
    "loop",
    "until",
    "for",
    "fn",
    "private",
    "return",
    "throw",
    "try",
    "catch",
    "break",
    "continue",
    "import",
    "export",
    "as",
    "global",
    "this",
    "eval",
    "Fn",
    "call",
    "curry",
    "print",
    "debug",
    "is_shared",
    "is_def_var",
    "is_def_fn",
    "type_of",
    "sleep",
    "timestamp",
    "exit",
    "new",
    "async",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The source after all slips are mended, `None` when one cannot be.
    fn mended(source: &str) -> Option<String> {
        let slips = slips(source, &scan::tokens(source));
        let mut text = source.to_owned();
        for slip in slips.iter().rev() {
            let (span, new) = slip.mend.clone()?;
            text.replace_range(span, &new);
        }
        Some(text)
    }

    #[test]
    fn common_slips_are_mended() {
        let cases = [
            ("event.x == 1 and true", "event.x == 1 && true"),
            ("event.x == 1 OR event.y", "event.x == 1 || event.y"),
            ("not event.x and y", "!event.x && y"),
            ("not (a == 1)", "!(a == 1)"),
            ("a not in [1]", "a !in [1]"),
            ("a is not 'x'", "a != \"x\""),
            ("a is 5 min", "a == 5.min"),
            ("a = 1", "a == 1"),
            ("a === 1 || a !== 2 || a <> 3", "a == 1 || a != 2 || a != 3"),
            ("a => 1 && a =< 2", "a >= 1 && a <= 2"),
            ("a ≥ 1 ∧ a ≠ “x”", "a >= 1 && a != \"x\""),
            ("a & b | c", "a && b || c"),
            ("a == 'it\\'s \"b\"'", "a == \"it's \\\"b\\\"\""),
            (
                "a > 5m || a > 60s || a > 36h || a > 250ms || a > 7d",
                "a > 5.min || a > 60.sec || a > 36.hours || a > 250.ms || a > 7.days",
            ),
            ("a > 1.5h", "a > 90.min"),
            ("a contains 'x' and b startswith \"y\"", "a.contains(\"x\") && b.starts_with(\"y\")"),
            ("a == True", "a == true"),
            ("a;", "a"),
            ("a # why 'not'\n&& b", "a // why 'not'\n&& b"),
        ];
        for (source, expected) in cases {
            assert_eq!(mended(source).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn slips_with_more_than_one_meaning_only_get_advice() {
        let cases = [
            ("not a == 1", "write `!(…)` around what must not hold"),
            (
                "if a { true } else { false }",
                "write the condition alone: a predicate is one expression, no statement",
            ),
            ("a == 1; b == 2", "join conditions with `&&`"),
            ("a ? b : c", "write `a && b || !a && c` for `a ? b : c`"),
            ("a =~ \"x\"", "there are `contains`, `starts_with` and `ends_with`"),
            ("a += 1", "a predicate compares and changes nothing"),
            (
                "a == null",
                "what is missing makes a predicate unknown; ask with the condition `{there: false}` of a class",
            ),
            ("a contains b", "write `.contains(…)` behind the text"),
            ("a == \"x", "end it with `\"` on the same line"),
        ];
        for (source, help) in cases {
            let found = slips(source, &scan::tokens(source));
            assert!(found.iter().all(|slip| slip.mend.is_none()), "{source}: {found:?}");
            assert_eq!(found.first().and_then(|slip| slip.fault.help.as_deref()), Some(help), "{source}");
        }
    }

    #[test]
    fn text_comments_and_fields_may_say_anything() {
        let sources = [
            "event.x == \"a and 'b' = 5m; {`\\\"#}\"",
            "event.x == 1 // a and 'b' = 5m",
            "event.x == 1 /* a and 'b' = 5m */",
            "event.and == 1 && event.not && event. or && event.null && event.contains",
            "event.x5m == 1 && x_and_y == 1",
            "5.min > 1.5 && 1e3 > 1E-3 && 0x5d > 1_000 && event.x in 1..5",
        ];
        for source in sources {
            assert!(slips(source, &scan::tokens(source)).is_empty(), "{source}");
        }
    }
}
