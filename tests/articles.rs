//! The shipped articles hold together: they parse, link to what exists, and have the sections that rules name.

use etiolog::knowledge::{Article, Library};

fn library() -> Library {
    let shipped = [
        ("knowledge/azure-iot-hub/404104.md", include_str!("../knowledge/azure-iot-hub/404104.md")),
        ("knowledge/azure-iot-hub/401003.md", include_str!("../knowledge/azure-iot-hub/401003.md")),
        ("knowledge/azure-iot-hub/500xxx.md", include_str!("../knowledge/azure-iot-hub/500xxx.md")),
    ];
    let articles =
        shipped.map(|(file, text)| Article::parse(file, text).unwrap_or_else(|problem| panic!("{problem}")));
    Library::new(articles).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn no_link_is_dead() {
    let dead: Vec<_> = library().dead_links().iter().map(ToString::to_string).collect();
    assert_eq!(dead, Vec::<String>::new());
}

#[test]
fn every_symptom_and_cause_has_a_section_with_a_text() {
    let anchors = [
        ("404104", "network-or-crash"),
        ("404104", "shared-network-outage"),
        ("404104", "regular-drops"),
        ("404104", "renewal-chain"),
        ("404104", "irregular-drops"),
        ("404104", "mass-drop"),
        ("404104", "connected-dip"),
        ("404104", "never-back"),
        ("404104", "wall-clock-restart"),
        ("404104", "keep-alive-and-idle"),
        ("401003", "sas-token-expired"),
        ("401003", "credential-rejected"),
        ("401003", "clock-drift"),
        ("401003", "refused-then-connected"),
        ("401003", "refused-without-recovery"),
        ("401003", "worked-then-refused"),
        ("500xxx", "transient-hub-fault"),
        ("500xxx", "server-errors"),
    ];
    let library = library();
    for (article, anchor) in anchors {
        let found = library.section(&format!("{article}#{anchor}"));
        assert!(found.is_some_and(|(_, section)| section.text.len() > 100), "{article}#{anchor}");
    }
}

#[test]
fn every_article_begins_with_its_meaning_and_a_list_of_decisions() {
    for article in library().articles() {
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
    for name in ["503004", "50012", "400027"] {
        assert!(library.resolve(name).is_none(), "{name}");
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
    for (name, text) in [
        ("README", include_str!("../knowledge/README.md")),
        ("404104", include_str!("../knowledge/azure-iot-hub/404104.md")),
        ("401003", include_str!("../knowledge/azure-iot-hub/401003.md")),
        ("500xxx", include_str!("../knowledge/azure-iot-hub/500xxx.md")),
    ] {
        let long = text.lines().position(|line| line.chars().count() > 120);
        assert_eq!(long.map(|line| line + 1), None, "{name}");
    }
}
