//! The network against recorded images and logits, on the processor itself. The logits were
//! computed by other code than the kernels, and must be the same to the last bit. Ends with 0 when
//! all is right.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

use __LIBRARY__::runtime::dispatch::Kernels;
use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Model, Output};
use core::fmt::Write;
use cortex_m_rt::entry;
use machine::{Console, fail};

static PIXELS: &[u8] = include_bytes!("../golden/pixels.bin");
static OUTPUTS: &[u8] = include_bytes!("../golden/outputs.bin");

#[entry]
fn main() -> ! {
    static mut ARENA: Arena = Arena::new();
    let images = PIXELS.len() / INPUT_LEN;
    if images == 0 {
        fail(1, format_args!("there are no recorded images"));
    }
    let mut console = Console::output();
    for kernels in Kernels::available().into_iter().flatten() {
        let (model, name) = (Model::with_kernels(kernels), kernels.name());
        // Forwards and backwards: the content that one inference leaves in the arena must not
        // affect the next one.
        for index in (0..images).chain((0..images).rev()) {
            check(&model, ARENA, index);
        }
        let _ =
            writeln!(console, "test outputs_are_those_recorded on {name}: {images} images ... ok");
    }
    let _ = console.flush();
    machine::exit(0)
}

/// Compares the logits of an image.
fn check(model: &Model, arena: &mut Arena, index: usize) {
    let (mut output, mut expected): (Output, Output) = ([i32::MIN; CLASSES.len()], [0; CLASSES.len()]);
    if let Some(pixels) = PIXELS[index * INPUT_LEN..].first_chunk() {
        model.forward(arena, pixels, &mut output);
    }
    let recorded = OUTPUTS[4 * index * CLASSES.len()..].chunks_exact(4);
    for (value, bytes) in expected.iter_mut().zip(recorded) {
        *value = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    if output != expected {
        let name = model.kernels().name();
        fail(1, format_args!("image {index} on {name}: the logits are {output:?}, not {expected:?}"));
    }
}
