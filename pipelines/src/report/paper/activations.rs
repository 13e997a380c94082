//! Fig. 4: how often each activation is in the population, by iteration.

use super::part::Part;
use crate::report::figures::Figure;
use crate::report::figures::plane::{HEIGHT, KeyRow, Mark, WIDTH, draw_key, key_height, plane};
use anyhow::Result;
use common::network::activation::Activation;
use common::search::evaluation::Evaluation;
use common::search::genome::Genome;
use plot::axes::Axis;
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::Rectangle;
use plotters::style::{Color, RGBColor};

const TITLE: &str = "Fig. 4: activations of the populations";

/// The share of a population, in per cent, that each activation in [`Activation::ALL`] has.
type Shares = [f64; Activation::ALL.len()];

/// A panel of the figure.
struct Panel {
    name: &'static str,
    gene: fn(&Genome) -> Activation,
}

const PANELS: [Panel; 2] = [
    Panel { name: "(a) Left activation: below zero", gene: |genome| genome.left_activation },
    Panel { name: "(b) Right activation: from zero on", gene: |genome| genome.right_activation },
];

/// Draws the figure of a search.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn part(evaluations: &[Evaluation]) -> Result<Part> {
    if evaluations.is_empty() {
        return Ok(Part::missing(TITLE, "There is no figure of activations: there was no search."));
    }
    let rows = key(evaluations);
    let size = (WIDTH, 2 * HEIGHT + key_height(rows.len()));
    let svg = svg(size, |root| {
        let (upper, rest) = root.split_vertically(HEIGHT);
        let (lower, below) = rest.split_vertically(HEIGHT);
        draw_panel(&upper, &PANELS[0], evaluations)?;
        draw_panel(&lower, &PANELS[1], evaluations)?;
        draw_key(&below, &rows)
    })?;
    let caption = format!(
        "How many of the networks of each iteration's population have an activation, of {} networks in all, failed and \
         stopped trainings included.",
        evaluations.len()
    );
    let title = "Shares of left and right activations by iteration";
    let figure = Figure::new("fig-4-activations.svg", title, caption, &svg);
    Ok(Part { title: TITLE.into(), figures: vec![figure], ..Part::default() })
}

/// Returns the number of each iteration, counted from 1, and the shares of its whole population.
fn shares(
    evaluations: &[Evaluation],
    gene: impl Fn(&Genome) -> Activation,
) -> Vec<(usize, Shares)> {
    let populations = evaluations.chunk_by(|a, b| a.iteration == b.iteration);
    let of = |population: &[Evaluation]| {
        Activation::ALL.map(|activation| {
            let with_it = population.iter().filter(|e| gene(&e.genome) == activation).count();
            100.0 * with_it as f64 / population.len() as f64
        })
    };
    populations.map(|population| (population[0].iteration + 1, of(population))).collect()
}

/// Draws a bar for each iteration, in which the activations are stacked.
fn draw_panel(area: &Area<'_>, panel: &Panel, evaluations: &[Evaluation]) -> Drawn {
    let shares = shares(evaluations, panel.gene);
    let last = shares.last().map_or(1, |(iteration, _)| *iteration);
    let y = Axis::linear(0.0..100.1, "%");
    let axes = ((Axis::iterations(last), "iteration"), (y, "share of the population"));
    let mut chart = plane(area, Some(panel.name), axes.0, axes.1)?;
    for (iteration, shares) in shares {
        let (left, right) = (iteration as f64 - 0.42, iteration as f64 + 0.42);
        let mut below = 0.0;
        let bars = Activation::ALL.into_iter().zip(shares).map(|(activation, share)| {
            let corners = [(left, below), (right, below + share)];
            below += share;
            Rectangle::new(corners, color(activation).filled())
        });
        chart.draw_series(bars)?;
    }
    Ok(())
}

/// Returns a row for each activation that is there, in the order of the bars from top to bottom.
fn key(evaluations: &[Evaluation]) -> Vec<KeyRow> {
    let there = |activation: &Activation| {
        evaluations
            .iter()
            .any(|e| PANELS.iter().any(|panel| (panel.gene)(&e.genome) == *activation))
    };
    let row = |activation: Activation| KeyRow {
        mark: Mark::Square,
        color: color(activation),
        text: activation.name().into(),
    };
    Activation::ALL.into_iter().rev().filter(there).map(row).collect()
}

fn color(activation: Activation) -> RGBColor {
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
    use crate::report::paper::example::evaluation;

    #[test]
    fn shares_by_hand() {
        let lefts = [Activation::Relu, Activation::Tanh, Activation::Relu, Activation::Linear];
        let mut evaluations: Vec<Evaluation> =
            (0..5).map(|n| evaluation(n / 4, n % 4, 1000, 0.5)).collect();
        for (evaluation, left) in evaluations.iter_mut().zip(lefts) {
            evaluation.genome.left_activation = left;
        }
        evaluations[0].accuracy = None;
        let shares = shares(&evaluations, |genome| genome.left_activation);
        let first = [50.0, 0.0, 0.0, 25.0, 0.0, 0.0, 25.0];
        let second = [0.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0];
        assert_eq!(shares, [(1, first), (2, second)]);
        // Swish is in the second iteration.
        let names: Vec<String> = key(&evaluations).into_iter().map(|row| row.text).collect();
        assert_eq!(names, ["linear", "swish", "tanh", "relu"]);
        let svg = &part(&evaluations).unwrap().figures[0].svg;
        assert!(names.iter().all(|name| svg.contains(name.as_str())) && svg.contains("100 %"));
        assert!(part(&[]).unwrap().figures.is_empty());
    }
}
