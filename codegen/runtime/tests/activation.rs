//! The activations against exact values, through the kernel that applies them, on every instruction
//! set.

#[macro_use]
mod support;

use runtime::activation::{Activation, MAX_ABSOLUTE_ERROR, MAX_RELATIVE_ERROR};
use runtime::norm;

/// Returns all magnitudes from the smallest number to the largest, 1,024 to each power of two.
fn magnitudes() -> Vec<f32> {
    let bits = (0..f32::MAX.to_bits()).step_by(1 << 13).chain([
        0,
        1,
        f32::MIN_POSITIVE.to_bits(),
        f32::MAX.to_bits(),
    ]);
    let limits = [87.33, 87.34, 88.0, 88.73, 91.0, 95.0, 103.9, 104.0, 104.1, 1000.0];
    bits.map(f32::from_bits).chain(limits).collect()
}

fn every_value_is_within_the_bounds<F: Activation>(left: &str, right: &str) {
    let from: Vec<f32> = magnitudes().into_iter().flat_map(|x| [x, -x]).collect();
    let mut first: Option<Vec<f32>> = None;
    for kernels in support::levels() {
        let mut to = vec![f32::NAN; from.len()];
        norm::norm_activation::<F>(kernels, from.len(), None, &from, &mut to);
        for (x, got) in from.iter().zip(&to) {
            let want = support::pair(left, right, f64::from(*x));
            let bound = f64::from(MAX_RELATIVE_ERROR) * want.abs() + f64::from(MAX_ABSOLUTE_ERROR);
            // A value past the largest f32 (SELU's scale makes some) is infinite.
            let right_value = (f64::from(*got) - want).abs() <= bound || *got == want as f32;
            assert!(
                right_value,
                "({left}, {right}) at {x}: {got}, not {want}, on {}",
                kernels.name()
            );
        }
        // Without a fused multiply-add, rounding differs.
        if kernels.name() == "scalar" {
            continue;
        }
        let first = first.get_or_insert_with(|| to.clone());
        assert!(
            first.iter().zip(&to).all(|(a, b)| a.to_bits() == b.to_bits()),
            "({left}, {right}) differs on {}",
            kernels.name()
        );
    }
}

#[test]
fn all_pairs_are_accurate_everywhere_and_the_same_on_all_instruction_sets_with_fused_operations() {
    for_all_pairs!(every_value_is_within_the_bounds);
}
