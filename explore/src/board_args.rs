//! Options of `explore run` that name boards and say what is required there.

use crate::search_args::option;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use common::board::{Board, catalog};
use common::search::criteria::Criteria;
use common::search::limit::Limit;
use common::search::on_board::OnBoard;
use common::search::requirements::Requirements;
use process::deploy::Connection;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct BoardArgs {
    /// Measure on this board: a name that `measure boards` lists, or a file; can be given several
    /// times
    #[arg(long, value_name = "NAME|FILE")]
    board: Vec<String>,
    /// Where the board is: user@raspberrypi.local with the runner `ssh`, a device's serial number
    /// with `adb`; with several boards NAME=USER@HOST, once for each that needs it
    #[arg(long, value_name = "USER@HOST", requires = "board")]
    board_host: Vec<String>,
    /// Configuration that ssh reads in the place of ~/.ssh/config
    #[arg(long, value_name = "FILE", requires = "board_host")]
    ssh_config: Option<PathBuf>,
    /// Stop once a network takes at most X seconds for an inference (median) on the board, and
    /// meets the other requirements; with several boards X@NAME, as for the next two options
    #[arg(long, value_name = "X", requires = "board", visible_alias = "latency-target")]
    max_latency_s: Vec<OnBoard<f64>>,
    /// Stop once a network takes at most X joules for an inference (median) on the board, and meets
    /// the other requirements
    #[arg(long, value_name = "X", requires = "board", visible_alias = "energy-target")]
    max_energy_j: Vec<OnBoard<f64>>,
    /// Stop once a network draws at most X watts on average while it runs on the board, and meets
    /// the other requirements
    #[arg(long, value_name = "X", requires = "board")]
    max_power_w: Vec<OnBoard<f64>>,
}

impl BoardArgs {
    /// Returns the boards, sorted by name.
    ///
    /// # Errors
    /// Fails if there is no such board, if its file cannot be read, or if a name is there twice.
    pub(crate) fn boards(&self) -> Result<Vec<Board>> {
        let find = |name: &String| catalog::find(name, Path::new(catalog::FOLDER));
        let mut boards: Vec<Board> = self.board.iter().map(find).collect::<Result<_>>()?;
        boards.sort_by(|a, b| a.name.cmp(&b.name));
        let twice = boards.windows(2).find(|pair| pair[0].name == pair[1].name);
        match twice {
            Some([board, ..]) => bail!(
                "--board: {} is there twice; each board is given once, and two boards need two names",
                board.name
            ),
            Some(_) | None => Ok(boards),
        }
    }

    /// Returns the criteria, of which each may name its board.
    ///
    /// # Errors
    /// Fails if a limit is outside its range or is there twice.
    pub(crate) fn criteria(&self, min_accuracy: Option<f64>) -> Result<Criteria> {
        let general = Requirements { min_accuracy, ..Requirements::default() };
        let mut criteria = Criteria { general, ..Criteria::default() };
        for (limit, given) in [
            (Limit::LatencyS, &self.max_latency_s),
            (Limit::EnergyJ, &self.max_energy_j),
            (Limit::PowerW, &self.max_power_w),
        ] {
            for OnBoard { what, board } in given {
                let limit = OnBoard { what: limit, board: board.clone() };
                ensure!(
                    criteria.limits().all(|(earlier, _)| earlier != limit),
                    "{} is there twice",
                    option(limit.what, board.as_deref())
                );
                criteria.set(limit, *what);
            }
        }
        criteria.check().context("the requirements")?;
        Ok(criteria)
    }

    /// Returns the connection to each of some boards, in their order.
    ///
    /// # Errors
    /// Fails if it is open which board an option is for, or if there are two for a board.
    pub(crate) fn connections(&self, boards: &[Board]) -> Result<Vec<Connection>> {
        let none = Connection { board_host: None, ssh_config: self.ssh_config.clone() };
        let mut connections = vec![none; boards.len()];
        for text in &self.board_host {
            let (place, host) = of_board(text, boards)?;
            let earlier = connections[place].board_host.replace(host.to_string());
            let name = &boards[place].name;
            ensure!(earlier.is_none(), "--board-host is there twice for the board {name}");
        }
        Ok(connections)
    }
}

/// Returns the place of the board that a value of `--board-host` is for, and the host.
fn of_board<'a>(text: &'a str, boards: &[Board]) -> Result<(usize, &'a str)> {
    let named = text
        .split_once('=')
        .and_then(|(name, host)| Some((boards.iter().position(|board| board.name == name)?, host)));
    match (named, boards) {
        (Some(named), _) => Ok(named),
        (None, [_]) => Ok((0, text)),
        (None, _) => {
            let names = boards.iter().map(|board| board.name.as_str()).collect::<Vec<_>>();
            bail!(
                "--board-host {text}: there are several boards, so write NAME={text} with one of \
                 {}",
                names.join(", ")
            )
        }
    }
}
