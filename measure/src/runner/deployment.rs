//! A program at the place where it runs.

use super::bench_command::{BenchCommand, OutputFraming, Program, local_command};
use super::remote::RemoteCopy;
use common::board::{Board, Runner};
use common::profile::MeasurementSettings;

/// A program at the place where it runs. Its copy on the board, if there is one, is removed when
/// this is dropped.
#[derive(Debug)]
pub(crate) enum Deployment {
    /// The program runs on this machine.
    Local,
    /// A copy of the program runs on another machine.
    Remote(RemoteCopy),
}

impl Deployment {
    /// Returns the command that runs `bench` on the board.
    pub(crate) fn command(
        &self,
        board: &Board,
        program: &Program,
        settings: &MeasurementSettings,
    ) -> BenchCommand {
        match self {
            Deployment::Remote(copy) => {
                BenchCommand { command: copy.command(settings), framing: OutputFraming::AfterMark }
            }
            Deployment::Local => BenchCommand {
                command: local_command(board, program, settings),
                framing: match board.runner {
                    Runner::ProbeRs => OutputFraming::Probe,
                    Runner::Local | Runner::Ssh | Runner::Adb | Runner::Qemu => {
                        OutputFraming::Plain
                    }
                },
            },
        }
    }
}
