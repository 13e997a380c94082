//! Durations in words.

use indicatif::HumanDuration;
use std::time::Duration;

/// Returns a duration in words, such as "about 4 minutes", to the precision of a forecast.
pub fn about(duration: Duration) -> String {
    format!("about {}", in_words(duration))
}

/// Returns a duration in words, such as "4 minutes".
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let step = if seconds < 10.0 { 1.0 } else { 10.0 };
    let rounded = Duration::from_secs_f64((seconds / step).round().max(1.0 / step) * step);
    HumanDuration(rounded).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded() {
        let words = |seconds: f64| about(Duration::from_secs_f64(seconds));
        assert_eq!(words(0.2), "about 1 second");
        assert_eq!(words(3.4), "about 3 seconds");
        assert_eq!(words(47.0), "about 50 seconds");
        assert_eq!(words(240.0), "about 4 minutes");
        assert_eq!(words(8_000.0), "about 2 hours");
    }
}
