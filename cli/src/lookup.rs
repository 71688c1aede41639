//! What an id means: the articles for people and the rules for machines, looked up together.

use etiolog::knowledge::{Article, Library};
use etiolog::rule::{ArticlePlan, Cause, Plan, Solution, Symptom};
use etiolog::{Engine, Pack, did_you_mean};

use crate::exit::Stop;

/// How many near ids are proposed for one that does not exist.
const PROPOSALS: usize = 3;

/// Everything that packs say, both halves.
pub(crate) struct Lookup {
    engine: Engine,
    /// Of each pack, in the order of the plan's packs.
    libraries: Vec<Library>,
}

/// What one id of an article stands for; at least one half is there.
pub(crate) struct Entry<'a> {
    pub(crate) id: String,
    pub(crate) page: Option<&'a Article>,
    pub(crate) rules: Option<&'a ArticlePlan>,
}

/// What the part of an article stands for.
pub(crate) enum Part<'a> {
    Symptom(&'a Symptom),
    Cause(&'a Cause),
    Solution(&'a Solution),
}

impl Lookup {
    /// Reads the rules and the articles of packs.
    pub(crate) fn new(packs: Vec<Pack>) -> Result<Self, Stop> {
        let libraries = packs.iter().map(Pack::library).collect::<Result<_, _>>()?;
        let builder = packs.into_iter().fold(Engine::builder(), |builder, pack| builder.pack(pack));
        Ok(Self { engine: builder.build()?, libraries })
    }

    /// The rules.
    pub(crate) fn plan(&self) -> &Plan {
        self.engine.plan()
    }

    /// The articles of a pack that have no rules.
    pub(crate) fn unruled(&self, pack: usize) -> impl Iterator<Item = &Article> {
        let ruled = |page: &&Article| self.rules_of(page.id()).is_none();
        self.libraries.get(pack).into_iter().flat_map(Library::articles).filter(ruled)
    }

    /// The article of this id, of this other name, or whose family (`500xxx`) the name belongs to. A name that is
    /// given outright goes before a family, whichever half gives it.
    pub(crate) fn entry(&self, name: &str) -> Option<Entry<'_>> {
        let plan = self.plan();
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let ruled =
            plan.articles().iter().find(|rules| is(&rules.id) || rules.aliases.iter().any(|alias| is(alias)));
        let paged = self.libraries.iter().filter_map(|library| library.resolve(name));
        let named = paged.clone().find(|page| is(page.id()) || page.aliases().any(is));
        let id = ruled
            .map(|rules| &*rules.id)
            .or_else(|| named.map(Article::id))
            .or_else(|| paged.clone().next().map(Article::id))
            .or_else(|| plan.article(name).map(|rules| &*rules.id))?;
        let page = self.libraries.iter().find_map(|library| library.get(id));
        Some(Entry { id: id.to_owned(), page, rules: self.rules_of(id) })
    }

    fn rules_of(&self, id: &str) -> Option<&ArticlePlan> {
        self.plan().articles().iter().find(|rules| &*rules.id == id)
    }

    /// The parts of this id (`article#part`): a symptom and a cause may share one.
    pub(crate) fn parts(&self, id: &str) -> Vec<Part<'_>> {
        let plan = self.plan();
        let symptoms =
            plan.symptoms().iter().filter(|part| part.id.eq_ignore_ascii_case(id)).map(Part::Symptom);
        let causes = plan.causes().iter().filter(|part| part.id.eq_ignore_ascii_case(id)).map(Part::Cause);
        let solutions =
            plan.solutions().iter().filter(|part| part.id.eq_ignore_ascii_case(id)).map(Part::Solution);
        symptoms.chain(causes).chain(solutions).collect()
    }

    /// The id that only stands for another, as it is written, and the other one.
    pub(crate) fn same_as(&self, id: &str) -> Option<(&str, &str)> {
        self.plan().same_as().find(|(known, _)| known.eq_ignore_ascii_case(id))
    }

    /// Ids that look like one that does not exist, or hold its words; the nearest first.
    pub(crate) fn near(&self, asked: &str) -> Vec<String> {
        let (name, part) = asked.split_once('#').unwrap_or((asked, asked));
        let parts = self.part_ids();
        let tail = |id: &str| id.split_once('#').map_or("", |(_, part)| part).to_owned();
        let mut near = Vec::new();
        // A part without its article, or with the wrong one.
        near.extend(parts.iter().filter(|id| tail(id).eq_ignore_ascii_case(part)).cloned());
        let home = self.entry(name);
        let known: Vec<String> = match &home {
            Some(home) => {
                parts.iter().filter(|id| id.starts_with(&format!("{}#", home.id))).cloned().collect()
            }
            None => parts,
        };
        let tails: Vec<String> = known.iter().map(|id| tail(id)).collect();
        if let Some(nearest) = did_you_mean(part, tails.iter().map(String::as_str)) {
            near.extend(known.iter().filter(|id| tail(id) == nearest).cloned());
        }
        match home {
            Some(home) => near.push(home.id),
            None => {
                near.extend(did_you_mean(name, self.names().iter().map(String::as_str)));
                // Shorter words begin too many others.
                let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
                let words = words.collect::<Vec<_>>().join(" ");
                let found = self.libraries.iter().flat_map(|library| library.search(&words));
                near.extend(found.map(|(page, _)| page.id().to_owned()));
            }
        }
        let mut proposed = Vec::new();
        for id in near {
            if !proposed.contains(&id) {
                proposed.push(id);
            }
        }
        proposed.truncate(PROPOSALS);
        proposed
    }

    /// The names of all articles.
    fn names(&self) -> Vec<String> {
        let ruled = self.plan().articles().iter();
        let ruled = ruled
            .flat_map(|rules| std::iter::once(&rules.id).chain(&rules.aliases))
            .map(|name| name.to_string());
        let pages = self.libraries.iter().flat_map(Library::articles);
        let pages =
            pages.flat_map(|page| std::iter::once(page.id()).chain(page.aliases())).map(str::to_owned);
        ruled.chain(pages).collect()
    }

    /// The ids of all parts and sections.
    fn part_ids(&self) -> Vec<String> {
        let plan = self.plan();
        let ids =
            plan.symptoms().iter().map(|part| &part.id).chain(plan.causes().iter().map(|part| &part.id));
        let ids = ids.chain(plan.solutions().iter().map(|part| &part.id)).map(|id| id.to_string());
        let same = plan.same_as().map(|(id, _)| id.to_owned());
        let pages = self.libraries.iter().flat_map(Library::articles);
        let sections = pages.flat_map(|page| {
            page.sections().iter().map(|section| format!("{}#{}", page.id(), section.anchor))
        });
        let facts = plan.packs().iter().flat_map(|pack| &pack.facts).map(|fact| fact.name.clone());
        let mut all: Vec<String> = Vec::new();
        for id in ids.chain(same).chain(sections).chain(facts) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }
}
