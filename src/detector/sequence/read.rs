//! The parameters of a sequence, from YAML.

use std::time::Duration;

use smol_str::SmolStr;

use crate::detector::Names;
use crate::detector::sequence::plan::{Arrangement, Fault, MOST, Need, Plan, Skip, Step};
use crate::error::Problem;
use crate::yaml::{Node, Shape};

/// Reads `{steps: […], order: …, within: …}`; the steps may stand under `sequence` as well, and so may all of it. A list
/// alone is the steps.
pub(super) fn plan(params: &Node, names: &mut dyn Names) -> Result<Plan, Problem> {
    if matches!(params.shape(), Shape::List(_)) {
        return build(params, params, Options::default(), names);
    }
    let fields = params.fields(&["steps", "sequence", "order", "within", "until", "gaps", "skip"])?;
    let list = match (fields.optional("sequence"), fields.optional("steps")) {
        (Some(inner), None) if matches!(inner.shape(), Shape::Map(_)) => {
            return match params.map()? {
                [_] => plan(inner, names),
                _ => Err(inner.expected("a list of steps")),
            };
        }
        (Some(list), None) => list,
        (None, _) => fields.required("steps")?,
        (Some(_), Some(steps)) => {
            return Err(
                steps.problem("conflict", "steps are given twice, under `sequence` and under `steps`")
            );
        }
    };
    let [order, within, until, gaps, skip] =
        ["order", "within", "until", "gaps", "skip"].map(|key| fields.optional(key));
    build(params, list, Options { order, within, until, gaps, skip }, names)
}

/// What may stand beside the steps.
#[derive(Clone, Copy, Default)]
struct Options<'a> {
    order: Option<&'a Node>,
    within: Option<&'a Node>,
    until: Option<&'a Node>,
    gaps: Option<&'a Node>,
    skip: Option<&'a Node>,
}

fn build(params: &Node, list: &Node, options: Options<'_>, names: &mut dyn Names) -> Result<Plan, Problem> {
    let Options { order, within, until, gaps, skip } = options;
    let steps = list.list()?.iter().map(|node| step(node, names)).collect::<Result<Vec<Step>, Problem>>()?;
    let arrangement = match order {
        None => Arrangement::Given,
        Some(node) => match node.scalar() {
            Some("given") => Arrangement::Given,
            Some("any") => Arrangement::Any,
            _ => return Err(node.expected("`given` or `any`")),
        },
    };
    let alone = matches!(steps.as_slice(), [Step { need: Need::Times(1), .. }]);
    let within = match within {
        Some(node) => node.duration()?,
        None if alone => Duration::ZERO,
        None if steps.last().is_some_and(|step| step.need == Need::Never) => {
            return Err(params
                .problem("no-deadline", "nothing says until when the last step must not come")
                .with_help("give the time that must pass without it, for example `within: 15m`"));
        }
        None => {
            return Err(params
                .problem("missing-key", "missing key `within`")
                .with_help("say how far apart the steps may be, for example `within: 60s`"));
        }
    };
    let mut plan =
        Plan::new(&steps, arrangement, within, names.ties_any()).map_err(|fault| explain(fault, list))?;
    plan.until = until.map(|node| names.class(node)).transpose()?;
    plan.strict = match gaps.map(|node| (node, node.scalar())) {
        None | Some((_, Some("relaxed"))) => false,
        Some((node, Some("strict"))) if arrangement == Arrangement::Any => {
            return Err(node
                .problem("contradiction", "in any order there are no gaps between two steps")
                .with_help("leave out `gaps`, or `order: any`"));
        }
        Some((_, Some("strict"))) => true,
        Some((node, _)) => return Err(node.expected("`relaxed` or `strict`")),
    };
    plan.skip = match skip.map(|node| (node, node.scalar())) {
        None | Some((_, Some("past-last"))) => Skip::PastLast,
        Some((_, Some("to-next"))) => Skip::ToNext,
        Some((node, _)) => return Err(node.expected("`past-last` or `to-next`")),
    };
    plan.words = steps.iter().zip(list.list()?).map(|(step, node)| (step.class, word(node))).collect();
    Ok(plan)
}

/// What a step calls its class.
fn word(node: &Node) -> SmolStr {
    let inside = || ["class", "maybe", "never"].iter().find_map(|key| node.get(key)?.scalar());
    node.scalar().or_else(inside).unwrap_or_default().into()
}

fn step(node: &Node, names: &mut dyn Names) -> Result<Step, Problem> {
    if node.scalar().is_some() {
        return Ok(Step { class: names.class(node)?, need: Need::Times(1) });
    }
    let fields = node.fields(&["class", "times", "maybe", "never"])?;
    let (class, need) = match (fields.optional("class"), fields.optional("maybe"), fields.optional("never")) {
        (Some(class), None, None) => {
            let most = i64::try_from(MOST).unwrap_or(i64::MAX);
            let times = fields.optional("times").map_or(Ok(1), |times| times.integer_within(1, most))?;
            (class, Need::Times(usize::try_from(times).unwrap_or(1)))
        }
        (None, Some(class), None) => (class, Need::Maybe),
        (None, None, Some(class)) => (class, Need::Never),
        _ => return Err(node.expected("one of `class`, `maybe` and `never`")),
    };
    match fields.optional("times") {
        Some(times) if !matches!(need, Need::Times(_)) => Err(times
            .problem("conflict", "`times` belongs to a required step")
            .with_help("write `class:` instead")),
        _ => Ok(Step { class: names.class(class)?, need }),
    }
}

fn explain(fault: Fault, list: &Node) -> Problem {
    let at = |index: usize| list.list().ok().and_then(|steps| steps.get(index)).unwrap_or(list);
    match fault {
        Fault::NothingRequired => list
            .problem("no-required-step", "no step is required")
            .with_help("at least one step must be neither `maybe` nor `never`"),
        Fault::TooMany => list.problem("too-many-steps", format!("more than {MOST} steps of one kind")),
        Fault::AdjacentNevers(index) => at(index)
            .problem("adjacent-nevers", "two forbidden steps without a required one between them")
            .with_help("name one event class that holds both"),
        Fault::RepeatedMaybe(index) => {
            at(index).problem("repeated-maybe", "the same optional step stands in this place twice")
        }
        Fault::Contradiction(index) => {
            at(index).problem("contradiction", "in any order, a class cannot be both required and forbidden")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::ClassId;
    use crate::detector::fixture::{Letters, span};
    use crate::yaml::document;

    fn read(text: &str) -> Result<Plan, Problem> {
        let document = document("r.yaml", text).unwrap_or_else(|problems| panic!("{problems:?}"));
        plan(document.root(), &mut Letters)
    }

    fn refused(text: &str) -> String {
        match read(text) {
            Ok(plan) => format!("{plan:?}"),
            Err(problem) => format!("{}:{} {}", problem.line, problem.column, problem.code),
        }
    }

    #[test]
    fn all_three_ways_of_writing_mean_the_same() {
        for text in [
            "{steps: [{maybe: r}, d, c], order: any, within: 60s}",
            "{sequence: [{maybe: r}, d, c], order: any, within: 60s}",
            "{sequence: {steps: [{maybe: r}, {class: d}, c], order: any, within: 60s}}",
        ] {
            let plan = read(text).expect("a sound sequence");
            assert_eq!(plan.units, [ClassId(3), ClassId(2)]);
            assert_eq!(plan.maybes.len(), 1);
            assert_eq!(plan.arrangement, Arrangement::Any);
            assert_eq!(plan.within, span(60_000_000_000));
        }
    }

    #[test]
    fn steps_may_be_repeated_or_forbidden() {
        let plan =
            read("{sequence: [{class: d, times: 3}, {never: c}], within: 15m}").expect("a sound sequence");
        assert_eq!(plan.units, [ClassId(3); 3]);
        assert!(plan.waits());
        assert!(read("{sequence: [d]}").is_ok());
        assert!(read("[d]").is_ok());
    }

    #[test]
    fn what_bounds_the_chains_stands_beside_the_steps() {
        let plan =
            read("{sequence: [d, c], within: 1m, until: x, gaps: strict, skip: to-next}").expect("sound");
        assert_eq!((plan.until, plan.strict, plan.skip), (Some(ClassId(23)), true, Skip::ToNext));
        assert_eq!(plan.all_classes(), [ClassId(2), ClassId(3), ClassId(23)]);
        let plan = read("{steps: [d, c], within: 1m, gaps: relaxed, skip: past-last}").expect("sound");
        assert_eq!((plan.until, plan.strict, plan.skip), (None, false, Skip::PastLast));
    }

    #[test]
    fn what_cannot_work_is_refused_where_it_stands() {
        assert_eq!(refused("{steps: [d, c]}"), "1:1 missing-key");
        assert_eq!(refused("{steps: [{class: d, times: 2}]}"), "1:1 missing-key");
        assert_eq!(refused("{steps: [d, {never: c}]}"), "1:1 no-deadline");
        assert_eq!(refused("{within: 1m}"), "1:1 missing-key");
        assert_eq!(refused("[d, {never: c}]"), "1:1 no-deadline");
        assert_eq!(refused("{steps: [], within: 1m}"), "1:9 no-required-step");
        assert_eq!(refused("{steps: [{maybe: c}, {never: d}], within: 1m}"), "1:9 no-required-step");
        assert_eq!(refused("{steps: [d, {never: c}, {never: e}], within: 1m}"), "1:25 adjacent-nevers");
        assert_eq!(
            refused("{steps: [d, {never: c}, {maybe: x}, {never: e}], within: 1m}"),
            "1:37 adjacent-nevers"
        );
        assert_eq!(
            refused("{steps: [d, {never: c}, {never: d}], order: any, within: 1m}"),
            "1:25 contradiction"
        );
        assert_eq!(refused("{steps: [{maybe: c}, {maybe: c}, d], within: 1m}"), "1:22 repeated-maybe");
        assert_eq!(refused("{steps: [{class: d, times: 17}], within: 1m}"), "1:28 out-of-range");
        assert_eq!(
            refused("{steps: [{class: d, times: 9}, {class: c, times: 9}], within: 1m}"),
            "1:9 too-many-steps"
        );
        assert_eq!(refused("{steps: [{maybe: d, times: 2}], within: 1m}"), "1:28 conflict");
        assert_eq!(refused("{steps: [{maybe: d, never: c}], within: 1m}"), "1:10 wrong-type");
        assert_eq!(refused("{steps: [{sometimes: d}], within: 1m}"), "1:11 unknown-key");
        assert_eq!(refused("{steps: [d, c], order: random, within: 1m}"), "1:24 wrong-type");
        assert_eq!(refused("{steps: [d, c], gaps: none, within: 1m}"), "1:23 wrong-type");
        assert_eq!(refused("{steps: [d, c], skip: none, within: 1m}"), "1:23 wrong-type");
        assert_eq!(refused("{steps: [d, c], order: any, gaps: strict, within: 1m}"), "1:35 contradiction");
        assert_eq!(refused("{steps: [d, c], until: nobody, within: 1m}"), "1:24 unknown-class");
        assert_eq!(refused("{steps: [d], sequence: [c]}"), "1:9 conflict");
        assert_eq!(refused("{sequence: {steps: [d]}, within: 1m}"), "1:12 wrong-type");
        assert_eq!(refused("{steps: [d, nobody], within: 1m}"), "1:13 unknown-class");
    }
}
