//! The types of activations.

use crate::activation_name::function_type;
use crate::plan::{Kernel, Plan, Step};
use common::network::activation::PiecewiseActivation;
use std::collections::BTreeSet;

/// Returns a type alias for each activation of the network, in the order of their names.
pub(super) fn type_aliases(plan: &Plan) -> String {
    let mut aliases = BTreeSet::new();
    let of_sum =
        |step: &Step| if let Kernel::Add { activation } = step.kernel { activation } else { None };
    let of_step = |step: &Step| [step.prologue.activation, of_sum(step)];
    for pair in plan.steps.iter().flat_map(of_step).flatten() {
        let (name, left, right) =
            (alias(pair), function_type(pair.left), function_type(pair.right));
        aliases.insert(format!(
            "type {name} = activation::Piecewise<activation::{left}, activation::{right}>;\n"
        ));
    }
    aliases.into_iter().collect()
}

/// Returns the type of an activation, or of none.
pub(super) fn type_name(pair: Option<PiecewiseActivation>) -> String {
    pair.map_or("activation::Identity".to_string(), alias)
}

fn alias(pair: PiecewiseActivation) -> String {
    format!("{}{}", function_type(pair.left), function_type(pair.right))
}
