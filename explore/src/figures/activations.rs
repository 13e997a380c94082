//! How often each activation is in the population, by iteration (the paper's Fig. 4).

use crate::search::state::SearchState;
use anyhow::Result;
use common::network::activation::Activation;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use plot::axes::Axis;
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;

/// Width and height in pixels, and the width of the legend on the right.
const SIZE: (u32, u32) = (1060, 420);
const LEGEND: u32 = 120;

/// The share of a population that each activation in [`Activation::ALL`] has.
type Shares = [f64; Activation::ALL.len()];

/// Draws the figure of a search with this number of planned iterations, as SVG.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn draw(search: &SearchState, iterations: usize) -> Result<String> {
    svg(SIZE, |area| {
        let (panels, legend) = area.split_horizontally(SIZE.0 - LEGEND);
        let panels = panels.split_evenly((1, 2));
        let left = shares(&search.evaluations, |genome| genome.left_activation);
        draw_panel(&panels[0], "Left activation (below zero)", &left, iterations)?;
        let right = shares(&search.evaluations, |genome| genome.right_activation);
        draw_panel(&panels[1], "Right activation (from zero on)", &right, iterations)?;
        draw_legend(&legend)
    })
}

/// Returns the number of each iteration, counted from 1, and the shares of its whole population,
/// including failed trainings.
fn shares(evaluations: &[Evaluation], gene: impl Fn(&Genome) -> Activation) -> Vec<(f64, Shares)> {
    let populations = evaluations.chunk_by(|a, b| a.iteration == b.iteration);
    let of = |population: &[Evaluation]| {
        Activation::ALL.map(|activation| {
            let with_it = population
                .iter()
                .filter(|evaluation| gene(&evaluation.genome) == activation)
                .count();
            with_it as f64 / population.len() as f64
        })
    };
    populations.map(|population| (population[0].iteration as f64 + 1.0, of(population))).collect()
}

/// Draws a bar for each iteration, in which the activations are stacked.
fn draw_panel(area: &Area<'_>, title: &str, shares: &[(f64, Shares)], iterations: usize) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, ("sans-serif", 18))
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(Axis::iterations(iterations), 0.0..1.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_desc("iteration")
        .y_desc("share of the population")
        .y_label_formatter(&|share| format!("{:.0} %", 100.0 * share))
        .label_style(("sans-serif", 15))
        .draw()?;
    for (iteration, shares) in shares {
        let mut below = 0.0;
        let bars = Activation::ALL.into_iter().zip(shares).map(|(activation, share)| {
            let corners = [(iteration - 0.42, below), (iteration + 0.42, below + share)];
            below += share;
            Rectangle::new(corners, colour(activation).filled())
        });
        chart.draw_series(bars)?;
    }
    Ok(())
}

/// Draws the legend, in the order of the bars from top to bottom.
fn draw_legend(area: &Area<'_>) -> Drawn {
    for (row, activation) in (0..).zip(Activation::ALL.into_iter().rev()) {
        let top = 60 + 28 * row;
        area.draw(&Rectangle::new([(8, top), (26, top + 18)], colour(activation).filled()))?;
        area.draw(&Text::new(activation.name(), (34, top + 2), ("sans-serif", 16)))?;
    }
    Ok(())
}

fn colour(activation: Activation) -> RGBColor {
    match activation {
        Activation::Relu => palette::ORANGE,
        Activation::Elu => palette::SKY_BLUE,
        Activation::Sigmoid => palette::GREEN,
        Activation::Tanh => palette::YELLOW,
        Activation::Swish => palette::BLUE,
        Activation::Selu => palette::VERMILION,
        Activation::Linear => palette::PURPLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn shares_by_hand() {
        let mut search =
            search(&config(4, 2), |c| if c.index == 0 { Err("made up".into()) } else { Ok(0.5) });
        let lefts = [
            [Activation::Relu, Activation::Tanh, Activation::Relu, Activation::Linear],
            [Activation::Selu, Activation::Selu, Activation::Selu, Activation::Selu],
        ];
        for (evaluation, left) in search.evaluations.iter_mut().zip(lefts.into_iter().flatten()) {
            evaluation.genome.left_activation = left;
        }
        let shares = shares(&search.evaluations, |genome| genome.left_activation);
        let first = [0.5, 0.0, 0.0, 0.25, 0.0, 0.0, 0.25];
        let second = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(shares, [(1.0, first), (2.0, second)]);
    }

    #[test]
    fn shares_of_each_iteration_sum_to_1() {
        let search = search(&config(7, 4), |c| Ok(0.5 + c.index as f64 / 100.0));
        let right = shares(&search.evaluations, |genome| genome.right_activation);
        assert_eq!(right.len(), 4);
        assert!(right.iter().all(|(_, shares)| (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn both_panels_and_all_names_are_there() {
        let svg = draw(&search(&config(5, 2), |_| Ok(0.5)), 2).unwrap();
        for text in ["Left activation", "Right activation"]
            .into_iter()
            .chain(Activation::ALL.map(Activation::name))
        {
            assert!(svg.contains(text), "{text}");
        }
    }
}
