//! Rows under columns: CSV and the answers of query services.

use super::*;

fn csv(text: &str, expect: &[&str]) {
    check_with(&Framer::new(Framing::Csv, 60), text.as_bytes(), expect);
}

fn table(text: &str, expect: &[&str]) {
    check_with(&Framer::new(Framing::Table, 60), text.as_bytes(), expect);
}

#[test]
fn a_row_under_a_header_is_an_object() {
    csv("a,b\n1,x\n2,\n", &[r#"2@4 {"a":"1","b":"x"}"#, r#"3@8 {"a":"2","b":""}"#]);
    csv("a,b\r\n1,x\r\n\r\n2,y", &[r#"2@5 {"a":"1","b":"x"}"#, r#"4@12 {"a":"2","b":"y"}"#]);
    csv("\u{feff}a\n1\n", &[r#"2@5 {"a":"1"}"#]);
    csv("\n \na\n1\n", &[r#"4@5 {"a":"1"}"#]);
    csv("", &[]);
    csv("a,b\n", &[]);
}

#[test]
fn quotes_hold_separators_quotes_and_line_ends() {
    csv("\"a\",\"b,c\"\n\"x\"\"y\",\"1,2\"\n", &[r#"2@10 {"a":"x\"y","b,c":"1,2"}"#]);
    csv("a,b\n\"one\r\ntwo\",3\n4,5\n", &[r#"2@4 {"a":"one\r\ntwo","b":"3"}"#, r#"4@17 {"a":"4","b":"5"}"#]);
    csv("a\n\"\"\n\"\"\"\"\n\"\\\"\n", &[r#"2@2 {"a":""}"#, r#"3@5 {"a":"\""}"#, r#"4@10 {"a":"\\"}"#]);
    csv("a,b\n\"{\"\"c\"\":\"\"d\"\"}\",\"\"", &[r#"2@4 {"a":"{\"c\":\"d\"}","b":""}"#]);
}

#[test]
fn the_header_tells_the_separator_and_may_come_again() {
    csv("a;b,c\n1,0;2\n", &[r#"2@6 {"a":"1,0","b,c":"2"}"#]);
    csv("\"a,b\"\tc\n1\t2\n", &[r#"2@8 {"a,b":"1","c":"2"}"#]);
    csv("a,b\n1,2\na,b\n3,4\n", &[r#"2@4 {"a":"1","b":"2"}"#, r#"4@12 {"a":"3","b":"4"}"#]);
}

#[test]
fn a_row_of_another_width_is_rejected() {
    csv("a,b\n1\n1,2,3\n4,5\n", &["2@4 !columns", "3@6 !columns", r#"4@12 {"a":"4","b":"5"}"#]);
}

#[test]
fn one_quote_too_many_takes_no_good_row_with_it() {
    csv(
        "a,b\n\"1,2\n3,4\n\"5\",6\n",
        &["2@4 !malformed", r#"3@9 {"a":"3","b":"4"}"#, r#"4@13 {"a":"5","b":"6"}"#],
    );
    csv("a,b\n1\",2\n3,4\n", &["2@4 !malformed", r#"3@9 {"a":"3","b":"4"}"#]);
    csv("a,b\n\"1\"x,2\n3,4\n", &["2@4 !malformed", r#"3@11 {"a":"3","b":"4"}"#]);
    // What seemed to be one row has the wrong width: its lines are read by themselves.
    csv("a,b\n\"1,2\n3,\"\n4,5\n", &["2@4 !columns", "3@9 !malformed", r#"4@13 {"a":"4","b":"5"}"#]);
    // Nothing closes it.
    csv("a,b\n\"1,2\n3,4\n5,6", &["2@4 !malformed", r#"3@9 {"a":"3","b":"4"}"#, r#"4@13 {"a":"5","b":"6"}"#]);
}

#[test]
fn rows_over_the_limit_are_passed_over() {
    let long = "x".repeat(70);
    let at = 4 + long.len() + 1;
    csv(&format!("a,b\n{long}\n3,4\n"), &["2@4 !oversize", &format!(r#"3@{at} {{"a":"3","b":"4"}}"#)]);
    csv(
        &format!("a,b\n\"1\n{long}\n3,4\n"),
        &["2@4 !oversize", "3@7 !oversize", &format!(r#"4@{} {{"a":"3","b":"4"}}"#, at + 3)],
    );
    csv("a,b\n1,\0\n3,4\n", &["2@4 !binary", r#"3@8 {"a":"3","b":"4"}"#]);
}

#[test]
fn what_is_no_header_is_rejected_and_the_next_line_tried() {
    csv("{\"a\":1}\na,b\n1,2\n", &["1@0 !malformed", r#"3@12 {"a":"1","b":"2"}"#]);
}

#[test]
fn the_rows_of_a_table_are_objects() {
    let answer = r#"{"tables":[{"name":"T","columns":[{"name":"a","type":"string"},{"name":"b","type":"long"}],"rows":[["x",1],["y\"]",null]]}]}"#;
    // The columns are longer than the limit.
    check_with(&Framer::new(Framing::Table, 50), answer.as_bytes(), &["1@33 !oversize"]);
    table(answer, &[r#"1@99 {"a":"x","b":1}"#, r#"1@107 {"a":"y\"]","b":null}"#]);
    let pretty = "{\n  \"Columns\": [\n    {\"ColumnName\": \"a\"},\n    \"b\"\n  ],\n  \"Rows\": [\n    [\n      \"x\",\n      [1, {\"c\": 2}]\n    ]\n  ]\n}";
    table(pretty, &["7@71 {\"a\":\"x\",\"b\":[1, {\"c\": 2}]}"]);
}

#[test]
fn several_tables_have_their_own_columns() {
    table(
        r#"[{"columns":["a"],"rows":[[1]]},{"columns":["b"],"rows":[[2]]}]"#,
        &[r#"1@26 {"a":1}"#, r#"1@57 {"b":2}"#],
    );
    table("{\"columns\":[\"a\"],\"rows\":[[1]]}\n{\"columns\":[\"b\"],\"rows\":[]}", &[r#"1@25 {"a":1}"#]);
}

#[test]
fn a_row_that_breaks_takes_no_good_row_with_it() {
    let with = |rows: &str, expect: &[&str]| {
        let text = format!("{{\"columns\":[\"a\",\"b\"],\n\"rows\":[\n{rows}\n]}}");
        table(&text, expect);
    };
    with("[1,2],\n[3],\n[4,5]", &[r#"3@31 {"a":1,"b":2}"#, "4@38 !columns", r#"5@43 {"a":4,"b":5}"#]);
    with("[1,2,\n[4,5]", &["3@31 !malformed", r#"4@37 {"a":4,"b":5}"#]);
    with("[1,\"2],\n[4,5]", &["3@31 !malformed", r#"4@39 {"a":4,"b":5}"#]);
    with("[1,{2],[4,5]", &["3@31 !malformed", r#"3@38 {"a":4,"b":5}"#]);
    with("null,[4,5]", &["3@31 !malformed"]);
    with("[4,\0],[4,5]", &["3@31 !binary", r#"3@37 {"a":4,"b":5}"#]);
    let (long, deep) = ("7".repeat(70), "[".repeat(70));
    with(&format!("[{long},1],[4,5]"), &["3@31 !oversize", r#"3@106 {"a":4,"b":5}"#]);
    let framer = Framer::new(Framing::Table, 1000);
    let text = format!("{{\"columns\":[\"a\"],\"rows\":[[{deep}],[1]]}}");
    check_with(&framer, text.as_bytes(), &["1@25 !too-deep", r#"1@98 {"a":1}"#]);
}

#[test]
fn what_holds_no_table_is_rejected() {
    table("{\"a\":{\"b\":1},\"c\":[{}]}\n{\"d\":2}", &["1@5 !malformed", "2@23 !malformed"]);
    table("{\"records\":[{\"a\":1}", &["1@12 !malformed"]);
    table("{\"a\":", &["1@0 !malformed"]);
    table("{\"columns\":[1],\"rows\":[[1]]}", &["1@11 !malformed", "1@23 !columns"]);
    table("a,b\n[1]\n", &["1@0 !malformed"]);
}

proptest! {
    #[test]
    fn rows_never_depend_on_the_cuts(
        text in "(a|,|;|\"|\"\"|\r?\n|1|\\PC| ){0,60}", limit in 4..40_usize, cuts in prop::collection::vec(0..60_usize, 0..5),
    ) {
        let framer = Framer::new(Framing::Csv, limit);
        prop_assert_eq!(cut(&framer, &[text.as_bytes()]), cut(&framer, &pieces(text.as_bytes(), &cuts)));
    }

    #[test]
    fn tables_never_depend_on_the_cuts(
        text in "(\"columns\":\\[\"a\"\\]|\"rows\":\\[|\\[1\\]|[\\[\\]{},\"\\\\1a\n: ]){0,40}", limit in 4..40_usize,
        cuts in prop::collection::vec(0..60_usize, 0..5),
    ) {
        let framer = Framer::new(Framing::Table, limit);
        prop_assert_eq!(cut(&framer, &[text.as_bytes()]), cut(&framer, &pieces(text.as_bytes(), &cuts)));
    }

    /// Whatever values there are: written with every field in quotes, they come back.
    #[test]
    fn values_that_are_quoted_come_back(rows in prop::collection::vec(("[^\0\u{1}-\u{8}\u{b}\u{e}-\u{1f}\u{7f}]{0,12}", "\\PC{0,12}"), 0..6)) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let line = |(a, b): &(String, String)| format!("{},{}\r\n", quoted(a), quoted(b));
        let text = format!("left,right\r\n{}", rows.iter().map(line).collect::<String>());
        let found = cut(&Framer::new(Framing::Csv, 1000), &[text.as_bytes()]);
        let read = found.iter().map(|record| {
            let (_, object) = record.split_once(' ').unwrap_or_default();
            let object: serde_json::Value = serde_json::from_str(object).unwrap_or_default();
            let field = |name: &str| object[name].as_str().map(str::to_owned);
            (field("left").unwrap_or_default(), field("right").unwrap_or_default())
        });
        prop_assert_eq!(read.collect::<Vec<_>>(), rows);
    }
}

fn pieces<'t>(text: &'t [u8], cuts: &[usize]) -> Vec<&'t [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|&at| at.min(text.len())).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([text.len()]);
    let mut from = 0;
    let piece = |to| text.get(std::mem::replace(&mut from, to)..to).unwrap_or_default();
    ends.map(piece).collect()
}
