//! The network against recorded images and logits, on every instruction set of this processor. The
//! logits were computed by other code than the kernels, and must be the same to the last bit.

use __LIBRARY__::runtime::dispatch::Kernels;
use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Input, Model, Output};
use std::sync::Mutex;

static PIXELS: &[u8] = include_bytes!("../golden/pixels.bin");
static OUTPUTS: &[u8] = include_bytes!("../golden/outputs.bin");
static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// Returns the recorded images and logits.
fn recorded() -> Vec<(Input, Output)> {
    let logits: Vec<i32> =
        OUTPUTS.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let images = PIXELS.chunks_exact(INPUT_LEN).zip(logits.chunks_exact(CLASSES.len()));
    let arrays = |(pixels, logits): (&[u8], &[i32])| {
        (pixels.try_into().unwrap(), logits.try_into().unwrap())
    };
    images.map(arrays).collect()
}

fn forward(kernels: Kernels, pixels: &Input) -> Output {
    let mut output = [i32::MIN; CLASSES.len()];
    let mut arena = ARENA.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Model::with_kernels(kernels).forward(&mut arena, pixels, &mut output);
    output
}

#[test]
fn outputs_are_those_recorded() {
    let recorded = recorded();
    assert!(!recorded.is_empty());
    for kernels in Kernels::available().into_iter().flatten() {
        for (index, (pixels, expected)) in recorded.iter().enumerate() {
            assert_eq!(forward(kernels, pixels), *expected, "image {index} on {}", kernels.name());
        }
    }
}

/// The content that one inference leaves in the arena must not affect the next one.
#[test]
fn order_does_not_matter() {
    let recorded = recorded();
    let kernels = Model::new().kernels();
    for (pixels, expected) in recorded.iter().rev() {
        assert_eq!(forward(kernels, pixels), *expected);
    }
}
