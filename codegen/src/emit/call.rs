//! A call of a kernel as Rust text, and the arguments that kernels share.

use super::activation::type_name;
use crate::plan::{Operand, Step};
use common::network::Shape;
use std::ops::Range;

/// A call of a kernel.
pub(super) struct Call {
    /// The names that the text uses.
    pub(super) imports: Vec<Import>,
    /// Lines before the call.
    pub(super) preparation: String,
    /// The call.
    pub(super) text: String,
}

/// A name in a module of the runtime, or the module itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// The module.
    pub(super) module: &'static str,
    /// The name; `None` for the module itself.
    pub(super) name: Option<&'static str>,
}

/// The arguments of a step that several kernels take.
pub(super) struct Arguments<'a> {
    /// The shape of the input.
    pub(super) input: Shape,
    /// The slice of the input.
    pub(super) from: &'static str,
    /// The normalisation of the input: an option.
    pub(super) norm: &'static str,
    /// The type of the input's activation.
    pub(super) activation: String,
    /// The constants of the normalisation.
    norm_range: Option<&'a Range<usize>>,
}

impl Arguments<'_> {
    /// Returns the arguments of a step.
    pub(super) fn of(step: &Step) -> Arguments<'_> {
        let norm_range = step.prologue.norm.as_ref();
        Arguments {
            input: step.input,
            from: match step.source {
                Operand::Image => "input",
                Operand::Arena(_) => "from",
            },
            norm: if norm_range.is_some() { "Some(norm)" } else { "None" },
            activation: type_name(step.prologue.activation),
            norm_range,
        }
    }

    /// Returns the call of a kernel that is not named after an activation.
    pub(super) fn plain_call(
        &self,
        module: &'static str,
        name: &'static str,
        text: String,
    ) -> Call {
        let imports = vec![Import { module, name: Some(name) }];
        Call { imports, preparation: String::new(), text }
    }

    /// Returns the call of a kernel that has an activation as a parameter.
    pub(super) fn call(&self, module: &'static str, names: &[&'static str], text: String) -> Call {
        let mut imports = vec![Import { module: "activation", name: None }];
        imports.extend(names.iter().map(|name| Import { module, name: Some(name) }));
        let mut preparation = String::new();
        if let Some(range) = self.norm_range {
            imports.push(Import { module: "norm", name: Some("Norm") });
            preparation = format!("        let norm = Norm::new({});\n", weights(range));
        }
        Call { imports, preparation, text }
    }

    /// Returns the shape of the input as an array.
    pub(super) fn sizes(&self) -> String {
        let Shape { channels, height, width } = self.input;
        format!("[{channels}, {height}, {width}]")
    }
}

/// Returns a slice of the constants.
pub(super) fn weights(range: &Range<usize>) -> String {
    format!("weights({})", range_text(range))
}

/// Returns a range as Rust writes it.
pub(super) fn range_text(range: &Range<usize>) -> String {
    format!("{}..{}", range.start, range.end)
}
