//! The work of a call of a kernel in integers: what its time depends on.

use super::sums::{loads, padded};
use crate::int8::{FilterConstants, Kernel, Step, TableConstants};
use common::plan_report::Work;
use runtime::int8::packing::Packing;

/// Returns the work of a call of kernels with this packing. Activations are tables, and so need no exponentials.
pub(crate) fn work(step: &Step, packing: Packing) -> Work {
    let macs = executed_macs(step);
    let (width, lanes) = (step.output.width, lanes(packing, step.output.width));
    let [input_loads, weight_loads] = match &step.kernel {
        Kernel::Convolution { layer, tile, .. } => {
            let groups = packing.groups(layer.channels) * layer.kernel * layer.kernel;
            let inputs = padded((groups * step.output.plane()) as u64, &[width], lanes);
            loads(inputs, layer.filters, *tile, 1)
        }
        Kernel::Classifier { filters, .. } => {
            loads(step.input.channels as u64, filters.biases.len(), 1, 1)
        }
        Kernel::Image
        | Kernel::Activation(_)
        | Kernel::AveragePool { .. }
        | Kernel::Shortcut { .. }
        | Kernel::Copy => [0, 0],
    };
    let read = step.sources.len() * step.input.elements();
    Work {
        kind: kind(&step.kernel),
        calls: 1,
        macs,
        padded_macs: match &step.kernel {
            Kernel::Convolution { .. } => padded(macs, &[width], lanes),
            Kernel::Classifier { .. }
            | Kernel::Image
            | Kernel::Activation(_)
            | Kernel::AveragePool { .. }
            | Kernel::Shortcut { .. }
            | Kernel::Copy => macs,
        },
        short_macs: 0,
        input_loads,
        weight_loads,
        elements: read as u64,
        exponentials: 0,
        read_bytes: (read + constants_bytes(&step.kernel)) as u64,
        written_bytes: written_bytes(step) as u64,
    }
}

/// Returns the columns that are computed together in rows of a width. AVX-512 fills a vector with two
/// short rows.
fn lanes(packing: Packing, width: usize) -> usize {
    let half = packing.columns.div_ceil(2);
    if packing == Packing::X86_64 && width <= half { half } else { packing.columns }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int8::Int8Plan;
    use crate::test_network::network;
    use crate::work::sums::by_kind;

    /// Counted by hand: 24 channels of the stem and 12 of each FEL are whole groups of four; the
    /// image has one channel. The transition pools on the way in.
    #[test]
    fn the_work_of_a_network_by_kind() {
        let packing = Packing::AARCH64;
        let plan = Int8Plan::new(&network(), packing).unwrap();
        let work = by_kind(plan.steps.iter().map(|step| work(step, packing)));
        let of = |kind: &str| work.iter().find(|work| work.kind == kind).unwrap();
        let (convolutions, transition) = (of("convolution_3x3"), of("convolution_1x1"));
        let activated = (24 + 36) * 256 + (48 + 60) * 64;
        assert_eq!(convolutions.macs, 9 * (24 * 256 + 12 * activated));
        assert_eq!(convolutions.input_loads, 9 * (2 * 256 + activated / 4));
        assert_eq!(convolutions.weight_loads, 3 * convolutions.input_loads);
        assert_eq!(convolutions.padded_macs, convolutions.macs, "rows of 16 and 8");
        assert_eq!([lanes(Packing::X86_64, 8), lanes(Packing::X86_64, 9)], [8, 16]);
        assert_eq!(convolutions.written_bytes, (24 + 2 * 12) * 256 + 2 * 12 * 64);
        assert_eq!([transition.macs, transition.elements], [48 * 48 * 64, 48 * 256]);
        assert_eq!(of("classifier").written_bytes, 4 * 2);
        assert_eq!(work.iter().map(|work| work.calls).sum::<u64>(), plan.steps.len() as u64);
        assert!(work.iter().all(|work| work.exponentials == 0));
    }
}
