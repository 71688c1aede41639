//! Diagnoses a log from one's own program: `cargo run --release --example embed samples/fleet-day.jsonl.gz`.

use std::fs::File;

use etiolog::{Engine, Pack, Pipeline};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a log")?;

    // Rules are compiled once; an engine is cheap to clone and shared between threads.
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub")?).build()?;

    // A pipeline is the memory of one stream.
    let mut pipeline = Pipeline::new(&engine);
    pipeline.read(&path, File::open(&path)?);
    let (diagnoses, summary) = pipeline.finish();

    for diagnosis in diagnoses.iter().filter(|diagnosis| diagnosis.severity > etiolog::Severity::Benign) {
        if diagnosis.explained_by.is_some() {
            continue;
        }
        let probability = diagnosis.cause().map(|cause| cause.probability.to_string()).unwrap_or_default();
        print(format_args!(
            "{:8} {} {} {probability}",
            diagnosis.severity, diagnosis.subject, diagnosis.verdict
        ));
        for symptom in diagnosis.present() {
            if let Some(first) = symptom.evidence.first() {
                print(format_args!("         {} since {}:{}", symptom.title, first.source, first.line));
            }
        }
    }
    print(format_args!(
        "{} records, {} problem events explained, {} benign, {} unexplained",
        summary.records.read, summary.explained, summary.benign, summary.unexplained
    ));
    Ok(())
}

fn print(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    // A reader that went away wants no more.
    drop(writeln!(std::io::stdout(), "{line}"));
}
