//! The check that a data set and a network belong together.

use anyhow::{Result, ensure};
use common::dataset::{Dataset, Images};
use common::network::Network;
use std::path::Path;

/// Checks that `images`, of the data set in the folder `dataset`, have the shape and the classes of
/// the network.
///
/// # Errors
/// Fails if they have not, or if `dataset.json` cannot be read.
pub(crate) fn check_fits(network: &Network, images: &Images, dataset: &Path) -> Result<()> {
    let expected = network.input.shape();
    ensure!(
        images.shape == expected,
        "{}: the images are {}, but the network takes {expected}",
        dataset.display(),
        images.shape
    );
    let classes = Dataset::describe(dataset)?.classes;
    ensure!(
        classes == network.classes,
        "{}: the data set's {} classes are not those of the network",
        dataset.display(),
        classes.len()
    );
    Ok(())
}
