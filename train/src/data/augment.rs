//! Random augmentation of training images: crop, horizontal flip, cutout. The transform of an image
//! depends on the seed, the epoch and the image's index alone, not on its batch or on the thread.

use common::network::Shape;
use common::profile::Augmentation;
use common::seed;
use rand::RngExt;
use std::ops::Range;

/// The augmentation of one epoch.
#[derive(Clone, Copy, Debug)]
pub struct Augmenter<'a> {
    /// The kinds of transform and their sizes.
    pub settings: &'a Augmentation,
    /// Seed of the training.
    pub seed: u64,
    /// Number of the epoch, from 1.
    pub epoch: usize,
}

/// The transform of one image, in the order of its fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transform {
    /// Offset of the crop in rows (down) and columns (right).
    shift: (isize, isize),
    /// Whether left and right are exchanged.
    flipped: bool,
    /// Rows and columns that are set to 0.
    cutout: (Range<usize>, Range<usize>),
}

impl Augmenter<'_> {
    /// Returns the transform of the image at `index`. Each kind of transform has its own random
    /// stream, so that one setting has no influence on the others.
    pub fn transform(&self, index: usize, shape: Shape) -> Transform {
        let Augmentation { crop_padding, horizontal_flip, cutout } = *self.settings;
        let draw =
            |what: &str| seed::stream(self.seed, &format!("augment/{what}/{}/{index}", self.epoch));
        let mut transform = Transform::default();
        if crop_padding > 0 {
            let mut rng = draw("crop");
            let mut shift =
                || rng.random_range(0..=2 * crop_padding) as isize - crop_padding as isize;
            transform.shift = (shift(), shift());
        }
        if horizontal_flip {
            transform.flipped = draw("flip").random();
        }
        if cutout > 0 {
            let mut rng = draw("cutout");
            let mut span = |side: usize| {
                let start = rng.random_range(0..side) as isize - (cutout / 2) as isize;
                let end = start + cutout as isize;
                start.max(0) as usize..(end as usize).min(side)
            };
            transform.cutout = (span(shape.height), span(shape.width));
        }
        transform
    }
}

impl Transform {
    /// Writes one channel of the transformed image. `table` maps pixels to normalised values;
    /// pixels from outside the image and in the cutout become 0, the mean of normalised pixels.
    pub fn write(&self, pixels: &[u8], table: &[f32; 256], width: usize, values: &mut [f32]) {
        for (y, row) in values.chunks_exact_mut(width).enumerate() {
            row.fill(0.0);
            let from =
                y.checked_add_signed(self.shift.0).and_then(|y| pixels.chunks_exact(width).nth(y));
            if let Some(from) = from {
                self.write_row(from, table, row);
            }
            if self.cutout.0.contains(&y) {
                row[self.cutout.1.clone()].fill(0.0);
            }
        }
    }

    fn write_row(&self, from: &[u8], table: &[f32; 256], row: &mut [f32]) {
        let off = self.shift.1.unsigned_abs();
        let kept = from.len() - off;
        let (to, first) = if self.shift.1 < 0 { (off, 0) } else { (0, off) };
        for (value, pixel) in row[to..][..kept].iter_mut().zip(&from[first..][..kept]) {
            *value = table[usize::from(*pixel)];
        }
        if self.flipped {
            row.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Maps no pixel to 0, so that cutouts are visible.
    fn table() -> [f32; 256] {
        std::array::from_fn(|pixel| pixel as f32 + 1.0)
    }

    fn image(shape: Shape) -> Vec<u8> {
        (0..shape.plane()).map(|i| (i * 37 % 251) as u8).collect()
    }

    fn transformed(transform: &Transform, shape: Shape) -> Vec<f32> {
        let mut values = vec![f32::NAN; shape.plane()];
        transform.write(&image(shape), &table(), shape.width, &mut values);
        values
    }

    fn transform(
        settings: Augmentation,
        seed: u64,
        epoch: usize,
        index: usize,
        shape: Shape,
    ) -> Transform {
        Augmenter { settings: &settings, seed, epoch }.transform(index, shape)
    }

    /// Returns the value at row `y` and column `x` of the transformed image, computed as
    /// documented.
    fn expected(transform: &Transform, shape: Shape, y: usize, x: usize) -> f32 {
        let column = if transform.flipped { shape.width - 1 - x } else { x };
        let (from_y, from_x) =
            (y as isize + transform.shift.0, column as isize + transform.shift.1);
        let inside = (0..shape.height as isize).contains(&from_y)
            && (0..shape.width as isize).contains(&from_x);
        if !inside || (transform.cutout.0.contains(&y) && transform.cutout.1.contains(&x)) {
            return 0.0;
        }
        table()[usize::from(image(shape)[from_y as usize * shape.width + from_x as usize])]
    }

    fn shapes() -> impl Strategy<Value = Shape> {
        (1usize..3, 1usize..12, 1usize..12).prop_map(|(channels, height, width)| Shape {
            channels,
            height,
            width,
        })
    }

    proptest! {
        #[test]
        fn every_pixel_is_as_documented(
            shape in shapes(), padding in 0usize..12, flip: bool, cutout in 0usize..12, seed: u64,
            index in 0usize..100,
        ) {
            let side = shape.height.min(shape.width);
            let settings = Augmentation {
                crop_padding: padding.min(side - 1), horizontal_flip: flip, cutout: cutout.min(side)
            };
            prop_assert!(settings.check_fits(shape).is_ok());
            let transform = transform(settings, seed, 1, index, shape);
            let padding = settings.crop_padding as isize;
            prop_assert!(transform.shift.0.abs() <= padding && transform.shift.1.abs() <= padding);
            prop_assert!(flip || !transform.flipped);
            for side in [transform.cutout.0.len(), transform.cutout.1.len()] {
                // A square around a pixel of the image lies at least half inside.
                prop_assert!(side <= settings.cutout && side >= settings.cutout / 2);
            }
            for (i, value) in transformed(&transform, shape).into_iter().enumerate() {
                let (y, x) = (i / shape.width, i % shape.width);
                prop_assert_eq!(value, expected(&transform, shape, y, x));
            }
        }
    }

    const SQUARE: Shape = Shape { channels: 1, height: 9, width: 9 };

    #[test]
    fn the_default_settings_change_nothing() {
        for index in 0..20 {
            assert_eq!(
                transform(Augmentation::default(), 3, 1, index, SQUARE),
                Transform::default()
            );
        }
        let values: Vec<f32> = image(SQUARE).iter().map(|pixel| f32::from(*pixel) + 1.0).collect();
        assert_eq!(transformed(&Transform::default(), SQUARE), values);
    }

    #[test]
    fn every_crop_and_cutout_occurs_and_half_of_the_images_are_flipped() {
        let settings = Augmentation { crop_padding: 2, horizontal_flip: true, cutout: 3 };
        let transforms: Vec<Transform> =
            (0..2000).map(|index| transform(settings, 0, 1, index, SQUARE)).collect();
        let distinct = |what: fn(&Transform) -> String| {
            transforms.iter().map(what).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!(distinct(|transform| format!("{:?}", transform.shift)), 25);
        assert_eq!(distinct(|transform| format!("{:?}", transform.cutout)), 81);
        let flipped = transforms.iter().filter(|transform| transform.flipped).count();
        assert!((900..1100).contains(&flipped), "{flipped} of 2000 are flipped");
        // A cutout away from the border has the full size.
        assert_eq!(
            transforms
                .iter()
                .map(|transform| transform.cutout.0.len() * transform.cutout.1.len())
                .max(),
            Some(9)
        );
    }

    #[test]
    fn transforms_depend_on_seed_epoch_and_index_and_settings_are_independent() {
        let all = Augmentation { crop_padding: 4, horizontal_flip: true, cutout: 3 };
        let several = |settings, seed, epoch| -> Vec<Transform> {
            (0..50).map(|index| transform(settings, seed, epoch, index, SQUARE)).collect()
        };
        let transforms = several(all, 1, 1);
        assert_eq!(transforms, several(all, 1, 1));
        assert_ne!(transforms, several(all, 2, 1));
        assert_ne!(transforms, several(all, 1, 2));
        assert!(transforms.windows(2).any(|pair| pair[0] != pair[1]));
        for (one, of_all) in
            several(Augmentation { cutout: 0, ..all }, 1, 1).iter().zip(&transforms)
        {
            assert_eq!((one.shift, one.flipped), (of_all.shift, of_all.flipped));
        }
        for (one, of_all) in
            several(Augmentation { crop_padding: 0, horizontal_flip: false, ..all }, 1, 1)
                .iter()
                .zip(&transforms)
        {
            assert_eq!(one.cutout, of_all.cutout);
        }
    }
}
