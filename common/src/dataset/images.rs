//! Images in memory, their canonical order, and the hashes of what they are.

use crate::files::hash::sha256_hex_of_parts;
use crate::network::Shape;
use sha2::{Digest, Sha256};

/// Images of one split: 8-bit pixels and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Shape of each image.
    pub shape: Shape,
    /// All images, one after the other: channels, rows, columns.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u16>,
    /// The fingerprint of the data set that they are from ([`super::Identity::sha256`]).
    pub sha256: String,
}

impl Images {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one image.
    pub fn image(&self, index: usize) -> &[u8] {
        let elements = self.shape.elements();
        &self.pixels[index * elements..][..elements]
    }

    /// The images at some indices, in that order.
    pub fn select(&self, indices: &[usize]) -> Images {
        Images {
            shape: self.shape,
            pixels: indices.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            sha256: self.sha256.clone(),
        }
    }

    /// The same images in an order that their pixels and labels alone decide, not the order or the
    /// names of files; it has nothing to do with classes, so that the first images are a random
    /// sample of all.
    pub fn in_canonical_order(&self) -> Images {
        self.select(&Canon::of(self).order)
    }
}

/// The canonical order of images, and hashes that do not depend on the order that they are in.
pub(super) struct Canon {
    /// Indices of the images, by the hash of their pixels and then by label.
    pub(super) order: Vec<usize>,
    /// SHA-256 over all pixels.
    pub(super) images_sha256: String,
    /// SHA-256 over which image has which label.
    pub(super) labels_sha256: String,
}

impl Canon {
    pub(super) fn of(images: &Images) -> Canon {
        let hashes: Vec<[u8; 32]> =
            (0..images.len()).map(|i| Sha256::digest(images.image(i)).into()).collect();
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.sort_by_key(|&i| (hashes[i], images.labels[i]));
        let labels: Vec<[u8; 2]> = images.labels.iter().map(|label| label.to_le_bytes()).collect();
        Canon {
            images_sha256: sha256_hex_of_parts(order.iter().map(|&i| hashes[i].as_slice())),
            labels_sha256: sha256_hex_of_parts(
                order.iter().flat_map(|&i| [hashes[i].as_slice(), &labels[i]]),
            ),
            order,
        }
    }
}

/// What a reader of one format gives: images in the order of their files.
pub(super) struct Raw {
    pub(super) shape: Shape,
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn images(pixels: &[(u8, u16)]) -> Images {
        Images {
            shape: Shape { channels: 1, height: 1, width: 2 },
            pixels: pixels.iter().flat_map(|(pixel, _)| [*pixel, 1]).collect(),
            labels: pixels.iter().map(|(_, label)| *label).collect(),
            sha256: String::new(),
        }
    }

    proptest! {
        #[test]
        fn no_permutation_changes_the_canonical_order(
            (given, permuted) in proptest::collection::vec((0u8..8, 0u16..3), 1..30)
                .prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle()))
        ) {
            let (given, permuted) = (images(&given), images(&permuted));
            prop_assert_eq!(given.in_canonical_order(), permuted.in_canonical_order());
            let (a, b) = (Canon::of(&given), Canon::of(&permuted));
            prop_assert_eq!((a.images_sha256, a.labels_sha256), (b.images_sha256, b.labels_sha256));
        }
    }

    #[test]
    fn each_hash_is_of_its_part() {
        let canon = Canon::of(&images(&[(3, 0), (4, 1)]));
        let relabelled = Canon::of(&images(&[(3, 1), (4, 0)]));
        assert_eq!(canon.images_sha256, relabelled.images_sha256);
        assert_ne!(canon.labels_sha256, relabelled.labels_sha256);
        let repainted = Canon::of(&images(&[(3, 0), (5, 1)]));
        assert_ne!(canon.images_sha256, repainted.images_sha256);
    }
}
