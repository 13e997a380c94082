//! What a network gets right and wrong on the test images.

use super::classes::{accuracies, interval};
use super::confusion::matrix;
use super::wrong_images;
use crate::report::html::details;
use crate::report::units::{count, percent_of};
use common::eval_report::{EvalReport, WrongExample, WrongImage};
use common::statistics::{McNemar, wilson};
use maud::{Markup, html};
use std::collections::HashSet;

/// What the part on mistakes is made of.
pub(super) struct Tested<'a> {
    pub(super) test: &'a EvalReport,
    pub(super) classes: &'a [String],
    /// Name and test of the network that this one was made of: the one before pruning or in f32.
    pub(super) before: Option<(&'a str, &'a EvalReport)>,
    /// Command that tests the network again.
    pub(super) again: String,
    /// Whether pictures of mistakes are shown.
    pub(super) pictures: bool,
}

/// Returns accuracy, confusion matrix, accuracy by class, and some wrong images.
pub(super) fn part(tested: &Tested<'_>) -> Markup {
    let Tested { test, classes, .. } = tested;
    let [low, high] = wilson(test.correct, test.images);
    html! {
        p {
            (count(test.correct as u64)) " of " (count(test.images as u64))
            " test images are right: " (percent_of(test.accuracy, test.images))
            " (" (interval(low, high)) " with 95 % confidence, Wilson). "
            @if let Some(compared) = compared(tested) { (compared) }
        }
        @if let Some(confusion) = &test.confusion {
            (matrix(confusion, classes))
            (details("Accuracy by class", accuracies(confusion, classes)))
        }
        @if let Some(examples) = &test.examples { (examples_of(tested, examples)) }
        @if test.wrong.is_none() {
            p {
                "Its test.json is of an earlier version, without the mistakes. In the run's folder, \
                with the folder of the data set in DATA, this makes it again:"
            }
            div.command {
                pre { code { (tested.again) } }
                button type="button" data-copy hidden aria-label="Copy the command" { "Copy" }
            }
        }
    }
}

/// Returns a sentence that compares the network with the one that it was made of.
fn compared(tested: &Tested<'_>) -> Option<String> {
    let (name, before) = tested.before?;
    let (mine, other) = (tested.test.wrong.as_ref()?, before.wrong.as_ref()?);
    let same_images = tested.test.data_sha256 == before.data_sha256;
    let found = McNemar::of(&indices(other), &indices(mine));
    if found.only_first_wrong + found.only_second_wrong == 0 {
        return same_images.then(|| format!("It and {name} are wrong on the same images."));
    }
    same_images.then(|| {
        format!(
            "Of the images on which it and {name} differ, it alone is wrong on {} and {name} on \
             {}: {} by McNemar's exact test, so that chance {} explain it.",
            found.only_second_wrong,
            found.only_first_wrong,
            if found.p < 0.001 { "p < 0.001".into() } else { format!("p = {:.3}", found.p) },
            if found.p < 0.05 { "hardly can" } else { "can" }
        )
    })
}

fn indices(wrong: &[WrongImage]) -> Vec<usize> {
    wrong.iter().map(|wrong| wrong.image).collect()
}

/// Returns pictures of mistakes, without those in the panel of the other network.
fn examples_of(tested: &Tested<'_>, examples: &[WrongExample]) -> Markup {
    let other = tested.before.and_then(|(name, test)| Some((name, test.examples.as_ref()?)));
    let shown: HashSet<usize> =
        other.iter().flat_map(|(_, examples)| examples.iter().map(|e| e.image)).collect();
    let new: Vec<&WrongExample> =
        examples.iter().filter(|example| !shown.contains(&example.image)).collect();
    html! {
        @if !tested.pictures {
            p.hint { "Pictures are left out (" code { "--no-images" } ")." }
        } @else if !new.is_empty() {
            p {
                "Some of the wrong ones"
                @if let Some((name, _)) = other { ", besides those in the panel of " (name) }
                ":"
            }
            (wrong_images::pictures(&new, tested.classes))
        } @else if let (Some((name, _)), false) = (other, examples.is_empty()) {
            p { "Its wrong ones that have pictures are in the panel of " (name) "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(wrong: &[usize]) -> EvalReport {
        let mistake = |image: &usize| WrongImage { image: *image, label: 0, predicted: 1 };
        EvalReport {
            split: "test".into(),
            images: 359,
            correct: 359 - wrong.len(),
            accuracy: (359 - wrong.len()) as f64 / 359.0,
            loss: 0.1,
            data_sha256: "d".into(),
            weights_sha256: "w".into(),
            confusion: Some(vec![vec![300, wrong.len()], vec![0, 59 - wrong.len()]]),
            wrong: Some(wrong.iter().map(mistake).collect()),
            examples: Some(wrong.iter().map(example).collect()),
        }
    }

    fn example(image: &usize) -> WrongExample {
        WrongExample { image: *image, label: 0, predicted: 1, png_base64: String::new() }
    }

    fn html(test: &EvalReport, before: Option<&EvalReport>, pictures: bool) -> String {
        let classes = ["a".to_string(), "b".into()];
        let before = before.map(|test| ("1/dense", test));
        let again = "train eval".to_string();
        let tested = Tested { test, classes: &classes, before, again, pictures };
        part(&tested).into_string()
    }

    #[test]
    fn an_accuracy_has_its_images_and_interval() {
        let html = html(&report(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), None, true);
        assert!(
            html.contains("349 of 359 test images are right: 97.2 % (94.9 to 98.5 %"),
            "{html}"
        );
        assert_eq!(html.matches("a taken for b").count(), 10);
        assert!(!html.contains("data-copy"));
    }

    #[test]
    fn pictures_of_common_mistakes_are_shown_once() {
        let (before, after) = (report(&[1, 4, 9]), report(&[1, 4, 30, 31, 32, 33, 34, 35]));
        let html = html(&after, Some(&before), true);
        assert_eq!(html.matches("<li>").count(), 6);
        // 1 and 6: 16 of 128 rows of seven tosses.
        assert!(html.contains("it alone is wrong on 6 and 1/dense on 1: p = 0.125"), "{html}");
        assert!(html.contains("chance can explain it"));
        assert!(self::html(&before, Some(&before), true).contains("wrong on the same images"));
        let other = EvalReport { data_sha256: "e".into(), ..before };
        assert!(!self::html(&after, Some(&other), true).contains("McNemar"));
    }

    #[test]
    fn pictures_can_be_left_out_and_an_earlier_file_is_said() {
        assert!(html(&report(&[7]), None, false).contains("--no-images"));
        let earlier = EvalReport { confusion: None, wrong: None, examples: None, ..report(&[7]) };
        let html = html(&earlier, None, true);
        assert!(html.contains("earlier version") && html.contains("data-copy"), "{html}");
    }
}
