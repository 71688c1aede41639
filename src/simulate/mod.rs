//! Streams made from data: what a case gives, and labelled fleets.
//!
//! What comes in are the [`Case`](crate::rule::Case)s of a pack and the files in its `fleets/`; what leaves are events, or
//! records as bytes together with the truth about them. Nothing here judges, touches a disk or knows a clock, and all that
//! chance decides is drawn from names and seeds, so that the same input makes the same stream on every machine.
//!
//! A *fleet* is groups of subjects that behave: each subject walks through named states, writes records as it enters them
//! and stays for as long as chance says; *incidents* push many of them into another state at once. What happens is kept
//! apart from how it is written (*shapes*) and from what becomes of it on the way (*degradation*). `docs/simulate.md` says
//! how to write one.
//!
//! ```
//! use etiolog::Pack;
//! use etiolog::simulate::{Fleets, Simulation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fleets = Fleets::of(&Pack::shipped("azure-iot-hub")?)?;
//! let simulation = Simulation::new(&fleets, ["healthy-mixed"])?.seed(7).devices(20);
//! let (mut log, mut truth) = (Vec::new(), Vec::new());
//! simulation.write(&mut log, |label| {
//!     truth.push(label);
//!     Ok(())
//! })?;
//! assert!(log.starts_with(br#"{"time":"2026-03-02T"#));
//! assert!(truth.iter().all(|label| label.cause.is_none()));
//! # Ok(())
//! # }
//! ```

mod case;
mod cast;
mod chance;
mod degrade;
mod file;
mod fleet;
mod fleets;
mod form;
mod play;
mod reader;
mod shape;
mod simulation;
mod spread;
mod template;
mod truth;

pub(crate) use case::{Stretch, expand};
pub use degrade::Degradation;
pub use fleets::{Fleets, Listed, ShapeInfo};
pub use simulation::{Simulation, Written};
pub use truth::Label;
