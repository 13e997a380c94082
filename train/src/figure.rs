//! The figure of a training: loss and accuracy over the epochs, as SVG. Black on white, so that it
//! reads the same on any page and in print.

use anyhow::Result;
use common::train_report::{Epoch, TrainReport};
use plot::palette::{GRID, RUST, TEAL, VIOLET};
use plot::{Area, Drawn, svg};
use plotters::prelude::{ChartBuilder, Circle, LineSeries, PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor, WHITE};

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 460);
/// Height of text in pixels; it is large because a telephone shows a figure at half its size.
const TEXT: u32 = 17;
/// Height of the legend above the curves, in pixels.
const HEAD: u32 = 62;
const LOSS: RGBColor = VIOLET;
const TRAINING: RGBColor = TEAL;
const VALIDATION: RGBColor = RUST;

/// Draws the curve of a report.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(crate) fn draw(report: &TrainReport) -> Result<String> {
    svg(SIZE, |area| {
        let (head, body) = area.split_vertically(HEAD);
        draw_head(&head, report)?;
        draw_curves(&body, report)
    })
}

/// Draws the title and the legend above the curves, where they hide nothing.
fn draw_head(area: &Area, report: &TrainReport) -> Drawn {
    let centre = Pos::new(HPos::Center, VPos::Top);
    let text = ("sans-serif", TEXT).into_font().color(&BLACK);
    area.draw(&Text::new(title(report), (SIZE.0 as i32 / 2, 12), text.pos(centre)))?;
    for (name, color, x) in [
        ("loss", LOSS, 100),
        ("training accuracy", TRAINING, 210),
        ("validation accuracy", VALIDATION, 420),
    ] {
        area.draw(&PathElement::new([(x, 49), (x + 22, 49)], color.stroke_width(3)))?;
        area.draw(&Text::new(name, (x + 30, 42), ("sans-serif", TEXT).into_font().color(&BLACK)))?;
    }
    Ok(())
}

fn draw_curves(area: &Area, report: &TrainReport) -> Drawn {
    let epochs = report.curve.len().max(1);
    let highest = report.curve.iter().map(|done| done.loss).fold(0.0, f64::max);
    let x = 0..epochs + 1;
    let text = ("sans-serif", TEXT).into_font();
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .x_label_area_size(54)
        .y_label_area_size(74)
        .right_y_label_area_size(74)
        .build_cartesian_2d(x.clone(), 0.0..if highest > 0.0 { highest * 1.05 } else { 1.0 })?
        .set_secondary_coord(x, 0.0..100.0);
    let epoch_label = |epoch: &usize| {
        if (1..=epochs).contains(epoch) { epoch.to_string() } else { String::new() }
    };
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE)
        .bold_line_style(GRID)
        .x_label_formatter(&epoch_label)
        .label_style(text.clone());
    mesh.x_desc("epoch").y_desc("loss").draw()?;
    let mut axes = chart.configure_secondary_axes();
    axes.y_label_formatter(&|accuracy| format!("{accuracy} %"))
        .label_style(text)
        .y_desc("accuracy")
        .draw()?;

    let points = |value: &dyn Fn(&Epoch) -> Option<f64>| -> Vec<(usize, f64)> {
        report.curve.iter().filter_map(|done| Some((done.epoch, value(done)?))).collect()
    };
    let line = |points: &[(usize, f64)], color: RGBColor| {
        LineSeries::new(points.to_vec(), color.stroke_width(2)).point_size(if epochs <= 40 {
            3
        } else {
            0
        })
    };
    let validation = points(&|done| Some(done.validation_accuracy? * 100.0));
    chart.draw_series(line(&points(&|done| Some(done.loss)), LOSS))?;
    chart.draw_secondary_series(line(
        &points(&|done| Some(done.train_accuracy * 100.0)),
        TRAINING,
    ))?;
    chart.draw_secondary_series(line(&validation, VALIDATION))?;
    chart.draw_secondary_series(
        validation.iter().map(|point| Circle::new(*point, 4, VALIDATION.filled())),
    )?;
    Ok(())
}

fn title(report: &TrainReport) -> String {
    let count = report.curve.len();
    let epochs = if count == 1 { "1 epoch".to_string() } else { format!("{count} epochs") };
    let what = if report.diverged { "Diverged after" } else { "Training:" };
    format!("{what} {epochs} of {} images", report.images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::search::genome::Optimizer;
    use common::train_report::{SplitAccuracy, Timing};

    fn report(epochs: usize, diverged: bool, validation: bool) -> TrainReport {
        let epoch = |epoch: usize| Epoch {
            epoch,
            learning_rate: 0.1,
            loss: 2.0 / epoch as f64,
            train_accuracy: 1.0 - 0.8 / epoch as f64,
            validation_accuracy: (validation && epoch.is_multiple_of(2)).then_some(0.5),
        };
        TrainReport {
            seed: 0,
            epochs,
            images: 1200,
            optimizer: Optimizer::Sgd,
            parameters: 1,
            macs: 1,
            accuracy: SplitAccuracy { train: 0.5, validation: None },
            chosen_with_validation_accuracy: None,
            diverged,
            curve: (1..=epochs).map(epoch).collect(),
            data_sha256: String::new(),
            weights_sha256: String::new(),
            timing: Timing {
                wall_s: 1.0,
                cpu_s: 1.0,
                images_per_s: 1.0,
                threads: 1,
                device: "cpu".into(),
                peak_rss_bytes: Some(1),
                peak_rss_reason: None,
                program: None,
            },
        }
    }

    #[test]
    fn the_figure_says_what_it_shows() {
        let svg = draw(&report(8, false, true)).unwrap();
        for text in [
            "Training: 8 epochs of 1200 images",
            "epoch",
            "loss",
            "training accuracy",
            "validation accuracy",
        ] {
            assert!(svg.contains(&format!(">\n{text}\n<")), "no {text} in {svg}");
        }
        // A point of each curve at every epoch, and a second, larger one where there is a
        // validation accuracy.
        assert_eq!(svg.matches("<circle").count(), 8 + 8 + 2 * 4);
        assert_eq!(draw(&report(8, false, false)).unwrap().matches("<circle").count(), 8 + 8);
        assert_eq!(
            draw(&report(8, false, true)).unwrap(),
            svg,
            "the same report gives the same bytes"
        );
    }

    #[test]
    fn one_epoch_and_none() {
        assert!(draw(&report(1, false, false)).unwrap().contains("Training: 1 epoch of"));
        assert!(
            draw(&report(0, true, false))
                .unwrap()
                .contains("Diverged after 0 epochs of 1200 images")
        );
        assert!(draw(&report(300, true, true)).unwrap().contains("Diverged after 300 epochs of"));
    }
}
