//! Shared by the tests: all instruction sets, all 49 pairs, random tensors, and exact values.
#![allow(dead_code, unused_macros, reason = "each test file uses its own part of this")]

use runtime::dispatch::Kernels;

/// Returns every instruction set of this processor.
pub(crate) fn levels() -> impl Iterator<Item = Kernels> {
    Kernels::available().into_iter().flatten()
}

/// Calls `$test::<Pair>(left name, right name)` for all 49 pairs.
macro_rules! for_all_pairs {
    ($test:ident) => {
        for_all_pairs!(@left $test; Relu, Elu, Sigmoid, Tanh, Swish, Selu, Linear)
    };
    (@left $test:ident; $($left:ident),*) => {{ $(
        for_all_pairs!(@right $test; $left; Relu, Elu, Sigmoid, Tanh, Swish, Selu, Linear);
    )* }};
    (@right $test:ident; $left:ident; $($right:ident),*) => { $( {
        type Pair = runtime::activation::Piecewise<runtime::activation::$left, runtime::activation::$right>;
        $test::<Pair>(stringify!($left), stringify!($right));
    } )* };
}

/// Returns the exact value of a pair.
pub(crate) fn pair(left: &str, right: &str, x: f64) -> f64 {
    function(if x < 0.0 { left } else { right }, x)
}

fn function(name: &str, x: f64) -> f64 {
    let sigmoid = if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) };
    match name {
        "Relu" => x.max(0.0),
        "Elu" => x.max(x.min(0.0).exp_m1()),
        "Sigmoid" => sigmoid,
        "Tanh" => x.tanh(),
        "Swish" => x * sigmoid,
        "Selu" => {
            1.050_700_987_355_480_5 * if x < 0.0 { 1.673_263_242_354_377_2 * x.exp_m1() } else { x }
        }
        "Linear" => x,
        other => panic!("{other}"),
    }
}

/// Returns numbers between -1 and 1 that depend on the seed alone (xorshift).
pub(crate) fn random(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Panics if a value is off by more than `tolerance` times the sum of its absolute terms.
pub(crate) fn assert_close(got: &[f32], want: &[(f64, f64)], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, (want, size))) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(
            error <= tolerance * size.max(1e-6),
            "{what}: element {index} is {got}, not {want}"
        );
    }
}
