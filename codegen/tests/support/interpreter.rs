//! Runs a plan with the real kernels, without writing and building a crate.

use super::SWISH_RELU;
use codegen::plan::{Kernel, Operand, Plan, Step};
use common::network::activation::{Activation as Name, PiecewiseActivation};
use runtime::activation::{
    Activation, Elu, Identity, Linear, Piecewise, Relu, Selu, Sigmoid, Swish, Tanh,
};
use runtime::add::{add, shortcut};
use runtime::arena::split;
use runtime::conv::convolution;
use runtime::dispatch::Kernels;
use runtime::norm::{Norm, norm_activation};
use runtime::pool::{Average, Max, average_pool, global_pool};

/// Returns the logits of an image. The arena begins with NaN, as an earlier inference may leave it.
pub(crate) fn run(plan: &Plan, constants: &[f32], kernels: Kernels, image: &[f32]) -> Vec<f32> {
    let mut arena = vec![f32::NAN; plan.arena_len];
    for step in &plan.steps {
        let [from, to, scratch] = parts(step, &mut arena);
        let from: &[f32] = if step.source == Operand::Image { image } else { from };
        let norm = step.prologue.norm.as_ref().map(|range| Norm::new(&constants[range.clone()]));
        let io = (from, to, scratch);
        match step.prologue.activation {
            None => run_step::<Identity>(step, constants, kernels, norm, io),
            Some(SWISH_RELU) => {
                run_step::<Piecewise<Swish, Relu>>(step, constants, kernels, norm, io);
            }
            // Compiling every kernel with every pair takes minutes: here the pair is a step itself.
            Some(pair) => {
                let (from, to, scratch) = io;
                let in_place = from.is_empty();
                let from = if in_place { &*to } else { from };
                let mut activated = vec![f32::NAN; from.len()];
                map_pair(pair, kernels, step.input.plane(), norm, from, &mut activated);
                if in_place {
                    to.copy_from_slice(&activated);
                }
                run_step::<Identity>(step, constants, kernels, None, (&activated, to, scratch));
            }
        }
    }
    match &plan.logits {
        Operand::Image => image.to_vec(),
        Operand::Arena(range) => arena[range.clone()].to_vec(),
    }
}

/// Returns the parts of the arena that a step reads, writes and uses as scratch memory.
fn parts<'a>(step: &Step, arena: &'a mut [f32]) -> [&'a mut [f32]; 3] {
    let source = if let Operand::Arena(range) = &step.source { range.clone() } else { 0..0 };
    let in_place = matches!(step.kernel, Kernel::AveragePool { in_place: true, .. });
    let (source, target) = if in_place { (0..0, source) } else { (source, step.target.clone()) };
    let mut ranges = [(source, 0), (target, 1), (step.scratch.clone(), 2)];
    ranges.sort_by_key(|(range, _)| (range.start, range.end));
    let mut parts: [&mut [f32]; 3] = [&mut [], &mut [], &mut []];
    for (part, (_, role)) in
        split(arena, ranges.clone().map(|(range, _)| range)).into_iter().zip(ranges)
    {
        parts[role] = part;
    }
    parts
}

macro_rules! match_pair {
    ($pair:expr, $arguments:tt; $($left:ident),*) => {
        match $pair.left { $(
            Name::$left => match_pair!(@ $left; $pair, $arguments; Relu, Elu, Sigmoid, Tanh, Swish, Selu, Linear),
        )* }
    };
    (@ $left:ident; $pair:expr, $arguments:tt; $($right:ident),*) => {
        match $pair.right { $( Name::$right => norm_activation::<Piecewise<$left, $right>> $arguments, )* }
    };
}

fn map_pair(
    pair: PiecewiseActivation,
    kernels: Kernels,
    plane: usize,
    norm: Option<Norm<'_>>,
    from: &[f32],
    to: &mut [f32],
) {
    match_pair!(pair, (kernels, plane, norm, from, to); Relu, Elu, Sigmoid, Tanh, Swish, Selu, Linear);
}

fn run_step<F: Activation>(
    step: &Step,
    constants: &[f32],
    kernels: Kernels,
    norm: Option<Norm<'_>>,
    (from, to, scratch): (&[f32], &mut [f32], &mut [f32]),
) {
    let plane = step.input.plane();
    match &step.kernel {
        Kernel::Convolution { layer, tile, weights } => {
            let weights = &constants[weights.clone()];
            macro_rules! with_tile {
                ($($width:literal),*) => { match tile {
                    $($width => convolution::<F, $width>(kernels, layer, norm, weights, from, to, scratch),)*
                    other => panic!("tile {other}"),
                } };
            }
            with_tile!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        }
        Kernel::NormActivation => norm_activation::<F>(kernels, plane, norm, from, to),
        Kernel::Add { activation: None } => add::<Identity>(kernels, plane, norm, from, to),
        Kernel::Add { activation: Some(SWISH_RELU) } => {
            add::<Piecewise<Swish, Relu>>(kernels, plane, norm, from, to);
        }
        Kernel::Add { activation: Some(pair) } => {
            add::<Identity>(kernels, plane, norm, from, to);
            let sum = to.to_vec();
            map_pair(*pair, kernels, plane, None, &sum, to);
        }
        Kernel::Shortcut { stride } => {
            shortcut([step.input.channels, step.input.height, step.input.width], *stride, from, to);
        }
        Kernel::AveragePool { size, in_place } => {
            let from = (!in_place).then_some(from);
            let shape = [step.input.channels, step.input.height, step.input.width];
            average_pool::<F>(kernels, shape, *size, norm, from, to, scratch);
        }
        Kernel::GlobalAveragePool => {
            global_pool::<F, Average>(kernels, plane, norm, from, to, scratch);
        }
        Kernel::GlobalMaxPool => global_pool::<F, Max>(kernels, plane, norm, from, to, scratch),
        Kernel::Linear { weights, bias } => {
            runtime::linear::linear(
                kernels,
                &constants[weights.clone()],
                &constants[bias.clone()],
                from,
                to,
            );
        }
        Kernel::Copy => to.copy_from_slice(from),
    }
}
