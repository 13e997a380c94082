//! Requirements on the pruned network's time and energy on a board, where the crate of each round is
//! measured as briefly as in a search.

use anyhow::{Result, ensure};
use common::diagnostics;
use common::files::json;
use common::profile::Profile;
use common::prune_report::PruneCrate;
use common::search::requirements::Requirements;
use process::board_args::BoardArgs;
use process::deploy::{Deployed, Deployer, Parameters, check_energy};
use process::interrupt::Interrupt;
use std::path::Path;

/// A board, and what is required there.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) deployer: Deployer,
    pub(crate) requirements: Requirements,
}

impl Target {
    /// Returns the target of the options; `None` without a board. `folder` is that of the run.
    ///
    /// # Errors
    /// Fails if no crate could meet the requirements, if the board is unknown or cannot tell
    /// whether they are met, or if a program is missing.
    pub(crate) fn new(
        args: &BoardArgs,
        config: Option<&Path>,
        bin_dir: Option<&Path>,
        folder: &Path,
        interrupt: Interrupt,
    ) -> Result<Option<Target>> {
        let requirements = args.requirements()?;
        let Some(board) = args.board()? else { return Ok(None) };
        ensure!(
            !board.is_emulated(),
            "the board {} is emulated: its times are not a board's; choose another one",
            board.name
        );
        if args.limits_energy() {
            check_energy(&board)?;
        }
        let settings = json::read_or_default::<Profile>(config)?.search.measurement;
        let energy = args.limits_energy();
        let deployer = args.deployer(board, settings, energy, folder, bin_dir, interrupt)?;
        Ok(Some(Target { deployer, requirements }))
    }

    /// Returns what the crate of a network takes on the board; `name` is what the log calls it.
    ///
    /// # Errors
    /// Fails if it cannot be generated, built or measured, or has no energy where that is limited.
    pub(crate) fn measure(&self, network: &Path, weights: &Path, name: &str) -> Result<PruneCrate> {
        let Deployed { record, is_reused } =
            self.deployer.deploy(network, Parameters::F32(weights))?;
        let measured = PruneCrate::of(&record);
        let when = if is_reused { " (measured before)" } else { "" };
        diagnostics::say(&format!("{name}: {measured} on {}{when}", self.deployer.board.name));
        Ok(measured)
    }
}
