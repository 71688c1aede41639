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
        embed(&pack, "", &["yaml"], &mut code)?;
        embed(&pack.join("inputs"), "inputs/", &["yaml"], &mut code)?;
        code.push_str("], &[");
        embed(&root.join("knowledge").join(&name), "", &["md"], &mut code)?;
        code.push_str("]),\n");
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("shipped.rs"), code)
}

fn embed(folder: &Path, prefix: &str, extensions: &[&str], code: &mut String) -> io::Result<()> {
    for file in sorted(folder)? {
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        if file.is_file() && extensions.contains(&extension.as_str()) {
            let name = format!("{prefix}{}", file.file_name().unwrap_or_default().to_string_lossy());
            code.push_str(&format!("({name:?}, include_str!({:?})),", file.display().to_string()));
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
