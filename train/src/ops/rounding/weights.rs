//! The rounding of weights to -127 to 127 steps, with a scale for each filter.

use crate::ops::storage::elements;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// Largest weight in steps.
const TOP: f32 = 127.0;

/// The rounding of the weights (filters, channels, ...) of a convolution or classifier, as a
/// differentiable operation; every gradient passes.
#[derive(Clone, Debug)]
pub struct RoundedWeights {
    /// For each channel, the size of a unit of what is read there. The weights of an int8 network
    /// multiply integers, so with several units they are rounded in these. Empty if there is one
    /// unit.
    pub units: Vec<f32>,
}

impl RoundedWeights {
    /// Rounds weights.
    ///
    /// # Errors
    /// Fails if the tensor is not f32 on the CPU.
    pub fn apply(self, weights: &Tensor) -> Result<Tensor> {
        weights.contiguous()?.apply_op1(self)
    }

    /// Rounds the weights of filters with `size` weights each, in place.
    pub fn round(&self, size: usize, weights: &mut [f32]) {
        let taps = size / self.units.len().max(1);
        let unit = |at: usize| self.units.get(at / taps).copied().unwrap_or(1.0);
        for filter in weights.chunks_mut(size) {
            let sizes = filter.iter().enumerate().map(|(at, w)| (w * unit(at)).abs());
            let scale = sizes.fold(0.0, f32::max) / TOP;
            if scale > 0.0 {
                for (at, w) in filter.iter_mut().enumerate() {
                    *w = (*w * unit(at) / scale).round_ties_even() * scale / unit(at);
                }
            }
        }
    }
}

impl CustomOp1 for RoundedWeights {
    fn name(&self) -> &'static str {
        "rounded-weights"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut weights = elements(storage, layout)?.to_vec();
        let filters = layout.dims().first().copied().unwrap_or(1);
        self.round(weights.len() / filters, &mut weights);
        Ok((CpuStorage::F32(weights), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    const ONE_UNIT: RoundedWeights = RoundedWeights { units: Vec::new() };

    /// Golden: filters of two weights with the scales 1, 2/127 and 0.
    #[test]
    fn each_filter_has_its_scale() {
        let mut weights = [127.0, -2.5, 1.0, -2.0, 0.0, 0.0];
        ONE_UNIT.round(2, &mut weights);
        assert_eq!(weights, [127.0, -2.0, 64.0 * 2.0 / 127.0, -2.0, 0.0, 0.0]);
        // Rounded weights stay as they are, up to an ulp.
        let again = weights;
        ONE_UNIT.round(2, &mut weights);
        assert!(weights.iter().zip(again).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
    }

    #[test]
    fn channels_of_an_image_have_units() {
        let rounding = RoundedWeights { units: vec![1.0, 0.25] };
        let mut weights = [127.0, 3.4, 508.0, 5.0];
        rounding.round(4, &mut weights);
        assert_eq!(weights, [127.0, 3.0, 508.0, 4.0]);
    }

    #[test]
    fn every_gradient_passes() {
        let tensor =
            |values: &[f32]| Tensor::from_slice(values, (2, 1, 1, 2), &Device::Cpu).unwrap();
        let weights = Var::from_tensor(&tensor(&[1.0, 0.3, -0.2, 0.1])).unwrap();
        let factors = [1.0, -2.0, 3.0, 0.5];
        let rounded = ONE_UNIT.apply(&weights).unwrap();
        let loss = (rounded * tensor(&factors)).unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let found = gradients.get(&weights).unwrap().flatten_all().unwrap();
        assert_eq!(found.to_vec1::<f32>().unwrap(), factors);
    }
}
