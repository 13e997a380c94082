//! `classify`: prints the class of each image of a file on the host, a line of JSON each.
#![no_std]
#![no_main]

#[path = "../machine.rs"]
mod machine;

use __LIBRARY__::{Arena, CLASSES, INPUT_LEN, Input, Model, Output, SHAPE, normalise};
use core::fmt::{self, Write};
use cortex_m_rt::entry;
use machine::{Console, File, fail};

const USAGE: &str = "\
usage: classify FILE [--raw | --f32] [--limit N] [--offset N]

FILE is a file of the host's, without spaces in its name, and holds images:
  by default   an IDX file of unsigned bytes, as MNIST's, not compressed
  --raw        unsigned bytes, image after image: channels, rows, columns
  --f32        likewise little-endian f32 that are normalised already
  --limit N    at most N images
  --offset N   without the first N images

Example: classify t10k-images-idx3-ubyte --limit 3";

/// The format of a file.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Idx,
    Raw,
    F32,
}

struct Arguments<'a> {
    file: &'a str,
    format: Format,
    limit: usize,
    offset: usize,
}

#[entry]
fn main() -> ! {
    static mut ARENA: Arena = Arena::new();
    static mut INPUT: Input = [0.0; INPUT_LEN];
    static mut LINE: [u8; 512] = [0; 512];
    let arguments = parse(machine::command_line(LINE));
    let images = Images::open(&arguments);
    let (model, mut console) = (Model::new(), Console::output());
    let mut output: Output = [0.0; CLASSES.len()];
    for index in (0..images.count).skip(arguments.offset).take(arguments.limit) {
        images.load(index, INPUT);
        model.forward(ARENA, INPUT, &mut output);
        if output.iter().any(|logit| !logit.is_finite()) {
            fail(
                1,
                format_args!(
                    "{}: image {index} leads to numbers that are not finite",
                    arguments.file
                ),
            );
        }
        if print(&mut console, index, &output).is_err() {
            machine::exit(1);
        }
    }
    machine::exit(0)
}

fn parse(line: &str) -> Arguments<'_> {
    let wrong = |message: fmt::Arguments| -> ! { fail(2, format_args!("{message}\n\n{USAGE}")) };
    let (mut file, mut format, mut limit, mut offset) = (None, Format::Idx, usize::MAX, 0);
    let mut rest = line.split_ascii_whitespace().skip(1);
    while let Some(argument) = rest.next() {
        match argument {
            "--raw" if format != Format::F32 => format = Format::Raw,
            "--f32" if format != Format::Raw => format = Format::F32,
            "--raw" | "--f32" => wrong(format_args!("--raw and --f32 exclude each other")),
            "--limit" | "--offset" => match rest.next().and_then(|text| text.parse().ok()) {
                Some(number) => {
                    *(if argument == "--limit" { &mut limit } else { &mut offset }) = number
                }
                None => wrong(format_args!("{argument} needs a whole number")),
            },
            option if option.starts_with("--") => {
                wrong(format_args!("there is no option {option}"))
            }
            name if file.is_none() => file = Some(name),
            _ => wrong(format_args!("it takes exactly one FILE")),
        }
    }
    match file {
        Some(file) => Arguments { file, format, limit, offset },
        None => wrong(format_args!("it takes exactly one FILE")),
    }
}

/// The images of a file.
struct Images<'a> {
    name: &'a str,
    file: File,
    format: Format,
    count: usize,
    /// Bytes before the first image.
    start: usize,
}

impl<'a> Images<'a> {
    fn open(arguments: &Arguments<'a>) -> Images<'a> {
        let Arguments { file: name, format, .. } = *arguments;
        let found = File::open(name).and_then(|file| Some((file.len()?, file)));
        let Some((len, file)) = found else {
            fail(1, format_args!("{name}: cannot read the file"))
        };
        let mut images = Images { name, file, format, count: 0, start: 0 };
        let size = images.size();
        if format == Format::Idx {
            images.read_header(len);
        } else if len % size != 0 {
            fail(1, format_args!("{name}: its {len} bytes are not whole images of {size} bytes"));
        } else {
            images.count = len / size;
        }
        images
    }

    /// Returns the bytes of one image.
    fn size(&self) -> usize {
        if self.format == Format::F32 { 4 * INPUT_LEN } else { INPUT_LEN }
    }

    /// Checks that the file is an IDX file whose images have the network's shape, and counts them.
    fn read_header(&mut self, len: usize) {
        let name = self.name;
        let mut header = [0; 20];
        let available = header.len().min(len);
        if self.file.read(&mut header[..available]).is_none() {
            fail(1, format_args!("{name}: cannot read the file"));
        }
        let word = |i: usize| {
            header[4 * i..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize)
        };
        let cut_off = || -> ! {
            fail(1, format_args!("{name}: not a whole IDX file: its header is cut off"))
        };
        let dimensions = match word(0) {
            _ if available < 4 => cut_off(),
            0x0803 => 3,
            0x0804 => 4,
            other if other >> 16 == 0x1f8b => {
                fail(1, format_args!("{name}: it is compressed; unpack it with gunzip first"))
            }
            other => fail(
                1,
                format_args!("{name}: not an IDX file of images: it starts with {other:#010x}"),
            ),
        };
        self.start = 4 + 4 * dimensions;
        if len < self.start {
            cut_off();
        }
        // A file without a dimension for channels has one channel.
        let channels = if dimensions == 4 { word(2) } else { 1 };
        let (shape, [c, h, w]) = ([channels, word(dimensions - 1), word(dimensions)], SHAPE);
        if shape != SHAPE {
            let [channels, height, width] = shape;
            fail(
                1,
                format_args!(
                    "{name}: its images are {channels}x{height}x{width}, \
                     but the network takes {c}x{h}x{w}"
                ),
            );
        }
        self.count = word(1);
        if self.count.checked_mul(INPUT_LEN) != Some(len - self.start) {
            let (promised, follow) = (self.count, len - self.start);
            fail(
                1,
                format_args!(
                    "{name}: the header promises {promised} images, but {follow} bytes follow"
                ),
            );
        }
    }

    fn load(&self, index: usize, input: &mut Input) {
        let done =
            self.file.seek(self.start + index * self.size()).and_then(|()| match self.format {
                Format::Idx | Format::Raw => {
                    let mut pixels = [0; INPUT_LEN];
                    self.file.read(&mut pixels)?;
                    normalise(&pixels, input);
                    Some(())
                }
                Format::F32 => input.iter_mut().try_for_each(|value| {
                    let mut bytes = [0; 4];
                    self.file.read(&mut bytes)?;
                    *value = f32::from_le_bytes(bytes);
                    Some(())
                }),
            });
        if done.is_none() {
            fail(1, format_args!("{}: cannot read image {index}", self.name));
        }
    }
}

fn print(out: &mut Console, index: usize, logits: &Output) -> fmt::Result {
    let class =
        (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    let probability =
        1.0 / logits.iter().map(|logit| exp(f64::from(logit - logits[class]))).sum::<f64>();
    write!(out, "{{\"index\":{index},\"class\":{class},\"label\":")?;
    write_json_string(out, CLASSES[class])?;
    out.write_str(",\"probability\":")?;
    write_number(out, probability)?;
    out.write_str(",\"logits\":")?;
    for (i, logit) in logits.iter().enumerate() {
        out.write_char(if i == 0 { '[' } else { ',' })?;
        write_number(out, f64::from(*logit))?;
    }
    out.write_str("]}\n")?;
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
