//! The training step of this crate, as in `train fit`.

use crate::worker::{self, Step};
use anyhow::Result;
use candle_core::D;
use common::dataset::Images;
use common::network::Network;
use common::profile::TrainingSettings;
use common::search::genome::Optimizer as Kind;
use train::data::batches::Batch;
use train::model::{Mode, Model};
use train::ops::simd::Level;
use train::optim::optimizer::Optimizer;
use train::{init, loss};

/// Returns a full step with the images at some indices: gather, normalise, forward, loss, backward,
/// Adam with weight decay; quantisation-aware if `rounded`.
pub(crate) fn step(network: Network, images: Images, rounded: bool) -> Result<Step> {
    let input = network.input.clone();
    let weights = init::weights(&network, 0);
    let mut model = Model::new(network, &weights, Level::detected())?;
    if rounded {
        model = model.rounded()?;
    }
    let settings = TrainingSettings { weight_decay: 1e-4, ..TrainingSettings::default() };
    let mut optimizer = Optimizer::new(Kind::Adam, &settings);
    let mut step = 0;
    Ok(Box::new(move |indices| {
        let Batch { images: batch, labels } = worker::batch(&images, indices, &input)?;
        let logits = model.forward(&batch, Mode::Training { seed: 0, step })?.logits;
        let loss = loss::cross_entropy(&logits, &labels, 0.0)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        let _correct: Vec<u8> = logits.argmax(D::Minus1)?.eq(&labels)?.to_vec1()?;
        optimizer.step(model.parameters(), &loss.backward()?, 1e-3)?;
        step += 1;
        Ok(value)
    }))
}
