//! A network in integers.

use super::parameters::Parameters;
use super::plan::Plan;

/// A network in integers: its plan and its parameters. What the integers mean as real numbers is in
/// [`super::Quantization`]; no inference needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedNetwork {
    /// What is computed in which order.
    pub plan: Plan,
    /// Parameters of the steps.
    pub parameters: Parameters,
}
