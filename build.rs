//! Embeds `rules/<pack>/` and `knowledge/<pack>/`, so that `Pack::shipped` works for whoever depends on the crate.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=knowledge");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let mut code = String::from("/// Name, rule files and articles of each pack.\n");
    code.push_str("type Shipped = (&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);\n");
    code.push_str("static SHIPPED: &[Shipped] = &[\n");
    for pack in folders(&root.join("rules"))? {
        let name = pack.file_name().unwrap_or_default().to_string_lossy().into_owned();
        code.push_str(&format!("({name:?}, &["));
        embed(&root, &format!("rules/{name}"), "", "yaml", &mut code)?;
        embed(&root, &format!("rules/{name}"), "cases/", "", &mut code)?;
        embed(&root, &format!("rules/{name}"), "fleets/", "yaml", &mut code)?;
        embed(&root, &format!("rules/{name}"), "inputs/", "yaml", &mut code)?;
        embed(&root, &format!("rules/{name}"), "tables/", "yaml", &mut code)?;
        code.push_str("], &[");
        embed(&root, &format!("knowledge/{name}"), "", "md", &mut code)?;
        code.push_str("]),\n");
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("shipped.rs"), code)
}

/// Any extension will do when none is named. Names each file from the crate's folder as it is when the code is compiled: what was built here may be built again
/// elsewhere, as copied checkouts and restored caches are, and must not look back.
fn embed(root: &Path, folder: &str, inside: &str, extension: &str, code: &mut String) -> io::Result<()> {
    for file in sorted(&root.join(folder).join(inside))? {
        if file.is_file()
            && (extension.is_empty() || file.extension().is_some_and(|known| known == extension))
        {
            let name = format!("{inside}{}", file.file_name().unwrap_or_default().to_string_lossy());
            let path = format!("/{folder}/{name}");
            code.push_str(&format!(
                "({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"
            ));
        }
    }
    Ok(())
}

fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(sorted(of)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
