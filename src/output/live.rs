//! What a live stream says for a person as it happens: in full when something opens, briefly when it changes or is over.

use crate::model::{Change, Diagnosis, Severity};
use crate::output::escape::terminal;
use crate::output::group::{Explained, Group};
use crate::output::layout::{Page, Paint};
use crate::output::{human, text};

/// One diagnosis of a live stream, and an empty line.
pub(super) fn tell(page: &mut Page, change: Change, diagnosis: &Diagnosis) {
    let id = terminal(&diagnosis.id);
    let replaced =
        diagnosis.replaces.as_ref().map_or_else(String::new, |id| format!(", before {}", terminal(id)));
    page.line(&[(Paint::Bold, change.word()), (Paint::Dim, &format!("{id}{replaced}"))]);
    let group = Group::alone(diagnosis);
    let news = diagnosis.explained_by.is_none() && diagnosis.severity > Severity::Benign;
    match change {
        Change::Opened if news => text::entry(page, &group, &Explained::new()),
        Change::Opened | Change::Updated | Change::Resolved => {
            text::headline(page, &group);
            about(page, diagnosis);
            if let Some(parent) = &diagnosis.explained_by {
                let parent = terminal(parent);
                page.item((Paint::Bold, "part of"), &[(Paint::Plain, &parent)]);
            }
        }
        Change::Withdrawn => {
            let why = diagnosis.why.as_deref().map_or_else(String::new, human::prose);
            page.item(
                (Paint::Plain, ""),
                &[(Paint::Bold, &why), (Paint::Dim, &terminal(&diagnosis.verdict))],
            );
            about(page, diagnosis);
        }
    }
    page.gap();
}

fn about(page: &mut Page, diagnosis: &Diagnosis) {
    let subject = terminal(&diagnosis.subject.to_string()).into_owned();
    let times = human::times(diagnosis.first_seen, diagnosis.last_seen);
    page.item((Paint::Plain, ""), &[(Paint::Plain, &subject)]);
    page.item((Paint::Plain, ""), &[(Paint::Plain, &times)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    fn told(change: Change, mut diagnosis: Diagnosis) -> String {
        diagnosis.change = Some(change);
        let mut page = Page::new(80, false);
        tell(&mut page, change, &diagnosis);
        page.into_text()
    }

    #[test]
    fn what_opens_is_told_in_full_unless_it_is_expected_or_explained() {
        let full = told(Change::Opened, sample::crash(1));
        assert!(full.starts_with("opened ") && full.contains(" seen ") && full.contains(" do "), "{full}");
        for brief in [sample::renewal(1), sample::explained(1, "mains-1")] {
            let brief = told(Change::Opened, brief);
            assert!(!brief.contains(" seen ") && brief.ends_with("\n\n"), "{brief}");
        }
    }

    #[test]
    fn a_change_is_told_in_a_few_lines() {
        let mut updated = sample::explained(1, "mains-1");
        updated.replaces = Some("earlier".into());
        insta::assert_snapshot!(told(Change::Updated, updated), @"
        updated crash-1, before earlier
          warning The pump lost its network or crashed (83 %) net#loss
                  pump pump-1 of line north
                  2026-03-04 08:00:05 to 08:37:05 UTC (37m)
          part of mains-1
        ");
        insta::assert_snapshot!(told(Change::Resolved, sample::crash(1)), @"
        resolved crash-1
          warning The pump lost its network or crashed (83 %) net#loss
                  pump pump-1 of line north
                  2026-03-04 08:00:05 to 08:37:05 UTC (37m)
        ");
        let mut withdrawn = sample::crash(1);
        withdrawn.why = Some("it was not there".into());
        insta::assert_snapshot!(told(Change::Withdrawn, withdrawn), @"
        withdrawn crash-1
                  it was not there net#loss
                  pump pump-1 of line north
                  2026-03-04 08:00:05 to 08:37:05 UTC (37m)
        ");
    }
}
