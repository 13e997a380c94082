//! The section of how the run was made.

use super::content::{Content, Section};
use crate::report::html::{details, hint};
use crate::report::provenance::{Commands, commands, hashes, programs, table};
use maud::{Markup, html};

const TIMES: &str = "Wall times of trainings that ran beside each other are added up, and a training that was resumed counts from \
     its last checkpoint on. Reading images, testing, and the time between trainings are not recorded.";
const BUILDS: &str = "explore, prune and codegen write files that must be the same to the byte, so their builds are not recorded; \
     `make build` builds all programs from one commit.";
const ENERGY: &str =
    "The energy of the search is not recorded: no meter is read while candidates train.";

pub(super) fn section(content: &Content<'_>) -> Option<Section> {
    let run = content.run;
    let builds = programs(run, content.effort, &process::program::this());
    let stages = table(run, content.effort);
    let markup = html! {
        (command_lines(&commands(run)))
        h3 { "Programs" }
        (list(builds.iter().map(|(name, build)| (*name, build.as_str()))))
        (hint(BUILDS))
        h3 { "Time of each stage" }
        @if stages.is_empty() { (hint("No stage has left its time yet.")) } @else {
            (stages.to_markup())
            (hint(TIMES))
        }
        (hint(ENERGY))
        h3 { "Hashes" }
        (details("All SHA-256 hashes", list_of_hashes(&hashes(run))))
    };
    Some(Section::new("provenance", "How this was made", markup))
}

fn command_lines(commands: &Commands) -> Markup {
    html! {
        @for line in &commands.lines { p { code { (line) } } }
        @for note in &commands.notes { (hint(note)) }
    }
}

fn list_of_hashes(hashes: &[(String, String)]) -> Markup {
    list(hashes.iter().map(|(name, hash)| (name.as_str(), hash.as_str())))
}

fn list<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Markup {
    html! { dl { @for (name, value) in entries { div { dt { (name) } dd { (value) } } } } }
}
