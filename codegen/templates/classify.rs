//! `classify`: prints the class of each image of some files, a line of JSON each.

__KERNELS__use __LIBRARY__::{__IMPORTS__};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
__MUTEX__
const USAGE: &str = "\
usage: classify FILE... __FORMATS__ [--limit N] [--offset N]

Each FILE holds images:
  by default   a picture (PNG, JPEG, GIF, WebP, BMP or PNM), if this program was
               built with the feature `images`; or an IDX file of unsigned bytes,
               as MNIST's, not compressed
  --raw        unsigned bytes, image after image: channels, rows, columns
__F32_HELP__  --limit N    at most N images of all files
  --offset N   without the first N images of all files

Examples: classify photo.jpg
          classify t10k-images-idx3-ubyte --limit 3";

__ARENA__/// What a file holds.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Idx,
    Raw,__F32_FORMAT__
}

struct Arguments {
    files: Vec<PathBuf>,
    format: Format,
    limit: usize,
    offset: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match parse(&arguments) {
        Ok(arguments) => match run(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: &[OsString]) -> Result<Arguments, String> {
    let (mut files, mut format, mut limit, mut offset) = (Vec::new(), Format::Idx, usize::MAX, 0);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            __FORMAT_OPTIONS__
            Some(name @ ("--limit" | "--offset")) => {
                let number = rest.next().and_then(|text| text.to_str()?.parse().ok());
                let number = number.ok_or_else(|| format!("{name} needs a whole number"))?;
                *(if name == "--limit" { &mut limit } else { &mut offset }) = number;
            }
            Some(option) if option.starts_with("--") => {
                return Err(format!("there is no option {option}"));
            }
            Some(_) | None => files.push(PathBuf::from(argument)),
        }
    }
    if files.is_empty() {
        return Err("it takes at least one FILE".to_string());
    }
    Ok(Arguments { files, format, limit, offset })
}

/// Classifies the images of all files and returns whether all of them could be read.
///
/// # Errors
/// Fails if the network cannot be computed or standard output cannot be written.
fn run(arguments: &Arguments) -> Result<bool, String> {
    __MODEL__
    let (mut input, mut output): (Input, Output) = ([__ZERO__; INPUT_LEN], [__ZERO__; CLASSES.len()]);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let end = arguments.offset.saturating_add(arguments.limit);
    let (mut first, mut all_read) = (0, true);
    for file in &arguments.files {
        if first >= end {
            break;
        }
        let images = read(file, arguments.format).unwrap_or_else(|error| {
            eprintln!("error: {}: {error}", file.display());
            all_read = false;
            Vec::new()
        });
        let skipped = arguments.offset.saturating_sub(first);
        for (index, image) in (first..end).zip(&images).skip(skipped) {
            load(image, &mut input);
            __FORWARD__
__IF_NOT_FINITE__            let line = result_line(index, &output, file);
            writeln!(out, "{line}").map_err(|error| cannot_write(&error))?;
        }
        first += images.len();
    }
    out.flush().map_err(|error| cannot_write(&error))?;
    Ok(all_read)
}

__MODEL_FN__fn cannot_write(error: &std::io::Error) -> String {
    format!("cannot write to standard output: {error}")
}

__IMAGE__
fn read(file: &Path, format: Format) -> Result<Vec<Image>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("cannot read the file: {error}"))?;
    match format {
        Format::Idx if is_picture(&bytes) => Ok(vec![of_pixels(picture(&bytes)?)]),
        Format::Idx => pixel_images(idx_content(&bytes)?),
        Format::Raw => pixel_images(&bytes),__READ_F32__
    }
}

/// Returns whether a file begins as a PNG, JPEG, GIF, BMP, WebP or PNM does.
fn is_picture(bytes: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 4] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"];
    SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
        || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
        || matches!(bytes, [b'P', b'1'..=b'7', ..])
}

/// Returns the pixels of a picture, computed as in training.
#[cfg(feature = "images")]
fn picture(bytes: &[u8]) -> Result<Box<[u8; INPUT_LEN]>, String> {
    let pixels = __LIBRARY__::pictures::pixels(bytes, &__LIBRARY__::TARGET);
    let pixels = pixels.map_err(|error| error.to_string())?.into_boxed_slice();
    pixels.try_into().map_err(|_| "the picture has too few pixels".to_string())
}

#[cfg(not(feature = "images"))]
fn picture(_: &[u8]) -> Result<Box<[u8; INPUT_LEN]>, String> {
    Err("it is a picture; `cargo build --release --features images` (Rust __IMAGES_RUST__ or later) \
         builds the program that reads it"
        .to_string())
}

/// Returns the pixels of an IDX file, whose images must have the network's shape.
fn idx_content(bytes: &[u8]) -> Result<&[u8], String> {
    let word = |i: usize| {
        bytes.get(4 * i..4 * i + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
    };
    let cut_off = || "not a whole IDX file: its header is cut off".to_string();
    let dimensions = match word(0).ok_or_else(cut_off)? {
        0x0803 => 3,
        0x0804 => 4,
        other if other >> 16 == 0x1f8b => {
            return Err("it is compressed; unpack it with gunzip first".to_string());
        }
        other => {
            return Err(format!(
                "not an IDX file of images, nor a picture: it starts with {other:#010x}"
            ));
        }
    };
    let sizes: Vec<usize> = (1..=dimensions).map_while(word).collect();
    if sizes.len() < dimensions {
        return Err(cut_off());
    }
    // A file without a dimension for channels has one channel.
    let channels = if dimensions == 4 { sizes[1] } else { 1 };
    let shape = [channels, sizes[dimensions - 2], sizes[dimensions - 1]];
    if shape != SHAPE {
        return Err(format!(
            "its images are {}, but the network takes {}",
            shape_text(shape),
            shape_text(SHAPE)
        ));
    }
    let pixels = &bytes[4 + 4 * dimensions..];
    if sizes[0].checked_mul(INPUT_LEN) != Some(pixels.len()) {
        return Err(format!(
            "the header promises {} images, but {} bytes follow",
            sizes[0],
            pixels.len()
        ));
    }
    Ok(pixels)
}

fn shape_text([channels, height, width]: [usize; 3]) -> String {
    format!("{channels}x{height}x{width}")
}

fn pixel_images(bytes: &[u8]) -> Result<Vec<Image>, String> {
    let image = |pixels: &[u8]| Some(of_pixels(Box::new(pixels.try_into().ok()?)));
    whole_images(bytes, INPUT_LEN, image)
}

__F32_IMAGES__fn whole_images(
    bytes: &[u8],
    size: usize,
    image: impl Fn(&[u8]) -> Option<Image>,
) -> Result<Vec<Image>, String> {
    let images: Option<Vec<Image>> =
        bytes.chunks(size).map(|part| (part.len() == size).then(|| image(part))?).collect();
    images.ok_or_else(|| format!("its {} bytes are not whole images of {size} bytes", bytes.len()))
}

fn result_line(index: usize, logits: &Output, file: &Path) -> String {
    let class =
        (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    let difference = |logit: &__LOGIT__| __DIFFERENCE__;
    let exponentials = logits.iter().map(|logit| difference(logit).exp());
    let probability = 1.0 / exponentials.sum::<f64>();
    let (label, file) = (json_string(CLASSES[class]), json_string(&file.to_string_lossy()));
    let logits: Vec<String> = logits.iter().map(|logit| format!("{logit:?}")).collect();
    format!(
        "{{\"index\":{index},\"class\":{class},\"label\":{label},\"probability\":{probability:?},\"logits\":[{}],\"file\":{file}}}",
        logits.join(",")
    )
}

fn json_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
