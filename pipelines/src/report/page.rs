//! The page: one self-contained HTML file for all sizes of screens, light and dark.

use super::figures::Figure;
use super::html::{details, escape, picture};
use super::run_folder::Run;
use super::table::Table;
use super::units::{count, percent_of, si};
use super::{comparison, images, int8, measurements, results, settings};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// Returns the whole page.
pub(super) fn render(run: &Run, figures: &[Figure], comparison: Option<&Table>) -> String {
    let title = escape(&run.title());
    let mut body = String::new();
    section(&mut body, "Results", &results_part(run));
    let int8 = int8::table(run);
    if !int8.is_empty() {
        let hint = format!("<p class=\"hint\">{}</p>\n", escape(int8::hint()));
        section(&mut body, "What int8 costs and saves", &(int8.to_html() + &hint));
    }
    if let Some(table) = comparison {
        let hint = format!("<p class=\"hint\">{}</p>\n", escape(comparison::hint()));
        section(&mut body, "Compared with the baseline", &(table.to_html() + &hint));
    }
    let drawn: Vec<String> = figures.iter().map(figure_part).collect();
    let _ = write!(body, "<div class=\"figures\">\n{}</div>\n", drawn.concat());
    let pruning = results::pruning_table(run);
    if !pruning.is_empty() {
        section(&mut body, "What pruning changed", &(pruning.to_html() + &pruning_part(run)));
    }
    let front = results::front_table(run);
    if !front.is_empty() {
        section(
            &mut body,
            "Front of the archive",
            &details(&format!("All {} members", front.len()), &front.to_html()),
        );
    }
    let measured = measurements::sections(run);
    if !measured.is_empty() {
        section(&mut body, "Measurements", &measured);
    }
    let crates = measurements::crates_table(run);
    if !crates.is_empty() {
        section(&mut body, "Generated crates", &crates.to_html());
    }
    if let Some(import) = &run.import {
        section(&mut body, "Images", &images::section(import));
    }
    section(&mut body, "Settings", &settings::section(run));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<header>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n</header>\n{}{body}</main>\n</body>\n</html>\n",
        escape(&lead(run)),
        tiles(run),
    )
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

fn section(body: &mut String, title: &str, content: &str) {
    let _ = write!(body, "<section>\n<h2>{}</h2>\n{content}</section>\n", escape(title));
}

fn results_part(run: &Run) -> String {
    let table = results::table(run);
    let mut html = if table.is_empty() {
        "<p>No network has been chosen yet: <code>make train</code> trains the winners of the search.</p>\n".to_string()
    } else {
        table.to_html()
    };
    html.push_str(
        "<p class=\"hint\">NID is test accuracy per million trainable parameters. MACs are multiply-adds for one image. \
         Latency and energy are those of one inference; energy is everything the meter saw.</p>\n",
    );
    let short_trainings = "Validation accuracies of the search come from short trainings; they rank candidates and say \
        little about what a network reaches when it is trained in full.";
    let searched = (!run.evaluations.is_empty()).then(|| short_trainings.to_string());
    for warning in [
        run.import.as_ref().and_then(images::left_out_warning),
        results::diverged_warning(run),
        results::data_warning(run),
        measurements::warnings(run),
        searched,
    ]
    .into_iter()
    .flatten()
    {
        let _ = writeln!(html, "<p class=\"caution\">{}</p>", escape(&warning));
    }
    html
}

/// Returns the table of all pruned variants, and the figures of accuracy, NID and widths over the
/// share that was pruned.
fn pruning_part(run: &Run) -> String {
    let variants = results::pruning_variants_table(run);
    let mut html = if variants.is_empty() { String::new() } else { variants.to_html() };
    for winner in &run.winners {
        let title = format!("Accuracy, NID and widths by the share pruned: rank {}", winner.rank);
        let drawings: String = winner.drawings.iter().map(|svg| picture(svg, &title)).collect();
        if !drawings.is_empty() {
            html.push_str(&details(
                &title,
                &format!("<figure class=\"wide\">\n{drawings}</figure>\n"),
            ));
        }
    }
    html
}

fn figure_part(figure: &Figure) -> String {
    format!(
        "<section>\n<h2>{title}</h2>\n<figure>\n<div class=\"paper\" role=\"img\" aria-label=\"{title}\">\n{}\n</div>\n\
         <figcaption>{} <a href=\"{file}\">{file}</a></figcaption>\n</figure>\n</section>\n",
        figure.svg.trim(),
        escape(&figure.caption),
        title = escape(figure.title),
        file = figure.file,
    )
}

/// Returns the most important numbers of the run.
fn tiles(run: &Run) -> String {
    let tested = || {
        run.variants().filter_map(|(.., variant)| Some((variant.test.as_ref()?, variant.counts?)))
    };
    let best = tested().map(|(test, _)| test).max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let smallest = tested().map(|(_, counts)| counts.parameters).min();
    let fastest = run
        .variants()
        .flat_map(|(.., v)| v.measurements.keys().filter_map(|board| v.measurement(board).ok()));
    let fastest =
        fastest.filter(|m| !m.emulated).min_by(|a, b| a.latency.p50_s.total_cmp(&b.latency.p50_s));
    let searched = (!run.evaluations.is_empty()).then(|| count(run.evaluations.len() as u64));
    let tiles = [
        (searched, "networks evaluated".to_string()),
        (best.map(|test| percent_of(test.accuracy, test.images)), "best test accuracy".to_string()),
        (smallest.map(count), "parameters of the smallest network".to_string()),
        (
            fastest.map(|m| si(m.latency.p50_s, "s")),
            fastest.map_or_else(String::new, |m| format!("fastest inference, on {}", m.board)),
        ),
    ];
    let mut html = String::from("<ul class=\"tiles\">\n");
    for (value, name) in tiles {
        if let Some(value) = value {
            let _ = writeln!(
                html,
                "<li><strong>{}</strong><span>{}</span></li>",
                escape(&value),
                escape(&name)
            );
        }
    }
    html.push_str("</ul>\n");
    html
}
