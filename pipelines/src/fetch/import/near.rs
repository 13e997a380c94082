//! Test images that are nearly equal to another image.
//!
//! The sums of pixels in parts of two images differ by at most as much as the images do, so most
//! pairs are excluded by the sum of the whole image or by those of its parts, without an error.

use super::image::Image;
use super::parallel;
use anyhow::Result;

/// Largest mean difference of pixels, of 255, with which images count as nearly equal.
pub(crate) const NEAR: f64 = 2.0;
/// Parts along each side of an image.
const PARTS: usize = 4;

/// A test image and another one that is nearly equal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NearPair {
    /// Index of the test image.
    pub(crate) test: usize,
    /// Index of the other image.
    pub(crate) other: usize,
    /// Mean difference of their pixels, of 255.
    pub(crate) difference: f64,
}

/// The sums of an image's pixels.
struct Sums {
    whole: u64,
    parts: [u32; PARTS * PARTS],
}

/// Returns, for each test image that has one, the other image that is nearest of those that differ
/// by at most [`NEAR`], equal ones excepted. Images have `width` columns.
///
/// # Errors
/// Fails if a signal is received.
pub(crate) fn pairs(test: &[&Image], others: &[&Image], width: usize) -> Result<Vec<NearPair>> {
    let sums = parallel::map(others.len(), |index| Sums::of(&others[index].pixels, width))?;
    let mut order: Vec<usize> = (0..others.len()).collect();
    order.sort_by_key(|&index| sums[index].whole);
    let nearest = |index: usize| {
        let pixels = &test[index].pixels;
        let limit = (NEAR * pixels.len() as f64) as u64;
        let own = Sums::of(pixels, width);
        let start = order.partition_point(|&at| sums[at].whole + limit < own.whole);
        let candidates =
            order[start..].iter().take_while(|&&at| sums[at].whole <= own.whole + limit);
        let near = candidates.filter(|&&at| own.difference(&sums[at]) <= limit);
        let near = near.filter_map(|&at| {
            let difference = difference(pixels, &others[at].pixels, limit)?;
            (difference > 0).then_some((difference, at))
        });
        near.min().map(|(difference, other)| NearPair {
            test: index,
            other,
            difference: difference as f64 / pixels.len() as f64,
        })
    };
    Ok(parallel::map(test.len(), nearest)?.into_iter().flatten().collect())
}

impl Sums {
    fn of(pixels: &[u8], width: usize) -> Sums {
        let mut parts = [0; PARTS * PARTS];
        let rows = pixels.len() / width;
        for (row, line) in pixels.chunks_exact(width).enumerate() {
            for (column, pixel) in line.iter().enumerate() {
                let part = row * PARTS / rows * PARTS + column * PARTS / width;
                parts[part] += u32::from(*pixel);
            }
        }
        Sums { whole: parts.iter().map(|part| u64::from(*part)).sum(), parts }
    }

    /// Returns a number that is at most the difference of the images.
    fn difference(&self, other: &Sums) -> u64 {
        self.parts.iter().zip(other.parts).map(|(a, b)| u64::from(a.abs_diff(b))).sum()
    }
}

/// Returns the sum of the differences of pixels; `None` if it is over the limit.
fn difference(one: &[u8], other: &[u8], limit: u64) -> Option<u64> {
    let mut sum = 0u64;
    for (one, other) in one.chunks(256).zip(other.chunks(256)) {
        sum += one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        if sum > limit {
            return None;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::dataset::ImportedSplit;

    fn image(pixels: Vec<u8>) -> Image {
        Image {
            class: 0,
            split: ImportedSplit::Train,
            source_sha256: String::new(),
            sha256: String::new(),
            pixels,
            name: String::new(),
            item: None,
        }
    }

    /// A generator of numbers that need not be good.
    fn noise(seed: u64, count: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    /// Exhaustive comparison finds the same pairs.
    #[test]
    fn no_pair_is_missed() {
        let smooth = |seed: u64| -> Vec<u8> {
            noise(seed, 60).iter().map(|value| 100 + value % 8).collect()
        };
        let test: Vec<Image> = (0..40).map(|seed| image(smooth(seed))).collect();
        let others: Vec<Image> = (20..90).map(|seed| image(smooth(seed))).collect();
        let (test, others): (Vec<&Image>, Vec<&Image>) =
            (test.iter().collect(), others.iter().collect());
        let found = pairs(&test, &others, 5).unwrap();
        let mean = |a: &Image, b: &Image| {
            difference(&a.pixels, &b.pixels, u64::MAX).unwrap() as f64 / 60.0
        };
        let mut expected = Vec::new();
        for (index, image) in test.iter().enumerate() {
            let near = others.iter().enumerate().map(|(at, other)| (mean(image, other), at));
            let near = near.filter(|(difference, _)| *difference > 0.0 && *difference <= NEAR);
            if let Some((difference, other)) = near.min_by(|a, b| a.partial_cmp(b).unwrap()) {
                expected.push(NearPair { test: index, other, difference });
            }
        }
        assert_eq!(found, expected);
        assert!((5..40).contains(&found.len()), "{} pairs", found.len());
    }

    #[test]
    fn images_of_one_pixel_are_compared() {
        let (one, other) = (image(vec![7]), image(vec![9]));
        let found = pairs(&[&one], &[&other], 1).unwrap();
        assert_eq!(found, [NearPair { test: 0, other: 0, difference: 2.0 }]);
        assert!(pairs(&[&one], &[&image(vec![10])], 1).unwrap().is_empty());
    }
}
