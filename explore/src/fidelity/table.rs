//! The results of a study as Markdown, for a terminal or a document.

use common::search::fidelity::{Fidelity, Length, StudiedGenome};
use plot::{Align, Table};

/// Returns two tables: how well each short training ranks, and the scores of each genome.
pub fn markdown(fidelity: &Fidelity) -> String {
    rankings(fidelity) + "\n" + &scores(fidelity)
}

fn rankings(fidelity: &Fidelity) -> String {
    let titles =
        ["what ranks the networks", "images", "rank correlation", "beyond size", "accuracy lost"];
    let mut table = Table::new(titles.map(|title| (title, Align::Left)));
    for short in &fidelity.short {
        table.push([
            length_text(short.length),
            format!("{:.1} %", 100.0 * short.cost),
            joined(&short.correlation, |value| format!("{value:.2}")),
            joined(&short.partial_correlation, |value| format!("{value:.2}")),
            joined(&short.regret, |value| format!("{:.2}", 100.0 * value)) + " points",
        ]);
    }
    let without_more = |name: &str, images: &str, correlation: f64| {
        [name, images, &format!("{correlation:.2}"), "", ""].map(str::to_string)
    };
    table.push(without_more("number of parameters", "0", fidelity.parameters_correlation));
    if let Some(correlation) = fidelity.seeds_correlation {
        table.push(without_more("full training with another seed", "100 %", correlation));
    }
    table.to_markdown() + "\n"
}

fn scores(fidelity: &Fidelity) -> String {
    let lengths = fidelity.short.iter().map(|short| short.length);
    let titles = ["genome", "parameters", "MACs"].map(str::to_string);
    let titles = titles.into_iter().chain(lengths.chain([fidelity.full]).map(length_text));
    let mut table = Table::new(titles.map(|title| (title, Align::Left)));
    for StudiedGenome { genome, parameters, macs, full, short } in &fidelity.genomes {
        let sizes =
            [genome.to_string(), parameters.to_string(), format!("{:.2} M", *macs as f64 / 1e6)];
        let scores = short.iter().chain([full]).map(|scores| percent(scores));
        table.push(sizes.into_iter().chain(scores));
    }
    table.to_markdown() + "\n"
}

/// Returns a length in words, such as `2 epochs of 3000 images`.
pub(super) fn length_text(length: Length) -> String {
    let Length { epochs, images } = length;
    format!("{epochs} epoch{} of {images} images", if epochs == 1 { "" } else { "s" })
}

fn percent(scores: &[f64]) -> String {
    joined(scores, |score| format!("{:.2}", 100.0 * score))
}

fn joined(values: &[f64], format: impl Fn(f64) -> String) -> String {
    values.iter().map(|value| format(*value)).collect::<Vec<_>>().join(", ")
}
