//! The state of a network while its steps are quantized one after the other.

use super::errors::Difference;
use super::pipeline::Pipeline;
use super::real::{Affine, image, norms};
use super::samples::Observed;
use common::dataset::Images;
use common::network::Network;
use common::network::weights::Weights;
use common::quantized::{Meaning, Method, Operand, Parameters, Plan, StepParameters};

/// A network of which some steps are quantized.
pub(super) struct State<'a> {
    pub(super) network: &'a Network,
    pub(super) weights: &'a Weights,
    pub(super) plan: Plan,
    pub(super) method: Method,
    pub(super) pipeline: Pipeline,
    pub(super) parameters: Parameters,
    /// The meaning of each value's channels; that of logits is empty.
    pub(super) real: Vec<Vec<Affine>>,
    /// What each step means, and its error if it differs from that of its own; `None` for steps
    /// without parameters.
    pub(super) meanings: Vec<Option<(Meaning, Option<f64>)>>,
    pub(super) logit_scale: f64,
}

impl<'a> State<'a> {
    /// Returns the state before the first step.
    pub(super) fn new(
        network: &'a Network,
        weights: &'a Weights,
        plan: Plan,
        method: Method,
        images: &Images,
    ) -> State<'a> {
        let real = image(&network.input);
        let zero_points =
            real.iter().map(|channel| channel.zero_point().round().clamp(0.0, 255.0) as u8);
        State {
            network,
            weights,
            plan,
            method,
            pipeline: Pipeline::new(images),
            parameters: Parameters { image_zero_points: zero_points.collect(), steps: Vec::new() },
            real: vec![real],
            meanings: Vec::new(),
            logit_scale: 0.0,
        }
    }

    /// Appends a step without parameters, whose values mean what those that it reads mean.
    pub(super) fn keep(&mut self, step: usize, input: usize) {
        let added = if self.plan.values[input].uniform {
            self.real[input][0]
        } else {
            Affine { scale: 0.0, offset: 0.0 }
        };
        let mut real = self.real[input].clone();
        real.resize(self.plan.made_by(step).shape.channels, added);
        self.real.push(real);
        self.parameters.steps.push(StepParameters::None);
        self.meanings.push(None);
        self.pipeline.run(&self.plan, &self.parameters, step);
    }

    /// Returns the affine function of each channel that an operand is.
    pub(super) fn functions(&self, operand: &Operand) -> Vec<Affine> {
        let channels: Vec<(usize, usize)> = self.plan.channels(operand).collect();
        let norms = norms(self.network, self.weights, &operand.norms, channels.len());
        let of = |((value, channel), norm): ((usize, usize), Affine)| {
            self.real[value][channel].then(norm)
        };
        channels.into_iter().zip(norms).map(of).collect()
    }

    /// Compares samples of the f32 network, after a function, with the newest value of the
    /// pipeline, whose meaning is `real`.
    pub(super) fn difference(
        &self,
        observed: &Observed,
        function: impl Fn(f64) -> f64,
        real: &[Affine],
    ) -> Difference {
        let mut difference = Difference::new(real.len());
        let mut first = 0;
        for (image, values) in self.pipeline.newest().enumerate() {
            let positions = observed.positions(image);
            let plane = values.len() / real.len();
            for (c, (affine, channel)) in real.iter().zip(&observed.channels).enumerate() {
                let samples = &channel.samples[first..][..positions.len()];
                for (sample, at) in samples.iter().zip(positions) {
                    let found = affine.real(values[c * plane + at]);
                    difference.add(c, function(f64::from(*sample)), found);
                }
            }
            first += positions.len();
        }
        difference
    }
}
