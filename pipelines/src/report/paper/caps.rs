//! Fig. 5: accuracy and NID of pruned networks against the share of the parameters that was removed.

use super::part::Part;
use crate::report::figures::Figure;
use crate::report::figures::plane::{
    HEIGHT, KeyRow, Mark, WIDTH, draw_key, draw_points, key_height, plane,
};
use crate::report::run_folder::Run;
use crate::report::units::count;
use crate::report::winner::Winner;
use anyhow::Result;
use common::network::counts::network_information_density;
use common::prune_report::PruneReport;
use plot::axes::{Axis, Margin, around, within};
use plot::palette::series;
use plot::{Area, Drawn, svg};

const TITLE: &str = "Fig. 5: what pruning does to accuracy and NID";
/// Name of the folders of `make prune-compare CAPS=...`, without the cap.
const CAP_FOLDER: &str = "pruned-cap-";

/// A network before or after pruning, or in between.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    /// Share of the parameters that was removed, in per cent.
    removed: f64,
    /// Validation accuracy in per cent.
    accuracy: f64,
    /// Validation accuracy per million parameters.
    nid: f64,
}

/// A network, pruned with one or more caps.
#[derive(Clone, Debug, PartialEq)]
struct Pruned {
    name: String,
    /// Before pruning, and at the end of each pruning; the fewest removed first.
    ends: Vec<Step>,
    /// After the other rounds.
    rounds: Vec<Step>,
    /// Caps in per cent.
    caps: Vec<f64>,
}

impl Pruned {
    /// Collects the prunings of a network with one method; `None` without one.
    fn of(name: String, reports: &[&PruneReport]) -> Option<Pruned> {
        let first = reports.first()?;
        let step = |removed: f64, accuracy: f64, parameters: u64| Step {
            removed: 100.0 * removed,
            accuracy: 100.0 * accuracy,
            nid: network_information_density(accuracy, parameters),
        };
        let mut ends = vec![step(0.0, first.accuracy_before, first.parameters_before)];
        let (mut rounds, mut caps) = (vec![], vec![]);
        for report in reports {
            caps.push(100.0 * report.cap);
            let steps = report.rounds.iter().map(|r| step(r.removed, r.accuracy, r.parameters));
            let mut steps: Vec<Step> = steps.collect();
            ends.extend(steps.pop());
            rounds.extend(steps);
        }
        ends.sort_by(|a, b| a.removed.total_cmp(&b.removed));
        caps.sort_by(f64::total_cmp);
        Some(Pruned { name, ends, rounds, caps })
    }
}

/// Draws the figure of all pruned networks.
///
/// # Errors
/// Fails if the figure cannot be drawn.
pub(super) fn part(run: &Run) -> Result<Part> {
    let pruned: Vec<Pruned> = run.winners.iter().filter_map(pruned).collect();
    let one_cap = pruned.iter().all(|network| network.caps.len() < 2);
    let advice = "`make prune-compare CAPS=\"0.30 0.65 0.75\"` prunes a network with each of the paper's caps.";
    if pruned.is_empty() {
        let reason = format!("There is no figure of pruning: no network was pruned. {advice}");
        return Ok(Part::missing(TITLE, reason));
    }
    let figure = figure(&pruned, run.validation_images())?;
    let notes = one_cap.then(|| format!("Each network was pruned with one cap only. {advice}"));
    Ok(Part {
        title: TITLE.into(),
        figures: vec![figure],
        notes: notes.into_iter().collect(),
        tables: vec![],
    })
}

/// Returns the prunings of a network that differ in their caps alone.
fn pruned(winner: &Winner) -> Option<Pruned> {
    let main = winner.pruned.prune.as_ref()?;
    let same = |report: &&PruneReport| report.method == main.method && report.choose == main.choose;
    let variants = winner.pruning_variants.iter();
    let by_cap = variants
        .filter(|variant| variant.name == "pruned" || variant.name.starts_with(CAP_FOLDER))
        .map(|variant| &variant.report)
        .filter(same);
    let name = format!("{}: {} parameters", winner.called(), count(main.parameters_before));
    Pruned::of(name, &by_cap.collect::<Vec<_>>())
}

fn figure(pruned: &[Pruned], images: Option<usize>) -> Result<Figure> {
    let rows = key(pruned);
    let size = (WIDTH, 2 * HEIGHT + key_height(rows.len()));
    let svg = svg(size, |root| {
        let (upper, rest) = root.split_vertically(HEIGHT);
        let (lower, below) = rest.split_vertically(HEIGHT);
        let percents = pruned.iter().flat_map(steps).map(|step| step.accuracy);
        let range = around(percents, Margin { share: 0.1, least: 0.5 });
        let y = Axis::linear(within(&range, 0.0..100.1, 0.5), "%");
        draw_panel(&upper, pruned, (y, "validation accuracy"), |step| step.accuracy)?;
        let nids = pruned.iter().flat_map(steps).map(|step| step.nid);
        let y = Axis::linear(around(nids, Margin::UNIT), "");
        draw_panel(&lower, pruned, (y, "NID"), |step| step.nid)?;
        draw_key(&below, &rows)
    })?;
    let images = images.map_or_else(String::new, |n| format!(" on {} images", count(n as u64)));
    let caption = format!(
        "Validation accuracy{images} and NID (accuracy per million parameters) of {} against the share of the trainable \
         parameters that was removed. Discs: before pruning, and where pruning with a cap ended; dots: after the rounds \
         before that.",
        if pruned.len() == 1 { "a network".into() } else { format!("{} networks", pruned.len()) }
    );
    let title = "Accuracy and NID by the share of the parameters that was removed";
    Ok(Figure::new("fig-5-pruning.svg", title, caption, &svg))
}

fn steps(pruned: &Pruned) -> impl Iterator<Item = &Step> {
    pruned.ends.iter().chain(&pruned.rounds)
}

/// Returns a row for each network, with its caps.
fn key(pruned: &[Pruned]) -> Vec<KeyRow> {
    let row = |(index, network): (usize, &Pruned)| {
        let caps: Vec<String> = network.caps.iter().map(|cap| format!("{cap:.0}")).collect();
        let word = if caps.len() == 1 { "cap" } else { "caps" };
        let text = format!("{}, {word} {} %", network.name, caps.join(", "));
        KeyRow { mark: Mark::Line, color: series(index), text }
    };
    pruned.iter().enumerate().map(row).collect()
}

fn draw_panel(
    area: &Area<'_>,
    pruned: &[Pruned],
    y: (Axis, &str),
    value: fn(&Step) -> f64,
) -> Drawn {
    let removed = pruned.iter().flat_map(steps).map(|step| step.removed);
    let x = Axis::linear(within(&around(removed, Margin::PERCENT), -2.0..102.0, 1.0), "%");
    let mut chart = plane(area, None, (x, "parameters removed"), y)?;
    for (index, network) in pruned.iter().enumerate() {
        let places = |steps: &[Step]| -> Vec<(f64, f64)> {
            steps.iter().map(|step| (step.removed, value(step))).collect()
        };
        draw_points(&mut chart, Mark::Line, series(index), places(&network.ends))?;
        draw_points(&mut chart, Mark::Dot, series(index), places(&network.rounds))?;
        draw_points(&mut chart, Mark::Disc, series(index), places(&network.ends))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::profile::{Allocation, PruneMethod};
    use common::prune_report::{PruneEnd, PruneRound};

    fn report(cap: f64, rounds: &[(f64, u64, f64)]) -> PruneReport {
        let round =
            |(number, (removed, parameters, accuracy)): (usize, &(f64, u64, f64))| PruneRound {
                round: number + 1,
                filters_removed: 1,
                parameters: *parameters,
                removed: *removed,
                accuracy_untuned: 0.1,
                accuracy: *accuracy,
            };
        PruneReport {
            method: PruneMethod::L1,
            choose: Allocation::Uniform,
            also: vec![],
            seed: 0,
            cap,
            cluster_factor: 0.9,
            iterations: 10,
            finetune_epochs: 5,
            finetune_rate: 0.3,
            parameters_before: 1_000_000,
            parameters_after: 1,
            removed: 0.5,
            macs_before: 1,
            macs_after: 1,
            accuracy_before: 0.9,
            cap_reached: true,
            ended: PruneEnd::Cap,
            rounds: rounds.iter().enumerate().map(round).collect(),
            widths: vec![],
            measured: None,
        }
    }

    #[test]
    fn the_ends_of_all_caps_are_in_order_and_the_rounds_beside_them() {
        let high = report(0.65, &[(0.3, 700_000, 0.85), (0.6, 400_000, 0.8)]);
        let low = report(0.3, &[(0.25, 750_000, 0.88)]);
        let nothing = report(0.01, &[]);
        let pruned = Pruned::of("1".into(), &[&high, &low, &nothing]).unwrap();
        let removed: Vec<f64> = pruned.ends.iter().map(|step| step.removed).collect();
        assert_eq!(removed, [0.0, 25.0, 60.0]);
        let nid: Vec<f64> = pruned.ends.iter().map(|step| step.nid).collect();
        assert!((nid[0] - 0.9).abs() < 1e-12 && (nid[2] - 2.0).abs() < 1e-12, "{nid:?}");
        assert_eq!((pruned.rounds.len(), pruned.caps.len()), (1, 3));
        assert_eq!(Pruned::of("2".into(), &[]), None);
        let figure = figure(&[pruned], Some(287)).unwrap();
        assert!(figure.caption.contains("on 287 images") && figure.caption.contains("a network"));
        assert!(figure.svg.contains("caps 1, 30, 65 %") && !figure.svg.contains("NaN"));
        assert_eq!(figure.svg.matches("<circle").count(), 2 * (3 + 1));
    }
}
