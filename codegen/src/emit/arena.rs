//! The slices of the arena that a step works on, as `arena.rs` makes them.

use super::call::{Arguments, Call, range_text};
use crate::plan::{Kernel, Operand, Plan, Step};

/// Returns the line that splits the arena into a step's slices, in the order of their places.
pub(super) fn split(step: &Step) -> String {
    let in_place = matches!(step.kernel, Kernel::AveragePool { in_place: true, .. });
    let mut regions = match &step.source {
        Operand::Arena(range) if in_place => vec![(range, "to")],
        Operand::Arena(range) => vec![(&step.target, "to"), (range, "from")],
        Operand::Image => vec![(&step.target, "to")],
    };
    if !step.scratch.is_empty() {
        regions.push((&step.scratch, "scratch"));
    }
    regions.sort_by_key(|(range, _)| range.start);
    let names: Vec<&str> = regions.iter().map(|(_, name)| *name).collect();
    let ranges: Vec<String> = regions.iter().map(|(range, _)| range_text(range)).collect();
    format!("        let [{}] = split(&mut arena.0, [{}]);\n", names.join(", "), ranges.join(", "))
}

/// Returns the line that copies the input to the output.
pub(super) fn copy(arguments: &Arguments<'_>) -> Call {
    let text = format!("to.copy_from_slice({});", arguments.from);
    Call { imports: Vec::new(), preparation: String::new(), text }
}

/// Returns the line that copies the logits out of the arena.
pub(super) fn logits(plan: &Plan) -> String {
    let logits = match &plan.logits {
        Operand::Image => "input".to_string(),
        Operand::Arena(range) => format!("&arena.0[{}]", range_text(range)),
    };
    format!("        output.copy_from_slice({logits});")
}
