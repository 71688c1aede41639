//! Paths, directories and patterns become sources, each a list of files in path order.
//!
//! What does not exist is found out here, before anything is read.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

/// A source is open while it is read, so their number is limited by what a system lets a program open.
const SOURCES: usize = 500;

/// Files that are read one after the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) files: Vec<File>,
}

/// One file, not yet open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// `None` is stdin.
    path: Option<PathBuf>,
    /// The path as reports show it.
    pub(crate) shown: String,
    /// Bytes on disk, when it is a regular file.
    pub(crate) size: Option<u64>,
}

/// What to do about an argument that means no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Refuse,
    /// Files may come later, if there is a place for them.
    Await,
}

impl File {
    /// `None` is stdin.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn new(path: PathBuf) -> Self {
        let size = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len());
        Self { shown: path.to_string_lossy().into_owned(), path: Some(path), size }
    }

    pub(crate) fn stdin() -> Self {
        Self { path: None, shown: "stdin".to_owned(), size: None }
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        match &self.path {
            Some(path) => Ok(Box::new(fs::File::open(path)?)),
            None => Ok(Box::new(io::stdin())),
        }
    }
}

/// What was asked for, as sources.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) sources: Vec<Source>,
    /// What was left out and why, for stderr.
    pub(crate) notes: Vec<String>,
    /// Arguments that mean no file, and why; only where files are waited for.
    pub(crate) missing: Vec<String>,
    /// Whether something that was asked for cannot be read.
    pub(crate) unreadable: bool,
}

impl Inputs {
    /// Bytes on disk, when all are regular files.
    pub(crate) fn size(&self) -> Option<u64> {
        self.sources.iter().flat_map(|source| &source.files).map(|file| file.size).sum()
    }
}

/// The files of one argument are one source, except where `split` names the source of a path; equal names are one
/// source, whatever argument they come from.
///
/// # Errors
///
/// A message, when something named does not exist, matches nothing or is named twice in a way that cannot be read.
pub(crate) fn gather(paths: &[PathBuf], split: impl Fn(&str) -> Option<String>) -> Result<Inputs, String> {
    collect(paths, split, Missing::Refuse)
}

/// The same while logs are followed: an argument that means no file yet, or none any more, is no error.
///
/// # Errors
///
/// A message, when a file could never come to where one is waited for.
pub(crate) fn gather_so_far(
    paths: &[PathBuf],
    split: impl Fn(&str) -> Option<String>,
) -> Result<Inputs, String> {
    collect(paths, split, Missing::Await)
}

fn collect(
    paths: &[PathBuf],
    split: impl Fn(&str) -> Option<String>,
    missing: Missing,
) -> Result<Inputs, String> {
    let mut inputs = Inputs::default();
    // A file that is reached twice is read once. Pipes are not files: what has no canonical path is not compared.
    let mut seen = BTreeSet::new();
    let mut split_names: Vec<(String, usize)> = Vec::new();
    for argument in paths {
        let name = argument.to_string_lossy().into_owned();
        if argument.as_os_str() == "-" {
            if !seen.insert(PathBuf::from("-")) {
                return Err("`-` is named twice; stdin can be read once".to_owned());
            }
            inputs.sources.push(Source { name: "stdin".to_owned(), files: vec![File::stdin()] });
            continue;
        }
        let mut own: Option<usize> = None;
        let files = match files_of(argument, &mut inputs) {
            Err(why) if missing == Missing::Await && may_come(argument) => {
                inputs.missing.push(why);
                continue;
            }
            files => files?,
        };
        for path in files {
            let real = fs::canonicalize(&path).ok();
            if real.as_ref().is_some_and(|real| !seen.insert(real.clone())) {
                inputs.notes.push(format!("{}: named more than once; read once", path.display()));
                continue;
            }
            // What names the source may stand above the directory that the user is in, or behind a link.
            let folders = [std::path::absolute(&path).ok(), real];
            let of_folder = |path: &PathBuf| split(&path.parent()?.to_string_lossy());
            let name_of_source = folders.iter().flatten().find_map(of_folder);
            let file = File::new(path);
            let at = match name_of_source {
                Some(name) => match split_names.iter().find(|(known, _)| *known == name) {
                    Some((_, at)) => *at,
                    None => {
                        split_names.push((name.clone(), inputs.sources.len()));
                        push(&mut inputs.sources, name)
                    }
                },
                None => *own.get_or_insert_with(|| push(&mut inputs.sources, name.clone())),
            };
            if let Some(source) = inputs.sources.get_mut(at) {
                source.files.push(file);
            }
        }
    }
    if inputs.sources.len() > SOURCES {
        return Err(format!(
            "{} sources are too many to read side by side; quote the pattern, or name the directory, and its files \
             become one source",
            inputs.sources.len()
        ));
    }
    Ok(inputs)
}

fn push(sources: &mut Vec<Source>, name: String) -> usize {
    sources.push(Source { name, files: Vec::new() });
    sources.len() - 1
}

/// Whether a file may still come to where an argument points.
fn may_come(argument: &Path) -> bool {
    let above = argument.parent().filter(|above| !above.as_os_str().is_empty());
    is_pattern(argument) || above.unwrap_or(Path::new(".")).is_dir()
}

/// The files that an argument means, in path order.
fn files_of(argument: &Path, inputs: &mut Inputs) -> Result<Vec<PathBuf>, String> {
    let shown = argument.display();
    match fs::metadata(argument) {
        Ok(meta) if meta.is_dir() => {
            fs::read_dir(argument).map_err(|why| format!("cannot read `{shown}`: {}", reason(&why)))?;
            let files = walk(argument, inputs, |_| true);
            if files.is_empty() { Err(format!("`{shown}` holds no files")) } else { Ok(files) }
        }
        Ok(_) => Ok(vec![argument.to_owned()]),
        Err(why) if why.kind() == io::ErrorKind::NotFound && is_pattern(argument) => {
            let (base, matcher) = pattern(argument)?;
            let matches = |path: &Path| path.ancestors().any(|above| matcher.is_match(above));
            let files = walk(&base, inputs, matches);
            if files.is_empty() { Err(format!("`{shown}` matches no files")) } else { Ok(files) }
        }
        Err(why) => Err(format!("cannot read `{shown}`: {}", reason(&why))),
    }
}

/// What went wrong, without the number of the system's error.
pub(crate) fn reason(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => why.to_string(),
    }
}

/// Regular files under a directory that are wanted, in path order; hidden ones are left out.
fn walk(base: &Path, inputs: &mut Inputs, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let here = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let mut files = Vec::new();
    let visible =
        |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(here).follow_links(true).sort_by_file_name().into_iter().filter_entry(visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = if base.as_os_str().is_empty() {
                    entry.path().strip_prefix(".").unwrap_or(entry.path()).to_owned()
                } else {
                    entry.into_path()
                };
                if wanted(&path) {
                    files.push(path);
                }
            }
            Ok(_) => {}
            // The base of a pattern need not exist: then nothing matches.
            Err(why) if why.depth() == 0 => {}
            Err(why) => {
                inputs.notes.push(why.to_string());
                inputs.unreadable = true;
            }
        }
    }
    files
}

fn has_meta(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Whether an argument could name logs: it exists, is a pattern, or means stdin.
pub(crate) fn may_be_read(argument: &str) -> bool {
    argument == "-" || has_meta(argument) || Path::new(argument).exists()
}

fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(has_meta)
}

/// The directory that a pattern starts from, and what it matches.
fn pattern(path: &Path) -> Result<(PathBuf, GlobMatcher), String> {
    let plain = |part: &Component<'_>| !part.as_os_str().to_str().is_some_and(has_meta);
    let base: PathBuf = path.components().take_while(plain).collect();
    // Rebuilt from its components, so that `./a` and `a//b` look like the paths that the walk gives.
    let whole: PathBuf = path.components().collect();
    let glob = GlobBuilder::new(&whole.to_string_lossy()).literal_separator(true).build();
    match glob {
        Ok(glob) => Ok((base, glob.compile_matcher())),
        Err(why) => Err(format!("`{}` is not a pattern: {}", path.display(), why.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own for each test.
    fn tree(name: &str, files: &[&str]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("etiolog-inputs-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        for file in files {
            let path = root.join(file);
            assert!(path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()));
            assert!(fs::write(&path, "x").is_ok());
        }
        root
    }

    fn listed(
        root: &Path,
        arguments: &[&str],
        split: fn(&str) -> Option<String>,
    ) -> Result<Vec<String>, String> {
        let paths: Vec<PathBuf> = arguments.iter().map(|argument| root.join(argument)).collect();
        let root = root.display().to_string();
        let short = |text: &str| text.replace(&root, "").trim_start_matches('/').to_owned();
        gather(&paths, split)
            .map(|inputs| {
                inputs
                    .sources
                    .iter()
                    .map(|source| {
                        let files: Vec<String> = source.files.iter().map(|file| short(&file.shown)).collect();
                        format!("{}: {}", short(&source.name), files.join(" "))
                    })
                    .collect()
            })
            .map_err(|message| short(&message))
    }

    fn one(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_directory_is_one_source_in_path_order_without_hidden_files() {
        let root = tree("dir", &["d/b.log", "d/a.log", "d/.hidden", "d/.git/x", "d/sub/c.log"]);
        assert_eq!(listed(&root, &["d"], one), Ok(vec!["d: d/a.log d/b.log d/sub/c.log".to_owned()]));
    }

    #[test]
    fn a_pattern_matches_files_and_everything_in_directories() {
        let root = tree("glob", &["x/2026-01/a.log", "x/2026-02/b.log", "x/2027-01/c.log", "x/2026.txt"]);
        assert_eq!(
            listed(&root, &["x/2026-*"], one),
            Ok(vec!["x/2026-*: x/2026-01/a.log x/2026-02/b.log".to_owned()])
        );
        assert_eq!(
            listed(&root, &["x/**/[bc].log"], one),
            Ok(vec!["x/**/[bc].log: x/2026-02/b.log x/2027-01/c.log".to_owned()])
        );
        assert_eq!(listed(&root, &["x/*.log"], one).map_err(|m| m.contains("matches no files")), Err(true));
        assert_eq!(listed(&root, &["nowhere/*"], one).map_err(|m| m.contains("matches no files")), Err(true));
    }

    #[test]
    fn a_path_that_exists_is_never_a_pattern() {
        let root = tree("literal", &["a[1].log", "a1.log"]);
        assert_eq!(listed(&root, &["a[1].log"], one), Ok(vec!["a[1].log: a[1].log".to_owned()]));
    }

    #[test]
    fn paths_split_into_sources_across_arguments() {
        let root = tree("split", &["h=a/1.log", "h=b/1.log", "h=a/2.log", "plain.log"]);
        let split = |path: &str| path.split_once("h=").and_then(|(_, rest)| rest.get(..1)).map(str::to_owned);
        assert_eq!(
            listed(&root, &["h=a/1.log", "h=b", "h=a", "plain.log"], split),
            Ok(vec!["a: h=a/1.log h=a/2.log".into(), "b: h=b/1.log".into(), "plain.log: plain.log".into()])
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_names_a_source_may_stand_above_the_argument_or_behind_a_link() {
        let root = tree("above", &["h=a/1.log", "h=b/1.log"]);
        let split = |path: &str| path.split_once("h=").and_then(|(_, rest)| rest.get(..1)).map(str::to_owned);
        assert!(std::os::unix::fs::symlink(root.join("h=b"), root.join("link")).is_ok());
        let expected = Ok(vec!["a: h=a/1.log".to_owned(), "b: link/1.log".to_owned()]);
        assert_eq!(listed(&root, &["h=a/1.log", "link"], split), expected);
    }

    #[test]
    fn a_file_named_twice_is_read_once() {
        let root = tree("twice", &["d/a.log"]);
        assert_eq!(listed(&root, &["d/a.log", "d"], one), Ok(vec!["d/a.log: d/a.log".to_owned()]));
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        let root = tree("missing", &["a.log"]);
        assert_eq!(
            listed(&root, &["a.log", "b.log"], one).map_err(|m| m.contains("no such file")),
            Err(true)
        );
        assert!(gather(&["-".into(), "-".into()], one).is_err());
    }

    #[test]
    fn an_empty_directory_is_an_error() {
        let root = tree("empty", &["d/.hidden"]);
        assert_eq!(listed(&root, &["d"], one).map_err(|m| m.contains("holds no files")), Err(true));
    }
}
