//! The mix on which calibration is measured, held against the priors of the rules.

use std::collections::{BTreeMap, BTreeSet};

use etiolog::simulate::{Fleets, Simulation};
use etiolog::{Engine, Pack, Subject};

/// The cause that a fleet is about: the one whose name its own begins with.
fn named<'a>(fleet: &str, causes: &BTreeMap<&'a str, f64>) -> Option<&'a str> {
    causes.keys().copied().find(|cause| fleet.starts_with(&cause.replace('#', "-")))
}

/// Of healthy devices nothing is counted, and of causes of hubs there is one hub each.
#[test]
fn each_cause_of_devices_is_as_frequent_in_the_mix_as_its_prior_says() {
    let pack = Pack::shipped("azure-iot-hub").unwrap();
    let fleets = Fleets::of(&pack).unwrap_or_else(|why| panic!("{why}"));
    let engine = Engine::builder().pack(pack).build().unwrap();
    let causes: BTreeMap<&str, f64> =
        engine.plan().causes().iter().map(|cause| (&*cause.id, cause.prior)).collect();
    let mix = fleets.list().find(|fleet| fleet.name == "mix").unwrap();

    let mut labels = Vec::new();
    let simulation = Simulation::new(&fleets, ["mix"]).unwrap().seed(1).devices(SIZE);
    let written = simulation.write(&mut std::io::sink(), |label| {
        labels.push(label);
        Ok(())
    });
    written.unwrap();
    let ill = labels.iter().filter(|label| label.enough && label.cause.is_some());
    let (mut of_hubs, mut subjects) = (BTreeSet::new(), BTreeMap::<&str, BTreeSet<&Subject>>::new());
    for label in ill {
        let fleet = label.group.split('/').next().unwrap_or_default();
        if label.subject.level() == "hub" {
            of_hubs.insert(fleet);
        } else if label.cause.as_deref() == named(fleet, &causes) {
            subjects.entry(fleet).or_default().insert(&label.subject);
        }
    }
    let mut counts = BTreeMap::<&str, usize>::new();
    for (fleet, _) in mix.shares.iter().filter(|(fleet, _)| !of_hubs.contains(fleet)) {
        let Some(cause) = named(fleet, &causes) else {
            assert!(fleet.starts_with("healthy-"), "{fleet} is about no cause");
            continue;
        };
        *counts.entry(cause).or_default() += subjects.get(fleet).map_or(0, BTreeSet::len);
    }
    // So many for one: what remains is what the most frequent ones say.
    let (count, prior) =
        counts.iter().fold((0, 0.0), |(n, p), (cause, count)| (n + count, p + causes[cause]));
    let unit = count as f64 / prior;
    for (cause, count) in &counts {
        let (is, wanted) = (*count as f64, unit * causes[cause]);
        assert!(
            (is - wanted).abs() <= 0.2 * wanted + 2.0 * wanted.sqrt(),
            "{cause}: {is} devices of {count} have it in the mix, and by its prior {wanted:.1} should"
        );
    }
}

/// Enough that a prior of 2 % is more than chance.
const SIZE: u64 = 4_000;
