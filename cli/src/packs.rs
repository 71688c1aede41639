//! Which packs `--rules` means.

use std::path::Path;

use etiolog::{Error, Pack};

use crate::exit::Stop;

/// Packs by name or folder; a rule file joins the pack named before it, or the shipped ones.
pub(crate) fn load(named: &[String]) -> Result<Vec<Pack>, Stop> {
    let mut packs: Vec<Pack> = Vec::new();
    for name in named {
        let path = Path::new(name);
        if Pack::shipped_names().any(|known| known == name) {
            packs.push(Pack::shipped(name)?);
        } else if path.is_dir() {
            packs.push(Pack::load(path)?);
        } else if path.exists() {
            if packs.is_empty() {
                packs = shipped()?;
            }
            if let Some(pack) = packs.last_mut() {
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

fn shipped() -> Result<Vec<Pack>, Error> {
    Pack::shipped_names().map(Pack::shipped).collect()
}
