//! Table 2: error, parameters and compression rate of this run's networks, beside those that the
//! paper prints.

use super::part::Part;
use super::published;
use crate::report::comparison::{self, Named, three_digits};
use crate::report::run_folder::Run;
use crate::report::table::{Entry, Table, entry};
use crate::report::units::percent_of;
use anyhow::Result;
use common::eval_report::EvalReport;
use common::published::{Published, PublishedNetwork};
use common::statistics::wilson;

const TITLE: &str = "Table 2: error and compression rate";
const COLUMNS: [(&str, bool); 7] = [
    ("solution", false),
    ("approach", false),
    ("source", false),
    ("parameters (millions)", true),
    ("test error", true),
    ("95 % interval", true),
    ("compression rate", true),
];
const NONE_PRINTED: &str = "the publication prints none";

/// The network that compression rates are relative to.
struct Base {
    name: String,
    parameters: f64,
}

/// Returns the table; compression rates are relative to `baseline`, or else to the baseline of what
/// was published for the data set.
///
/// # Errors
/// Fails if no network, or more than one, has the baseline's name.
pub(super) fn part(run: &Run, baseline: Option<&str>) -> Result<Part> {
    let dataset = run.search.as_ref().map(|search| search.dataset.as_str());
    let published = dataset.map(published::of).transpose()?.flatten();
    let networks = comparison::networks(run);
    let base = match baseline {
        Some(name) => own_base(comparison::find(&networks, name)?),
        None => published.as_ref().and_then(published_base),
    };
    let tested: Vec<(&Named<'_>, &EvalReport)> = networks
        .iter()
        .filter_map(|network| Some((network, network.variant.test.as_ref()?)))
        .collect();
    let mut table = Table::new(COLUMNS);
    for network in published.iter().flat_map(|published| &published.networks) {
        table.push(published_row(network, base.as_ref()));
    }
    for (network, test) in &tested {
        table.push(own_row(network, test, base.as_ref()));
    }
    let notes = notes(dataset, published.as_ref(), base.as_ref(), tested.is_empty());
    let tables = if table.is_empty() { vec![] } else { vec![table] };
    Ok(Part { title: TITLE.into(), tables, notes, figures: vec![] })
}

fn own_base(network: &Named<'_>) -> Option<Base> {
    let parameters = network.variant.counts?.parameters as f64;
    Some(Base { name: network.name.clone(), parameters })
}

fn published_base(published: &Published) -> Option<Base> {
    let base = published.baseline()?;
    let parameters = base.parameters_millions? * 1e6;
    Some(Base { name: format!("{} (published)", base.name), parameters })
}

fn published_row(network: &PublishedNetwork, base: Option<&Base>) -> Vec<Entry> {
    let parameters = network.parameters_millions;
    let rate =
        parameters.map_or_else(|| Err(NONE_PRINTED.into()), |millions| rate(base, millions * 1e6));
    vec![
        Ok(network.name.clone()),
        Ok(network.approach.clone()),
        Ok("published".into()),
        entry(parameters, NONE_PRINTED, |millions| millions.to_string()),
        Ok(format!("{} %", network.error_percent)),
        Err(NONE_PRINTED.into()),
        rate,
    ]
}

fn own_row(network: &Named<'_>, test: &EvalReport, base: Option<&Base>) -> Vec<Entry> {
    let parameters = network.variant.counts.map(|counts| counts.parameters as f64);
    let unknown = "network.json is missing";
    let [low, high] = wilson(test.correct, test.images);
    let error = |accuracy: f64| percent_of(1.0 - accuracy, test.images);
    vec![
        Ok(network.name.clone()),
        Ok("NeuroPower".into()),
        Ok("this run".into()),
        entry(parameters, unknown, |parameters| format!("{:.3}", parameters / 1e6)),
        Ok(error(test.accuracy)),
        Ok(format!("{} to {}, n {}", error(high), error(low), test.images)),
        parameters.map_or_else(|| Err(unknown.into()), |parameters| rate(base, parameters)),
    ]
}

fn rate(base: Option<&Base>, parameters: f64) -> Entry {
    let reason = "there is no baseline: name one with BASELINE=NAME";
    entry(base, reason, |base| format!("{}x", three_digits(base.parameters / parameters)))
}

fn notes(
    dataset: Option<&str>,
    published: Option<&Published>,
    base: Option<&Base>,
    untested: bool,
) -> Vec<String> {
    let source = match published {
        Some(published) => format!(
            "Rows marked published are those of {}: published, not measured here, and with the digits that it prints.",
            published.source
        ),
        None => format!(
            "The paper prints no such table for the data set {}.",
            dataset.unwrap_or("of this run")
        ),
    };
    let relative = base.map(|base| {
        format!(
            "The compression rate is the number of parameters of {} divided by that of the network: above 1, the network is \
             smaller.",
            base.name
        )
    });
    let untested = untested.then(|| "No network of this run has been tested yet.".to_string());
    [Some(source), relative, untested].into_iter().flatten().collect()
}
