//! Draws test images from the training images of each class.
//!
//! An image's place in the lot is a hash of the seed and its file, so that neither names nor the
//! order of files change the choice, and an added image changes little of it. Images with equal
//! pixels stay together: a network is not to be tested on what it was trained on.

use super::image::Image;
use common::dataset::ImportedSplit;
use common::files::hash::sha256_hex_of_parts;
use std::collections::BTreeMap;

/// The share of each class that is drawn.
pub(crate) const FRACTION: f64 = 0.2;

/// Moves a share of the training images of each class to the test set: at least one image of each
/// class that has two different ones.
pub(crate) fn test_images(images: &mut [Image], seed: u64) {
    let mut classes: BTreeMap<usize, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        if image.split == ImportedSplit::Train {
            let equal = classes.entry(image.class).or_default().entry(image.sha256.clone());
            equal.or_default().push(index);
        }
    }
    for groups in classes.into_values() {
        for index in drawn(images, groups.into_values().collect(), seed) {
            images[index].split = ImportedSplit::Test;
        }
    }
}

/// Returns the indices of the images that are drawn from groups of equal images of one class.
fn drawn(images: &[Image], groups: Vec<Vec<usize>>, seed: u64) -> Vec<usize> {
    let count: usize = groups.iter().map(Vec::len).sum();
    let share = ((count as f64 * FRACTION).round() as usize).max(1);
    let place = |group: &Vec<usize>| {
        let places = group.iter().map(|&index| place(&images[index], seed));
        places.min().unwrap_or_default()
    };
    let mut groups: Vec<(String, Vec<usize>)> =
        groups.into_iter().map(|group| (place(&group), group)).collect();
    groups.sort();
    // The last group is for training, however large it is.
    groups.pop();
    let mut drawn = Vec::new();
    for (_, group) in groups {
        if drawn.len() < share && drawn.len() + group.len() < count {
            drawn.extend(group);
        }
    }
    drawn
}

fn place(image: &Image, seed: u64) -> String {
    let parts: [&[u8]; 3] = [b"test", &seed.to_le_bytes(), image.source_sha256.as_bytes()];
    sha256_hex_of_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::files::hash::sha256_hex;

    fn image(class: usize, content: u32, split: ImportedSplit) -> Image {
        Image {
            class,
            split,
            source_sha256: sha256_hex(&content.to_le_bytes()),
            sha256: sha256_hex(&content.to_be_bytes()),
            pixels: Vec::new(),
            name: String::new(),
            item: None,
        }
    }

    fn tested(images: &[Image]) -> Vec<usize> {
        let test = |index: &usize| images[*index].split == ImportedSplit::Test;
        (0..images.len()).filter(test).collect()
    }

    #[test]
    fn a_fifth_of_each_class_is_drawn_by_the_seed() {
        let make = || -> Vec<Image> {
            (0..110).map(|i| image(usize::from(i >= 100), i, ImportedSplit::Train)).collect()
        };
        let with = |seed| {
            let mut images = make();
            test_images(&mut images, seed);
            tested(&images)
        };
        let first = with(0);
        assert_eq!(first.iter().filter(|&&index| index < 100).count(), 20);
        assert_eq!(first.iter().filter(|&&index| index >= 100).count(), 2);
        assert_eq!(first, with(0));
        assert_ne!(first, with(1));
    }

    #[test]
    fn no_order_changes_the_choice_and_one_image_more_changes_little() {
        let contents = |images: &[Image]| -> Vec<String> {
            let mut found: Vec<_> =
                tested(images).into_iter().map(|i| images[i].sha256.clone()).collect();
            found.sort();
            found
        };
        let mut images: Vec<Image> = (0..50).map(|i| image(0, i, ImportedSplit::Train)).collect();
        let mut reversed: Vec<Image> = images.iter().rev().cloned().collect();
        let mut more = images.clone();
        more.push(image(0, 1000, ImportedSplit::Train));
        for images in [&mut images, &mut reversed, &mut more] {
            test_images(images, 3);
        }
        assert_eq!(contents(&images), contents(&reversed));
        let (before, after) = (contents(&images), contents(&more));
        assert!(before.iter().filter(|sha256| after.contains(sha256)).count() >= 9);
    }

    #[test]
    fn equal_images_stay_together_and_single_ones_are_for_training() {
        let mut images = vec![image(0, 1, ImportedSplit::Train)];
        images.extend((0..4).map(|_| image(1, 2, ImportedSplit::Train)));
        images.extend([3, 4].map(|content| image(2, content, ImportedSplit::Train)));
        images.extend((0..9).map(|i| image(3, 10 + i / 3, ImportedSplit::Train)));
        test_images(&mut images, 0);
        let drawn = tested(&images);
        assert!(drawn.iter().all(|&index| index >= 5), "{drawn:?}");
        assert_eq!(drawn.iter().filter(|&&index| index < 7).count(), 1);
        assert_eq!(drawn.iter().filter(|&&index| index >= 7).count(), 3);
        assert_eq!(drawn[drawn.len() - 1] - drawn[drawn.len() - 3], 2);
    }
}
