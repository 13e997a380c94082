//! Random changes to training images: crop, mirror, cutout. What happens to an image is decided by
//! the seed, the epoch and the image's index alone, whatever the batch or the thread it is in.

use common::network::Shape;
use common::profile::Augmentation;
use common::seed;
use rand::RngExt;
use std::ops::Range;

/// The changes of one epoch.
#[derive(Clone, Copy, Debug)]
pub struct Augmenter<'a> {
    /// What is done.
    pub settings: &'a Augmentation,
    /// Seed of the training.
    pub seed: u64,
    /// Which epoch, from 1.
    pub epoch: usize,
}

/// What happens to one image, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Rows and columns that the crop is off the image, to below and to the right.
    shift: (isize, isize),
    /// Whether left and right change places.
    mirrored: bool,
    /// Rows and columns that are blank.
    hole: (Range<usize>, Range<usize>),
}

impl Augmenter<'_> {
    /// What happens to the image at `index`. Each kind of change has random numbers of its own, so
    /// that one setting has no influence on the others.
    pub fn change(&self, index: usize, shape: Shape) -> Change {
        let Augmentation { crop_padding, horizontal_flip, cutout } = *self.settings;
        let draw =
            |what: &str| seed::stream(self.seed, &format!("augment/{what}/{}/{index}", self.epoch));
        let mut change = Change::default();
        if crop_padding > 0 {
            let mut rng = draw("crop");
            let mut shift =
                || rng.random_range(0..=2 * crop_padding) as isize - crop_padding as isize;
            change.shift = (shift(), shift());
        }
        if horizontal_flip {
            change.mirrored = draw("flip").random();
        }
        if cutout > 0 {
            let mut rng = draw("cutout");
            let mut span = |side: usize| {
                let start = rng.random_range(0..side) as isize - (cutout / 2) as isize;
                let end = start + cutout as isize;
                start.max(0) as usize..(end as usize).min(side)
            };
            change.hole = (span(shape.height), span(shape.width));
        }
        change
    }
}

impl Change {
    /// Writes one channel of the changed image, normalised by a table; what comes from outside the
    /// image or lies in the hole is 0, the mean of normalised pixels.
    pub fn write(&self, pixels: &[u8], table: &[f32; 256], width: usize, values: &mut [f32]) {
        for (y, row) in values.chunks_exact_mut(width).enumerate() {
            row.fill(0.0);
            let from =
                y.checked_add_signed(self.shift.0).and_then(|y| pixels.chunks_exact(width).nth(y));
            if let Some(from) = from {
                self.write_row(from, table, row);
            }
            if self.hole.0.contains(&y) {
                row[self.hole.1.clone()].fill(0.0);
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
        if self.mirrored {
            row.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// No pixel becomes 0, so that what is blank is seen; neighbours differ.
    fn table() -> [f32; 256] {
        std::array::from_fn(|pixel| pixel as f32 + 1.0)
    }

    fn image(shape: Shape) -> Vec<u8> {
        (0..shape.plane()).map(|i| (i * 37 % 251) as u8).collect()
    }

    fn changed(change: &Change, shape: Shape) -> Vec<f32> {
        let mut values = vec![f32::NAN; shape.plane()];
        change.write(&image(shape), &table(), shape.width, &mut values);
        values
    }

    fn change(
        settings: Augmentation,
        seed: u64,
        epoch: usize,
        index: usize,
        shape: Shape,
    ) -> Change {
        Augmenter { settings: &settings, seed, epoch }.change(index, shape)
    }

    /// What is at row `y` and column `x` of the changed image, pixel by pixel from the words of the
    /// documentation.
    fn expected(change: &Change, shape: Shape, y: usize, x: usize) -> f32 {
        let column = if change.mirrored { shape.width - 1 - x } else { x };
        let (from_y, from_x) = (y as isize + change.shift.0, column as isize + change.shift.1);
        let inside = (0..shape.height as isize).contains(&from_y)
            && (0..shape.width as isize).contains(&from_x);
        if !inside || (change.hole.0.contains(&y) && change.hole.1.contains(&x)) {
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
        fn every_pixel_comes_from_where_it_should(
            shape in shapes(), padding in 0usize..12, flip: bool, cutout in 0usize..12, seed: u64, index in 0usize..100,
        ) {
            let side = shape.height.min(shape.width);
            let settings = Augmentation {
                crop_padding: padding.min(side - 1), horizontal_flip: flip, cutout: cutout.min(side)
            };
            prop_assert!(settings.check_fits(shape).is_ok());
            let change = change(settings, seed, 1, index, shape);
            let padding = settings.crop_padding as isize;
            prop_assert!(change.shift.0.abs() <= padding && change.shift.1.abs() <= padding);
            prop_assert!(flip || !change.mirrored);
            prop_assert!(change.hole.0.len() <= settings.cutout && change.hole.1.len() <= settings.cutout);
            // A square around a pixel of the image is at least half in it.
            prop_assert!(change.hole.0.len() >= settings.cutout / 2 && change.hole.1.len() >= settings.cutout / 2);
            for (i, value) in changed(&change, shape).into_iter().enumerate() {
                prop_assert_eq!(value, expected(&change, shape, i / shape.width, i % shape.width));
            }
        }
    }

    const SQUARE: Shape = Shape { channels: 1, height: 9, width: 9 };

    #[test]
    fn nothing_asked_for_is_nothing_done() {
        for index in 0..20 {
            assert_eq!(change(Augmentation::default(), 3, 1, index, SQUARE), Change::default());
        }
        let values: Vec<f32> = image(SQUARE).iter().map(|pixel| f32::from(*pixel) + 1.0).collect();
        assert_eq!(changed(&Change::default(), SQUARE), values);
    }

    #[test]
    fn every_crop_and_hole_comes_up_and_half_of_the_images_are_mirrored() {
        let settings = Augmentation { crop_padding: 2, horizontal_flip: true, cutout: 3 };
        let changes: Vec<Change> =
            (0..2000).map(|index| change(settings, 0, 1, index, SQUARE)).collect();
        let distinct = |what: fn(&Change) -> String| {
            changes.iter().map(what).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!(distinct(|change| format!("{:?}", change.shift)), 25);
        assert_eq!(distinct(|change| format!("{:?}", change.hole)), 81);
        let mirrored = changes.iter().filter(|change| change.mirrored).count();
        assert!((900..1100).contains(&mirrored), "{mirrored} of 2000 are mirrored");
        // A hole away from the border is as large as it was asked to be.
        assert_eq!(
            changes.iter().map(|change| change.hole.0.len() * change.hole.1.len()).max(),
            Some(9)
        );
    }

    #[test]
    fn seed_epoch_and_index_decide_and_the_settings_do_not_disturb_each_other() {
        let all = Augmentation { crop_padding: 4, horizontal_flip: true, cutout: 3 };
        let several = |settings, seed, epoch| -> Vec<Change> {
            (0..50).map(|index| change(settings, seed, epoch, index, SQUARE)).collect()
        };
        let changes = several(all, 1, 1);
        assert_eq!(changes, several(all, 1, 1));
        assert_ne!(changes, several(all, 2, 1));
        assert_ne!(changes, several(all, 1, 2));
        assert!(changes.windows(2).any(|pair| pair[0] != pair[1]));
        for (one, of_all) in several(Augmentation { cutout: 0, ..all }, 1, 1).iter().zip(&changes) {
            assert_eq!((one.shift, one.mirrored), (of_all.shift, of_all.mirrored));
        }
        for (one, of_all) in
            several(Augmentation { crop_padding: 0, horizontal_flip: false, ..all }, 1, 1)
                .iter()
                .zip(&changes)
        {
            assert_eq!(one.hole, of_all.hole);
        }
    }
}
