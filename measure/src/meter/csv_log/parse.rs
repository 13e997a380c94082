//! The conversion of a log's text to samples in order of time. A line that is not a sample is kept
//! with its fault, since it matters only if it lies in a window.

use super::columns::{Columns, is_data};
use super::samples::{PowerSample, PowerSamples, Unusable};
use crate::meter::power::{MAX_GAP_S, NOISE_W};
use crate::reason::Reason;
use anyhow::{Result, anyhow, bail, ensure};

/// Negative power of up to this share of the mean is noise.
const NOISE: f64 = 0.01;

/// The number of a line, from 1, and its sample.
type Line = (usize, PowerSample);

/// Parses all lines except a last one that is not yet complete.
///
/// # Errors
/// Fails if this is not a log of times and watts; the error says what to do about it.
pub(super) fn parse(bytes: &[u8]) -> Result<PowerSamples> {
    let text = text(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    ensure!(
        !whole.lines().next().unwrap_or_default().contains('\0'),
        "it is not text in UTF-8: save it as that"
    );
    let (lines, mut unusable) = lines(whole)?;
    let log = in_order(&without_below_zero(lines, &mut unusable), &mut unusable);
    if let Some(first) = unusable.first().filter(|_| log.samples.is_empty()) {
        bail!("{}", first.reason());
    }
    unusable.sort_by_key(|unusable| unusable.line);
    Ok(PowerSamples { unusable, ..log })
}

/// Decodes UTF-8 or, after its byte order mark, UTF-16.
fn text(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns the samples in order of lines, and the unusable lines.
fn lines(text: &str) -> Result<(Vec<Line>, Vec<Unusable>)> {
    let (mut columns, mut foreign) = (None, None);
    let (mut samples, mut unusable): (Vec<Line>, Vec<Unusable>) = (vec![], vec![]);
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim_matches(|c: char| c == '\u{feff}' || c == ' '));
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let at_line = |reason: Reason| anyhow!("line {number}: {reason}");
        let named =
            if columns.is_some() && is_data(line) { Ok(None) } else { Columns::named(line) };
        if let Some(named) = named.map_err(at_line)? {
            columns = Some(named);
            continue;
        }
        let known = match columns {
            Some(known) => known,
            None if !is_data(line) => {
                foreign.get_or_insert(number);
                continue;
            }
            None if foreign.is_some() => break,
            None => Columns::unnamed(line).map_err(at_line)?,
        };
        columns = Some(known);
        match known.sample(line) {
            Ok((at_s, watts)) => samples.push((number, PowerSample { at_s, watts })),
            Err((at_s, why)) => {
                let before = samples.last().map_or(f64::NEG_INFINITY, |(_, last)| last.at_s);
                unusable.push(Unusable { line: number, at_s: at_s.unwrap_or(before), why });
            }
        }
    }
    if let (Some(number), None) = (foreign, columns) {
        bail!(
            "line {number}: no column is named \"unix_s\" and another \"watts\"; both are needed, \
             with commas, semicolons or tabs between names"
        );
    }
    Ok((samples, unusable))
}

/// Merges samples of one time and leaves out single ones that are out of order. If times really go
/// back, the samples before are dropped, and only their last time is kept.
fn in_order(lines: &[Line], unusable: &mut Vec<Unusable>) -> PowerSamples {
    let mut log = PowerSamples::default();
    // Line of each kept sample, and the number of lines of which it is the mean.
    let mut origins: Vec<(usize, f64)> = vec![];
    let mut stray =
        |line, at_s| unusable.push(Unusable { line, at_s, why: "its time is out of order".into() });
    for (index, (line, sample)) in lines.iter().enumerate() {
        let [last, second] =
            [1, 2].map(|back| log.samples.len().checked_sub(back).map(|place| log.samples[place]));
        if let Some(last) = last.filter(|last| last.at_s == sample.at_s) {
            let place = origins.len() - 1;
            origins[place].1 += 1.0;
            log.samples[place].watts += (sample.watts - last.watts) / origins[place].1;
            log.repeated = true;
            continue;
        }
        if let Some(last) = last.filter(|last| last.at_s > sample.at_s) {
            let goes_on = lines.get(index + 1).is_some_and(|(_, next)| next.at_s >= last.at_s);
            let leapt = |second: PowerSample| {
                second.at_s <= sample.at_s && last.at_s - second.at_s > MAX_GAP_S
            };
            if goes_on {
                stray(*line, last.at_s);
                continue;
            } else if second.is_some_and(leapt) {
                log.samples.pop();
                stray(origins.pop().unwrap_or_default().0, sample.at_s);
            } else {
                let before_s = log.back.map_or(last.at_s, |(_, until_s)| until_s.max(last.at_s));
                log = PowerSamples {
                    back: Some((*line, before_s)),
                    repeated: log.repeated,
                    ..PowerSamples::default()
                };
                origins.clear();
            }
        }
        log.samples.push(*sample);
        origins.push((*line, 1.0));
    }
    log
}

/// Leaves out samples that are further below zero than noise. Noise is kept: leaving it out would
/// make a mean near zero too high.
fn without_below_zero(mut lines: Vec<Line>, unusable: &mut Vec<Unusable>) -> Vec<Line> {
    let above: f64 = lines.iter().map(|(_, sample)| sample.watts.max(0.0)).sum();
    let lowest_w = -NOISE_W.max(NOISE * above / lines.len() as f64);
    lines.retain(|(line, PowerSample { at_s, watts })| {
        let why = || format!("{watts} W is below zero; is the sensor the wrong way round?");
        unusable.extend((*watts < lowest_w).then(|| Unusable {
            line: *line,
            at_s: *at_s,
            why: why(),
        }));
        *watts >= lowest_w
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(text: &str) -> Vec<(f64, f64)> {
        parse(text.as_bytes())
            .unwrap()
            .samples
            .iter()
            .map(|sample| (sample.at_s, sample.watts))
            .collect()
    }

    fn left_out(text: &str) -> Vec<String> {
        parse(text.as_bytes()).unwrap().unusable.iter().map(Unusable::reason).collect()
    }

    fn error_of(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    const TWO: [(f64, f64); 2] = [(1.5, 5.0), (2.0, 0.0)];

    #[test]
    fn columns_may_be_named_and_an_incomplete_line_is_skipped() {
        assert_eq!(samples("1.5,5\n2,0\n3,"), TWO);
        assert_eq!(samples("volts, watts, unix_s\n5.1, 5, 1.5\n5.1, 0, 2\n"), TWO);
        assert_eq!(samples(""), []);
    }

    #[test]
    fn other_lines_and_encodings_are_accepted() {
        for text in [
            "\u{feff}unix_s,watts\n1.5,5\n2,0\n",
            "# power of bench 3\n\nINA219 at 0x40\nunix_s,watts\n1.5,5\n\n# a pause\n2,0\n",
            "unix_s,watts\r\n1.5,5\r\n2,0\r\n",
            "unix_s,watts\r1.5,5\r2,0\r",
            "3v3,unix_s,watts\n3.3,1.5,5\n3.3,2,0\n",
            "unix_s,watts\n1.5,5\n\u{feff}unix_s,watts\n2,0\n",
            "unix_s,watts\n1.5,5\nwatts;volts;unix_s\n0;5,1;2,0\n",
        ] {
            assert_eq!(samples(text), TWO, "{text:?}");
            let utf16 = |of: fn(u16) -> [u8; 2]| -> Vec<u8> {
                let text = text.trim_start_matches('\u{feff}');
                [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(of).collect()
            };
            for bytes in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
                assert_eq!(
                    parse(&[&bytes, &b"1"[..]].concat()).unwrap(),
                    parse(text.as_bytes()).unwrap(),
                    "{text:?}"
                );
            }
        }
        assert!(error_of("u\0n\0i\0x\0\n\0").contains("not text in UTF-8"));
    }

    #[test]
    fn errors_name_the_line() {
        assert!(
            error_of("# x\ntime,power\n1,2\n").contains("line 2: no column is named \"unix_s\"")
        );
        assert!(
            error_of("1,5.1,2\n")
                .contains("line 1: \"1,5.1,2\" has 3 cells, and without names only two")
        );
        assert!(
            error_of("unix_s,watts\n2026-11-29T04:10:06Z,5\n")
                .contains("line 2: \"2026-11-29T04:10:06Z\" is not a time")
        );
        assert!(
            error_of("1,-2\n2,-2\n")
                .contains("line 1: -2 W is below zero; is the sensor the wrong way round?")
        );
    }

    #[test]
    fn one_unusable_line_is_left_out() {
        let text = |line: &str| format!("unix_s,watts\n1,4\n2,4\n{line}\n3,4\n4,4\n");
        let four = [(1.0, 4.0), (2.0, 4.0), (3.0, 4.0), (4.0, 4.0)];
        for (line, why) in [
            ("2.5,nan", "line 4: \"nan\" is not a power"),
            ("2.5,", "line 4: \"\" is not a power"),
            ("Segmentation fault", "line 4: \"Segmentation fault\" has 1 cells and not 2"),
            ("\0\0,4", "line 4: \"\\0\\0\" is not a time"),
            ("2.5,-4", "line 4: -4 W is below zero"),
            ("0.5,4", "line 4: its time is out of order"),
            ("1000000000000,4", "line 4: its time is out of order"),
        ] {
            let text = text(line);
            assert_eq!(samples(&text), four, "{line}");
            assert!(left_out(&text)[0].starts_with(why), "{:?}", left_out(&text));
        }
        let noise = text("2.5,-0.0002");
        assert_eq!((samples(&noise).len(), left_out(&noise)), (5, vec![]));
        let unusable = &parse(text("broken").as_bytes()).unwrap().unusable[0];
        assert_eq!(
            (unusable.line, unusable.at_s),
            (4, 2.0),
            "it has the time of the sample before"
        );
    }

    #[test]
    fn samples_of_one_time_are_averaged() {
        let text = "1.1,5\n1.1,6\n1.1,10\n1.2,1\n";
        assert_eq!(samples(text), [(1.1, 7.0), (1.2, 1.0)]);
        assert!(
            parse(text.as_bytes()).unwrap().repeated && !parse(b"1,5\n2,5\n").unwrap().repeated
        );
    }

    #[test]
    fn times_that_go_back_are_reported() {
        let back = |text: &str| parse(text.as_bytes()).unwrap().back;
        assert_eq!(back("2,1\n3,1\n2.5,1\n"), Some((3, 3.0)));
        assert_eq!(back("5,1\n4,1\n"), Some((2, 5.0)));
        let text = "8,1\n9,1\n3,1\n4,1\n2,1\n3,1\n";
        assert_eq!((back(text), samples(text)), (Some((5, 9.0)), vec![(2.0, 1.0), (3.0, 1.0)]));
        assert_eq!(back("1,1\n2,1\n"), None);
    }
}
