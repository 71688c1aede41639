//! A rule file with more lines in it; every line that was there stays as it is.

use crate::new::write::Article;

/// The text with the parts of a symptom at the end of each section, new sections last. `None` when a section is not
/// written as lines under its key.
pub(super) fn rules(text: &str, article: &Article<'_>) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (key, part) in article.parts() {
        let part = part.lines().map(str::to_owned);
        let head = lines.iter().position(|line| line.split_once(':').is_some_and(|(known, _)| known == key));
        let Some(head) = head else {
            lines.extend([String::new(), format!("{key}:")]);
            lines.extend(part);
            continue;
        };
        let inline = lines.get(head)?.split_once(':')?.1.trim();
        if !inline.is_empty() && !inline.starts_with('#') {
            return None;
        }
        let body = lines.iter().skip(head + 1);
        let is_inside = |line: &&String| line.is_empty() || line.starts_with([' ', '#', '\t', '-']);
        let inside: Vec<&String> = body.take_while(is_inside).collect();
        // Behind the last line that says something: comments before the next section belong to that.
        let said = inside.iter().rposition(|line| line.starts_with([' ', '-']) && !line.trim().is_empty())?;
        let at = head + said + 2;
        lines.splice(at..at, part);
    }
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::roles::Roles;

    #[test]
    fn every_line_stays_and_the_new_ones_stand_in_their_sections() {
        let text = "etiolog: 1\nevents:\n  a: {word: a}\n\n# What is seen.\nsymptoms:\n  s: {}\n";
        let roles = Roles::of_nothing();
        let longer = rules(text, &Article::named("x", "often", &roles)).unwrap_or_default();
        let mut rest = longer.lines();
        assert!(text.lines().all(|line| rest.any(|known| known == line)), "{longer}");
        assert!(
            longer.contains("  a: {word: a}\n  # FILL IN")
                && longer.contains("  often-ends: {word: fill-in-over}\n\n# What is seen.\n"),
            "{longer}"
        );
        assert!(longer.contains("\n\ncauses:\n  why-often:\n"), "{longer}");
    }

    #[test]
    fn a_section_on_one_line_is_left_alone() {
        let roles = Roles::of_nothing();
        assert_eq!(rules("events: {a: {word: a}}\n", &Article::named("x", "often", &roles)), None);
    }
}
