//! Which classes a network takes for which: a drawing for few classes, and the most frequent
//! mistakes in words.

use super::ticks::px;
use crate::report::units::count;
use maud::{Markup, html};

/// The most classes that are drawn.
const DRAWN: usize = 20;
/// The most mistakes that are told.
const TOLD: usize = 6;
/// Side of a cell in pixels.
const CELL: f64 = 26.0;
/// The most letters of a class's name in the drawing, and the width of one.
const LETTERS: usize = 12;
const LETTER: f64 = 6.2;
/// Opacity of the fullest cell: text on it can still be read.
const STRONGEST: f64 = 0.45;

/// Returns the drawing of a matrix, true classes in rows, and the most frequent mistakes.
pub(super) fn matrix(counts: &[Vec<usize>], classes: &[String]) -> Markup {
    html! {
        @if counts.len() <= DRAWN { div.plots { (draw(counts, classes)) } }
        @if let Some(told) = most_frequent(counts, classes) { p { (told) } }
    }
}

fn draw(counts: &[Vec<usize>], classes: &[String]) -> Markup {
    let names: Vec<String> = (0..counts.len()).map(|class| short(name(classes, class))).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let upright = longest <= 3;
    let left = LETTER * longest as f64 + 26.0;
    let top = if upright { 34.0 } else { LETTER * longest as f64 * 0.87 + 30.0 };
    let side = CELL * counts.len() as f64;
    let (width, height) = (px(left + side + 20.0), px(top + side + 2.0));
    html! {
        svg.plot viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
            role="img" aria-label=(in_words(counts, classes)) {
            text x=(px(left + side / 2.0)) y="12" text-anchor="middle" { "taken for" }
            text text-anchor="middle" transform={
                "translate(12 " (px(top + side / 2.0)) ") rotate(-90)"
            } { "is" }
            @for (class, name) in names.iter().enumerate() {
                @let middle = CELL * (class as f64 + 0.5);
                text x=(px(left - 6.0)) y=(px(top + middle + 4.0)) text-anchor="end" { (name) }
                @if upright {
                    text x=(px(left + middle)) y=(px(top - 6.0)) text-anchor="middle" { (name) }
                } @else {
                    text transform={
                        "translate(" (px(left + middle + 3.0)) " " (px(top - 6.0)) ") rotate(-60)"
                    } { (name) }
                }
            }
            @for (row, line) in counts.iter().enumerate() {
                @let most = line.iter().copied().max().unwrap_or(0);
                @for (column, images) in line.iter().enumerate().filter(|(_, images)| **images > 0) {
                    (cell([left, top], [row, column], *images, most))
                }
            }
            path.grid d=(grid([left, top], counts.len())) {}
        }
    }
}

/// Draws a cell that has images, the darker the larger its share of its row is.
fn cell([left, top]: [f64; 2], [row, column]: [usize; 2], images: usize, most: usize) -> Markup {
    let (x, y) = (left + CELL * column as f64, top + CELL * row as f64);
    let share = (1.0 + images as f64).ln() / (1.0 + most as f64).ln();
    let class = if row == column { "right" } else { "wrong" };
    let text = if images < 10_000 { images.to_string() } else { format!("{}k", images / 1000) };
    html! {
        rect class=(class) x=(px(x)) y=(px(y)) width=(CELL) height=(CELL)
            fill-opacity={ (format!("{:.2}", 0.08 + (STRONGEST - 0.08) * share)) } {}
        text.small x=(px(x + CELL / 2.0)) y=(px(y + CELL / 2.0 + 3.5)) text-anchor="middle" {
            (text)
        }
    }
}

fn grid([left, top]: [f64; 2], classes: usize) -> String {
    let side = CELL * classes as f64;
    let line = |n: usize| {
        let at = CELL * n as f64;
        format!(
            "M{} {}h{}M{} {}v{}",
            px(left),
            px(top + at),
            px(side),
            px(left + at),
            px(top),
            px(side)
        )
    };
    (0..=classes).map(line).collect()
}

fn in_words(counts: &[Vec<usize>], classes: &[String]) -> String {
    let right: usize = counts.iter().enumerate().map(|(class, line)| line[class]).sum();
    let images: usize = counts.iter().flatten().sum();
    let told = most_frequent(counts, classes).unwrap_or_default();
    let (right, images) = (count(right as u64), count(images as u64));
    format!("Confusion of {} classes: {right} of {images} images are right. {told}", counts.len())
}

/// Returns a sentence on the most frequent mistakes, if there are any.
fn most_frequent(counts: &[Vec<usize>], classes: &[String]) -> Option<String> {
    let mut mistakes: Vec<(usize, usize, usize)> = counts
        .iter()
        .enumerate()
        .flat_map(|(is, line)| line.iter().enumerate().map(move |(taken, n)| (*n, is, taken)))
        .filter(|(images, is, taken)| *images > 0 && is != taken)
        .collect();
    // Those with equal numbers in the order of the classes.
    mistakes.sort_by_key(|(images, is, taken)| (usize::MAX - images, *is, *taken));
    let told: Vec<String> = mistakes
        .iter()
        .take(TOLD)
        .map(|(images, is, taken)| {
            let times = if *images == 1 { "once".into() } else { format!("{images} times") };
            format!("{} for {} ({times})", name(classes, *is), name(classes, *taken))
        })
        .collect();
    let most = if mistakes.len() > TOLD { "Most often it takes" } else { "It takes" };
    (!told.is_empty()).then(|| format!("{most} {}.", told.join(", ")))
}

/// Returns the name of a class, or its number if the network has no such class.
pub(super) fn name(classes: &[String], class: usize) -> &str {
    classes.get(class).map_or("?", String::as_str)
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_string();
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn the_matrix_is_drawn_and_told() {
        let counts = [vec![90, 0, 3], vec![1, 80, 0], vec![0, 12, 60]];
        let names = classes(&["a<b>", "7", "a very long name indeed"]);
        let html = matrix(&counts, &names).into_string();
        assert_eq!(html.matches("class=\"right\"").count(), 3);
        assert_eq!(html.matches("class=\"wrong\"").count(), 3);
        let told = "Most often it takes";
        assert!(!html.contains(told), "there are three kinds of mistakes only");
        let told = "It takes a very long name indeed for 7 (12 times), \
                    a&lt;b&gt; for a very long name indeed (3 times), 7 for a&lt;b&gt; (once).";
        assert_eq!(html.matches(told).count(), 2, "in text and for those who do not see: {html}");
        assert!(html.contains("230 of 246 images are right") && html.contains("a very long…"));
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn many_classes_are_told_only() {
        let mut counts = vec![vec![0; 100]; 100];
        (0..100).for_each(|class| counts[class][(class + 1) % 100] = class);
        let html = matrix(&counts, &classes(&["x"; 100])).into_string();
        assert!(!html.contains("<svg") && html.contains("x for x (99 times)"), "{html}");
    }

    #[test]
    fn a_network_without_mistakes_has_none_to_tell() {
        assert_eq!(most_frequent(&[vec![3, 0], vec![0, 4]], &[]), None);
    }
}
