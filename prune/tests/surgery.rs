//! A pruned network computes the same as the whole network in which nothing reads the removed
//! channels.

mod support;

use common::network::template::{Head, Template};
use common::network::{Op, counts, reference};
use common::seed;
use proptest::prelude::*;
use prune::model::Model;
use prune::surgery::{self, Kept};
use rand::RngExt;
use support::Sizes;

fn sizes() -> impl Strategy<Value = Sizes> {
    let graph = (1usize..=3, 1usize..=3, prop_oneof![Just(1usize), Just(3), Just(5)]);
    let template = (1usize..=4, 1usize..=4, any::<bool>(), any::<bool>(), any::<bool>());
    (graph, template).prop_map(
        |((condense_layers, fels, kernel), (growth_rate, stem_channels, half, dropout, max))| {
            let template = Template {
                growth_rate,
                stem_channels,
                stem_kernel: 3,
                compression: if half { 0.5 } else { 1.0 },
                dropout: if dropout { 0.2 } else { 0.0 },
                head: if max { Head::Max } else { Head::Average },
            };
            Sizes { condense_layers, fels, kernel, template }
        },
    )
}

fn fel_name(layer: usize, fel: usize) -> String {
    format!("condense{layer}.fel{fel}.conv")
}

fn filters(model: &Model, name: &str) -> usize {
    model.weights.get(&format!("{name}.weight")).shape[0]
}

/// The names of all convolutions: stem, FELs and transitions.
fn convolutions(sizes: &Sizes) -> Vec<String> {
    let layers = 1..=sizes.condense_layers;
    let fels = layers.flat_map(|layer| (1..=sizes.fels).map(move |fel| fel_name(layer, fel)));
    let transitions = (1..sizes.condense_layers).map(|layer| format!("transition{layer}.conv"));
    std::iter::once("stem.conv".to_string()).chain(fels).chain(transitions).collect()
}

/// Returns random filters to keep for about three of four convolutions.
fn random_kept(model: &Model, sizes: &Sizes, seed: u64) -> Kept {
    let mut rng = seed::stream(seed, "kept");
    let mut kept = Kept::new();
    for name in convolutions(sizes) {
        let mut stay: Vec<usize> =
            (0..filters(model, &name)).filter(|_| rng.random_bool(0.6)).collect();
        if stay.is_empty() {
            stay.push(rng.random_range(0..filters(model, &name)));
        }
        if rng.random_bool(0.75) {
            kept.insert(name, stay);
        }
    }
    kept
}

/// Sets one input column of a convolution's or the classifier's weights to 0.
fn zero_column(model: &mut Model, node: &str, column: usize) {
    let tensor = model.weights.0.get_mut(&format!("{node}.weight")).unwrap();
    let (columns, taps) = (tensor.shape[1], tensor.shape[2..].iter().product::<usize>());
    for row in tensor.data.chunks_mut(columns * taps) {
        row[column * taps..][..taps].fill(0.0);
    }
}

/// Returns the network with zero weights for the removed channels. Their positions follow from the
/// template: the input of a Condense Layer (the stem or a transition) comes first, then the
/// channels of each FEL. All later FELs of the layer read them, and the transition or the head.
fn disconnected(model: &Model, sizes: &Sizes, kept: &Kept) -> Model {
    let mut cut = model.clone();
    for layer in 1..=sizes.condense_layers {
        let after = if layer < sizes.condense_layers {
            format!("transition{layer}.conv")
        } else {
            "head.classifier".into()
        };
        let entry = if layer == 1 {
            "stem.conv".to_string()
        } else {
            format!("transition{}.conv", layer - 1)
        };
        let fels: Vec<String> = (1..=sizes.fels).map(|fel| fel_name(layer, fel)).collect();
        let mut offset = 0;
        for (position, name) in std::iter::once(&entry).chain(&fels).enumerate() {
            let readers = fels[position..].iter().chain([&after]);
            for filter in 0..filters(model, name) {
                if kept.get(name).is_some_and(|stay| !stay.contains(&filter)) {
                    readers
                        .clone()
                        .for_each(|reader| zero_column(&mut cut, reader, offset + filter));
                }
            }
            offset += filters(model, name);
        }
    }
    cut
}

fn assert_same_function(a: &Model, b: &Model, seed: u64) -> Result<(), TestCaseError> {
    let mut rng = seed::stream(seed, "images");
    for _ in 0..2 {
        let image = support::draw(&mut rng, a.network.input.shape().elements(), -1.0);
        let logits_a = reference::logits(&a.network, &a.weights, &image).unwrap();
        let logits_b = reference::logits(&b.network, &b.weights, &image).unwrap();
        for (x, y) in logits_a.iter().zip(&logits_b) {
            prop_assert!((x - y).abs() <= 1e-5, "{logits_a:?} {logits_b:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pruned_network_computes_what_the_disconnected_one_does(sizes in sizes(), seed: u64) {
        let model = sizes.model(9, seed);
        let kept = random_kept(&model, &sizes, seed);
        let pruned = surgery::remove_filters(&model, &kept).unwrap();
        assert_same_function(&pruned, &disconnected(&model, &sizes, &kept), seed)?;
        for (name, stay) in &kept {
            prop_assert_eq!(filters(&pruned, name), stay.len());
        }
        pruned.weights.check(&pruned.network).unwrap();
        prop_assert_eq!(counts::count(&pruned.network).unwrap().parameters, support::trainable(&pruned));
        prop_assert_eq!(&surgery::remove_filters_from_graph(&model.network, &kept).unwrap(), &pruned.network);
    }

    #[test]
    fn a_pruned_network_can_be_pruned_again(sizes in sizes(), seed: u64) {
        let model = sizes.model(8, seed);
        let first = random_kept(&model, &sizes, seed);
        let once = surgery::remove_filters(&model, &first).unwrap();
        let second = random_kept(&once, &sizes, seed ^ 1);
        let twice = surgery::remove_filters(&once, &second).unwrap();
        prop_assert_eq!(counts::count(&twice.network).unwrap().parameters, support::trainable(&twice));
        assert_same_function(&twice, &disconnected(&once, &sizes, &second), seed)?;
        // Both at once: the second lists are indices into the first ones.
        let mut both = first.clone();
        for (name, stay) in &second {
            let before = first.get(name).cloned().unwrap_or_else(|| (0..filters(&model, name)).collect());
            both.insert(name.clone(), stay.iter().map(|filter| before[*filter]).collect());
        }
        prop_assert_eq!(surgery::remove_filters(&model, &both).unwrap(), twice);
    }

    #[test]
    fn removing_nothing_changes_nothing(sizes in sizes(), seed: u64) {
        let model = sizes.model(8, seed);
        prop_assert_eq!(surgery::remove_filters(&model, &Kept::new()).unwrap(), model);
    }
}

fn small() -> Sizes {
    let template = Template { growth_rate: 3, stem_channels: 2, ..Template::default() };
    Sizes { condense_layers: 2, fels: 2, kernel: 3, template }
}

/// A filter of the first FEL, for a stem of 2, a growth of 3 and two Condense Layers of two FELs:
/// the filter itself has 2 * 9 parameters, the next FEL gamma, beta and 3 columns of 9, and the
/// transition gamma, beta and 8 columns. The transition keeps its 8 filters, so nothing changes
/// after it.
#[test]
fn the_parameters_of_one_filter_by_hand() {
    let model = small().model(8, 1);
    let kept = Kept::from([(fel_name(1, 1), vec![0, 2])]);
    let pruned = surgery::remove_filters(&model, &kept).unwrap();
    let parameters = |model: &Model| counts::count(&model.network).unwrap().parameters;
    assert_eq!(parameters(&model) - parameters(&pruned), 2 * 9 + (2 + 3 * 9) + (2 + 8));
    let transition =
        pruned.network.nodes.iter().find(|node| node.name == "transition1.conv").unwrap();
    assert_eq!(transition.op, Op::Conv2d { in_channels: 7, out_channels: 8, kernel: 1, stride: 1 });
}

#[test]
fn invalid_filters_are_errors_that_name_the_convolution() {
    let model = small().model(8, 1);
    let error = |name: &str, stay: &[usize]| {
        let kept = Kept::from([(name.to_string(), stay.to_vec())]);
        surgery::remove_filters(&model, &kept).unwrap_err().to_string()
    };
    assert_eq!(error("nowhere", &[0]), "there is no node nowhere");
    assert_eq!(error("head.norm", &[0]), "the node head.norm is not a convolution");
    assert_eq!(error("stem.conv", &[]), "no filter of stem.conv would be left");
    assert_eq!(error("stem.conv", &[2]), "stem.conv has no filter 2, only 2");
    assert_eq!(
        error("stem.conv", &[1, 1]),
        "the filters of stem.conv to keep are not in ascending order"
    );
}
