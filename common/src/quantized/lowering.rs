//! From the graph of a network to the plan of its integer steps.

use super::plan::{GlobalPool, IMAGE, Operand, Operation, Plan, Step, Value};
use crate::network::activation::{Activation, PiecewiseActivation};
use crate::network::shapes::shapes;
use crate::network::{Network, Node, Op, Shape};
use anyhow::{Context, Result, bail, ensure};
use std::collections::HashSet;

const IDENTITY: PiecewiseActivation =
    PiecewiseActivation { left: Activation::Linear, right: Activation::Linear };

/// What a node's value is made of.
#[derive(Clone)]
enum Form {
    /// Values of steps.
    Operand(Operand),
    /// The sum of two operands, and the batch normalisations of it.
    Sum(Vec<Operand>, Vec<usize>),
    /// A 1x1 convolution that the pooling after it computes.
    Deferred,
    /// A global pooling of a node.
    Global(Option<usize>, GlobalPool),
    /// The logits.
    Logits,
}

impl Plan {
    /// Returns the plan of a network.
    ///
    /// # Errors
    /// Fails if the graph is inconsistent, or if its last node is not its only classifier, after a
    /// global pooling or on images of one position. The error names the node.
    pub fn new(network: &Network) -> Result<Plan> {
        let mut lowering = Lowering::new(network)?;
        for (index, node) in network.nodes.iter().enumerate() {
            let form = lowering.form(index, node).with_context(|| format!("node {}", node.name))?;
            lowering.forms.push(form);
        }
        match lowering.forms.last() {
            Some(Form::Logits) => Ok(lowering.plan),
            Some(_) | None => bail!(
                "the last node, {}, is not a linear one, which an int8 network needs",
                network.nodes.last().map_or("none", |node| &node.name)
            ),
        }
    }
}

struct Lowering<'a> {
    network: &'a Network,
    shapes: Vec<Shape>,
    inputs: Vec<Vec<Option<usize>>>,
    forms: Vec<Form>,
    /// For each node, how many nodes read it, and the last of these.
    readers: Vec<(usize, usize)>,
    names: HashSet<&'a str>,
    /// For each node, the uniform value that a table made of it.
    tables: Vec<Option<usize>>,
    plan: Plan,
}

impl<'a> Lowering<'a> {
    fn new(network: &'a Network) -> Result<Lowering<'a>> {
        let image = Value { shape: network.input.shape(), node: None, uniform: false };
        let inputs = network.input_indices()?;
        let mut readers = vec![(0, 0); network.nodes.len()];
        for (reader, sources) in inputs.iter().enumerate() {
            sources
                .iter()
                .flatten()
                .for_each(|&read| readers[read] = (readers[read].0 + 1, reader));
        }
        Ok(Lowering {
            network,
            shapes: shapes(network)?,
            inputs,
            readers,
            names: network.nodes.iter().map(|node| node.name.as_str()).collect(),
            forms: Vec::new(),
            tables: vec![None; network.nodes.len()],
            plan: Plan { values: vec![image], steps: Vec::new() },
        })
    }

    fn form(&mut self, index: usize, node: &Node) -> Result<Form> {
        let source = self.inputs[index][0];
        match node.op {
            Op::Conv2d { out_channels, kernel, stride, .. } => {
                if (kernel, stride) == (1, 1) && self.pooling_after(index) {
                    return Ok(Form::Deferred);
                }
                self.convolve(index, index, (out_channels, kernel, stride), 1)
            }
            Op::BatchNorm { .. } => match self.source(source)? {
                Form::Operand(mut operand) => {
                    operand.norms.push(index);
                    Ok(Form::Operand(operand))
                }
                Form::Sum(operands, mut norms) => {
                    norms.push(index);
                    Ok(Form::Sum(operands, norms))
                }
                other => unsupported("a batch normalisation", &other),
            },
            Op::Activation(pair) => self.activate(index, &node.name, pair, source),
            Op::Dropout { .. } => self.source(source),
            Op::Concat {} => self.concatenate(index),
            Op::Add {} => {
                let operands =
                    self.inputs[index].clone().into_iter().map(|source| self.operand(source));
                Ok(Form::Sum(operands.collect::<Result<_>>()?, vec![]))
            }
            Op::Shortcut { stride, .. } => {
                let input = self.plain(source)?;
                let uniform = self.plan.values[input].uniform;
                Ok(self.push(index, &node.name, uniform, Operation::Shortcut { input, stride }))
            }
            Op::AveragePool { size } => self.pool(index, &node.name, source, size),
            Op::GlobalAveragePool {} => Ok(Form::Global(source, GlobalPool::Average)),
            Op::GlobalMaxPool {} => Ok(Form::Global(source, GlobalPool::Max)),
            Op::Linear { .. } => self.classify(index, &node.name, source),
        }
    }

    /// Returns the form of a node, or of the image.
    fn source(&self, source: Option<usize>) -> Result<Form> {
        match source {
            None => Ok(Form::Operand(Operand { parts: vec![IMAGE], norms: vec![] })),
            Some(index) => Ok(self.forms[index].clone()),
        }
    }

    /// Appends a step that computes a node.
    fn push(&mut self, node: usize, name: &str, uniform: bool, operation: Operation) -> Form {
        self.plan.steps.push(Step { name: name.to_string(), operation });
        self.plan.values.push(Value { shape: self.shapes[node], node: Some(node), uniform });
        Form::Operand(Operand { parts: vec![self.plan.steps.len()], norms: vec![] })
    }

    fn activate(
        &mut self,
        index: usize,
        name: &str,
        pair: PiecewiseActivation,
        argument: Option<usize>,
    ) -> Result<Form> {
        let (operands, norms) = match self.source(argument)? {
            Form::Operand(operand) => (vec![operand], vec![]),
            Form::Sum(operands, norms) => (operands, norms),
            other => return unsupported("an activation", &other),
        };
        let operation = Operation::Activate { pair, operands, norms, argument };
        Ok(self.push(index, name, true, operation))
    }

    /// Returns the value that a table with the identity makes of a node, which has no value of
    /// a step for itself alone.
    fn table(&mut self, node: usize) -> Result<usize> {
        if let Some(value) = self.tables[node] {
            return Ok(value);
        }
        let mut name = format!("{}.requantized", self.network.nodes[node].name);
        while self.names.contains(name.as_str()) {
            name.push('_');
        }
        self.activate(node, &name, IDENTITY, Some(node))?;
        self.tables[node] = Some(self.plan.steps.len());
        Ok(self.plan.steps.len())
    }

    /// Returns one value with the bytes of a node.
    fn plain(&mut self, source: Option<usize>) -> Result<usize> {
        match (self.source(source)?, source) {
            (Form::Operand(Operand { parts, norms }), _)
                if norms.is_empty() && parts.len() == 1 =>
            {
                Ok(parts[0])
            }
            (_, Some(node)) => self.table(node),
            (_, None) => Ok(IMAGE),
        }
    }

    /// Returns one value that a convolution can read.
    fn activated(&mut self, source: Option<usize>) -> Result<usize> {
        let value = self.plain(source)?;
        match source {
            Some(node) if !self.plan.values[value].uniform && value != IMAGE => self.table(node),
            Some(_) | None => Ok(value),
        }
    }

    /// Returns an operand of a sum.
    fn operand(&mut self, source: Option<usize>) -> Result<Operand> {
        match (self.source(source)?, source) {
            (Form::Operand(operand), _) => Ok(operand),
            (Form::Sum(..), Some(node)) => {
                Ok(Operand { parts: vec![self.table(node)?], norms: vec![] })
            }
            (other, _) => unsupported("an addition", &other),
        }
    }

    fn concatenate(&mut self, index: usize) -> Result<Form> {
        let mut parts = Vec::new();
        for source in self.inputs[index].clone() {
            match (self.source(source)?, source) {
                (Form::Operand(operand), _) if operand.norms.is_empty() => {
                    parts.extend(operand.parts);
                }
                (Form::Operand(_) | Form::Sum(..), Some(node)) => parts.push(self.table(node)?),
                (other, _) => return unsupported("a concatenation", &other),
            }
        }
        Ok(Form::Operand(Operand { parts, norms: vec![] }))
    }

    /// Tells whether the only reader of a node is an average pooling.
    fn pooling_after(&self, index: usize) -> bool {
        let (count, reader) = self.readers[index];
        count == 1 && matches!(self.network.nodes[reader].op, Op::AveragePool { .. })
    }

    /// Appends the convolution `node`, after which the value is that of `made`.
    fn convolve(
        &mut self,
        made: usize,
        node: usize,
        (filters, kernel, stride): (usize, usize, usize),
        pool: usize,
    ) -> Result<Form> {
        let source = self.inputs[node][0];
        if let Some(form @ (Form::Global(..) | Form::Logits)) = source.map(|i| &self.forms[i]) {
            return unsupported("a convolution", form);
        }
        let input = self.activated(source)?;
        let name = self.network.nodes[node].name.clone();
        let operation = Operation::Convolve { input, node, filters, kernel, stride, pool };
        Ok(self.push(made, &name, false, operation))
    }

    fn pool(
        &mut self,
        index: usize,
        name: &str,
        source: Option<usize>,
        size: usize,
    ) -> Result<Form> {
        if let (Some(conv), Form::Deferred) = (source, self.source(source)?) {
            return self.convolve(index, conv, (self.shapes[conv].channels, 1, 1), size);
        }
        if let form @ (Form::Global(..) | Form::Logits) = self.source(source)? {
            return unsupported("a pooling", &form);
        }
        let input = self.plain(source)?;
        let uniform = self.plan.values[input].uniform;
        Ok(self.push(index, name, uniform, Operation::Pool { input, size }))
    }

    fn classify(&mut self, index: usize, name: &str, source: Option<usize>) -> Result<Form> {
        ensure!(
            index + 1 == self.network.nodes.len(),
            "an int8 network can have one linear node only, the last one"
        );
        let (source, pool) = match self.source(source)? {
            Form::Global(source, pool) => (source, pool),
            Form::Operand(_) | Form::Sum(..) => (source, GlobalPool::Average),
            other => return unsupported("a classifier", &other),
        };
        let input = self.activated(source)?;
        // Channels of an image have scales of their own, unlike those that a classifier reads.
        ensure!(
            input != IMAGE,
            "an int8 network needs a step between the image and the classifier"
        );
        self.push(index, name, false, Operation::Classify { input, node: index, pool });
        Ok(Form::Logits)
    }
}

fn unsupported<T>(reader: &str, form: &Form) -> Result<T> {
    let read = match form {
        Form::Operand(_) | Form::Sum(..) => "such an input",
        Form::Deferred => "a convolution that is pooled",
        Form::Global(..) => "a global pooling",
        Form::Logits => "the classifier",
    };
    bail!("an int8 network cannot compute {reader} of {read}")
}

#[cfg(test)]
mod tests;
