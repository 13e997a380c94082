//! The same training step with Candle alone: the layers, the loss and the optimizer of `candle-nn`.

use crate::worker::{self, Step};
use anyhow::{Context, Result, bail, ensure};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, Linear, Module, Optimizer, ParamsAdamW, VarBuilder,
    VarMap,
};
use common::dataset::Images;
use common::network::activation::Activation;
use common::network::{BATCH_NORM_EPSILON, Network, Node, Op};
use train::data::batches::Batch;

enum Layer {
    Conv2d(Conv2d),
    BatchNorm(BatchNorm),
    Relu,
    Concat,
    AveragePool(usize),
    GlobalAveragePool,
    Linear(Linear),
}

/// Returns a full step with the images at some indices.
pub(crate) fn step(network: Network, images: Images) -> Result<Step> {
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    let layers: Vec<Layer> = network
        .nodes
        .iter()
        .map(|node| layer(node, builder.pp(&node.name)))
        .collect::<Result<_>>()?;
    let settings = ParamsAdamW { lr: 1e-3, weight_decay: 1e-4, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(variables.all_vars(), settings)?;
    let inputs = network.input_indices()?;
    Ok(Box::new(move |indices| {
        let Batch { images: batch, labels } = worker::batch(&images, indices, &network.input)?;
        let logits = forward(&layers, &inputs, &batch)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        optimizer.backward_step(&loss)?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }))
}

fn layer(node: &Node, builder: VarBuilder) -> Result<Layer> {
    Ok(match node.op {
        Op::Conv2d { in_channels, out_channels, kernel, stride } => {
            let config = Conv2dConfig { padding: kernel / 2, stride, ..Conv2dConfig::default() };
            Layer::Conv2d(candle_nn::conv2d_no_bias(
                in_channels,
                out_channels,
                kernel,
                config,
                builder,
            )?)
        }
        Op::BatchNorm { channels } => {
            Layer::BatchNorm(candle_nn::batch_norm(channels, BATCH_NORM_EPSILON, builder)?)
        }
        Op::Activation(pair) => {
            ensure!(
                pair.left == Activation::Relu && pair.right == Activation::Relu,
                "this peer only has ReLU"
            );
            Layer::Relu
        }
        Op::Concat {} => Layer::Concat,
        Op::AveragePool { size } => Layer::AveragePool(size),
        Op::GlobalAveragePool {} => Layer::GlobalAveragePool,
        Op::Linear { in_features, out_features } => {
            Layer::Linear(candle_nn::linear(in_features, out_features, builder)?)
        }
        Op::Dropout { .. } | Op::Add {} | Op::Shortcut { .. } | Op::GlobalMaxPool {} => {
            bail!("node {}: this peer has no such layer", node.name)
        }
    })
}

fn forward(layers: &[Layer], inputs: &[Vec<Option<usize>>], images: &Tensor) -> Result<Tensor> {
    let mut values: Vec<Tensor> = Vec::with_capacity(layers.len());
    for (layer, sources) in layers.iter().zip(inputs) {
        let taken: Vec<&Tensor> =
            sources.iter().map(|source| source.map_or(images, |i| &values[i])).collect();
        let input = taken[0];
        values.push(match layer {
            Layer::Conv2d(conv) => conv.forward(input)?,
            Layer::BatchNorm(norm) => norm.forward_train(input)?,
            Layer::Relu => input.relu()?,
            Layer::Concat => Tensor::cat(&taken, 1)?,
            Layer::AveragePool(size) => input.avg_pool2d(*size)?,
            Layer::GlobalAveragePool => input.flatten_from(2)?.mean(D::Minus1)?,
            Layer::Linear(linear) => linear.forward(input)?,
        });
    }
    values.pop().context("the network has no nodes")
}
