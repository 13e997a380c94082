//! Files that are cut off, damaged or made to harm.
#![allow(unsafe_code, reason = "an allocator that takes notes")]

mod support;

use image::ImageFormat;
use pictures::{Error, Picture, Resize, pixels};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{EXACT, PNG_START, chunk, encoded, exif, jpeg, photo, png, target};

/// Notes the largest request of each thread.
struct Noting;

thread_local!(static LARGEST: Cell<usize> = const { Cell::new(0) });

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Noting = Noting;

/// Returns the error, and the size of the largest request for memory until then.
fn refused(bytes: &[u8]) -> (Error, usize) {
    LARGEST.set(0);
    let error = Picture::decode(bytes).expect_err("it is not a whole picture");
    (error, LARGEST.get())
}

fn all_formats() -> Vec<Vec<u8>> {
    let image = photo(16, 11);
    let thumbnail = [exif(1, true), vec![0xff, 0xd8, 0xff, 0xd9]].concat();
    let palette = chunk(b"PLTE", &[0, 0, 0, 255, 255, 255]);
    let mut files: Vec<Vec<u8>> = EXACT.map(|format| encoded(&image, format)).to_vec();
    files.extend([
        encoded(&image, ImageFormat::Gif),
        jpeg(&image, vec![]),
        jpeg(&image, thumbnail),
        png([3, 2], [8, 3], &palette, &[&[0, 1, 0], &[1, 1, 0]]),
        b"P3\n2 1\n255\n1 2 3\n4 5 6\n".to_vec(),
    ]);
    files
}

/// A cut at any length is an error, or leaves out nothing but the bytes behind the pixels.
#[test]
fn cut_files_are_refused() {
    for bytes in all_formats() {
        let whole = Picture::decode(&bytes).unwrap();
        let target = target(3, whole.height(), whole.width(), Resize::Stretch);
        let want = whole.to_pixels(&target);
        for length in 0..bytes.len() {
            if let Ok(found) = pixels(&bytes[..length], &target) {
                assert!(
                    found == want && bytes.len() - length <= 4,
                    "{length} of {} bytes, {:?}",
                    bytes.len(),
                    &bytes[..4]
                );
            }
        }
    }
}

#[test]
fn sizes_that_are_too_large_are_refused_before_memory_is_taken() {
    let mut jpeg = jpeg(&photo(8, 8), vec![]);
    let frame = jpeg.windows(2).position(|mark| mark == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let mut bmp = encoded(&photo(8, 8), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    let mut webp = encoded(&photo(8, 8), ImageFormat::WebP);
    // The header of a lossless picture: a signature, then 14 bits for each side.
    webp[21..25].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    let mut gif = encoded(&photo(8, 8), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    for (name, bytes) in [
        ("PNG", png([0x7fff_ffff; 2], [8, 2], &[], &[&[0; 6]])),
        ("PNG of 16 bits", png([20_000, 20_000], [16, 6], &[], &[&[0; 8]])),
        ("wide PNG", png([65_536, 1], [8, 0], &[], &[&[0; 65_536]])),
        ("tall PNG", png([1, 65_536], [8, 0], &[], &[&[0; 1]])),
        ("JPEG", jpeg),
        ("BMP", bmp),
        ("WebP", webp),
        ("GIF", gif),
        ("PPM", b"P6 99999 99999 255\n".to_vec()),
        ("plain PGM", b"P2 4000000000 4000000000 255\n0".to_vec()),
    ] {
        let (error, largest) = refused(&bytes);
        assert!(error == Error::TooLarge, "{name}: {error}");
        assert!(largest < 1 << 20, "{name}: {largest} bytes were asked for");
    }
    assert!(Picture::decode(&png([65_535, 1], [8, 0], &[], &[&[0; 65_535]])).is_ok());
}

/// A GIF's first image may claim to be larger than the picture.
#[test]
fn a_large_image_in_a_small_gif_is_refused() {
    let mut gif = encoded(&photo(8, 8), ImageFormat::Gif);
    let image = gif.windows(9).position(|part| part == [0x2c, 0, 0, 0, 0, 8, 0, 8, 0]).unwrap();
    gif[image + 5..image + 9].copy_from_slice(&[0xff; 4]);
    let (error, largest) = refused(&gif);
    assert_eq!(error, Error::TooLarge);
    assert!(largest < 1 << 20, "{largest} bytes were asked for");
}

#[test]
fn other_files_are_named() {
    assert_eq!(refused(b"").0, Error::Empty);
    for bytes in [&b"<!DOCTYPE html>"[..], b"II\x2a\0", b"\0\0\x08\x03", b"\x1f\x8b", b"x"] {
        assert_eq!(refused(bytes).0, Error::Unknown);
    }
    let empty = png([0, 1], [8, 0], &[], &[&[]]);
    assert!(matches!(refused(&empty).0, Error::Damaged(_)));
    for error in [Error::Empty, Error::CutOff, Error::Unknown, refused(&empty).0] {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Changed bytes give a picture or an error, whose text is one line.
    #[test]
    fn damaged_files_do_no_harm(
        file in 0usize..9, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = all_formats().swap_remove(file);
        for (index, value) in &changes {
            let index = index.index(bytes.len());
            bytes[index] = *value;
        }
        LARGEST.set(0);
        match pixels(&bytes, &target(3, 4, 4, Resize::Letterbox)) {
            Ok(pixels) => prop_assert_eq!(pixels.len(), 48),
            Err(error) => prop_assert!(!error.to_string().contains('\n'), "{error}"),
        }
        prop_assert!(LARGEST.get() <= 600 << 20);
    }

    #[test]
    fn any_bytes_behind_a_signature_do_no_harm(
        signature in prop::sample::select(vec![
            &b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8X", b"BM", b"P6\n", b"P7\n",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [signature, &rest].concat();
        if let Err(error) = Picture::decode(&bytes) {
            prop_assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn the_png_header_is_where_tests_expect_it() {
    let bytes = encoded(&photo(2, 2), ImageFormat::Png);
    assert_eq!(&bytes[PNG_START + 4..PNG_START + 8], b"IDAT");
}
