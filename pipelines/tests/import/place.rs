//! A place with a stranger's folder and its copy.

use common::dataset::{Dataset, ImportRecord, ImportedFiles, Split};
use common::files::json;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

/// What `fetch-data` printed.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    /// Makes three classes of ten pictures in colour, each one different.
    pub(crate) fn with_leaves() -> Place {
        let place = Place::new();
        for (class, name) in ["birch", "oak", "pine"].into_iter().enumerate() {
            for i in 0..10 {
                let bytes = colour(class as u8 * 10 + i as u8);
                place.write(&format!("leaves/{name}/{i}.png"), &bytes);
            }
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to).parent().unwrap()).unwrap();
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fetch-data"));
        command.current_dir(self.dir.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command().args(args).output().unwrap())
    }

    /// Imports `leaves` to `copy`.
    pub(crate) fn import(&self, more: &[&str]) -> Said {
        self.run(&[&["import", "leaves", "--out", "copy"], more].concat())
    }

    /// Imports `leaves` to `copy`, which must succeed.
    pub(crate) fn imported(&self, more: &[&str]) -> Said {
        let said = self.import(more);
        assert_eq!((said.code, said.out.as_str()), (0, "copy/dataset.json\n"), "{}", said.err);
        said
    }

    /// Imports `leaves` to `copy`, which must fail with exit code 1 and one error; returns it.
    pub(crate) fn refused(&self, more: &[&str]) -> String {
        self.import(more).error()
    }

    pub(crate) fn dataset(&self) -> Dataset {
        json::read(&self.path("copy/dataset.json")).unwrap()
    }

    pub(crate) fn record(&self) -> ImportRecord {
        json::read(&self.path("copy/import.json")).unwrap()
    }

    pub(crate) fn files(&self) -> ImportedFiles {
        json::read(&self.path("copy/files.json")).unwrap()
    }

    /// Returns the fingerprints of the training and the test images.
    pub(crate) fn fingerprints(&self) -> [String; 2] {
        [Split::TrainAndValidation, Split::Test]
            .map(|split| Dataset::load(&self.path("copy"), split).unwrap().sha256)
    }

    /// Returns the names and contents of the copy's files.
    pub(crate) fn copy(&self) -> BTreeMap<String, Vec<u8>> {
        contents(&self.path("copy"))
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Said {
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Returns the only error, which is the last line; the exit code must be 1.
    pub(crate) fn error(&self) -> String {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{}", self.err);
        let errors: Vec<&str> =
            self.err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.err);
        assert_eq!(self.err.lines().last(), Some(errors[0]));
        errors[0].to_string()
    }

    /// Returns the number of pictures that were decoded.
    pub(crate) fn decoded(&self) -> usize {
        let count = |line: &str| line.strip_prefix("decoded ")?.split(' ').next()?.parse().ok();
        self.err.lines().find_map(count).unwrap_or(0)
    }
}

/// Returns the names and contents of the files directly in a folder.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_file())
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&path).unwrap())
        })
        .collect()
}

pub(crate) fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Returns a picture in colour of 40 x 30 pixels, which depends on `seed` everywhere.
pub(crate) fn colour(seed: u8) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let wave = |factor: u32| ((x * factor + y * (seed as u32 + 3)) % 256) as u8;
        Rgb([wave(5), wave(3) ^ seed, seed.wrapping_mul(41)])
    };
    png(&DynamicImage::ImageRgb8(RgbImage::from_fn(40, 30, pixel)))
}

/// Returns a grey picture.
pub(crate) fn grey(seed: u8, width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| Luma([(x * 7 + y * (seed as u32 % 13 + 1)) as u8 ^ seed]);
    png(&DynamicImage::ImageLuma8(GrayImage::from_fn(width, height, pixel)))
}
