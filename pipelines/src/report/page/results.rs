//! The section of results: every network, and what must be known to read the numbers.

use super::content::{Content, Section};
use crate::report::html::hint;
use crate::report::{images, measurements, results};
use maud::{Markup, html};

/// What accuracies of the search are worth.
const SHORT_TRAININGS: &str = "Validation accuracies of the search come from short trainings; they rank candidates and say \
     little about what a network reaches when it is trained in full.";

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let table = results::table(content.run);
    let markup = html! {
        @if table.is_empty() {
            p { "No network has been chosen yet: " code { "make train" }
                " trains the winners of the search." }
        } @else {
            (table.to_markup())
        }
        (hint("Rank is the order in which the search's front gave its winners (final.selection), the first one first; \
             a network with an id such as i03-07 was chosen later and has no rank. Behind accuracies stand Wilson's \
             95 % interval and the number of images."))
        (hint("NID is test accuracy per million trainable parameters. MACs are multiply-adds for one image. \
             Latency and energy are those of one inference; energy and power are everything the meter saw."))
        (cautions(content))
    };
    Some(Section::new("results", "Results", markup))
}

fn cautions(content: &Content<'_>) -> Markup {
    let run = content.run;
    let searched = (!run.evaluations.is_empty()).then(|| SHORT_TRAININGS.to_string());
    let cautions = [
        run.import.as_ref().and_then(images::left_out_warning),
        results::unfinished_warning(run),
        results::diverged_warning(run),
        results::data_warning(run),
        measurements::warnings(run),
        searched,
    ];
    html! { @for caution in cautions.into_iter().flatten() { p.caution { (caution) } } }
}
