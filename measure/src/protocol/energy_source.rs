//! The source of a board's energy through the course of a measurement.

use super::energy;
use super::windows::MeasuredWindow;
use crate::board_files::BoardFiles;
use crate::host::HostClock;
use crate::meter::prompt::{self, Answers, IdleReading, RunFacts};
use crate::meter::{Counter, CsvLog, Filled, Interval, LiveMeter, MeterInputs};
use crate::reason::Reason;
use anyhow::{Result, ensure};
use common::board::{Board, Meter};
use common::files::json;
use common::measurement::manual_reading::ManualReading;
use common::measurement::{Energy, EnergyStatus};

/// The source of a board's energy, as a state machine: [`open`](Self::open) before the build,
/// [`begin`](Self::begin) before the first idle reading, [`finish`](Self::finish) after the
/// windows, [`fill`](Self::fill) after the last idle reading, [`energy`](Self::energy) at the end.
#[derive(Debug)]
pub(crate) enum EnergySource {
    /// A meter that is read during the measurement.
    Live(LiveMeter),
    /// The log of another program, which is read after the measurement.
    Log(CsvLog),
    /// A reading from a display that is complete.
    Manual(ManualReading),
    /// A person at the terminal, who will be asked for a reading.
    Prompt,
    /// A person at the terminal, who has told the idle power and will be asked for the rest.
    PromptAfter(IdleReading),
    /// No energy, and the reason.
    Unavailable(Reason),
}

/// Reason why there is no energy if the person at the terminal gives no answer.
const NO_ANSWER: &str = "nobody typed what the board's meter shows";

impl EnergySource {
    /// Opens the meter of a board. `files` returns the files of the board, which may be another
    /// machine.
    ///
    /// # Errors
    /// Fails if `files` does, or if one of the inputs cannot be read.
    pub(crate) fn open(
        board: &Board,
        inputs: &MeterInputs,
        files: impl FnOnce() -> Result<BoardFiles>,
    ) -> Result<EnergySource> {
        let unavailable = |reason: &str| EnergySource::Unavailable(reason.into());
        Ok(match board.meter {
            Meter::Rapl => LiveMeter::rapl(files()?, inputs).into(),
            Meter::Nvml => LiveMeter::gpu(board.gpu.unwrap_or(0), inputs).into(),
            Meter::Hwmon => match &board.hwmon {
                Some(wanted) => LiveMeter::hwmon(files()?, inputs, wanted).into(),
                None => unavailable("the board does not say which chip"),
            },
            Meter::Csv => match &inputs.csv_log {
                Some(file) => EnergySource::Log(CsvLog::open(file)?),
                None => {
                    unavailable("the board's meter is a logger: name its file with --meter-csv")
                }
            },
            Meter::Manual => match &inputs.manual_reading {
                Some(file) => EnergySource::Manual(json::read(file)?),
                None if prompt::at_a_terminal() => EnergySource::Prompt,
                None => unavailable(
                    "the board's meter is read by hand: measure on a terminal, to be asked what \
                     it shows, or give that with --manual-json",
                ),
            },
            Meter::None => unavailable("the board's meter is `none`"),
        })
    }

    /// Asks the person at the terminal for the idle power, if the energy is read by hand.
    ///
    /// # Errors
    /// Fails if [`Answers::ask`] fails.
    pub(crate) fn begin(self, answers: &mut dyn Answers) -> Result<EnergySource> {
        match self {
            EnergySource::Prompt => Ok(prompt::ask_before(answers)?
                .map_or_else(EnergySource::no_answer, EnergySource::PromptAfter)),
            EnergySource::Live(_)
            | EnergySource::Log(_)
            | EnergySource::Manual(_)
            | EnergySource::PromptAfter(_)
            | EnergySource::Unavailable(_) => Ok(self),
        }
    }

    /// Checks that a reading by hand is from a run of this binary, if the reading names one.
    ///
    /// # Errors
    /// Fails if the reading is from the run of another binary.
    pub(crate) fn check_binary(&self, binary_sha256: &str) -> Result<()> {
        let EnergySource::Manual(ManualReading { binary_sha256: Some(read), name, .. }) = self
        else {
            return Ok(());
        };
        ensure!(
            read == binary_sha256,
            "--manual-json: it was read while the binary {read} of {name} ran, and says nothing \
             about {binary_sha256}"
        );
        Ok(())
    }

    /// Returns whether the source needs intervals in which the board is idle.
    pub(crate) fn needs_idle(&self) -> bool {
        match self {
            EnergySource::Live(_) | EnergySource::Log(_) => true,
            EnergySource::Manual(_)
            | EnergySource::Prompt
            | EnergySource::PromptAfter(_)
            | EnergySource::Unavailable(_) => false,
        }
    }

    /// Returns the counters that are read during the measurement, if there are any.
    pub(crate) fn counters(&self) -> &[Counter] {
        self.live().map_or(&[], LiveMeter::counters)
    }

    /// Reads these counters.
    ///
    /// # Errors
    /// Returns why they cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u64>, Reason> {
        self.live().map_or(Ok(vec![]), LiveMeter::read)
    }

    /// Asks the person at the terminal for the power under load, after the windows.
    ///
    /// # Errors
    /// Fails if [`Answers::ask`] fails.
    pub(crate) fn finish(&mut self, answers: &mut dyn Answers, run: RunFacts) -> Result<()> {
        if let EnergySource::PromptAfter(idle) = self {
            *self = prompt::ask_after(answers, idle.clone(), run)?
                .map_or_else(EnergySource::no_answer, EnergySource::Manual);
        }
        Ok(())
    }

    /// Computes the energy of past intervals, whose times are those of the clock, from a log.
    /// Returns what is kept of the log, and the time between two updates of the meter.
    ///
    /// # Errors
    /// Fails if a termination signal has been received while it waited for the log.
    pub(crate) fn fill(
        &self,
        intervals: &mut [&mut Interval],
        clock: &HostClock,
    ) -> Result<Filled> {
        match self {
            EnergySource::Log(log) => {
                log.fill(intervals, clock.started_unix_s(), clock.clock_set_by_s())
            }
            EnergySource::Live(_)
            | EnergySource::Manual(_)
            | EnergySource::Prompt
            | EnergySource::PromptAfter(_)
            | EnergySource::Unavailable(_) => {
                Ok(Filled { log: None, tick_s: self.live().map(LiveMeter::tick_s) })
            }
        }
    }

    /// Computes the energy of one inference. With a reading by hand, the windows get their joules.
    pub(crate) fn energy(
        &self,
        meter: String,
        idle: [Option<&Interval>; 2],
        windows: &mut [MeasuredWindow],
    ) -> Energy {
        let unavailable = |reason: &str| {
            Energy::without_numbers(EnergyStatus::Unavailable, meter.clone(), reason.to_string())
        };
        match self {
            EnergySource::Live(_) | EnergySource::Log(_) => {
                energy::per_inference(meter, idle, windows)
            }
            EnergySource::Manual(reading) => {
                let energy = energy::manual(meter, reading, windows);
                if energy.status == EnergyStatus::Measured {
                    windows.iter_mut().for_each(|w| {
                        w.interval.energy = Ok(Some((reading.load_w * w.seconds, 0)));
                    });
                }
                energy
            }
            EnergySource::Prompt | EnergySource::PromptAfter(_) => unavailable(NO_ANSWER),
            EnergySource::Unavailable(reason) => unavailable(reason.as_str()),
        }
    }

    fn live(&self) -> Option<&LiveMeter> {
        match self {
            EnergySource::Live(meter) => Some(meter),
            EnergySource::Log(_)
            | EnergySource::Manual(_)
            | EnergySource::Prompt
            | EnergySource::PromptAfter(_)
            | EnergySource::Unavailable(_) => None,
        }
    }

    fn no_answer() -> EnergySource {
        EnergySource::Unavailable(NO_ANSWER.into())
    }
}

impl From<Result<LiveMeter, Reason>> for EnergySource {
    fn from(meter: Result<LiveMeter, Reason>) -> EnergySource {
        meter.map_or_else(EnergySource::Unavailable, EnergySource::Live)
    }
}
