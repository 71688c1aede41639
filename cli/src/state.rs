//! A folder that keeps where a run stopped: two generations, replaced as a whole, for one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etiolog::{Checkpoint, Engine, Error, Pipeline};
use serde::{Deserialize, Serialize};

use crate::exit::{Stop, say};
use crate::follow::Kept;

/// The newest generation, the one before, and what is being written.
const NOW: &str = "state";
const BEFORE: &str = "state.before";
const NEXT: &str = "state.next";
const LOCK: &str = "lock";

/// What the program keeps beside the library's memory.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Host {
    /// How long the output file was.
    pub(crate) output: u64,
    pub(crate) files: Kept,
}

/// The folder, locked.
pub(crate) struct Store {
    folder: PathBuf,
    // Held for as long as the program lives.
    _lock: File,
}

impl Store {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or another process works with it.
    pub(crate) fn open(folder: &Path) -> Result<Self, Stop> {
        let failed =
            |why: &io::Error| Stop::Usage(format!("cannot keep state in `{}`: {why}", folder.display()));
        fs::create_dir_all(folder).map_err(|why| failed(&why))?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK));
        let lock = lock.map_err(|why| failed(&why))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Stop::Usage(format!("another process works with `{}`", folder.display())))
            }
            Err(TryLockError::Error(why)) => Err(failed(&why)),
        }
    }

    /// Goes on from the newest generation that is whole; `None` when there is none at all.
    ///
    /// # Errors
    ///
    /// When no generation can be used, or one was kept by a newer version and none that is newer still can be used.
    pub(crate) fn load(&self, engine: &Engine) -> Result<Option<(Pipeline, Host)>, Stop> {
        let mut faults = Vec::new();
        for name in [NOW, BEFORE] {
            let path = self.folder.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                Err(why) => {
                    faults.push(format!("`{}`: {why}", path.display()));
                    continue;
                }
            };
            match taken_in(engine, &bytes) {
                Ok(restored) => {
                    for fault in &faults {
                        say(&format!("warning: {fault}; going on from the generation before"));
                    }
                    return Ok(Some(restored));
                }
                // To go on from the one before would undo what the newer version has done.
                Err(why) if why.is_newer_checkpoint() => {
                    return Err(Stop::Usage(format!(
                        "`{}` was kept by a newer version of etiolog: {why}; go on with that version, or remove \
                         the folder to begin anew",
                        path.display()
                    )));
                }
                Err(why) => faults.push(format!("`{}` cannot be used: {why}", path.display())),
            }
        }
        if faults.is_empty() {
            return Ok(None);
        }
        Err(Stop::Usage(format!("{}; remove the folder to begin anew", faults.join("; "))))
    }

    /// Keeps a new generation.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the last one stays as it is.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> Result<(), Stop> {
        let failed = |why| Stop::Usage(format!("cannot keep state in `{}`: {why}", self.folder.display()));
        self.replace(&checkpoint.to_bytes()).map_err(failed)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let [now, before, next] = [NOW, BEFORE, NEXT].map(|name| self.folder.join(name));
        let mut file = File::create(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        // Between the two renames the one before is the newest; it is whole.
        match fs::rename(&now, &before) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        fs::rename(&next, &now)?;
        sync_folder(&self.folder)
    }
}

fn taken_in(engine: &Engine, bytes: &[u8]) -> Result<(Pipeline, Host), Error> {
    let checkpoint = Checkpoint::from_bytes(bytes)?;
    let damaged = |why| Error::checkpoint(format!("it is damaged: where the files were left: {why}"));
    let host = serde_json::from_slice(checkpoint.host()).map_err(damaged)?;
    let pipeline = Pipeline::restore(engine, &checkpoint)?;
    Ok((pipeline, host))
}

/// Names outlive a power cut only once their folder is written.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
