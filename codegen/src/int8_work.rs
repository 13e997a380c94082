//! The work of a call of a kernel in integers: what its time depends on.

use crate::int8::{FilterConstants, Kernel, Step, TableConstants};
use common::plan_report::Work;

/// Returns the work of a call. Activations are tables, and so need no exponentials.
pub(crate) fn work(step: &Step) -> Work {
    let macs = executed_macs(step);
    let read = step.sources.len() * step.input.elements();
    Work {
        kind: kind(&step.kernel),
        calls: 1,
        macs,
        column_macs: macs / step.output.width as u64,
        elements: read as u64,
        exponentials: 0,
        read_bytes: (read + constants_bytes(&step.kernel)) as u64,
        written_bytes: written_bytes(step) as u64,
    }
}

fn kind(kernel: &Kernel) -> String {
    let name = kernel_name(kernel);
    match kernel {
        Kernel::Convolution { layer, .. } => format!("{name}_{0}x{0}", layer.kernel),
        Kernel::Image
        | Kernel::Activation(_)
        | Kernel::AveragePool { .. }
        | Kernel::Shortcut { .. }
        | Kernel::Classifier { .. }
        | Kernel::Copy => name.to_string(),
    }
}

/// Returns the bytes of the output. Logits have 32 bits.
fn written_bytes(step: &Step) -> usize {
    match &step.kernel {
        Kernel::Classifier { filters, .. } => 4 * filters.biases.len(),
        Kernel::Image
        | Kernel::Convolution { .. }
        | Kernel::Activation(_)
        | Kernel::AveragePool { .. }
        | Kernel::Shortcut { .. }
        | Kernel::Copy => step.output.elements(),
    }
}

/// Returns the name of a kernel.
pub(crate) fn kernel_name(kernel: &Kernel) -> &'static str {
    match kernel {
        Kernel::Image => "image",
        Kernel::Convolution { .. } => "convolution",
        Kernel::Activation(_) => "activation",
        Kernel::AveragePool { .. } => "average_pool",
        Kernel::Shortcut { .. } => "shortcut",
        Kernel::Classifier { .. } => "classifier",
        Kernel::Copy => "copy",
    }
}

/// Returns the multiply-adds that a call computes.
pub(crate) fn executed_macs(step: &Step) -> u64 {
    match &step.kernel {
        Kernel::Convolution { layer, .. } => {
            let per_output = layer.channels * layer.kernel * layer.kernel;
            (per_output * step.output.elements()) as u64
        }
        Kernel::Classifier { filters, .. } => (step.input.channels * filters.biases.len()) as u64,
        Kernel::Image
        | Kernel::Activation(_)
        | Kernel::AveragePool { .. }
        | Kernel::Shortcut { .. }
        | Kernel::Copy => 0,
    }
}

/// Returns the bytes of a call's constants.
pub(crate) fn constants_bytes(kernel: &Kernel) -> usize {
    kernel.table().map_or(0, TableConstants::bytes)
        + kernel.filters().map_or(0, FilterConstants::bytes)
}
