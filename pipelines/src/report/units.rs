//! Formats numbers with significant digits and units, and dates.

/// Prefixes from 10^-9 to 10^12.
const PREFIXES: [&str; 8] = ["n", "µ", "m", "", "k", "M", "G", "T"];
const FIRST_EXPONENT: i32 = -9;

/// Formats a number with three significant digits and a unit prefix, e.g. `1.82 ms`. Without a unit
/// only the prefix follows: `11.4 M`.
pub(super) fn si(value: f64, unit: &str) -> String {
    // Past all prefixes by far, where powers of ten run over.
    if !value.is_finite() || value != 0.0 && !(1e-30..1e30).contains(&value.abs()) {
        return format!("{value:e} {unit}").trim_end().to_string();
    }
    if value == 0.0 {
        return format!("{value} {unit}").trim_end().to_string();
    }
    // Rounding comes first, so that 999.9 becomes 1.00 k and not 1000.
    let exponent = value.abs().log10().floor() as i32;
    let step = 10f64.powi(exponent - 2);
    let rounded = (value / step).round() * step;
    let exponent = (rounded.abs() * (1.0 + 1e-12)).log10().floor() as i32;
    let index = (exponent - FIRST_EXPONENT).div_euclid(3).clamp(0, PREFIXES.len() as i32 - 1);
    let scale = FIRST_EXPONENT + 3 * index;
    let decimals = (2 - (exponent - scale)).clamp(0, 6) as usize;
    format!("{:.decimals$} {}{unit}", rounded / 10f64.powi(scale), PREFIXES[index as usize])
        .trim_end()
        .to_string()
}

/// Formats an exact count with commas: `65,074`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a share (0..1) of `of` things in per cent, with the digits that this number of things
/// can distinguish.
pub(super) fn percent_of(share: f64, of: usize) -> String {
    let decimals = if of >= 5_000 { 2 } else { 1 };
    format!("{:.decimals$} %", share * 100.0)
}

/// Formats a share (0..1) in per cent with one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Formats the date of a Unix time, in UTC.
pub(super) fn date(unix_s: f64) -> String {
    // Howard Hinnant's civil_from_days: years begin in March, so that leap days come last.
    // Years of four digits and more mean nothing.
    let days = (unix_s.clamp(-1e11, 1e12) / 86_400.0).floor() as i64 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn si_keeps_three_digits_and_carries() {
        for (value, unit, text) in [
            (0.000_182, "s", "182 µs"),
            (0.001_823_4, "s", "1.82 ms"),
            (0.000_999_9, "s", "1.00 ms"),
            (12.0, "J", "12.0 J"),
            (11_437_056.0, "", "11.4 M"),
            (999_600.0, "", "1.00 M"),
            (1000.0, "", "1.00 k"),
            (1e-12, "s", "0.00100 ns"),
            (0.0, "J", "0 J"),
            (-0.5, "W", "-500 mW"),
            (1e-320, "s", "1e-320 s"),
            (-1.5e308, "", "-1.5e308"),
            (f64::INFINITY, "s", "inf s"),
            (1e18, "", "1000000 T"),
        ] {
            assert_eq!(si(value, unit), text);
        }
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(
            [0, 999, 1_000, 65_074, 8_355_586].map(count),
            ["0", "999", "1,000", "65,074", "8,355,586"]
        );
    }

    #[test]
    fn per_cent_has_the_digits_that_the_images_allow() {
        assert_eq!(percent_of(0.972_144, 359), "97.2 %");
        assert_eq!(percent_of(0.992_9, 10_000), "99.29 %");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0.0), "1970-01-01");
        assert_eq!(date(951_782_400.0), "2000-02-29");
        assert_eq!(date(1_735_689_599.0), "2024-12-31");
        for strange in [f64::MAX, f64::MIN, f64::INFINITY, f64::NAN] {
            assert!(date(strange).len() < 12, "{}", date(strange));
        }
    }
}
