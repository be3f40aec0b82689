//! What was found, in the order of the steps, and how it is said.

use std::collections::HashMap;

use crate::json::{FieldName, push_quoted};
use crate::step::Operation;

use super::effect::Effect;
use super::flow;
use super::pipeline::Pipeline;
use super::tree::{self, Op};

/// Something that looks wrong about one field of one step.
pub(super) struct Finding<'p> {
    /// The step's number, and the field's place in it.
    step: usize,
    field: usize,
    name: &'p FieldName,
    rule: Rule,
    /// A step that names the field in the other kind of version: it may have been meant.
    other: Option<Op>,
}

enum Rule {
    /// What the GET may find instead of a value that was put.
    ReadBeforePut(Effect),
    NeverRead,
}

/// Everything that looks wrong, in the order of the steps and of their fields.
pub(super) fn of(pipeline: &Pipeline) -> Vec<Finding<'_>> {
    let mut findings = Vec::new();
    for (name, steps) in by_field(pipeline) {
        let tree = tree::of(pipeline, steps.iter().map(|(step, _)| *step));
        let reads = flow::reads_before_put(pipeline, &tree).into_iter();
        let reads = reads.map(|(op, seen)| (op, Rule::ReadBeforePut(seen)));
        let puts = flow::puts_never_read(pipeline, &tree).into_iter().map(|op| (op, Rule::NeverRead));
        let meant = Meant::of(pipeline, &steps);
        // The steps are in order, so a step's place among them is found by halving.
        let place = |step: usize| steps.binary_search_by_key(&step, |(step, _)| *step).unwrap_or_default();
        findings.extend(reads.chain(puts).map(|(op, rule)| {
            let other = meant.instead_of(op, &rule);
            Finding { step: op.step, field: steps[place(op.step)].1, name, rule, other }
        }));
    }
    findings.sort_unstable_by_key(|finding| (finding.step, finding.field));
    findings
}

/// Each field with the steps that name it: a step's number, and the field's place in the step.
fn by_field(pipeline: &Pipeline) -> HashMap<&FieldName, Vec<(usize, usize)>> {
    let mut fields: HashMap<_, Vec<_>> = HashMap::new();
    for (step, local) in pipeline.steps.iter().enumerate() {
        for (field, name) in local.step.names().iter().enumerate() {
            fields.entry(name).or_default().push((step, field));
        }
    }
    fields
}

/// Steps on one field that a step on the other kind of version may have meant: of those on the shared map and of those
/// on a sub-process's own version, the first PUT and the last GET or DELETE.
#[derive(Default)]
struct Meant {
    shared: (Option<Op>, Option<Op>),
    own: (Option<Op>, Option<Op>),
}

impl Meant {
    fn of(pipeline: &Pipeline, steps: &[(usize, usize)]) -> Meant {
        let mut meant = Meant::default();
        for (step, _) in steps {
            let local = &pipeline.steps[*step];
            let op = Op::new(*step, &local.step, pipeline.tracks[local.track].level);
            let (put, used) = if op.shared { &mut meant.shared } else { &mut meant.own };
            match op.operation {
                Operation::Put => *put = put.or(Some(op)),
                Operation::Get | Operation::Delete => *used = Some(op),
            }
        }
        meant
    }

    fn instead_of(&self, op: Op, rule: &Rule) -> Option<Op> {
        let (put, used) = if op.shared { self.own } else { self.shared };
        match rule {
            Rule::ReadBeforePut(seen) if seen.may_be(Effect::PUT) => None,
            Rule::ReadBeforePut(_) => put.filter(|put| put.step < op.step),
            Rule::NeverRead => used.filter(|used| used.step > op.step),
        }
    }
}

impl Finding<'_> {
    fn message(&self, pipeline: &Pipeline) -> String {
        let name = self.name;
        let mut message = match self.rule {
            Rule::NeverRead => format!("no Get or Delete after this Put can see its {name:?}"),
            Rule::ReadBeforePut(seen) => {
                match (seen.may_be(Effect::PUT), seen.may_be(Effect::DELETED), seen.may_be(Effect::KEPT)) {
                    (false, false, _) => format!("on no path a Put of {name:?} reaches this Get"),
                    (false, true, false) => format!("on every path {name:?} is deleted before this Get"),
                    (false, true, true) => format!("on every path {name:?} is deleted, or never put, before this Get"),
                    (true, false, _) => format!("on some path no Put of {name:?} reaches this Get"),
                    (true, true, false) => format!("on some path {name:?} is deleted before this Get"),
                    (true, true, true) => format!("on some path {name:?} is deleted, or never put, before this Get"),
                }
            }
        };
        if let Some(other) = self.other {
            let verb = match other.operation {
                Operation::Get => "Get",
                Operation::Put => "Put",
                Operation::Delete => "Delete",
            };
            let kind = if other.shared { "the shared map" } else { "a sub-process's own version" };
            message += &format!("; the {verb} at {} acts on {kind}", pipeline.steps[other.step].at);
        }
        message
    }
}

/// The findings as JSON text.
pub(super) fn to_json(pipeline: &Pipeline, findings: &[Finding<'_>]) -> String {
    let mut out = String::from("{\"findings\":[");
    for (index, finding) in findings.iter().enumerate() {
        let local = &pipeline.steps[finding.step];
        let (rule, certain) = match finding.rule {
            Rule::ReadBeforePut(seen) => ("read_before_put", !seen.may_be(Effect::PUT)),
            Rule::NeverRead => ("never_read", true),
        };
        out.push_str(if index > 0 { ",{\"rule\":" } else { "{\"rule\":" });
        push_quoted(&mut out, rule);
        out.push_str(",\"field\":");
        push_quoted(&mut out, finding.name.as_str());
        out.push_str(",\"at\":");
        push_quoted(&mut out, &local.at);
        if let Some(name) = local.step.name() {
            out.push_str(",\"stepName\":");
            push_quoted(&mut out, name);
        }
        out.push_str(if local.step.scoped() { ",\"scoped\":true" } else { ",\"scoped\":false" });
        out.push_str(if certain { ",\"certain\":true" } else { ",\"certain\":false" });
        out.push_str(",\"message\":");
        push_quoted(&mut out, &finding.message(pipeline));
        out.push('}');
    }
    out.push_str("]}");
    out
}
