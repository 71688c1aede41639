//! One integration binary: what an embedder, an author and an operator may rely on.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod api;
mod articles;
mod author;
mod bad_input;
mod bad_rules;
mod bounds;
mod case_classes;
mod cases;
mod codes;
mod detectors;
mod differential;
mod dips;
mod false_friends;
mod faults;
mod fleet;
mod fleet_day;
mod fleets;
mod forms;
mod hostile_yaml;
mod hub_codes;
mod inputs;
mod invariance;
mod mosquitto;
mod peers;
mod problems;
mod restart;
mod rules;
mod samples;
mod scenarios;
mod schemas;
mod semantics;
mod site_facts;
mod tables;
mod text_logs;
mod trace;
