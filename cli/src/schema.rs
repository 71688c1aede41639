//! `etiolog schema`: the JSON Schema of a kind of file.

use etiolog::output;

use crate::args::{Described, Schema};
use crate::exit::{Exit, Stop};
use crate::style;

/// Runs the verb.
pub(crate) fn run(asked: &Schema) -> Result<Exit, Stop> {
    let schema = match asked.kind {
        Described::Diagnosis => output::schema::diagnosis(),
    };
    style::write(format!("{schema:#}\n").as_bytes())?;
    Ok(Exit::Done)
}
