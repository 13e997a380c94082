//! What pruning does to the winners: test accuracy over trainable parameters, before and after.

use super::axes::{self, INK, TICK_TEXT};
use super::{Figure, SIZE};
use crate::report::run_folder::{Run, Variant};
use anyhow::Result;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::{
    ChartBuilder, Circle, EmptyElement, IntoDrawingArea, IntoLogRange, PathElement, SVGBackend,
    Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont};

/// Parameters and test accuracy in per cent.
type Point = (f64, f64);

/// `None` where no winner is tested both before and after.
pub(super) fn draw(run: &Run) -> Result<Option<Figure>> {
    let pairs: Vec<(usize, Point, Point)> = run
        .winners
        .iter()
        .filter_map(|w| Some((w.rank, point(&w.dense)?, point(&w.pruned)?)))
        .collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let mut svg = String::new();
    draw_svg(&mut svg, &pairs)?;
    let caption =
        "Test accuracy of each winner before pruning (filled) and after (hollow). Upper left is better.".into();
    Ok(Some(Figure {
        file: "pruning.svg",
        title: "Accuracy before and after pruning",
        caption,
        svg,
    }))
}

fn point(variant: &Variant) -> Option<Point> {
    Some((variant.counts?.parameters as f64, variant.test.as_ref()?.accuracy * 100.0))
}

fn draw_svg(svg: &mut String, pairs: &[(usize, Point, Point)]) -> Result<()> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let all = pairs.iter().flat_map(|(_, dense, pruned)| [*dense, *pruned]);
    let x = axes::log_range(all.clone().map(|p| p.0));
    let y = axes::linear_range(all.map(|p| p.1), 0.0..100.0);
    let y_label = axes::percent_label(&y);
    let x_axis = x.clone().log_scale().with_key_points(axes::log_ticks(&x));
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .margin_right(24)
        .x_label_area_size(58)
        .y_label_area_size(78)
        .build_cartesian_2d(x_axis, y)?;
    axes::draw(&mut chart, &y_label, "test accuracy")?;
    let label =
        ("sans-serif", TICK_TEXT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Bottom));
    for (index, (rank, dense, pruned)) in pairs.iter().enumerate() {
        let color = axes::scale_color(index, pairs.len() + 1);
        chart.draw_series([PathElement::new(
            vec![*dense, *pruned],
            color.mix(0.6).stroke_width(2),
        )])?;
        chart.draw_series([Circle::new(*dense, 7, color.filled())])?;
        chart.draw_series([Circle::new(*pruned, 7, WHITE.filled())])?;
        chart.draw_series([Circle::new(*pruned, 7, color.stroke_width(3))])?;
        chart.draw_series([
            EmptyElement::at(*dense) + Text::new(format!("#{rank}"), (8, -8), label.clone())
        ])?;
    }
    root.present()?;
    Ok(())
}
