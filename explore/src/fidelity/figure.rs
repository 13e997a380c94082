//! The figure of a study: full against short scores, a panel for each kind of short training. Both
//! axes are logarithmic in the error, so that neither a network that hardly learns nor the best
//! ones hide the others.

use super::table::length_text;
use crate::figures::pixel;
use anyhow::{Result, anyhow};
use common::fidelity::{Fidelity, ShortFidelity, StudiedGenome};
use plotters::chart::SeriesLabelPosition;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::{
    BLACK, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, PathElement, RGBColor,
    SVGBackend, WHITE,
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
        fill(&area, fidelity, (rows, columns))
            .map_err(|error| anyhow!("cannot draw the figure: {error}"))?;
    }
    Ok(svg)
}

fn fill(area: &Area, fidelity: &Fidelity, cells: (usize, usize)) -> Drawn {
    area.fill(&WHITE)?;
    for (index, (panel, short)) in area.split_evenly(cells).iter().zip(&fidelity.short).enumerate()
    {
        draw_panel(panel, fidelity, index, short)?;
    }
    area.present()?;
    Ok(())
}

/// A dot for each genome and seed at its short score and its mean full score; a line joins the
/// seeds of a genome.
fn draw_panel(area: &Area, fidelity: &Fidelity, index: usize, short: &ShortFidelity) -> Drawn {
    let genomes = &fidelity.genomes;
    let correlations: Vec<String> =
        short.correlation.iter().map(|value| format!("{value:.2}")).collect();
    let title =
        format!("{}: rank correlation {}", length_text(short.length), correlations.join(", "));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, ("sans-serif", 16))
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(
            Accuracy::around(genomes.iter().flat_map(|genome| genome.short[index].iter().copied())),
            Accuracy::around(genomes.iter().map(StudiedGenome::mean_full)),
        )?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("accuracy after short training")
        .y_desc("after full training")
        .label_style(("sans-serif", 15))
        .draw()?;
    let places = |genome: &StudiedGenome| -> Vec<(f64, f64)> {
        genome.short[index].iter().map(|score| (place(*score), place(genome.mean_full()))).collect()
    };
    chart.draw_series(genomes.iter().map(|genome| PathElement::new(places(genome), MEANS)))?;
    for (position, seed) in fidelity.seeds.iter().enumerate() {
        let color = SEEDS[position % SEEDS.len()].filled();
        let dots = chart.draw_series(
            genomes.iter().map(|genome| Circle::new(places(genome)[position], 5, color)),
        )?;
        dots.label(format!("seed {seed}")).legend(move |(x, y)| Circle::new((x + 8, y), 5, color));
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::LowerRight).label_font(("sans-serif", 15));
    labels.border_style(BLACK).background_style(WHITE).draw()?;
    Ok(())
}

/// Where an accuracy stands on an axis: minus log10 of the error. An error below 0.01 % is as good
/// as none.
fn place(accuracy: f64) -> f64 {
    -(1.0 - accuracy).max(1e-4).log10()
}

/// An axis of places, labelled with accuracies.
struct Accuracy(Range<f64>);

impl Accuracy {
    /// All accuracies with some room around them.
    fn around(accuracies: impl Iterator<Item = f64> + Clone) -> Accuracy {
        let low = accuracies.clone().map(place).fold(f64::INFINITY, f64::min);
        let high = accuracies.map(place).fold(f64::NEG_INFINITY, f64::max);
        let room = ((high - low) * 0.08).max(0.02);
        Accuracy(low - room..high + room)
    }
}

impl Ranged for Accuracy {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        pixel(&self.0, *value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        let marks =
            [0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999].map(place);
        marks.into_iter().filter(|mark| self.0.contains(mark)).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.clone()
    }
}

impl ValueFormatter<f64> for Accuracy {
    fn format_ext(&self, place: &f64) -> String {
        let percent = 100.0 * (1.0 - 10f64.powf(-place));
        format!("{} %", (percent * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_accuracies_inside_the_axis() {
        let axis = Accuracy::around([0.62, 0.97, 0.995].into_iter());
        let labels: Vec<String> =
            axis.key_points(10).iter().map(|mark| axis.format_ext(mark)).collect();
        assert_eq!(
            labels,
            ["50 %", "70 %", "80 %", "90 %", "95 %", "97 %", "98 %", "99 %", "99.5 %"]
        );
    }

    #[test]
    fn all_right_and_all_wrong_have_a_place() {
        assert_eq!((place(1.0), place(0.0)), (4.0, 0.0));
        let axis = Accuracy::around(std::iter::once(1.0));
        assert!(axis.range().start < 4.0 && 4.0 < axis.range().end);
    }
}
