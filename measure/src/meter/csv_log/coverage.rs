//! The energy of an interval from the samples of a log, if they cover it.

use super::clock;
use super::samples::{PowerSample, PowerSamples};
use crate::meter::power::MAX_GAP_S;
use crate::reason::Reason;
use std::ops::RangeInclusive;

/// Largest share of unusable lines at which the usable ones are trusted.
const MAX_UNUSABLE: f64 = 0.1;

/// Checks that a log ends at about the present time.
///
/// # Errors
/// Returns what its last time is, or at which line its times went back.
pub(super) fn check_end(log: &PowerSamples, now_s: f64) -> Result<(), Reason> {
    let Some(last) = log.samples.last() else { return Ok(()) };
    if let Some((line, until_s)) = log.back.filter(|(_, until_s)| *until_s > last.at_s) {
        return Err(went_back(line, until_s).into());
    }
    let unusable = log.unusable.last().filter(|unusable| unusable.at_s >= last.at_s);
    let unusable =
        unusable.map_or_else(String::new, |unusable| format!(" ({})", unusable.reason()));
    clock::check(last.at_s, now_s).map_err(|reason| format!("{reason}{unusable}").into())
}

fn went_back(line: usize, until_s: f64) -> String {
    format!(
        "line {line}: its time is not after that of the line before; was the logger's clock set? \
         There are two series of times up to {until_s:.3}"
    )
}

/// Returns the range of the samples between two times, with one before and one after them. The
/// times count from `started_s`, in Unix time; `now_s` is the present Unix time.
///
/// # Errors
/// Returns why the samples do not cover the time.
pub(super) fn covering(
    log: &PowerSamples,
    [t0_s, t1_s]: [f64; 2],
    [started_s, now_s]: [f64; 2],
) -> Result<RangeInclusive<usize>, Reason> {
    let samples = &log.samples;
    if let Some((line, until_s)) = log.back.filter(|(_, until_s)| *until_s >= t0_s) {
        return Err(went_back(line, until_s + started_s).into());
    }
    let first = samples.iter().rposition(|sample| sample.at_s <= t0_s);
    let last = samples.iter().position(|sample| sample.at_s >= t1_s);
    let Some((first, last)) = first.zip(last) else {
        let times = [t0_s + started_s, t1_s + started_s];
        return Err(uncovered(log, times, [started_s, now_s]).into());
    };
    let within = samples[first].at_s..=samples[last].at_s;
    let mut unusable = log.unusable.iter().filter(|unusable| within.contains(&unusable.at_s));
    let count = unusable.clone().count();
    if let Some(unusable) =
        unusable.next().filter(|_| count > 1 && count as f64 > MAX_UNUSABLE * (last - first) as f64)
    {
        return Err(format!(
            "{count} lines of the power log in that time are not samples, such as {}",
            unusable.reason()
        )
        .into());
    }
    let gaps = samples[first..=last].windows(2).map(|pair| pair[1].at_s - pair[0].at_s);
    match gaps.fold(0.0, f64::max) {
        gap_s if gap_s > MAX_GAP_S => Err(format!(
            "the power log has no sample for {gap_s:.1} s, and needs one every {MAX_GAP_S} s{}",
            too_few_digits(log)
        )
        .into()),
        _ => Ok(first..=last),
    }
}

/// Describes the times that a log covers and one that it does not; all in Unix time.
fn uncovered(log: &PowerSamples, [t0_s, t1_s]: [f64; 2], [started_s, now_s]: [f64; 2]) -> String {
    let wanted = format!("the power log does not cover that time, {t0_s:.3} to {t1_s:.3}");
    let Some((first, last)) = log.samples.first().zip(log.samples.last()) else {
        return format!("{wanted}, for it has no samples");
    };
    let [first_s, last_s] = [first, last].map(|sample| sample.at_s + started_s);
    let why = match clock::check(last_s, now_s) {
        Err(_) => clock::guess(last_s, now_s),
        Ok(()) if last_s < t1_s => "does the logger run, and write at once?".to_string(),
        Ok(()) => "start the logger first".to_string(),
    };
    format!("{wanted}, but {first_s:.3} to {last_s:.3}; {why}{}", too_few_digits(log))
}

fn too_few_digits(log: &PowerSamples) -> &'static str {
    if log.repeated {
        " (several samples have one time: have its times too few digits?)"
    } else {
        ""
    }
}

/// Integrates the power between two times by the trapezoidal rule, in joules. At both times, power
/// is interpolated.
///
/// # Errors
/// Fails if the energy is not above 0; the reason says what is wrong with the log.
pub(super) fn energy(samples: &[PowerSample], [t0_s, t1_s]: [f64; 2]) -> Result<f64, Reason> {
    let mut joules = 0.0;
    for pair in samples.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let watts = |at_s: f64| a.watts + (b.watts - a.watts) * (at_s - a.at_s) / (b.at_s - a.at_s);
        let (from_s, to_s) = (a.at_s.max(t0_s), b.at_s.min(t1_s));
        joules += (to_s - from_s) * (watts(from_s) + watts(to_s)) / 2.0;
    }
    if joules > 0.0 {
        Ok(joules)
    } else if samples.iter().all(|sample| sample.watts == 0.0) {
        Err("the power log has only zeros for that time".into())
    } else {
        Err("the power log is below zero for that time; is the sensor the wrong way round?".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::csv_log::parse::parse;

    fn sample(at_s: f64, watts: f64) -> PowerSample {
        PowerSample { at_s, watts }
    }

    /// The energy of a log of these samples, read 1 s after the interval.
    fn energy(samples: &[PowerSample], times: [f64; 2]) -> Result<f64, Reason> {
        energy_of(&PowerSamples { samples: samples.to_vec(), ..PowerSamples::default() }, times)
    }

    fn energy_of(log: &PowerSamples, times: [f64; 2]) -> Result<f64, Reason> {
        let now_s = NOW + times[1] + 1.0;
        covering(log, times, [NOW, now_s])
            .and_then(|range| super::energy(&log.samples[range], times))
    }

    /// A log whose times are seconds after the measurement's start.
    fn log(text: &str) -> PowerSamples {
        parse(text.as_bytes()).unwrap()
    }

    const NOW: f64 = 1_795_912_850.0;

    #[test]
    fn energy_between_samples_is_interpolated() {
        let ramp: Vec<PowerSample> =
            (0..=8).map(|i| sample(f64::from(i) * 0.5, f64::from(i))).collect();
        // Power is 2t: its integral from 0.75 to 3.25 is 3.25^2 - 0.75^2.
        let joules = energy(&ramp, [0.75, 3.25]).unwrap();
        assert!((joules - 10.0).abs() < 1e-12, "{joules}");
        assert_eq!(energy(&ramp, [0.0, 4.0]), Ok(16.0));
        // Within one pair of samples.
        assert!((energy(&ramp, [0.6, 0.9]).unwrap() - 0.45).abs() < 1e-12);
    }

    #[test]
    fn time_without_samples_has_no_energy() {
        let log = [sample(0.0, 2.0), sample(1.0, 2.0), sample(3.5, 2.0), sample(4.0, 2.0)];
        assert_eq!(energy(&log, [0.0, 1.0]), Ok(2.0));
        assert!(energy(&log, [0.5, 3.6]).unwrap_err().to_string().contains("no sample for 2.5 s"));
        for outside in [[-0.1, 1.0], [3.6, 4.1]] {
            assert!(energy(&log, outside).unwrap_err().to_string().contains("does not cover"));
        }
        assert!(
            energy(&[sample(0.0, 0.0), sample(1.0, 0.0)], [0.0, 1.0])
                .unwrap_err()
                .to_string()
                .contains("only zeros")
        );
        assert!(energy(&[], [0.0, 1.0]).unwrap_err().to_string().contains("has no samples"));
        let noise = [sample(0.0, -1e-4), sample(1.0, -3e-4), sample(2.0, 1e-4)];
        assert!(
            energy(&noise, [0.0, 2.0]).unwrap_err().to_string().contains("the wrong way round?")
        );
    }

    #[test]
    fn a_time_that_is_not_covered_is_shown_with_the_covered_time() {
        let covers = |first_s: f64, last_s: f64| {
            let samples = [sample(first_s - NOW, 4.0), sample(last_s - NOW, 4.0)];
            energy(&samples, [10.0, 20.0]).unwrap_err().to_string()
        };
        let reason = covers(NOW * 1e3, (NOW + 30.0) * 1e3);
        assert!(
            reason.contains(
                "not cover that time, 1795912860.000 to 1795912870.000, but 1795912850000.000 to"
            ),
            "{reason}"
        );
        assert!(reason.contains("are its times milliseconds?"), "{reason}");
        assert!(
            covers(NOW + 3600.0, NOW + 3630.0)
                .contains("that is 1 h ahead: are its times local time")
        );
        assert!(covers(NOW, NOW + 15.0).contains("does the logger run, and write at once?"));
        assert!(covers(NOW + 15.0, NOW + 21.0).contains("start the logger first"));
        assert!(covers(1.0, 30.0).contains("since the logger was started?"));
    }

    #[test]
    fn unusable_lines_matter_only_within_the_interval() {
        let steady: String = (0..60).map(|i| format!("{},4\n", f64::from(i) / 2.0)).collect();
        let of = |wrong: &str| log(&steady.replace("\n20,4\n20.5,4\n", &format!("\n{wrong}\n")));
        for wrong in ["20,nan\n20.5,4", "20,4\n\"", "-\n20.5,4", "20,-9\n20.5,4"] {
            let log = of(wrong);
            assert_eq!(
                (energy_of(&log, [15.0, 25.0]), log.unusable.len()),
                (Ok(40.0), 1),
                "{wrong}"
            );
        }
        let two = of("20,nan\n20.5,nan");
        assert!(energy_of(&two, [18.0, 22.0]).unwrap_err().to_string().contains(
            "2 lines of the power log in that time are not samples, such as line 41: \"nan\""
        ));
        assert_eq!(energy_of(&two, [5.0, 9.0]), Ok(16.0));
        assert_eq!(energy_of(&two, [5.0, 25.0]), Ok(80.0), "2 of 39");
        let gap = of(&["20,nan"; 5].join("\n"));
        assert!(energy_of(&gap, [5.0, 9.0]).is_ok() && energy_of(&gap, [15.0, 25.0]).is_err());
    }

    #[test]
    fn times_that_go_back_are_two_series() {
        let back = log("0,4\n1,4\n2,4\n3,4\n0.5,4\n1.5,4\n2.5,4\n3.5,4\n4.5,4\n5.5,4\n");
        assert!(
            energy_of(&back, [2.5, 4.0])
                .unwrap_err()
                .to_string()
                .contains("line 5: its time is not after")
        );
        assert_eq!(energy_of(&back, [3.5, 5.0]), Ok(6.0));
        assert!(
            check_end(&log("2,1\n3,1\n2.5,1\n"), 2.5)
                .unwrap_err()
                .to_string()
                .contains("line 3: its time is not after")
        );
        assert!(check_end(&back, 5.5).is_ok());
    }

    #[test]
    fn times_with_too_few_digits_are_reported() {
        let minutes = log("0,4\n0,4\n60,4\n60,4\n120,4\n120,4\n");
        assert!(
            energy_of(&minutes, [10.0, 70.0])
                .unwrap_err()
                .to_string()
                .contains("have its times too few digits?")
        );
        assert!(
            energy_of(&minutes, [70.0, 130.0])
                .unwrap_err()
                .to_string()
                .contains("have its times too few digits?")
        );
    }
}
