//! The fingerprint of a training: by it, a checkpoint of another training is recognised.

use super::training::Training;
use anyhow::Result;
use common::dataset::Images;
use common::device::Backend;
use common::files::hash::sha256_hex_of_parts;
use common::files::json;
use common::network::weights::Weights;

impl Training<'_> {
    /// Returns the SHA-256 over everything that determines the result of this training from
    /// `initial` weights.
    ///
    /// # Errors
    /// Fails if the network or the weights cannot be serialised.
    pub fn fingerprint(&self, initial: &Weights) -> Result<String> {
        // An intermediate stop changes nothing; of the engine, the kind of device counts.
        let Training {
            network,
            engine,
            optimizer,
            settings,
            rate_scale,
            epochs,
            stop_after: _,
            seed,
            images,
            validation,
        } = self;
        let (images, validation) = (hash_of(images), validation.map(hash_of));
        let backend = if engine.device().is_cpu() { Backend::Cpu } else { Backend::Cuda };
        let settings = format!(
            "{settings:?} {optimizer} {rate_scale} {epochs} {seed} {images} {validation:?} \
             {backend:?}"
        );
        let (network, initial) = (json::to_text(*network)?, initial.to_bytes()?);
        Ok(sha256_hex_of_parts([settings.as_bytes(), network.as_bytes(), initial.as_slice()]))
    }
}

fn hash_of(images: &Images) -> String {
    let labels: Vec<u8> = images.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    sha256_hex_of_parts([images.pixels.as_slice(), &labels])
}
