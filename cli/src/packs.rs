//! Which packs `--rules` means, and what `--set` and `--settings` say of their tables.

use std::fs;
use std::path::Path;

use etiolog::yaml::{self, Node};
use etiolog::{Engine, Error, Pack};

use crate::args::Facts;
use crate::exit::Stop;

/// Packs by name or folder; a rule file joins the pack named before it, or the shipped one that it fits.
pub(crate) fn load(named: &[String], facts: &Facts) -> Result<Vec<Pack>, Stop> {
    let mut packs = find(named)?;
    if let Some(path) = &facts.settings {
        read_settings(&mut packs, path)?;
    }
    for setting in &facts.set {
        let Some((fact, value)) = setting.split_once('=') else {
            return Err(Stop::Usage(format!("--set needs TABLE.FACT=VALUE, not `{setting}`")));
        };
        set(&mut packs, fact.trim(), value.trim())?;
    }
    Ok(packs)
}

fn find(named: &[String]) -> Result<Vec<Pack>, Stop> {
    let mut packs: Vec<Pack> = Vec::new();
    // Whether the packs were not named, so that a rule file has to find its own.
    let mut homeless = false;
    for name in named {
        let path = Path::new(name);
        if Pack::shipped_names().any(|known| known == name) {
            packs.push(Pack::shipped(name)?);
            homeless = false;
        } else if path.is_dir() {
            packs.push(Pack::load(path)?);
            homeless = false;
        } else if path.exists() {
            if packs.is_empty() {
                packs = shipped()?;
                homeless = true;
            }
            let at = if homeless { home(&packs, path)? } else { packs.len().saturating_sub(1) };
            if let Some(pack) = packs.get_mut(at) {
                pack.add_file(path)?;
            }
        } else {
            let known: Vec<&str> = Pack::shipped_names().collect();
            let known = known.join(", ");
            return Err(Stop::Usage(format!(
                "no rules at `{name}`, and no shipped pack has that name: {known}"
            )));
        }
    }
    Ok(if packs.is_empty() { shipped()? } else { packs })
}

/// Sets a fact in each pack that has it.
fn set(packs: &mut [Pack], fact: &str, value: &str) -> Result<(), Stop> {
    let mut refusal = None;
    let mut known = false;
    for pack in packs.iter_mut() {
        let facts = pack.facts();
        match pack.set(fact, value).map(drop) {
            Ok(()) => known = true,
            Err(why) if facts.iter().any(|of_pack| of_pack.name == fact) => return Err(why.into()),
            // The pack that has tables at all gives the better advice.
            Err(why) if refusal.is_none() || !facts.is_empty() => refusal = Some(why),
            Err(_) => {}
        }
    }
    match refusal {
        Some(why) if !known => Err(why.into()),
        _ => Ok(()),
    }
}

/// A site's own facts, by table.
fn read_settings(packs: &mut [Pack], path: &Path) -> Result<(), Stop> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|why| Stop::Usage(format!("the settings `{shown}` cannot be read: {why}")))?;
    let document = yaml::document(&shown, &text).map_err(Error::rules)?;
    let entries = |node: &Node| node.map().map(<[_]>::to_vec).map_err(|problem| Error::rules(vec![problem]));
    for (table, facts) in entries(document.root())? {
        for (fact, value) in entries(&facts)? {
            let name = [table.scalar(), fact.scalar()].map(Option::unwrap_or_default).join(".");
            let text = value.text().map_err(|problem| Error::rules(vec![problem]))?;
            set(packs, &name, text)?;
        }
    }
    Ok(())
}

/// The pack to which a file belongs: the one in which it has the fewest faults.
fn home(packs: &[Pack], file: &Path) -> Result<usize, Error> {
    let mut best = (usize::MAX, 0);
    for (at, pack) in packs.iter().enumerate() {
        let mut pack = pack.clone();
        pack.add_file(file)?;
        let links = pack.library().map_or_else(|error| error.problems().len(), |_| 0);
        let rules = Engine::builder().pack(pack).build().map_or_else(|error| error.problems().len(), |_| 0);
        best = best.min((links + rules, at));
    }
    Ok(best.1)
}

fn shipped() -> Result<Vec<Pack>, Error> {
    Pack::shipped_names().map(Pack::shipped).collect()
}
