//! From an ONNX model to a network and its weights.

use super::constant::Constant;
use super::importer::{Importer, Map};
use super::operator::Operator;
use super::samples::is_pointwise;
use crate::onnx::proto::{FLOAT, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use anyhow::{Context, Result, bail, ensure};
use common::files::json::Document;
use common::network::weights::{Weights, tensors_of};
use common::network::{INPUT, Input, Network, Origin, Shape};
use common::search::genome::Optimizer;
use prost::Message;
use std::collections::{HashMap, HashSet};

/// The oldest operators that are read, those of 2017: older ones have other attributes.
const OLDEST_OPSET: i64 = 7;

/// The most operators of a model.
const MAX_OPERATORS: usize = 10_000;

/// What a model does not say of the network: how pixels become its input.
pub(crate) struct Normalisation {
    /// For each channel, what is subtracted from pixels scaled to 0..1.
    pub(crate) mean: Option<Vec<f32>>,
    /// For each channel, the divisor of the difference.
    pub(crate) std: Option<Vec<f32>>,
}

/// A network that was read.
pub(crate) struct Imported {
    pub(crate) network: Network,
    pub(crate) weights: Weights,
    /// Convolutions that have become larger: what to say of each.
    pub(crate) grown: Vec<String>,
}

/// Reads a network from the bytes of a model.
///
/// # Errors
/// Fails if the bytes are no model, or if it has something that a network cannot represent; the
/// error names the node.
pub(crate) fn import(bytes: &[u8], name: &str, normalisation: &Normalisation) -> Result<Imported> {
    let model = ModelProto::decode(bytes).context("this is no ONNX model")?;
    ensure!(model.functions.is_empty(), "the model defines functions, which are not read");
    let graph = model.graph.as_ref().context("this is no ONNX model: it has no graph")?;
    ensure!(
        graph.sparse_initializer.is_empty(),
        "the model has sparse constants, which are not read"
    );
    ensure!(graph.node.len() <= MAX_OPERATORS, "the model has over {MAX_OPERATORS} operators");
    let opset =
        model.opset_import.iter().find(|set| set.domain.is_empty()).map_or(0, |set| set.version);
    ensure!(
        opset >= OLDEST_OPSET,
        "the model has operators of opset {opset}; those of {OLDEST_OPSET} and later are read"
    );
    let constants = constants(graph)?;
    let (input, shape) = image(graph, &constants)?;
    let mut importer = Importer::new(constants, input, shape);
    for node in &graph.node {
        let node = Operator(node);
        read(&mut importer, node)
            .with_context(|| format!("node {:?} ({})", node.name(), node.kind()))?;
    }
    let [output] = graph.output.as_slice() else {
        bail!("the model has {} outputs, but a network has one", graph.output.len())
    };
    let last = importer.map(&output.name).context("the output")?;
    ensure!(last.node != INPUT, "the output is the image itself");
    let metadata = |key: &str| {
        let mut entries = model.metadata_props.iter().filter(|entry| entry.key == key);
        entries.next().map(|entry| entry.value.as_str())
    };
    let input = described(shape, metadata, normalisation)?;
    let classes = match metadata("classes") {
        Some(classes) => serde_json::from_str(classes).context("the metadata `classes`")?,
        None => (0..last.shape.channels.min(1 << 16)).map(|class| class.to_string()).collect(),
    };
    let origin = Origin::Baseline { name: baseline_name(name), optimizer: Optimizer::Adam };
    finish(importer, &last, Network { origin, input, classes, nodes: vec![] })
}

/// Reads one node.
fn read(importer: &mut Importer, node: Operator<'_>) -> Result<()> {
    let NodeProto { domain, output, .. } = node.0;
    ensure!(domain.is_empty() || domain == "ai.onnx", "operators of {domain:?} are not read");
    let output = output.first().context("it has no output")?.as_str();
    match node.kind() {
        "Constant" => {
            let value = node.tensor("value").context("only constants with a tensor are read")?;
            importer.define_constant(output, Constant::read(value)?);
            Ok(())
        }
        "Dropout" if node.input(2).is_ok() => {
            bail!("a dropout in training mode cannot be represented")
        }
        "Identity" | "Dropout" => match importer.find_constant(node.input(0)?).cloned() {
            Some(constant) => {
                importer.define_constant(output, constant);
                Ok(())
            }
            None => importer.alias(node.input(0)?, output),
        },
        "Conv" => importer.convolution(node, output),
        "BatchNormalization" => importer.norm(node, output),
        "AveragePool" | "MaxPool" => importer.pool(node, output),
        "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceMax" => {
            importer.global_pool(node, output)
        }
        "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => importer.reshape(node, output),
        "Gemm" | "MatMul" => importer.linear(node, output),
        "Concat" => importer.concatenation(node, output),
        "Pad" => importer.pad(node, output),
        "Softmax" | "LogSoftmax" => {
            bail!("a network's output is the logits: export the model without its softmax")
        }
        operator if is_pointwise(operator) => {
            if importer.pointwise(node, output)? {
                return Ok(());
            }
            if matches!(operator, "Add" | "Sub" | "Mul" | "Div") {
                return importer.arithmetic(node, output);
            }
            bail!("it joins several tensors, which a network cannot represent")
        }
        _ => bail!("a network here has no such operator"),
    }
}

fn constants(graph: &GraphProto) -> Result<HashMap<String, Constant>> {
    let mut constants = HashMap::new();
    for tensor in &graph.initializer {
        let constant =
            Constant::read(tensor).with_context(|| format!("constant {:?}", tensor.name))?;
        constants.insert(tensor.name.clone(), constant);
    }
    Ok(constants)
}

/// Returns the name and shape of the image.
fn image<'a>(
    graph: &'a GraphProto,
    constants: &HashMap<String, Constant>,
) -> Result<(&'a str, Shape)> {
    let inputs = graph.input.iter().filter(|input| !constants.contains_key(&input.name));
    let inputs: Vec<&ValueInfoProto> = inputs.collect();
    let [input] = inputs[..] else {
        bail!("the model has {} inputs, but a network has one, the image", inputs.len())
    };
    let tensor = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
    let tensor = tensor.context("the input has no type")?;
    ensure!(tensor.elem_type == FLOAT, "the input must be f32");
    let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let sides: Vec<Option<usize>> =
        dims.iter().map(|dim| dim.dim_value.and_then(|side| usize::try_from(side).ok())).collect();
    match sides[..] {
        [_, Some(channels), Some(height), Some(width)]
            if [channels, height, width].iter().all(|side| (1..=4096).contains(side)) =>
        {
            Ok((&input.name, Shape { channels, height, width }))
        }
        _ => bail!(
            "the input {:?} must be batch x channels x rows x columns with fixed sides of 1 to 4096",
            input.name
        ),
    }
}

/// Returns the network's input: as options say, else as the model's metadata do, else pixels that
/// are scaled to 0..1 only.
fn described<'a>(
    shape: Shape,
    metadata: impl Fn(&str) -> Option<&'a str>,
    normalisation: &Normalisation,
) -> Result<Input> {
    let Shape { channels, height, width } = shape;
    let numbers = |key: &str, given: &Option<Vec<f32>>, default: f32| match (given, metadata(key)) {
        (Some(given), _) => Ok(given.clone()),
        (None, Some(text)) => text
            .split(',')
            .map(str::parse::<f32>)
            .collect::<Result<_, _>>()
            .with_context(|| format!("the metadata `{key}`: {text:?}")),
        (None, None) => Ok(vec![default; channels]),
    };
    let mean = numbers("mean", &normalisation.mean, 0.0)?;
    let std = numbers("std", &normalisation.std, 1.0)?;
    let resize = match metadata("resize") {
        Some(rule) => rule.parse().map_err(anyhow::Error::msg).context("the metadata `resize`")?,
        None => Default::default(),
    };
    Ok(Input { channels, height, width, mean, std, resize })
}

/// Leaves out what does not lead to the output, and checks the network.
fn finish(importer: Importer, last: &Map, mut network: Network) -> Result<Imported> {
    Importer::must_be_whole(last).context("the output")?;
    let Importer { nodes, mut weights, grown, .. } = importer;
    let mut needed = HashSet::from([last.node.clone()]);
    for node in nodes.iter().rev() {
        if needed.contains(&node.name) {
            needed.extend(node.inputs.iter().cloned());
        }
    }
    network.nodes = nodes.into_iter().filter(|node| needed.contains(&node.name)).collect();
    let tensors = network.nodes.iter().flat_map(tensors_of).map(|(name, ..)| name);
    let tensors: HashSet<String> = tensors.collect();
    weights.0.retain(|name, _| tensors.contains(name));
    network.check()?;
    weights.check(&network)?;
    Ok(Imported { network, weights, grown })
}

/// Returns a name that a baseline may have.
fn baseline_name(name: &str) -> String {
    let allowed = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
        _ => '-',
    };
    let name: String = name.chars().take(60).map(allowed).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.to_string()
    } else {
        format!("net-{name}").trim_matches('-').to_string()
    }
}
