//! Causes and solutions: what they refer to, in any article.

use crate::model::SolutionKind;
use crate::rule::compile::{Build, follow, qualify};
use crate::rule::files::Article;
use crate::rule::schema::{CauseFile, Prior, SolutionFile};
use crate::rule::{Cause, Solution};
use crate::yaml::Node;

impl Build<'_> {
    /// A solution of its own; nothing when it is the same as another, or faulty.
    pub(super) fn solution(article: &str, id: &str, file: &SolutionFile) -> Option<Solution> {
        let texts = [
            (SolutionKind::Do, &file.act),
            (SolutionKind::Avoid, &file.avoid),
            (SolutionKind::Nothing, &file.nothing),
        ];
        let (kind, text) = texts.into_iter().find_map(|(kind, text)| Some((kind, text.as_ref()?)))?;
        let link = file.link.as_deref().map(Into::into);
        Some(Solution { id: format!("{article}#{id}").into(), kind, text: text.as_str().into(), link })
    }

    /// Causes come last: they may name symptoms, causes and solutions of any article. `at` is the article's place.
    pub(super) fn causes(&mut self, at: usize, article: &Article) {
        let mut own = Vec::new();
        for (id, node) in article.section("causes") {
            let Some(file) = article.file.causes.get(id) else { continue };
            if node.get("same-as").is_some() {
                if node.entries().len() > 1 {
                    let message = format!("cause `{id}` is the same as another and cannot say more");
                    self.faults.push(node.problem("wrong-shape", message));
                }
                continue;
            }
            if let Some(cause) = self.cause(article, id, node, file) {
                self.cause_ids.insert(cause.id.to_string(), Some(self.causes.len()));
                own.push(self.causes.len());
                self.causes.push(cause);
            }
        }
        for (_, node) in article.section("solutions") {
            if let (Some(_), Some(link)) = (node.get("same-as"), node.get("link")) {
                let message = "a solution that is the same as another has no link of its own";
                self.faults.push(link.problem("wrong-shape", message));
            }
        }
        if let Some(plan) = self.articles.get_mut(at) {
            plan.causes = own;
        }
    }

    fn cause(&mut self, article: &Article, id: &str, node: &Node, file: &CauseFile) -> Option<Cause> {
        let mut explains = Vec::new();
        let entries = node.get("explains").map_or(&[][..], Node::entries);
        let mut entries: Vec<_> = entries.iter().filter_map(|(key, _)| Some((key.scalar()?, key))).collect();
        entries.sort_by_key(|(word, _)| *word);
        for ((_, place), strength) in entries.into_iter().zip(file.explains.values()) {
            explains.extend(self.find_symptom(&article.id, place).map(|at| (at, strength.0)));
        }
        let mut solutions = Vec::new();
        for place in node.get("solutions").map_or(&[][..], Node::one_or_more) {
            solutions.extend(self.find_solution(&article.id, place));
        }
        let level = explains
            .iter()
            .filter_map(|&(at, _)| self.symptoms.get(at)?.as_ref())
            .map(|symptom| symptom.level);
        let level = level.min_by_key(|&level| self.schema.lineage(level).len()).unwrap_or(0);
        Some(Cause {
            id: format!("{}#{id}", article.id).into(),
            title: file.title.as_deref()?.into(),
            prior: file.prior.map_or(Prior::DEFAULT, |prior| prior.0),
            severity: file.severity?.0,
            level,
            explains,
            solutions,
        })
    }

    fn find_solution(&mut self, article: &str, place: &Node) -> Option<usize> {
        let id = qualify(article, place.scalar()?);
        let real = follow(&self.same_solutions, &id);
        match self.solution_ids.get(real) {
            Some(found) => *found,
            // One that is the same as nothing has been told where it says so.
            None if self.same_solutions.contains_key(&id) => None,
            None => {
                self.unknown(place, "unknown-solution", &id, |build| {
                    build.solution_ids.keys().chain(build.same_solutions.keys()).cloned().collect()
                });
                None
            }
        }
    }

    /// A solution that is the same as another must lead to one.
    pub(super) fn same_solutions(&mut self) {
        let dangling = self.same_solutions.keys().filter_map(|id| {
            let real = follow(&self.same_solutions, id);
            // What leads into a circle is told with the circle.
            let is_known = self.solution_ids.contains_key(real) || self.same_solutions.contains_key(real);
            (!is_known).then(|| self.same_solutions.get(id))?
        });
        let dangling: Vec<(String, Node)> =
            dangling.map(|same| (same.target.clone(), same.place.clone())).collect();
        for (target, place) in dangling {
            self.unknown(&place, "unknown-solution", &target, |build| {
                build.solution_ids.keys().cloned().collect()
            });
        }
    }

    /// A cause that is the same as another must lead to one, and stands among its article's causes too.
    pub(super) fn same_causes(&mut self) {
        let mut dangling = Vec::new();
        for (id, same) in &self.same_causes {
            let real = follow(&self.same_causes, id);
            match self.cause_ids.get(real) {
                // What leads into a circle is told with the circle.
                None if self.same_causes.contains_key(real) => {}
                None => dangling.push((same.target.clone(), same.place.clone())),
                Some(found) => {
                    if let Some(plan) = self.articles.get_mut(same.article) {
                        plan.causes.extend(found);
                    }
                }
            }
        }
        for (target, place) in dangling {
            self.unknown(&place, "unknown-cause", &target, |build| build.cause_ids.keys().cloned().collect());
        }
    }
}
