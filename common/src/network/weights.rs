//! The tensors of a network (`weights.safetensors`): f32, with PyTorch's layouts and names.
//!
//! A node `n` has the tensors `n.weight` (convolution: OIHW; linear: out x in; batch normalisation:
//! gamma), `n.bias` (linear; batch normalisation: beta), `n.running_mean` and `n.running_var`.

use crate::files::{atomic, reading};
use crate::network::graph::{Network, Node, Op};
use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// Maximum size of a file of weights. No network has more, because the number of parameters is
/// bounded ([`crate::network::shapes`]).
pub const MAX_BYTES: u64 = 2 << 30;

/// A dense f32 tensor in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// Elements, as many as the shape has.
    pub data: Vec<f32>,
}

/// The tensors of a network by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(pub BTreeMap<String, Tensor>);

/// The role of a tensor in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Changed by the optimizer and counted as a parameter.
    Trainable,
    /// Running statistics of batch normalisation.
    Statistic,
}

/// Returns the tensors of one node: name, shape and role.
pub fn tensors_of(node: &Node) -> Vec<(String, Vec<usize>, Role)> {
    let named =
        |what: &str, shape: Vec<usize>, role| (format!("{}.{what}", node.name), shape, role);
    match node.op {
        Op::Conv2d { in_channels, out_channels, kernel, .. } => {
            vec![named("weight", vec![out_channels, in_channels, kernel, kernel], Role::Trainable)]
        }
        Op::BatchNorm { channels } => vec![
            named("weight", vec![channels], Role::Trainable),
            named("bias", vec![channels], Role::Trainable),
            named("running_mean", vec![channels], Role::Statistic),
            named("running_var", vec![channels], Role::Statistic),
        ],
        Op::Linear { in_features, out_features } => vec![
            named("weight", vec![out_features, in_features], Role::Trainable),
            named("bias", vec![out_features], Role::Trainable),
        ],
        Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Concat {}
        | Op::Add {}
        | Op::Shortcut { .. }
        | Op::AveragePool { .. }
        | Op::GlobalAveragePool {}
        | Op::GlobalMaxPool {} => vec![],
    }
}

impl Weights {
    /// Returns a tensor of the network that these weights were read for.
    ///
    /// # Panics
    /// Panics if there is no such tensor. [`Weights::read`] checks that there is.
    pub fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| {
            panic!("the tensor {name} was not checked when the weights were read")
        })
    }

    /// Checks that these are exactly the tensors of `network`, with the right shapes and finite
    /// elements.
    ///
    /// # Errors
    /// Fails with the name of a tensor that is missing, wrong or superfluous.
    pub fn check(&self, network: &Network) -> Result<()> {
        let mut expected = 0;
        for (name, shape, _) in network.nodes.iter().flat_map(tensors_of) {
            let Some(tensor) = self.0.get(&name) else { bail!("the tensor {name} is missing") };
            ensure!(
                tensor.shape == shape,
                "the tensor {name} has the shape {:?}, but the network needs {shape:?}",
                tensor.shape
            );
            ensure!(
                tensor.data.iter().all(|x| x.is_finite()),
                "the tensor {name} has elements that are not finite"
            );
            ensure!(
                !name.ends_with(".running_var") || tensor.data.iter().all(|x| *x >= 0.0),
                "the tensor {name} has variances below 0: was it converted in another order?"
            );
            expected += 1;
        }
        if expected != self.0.len() {
            let known: Vec<String> =
                network.nodes.iter().flat_map(tensors_of).map(|(name, ..)| name).collect();
            let extra = self.0.keys().find(|name| !known.contains(name));
            bail!(
                "the tensor {} does not belong to the network",
                extra.map_or("?", String::as_str)
            );
        }
        Ok(())
    }

    /// Reads the weights of `network`.
    ///
    /// # Errors
    /// Fails if the file is damaged, or if its tensors are not those of the network.
    pub fn read(path: &Path, network: &Network) -> Result<Weights> {
        let bytes = reading::read(path, MAX_BYTES)?;
        let weights = Self::from_bytes(&bytes).with_context(|| path.display().to_string())?;
        weights.check(network).with_context(|| {
            format!("{}: these weights are not of this network", path.display())
        })?;
        Ok(weights)
    }

    /// Parses a safetensors file with f32 tensors. PyTorch's counters of batches
    /// (`num_batches_tracked`) are ignored, because nothing is computed with them.
    ///
    /// # Errors
    /// Fails if the file is damaged, or if a tensor has another type.
    pub fn from_bytes(bytes: &[u8]) -> Result<Weights> {
        let file = SafeTensors::deserialize(bytes).context("not a valid safetensors file")?;
        // Sorted, so that the same file always gives the same error.
        let views: BTreeMap<&str, TensorView> =
            file.iter().filter(|(name, _)| !is_counter(name)).collect();
        let mut tensors = BTreeMap::new();
        for (name, view) in views {
            ensure!(
                view.dtype() == Dtype::F32,
                "the tensor {name} is {:?}, but only F32 is supported: convert it to 32-bit floats",
                view.dtype()
            );
            let data = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            tensors.insert(name.to_string(), Tensor { shape: view.shape().to_vec(), data });
        }
        Ok(Weights(tensors))
    }

    /// Returns the bytes of the safetensors file. Equal weights have equal bytes.
    ///
    /// # Errors
    /// Fails if a shape does not match its data.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let encoded: Vec<(&String, &Tensor, Vec<u8>)> = self
            .0
            .iter()
            .map(|(name, tensor)| {
                (name, tensor, tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect())
            })
            .collect();
        let mut views = Vec::with_capacity(encoded.len());
        for (name, tensor, bytes) in &encoded {
            views.push((name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?));
        }
        Ok(safetensors::serialize(views, None)?)
    }

    /// Writes the safetensors file atomically.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &self.to_bytes()?)
    }
}

fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::json::Document;
    use crate::network::test_support::small;

    fn weights(network: &Network) -> Weights {
        let filled = |(name, shape, _): (String, Vec<usize>, Role)| {
            let data = vec![0.5; shape.iter().product()];
            (name, Tensor { shape, data })
        };
        Weights(network.nodes.iter().flat_map(tensors_of).map(filled).collect())
    }

    #[test]
    fn weights_survive_their_file() {
        let network = small();
        network.check().unwrap();
        let weights = weights(&network);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        weights.write(&path).unwrap();
        assert_eq!(Weights::read(&path, &network).unwrap(), weights);
        assert_eq!(weights.to_bytes().unwrap(), std::fs::read(&path).unwrap());
    }

    #[test]
    fn only_the_tensors_of_the_network_pass() {
        let network = small();
        let error = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
            let mut weights = weights(&network);
            change(&mut weights.0);
            weights.check(&network).unwrap_err().to_string()
        };
        assert!(
            error(&|w| drop(w.remove("stem.conv.weight"))).contains("stem.conv.weight is missing")
        );
        let extra = Tensor { shape: vec![1], data: vec![0.0] };
        assert!(
            error(&|w| drop(w.insert("extra".into(), extra.clone())))
                .contains("extra does not belong")
        );
        let reshaped = error(&|w| w.get_mut("head.classifier.bias").unwrap().shape = vec![1, 2]);
        assert!(reshaped.contains("[1, 2]") && reshaped.contains("[2]"), "{reshaped}");
        let not_finite = error(&|w| w.get_mut("head.classifier.bias").unwrap().data[0] = f32::NAN);
        assert!(not_finite.contains("not finite"), "{not_finite}");
        let variance =
            weights(&network).0.keys().find(|name| name.ends_with("running_var")).unwrap().clone();
        let negative = error(&|w| w.get_mut(&variance).unwrap().data[0] = -1e-7);
        assert!(negative.contains(&format!("{variance} has variances below 0")), "{negative}");
    }

    /// A `state_dict` of PyTorch has a counter of batches for each batch normalisation, an I64
    /// without dimensions.
    #[test]
    fn counters_of_batches_are_ignored() {
        let (network, counter) = (small(), 7i64.to_le_bytes());
        let weights = weights(&network);
        let bytes: Vec<(&String, Vec<usize>, Vec<u8>)> = weights
            .0
            .iter()
            .map(|(name, tensor)| {
                (
                    name,
                    tensor.shape.clone(),
                    tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect(),
                )
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, data)| {
            ((*name).clone(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        });
        let counters = ["stem.norm.num_batches_tracked", "num_batches_tracked"]
            .map(|name| (name.to_string(), TensorView::new(Dtype::I64, vec![], &counter).unwrap()));
        let file = safetensors::serialize(views.chain(counters), None).unwrap();
        let read = Weights::from_bytes(&file).unwrap();
        read.check(&network).unwrap();
        assert_eq!(read, weights);
    }

    #[test]
    fn other_types_and_damaged_files_are_refused() {
        let bytes = 1.5f64.to_le_bytes();
        let view = TensorView::new(Dtype::F64, vec![1], &bytes).unwrap();
        let file = safetensors::serialize([("x", view)], None).unwrap();
        let error = Weights::from_bytes(&file).unwrap_err().to_string();
        assert!(error.contains("the tensor x is F64") && !error.contains("not a valid"), "{error}");
        let both =
            ["b", "a"].map(|name| (name, TensorView::new(Dtype::F64, vec![1], &bytes).unwrap()));
        let both = safetensors::serialize(both, None).unwrap();
        for _ in 0..20 {
            assert!(
                Weights::from_bytes(&both).unwrap_err().to_string().contains("the tensor a is F64")
            );
        }
        for length in 0..file.len() {
            assert!(Weights::from_bytes(&file[..length]).is_err());
        }
    }
}
