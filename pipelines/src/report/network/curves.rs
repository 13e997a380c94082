//! The course of a training, and of pruning.

use super::chart::{Axis, Chart, Line, Style};
use crate::report::units::{count, percent};
use common::prune_report::PruneReport;
use common::train_report::{Epoch, TrainReport};
use maud::{Markup, html};
use plot::axes::{Margin, around, percent_label, short_label, within};
use std::ops::Range;

/// Returns loss and accuracies by epoch.
pub(super) fn training(report: &TrainReport) -> Markup {
    let (Some(first), Some(last)) = (report.curve.first(), report.curve.last()) else {
        return html! { p { "No epoch was completed." } };
    };
    html! {
        div.plots { (loss(report, first, last)) (accuracies(report, last)) }
        p.hint {
            (report.epochs) " epochs of " (count(report.images as u64)) " images, seed "
            (report.seed) ". The loss is the mean over an epoch's images; accuracy on them is taken \
            during training, that on the validation images after the epoch."
        }
    }
}

fn loss(report: &TrainReport, first: &Epoch, last: &Epoch) -> Markup {
    let points: Vec<(f64, f64)> = points(report, |epoch| Some(epoch.loss));
    let range = around(points.iter().map(|(_, loss)| *loss), Margin::UNIT);
    let text = format!(
        "Loss by epoch: {:.3} in epoch {}, {:.3} in epoch {}.",
        first.loss, first.epoch, last.loss, last.epoch
    );
    Chart {
        text,
        x: epochs(report),
        y: Axis { title: "loss", range, least: 0.0, label: &short_label },
        lines: vec![Line { name: "training", style: Style::Dashed, points }],
    }
    .draw()
}

fn accuracies(report: &TrainReport, last: &Epoch) -> Markup {
    let train = points(report, |epoch| Some(100.0 * epoch.train_accuracy));
    let validation = points(report, |epoch| epoch.validation_accuracy.map(|share| 100.0 * share));
    let said = match last.validation_accuracy {
        Some(share) => format!("validation {}", percent(share)),
        None => "no validation images".to_string(),
    };
    let text =
        format!("Accuracy by epoch: at the end training {}, {said}.", percent(last.train_accuracy));
    let mut lines = vec![Line { name: "training", style: Style::Dashed, points: train }];
    if !validation.is_empty() {
        lines.insert(0, Line { name: "validation", style: Style::Whole, points: validation });
    }
    in_percent(text, "accuracy", epochs(report), lines)
}

/// Returns the accuracy after each round of pruning by the share that was removed.
pub(super) fn pruning(report: &PruneReport) -> Markup {
    let rounds = &report.rounds;
    let start = (0.0, 100.0 * report.accuracy_before);
    let line = |of: fn(&common::prune_report::PruneRound) -> f64| -> Vec<(f64, f64)> {
        rounds.iter().map(|round| (100.0 * round.removed, 100.0 * of(round))).collect()
    };
    let tuned = [vec![start], line(|round| round.accuracy)].concat();
    let untuned = line(|round| round.accuracy_untuned);
    let end = rounds.last().map_or(report.accuracy_before, |round| round.accuracy);
    let text = format!(
        "Validation accuracy by share removed: {} before pruning, {} with {} of the parameters removed.",
        percent(report.accuracy_before),
        percent(end),
        percent(report.removed)
    );
    let range = around(tuned.iter().map(|(removed, _)| *removed), Margin::PERCENT);
    let label = percent_label(&range);
    let label = |value: f64| label(&value);
    let x = Axis { title: "parameters removed", range, least: 0.0, label: &label };
    let lines = vec![
        Line { name: "fine-tuned", style: Style::Whole, points: tuned },
        Line { name: "before that", style: Style::Dashed, points: untuned },
    ];
    html! {
        div.plots { (in_percent(text, "validation accuracy", x, lines)) }
        p.hint {
            (rounds.len()) " rounds by " (report.method.name()) ", at most "
            (percent(report.cap)) " of the parameters; they ended because " (report.end()) "."
        }
    }
}

fn in_percent(text: String, title: &str, x: Axis<'_>, lines: Vec<Line<'_>>) -> Markup {
    let values = lines.iter().flat_map(|line| line.points.iter().map(|(_, share)| *share));
    let range = within(&around(values, Margin::PERCENT), 0.0..100.0, 0.5);
    let label = percent_label(&range);
    let label = |value: f64| label(&value);
    let y = Axis { title, range, least: 0.0, label: &label };
    Chart { text, x, y, lines }.draw()
}

fn epochs(report: &TrainReport) -> Axis<'static> {
    let numbers = report.curve.iter().map(|epoch| epoch.epoch as f64);
    let range: Range<f64> = around(numbers, Margin { share: 0.0, least: 0.5 });
    Axis { title: "epoch", range, least: 1.0, label: &|epoch| format!("{epoch:.0}") }
}

fn points(report: &TrainReport, of: impl Fn(&Epoch) -> Option<f64>) -> Vec<(f64, f64)> {
    report.curve.iter().filter_map(|epoch| Some((epoch.epoch as f64, of(epoch)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::search::genome::Optimizer;
    use common::train_report::{SplitAccuracy, Timing};

    fn report(validation: &[Option<f64>]) -> TrainReport {
        let epoch = |(index, validation_accuracy): (usize, &Option<f64>)| Epoch {
            epoch: index + 1,
            learning_rate: 0.003,
            loss: 1.0 / (index + 1) as f64,
            train_accuracy: 0.9,
            validation_accuracy: *validation_accuracy,
        };
        TrainReport {
            seed: 42,
            epochs: validation.len(),
            images: 54_000,
            optimizer: Optimizer::Adam,
            parameters: 1,
            macs: 1,
            accuracy: SplitAccuracy { train: 0.9, validation: None },
            chosen_with_validation_accuracy: None,
            diverged: false,
            curve: validation.iter().enumerate().map(epoch).collect(),
            data_sha256: String::new(),
            weights_sha256: String::new(),
            timing: Timing {
                wall_s: 1.0,
                cpu_s: 1.0,
                images_per_s: 1.0,
                threads: 1,
                device: "cpu".into(),
                peak_rss_bytes: None,
                peak_rss_reason: Some("x".into()),
                program: None,
            },
        }
    }

    #[test]
    fn epochs_without_a_score_are_left_out_of_the_line() {
        let html = training(&report(&[Some(0.8), None, Some(0.95)])).into_string();
        assert_eq!(html.matches("<svg").count(), 2);
        assert_eq!(html.matches("<circle").count(), 3 + 3 + 2);
        assert!(html.contains("Loss by epoch: 1.000 in epoch 1, 0.333 in epoch 3."), "{html}");
        assert!(html.contains("at the end training 90.0 %, validation 95.0 %"));
    }

    #[test]
    fn one_epoch_and_none_are_drawn_without_nonsense() {
        let one = training(&report(&[None])).into_string();
        assert!(!one.contains("NaN") && one.contains("no validation images"), "{one}");
        assert!(!training(&report(&[])).into_string().contains("<svg"));
    }
}
