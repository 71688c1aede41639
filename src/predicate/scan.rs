//! Source to tokens, before the parser sees it. Every source has tokens: what no predicate may hold is one too.

use std::ops::Range;

use crate::predicate::Fault;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Word,
    Number,
    /// A number with letters behind it: `5m`.
    Amount,
    /// `"…"`
    Text,
    /// Text in quotes that are not `"`.
    Quoted,
    /// `# …`, which is a comment in YAML and not here.
    Remark,
    Sign,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) span: Range<usize>,
}

/// The tokens of a source, and whether its last comment is closed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) all: Vec<Token>,
    pub(super) comments: usize,
    pub(super) open_comment: Option<usize>,
}

/// Reads the tokens of a source; its blanks and comments are none.
pub(super) fn tokens(source: &str) -> Tokens {
    let mut tokens = Tokens::default();
    let mut at = 0;
    while let Some(rest) = source.get(at..)
        && let Some(c) = rest.chars().next()
    {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if rest.starts_with("//") || rest.starts_with("/*") {
            tokens.comments += 1;
            match comment_len(rest) {
                Some(len) => at += len,
                None => {
                    tokens.open_comment = Some(at);
                    return tokens;
                }
            }
            continue;
        }
        let (what, len) = match c {
            '"' => (What::Text, quoted_len(rest, '"')),
            '\'' => (What::Quoted, quoted_len(rest, '\'')),
            '`' => (What::Quoted, quoted_len(rest, '`')),
            '\u{201c}' | '\u{201d}' | '\u{201e}' => (What::Quoted, curly_len(rest)),
            '#' if !rest.starts_with("#{") => (What::Remark, rest.find('\n').unwrap_or(rest.len())),
            '0'..='9' => number(rest),
            c if is_letter(c) => (What::Word, word_len(rest)),
            c => {
                let goes_on = rest.as_bytes().get(1).is_some_and(u8::is_ascii_punctuation);
                let sign = SIGNS.iter().find(|sign| goes_on && rest.starts_with(**sign));
                (What::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
            }
        };
        tokens.all.push(Token { what, span: at..at + len });
        at += len;
    }
    tokens
}

/// Signs of more than one character, those of other languages too.
const SIGNS: [&str; 30] = [
    "===", "!==", "..=", "&&=", "||=", "**=", "<<=", ">>=", "=>", "=<", "<>", "=~", "~=", "==", "!=", "<=",
    ">=", "&&", "||", "..", "+=", "-=", "*=", "/=", "%=", ":=", "??", "?.", "**", "::",
];

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_len(rest: &str) -> usize {
    rest.find(|c| !is_letter(c)).unwrap_or(rest.len())
}

/// Comments nest. `None` when it is not closed.
fn comment_len(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let (bytes, mut depth, mut at) = (rest.as_bytes(), 0_usize, 0);
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The length of a text, quotes included; up to the end of the line when it is not closed.
fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        match c {
            '\n' => return at,
            c if c == quote && !escaped => return at + quote.len_utf8(),
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn curly_len(rest: &str) -> usize {
    let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '\u{201c}' | '\u{201d}' | '"' | '\n'));
    end.map_or(rest.len(), |(at, c)| if c == '\n' { at } else { at + c.len_utf8() })
}

fn number(rest: &str) -> (What, usize) {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').len()
    };
    if ["0x", "0o", "0b"].iter().any(|radix| rest.starts_with(radix)) {
        return (What::Number, word_len(rest));
    }
    let mut len = digits(0);
    if rest.get(len..).is_some_and(|tail| tail.starts_with('.')) && starts_with_digit(rest, len + 1) {
        len += 1 + digits(len + 1);
    }
    if let Some(tail) = rest.get(len..).and_then(|tail| tail.strip_prefix(['e', 'E'])) {
        let sign = usize::from(tail.starts_with(['+', '-']));
        if starts_with_digit(tail, sign) {
            len += 1 + sign + digits(len + 1 + sign);
        }
    }
    match word_len(rest.get(len..).unwrap_or_default()) {
        0 => (What::Number, len),
        letters => (What::Amount, len + letters),
    }
}

fn starts_with_digit(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

/// Refuses a number that Rhai would read as another one.
pub(super) fn check_number(spelt: &str, span: &Range<usize>) -> Option<Fault> {
    let plain = spelt.replace('_', "");
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| plain.starts_with(prefix));
    let fits = match radix {
        // Bit patterns over i64::MAX would turn negative.
        Some((_, radix)) => plain.get(2..).is_some_and(|digits| i64::from_str_radix(digits, radix).is_ok()),
        None if plain.contains(['.', 'e', 'E']) => plain.parse::<f64>().is_ok_and(f64::is_finite),
        None => plain.parse::<i64>().is_ok(),
    };
    let fault = || Fault::new("too-large", span.clone(), format!("the number `{spelt}` is too large"));
    (!fits).then(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Vec<&str> {
        tokens(source).all.iter().map(|token| source.get(token.span.clone()).unwrap_or("(outside)")).collect()
    }

    #[test]
    fn tokens_are_found_whatever_the_source() {
        let cases: [(&str, &[&str]); 8] = [
            ("event.x>=1..5", &["event", ".", "x", ">=", "1", "..", "5"]),
            ("5.min 1.5e-3x 0xff", &["5", ".", "min", "1.5e-3x", "0xff"]),
            (r#""a \" 'b'" 'c "d"'"#, &[r#""a \" 'b'""#, r#"'c "d"'"#]),
            ("größe/* a /* b */ */== “x” // c", &["größe", "==", "“x”"]),
            ("a # b\n&& c", &["a", "# b", "&&", "c"]),
            ("\"open\n== 'open", &["\"open", "==", "'open"]),
            ("a /* b", &["a"]),
            ("", &[]),
        ];
        for (source, expected) in cases {
            assert_eq!(read(source), expected, "{source}");
        }
        assert_eq!(tokens("a /* b").open_comment, Some(2));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for spelt in
            ["9223372036854775808", "99999999999999999999", "1e999", "0xffffffffffffffff", "0x", "0b2"]
        {
            assert_eq!(check_number(spelt, &(0..1)).map(|fault| fault.code), Some("too-large"), "{spelt}");
        }
        for spelt in ["9223372036854775807", "1e308", "0x7fffffffffffffff", "1_000", "1.5E-3"] {
            assert_eq!(check_number(spelt, &(0..1)), None, "{spelt}");
        }
    }
}
