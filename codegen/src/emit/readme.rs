//! `README.md`.

use super::body::Body;
use super::c_api;
use super::package::Crate;
use super::pictures::rust;
use super::target::Target;
use crate::markdown::{class_list, json_string};
use crate::template::fill;
use common::manifest::Manifest;
use common::resize::{FILTER, Resize};

/// When a library that can decode pictures has no dependencies.
const UNLESS: &str = " without the feature\n  `images`";

/// Returns the text of the README.
pub(super) fn readme(package: &Crate<'_>) -> String {
    let shape = package.network.input.shape().to_string();
    let Manifest { parameters, macs, weights_bytes, arena_bytes, fit, .. } = package.manifest;
    let device_bytes = fit.as_ref().and_then(|fit| fit.device_bytes).unwrap_or_default();
    let numbers =
        [*parameters, *macs, *weights_bytes, *arena_bytes, device_bytes].map(|n| n.to_string());
    let (platform, kernels) = package.target.words(package.manifest.precision);
    let build = package.target.readme();
    let samples = match &package.body {
        Body::F32(body) => body.golden.describe(),
        Body::Int8(body) => body.golden.describe(),
    };
    let values = [
        ("NAME", package.manifest.name.as_str()),
        ("LIBRARY", &package.library),
        ("PLATFORM", platform),
        ("KERNELS", kernels),
        ("BUILD", &build),
        ("SHAPE", &shape),
        ("CLASSES", &package.network.classes.len().to_string()),
        ("SAMPLES", &samples),
        ("PARAMETERS", &numbers[0]),
        ("MACS", &numbers[1]),
        ("WEIGHTS_BYTES", &numbers[2]),
        ("ARENA_BYTES", &numbers[3]),
        ("DEVICE_BYTES", &numbers[4]),
        ("CLASS_LIST", &class_list(&package.network.classes, "`CLASSES` of the library")),
        ("ACCURACY", &package.results.accuracy()),
        ("DATA", &package.results.data()),
        ("SEED", &package.results.seed()),
        ("RESIZE", package.network.input.resize.name()),
        ("FILTER", FILTER),
        ("PICTURES", &pictures(package)),
        ("C_API", &c_api::readme(package)),
        ("UNLESS", if package.target.decodes_pictures() { UNLESS } else { "" }),
    ];
    let template = match (&package.target, &package.body) {
        (Target::Cuda(_), _) => include_str!("../../templates/cuda/README.md"),
        (_, Body::F32(_)) => include_str!("../../templates/README.md"),
        (_, Body::Int8(_)) => include_str!("../../templates/int8/README.md"),
    };
    fill(template, &values)
}

/// Returns the part on pictures.
fn pictures(package: &Crate<'_>) -> String {
    let template = if package.target.decodes_pictures() {
        include_str!("../../templates/images/README.md")
    } else {
        include_str!("../../templates/cortex-m/pictures.md")
    };
    let rule = match package.network.input.resize {
        Resize::Stretch => "its rows and columns are scaled by different factors",
        Resize::Letterbox => "it is scaled to fit, with black around it",
        Resize::Crop => "the largest central part of the network's shape is scaled",
    };
    let values = [
        ("LIBRARY", package.library.as_str()),
        ("RULE", rule),
        ("FILTER", FILTER),
        ("LABEL", &json_string(&package.network.classes[0])),
        ("IMAGES_RUST", rust(&package.target)),
    ];
    fill(template, &values)
}
