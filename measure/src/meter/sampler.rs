//! A meter that shows power, not energy: a thread reads it at short intervals and sums it up over
//! time.

use crate::meter::NOISE_W;
use crate::meter::counter::Counter;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two samples. A window of the full protocol, 10 s, has 100 of them.
pub(crate) const EVERY: Duration = Duration::from_millis(100);
/// Between samples further apart than this, power may have been anything.
const LONGEST_GAP_S: f64 = 2.0;
/// The sum is kept in microjoules.
const UNIT_J: f64 = 1e-6;

/// Reads power in watts, or says why it cannot.
pub(crate) type Power = Box<dyn FnMut() -> Result<f64, String> + Send>;

/// A power meter with its sum so far.
pub(crate) struct Sampler {
    counters: [Counter; 1],
    tick_s: f64,
    start: Instant,
    sum: Arc<Mutex<Sum>>,
    /// Dropped, it ends the thread.
    _stop: Sender<()>,
}

impl Sampler {
    /// Reads the meter once and goes on in a thread. `tick_s` is how often the meter itself has a
    /// new value.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn start(name: String, tick_s: f64, power: Power) -> Result<Sampler, String> {
        let start = Instant::now();
        let mut sum = Sum::new(power);
        sum.sample(|| 0.0)?;
        let sum = Arc::new(Mutex::new(sum));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&sum);
        thread::spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                // What goes wrong is kept for the next who asks.
                let _ = lock(&shared).sample(|| start.elapsed().as_secs_f64());
            }
        });
        let counter = Counter { name, unit_j: UNIT_J, range: None };
        Ok(Sampler {
            counters: [counter],
            tick_s: tick_s.max(EVERY.as_secs_f64()),
            start,
            sum,
            _stop: stop,
        })
    }

    /// The sum as a counter.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Time between two new values, in seconds.
    pub(crate) fn tick_s(&self) -> f64 {
        self.tick_s
    }

    /// The sum until now, in microjoules.
    ///
    /// # Errors
    /// Why it is not known, now or at any time before.
    pub(crate) fn read(&self) -> Result<Vec<u64>, String> {
        let joules = lock(&self.sum).sample(|| self.start.elapsed().as_secs_f64())?;
        Ok(vec![(joules / UNIT_J) as u64])
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").field("counters", &self.counters).finish_non_exhaustive()
    }
}

fn lock(sum: &Mutex<Sum>) -> MutexGuard<'_, Sum> {
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Energy so far, by the trapezoidal rule.
struct Sum {
    power: Power,
    /// When the last sample was taken, and what it was.
    last: Option<(f64, f64)>,
    joules: Result<f64, String>,
}

impl Sum {
    fn new(power: Power) -> Sum {
        Sum { power, last: None, joules: Ok(0.0) }
    }

    /// Takes a sample; `now` is asked right after it.
    fn sample(&mut self, now: impl FnOnce() -> f64) -> Result<f64, String> {
        let before = self.joules.clone()?;
        let next = (self.power)().and_then(|watts| self.add(before, now(), watts));
        self.joules = next;
        self.joules.clone()
    }

    fn add(&mut self, joules: f64, at_s: f64, watts: f64) -> Result<f64, String> {
        if !(watts.is_finite() && watts >= -NOISE_W) {
            return Err(format!("the meter shows {watts} W; is it the wrong way round?"));
        }
        let Some((last_s, last_w)) = self.last.replace((at_s, watts)) else { return Ok(joules) };
        let time_s = at_s - last_s;
        if time_s > LONGEST_GAP_S {
            return Err(format!(
                "the meter gave nothing for {time_s:.1} s, in which power may have been anything"
            ));
        }
        Ok(joules + time_s * (last_w + watts) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(samples: &[(f64, f64)]) -> Result<f64, String> {
        let mut watts = samples.iter().map(|(_, watts)| *watts).collect::<Vec<_>>().into_iter();
        let mut sum = Sum::new(Box::new(move || Ok(watts.next().unwrap())));
        samples.iter().map(|(at_s, _)| sum.sample(|| *at_s)).last().unwrap()
    }

    #[test]
    fn power_is_summed_over_uneven_times() {
        assert_eq!(sum_of(&[(0.0, 3.0)]), Ok(0.0));
        assert_eq!(sum_of(&[(0.0, 3.0), (0.5, 3.0), (2.0, 3.0)]), Ok(6.0));
        // A ramp from 0 to 4 W over 2 s is 4 J, wherever it is sampled.
        assert_eq!(sum_of(&[(0.0, 0.0), (0.25, 0.5), (1.5, 3.0), (2.0, 4.0)]), Ok(4.0));
    }

    /// Without it, a mean near zero would be too high.
    #[test]
    fn noise_below_zero_is_a_sample_like_any_other() {
        let joules = sum_of(&[(0.0, -0.01), (1.0, -0.01), (2.0, 0.01), (3.0, 1.01)]).unwrap();
        assert!((joules - 0.5).abs() < 1e-12, "{joules}");
    }

    #[test]
    fn what_cannot_be_power_is_an_error_for_good() {
        assert!(sum_of(&[(0.0, 3.0), (0.5, -0.1)]).unwrap_err().contains("-0.1 W"));
        assert!(sum_of(&[(0.0, 3.0), (0.5, f64::NAN)]).unwrap_err().contains("NaN W"));
        assert!(
            sum_of(&[(0.0, 3.0), (2.5, 3.0), (2.6, 3.0)])
                .unwrap_err()
                .contains("nothing for 2.5 s")
        );
        let mut answers = vec![Ok(1.0), Err("gone".to_string()), Ok(1.0)].into_iter();
        let mut sum = Sum::new(Box::new(move || answers.next().unwrap()));
        assert_eq!(sum.sample(|| 0.0), Ok(0.0));
        assert_eq!(sum.sample(|| 0.1), Err("gone".into()));
        assert_eq!(sum.sample(|| 0.2), Err("gone".into()), "what was missed cannot be made up for");
    }

    #[test]
    fn a_thread_samples_meanwhile_and_ends_with_the_meter() {
        let (taken, samples) = channel();
        let power = move || taken.send(()).map(|()| 2.0).map_err(|error| error.to_string());
        let sampler = Sampler::start("x".into(), 0.001, Box::new(power)).unwrap();
        assert_eq!(sampler.tick_s(), 0.1);
        for _ in 0..3 {
            samples.recv_timeout(Duration::from_secs(60)).expect("a sample");
        }
        assert!(sampler.read().unwrap()[0] > 0);
        drop(sampler);
        while samples.recv_timeout(Duration::from_secs(60)) == Ok(()) {}
        assert_eq!(
            samples.recv_timeout(Duration::from_secs(60)),
            Err(RecvTimeoutError::Disconnected)
        );
    }
}
