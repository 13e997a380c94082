//! Results that others published for a data set, as they printed them: to compare with, not measured
//! here.

use crate::files::json::Document;
use crate::files::ranges::{PHYSICAL, all_within, within};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// A table of a publication (`pipelines/published/*.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Name of the data set, as in its recipe.
    pub dataset: String,
    /// Publication, and the place in it.
    pub source: String,
    /// Name of the network that the printed compression rates are relative to.
    pub baseline: String,
    /// Networks in the order of the table.
    pub networks: Vec<PublishedNetwork>,
}

/// A row of the table. The numbers are those that were printed, with the digits that were printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedNetwork {
    /// Name of the network, or its authors.
    pub name: String,
    /// How it was designed.
    pub approach: String,
    /// Trainable parameters in millions; `null` if none are printed.
    pub parameters_millions: Option<f64>,
    /// Error on the test images in per cent.
    pub error_percent: f64,
    /// Parameters of the baseline divided by those of the network; `null` if none is printed, as
    /// for the baseline itself.
    pub compression_rate: Option<f64>,
}

impl Published {
    /// Returns the network that the printed compression rates are relative to; `None` never, once
    /// the document is checked.
    pub fn baseline(&self) -> Option<&PublishedNetwork> {
        self.networks.iter().find(|network| network.name == self.baseline)
    }
}

impl Document for Published {
    const KIND: &'static str = "published";

    fn check(&self) -> Result<()> {
        ensure!(
            self.baseline().is_some(),
            "baseline: there is no network {:?} in networks",
            self.baseline
        );
        let check = |(index, network): (usize, &PublishedNetwork)| {
            network.check().with_context(|| format!("networks[{index}]"))
        };
        self.networks.iter().enumerate().try_for_each(check)
    }
}

impl PublishedNetwork {
    fn check(&self) -> Result<()> {
        for (key, value) in [
            ("parameters_millions", self.parameters_millions),
            ("compression_rate", self.compression_rate),
        ] {
            all_within(key, value, &PHYSICAL)?;
            ensure!(value.is_none_or(|value| value > 0.0), "{key} must be above 0, or null");
        }
        within("error_percent", self.error_percent, &(0.0..=100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Published {
        let network = |name: &str| PublishedNetwork {
            name: name.into(),
            approach: "RL".into(),
            parameters_millions: Some(0.5),
            error_percent: 3.0,
            compression_rate: None,
        };
        Published {
            dataset: "mnist".into(),
            source: "A paper, Table 1".into(),
            baseline: "first".into(),
            networks: vec![network("first"), network("second")],
        }
    }

    #[test]
    fn wrong_numbers_and_a_baseline_that_is_not_there_are_refused() {
        table().check().unwrap();
        let refused = |change: fn(&mut Published), said: &str| {
            let mut table = table();
            change(&mut table);
            let error = format!("{:#}", table.check().unwrap_err());
            assert!(error.contains(said), "{error}");
        };
        refused(|table| table.baseline = "third".into(), "no network \"third\"");
        refused(|table| table.networks[1].error_percent = 101.0, "networks[1]: error_percent");
        refused(|table| table.networks[0].parameters_millions = Some(0.0), "must be above 0");
        refused(|table| table.networks[0].compression_rate = Some(-1.0), "compression_rate");
    }
}
