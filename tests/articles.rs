//! The shipped articles hold together: they parse, link to what exists, and have a section for all that rules name.

use std::sync::LazyLock;

use etiolog::knowledge::{Article, Library};
use etiolog::{Engine, Pack};

/// Both halves of each shipped pack.
static PACKS: LazyLock<Vec<(Engine, Library)>> = LazyLock::new(|| {
    let both = |name: &str| {
        let pack = Pack::shipped(name).unwrap();
        let library = pack.library().unwrap_or_else(|problems| panic!("{problems}"));
        (Engine::builder().pack(pack).build().unwrap_or_else(|problems| panic!("{problems}")), library)
    };
    Pack::shipped_names().map(both).collect()
});

fn library() -> Library {
    Pack::shipped("azure-iot-hub").unwrap().library().unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn no_link_is_dead() {
    let dead = PACKS.iter().flat_map(|(_, library)| library.dead_links());
    let dead: Vec<_> = dead.map(|problem| problem.to_string()).collect();
    assert_eq!(dead, Vec::<String>::new());
}

/// The lines of an article that belong to a section: from its heading to the next.
fn lines_of(article: &Article, anchor: &str) -> std::ops::Range<usize> {
    let at = article.sections().iter().position(|section| section.anchor == anchor).unwrap();
    let line = |at: usize| article.sections().get(at).map_or(usize::MAX, |section| section.line);
    line(at)..line(at + 1)
}

#[test]
fn every_symptom_has_a_section_that_says_what_is_looked_for_and_what_it_does_not_prove() {
    for (library, symptom) in PACKS.iter().flat_map(|(engine, library)| {
        assert!(!engine.plan().symptoms().is_empty());
        engine.plan().symptoms().iter().map(move |symptom| (library, symptom))
    }) {
        let (_, section) =
            library.section(&symptom.id).unwrap_or_else(|| panic!("no section {}", symptom.id));
        for part in ["**What etiolog looks for:**", "**What it does not prove:**"] {
            assert!(section.text.contains(part), "{} lacks {part}", symptom.id);
        }
    }
}

#[test]
fn every_cause_has_a_section_that_leads_to_a_symptom_and_says_what_to_do() {
    for (library, plan, cause) in PACKS.iter().flat_map(|(engine, library)| {
        assert!(!engine.plan().causes().is_empty());
        engine.plan().causes().iter().map(move |cause| (library, engine.plan(), cause))
    }) {
        let id = &*cause.id;
        let (article, section) = library.section(id).unwrap_or_else(|| panic!("no section {id}"));
        assert!(section.title.starts_with("Cause: "), "{id}: {}", section.title);
        let lines = lines_of(article, &section.anchor);
        let links = article.links().iter().filter(|link| lines.contains(&link.line));
        let targets: Vec<String> = links.map(|link| link.target.to_string()).collect();
        let explains: Vec<&str> = plan.explained_by(cause).map(|(symptom, _)| &*symptom.id).collect();
        assert!(targets.iter().any(|target| explains.contains(&target.as_str())), "{id}: {targets:?}");
        let ladder = article.section("what-to-do").is_some();
        assert!(section.text.contains("**What to do") || ladder, "{id} does not say what to do");
    }
}

#[test]
fn rule_files_and_articles_have_the_same_titles_and_names() {
    for (library, rules) in PACKS
        .iter()
        .flat_map(|(engine, library)| engine.plan().articles().iter().map(move |rules| (library, rules)))
    {
        let article = library.get(&rules.id).unwrap_or_else(|| panic!("no article {}", rules.id));
        assert_eq!(article.title(), &*rules.title);
        let mut names: Vec<&str> = article.aliases().collect();
        let mut known: Vec<&str> = rules.aliases.iter().map(|alias| &**alias).collect();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known, "{}", rules.id);
    }
}

#[test]
fn every_article_begins_with_its_meaning_and_a_list_of_decisions() {
    for article in PACKS.iter().flat_map(|(_, library)| library.articles()) {
        assert!(!article.lead().is_empty(), "{}", article.id());
        assert_eq!(article.sections().first().map(|section| section.anchor.as_str()), Some("in-one-minute"));
        assert!(article.section("where-the-sources-disagree").is_some(), "{}", article.id());
        assert!(article.sources().len() >= 5, "{}", article.id());
    }
}

#[test]
fn codes_and_names_of_internal_errors_resolve_to_one_article() {
    let library = library();
    for name in
        ["500001", "500008", "500123", "5000001", "503003", "ServiceUnavailable", "InternalServerError"]
    {
        assert_eq!(library.resolve(name).map(Article::id), Some("500xxx"), "{name}");
    }
    // A family with fewer open digits, and a code of its own, go before it.
    for (name, article) in [("500401", Some("5003xx")), ("503004", Some("503xxx")), ("50012", None)] {
        assert_eq!(library.resolve(name).map(Article::id), article, "{name}");
    }
}

#[test]
fn the_articles_refer_to_each_other_in_a_circle() {
    let library = library();
    let edge = |from: &str, to: &str| {
        library.links().any(|(article, link)| article.id() == from && link.target.to_string().starts_with(to))
    };
    assert!(edge("404104", "401003#sas-token-expired") && edge("401003", "404104"));
    assert!(edge("404104", "500xxx#transient-hub-fault") && edge("500xxx", "404104"));
}

#[test]
fn a_search_finds_the_page_that_is_about_it() {
    let library = library();
    let best = |words: &str| library.search(words).first().map(|(article, _)| article.id().to_owned());
    assert_eq!(best("500008").as_deref(), Some("500xxx"));
    assert_eq!(best("DeviceConnectionClosedRemotely").as_deref(), Some("404104"));
    assert_eq!(best("credential").as_deref(), Some("401003"));
}

#[test]
fn lines_fit_a_page() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge");
    let mut pages = vec![root.join("README.md")];
    for pack in Pack::shipped_names() {
        pages.extend(std::fs::read_dir(root.join(pack)).unwrap().map(|page| page.unwrap().path()));
    }
    assert!(pages.len() > PACKS.len());
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let long = text.lines().position(|line| line.chars().count() > 120);
        assert_eq!(long.map(|line| line + 1), None, "{}", page.display());
    }
}
