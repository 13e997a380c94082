//! Screening of offspring by expected improvement: a Gaussian process learns errors from genes, and
//! those children are trained that can be expected to add most to the front's hypervolume
//! (Emmerich, Giannakoglou, Naujoks 2006). Children are chosen one after the other, each as if
//! those before it had already turned out as predicted.

use crate::controller::Search;
use crate::gaussian::{Point, Process};
use anyhow::Result;
use common::counts::Counts;
use common::genome::Genome;
use common::search_files::{Evaluation, SearchConfig};

/// How many children are screened for each that is trained.
pub const POOL: usize = 40;
/// The genes' coordinates and the size.
const COORDINATES: usize = 7;
/// The process sees this power of errors: the noise of an error grows with it, and that of its cube
/// root hardly does.
const POWER: i32 = 3;
/// How far predictions are looked at, in standard deviations, and in which steps.
const REACH: f64 = 4.0;
const STEP: f64 = 0.2;
/// How far beyond the largest network the reference point lies, as a share of the range of sizes.
const BEYOND: f64 = 0.05;

/// Where a network lies for the process.
struct Place {
    /// Both activations and the optimizer, which are equal or not.
    kinds: [usize; 3],
    /// Gene values by their order in the space, and the size.
    sizes: [f64; 4],
}

impl Point<COORDINATES> for Place {
    fn distances(&self, other: &Self) -> [f64; COORDINATES] {
        let mut distances = [0.0; COORDINATES];
        let (kinds, sizes) = distances.split_at_mut(self.kinds.len());
        for (place, kind) in kinds.iter_mut().enumerate() {
            *kind = f64::from(u8::from(self.kinds[place] != other.kinds[place]));
        }
        for (place, size) in sizes.iter_mut().enumerate() {
            *size = (self.sizes[place] - other.sizes[place]).powi(2);
        }
        distances
    }
}

/// The places of the `count` most promising children, the best first, or of all where there is
/// nothing to learn from.
///
/// # Errors
/// A genome is outside the space.
pub fn choose(
    pool: &[(Genome, Counts)],
    search: &Search,
    config: &SearchConfig,
    count: usize,
) -> Result<Vec<usize>> {
    let size = |counts: Counts| config.search.objectives[1].before(0.0, counts).max(1.0).log10();
    let counts = |e: &Evaluation| Counts { parameters: e.parameters, macs: e.macs };
    let known = || search.evaluations.iter().map(|e| (e, size(counts(e))));
    let sizes =
        || known().map(|(_, size)| size).chain(pool.iter().map(|(_, counts)| size(*counts)));
    let (low, high) =
        sizes().fold((f64::MAX, f64::MIN), |(low, high), size| (low.min(size), high.max(size)));
    let range = if high > low { high - low } else { 1.0 };
    let scaled = |size: f64| (size - low) / range;
    let place = |genome: &Genome, size: f64| place(genome, scaled(size), config);

    let places = known().map(|(e, size)| place(&e.genome, size)).collect::<Result<Vec<_>>>()?;
    let roots: Vec<f64> = known().map(|(e, _)| e.objectives()[0].cbrt()).collect();
    let Some(process) = Process::fit(&places, &roots) else {
        return Ok((0..pool.len().min(count)).collect());
    };
    let child = |(genome, counts): &(Genome, Counts)| -> Result<Child> {
        let size = size(*counts);
        let (mean, deviation) = process.predict(&place(genome, size)?);
        Ok(Child { size: scaled(size), mean, deviation })
    };
    let children = pool.iter().map(child).collect::<Result<Vec<_>>>()?;
    let front = known()
        .filter(|(e, _)| e.in_full())
        .map(|(e, size)| [scaled(size), e.objectives()[0]])
        .collect();
    Ok(greedy(&children, Front::new(front), count))
}

fn place(genome: &Genome, size: f64, config: &SearchConfig) -> Result<Place> {
    let space = &config.space;
    let positions = space.positions(genome)?;
    let sizes = space.sizes();
    let share = |gene: usize| positions[gene] as f64 / (sizes[gene] - 1).max(1) as f64;
    let right = genome.canonical().right_activation as usize;
    let kinds = [genome.left_activation as usize, right, genome.optimizer as usize];
    Ok(Place { kinds, sizes: [share(2), share(3), share(4), size] })
}

/// What is predicted of a child: its size (0 to 1) is known, of the cube root of its error mean and
/// standard deviation.
struct Child {
    size: f64,
    mean: f64,
    deviation: f64,
}

/// Sizes and errors of networks that do not dominate each other, by size.
struct Front(Vec<[f64; 2]>);

impl Front {
    fn new(mut points: Vec<[f64; 2]>) -> Front {
        points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let mut least = f64::MAX;
        points.retain(|[_, error]| {
            *error < least && {
                least = *error;
                true
            }
        });
        Front(points)
    }

    fn with(&self, child: &Child) -> Front {
        let expected = [child.size, child.mean.max(0.0).powi(POWER)];
        Front::new(self.0.iter().copied().chain([expected]).collect())
    }

    /// The hypervolume that a child can be expected to add: over each step of the front, the step's
    /// width beyond the child's size times how far its error can be expected to lie below the step.
    fn gain(&self, child: &Child) -> f64 {
        let starts = [[f64::MIN, 1.0]].into_iter().chain(self.0.iter().copied());
        let ends = self.0.iter().map(|[size, _]| *size).chain([1.0 + BEYOND]);
        let steps = starts
            .zip(ends)
            .map(|([start, error], end)| ((end - start.max(child.size)).max(0.0), error));
        steps
            .filter(|(width, _)| *width > 0.0)
            .map(|(width, error)| width * child.expected_below(error))
            .sum()
    }
}

impl Child {
    /// The mean of how far its error lies below another one, which is 0 where it lies above.
    fn expected_below(&self, error: f64) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for step in 0..=(2.0 * REACH / STEP).round() as usize {
            let z = step as f64 * STEP - REACH;
            let weight = (-0.5 * z * z).exp();
            let own = (self.mean + self.deviation * z).max(0.0).powi(POWER);
            sum += weight * (error - own).max(0.0);
            weights += weight;
        }
        sum / weights
    }
}

fn greedy(children: &[Child], mut front: Front, count: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..children.len()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        let gains: Vec<f64> = left.iter().map(|child| front.gain(&children[*child])).collect();
        let best = (1..left.len())
            .fold(0, |best, next| if gains[next] > gains[best] { next } else { best });
        let child = left.swap_remove(best);
        front = front.with(&children[child]);
        chosen.push(child);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count, search};
    use common::genome::Optimizer;

    fn child(size: f64, error: f64, deviation: f64) -> Child {
        Child { size, mean: error.cbrt(), deviation }
    }

    /// What the hypervolume of a front is, without any of this: by small boxes.
    fn volume(points: &[[f64; 2]]) -> f64 {
        let side = 1e-3;
        let boxes = (0..1050).map(|i| (f64::from(i) + 0.5) * side);
        let least =
            |size: f64| points.iter().filter(|p| p[0] <= size).map(|p| p[1]).fold(1.0, f64::min);
        boxes.map(|size| (1.0 - least(size)) * side).sum()
    }

    #[test]
    fn without_doubt_the_gain_is_that_of_the_hypervolume() {
        let points = [[0.1, 0.6], [0.5, 0.25], [0.8, 0.5], [0.9, 0.1]];
        for (size, error) in
            [(0.0, 0.7), (0.05, 0.3), (0.3, 0.25), (0.6, 0.05), (1.0, 0.05), (0.7, 0.3)]
        {
            let want = volume(&[&points[..], &[[size, error]]].concat()) - volume(&points);
            let got = Front::new(points.to_vec()).gain(&child(size, error, 0.0));
            assert!((got - want).abs() < 1e-3, "{size} {error}: {got} is not {want}");
        }
    }

    /// Of a cube root of mean 0 and deviation 1/2 the half below 0 counts as no error at all; of
    /// the other half, the cube's mean up to 1 is 2 * (1/2)^3 / sqrt(2 pi) * (1 - 3 / e^2), by
    /// parts.
    #[test]
    fn doubt_is_integrated_over() {
        let above: f64 = 0.954_499_736; // Within two standard deviations.
        let tail = (1.0 - above) / 2.0;
        let cube = 0.25 / (2.0 * std::f64::consts::PI).sqrt() * (1.0 - 3.0 * (-2.0f64).exp());
        let got = Child { size: 0.0, mean: 0.0, deviation: 0.5 }.expected_below(1.0);
        assert!((got - (1.0 - tail - cube)).abs() < 2e-3, "{got}");
        assert!(
            child(0.0, 0.5, 0.2).expected_below(0.4) > 0.0
                && child(0.0, 0.5, 0.0).expected_below(0.4) == 0.0
        );
    }

    #[test]
    fn equals_are_not_chosen_together() {
        let children = [
            child(0.1, 0.2, 0.01),
            child(0.1, 0.2, 0.01),
            child(0.7, 0.1, 0.01),
            child(0.5, 0.9, 0.01),
        ];
        let chosen = |count| greedy(&children, Front::new(vec![[0.5, 0.5]]), count);
        assert_eq!(chosen(2), [0, 2]);
        let mut all = chosen(9);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }

    #[test]
    fn it_prefers_what_did_well() {
        let config = config(40, 2);
        let good = |genome: &Genome| genome.optimizer == Optimizer::Sgd;
        let search = search(&config, |c| Ok(if good(&c.genome) { 0.9 } else { 0.5 }));
        let unseen = config
            .space
            .genomes()
            .filter(|g| search.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let pool: Vec<(Genome, Counts)> =
            unseen.step_by(3).map(|g| (g, count(&g).unwrap())).collect();
        let chosen = choose(&pool, &search, &config, 8).unwrap();
        assert_eq!(chosen, choose(&pool, &search, &config, 8).unwrap());
        assert_eq!(chosen.len(), 8);
        assert!(chosen.iter().filter(|place| good(&pool[**place].0)).count() >= 6);
        assert_eq!(choose(&[], &search, &config, 8).unwrap(), Vec::<usize>::new());
    }
}
