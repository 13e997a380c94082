//! The three rules for pictures of another shape.

mod support;

use image::{DynamicImage, GenericImageView, ImageFormat, Rgb, RgbImage};
use pictures::{FILTER, Picture, Resize, Target, pixels};
use proptest::prelude::*;
use support::{encoded, photo, target};

fn scaled(image: &DynamicImage, target: &Target) -> Vec<u8> {
    pixels(&encoded(image, ImageFormat::Png), target).unwrap()
}

fn rule() -> impl Strategy<Value = Resize> {
    prop::sample::select(&Resize::ALL[..])
}

/// Pillow scales with integers, so that values may differ by one.
#[test]
fn pillow_gives_the_same() {
    let mut cases = 0;
    for line in include_str!("data/golden.txt").lines() {
        let (rule, numbers) = line.split_once(' ').unwrap();
        let numbers: Vec<usize> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
        let [width, height, columns, rows] = *numbers.first_chunk().unwrap();
        let image = photo(width as u32, height as u32);
        let found = scaled(&image, &target(3, rows, columns, rule.parse().unwrap()));
        assert_eq!(found.len(), numbers.len() - 4);
        let close = found.iter().zip(&numbers[4..]).all(|(a, b)| usize::from(*a).abs_diff(*b) <= 1);
        assert!(close, "{rule} {width}x{height}: {found:?}, not {:?}", &numbers[4..]);
        cases += 1;
    }
    assert_eq!(cases, 8);
}

#[test]
fn rules_have_names() {
    for rule in Resize::ALL {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    assert_eq!((Resize::default().name(), FILTER), ("stretch", "triangle"));
    let error = "squash".parse::<Resize>().unwrap_err();
    assert!(
        error.contains("\"squash\"") && error.contains("stretch, letterbox and crop"),
        "{error}"
    );
    assert!("Crop".parse::<Resize>().is_err());
}

/// Odd rows and columns are below and to the right.
#[test]
fn a_letterbox_is_black_around_the_picture() {
    let white = DynamicImage::from(RgbImage::from_pixel(8, 4, Rgb([255; 3])));
    let wide = scaled(&white, &target(1, 5, 4, Resize::Letterbox));
    assert_eq!(wide, [[0; 4], [255; 4], [255; 4], [0; 4], [0; 4]].concat());
    let tall = scaled(&white.rotate90(), &target(1, 4, 5, Resize::Letterbox));
    assert_eq!(tall, [0, 255, 255, 0, 0].repeat(4));
}

#[test]
fn a_crop_is_the_centre() {
    let image = DynamicImage::from(RgbImage::from_fn(9, 3, |x, _| Rgb([x as u8 * 10; 3])));
    assert_eq!(scaled(&image, &target(1, 3, 3, Resize::Crop)), [30, 40, 50].repeat(3));
    let tall = scaled(&image.rotate90(), &target(1, 3, 3, Resize::Crop));
    assert_eq!(tall, [[30; 3], [40; 3], [50; 3]].concat());
}

/// No side vanishes, and no intermediate picture is large.
#[test]
fn extreme_shapes_are_scaled() {
    let line = DynamicImage::from(RgbImage::from_pixel(20_000, 1, Rgb([200; 3])));
    for image in [line.rotate90(), line] {
        for resize in Resize::ALL {
            let found = scaled(&image, &target(1, 32, 32, resize));
            let lit = found.iter().filter(|pixel| **pixel == 200).count();
            assert_eq!(lit, if resize == Resize::Letterbox { 32 } else { 1024 }, "{resize}");
        }
    }
}

proptest! {
    #[test]
    fn a_picture_of_the_target_s_shape_is_the_same_by_any_rule(
        width in 1u32..12, height in 1u32..12, factor in 1u32..4, channels in prop::sample::select(vec![1, 3]),
    ) {
        let image = photo(width * factor, height * factor);
        let by = |resize| scaled(&image, &target(channels, height as usize, width as usize, resize));
        prop_assert_eq!(by(Resize::Stretch), by(Resize::Letterbox));
        prop_assert_eq!(by(Resize::Stretch), by(Resize::Crop));
    }

    /// A picture of one colour keeps it, and a letterbox leaves at least two edges without black.
    #[test]
    fn a_colour_stays(
        width in 1u32..50, height in 1u32..50, rows in 1usize..20, columns in 1usize..20, resize in rule(),
    ) {
        let image = DynamicImage::from(RgbImage::from_pixel(width, height, Rgb([10, 100, 200])));
        let found = scaled(&image, &target(3, rows, columns, resize));
        prop_assert_eq!(found.len(), 3 * rows * columns);
        for (plane, value) in found.chunks(rows * columns).zip([10, 100, 200]) {
            let is_whole = plane.iter().all(|pixel| *pixel == value);
            let row = |y: usize| plane[y * columns..][..columns].iter().all(|pixel| *pixel == value);
            let column = |x: usize| (0..rows).all(|y| plane[y * columns + x] == value);
            match resize {
                Resize::Stretch | Resize::Crop => prop_assert!(is_whole),
                Resize::Letterbox => {
                    prop_assert!(plane.iter().all(|pixel| *pixel == value || *pixel == 0));
                    prop_assert!((0..rows).any(row) || (0..columns).any(column));
                }
            }
        }
    }

    /// Moving a picture inside a wider one of the same centre changes nothing for a crop.
    #[test]
    fn a_crop_ignores_the_sides(side in 1u32..20, more in 0u32..10, size in 1usize..10) {
        let image = photo(side + 2 * more, side);
        let centre = image.view(more, 0, side, side).to_image();
        prop_assert_eq!(
            scaled(&image, &target(3, size, size, Resize::Crop)),
            scaled(&DynamicImage::from(centre), &target(3, size, size, Resize::Stretch))
        );
    }
}

#[test]
fn decoding_once_serves_several_targets() {
    let file = encoded(&photo(21, 10), ImageFormat::Png);
    let picture = Picture::decode(&file).unwrap();
    for resize in Resize::ALL {
        let target = target(3, 6, 7, resize);
        assert_eq!(picture.to_pixels(&target), pixels(&file, &target).unwrap());
    }
}
