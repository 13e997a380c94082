//! `memory.svg`: the content of the arena during each step.

use crate::int8::Int8Plan;
use crate::plan::Plan;
use crate::plan::liveness::{Access, LiveRange, accesses, live_ranges};
use crate::size::{F32_BYTES, thousands};
use common::network::Network;
use plot::axes::round_step;
use std::fmt::Write;
use std::ops::Range;

/// The margins of the plot: pixels from the left, from the top, to the right, to the bottom.
const PLOT: [f64; 4] = [100.0, 86.0, 980.0, 520.0];
/// Width and height in pixels.
const SIZE: [f64; 2] = [1000.0, 680.0];
/// Fill colours of tensors and of scratch memory.
const TENSOR: &str = "#a9cbe8";
const SCRATCH: &str = "#f4b266";
/// Number of steps up to which their names fit.
const MAX_LABELS: usize = 60;

/// The working memory of an inference, in elements of some size.
pub(crate) struct Memory<'a> {
    /// The network.
    pub(crate) network: &'a Network,
    /// What the steps do to the arena.
    pub(crate) accesses: Vec<Access>,
    /// The place that is read after the last step.
    pub(crate) kept: Range<usize>,
    /// Elements of the arena.
    pub(crate) arena_len: usize,
    /// The least elements that any plan needs.
    pub(crate) lower_bound: usize,
    /// Bytes of an element.
    pub(crate) element_bytes: u64,
}

impl<'a> Memory<'a> {
    /// Returns the working memory of a plan in f32.
    pub(crate) fn of(network: &'a Network, plan: &Plan) -> Memory<'a> {
        Memory {
            network,
            accesses: accesses(plan),
            kept: plan.kept(),
            arena_len: plan.arena_len,
            lower_bound: plan.arena_lower_bound,
            element_bytes: F32_BYTES,
        }
    }

    /// Returns the working memory of a plan in integers.
    pub(crate) fn of_int8(network: &'a Network, plan: &Int8Plan) -> Memory<'a> {
        Memory {
            network,
            accesses: plan.accesses(),
            kept: 0..0,
            arena_len: plan.arena_len,
            lower_bound: plan.arena_lower_bound,
            element_bytes: 1,
        }
    }
}

/// Returns the figure as SVG. Each rectangle has its name and numbers as a tooltip.
pub(crate) fn draw(name: &str, memory: &Memory<'_>) -> String {
    let figure = Figure { memory };
    let [width, height] = SIZE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut svg, [PLOT[0], 30.0], "start", 18.0, &format!("Working memory of {name}"));
    figure.axes(&mut svg);
    for life in live_ranges(&memory.accesses, &memory.kept) {
        figure.rectangle(&mut svg, &life);
    }
    figure.legend(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

struct Figure<'a> {
    memory: &'a Memory<'a>,
}

impl Figure<'_> {
    /// Returns the number of steps.
    fn steps(&self) -> usize {
        self.memory.accesses.len()
    }

    /// Returns the bytes of so many elements.
    fn bytes(&self, elements: usize) -> u64 {
        elements as u64 * self.memory.element_bytes
    }

    /// Returns the name of a node.
    fn name(&self, node: usize) -> &str {
        &self.memory.network.nodes[node].name
    }

    /// Returns the left edge of a step.
    fn x(&self, step: usize) -> f64 {
        // The logits outlive the last step by a column.
        PLOT[0] + (PLOT[2] - PLOT[0]) * step as f64 / (self.steps() + 1) as f64
    }

    fn y(&self, element: usize) -> f64 {
        PLOT[3] - (PLOT[3] - PLOT[1]) * element as f64 / self.memory.arena_len.max(1) as f64
    }

    fn rectangle(&self, svg: &mut String, life: &LiveRange) {
        let (left, right) = (self.x(life.first), self.x(life.last + 1));
        let (top, bottom) = (self.y(life.range.end), self.y(life.range.start));
        let (width, height) = (right - left, bottom - top);
        let fill = if life.is_scratch { SCRATCH } else { TENSOR };
        let name = self.name(life.node);
        let what = if life.is_scratch { "scratch memory of " } else { "" };
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{fill}\" \
             stroke=\"#26435c\" stroke-width=\"0.6\"><title>{what}{name}: {} bytes at {}, steps {} to {}</title></rect>",
            thousands(self.bytes(life.range.len())),
            thousands(self.bytes(life.range.start)),
            life.first + 1,
            (life.last + 1).min(self.steps()),
        );
        // A letter of 10 pixels is about 5.6 wide.
        if !life.is_scratch && height >= 11.0 && width >= 5.6 * name.len() as f64 + 6.0 {
            text(svg, [left + 4.0, (top + bottom) / 2.0 + 3.5], "start", 10.0, name);
        }
    }

    fn axes(&self, svg: &mut String) {
        let [left, top, right, bottom] = PLOT;
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"black\"/>"
        );
        let arena = self.bytes(self.memory.arena_len);
        for mark in (0..=arena).step_by(round_step(arena) as usize) {
            let y = self.y((mark / self.memory.element_bytes) as usize);
            let _ =
                writeln!(svg, "<path d=\"M{} {y:.2}H{right}\" stroke=\"#d8d8d8\"/>", left - 4.0);
            text(svg, [left - 8.0, y + 4.0], "end", 12.0, &thousands(mark));
        }
        let middle = (top + bottom) / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"22\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 22 {middle})\">bytes of the arena</text>"
        );
        let steps = self.steps();
        let labelled = self.memory.accesses.iter().enumerate();
        for (index, step) in labelled.step_by(steps.div_ceil(MAX_LABELS).max(1)) {
            let x = (self.x(index) + self.x(index + 1)) / 2.0 + 4.0;
            let (y, name) = (bottom + 8.0, self.name(step.node));
            let _ = writeln!(
                svg,
                "<text x=\"{x:.2}\" y=\"{y}\" text-anchor=\"end\" font-size=\"10\" transform=\"rotate(-60 {x:.2} {y})\">{name}</text>"
            );
        }
        text(
            svg,
            [(left + right) / 2.0, SIZE[1] - 12.0],
            "middle",
            12.0,
            &format!("{steps} steps, one after the other"),
        );
    }

    /// Draws the two lines and the legend.
    fn legend(&self, svg: &mut String) {
        let Memory { arena_len: arena, lower_bound, .. } = *self.memory;
        let lines = [
            (arena, "black", "", format!("arena: {} bytes", thousands(self.bytes(arena)))),
            (
                lower_bound,
                "#b3261e",
                "6 4",
                format!("lower bound: {} bytes", thousands(self.bytes(lower_bound))),
            ),
        ];
        let mut x = PLOT[0];
        for (elements, colour, dashes, meaning) in lines {
            let line =
                format!("stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"");
            let _ = writeln!(
                svg,
                "<path d=\"M{} {:.2}H{}\" {line}/>",
                PLOT[0],
                self.y(elements),
                PLOT[2]
            );
            let _ = writeln!(svg, "<path d=\"M{x} 56h26\" {line}/>");
            text(svg, [x + 32.0, 60.0], "start", 12.0, &meaning);
            x += 250.0;
        }
        for (colour, meaning) in [(TENSOR, "tensor"), (SCRATCH, "scratch memory of a step")] {
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"49\" width=\"26\" height=\"13\" fill=\"{colour}\" stroke=\"#26435c\"/>"
            );
            text(svg, [x + 32.0, 60.0], "start", 12.0, meaning);
            x += 110.0;
        }
    }
}

/// Writes a text element. Names have only letters, digits, `-`, `_` and `.`: nothing to escape.
fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, size: f64, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.2}\" y=\"{y:.2}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_network::network;

    #[test]
    fn every_live_range_is_a_rectangle_inside_the_plot() {
        let network = network();
        let plan = Plan { arena_lower_bound: 1000, ..Plan::new(&network).unwrap() };
        let memory = Memory::of(&network, &plan);
        let svg = draw("net", &memory);
        let rectangles: Vec<&str> = svg.lines().filter(|line| line.contains("<title>")).collect();
        assert_eq!(rectangles.len(), live_ranges(&memory.accesses, &memory.kept).len());
        for rectangle in rectangles {
            let number = |name: &str| -> f64 {
                rectangle
                    .split(&format!(" {name}=\""))
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap()
            };
            let (x, y) = (number("x"), number("y"));
            assert!(x >= PLOT[0] && x + number("width") <= PLOT[2] + 0.02, "{rectangle}");
            assert!(y >= PLOT[1] - 0.02 && y + number("height") <= PLOT[3] + 0.02, "{rectangle}");
            assert!(number("width") > 1.0, "{rectangle}");
        }
        for part in [
            "Working memory of net",
            "lower bound: 4,000 bytes",
            "condense1.fel1.conv: 12,288 bytes at",
        ] {
            assert!(svg.contains(part), "{part}");
        }
    }
}
