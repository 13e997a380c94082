//! The accuracy of each class, with the interval that its images allow.

use super::confusion::name;
use crate::report::table::Table;
use crate::report::units::{count, percent};
use common::statistics::wilson;
use maud::{Markup, html};

/// The most classes that are listed: of more, the least accurate ones.
const LISTED: usize = 20;

/// Returns the table of accuracies by class from a confusion matrix.
pub(super) fn accuracies(counts: &[Vec<usize>], classes: &[String]) -> Markup {
    let mut rows: Vec<Row> = counts.iter().enumerate().map(Row::new).collect();
    if rows.len() > LISTED {
        rows.sort_by(|a, b| a.share().total_cmp(&b.share()));
        rows.truncate(LISTED);
    }
    let mut table = Table::new([
        ("class", false),
        ("images", true),
        ("right", true),
        ("accuracy", true),
        ("95 % interval", true),
        ("mostly taken for", false),
    ]);
    for row in &rows {
        let accuracy = (row.images > 0).then(|| row.share());
        let [low, high] = wilson(row.right, row.images);
        let unknown = || "there are no test images of this class".to_string();
        table.push(vec![
            Ok(name(classes, row.class).to_string()),
            Ok(count(row.images as u64)),
            Ok(count(row.right as u64)),
            accuracy.map(percent).ok_or_else(unknown),
            accuracy.map(|_| interval(low, high)).ok_or_else(unknown),
            Ok(row.mistaken.map_or_else(String::new, |class| name(classes, class).to_string())),
        ]);
    }
    html! {
        @if counts.len() > rows.len() {
            p { "The " (rows.len()) " least accurate of " (counts.len()) " classes:" }
        }
        (table.to_markup())
    }
}

/// Formats an interval of shares in per cent.
pub(super) fn interval(low: f64, high: f64) -> String {
    format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high)
}

struct Row {
    class: usize,
    images: usize,
    right: usize,
    /// The class that its images are taken for most often.
    mistaken: Option<usize>,
}

impl Row {
    fn new((class, counts): (usize, &Vec<usize>)) -> Row {
        let wrong = counts.iter().enumerate().filter(|(taken, n)| *taken != class && **n > 0);
        // The first of equally frequent ones.
        let mistaken = wrong.rev().max_by_key(|(_, images)| **images).map(|(taken, _)| taken);
        Row { class, images: counts.iter().sum(), right: counts[class], mistaken }
    }

    fn share(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_images_and_interval() {
        let counts = [vec![349, 4, 6], vec![0, 10, 0], vec![0, 0, 0]];
        let classes = ["a".to_string(), "b".into(), "c".into()];
        let html = accuracies(&counts, &classes).into_string();
        // The interval of 349 of 359 by statsmodels.
        for words in ["97.2 %", "94.9 to 98.5 %", "72.2 to 100.0 %", "no test images of this class"]
        {
            assert!(html.contains(words), "{words}: {html}");
        }
        assert_eq!(Row::new((0, &counts[0])).mistaken, Some(2));
        assert_eq!(Row::new((0, &vec![1, 5, 5])).mistaken, Some(1));
        assert_eq!(Row::new((1, &counts[1])).mistaken, None);
    }

    #[test]
    fn of_many_classes_the_least_accurate_are_listed() {
        let mut counts = vec![vec![0; 50]; 50];
        (0..50).for_each(|class| counts[class][class] = 10);
        (counts[7][7], counts[7][8]) = (1, 9);
        let html = accuracies(&counts, &[]).into_string();
        assert!(html.contains("The 20 least accurate of 50 classes"), "{html}");
        assert_eq!(html.matches("<tr>").count(), 1 + LISTED);
        assert!(html.contains("10.0 %"));
    }
}
