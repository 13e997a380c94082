//! The whole hashes of what a run was made of and of what it made.

use crate::report::run_folder::Run;
use common::files::hash::sha256_hex;

/// Returns names and SHA-256 hashes: data, profile, and the weights and crates of all networks.
pub(crate) fn hashes(run: &Run) -> Vec<(String, String)> {
    let mut hashes = vec![];
    if let Some(search) = &run.search {
        hashes.push((format!("data of {}", search.dataset), search.data_sha256.clone()));
    }
    if let Some((_, text)) = &run.profile {
        hashes.push(("profile.json".to_string(), sha256_hex(text.as_bytes())));
    }
    let own = run
        .variants()
        .map(|(winner, kind, variant)| (format!("{}/{}", winner.name, kind.folder()), variant));
    let baselines = run.baselines.iter().map(|(name, variant)| (name.clone(), variant));
    for (name, variant) in own.chain(baselines) {
        let trained = variant.train.as_ref().filter(|_| !variant.diverged());
        let weights = trained.map(|train| &train.weights_sha256);
        let weights = variant.test.as_ref().map(|test| &test.weights_sha256).or(weights);
        hashes.extend(weights.map(|hash| (format!("weights of {name}"), hash.clone())));
        for (board, record) in &variant.measurements {
            let ran = &record.ran;
            hashes
                .push((format!("crate of {name}, measured on {board}"), ran.crate_sha256.clone()));
            hashes.push((
                format!("program of {name}, measured on {board}"),
                ran.binary_sha256.clone(),
            ));
        }
    }
    hashes
}
