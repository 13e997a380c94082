//! The predictor on real measurements (`data/measured-networks.json`, docs/predictor.md): for many
//! random choices of some networks, the others are predicted from them. To see the figures:
//!
//!     cargo test --release -p explore --test predictor -- --nocapture

use common::plan_report::Work;
use common::seed;
use explore::fidelity::rank_correlation::correlation;
use explore::predictor::features::PlanFeatures;
use explore::predictor::latency_predictor::{LatencyPredictor, Prediction};
use explore::predictor::rates::Rates;
use rand::seq::SliceRandom;
use serde::Deserialize;

/// Random choices of the networks to fit, for each number of them.
const SPLITS: u64 = 200;

#[derive(Deserialize)]
struct Board {
    /// Name of the board, and which networks these are.
    board: String,
    networks: Vec<Network>,
}

#[derive(Clone, Deserialize)]
struct Network {
    /// Seconds, or instructions on an emulated board.
    value: f64,
    /// The work of the plan for the board's platform, in f32.
    work: Vec<Work>,
}

impl Network {
    fn features(&self) -> PlanFeatures {
        PlanFeatures::of(&self.work)
    }

    fn macs(&self) -> f64 {
        self.work.iter().map(|work| work.macs as f64).sum()
    }
}

fn networks(board: &str) -> Vec<Network> {
    let boards: Vec<Board> =
        serde_json::from_str(include_str!("data/measured-networks.json")).unwrap();
    boards.into_iter().find(|measured| measured.board == board).unwrap().networks
}

fn pairs(networks: &[Network]) -> Vec<(PlanFeatures, f64)> {
    networks.iter().map(|network| (network.features(), network.value)).collect()
}

/// What predictions of the networks that were left out were worth, for each choice.
#[derive(Default)]
struct Outcome {
    correlations: Vec<f64>,
    /// Root mean squares of relative errors.
    errors: Vec<f64>,
}

impl Outcome {
    /// Predicts the networks that are left out, or `later` ones, with a model that `fit` makes of
    /// those that were chosen, unless it refuses.
    fn of<M: Fn(&Network) -> f64>(
        networks: &[Network],
        later: Option<&[Network]>,
        chosen: usize,
        mut fit: impl FnMut(&[Network], &[Network]) -> Option<M>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for seed in 0..SPLITS {
            let mut networks = networks.to_vec();
            networks.shuffle(&mut seed::stream(seed, "split"));
            let (known, left_out) = networks.split_at(chosen);
            let unknown = later.unwrap_or(left_out);
            let Some(model) = fit(known, unknown) else { continue };
            let predicted: Vec<f64> = unknown.iter().map(model).collect();
            let values: Vec<f64> = unknown.iter().map(|network| network.value).collect();
            let squares = predicted.iter().zip(&values).map(|(p, v)| (v / p).ln().powi(2));
            outcome.correlations.push(correlation(&predicted, &values));
            outcome.errors.push((squares.sum::<f64>() / values.len() as f64).sqrt());
        }
        outcome.correlations.sort_by(f64::total_cmp);
        outcome.errors.sort_by(f64::total_cmp);
        outcome
    }

    fn median_correlation(&self) -> f64 {
        self.correlations[self.correlations.len() / 2]
    }

    fn worst_correlation(&self) -> f64 {
        self.correlations[0]
    }

    fn cells(&self) -> String {
        let [median, worst] =
            [self.errors.len() / 2, self.errors.len() - 1].map(|index| 100.0 * self.errors[index]);
        let (typical, least) = (self.median_correlation(), self.worst_correlation());
        format!("{typical:.3} | {least:.3} | {median:.1} % | {worst:.1} %")
    }
}

fn contains(prediction: &Prediction, value: f64) -> bool {
    let [low, high] = prediction.interval();
    (low..=high).contains(&value)
}

fn check(board: &str) {
    let networks = networks(board);
    assert!(networks.len() >= 40);
    check_choices(board, &networks, None);
    alternatives(board, &networks);
}

fn check_choices(board: &str, networks: &[Network], later: Option<&[Network]>) {
    for chosen in [10, 15, 20] {
        let (mut inside, mut all) = (0, 0);
        let outcome = Outcome::of(networks, later, chosen, |known, unknown| {
            let predictor = LatencyPredictor::fit(&pairs(known)).ok()?;
            let predict = move |network: &Network| predictor.predict(&network.features());
            inside += unknown.iter().filter(|n| contains(&predict(n), n.value)).count();
            all += unknown.len();
            Some(move |network: &Network| predict(network).value())
        });
        let coverage = inside as f64 / all as f64;
        let refused = SPLITS as usize - outcome.errors.len();
        println!(
            "| {board} | {chosen} | {} | {:.1} % | {refused} |",
            outcome.cells(),
            100.0 * coverage
        );
        assert!(outcome.median_correlation() >= 0.99 && outcome.worst_correlation() >= 0.95);
        assert!((0.9..0.99).contains(&coverage) && refused < SPLITS as usize / 10);
    }
}

/// What else was tried, from 15 networks.
fn alternatives(board: &str, networks: &[Network]) {
    let show =
        |name: &str, outcome: Outcome| println!("| {board} | {name} | {} |", outcome.cells());
    let law = Outcome::of(networks, None, 15, |known, _| Some(power_law(known)));
    show("a power law of multiply-adds", law);
    for (name, ridge) in [("rates as guessed", 1e6), ("rates without guesses", 1e-9)] {
        let outcome = Outcome::of(networks, None, 15, |known, _| {
            let rates = Rates::with_ridge(&pairs(known), ridge);
            Some(move |network: &Network| rates.value(&network.features()))
        });
        show(name, outcome);
    }
}

/// Fits a line to the logarithms of multiply-adds and values.
fn power_law(known: &[Network]) -> impl Fn(&Network) -> f64 + use<> {
    let points: Vec<[f64; 2]> = known.iter().map(|n| [n.macs().ln(), n.value.ln()]).collect();
    let [x, y] =
        [0, 1].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / known.len() as f64);
    let product =
        |axis: usize| points.iter().map(|p| (p[0] - x) * (p[axis] - [x, y][axis])).sum::<f64>();
    let slope = product(1) / product(0);
    move |network| (y + slope * (network.macs().ln() - x)).exp()
}

/// These were drawn and measured after the model was settled.
#[test]
fn latencies_of_networks_that_were_drawn_later() {
    check_choices("host, drawn later", &networks("host"), Some(&networks("host, drawn later")));
}

#[test]
fn latencies_on_a_host() {
    check("host");
}

#[test]
fn instructions_of_an_emulated_aarch64() {
    check("qemu-aarch64");
}

#[test]
fn instructions_of_an_emulated_cortex_m() {
    check("qemu-mps2-an386");
}
