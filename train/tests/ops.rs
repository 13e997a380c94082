//! The native operations against Candle's, for odd sizes, every tile width, strides and batch 1, at
//! every level; forward and backward.

use candle_core::{DType, Device, Result, Tensor, Var};
use common::network::activation::{Activation, PiecewiseActivation};
use train::ops::activation::Piecewise;
use train::ops::blocks::{to_blocks, to_rows};
use train::ops::conv::Conv2d;
use train::ops::norm::NormActivation;
use train::ops::simd::Level;

/// Returns numbers in -1..1 from a fixed formula.
fn numbers(shape: &[usize], salt: f32) -> Tensor {
    let count: usize = shape.iter().product();
    let data: Vec<f32> = (0..count).map(|i| ((i as f32 * 0.7 + salt) * 1.3).sin()).collect();
    Tensor::from_vec(data, shape, &Device::Cpu).unwrap()
}

fn assert_close(got: &Tensor, want: &Tensor, what: &str) {
    assert_eq!(got.dims(), want.dims(), "{what}");
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (got, want) = (values(got), values(want));
    let scale = want.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!((g - w).abs() <= 2e-5 * scale, "{what}[{i}]: {g} is not {w}");
    }
}

/// Returns the value of `f(x, w)` and the gradients of `sum(f(x, w) * weights)`; `x` and the value
/// are (images, ...).
fn value_and_gradients(
    x: &Tensor,
    w: &Var,
    f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> [Tensor; 3] {
    let x = Var::from_tensor(x).unwrap();
    let y = f(&x, w).unwrap();
    let loss = (&y * numbers(y.dims(), 9.0)).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    [y, gradients.get(&x).unwrap().clone(), gradients.get(w).unwrap().clone()]
}

/// Returns the same for an operation on a batch in blocks. `x` and the results are (images,
/// channels * height * width).
fn in_blocks(x: &Tensor, w: &Var, f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> [Tensor; 3] {
    let images = x.dims()[0];
    let blocks = Var::from_tensor(&to_blocks(x).unwrap()).unwrap();
    let y = to_rows(&f(&blocks, w).unwrap(), images).unwrap();
    let loss = (&y * numbers(y.dims(), 9.0)).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    [
        y,
        to_rows(gradients.get(&blocks).unwrap(), images).unwrap(),
        gradients.get(w).unwrap().clone(),
    ]
}

/// Returns the results of Candle's operations in the shapes of [`in_blocks`].
fn as_rows([y, dx, dw]: [Tensor; 3]) -> [Tensor; 3] {
    [y.flatten_from(1).unwrap(), dx.flatten_from(1).unwrap(), dw]
}

/// Compares the gradients of [`in_blocks`] with central differences of `f` in f64, along a
/// direction.
fn assert_directional_derivatives(
    ours: &[Tensor; 3],
    x: &Tensor,
    w: &Tensor,
    f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    what: &str,
) {
    const STEP: f64 = 1e-6;
    let (x, w) = (x.to_dtype(DType::F64).unwrap(), w.to_dtype(DType::F64).unwrap());
    let loss = |x: &Tensor, w: &Tensor| -> Result<f64> {
        let y = f(x, w)?.flatten_from(1)?;
        (&y * numbers(y.dims(), 9.0).to_dtype(DType::F64)?)?.sum_all()?.to_scalar()
    };
    for (place, gradient, name) in [(&x, &ours[1], "input"), (&w, &ours[2], "weight")] {
        let direction = numbers(place.dims(), 4.0).to_dtype(DType::F64).unwrap();
        let moved = |step: f64| {
            let there = (place + (&direction * step).unwrap()).unwrap();
            if name == "input" { loss(&there, &w).unwrap() } else { loss(&x, &there).unwrap() }
        };
        let want = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let gradient = gradient.to_dtype(DType::F64).unwrap().reshape(place.dims()).unwrap();
        let products = (gradient * &direction).unwrap();
        let got: f64 = products.sum_all().unwrap().to_scalar().unwrap();
        let scale: f64 = products.abs().unwrap().sum_all().unwrap().to_scalar().unwrap();
        assert!(
            (got - want).abs() <= 1e-5 * scale.max(1.0),
            "{what}, derivative of the {name}: {got} is not {want}"
        );
    }
}

#[test]
fn convolution_equals_that_of_candle() {
    // (batch, in, out, height, width, kernel, stride)
    let cases = [
        (1, 1, 1, 1, 1, 3, 1),
        (1, 3, 5, 7, 9, 3, 1),
        (2, 2, 12, 8, 8, 3, 1),
        (3, 7, 13, 5, 6, 5, 1),
        (17, 4, 23, 4, 3, 1, 1),
        (2, 5, 4, 9, 8, 3, 2),
        (1, 2, 3, 7, 7, 5, 3),
        (1, 24, 24, 28, 28, 1, 1),
        (1, 2, 6, 6, 33, 7, 1),
    ];
    for level in Level::available() {
        for (batch, channels, out, height, width, kernel, stride) in cases {
            let x = numbers(&[batch, channels, height, width], 0.0);
            let w = Var::from_tensor(&numbers(&[out, channels, kernel, kernel], 3.0)).unwrap();
            let ours =
                in_blocks(&x, &w, |x, w| Conv2d { images: batch, stride, level }.apply(x, w));
            // Candle's gradient is only right if the stride divides the size, so it is computed at
            // stride 1.
            let candles = value_and_gradients(&x, &w, |x, w| {
                let dense = x.conv2d(w, kernel / 2, 1, 1, 1)?;
                if stride == 1 { Ok(dense) } else { every(&every(&dense, 2, stride)?, 3, stride) }
            });
            let candles = as_rows(candles);
            let exact = |x: &Tensor, w: &Tensor| {
                let dense = x.conv2d(w, kernel / 2, 1, 1, 1)?;
                every(&every(&dense, 2, stride)?, 3, stride)
            };
            assert_directional_derivatives(
                &ours,
                &x,
                &w,
                exact,
                &format!("{level:?} {:?} kernel {kernel} stride {stride}", x.dims()),
            );
            for (what, (got, want)) in ["output", "input gradient", "weight gradient"]
                .iter()
                .zip(ours.iter().zip(&candles))
            {
                assert_close(
                    got,
                    want,
                    &format!("{level:?} {:?} kernel {kernel} stride {stride} {what}", x.dims()),
                );
            }
        }
    }
}

fn every(tensor: &Tensor, dim: usize, stride: usize) -> Result<Tensor> {
    let indices: Vec<u32> = (0..tensor.dims()[dim] as u32).step_by(stride).collect();
    tensor.index_select(&Tensor::new(indices, &Device::Cpu)?, dim)
}

#[test]
fn batch_norm_with_activation_follows_the_textbook_formula() {
    let beta = numbers(&[3], 2.0);
    let gamma = Var::from_tensor(&numbers(&[3], 1.0)).unwrap();
    for level in Level::available() {
        for (left, right) in
            [(Activation::Linear, Activation::Linear), (Activation::Swish, Activation::Tanh)]
        {
            let pair = PiecewiseActivation { left, right };
            for shape in [[4, 3, 5, 7], [1, 3, 9, 9], [2, 3, 1, 1], [17, 3, 4, 17]] {
                let x = numbers(&shape, 0.5);
                let op = NormActivation { images: shape[0], pair, level };
                let ours = in_blocks(&x, &gamma, |x, g| Ok(op.train(x, g, &beta)?.0));
                let textbook = value_and_gradients(&x, &gamma, |x, g| {
                    let normalised = textbook_batch_norm(x, g, &beta)?;
                    Piecewise { pair, level }.apply(&normalised)
                });
                let textbook = as_rows(textbook);
                let exact = |x: &Tensor, g: &Tensor| {
                    let normalised = textbook_batch_norm(x, g, &beta.to_dtype(DType::F64)?)?;
                    let values: Vec<f64> = normalised.flatten_all()?.to_vec1()?;
                    let activated: Vec<f64> = values.into_iter().map(|x| pair.value(x)).collect();
                    Tensor::from_vec(activated, normalised.shape(), &Device::Cpu)
                };
                assert_directional_derivatives(
                    &ours,
                    &x,
                    &gamma,
                    exact,
                    &format!("{level:?} {pair} {shape:?}"),
                );
                for (what, (got, want)) in ["output", "input gradient", "gamma gradient"]
                    .iter()
                    .zip(ours.iter().zip(&textbook))
                {
                    assert_close(got, want, &format!("{level:?} {pair} {shape:?} {what}"));
                }
            }
        }
    }
}

fn textbook_batch_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    let mean_of = |t: &Tensor| t.mean_keepdim(0)?.mean_keepdim(2)?.mean_keepdim(3);
    let centred = x.broadcast_sub(&mean_of(x)?)?;
    let std = (mean_of(&centred.sqr()?)? + 1e-5)?.sqrt()?;
    let per_channel = |t: &Tensor| t.reshape((1, 3, 1, 1));
    centred
        .broadcast_div(&std)?
        .broadcast_mul(&per_channel(gamma)?)?
        .broadcast_add(&per_channel(beta)?)
}
