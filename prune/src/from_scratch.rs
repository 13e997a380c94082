//! The comparison of pruning with a training from fresh weights: the same structure, trained on as
//! many images as all fine-tuning together (Liu et al. 2019, "Rethinking the Value of Network
//! Pruning").

use crate::training::{Trained, Training, remove_folder};
use anyhow::{Context, Result, bail, ensure};
use common::files::json;
use common::network::Network;
use common::prune_report::PruneReport;
use common::train_report::TrainReport;
use std::path::Path;

/// The folder of the training, inside that of `prune run`.
pub const FOLDER: &str = "scratch";

/// Trains the network of the folder `from`, which `prune run` has written, in its folder `scratch`.
/// The seed is that of pruning, and the number of epochs is that of all rounds together.
///
/// # Errors
/// Fails if a file is missing or damaged, if nothing was pruned, if the training fails, or if it
/// took another number of images than fine-tuning.
pub fn train(from: &Path, training: Training) -> Result<Trained> {
    let report: PruneReport = json::read(&from.join("prune.json"))?;
    ensure!(
        !report.rounds.is_empty(),
        "{}: nothing was pruned, so there is nothing to compare with",
        from.display()
    );
    let (epochs, expected) = fine_tuned(&report, from)?;
    let network: Network = json::read(&from.join("network.json"))?;
    let folder = from.join(FOLDER);
    let trained = Training { epochs, learning_rate_scale: 1.0, seed: report.seed, ..training }
        .run(&network, None, &folder)
        .with_context(|| {
            format!("training {} from scratch", from.join("network.json").display())
        })?;
    let seen = images(&trained.report);
    if seen != expected {
        // Else the figures would show it.
        remove_folder(&folder)?;
        bail!(
            "{}: trained on {seen} images, but fine-tuning took {expected}; give --config and --dataset as for `prune run`",
            folder.display()
        );
    }
    Ok(trained)
}

/// Returns the epochs of fine-tuning in all rounds, and the number of images in all of them.
fn fine_tuned(report: &PruneReport, from: &Path) -> Result<(usize, usize)> {
    let (mut epochs, mut images) = (0, 0);
    for round in &report.rounds {
        let tuned: TrainReport =
            json::read(&from.join("rounds").join(round.round.to_string()).join("train.json"))?;
        epochs += tuned.epochs;
        images += self::images(&tuned);
    }
    Ok((epochs, images))
}

/// Returns the number of images that a training took, each counted once an epoch.
fn images(report: &TrainReport) -> usize {
    report.epochs * report.images
}

/// Removes the training that [`train`] has left in a folder of `prune run`, if the folder now gets
/// another network, or one that was fine-tuned on another number of images.
///
/// # Errors
/// Fails if it cannot be removed.
pub(crate) fn remove_if_outdated(
    network: &Network,
    report: &PruneReport,
    from: &Path,
) -> Result<()> {
    let folder = from.join(FOLDER);
    if !json::read::<Network>(&folder.join("network.json")).is_ok_and(|trained| trained == *network)
    {
        return remove_folder(&folder);
    }
    match json::read::<TrainReport>(&folder.join("train.json")) {
        Ok(trained) if images(&trained) != fine_tuned(report, from)?.1 => remove_folder(&folder),
        // An interrupted training is of the network, too.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns the validation accuracy of the training that [`train`] has left in a folder of
/// `prune run`; `None` if there is none, or if it diverged.
///
/// # Errors
/// Fails if a file is damaged, or if the training is of another network.
pub fn accuracy(from: &Path) -> Result<Option<f64>> {
    let folder = from.join(FOLDER);
    if !folder.join("train.json").exists() {
        return Ok(None);
    }
    let [pruned, trained] =
        [from, &folder].map(|folder| json::read::<Network>(&folder.join("network.json")));
    ensure!(
        pruned? == trained?,
        "{}: this is not the network of {}; repeat `prune scratch`",
        folder.display(),
        from.display()
    );
    let report: TrainReport = json::read(&folder.join("train.json"))?;
    Ok(report.accuracy.validation.filter(|_| !report.diverged))
}
