//! The figure of pruning: test accuracy over trainable parameters of the winners, before and after.

use super::axes::{self, TICK_TEXT};
use super::figure::{Figure, SIZE};
use crate::report::run_folder::Run;
use crate::report::variant::Variant;
use anyhow::Result;
use plot::axes::Axis;
use plot::palette::{INK, VIRIDIS, gradient};
use plot::{Area, Drawn, svg};
use plotters::prelude::{ChartBuilder, Circle, EmptyElement, PathElement, Text, WHITE};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont};

/// The position of the parameters, and test accuracy in per cent.
type Point = (f64, f64);

/// Draws the figure; returns `None` if no winner is tested both before and after pruning.
pub(super) fn draw(run: &Run) -> Result<Option<Figure>> {
    let pairs: Vec<(String, Point, Point)> = run
        .winners
        .iter()
        .filter_map(|w| Some((w.label(), point(&w.dense)?, point(&w.pruned)?)))
        .collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let svg = svg(SIZE, |area| fill(area, &pairs))?;
    let caption =
        "Test accuracy of each winner before pruning (filled) and after (hollow). Upper left is better.".into();
    let title = "Accuracy before and after pruning";
    Ok(Some(Figure::new("pruning.svg", title, caption, &svg)))
}

fn point(variant: &Variant) -> Option<Point> {
    Some((
        axes::position(variant.counts?.parameters as f64),
        variant.test.as_ref()?.accuracy * 100.0,
    ))
}

fn fill(area: &Area<'_>, pairs: &[(String, Point, Point)]) -> Drawn {
    let all = pairs.iter().flat_map(|(_, dense, pruned)| [*dense, *pruned]);
    let x = axes::position_range(all.clone().map(|p| p.0));
    let y = axes::percent_range(all.map(|p| p.1));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .margin_right(24)
        .x_label_area_size(58)
        .y_label_area_size(78)
        .build_cartesian_2d(Axis::logarithmic(x, ""), y.clone())?;
    axes::draw(&mut chart, &y, "test accuracy")?;
    let style =
        ("sans-serif", TICK_TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Bottom));
    for (index, (label, dense, pruned)) in pairs.iter().enumerate() {
        let color = gradient(&VIRIDIS, index, pairs.len() + 1);
        chart.draw_series([PathElement::new(
            vec![*dense, *pruned],
            color.mix(0.6).stroke_width(2),
        )])?;
        chart.draw_series([Circle::new(*dense, 7, color.filled())])?;
        chart.draw_series([Circle::new(*pruned, 7, WHITE.filled())])?;
        chart.draw_series([Circle::new(*pruned, 7, color.stroke_width(3))])?;
        chart.draw_series([
            EmptyElement::at(*dense) + Text::new(label.clone(), (8, -8), style.clone())
        ])?;
    }
    Ok(())
}
