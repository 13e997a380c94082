//! The steps of a plan in integers as calls of kernels.

use super::super::body::Int8Body;
use super::super::call::range_text;
use crate::int8::{FilterConstants, Kernel, Source, Step, TableConstants};
use common::network::{Network, Shape};
use common::quantized::plan::IMAGE;
use runtime::int8::conv::Convolution;
use std::ops::Range;

/// A call of a kernel as Rust text.
pub(super) struct Call {
    /// Modules of the runtime, and names in them.
    pub(super) imports: Vec<(&'static str, &'static str)>,
    /// A comment, and the lines of the call.
    lines: Vec<String>,
}

impl Call {
    /// Returns the lines of the call, indented.
    pub(super) fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| format!("        {line}")).collect();
        lines.join("\n")
    }
}

/// Returns the calls of all steps.
pub(super) fn calls(network: &Network, body: &Int8Body<'_>) -> Vec<Call> {
    body.plan.steps.iter().map(|step| Writer { network, body, step }.call()).collect()
}

struct Writer<'a> {
    network: &'a Network,
    body: &'a Int8Body<'a>,
    step: &'a Step,
}

impl Writer<'_> {
    fn call(&self) -> Call {
        let Step { input, output, kernel, .. } = self.step;
        let name = &self.network.nodes[self.step.node].name;
        let output = match kernel {
            Kernel::Classifier { filters, .. } => {
                Shape { channels: filters.biases.len(), height: 1, width: 1 }
            }
            _ => *output,
        };
        let mut imports = Vec::new();
        let mut lines = vec![format!("// {name}: {input} -> {output}"), self.split()];
        match kernel {
            Kernel::Image => {
                lines.push("to.iter_mut().zip(input).for_each(|(to, x)| *to = x ^ 0x80);".into());
            }
            Kernel::Convolution { layer, tile, table, filters, read } => {
                imports.push(("conv", "Convolution"));
                imports.push(("conv", "Filters"));
                imports.push(("conv", "Input as Read"));
                imports.push(("conv", "convolution"));
                lines.extend(table.iter().map(|table| self.activation(table, &mut imports)));
                lines.push(format!("let layer = {layer:?};"));
                lines.push(self.input(table.as_ref(), layer, *read));
                lines.push(filters_text("Filters", "filters", filters));
                lines.push(format!(
                    "convolution::<{tile}>(kernels, &layer, read, filters, to, scratch);"
                ));
            }
            Kernel::Activation(table) => {
                lines.push(self.activation(table, &mut imports));
                let plane = input.plane();
                if let [first, second] = self.sources()[..] {
                    imports.push(("activation", "addition"));
                    lines.push(format!(
                        "addition(kernels, activation, {plane}, [{first}, {second}], to);"
                    ));
                } else {
                    imports.push(("activation", "activation as activate"));
                    lines.push(format!("activate(kernels, activation, {plane}, from, to);"));
                }
            }
            Kernel::AveragePool { size } => {
                imports.push(("pool", "average_pool"));
                lines.push(format!("average_pool({}, {size}, from, to);", sizes(input)));
            }
            Kernel::Shortcut { stride, zero } => {
                imports.push(("pool", "shortcut"));
                let zero = zero.map_or(0, |step| self.zero_point(step) ^ 0x80);
                lines.push(format!("shortcut({}, {stride}, {zero}, from, to);", sizes(input)));
            }
            Kernel::Classifier { largest, table, filters } => {
                imports.push(("classifier", "Classifier"));
                imports.push(("classifier", "Rows"));
                imports.push(("classifier", "classifier"));
                lines.extend(table.iter().map(|table| self.activation(table, &mut imports)));
                let plane = input.plane();
                lines.push(format!(
                    "let layer = Classifier {{ plane: {plane}, largest: {largest}, mask: 0x80 }};"
                ));
                lines.push(filters_text("Rows", "rows", filters));
                let activation = activation_or_none(table.as_ref());
                lines
                    .push(format!("classifier(kernels, layer, {activation}, rows, from, output);"));
            }
            Kernel::Copy => lines.push("to.copy_from_slice(from);".into()),
        }
        Call { imports, lines }
    }

    /// Returns the line that splits the arena into the step's slices, in the order of their places.
    fn split(&self) -> String {
        let mut regions: Vec<(&Range<usize>, &str)> = Vec::new();
        for (source, name) in self.step.sources.iter().zip(["from", "second"]) {
            if let Source::Arena(range) = source
                && !regions.iter().any(|(other, _)| *other == range)
            {
                regions.push((range, name));
            }
        }
        regions.push((&self.step.target, "to"));
        regions.push((&self.step.scratch, "scratch"));
        regions.retain(|(range, _)| !range.is_empty());
        regions.sort_by_key(|(range, _)| range.start);
        let names: Vec<&str> = regions.iter().map(|(_, name)| *name).collect();
        let ranges: Vec<String> = regions.iter().map(|(range, _)| range_text(range)).collect();
        format!("let [{}] = split(&mut arena.0, [{}]);", names.join(", "), ranges.join(", "))
    }

    /// Returns the slices of the inputs: one name twice for a value that is added to itself.
    fn sources(&self) -> Vec<&'static str> {
        match &self.step.sources[..] {
            [first, second] if first == second => vec!["from", "from"],
            [_, _] => vec!["from", "second"],
            _ => vec!["from"],
        }
    }

    fn activation(
        &self,
        table: &TableConstants,
        imports: &mut Vec<(&'static str, &'static str)>,
    ) -> String {
        imports.push(("activation", "Activation"));
        let shift = self.body.quantized.parameters.table(table.step).shift;
        format!(
            "let activation = Activation {{ factors: factors({}), offsets: factors({}), shift: {shift}, table: table({}) }};",
            range_text(&table.factors),
            range_text(&table.offsets),
            table.table
        )
    }

    /// Returns the line that says what a convolution reads.
    fn input(&self, table: Option<&TableConstants>, layer: &Convolution, read: usize) -> String {
        let flip = self.body.flip;
        let (from, mask) = match self.step.sources[0] {
            Source::Image => ("from: input", flip),
            Source::Arena(_) => ("from", 0x80 ^ flip),
        };
        let (plan, parameters) = (&self.body.quantized.plan, &self.body.quantized.parameters);
        let channels = if read == IMAGE { layer.channels } else { 1 };
        let padding: Vec<String> = (0..channels)
            .map(|channel| (parameters.zero_point(plan, read, channel) ^ flip).to_string())
            .collect();
        let activation = activation_or_none(table);
        format!(
            "let read = Read {{ {from}, activation: {activation}, mask: {mask}, padding: &[{}] }};",
            padding.join(", ")
        )
    }

    fn zero_point(&self, step: usize) -> u8 {
        self.body.quantized.parameters.table(step).zero_point
    }
}

fn activation_or_none(table: Option<&TableConstants>) -> &'static str {
    if table.is_some() { "Some(activation)" } else { "None" }
}

fn filters_text(what: &str, name: &str, filters: &FilterConstants) -> String {
    format!(
        "let {name} = {what} {{ weights: weights({}), biases: words({}), multipliers: words({}) }};",
        range_text(&filters.weights),
        range_text(&filters.biases),
        range_text(&filters.multipliers)
    )
}

fn sizes(shape: &Shape) -> String {
    format!("[{}, {}, {}]", shape.channels, shape.height, shape.width)
}
