//! Generated crates with the feature `images`: pictures in, classes out, with training's pixels.

mod support;

use common::dataset::{DataFile, Dataset, Format, Normalisation, Split, Validation};
use common::files::json;
use common::resize::Resize;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageBuffer, ImageEncoder, ImageFormat, Luma, Rgb, RgbImage, Rgba};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{SWISH_RELU, Workshop, cargo, failure, small, success};

/// A PNG with a palette of 4 bits, whose second colour is transparent. Made by Pillow.
const PALETTE: &[u8] = include_bytes!("data/palette.png");
/// EXIF with the orientation 6: turned by 90 degrees to the right.
const TURNED: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

fn photo(width: u32, height: u32) -> DynamicImage {
    let colour = |x: u32, y: u32| {
        Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x * 37 + y * 59) % 256) as u8])
    };
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, colour))
}

fn save(image: impl Into<DynamicImage>, path: PathBuf) {
    let format = ImageFormat::from_path(&path).unwrap();
    image.into().save_with_format(path, format).unwrap();
}

/// Writes pictures of all kinds, and returns their number.
fn write_pictures(folder: &Path) -> usize {
    for class in ["cat", "dog"] {
        fs::create_dir_all(folder.join(class)).unwrap();
    }
    let cat = |name: &str| folder.join("cat").join(name);
    save(photo(37, 21), cat("wide.png"));
    save(photo(21, 37), cat("tall.jpg"));
    save(photo(6, 10), cat("exact.png"));
    save(photo(9, 9), cat("a name with spaces.webp"));
    save(ImageBuffer::from_fn(30, 20, |x, y| Luma([(x * y % 256) as u8])), cat("grey.png"));
    let deep = ImageBuffer::from_fn(15, 40, |x, y| Rgb([(x * 4000) as u16, (y * 1500) as u16, 77]));
    save(DynamicImage::ImageRgb16(deep), cat("16-bit.png"));
    let dog = |name: &str| folder.join("dog").join(name);
    let clear = ImageBuffer::from_fn(12, 12, |x, y| Rgba([9, 200, 90, ((x + y) * 11) as u8]));
    save(DynamicImage::ImageRgba8(clear), dog("transparent.png"));
    fs::write(dog("palette.png"), PALETTE).unwrap();
    save(photo(16, 5), dog("1.gif"));
    save(photo(5, 16), dog("2.bmp"));
    save(photo(8, 8), dog("3.ppm"));
    let mut turned = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut turned, 90);
    encoder.set_exif_metadata(TURNED.to_vec()).unwrap();
    encoder.write_image(photo(24, 11).as_bytes(), 24, 11, image::ExtendedColorType::Rgb8).unwrap();
    fs::write(dog("turned.jpeg"), turned).unwrap();
    12
}

/// Returns the pixels of training's data loading, and the files in its order.
fn training_pixels(folder: &Path, channels: usize, resize: Resize) -> (Vec<u8>, Vec<PathBuf>) {
    let set = vec![DataFile { path: "pictures".into(), sha256: None }];
    let dataset = Dataset {
        name: "pets".into(),
        about: String::new(),
        format: Format::ImageFolder,
        channels,
        height: 10,
        width: 6,
        resize,
        classes: vec!["cat".into(), "dog".into()],
        normalisation: Normalisation { mean: vec![0.5; channels], std: vec![0.25; channels] },
        validation: Some(Validation { fraction: 0.2, seed: 0, by_class: true }),
        val: Vec::new(),
        train: set.clone(),
        test: set,
        sources: vec![],
    };
    let _ = fs::remove_dir_all(folder.join(".scaled"));
    json::write(&folder.join("dataset.json"), &dataset).unwrap();
    let images = Dataset::load(folder, Split::Test).unwrap();
    let mut files: Vec<PathBuf> = ["cat", "dog"]
        .iter()
        .flat_map(|class| fs::read_dir(folder.join("pictures").join(class)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    (images.pixels, files)
}

fn idx(pixels: &[u8], channels: usize) -> Vec<u8> {
    let sizes = [pixels.len() / (channels * 60), channels, 10, 6].map(|size| size as u32);
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, 8, 4], sizes.as_slice(), pixels].concat()
}

fn run(workshop: &Workshop, arguments: &[&Path]) -> Output {
    let program = workshop.path("target/release/classify");
    Command::new(program).args(arguments).current_dir(workshop.dir.path()).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Builds `classify` with pictures. Optimising the decoders would take more than a minute.
fn build(workshop: &Workshop) {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--locked"])
        .args(["--features", "images", "--bin", "classify"])
        .current_dir(workshop.path("crate"))
        .env("CARGO_TARGET_DIR", workshop.path("target"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("RUSTFLAGS", "-Dwarnings")
        .output()
        .unwrap();
    success(&output);
}

#[test]
fn pixels_are_those_of_training() {
    let workshop = Workshop::new(&small([3, 10, 6], [1, 7, 3], SWISH_RELU));
    let data = tempfile::tempdir().unwrap();
    let count = write_pictures(&data.path().join("pictures"));
    let mut by_rule = BTreeMap::new();
    for (channels, resize) in
        [(3, Resize::Stretch), (3, Resize::Letterbox), (3, Resize::Crop), (1, Resize::Letterbox)]
    {
        let mut network = small([channels, 10, 6], [1, 7, 3], SWISH_RELU);
        network.input.resize = resize;
        let weights = support::random_weights(&network, 5);
        json::write(&workshop.path("network.json"), &network).unwrap();
        weights.write(&workshop.path("weights.safetensors")).unwrap();
        success(&workshop.generate("crate", &["--name", "pets"]));
        build(&workshop);
        let (pixels, files) = training_pixels(data.path(), channels, resize);
        assert_eq!((files.len(), pixels.len()), (count, count * channels * 60));
        fs::write(workshop.path("idx"), idx(&pixels, channels)).unwrap();
        let mut expected = lines(&run(&workshop, &[Path::new("idx")]));
        assert_eq!(expected.len(), count);
        for (line, file) in expected.iter_mut().zip(&files) {
            assert_eq!(line["file"], "idx");
            line["file"] = file.to_str().unwrap().into();
        }
        let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        assert_eq!(lines(&run(&workshop, &paths)), expected, "{channels} channels, {resize}");
        by_rule.insert((channels, resize.name()), pixels);
    }
    let different: BTreeSet<&Vec<u8>> = by_rule.values().collect();
    assert_eq!(different.len(), 4, "each rule gives pixels of its own");
    faults_are_named(&workshop, data.path());
}

/// Checks that a faulty file is named and the other files are still classified.
fn faults_are_named(workshop: &Workshop, data: &Path) {
    let wide = data.join("pictures/cat/wide.png");
    let bytes = fs::read(&wide).unwrap();
    fs::write(workshop.path("cut.png"), &bytes[..bytes.len() - 30]).unwrap();
    fs::write(workshop.path("page.png"), "<!doctype html>").unwrap();
    let [cut, page, none] = ["cut.png", "page.png", "none.png"].map(Path::new);
    let idx = Path::new("idx");
    let output = run(workshop, &[cut, &wide, page, none, idx]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (error, [name, reason]) in errors.iter().zip([
        ["cut.png", "the image is damaged"],
        ["page.png", "not an IDX file of images, nor a picture"],
        ["none.png", "cannot read the file"],
    ]) {
        assert!(error.starts_with(&format!("error: {name}: {reason}")), "{error}");
    }
    let lines = lines(&output);
    let indices: Vec<u64> = lines.iter().map(|line| line["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (0..13).collect::<Vec<u64>>());
    assert_eq!(lines[0]["file"], wide.to_str().unwrap());
    let limited: Vec<&Path> = ["--offset", "1", "--limit", "2"]
        .map(Path::new)
        .into_iter()
        .chain([&wide, idx, cut])
        .collect();
    let output = run(workshop, &limited);
    assert_eq!(success(&output).lines().count(), 2, "the last file is not reached");
    assert_eq!(self::lines(&output)[0]["index"], 1);
}

/// Without the feature nothing but the crate itself is compiled, and an error says how to get it.
#[test]
fn without_the_feature_there_are_no_dependencies() {
    let workshop = Workshop::new(&small([3, 10, 6], [1, 7, 3], SWISH_RELU));
    success(&workshop.generate("crate", &["--name", "pets"]));
    let tree = |more: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--locked", "--prefix", "none"])
            .args(more)
            .current_dir(workshop.path("crate"))
            .output()
            .unwrap();
        success(&output)
    };
    assert_eq!(tree(&[]).lines().count(), 1);
    assert!(tree(&["--features", "images"]).contains("image v"));
    cargo(&workshop, &["build", "--bin", "classify"]);
    for (name, bytes) in [
        ("a.png", &b"\x89PNG\r\n\x1a\n"[..]),
        ("a.jpg", b"\xff\xd8\xff\xe0"),
        ("a.gif", b"GIF89a"),
        ("a.bmp", b"BM\0\0"),
        ("a.webp", b"RIFF\0\0\0\0WEBP"),
        ("a.pgm", b"P5 1 1"),
    ] {
        fs::write(workshop.path(name), bytes).unwrap();
        let error = failure(&run(&workshop, &[Path::new(name)]));
        assert!(
            error.contains(name) && error.contains("cargo build --release --features images"),
            "{error}"
        );
    }
    builds_alone(&workshop);
}

/// Checks that the crate builds on a machine with nothing but Rust once its README is followed.
fn builds_alone(workshop: &Workshop) {
    let build = || {
        Command::new(env!("CARGO"))
            .args(["check", "--offline"])
            .current_dir(workshop.path("crate"))
            .env("CARGO_TARGET_DIR", workshop.path("alone"))
            .env("CARGO_HOME", workshop.path("empty"))
            .output()
            .unwrap()
    };
    assert!(!build().status.success(), "the README has a part that is not needed");
    let readme = fs::read_to_string(workshop.path("crate/README.md")).unwrap();
    let file = workshop.path("crate/Cargo.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (from, to) = ("images = [\"dep:image\"]", "images = []");
    for named in ["remove the line `image = ...`", "remove `Cargo.lock`", from, to] {
        assert!(readme.contains(named), "{named}");
    }
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("image = ")).collect();
    fs::write(file, kept.join("\n").replace(from, to)).unwrap();
    fs::remove_file(workshop.path("crate/Cargo.lock")).unwrap();
    success(&build());
}

/// The crate's decoders are the ones that prepared the data.
#[test]
fn locked_versions_are_those_of_this_workspace() {
    let packages = |path: &str| -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        let packages = text.split("\n\n").filter(|part| part.starts_with("[[package]]"));
        packages
            .map(|part| part.split("\ndependencies").next().unwrap().trim().to_string())
            .collect()
    };
    let crate_s = packages("templates/images/Cargo.lock.txt");
    let workspace_s = packages("../Cargo.lock");
    let others: Vec<&String> = crate_s.difference(&workspace_s).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(crate_s.iter().any(|package| package.contains("name = \"image\"\n")));
    let features = |path: &str| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let line = text.lines().find(|line| line.starts_with("image = ")).unwrap();
        let start = line.find("features = [").unwrap();
        line[start..].split(']').next().unwrap().to_string()
    };
    let workspace = features("../Cargo.toml");
    assert_eq!(features("templates/Cargo.toml.txt"), workspace);
    assert_eq!(features("templates/cuda/Cargo.toml.txt"), workspace);
}
