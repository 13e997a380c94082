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
/// Number of different opacities.
const SHADES: usize = 5;

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
    let top = if upright { 34.0 } else { LETTER * longest as f64 + 28.0 };
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
                        "translate(" (px(left + middle + 4.0)) " " (px(top - 6.0)) ") rotate(-90)"
                    } { (name) }
                }
            }
            (cells([left, top], counts))
            path.grid d=(grid([left, top], counts.len())) {}
        }
    }
}

/// Draws the cells that have images: the darker the larger their share of their row is.
fn cells([left, top]: [f64; 2], counts: &[Vec<usize>]) -> Markup {
    let place = |n: usize, edge: f64| edge + CELL * n as f64;
    let filled: Vec<Cell> = counts.iter().enumerate().flat_map(Cell::of_row).collect();
    let outline = |right: bool, shade: usize| -> String {
        let cells =
            filled.iter().filter(|cell| (cell.row == cell.column, cell.shade) == (right, shade));
        cells
            .map(|cell| {
                let [x, y] = [px(place(cell.column, left)), px(place(cell.row, top))];
                format!("M{x} {y}h{CELL}v{CELL}h-{CELL}z")
            })
            .collect()
    };
    html! {
        @for shade in 1..=SHADES {
            @for (class, right) in [("right", true), ("wrong", false)] {
                @let outline = outline(right, shade);
                @if !outline.is_empty() {
                    path class=(class) d=(outline)
                        fill-opacity=(format!("{:.2}", STRONGEST * shade as f64 / SHADES as f64)) {}
                }
            }
        }
        g.small text-anchor="middle" {
            @for Cell { row, column, images, .. } in &filled {
                text x=(px(place(*column, left) + CELL / 2.0))
                    y=(px(place(*row, top) + CELL / 2.0 + 3.5)) { (short_count(*images)) }
            }
        }
    }
}

/// A cell of the matrix that has images.
struct Cell {
    row: usize,
    column: usize,
    images: usize,
    /// How dark it is: 1 to [`SHADES`].
    shade: usize,
}

impl Cell {
    fn of_row((row, images): (usize, &Vec<usize>)) -> Vec<Cell> {
        let most = images.iter().copied().max().unwrap_or(0);
        // On a linear scale, mistakes of a good network could not be told from none.
        let share = |n: usize| (1.0 + n as f64).ln() / (1.0 + most as f64).ln();
        let cell = |(column, images): (usize, &usize)| {
            let shade = ((share(*images) * SHADES as f64).ceil() as usize).clamp(1, SHADES);
            Cell { row, column, images: *images, shade }
        };
        images.iter().enumerate().filter(|(_, images)| **images > 0).map(cell).collect()
    }
}

fn short_count(images: usize) -> String {
    if images < 10_000 { images.to_string() } else { format!("{}k", images / 1000) }
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
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_matrix_is_drawn_and_told() {
        let counts = [vec![90, 0, 3], vec![1, 80, 0], vec![0, 12, 60]];
        let names = classes(&["a<b>", "7", "a very long name indeed"]);
        let html = matrix(&counts, &names).into_string();
        let cells = |class: &str| -> usize {
            let start = format!("<path class=\"{class}\" d=\"");
            let paths = html.split(&start).skip(1);
            paths.map(|rest| rest.split('"').next().unwrap().matches('M').count()).sum()
        };
        assert_eq!((cells("right"), cells("wrong")), (3, 3));
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
