//! The work of a call of a kernel: what its time depends on.

use super::activation_cost::exponentials;
use super::sums::{loads, padded};
use super::vectors::Vectors;
use crate::plan::{Kernel, Step};
use crate::size::bytes;
use common::board::Platform;
use common::plan_report::Work;

/// Returns the work of a call on a platform.
pub(crate) fn work(step: &Step, platform: Platform) -> Work {
    let (input, output) = (step.input.elements(), step.output.elements());
    let (chunks, terms) = match &step.kernel {
        // Threads of a GPU keep their sums in registers over all channels.
        Kernel::Convolution { layer, .. } if platform != Platform::Cuda => {
            (layer.channels.div_ceil(layer.chunk), 1)
        }
        Kernel::Add { .. } => (1, 2),
        Kernel::Convolution { .. }
        | Kernel::NormActivation
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Linear { .. }
        | Kernel::Copy => (1, 1),
    };
    let macs = executed_macs(step);
    let rows = rows(step);
    let vectors = Vectors::of(platform, rows.first().map_or(1, |columns| *columns));
    let [input_loads, weight_loads] = match &step.kernel {
        Kernel::Convolution { layer, tile, .. } => {
            let inputs = padded(macs, &rows, vectors.lanes) / layer.filters as u64;
            loads(inputs, layer.filters, *tile, vectors.passes(*tile))
        }
        Kernel::Linear { .. } => loads(step.input.channels as u64, step.output.channels, 1, 1),
        Kernel::NormActivation
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Copy => [0, 0],
    };
    // A fully connected layer has one column, and its sums fill vectors.
    let columns = if let Kernel::Linear { .. } = step.kernel { 1 } else { vectors.lanes };
    let padded_macs = padded(macs, &rows, columns);
    let read = terms * input + constants_len(step) + (chunks - 1) * output;
    Work {
        kind: kind(&step.kernel),
        calls: 1,
        macs,
        padded_macs,
        short_macs: if vectors.is_short && columns > 1 { padded_macs } else { 0 },
        input_loads,
        weight_loads,
        elements: (terms * input) as u64,
        exponentials: exponentials_of(step),
        read_bytes: bytes(read),
        written_bytes: bytes(chunks * output),
    }
}

fn kind(kernel: &Kernel) -> String {
    let name = kernel_name(kernel);
    match kernel {
        Kernel::Convolution { layer, .. } => format!("{name}_{0}x{0}", layer.kernel),
        Kernel::NormActivation
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Linear { .. }
        | Kernel::Copy => name.to_string(),
    }
}

/// Returns the exponentials of the activations of the input and of a sum.
fn exponentials_of(step: &Step) -> u64 {
    let of_sum = if let Kernel::Add { activation } = step.kernel { activation } else { None };
    let each = [step.prologue.activation, of_sum].into_iter().flatten().map(exponentials);
    each.sum::<u64>() * step.input.elements() as u64
}

/// Returns the name of a kernel.
pub(crate) fn kernel_name(kernel: &Kernel) -> &'static str {
    match kernel {
        Kernel::Convolution { .. } => "convolution",
        Kernel::NormActivation => "map",
        Kernel::Add { .. } => "add",
        Kernel::Shortcut { .. } => "shortcut",
        Kernel::AveragePool { .. } => "average_pool",
        Kernel::GlobalAveragePool => "global_average_pool",
        Kernel::GlobalMaxPool => "global_max_pool",
        Kernel::Linear { .. } => "linear",
        Kernel::Copy => "copy",
    }
}

/// Returns the columns of each row of an output channel: the outputs after which a vector ends.
fn rows(step: &Step) -> Vec<usize> {
    let rows = vec![step.output.width; step.output.height];
    match &step.kernel {
        Kernel::Convolution { layer, .. } if layer.flat => {
            rows.chunks(layer.band).map(|band| band.iter().sum()).collect()
        }
        Kernel::Convolution { .. }
        | Kernel::NormActivation
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Linear { .. }
        | Kernel::Copy => rows,
    }
}

/// Returns the multiply-adds that a call computes.
pub(crate) fn executed_macs(step: &Step) -> u64 {
    let per_output = match &step.kernel {
        Kernel::Convolution { layer, .. } => layer.channels * layer.kernel * layer.kernel,
        Kernel::Linear { .. } => step.input.channels,
        Kernel::NormActivation
        | Kernel::Add { .. }
        | Kernel::Shortcut { .. }
        | Kernel::AveragePool { .. }
        | Kernel::GlobalAveragePool
        | Kernel::GlobalMaxPool
        | Kernel::Copy => 0,
    };
    (per_output * step.output.elements()) as u64
}

/// Returns the elements of a call's constants.
pub(crate) fn constants_len(step: &Step) -> usize {
    let (weights, bias) = step.kernel.weights_and_bias();
    [weights, bias, step.prologue.norm.as_ref()]
        .into_iter()
        .flatten()
        .map(ExactSizeIterator::len)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Device, Plan};
    use crate::test_network::network;
    use crate::work::sums::by_kind;

    /// Counted by hand: 16 x 16 pixels, 24 channels of the stem and 12 of each of two FELs, pooled to
    /// 8 x 8, then two more. Swish needs an exponential for each element that it activates.
    #[test]
    fn the_work_of_a_network_by_kind() {
        let plan = Plan::new(&network()).unwrap();
        let work = by_kind(plan.steps.iter().map(|step| work(step, Platform::X86_64)));
        let kinds: Vec<&str> = work.iter().map(|work| work.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["convolution_3x3", "average_pool", "convolution_1x1", "global_average_pool", "linear"]
        );
        let [convolutions, pool, transition, head, classifier] = &work[..] else { panic!() };
        let (first, second) = (24 + 36, 48 + 60);
        let activated = first * 256 + second * 64;
        assert_eq!((convolutions.calls, convolutions.exponentials), (5, activated));
        assert_eq!(convolutions.elements, 256 + activated);
        assert_eq!(convolutions.macs, 9 * (24 * 256 + 12 * activated));
        // Rows of 16, and two rows of 8, fill the vectors of AVX-512.
        assert_eq!(convolutions.padded_macs, convolutions.macs);
        assert_eq!(convolutions.short_macs, 0);
        // One tile of 12 filters for each FEL, two for the stem.
        let inputs = 9 * (2 * 256 + activated);
        assert_eq!(convolutions.input_loads, inputs);
        assert_eq!(convolutions.weight_loads, 3 * inputs);
        assert_eq!([pool.elements, pool.exponentials], [48 * 256; 2]);
        assert_eq!([pool.read_bytes, pool.written_bytes], [4 * 48 * 258, 4 * 48 * 64]);
        assert_eq!([transition.macs, transition.exponentials], [48 * 48 * 64, 0]);
        assert_eq!(
            [transition.input_loads, transition.weight_loads],
            [48 * 4 * 64, 3 * 48 * 4 * 64]
        );
        assert_eq!([head.elements, head.exponentials], [72 * 64; 2]);
        assert_eq!([classifier.macs, classifier.padded_macs], [2 * 72; 2]);
        assert_eq!(classifier.read_bytes, 4 * (72 + 2 * 72 + 2));
    }

    /// The sums of 12 filters need two passes on small processors, which load the weights once.
    #[test]
    fn inputs_are_loaded_twice_where_registers_are_few() {
        let plan = Plan::new(&network()).unwrap();
        let on = |platform| work(&plan.steps[0], platform);
        let (whole, halves) = (on(Platform::Aarch64), on(Platform::CortexM));
        assert_eq!(halves.input_loads, 2 * whole.input_loads);
        assert_eq!(halves.weight_loads, whole.weight_loads);
        let passes = [6, 7, 12].map(|tile| Vectors::of(Platform::Armv7, 3).passes(tile));
        assert_eq!(passes, [1, 2, 2]);
    }

    /// Sums are written once for each chunk of channels, and read again for all but the first; in the
    /// registers of a GPU they are written once.
    #[test]
    fn sums_of_chunks_are_moved_again() {
        let plan = Plan::on(&network(), Device::Arm).unwrap();
        let in_chunks = |step: &&Step| match &step.kernel {
            Kernel::Convolution { layer, .. } => layer.chunk < layer.channels,
            _ => false,
        };
        let step = plan.steps.iter().find(in_chunks).unwrap();
        let (cpu, gpu) = (work(step, Platform::Aarch64), work(step, Platform::Cuda));
        let output = 4 * step.output.elements() as u64;
        assert_eq!(gpu.written_bytes, output);
        assert!(cpu.written_bytes > output && cpu.written_bytes % output == 0);
        assert_eq!(cpu.read_bytes - gpu.read_bytes, cpu.written_bytes - output);
    }
}
