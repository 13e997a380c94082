//! A small chart of lines in the page's own colours, which a narrow screen shows in full size.

use super::ticks::{px, ticks};
use maud::{Markup, html};
use std::ops::Range;

/// Width and height in pixels.
const SIZE: [f64; 2] = [320.0, 190.0];
/// The plot: pixels from the left, from the top, to the right, to the bottom.
const PLOT: [f64; 4] = [46.0, 28.0, 312.0, 150.0];
/// The most points of a line that are marked each.
const MARKED: usize = 30;

/// A chart.
pub(super) struct Chart<'a> {
    /// What it shows, for those who do not see it.
    pub(super) text: String,
    pub(super) x: Axis<'a>,
    pub(super) y: Axis<'a>,
    pub(super) lines: Vec<Line<'a>>,
}

/// An axis.
pub(super) struct Axis<'a> {
    pub(super) title: &'a str,
    pub(super) range: Range<f64>,
    /// The least distance of its ticks.
    pub(super) least: f64,
    pub(super) label: &'a dyn Fn(f64) -> String,
}

/// A line of a chart.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
    pub(super) points: Vec<(f64, f64)>,
}

/// How a line is drawn. The lines differ without colours, too.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Whole,
    Dashed,
}

impl Style {
    fn class(self) -> &'static str {
        match self {
            Style::Whole => "line",
            Style::Dashed => "line dashed",
        }
    }

    fn dot(self) -> &'static str {
        match self {
            Style::Whole => "dot",
            Style::Dashed => "dot dashed",
        }
    }
}

impl Chart<'_> {
    /// Returns the chart as an SVG element.
    pub(super) fn draw(&self) -> Markup {
        let [width, height] = SIZE;
        html! {
            svg.plot viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                role="img" aria-label=(self.text) {
                (self.axes())
                @for (index, line) in self.lines.iter().enumerate() {
                    (self.line(line))
                    (legend(line, PLOT[0] + 130.0 * index as f64))
                }
            }
        }
    }

    fn x(&self, value: f64) -> f64 {
        PLOT[0] + (PLOT[2] - PLOT[0]) * share(&self.x.range, value)
    }

    fn y(&self, value: f64) -> f64 {
        PLOT[3] - (PLOT[3] - PLOT[1]) * share(&self.y.range, value)
    }

    fn axes(&self) -> Markup {
        let [left, top, right, bottom] = PLOT;
        let rows = ticks(&self.y.range, 4, self.y.least);
        let columns = ticks(&self.x.range, 5, self.x.least);
        let grid: String =
            rows.iter().map(|y| format!("M{} {}H{}", left, px(self.y(*y)), right)).collect();
        html! {
            path.grid d=(grid) {}
            path.axis d={ "M" (left) " " (top) "V" (bottom) "H" (right) } {}
            @for y in rows {
                text x=(left - 6.0) y=(px(self.y(y) + 4.0)) text-anchor="end" {
                    ((self.y.label)(y))
                }
            }
            @for x in columns {
                text x=(px(self.x(x))) y=(bottom + 15.0) text-anchor="middle" {
                    ((self.x.label)(x))
                }
            }
            text x=((left + right) / 2.0) y=(SIZE[1] - 6.0) text-anchor="middle" { (self.x.title) }
            text x="2" y="12" { (self.y.title) }
        }
    }

    fn line(&self, line: &Line<'_>) -> Markup {
        let places: Vec<[String; 2]> =
            line.points.iter().map(|(x, y)| [px(self.x(*x)), px(self.y(*y))]).collect();
        let points: Vec<String> = places.iter().map(|[x, y]| format!("{x},{y}")).collect();
        html! {
            polyline class=(line.style.class()) points=(points.join(" ")) {}
            @if places.len() <= MARKED {
                @for [x, y] in places { circle class=(line.style.dot()) cx=(x) cy=(y) r="2" {} }
            }
        }
    }
}

/// Names a line above the plot, behind the title of the vertical axis.
fn legend(line: &Line<'_>, left: f64) -> Markup {
    html! {
        path class=(line.style.class()) d={ "M" (left) " 21h18" } {}
        text x=(left + 22.0) y="25" { (line.name) }
    }
}

fn share(range: &Range<f64>, value: f64) -> f64 {
    (value - range.start) / (range.end - range.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_inside_the_plot() {
        let label = |value: f64| value.to_string();
        let axis = |title| Axis { title, range: 0.0..10.0, least: 0.0, label: &label };
        let points = vec![(0.0, 0.0), (5.0, 10.0), (10.0, 5.0)];
        let line = Line { name: "a <b>", style: Style::Dashed, points };
        let chart = Chart { text: "\"".into(), x: axis("x"), y: axis("y"), lines: vec![line] };
        let svg = chart.draw().into_string();
        assert!(svg.contains("points=\"46,150 179,28 312,89\""), "{svg}");
        assert!(svg.contains("a &lt;b&gt;") && svg.contains("aria-label=\"&quot;\""), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}
