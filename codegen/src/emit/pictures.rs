//! The optional part of a crate that decodes pictures, as training does.

use super::target::Target;
use crate::file::File;
use crate::template::fill;
use common::network::Input;

/// The packages that this part is built from: name and the rest of the entry in `Cargo.lock`. They
/// are those of this workspace, so that the same pictures give the same pixels.
pub(super) const PACKAGES: &str = include_str!("../../templates/images/Cargo.lock.txt");
/// The package that the crate depends on directly.
pub(super) const DEPENDENCY: &str = "image";
/// The attribute of a library that has the standard library for pictures only.
const NO_STD_UNLESS_IMAGES: &str = "\
//! The feature `images` adds the module `pictures`, which needs an operating system.
#![cfg_attr(not(feature = \"images\"), no_std)]";
/// The module, as a library declares it.
const MODULE: &str = "#[cfg(feature = \"images\")]\npub mod pictures;\n";
/// The oldest version of Rust that builds the packages.
const RUST: &str = "1.88";

/// Returns the source files of the module `pictures`.
pub(super) fn files() -> Vec<File> {
    let sources = pictures::SOURCES.iter();
    sources
        .map(|(path, source)| (format!("src/pictures/{path}"), source.as_bytes().to_vec()))
        .collect()
}

/// Returns the values of the markers for this part in a library for CPUs; without pictures the
/// library is without all of it.
pub(super) fn library_values(input: &Input, decodes_pictures: bool) -> [(&'static str, String); 3] {
    let [no_std, module, target] = if decodes_pictures {
        [NO_STD_UNLESS_IMAGES.to_string(), MODULE.to_string(), target(input)]
    } else {
        ["#![no_std]".to_string(), String::new(), String::new()]
    };
    [("NO_STD", no_std), ("PICTURES", module), ("TARGET", target)]
}

/// Returns the constant that says what pictures become.
pub(super) fn target(input: &Input) -> String {
    let resize = format!("{:?}", input.resize);
    fill(include_str!("../../templates/images/target.rs.txt"), &[("RESIZE", &resize)])
}

/// Returns the oldest version of Rust that builds the crate with pictures.
pub(super) fn rust(target: &Target) -> &'static str {
    // Versions of two digits compare as texts.
    target.rust().max(RUST)
}
