//! `fetch-data convert`.

use crate::place::{Place, colour, grey};
use common::files::json;
use common::network::Input;
use common::network::activation::Activation;
use common::network::template::Template;
use common::search::genome::{Genome, Optimizer};
use pictures::{Resize, Target, pixels};
use std::fs;

fn network(place: &Place, channels: usize, resize: Resize) {
    let genome = Genome {
        left_activation: Activation::Relu,
        right_activation: Activation::Relu,
        condense_layers: 1,
        feature_extraction_layers: 7,
        kernel_size: 3,
        optimizer: Optimizer::Adam,
    };
    let (mean, std) = (vec![0.5; channels], vec![0.5; channels]);
    let input = Input { channels, height: 10, width: 12, mean, std, resize };
    let network = Template::default().expand(&genome, input, vec!["a".into(), "b".into()]).unwrap();
    json::write(&place.path("network.json"), &network).unwrap();
}

#[test]
fn pictures_become_an_idx_file_in_the_shape_of_the_network() {
    let place = Place::new();
    let (first, second) = (colour(1), grey(3, 60, 20));
    place.write("my a.png", &first);
    place.write("b.png", &second);
    for (channels, header) in [
        (3, &[0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 0, 12][..]),
        (1, &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0, 12]),
    ] {
        for resize in Resize::ALL {
            network(&place, channels, resize);
            let args =
                ["convert", "--network", "network.json", "my a.png", "b.png", "--out", "x/out.idx"];
            let said = place.run(&args);
            assert_eq!((said.code, said.out.as_str()), (0, "x/out.idx\n"), "{}", said.err);
            let target = Target { channels, height: 10, width: 12, resize };
            let planes = |bytes: &[u8]| pixels(bytes, &target).unwrap();
            let expected = [header.to_vec(), planes(&first), planes(&second)].concat();
            assert_eq!(fs::read(place.path("x/out.idx")).unwrap(), expected);
        }
    }
}

#[test]
fn an_unusable_picture_is_named_and_nothing_is_written() {
    let place = Place::new();
    network(&place, 1, Resize::Stretch);
    place.write("a.png", &colour(1));
    place.write("b.png", b"no picture");
    let run = |images: [&str; 2]| {
        let args = [&["convert", "--network", "network.json", "--out", "out.idx"], &images[..]];
        place.run(&args.concat()).error()
    };
    let error = run(["a.png", "b.png"]);
    assert!(error.contains("b.png: not a usable picture"), "{error}");
    assert!(run(["a.png", "c.png"]).contains("c.png: cannot read the file"));
    assert!(!place.path("out.idx").exists());
    let said = place.run(&["convert", "--network", "network.json", "--out", "out.idx"]);
    assert_eq!(said.code, 2);
}
