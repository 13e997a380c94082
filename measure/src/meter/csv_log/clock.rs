//! Comparison of a logger's clock with this machine's: whether a log ends at about the present
//! time, and if not, what the mistake may be.

use crate::reason::Reason;

/// A logger that has written nothing for this long is not running.
const SILENT_S: f64 = 60.0;
/// A logger whose clock is in step writes no times further ahead than this.
const AHEAD_S: f64 = 2.0;
/// Time zones differ by a multiple of this, and by less than a day.
const ZONES_S: f64 = 900.0;
const DAY_S: f64 = 86_400.0;

/// Checks that a log's last time is about the present time.
///
/// # Errors
/// Returns how far it is from the present, and what the mistake may be.
pub(super) fn check(last_s: f64, now_s: f64) -> Result<(), Reason> {
    if (-SILENT_S..=AHEAD_S).contains(&(last_s - now_s)) {
        return Ok(());
    }
    let (apart_s, way) = ((last_s - now_s).abs(), if last_s > now_s { "before" } else { "after" });
    Err(format!(
        "its last time is {last_s:.3}, and now is {now_s:.3}, {apart_s:.0} s {way} that; {}",
        guess(last_s, now_s)
    )
    .into())
}

/// Returns a question about the likely mistake in times that are far from the present.
pub(super) fn guess(last_s: f64, now_s: f64) -> String {
    let units = [(1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")];
    if let Some((_, unit)) =
        units.into_iter().find(|(scale, _)| (last_s / scale - now_s).abs() < DAY_S)
    {
        return format!("are its times {unit}? unix_s is in seconds");
    }
    let off_s = last_s - now_s;
    let zones = (off_s / ZONES_S).round();
    if zones != 0.0 && (off_s - zones * ZONES_S).abs() < SILENT_S && off_s.abs() < DAY_S {
        let (hours, way) =
            ((zones * ZONES_S / 3600.0).abs(), if zones > 0.0 { "ahead" } else { "behind" });
        return format!("that is {hours} h {way}: are its times local time instead of UTC?");
    }
    if last_s < 1e8 {
        "are its times seconds since the logger was started? unix_s counts from 1970".to_string()
    } else if off_s < 0.0 {
        "does the logger run, and write at once?".to_string()
    } else {
        "is its clock in step with this machine's?".to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_795_912_850.5;

    #[test]
    fn times_of_a_running_logger_pass() {
        for last_s in [NOW, NOW - 10.0, NOW + 1.0] {
            assert_eq!(check(last_s, NOW), Ok(()));
        }
    }

    #[test]
    fn the_mistake_in_wrong_times_is_guessed() {
        for (last_s, guess) in [
            (NOW * 1e3, "are its times milliseconds?"),
            (NOW * 1e6, "are its times microseconds?"),
            (NOW * 1e9, "are its times nanoseconds?"),
            (NOW + 3600.0, "that is 1 h ahead: are its times local time"),
            (NOW - 19_801.0, "that is 5.5 h behind: are its times local time"),
            (31.7, "since the logger was started?"),
            (NOW - 200.0, "does the logger run"),
            (NOW - 3e7, "does the logger run"),
            (NOW + 5.0, "in step with this machine's?"),
        ] {
            let reason = check(last_s, NOW).unwrap_err().to_string();
            assert!(reason.contains(guess), "{last_s}: {reason}");
        }
        let reason = check(NOW + 3600.0, NOW).unwrap_err().to_string();
        assert!(
            reason.starts_with(
                "its last time is 1795916450.500, and now is 1795912850.500, 3600 s before that"
            ),
            "{reason}"
        );
    }
}
