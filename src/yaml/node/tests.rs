use super::*;
use crate::yaml::document;

fn value(text: &str) -> Node {
    let read = document("f.yaml", &format!("v: {text}"));
    let node = read.ok().and_then(|document| document.root().get("v").cloned());
    node.unwrap_or_else(|| panic!("cannot read {text:?}"))
}

#[test]
fn durations_carry_their_unit() {
    let cases = [("1ms", 1), ("60s", 60_000), ("5m", 300_000), ("12h", 43_200_000), ("31d", 2_678_400_000)];
    for (text, millis) in cases {
        assert_eq!(value(text).duration(), Ok(Duration::from_millis(millis)), "{text}");
    }
    assert_eq!(value("1h30m").duration(), Ok(Duration::from_secs(5_400)));
    assert_eq!(value("'90s'").duration(), Ok(Duration::from_secs(90)));
    for text in ["5", "m", "5 m", "5min", "-5m", "1.5h", "~", "''", "[5m]", "5m!", "99999999999999999999d"] {
        assert_eq!(value(text).duration().map_err(|p| p.code), Err("wrong-type"), "{text}");
    }
    for text in ["0s", "32d", "31d1ms", "18446744073709551615ms"] {
        assert_eq!(value(text).duration().map_err(|p| p.code), Err("out-of-range"), "{text}");
    }
}

#[test]
fn a_range_of_time_runs_upwards() {
    let range = |text: &str| value(text).duration_range().map_err(|p| p.code);
    let (low, high) = (Duration::from_secs(300), Duration::from_secs(129_600));
    assert_eq!(range("5m..36h"), Ok((low, high)));
    assert_eq!(range("5m .. 36h"), Ok((low, high)));
    assert_eq!(range("5m..5m"), Ok((low, low)));
    for text in ["36h..5m", "0s..5m", "5m..32d"] {
        assert_eq!(range(text), Err("out-of-range"), "{text}");
    }
    for text in ["5m", "5m..", "..5m", "5m..6m..7m", "5m-6m", "[5m, 6m]"] {
        assert_eq!(range(text), Err("wrong-type"), "{text}");
    }
}

#[test]
fn shares_numbers_and_truth_are_strict() {
    assert_eq!((value("5%").share(), value("0.25").share()), (Ok(0.05), Ok(0.25)));
    for text in ["101%", "-1%", "2", "x", "~", "nan"] {
        assert_eq!(value(text).share().map_err(|p| p.code), Err("wrong-type"), "{text}");
    }
    assert_eq!((value("-7").integer(), value("1.5").number()), (Ok(-7), Ok(1.5)));
    for text in ["1_000", "'7'", "0x7", "7.0", "9223372036854775808", "|\n  7"] {
        assert_eq!(value(text).integer().map_err(|p| p.code), Err("wrong-type"), "{text}");
    }
    for text in [".inf", "inf", "nan", "1e400", "'1'"] {
        assert_eq!(value(text).number().map_err(|p| p.code), Err("wrong-type"), "{text}");
    }
    assert_eq!(value("8").integer_within(1, 7).map_err(|p| p.code), Err("out-of-range"));
    assert_eq!((value("true").boolean(), value("false").boolean()), (Ok(true), Ok(false)));
    for text in ["yes", "True", "'true'", "1"] {
        assert_eq!(value(text).boolean().map_err(|p| p.code), Err("wrong-type"), "{text}");
    }
}

#[test]
fn nothing_is_not_text() {
    for text in ["~", "null", "NULL", ""] {
        assert_eq!(value(text).text().map_err(|p| p.message), Err("expected text, found nothing".to_owned()));
    }
    assert_eq!(value("'~'").text(), Ok("~"));
    assert_eq!(value("7").text(), Ok("7"));
}

#[test]
fn a_misspelt_key_is_named_with_its_neighbour() {
    let node = value("{wihtin: 5m}");
    let problem = node.fields(&["event", "within"]).map(|_| ());
    let expected = "f.yaml:1:5: unknown key `wihtin` [unknown-key]\n  \
                    help: did you mean `within`? expected one of: event, within";
    assert_eq!(problem.map_err(|p| p.to_string()), Err(expected.to_owned()));
}

#[test]
fn a_missing_key_is_named() {
    let node = value("{event: drop}");
    let within = node.fields(&["event", "within"]).and_then(|fields| fields.required("within").map(|_| ()));
    assert_eq!(
        within.map_err(|p| (p.code, p.message)),
        Err(("missing-key", "missing key `within`".to_owned()))
    );
}
