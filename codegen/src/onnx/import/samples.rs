//! Functions of single elements, known by what they compute.
//!
//! An activation is written in many forms: by one operator or several, by comparison and selection,
//! by the larger of two functions. Each form is computed at fixed points, and the pair of
//! activations that has the same values there is what it is.

use crate::onnx::proto::FLOAT;
use anyhow::{Result, bail, ensure};
use common::network::activation::{Activation, PiecewiseActivation};
use std::iter::once;

/// The largest difference of a value, relative to itself or to 1: constants are rounded to f32.
const TOLERANCE: f64 = 1e-6;

/// The element type of truth values.
const BOOL: i32 = 9;

/// The values of a function at [`points`].
pub(super) type Samples = Vec<f64>;

/// Returns the points: a grid, numbers next to 0, and large ones.
pub(super) fn points() -> Samples {
    let special = [1e-20, 1e-6, 1e-3, 30.0, 50.0, 80.0];
    let grid = (1..=200).map(|step| f64::from(step) / 10.0);
    let positive: Vec<f64> = special.into_iter().chain(grid).collect();
    once(0.0).chain(positive.into_iter().flat_map(|x| [x, -x])).collect()
}

/// Returns the pair of activations that a function is, or `Some(None)` for the identity; `None` if it
/// is neither.
pub(super) fn recognise(samples: &[f64]) -> Option<Option<PiecewiseActivation>> {
    let points = points();
    let is = |pair: &PiecewiseActivation| {
        points.iter().zip(samples).all(|(x, y)| {
            let expected = pair.value(*x);
            (y - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
        })
    };
    let pair = PiecewiseActivation::all().find(is)?;
    // On the right, relu, elu and linear are the same.
    let whole = pair.left.canonical_right() == pair.right.canonical_right();
    let right = if whole { pair.left } else { pair.right.canonical_right() };
    let identity = pair.left == Activation::Linear && right == Activation::Linear;
    Some((!identity).then_some(PiecewiseActivation { right, ..pair }))
}

/// Tells whether an operator computes single elements.
pub(super) fn is_pointwise(operator: &str) -> bool {
    const OPERATORS: [&str; 23] = [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Min",
        "Max",
        "Less",
        "LessOrEqual",
        "Greater",
        "GreaterOrEqual",
        "Where",
        "Cast",
        "Clip",
        "Neg",
        "Exp",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Sigmoid",
        "HardSigmoid",
        "Tanh",
        "Floor",
    ];
    OPERATORS.contains(&operator)
}

/// Returns what an operator computes of its arguments, with `number` for its attributes.
///
/// # Errors
/// Fails if it has too few arguments.
pub(super) fn compute(
    operator: &str,
    arguments: &[Samples],
    number: impl Fn(&str, f64) -> f64,
) -> Result<Samples> {
    let count = match operator {
        "Add" | "Sub" | "Mul" | "Div" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => 2,
        "Where" => 3,
        _ => 1,
    };
    ensure!(arguments.len() >= count, "it has {} inputs, but needs {count}", arguments.len());
    let (alpha, gamma) = (number("alpha", default_alpha(operator)), number("gamma", 1.050_700_9));
    let beta = number("beta", 0.5);
    let one = |f: &dyn Fn(f64) -> f64| arguments[0].iter().map(|x| f(*x)).collect();
    let two = |f: &dyn Fn(f64, f64) -> f64| {
        arguments[0].iter().zip(&arguments[1]).map(|(a, b)| f(*a, *b)).collect()
    };
    let all = |f: &dyn Fn(f64, f64) -> f64| {
        let fold = |a: Samples, b: &Samples| a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect();
        arguments[1..].iter().fold(arguments[0].clone(), fold)
    };
    let truth = |holds: bool| f64::from(u8::from(holds));
    let below = |x: f64| if x < 0.0 { x.exp_m1() } else { 0.0 };
    Ok(match operator {
        "Add" => two(&|a, b| a + b),
        "Sub" => two(&|a, b| a - b),
        "Mul" => two(&|a, b| a * b),
        "Div" => two(&|a, b| a / b),
        "Less" => two(&|a, b| truth(a < b)),
        "LessOrEqual" => two(&|a, b| truth(a <= b)),
        "Greater" => two(&|a, b| truth(a > b)),
        "GreaterOrEqual" => two(&|a, b| truth(a >= b)),
        "Min" => all(&f64::min),
        "Max" => all(&f64::max),
        "Clip" => clip(arguments),
        "Where" => {
            let sides = arguments[1].iter().zip(&arguments[2]);
            let chosen = arguments[0].iter().zip(sides);
            chosen.map(|(holds, (a, b))| if *holds == 0.0 { *b } else { *a }).collect()
        }
        "Cast" => match number("to", 0.0) as i32 {
            FLOAT => arguments[0].clone(),
            BOOL => one(&|x| truth(x != 0.0)),
            other => bail!("a conversion to the type {other} cannot be represented"),
        },
        "Neg" => one(&|x| -x),
        "Exp" => one(&f64::exp),
        "Floor" => one(&f64::floor),
        "Relu" => one(&|x| x.max(0.0)),
        "LeakyRelu" => one(&|x| if x < 0.0 { alpha * x } else { x }),
        "Elu" => one(&|x| x.max(0.0) + alpha * below(x)),
        "Selu" => one(&|x| gamma * (x.max(0.0) + alpha * below(x))),
        "Sigmoid" => one(&|x| Activation::Sigmoid.value(x)),
        "HardSigmoid" => one(&|x| (alpha * x + beta).clamp(0.0, 1.0)),
        "Tanh" => one(&f64::tanh),
        other => bail!("there is no such operator as {other} here"),
    })
}

fn default_alpha(operator: &str) -> f64 {
    match operator {
        "LeakyRelu" => 0.01,
        "Selu" => 1.673_263_2,
        "HardSigmoid" => 0.2,
        _ => 1.0,
    }
}

fn clip(arguments: &[Samples]) -> Samples {
    let bound = |at: usize, place: usize, none: f64| {
        arguments.get(at).and_then(|bound: &Samples| bound.get(place).copied()).unwrap_or(none)
    };
    let bounded = |(place, x): (usize, &f64)| {
        x.max(bound(1, place, f64::NEG_INFINITY)).min(bound(2, place, f64::INFINITY))
    };
    arguments[0].iter().enumerate().map(bounded).collect()
}
