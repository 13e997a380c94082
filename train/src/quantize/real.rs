//! What bytes mean as real numbers.

use common::network::weights::Weights;
use common::network::{BATCH_NORM_EPSILON, Input, Network};

/// The meaning of a channel's value X: `scale * X + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) scale: f64,
    pub(super) offset: f64,
}

impl Affine {
    /// Returns the meaning of a byte of a table.
    pub(super) fn of_table(scale: f64, zero_point: u8) -> Affine {
        Affine { scale, offset: scale * (128.0 - f64::from(zero_point)) }
    }

    /// Returns the real number of a value.
    pub(super) fn real(self, value: i8) -> f64 {
        self.scale * f64::from(value) + self.offset
    }

    /// Returns the value nearest to a real number.
    pub(super) fn value(self, real: f64) -> i8 {
        // A constant channel has the scale 0.
        let steps = if self.scale > 0.0 { (real - self.offset) / self.scale } else { 0.0 };
        steps.round_ties_even().clamp(-128.0, 127.0) as i8
    }

    /// Returns the unsigned byte, perhaps between two, that stands for 0.
    pub(super) fn zero_point(self) -> f64 {
        128.0 - self.offset / self.scale
    }

    /// Returns this meaning after another affine function.
    pub(super) fn then(self, function: Affine) -> Affine {
        Affine {
            scale: function.scale * self.scale,
            offset: function.scale * self.offset + function.offset,
        }
    }
}

/// Returns the meaning of each channel of the image, after normalisation.
pub(super) fn image(input: &Input) -> Vec<Affine> {
    let channel = |(mean, std): (&f32, &f32)| {
        let scale = 1.0 / (255.0 * f64::from(*std));
        Affine { scale, offset: 128.0 * scale - f64::from(*mean) / f64::from(*std) }
    };
    input.mean.iter().zip(&input.std).map(channel).collect()
}

/// Returns the affine function of each channel that batch normalisations in a row are.
pub(super) fn norms(
    network: &Network,
    weights: &Weights,
    nodes: &[usize],
    channels: usize,
) -> Vec<Affine> {
    let mut functions = vec![Affine { scale: 1.0, offset: 0.0 }; channels];
    for &node in nodes {
        let tensor =
            |what: &str| &weights.get(&format!("{}.{what}", network.nodes[node].name)).data;
        let (gamma, beta) = (tensor("weight"), tensor("bias"));
        let (mean, variance) = (tensor("running_mean"), tensor("running_var"));
        for (c, function) in functions.iter_mut().enumerate() {
            let scale = f64::from(gamma[c]) / (f64::from(variance[c]) + BATCH_NORM_EPSILON).sqrt();
            let offset = f64::from(beta[c]) - f64::from(mean[c]) * scale;
            *function = function.then(Affine { scale, offset });
        }
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_mean_what_normalisation_makes_of_them() {
        let input = Input {
            channels: 1,
            height: 1,
            width: 1,
            mean: vec![0.13],
            std: vec![0.3],
            resize: Default::default(),
        };
        for pixel in [0, 1, 128, 255] {
            let value = common::quantized::arithmetic::signed(pixel);
            let real = image(&input)[0].real(value);
            assert!((real - f64::from(input.normalise(0, pixel))).abs() < 1e-6, "{real}");
            assert_eq!(image(&input)[0].value(real), value);
        }
        assert!((image(&input)[0].zero_point() - 0.13 * 255.0).abs() < 1e-5);
    }

    #[test]
    fn values_saturate_and_constants_have_one_value() {
        let affine = Affine { scale: 0.5, offset: 1.0 };
        assert_eq!([1e30, -1e30, 1.6].map(|x| affine.value(x)), [127, -128, 1]);
        assert_eq!(Affine { scale: 0.0, offset: 1.0 }.value(7.0), 0);
        let other = affine.then(Affine { scale: 2.0, offset: -1.0 });
        assert_eq!(other.real(3), 2.0 * affine.real(3) - 1.0);
    }
}
