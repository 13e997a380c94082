use super::*;
use crate::predictor::features::COUNT;
use common::seed;
use rand::{Rng, RngExt};

/// A machine's seconds for a unit of each feature.
const MACHINE: [f64; COUNT] = [2e-10, 1e-10, 3e-10, 2e-10, 1e-10, 9e-10, 1e-9, 1e-10, 2e-7, 1e-6];

fn time(features: &PlanFeatures) -> f64 {
    features.0.iter().zip(MACHINE).map(|(work, rate)| work * rate).sum()
}

/// Returns networks of different sizes, in which no kind of work follows from the others.
fn networks(count: usize, seed: u64) -> Vec<PlanFeatures> {
    let mut rng = seed::stream(seed, "networks");
    let typical = [2e5, 2e6, 2e5, 2e5, 5e5, 1e5, 1e5, 1e6, 20.0, 1.0];
    let mut network = || {
        let size = 10f64.powf(rng.random_range(-0.7..0.7));
        let mut features = typical.map(|work| work * size * rng.random_range(0.3..1.7));
        features[COUNT - 1] = 1.0;
        PlanFeatures(features)
    };
    (0..count).map(|_| network()).collect()
}

/// Returns a number of the normal distribution, as a sum of uniform ones.
fn normal(rng: &mut impl Rng) -> f64 {
    (0..12).map(|_| rng.random_range(-0.5..0.5)).sum()
}

fn measure(networks: &[PlanFeatures], noise: f64, seed: u64) -> Vec<(PlanFeatures, f64)> {
    let mut rng = seed::stream(seed, "noise");
    networks
        .iter()
        .map(|network| (*network, time(network) * (noise * normal(&mut rng)).exp()))
        .collect()
}

#[test]
fn a_machine_of_fixed_rates_is_recovered() {
    let predictor = LatencyPredictor::fit(&measure(&networks(20, 0), 0.0, 0)).unwrap();
    for network in networks(50, 1) {
        let prediction = predictor.predict(&network);
        let error = prediction.value() / time(&network) - 1.0;
        assert!(error.abs() < 0.03, "{error}");
    }
    assert!(predictor.rank_correlation() > 0.99 && predictor.relative_error() < 0.03);
}

#[test]
fn the_unit_of_the_values_does_not_matter() {
    let seconds = measure(&networks(12, 2), 0.02, 2);
    let scaled =
        seconds.iter().map(|(network, value)| (*network, 1000.0 * value)).collect::<Vec<_>>();
    let [seconds, scaled] = [seconds, scaled].map(|values| LatencyPredictor::fit(&values).unwrap());
    for network in networks(10, 3) {
        let [a, b] = [&seconds, &scaled].map(|predictor| predictor.predict(&network));
        assert!((b.log10_mean - a.log10_mean - 3.0).abs() < 1e-9);
        assert!((b.log10_deviation / a.log10_deviation - 1.0).abs() < 1e-6);
    }
}

#[test]
fn the_order_of_the_measured_networks_does_not_matter() {
    let measured = measure(&networks(15, 4), 0.05, 4);
    let mut turned = measured.clone();
    turned.reverse();
    turned.rotate_left(4);
    let [a, b] = [measured, turned].map(|values| LatencyPredictor::fit(&values).unwrap());
    let network = networks(1, 5)[0];
    assert_eq!(a.predict(&network), b.predict(&network));
    assert_eq!(a.rank_correlation(), b.rank_correlation());
}

#[test]
fn networks_that_are_measured_twice_count_once() {
    let nine = measure(&networks(9, 6), 0.01, 6);
    let twice = [nine.clone(), nine.clone()].concat();
    for values in [&nine[..], &twice, &nine[..0]] {
        let measured = values.len().min(9);
        assert_eq!(LatencyPredictor::fit(values).unwrap_err(), Refusal::TooFew { measured });
    }
    let ten = measure(&networks(10, 6), 0.01, 6);
    assert_eq!(LatencyPredictor::fit(&[ten, nine].concat()).unwrap().measured(), 10);
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let networks = networks(30, 7);
    let error = LatencyPredictor::fit(&measure(&networks, 1.5, 7)).unwrap_err();
    let Refusal::Unranked { measured: 30, rank_correlation } = error else { panic!("{error}") };
    assert!(rank_correlation < LEAST_CORRELATION);
    let text = error.to_string();
    assert!(text.contains("30 measured networks") && !text.contains('\n'), "{text}");
}

#[test]
fn a_value_that_is_not_positive_is_refused() {
    let mut measured = measure(&networks(12, 8), 0.0, 8);
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        measured[3].1 = value;
        let refusal = LatencyPredictor::fit(&measured).unwrap_err();
        assert!(matches!(refusal, Refusal::NotPositive { .. }), "{refusal}");
    }
}

#[test]
fn ninety_five_percent_of_measurements_are_in_the_interval() {
    let (mut inside, mut all) = (0, 0);
    for round in 0..40 {
        let measured = measure(&networks(10 + round as usize % 3 * 5, 100 + round), 0.03, round);
        let Ok(predictor) = LatencyPredictor::fit(&measured) else { continue };
        for (network, value) in measure(&networks(50, 200 + round), 0.03, 300 + round) {
            let [low, high] = predictor.predict(&network).interval();
            inside += usize::from((low..=high).contains(&value));
            all += 1;
        }
    }
    let share = inside as f64 / all as f64;
    assert!(all > 1500 && (0.90..0.995).contains(&share), "{share} of {all}");
}

/// A prediction for work that no measured network has is uncertain.
#[test]
fn unknown_work_widens_the_interval() {
    let without = |mut network: PlanFeatures| {
        network.0[6] = 0.0;
        network
    };
    let known: Vec<_> = networks(15, 9).into_iter().map(without).collect();
    let predictor = LatencyPredictor::fit(&measure(&known, 0.02, 9)).unwrap();
    let mut network = known[0];
    let near = predictor.predict(&network).log10_deviation;
    network.0[6] = 1e6;
    let far = predictor.predict(&network).log10_deviation;
    assert!(far > 4.0 * near, "{near} {far}");
}
