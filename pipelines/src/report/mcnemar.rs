//! The test accuracies of networks beside that of a baseline, with McNemar's test of whether the
//! difference may be chance.

use super::comparison::{Named, find, networks};
use super::run_folder::Run;
use super::table::{Table, entry};
use super::units::{count, percent_of};
use anyhow::Result;
use common::eval_report::EvalReport;
use common::statistics::McNemar;

/// Returns the comparison: a row for each tested network other than the baseline. It is empty if
/// the baseline was not tested, or nothing else was.
///
/// # Errors
/// Fails if no network, or more than one, has the baseline's name.
pub(super) fn table(run: &Run, baseline: &str) -> Result<Table> {
    let networks = networks(run);
    let base = find(&networks, baseline)?;
    let mut table = Table::new([
        ("network", false),
        ("test accuracy", true),
        ("difference", true),
        ("only the baseline right", true),
        ("only the network right", true),
        ("p", true),
    ]);
    let Some(base_test) = &base.variant.test else { return Ok(table) };
    let others = networks.iter().filter(|network| !std::ptr::eq(network.variant, base.variant));
    for Named { name, variant } in others {
        let Some(test) = &variant.test else { continue };
        let pair = pair(base_test, test);
        let (pair, reason) = (pair.as_ref().ok(), pair.as_ref().err().cloned().unwrap_or_default());
        let points = (test.accuracy - base_test.accuracy) * 100.0;
        let same_data = test.data_sha256 == base_test.data_sha256;
        table.push(vec![
            Ok(name.clone()),
            Ok(percent_of(test.accuracy, test.images)),
            entry(same_data.then_some(points), OTHER_DATA, |points| format!("{points:+.2} points")),
            entry(pair, reason.clone(), |pair| count(pair.only_second_wrong as u64)),
            entry(pair, reason.clone(), |pair| count(pair.only_first_wrong as u64)),
            entry(pair, reason, |pair| probability(pair.p)),
        ]);
    }
    Ok(table)
}

const OTHER_DATA: &str = "tested on other data than the baseline";

/// Returns the explanation of the numbers.
pub(super) fn hint() -> &'static str {
    "Both networks classified the same test images. Only images on which one of them is right and the other is wrong say \
     which is better; p is the probability of a difference at least as large as this if neither is (McNemar's exact \
     two-sided test). Above 0.05 the difference may well be chance."
}

/// Compares the mistakes of two networks, or returns why that is not possible.
fn pair(base: &EvalReport, test: &EvalReport) -> Result<McNemar, String> {
    if test.data_sha256 != base.data_sha256 || test.images != base.images {
        return Err(OTHER_DATA.into());
    }
    let wrong = |report: &EvalReport| -> Result<Vec<usize>, String> {
        let older = "test.json of one of the two does not list its mistakes: it is of an earlier version; remove it and run \
                     make again";
        let wrong = report.wrong.as_ref().ok_or(older)?;
        Ok(wrong.iter().map(|wrong| wrong.image).collect())
    };
    Ok(McNemar::of(&wrong(base)?, &wrong(test)?))
}

/// Formats a probability with the digits that matter.
fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_have_three_decimals() {
        let texts = [1.0, 0.378_688, 0.001, 0.000_4, 0.0].map(probability);
        assert_eq!(texts, ["1.000", "0.379", "0.001", "< 0.001", "< 0.001"]);
    }
}
