//! Writes the synthetic logs in `samples/`: one day of a plant of some 2,900 devices with its truth file, and the Java train.
//!
//! ```text
//! cargo run --release --example fleet_day [folder]
//! ```

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::{
    error::Error,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let samples = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
    };
    let day = fleet::fleet_day();
    fs::write(samples.join("fleet-day.jsonl.gz"), gzip(&day.text())?)?;
    fs::write(samples.join("fleet-day.truth.json"), day.truth())?;

    let mut train = fleet::java_609().lines().join("\n");
    train.push('\n');
    fs::write(samples.join("java-609.jsonl"), train)?;
    Ok(())
}

/// Gzip without name and time, so that the same text gives the same bytes.
fn gzip(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
