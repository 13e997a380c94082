//! Surgery and rounds in networks that add channels.

mod support;

use common::network::baseline::{Architecture, Baseline, Shortcuts};
use common::network::{Input, Node, Op, counts, reference};
use common::profile::{PruneMethod, PrunePart};
use common::prune_report::PruneEnd;
use common::search::genome::Optimizer;
use common::seed;
use proptest::prelude::*;
use prune::model::Model;
use prune::prunable;
use prune::selection::{self, Cap};
use prune::surgery::{self, Kept};
use rand::{Rng, RngExt};

/// A ResNet for colour images of 7 x 9 and 3 classes.
fn resnet(channels: &[usize], blocks: usize, seed: u64) -> Model {
    let architecture = Architecture::Resnet {
        depth: 2 + 2 * blocks * channels.len(),
        channels: channels.to_vec(),
        shortcuts: Shortcuts::Padding,
    };
    let baseline = Baseline {
        name: "resnet".into(),
        about: String::new(),
        optimizer: Optimizer::Sgd,
        architecture,
    };
    let input = Input {
        channels: 3,
        height: 7,
        width: 9,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        resize: Default::default(),
    };
    let classes = ["a", "b", "c"].map(str::to_string).to_vec();
    support::with_weights(baseline.network(input, classes).unwrap(), seed)
}

/// Returns some of `0..count`, at least one.
fn some(rng: &mut impl Rng, count: usize) -> Vec<usize> {
    let mut stay: Vec<usize> = (0..count).filter(|_| rng.random_bool(0.6)).collect();
    if stay.is_empty() {
        stay.push(rng.random_range(0..count));
    }
    stay
}

/// Returns random filters to keep, and the channels that are kept of the trunk, to which all blocks
/// add; at least one of them belongs to the first stage. `channels` is the number of channels of
/// the trunk in each stage.
fn random_kept(model: &Model, channels: &[usize], blocks: usize, seed: u64) -> (Kept, Vec<usize>) {
    let mut rng = seed::stream(seed, "kept");
    let mut trunk = some(&mut rng, channels[0]);
    trunk.extend((channels[0]..channels[channels.len() - 1]).filter(|_| rng.random_bool(0.6)));
    let of_stage =
        |stage: usize| trunk.iter().copied().filter(|channel| *channel < channels[stage]).collect();
    let mut kept = Kept::from([("stem.conv".to_string(), of_stage(0))]);
    for stage in 0..channels.len() {
        for block in 1..=blocks {
            let name = format!("stage{}.block{block}", stage + 1);
            let inner = model.weights.get(&format!("{name}.conv1.weight")).shape[0];
            kept.insert(format!("{name}.conv1"), some(&mut rng, inner));
            kept.insert(format!("{name}.conv2"), of_stage(stage));
        }
    }
    (kept, trunk)
}

/// Returns the network with zero weights for the removed channels. The first convolution of a block
/// and the classifier read those of the trunk; the second convolution reads those of the first.
fn disconnected(model: &Model, kept: &Kept, trunk: &[usize]) -> Model {
    let mut cut = model.clone();
    for node in &model.network.nodes {
        let stay = match &node.name {
            name if name.ends_with(".conv1") || name == "head.classifier" => trunk,
            name if name.ends_with(".conv2") => &kept[&name.replace("conv2", "conv1")],
            _ => continue,
        };
        let tensor = cut.weights.0.get_mut(&format!("{}.weight", node.name)).unwrap();
        let (columns, taps) = (tensor.shape[1], tensor.shape[2..].iter().product::<usize>());
        for row in tensor.data.chunks_mut(columns * taps) {
            for column in (0..columns).filter(|column| !stay.contains(column)) {
                row[column * taps..][..taps].fill(0.0);
            }
        }
    }
    cut
}

/// Prunes at random and checks that the result computes what the disconnected network does. Returns
/// the pruned model and its number of channels in each stage.
fn pruned_at_random(
    model: &Model,
    channels: &[usize],
    blocks: usize,
    seed: u64,
) -> Result<(Model, Vec<usize>), TestCaseError> {
    let (kept, trunk) = random_kept(model, channels, blocks, seed);
    let pruned = surgery::remove_filters(model, &kept).unwrap();
    let cut = disconnected(model, &kept, &trunk);
    let image = support::draw(
        &mut seed::stream(seed, "image"),
        model.network.input.shape().elements(),
        -1.0,
    );
    let [got, want] =
        [&pruned, &cut].map(|m| reference::logits(&m.network, &m.weights, &image).unwrap());
    let largest = want.iter().fold(1.0f32, |largest, logit| largest.max(logit.abs()));
    for (got, want) in got.iter().zip(&want) {
        prop_assert!((got - want).abs() <= 1e-5 * largest, "{got} is not {want}");
    }
    for (name, stay) in &kept {
        prop_assert_eq!(pruned.weights.get(&format!("{name}.weight")).shape[0], stay.len());
    }
    pruned.weights.check(&pruned.network).unwrap();
    prop_assert_eq!(
        counts::count(&pruned.network).unwrap().parameters,
        support::trainable(&pruned)
    );
    prop_assert_eq!(
        &surgery::remove_filters_from_graph(&model.network, &kept).unwrap(),
        &pruned.network
    );
    let left =
        channels.iter().map(|channels| trunk.iter().filter(|channel| *channel < channels).count());
    Ok((pruned, left.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_resnet_pruned_twice_computes_what_the_disconnected_one_does(
        mut channels in prop::collection::vec(1usize..7, 1..4), blocks in 1usize..3, seed: u64,
    ) {
        channels.sort_unstable();
        let model = resnet(&channels, blocks, seed);
        let (pruned, left) = pruned_at_random(&model, &channels, blocks, seed)?;
        pruned_at_random(&pruned, &left, blocks, seed ^ 1)?;
        prop_assert_eq!(surgery::remove_filters(&model, &Kept::new()).unwrap(), model);
    }
}

#[test]
fn operands_of_an_addition_must_keep_the_same_channels() {
    let model = resnet(&[2, 4], 1, 1);
    let error = |kept: &[(&str, &[usize])]| {
        let kept = kept.iter().map(|(name, stay)| (name.to_string(), stay.to_vec())).collect();
        surgery::remove_filters(&model, &kept).unwrap_err().to_string()
    };
    let expected = "stage1.block1.add adds stage1.block1.norm2 and stem.activation, which would keep different channels";
    assert_eq!(error(&[("stem.conv", &[0])]), expected);
    assert_eq!(error(&[("stage1.block1.conv2", &[1]), ("stem.conv", &[0])]), expected);
    let later = error(&[("stem.conv", &[0]), ("stage1.block1.conv2", &[0])]);
    assert!(
        later.starts_with("stage2.block1.add") && later.contains("stage2.block1.shortcut"),
        "{later}"
    );
}

/// A shortcut with another reader keeps all zero channels, and so must the other operand.
#[test]
fn zero_channels_with_another_reader_are_kept() {
    let mut model = resnet(&[2, 4], 1, 1);
    let pool = Node {
        name: "spy".into(),
        op: Op::GlobalMaxPool {},
        inputs: vec!["stage2.block1.shortcut".into()],
    };
    let at = model.network.nodes.iter().position(|node| node.name == "stage2.block1.add").unwrap();
    let kept = Kept::from([("stage2.block1.conv2".to_string(), vec![0, 1, 3])]);
    surgery::remove_filters(&model, &kept).unwrap();
    model.network.nodes.insert(at, pool);
    assert!(
        surgery::remove_filters(&model, &kept)
            .unwrap_err()
            .to_string()
            .starts_with("stage2.block1.add")
    );
}

/// A round removes filters of the first convolution of each block only. The rounds end when one
/// more filter would exceed the cap.
#[test]
fn rounds_prune_within_blocks() {
    let model = resnet(&[16, 32, 64], 1, 1);
    let before = counts::count(&model.network).unwrap().parameters;
    for share in [0.3, 0.65] {
        let cap = Cap { before, share };
        let settings = support::selection(PruneMethod::Kmeans, 0.9);
        let mut last = model.clone();
        for index in 1.. {
            if let Some(end) = selection::end(&last.network, &cap, &[]).unwrap() {
                assert_eq!(end, PruneEnd::Cap);
                break;
            }
            last = selection::prune(&last, &cap, &settings, index).unwrap();
        }
        let left = counts::count(&last.network).unwrap().parameters;
        let smallest_filter = 2 * 9 * 16 + 2;
        assert!(cap.removed(left) <= share && cap.removed(left - smallest_filter) > share);
        for (pruned, whole) in last.network.nodes.iter().zip(&model.network.nodes) {
            let Op::Conv2d { out_channels, .. } = pruned.op else { continue };
            let name = &pruned.name;
            let Op::Conv2d { out_channels: all, .. } = whole.op else {
                panic!("{name} was not a convolution")
            };
            assert_eq!(
                out_channels < all,
                name.ends_with(".conv1"),
                "{name}: {out_channels} of {all}"
            );
        }
    }
}

/// The stem's channels are added to those of blocks; it has no transitions.
#[test]
fn a_stem_that_is_added_to_cannot_be_pruned_alone() {
    let model = resnet(&[2, 4], 1, 1);
    let error = prunable::prunable(&model.network, &[PrunePart::Stem]).unwrap_err();
    let said = format!("{error:#}");
    assert!(
        said.starts_with(
            "stem (stem.conv) cannot be pruned here; leave it out of --also: stage1.block1.add"
        ),
        "{said}"
    );
    let names = |also| prunable::prunable(&model.network, also).unwrap();
    assert_eq!(names(&[PrunePart::Transitions]), names(&[]));
}
