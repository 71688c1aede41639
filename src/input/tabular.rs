//! Rows under columns, as CSV and as the answers of query services. Their framing hands each row on as the JSON object that
//! it stands for, so that a path leads through JSON inside a column as it does everywhere.

use crate::input::{Format, Framing, Json, Paths, Row};
use crate::model::Reject;

/// Values separated by commas, semicolons or tabs (RFC 4180) under a header that names them. Every value is text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv;

/// JSON in which tables have `columns` and `rows`: `{"tables":[{"columns":[{"name":"at"}],"rows":[["2026-03-04"]]}]}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Table;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn framing(&self) -> Framing {
        Framing::Csv
    }

    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
        Json.decode(record, wanted, row)
    }
}

impl Format for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn framing(&self) -> Framing {
        Framing::Table
    }

    fn decode(&self, record: &[u8], wanted: &Paths, row: &mut Row) -> Result<(), Reject> {
        Json.decode(record, wanted, row)
    }
}
