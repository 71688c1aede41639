//! The number of connected devices, from three sources: the log, the states of Event Grid, the metric itself.

use etiolog::simulate::{Fleets, Simulation};
use etiolog::{Diagnosis, Engine, Pack, Pipeline};

/// A fault of the hub that takes a fifth of its devices, in these shapes; what is said of the hub.
fn said_of_the_hub(shapes: &[&str]) -> Vec<Diagnosis> {
    let fleets = Fleets::of(&Pack::shipped("azure-iot-hub").unwrap()).unwrap();
    let engine = Engine::builder().pack(Pack::shipped("azure-iot-hub").unwrap()).build().unwrap();
    let mut pipeline = Pipeline::new(&engine);
    let sources: Vec<_> = shapes.iter().map(|shape| pipeline.open(shape)).collect();
    for (source, shape) in sources.into_iter().zip(shapes) {
        let fleet = Simulation::new(&fleets, ["500xxx-transient-hub-fault"]).unwrap().devices(100).seed(1);
        let mut bytes = Vec::new();
        fleet.shape(shape).unwrap().write(&mut bytes, |_| Ok(())).unwrap();
        pipeline.push(source, &bytes);
    }
    let (diagnoses, summary) = pipeline.finish();
    assert!(summary.records.balance() && summary.records.rejected_total() == 0);
    diagnoses.into_iter().filter(|diagnosis| diagnosis.subject.level() == "hub").collect()
}

fn present(diagnosis: &Diagnosis) -> Vec<&str> {
    let present = diagnosis.symptoms.iter().filter(|symptom| symptom.status.is_present());
    present.map(|symptom| &*symptom.id).collect()
}

#[test]
fn event_grid_alone_shows_the_dip_and_names_no_cause() {
    let said = said_of_the_hub(&["event-grid"]);
    let [said] = &said[..] else { panic!("{said:#?}") };
    assert_eq!(
        (present(said), &*said.verdict),
        (vec!["404104#connected-dip", "404104#long-dip"], "cannot-tell")
    );
}

#[test]
fn the_metric_alone_shows_the_dip_and_names_no_cause() {
    let said = said_of_the_hub(&["metric-points"]);
    let [said] = &said[..] else { panic!("{said:#?}") };
    assert_eq!((present(said), &*said.verdict), (vec!["404104#given-dip"], "cannot-tell"));
}

#[test]
fn the_metric_beside_the_log_does_not_count_a_second_time() {
    let probability = |said: &[Diagnosis]| {
        let [said] = said else { panic!("{said:#?}") };
        assert_eq!(&*said.verdict, "500xxx#transient-hub-fault");
        assert!(present(said).contains(&"404104#connected-dip"));
        said.causes[0].probability.get()
    };
    let log = probability(&said_of_the_hub(&["resource-log"]));
    let both = probability(&said_of_the_hub(&["resource-log", "metric-points"]));
    assert!(both <= log && log - both < 0.02, "{log} and {both}");
}
