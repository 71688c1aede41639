//! The program `etiolog`: arguments in, an exit code out.
//!
//! It is an ordinary embedder of the library and sees only its public interface. Results go to stdout, everything else
//! to stderr.

mod args;
mod bench;
mod check;
mod diagnose;
mod exit;
mod explain;
mod feed;
mod follow;
mod inputs;
mod junit;
mod kinds;
mod lookup;
mod markdown;
mod new;
mod packs;
mod progress;
mod read;
mod rules;
mod schema;
mod self_check;
mod signals;
mod simulate;
mod state;
mod style;
mod test;
mod trace;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Verb};

fn main() -> ExitCode {
    let verb = match Args::try_parse() {
        Ok(args) => args.verb,
        Err(answer) => return exit::answer(&answer),
    };
    let json = verb.is_for_programs();
    let ended = match verb {
        Verb::Diagnose(asked) => diagnose::run(&asked),
        Verb::Explain(mut asked) => explain::run(&mut asked),
        Verb::Rules(asked) => rules::run(&asked),
        Verb::Test(asked) => test::run(&asked),
        Verb::New(asked) => new::run(&asked),
        Verb::Schema(asked) => schema::run(&asked),
        Verb::Check(asked) => check::run(&asked),
        Verb::Simulate(asked) => simulate::run(&asked),
        Verb::Bench(asked) => bench::run(&asked),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(stop) => stop.report(json),
    }
}
