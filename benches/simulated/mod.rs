//! Small logs of simulated fleets, made anew for each bench: the same bytes on every machine.

use etiolog::Pack;
use etiolog::simulate::{Fleets, Simulation};

const PACK: &str = "azure-iot-hub";

/// About so many bytes of a fleet that has every trouble, in a shape of the pack.
pub(crate) fn log(shape: &str, bytes: u64) -> Vec<u8> {
    let write = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let fleets = Fleets::of(&Pack::shipped(PACK)?)?;
        let simulation = Simulation::new(&fleets, ["mix"])?.seed(7).devices(500).size(bytes).shape(shape)?;
        let mut log = Vec::new();
        simulation.write(&mut log, |_| Ok(()))?;
        Ok(log)
    };
    write().unwrap_or_else(|error| panic!("{error}"))
}
