//! Where the crates of a network lie, and the commands that use them.

use common::board::Platform;
use common::manifest::Manifest;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// A command, and what it does.
struct Use {
    what: &'static str,
    command: String,
}

/// Returns the crates in the folder of a network, given relative to the run, with their commands.
pub(super) fn crates(manifests: &BTreeMap<String, Manifest>, folder: &str) -> Markup {
    html! {
        @if manifests.is_empty() {
            p { "No crate yet: " code { "make codegen BOARD=host" } " writes it." }
        } @else {
            p.hint { "Commands for the run's folder; the README.md in a crate's folder says more." }
        }
        @for (name, manifest) in manifests {
            @let place = format!("{folder}/crate-{name}");
            p { b { (manifest.name) } " for " (name) ", in " code { (place) } }
            @for Use { what, command } in uses(manifest, folder, &place) {
                p.what { (what) }
                div.command {
                    pre { code { (command) } }
                    button type="button" data-copy hidden aria-label={ "Copy: " (what) } { "Copy" }
                }
            }
        }
    }
}

fn uses(manifest: &Manifest, network: &str, place: &str) -> Vec<Use> {
    let dependency = Use {
        what: "As a dependency, in your Cargo.toml (the path is relative to that file):",
        command: format!("[dependencies]\n{} = {{ path = \"{place}\" }}", manifest.name),
    };
    match manifest.platform {
        Platform::X86_64 | Platform::Cuda => {
            vec![bench("Build and time it:", place), classify(place), dependency]
        }
        Platform::Aarch64 | Platform::Armv7 => {
            vec![bench("Build and time it, on the board:", place), classify(place), dependency]
        }
        Platform::CortexM => vec![
            Use {
                what: "Build and time it, on the board or emulator of .cargo/config.toml:",
                command: format!("(cd {place} && cargo run --release --bin bench)"),
            },
            Use {
                what: "Make images of pictures, which classify reads:",
                command: format!(
                    "fetch-data convert --network {network}/network.json photo.jpg --out images"
                ),
            },
            dependency,
        ],
        Platform::Onnx => vec![Use {
            what: "Install what runs the model, as its README.md shows:",
            command: "pip install onnxruntime numpy".to_string(),
        }],
    }
}

fn bench(what: &'static str, place: &str) -> Use {
    let command = format!("cargo run --release --manifest-path {place}/Cargo.toml --bin bench");
    Use { what, command }
}

fn classify(place: &str) -> Use {
    Use {
        what: "Classify a picture:",
        command: format!(
            "cargo run --release --manifest-path {place}/Cargo.toml --features images \
             --bin classify -- photo.jpg"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::precision::Precision;

    fn manifest(platform: Platform) -> Manifest {
        Manifest {
            name: "digits-1-dense".into(),
            platform,
            precision: Precision::F32,
            network_sha256: String::new(),
            weights_sha256: String::new(),
            parameters: 1,
            macs: 1,
            weights_bytes: 1,
            arena_bytes: 1,
            arena_lower_bound_bytes: 1,
            layers: vec![],
            input: None,
            fit: None,
        }
    }

    #[test]
    fn each_crate_has_three_commands_to_copy() {
        for (platform, name) in
            [(Platform::X86_64, "x86_64"), (Platform::CortexM, "qemu-mps2-an386")]
        {
            let all = BTreeMap::from([(name.to_string(), manifest(platform))]);
            let html = crates(&all, "networks/1/dense").into_string();
            assert_eq!(html.matches("data-copy").count(), 3);
            let path = format!("= {{ path = &quot;networks/1/dense/crate-{name}&quot; }}");
            let path = format!("[dependencies]\ndigits-1-dense {path}");
            assert!(html.contains(&path), "{html}");
        }
        assert!(crates(&BTreeMap::new(), "x").into_string().contains("make codegen"));
    }
}
