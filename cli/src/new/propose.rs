//! Proposals that are known to be sound: an input that reads the log, and rules that pass `check` and `test`.

use std::sync::Arc;

use etiolog::check::{cases, lint, proofs};
use etiolog::input::Mapping;
use etiolog::rule::Plan;
use etiolog::{Engine, Pack, Registry};

use crate::exit::Stop;
use crate::new::classes;
use crate::new::decode::{self, Decoded};
use crate::new::log::{Log, LogFormat};
use crate::new::roles::{self, Roles};
use crate::new::write::{self, Article};

/// The input of a new pack, and what the log is through it.
pub(super) fn input(name: &str, log: &Log) -> Result<(Roles, String), Stop> {
    let roles = roles::find(log);
    let (roles, input) = read_through(name, roles, log.clone())?;
    if !roles.nameless || roles.subject.is_none() {
        return Ok((roles, input));
    }
    read_through(name, roles::find(log).without_subject(), log.clone())
}

fn read_through(name: &str, mut roles: Roles, mut log: Log) -> Result<(Roles, String), Stop> {
    let plan = |roles: &Roles, log: &Log| {
        let mut bare = roles.clone();
        bare.problem = String::new();
        let input = write::input(roles, Some(log));
        let pack =
            Pack::from_texts([("pack.yaml", write::pack(name, &bare)), ("inputs/log.yaml", input.clone())]);
        let engine = Engine::builder().pack(pack).build()?;
        engine
            .plan()
            .inputs()
            .first()
            .cloned()
            .map(|mapping| (mapping, input))
            .ok_or(Stop::Usage(String::new()))
    };
    if plan(&roles, &log).is_err() {
        keep_templates(&mut log, |log| plan(&roles, log).is_ok());
    }
    let (mapping, input) = plan(&roles, &log)?;
    let decoded = through(&mapping, &log)?;
    let levels: Vec<&str> = roles.outer.iter().map(|(outer, _)| &**outer).chain([&*roles.level]).collect();
    let levels: Vec<String> = levels.into_iter().map(str::to_owned).collect();
    let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
    classes::classify(&mut roles, &mapping, &levels, &decoded);
    roles.blank = classes::blank(&mapping, &levels, "first-symptom");
    Ok((roles, input))
}

/// Leaves out the templates that no line would reach, or that cannot be written.
fn keep_templates(log: &mut Log, is_sound: impl Fn(&Log) -> bool) {
    let LogFormat::Text(shapes) = &mut log.format else { return };
    let all = std::mem::take(&mut shapes.lines);
    for shape in all {
        let LogFormat::Text(shapes) = &mut log.format else { return };
        let count = shape.count;
        shapes.lines.push(shape);
        if !is_sound(log)
            && let LogFormat::Text(shapes) = &mut log.format
        {
            shapes.lines.pop();
            shapes.others += count;
        }
    }
}

/// What a log is through the inputs of a pack; without one, something to be filled in.
pub(super) fn in_pack(plan: &Plan, log: Option<&Log>, name: &str) -> Result<Roles, Stop> {
    let schema = plan.schema();
    let levels: Vec<&str> = schema.level_names().collect();
    let level = levels.last().copied().unwrap_or("device").to_owned();
    let none = || Stop::Usage("the pack has no input yet: describe one in `inputs/*.yaml` first".to_owned());
    let mapping = match log {
        Some(log) => plan.inputs().iter().find(|mapping| decode::recognises(mapping, &log.text)),
        None => None,
    };
    let default = || plan.inputs().iter().find(|mapping| mapping.default).or(plan.inputs().first());
    let mapping = mapping.or_else(default).ok_or_else(none)?;
    let mut roles = Roles { level, classes: Vec::new(), ..Roles::of_nothing() };
    roles.time = (String::new(), roles.time.1);
    roles.blank = classes::blank(mapping, &levels, name);
    if roles.blank.is_none() {
        let missing =
            "the pack's input has no field besides its subjects: add one that says what happened first";
        return Err(Stop::Usage(missing.to_owned()));
    }
    if let Some(log) = log {
        let decoded = through(mapping, log)?;
        classes::classify(&mut roles, mapping, &levels, &decoded);
    }
    Ok(roles)
}

/// The records of a log, of which an input reads at least one.
fn through(mapping: &Arc<Mapping>, log: &Log) -> Result<Decoded, Stop> {
    let decoded = decode::decode(mapping, &log.text);
    if !decoded.records.is_empty() {
        return Ok(decoded);
    }
    let why = decoded.rejected.map_or("all are skipped", |reason| reason.sentence());
    Err(Stop::Usage(format!(
        "the input `{}` reads none of the {} records of `{}`: {why}; leave out --from, or describe the log in \
         inputs/*.yaml",
        mapping.name, decoded.read, log.name
    )))
}

/// The first variant of an article with which its pack passes `check` and `test`.
pub(super) fn sound<'a>(
    articles: impl IntoIterator<Item = Article<'a>>,
    pack: impl Fn(&Article<'a>) -> Result<Pack, Stop>,
) -> Result<Article<'a>, Stop> {
    let mut first = None;
    for variant in articles.into_iter().flat_map(Article::variants) {
        match fault(&variant, pack(&variant)?) {
            None => return Ok(variant),
            Some(fault) => first = first.or(Some(fault)),
        }
    }
    let why = first.unwrap_or_default();
    Err(Stop::Usage(format!("what was made up does not fit into this pack: {why}; nothing was written")))
}

/// What is wrong with a pack, as far as the article has a part in it.
fn fault(article: &Article<'_>, pack: Pack) -> Option<String> {
    let mine = format!("{}.", article.id());
    let own = |file: &str| file.rsplit(['/', '\\']).next().is_some_and(|file| file.starts_with(&mine));
    let found = lint(std::slice::from_ref(&pack), &Registry::builtin());
    if let Some(problem) = found.iter().find(|problem| own(&problem.file)) {
        return Some(problem.message.clone());
    }
    let engine = match Engine::builder().pack(pack).build() {
        Ok(engine) => engine,
        Err(error) => {
            let message = error.problems().first().map(|problem| problem.message.clone());
            return Some(message.unwrap_or_else(|| error.to_string()));
        }
    };
    if let Some(problem) = proofs(&engine).iter().find(|problem| own(&problem.file)) {
        return Some(problem.message.clone());
    }
    let report = cases(&engine, |case| *case.article == *article.id());
    let failed = report.failed().next().map(|case| format!("its case `{}` fails", case.name));
    failed.or_else(|| {
        let unseen = report.coverage.missing().find(|condition| own(&condition.file));
        unseen.map(|condition| format!("no case sees all of `{}`", condition.id))
    })
}
