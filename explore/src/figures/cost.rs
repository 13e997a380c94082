//! What measured networks cost: latency, and energy where there is a meter, by parameters (the
//! paper's Fig. 1b).

use crate::search::state::SearchState;
use anyhow::Result;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around};
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (640, 480);

/// A quantity of a panel.
struct Cost {
    title: &'static str,
    unit: &'static str,
    of: fn(&Evaluation) -> Option<f64>,
}

const COSTS: [Cost; 2] = [
    Cost { title: "Latency of one inference", unit: "s", of: |evaluation| evaluation.latency_s },
    Cost { title: "Energy of one inference", unit: "J", of: |evaluation| evaluation.energy_j },
];

/// Draws the figure of a search with this number of planned iterations, as SVG; returns `None` if
/// nothing was measured.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn draw(search: &SearchState, iterations: usize) -> Result<Option<String>> {
    let measured =
        |cost: &&Cost| search.evaluations.iter().any(|evaluation| (cost.of)(evaluation).is_some());
    let costs: Vec<&Cost> = COSTS.iter().filter(measured).collect();
    if costs.is_empty() {
        return Ok(None);
    }
    let drawn = svg((PANEL.0 * costs.len() as u32, PANEL.1), |area| {
        let panels = area.split_evenly((1, costs.len()));
        panels
            .iter()
            .zip(&costs)
            .try_for_each(|(panel, cost)| draw_panel(panel, cost, search, iterations))
    });
    drawn.map(Some)
}

fn draw_panel(area: &Area<'_>, cost: &Cost, search: &SearchState, iterations: usize) -> Drawn {
    let log = |value: f64| value.max(f64::MIN_POSITIVE).log10();
    let place = |e: &Evaluation| (cost.of)(e).map(|value| (log(e.parameters as f64), log(value)));
    let places: Vec<(&Evaluation, (f64, f64))> =
        search.evaluations.iter().filter_map(|e| Some((e, place(e)?))).collect();
    let is_stopped = |evaluation: &Evaluation| evaluation.stopped_after.is_some();
    let stopped = places.iter().filter(|(evaluation, _)| is_stopped(evaluation)).count();
    let rings = if stopped == 0 {
        String::new()
    } else {
        format!(", {stopped} of them stopped early (rings)")
    };
    let x = around(places.iter().map(|(.., place)| place.0), Margin::UNIT);
    let y = around(places.iter().map(|(.., place)| place.1), Margin::UNIT);
    let mut chart = ChartBuilder::on(area)
        .margin(20)
        .caption(format!("{}, measured: {}{rings}", cost.title, places.len()), ("sans-serif", 20))
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(Axis::logarithmic(x, ""), Axis::logarithmic(y, cost.unit))?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("trainable parameters (logarithmic)")
        .y_desc("median (logarithmic)")
        .label_style(("sans-serif", 15))
        .draw()?;
    chart.draw_series(places.iter().map(|(evaluation, place)| {
        let colour = palette::gradient(&palette::AMBER_TO_INDIGO, evaluation.iteration, iterations);
        Circle::new(*place, 5, if is_stopped(evaluation) { colour.into() } else { colour.filled() })
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, search};

    #[test]
    fn a_panel_for_each_quantity_that_was_measured_and_a_dot_for_each_network() {
        let mut search = search(&config(6, 2), |_| Ok(0.5));
        assert_eq!(draw(&search, 2).unwrap(), None);
        for (index, evaluation) in search.evaluations.iter_mut().enumerate().take(5) {
            evaluation.latency_s = Some(1e-5 * (index + 1) as f64);
        }
        let latency = draw(&search, 2).unwrap().unwrap();
        assert_eq!(latency.matches("<circle").count(), 5);
        assert!(
            latency.contains("Latency of one inference, measured: 5")
                && !latency.contains("Energy")
        );
        search.evaluations[7].energy_j = Some(2e-4);
        search.evaluations[1].stopped_after = Some(1);
        assert!(
            draw(&search, 2)
                .unwrap()
                .unwrap()
                .contains("measured: 5, 1 of them stopped early (rings)")
        );
        let both = draw(&search, 2).unwrap().unwrap();
        assert_eq!(both.matches("<circle").count(), 6);
        assert!(both.contains("Energy of one inference, measured: 1"), "{both}");
    }
}
