//! What is asked, and whether all say the same.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one of them says of a log; what it was not asked is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// How many records there are.
    pub(crate) records: Option<u64>,
    /// How many of them carry the code 404104: a connection that was lost.
    pub(crate) disconnects: Option<u64>,
    /// How many devices have a record with a code 500xxx.
    pub(crate) failing: Option<u64>,
    /// How many devices have a lost connection and, not more than 60 s later, a successful connection.
    pub(crate) returned: Option<u64>,
    /// How many bytes the extracted fields have, for those that only extract.
    pub(crate) extracted: Option<u64>,
    /// How many devices there are.
    pub(crate) devices: Option<u64>,
    /// How many devices were forgotten to make room, by a whole diagnosis.
    pub(crate) forgotten: Option<u64>,
    /// CPU seconds of the work alone, where the reading of the file is not to count.
    pub(crate) cpu: Option<f64>,
}

impl Answer {
    /// One JSON object, as the peers print it.
    pub(crate) fn printed(out: &Path) -> io::Result<Answer> {
        Ok(serde_json::from_str(std::fs::read_to_string(out)?.trim())?)
    }

    /// The first number of the text, as `wc` prints it.
    pub(crate) fn counted(out: &Path) -> io::Result<Answer> {
        let text = std::fs::read_to_string(out)?;
        let records = text.split_whitespace().next().and_then(|word| word.parse().ok());
        Ok(Answer { records, ..Answer::default() })
    }

    /// The output of etiolog with the pack of the question.
    pub(crate) fn diagnosed(out: &Path) -> io::Result<Answer> {
        let (mut failing, mut returned) = (HashSet::new(), HashSet::new());
        let mut answer = Answer::default();
        for line in BufReader::new(File::open(out)?).lines() {
            let said: Value = serde_json::from_str(&line?)?;
            let present = |id: &str| {
                let of = |symptom: &Value| symptom["id"] == id && symptom["status"] == "present";
                said["symptoms"].as_array().is_some_and(|all| all.iter().any(of))
            };
            match said["type"].as_str() {
                Some("diagnosis") => {
                    let subject = said["subject"].to_string();
                    if present("question#failing") {
                        failing.insert(subject.clone());
                    }
                    if present("question#returned") {
                        returned.insert(subject);
                    }
                }
                Some("summary") => {
                    let of = |key: &str| said[key].as_u64().unwrap_or_default();
                    answer.records = said["records"]["read"].as_u64();
                    answer.disconnects = Some(of("explained") + of("benign") + of("unexplained"));
                }
                _ => {}
            }
        }
        answer.failing = Some(failing.len() as u64);
        answer.returned = Some(returned.len() as u64);
        Ok(answer)
    }

    /// The summary of a whole diagnosis: how many records it has accounted for.
    pub(crate) fn summed_up(out: &Path) -> io::Result<Answer> {
        let last = BufReader::new(File::open(out)?).lines().last().transpose()?.unwrap_or_default();
        let said: Value = serde_json::from_str(&last)?;
        // Where nobody was forgotten the summary says nothing of it.
        let forgotten = said["evicted"].as_u64().or(Some(0));
        Ok(Answer { records: said["records"]["read"].as_u64(), forgotten, ..Answer::default() })
    }

    /// Whether the answer is the true one, in a few words: `all 4` or `returned 219, true 155`.
    pub(crate) fn against(&self, truth: &Answer) -> Verdict {
        let four = [self.records, self.disconnects, self.failing, self.returned].iter().all(Option::is_some);
        let asked = [
            ("records", self.records, truth.records),
            ("disconnects", self.disconnects, truth.disconnects),
            ("failing", self.failing, truth.failing),
            ("returned", self.returned, truth.returned),
            ("bytes", self.extracted, truth.extracted),
        ];
        let answered = asked.iter().filter(|(_, said, _)| said.is_some()).count();
        let wrong: Vec<String> = asked
            .iter()
            .filter_map(|&(name, said, truth)| {
                said.filter(|said| Some(*said) != truth).map(|said| {
                    let truth = truth.map_or_else(|| "none".to_owned(), |truth| truth.to_string());
                    format!("{name} {said}, truly {truth}")
                })
            })
            .collect();
        match (answered, wrong.is_empty()) {
            (0, _) => Verdict { right: false, words: "none".into() },
            (_, true) if four => Verdict { right: true, words: "all four".into() },
            (_, true) => {
                let names: Vec<&str> =
                    asked.iter().filter(|(_, said, _)| said.is_some()).map(|(name, ..)| *name).collect();
                Verdict { right: true, words: names.join(", ") }
            }
            (_, false) => Verdict { right: false, words: format!("**{}**", wrong.join("; ")) },
        }
    }
}

/// Whether an answer is right, and the words for it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Whether everything that was answered is true.
    pub(crate) right: bool,
    /// What is right, or what is not.
    pub(crate) words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_number_is_named_beside_the_true_one() {
        let truth = Answer { records: Some(7), returned: Some(3), ..Answer::default() };
        let said = Answer { records: Some(7), returned: Some(4), ..Answer::default() };
        let verdict = said.against(&truth);
        assert!(!verdict.right);
        assert_eq!(verdict.words, "**returned 4, truly 3**");
    }

    #[test]
    fn what_was_not_asked_is_not_held_against_anyone() {
        let truth = Answer { records: Some(7), returned: Some(3), ..Answer::default() };
        let said = Answer { records: Some(7), ..Answer::default() };
        assert_eq!(said.against(&truth).words, "records");
        assert!(!Answer::default().against(&truth).right);
    }
}
