//! Pictures of wrongly classified images. They are decoded and encoded again, so that nothing else
//! of a file reaches the page.

use super::confusion::name;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::eval_report::WrongExample;
use image::{DynamicImage, ImageFormat, ImageReader, Limits, imageops::FilterType};
use maud::{Markup, html};
use std::io::Cursor;

/// The largest side of a picture in a file.
const MOST: u32 = 64;
/// The largest side of a picture on the page.
const SHOWN: u32 = 32;

/// Returns the pictures with what they are and what they are taken for.
pub(super) fn pictures(examples: &[&WrongExample], classes: &[String]) -> Markup {
    html! {
        ul.wrong-images {
            @for example in examples {
                @let (is, taken) = (name(classes, example.label), name(classes, example.predicted));
                li {
                    @match thumbnail(&example.png_base64) {
                        Ok(url) => img src=(url) width="56" height="56"
                            alt={ "test image " (example.image) };
                        ,
                        Err(_) => span.hint { "no picture: it is damaged in test.json" },
                    }
                    span { (is) " taken for " (taken) }
                }
            }
        }
    }
}

/// Returns a small picture as a data URL.
///
/// # Errors
/// Fails if the text is not the PNG of a picture of 64x64 pixels or less.
fn thumbnail(png_base64: &str) -> Result<String> {
    let bytes = STANDARD.decode(png_base64).context("not base64")?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST), Some(MOST));
    reader.limits(limits);
    let picture = reader.decode().context("not a PNG of 64x64 pixels or less")?;
    ensure!(picture.width() > 0 && picture.height() > 0, "a picture without pixels");
    let picture = if picture.width().max(picture.height()) > SHOWN {
        picture.resize(SHOWN, SHOWN, FilterType::Triangle)
    } else {
        picture
    };
    let plain = if picture.color().has_color() {
        DynamicImage::ImageRgb8(picture.to_rgb8())
    } else {
        DynamicImage::ImageLuma8(picture.to_luma8())
    };
    let mut encoded = Cursor::new(Vec::new());
    plain.write_to(&mut encoded, ImageFormat::Png).context("cannot encode the picture")?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(encoded.into_inner())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn png(side: u32) -> String {
        let picture = RgbImage::from_fn(side, side, |x, y| Rgb([x as u8, y as u8, 7]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        STANDARD.encode(bytes.into_inner())
    }

    fn decoded(url: &str) -> DynamicImage {
        let bytes = STANDARD.decode(url.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        image::load_from_memory(&bytes).unwrap()
    }

    #[test]
    fn pixels_stay_and_all_else_is_left_out() {
        let mut bytes = STANDARD.decode(png(8)).unwrap();
        bytes.extend(b"<script>alert(1)</script>");
        let url = thumbnail(&STANDARD.encode(bytes)).unwrap();
        let picture = decoded(&url).to_rgb8();
        assert_eq!((picture.dimensions(), picture[(3, 5)]), ((8, 8), Rgb([3, 5, 7])));
        let clean = STANDARD.decode(url.split(',').nth(1).unwrap()).unwrap();
        assert!(!clean.windows(7).any(|part| part == b"<script"));
    }

    #[test]
    fn large_pictures_become_small_and_larger_ones_are_refused() {
        assert_eq!(decoded(&thumbnail(&png(64)).unwrap()).width(), SHOWN);
        assert!(thumbnail(&png(65)).is_err());
        for damaged in ["", "!", "aGVsbG8="] {
            assert!(thumbnail(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_damaged_picture_is_said() {
        let example = |png_base64| WrongExample { image: 12, label: 0, predicted: 1, png_base64 };
        let (whole, damaged) = (example(png(4)), example("aGVsbG8=".into()));
        let html = pictures(&[&whole, &damaged], &["<i>".into(), "b".into()]).into_string();
        assert_eq!((html.matches("<img").count(), html.matches("damaged").count()), (1, 1));
        assert_eq!(html.matches("&lt;i&gt; taken for b").count(), 2, "{html}");
    }
}
