//! Which packs `--rules` means.

use std::path::Path;

use etiolog::{Engine, Error, Pack};

use crate::exit::Stop;

/// Packs by name or folder; a rule file joins the pack named before it, or the shipped one that it fits.
pub(crate) fn load(named: &[String]) -> Result<Vec<Pack>, Stop> {
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
