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
mod tests {
    use super::*;
    use crate::network::INPUT;
    use crate::network::baseline::tests::resnet_of;
    use crate::network::test_support::small;

    fn conv(in_channels: usize, out_channels: usize, kernel: usize) -> Op {
        Op::Conv2d { in_channels, out_channels, kernel, stride: 1 }
    }

    /// Returns a network of nodes, each with its inputs, after which come a global pooling and a
    /// classifier.
    fn network(nodes: &[(&str, Op, &[&str])], channels: usize) -> Network {
        let mut network = small();
        network.nodes = nodes
            .iter()
            .map(|(name, op, inputs)| Node {
                name: name.to_string(),
                op: *op,
                inputs: inputs.iter().map(ToString::to_string).collect(),
            })
            .collect();
        let last = network.nodes[nodes.len() - 1].name.clone();
        let mut push = |name: &str, op, input: &str| {
            network.nodes.push(Node { name: name.into(), op, inputs: vec![input.into()] });
        };
        push("pool", Op::GlobalAveragePool {}, &last);
        push("linear", Op::Linear { in_features: channels, out_features: 2 }, "pool");
        network
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.steps.iter().map(|step| step.name.as_str()).collect()
    }

    fn plan(nodes: &[(&str, Op, &[&str])], channels: usize) -> Plan {
        Plan::new(&network(nodes, channels)).unwrap()
    }

    fn relu() -> Op {
        let relu = Activation::Relu;
        Op::Activation(PiecewiseActivation { left: relu, right: relu })
    }

    #[test]
    fn a_template_network_needs_no_more_steps_than_layers() {
        let plan = Plan::new(&small()).unwrap();
        assert_eq!(
            names(&plan),
            [
                "stem.conv",
                "condense1.fel1.activation",
                "condense1.fel1.conv",
                "head.activation",
                "head.classifier"
            ]
        );
        let Operation::Activate { operands, norms, argument, .. } = &plan.steps[3].operation else {
            panic!("{plan:?}")
        };
        assert_eq!(operands, &[Operand { parts: vec![1, 3], norms: vec![5] }]);
        assert_eq!((norms.len(), *argument), (0, Some(5)));
        assert_eq!(plan.last_uses(), [vec![0], vec![], vec![2], vec![1, 3], vec![4]]);
    }

    #[test]
    fn a_residual_block_adds_two_operands_in_one_step() {
        let mut network = small();
        let baseline = resnet_of(8, &[2, 4, 4]);
        network.nodes =
            baseline.network(network.input.clone(), network.classes.clone()).unwrap().nodes;
        let plan = Plan::new(&network).unwrap();
        let sums = plan.steps.iter().filter(|step| {
            matches!(&step.operation, Operation::Activate { operands, .. } if operands.len() == 2)
        });
        assert_eq!(sums.count(), 3);
        assert!(!names(&plan).iter().any(|name| name.ends_with("requantized")), "{plan:?}");
        let shortcut = plan.steps.iter().position(|s| s.name == "stage2.block1.shortcut").unwrap();
        assert!(plan.values[shortcut + 1].uniform);
        assert_eq!(
            plan.table_of(shortcut + 1).map(|step| plan.steps[step].name.as_str()),
            Some("stage1.block1.out")
        );
    }

    #[test]
    fn a_1x1_convolution_is_computed_after_its_pooling_if_nothing_else_reads_it() {
        let pooled = Op::AveragePool { size: 2 };
        let a = ("a", relu(), &[INPUT][..]);
        let alone = plan(&[a, ("b", conv(1, 3, 1), &["a"]), ("c", pooled, &["b"])], 3);
        assert_eq!(names(&alone), ["a", "b", "c.requantized", "linear"]);
        assert!(matches!(alone.steps[1].operation, Operation::Convolve { pool: 2, .. }));
        let read = [
            a,
            ("b", conv(1, 3, 1), &["a"]),
            ("c", pooled, &["b"]),
            ("d", pooled, &["b"]),
            ("e", Op::Concat {}, &["c", "d"]),
        ];
        assert_eq!(names(&plan(&read, 6)), ["a", "b", "c", "d", "e.requantized", "linear"]);
        let three = plan(&[a, ("b", conv(1, 3, 3), &["a"]), ("c", pooled, &["b"])], 3);
        assert!(matches!(three.steps[1].operation, Operation::Convolve { pool: 1, .. }));
        assert_eq!(names(&three), ["a", "b", "c", "c.requantized", "linear"]);
    }

    /// Whatever a node reads, its input becomes a value that it can read, at most once.
    #[test]
    fn values_are_requantized_where_a_step_could_not_read_them() {
        let norm = Op::BatchNorm { channels: 2 };
        let post_norm = [
            ("a", conv(1, 2, 3), &[INPUT][..]),
            ("b", norm, &["a"]),
            ("c", conv(2, 2, 3), &["b"]),
            ("d", Op::Concat {}, &["b", "c"]),
            ("b.requantized", relu(), &["d"]),
        ];
        assert_eq!(
            names(&plan(&post_norm, 4)),
            ["a", "b.requantized_", "c", "b.requantized", "linear"]
        );
        let sums = [
            ("a", conv(1, 1, 3), &[INPUT][..]),
            ("b", Op::Add {}, &["a", INPUT]),
            ("c", Op::Add {}, &["b", "a"]),
            ("d", Op::Shortcut { out_channels: 2, stride: 2 }, &["c"]),
            ("e", Op::Dropout { probability: 0.5 }, &["d"]),
        ];
        assert_eq!(names(&plan(&sums, 2)), ["a", "b.requantized", "c.requantized", "d", "linear"]);
    }

    #[test]
    fn graphs_without_an_integer_form_are_refused_with_the_name_of_the_node() {
        let refused = |network: &Network| format!("{:#}", Plan::new(network).unwrap_err());
        let mut two = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
        two.nodes.push(Node {
            name: "more".into(),
            op: Op::Linear { in_features: 2, out_features: 2 },
            inputs: vec!["linear".into()],
        });
        assert!(refused(&two).contains("node linear: an int8 network can have one linear node"));
        let mut last = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
        last.nodes.pop();
        assert!(refused(&last).contains("the last node, pool, is not"), "{}", refused(&last));
        let mut norm = network(&[("a", conv(1, 2, 3), &[INPUT])], 2);
        norm.nodes[2].inputs = vec!["norm".into()];
        let node = |name: &str, op| Node { name: name.into(), op, inputs: vec!["pool".into()] };
        norm.nodes.insert(2, node("norm", Op::BatchNorm { channels: 2 }));
        assert!(
            refused(&norm).contains("node norm: an int8 network cannot compute a batch norm"),
            "{}",
            refused(&norm)
        );
        norm.nodes[2] = node("norm", conv(2, 2, 1));
        assert!(refused(&norm).contains("a convolution of a global pooling"), "{}", refused(&norm));
        let mut image = network(&[("a", Op::Dropout { probability: 0.1 }, &[INPUT])], 1);
        image.nodes[0].inputs = vec![INPUT.into()];
        assert!(refused(&image).contains("node linear"), "{}", refused(&image));
    }
}
