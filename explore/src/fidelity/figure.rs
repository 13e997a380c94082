//! The figure of a study: full against short scores, a panel for each kind of short training. Both
//! axes are logarithmic in the error, so that neither a network that hardly learns nor the best
//! ones hide the others.

use super::table::length_text;
use anyhow::Result;
use common::search::fidelity::{Fidelity, ShortFidelity, StudiedGenome};
use plot::axes::{Axis, Margin, around};
use plot::{Area, Drawn, palette, svg};
use plotters::chart::SeriesLabelPosition;
use plotters::prelude::{BLACK, ChartBuilder, Circle, Color, PathElement, RGBColor, WHITE};

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (460, 400);
/// Panels side by side.
const COLUMNS: usize = 2;
/// Colours of the first seeds; later ones begin again.
const SEEDS: [RGBColor; 4] = [palette::VIOLET, palette::RUST, palette::TEAL, palette::GREY];
/// The room around the values of an axis.
const MARGIN: Margin = Margin { share: 0.08, least: 0.02 };

/// Draws a study as SVG.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub fn draw(fidelity: &Fidelity) -> Result<String> {
    let columns = fidelity.short.len().clamp(1, COLUMNS);
    let rows = fidelity.short.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    svg(size, |area| {
        let panels = area.split_evenly((rows, columns));
        panels
            .iter()
            .zip(&fidelity.short)
            .enumerate()
            .try_for_each(|(index, (panel, short))| draw_panel(panel, fidelity, index, short))
    })
}

/// Draws a dot for each genome and seed, at its short score and its mean full score, and a line
/// through the seeds of a genome.
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
            axis(genomes.iter().flat_map(|genome| genome.short[index].iter().copied())),
            axis(genomes.iter().map(StudiedGenome::mean_full)),
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
    chart.draw_series(
        genomes.iter().map(|genome| PathElement::new(places(genome), palette::JOIN)),
    )?;
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

/// Returns the position of an accuracy on an axis: minus log10 of the error, which counts as at
/// least 0.01 %.
fn place(accuracy: f64) -> f64 {
    -(1.0 - accuracy).max(1e-4).log10()
}

/// Returns the axis of some accuracies, with some room around them.
fn axis(accuracies: impl Iterator<Item = f64>) -> Axis {
    let ticks =
        [0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999].map(place);
    Axis::new(around(accuracies.map(place), MARGIN), ticks, |place| {
        let percent = 100.0 * (1.0 - 10f64.powf(-place));
        format!("{} %", (percent * 10.0).round() / 10.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::coord::ranged1d::{Ranged, ValueFormatter};

    #[test]
    fn marks_are_round_accuracies_inside_the_axis() {
        let axis = axis([0.62, 0.97, 0.995].into_iter());
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
        let axis = axis(std::iter::once(1.0));
        assert!(axis.range().start < 4.0 && 4.0 < axis.range().end);
    }
}
