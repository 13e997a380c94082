//! What measured networks cost: latency, and energy where there is a meter, by parameters (the
//! paper's Fig. 1b).

use crate::search::state::SearchState;
use anyhow::Result;
use common::search::board_costs::BoardCosts;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use plot::axes::{Axis, Margin, around};
use plot::{Area, Drawn, palette, svg};
use plotters::prelude::*;

/// Width and height of a panel in pixels.
const PANEL: (u32, u32) = (640, 480);

/// Panels in a row.
const COLUMNS: usize = 2;

/// A quantity of a panel.
struct Cost {
    title: &'static str,
    unit: &'static str,
    of: fn(&BoardCosts) -> Option<f64>,
}

const COSTS: [Cost; 2] = [
    Cost { title: "Latency of one inference", unit: "s", of: |costs| costs.latency_s },
    Cost { title: "Energy of one inference", unit: "J", of: |costs| costs.energy_j },
];

/// What a panel shows.
struct Panel<'a> {
    cost: &'static Cost,
    /// The board of several; `None` is the only one.
    board: Option<&'a str>,
}

impl Panel<'_> {
    fn value(&self, evaluation: &Evaluation) -> Option<f64> {
        (self.cost.of)(&evaluation.costs(self.board))
    }

    fn title(&self) -> String {
        let place = self.board.map_or(String::new(), |board| format!(" on {board}"));
        format!("{}{place}", self.cost.title)
    }
}

/// Draws the figure of a search, as SVG, with a panel for each quantity on each board; returns
/// `None` if nothing was measured.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn draw(search: &SearchState, config: &SearchConfig) -> Result<Option<String>> {
    let boards: Vec<Option<&str>> = match config.boards.is_empty() {
        true => vec![None],
        false => config.boards.keys().map(|board| Some(board.as_str())).collect(),
    };
    let measured = |panel: &Panel<'_>| search.evaluations.iter().any(|e| panel.value(e).is_some());
    let panels = boards
        .into_iter()
        .flat_map(|board| COSTS.iter().map(move |cost| Panel { cost, board }))
        .filter(measured);
    let panels: Vec<Panel<'_>> = panels.collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let columns = panels.len().min(COLUMNS);
    let rows = panels.len().div_ceil(columns);
    let drawn = svg((PANEL.0 * columns as u32, PANEL.1 * rows as u32), |area| {
        let areas = area.split_evenly((rows, columns));
        areas
            .iter()
            .zip(&panels)
            .try_for_each(|(area, panel)| draw_panel(area, panel, search, config.search.iterations))
    });
    drawn.map(Some)
}

fn draw_panel(
    area: &Area<'_>,
    panel: &Panel<'_>,
    search: &SearchState,
    iterations: usize,
) -> Drawn {
    let log = |value: f64| value.max(f64::MIN_POSITIVE).log10();
    let place = |e: &Evaluation| panel.value(e).map(|value| (log(e.parameters as f64), log(value)));
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
        .caption(
            format!("{}, measured: {}{rings}", panel.title(), places.len()),
            ("sans-serif", 20),
        )
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(Axis::logarithmic(x, ""), Axis::logarithmic(y, panel.cost.unit))?;
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
    use common::board::catalog;
    use std::path::Path;

    #[test]
    fn a_panel_for_each_quantity_that_was_measured_and_a_dot_for_each_network() {
        let config = config(6, 2);
        let mut search = search(&config, |_| Ok(0.5));
        let draw = |search: &SearchState| draw(search, &config).unwrap();
        assert_eq!(draw(&search), None);
        for (index, evaluation) in search.evaluations.iter_mut().enumerate().take(5) {
            evaluation.latency_s = Some(1e-5 * (index + 1) as f64);
        }
        let latency = draw(&search).unwrap();
        assert_eq!(latency.matches("<circle").count(), 5);
        assert!(
            latency.contains("Latency of one inference, measured: 5")
                && !latency.contains("Energy")
        );
        search.evaluations[7].energy_j = Some(2e-4);
        search.evaluations[1].stopped_after = Some(1);
        assert!(draw(&search).unwrap().contains("measured: 5, 1 of them stopped early (rings)"));
        let both = draw(&search).unwrap();
        assert_eq!(both.matches("<circle").count(), 6);
        assert!(both.contains("Energy of one inference, measured: 1"), "{both}");
    }

    #[test]
    fn each_board_of_several_has_its_panels() {
        let mut config = config(6, 2);
        let host = catalog::find("host", Path::new("")).unwrap();
        config.boards = ["a", "b", "c"].map(|name| (name.to_string(), host.clone())).into();
        let mut search = search(&config, |_| Ok(0.5));
        for (board, latency_s, energy_j) in [("a", 1e-3, Some(1e-4)), ("b", 2e-3, None)] {
            let latency_s = Some(latency_s);
            let costs = BoardCosts { latency_s, energy_j, ..BoardCosts::default() };
            search.evaluations[0].boards.insert(board.into(), costs);
        }
        let svg = draw(&search, &config).unwrap().unwrap();
        for title in ["Latency of one inference on a", "Energy of one inference on a"] {
            assert!(svg.contains(title), "{title}");
        }
        assert!(svg.contains("Latency of one inference on b, measured: 1"));
        assert_eq!(svg.matches("of one inference on").count(), 3);
        assert!(svg.contains("width=\"1280\" height=\"960\""));
    }
}
