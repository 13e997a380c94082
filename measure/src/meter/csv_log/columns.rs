//! The columns of a log's lines: which cells are the time and the power, and their numbers.
//!
//! Cells are separated by commas, semicolons or tabs and may be quoted. A comma that cannot be a
//! separator is a decimal comma.

use crate::meter::power::MAX_W;
use crate::reason::Reason;

/// Separators of cells.
const SEPARATORS: [char; 3] = [',', ';', '\t'];
/// Names of the two columns that are read; there may be others.
const NAMES: [&str; 2] = ["unix_s", "watts"];

/// The places of time and power in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    separator: char,
    /// Number of cells of a line.
    count: usize,
    unix_s: usize,
    watts: usize,
}

impl Columns {
    /// Reads the names of columns; `None` for a line without both names.
    ///
    /// # Errors
    /// Fails if one of the names occurs twice.
    pub(super) fn named(line: &str) -> Result<Option<Columns>, Reason> {
        for separator in SEPARATORS {
            let names: Vec<String> =
                cells(line, separator).iter().map(|name| name.to_lowercase()).collect();
            let found = NAMES.map(|name| names.iter().filter(|found| *found == name).count());
            let place = |name: &str| names.iter().position(|found| found == name);
            let Some((unix_s, watts)) = place(NAMES[0]).zip(place(NAMES[1])) else { continue };
            if let Some(twice) = found.iter().position(|count| *count > 1) {
                return Err(format!(
                    "{} columns are named {:?}: name one of them",
                    found[twice], NAMES[twice]
                )
                .into());
            }
            return Ok(Some(Columns { separator, count: names.len(), unix_s, watts }));
        }
        Ok(None)
    }

    /// Finds the separator of a log without names, from its first line.
    ///
    /// # Errors
    /// Fails if the line does not have exactly two cells.
    pub(super) fn unnamed(line: &str) -> Result<Columns, Reason> {
        let separator =
            ['\t', ';'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(',');
        match without_empty_end(cells(line, separator), 2).len() {
            2 => Ok(Columns { separator, count: 2, unix_s: 0, watts: 1 }),
            1 => Err(format!(
                "{line:?} is one cell, and commas, semicolons or tabs separate time and watts"
            )
            .into()),
            count => Err(format!(
                "{line:?} has {count} cells, and without names only two are taken for time and \
                 watts: name all columns in a first line, such as unix_s,volts,watts, and write \
                 decimals with points"
            )
            .into()),
        }
    }

    /// Reads the time and the power of a line.
    ///
    /// # Errors
    /// Returns the time, if that can be read, and the fault of the line.
    pub(super) fn sample(&self, line: &str) -> Result<(f64, f64), (Option<f64>, String)> {
        let cells = without_empty_end(cells(line, self.separator), self.count);
        if cells.len() != self.count {
            let (found, expected) = (cells.len(), self.count);
            let hint = match self.separator {
                ',' if found > expected => "; are its decimals commas, too?",
                _ => "",
            };
            return Err((None, format!("{line:?} has {found} cells and not {expected}{hint}")));
        }
        let (time, power) = (&cells[self.unix_s], &cells[self.watts]);
        let unix_s = number(time).ok_or_else(|| {
            (None, format!("{time:?} is not a time in seconds since 1970, such as 1764080000.125"))
        })?;
        if let Some(known_to_s) = coarse(time) {
            let why = format!(
                "the time {time} is known to {known_to_s} s only: write it as in 1764080000.125"
            );
            return Err((None, why));
        }
        let unusable = |why: &str| (Some(unix_s), format!("{power:?} {why}"));
        let watts =
            number(power).ok_or_else(|| unusable("is not a power in watts, such as 5.31"))?;
        if watts.abs() > MAX_W {
            return Err(unusable("watts are not the power of a board"));
        }
        if [time, power].iter().any(|cell| cell.contains(','))
            && [time, power].iter().any(|cell| cell.contains('.'))
        {
            return Err((Some(unix_s), format!("{line:?} has decimal points and decimal commas")));
        }
        Ok((unix_s, watts))
    }
}

/// Returns whether a line begins with a number or a date, as no line of names does.
pub(super) fn is_data(line: &str) -> bool {
    let start = line.trim_start_matches(|c: char| c.is_whitespace() || "\"'+-.".contains(c));
    start.starts_with(|c: char| c.is_ascii_digit())
}

/// Returns the cells of a line without surrounding quotes and spaces.
fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("there is one").push(c),
        }
    }
    cells.iter().map(|cell| cell.trim().to_string()).collect()
}

/// Removes the empty cell behind a separator that ends a line of `count` cells.
fn without_empty_end(mut cells: Vec<String>, count: usize) -> Vec<String> {
    if cells.len() == count + 1 && cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    cells
}

fn number(cell: &str) -> Option<f64> {
    let ambiguous = cell.contains(',') && cell.contains('.');
    let number = cell.replacen(',', ".", 1).parse::<f64>();
    number.ok().filter(|number| number.is_finite() && !ambiguous)
}

/// Returns the precision in seconds of a time that is written with an exponent and too few digits,
/// such as 1.764080e+09.
fn coarse(time: &str) -> Option<f64> {
    let (mantissa, exponent) = time.split_once(['e', 'E'])?;
    let decimals = mantissa.split_once(['.', ',']).map_or(0, |(_, decimals)| decimals.len());
    let known_to_s = 10_f64.powi(exponent.parse::<i32>().ok()? - i32::try_from(decimals).ok()?);
    (known_to_s > 1.0).then_some(known_to_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &str, line: &str) -> Result<(f64, f64), String> {
        Columns::named(names).unwrap().unwrap().sample(line).map_err(|(_, why)| why)
    }

    #[test]
    fn separators_quotes_and_spaces_are_recognised() {
        for (names, line) in [
            ("unix_s,watts", "1.5,5.25"),
            ("unix_s , watts,", " 1.5 ,\t5.25,"),
            ("Watts;UNIX_S", "5,25;1,5"),
            ("unix_s\tvolts\twatts", "1,5\t\t5,25"),
            ("\"unix_s\",\"watts\"", "\"1,5\",\"5,25\""),
            ("unix_s;watts", "1.5;5.25"),
            ("unix_s,watts", "15e-1,+5.25"),
        ] {
            assert_eq!(read(names, line), Ok((1.5, 5.25)), "{names} {line}");
        }
    }

    #[test]
    fn ambiguous_numbers_are_refused() {
        for (names, line, why) in [
            ("unix_s,watts", "1,5,5,25", "has 4 cells and not 2; are its decimals commas, too?"),
            ("unix_s,watts", "1.5,5,25", "has 3 cells and not 2; are its decimals commas, too?"),
            ("unix_s;watts", "1.5;5,250", "has decimal points and decimal commas"),
            ("unix_s;watts", "1.764,5;5,250", "is not a time in seconds"),
            ("unix_s;watts", "1,764,5;5", "is not a time in seconds"),
            ("unix_s,volts,watts", "1.5,5.25", "has 2 cells and not 3"),
            ("unix_s,watts", "2026-11-29T04:10:06+01:00,5", "is not a time in seconds since 1970"),
            ("unix_s,watts", "1.5,", "\"\" is not a power in watts"),
            ("unix_s,watts", "1.5,nan", "\"nan\" is not a power in watts"),
            ("unix_s,watts", "1.5,5.31 W", "\"5.31 W\" is not a power in watts"),
            ("unix_s,watts", "1.5,4294967295", "watts are not the power of a board"),
            ("unix_s,watts", "1.764080e+09,5", "is known to 1000 s only"),
        ] {
            let fault = read(names, line).unwrap_err();
            assert!(fault.contains(why), "{line}: {fault}");
        }
        assert!(
            Columns::named("unix_s,watts,Watts")
                .unwrap_err()
                .to_string()
                .contains("2 columns are named \"watts\"")
        );
        assert_eq!(Columns::named("time,watts"), Ok(None));
    }

    #[test]
    fn without_names_there_are_two_columns() {
        for line in
            ["1.5,5.25", "1.5;5.25", "1,5;5,25", "1,5\t5,25", "\"1.5\",\"5.25\"", "1.5,5.25,"]
        {
            assert_eq!(
                Columns::unnamed(line).unwrap().sample(line).unwrap(),
                (1.5, 5.25),
                "{line}"
            );
        }
        assert!(
            Columns::unnamed("1.5,5.1,5.25")
                .unwrap_err()
                .to_string()
                .contains("has 3 cells, and without names only two")
        );
        assert!(Columns::unnamed("1.5,5,25").unwrap_err().to_string().contains("name all columns"));
        assert!(
            Columns::unnamed("1.5 5.25")
                .unwrap_err()
                .to_string()
                .contains("commas, semicolons or tabs")
        );
    }
}
