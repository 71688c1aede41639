use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::*;
use crate::input::json::{Json, parse};
use crate::input::{CellKind, Format};
use crate::model::Reject;

const PATHS: [&str; 10] = ["t", "a", "b", "p.a", "p.b", "p.q.a", "p.q.b", "p.q.r.a", "q.a", "q"];

fn wanted() -> Paths {
    let mut wanted = Paths::default();
    PATHS.iter().for_each(|path| {
        wanted.intern(path);
    });
    wanted
}

/// All that a row says: of each place whether it was met, the kind and the text; and whether the record is partial.
type Said = Result<(Vec<(bool, Option<(CellKind, String)>)>, bool), Reject>;

fn said(read: Result<(), Reject>, row: &Row) -> Said {
    let cell = |at| (row.has(at), row.get(at).map(|cell| (cell.kind(), cell.text().to_owned())));
    read.map(|()| ((0..PATHS.len()).map(cell).collect(), row.is_partial()))
}

/// The definition: a row that has seen nothing, and the parser.
fn plain(record: &[u8], wanted: &Paths) -> Said {
    let mut row = Row::default();
    let read = parse(record, wanted, &mut row);
    said(read, &row)
}

/// Decodes records one after another, each as a record on its own would be; gives how many had a known shape.
fn known<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> usize {
    let (wanted, mut row) = (wanted(), Row::default());
    let mut known = 0;
    for record in records {
        let record = record.as_ref();
        let mut copy = row.clone();
        known += usize::from(recall(record, &wanted, &mut copy));
        let read = Json.decode(record, &wanted, &mut row);
        assert_eq!(said(read, &row), plain(record, &wanted), "of {}", String::from_utf8_lossy(record));
    }
    known
}

#[test]
fn a_record_that_differs_in_values_only_is_known() {
    let record = |t: &str, a: &str, n: i32| {
        format!(
            r#"{{"t":"{t}","x":"{a}","b":{n},"p":"{{\"a\":\"{a}\",\"q\":\"{{\\\"a\\\":\\\"{t}\\\",\\\"b\\\":null}}\",\"y\":[{n},\"{a}\"]}}","z":"{t}"}}"#
        )
    };
    let records =
        [record("1", "one", 1), record("1", "two", -2), record("22", "two", 30), record("", "é", 4)];
    assert_eq!(known(records), 3);
}

#[test]
fn a_wanted_value_in_an_unusual_place_is_not_missed() {
    let usual = r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5"}"#;
    for unusual in [
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5","b":"6"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","a":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"b\":\"4\"}","z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5","t":"6"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5","p":{}}"#,
        r#"{"x":"2","t":"1","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\",\"a\":\"5\"}","z":"5"}"#,
        r#"{"t":"1","x":"2","p":{"a":"3","y":"4"},"z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"} ","z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}x","z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5"}x"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5""#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\",\"y\":\"4"}","z":"5"}"#,
        r#"{"t":"1","x":"2","p":"{\"a\":\"3\\\",\"b\":\"4\"}","z":"5"}"#,
        r#"{"t":"1\","x":"2","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5"}"#,
        r#"{"t":"1","x":"2\",\"a\":\"7","p":"{\"a\":\"3\",\"y\":\"4\"}","z":"5"}"#,
    ] {
        known([usual, unusual, usual, unusual]);
    }
}

#[test]
fn text_with_escapes_is_read_as_it_always_is() {
    let record = |t: &str, a: &str| format!(r#"{{"t":"{t}","p":"{{\"a\":\"{a}\"}}"}}"#);
    assert_eq!(known([record("x", "y"), record(r#"x\"\u0041\\"#, "y"), record("x", "y")]), 2);
    assert_eq!(known([record("x", "y"), record("x", r#"\\\"y\\u0041"#), record("x", "y")]), 1);
    let passed = record("x", "y");
    assert_eq!(known([&record("x", r"y\\n"), &passed, &passed, &record(r"x\n", "y")]), 1);
}

#[test]
fn a_word_that_is_no_value_makes_the_record_partial_as_ever() {
    assert_eq!(
        known([r#"{"a":1,"x":2}"#, r#"{"a":NaN,"x":2}"#, r#"{"a":007,"x":2}"#, r#"{"a":null,"x":-}"#]),
        3
    );
    assert_eq!(known([r#"{"a":null}"#, r#"{"a":}"#, r#"{"a":"null"}"#, r#"{"a":true}"#]), 1);
}

#[test]
fn shapes_are_those_of_the_wanted_paths() {
    let (mut one, mut two, mut row) = (Paths::default(), Paths::default(), Row::default());
    one.intern("a");
    two.intern("b");
    for _ in 0..3 {
        for (paths, expect) in [(&one, "1"), (&two, "2")] {
            assert_eq!(Json.decode(br#"{"a":"1","b":"2"}"#, paths, &mut row), Ok(()));
            assert_eq!(row.get(0).map(|cell| cell.text()), Some(expect));
        }
    }
}

#[test]
fn a_log_without_common_shapes_is_parsed_and_costs_no_more_memory_than_agreed() {
    let record = |n: usize| format!(r#"{{"t":"1","k{n}":"2","a":"3"}}"#);
    assert_eq!(known((0..6_000).map(record)), 0);
    let (wanted, mut row) = (wanted(), Row::default());
    for n in 0..6_000 {
        assert_eq!(Json.decode(record(n).as_bytes(), &wanted, &mut row), Ok(()));
        let places = row.shapes.tree(&wanted).map_or(0, |tree| tree.places.len());
        assert!(places <= 4 * MAX_BRANCHES, "{places} places");
    }
    let resting = row.shapes.tree(&wanted).map_or(0, |tree| tree.resting);
    assert!(resting > 0, "what does not help is not tried each time");
}

#[test]
fn what_is_long_is_not_learnt_as_a_whole() {
    let record = |n: usize| format!(r#"{{"t":"1","x":"{}","a":"3"}}"#, "y".repeat(n));
    let long = record(MAX_RECORD);
    assert_eq!(known([&long, &long, &long]), 0);
    let (wanted, mut row) = (wanted(), Row::default());
    for (n, ways) in [(MAX_STRETCH, 1), (4, 2)] {
        row.shapes = Shapes::default();
        assert_eq!(Json.decode(record(n).as_bytes(), &wanted, &mut row), Ok(()));
        let tree = row.shapes.tree(&wanted);
        assert_eq!(tree.and_then(|tree| tree.places.get(1)).map(Vec::len), Some(ways), "{n} bytes");
    }
}

#[test]
fn after_a_rest_a_log_with_common_shapes_is_known_again() {
    let odd = (0..TRIAL as usize).map(|n| format!(r#"{{"k{n}":"2","a":"3"}}"#));
    let rest = TRIAL * REST + 1;
    let even = (0..rest + 100).map(|n| format!(r#"{{"t":"{n}","a":"3"}}"#));
    assert_eq!(known(odd.chain(even)), 100);
}

/// A document whose members have an order and may have the same name.
#[derive(Clone, Debug)]
enum Doc {
    Word(&'static str),
    Text(String),
    Object(Vec<(&'static str, Doc)>),
    List(Vec<Doc>),
    /// A document as text.
    Written(Box<Doc>),
}

impl Doc {
    fn write(&self, blank: &str) -> String {
        let listed = |items: Vec<String>| items.join(&format!(",{blank}"));
        match self {
            Self::Word(word) => (*word).to_owned(),
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::List(items) => {
                format!("[{blank}{}]", listed(items.iter().map(|item| item.write(blank)).collect()))
            }
            Self::Object(members) => {
                let member = |(key, value): &(&str, Self)| format!("\"{key}\":{blank}{}", value.write(blank));
                format!("{{{}{blank}}}", listed(members.iter().map(member).collect()))
            }
            Self::Written(inner) => Value::from(inner.write(blank)).to_string(),
        }
    }

    /// Changes something somewhere, by the numbers.
    fn vary(&mut self, by: &mut impl Iterator<Item = usize>) {
        let mut next = || by.next().unwrap_or_default();
        let (what, which) = (next(), next());
        match self {
            Self::Word(word) => *word = WORDS[what % WORDS.len()],
            Self::Text(text) => *text = TEXTS[what % TEXTS.len()].to_owned(),
            Self::Written(inner) => inner.vary(by),
            Self::List(items) => {
                let len = items.len().max(1);
                items.get_mut(which % len).into_iter().for_each(|item| item.vary(by));
            }
            Self::Object(members) => {
                let len = members.len().max(1);
                let other = members.get((which + 1) % len).cloned();
                match (what % 8, members.get_mut(which % len), other) {
                    (0, Some(_), _) => members.rotate_left(which % len),
                    (1, _, Some(other)) => members.push(other),
                    (2, Some((key, _)), _) => *key = KEYS[next() % KEYS.len()],
                    (3, Some(_), _) => drop(members.remove(which % len)),
                    (_, Some((_, value)), _) => value.vary(by),
                    _ => {}
                }
            }
        }
    }
}

const KEYS: [&str; 9] = ["t", "a", "b", "p", "q", "r", "x", "\\u0061", "y\\\"z"];
const WORDS: [&str; 8] = ["1", "-2.5e3", "null", "true", "false", "NaN", "007", "12345678901"];
const TEXTS: [&str; 14] = [
    "",
    "one",
    "two",
    "pump-17",
    "a \"quoted\" word",
    "back\\slash",
    "two\nlines",
    "é😀",
    "{}",
    "{\"a\":1}",
    "{broken",
    "  {\"b\":\"x\"}",
    "a longer text than most, of several words",
    "trailing\\",
];

fn documents() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        1 => select(&WORDS[..]).prop_map(Doc::Word),
        2 => select(&TEXTS[..]).prop_map(|text| Doc::Text(text.to_owned())),
        2 => "[a-z\"\\\\\u{e9}\u{1f600}/]{0,10}".prop_map(Doc::Text),
    ];
    let members = |value: BoxedStrategy<Doc>| {
        prop::collection::vec((select(&KEYS[..]), value), 0..6).prop_map(Doc::Object).boxed()
    };
    let value = leaf.prop_recursive(5, 40, 5, move |inner| {
        let object = members(inner.clone().boxed());
        prop_oneof![
            2 => object.clone(),
            3 => object.prop_map(|object| Doc::Written(Box::new(object))),
            1 => prop::collection::vec(inner, 0..3).prop_map(Doc::List),
        ]
    });
    members(value.boxed())
}

/// What happens to the bytes of a record on their way.
#[derive(Clone, Debug)]
enum Harm {
    None,
    Cut(Index),
    Put(Index, u8),
    Insert(Index, &'static [u8]),
}

impl Harm {
    fn done(&self, mut record: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => {}
            Self::Cut(at) => record.truncate(at.index(record.len() + 1)),
            Self::Put(at, byte) => {
                let at = at.index(record.len().max(1));
                record.get_mut(at).into_iter().for_each(|place| *place = *byte);
            }
            Self::Insert(at, bytes) => {
                let at = at.index(record.len() + 1);
                record.splice(at..at, bytes.iter().copied());
            }
        }
        record
    }
}

fn harms() -> impl Strategy<Value = Harm> {
    let byte = select(b"\"\\{}[]:,a1 \n\t-n\x0c\0\xc3\xff".to_vec());
    let bytes: [&'static [u8]; 10] =
        [b"\\", b"\\\"", b"\\\\\\\"", b"\"", b" ", b",\"a\":1", b"\\u0022", b"{", b"}", b"\xf0\x9f"];
    prop_oneof![
        6 => Just(Harm::None),
        1 => any::<Index>().prop_map(Harm::Cut),
        2 => (any::<Index>(), byte).prop_map(|(at, byte)| Harm::Put(at, byte)),
        2 => (any::<Index>(), select(bytes.to_vec())).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Some documents, each again and again with small changes, mixed: every record is read as if it were the first.
    #[test]
    fn what_is_found_in_a_record_does_not_depend_on_those_before(
        mut documents in prop::collection::vec(documents(), 1..4),
        steps in prop::collection::vec((any::<Index>(), prop::collection::vec(0_usize..64, 0..12), harms(), 0..8), 1..40),
    ) {
        let mut records = Vec::new();
        for (which, by, harm, style) in &steps {
            let document = which.get(&documents);
            let mut varied = document.clone();
            if !by.is_empty() {
                varied.vary(&mut by.iter().copied());
            }
            let blank = if *style == 0 { " " } else { "" };
            records.push(harm.done(varied.write(blank).into_bytes()));
            records.push(document.write("").into_bytes());
            if *style == 1 {
                let at = which.index(documents.len());
                documents.get_mut(at).into_iter().for_each(|document| *document = varied.clone());
            }
        }
        known(&records);
    }
}
