//! `etiolog new`: scaffolds of packs, articles and symptoms, from nothing or from what a log holds.
//!
//! ```text
//! log ──log──▶ records ──roles──▶ what is time, subject, level, code, word ──write──▶ YAML and Markdown
//! ```
//!
//! Nothing that exists is overwritten, and nothing is written before everything is known to be sound.

mod extend;
mod log;
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
        return Err(Stop::Usage(format!("`{name}` cannot name a pack: {ID_RULE}")));
    }
    let log = from.map(log::read).transpose()?;
    let roles = log.as_ref().map_or_else(Roles::of_nothing, roles::find);
    let id = roles.article_id();
    let article = Article::new(&id, &roles);
    let folder_shown = folder.display();
    let mut files = vec![
        (folder.join("pack.yaml"), write::pack(name, &roles)),
        (folder.join("inputs/log.yaml"), write::input(&roles, log.as_ref())),
        (folder.join(format!("{id}.yaml")), article.rules()),
    ];
    files.push((beside(folder).join(format!("{id}.md")), article.page(&write::today())));
    create(&files)?;
    let mut said = wrote(&files);
    said.push_str(&roles.account());
    said.push_str(&match from {
        Some(log) => format!("next: etiolog diagnose -r {folder_shown} {}\n", log.display()),
        None => format!("next: fill in inputs/log.yaml, then: etiolog diagnose -r {folder_shown} LOG\n"),
    });
    say(&said)
}

fn article(id: &str, folder: &Path, from: Option<&Path>) -> Result<Exit, Stop> {
    if !is_id(id) {
        return Err(Stop::Usage(format!("`{id}` cannot name an article: {ID_RULE}")));
    }
    let lookup = Lookup::new(vec![Pack::load(folder)?])?;
    let log = from.map(log::read).transpose()?;
    let roles = roles::in_pack(lookup.plan(), log.as_ref())?;
    let article = Article::new(id, &roles);
    let files = vec![
        (folder.join(format!("{id}.yaml")), article.rules()),
        (beside(folder).join(format!("{id}.md")), article.page(&write::today())),
    ];
    create(&files)?;
    let mut said = wrote(&files);
    said.push_str(&format!(
        "next: fill in the marked places, then: etiolog explain {id} -r {}\n",
        folder.display()
    ));
    say(&said)
}

fn symptom(id: &str, folder: &Path) -> Result<Exit, Stop> {
    let Some((article, name)) = id.split_once('#').filter(|(article, name)| is_id(article) && is_id(name))
    else {
        return Err(Stop::Usage(format!("`{id}` is not ARTICLE#SYMPTOM, such as `700#often-tripped`")));
    };
    let lookup = Lookup::new(vec![Pack::load(folder)?])?;
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
    let roles = roles::in_pack(lookup.plan(), None)?;
    let parts = Article::named(article, name, &roles);
    let path = folder.join(format!("{article}.yaml"));
    let text = read(&path)?;
    let longer = extend::rules(&text, &parts);
    // What cannot be put in without a fault is left to the author, who sees what is meant.
    let sound = longer.filter(|longer| {
        let mut pack = Pack::load(folder).unwrap_or_default();
        pack.add(format!("{article}.yaml"), longer.as_str());
        Lookup::new(vec![pack]).is_ok()
    });
    let Some(longer) = sound else {
        let said =
            format!("{}\nnothing was written: put these lines into {}\n", parts.rules(), path.display());
        return say(&said);
    };
    let page = [folder.to_owned(), beside(folder)].map(|folder| folder.join(format!("{article}.md")));
    let page = page.into_iter().find(|page| page.is_file());
    replace(&path, &text, &longer)?;
    let mut said = format!("added {id} to {}\n", path.display());
    if let Some(page) = page {
        let text = read(&page)?;
        replace(&page, &text, &format!("{}\n\n{}", text.trim_end(), parts.sections()))?;
        said.push_str(&format!("added its sections to {}\n", page.display()));
    }
    said.push_str(&format!(
        "next: fill in the marked places, then: etiolog explain '{id}' -r {}\n",
        folder.display()
    ));
    say(&said)
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
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Stop::Usage(format!("`{}` exists already; nothing was written", path.display())));
    }
    for (path, text) in files {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| fs::File::create_new(path));
        let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|why| unwritten(path, &why))?;
    }
    Ok(())
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
