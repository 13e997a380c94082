//! What is left to do about energy after a crate has run.

use crate::energy;
use crate::meter::ask::{self, Answers, Begun, Ran};
use crate::meter::counter::Interval;
use crate::meter::csv::Log;
use crate::meter::{Means, Source};
use crate::session::MeasuredWindow;
use anyhow::{Result, ensure};
use common::manual::ManualReading;
use common::measurement::{Energy, EnergyStatus};

/// Where energy comes from once the windows are over.
#[derive(Debug)]
pub(crate) enum After {
    /// Counters were read on the way.
    Counted,
    /// Somebody else's log is read.
    Logged(Log),
    /// It was read from a display.
    Typed(ManualReading),
    /// Whoever reads a display is asked.
    Asked(Begun),
    /// There is none, and why.
    Nothing(String),
}

/// Why there is no energy from a meter that nobody reads.
const NOTHING_TYPED: &str = "nobody typed what the board's meter shows";

impl After {
    /// A meter to read on the way, if there is one, and what is left to do then.
    ///
    /// # Errors
    /// Those of [`Answers::ask`].
    pub(crate) fn of(means: Means, answers: &mut dyn Answers) -> Result<(Option<Source>, After)> {
        Ok(match means {
            Means::Read(source) => (Some(source), After::Counted),
            Means::Logged(log) => (None, After::Logged(log)),
            Means::Typed(reading) => (None, After::Typed(reading)),
            Means::Asked => {
                let begun = ask::before(answers)?;
                (
                    None,
                    begun.map_or_else(|| After::Nothing(NOTHING_TYPED.to_string()), After::Asked),
                )
            }
            Means::Nowhere(reason) => (None, After::Nothing(reason)),
        })
    }

    /// Whether anything is read while the board is idle.
    pub(crate) fn needs_idle(&self) -> bool {
        match self {
            After::Counted | After::Logged(_) => true,
            After::Typed(_) | After::Asked(_) | After::Nothing(_) => false,
        }
    }

    /// That what was read by hand was read while this very binary ran, if it says so.
    ///
    /// # Errors
    /// It was not.
    pub(crate) fn check_binary(&self, binary_sha256: &str) -> Result<()> {
        match self {
            After::Typed(ManualReading { binary_sha256: Some(read), name, .. }) => {
                ensure!(
                    read == binary_sha256,
                    "--manual-json: it was read while the binary {read} of {name} ran, and says nothing about \
                     {binary_sha256}"
                );
                Ok(())
            }
            After::Typed(_)
            | After::Counted
            | After::Logged(_)
            | After::Asked(_)
            | After::Nothing(_) => Ok(()),
        }
    }

    /// Asks what is still to be asked, now that a crate has run.
    ///
    /// # Errors
    /// Those of [`Answers::ask`].
    pub(crate) fn answered(self, answers: &mut dyn Answers, ran: Ran) -> Result<After> {
        match self {
            After::Asked(begun) => {
                let reading = ask::after(answers, begun, ran)?;
                Ok(reading.map_or_else(|| After::Nothing(NOTHING_TYPED.to_string()), After::Typed))
            }
            After::Counted | After::Logged(_) | After::Typed(_) | After::Nothing(_) => Ok(self),
        }
    }

    /// The energy of one inference; windows whose power was read by hand get their joules.
    pub(crate) fn energy(
        &self,
        meter: String,
        idle: [&Option<Interval>; 2],
        windows: &mut [MeasuredWindow],
    ) -> Energy {
        match self {
            After::Counted | After::Logged(_) => {
                energy::per_inference(meter, idle[0].as_ref(), idle[1].as_ref(), windows)
            }
            After::Typed(reading) => {
                let energy = energy::manual(meter, reading, windows);
                if energy.status == EnergyStatus::Measured {
                    windows.iter_mut().for_each(|w| {
                        w.interval.energy = Ok(Some((reading.load_w * w.seconds, 0)))
                    });
                }
                energy
            }
            After::Asked(_) => {
                Energy::without_numbers(EnergyStatus::Unavailable, meter, NOTHING_TYPED.to_string())
            }
            After::Nothing(reason) => {
                Energy::without_numbers(EnergyStatus::Unavailable, meter, reason.clone())
            }
        }
    }
}
