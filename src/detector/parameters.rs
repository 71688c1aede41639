//! What a rule may say about each detector, as types whose JSON Schemas the loader, editors and the reference share.
//!
//! Only the schemas are made from these types; `build` reads the tree itself, because every name in it has a place.

#![allow(dead_code, reason = "says what there may be; it is read from the tree")]

use schemars::{JsonSchema, json_schema};

use crate::yaml::kinds::{OneOrMore, Share, Span, SpanRange, kind};

kind! {
    /// The name of an event class under `events`.
    pub struct Class: |_| json_schema!({"type": "string", "format": "class"});
    /// The name of a level of subjects in `pack.yaml`.
    pub struct Level: |_| json_schema!({"type": "string", "format": "level"});
    /// The name of a field of the pack's inputs.
    pub struct Field: |_| json_schema!({"type": "string", "format": "field"});
}

/// An event that is expected and does not come: a heartbeat that falls silent, an answer that is missing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AbsenceParams {
    /// The class of the events that are expected.
    event: Class,
    /// How long it may take until one comes: `15m`. One that comes at the very end is in time.
    #[schemars(rename = "for")]
    within: Span,
    /// The class of the events after which one is expected. If not given, after every event of the class itself: a
    /// heartbeat.
    since: Option<Class>,
    /// A class of events after which nothing is expected any more, until it begins anew.
    until: Option<Class>,
    /// How many must have come in a row before their silence means anything, none more than `for` after the one before: `1`
    /// if not given. Only without `since`.
    #[schemars(range(min = 1, max = 4_096), extend("default" = 1))]
    at_least: Option<u32>,
    /// Whether the two come in turn, so that another event of `since` shows that the expected one came and was not seen.
    /// Only with `since`.
    #[schemars(extend("default" = false))]
    in_turn: Option<bool>,
}

/// What was one way for long and is now another, or goes back and forth.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields, rename_all_fields = "kebab-case")]
pub(super) enum ChangeParams {
    /// Events of one class for long, and now events of another: it worked for weeks, and now it is refused.
    Turning {
        /// The class of the events that came for long.
        from: Class,
        /// The class of the events that come now. An event of both is one of these.
        to: Class,
        /// How far apart the first and the last of the old events lie at least, with none of the new ones between: `7d`. This
        /// or `at-least` must be given.
        after: Option<Span>,
        /// How many of the old events there are at least: `50`.
        #[schemars(range(min = 1, max = 1_000_000))]
        at_least: Option<u32>,
        /// How many of the new ones it takes, with none of the old ones between: `3` if not given.
        #[schemars(range(min = 1, max = 64), extend("default" = 3))]
        confirm: Option<u32>,
    },
    /// A field that has now one value and now another: two that share one identity.
    Alternating {
        /// The class of the events that have the field.
        event: Class,
        /// The field whose value changes.
        field: Field,
        /// How many times it has to change: `4`.
        #[schemars(range(min = 1, max = 64))]
        at_least: u32,
        /// How far apart the first and the last change may be: `1h`.
        within: Span,
    },
}

/// So many events of a class within a window.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CountParams {
    /// The class of the events that count.
    event: Class,
    /// How many of them it takes: `3`.
    #[schemars(range(min = 1, max = 4_096))]
    at_least: u32,
    /// How far apart the first and the last may be: `12h`.
    within: Span,
    /// A field that says how many events a record stands for: a whole number (`as: integer` in the input), which may be 0. A
    /// record without one, or with anything else there, is one event.
    weight: Option<Field>,
}

/// So many different subjects inside, each with an event of a class, within a window.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DistinctParams {
    /// The class of the events that count.
    event: Class,
    /// The level of the subjects that are counted, one inside the symptom's own.
    of: Level,
    /// How many different ones it takes: `10`.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    at_least: u32,
    /// How far apart the first and the last may be: `5m`.
    within: Span,
}

/// One event of a class is enough.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OccurrenceParams {
    /// The class of the event.
    event: Class,
    /// A class of events that could have told: while none of these has come, the symptom is unknown and not absent.
    among: Option<Class>,
    /// A field that says how many events a record stands for: a whole number (`as: integer` in the input), which may be 0. A
    /// record without one, or with anything else there, is one event.
    weight: Option<Field>,
}

/// Events at a regular interval, some of which may be missing from the log.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PeriodicParams {
    /// The class of the events that may beat.
    event: Class,
    /// The shortest and the longest period that counts: `5m..36h`.
    period: SpanRange,
    /// Events closer together than this count as one: `30s`; shorter than the shortest period. If not given: 2 minutes, or
    /// 5 % of the shortest period when that is more, or a quarter of it when it is shorter than 10 minutes.
    debounce: Option<Span>,
    /// What else may set the timer: then `anchor` says which does, where it is clear.
    anchors: Option<AnchorParams>,
}

/// Classes of events that may set a timer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct AnchorParams {
    /// Events with which something begins, such as a connection.
    connect: Option<Class>,
    /// Events that go on while it lasts: the last one counts.
    traffic: Option<Class>,
}

/// How long a subject stays, from an opening event to a closing one, and how long it is away.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SessionParams {
    /// The class or classes of events after which the subject is there.
    opens: OneOrMore<Class>,
    /// The class or classes of events after which it is gone.
    closes: OneOrMore<Class>,
    /// How many whole sessions it takes: `3` if not given.
    #[schemars(range(min = 1, max = 64), extend("default" = 3))]
    at_least: Option<u32>,
}

/// More at once than usual. It learns first what is usual, and is unknown until then.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SurgeParams {
    /// The class of the events that count.
    event: Class,
    /// The level of the subjects that are counted, one inside the symptom's own; without it every event counts by itself.
    distinct: Option<Level>,
    /// How long "at once" is: `1m`.
    bucket: Span,
    /// Fewer than this are never a surge: `20`.
    #[schemars(range(min = 1, max = 1_000_000))]
    at_least: u32,
    /// Nor are fewer than so many times the usual: `2` if not given.
    #[schemars(range(min = 1, max = 1_000), extend("default" = 2))]
    ratio: Option<f64>,
    /// How improbable so many must be, as a number of zeros: `6`, one in a million buckets, if not given. With fewer it is
    /// sooner and more often wrong.
    #[schemars(range(min = 3, max = 12), extend("default" = 6))]
    surprise: Option<f64>,
    /// A field whose most common value is measured as `place`, with its share as `concentration`.
    by: Option<Field>,
    /// A field that says how many events a record stands for, where no `distinct` is given: a whole number (`as: integer` in
    /// the input), which may be 0. A record without one, or with anything else there, is one event.
    weight: Option<Field>,
}

/// A gauge that drops below what it was, at once or by a slow slide.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DipParams {
    /// Where the level comes from.
    gauge: GaugeParams,
    /// The least drop, as a share of the level before: `5%` if not given.
    #[schemars(extend("default" = "5%"))]
    at_least: Option<Share>,
    /// How wide a bucket is, one sample each: `1m` if not given.
    #[schemars(extend("default" = "1m"))]
    bucket: Option<Span>,
    /// Below this level nothing is judged: `20` if not given.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("default" = 20))]
    population: Option<u64>,
}

#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub(super) enum GaugeParams {
    /// Rebuilt: how many subjects are there, by the events with which they come and go.
    Rebuilt {
        /// The class or classes of events after which a subject is there.
        opens: OneOrMore<Class>,
        /// The class or classes of events after which it is gone.
        closes: OneOrMore<Class>,
        /// The level of the subjects that are counted, one inside the symptom's own.
        of: Level,
    },
    /// Given: a field of an event holds the level.
    Given {
        /// The class of the events that hold it.
        event: Class,
        /// The field that holds it.
        field: Field,
    },
}

/// Steps one after another, or in any order.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub(super) enum SequenceParams {
    /// The steps stand under the detector's own name.
    Beside {
        /// The steps: `[{maybe: refusal}, drop, connect]`.
        sequence: Vec<StepParams>,
        /// Whether the steps come in the order `given` or in `any`; as given if not said.
        #[schemars(extend("default" = "given"))]
        order: Option<Order>,
        /// How far apart the first and the last step may be, and how long a forbidden last one is waited for: `60s`. Only a
        /// single step needs none.
        within: Option<Span>,
        /// A class of events that end every chain that has begun.
        until: Option<Class>,
        /// Whether nothing else that the detector names may stand between two steps: `strict`; if not given it may.
        #[schemars(extend("default" = "relaxed"))]
        gaps: Option<Gaps>,
        /// Where the next chain may begin when one is complete: if not given after its last event.
        #[schemars(extend("default" = "past-last"))]
        skip: Option<SkipTo>,
    },
    /// All parameters stand below the detector's name.
    Below {
        /// The steps: `[{maybe: refusal}, drop, connect]`.
        steps: Vec<StepParams>,
        /// Whether the steps come in the order `given` or in `any`; as given if not said.
        #[schemars(extend("default" = "given"))]
        order: Option<Order>,
        /// How far apart the first and the last step may be, and how long a forbidden last one is waited for: `60s`. Only a
        /// single step needs none.
        within: Option<Span>,
        /// A class of events that end every chain that has begun.
        until: Option<Class>,
        /// Whether nothing else that the detector names may stand between two steps: `strict`; if not given it may.
        #[schemars(extend("default" = "relaxed"))]
        gaps: Option<Gaps>,
        /// Where the next chain may begin when one is complete: if not given after its last event.
        #[schemars(extend("default" = "past-last"))]
        skip: Option<SkipTo>,
    },
}

#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub(super) enum StepParams {
    /// One event of this class: `drop`.
    One(Class),
    /// Several events of a class: `{class: drop, times: 3}`.
    Times {
        /// The class of the events.
        class: Class,
        /// How many of them; one if not given.
        #[schemars(range(min = 1, max = 16), extend("default" = 1))]
        times: Option<u32>,
    },
    /// An event that may be there: `{maybe: refusal}`.
    Maybe {
        /// The class of the event.
        maybe: Class,
    },
    /// An event that must not come; behind the last step, for as long as `within`: `{never: connect}`.
    Never {
        /// The class of the event.
        never: Class,
    },
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(super) enum Order {
    /// One after another, as they are listed.
    Given,
    /// In whatever order.
    Any,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(super) enum Gaps {
    /// Other events may stand between two steps.
    Relaxed,
    /// No other event of a class that the detector names may stand between two steps.
    Strict,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(super) enum SkipTo {
    /// After the last event of the chain: no event is in two chains.
    PastLast,
    /// After the first event of the chain: chains overlap.
    ToNext,
}
