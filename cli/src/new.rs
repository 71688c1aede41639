//! `etiolog new`: scaffolds of packs, articles and symptoms, from nothing or from what a log holds.
//!
//! ```text
//! log ──log──▶ paths ──roles──▶ an input ──decode──▶ records ──classes──▶ classes ──write──▶ YAML and Markdown
//! ```
//!
//! Nothing that exists is overwritten, and nothing is written that would not pass `check` and `test` as it is.

mod classes;
mod decode;
mod extend;
mod head;
mod log;
mod propose;
mod roles;
mod shapes;
mod stamp;
mod write;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etiolog::Pack;
use etiolog::output::terminal;

use crate::args::{New, Scaffold};
use crate::exit::{Exit, Stop};
use crate::inputs::reason;
use crate::lookup::Lookup;
use crate::new::roles::Roles;
use crate::new::write::Article;
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &New) -> Result<Exit, Stop> {
    match &asked.what {
        Scaffold::Pack { name, from } => pack(name, from.as_deref()),
        Scaffold::Article { id, folder, from } => article(id, folder, from.as_deref()),
        Scaffold::Symptom { id, folder } => symptom(id, folder),
    }
}

fn pack(folder: &Path, from: Option<&Path>) -> Result<Exit, Stop> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_id(name) {
        return Err(Stop::Usage(format!("`{}` cannot name a pack: {ID_RULE}", folder.display())));
    }
    let log = from.map(log::read).transpose()?;
    let (roles, input) = match &log {
        None => (Roles::of_nothing(), write::input(&Roles::of_nothing(), None)),
        Some(log) => propose::input(name, log)?,
    };
    let id = roles.article_id();
    let rules = write::pack(name, &roles);
    let sound = propose::sound(Article::all(&id, &roles), |article| {
        Ok(Pack::from_texts([
            ("pack.yaml".to_owned(), rules.clone()),
            ("inputs/log.yaml".to_owned(), input.clone()),
            (format!("{id}.yaml"), article.rules()),
            (format!("{id}.md"), article.page(&write::today())),
        ]))
    })?;
    let files = [
        (folder.join("pack.yaml"), rules),
        (folder.join("inputs/log.yaml"), input),
        (folder.join(format!("{id}.yaml")), sound.rules()),
        (beside(folder).join(format!("{id}.md")), sound.page(&write::today())),
    ];
    create(&files)?;
    let mut said = wrote(&files);
    said.push_str(&roles.account());
    if log.is_none() {
        let input = folder.join("inputs/log.yaml");
        said.push_str(&format!("describe your log in {}, and fill in what is marked\n", input.display()));
    }
    said.push_str(&next(folder, from));
    say(&said)
}

fn article(id: &str, folder: &Path, from: Option<&Path>) -> Result<Exit, Stop> {
    if !is_id(id) {
        return Err(Stop::Usage(format!("`{id}` cannot name an article: {ID_RULE}")));
    }
    let files = [folder.join(format!("{id}.yaml")), beside(folder).join(format!("{id}.md"))];
    absent(files.iter())?;
    let pack = Pack::load(folder)?;
    let lookup = Lookup::new(vec![pack.clone()])?;
    let log = from.map(log::read).transpose()?;
    let roles = propose::in_pack(lookup.plan(), log.as_ref(), id)?;
    let sound = propose::sound(Article::all(id, &roles), |article| {
        let mut pack = pack.clone();
        pack.add(format!("{id}.yaml"), article.rules());
        pack.add(format!("{id}.md"), article.page(&write::today()));
        Ok(pack)
    })?;
    let [rules, page] = files;
    let files = [(rules, sound.rules()), (page, sound.page(&write::today()))];
    create(&files)?;
    let mut said = wrote(&files);
    said.push_str(&roles.account());
    said.push_str(&next(folder, from));
    say(&said)
}

fn symptom(id: &str, folder: &Path) -> Result<Exit, Stop> {
    let Some((article, name)) = id.split_once('#').filter(|(article, name)| is_id(article) && is_id(name))
    else {
        return Err(Stop::Usage(format!("`{id}` is not ARTICLE#SYMPTOM, such as `700#often-tripped`")));
    };
    let pack = Pack::load(folder)?;
    let lookup = Lookup::new(vec![pack.clone()])?;
    let Some(rules) = lookup.plan().articles().iter().find(|rules| *rules.id == *article) else {
        let known: Vec<&str> = lookup.plan().articles().iter().map(|rules| &*rules.id).collect();
        return Err(Stop::Usage(format!(
            "no rule file of this pack is called `{article}`; there are: {}",
            known.join(", ")
        )));
    };
    let taken = rules.symptoms.iter().filter_map(|&at| lookup.plan().symptoms().get(at));
    if taken.into_iter().any(|symptom| symptom.id.split_once('#').is_some_and(|(_, known)| known == name)) {
        return Err(Stop::Usage(format!("`{id}` exists already; nothing was written")));
    }
    let roles = propose::in_pack(lookup.plan(), None, name)?;
    let path = folder.join(format!("{article}.yaml"));
    let text = read(&path)?;
    let page = [folder.to_owned(), beside(folder)].map(|folder| folder.join(format!("{article}.md")));
    let page = page.into_iter().find(|page| page.is_file());
    let page = page.map(|page| Ok::<_, Stop>((read(&page)?, page))).transpose()?;
    let parts = Article::named(article, name, &roles);
    let longer = |parts: &Article<'_>| extend::rules(&text, parts);
    let longer_page =
        |page: &str, parts: &Article<'_>| format!("{}\n\n{}", page.trim_end(), parts.sections());
    let sound = propose::sound([parts.clone()], |parts| {
        let mut pack = pack.clone();
        let longer =
            longer(parts).ok_or_else(|| Stop::Usage("a section of it stands on one line".to_owned()))?;
        pack.add(format!("{article}.yaml"), longer);
        if let Some((text, _)) = &page {
            pack.add(format!("{article}.md"), longer_page(text, parts));
        }
        Ok(pack)
    });
    // What cannot be put in without a fault is left to the author, who sees what is meant.
    let Some((sound, text_of_rules)) = sound.ok().and_then(|sound| Some((sound.clone(), longer(&sound)?)))
    else {
        let said =
            format!("{}\nnothing was written: put these lines into {}\n", parts.rules(), path.display());
        return say(&said);
    };
    replace(&path, &text, &text_of_rules)?;
    let mut said = format!("added {id} to {}\n", path.display());
    if let Some((text, page)) = &page {
        replace(page, text, &longer_page(text, &sound))?;
        said.push_str(&format!("added its sections to {}\n", page.display()));
    }
    said.push_str(&next(folder, None));
    say(&said)
}

/// The next steps, as commands that can be copied.
fn next(folder: &Path, log: Option<&Path>) -> String {
    let shown = folder.to_string_lossy();
    // A folder that is called like a shipped pack, or an option, has to be told apart from it.
    let plain = Pack::shipped_names().any(|known| known == shown) || shown.starts_with('-');
    let folder = word(&if plain { format!("./{shown}") } else { shown.into_owned() });
    let log = log.map_or("LOG".to_owned(), |log| word(&log.to_string_lossy()));
    format!(
        "next: etiolog check {folder}\nnext: etiolog test {folder}\nnext: etiolog diagnose -r {folder} {log}\n"
    )
}

/// Text as one word of a shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

const ID_RULE: &str = "it is made of letters, digits, `-` and `_`";

fn is_id(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Where the articles of a pack stand: in `knowledge/NAME` when that stands beside `rules/NAME`, else with the rules.
fn beside(folder: &Path) -> PathBuf {
    let split = |folder: &Path| {
        let (name, rules) = (folder.file_name()?, folder.parent()?);
        let pages = rules.parent()?.join("knowledge");
        (rules.file_name()? == "rules" && pages.is_dir()).then(|| pages.join(name))
    };
    split(folder).unwrap_or_else(|| folder.to_owned())
}

/// Makes all files, or none when one exists.
fn create(files: &[(PathBuf, String)]) -> Result<(), Stop> {
    absent(files.iter().map(|(path, _)| path))?;
    for (path, text) in files {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| fs::File::create_new(path));
        let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|why| unwritten(path, &why))?;
    }
    Ok(())
}

/// Refuses when one of these is there, be it a link to nothing.
fn absent<'p>(mut paths: impl Iterator<Item = &'p PathBuf>) -> Result<(), Stop> {
    match paths.find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(Stop::Usage(format!("`{}` exists already; nothing was written", path.display()))),
        None => Ok(()),
    }
}

/// Puts a longer text in the place of a shorter one; the old one stays when the disk is full.
fn replace(path: &Path, old: &str, new: &str) -> Result<(), Stop> {
    if read(path)? != old {
        return Err(Stop::Usage(format!(
            "`{}` was changed by someone else; nothing was written",
            path.display()
        )));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    fs::write(&beside, new).and_then(|()| fs::rename(&beside, path)).map_err(|why| unwritten(path, &why))
}

fn read(path: &Path) -> Result<String, Stop> {
    fs::read_to_string(path)
        .map_err(|why| Stop::Usage(format!("cannot read `{}`: {}", path.display(), reason(&why))))
}

fn unwritten(path: &Path, why: &io::Error) -> Stop {
    Stop::Usage(format!("cannot write `{}`: {}", path.display(), reason(why)))
}

fn wrote(files: &[(PathBuf, String)]) -> String {
    files.iter().map(|(path, _)| format!("wrote {}\n", path.display())).collect()
}

fn say(text: &str) -> Result<Exit, Stop> {
    let safe: String = text.lines().map(|line| format!("{}\n", terminal(line))).collect();
    style::write(safe.as_bytes())?;
    Ok(Exit::Done)
}
