//! `src/lib.rs` of a crate in 8-bit integers, and its kernels: constants, and one call of a kernel
//! for each step of the plan.

use super::super::body::Int8Body;
use super::super::library::shared_constants;
use super::super::package::Crate;
use super::super::pictures;
use super::super::target::Target;
use super::calls::{Call, calls};
use super::inner_loops;
use crate::file::File;
use crate::template::fill_all;
use common::network::Network;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The modules of the runtime that every crate uses, with a name in each.
const ALWAYS: [(&str, &str); 2] = [("arena", "split"), ("dispatch", "Kernels")];
/// The functions that return parts of the constants of tables.
const TABLE_FUNCTIONS: &str = "
fn factors(range: Range<usize>) -> &'static [i16] {
    &CONSTANTS.0.factors[range]
}

fn table(index: usize) -> &'static [u8; 256] {
    &CONSTANTS.0.tables[index]
}
";

/// Returns the network's library and its kernels.
pub(in super::super) fn files(package: &Crate<'_>, body: &Int8Body<'_>) -> Vec<File> {
    let loops = match package.target {
        Target::CortexM(_) => Some(inner_loops::source(body.plan)),
        Target::X86_64 | Target::Aarch64 | Target::Armv7 | Target::Cuda(_) => None,
    };
    let kernel = |(path, source): &(&str, &str)| {
        let own = loops.as_ref().filter(|_| *path == inner_loops::FILE);
        let text = own.map_or_else(|| source.to_string(), String::clone);
        (format!("src/runtime/{path}"), text.into_bytes())
    };
    let mut files: Vec<File> = runtime::INT8_SOURCES.iter().map(kernel).collect();
    let source =
        source(&package.manifest.name, package.network, body, package.target.decodes_pictures());
    files.push(("src/lib.rs".to_string(), source.into_bytes()));
    files
}

/// Returns the text of `src/lib.rs`.
fn source(name: &str, network: &Network, body: &Int8Body<'_>, decodes_pictures: bool) -> String {
    let calls = calls(network, body);
    let lengths = body.plan.lengths;
    let mut values = shared_constants(name, network);
    values.extend(pictures::library_values(&network.input, decodes_pictures));
    let tables = if lengths.tables > 0 { TABLE_FUNCTIONS } else { "" };
    values.extend([
        ("USES", imports(&calls)),
        ("ARENA_LEN", body.plan.arena_len.to_string()),
        ("LOGIT_SCALE", format!("{:?}", body.logit_scale)),
        ("WORDS", lengths.words.to_string()),
        ("FACTORS", lengths.factors.to_string()),
        ("TABLES", lengths.tables.to_string()),
        ("WEIGHTS", lengths.weights.to_string()),
        ("STEPS", calls.iter().map(Call::text).collect::<Vec<_>>().join("\n\n")),
        ("TABLE_FUNCTIONS", tables.to_string()),
    ]);
    fill_all(include_str!("../../../templates/int8/lib.rs.txt"), &values).trim_end().to_string()
        + "\n"
}

/// Returns the `use` lines for the names in the steps, in order.
fn imports(calls: &[Call]) -> String {
    let mut imports = BTreeSet::from(ALWAYS);
    imports.extend(calls.iter().flat_map(|call| call.imports.iter().copied()));
    let imports: Vec<(&str, &str)> = imports.into_iter().collect();
    let mut lines = String::new();
    for of_module in imports.chunk_by(|a, b| a.0 == b.0) {
        let module = of_module[0].0;
        let names: Vec<&str> = of_module.iter().map(|(_, name)| *name).collect();
        let _ = match names[..] {
            [name] => writeln!(lines, "use runtime::{module}::{name};"),
            _ => writeln!(lines, "use runtime::{module}::{{{}}};", names.join(", ")),
        };
    }
    lines
}
