//! Kernels against the reference for each of the 49 pairs: layer by layer on every instruction set,
//! and in a generated crate that has all of them. Where a pair jumps at 0, values next to it are
//! left out: there rounding decides the side.

mod support;

use codegen::plan::Plan;
use codegen::plan::pack::pack;
use common::network::activation::PiecewiseActivation;
use common::network::reference::logits;
use common::network::{INPUT, Network, Op};
use runtime::dispatch::Kernels;
use std::fs;
use support::pairs::{all_pairs, conv, is_near_a_jump, node};
use support::{Workshop, cargo, images, interpreter, random_weights, small, success};

/// The tolerance of generated crates, relative to the largest value, or to 1.
const TOLERANCE: f32 = 2e-6;

/// Returns the layers of the template, each as a network with an input of six channels.
fn layers(pair: PiecewiseActivation) -> Vec<Network> {
    let linear = Op::Linear { in_features: 6, out_features: 10 };
    let endings: [&[Op]; 5] = [
        &[conv(6, 5, 3)],
        &[conv(6, 3, 5)],
        &[conv(6, 4, 1), Op::AveragePool { size: 2 }],
        &[Op::GlobalAveragePool {}, linear],
        &[Op::GlobalMaxPool {}, linear],
    ];
    let network = |ending: &&[Op]| {
        let mut network = small([6, 9, 7], [1, 7, 3], pair);
        let ops = [&[Op::BatchNorm { channels: 6 }, Op::Activation(pair)], *ending].concat();
        let names: Vec<String> = (0..ops.len()).map(|index| format!("n{index}")).collect();
        let input_of = |index: usize| if index == 0 { INPUT } else { names[index - 1].as_str() };
        network.nodes = ops
            .iter()
            .enumerate()
            .map(|(index, op)| node(&names[index], *op, &[input_of(index)]))
            .collect();
        network
    };
    endings.iter().map(network).collect()
}

#[test]
fn every_layer_is_exact_for_every_pair_on_every_instruction_set() {
    let mut compared = 0;
    for pair in PiecewiseActivation::all() {
        for (index, network) in layers(pair).iter().enumerate() {
            let weights = random_weights(network, 3);
            let plan = Plan::new(network).unwrap();
            let constants = pack(&plan, network, &weights).unwrap();
            for image in
                images(network, 4).iter().filter(|image| !is_near_a_jump(network, &weights, image))
            {
                let want = logits(network, &weights, image).unwrap();
                let size = want.iter().fold(1.0f32, |size, value| size.max(value.abs()));
                for kernels in Kernels::available().into_iter().flatten() {
                    let got = interpreter::run(&plan, &constants, kernels, image);
                    let exact = |(got, want): (&f32, &f32)| (got - want).abs() <= TOLERANCE * size;
                    let name = kernels.name();
                    assert!(
                        got.len() == want.len() && got.iter().zip(&want).all(exact),
                        "{pair}, layer {index}, {name}"
                    );
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 49 * 5 * 3, "{compared} images: too many were left out");
}

/// The crate's own test runs on each instruction set, and compares logits, also for pairs that
/// jump.
#[test]
fn a_crate_with_every_pair_is_exact() {
    let network = all_pairs();
    let workshop = Workshop::new(&network);
    success(&workshop.generate("crate", &[]));
    let mut recorded = images(&network, 24);
    recorded.retain(|image| !is_near_a_jump(&network, &workshop.weights, image));
    assert!(recorded.len() >= 8, "{} images", recorded.len());
    let outputs: Vec<f32> = recorded
        .iter()
        .flat_map(|image| logits(&network, &workshop.weights, image).unwrap())
        .collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    fs::write(workshop.path("crate/golden/inputs.bin"), bytes(&recorded.concat())).unwrap();
    fs::write(workshop.path("crate/golden/outputs.bin"), bytes(&outputs)).unwrap();
    let test = workshop.path("crate/tests/golden.rs");
    let text = fs::read_to_string(&test).unwrap();
    let strict = text.replace("const JUMPS: bool = true;", "const JUMPS: bool = false;");
    assert_ne!(text, strict);
    fs::write(&test, strict).unwrap();
    cargo(&workshop, &["test"]);
}
