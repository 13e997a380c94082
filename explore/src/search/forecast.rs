//! Forecasts of latencies, from the plans of networks and what was measured so far.

use super::measured::Measurements;
use crate::algorithm::problem::Forecasts;
use crate::predictor::features::PlanFeatures;
use crate::predictor::latency_predictor::LatencyPredictor;
use crate::surrogate::normal::Normal;

/// Returns forecasts of the latencies that matter, on boards where the predictor does not refuse
/// ([`LatencyPredictor::fit`]). `measured` has genomes with their quantities; `features` returns what
/// the time of a genome's crate on a board depends on.
pub(super) fn forecasts<'a>(
    measurements: &'a Measurements,
    measured: &[(&[usize], &[Option<f64>])],
    features: impl Fn(&[usize], Option<&str>) -> Option<PlanFeatures> + 'a,
) -> Forecasts<'a> {
    let fit = |(quantity, board): (usize, Option<&'a str>)| {
        let known = measured.iter().filter_map(|(genome, values)| {
            Some((features(genome, board)?, (*values.get(quantity)?)?))
        });
        let predictor = LatencyPredictor::fit(&known.collect::<Vec<_>>()).ok()?;
        Some((quantity, board, predictor))
    };
    let predictors: Vec<_> = measurements.latencies().filter_map(fit).collect();
    Box::new(move |genome, quantity| {
        let (_, board, predictor) = predictors.iter().find(|(of, ..)| *of == quantity)?;
        let prediction = predictor.predict(&features(genome, *board)?);
        Some(Normal { mean: prediction.log10_mean, deviation: prediction.log10_deviation })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::plan_report::Work;
    use common::search::criteria::Criteria;
    use common::search::objective::{Objective, Quantity};
    use serde::Deserialize;

    /// Latencies of networks on this processor (docs/predictor.md); genomes are their positions.
    #[derive(Deserialize)]
    struct Board {
        networks: Vec<Network>,
    }

    #[derive(Deserialize)]
    struct Network {
        value: f64,
        work: Vec<Work>,
    }

    fn networks() -> Vec<Network> {
        let measured = include_str!("../../tests/data/measured-networks.json");
        serde_json::from_str::<Vec<Board>>(measured).unwrap().swap_remove(0).networks
    }

    fn measurements(board: Option<&str>) -> Measurements {
        let latency = Objective { what: Quantity::LatencyS, board: board.map(String::from) };
        Measurements::of(&[Objective::of(Quantity::Error), latency], &Criteria::default())
    }

    /// Returns forecasts of all networks by the measured latencies of the first `count`.
    fn forecast(measurements: &Measurements, count: usize, quantity: usize) -> Vec<Option<Normal>> {
        let networks = networks();
        let genomes: Vec<[usize; 1]> = (0..networks.len()).map(|network| [network]).collect();
        let values: Vec<[Option<f64>; 3]> =
            networks.iter().map(|network| [Some(network.value), None, None]).collect();
        let measured: Vec<(&[usize], &[Option<f64>])> =
            genomes.iter().zip(&values).map(|(g, v)| (&g[..], &v[..])).take(count).collect();
        let forecasts = forecasts(measurements, &measured, |genome, board| {
            assert_ne!(board, Some("other"));
            Some(PlanFeatures::of(&networks[genome[0]].work))
        });
        genomes.iter().map(|genome| forecasts(genome, quantity)).collect()
    }

    #[test]
    fn latencies_of_networks_that_were_not_measured_are_forecast() {
        for board in [None, Some("host")] {
            let measurements = measurements(board);
            let forecasts = forecast(&measurements, 15, 0);
            for (network, forecast) in networks().iter().zip(forecasts).skip(15) {
                let Normal { mean, deviation } = forecast.unwrap();
                let error = network.value.log10() - mean;
                assert!(error.abs() < 0.15 && error.abs() < 4.0 * deviation, "{error}");
            }
            // Ten are needed, and there are no forecasts of energy.
            assert!(forecast(&measurements, 9, 0).iter().all(Option::is_none));
            assert!(forecast(&measurements, 15, 1).iter().all(Option::is_none));
        }
    }

    #[test]
    fn nothing_is_forecast_that_does_not_matter() {
        let criteria = Criteria::default();
        let measurements = Measurements::of(&Objective::PAPER, &criteria);
        assert!(forecast(&measurements, 15, 0).iter().all(Option::is_none));
    }
}
