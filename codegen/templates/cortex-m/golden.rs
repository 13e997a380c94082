//! The network against recorded images and logits, on the processor itself. The logits were
//! computed in f64 by other code than the kernels. Ends with 0 when all is right.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

use __LIBRARY__::runtime::dispatch::Kernels;
use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Input, Model, Output, normalise};
use core::fmt::Write;
use cortex_m_rt::entry;
use machine::{Console, fail};

static PIXELS: &[u8] = include_bytes!("../golden/pixels.bin");
static OUTPUTS: &[u8] = include_bytes!("../golden/outputs.bin");

/// The tolerance for logits, relative to the largest logit of the image, or to 1 if that is larger.
const TOLERANCE: f32 = 2e-6;
/// Whether the activation jumps at 0. There a rounding difference becomes a large one, so that only
/// the classes are compared, and one image in a hundred may differ.
const JUMPS: bool = __JUMPS__;

#[entry]
fn main() -> ! {
    static mut ARENA: Arena = Arena::new();
    static mut INPUT: Input = [0.0; INPUT_LEN];
    let images = PIXELS.len() / INPUT_LEN;
    let mut console = Console::output();
    for kernels in Kernels::available().into_iter().flatten() {
        let (model, name) = (Model::with_kernels(kernels), kernels.name());
        // Forwards and backwards: the content that one inference leaves in the arena must not
        // affect the next one.
        let forwards = run(&model, ARENA, INPUT, 0..images);
        let backwards = run(&model, ARENA, INPUT, (0..images).rev());
        if images == 0 || forwards.0 != backwards.0 {
            fail(1, format_args!("logits on {name} depend on the order of the images"));
        }
        if 100 * forwards.1 > images {
            fail(1, format_args!("{} classes differ on {name}", forwards.1));
        }
        let _ =
            writeln!(console, "test outputs_are_those_recorded on {name}: {images} images ... ok");
    }
    let _ = console.flush();
    machine::exit(0)
}

/// Compares all images. Returns a checksum of all logits, and the number of classes that differ.
fn run(
    model: &Model,
    arena: &mut Arena,
    input: &mut Input,
    order: impl Iterator<Item = usize>,
) -> (u32, usize) {
    let (mut bits, mut other_classes) = (0u32, 0);
    for index in order {
        let (mut output, mut expected): (Output, Output) =
            ([f32::NAN; CLASSES.len()], [0.0; CLASSES.len()]);
        if let Some(pixels) = PIXELS[index * INPUT_LEN..].first_chunk() {
            normalise(pixels, input);
        }
        let recorded = OUTPUTS[4 * index * CLASSES.len()..].chunks_exact(4);
        for (value, bytes) in expected.iter_mut().zip(recorded) {
            *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        model.forward(arena, input, &mut output);
        let largest = expected.iter().fold(1.0f32, |largest, logit| largest.max(logit.abs()));
        let close = |(got, want): (&f32, &f32)| (got - want).abs() <= TOLERANCE * largest;
        if !JUMPS && !output.iter().zip(&expected).all(close) {
            fail(
                1,
                format_args!(
                    "image {index} on {}: the logits are {output:?}, not {expected:?}",
                    model.kernels().name()
                ),
            );
        }
        other_classes += usize::from(class(&output) != class(&expected));
        // The sum does not depend on the order, and each image's part depends on its index.
        let image =
            output.iter().fold(index as u32, |bits, logit| bits.rotate_left(5) ^ logit.to_bits());
        bits = bits.wrapping_add(image.wrapping_mul(0x9e37_79b1));
    }
    (bits, other_classes)
}

fn class(logits: &Output) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}
