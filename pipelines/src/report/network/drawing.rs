//! The drawing of a network's layers: a bar for each convolution, as long as it has filters, filled
//! as far as pruning kept them.

use super::ticks::px;
use super::widths::{Bar, Block};
use maud::{Markup, html};

/// Width of the drawing of a block in pixels.
const WIDTH: f64 = 262.0;
/// Left edge of the bars.
const LEFT: f64 = 74.0;
/// Length of a line of a bar; longer bars are folded.
const LENGTH: f64 = 120.0;
/// The most lines of a bar.
const LINES: f64 = 10.0;
/// Length of a filter, if there is room for it.
const FILTER: f64 = 6.0;
/// Height of a line, and of what is between two bars.
const LINE: f64 = 9.0;
const GAP: f64 = 5.0;

/// Draws all blocks, one beside the other where there is room.
pub(super) fn draw(blocks: &[Block]) -> Markup {
    let pruned = blocks.iter().flat_map(|block| &block.bars).any(|bar| bar.kept.is_some());
    let most = blocks.iter().flat_map(|block| &block.bars).map(|bar| bar.filters).max();
    let scale = Scale::new(most.unwrap_or(1));
    html! {
        p.hint {
            "A bar is as long as a convolution has filters; long bars are folded."
            @if pruned { " Filled: filters that pruning kept. Hollow: those that it removed." }
        }
        div.plots {
            @for block in blocks { (scale.block(block)) }
        }
    }
}

/// How long a filter is.
struct Scale {
    filter: f64,
    filters_a_line: usize,
}

impl Scale {
    fn new(most: usize) -> Scale {
        let filter = FILTER.min(LENGTH * LINES / most.max(1) as f64);
        Scale { filter, filters_a_line: (LENGTH / filter).floor().max(1.0) as usize }
    }

    fn block(&self, block: &Block) -> Markup {
        let mut top = 20.0;
        let mut tops = Vec::new();
        for bar in &block.bars {
            tops.push(top);
            top += LINE * self.lines(bar) as f64 + GAP;
        }
        html! {
            svg.plot viewBox={ "0 0 " (WIDTH) " " (px(top)) } width=(WIDTH) height=(px(top))
                role="img" aria-label=(in_words(block)) {
                text.title x="0" y="12" { (block.title) ", " (block.plane) }
                @for (bar, top) in block.bars.iter().zip(tops) { (self.bar(bar, top)) }
            }
        }
    }

    fn lines(&self, bar: &Bar) -> usize {
        bar.filters.div_ceil(self.filters_a_line).max(1)
    }

    fn bar(&self, bar: &Bar, top: f64) -> Markup {
        let kept = bar.kept.unwrap_or(bar.filters);
        let text = px(top + LINE - 0.5);
        html! {
            text x=(LEFT - 6.0) y=(text) text-anchor="end" { (bar.name) }
            @if kept < bar.filters { path.removed d=(self.cells(kept, bar.filters, top)) {} }
            path.kept d=(self.cells(0, kept, top)) {}
            text x=(WIDTH) y=(text) text-anchor="end" { (bar.numbers()) }
        }
    }

    /// Returns the outline of some filters: one rectangle a line.
    fn cells(&self, from: usize, to: usize, top: f64) -> String {
        let mut outline = String::new();
        let mut start = from;
        while start < to {
            let line = start / self.filters_a_line;
            let end = to.min((line + 1) * self.filters_a_line);
            let x = |filter: usize| {
                px(LEFT + (filter - line * self.filters_a_line) as f64 * self.filter)
            };
            let y = px(top + line as f64 * LINE);
            outline += &format!("M{} {y}H{}v{}H{}z", x(start), x(end), LINE - 1.0, x(start));
            start = end;
        }
        outline
    }
}

/// Says what the drawing of a block shows.
fn in_words(block: &Block) -> String {
    let bars: Vec<String> =
        block.bars.iter().map(|bar| format!("{} {}", bar.name, bar.numbers())).collect();
    format!("Filters in {}, {}: {}.", block.title, block.plane, bars.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(filters: usize, kept: Option<usize>) -> Bar {
        Bar { name: "FEL 1".into(), filters, kept }
    }

    /// The area of rectangles `M left y H right v height H left z` in filters.
    fn filters(outline: &str, scale: &Scale) -> f64 {
        let rectangles = outline.split('M').skip(1).map(|rectangle| {
            let numbers: Vec<f64> = rectangle
                .split(|c: char| !c.is_ascii_digit() && c != '.')
                .filter_map(|number| number.parse().ok())
                .collect();
            (numbers[2] - numbers[0]) / scale.filter
        });
        rectangles.sum()
    }

    #[test]
    fn kept_and_removed_filters_fill_the_bar() {
        for (most, all, kept) in [(12, 12, 8), (24, 24, 24), (216, 216, 75), (800, 800, 1)] {
            let scale = Scale::new(most);
            let [kept_area, removed] = [(0, kept), (kept, all)]
                .map(|(from, to)| filters(&scale.cells(from, to, 20.0), &scale));
            assert!((kept_area - kept as f64).abs() < 1.0, "{most}: {kept_area} of {kept}");
            assert!((removed - (all - kept) as f64).abs() < 1.5, "{most}: {removed}");
            assert!(scale.lines(&bar(all, None)) <= LINES as usize + 1);
        }
    }

    #[test]
    fn the_drawing_is_told_in_words() {
        let bars = vec![bar(12, Some(8)), bar(24, Some(24))];
        let block = Block { title: "condense layer 1".into(), plane: "28x28".into(), bars };
        assert_eq!(
            in_words(&block),
            "Filters in condense layer 1, 28x28: FEL 1 8 of 12, FEL 1 24."
        );
        let svg = draw(&[block]).into_string();
        assert_eq!(svg.matches("class=\"removed\"").count(), 1, "{svg}");
        assert!(svg.contains("Hollow: those that it removed"));
        let unpruned =
            Block { title: "stage 1".into(), plane: "8x8".into(), bars: vec![bar(3, None)] };
        assert!(!draw(&[unpruned]).into_string().contains("removed"));
    }
}
