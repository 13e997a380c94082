//! The whole document: head, tiles, sections, and the script with its numbers.

use super::content::{Content, Section};
use super::{figures, front, networks, paper, policy, provenance, pruning, results, tables, tiles};
use crate::report::run_folder::Run;
use crate::report::{data, network};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The parts of the page's one style.
const STYLES: &[&str] = &[include_str!("page.css"), network::STYLE];
/// The parts of the page's one script. Those after the first ones use what they define.
const SCRIPTS: &[&str] = &[
    include_str!("script/basics.js"),
    network::SCRIPT,
    include_str!("script/choice.js"),
    include_str!("script/tables.js"),
    include_str!("script/points.js"),
    include_str!("script/plane.js"),
    include_str!("script/explorer.js"),
    include_str!("script/answer.js"),
];

/// The sections in the order of the page. A section without content is left out.
const SECTIONS: &[fn(&Content<'_>) -> Option<Section>] = &[
    results::section,
    front::section,
    networks::section,
    tables::int8,
    tables::comparison,
    figures::section,
    pruning::section,
    paper::section,
    tables::archive,
    tables::measurements,
    tables::crates,
    tables::images,
    tables::settings,
    provenance::section,
];

/// Returns the whole page.
pub(crate) fn render(content: &Content<'_>) -> String {
    let title = content.run.title();
    let sections: Vec<Section> = SECTIONS.iter().filter_map(|section| section(content)).collect();
    let (style, script) = (STYLES.concat(), SCRIPTS.concat());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, &style, &script))
            body {
                header {
                    h1 { (title) }
                    p.lead { (lead(content.run)) }
                    (contents(&sections))
                }
                main {
                    (tiles::list(content))
                    @for section in &sections { (outline(section)) }
                }
                script type="application/json" id="run" {
                    (PreEscaped(data::block(content.data)))
                }
                script { (PreEscaped(&script)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// Returns a page of a title, a sentence and sections, without a script.
pub(crate) fn plain(title: &str, lead: &str, sections: &[Section]) -> String {
    let style = STYLES.concat();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, &style, ""))
            body {
                header { h1 { (title) } p.lead { (lead) } (contents(sections)) }
                main { @for section in sections { (outline(section)) } }
            }
        }
    };
    page.into_string() + "\n"
}

fn head(title: &str, style: &str, script: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy::of(script, style));
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(style)) }
        }
    }
}

fn lead(run: &Run) -> String {
    let on = run
        .search
        .as_ref()
        .map_or_else(String::new, |search| format!(" for the data set {}", search.dataset));
    format!(
        "Small convolutional networks{on}, found by a search over accuracy and size, then pruned, compiled and measured."
    )
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Sections" {
            ul { @for section in sections {
                li { a href={ "#" (section.id) } { (section.title) } }
            } }
        }
    }
}

fn outline(section: &Section) -> Markup {
    let title = format!("{}-title", section.id);
    html! {
        section id=(section.id) aria-labelledby=(title) {
            h2 id=(title) { (section.title) }
            (section.markup)
        }
    }
}
