//! `classify`: prints the class of each image of some files on the host, a line of JSON each.
#![no_std]
#![no_main]

#[path = "../machine.rs"]
mod machine;

use __LIBRARY__::{__CLASSIFY_IMPORTS__};
use core::fmt::{self, Write};
use cortex_m_rt::entry;
use machine::{Console, File, fail, report};

const USAGE: &str = "\
usage: classify FILE... __FORMATS__ [--limit N] [--offset N]

Each FILE is a file of the host's, without spaces in its name, and holds images:
  by default   an IDX file of unsigned bytes, as MNIST's, not compressed;
               `fetch-data convert` writes pictures as one
  --raw        unsigned bytes, image after image: channels, rows, columns
__F32_HELP__  --limit N    at most N images of all files
  --offset N   without the first N images of all files

Example: classify t10k-images-idx3-ubyte --limit 3";

/// The format of a file.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Idx,
    Raw,__F32_FORMAT__
}

struct Arguments<'a> {
    line: &'a str,
    format: Format,
    limit: usize,
    offset: usize,
}

#[entry]
fn main() -> ! {
    static mut ARENA: Arena = Arena::new();
    static mut INPUT: Input = [__ZERO__; INPUT_LEN];
    static mut LINE: [u8; 512] = [0; 512];
    let arguments = parse(machine::command_line(LINE));
    let (model, console) = (Model::new(), Console::output());
    let mut classifier = Classifier { model, arena: ARENA, input: INPUT, console };
    let (start, end) = (arguments.offset, arguments.offset.saturating_add(arguments.limit));
    let (mut first, mut all_read) = (0, true);
    for name in arguments.files() {
        if first >= end {
            break;
        }
        let Some(images) = Images::open(name, arguments.format) else {
            all_read = false;
            continue;
        };
        let mut wanted = start.max(first)..end.min(first + images.count);
        all_read &= wanted.all(|index| classifier.classify(&images, index, index - first));
        first += images.count;
    }
    machine::exit(usize::from(!all_read))
}

/// The network and its memory.
struct Classifier {
    model: Model,
    arena: &'static mut Arena,
    input: &'static mut Input,
    console: Console,
}

impl Classifier {
    /// Prints the class of an image, the `index`th of all and at a place in its file. Reports what
    /// is wrong with the image, and returns whether nothing is.
    fn classify(&mut self, images: &Images, index: usize, place: usize) -> bool {
        let mut output: Output = [__ZERO__; CLASSES.len()];
        if images.load(place, self.input).is_none() {
            report(format_args!("{}: cannot read image {index}", images.name));
            return false;
        }
        self.model.forward(self.arena, self.input, &mut output);
__IF_NOT_FINITE_HERE__        if print(&mut self.console, index, &output, images.name).is_err() {
            machine::exit(1);
        }
        true
    }
}

fn parse(line: &str) -> Arguments<'_> {
    let wrong = |message: fmt::Arguments| -> ! { fail(2, format_args!("{message}\n\n{USAGE}")) };
    let mut arguments = Arguments { line, format: Format::Idx, limit: usize::MAX, offset: 0 };
    let mut rest = line.split_ascii_whitespace().skip(1);
    while let Some(argument) = rest.next() {
        match argument {
__OPTIONS__            "--limit" | "--offset" => match rest.next().and_then(|text| text.parse().ok()) {
                Some(number) if argument == "--limit" => arguments.limit = number,
                Some(number) => arguments.offset = number,
                None => wrong(format_args!("{argument} needs a whole number")),
            },
            option if option.starts_with("--") => {
                wrong(format_args!("there is no option {option}"))
            }
            _ => {}
        }
    }
    if arguments.files().next().is_none() {
        wrong(format_args!("it takes at least one FILE"));
    }
    arguments
}

impl<'a> Arguments<'a> {
    /// Returns the names of all files.
    fn files(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.line.split_ascii_whitespace().skip(1);
        core::iter::from_fn(move || {
            loop {
                match rest.next()? {
                    "--limit" | "--offset" => {
                        rest.next();
                    }
                    option if option.starts_with("--") => {}
                    name => return Some(name),
                }
            }
        })
    }
}

/// The images of a file.
struct Images<'a> {
    name: &'a str,
    file: File,
__FORMAT_FIELD__    count: usize,
    /// Bytes before the first image.
    start: usize,
}

/// Reports what is wrong with a file.
fn refuse<T>(name: &str, message: fmt::Arguments) -> Option<T> {
    report(format_args!("{name}: {message}"));
    None
}

impl<'a> Images<'a> {
    /// Opens a file and counts its images. Reports what is wrong with it.
    fn open(name: &'a str, format: Format) -> Option<Images<'a>> {
        let found = File::open(name).and_then(|file| Some((file.len()?, file)));
        let Some((len, file)) = found else {
            return refuse(name, format_args!("cannot read the file"));
        };
        let mut images = Images { name, file, __FORMAT_VALUE__count: 0, start: 0 };
        let size = images.size();
        if format == Format::Idx {
            images.read_header(len)?;
        } else if len % size != 0 {
            return refuse(
                name,
                format_args!("its {len} bytes are not whole images of {size} bytes"),
            );
        } else {
            images.count = len / size;
        }
        Some(images)
    }

    /// Returns the bytes of one image.
    fn size(&self) -> usize {
        __SIZE__
    }

    /// Checks that the file is an IDX file whose images have the network's shape, and counts them.
    fn read_header(&mut self, len: usize) -> Option<()> {
        let name = self.name;
        let mut header = [0; 20];
        let available = header.len().min(len);
        if self.file.read(&mut header[..available]).is_none() {
            return refuse(name, format_args!("cannot read the file"));
        }
        let word = |i: usize| {
            header[4 * i..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize)
        };
        let cut_off = || refuse(name, format_args!("not a whole IDX file: its header is cut off"));
        let dimensions = match word(0) {
            _ if available < 4 => return cut_off(),
            0x0803 => 3,
            0x0804 => 4,
            other if other >> 16 == 0x1f8b => {
                return refuse(name, format_args!("it is compressed; unpack it with gunzip first"));
            }
            _ if is_picture(&header[..available]) => {
                return refuse(
                    name,
                    format_args!(
                        "it is a picture; `fetch-data convert --network network.json {name} --out images` \
                         writes it as the IDX file that this program reads"
                    ),
                );
            }
            other => {
                return refuse(
                    name,
                    format_args!("not an IDX file of images: it starts with {other:#010x}"),
                );
            }
        };
        self.start = 4 + 4 * dimensions;
        if len < self.start {
            return cut_off();
        }
        // A file without a dimension for channels has one channel.
        let channels = if dimensions == 4 { word(2) } else { 1 };
        let (shape, [c, h, w]) = ([channels, word(dimensions - 1), word(dimensions)], SHAPE);
        if shape != SHAPE {
            let [channels, height, width] = shape;
            return refuse(
                name,
                format_args!(
                    "its images are {channels}x{height}x{width}, but the network takes {c}x{h}x{w}"
                ),
            );
        }
        self.count = word(1);
        if self.count.checked_mul(INPUT_LEN) != Some(len - self.start) {
            let (promised, follow) = (self.count, len - self.start);
            return refuse(
                name,
                format_args!("the header promises {promised} images, but {follow} bytes follow"),
            );
        }
        Some(())
    }

    /// Reads an image; `None` if that fails.
    fn load(&self, index: usize, input: &mut Input) -> Option<()> {
        self.file.seek(self.start + index * self.size())?;
__LOAD__    }
}

/// Returns whether a file begins as a PNG, JPEG, GIF, BMP, WebP or PNM does.
fn is_picture(bytes: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 4] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"];
    SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
        || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
        || matches!(bytes, [b'P', b'1'..=b'7', ..])
}

fn print(out: &mut Console, index: usize, logits: &Output, file: &str) -> fmt::Result {
    let class =
        (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    let probability =
        1.0 / logits.iter().map(|logit| exp(__DIFFERENCE__)).sum::<f64>();
    write!(out, "{{\"index\":{index},\"class\":{class},\"label\":")?;
    write_json_string(out, CLASSES[class])?;
    out.write_str(",\"probability\":")?;
    write_number(out, probability)?;
    out.write_str(",\"logits\":")?;
    for (i, logit) in logits.iter().enumerate() {
        out.write_char(if i == 0 { '[' } else { ',' })?;
        __WRITE_LOGIT__?;
    }
    out.write_str("],\"file\":")?;
    write_json_string(out, file)?;
    out.write_str("}\n")?;
    out.flush()
}

/// Writes a finite number with nine digits, which identify every f32; the formatting of `core`
/// takes 20 kB.
fn write_number(out: &mut Console, x: f64) -> fmt::Result {
    const DIGITS: i32 = 9;
    let (mut size, mut exponent) = (x.abs(), 0);
    while size >= 1e9 {
        (size, exponent) = (size / 10.0, exponent + 1);
    }
    while size != 0.0 && size < 1e8 {
        (size, exponent) = (size * 10.0, exponent - 1);
    }
    let sign = if x < 0.0 { "-" } else { "" };
    let digits = (size + 0.5) as u32;
    if exponent <= 0 && exponent >= -DIGITS {
        let scale = 10u32.pow(-exponent as u32);
        write!(
            out,
            "{sign}{}.{:0places$}",
            digits / scale,
            digits % scale,
            places = -exponent as usize
        )
    } else {
        write!(out, "{sign}{digits}e{exponent}")
    }
}

/// Returns `e^x`, which `core` lacks, by a Taylor series of the 1,024th root.
fn exp(x: f64) -> f64 {
    let root = x.max(-1000.0) / 1024.0;
    let series = (1..=8).rev().fold(1.0, |sum, n| 1.0 + root / f64::from(n) * sum);
    (0..10).fold(series, |power, _| power * power)
}

fn write_json_string(out: &mut Console, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}
