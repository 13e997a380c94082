//! The network against recorded inputs and outputs on the GPU, one by one and all at once. The
//! outputs were computed in f64 by other code than the kernels. Ends with 0 when all is right.

use __LIBRARY__::{CLASSES, INPUT_LEN, Input, Model, Output};
use std::process::ExitCode;

static INPUTS: &[u8] = include_bytes!("../golden/inputs.bin");
static OUTPUTS: &[u8] = include_bytes!("../golden/outputs.bin");

/// The tolerance for logits, relative to the largest logit of the image, or to 1 if that is larger.
const TOLERANCE: f32 = 2e-6;
/// Whether the activation jumps at 0. There a rounding difference becomes a large one, so that only
/// the classes are compared, and one image in a hundred may differ.
const JUMPS: bool = __JUMPS__;

fn main() -> ExitCode {
    match outputs_are_those_recorded() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn outputs_are_those_recorded() -> Result<(), String> {
    let (inputs, expected) = recorded();
    if inputs.is_empty() || inputs.len() != expected.len() {
        return Err("nothing is recorded".to_string());
    }
    for batch in [1, inputs.len()] {
        let mut model = Model::new(batch).map_err(|error| error.to_string())?;
        let outputs = forward(&mut model, &inputs)?;
        // The content that one inference leaves in memory must not affect the next one.
        let backwards: Vec<Input> = inputs.iter().rev().copied().collect();
        if forward(&mut model, &backwards)?.iter().rev().ne(&outputs) {
            return Err(format!("{batch} at a time, the order of the images matters"));
        }
        compare(&outputs, &expected)?;
        let on = model.description();
        println!(
            "test outputs_are_those_recorded, {batch} at a time on {on}: {} images ... ok",
            inputs.len()
        );
    }
    Ok(())
}

fn forward(model: &mut Model, inputs: &[Input]) -> Result<Vec<Output>, String> {
    let mut outputs = vec![[f32::NAN; CLASSES.len()]; inputs.len()];
    let batch = model.batch();
    for (inputs, outputs) in inputs.chunks(batch).zip(outputs.chunks_mut(batch)) {
        model.forward(inputs, outputs).map_err(|error| error.to_string())?;
    }
    Ok(outputs)
}

fn compare(outputs: &[Output], expected: &[Output]) -> Result<(), String> {
    let mut other_classes = 0;
    for (index, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        other_classes += usize::from(class(output) != class(expected));
        let largest = expected.iter().fold(1.0f32, |largest, logit| largest.max(logit.abs()));
        let close = |(got, want): (&f32, &f32)| (got - want).abs() <= TOLERANCE * largest;
        if !JUMPS && !output.iter().zip(expected).all(close) {
            return Err(format!("image {index}: the logits are {output:?}, not {expected:?}"));
        }
    }
    let allowed = if JUMPS { outputs.len() / 100 } else { 0 };
    if other_classes > allowed { Err(format!("{other_classes} classes differ")) } else { Ok(()) }
}

fn recorded() -> (Vec<Input>, Vec<Output>) {
    let (inputs, outputs) = (floats(INPUTS), floats(OUTPUTS));
    let inputs = inputs.chunks_exact(INPUT_LEN).filter_map(|image| image.try_into().ok());
    let outputs = outputs.chunks_exact(CLASSES.len()).filter_map(|logits| logits.try_into().ok());
    (inputs.collect(), outputs.collect())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn class(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}
