//! The settings of a run.

use super::html::{definitions, details};
use super::measurements::short_hash;
use super::run_folder::Run;
use super::units::count;
use maud::{Markup, html};

/// Returns seed, data set, sizes, and the text of the profile.
pub(super) fn content(run: &Run) -> Markup {
    let search = run.search.as_ref();
    let mut trainings = run.winners.iter().filter_map(|winner| winner.dense.train.as_ref());
    let train = trainings.find(|train| !train.diverged);
    let facts = definitions([
        ("data set", search.map(|s| s.dataset.clone())),
        ("data, SHA-256", search.map(|s| s.data_sha256.clone())),
        (
            "classes",
            run.winners.iter().find_map(|w| w.dense.network.as_ref()).map(|n| n.classes.join(", ")),
        ),
        ("seed of the search", search.map(|s| s.seed.to_string())),
        ("design space", search.map(|s| format!("{} points", count(s.space.size() as u64)))),
        (
            "search",
            search.map(|s| {
                format!("{} iterations of {} individuals", s.search.iterations, s.search.population)
            }),
        ),
        (
            "training of a candidate",
            search.map(|s| format!("{}, {}", epochs(s.search.epochs), images(s.search.subset))),
        ),
        (
            "training of a winner",
            train.map(|t| {
                format!("{}, {} images, seed {}", epochs(t.epochs), count(t.images as u64), t.seed)
            }),
        ),
        ("precisions of crates", run.precisions().map(|all| all.name().to_string())),
        ("weights of winners, SHA-256", weights(run)),
    ]);
    html! {
        (facts)
        @if let Some((profile, text)) = &run.profile {
            @if !profile.about.is_empty() { p { (profile.about) } }
            (details("The profile", html! { pre { (text) } }))
        } @else {
            p { "The run has no profile.json." }
        }
    }
}

fn epochs(n: usize) -> String {
    if n == 1 { "1 epoch".into() } else { format!("{n} epochs") }
}

fn images(subset: Option<usize>) -> String {
    subset.map_or_else(
        || "all training images".into(),
        |n| format!("{} training images", count(n as u64)),
    )
}

fn weights(run: &Run) -> Option<String> {
    let all: Vec<String> = run
        .winners
        .iter()
        .filter_map(|winner| {
            let train = winner.dense.train.as_ref().filter(|train| !train.diverged)?;
            Some(format!("{}: {}", winner.name, short_hash(&train.weights_sha256)))
        })
        .collect();
    (!all.is_empty()).then(|| all.join(", "))
}
