//! What was one way for long and is now another, or goes back and forth.
//!
//! ```yaml
//! change: {from: connect, to: refusal, after: 7d}
//! change: {from: connect, to: refusal, at-least: 50, confirm: 5}
//! change: {event: connect, field: address, at-least: 4, within: 1h}
//! ```
//!
//! **Turning** (`from`, `to`). The *old way* is a row of `from` events without a `to` between them; it is long when its
//! first and its last lie at least `after` apart and there are `at-least` of them. An event of both classes is a `to`.
//! Once `confirm` (3) `to` events in a row have come after a long one, without a `from` between, the subject has turned:
//! they are claimed, and so is every later one until a `from` comes. Unknown while the `to` events are there and how it
//! was before is not: no other `to` was ever seen before the row of `from` events, and it is too short.
//!
//! **Alternating** (`event`, `field`). A *switch* is an event whose field has another value than the event before;
//! events without the field are left out. When so many switches lie in `(t - within, t]`, they are claimed. Unknown
//! until a value was seen.
//!
//! Present from the first claim on. At the end of an episode what was learned stays: the old way, the turn, the last
//! value. After 31 days without an event it begins anew.
//!
//! Where equal times satisfy "before" both ways, of one time the `from` events come first. All values of one time are the
//! value then: a later event switches when its value is none of them, and d values of one time are d - 1 switches, or d
//! when none of them was there before. That is the least that can have been.
//!
//! Delay: none, or until the instant has passed. Memory per subject: a few times and numbers, and `confirm` - 1 events (48
//! bytes each); or as many switches as it takes (64 bytes each) and sixteen values of 64 bits. Different values are taken
//! for equal once in 2^64.

mod alternating;
mod turning;

use std::sync::Arc;
use std::time::Duration;

use crate::detector::{Detector, DetectorKind, Names, parameters};
use crate::error::Problem;
use crate::predicate::Kind;
use crate::yaml::{Node, schema_of};

pub(crate) use alternating::Alternating;
pub(crate) use turning::Turning;

/// The kind of detector that tells what was from what is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change;

/// A subject that was silent for longer than any span a rule may name begins anew.
const HORIZON: Duration = Duration::from_secs(31 * 86_400);
/// So many events may be asked for before it turns.
const MOST: i64 = 1_000_000;
/// So many events may be asked for to confirm it, and so many switches.
const FEW: i64 = 64;

impl DetectorKind for Change {
    fn name(&self) -> &'static str {
        "change"
    }

    fn measures(&self) -> &'static [&'static str] {
        &["steady", "before", "after", "since", "back", "switches", "values"]
    }

    fn parameters(&self) -> serde_json::Value {
        schema_of::<parameters::ChangeParams>()
    }

    fn measure_kind(&self, measure: &str) -> Kind {
        match measure {
            "steady" | "since" => Kind::Span,
            "before" | "after" | "switches" | "values" => Kind::Count,
            "back" => Kind::Flag,
            _ => Kind::Any,
        }
    }

    fn build(&self, params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
        if params.get("field").is_some() || params.get("event").is_some() {
            alternating(params, names)
        } else {
            turning(params, names)
        }
    }
}

fn turning(params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
    let fields = params.fields(&["from", "to", "after", "at-least", "confirm"])?;
    let from = names.class(fields.required("from")?)?;
    let node = fields.required("to")?;
    let to = names.class(node)?;
    if from == to {
        return Err(node
            .problem("contradiction", "`from` and `to` are the same class")
            .with_help("name the events that come after the change"));
    }
    let after = fields.optional("after").map(Node::duration).transpose()?;
    let at_least = fields.optional("at-least").map(|node| node.integer_within(1, MOST)).transpose()?;
    if after.is_none() && at_least.is_none() {
        return Err(params.problem("missing-key", "missing key `after`").with_help(
            "say how long it was the old way, for example `after: 7d`, or `at-least: 50` events",
        ));
    }
    let confirm = fields.optional("confirm").map_or(Ok(3), |node| node.integer_within(1, FEW))?;
    Ok(Arc::new(Turning {
        from,
        to,
        after: after.unwrap_or_default(),
        at_least: at_least.and_then(|least| u64::try_from(least).ok()).unwrap_or(1),
        confirm: usize::try_from(confirm).unwrap_or(1),
        ties_any: names.ties_any(),
    }))
}

fn alternating(params: &Node, names: &mut dyn Names) -> Result<Arc<dyn Detector>, Problem> {
    let fields = params.fields(&["event", "field", "at-least", "within"])?;
    let event = names.class(fields.required("event")?)?;
    let field = names.field(fields.required("field")?)?;
    let at_least = fields.required("at-least")?.integer_within(1, FEW)?;
    let within = fields.required("within")?.duration()?;
    let at_least = usize::try_from(at_least).unwrap_or(1);
    Ok(Arc::new(Alternating { event, field, at_least, within, ties_any: names.ties_any() }))
}

#[cfg(test)]
mod tests;
