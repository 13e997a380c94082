//! Images in memory, their canonical order, and hashes of their contents.

use crate::files::hash::sha256_hex_of_parts;
use crate::network::Shape;
use sha2::{Digest, Sha256};

/// Images of one split: 8-bit pixels and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Shape of each image.
    pub shape: Shape,
    /// Pixels of all images, one image after the other: channels, rows, columns.
    pub pixels: Vec<u8>,
    /// Class of each image.
    pub labels: Vec<u16>,
    /// Fingerprint of the data set that they are from ([`super::Identity::sha256`]).
    pub sha256: String,
}

impl Images {
    /// Returns the number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Returns the pixels of one image.
    pub fn image(&self, index: usize) -> &[u8] {
        let elements = self.shape.elements();
        &self.pixels[index * elements..][..elements]
    }

    /// Returns the images at some indices, in that order.
    pub fn select(&self, indices: &[usize]) -> Images {
        Images {
            shape: self.shape,
            pixels: indices.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            sha256: self.sha256.clone(),
        }
    }

    /// Returns these images and then `others`, which have the same shape.
    pub(super) fn followed_by(&self, others: &Images) -> Images {
        Images {
            shape: self.shape,
            pixels: [&self.pixels[..], &others.pixels].concat(),
            labels: [&self.labels[..], &others.labels].concat(),
            sha256: self.sha256.clone(),
        }
    }

    /// Returns the same images sorted by a hash of their pixels, then by label. The order depends
    /// neither on the order and names of files nor on classes, so the first images are a random
    /// sample.
    pub fn in_canonical_order(&self) -> Images {
        self.select(&CanonicalOrder::of(self).order)
    }
}

/// The canonical order of images, and hashes that do not depend on their current order.
pub(super) struct CanonicalOrder {
    /// Indices of the images, by the hash of their pixels and then by label.
    pub(super) order: Vec<usize>,
    /// SHA-256 over all pixels.
    pub(super) images_sha256: String,
    /// SHA-256 over the pairs of image and label.
    pub(super) labels_sha256: String,
}

impl CanonicalOrder {
    pub(super) fn of(images: &Images) -> CanonicalOrder {
        let hashes: Vec<[u8; 32]> =
            (0..images.len()).map(|i| Sha256::digest(images.image(i)).into()).collect();
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.sort_by_key(|&i| (hashes[i], images.labels[i]));
        let labels: Vec<[u8; 2]> = images.labels.iter().map(|label| label.to_le_bytes()).collect();
        CanonicalOrder {
            images_sha256: sha256_hex_of_parts(order.iter().map(|&i| hashes[i].as_slice())),
            labels_sha256: sha256_hex_of_parts(
                order.iter().flat_map(|&i| [hashes[i].as_slice(), &labels[i]]),
            ),
            order,
        }
    }
}

/// The result of a format's reader: images in the order of their files.
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
            let (a, b) = (CanonicalOrder::of(&given), CanonicalOrder::of(&permuted));
            prop_assert_eq!((a.images_sha256, a.labels_sha256), (b.images_sha256, b.labels_sha256));
        }
    }

    #[test]
    fn the_hashes_cover_pixels_and_labels_separately() {
        let original = CanonicalOrder::of(&images(&[(3, 0), (4, 1)]));
        let relabelled = CanonicalOrder::of(&images(&[(3, 1), (4, 0)]));
        assert_eq!(original.images_sha256, relabelled.images_sha256);
        assert_ne!(original.labels_sha256, relabelled.labels_sha256);
        let repainted = CanonicalOrder::of(&images(&[(3, 0), (5, 1)]));
        assert_ne!(original.images_sha256, repainted.images_sha256);
    }
}
