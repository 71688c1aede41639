//! A first look at the spelling, before the parser: it refuses all that no predicate may hold, in words that help.
//!
//! What passes has no braces, no assignment and no keyword of a statement, so it can be nothing but an expression.

use crate::predicate::Fault;

/// Refuses what is not an expression, and slips that are common.
pub(super) fn scan(source: &str) -> Result<(), Fault> {
    let mut scanner = Scanner { source, at: 0, said: false, after_dot: false };
    while let Some(c) = scanner.rest().chars().next() {
        scanner.step(c)?;
    }
    if scanner.said { Ok(()) } else { Err(Fault::new("empty", 0, "the predicate says nothing")) }
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
    /// Whether anything but blanks and comments was seen.
    said: bool,
    after_dot: bool,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::new(code, self.at, message)
    }

    fn step(&mut self, c: char) -> Result<(), Fault> {
        let rest = self.rest();
        if c.is_whitespace() {
            self.at += c.len_utf8();
            return Ok(());
        }
        if rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            return Ok(());
        }
        if rest.starts_with("/*") {
            return self.comment();
        }
        self.said = true;
        let len = match c {
            '"' => text_len(rest),
            '0'..='9' => self.number()?,
            c if c.is_alphabetic() || c == '_' => self.word()?,
            _ => self.symbol(c)?,
        };
        self.after_dot = c == '.' && !rest.starts_with("..");
        self.at += len;
        Ok(())
    }

    /// Comments nest.
    fn comment(&mut self) -> Result<(), Fault> {
        let (rest, mut depth, mut at) = (self.rest().as_bytes(), 0_usize, 0);
        loop {
            match (rest.get(at), rest.get(at + 1)) {
                (Some(b'/'), Some(b'*')) => (depth, at) = (depth + 1, at + 2),
                (Some(b'*'), Some(b'/')) => (depth, at) = (depth - 1, at + 2),
                (Some(_), _) => at += 1,
                (None, _) => return Err(self.fault("predicate-syntax", "the comment is not closed")),
            }
            if depth == 0 {
                self.at += at;
                return Ok(());
            }
        }
    }

    fn number(&self) -> Result<usize, Fault> {
        let rest = self.rest();
        let digits = |from: usize| {
            let tail = rest.get(from..).unwrap_or_default();
            tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').len()
        };
        if let Some(radix) =
            [("0x", 16), ("0o", 8), ("0b", 2)].iter().find_map(|(p, r)| rest.starts_with(p).then_some(*r))
        {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let plain = rest.get(2..len).unwrap_or_default().replace('_', "");
            // Bit patterns over i64::MAX would turn negative.
            return match i64::from_str_radix(&plain, radix) {
                Ok(_) => Ok(len),
                Err(_) => Err(self.too_large(rest.get(..len).unwrap_or_default())),
            };
        }
        let mut len = digits(0);
        let mut whole = true;
        if rest.get(len..).is_some_and(|tail| tail.starts_with('.')) && digits(len + 1) > 0 {
            len += 1 + digits(len + 1);
            whole = false;
        }
        let exponent = rest.get(len..).and_then(|tail| tail.strip_prefix(['e', 'E']));
        if let Some(tail) = exponent {
            let sign = usize::from(tail.starts_with(['+', '-']));
            if digits(len + 1 + sign) > 0 {
                len += 1 + sign + digits(len + 1 + sign);
                whole = false;
            }
        }
        let spelt = rest.get(..len).unwrap_or_default();
        let tail = rest.get(len..).unwrap_or_default();
        let letters = tail.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(tail.len());
        if let Some(unit) = tail.get(..letters).filter(|unit| !unit.is_empty()) {
            return Err(self.unit(spelt, unit));
        }
        let plain = spelt.replace('_', "");
        let fits =
            if whole { plain.parse::<i64>().is_ok() } else { plain.parse::<f64>().is_ok_and(f64::is_finite) };
        if fits { Ok(len) } else { Err(self.too_large(spelt)) }
    }

    fn too_large(&self, spelt: &str) -> Fault {
        self.fault("too-large", format!("the number `{spelt}` is too large"))
    }

    fn unit(&self, number: &str, unit: &str) -> Fault {
        let meant = match unit {
            "ms" => "ms",
            "s" | "sec" | "secs" | "seconds" => "sec",
            "m" | "min" | "mins" | "minutes" => "min",
            "h" | "hour" | "hours" => "hours",
            "d" | "day" | "days" => "days",
            _ => "",
        };
        let fault = self.fault("predicate-syntax", format!("`{number}{unit}` is not a number"));
        match meant {
            "" => fault,
            unit => fault.with_help(format!("write `{number}.{unit}` for a span of time")),
        }
    }

    fn word(&self) -> Result<usize, Fault> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = rest.get(..len).unwrap_or_default();
        if self.after_dot {
            return Ok(len);
        }
        let operator = match word.to_ascii_lowercase().as_str() {
            "and" => "&&",
            "or" => "||",
            "not" => "!",
            _ if STATEMENTS.contains(&word) => {
                let fault = self.fault("not-allowed", format!("`{word}` is not allowed here"));
                return Err(fault.with_help("a predicate is one expression that is true or false"));
            }
            _ => return Ok(len),
        };
        let fault = self.fault("predicate-syntax", format!("`{word}` is not an operator"));
        Err(fault.with_help(format!("write `{operator}`")))
    }

    fn symbol(&self, c: char) -> Result<usize, Fault> {
        let rest = self.rest();
        for symbol in ["=>", "=<", "<>", "===", "!=="] {
            if rest.starts_with(symbol) {
                let meant = match symbol {
                    "=>" => ">=",
                    "=<" => "<=",
                    "===" => "==",
                    _ => "!=",
                };
                let fault = self.fault("predicate-syntax", format!("`{symbol}` is not an operator"));
                return Err(fault.with_help(format!("write `{meant}`")));
            }
        }
        for symbol in ["==", "!=", "<=", ">=", "&&", "||", "..=", ".."] {
            if rest.starts_with(symbol) {
                return Ok(symbol.len());
            }
        }
        match c {
            '<' | '>' | '!' | '+' | '-' | '*' | '/' | '%' | '(' | ')' | '[' | ']' | ',' | '.' => Ok(1),
            '=' => Err(self.fault("predicate-syntax", "`=` does not compare").with_help("write `==`")),
            '&' => Err(self.fault("predicate-syntax", "`&` is not an operator").with_help("write `&&`")),
            '|' => Err(self.fault("predicate-syntax", "`|` is not an operator").with_help("write `||`")),
            '\'' => Err(self.quotes(rest)),
            c => {
                let fault = self.fault("not-allowed", format!("`{}` is not allowed here", c.escape_debug()));
                Err(fault.with_help("a predicate is one expression that is true or false"))
            }
        }
    }

    fn quotes(&self, rest: &str) -> Fault {
        let fault = self.fault("predicate-syntax", "text stands in double quotes");
        match rest.get(1..).and_then(|tail| tail.split_once('\'')) {
            Some((text, _)) if text.len() <= 40 => {
                fault.with_help(format!("write `\"{}\"`", text.escape_debug()))
            }
            _ => fault,
        }
    }
}

/// The length of a text, quotes included; the parser reports one that is not closed.
fn text_len(rest: &str) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    rest.len()
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

    #[test]
    fn common_slips_get_advice() {
        let cases = [
            ("event.x == 1 and true", 13, "write `&&`"),
            ("event.x == 1 OR true", 13, "write `||`"),
            ("not true", 0, "write `!`"),
            ("event.x = 1", 8, "write `==`"),
            ("event.x === 1", 8, "write `==`"),
            ("event.x <> 1", 8, "write `!=`"),
            ("event.x => 1", 8, "write `>=`"),
            ("event.x =< 1", 8, "write `<=`"),
            ("true & true", 5, "write `&&`"),
            ("true | true", 5, "write `||`"),
            ("event.größe == 'a b'", 17, "write `\"a b\"`"),
            ("event.x > 5m", 10, "write `5.min` for a span of time"),
            ("event.x > 60s", 10, "write `60.sec` for a span of time"),
            ("event.x > 36h", 10, "write `36.hours` for a span of time"),
            ("event.x > 250ms", 10, "write `250.ms` for a span of time"),
            ("event.x > 7d", 10, "write `7.days` for a span of time"),
        ];
        for (source, offset, help) in cases {
            let fault = scan(source).err();
            assert_eq!(fault.as_ref().map(|f| f.offset), Some(offset), "{source}");
            assert_eq!(fault.and_then(|f| f.help).as_deref(), Some(help), "{source}");
        }
    }

    #[test]
    fn text_comments_and_fields_may_say_anything() {
        let sources = [
            "event.x == \"a and 'b' = 5m; {`\\\"#}\"",
            "event.x == 1 // a and 'b' = 5m",
            "event.x == 1 /* a and 'b' = 5m */",
            "event.and == 1 && event.not && event. or",
            "event.x5m == 1 && x_and_y == 1",
            "5.min > 1.5 && 1e3 > 1E-3 && 0x5d > 1_000 && event.x in 1..5",
            "\"open and",
        ];
        for source in sources {
            assert_eq!(scan(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for source in
            ["9223372036854775808", "99999999999999999999", "1e999", "0xffffffffffffffff", "0x", "0b2"]
        {
            assert_eq!(scan(source).map_err(|fault| fault.code), Err("too-large"), "{source}");
        }
        assert_eq!(scan("9223372036854775807 > 1e308 && 0x7fffffffffffffff > 1"), Ok(()));
    }
}
