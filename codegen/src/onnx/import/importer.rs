//! The state while the nodes of a model are read one after the other.

use super::constant::Constant;
use super::operator::Operator;
use super::samples::{self, Samples};
use anyhow::{Context, Result, bail, ensure};
use common::network::weights::{Tensor, Weights};
use common::network::{INPUT, Node, Op, Shape};
use std::collections::{HashMap, HashSet};

/// A tensor that a node of the network makes, or the image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Map {
    /// The name of the node, or [`INPUT`].
    pub(super) node: String,
    /// The shape in the model.
    pub(super) shape: Shape,
    /// Rows and columns that the node makes: those of the shape, and others below and to the right
    /// of them, which nothing may read.
    pub(super) made: [usize; 2],
    /// Whether it is batch x elements, without rows and columns.
    pub(super) is_flat: bool,
}

/// The most tensors that one is known to be a function of.
const MAX_VIEWS: usize = 6;

/// The most inputs of an operator of single elements.
const MAX_INPUTS: usize = 100;

/// The most activations, each of the one before, that become nodes at once.
const MAX_DEPTH: usize = 100;

/// The most elements of a tensor.
const MAX_ELEMENTS: usize = 1 << 26;

/// The most elements of all weights: no network has more.
const MAX_WEIGHTS: usize = 1 << 28;

/// A tensor of the model.
#[derive(Clone, Debug)]
struct Value {
    /// The functions of single elements that it is of tensors before it, the first one first. Which
    /// of them is an activation is found out when a node needs the tensor.
    views: Vec<View>,
    /// The terms, if it is a sum of two tensors: if it is no activation, it is that.
    terms: Option<[String; 2]>,
    /// The tensor as one that a node of the network makes, if there is that node yet.
    map: Option<Map>,
}

/// A function of the elements of a tensor.
#[derive(Clone, Debug)]
struct View {
    source: String,
    samples: Samples,
}

/// A network as far as the model's nodes have been read.
pub(super) struct Importer {
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Weights,
    /// Convolutions that have become larger: what to say of each.
    pub(super) grown: Vec<String>,
    constants: HashMap<String, Constant>,
    values: HashMap<String, Value>,
    /// Other names of tensors.
    aliases: HashMap<String, String>,
    /// The elements of the weights.
    elements: usize,
    names: HashSet<String>,
}

impl Importer {
    /// Returns the state before the first node.
    pub(super) fn new(constants: HashMap<String, Constant>, input: &str, shape: Shape) -> Self {
        let mut importer = Importer {
            nodes: vec![],
            weights: Weights::default(),
            grown: vec![],
            constants,
            values: HashMap::new(),
            aliases: HashMap::new(),
            elements: 0,
            names: HashSet::from([INPUT.to_string()]),
        };
        let made = [shape.height, shape.width];
        let map = Map { node: INPUT.to_string(), shape, made, is_flat: false };
        importer
            .values
            .insert(input.to_string(), Value { views: vec![], terms: None, map: Some(map) });
        importer
    }

    /// Makes a tensor of the model known.
    ///
    /// # Errors
    /// Fails if it is too large.
    pub(super) fn define(&mut self, tensor: &str, map: Map) -> Result<()> {
        let elements = map.made.into_iter().try_fold(map.shape.channels, usize::checked_mul);
        let fits = elements.is_some_and(|elements| elements <= MAX_ELEMENTS);
        ensure!(fits, "its output {} has over {MAX_ELEMENTS} elements", map.shape);
        self.values
            .insert(tensor.to_string(), Value { views: vec![], terms: None, map: Some(map) });
        Ok(())
    }

    /// Makes a constant of the model known.
    pub(super) fn define_constant(&mut self, tensor: &str, constant: Constant) {
        self.constants.insert(tensor.to_string(), constant);
    }

    /// Makes a tensor known that is another one.
    ///
    /// # Errors
    /// Fails if there is no such other one.
    pub(super) fn alias(&mut self, of: &str, tensor: &str) -> Result<()> {
        self.value(of)?;
        self.aliases.insert(tensor.to_string(), self.resolve(of).to_string());
        Ok(())
    }

    fn resolve<'a>(&'a self, tensor: &'a str) -> &'a str {
        self.aliases.get(tensor).map_or(tensor, String::as_str)
    }

    /// Returns a constant, if the tensor is one.
    pub(super) fn find_constant(&self, tensor: &str) -> Option<&Constant> {
        self.constants.get(tensor)
    }

    /// Returns a constant.
    ///
    /// # Errors
    /// Fails if the tensor is none.
    pub(super) fn constant(&self, tensor: &str) -> Result<&Constant> {
        self.find_constant(tensor)
            .with_context(|| format!("its input {tensor:?} must be a constant that is in the file"))
    }

    /// Returns a tensor as one that a node makes, after the activation that it is has become a
    /// node.
    ///
    /// # Errors
    /// Fails if there is no such tensor, or if it is no activation of another one.
    pub(super) fn map(&mut self, tensor: &str) -> Result<Map> {
        self.map_at(tensor, 0)
    }

    fn map_at(&mut self, tensor: &str, depth: usize) -> Result<Map> {
        ensure!(depth < MAX_DEPTH, "over {MAX_DEPTH} activations follow on each other");
        let value = self.value(tensor)?.clone();
        if let Some(map) = value.map {
            return Ok(map);
        }
        let known = value.views.iter().find_map(|view| {
            samples::recognise(&view.samples).map(|activation| (&view.source, activation))
        });
        let map = match (known, &value.terms) {
            (Some((source, activation)), _) => {
                let source = self.map_at(source, depth + 1)?;
                match activation {
                    None => source,
                    Some(pair) => {
                        let node = self.add(tensor, Op::Activation(pair), &[&source]);
                        Map { node, ..source }
                    }
                }
            }
            (None, Some([a, b])) => {
                let [a, b] = [self.map_at(a, depth + 1)?, self.map_at(b, depth + 1)?];
                self.sum(tensor, &a, b)?
            }
            (None, None) => bail!(
                "its input {tensor:?} is no activation that networks have here (relu, elu, sigmoid, \
                 tanh, swish, selu or linear, one below 0 and one from 0 on)"
            ),
        };
        let name = self.resolve(tensor).to_string();
        if let Some(value) = self.values.get_mut(&name) {
            value.map = Some(map.clone());
        }
        Ok(map)
    }

    /// Adds the sum of two tensors.
    ///
    /// # Errors
    /// Fails if their shapes differ.
    pub(super) fn sum(&mut self, wanted: &str, a: &Map, b: Map) -> Result<Map> {
        let differ = Map { node: b.node.clone(), ..a.clone() } != b;
        ensure!(!differ, "it adds {} and {}, or one of them is padded", a.shape, b.shape);
        let node = self.add(wanted, Op::Add {}, &[a, &b]);
        Ok(Map { node, ..b })
    }

    fn value(&self, tensor: &str) -> Result<&Value> {
        if self.constants.contains_key(tensor) {
            bail!("its input {tensor:?} is a constant, but must depend on the image");
        }
        self.values.get(self.resolve(tensor)).with_context(|| {
            format!("its input {tensor:?} is neither a constant nor made by a node before it")
        })
    }

    /// Adds a node to the network and returns its name, made of `wanted`.
    pub(super) fn add(&mut self, wanted: &str, op: Op, inputs: &[&Map]) -> String {
        let name = self.free_name(wanted);
        let inputs = inputs.iter().map(|map| map.node.clone()).collect();
        self.nodes.push(Node { name: name.clone(), op, inputs });
        name
    }

    /// Adds a tensor of a node's weights.
    ///
    /// # Errors
    /// Fails if all of them are too large.
    pub(super) fn add_weight(
        &mut self,
        node: &str,
        what: &str,
        shape: &[usize],
        data: Vec<f32>,
    ) -> Result<()> {
        self.elements = self.elements.saturating_add(data.len());
        ensure!(self.elements <= MAX_WEIGHTS, "all weights have over {MAX_WEIGHTS} elements");
        let tensor = Tensor { shape: shape.to_vec(), data };
        self.weights.0.insert(format!("{node}.{what}"), tensor);
        Ok(())
    }

    /// Returns a name that no node has yet, of the characters that names may have.
    fn free_name(&mut self, wanted: &str) -> String {
        let wanted = wanted.strip_suffix("/output").unwrap_or(wanted).trim_matches('/');
        let allowed = |c: char| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' => c,
            _ => '_',
        };
        let name: String = wanted.chars().take(80).map(allowed).collect();
        let name = if name.is_empty() { "node".to_string() } else { name };
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut candidates = std::iter::once(name.clone()).chain(numbered);
        let free = candidates.find(|name| self.names.insert(name.clone()));
        free.unwrap_or(name)
    }

    /// Reads an operator of single elements. Returns `false` if its inputs are not functions of one
    /// tensor.
    ///
    /// # Errors
    /// Fails if an input is unknown.
    pub(super) fn pointwise(&mut self, node: Operator<'_>, output: &str) -> Result<bool> {
        let inputs: Vec<&str> = node.inputs().into_iter().filter(|name| !name.is_empty()).collect();
        ensure!(inputs.len() <= MAX_INPUTS, "it has over {MAX_INPUTS} inputs");
        let outdated = node.ints("min").or(node.ints("max")).is_some();
        ensure!(!outdated, "this form of {} is too old", node.kind());
        let mut of_inputs = Vec::new();
        for input in &inputs {
            of_inputs.push(match self.find_constant(input) {
                Some(constant) => Err(constant.scalar()),
                None => Ok(self.views(input)?),
            });
        }
        let first = of_inputs.iter().find_map(|views| views.as_ref().ok());
        let sources = first.context("it computes constants only")?.iter().map(|view| &view.source);
        let number = |name: &str, default| node.float(name, default);
        let mut views = Vec::new();
        for source in sources {
            let arguments = of_inputs.iter().map(|views| argument(views, source)).collect();
            let Some(arguments) = arguments else { continue };
            let arguments: Vec<Samples> = arguments;
            let samples = samples::compute(node.kind(), &arguments, number)?;
            views.push(View { source: source.clone(), samples });
        }
        views.truncate(MAX_VIEWS);
        let is_function = !views.is_empty();
        if is_function {
            let terms = match (node.kind(), &inputs[..]) {
                ("Add", [a, b]) if of_inputs.iter().all(Result::is_ok) => {
                    Some([a.to_string(), b.to_string()])
                }
                _ => None,
            };
            self.values.insert(output.to_string(), Value { views, terms, map: None });
        }
        Ok(is_function)
    }

    /// Returns the functions that a tensor is of others, and of itself.
    fn views(&self, tensor: &str) -> Result<Vec<View>> {
        let views = self.value(tensor)?.views.iter().cloned();
        let itself = View { source: self.resolve(tensor).to_string(), samples: samples::points() };
        Ok(views.chain(Some(itself)).collect())
    }

    /// Fails if a tensor has rows or columns that nothing may read.
    ///
    /// # Errors
    /// Fails if it has some.
    pub(super) fn must_be_whole(map: &Map) -> Result<()> {
        ensure!(
            map.made == [map.shape.height, map.shape.width],
            "it reads the edge of a tensor that an unpadded convolution made: pad that convolution \
             by half of its kernel"
        );
        Ok(())
    }
}

/// Returns an input of an operator as a function of `source`: a scalar constant is one of everything.
/// `None` if it is none.
fn argument(input: &Result<Vec<View>, Option<f32>>, source: &str) -> Option<Samples> {
    match input {
        Err(scalar) => scalar.map(|scalar| vec![f64::from(scalar); samples::points().len()]),
        Ok(views) => {
            let view = views.iter().find(|view| view.source == source);
            view.map(|view| view.samples.clone())
        }
    }
}
