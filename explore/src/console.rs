//! Messages on stderr.

use indicatif::HumanDuration;
use std::io::Write;
use std::time::Duration;

/// Writes one line to stderr. If stderr is closed, nobody reads it, and the run goes on.
pub(crate) fn log_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Returns in words the time that the remaining work takes at the speed so far.
pub(crate) fn time_left(elapsed: Duration, done: f64, left: f64) -> String {
    let left = remaining(elapsed, done, left);
    left.map_or("time left unknown".to_string(), |left| format!("{} left", HumanDuration(left)))
}

fn remaining(elapsed: Duration, done: f64, left: f64) -> Option<Duration> {
    (done > 0.0).then(|| elapsed.mul_f64(left.max(0.0) / done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_is_extrapolated_from_the_trainings_so_far() {
        assert_eq!(remaining(Duration::from_secs(30), 3.0, 5.0), Some(Duration::from_secs(50)));
        assert_eq!(remaining(Duration::from_secs(30), 3.0, 0.0), Some(Duration::ZERO));
        assert_eq!(remaining(Duration::from_secs(1), 0.0, 5.0), None);
    }
}
