//! What viewers show is what is decoded: formats, palettes, depths and transparency.

mod support;

use image::codecs::gif::GifEncoder;
use image::{Delay, DynamicImage, Frame, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
use pictures::{Error, Picture, Resize, pixels};
use support::{EXACT, chunk, encoded, jpeg, photo, png, target};

/// Returns the pixels of a picture at its own size: planes of red, green and blue.
fn planes(bytes: &[u8]) -> Vec<u8> {
    let picture = Picture::decode(bytes).unwrap_or_else(|error| panic!("{error}"));
    picture.to_pixels(&target(3, picture.height(), picture.width(), Resize::Stretch))
}

/// Returns planes of these pixels.
fn planes_of(pixels: &[[u8; 3]]) -> Vec<u8> {
    (0..3).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel])).collect()
}

#[test]
fn formats_without_loss_give_the_same_pixels() {
    let image = photo(13, 7);
    let want: Vec<[u8; 3]> = image.to_rgb8().pixels().map(|pixel| pixel.0).collect();
    for format in EXACT {
        assert_eq!(planes(&encoded(&image, format)), planes_of(&want), "{format:?}");
    }
    let lossy = planes(&jpeg(&image, vec![]));
    assert_eq!(lossy.len(), 3 * 13 * 7);
    let plain = format!("P3 # a comment\n2 1\n255\n{}", "1 2 3\n4 5 6\n");
    assert_eq!(planes(plain.as_bytes()), [1, 4, 2, 5, 3, 6]);
    assert_eq!(planes(b"P1\n3 1\n0 1 0\n"), [255, 0, 255].repeat(3), "1 is black");
}

#[test]
fn palettes_of_any_depth_are_looked_up() {
    let palette = chunk(b"PLTE", &[[10, 20, 30], [200, 100, 50], [7, 8, 9], [1, 2, 3]].concat());
    let first = planes_of(&[[10, 20, 30], [200, 100, 50], [10, 20, 30]]);
    for (depth, row) in
        [(1, &[0b010_00000][..]), (2, &[0b00_01_00_00]), (4, &[0x01, 0x00]), (8, &[0, 1, 0])]
    {
        assert_eq!(planes(&png([3, 1], [depth, 3], &palette, &[row])), first, "{depth} bits");
    }
    // The palette's second colour is transparent, its first one half.
    let with_alpha = [palette, chunk(b"tRNS", &[128, 0])].concat();
    let shown = planes(&png([3, 1], [8, 3], &with_alpha, &[&[0, 1, 2]]));
    assert_eq!(shown, planes_of(&[[132, 137, 142], [255, 255, 255], [7, 8, 9]]));
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    let values = [0u16, 0x80, 0x81, 0x0101, 0x8080, 0xfffe];
    let rows: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    let grey = png([6, 1], [16, 0], &[], &[&rows]);
    let want = [0, 0, 1, 1, 128, 255];
    assert_eq!(planes(&grey), want.repeat(3));
    let colour = png([2, 1], [16, 2], &[], &[&rows]);
    assert_eq!(planes(&colour), [0, 1, 0, 128, 1, 255]);
    for (bytes, is_16_bit) in
        [(&grey, true), (&colour, true), (&png([1, 1], [8, 0], &[], &[&[9]]), false)]
    {
        assert_eq!(Picture::decode(bytes).unwrap().is_16_bit(), is_16_bit);
    }
    let clear = png([1, 1], [16, 6], &[], &[&[0, 0, 0, 0, 0, 0, 0x80, 0x80]]);
    assert_eq!(planes(&clear), [127; 3]);
    assert!(Picture::decode(&clear).unwrap().is_16_bit());
}

#[test]
fn transparent_pixels_become_white() {
    let image =
        RgbaImage::from_fn(
            2,
            2,
            |x, _| {
                if x == 0 { Rgba([0, 0, 0, 0]) } else { Rgba([10, 20, 30, 255]) }
            },
        );
    let want = [255, 10, 255, 10, 255, 20, 255, 20, 255, 30, 255, 30];
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert_eq!(planes(&encoded(&DynamicImage::from(image.clone()), format)), want);
    }
    let grey = image::ImageBuffer::from_fn(1, 1, |_, _| LumaA([100u8, 51]));
    assert_eq!(planes(&encoded(&DynamicImage::from(grey), ImageFormat::Png)), [224; 3]);
    // A colour that is transparent wherever it appears.
    let keyed = png([2, 1], [8, 0], &chunk(b"tRNS", &[0, 7]), &[&[7, 8]]);
    assert_eq!(planes(&keyed), [255, 8].repeat(3));
}

#[test]
fn the_first_image_of_an_animation_counts() {
    let frame = |side, left, colour: [u8; 4]| {
        let image = RgbaImage::from_pixel(side, side, Rgba(colour));
        Frame::from_parts(image, left, 0, Delay::from_numer_denom_ms(100, 1))
    };
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    let frames = [frame(2, 0, [250, 0, 0, 255]), frame(1, 1, [0, 250, 0, 255])];
    encoder.encode_frames(frames).unwrap();
    drop(encoder);
    assert_eq!(planes(&bytes), [[250; 4], [0; 4], [0; 4]].concat());
}

/// Around an image that is smaller than its GIF, nothing is drawn.
#[test]
fn the_rest_of_a_gif_is_white() {
    let image = DynamicImage::from(RgbImage::from_pixel(1, 1, Rgb([9, 9, 9])));
    let mut bytes = encoded(&image, ImageFormat::Gif);
    // The screen's width and height are the two numbers after the signature.
    bytes[6..10].copy_from_slice(&[3, 0, 1, 0]);
    assert_eq!(planes(&bytes), [9, 255, 255].repeat(3));
}

#[test]
fn grey_pictures_are_recognised_in_colour_too() {
    let grey = |last: [u8; 3]| {
        let image = RgbImage::from_fn(3, 3, |x, y| {
            if x + y < 4 { Rgb([(50 * (x + y)) as u8; 3]) } else { Rgb(last) }
        });
        Picture::decode(&encoded(&DynamicImage::from(image), ImageFormat::Png)).unwrap().is_grey()
    };
    assert!(grey([9, 9, 9]));
    assert!(!grey([9, 9, 10]) && !grey([8, 9, 9]));
    let luma = image::ImageBuffer::from_fn(2, 2, |x, _| Luma([x as u8]));
    let luma = encoded(&DynamicImage::from(luma), ImageFormat::Png);
    assert!(Picture::decode(&luma).unwrap().is_grey());
    assert!(Picture::decode(&png([1, 1], [16, 2], &[], &[&[1, 2, 1, 2, 1, 2]])).unwrap().is_grey());
    assert!(
        !Picture::decode(&png([1, 1], [16, 2], &[], &[&[1, 2, 1, 2, 1, 3]])).unwrap().is_grey()
    );
    let opaque = RgbaImage::from_pixel(1, 1, Rgba([5, 5, 6, 255]));
    let opaque = encoded(&DynamicImage::from(opaque), ImageFormat::Png);
    assert!(!Picture::decode(&opaque).unwrap().is_grey());
    let invisible = RgbaImage::from_pixel(1, 1, Rgba([5, 50, 6, 0]));
    let invisible = encoded(&DynamicImage::from(invisible), ImageFormat::Png);
    assert!(Picture::decode(&invisible).unwrap().is_grey(), "it is shown white");
}

#[test]
fn one_channel_is_luminance() {
    let one = |colour: [u8; 3]| {
        let image = DynamicImage::from(RgbImage::from_pixel(2, 2, Rgb(colour)));
        pixels(&encoded(&image, ImageFormat::Png), &target(1, 1, 1, Resize::Stretch)).unwrap()
    };
    assert_eq!(one([90, 90, 90]), [90]);
    // Rec. 709: 0.2126, 0.7152 and 0.0722.
    assert_eq!(
        (one([255, 0, 0]), one([0, 255, 0]), one([0, 0, 255])),
        (vec![54], vec![182], vec![18])
    );
}

#[test]
fn other_targets_are_refused() {
    let file = encoded(&photo(4, 4), ImageFormat::Png);
    for [channels, height, width] in
        [[2, 4, 4], [0, 4, 4], [4, 4, 4], [3, 0, 4], [3, 4, 0], [3, 4, 65_536], [1, usize::MAX, 1]]
    {
        let target = target(channels, height, width, Resize::Crop);
        assert_eq!(pixels(&file, &target), Err(Error::Target([channels, height, width])));
        assert_eq!(target.check(), Err(Error::Target([channels, height, width])));
    }
}
