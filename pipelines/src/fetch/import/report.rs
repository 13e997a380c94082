//! What an import says to people: what was found and decided, and what is unusual.

use super::describe::in_words;
use super::found::Found;
use super::image::Image;
use super::images::Images;
use super::reading::Reading;
use super::settings::Settings;
use crate::fetch::note::printable;
use common::dataset::{Choice, Fault, Layout};
use pictures::FILTER;

/// Maximum number of classes that are named.
const MAX_CLASSES: usize = 12;
/// Maximum number of examples of a fault on a line.
const MAX_EXAMPLES: usize = 3;

/// Returns what was found and decided, a line each.
pub(crate) fn summary(found: &Found, reading: &Reading, settings: &Settings) -> Vec<String> {
    let images = &reading.images;
    let mut lines = vec![
        format!("found {}: {}", in_words(found.layout), classes(images)),
        size(found.layout, reading, settings),
        splits(images, reading.validation),
    ];
    if reading.decoded > 0 {
        lines.insert(1, format!("decoded {}", counted(reading.decoded, "picture")));
    }
    if found.system_files > 0 {
        let files = counted(found.system_files, "file");
        lines.push(format!("ignored {files} of operating systems and programs"));
    }
    lines
}

/// Returns a warning for each fault.
pub(crate) fn warnings(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(line).collect()
}

fn line(fault: &Fault) -> String {
    if fault.examples.is_empty() {
        return printable(&fault.text);
    }
    let examples = &fault.examples[..fault.examples.len().min(MAX_EXAMPLES)];
    let more = if fault.count > examples.len() { "; ..." } else { "" };
    printable(&format!("{}: {}{more}", fault.text, examples.join("; ")))
}

fn classes(images: &Images) -> String {
    let count = |class: usize| {
        let of_class = |set: &[Image]| set.iter().filter(|image| image.class == class).count();
        images.sets().into_iter().map(|(_, set)| of_class(set)).sum::<usize>()
    };
    let named = images.classes.iter().take(MAX_CLASSES).enumerate();
    let named: Vec<String> =
        named.map(|(index, class)| format!("{} {}", printable(class), count(index))).collect();
    let more = if images.classes.len() > MAX_CLASSES { ", ..." } else { "" };
    format!(
        "{} of {} ({}{more}), {}",
        counted(images.sets().into_iter().map(|(_, set)| set.len()).sum(), "image"),
        if images.classes.len() == 1 {
            "1 class".to_string()
        } else {
            format!("{} classes", images.classes.len())
        },
        named.join(", "),
        if images.channels == 1 { "grey" } else { "in colour" }
    )
}

fn size(layout: Layout, reading: &Reading, settings: &Settings) -> String {
    let Images { channels, height, width, .. } = reading.images;
    let Some(scale) = reading.scale else {
        return format!(
            "the images keep their size, {height}x{width} (SIZE= or --size changes it)"
        );
    };
    let by_default = settings.size.is_none() && layout != Layout::Dataset;
    format!(
        "the images get {height}x{width} pixels and {} by the rule {} with the filter {FILTER}{}",
        counted(channels, "channel"),
        scale.resize,
        if by_default { " (SIZE= and RESIZE=, or --size and --resize, change it)" } else { "" }
    )
}

fn splits(images: &Images, validation: Choice) -> String {
    let (train, found, test) = (images.train.len(), images.validation.len(), images.test.len());
    let test = match images.test_choice {
        Choice::Found => format!("{test} test images"),
        Choice::Drawn { fraction, seed } => format!(
            "{test} test images, {} % of each class, drawn with the seed {seed}, because no test set was found",
            fraction * 100.0
        ),
    };
    let validation = match validation {
        Choice::Found => format!("{found} validation images"),
        Choice::Drawn { fraction, .. } => {
            format!("of which {} % of each class are for validation", fraction * 100.0)
        }
    };
    format!("{train} training images, {validation}; {test}")
}

/// Returns a number with a noun.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
