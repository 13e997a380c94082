//! The results of a study as Markdown, for a terminal or a document.

use common::fidelity::{Fidelity, Length, StudiedGenome};
use std::fmt::Write;

/// Returns two tables: how well each short training ranks, and the scores of each genome.
pub fn markdown(fidelity: &Fidelity) -> String {
    rankings(fidelity) + "\n" + &scores(fidelity)
}

fn rankings(fidelity: &Fidelity) -> String {
    let mut text = String::from(
        "| what ranks the networks | images | rank correlation | beyond size | accuracy lost |\n\
         |---|---|---|---|---|\n",
    );
    for short in &fidelity.short {
        let correlation = joined(&short.correlation, |value| format!("{value:.2}"));
        let beyond = joined(&short.partial_correlation, |value| format!("{value:.2}"));
        let regret = joined(&short.regret, |value| format!("{:.2}", 100.0 * value));
        let _ = writeln!(
            text,
            "| {} | {:.1} % | {correlation} | {beyond} | {regret} points |",
            length_text(short.length),
            100.0 * short.cost
        );
    }
    let _ =
        writeln!(text, "| number of parameters | 0 | {:.2} | | |", fidelity.parameters_correlation);
    if let Some(correlation) = fidelity.seeds_correlation {
        let _ =
            writeln!(text, "| full training with another seed | 100 % | {correlation:.2} | | |");
    }
    text
}

fn scores(fidelity: &Fidelity) -> String {
    let lengths = fidelity.short.iter().map(|short| short.length);
    let heads: Vec<String> = lengths
        .chain([fidelity.full])
        .map(|length| format!(" {} |", length_text(length)))
        .collect();
    let mut text = format!(
        "| genome | parameters | MACs |{}\n|---|---|---|{}\n",
        heads.concat(),
        "---|".repeat(heads.len())
    );
    for StudiedGenome { genome, parameters, macs, full, short } in &fidelity.genomes {
        let cells: Vec<String> =
            short.iter().chain([full]).map(|scores| format!(" {} |", percent(scores))).collect();
        let _ = writeln!(
            text,
            "| {genome} | {parameters} | {:.2} M |{}",
            *macs as f64 / 1e6,
            cells.concat()
        );
    }
    text
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
