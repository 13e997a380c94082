//! Designs, and what is known of them, as numbers.

use super::kernel::Point;
use super::normal::Normal;
use super::scaling::{distinct, scaled};

/// A point of the design space.
#[derive(Clone, Debug, Default)]
pub struct Design {
    /// Labels of categorical genes, which are either equal or not.
    pub categories: Vec<usize>,
    /// Values of the other genes by their order in the space, scaled to 0..1.
    pub quantities: Vec<f64>,
    /// The objectives after the error, or what stands for them, which are known before training, as
    /// log10.
    pub costs: Vec<f64>,
    /// By measured quantity: what is expected of its log10; `None` if that is to be learned.
    pub forecasts: Vec<Option<Normal>>,
}

/// A design whose error is known.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The design.
    pub design: Design,
    /// Its error, 0 to 1, or an estimate of it.
    pub error: f64,
    /// Whether the error is that of a training in full, so that the design can be on the front.
    pub in_full: bool,
    /// Measured quantities, above 0; `None` where one was not measured.
    pub measured: Vec<Option<f64>>,
}

/// Returns the point of each design: its categories, its quantities, and its costs, scaled to 0..1
/// over all designs, without those that say nothing new, whose mean is the cost of the point.
pub(super) fn points(designs: &[&Design]) -> Vec<Point> {
    let costs = scaled(designs.iter().map(|design| &design.costs));
    let columns = distinct(&costs);
    let point = |(design, costs): (&&Design, &Vec<f64>)| {
        let costs = columns.iter().map(|column| costs[*column]);
        Point {
            labels: design.categories.clone(),
            cost: costs.clone().sum::<f64>() / columns.len().max(1) as f64,
            numbers: design.quantities.iter().copied().chain(costs).collect(),
        }
    };
    designs.iter().zip(&costs).map(point).collect()
}
