//! The part of a crate for programs in C: a header, the crate of a static library, and an example.

mod strings;
mod values;

use super::bare_metal;
use super::lock::{self, Package};
use super::package::Crate;
use super::target::Target;
use crate::file::File;
use crate::template::fill_all;
use values::Values;

/// The name of the example's folder.
const EXAMPLE: &str = "examples/c";

/// Returns the files of this part; none if it is not asked for.
pub(super) fn files(package: &Crate<'_>) -> Vec<File> {
    if !package.c_api {
        return vec![];
    }
    let values = values::values(package);
    let mut files = common_files(package, &values);
    files.extend(match &package.target {
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => hosted(&values),
        Target::CortexM(_) => on_bare_metal(&values),
    });
    files
}

/// Returns the part of the README on C; nothing if C is not asked for.
pub(super) fn readme(package: &Crate<'_>) -> String {
    if !package.c_api {
        return String::new();
    }
    let template = match &package.target {
        Target::CortexM(_) => include_str!("../../templates/c/cortex-m/README.md"),
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => {
            include_str!("../../templates/c/hosted/README.md")
        }
    };
    fill_all(template, &values::values(package))
}

/// Returns the files that do not depend on what a program starts with.
fn common_files(package: &Crate<'_>, values: &Values) -> Vec<File> {
    let header = format!("include/{}.h", package.library);
    vec![
        filled(&header, include_str!("../../templates/c/header.h.txt"), values),
        filled("c/Cargo.toml", include_str!("../../templates/c/Cargo.toml.txt"), values),
        ("c/Cargo.lock".to_string(), lock(package).into_bytes()),
        filled("c/src/lib.rs", include_str!("../../templates/c/lib.rs"), values),
        filled(&format!("{EXAMPLE}/main.c"), include_str!("../../templates/c/main.c.txt"), values),
    ]
}

/// Returns what is for operating systems.
fn hosted(values: &Values) -> Vec<File> {
    let makefile = include_str!("../../templates/c/hosted/Makefile.txt");
    vec![
        filled(&format!("{EXAMPLE}/Makefile"), makefile, values),
        filled("tests/c.rs", include_str!("../../templates/c/hosted/test.rs.txt"), values),
    ]
}

/// Returns what is for microcontrollers.
fn on_bare_metal(values: &Values) -> Vec<File> {
    let makefile = include_str!("../../templates/c/cortex-m/Makefile.txt");
    vec![
        filled(&format!("{EXAMPLE}/Makefile"), makefile, values),
        (
            format!("{EXAMPLE}/example.ld"),
            include_bytes!("../../templates/c/cortex-m/example.ld").to_vec(),
        ),
        (
            format!("{EXAMPLE}/startup.c"),
            include_bytes!("../../templates/c/cortex-m/startup.c").to_vec(),
        ),
    ]
}

/// Returns the `Cargo.lock` of the static library. Features that are off have no packages there.
fn lock(package: &Crate<'_>) -> String {
    let name = package.manifest.name.as_str();
    let (packages, dependencies): (&[&str], &[&str]) = match &package.target {
        Target::CortexM(_) => (&[bare_metal::PACKAGES], &[bare_metal::DEPENDENCY]),
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => (&[], &[]),
    };
    lock::lock(
        &[
            Package { name, dependencies },
            Package { name: &format!("{name}-c"), dependencies: &[name] },
        ],
        packages,
    )
}

fn filled(path: &str, template: &str, values: &Values) -> File {
    (path.to_string(), fill_all(template, values).into_bytes())
}
