//! `etiolog schema`: the JSON Schema of a kind of file.

use etiolog::rule::schema;
use etiolog::{Registry, output};

use crate::args::{Described, Schema};
use crate::exit::{Exit, Stop};
use crate::{bench, style};

/// Runs the verb.
pub(crate) fn run(asked: &Schema) -> Result<Exit, Stop> {
    let schema = match asked.kind {
        Described::Article => schema::article(&Registry::builtin()),
        Described::Pack => schema::pack(&Registry::builtin()),
        Described::Table => schema::table(&Registry::builtin()),
        Described::Input => schema::input(&Registry::builtin()),
        Described::Diagnosis => output::schema::diagnosis(),
        Described::Bench => bench::figures::schema(),
    };
    style::write(format!("{schema:#}\n").as_bytes())?;
    Ok(Exit::Done)
}
