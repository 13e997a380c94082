//! The comparator of pruning: the structure that it ended with, trained from fresh weights on as
//! many images as all fine-tuning took (Liu et al. 2019, "Rethinking the Value of Network
//! Pruning").

use crate::training::{Trained, Training, remove_folder};
use anyhow::{Context, Result, bail, ensure};
use common::json;
use common::network::Network;
use common::prune_report::PruneReport;
use common::train_report::TrainReport;
use std::path::Path;

/// The folder of the training, in that of `prune run`.
pub const FOLDER: &str = "scratch";

/// Trains the network of the folder `from`, which `prune run` has made, in its folder `scratch`.
/// The seed is that of pruning, and the epochs of `training` are replaced by those of all rounds.
///
/// # Errors
/// A file that is missing or damaged, nothing pruned, a training that fails, or epochs of other
/// images than fine-tuning's.
pub fn train(from: &Path, training: Training) -> Result<Trained> {
    let report: PruneReport = json::read(&from.join("prune.json"))?;
    ensure!(
        !report.rounds.is_empty(),
        "{}: nothing was pruned, so there is nothing to compare with",
        from.display()
    );
    let (epochs, images) = fine_tuned(&report, from)?;
    let network: Network = json::read(&from.join("network.json"))?;
    let folder = from.join(FOLDER);
    let trained = Training { epochs, rate: 1.0, seed: report.seed, ..training }
        .run(&network, None, &folder)
        .with_context(|| {
            format!("training {} from scratch", from.join("network.json").display())
        })?;
    let seen = images_of(&trained.report);
    if seen != images {
        // Else it would be drawn as if it were a comparator.
        remove_folder(&folder)?;
        bail!(
            "{}: trained on {seen} images, but fine-tuning took {images}; give --config and --dataset as for `prune run`",
            folder.display()
        );
    }
    Ok(trained)
}

/// Epochs of fine-tuning in all rounds, and images that they took.
fn fine_tuned(report: &PruneReport, from: &Path) -> Result<(usize, usize)> {
    let (mut epochs, mut images) = (0, 0);
    for round in &report.rounds {
        let tuned: TrainReport =
            json::read(&from.join("rounds").join(round.round.to_string()).join("train.json"))?;
        epochs += tuned.epochs;
        images += images_of(&tuned);
    }
    Ok((epochs, images))
}

fn images_of(report: &TrainReport) -> usize {
    report.epochs * report.images
}

/// Removes what [`train`] has left in a folder of `prune run` that is about to get other results:
/// another network, or one that more or fewer images have tuned.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove_unless_of(network: &Network, report: &PruneReport, from: &Path) -> Result<()> {
    let folder = from.join(FOLDER);
    if !json::read::<Network>(&folder.join("network.json")).is_ok_and(|trained| trained == *network)
    {
        return remove_folder(&folder);
    }
    match json::read::<TrainReport>(&folder.join("train.json")) {
        Ok(trained) if images_of(&trained) != fine_tuned(report, from)?.1 => remove_folder(&folder),
        // One that was interrupted is of the network, too.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Validation accuracy of the training that [`train`] has left in a folder of `prune run`; `None`
/// where it diverged.
///
/// # Errors
/// A damaged file, or a training of another network.
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
