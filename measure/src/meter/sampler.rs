//! The energy of a meter that shows power: a thread samples the power at short intervals and
//! integrates it over time.

use super::counter::Counter;
use super::power::{MAX_GAP_S, NOISE_W};
use crate::reason::Reason;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, thread};

/// Time between two samples. A window of the full protocol, 10 s, has 100 of them.
const PERIOD: Duration = Duration::from_millis(100);
/// The energy is counted in microjoules.
const UNIT_J: f64 = 1e-6;

/// A function that reads the power in watts, or returns why it cannot.
pub(crate) type PowerReader = Box<dyn FnMut() -> Result<f64, Reason> + Send>;

/// A power meter with the energy since its start.
pub(crate) struct Sampler {
    counters: [Counter; 1],
    tick_s: f64,
    start: Instant,
    integral: Arc<Mutex<Integral>>,
    /// Ends the thread when it is dropped.
    _stop: Sender<()>,
}

impl Sampler {
    /// Takes the first sample, and starts a thread that takes the others. `tick_s` is the time
    /// between two updates of the meter.
    ///
    /// # Errors
    /// Returns why the meter cannot be read.
    pub(crate) fn start(name: String, tick_s: f64, power: PowerReader) -> Result<Sampler, Reason> {
        let start = Instant::now();
        let mut integral = Integral::new(power);
        integral.sample(|| 0.0)?;
        let integral = Arc::new(Mutex::new(integral));
        let (stop, stopped) = channel();
        let shared = Arc::clone(&integral);
        thread::spawn(move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                // An error is kept, and returned by the next reading.
                let _ = lock(&shared).sample(|| start.elapsed().as_secs_f64());
            }
        });
        let counter = Counter { name, unit_j: UNIT_J, range: None };
        Ok(Sampler {
            counters: [counter],
            tick_s: tick_s.max(PERIOD.as_secs_f64()),
            start,
            integral,
            _stop: stop,
        })
    }

    /// Returns the energy as a counter.
    pub(crate) fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// Returns the time between two updates, in seconds.
    pub(crate) fn tick_s(&self) -> f64 {
        self.tick_s
    }

    /// Takes a sample and returns the energy since the start, in microjoules.
    ///
    /// # Errors
    /// Returns why the meter could not be read, now or at any time before.
    pub(crate) fn read(&self) -> Result<Vec<u64>, Reason> {
        let joules = lock(&self.integral).sample(|| self.start.elapsed().as_secs_f64())?;
        Ok(vec![(joules / UNIT_J) as u64])
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").field("counters", &self.counters).finish_non_exhaustive()
    }
}

fn lock(integral: &Mutex<Integral>) -> MutexGuard<'_, Integral> {
    integral.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The integral of power over time, by the trapezoidal rule.
struct Integral {
    power: PowerReader,
    /// Time in seconds and power in watts of the last sample.
    last: Option<(f64, f64)>,
    joules: Result<f64, Reason>,
}

impl Integral {
    fn new(power: PowerReader) -> Integral {
        Integral { power, last: None, joules: Ok(0.0) }
    }

    /// Takes a sample; `now` is called immediately after it.
    fn sample(&mut self, now: impl FnOnce() -> f64) -> Result<f64, Reason> {
        let before = self.joules.clone()?;
        let next = (self.power)().and_then(|watts| self.add(before, now(), watts));
        self.joules = next;
        self.joules.clone()
    }

    fn add(&mut self, joules: f64, at_s: f64, watts: f64) -> Result<f64, Reason> {
        if !(watts.is_finite() && watts >= -NOISE_W) {
            return Err(format!("the meter shows {watts} W; is it the wrong way round?").into());
        }
        let Some((last_s, last_w)) = self.last.replace((at_s, watts)) else { return Ok(joules) };
        let time_s = at_s - last_s;
        if time_s > MAX_GAP_S {
            return Err(format!(
                "the meter gave nothing for {time_s:.1} s, in which power may have been anything"
            )
            .into());
        }
        Ok(joules + time_s * (last_w + watts) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integral_of(samples: &[(f64, f64)]) -> Result<f64, Reason> {
        let mut watts = samples.iter().map(|(_, watts)| *watts).collect::<Vec<_>>().into_iter();
        let mut integral = Integral::new(Box::new(move || Ok(watts.next().unwrap())));
        samples.iter().map(|(at_s, _)| integral.sample(|| *at_s)).last().unwrap()
    }

    #[test]
    fn power_is_integrated_over_uneven_times() {
        assert_eq!(integral_of(&[(0.0, 3.0)]), Ok(0.0));
        assert_eq!(integral_of(&[(0.0, 3.0), (0.5, 3.0), (2.0, 3.0)]), Ok(6.0));
        // A ramp from 0 to 4 W over 2 s is 4 J, wherever it is sampled.
        assert_eq!(integral_of(&[(0.0, 0.0), (0.25, 0.5), (1.5, 3.0), (2.0, 4.0)]), Ok(4.0));
    }

    /// Leaving it out would make a mean near zero too high.
    #[test]
    fn noise_below_zero_is_integrated() {
        let joules = integral_of(&[(0.0, -0.01), (1.0, -0.01), (2.0, 0.01), (3.0, 1.01)]).unwrap();
        assert!((joules - 0.5).abs() < 1e-12, "{joules}");
    }

    #[test]
    fn an_error_is_permanent() {
        assert!(
            integral_of(&[(0.0, 3.0), (0.5, -0.1)]).unwrap_err().to_string().contains("-0.1 W")
        );
        assert!(
            integral_of(&[(0.0, 3.0), (0.5, f64::NAN)]).unwrap_err().to_string().contains("NaN W")
        );
        assert!(
            integral_of(&[(0.0, 3.0), (2.5, 3.0), (2.6, 3.0)])
                .unwrap_err()
                .to_string()
                .contains("nothing for 2.5 s")
        );
        let mut answers = vec![Ok(1.0), Err("gone".into()), Ok(1.0)].into_iter();
        let mut integral = Integral::new(Box::new(move || answers.next().unwrap()));
        assert_eq!(integral.sample(|| 0.0), Ok(0.0));
        assert_eq!(integral.sample(|| 0.1), Err("gone".into()));
        assert_eq!(
            integral.sample(|| 0.2),
            Err("gone".into()),
            "a missed sample cannot be recovered"
        );
    }

    #[test]
    fn the_thread_ends_with_the_sampler() {
        let (taken, samples) = channel();
        let power = move || taken.send(()).map(|()| 2.0).map_err(|error| error.to_string().into());
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
