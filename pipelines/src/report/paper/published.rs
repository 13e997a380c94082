//! The published results that are compiled into the program.

use anyhow::{Context, Result};
use common::files::json;
use common::published::Published;

const FILES: [&str; 3] = [
    include_str!("../../../published/cifar10.json"),
    include_str!("../../../published/cifar100.json"),
    include_str!("../../../published/mnist.json"),
];

/// Returns what was published for a data set; `None` if nothing was.
///
/// # Errors
/// Fails if a file that was compiled in is damaged.
pub(super) fn of(dataset: &str) -> Result<Option<Published>> {
    for text in FILES {
        let published: Published = json::parse(text).context("published results")?;
        if published.dataset == dataset {
            return Ok(Some(published));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's compression rates are those of its parameters, but for these, which it prints
    /// otherwise.
    #[test]
    fn rates_are_those_of_the_printed_parameters() {
        let mut others = vec![];
        for dataset in ["mnist", "cifar10", "cifar100"] {
            let published = of(dataset).unwrap().unwrap();
            let base = published.baseline().unwrap().parameters_millions.unwrap();
            for network in &published.networks {
                let Some(rate) = network.compression_rate else { continue };
                let computed = base / network.parameters_millions.unwrap();
                if (computed / rate - 1.0).abs() > 0.05 {
                    others.push(format!("{dataset} {}", network.name));
                }
            }
        }
        assert_eq!(others, ["cifar10 SimpleNet", "cifar10 NAS-v1", "cifar100 SimpleNet"]);
        assert_eq!(of("digits").unwrap(), None);
    }
}
