//! The figure of a study: full against short scores, a panel for each kind of short training.

use super::table::named;
use anyhow::{Result, anyhow};
use common::fidelity::{Fidelity, ShortFidelity, StudiedGenome};
use plotters::coord::Shift;
use plotters::prelude::{
    ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, PathElement, RGBColor, SVGBackend, WHITE,
};
use std::ops::Range;

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (460, 400);
/// Panels side by side.
const COLUMNS: usize = 2;
/// Colours of the first seeds; later ones begin again.
const SEEDS: [RGBColor; 4] =
    [RGBColor(68, 1, 84), RGBColor(214, 96, 16), RGBColor(33, 145, 140), RGBColor(110, 110, 110)];
const MEANS: RGBColor = RGBColor(190, 195, 200);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// Draws a study as SVG.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn draw(fidelity: &Fidelity) -> Result<String> {
    let columns = fidelity.short.len().clamp(1, COLUMNS);
    let rows = fidelity.short.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        fill(&area, fidelity, (rows, columns)).map_err(|error| anyhow!("cannot draw the figure: {error}"))?;
    }
    Ok(svg)
}

fn fill(area: &Area, fidelity: &Fidelity, cells: (usize, usize)) -> Drawn {
    area.fill(&WHITE)?;
    for (index, (panel, short)) in area.split_evenly(cells).iter().zip(&fidelity.short).enumerate() {
        draw_panel(panel, fidelity, index, short)?;
    }
    area.present()?;
    Ok(())
}

/// A dot for each genome and seed at its short score and its mean full score; a line joins the seeds of a genome.
fn draw_panel(area: &Area, fidelity: &Fidelity, index: usize, short: &ShortFidelity) -> Drawn {
    let genomes = &fidelity.genomes;
    let correlations: Vec<String> = short.correlation.iter().map(|value| format!("{value:.2}")).collect();
    let title = format!("{}: {}", named(short.length), correlations.join(", "));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, ("sans-serif", 17))
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(
            range(genomes.iter().flat_map(|genome| genome.short[index].iter().copied())),
            range(genomes.iter().map(StudiedGenome::mean_full)),
        )?;
    let percent = |score: &f64| format!("{:.1} %", 100.0 * score);
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_labels(5)
        .x_desc("accuracy after short training")
        .y_desc("after full training")
        .x_label_formatter(&percent)
        .y_label_formatter(&percent)
        .label_style(("sans-serif", 15))
        .draw()?;
    let places = |genome: &StudiedGenome| -> Vec<(f64, f64)> {
        genome.short[index].iter().map(|score| (*score, genome.mean_full())).collect()
    };
    chart.draw_series(genomes.iter().map(|genome| PathElement::new(places(genome), MEANS)))?;
    for seed in 0..fidelity.seeds.len() {
        let color = SEEDS[seed % SEEDS.len()].filled();
        chart.draw_series(genomes.iter().map(|genome| Circle::new(places(genome)[seed], 5, color)))?;
    }
    Ok(())
}

/// All scores with some room around them.
fn range(scores: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = scores.clone().fold(f64::INFINITY, f64::min);
    let high = scores.fold(f64::NEG_INFINITY, f64::max);
    let room = ((high - low) * 0.07).max(0.002);
    low - room..high + room
}
