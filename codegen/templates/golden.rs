//! The network against recorded inputs and outputs, on every instruction set of this processor. The
//! outputs were computed in f64 by other code than the kernels.

use __LIBRARY__::runtime::dispatch::Kernels;
use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Input, Model, Output};
use std::sync::Mutex;

static INPUTS: &[u8] = include_bytes!("../golden/inputs.bin");
static OUTPUTS: &[u8] = include_bytes!("../golden/outputs.bin");
static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// The tolerance for logits, relative to the largest logit of the image, or to 1 if that is larger.
const TOLERANCE: f32 = 2e-6;
/// Whether the activation jumps at 0. There a rounding difference becomes a large one, so that only
/// the classes are compared, and one image in a hundred may differ.
const JUMPS: bool = __JUMPS__;

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn class(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}

/// Returns the recorded inputs and outputs, image by image.
fn recorded() -> Vec<(Input, Output)> {
    let (inputs, outputs) = (floats(INPUTS), floats(OUTPUTS));
    let images = inputs.chunks_exact(INPUT_LEN).zip(outputs.chunks_exact(CLASSES.len()));
    images.map(|(input, output)| (input.try_into().unwrap(), output.try_into().unwrap())).collect()
}

fn forward(kernels: Kernels, input: &Input) -> Output {
    let mut output = [f32::NAN; CLASSES.len()];
    let mut arena = ARENA.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Model::with_kernels(kernels).forward(&mut arena, input, &mut output);
    output
}

#[test]
fn outputs_are_those_recorded() {
    let recorded = recorded();
    assert!(!recorded.is_empty());
    for kernels in Kernels::available().into_iter().flatten() {
        let mut other_classes = 0;
        for (index, (input, expected)) in recorded.iter().enumerate() {
            let output = forward(kernels, input);
            other_classes += usize::from(class(&output) != class(expected));
            let largest = expected.iter().fold(1.0f32, |largest, logit| largest.max(logit.abs()));
            let close = |(got, want): (&f32, &f32)| (got - want).abs() <= TOLERANCE * largest;
            let name = kernels.name();
            assert!(
                JUMPS || output.iter().zip(expected).all(close),
                "image {index} on {name}: the logits are {output:?}, not {expected:?}"
            );
        }
        let allowed = if JUMPS { recorded.len() / 100 } else { 0 };
        assert!(other_classes <= allowed, "{other_classes} classes differ on {}", kernels.name());
    }
}

/// The content that one inference leaves in the arena must not affect the next one.
#[test]
fn order_does_not_matter() {
    let recorded = recorded();
    let kernels = Model::new().kernels();
    let forwards: Vec<Output> = recorded.iter().map(|(input, _)| forward(kernels, input)).collect();
    let backwards = recorded.iter().rev().map(|(input, _)| forward(kernels, input));
    assert!(forwards.iter().rev().zip(backwards).all(|(a, b)| *a == b));
}
