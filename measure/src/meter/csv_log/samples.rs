//! The samples of a log.

/// The power at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PowerSample {
    /// Time in seconds.
    pub(super) at_s: f64,
    /// Power in watts.
    pub(super) watts: f64,
}

/// A line that is not a sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unusable {
    /// Number of the line, from 1.
    pub(super) line: usize,
    /// Time of the line, or of the sample before it.
    pub(super) at_s: f64,
    /// Description of the fault.
    pub(super) why: String,
}

impl Unusable {
    /// Returns the line and its fault.
    pub(super) fn reason(&self) -> String {
        format!("line {}: {}", self.line, self.why)
    }
}

/// The content of a log.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PowerSamples {
    /// Samples in order of time, those of one time as their mean; only those after the last line at
    /// which times went back.
    pub(super) samples: Vec<PowerSample>,
    /// Unusable lines, in order.
    pub(super) unusable: Vec<Unusable>,
    /// Last line at which times went back, and the time up to which there are two series of
    /// samples.
    pub(super) back: Option<(usize, f64)>,
    /// Whether several samples have one time.
    pub(super) repeated: bool,
}

impl PowerSamples {
    /// Returns the same samples with times in seconds since `started_s`, the clock of intervals.
    pub(super) fn since(mut self, started_s: f64) -> PowerSamples {
        self.samples.iter_mut().for_each(|sample| sample.at_s -= started_s);
        self.unusable.iter_mut().for_each(|unusable| unusable.at_s -= started_s);
        self.back.iter_mut().for_each(|(_, until_s)| *until_s -= started_s);
        self
    }
}
