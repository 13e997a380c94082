//! The selection of filters in each round, without fine-tuning.

mod support;

use common::network::template::Template;
use common::network::{Network, Op, counts};
use common::profile::{Allocation, PruneMethod, PrunePart};
use common::prune_report::PruneEnd;
use proptest::prelude::*;
use prune::importance;
use prune::model::Model;
use prune::prunable::{self, Prunable};
use prune::selection::{self, Cap, Selection};
use prune::surgery::{self, Kept};
use support::{Sizes, selection};

fn parameters(network: &Network) -> u64 {
    counts::count(network).unwrap().parameters
}

/// Filters of every FEL, by name: in the template, those of convolutions called
/// `condense<i>.fel<j>.conv`.
fn fel_filters(network: &Network) -> Vec<(String, usize)> {
    let filters = network.nodes.iter().filter_map(|node| match node.op {
        Op::Conv2d { out_channels, .. } if node.name.contains(".fel") => {
            Some((node.name.clone(), out_channels))
        }
        _ => None,
    });
    filters.collect()
}

/// Runs all rounds; returns the models and why the rounds ended.
fn all_rounds(model: &Model, share: f64, settings: &Selection) -> (Vec<Model>, PruneEnd) {
    let cap = Cap { before: parameters(&model.network), share };
    let mut models = vec![model.clone()];
    loop {
        let last = &models[models.len() - 1];
        match selection::end(&last.network, &cap, &settings.also).unwrap() {
            Some(end) => return (models, end),
            None => models.push(selection::prune(last, &cap, settings, models.len()).unwrap()),
        }
    }
}

fn paper_sizes(fels: usize, condense_layers: usize) -> Sizes {
    Sizes { condense_layers, fels, kernel: 3, template: Template::default() }
}

/// Whole rounds leave 12, 10, 9, 8, ... filters in every FEL and change nothing else.
#[test]
fn whole_rounds_remove_the_same_from_every_fel_and_nothing_else() {
    let model = paper_sizes(4, 2).model(8, 1);
    let (models, _) = all_rounds(&model, 0.65, &selection(PruneMethod::Kmeans, 0.9));
    for (model, expected) in models.iter().zip([12, 10, 9, 8, 7, 6]) {
        assert!(
            fel_filters(&model.network).iter().all(|(_, filters)| *filters == expected),
            "{expected}"
        );
        let width = |name: &str| model.weights.get(&format!("{name}.weight")).shape[0];
        assert_eq!((width("stem.conv"), width("transition1.conv")), (24, 72));
    }
    // By hand, with FELs of 10: stem 3 to 24; FELs with 24, 34, 44, 54 inputs, each gamma, beta and
    // 10 3x3 columns; transition 64 to 72; FELs with 72, 82, 92, 102; head with 112 channels and 3
    // classes.
    let fels = |channels: u64| channels * (2 + 10 * 9);
    let (stem, transition, head) = (3 * 24 * 9, 64 * (2 + 72), 112 * (2 + 3) + 3);
    let after_one = stem + fels(24 + 34 + 44 + 54) + transition + fels(72 + 82 + 92 + 102) + head;
    assert_eq!(parameters(&models[1].network), after_one);
}

/// On the paper's smaller network the cap is not exceeded, and no further filter can be removed.
#[test]
fn caps_are_reached_to_within_a_filter() {
    let model = paper_sizes(4, 2).model(8, 1);
    let before = parameters(&model.network);
    for method in PruneMethod::ALL {
        for allocation in Allocation::ALL {
            for share in [0.3, 0.5, 0.65] {
                let (models, end) =
                    all_rounds(&model, share, &Selection { allocation, ..selection(method, 0.9) });
                assert_eq!(end, PruneEnd::Cap);
                assert_tight(&models[models.len() - 1].network, before, share, &[]);
            }
        }
    }
}

fn assert_tight(network: &Network, before: u64, share: f64, also: &[PrunePart]) {
    let removed = |network: &Network| (before - parameters(network)) as f64 / before as f64;
    assert!(removed(network) <= share, "{} of {share} removed", removed(network));
    for Prunable { name, filters, parameters_per_filter } in
        prunable::prunable(network, also).unwrap()
    {
        if filters > 1 {
            let one_less = Kept::from([(name.clone(), (0..filters - 1).collect())]);
            let smaller = surgery::remove_filters_from_graph(network, &one_less).unwrap();
            assert!(
                removed(&smaller) > share,
                "a filter of {name} could still be removed: {} of {share}",
                removed(&smaller)
            );
            assert_eq!(parameters(network) - parameters(&smaller), parameters_per_filter);
        }
    }
}

/// The last, partial round removes the least important filters: of two equal filters in a FEL, one
/// is removed first.
#[test]
fn a_partial_round_removes_duplicates_first() {
    for (fel, expected) in [(1, [1, 0]), (2, [0, 1])] {
        let name = format!("condense1.fel{fel}.conv.weight");
        let mut model = paper_sizes(2, 1).model(8, 1);
        let weight = model.weights.0.get_mut(&name).unwrap();
        let length = weight.data.len() / 12;
        weight.data.copy_within(3 * length..4 * length, 8 * length);
        // One filter is 4.4 % of the parameters; a whole round would take one of each FEL.
        let cap = Cap { before: parameters(&model.network), share: 0.045 };
        let pruned =
            selection::prune(&model, &cap, &selection(PruneMethod::Kmeans, 0.92), 1).unwrap();
        let gone: Vec<usize> =
            fel_filters(&pruned.network).iter().map(|(_, filters)| 12 - filters).collect();
        assert_eq!(gone, expected);
        if fel == 2 {
            let (whole, left) = (&model.weights.get(&name).data, &pruned.weights.get(&name).data);
            assert_eq!(left[8 * length..], whole[9 * length..]);
        }
    }
}

#[test]
fn single_filters_are_never_removed() {
    let template = Template { growth_rate: 1, stem_channels: 2, ..Template::default() };
    let model = Sizes { condense_layers: 1, fels: 2, kernel: 3, template }.model(8, 1);
    let (models, end) = all_rounds(&model, 0.9, &selection(PruneMethod::Kmeans, 0.9));
    assert_eq!((models.len(), end), (1, PruneEnd::Filters));
}

/// Two FELs of 12 filters at 0.9 (12, 10, 9): a uniform round removes 2 of each. A global round
/// removes 4 as well, out of 3 candidates of each: the 3 least important ones, and then the one
/// with the most parameters for its importance.
#[test]
fn a_global_round_removes_the_least_important_filters_of_all_convolutions() {
    let mut model = paper_sizes(2, 1).model(8, 1);
    let cap = Cap { before: parameters(&model.network), share: 0.9 };
    let settings = Selection { allocation: Allocation::Global, ..selection(PruneMethod::L1, 0.9) };
    // In FEL 2, three filters are nearly zero; in FEL 1, all are equal.
    for (fel, quiet) in [(1, 0), (2, 3)] {
        let weight = model.weights.0.get_mut(&format!("condense1.fel{fel}.conv.weight")).unwrap();
        let length = weight.data.len() / 12;
        weight.data.fill(0.1);
        weight.data[..quiet * length].fill(1e-6);
    }
    let pruned = selection::prune(&model, &cap, &settings, 1).unwrap();
    let sizes: Vec<u64> = prunable::prunable(&model.network, &[])
        .unwrap()
        .iter()
        .map(|convolution| convolution.parameters_per_filter)
        .collect();
    // By hand: 24 inputs of 9 taps, FEL 2's gamma, beta and 12 columns of 9, the head's gamma, beta
    // and 3 columns; then 36 inputs and the head's.
    assert_eq!(sizes, [24 * 9 + (2 + 12 * 9) + (2 + 3), 36 * 9 + (2 + 3)]);
    assert_eq!(
        fel_filters(&pruned.network).iter().map(|(_, filters)| *filters).collect::<Vec<_>>(),
        [11, 9]
    );
}

/// The stem and the transitions are pruned on request only.
#[test]
fn stem_and_transitions_on_request() {
    let model = paper_sizes(2, 2).model(8, 1);
    let names = |also: &[PrunePart]| {
        let convolutions = prunable::prunable(&model.network, also).unwrap();
        convolutions.into_iter().map(|convolution| convolution.name).collect::<Vec<_>>()
    };
    let fels = [
        "condense1.fel1.conv",
        "condense1.fel2.conv",
        "condense2.fel1.conv",
        "condense2.fel2.conv",
    ];
    assert_eq!(names(&[]), fels);
    assert_eq!(names(&[PrunePart::Stem]), [&["stem.conv"], &fels[..]].concat());
    let with_transition = [&fels[..2], &["transition1.conv"], &fels[2..]].concat();
    assert_eq!(names(&[PrunePart::Transitions]), with_transition);
    let settings =
        Selection { also: PrunePart::ALL.to_vec(), ..selection(PruneMethod::Kmeans, 0.5) };
    let (models, _) = all_rounds(&model, 0.9, &settings);
    let width = |name: &str| models[1].weights.get(&format!("{name}.weight")).shape[0];
    assert_eq!(
        (width("stem.conv"), width("transition1.conv"), width("condense2.fel2.conv")),
        (12, 24, 6)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_network_ends_tightly_or_with_single_filters(
        growth_rate in 1usize..6, fels in 1usize..4, condense_layers in 1usize..4, dropout: bool,
        share in 0.01f64..0.9, factor in 0.3f64..0.99, method in 0usize..3, global: bool, parts in 0usize..4, seed: u64,
    ) {
        let dropout = if dropout { 0.1 } else { 0.0 };
        let template = Template { growth_rate, stem_channels: 3, dropout, ..Template::default() };
        let model = Sizes { condense_layers, fels, kernel: 3, template }.model(8, seed);
        let before = parameters(&model.network);
        let allocation = if global { Allocation::Global } else { Allocation::Uniform };
        let also: Vec<PrunePart> =
            PrunePart::ALL.into_iter().enumerate().filter(|(bit, _)| parts & 1 << bit != 0).map(|(_, part)| part).collect();
        let settings = Selection { allocation, also, ..selection(PruneMethod::ALL[method], factor) };
        let (models, end) = all_rounds(&model, share, &settings);
        let last = &models[models.len() - 1].network;
        assert_tight(last, before, share, &settings.also);
        let filters = |model: &Model| -> Vec<usize> {
            let convolutions = prunable::prunable(&model.network, &settings.also).unwrap();
            convolutions.into_iter().map(|convolution| convolution.filters).collect()
        };
        let single = filters(&models[models.len() - 1]).iter().all(|filters| *filters == 1);
        prop_assert_eq!(end == PruneEnd::Filters, single);
        let a_round = |filters: &usize| importance::filters_to_keep(*filters, factor);
        // Only the last round may be a partial one.
        for pair in models[..models.len().max(2) - 1].windows(2) {
            let [before, after] = [&pair[0], &pair[1]].map(filters);
            let uniform: Vec<usize> = before.iter().map(a_round).collect();
            prop_assert_eq!(uniform.iter().sum::<usize>(), after.iter().sum::<usize>());
            for (uniform, after) in uniform.iter().zip(&after) {
                let least = if global { a_round(uniform) } else { *uniform };
                prop_assert!(least <= *after && (global || after == uniform));
            }
        }
        prop_assert!(models.iter().map(|m| parameters(&m.network)).collect::<Vec<_>>().is_sorted_by(|a, b| a > b));
    }
}
