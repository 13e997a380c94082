//! The channels of power sensors, and their names.
//!
//! A channel `K` has `powerK_input` in microwatts, or the mean `powerK_average`, or, if the chip
//! computes no power, `inK_input` in millivolts and `currK_input` in milliamperes.

use crate::board_files::BoardFiles;
use crate::meter::power::MAX_W;
use crate::reason::Reason;
use std::path::PathBuf;

/// Time over which a chip averages, in seconds, if the chip does not tell it.
const AVERAGE_S: f64 = 1.0;
/// Ends of the names of files with a power.
pub(super) const INPUT: &str = "input";
pub(super) const AVERAGE: &str = "average";
/// Microwatts that encode an unknown power.
const UNKNOWN: [i64; 2] = [i32::MAX as i64, u32::MAX as i64];

/// A rail of a board whose power can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) chip: String,
    /// Label of the rail, if it has one.
    pub(super) label: Option<String>,
    /// Names of the chip: its address on the bus, which is permanent, if it is known, and its
    /// folder, which may change at the next start.
    pub(super) places: Vec<String>,
    /// Names of the channel on the chip: `power1`, or `in1` and `curr1`.
    pub(super) stems: Vec<String>,
    /// Files whose product is the power in microwatts.
    pub(super) files: Vec<PathBuf>,
    /// File with the time between two updates, in milliseconds.
    pub(super) interval_file: PathBuf,
    /// Whether the power is a mean over that time.
    pub(super) average: bool,
}

impl Channel {
    /// Returns whether a board's file means this channel by a chip and a rail, or by a chip alone.
    pub(super) fn matches(&self, chip: &str, rail: Option<&str>) -> bool {
        let Some(rail) = rail else { return self.chip == chip };
        let within = rail.strip_prefix(&self.chip).and_then(|rest| rest.strip_prefix('/'));
        self.chip == chip && self.names().any(|name| name == rail)
            || within.is_some_and(|rail| self.names().any(|name| name == rail))
    }

    /// Returns whether `rail` is this channel's label and the other one is a labelled channel of
    /// the same chip.
    pub(super) fn is_beside(&self, rail: &str, other: &Channel) -> bool {
        let both = self.label.as_deref() == Some(rail) && other.label.is_some();
        both && self.places == other.places && self != other
    }

    /// Returns all names of the channel among the channels of its chip, the best first.
    fn names(&self) -> impl Iterator<Item = String> {
        let of_place = |own: &[String]| -> Vec<String> {
            self.places
                .iter()
                .flat_map(|place| own.iter().map(move |own| format!("{place}/{own}")))
                .collect()
        };
        let label: Vec<String> = self.label.iter().cloned().collect();
        let names = [
            label.clone(),
            self.places.clone(),
            of_place(&label),
            self.stems.clone(),
            of_place(&self.stems),
        ];
        names.into_iter().flatten()
    }

    /// Returns the best name that no other channel of its chip has.
    pub(super) fn rail(&self, all: &[Channel]) -> String {
        let is_own = |name: &String| {
            all.iter().filter(|channel| channel.matches(&self.chip, Some(name))).count() == 1
        };
        self.names().find(is_own).unwrap_or_default()
    }

    /// Returns the chip and the rail, or the chip alone if it has one channel and no label.
    pub(super) fn name(&self, all: &[Channel]) -> String {
        let alone = self.label.is_none()
            && all.iter().filter(|channel| channel.matches(&self.chip, None)).count() == 1;
        if alone { self.chip.clone() } else { format!("{} {}", self.chip, self.rail(all)) }
    }

    /// Returns the time between two updates, in seconds; 0 if it is not known.
    pub(super) fn tick_s(&self, board: &BoardFiles) -> f64 {
        let milliseconds =
            board.numbers::<u32>(std::slice::from_ref(&self.interval_file)).map_or(0, |ms| ms[0]);
        match (milliseconds, self.average) {
            (0, true) => AVERAGE_S,
            (milliseconds, _) => f64::from(milliseconds) * 1e-3,
        }
    }
}

/// Reads the sum of the powers of some channels, in watts.
///
/// # Errors
/// Returns which file cannot be read, or holds something other than a power.
pub(super) fn watts(board: &BoardFiles, channels: &[Channel]) -> Result<f64, Reason> {
    let files: Vec<PathBuf> = channels.iter().flat_map(|channel| channel.files.clone()).collect();
    let numbers = board.numbers::<i64>(&files)?;
    let (mut left, mut sum) = (&numbers[..], 0.0);
    for channel in channels {
        let (own, others) = left.split_at(channel.files.len());
        // Milliwatts are millivolts times milliamperes / 1000, so both are in microwatts here.
        let watts = own.iter().map(|number| *number as f64).product::<f64>() * 1e-6;
        if watts.abs() > MAX_W || matches!(own, [power] if UNKNOWN.contains(power)) {
            return Err(format!(
                "{}: it shows {}, which stands for an unknown power",
                channel.files[0].display(),
                own[0]
            )
            .into());
        }
        (left, sum) = (others, sum + watts);
    }
    Ok(sum)
}
